"""Models as their users write them: an example of the documentation, a cell by hand."""

from __future__ import annotations

from .case import Case

# The network, optimizer and batch of docs/examples/digits.py.
DIGITS = """
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

model = filled(Net())
optimizer = optim.Adam(model.parameters(), lr=2e-3)
x, y = data(32, 1, 8, 8), classes(10, 32)

def step():
    loss = F.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()

def without_dropout():
    model.eval()
    losses = [step() for _ in range(3)]
    return [xp.tensor(losses), *model.parameters()]
"""

LSTM_BY_HAND = """
features, hidden, batch, length = 16, 32, 16, 100
inputs = data(length, batch, features)
w, u = data(4 * hidden, features), data(4 * hidden, hidden)
w, u, b = [(0.2 * t).requires_grad_() for t in (w, u, data(4 * hidden))]
start = xp.zeros(batch, hidden)

def cell(x, h, c):
    i, f, g, o = (F.linear(x, w, b) + F.linear(h, u)).chunk(4, 1)
    c = xp.sigmoid(f) * c + xp.sigmoid(i) * xp.tanh(g)
    return xp.sigmoid(o) * xp.tanh(c), c

def step():
    h = c = start
    for x in inputs:
        h, c = cell(x, h, c)
    w.grad = u.grad = b.grad = None
    h.sum().backward()
    return h, w.grad, u.grad, b.grad
"""

CASES = [
    Case("training step of the digits example", DIGITS, "step()", 0.6, result="without_dropout()", tolerance=1e-3),
    Case("LSTM cell by hand, 100 steps, forward and backward", LSTM_BY_HAND, "step()", 0.35, tolerance=1e-4),
]
