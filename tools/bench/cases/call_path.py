"""What one op costs where its work is nothing."""

from __future__ import annotations

from rows import Mean

from .case import Case, Program, Section

FOUR = "a, b = data(4), data(4)"
FOUR_WITH_GRADIENT = "a, b = data(4).requires_grad_(), data(4).requires_grad_()"
MATRIX = "m = data(8, 8)"

CHAIN = """
x = data(4).requires_grad_()
def chain():
    y = x
    for _ in range(5):
        y = ((y * 0.9 + 0.1).tanh() * y)
    x.grad = None
    y.sum().backward()
"""


def op(name: str, setup: str, statement: str, numpy: str = "", result: str = "", target: float = 0.3) -> Case:
    """A row beside PyTorch and NumPy, whose statement is the same unless it has its own."""
    own = {"NumPy": Program(numpy)} if numpy else {}
    return Case(name, setup, statement, target, result=result, others={"NumPy": 1.0}, own=own)


def beyond(name: str, setup: str, statement: str, target: float, per: int = 1, result: str = "") -> Case:
    """A row beside PyTorch alone, which the mean leaves out."""
    return Case(name, setup, statement, target, per, result, averaged=False)


SECTION = Section(
    key="calls",
    title="Call path",
    about="Tensors of 4 or 8 × 8 floats: what is measured is the way to the kernel and back.",
    means=[Mean("PyTorch", 0.15)],
    cases=[
        op("a + b", FOUR, "a + b", target=0.15),
        op("a + 1", FOUR, "a + 1"),
        op("a * b", FOUR, "a * b"),
        op("a += b", FOUR, "a.add_(b)", numpy="a.__iadd__(b)"),
        op("8 × 8 @ 8 × 8", MATRIX, "m @ m"),
        op("sum", FOUR, "a.sum()"),
        op("slice x[1:3]", MATRIX, "m[1:3]", target=0.2),
        op("x[0]", MATRIX, "m[0]", target=0.2),
        op("view", MATRIX, "m.view(4, 16)", numpy="m.reshape(4, 16)", target=0.2),
        op("reshape", MATRIX, "m.reshape(4, 16)", target=0.2),
        op("transpose", MATRIX, "m.transpose(0, 1)", target=0.2),
        op("cat of two", FOUR, "xp.cat([a, b])", numpy="xp.concatenate([a, b])"),
        op("item", "s = data(1)", "s.item()"),
        op("zeros(4)", "", "xp.zeros(4)"),
        beyond("exp", FOUR, "a.exp()", 0.3),
        beyond("slice x[1:3, 2:6]", MATRIX, "m[1:3, 2:6]", 0.2),
        beyond("a + b with gradient", FOUR_WITH_GRADIENT, "a + b", 0.15),
        beyond("a * b with gradient", FOUR_WITH_GRADIENT, "a * b", 0.2),
        beyond("chain of 20 ops and backward, an op", CHAIN, "chain()", 0.12, per=20, result="[chain(), x.grad]"),
    ],
)
