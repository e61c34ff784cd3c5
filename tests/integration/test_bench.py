"""The benchmark's own arithmetic: means, bars, runs, agreement, the page; and that its cases are programs."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

BENCH = Path(__file__).resolve().parent.parent.parent / "tools" / "bench"
sys.path.insert(0, str(BENCH))
try:
    import agreement
    import report
    import timing
    from cases import SECTIONS, Case, Section
    from rows import Bar, Mean, Row, combined, geometric_mean, judged_means
finally:
    sys.path.remove(str(BENCH))

CASES = [(section.key, case) for section in SECTIONS.values() for case in section.cases]


def row(name: str, ours: float, theirs: float, **rest: Any) -> Row:
    return Row(name, "s", {"Dovetail": ours, "PyTorch": theirs}, **rest)


# ---- means and bars ----


def test_geometric_mean() -> None:
    assert geometric_mean([0.25, 1.0]) == pytest.approx(0.5)
    assert geometric_mean([3.0]) == pytest.approx(3.0)
    with pytest.raises(ValueError, match="no values"):
        geometric_mean([])


def test_means_leave_out_what_does_not_count() -> None:
    rows = [row("a", 1, 4), row("b", 1, 1), row("c", 9, 1, averaged=False), Row("d", "s", {"Dovetail": 9})]
    (mean,) = judged_means(rows, [Mean("PyTorch", 0.45), Mean("JAX", 1.0)], "Dovetail")
    assert mean.value == pytest.approx(0.5) and not mean.met


def test_bars_hold_from_above_and_from_below() -> None:
    assert Bar("PyTorch", 0.3, 0.3).met and not Bar("PyTorch", 0.31, 0.3).met
    assert Bar("bandwidth", 0.85, 0.85, least=True).met and not Bar("bandwidth", 0.84, 0.85, least=True).met
    assert Bar("", 2.0, 1.0).excess == 2 and Bar("", 0.5, 1.0, least=True).excess == 2


def test_runs_are_judged_by_their_median() -> None:
    runs = [[row("a", t, 1, bars=[Bar("PyTorch", t, 0.5)])] for t in (0.4, 0.9, 0.45)]
    runs[1][0].wrong = "off"
    (found,) = combined(runs)
    assert found.figures["Dovetail"] == 0.45 and found.bars == [Bar("PyTorch", 0.45, 0.5, False, [0.4, 0.9, 0.45])]
    assert found.bars[0].met and not found.met  # wrong once is wrong
    assert combined([[row("a", 1, 2)]]) == [row("a", 1, 2)]


def test_a_case_is_held_against_libraries_rows_and_the_machine() -> None:
    first = Case("first", "", "", 0.5, moved=80, kernel="copy", share=0.85)
    second = Case("second", "", "", others={"NumPy": 1.0}, beside={"first": 1.5})
    seconds = timing.Seconds
    times = {
        0: timing.Times({"Dovetail": [seconds(2, 1), seconds(4, 2), seconds(3, 2)], "PyTorch": [seconds(4, 4)]}),
        1: timing.Times({"Dovetail": [seconds(6, 6)], "NumPy": [seconds(12, 12)]}),
    }
    times[0].shares, times[0].bandwidths = [0.7, 0.8, 0.95], [90.0, 100.0, 120.0]
    section = Section("key", "", "", [first, second])
    a, b = timing.rows(section, times, None, by_best=False)
    assert timing.bandwidth(section, times) == {"copy": 100.0}
    assert a.bars == [Bar("PyTorch", 0.75, 0.5), Bar("bandwidth", 0.8, 0.85, least=True)]
    assert b.bars == [Bar("NumPy", 0.5, 1.0), Bar("first", 2.0, 1.5)]
    times[0].shares = []
    assert timing.rows(section, times, None, by_best=True)[0].bars == [Bar("PyTorch", 0.25, 0.5)]
    third = Section("key", "", "", [Case("third", "", "", flops=50)])
    (c,) = timing.rows(third, {0: timing.Times({"Dovetail": [seconds(2, 1)]})}, 100.0, by_best=False)
    assert (c.share, c.limit) == (0.5, "peak")


# ---- agreement ----


@pytest.mark.parametrize(
    "theirs, said",
    [
        (np.array([1.0, 2.0]), ""),
        (np.array([1.0, 2.00001]), ""),
        (np.array([1.0, 2.001]), "off by 0.001"),
        (np.array([1.0, np.nan]), "off by nan"),
        (np.array([[1.0, 2.0]]), "shape"),
        (np.array([1, 2]), "float64 of shape"),
    ],
)
def test_agreement(theirs: np.ndarray, said: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", np.array([1.0, 2.0]))
    np.savez(tmp_path / "b.npz", theirs)
    found = agreement.difference(1e-5, tmp_path / "a.npz", tmp_path / "b.npz")
    assert said in found and bool(said) == bool(found)


def test_agreement_of_nothing_and_of_booleans(tmp_path: Path) -> None:
    np.savez(tmp_path / "none.npz")
    assert agreement.difference(1e-5, tmp_path / "none.npz", tmp_path / "none.npz") == "nothing to compare"
    np.savez(tmp_path / "a.npz", np.array([True, False]))
    np.savez(tmp_path / "b.npz", np.array([True, True]))
    assert agreement.difference(1e-5, tmp_path / "a.npz", tmp_path / "a.npz") == ""
    assert "off by 1" in agreement.difference(1e-5, tmp_path / "a.npz", tmp_path / "b.npz")


# ---- the page ----


def measured(*rows: Row) -> report.Measured:
    return report.Measured(report.Conditions(2, 5, 1), list(rows), [Bar("PyTorch", 0.5, 0.45)])


def test_what_is_written_reads_back_and_other_sections_stay(tmp_path: Path) -> None:
    first = measured(row("sort", 1e-3, 2e-3, bars=[Bar("PyTorch", 0.5, 0.3)], share=0.5, limit="peak"))
    report.write(tmp_path, {"sorting": first})
    report.write(tmp_path, {"calls": measured(row("a + b", 1e-7, 1e-6, wrong="off by 2"))})
    assert report.read(tmp_path)["sorting"] == first
    assert list(json.loads((tmp_path / "cpu.json").read_text())) == ["calls", "sorting"]
    page = (tmp_path / "cpu.md").read_text()
    assert "| sort | 1.00 ms | 2.00 ms | **0.50 > 0.3** | 50 % of peak |" in page
    assert "a + b **off by 2**" in page


def test_misses_are_listed_worst_first() -> None:
    rows = [row("a", 1, 1, bars=[Bar("PyTorch", 1.0, 0.9)]), row("b", 1, 1, bars=[Bar("", 8e7, 4e7)])]
    rows.append(row("c", 1, 1, wrong="error", bars=[Bar("PyTorch", 0.1, 0.9)]))
    found = report.missed({"memory": measured(*rows)})
    assert [line.split(": ")[1] for line in found] == ["c", "b", "geometric mean over PyTorch", "a"]


@pytest.mark.parametrize(
    "value, said", [(2.5, "2.50 s"), (0.0123, "12.3 ms"), (1.04e-7, "104 ns"), (3e-11, "0.0300 ns")]
)
def test_seconds_in_words(value: float, said: str) -> None:
    assert report.seconds(value) == said


# ---- the cases ----


def test_names_are_unique_and_bars_name_rows_that_are_there() -> None:
    for section in SECTIONS.values():
        names = [measurable.name for measurable in (*section.cases, *section.probes)]
        assert len(set(names)) == len(names)
        assert {name for m in (*section.cases, *section.probes) for name in m.beside} <= set(names)


@pytest.mark.parametrize("key, case", CASES, ids=[f"{key}-{case.name}" for key, case in CASES])
def test_cases_are_programs(key: str, case: Case) -> None:
    ast.parse(case.setup)
    ast.parse(case.statement)
    ast.parse(case.result or case.statement, mode="eval")
    for own in case.own.values():
        ast.parse(own.setup or "")
        ast.parse(own.statement)
    assert set(case.own) <= set(case.libraries)
