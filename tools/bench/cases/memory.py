"""Memory: the peak of training steps and of other programs, and what the allocator keeps."""

from __future__ import annotations

from functools import partial

import memory

from . import training
from .case import Probe, Section

MLP = """
def make(small):
    n = 16 if small else 1024
    model = nn.Sequential(nn.Linear(n, 2 * n), nn.ReLU(), nn.Linear(2 * n, 2 * n), nn.GELU(), nn.Linear(2 * n, 10))
    x, y = xp.rand(8 if small else 4096, n), xp.randint(0, 10, (8 if small else 4096,))
    return lambda: F.cross_entropy(model(x), y).backward()
"""

CONVOLUTIONS = """
def make(small):
    n = 2 if small else 32
    model = nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(64, 10))
    x, y = xp.rand(n, 3, 64, 64), xp.randint(0, 10, (n,))
    return lambda: F.cross_entropy(model(x), y).backward()
"""

RESIDUAL = """
def make(small):
    d = 16 if small else 256
    layers = [nn.Sequential(nn.LayerNorm(d), nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d)) for _ in range(8)]
    x = xp.rand(8, 4 if small else 256, d)
    def step():
        y = x
        for layer in layers:
            y = y + layer(y)
        y.square().mean().backward()
    return step
"""

CHAIN = """
def make(small):
    x = xp.rand(1000 if small else 1_000_000, requires_grad=True)
    def step():
        y = x
        for _ in range(2 if small else 20):
            y = ((y * 0.9 + 0.1).tanh() * y).exp()
        y.sum().backward()
    return step
"""

NODES = """
def make(small):
    x = xp.rand(4, requires_grad=True)
    def step():
        y = x
        for _ in range(10 if small else 300_000):
            y = y * 0.999
        y.sum().backward()
    return step
"""

HIGHER = """
def make(small):
    x = xp.rand(1000 if small else 1_000_000, requires_grad=True)
    def step():
        y = x
        for _ in range(2 if small else 6):
            y = (y * y).tanh()
        (g,) = xp.autograd.grad(y.sum(), [x], create_graph=True)
        g.square().sum().backward()
    return step
"""

PROGRAMS = {
    "MLP, batch 4096": MLP,
    "convolutions, 32 × 3 × 64 × 64": CONVOLUTIONS,
    "eight residual blocks": RESIDUAL,
    "chain of 80 ops on 10⁶ floats": CHAIN,
    "chain of 300,000 ops on four floats": NODES,
    "gradient of a gradient, 10⁶ floats": HIGHER,
}

# Tensors of 4 KB to 16 MB come and go, up to 128 MB at once.
ALTERNATING = """
import random
draw = random.Random(0)
live = 0

def run():
    global live
    tensors, held = [], 0
    for _ in range(100 if small else 10_000):
        count = int(1024 * 4096 ** draw.random())
        while held + 4 * count > 128e6 or (tensors and draw.random() < 0.3):
            dropped = tensors.pop(draw.randrange(len(tensors)))
            held -= 4 * dropped.numel()
            del dropped
        tensors.append(xp.ones(count))
        held += 4 * count
        live = max(live, held)
"""

# Forward and backward over inputs of every size.
CHANGING_INPUTS = """
import random
draw = random.Random(0)

def run():
    for _ in range(100 if small else 10_000):
        x = xp.ones(draw.randrange(1, 1_000_000)).requires_grad_()
        (x * x).tanh().sum().backward()
"""


def step_peak(name: str, setup: str) -> Probe:
    """The peak of three steps, over the memory that holds the network and its inputs."""
    return Probe(f"training step, {name}", "B", partial(memory.growth, setup, "step(); step(); step()"), 1.0)


def program_peak(name: str, make: str) -> Probe:
    setup = make + "step = make(small)"
    return Probe(f"forward and backward, {name}", "B", partial(memory.growth, setup, "step()"), 1.05)


def over_live(name: str, setup: str, alone: bool = False) -> Probe:
    measure = partial(memory.over_live, setup, "run()")
    return Probe(f"resident over live, {name}", "", measure, at_most=1.2, alone=alone)


SECTION = Section(
    key="memory",
    title="Memory",
    about="The growth of the resident set at its highest, the least of two processes; what a library itself needs "
    "was paid before by a small run of the same program. PyTorch does not count what its tensors hold on a CPU.",
    probes=[
        *[step_peak(name, setup) for name, setup in training.SETUPS.items()],
        *[program_peak(name, make) for name, make in PROGRAMS.items()],
        over_live("10,000 tensors of 4 KB to 16 MB", ALTERNATING),
        over_live("10,000 steps on up to 10⁶ floats", CHANGING_INPUTS, alone=True),
        Probe("left of 800 MB after empty_cache()", "", memory.left, at_most=0.05),
    ],
)
