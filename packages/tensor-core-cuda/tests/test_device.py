"""What a CUDA device does beyond the ops: errors, streams, events, memory, the numbers of a seed."""

import contextlib
import os
import subprocess
import sys
import threading

import pytest

import dovetail as dt

synchronous = os.environ.get("DOVETAIL_CUDA_SYNC", "0") not in ("", "0")


# ---- errors that come later ----


def raised_by(make):
    """The error of an op, told by the op or by whatever waits for it."""
    make()
    dt.cuda.synchronize()


def test_an_index_out_of_range():
    x = dt.ones(3, device="cuda")
    index = dt.tensor([0, 7], device="cuda")
    with pytest.raises(IndexError, match="index_select.*: index 7 is out of range for dim 0 of size 3"):
        raised_by(lambda: dt.index_select(x, 0, index))
    assert (x + 1).sum().item() == 6  # told once; all goes on


def test_division_by_zero():
    a, b = dt.tensor([1, 2], device="cuda"), dt.tensor([1, 0], device="cuda")
    with pytest.raises(RuntimeError, match="remainder.*: division by zero"):
        raised_by(lambda: a % b)


@pytest.mark.skipif("synchronous", reason="each op waits")
def test_reading_tells_the_error():
    x = dt.gather(dt.ones(3, device="cuda"), 0, dt.tensor([5], device="cuda"))
    with pytest.raises(IndexError, match="an earlier gather failed: index 5"):
        x.cpu()


# ---- devices ----


def test_devices():
    assert dt.cuda.is_available()
    assert dt.cuda.get_device_name()
    before = dt.cuda.current_device()
    with dt.cuda.device(0):
        assert dt.cuda.current_device() == 0
        assert dt.ones(1, device="cuda").device == dt.device("cuda:0")
    assert dt.cuda.current_device() == before
    with pytest.raises(ValueError, match="is absent"):
        dt.ones(1, device=f"cuda:{dt.cuda.device_count()}")


def test_properties():
    found = dt.cuda.get_device_properties(0)
    assert found.name == dt.cuda.get_device_name(0)
    assert (found.major, found.minor) == dt.cuda.get_device_capability(0)
    assert found.major >= 7
    assert found.total_memory >= 1 << 30
    assert found.multi_processor_count >= 1
    assert len(found.uuid) == 36
    assert isinstance(found.is_integrated, bool)
    assert f"name={found.name!r}" in repr(found)


def test_every_thread_has_its_current_device():
    if dt.cuda.device_count() < 2:
        return
    seen = []
    with dt.cuda.device(1):
        thread = threading.Thread(target=lambda: seen.append(dt.cuda.current_device()))
        thread.start()
        thread.join()
    assert seen == [0]


# ---- streams and events ----


def test_work_on_a_side_stream():
    side = dt.cuda.Stream()
    x = dt.ones(1000, device="cuda")
    side.wait_stream(dt.cuda.current_stream())
    with dt.cuda.stream(side):
        assert dt.cuda.current_stream() == side
        y = x * 3
        event = side.record_event()
    assert dt.cuda.current_stream() == dt.cuda.default_stream()
    dt.cuda.current_stream().wait_event(event)
    assert (y + 1).sum().item() == 4000
    side.synchronize()
    assert side.query() and event.query()


def test_memory_that_another_stream_uses_waits_for_it():
    side = dt.cuda.Stream()
    x = dt.ones(1 << 18, device="cuda")
    address = x.data_ptr()
    x.record_stream(side)
    with dt.cuda.stream(side):
        y = x * 2
    del x
    side.synchronize()
    assert y.sum().item() == 1 << 19
    kept = [dt.empty(1 << 18, device="cuda") for _ in range(8)]
    assert address in [t.data_ptr() for t in kept]  # and then it is given out again
    with pytest.raises(ValueError, match="record_stream: the stream is of cuda:0, the tensor is on cpu"):
        dt.ones(1).record_stream(side)


def test_time_between_events():
    start, end = dt.cuda.Event(enable_timing=True), dt.cuda.Event(enable_timing=True)
    start.record()
    dt.ones(1000, device="cuda").exp()
    end.record()
    end.synchronize()
    assert 0 <= start.elapsed_time(end) < 60_000


