"""Whole models: the forward pass, the backward pass of a graph that is kept, and both together."""

from __future__ import annotations

from .case import Case

MLP = """
model = filled(nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)))
x, y = data(128, 784), classes(10, 128)

def forward():
    return F.cross_entropy(model(x), y)
"""

LENET = """
model = filled(nn.Sequential(
    nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
    nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
))
x, y = data(64, 1, 28, 28), classes(10, 64)

def forward():
    return F.cross_entropy(model(x), y)
"""

GPT = """
width, heads, length, batch = 128, 4, 128, 8
mask = xp.full((length, length), -float("inf")).triu(1)

class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def attention(self, x):
        q, k, v = (t.view(batch, length, heads, -1).transpose(1, 2) for t in self.qkv(x).chunk(3, -1))
        scores = q @ k.transpose(-2, -1) * (width // heads) ** -0.5 + mask
        return self.proj((scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, length, width))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.down(F.gelu(self.up(self.norm2(x))))

model = filled(nn.Sequential(*[Block() for _ in range(4)]))
x = data(batch, length, width)

def forward():
    return model(x).square().mean()
"""

# The form for small images: the first convolution is 3 × 3 and nothing is pooled before the blocks.
RESNET = """
class Block(nn.Module):
    def __init__(self, channels, out, stride):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out)
        self.conv2, self.norm2 = nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out)
        self.short = nn.Sequential()
        if stride != 1 or channels != out:
            self.short = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x):
        y = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(y)) + self.short(x))

def stage(channels, out, stride):
    return [Block(channels, out, stride), Block(out, out, 1)]

model = filled(nn.Sequential(
    nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(),
    *stage(64, 64, 1), *stage(64, 128, 2), *stage(128, 256, 2), *stage(256, 512, 2),
    nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10),
))
x, y = data(16, 3, 32, 32), classes(10, 16)

def forward():
    return F.cross_entropy(model(x), y)
"""

BACKWARD = """
def backward(loss, keep=False):
    for p in model.parameters():
        p.grad = None
    loss.backward(retain_graph=keep)

def gradients():
    loss = forward()
    backward(loss)
    return [loss, *[p.grad for p in model.parameters()]]
"""


def passes(name: str, model: str, tolerance: float = 1e-4) -> list[Case]:
    """The three rows of a model."""
    setup = model + BACKWARD
    kept = setup + "loss = forward()"
    return [
        Case(f"{name}: forward", setup, "forward()", tolerance=tolerance),
        Case(f"{name}: backward", kept, "backward(loss, True)", result="gradients()", tolerance=tolerance),
        Case(f"{name}: both", setup, "backward(forward())", result="gradients()", tolerance=tolerance),
    ]


CASES = [
    *passes("MLP 784-512-512-10, batch 128", MLP),
    *passes("LeNet, batch 64", LENET),
    *passes("4 GPT blocks, width 128, 8 × 128 tokens", GPT),
    # Rounding turns some units on or off, layer by layer: PyTorch's gradients are 1 % off those in double precision.
    *passes("ResNet-18, 32 × 32, batch 16", RESNET, tolerance=2e-2),
]
