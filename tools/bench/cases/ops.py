"""Single ops, and a chain of them."""

from __future__ import annotations

from .case import Case

FOUR = "a, b = data(4), data(4)"
FOUR_WITH_GRADIENT = "a, b = data(4, requires_grad=True), data(4, requires_grad=True)"
MATRIX = "m = data(8, 8)"
LARGE = "a, b = data(10_000_000), data(10_000_000)"
LARGE_BYTES = 4 * 10_000_000
SQUARE = "a, b = data(1024, 1024), data(1024, 1024)"

CHAIN = """
x = data(4, requires_grad=True)
def chain():
    y = x
    for _ in range(5):
        y = ((y * 0.9 + 0.1).tanh() * y)
    x.grad = None
    y.sum().backward()
"""

CASES = [
    Case("a + b, four floats", FOUR, "a + b", 0.15),
    Case("a + 1, four floats", FOUR, "a + 1", 0.3),
    Case("a * b, four floats", FOUR, "a * b", 0.3),
    Case("exp, four floats", FOUR, "a.exp()", 0.3),
    Case("a.add_(b), four floats", FOUR, "a.add_(b)", 0.3),
    Case("sum, four floats", FOUR, "a.sum()", 0.3),
    Case("a + b with gradient", FOUR_WITH_GRADIENT, "a + b", 0.2),
    Case("a * b with gradient", FOUR_WITH_GRADIENT, "a * b", 0.2),
    Case("slice x[1:3]", MATRIX, "m[1:3]", 0.2),
    Case("slice x[1:3, 2:6]", MATRIX, "m[1:3, 2:6]", 0.2),
    Case("x[0]", MATRIX, "m[0]", 0.2),
    Case("view", MATRIX, "m.view(4, 16)", 0.2),
    Case("reshape", MATRIX, "m.reshape(4, 16)", 0.2),
    Case("transpose", MATRIX, "m.transpose(0, 1)", 0.2),
    Case("chain of 20 ops and backward, an op", CHAIN, "chain()", 0.2, per=20, result="[chain(), x.grad]"),
    Case("a + b, 10⁷ floats", LARGE, "a + b", 0.3, moved=3 * LARGE_BYTES, kernel="add"),
    Case("exp, 10⁷ floats", LARGE, "a.exp()", 0.3, moved=2 * LARGE_BYTES, kernel="copy"),
    Case("relu, 10⁷ floats", LARGE, "a.relu()", 0.3, moved=2 * LARGE_BYTES, kernel="copy"),
    Case("a @ b, 1024 × 1024", SQUARE, "a @ b", 1.1, flops=2 * 1024**3),
]
