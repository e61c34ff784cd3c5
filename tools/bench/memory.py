"""How much memory a forward and backward run takes at its peak: `python tools/bench` prints the table.

python tools/bench/memory.py --pytorch ../torch/bin/python

Every figure comes from a process of its own: the growth of its resident set over what it had before the run, at the
highest. What a library itself needs (its code, its threads) was paid before, by a small run of the same program.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass

from footprint import run

# Run in the library's own interpreter. Writing 5 to clear_refs sets the peak back to what is resident now.
PROGRAM = """
import gc, json, sys
from importlib import import_module

xp = import_module(sys.argv[1])
nn, F = (import_module(sys.argv[1] + name) for name in (".nn", ".nn.functional"))
xp.set_num_threads(2)
xp.manual_seed(0)

def status(name):
    for line in open("/proc/self/status"):
        if line.startswith(name + ":"):
            return 1024 * int(line.split()[1])

def reset():
    gc.collect()
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")

exec(sys.argv[2])
step = make(small=True)
step()
del step
step = make(small=False)
reset()
before = status("VmRSS")
counted = sys.argv[1] == "dovetail"  # its allocator counts
if counted:
    xp.reset_peak_memory_stats()
    live = xp.memory_stats()["allocated"]
step()
peak = status("VmHWM") - before
print(json.dumps([peak, xp.memory_stats()["peak_allocated"] - live if counted else None]))
"""


@dataclass(frozen=True)
class Case:
    """One row: `make(small)` returns the run; `target` is the ratio to PyTorch that it should not exceed."""

    name: str
    make: str
    target: float = 1.05


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

CASES = [
    Case("MLP, batch 4096", MLP),
    Case("convolutions, 32 × 3 × 64 × 64", CONVOLUTIONS),
    Case("eight residual blocks", RESIDUAL),
    Case("chain of 80 ops on 10⁶ floats", CHAIN),
    Case("chain of 300,000 ops on four floats", NODES),
    Case("gradient of a gradient, 10⁶ floats", HIGHER),
]


@dataclass(frozen=True)
class Row:
    """Bytes at the peak: resident in each library, and those that Dovetail's tensors held."""

    name: str
    target: float
    dovetail: int
    pytorch: int
    live: int


def measure(pytorch: str, runs: int = 3) -> list[Row]:
    """The least of some runs: the system may keep more resident than is used, never less."""
    rows = []
    for case in CASES:
        ours = [json.loads(run(sys.executable, PROGRAM, "dovetail", case.make)) for _ in range(runs)]
        theirs = [json.loads(run(pytorch, PROGRAM, "torch", case.make)) for _ in range(runs)]
        live = min(row[1] for row in ours)
        rows.append(Row(case.name, case.target, min(r[0] for r in ours), min(r[0] for r in theirs), live))
    return rows


def table(rows: list[Row]) -> list[str]:
    """In Markdown."""
    lines = [
        "| peak memory, forward and backward | Dovetail | PyTorch | ratio | target | Dovetail's live tensors |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        ratio = row.dovetail / row.pytorch
        target = f"{row.target:.2f}" + ("" if ratio <= row.target else " **missed**")
        ours, theirs, live = (f"{size / 1e6:.1f} MB" for size in (row.dovetail, row.pytorch, row.live))
        lines.append(f"| {row.name} | {ours} | {theirs} | {ratio:.2f} | {target} | {live} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pytorch", metavar="PYTHON", default=sys.executable, help="the interpreter that has PyTorch")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    print("\n".join(table(measure(options.pytorch, options.runs))))


if __name__ == "__main__":
    main()
