"""What is timed: programs that both libraries run as they are, with `xp` standing for the library."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """One row: `statement` is timed after `setup` has run, and counts as `per` operations.

    `target` is the ratio to PyTorch that the row should not exceed. `moved` counts the bytes that the statement must
    move between memory and processor, as `kernel` (of stream.c) does; `flops` its floating-point operations.
    """

    name: str
    setup: str
    statement: str
    target: float
    per: int = 1
    moved: int = 0
    kernel: str = ""
    flops: int = 0


FOUR = "a, b = xp.rand(4), xp.rand(4)"
FOUR_WITH_GRADIENT = "a, b = xp.rand(4, requires_grad=True), xp.rand(4, requires_grad=True)"
MATRIX = "m = xp.rand(8, 8)"
LARGE = "a, b = xp.rand(10_000_000), xp.rand(10_000_000)"
LARGE_BYTES = 4 * 10_000_000
SQUARE = "a, b = xp.rand(1024, 1024), xp.rand(1024, 1024)"

CHAIN = """
x = xp.rand(4, requires_grad=True)
def chain():
    y = x
    for _ in range(5):
        y = ((y * 0.9 + 0.1).tanh() * y)
    x.grad = None
    y.sum().backward()
"""

# The network, optimizer and batch of docs/examples/digits.py.
TRAINING = """
from importlib import import_module
nn = import_module(xp.__name__ + ".nn")
F = import_module(xp.__name__ + ".nn.functional")
optim = import_module(xp.__name__ + ".optim")

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.dropout = nn.Dropout(0.25)
        self.fc1 = nn.Linear(32 * 4 * 4, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = self.dropout(x.flatten(1))
        return self.fc2(F.relu(self.fc1(x)))

xp.manual_seed(0)
model = Net()
optimizer = optim.Adam(model.parameters(), lr=2e-3)
x, y = xp.rand(32, 1, 8, 8), xp.randint(0, 10, (32,))

def step():
    loss = F.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()
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
    Case("chain of 20 ops and backward, an op", CHAIN, "chain()", 0.2, per=20),
    Case("a + b, 10⁷ floats", LARGE, "a + b", 0.3, moved=3 * LARGE_BYTES, kernel="add"),
    Case("exp, 10⁷ floats", LARGE, "a.exp()", 0.3, moved=2 * LARGE_BYTES, kernel="copy"),
    Case("relu, 10⁷ floats", LARGE, "a.relu()", 0.3, moved=2 * LARGE_BYTES, kernel="copy"),
    Case("a @ b, 1024 × 1024", SQUARE, "a @ b", 1.1, flops=2 * 1024**3),
    Case("training step of the digits example", TRAINING, "step()", 0.6),
]
