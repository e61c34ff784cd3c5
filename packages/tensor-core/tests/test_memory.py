"""What `memory_stats` counts."""

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
    assert float(done.stdout) < 1.5


def test_a_steady_loop_takes_no_fresh_memory():
    sizes = [1_000_000, 2_500_000, 400_000, 3_000_000, 1_700_000]

    def once():
        held = []
        for size in sizes:
            held.append(dt.empty(size))
            if len(held) > 2:
                held.pop(0)

    for _ in range(3):
        once()
    before = dt.memory_stats()["system_allocations"]
    for _ in range(10):
        once()
    assert dt.memory_stats()["system_allocations"] == before


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
