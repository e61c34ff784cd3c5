"""The CPU, a backend in Python and a compiled one with two devices, all in one process."""

import gc
import itertools

import dovetail_cedar
import numpy as np
import pytest

import dovetail as dt
from dovetail.testing import backend as conformance

DEVICES = ["cpu", "reference", "cedar:0", "cedar:1"]
PAIRS = list(itertools.permutations(DEVICES, 2))
DTYPES = [each for name, each in vars(dt).items() if isinstance(each, dt.dtype) and each.name == name]


@pytest.fixture(autouse=True)
def memory_is_sound():
    """Whatever a test does, Cedar's blocks are all given back and none was written past its end."""
    dt.device("cedar")
    gc.collect()
    before = [dovetail_cedar.live_blocks(index) for index in (0, 1)]
    yield
    gc.collect()
    assert [dovetail_cedar.live_blocks(index) for index in (0, 1)] == before
    assert dovetail_cedar.damaged_blocks() == 0


def same_device(tensor, device):
    return tensor.device == dt.zeros(0, device=device).device


# ---- copies ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("source, target", PAIRS)
def test_copies_between_all(source, target, dtype):
    values = dt.arange(24).reshape(4, 6).to(dtype)
    for x in (values, values.t(), values[::2, 1:], values.flip(0), values[:0], values[1, 2], values[:1].expand(3, 6)):
        there = x.to(source)
        moved = there.to(target)
        assert same_device(moved, target) and moved.dtype == dtype and moved.tolist() == x.tolist()
        assert there.tolist() == x.tolist()


@pytest.mark.parametrize("source, target", PAIRS)
def test_copy_converts_and_broadcasts_across_devices(source, target):
    into = dt.zeros(3, 4, device=target)[:, ::2]
    into.copy_(dt.arange(2, device=source))
    assert same_device(into, target) and into.tolist() == [[0.0, 1.0]] * 3


# ---- mixtures --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("one, other", PAIRS)
@pytest.mark.parametrize(
    "call",
    [
        lambda a, b: a + b,
        lambda a, b: dt.cat([a, b]),
        lambda a, b: a @ b.t(),
        lambda a, b: dt.where(a > 0, a, b),
        lambda a, b: a.add_(b),
        lambda a, b: dt.exp(a, out=b),
        lambda a, b: a.gather(1, b.to(dt.int64)),
    ],
    ids=["add", "cat", "matmul", "where", "inplace", "out", "gather"],
)
def test_tensors_of_two_devices_do_not_mix(one, other, call):
    a, b = dt.ones(2, 3, device=one), dt.ones(2, 3, device=other)
    with pytest.raises((RuntimeError, ValueError)) as refusal:
        call(a, b)
    assert str(a.device) in str(refusal.value) and str(b.device) in str(refusal.value), refusal.value
    assert a.tolist() == b.tolist() == [[1.0] * 3] * 2


@pytest.mark.parametrize("device", DEVICES[1:])
def test_numbers_and_zero_dim_tensors_of_the_host_join_any(device):
    x = dt.ones(2, device=device)
    assert same_device(x * dt.tensor(3.0), device) and (x * dt.tensor(3.0) + 1).tolist() == [4.0, 4.0]


# ---- the same on all -------------------------------------------------------------------------------------


@pytest.mark.parametrize("device", DEVICES[1:])
def test_random_numbers_are_the_same_everywhere(device):
    def drawn(where):
        dt.manual_seed(7)
        return [
            dt.rand(5, device=where).cpu(),
            dt.rand(5, device=where, dtype=dt.float64).cpu(),
            dt.randint(-5, 9, (7,), device=where).cpu(),
            dt.randperm(9, device=where).cpu(),
        ]

    for ours, theirs in zip(drawn("cpu"), drawn(device)):
        assert ours.tolist() == theirs.tolist()


@pytest.mark.parametrize("device", DEVICES[1:])
def test_a_model_trains_alike(device):
    def losses(where):
        dt.manual_seed(0)
        x = dt.linspace(-1, 1, 24).reshape(8, 3)
        y = (x * x).sum(1, keepdim=True)
        first = dt.randn(3, 8) / 3
        w, v = (p.to(where).requires_grad_() for p in (first, dt.randn(8, 1) / 3))
        optimizer = dt.optim.Adam([w, v], lr=0.05)
        out = []
        for _ in range(20):
            loss = ((dt.tanh(x.to(where) @ w) @ v - y.to(where)) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            out.append(loss.item())
        return out

    ours, theirs = losses("cpu"), losses(device)
    assert ours[-1] < 0.5 * ours[0]
    np.testing.assert_allclose(theirs, ours, rtol=1e-4)


@pytest.mark.parametrize("device", DEVICES[1:])
def test_checkpoints_travel(device, tmp_path):
    path = tmp_path / "x.safetensors"
    dt.save({"x": dt.arange(6, device=device).reshape(2, 3).t()}, path)
    assert dt.load(path)["x"].tolist() == [[0, 3], [1, 4], [2, 5]]


@pytest.mark.parametrize("name", ["reference", "cedar"])
def test_both_conform(name):
    """Also in one process, and without leaving a block behind or writing past one."""
    report = conformance.check(name)
    assert report.passed, report.text()


# ---- memory ----------------------------------------------------------------------------------------------


def allocated(device):
    return dt.memory_stats(device)["allocated"]


def test_memory_is_counted_by_device():
    before = {device: allocated(device) for device in ("cpu", "cedar:0", "cedar:1")}
    x = dt.zeros(1000, device="cedar:1")
    assert allocated("cedar:1") - before["cedar:1"] == 4000
    assert allocated("cedar:0") == before["cedar:0"] and allocated("cpu") == before["cpu"]
    y = x[10:20]  # a view keeps all of it
    del x
    assert allocated("cedar:1") - before["cedar:1"] == 4000
    del y
    assert allocated("cedar:1") == before["cedar:1"]


def test_peaks_are_counted_and_reset():
    dt.reset_peak_memory_stats("cedar:0")
    start = allocated("cedar:0")
    x = dt.zeros(5000, device="cedar:0")
    del x
    assert dt.memory_stats("cedar:0")["peak_allocated"] - start >= 20000
    dt.reset_peak_memory_stats("cedar:0")
    assert dt.memory_stats("cedar:0")["peak_allocated"] == allocated("cedar:0")


def test_a_backend_that_counts_nothing_says_so():
    with pytest.raises(RuntimeError, match="the backend reference keeps none"):
        dt.memory_stats("reference")


def test_devices_that_are_not_there():
    for device in ("cedar:2", "reference:1"):
        with pytest.raises(ValueError, match=f"device {device} is absent"):
            dt.zeros(1, device=device)
    with pytest.raises((RuntimeError, TypeError), match="cedar"):
        np.asarray(dt.zeros(1, device="cedar"))
