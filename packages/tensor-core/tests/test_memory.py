"""What `memory_stats` counts."""

import random
import subprocess
import sys

import pytest

import dovetail as dt


def test_counts():
    dt.reset_peak_memory_stats()
    before = dt.memory_stats()
    x = dt.zeros(1_000_000)
    after = dt.memory_stats()
    assert after["allocated"] >= before["allocated"] + 4_000_000
    assert after["reserved"] >= after["allocated"]
    assert after["allocations"] > before["allocations"]
    del x
    final = dt.memory_stats()
    assert final["allocated"] <= before["allocated"] + 1000
    assert final["peak_allocated"] >= after["allocated"]


def test_large_blocks_are_used_again():
    dt.empty_cache()
    x = dt.empty(2_000_000)
    del x
    before = dt.memory_stats()["system_allocations"]
    for _ in range(5):
        x = dt.empty(2_000_000)
        del x
    assert dt.memory_stats()["system_allocations"] == before


def test_empty_cache():
    x = dt.empty(2_000_000)
    held = dt.memory_stats("cpu")["reserved"]
    del x
    dt.empty_cache()
    assert dt.memory_stats("cpu")["reserved"] <= held - 8_000_000


PILE = """
import dovetail as dt
held = []
for step in range(400):
    held.append(dt.empty(250_000 + 97_000 * (step * 7 % 31)))
    if len(held) > 20:
        held.pop(step % 20)
stats = dt.memory_stats("cpu")
print(stats["peak_reserved"] / stats["peak_allocated"])
"""


def test_sizes_that_come_and_go_do_not_pile_up():
    """In a process of its own, as the most that was ever in use counts."""
    done = subprocess.run([sys.executable, "-c", PILE], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 1.15


def test_a_steady_loop_takes_no_fresh_memory():
    """As a training step: what the forward keeps goes in the backward, last first, while gradients come."""
    sizes = [1_000_000, 2_500_000, 400_000, 3_000_000, 1_700_000, 60_000, 9_000]

    def once():
        held = [dt.empty(size) for size in sizes]
        gradients = []
        while held:
            kept = held.pop()
            gradients.append(dt.empty(kept.numel() // 8))
            dt.empty(kept.numel())

    for _ in range(3):
        once()
    before = dt.memory_stats()["system_allocations"]
    for _ in range(10):
        once()
    assert dt.memory_stats()["system_allocations"] == before


SMALLER_BEFORE = """
import random
import dovetail as dt

def one(n):
    dt.empty(n)

def two(n):
    y, z = dt.empty(n), dt.empty(n)

def twice(n):
    dt.empty(2 * n)

fresh = 0
draw = random.Random(0)
for _ in range(40):
    dt.empty_cache()
    for _ in range(4):
        x = dt.empty(int(60_000 * 50 ** draw.random()))
        for step in (one, two, twice):
            for _ in range(5):
                step(x.numel())
            before = dt.memory_stats("cpu")["system_allocations"]
            for _ in range(5):
                step(x.numel())
            fresh += dt.memory_stats("cpu")["system_allocations"] - before
print(fresh)
"""


def test_a_steady_loop_takes_no_fresh_memory_whatever_was_before():
    done = subprocess.run([sys.executable, "-c", SMALLER_BEFORE], capture_output=True, text=True, check=True)
    assert int(done.stdout) == 0


RESIDENT = """
import random
import dovetail as dt

def resident():
    for line in open("/proc/self/status"):
        if line.startswith("VmRSS:"):
            return 1024 * int(line.split()[1])

draw = random.Random(0)
dt.ones(1000).sum()
before, live, most, held = resident(), 0, 0, []
for step in range(600):
    count = int(1024 * 4096 ** draw.random())
    while live + 4 * count > 64_000_000:
        dropped = held.pop(draw.randrange(len(held)))
        live -= 4 * dropped.numel()
        del dropped
    held.append(dt.ones(count))
    live += 4 * count
    most = max(most, live)
grown = (resident() - before) / most
held.clear()
dt.empty_cache()
print(grown, (resident() - before) / most)
"""


def test_the_process_grows_by_little_more_than_what_is_in_use():
    """Tensors of 4 KB to 16 MB that come and go; what waited goes back when it is asked for."""
    done = subprocess.run([sys.executable, "-c", RESIDENT], capture_output=True, text=True, check=True)
    grown, left = map(float, done.stdout.split())
    assert grown < 1.18
    assert left < 0.1


def test_blocks_keep_what_they_hold():
    """While pages around them are given back, in part, and taken again."""
    draw, held = random.Random(0), []
    for step in range(1500):
        held.append((step, dt.full((int(1024 * 2048 ** draw.random()),), step)))
        while sum(tensor.nbytes for _, tensor in held) > 64e6 or (draw.random() < 0.3 and held):
            value, tensor = held.pop(draw.randrange(len(held)))
            assert (tensor == value).all()
    assert all((tensor == value).all() for value, tensor in held)


def test_views_and_in_place_writes_allocate_nothing():
    x = dt.zeros(1_000_000)
    before = dt.memory_stats()["allocated"]
    y = x.reshape(1000, 1000).t()[::2]
    x.add_(1)
    assert dt.memory_stats()["allocated"] - before < 1000
    assert y.shape == (500, 1000)


def test_unknown_devices():
    with pytest.raises((RuntimeError, ValueError)):
        dt.memory_stats("abacus")
    dt.backends.synchronize()


@pytest.mark.parametrize("count", [2**48, 2**62, 2**63 - 4096, 2**63 - 1])
def test_more_than_there_is_is_refused(count):
    with pytest.raises(MemoryError, match=f"^new_ones: out of memory for {count} bytes"):
        dt.ones(1, dtype=dt.int8).new_ones(count)
    assert dt.zeros(1 << 20).sum().item() == 0
