"""The networks of the training steps and of inference, as programs for either library.

Each is given `batch`, and leaves `model`, its inputs and `forward`, which gives the loss.
"""

from __future__ import annotations


def with_batch(network: str, batch: int) -> str:
    """The program of a network; where it only warms up, its batch is small."""
    return f"batch = min(2, {batch}) if small else {batch}\n{UNIT}{network}"


# Rounding turns some of millions of rectified units on or off, and one of them moves gradients by a tenth. So a deep
# network calls its units by this name, and its gradients are compared with smooth ones in their place.
UNIT = """
unit = F.relu

def smoothly(find):
    global unit
    unit = F.silu
    try:
        return find()
    finally:
        unit = F.relu
"""


MLP = """
model = filled(nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)))
x, y = data(batch, 784), classes(10, batch)

def forward():
    return F.cross_entropy(model(x), y)
"""

LENET = """
model = filled(nn.Sequential(
    nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
    nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
))
x, y = data(batch, 1, 28, 28), classes(10, batch)

def forward():
    return F.cross_entropy(model(x), y)
"""

TINY = """
model = filled(nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1)))
x, y = data(batch, 8), data(batch, 1)

def forward():
    return F.mse_loss(model(x), y)
"""

LSTM = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(128, 128)
        self.out = nn.Linear(128, 10)

    def forward(self, x):
        return self.out(self.lstm(x)[0][-1])

model = filled(Net())
x, y = data(64, batch, 128), classes(10, batch)

def forward():
    return F.cross_entropy(model(x), y)
"""

GPT = """
words, width, heads, length = 256, 128, 4, 128

class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def attention(self, x):
        q, k, v = (t.unflatten(-1, (heads, -1)).transpose(1, 2) for t in self.qkv(x).chunk(3, -1))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.proj(mixed.transpose(1, 2).flatten(2))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.down(F.gelu(self.up(self.norm2(x))))

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.token, self.position = nn.Embedding(words, width), nn.Embedding(length, width)
        self.blocks = nn.Sequential(*[Block() for _ in range(4)])
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, words, bias=False)
        self.register_buffer("places", xp.arange(length))

    def forward(self, x):
        return self.head(self.norm(self.blocks(self.token(x) + self.position(self.places))))

model = filled(Net())
x, y = classes(words, batch, length), classes(words, batch, length)

def forward():
    return F.cross_entropy(model(x).flatten(0, 1), y.flatten())
"""

# The form for small images: the first convolution is 3 × 3 and nothing is pooled before the blocks.
RESNET = """
class Unit(nn.Module):
    def forward(self, x):
        return unit(x)

class Block(nn.Module):
    def __init__(self, channels, out, stride):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out)
        self.conv2, self.norm2 = nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out)
        self.short = nn.Sequential()
        if stride != 1 or channels != out:
            self.short = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x):
        y = unit(self.norm1(self.conv1(x)))
        return unit(self.norm2(self.conv2(y)) + self.short(x))

def stage(channels, out, stride):
    return [Block(channels, out, stride), Block(out, out, 1)]

model = filled(nn.Sequential(
    nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), Unit(),
    *stage(64, 64, 1), *stage(64, 128, 2), *stage(128, 256, 2), *stage(256, 512, 2),
    nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10),
))
x, y = data(batch, 3, 32, 32), classes(10, batch)

def forward():
    return F.cross_entropy(model(x), y)
"""