# ---- memory ----


def test_memory_is_counted_and_kept():
    dt.cuda.synchronize()
    dt.cuda.empty_cache()
    before = dt.cuda.memory_allocated()
    x = dt.empty(1 << 20, device="cuda")
    assert dt.cuda.memory_allocated() - before == 4 << 20
    calls = dt.cuda.memory_stats()["system_allocations"]
    del x
    y = dt.empty(1 << 20, device="cuda")
    assert dt.cuda.memory_stats()["system_allocations"] == calls
    del y
    reserved = dt.cuda.memory_reserved()
    dt.cuda.empty_cache()
    assert dt.cuda.memory_reserved() <= reserved - (4 << 20)
    assert dt.cuda.max_memory_allocated() >= before + (4 << 20)


def test_out_of_memory_is_told():
    with pytest.raises(MemoryError, match="out of memory for"):
        dt.empty(1 << 50, device="cuda", dtype=dt.uint8)


# ---- what there is no kernel for ----


def complex_ops():
    """The elementwise ops of one tensor that complex numbers have."""
    x = dt.ones(2, dtype=dt.complex64) / 2
    for op in dt._core.ops():
        if op.form == "elementwise" and [arg.type for arg in op.args if not arg.has_default] == ["Tensor"]:
            with contextlib.suppress(TypeError):  # not of complex numbers
                yield op, x, op(x)


def test_complex_functions_work_or_are_refused_in_words():
    worked = []
    for op, x, expected in complex_ops():
        try:
            result = op(x.to("cuda")).cpu()
        except NotImplementedError as error:
            assert str(error).startswith(f"{op.name}: backend 'cuda' has no kernel for dtype complex64; ")
        else:
            worked.append(op.name)
            assert dt.allclose(result, expected) if expected.is_complex() else dt.equal(result, expected), op.name
    assert {"neg", "exp", "tanh", "abs", "sgn"} <= set(worked)


# ---- results ----


def test_a_seed_gives_the_numbers_of_the_cpu():
    for make in (dt.rand, dt.randn):
        for dtype in (dt.float32, dt.float64):
            there = make(10_001, dtype=dtype, device="cuda", generator=dt.Generator().manual_seed(3))
            here = make(10_001, dtype=dtype, generator=dt.Generator().manual_seed(3))
            assert dt.equal(there.cpu(), here)


def test_large_reductions_are_the_same_each_time():
    x = dt.randn(3, 100_000, device="cuda")
    first = x.sum(dim=1).cpu()
    assert all(dt.equal(x.sum(dim=1).cpu(), first) for _ in range(3))
    assert dt.allclose(first, x.cpu().double().sum(dim=1).float(), rtol=1e-4, atol=1e-2)
    assert dt.allclose(x.sum(dim=0).cpu(), x.cpu().sum(dim=0), atol=1e-5)


def test_more_dims_than_a_kernel_takes():
    x = dt.arange(2**14, dtype=dt.float32).reshape([2] * 14)
    turned = x.permute(*reversed(range(14)))
    assert dt.equal((turned.to("cuda") + x.to("cuda")).cpu(), turned + x)


def test_a_product_without_tensor_float_32():
    a, b = dt.randn(200, 300), dt.randn(300, 100)
    product = (a.to("cuda") @ b.to("cuda")).cpu()
    assert dt.allclose(product, a @ b, rtol=1e-5, atol=1e-4)


def test_a_failed_kernel_names_the_op():
    if "pretended_cuda" not in sys.modules:
        return  # on a real device nothing that a program can do makes one fail
    program = (
        "import pretended_cuda, dovetail as dt\n"
        "x = dt.ones(3, device='cuda')\n"
        "try:\n    x.exp().sum().item()\n"
        "except RuntimeError as error:\n    print(error)\n"
    )
    environment = {**os.environ, "DOVETAIL_PRETENDED_FAILURE": "2", "DOVETAIL_CUDA_SYNC": "0"}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert "exp: CUDA failed: an illegal memory access" in done.stdout, done.stdout + done.stderr
    assert "DOVETAIL_CUDA_SYNC=1" in done.stdout
