"""Numbers as functions of the sizes."""

import pytest

from dovetail.onnx.solve import proof_sizes, sample_sizes, solve

RUNS = sample_sizes({"n": 3, "m": 4})

FORMULAS = {
    "n": lambda n, m: n,
    "3 * n": lambda n, m: 3 * n,
    "(n -1)": lambda n, m: n - 1,
    "m * n": lambda n, m: n * m,
    "2 * m * n": lambda n, m: 2 * n * m,
    "(n +1) // 2": lambda n, m: (n + 1) // 2,
}


@pytest.mark.parametrize("text", FORMULAS)
def test_formula(text):
    values = [FORMULAS[text](**run) for run in RUNS]
    formula = solve(values, RUNS)
    assert formula is not None and str(formula) == text
    other = proof_sizes({"n": 3, "m": 4})
    assert formula.at(other) == FORMULAS[text](**other)


def test_windows():
    def pooled(n, m):
        return (m - 3) // 2 + 1

    formula = solve([pooled(**run) for run in RUNS], RUNS)
    assert formula is not None and all(formula.at({"n": 1, "m": m}) == pooled(1, m) for m in range(1, 40))


def test_what_is_no_function():
    assert solve([run["n"] ** 5 % 7 for run in RUNS], RUNS) is None


def test_sizes_vary_apart_and_include_one():
    for name in ("n", "m"):
        assert len({run[name] for run in RUNS}) >= 4 and 1 in {run[name] for run in RUNS}
    assert any(run["n"] != RUNS[0]["n"] and run["m"] == RUNS[0]["m"] for run in RUNS)
    assert all(proof_sizes({"n": 3})["n"] != run["n"] for run in RUNS)
