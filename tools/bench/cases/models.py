"""Whole models: the forward pass, the backward pass of a graph that is kept, and both together."""

from __future__ import annotations

from .case import Case
from .networks import LENET, MLP, RESNET, with_batch

# Attention written out, as people do who want to see it.
GPT = """
width, heads, length = 128, 4, 128
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


def passes(name: str, model: str, batch: int) -> list[Case]:
    """The three rows of a model."""
    setup = with_batch(model, batch) + BACKWARD
    kept = setup + "loss = forward()"
    return [
        Case(f"{name}: forward", setup, "forward()", tolerance=1e-4),
        Case(f"{name}: backward", kept, "backward(loss, True)", result="smoothly(gradients)", tolerance=1e-4),
        Case(f"{name}: both", setup, "backward(forward())", result="smoothly(gradients)", tolerance=1e-4),
    ]


CASES = [
    *passes("MLP 784-512-512-10, batch 128", MLP, 128),
    *passes("LeNet, batch 64", LENET, 64),
    *passes("4 GPT blocks, width 128, 8 × 128 tokens", GPT, 8),
    *passes("ResNet-18, 32 × 32, batch 16", RESNET, 16),
]
