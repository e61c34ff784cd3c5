"""Ops that move more than they compute, from a thousand elements to ten million."""

from __future__ import annotations

from dataclasses import replace

from rows import Mean

from .case import Case, Section

KEPT = "PyTorch, kept heap"
SIZES = {1_000: ("10³", 10, 100), 100_000: ("10⁵", 100, 1000), 1_000_000: ("10⁶", 1000, 1000)}
SIZES[10_000_000] = ("10⁷", 10_000, 1000)
LARGEST = max(SIZES)
REACHED = 0.85  # of the measured bandwidth, by elementwise ops and reductions over the most elements

TWO = "a, b = data(n), data(n)"
MATRIX = "m = data(rows, cols)"
NORM = """
m, w, b = data(rows, cols).requires_grad_(), data(cols).requires_grad_(), data(cols).requires_grad_()
g = data(rows, cols)
y = F.layer_norm(m, (cols,), w, b)
"""
# Random numbers differ between libraries; what is compared is how they are spread.
SPREAD = """
def spread(t):
    return xp.stack([t.mean(), t.std(), (t.abs() > 1).float().mean(), (t > 0).float().mean()])
"""


def op(
    name: str,
    setup: str,
    statement: str,
    moved: float = 0,
    kernel: str = "copy",
    judged: bool = True,
    result: str = "",
    tolerance: float = 1e-5,
) -> list[Case]:
    """A row for each size; `moved` counts bytes an element, and is judged of elementwise ops and reductions."""
    cases = []
    for n, (size, rows, cols) in SIZES.items():
        largest = n == LARGEST
        cases.append(
            Case(
                f"{name}, {size}",
                f"n, rows, cols = {n}, {rows}, {cols}\n{setup}",
                statement,
                1.2,
                result=result,
                tolerance=tolerance,
                moved=int(moved * n) if largest else 0,
                kernel=kernel,
                others={KEPT: None},
                share=REACHED if judged and largest and moved else None,
            )
        )
    return cases


def random(name: str, statement: str) -> list[Case]:
    """As op; the spread of n numbers is compared within six times its own."""
    setup = f"a = xp.ones(n)\n{SPREAD}"
    rows = op(name, setup, statement, 4 if "randn" in name else 8, judged=False, result=f"spread({statement})")
    return [replace(case, tolerance=6 * n**-0.5) for case, n in zip(rows, SIZES, strict=True)]


def strict(cases: list[Case]) -> list[Case]:
    """The largest must also hold the bar of earlier versions."""
    return [*cases[:-1], replace(cases[-1], target=0.3)]


CASES = [
    *strict(op("a + b", TWO, "a + b", 12, "add")),
    *op("a * b + a", TWO, "a * b + a", 24, "add"),
    *strict(op("exp", TWO, "a.exp()", 8)),
    *op("tanh", TWO, "a.tanh()", 8),
    *op("gelu", TWO, "F.gelu(a)", 8),
    *strict(op("relu", TWO, "a.relu()", 8)),
    *op("where", f"{TWO}\nc = a > 0", "xp.where(c, a, b)", 13, "add"),
    *op("float32 to bfloat16", TWO, "a.bfloat16()", 6, "narrow"),
    *op("bfloat16 to float32", "a = data(n).bfloat16()", "a.float()", 6, "widen"),
    *op("float32 to float16", TWO, "a.half()", 6, "narrow"),
    *op("float16 to float32", "a = data(n).half()", "a.float()", 6, "widen"),
    *op("broadcast add", f"{MATRIX}\nr = data(cols)", "m + r", 8),
    *op("sum over all", MATRIX, "m.sum()", 4, "read", tolerance=1e-3),
    *op("sum over dim 0", MATRIX, "m.sum(0)", 4, "read"),
    *op("sum over dim 1", MATRIX, "m.sum(1)", 4, "read"),
    *op("argmax", TWO, "a.argmax()", 4, "read"),
    *op("softmax", MATRIX, "m.softmax(1)", 8, judged=False),
    *op("log_softmax", MATRIX, "m.log_softmax(1)", 8, judged=False),
    *op("layer_norm, forward", NORM, "F.layer_norm(m, (cols,), w, b)", 8, judged=False),
    *op("layer_norm, backward", NORM, "xp.autograd.grad(y, [m, w, b], g, retain_graph=True)", 12, judged=False),
    *op("cumsum", TWO, "a.cumsum(0)", 8, judged=False, tolerance=1e-4),
    *op("cumsum over dim 1", MATRIX, "m.cumsum(1)", 8, judged=False),
    *op("transposed copy", MATRIX, "m.t().contiguous()", 8, judged=False),
    *op("masked_select", f"{TWO}\nc = b > 0", "xp.masked_select(a, c)"),
    *op("gather over dim 1", f"{MATRIX}\ni = classes(cols, rows, cols)", "m.gather(1, i)", 16, judged=False),
    *op("index_select of rows", f"{MATRIX}\ni = classes(rows, rows)", "m.index_select(0, i)", 8, judged=False),
    *op("cat of two", TWO, "xp.cat([a, b])", 16, judged=False),
    *random("randn", "xp.randn(n)"),
    *random("dropout", "F.dropout(a, 0.5)"),
]

SECTION = Section(
    key="memory-bound",
    title="Memory-bound ops",
    about="float32; matrices have rows of 1,000 (of 100 where there are 10³ elements). The second column of PyTorch "
    "has its heap kept and in huge pages (glibc's tunables), its users' known work-around.",
    means=[Mean("PyTorch", 0.45), Mean(KEPT, 0.8)],
    cases=CASES,
)
