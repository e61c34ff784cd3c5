"""Memory that processes share, by every start method; files as tensors."""

import gc
import multiprocessing
import os
import pickle

import pytest

import dovetail as dt

METHODS = [method for method in ("fork", "spawn", "forkserver") if method in multiprocessing.get_all_start_methods()]


def double(x, done):
    x.mul_(2)
    done.put((x.is_shared(), tuple(x.shape), x.stride(), x.dtype.name))
    done.close()
    done.join_thread()


def send_back(inbox, outbox):
    x = inbox.get(timeout=60)
    x.add_(1)
    outbox.put(x)
    assert inbox.get(timeout=60) == "read"  # it lives until the other side has it


@pytest.mark.parametrize("method", METHODS)
def test_an_argument_of_a_process_is_the_same_memory(method):
    context = multiprocessing.get_context(method)
    for x in (dt.arange(6.0).reshape(2, 3), dt.tensor([1, 2, 3], dtype=dt.int16), dt.tensor(1.5, dtype=dt.bfloat16)):
        x.share_memory_()
        view = x.t() if x.ndim == 2 else x
        before, done = x.clone(), context.Queue()
        process = context.Process(target=double, args=(view, done))
        process.start()
        assert done.get(timeout=60) == (True, tuple(view.shape), view.stride(), x.dtype.name)
        process.join(60)
        assert process.exitcode == 0
        assert dt.equal(x, before * 2)


@pytest.mark.parametrize("method", METHODS)
def test_through_queues_and_back(method):
    context = multiprocessing.get_context(method)
    inbox, outbox = context.Queue(), context.Queue()
    process = context.Process(target=send_back, args=(inbox, outbox))
    process.start()
    x = dt.zeros(4).share_memory_()
    inbox.put(x[1:3])
    back = outbox.get(timeout=60)
    inbox.put("read")
    process.join(60)
    assert process.exitcode == 0
    assert x.tolist() == [0, 1, 1, 0] and back.tolist() == [1, 1]
    back.fill_(7)
    assert x.tolist() == [0, 7, 7, 0]


def test_what_stays_of_a_tensor():
    x = dt.ones(2, 3)
    assert not x.is_shared()
    assert x.share_memory_() is x and x.is_shared()
    pointer = x.data_ptr()
    assert x.share_memory_().data_ptr() == pointer
    assert x.is_leaf and x.tolist() == [[1, 1, 1], [1, 1, 1]]
    y = dt.arange(12.0).reshape(3, 4).t().contiguous().clone()
    assert x.detach()[0].is_shared() and not y.is_shared()
    strided = dt.empty_strided((2, 3), (1, 2)).copy_(dt.ones(2, 3))
    strided = strided.clone()
    assert dt.equal(strided.share_memory_(), dt.ones(2, 3))
    assert dt.empty(0).share_memory_().is_shared()


def test_what_can_not_be_shared():
    base = dt.ones(3)
    view = base[1:]
    with pytest.raises(RuntimeError, match=r"^share_memory_: 1 other tensors"):
        view.share_memory_()
    with pytest.raises(RuntimeError, match=r"^share_memory_: 1 other tensors"):
        base.share_memory_()
    x = dt.ones(3)
    array = x.numpy()
    with pytest.raises(RuntimeError, match=r"^share_memory_: .* 1 arrays or buffers"):
        x.share_memory_()
    assert array.tolist() == [1, 1, 1]


def test_pickle_stays_refused():
    with pytest.raises(TypeError, match="share_memory_"):
        pickle.dumps(dt.ones(1))
    shared = dt.ones(1).share_memory_()
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(shared)
    with pytest.raises(TypeError, match="only tensors in shared memory"):
        multiprocessing.reduction.ForkingPickler.dumps(dt.ones(1))


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts the open files of Linux")
def test_no_file_stays_open(tmp_path):
    def loop():
        for shared in (True, False):
            x = dt.ones(100).share_memory_()[3:]
            x = dt.from_file(tmp_path / "numbers", shared=shared, size=4)
            del x
        gc.collect()
        return len(os.listdir("/proc/self/fd"))

    before = loop()
    assert [loop() for _ in range(5)] == [before] * 5


# ---- files ----


def test_a_shared_file_is_written_through(tmp_path):
    path = tmp_path / "numbers"
    x = dt.from_file(path, shared=True, size=4, dtype=dt.int32)
    assert x.tolist() == [0, 0, 0, 0] and path.stat().st_size == 16 and x.is_shared()
    x[1] = 9
    again = dt.from_file(str(path), shared=True, size=2, dtype=dt.int32)
    assert again.tolist() == [0, 9]
    again.add_(1)
    assert x.tolist() == [1, 10, 0, 0]
    del x, again
    assert path.read_bytes()[:8] == b"\x01\0\0\0\x0a\0\0\0"
    assert dt.from_file(path, shared=True, size=8, dtype=dt.int32).tolist() == [1, 10, 0, 0, 0, 0, 0, 0]


def test_a_private_file_is_not(tmp_path):
    path = tmp_path / "numbers"
    path.write_bytes(bytes(range(8)))
    x = dt.from_file(path, size=8, dtype=dt.uint8)
    x.fill_(3)
    assert x.tolist() == [3] * 8 and path.read_bytes() == bytes(range(8))
    assert dt.from_file(path).shape == (0,)
    assert dt.from_file(path, size=2).dtype == dt.float32


def test_files_that_are_refused(tmp_path):
    path = tmp_path / "numbers"
    with pytest.raises(FileNotFoundError, match="from_file: "):
        dt.from_file(path, size=1)
    path.write_bytes(b"abc")
    for kwargs, error in (
        ({"size": 1}, ValueError),
        ({"size": -1}, ValueError),
        ({"size": 1.5}, TypeError),
        ({"size": 1, "layout": 3}, TypeError),
    ):
        with pytest.raises(error, match=r"^from_file: "):
            dt.from_file(path, **kwargs)
