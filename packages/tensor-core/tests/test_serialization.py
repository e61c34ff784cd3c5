"""Saving and loading: everything comes back, and what was damaged is refused."""

import io
import os
import signal
import stat
import subprocess
import sys
import time
from collections import OrderedDict

import numpy as np
import pytest
import safetensors
import safetensors.numpy

import dovetail as dt
from dovetail.serialization import CheckpointError


def same(a, b):
    if isinstance(a, dt.Tensor):
        return a.dtype is b.dtype and dt.equal(a, b)
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return a == b and type(a) is type(b)


VALUE = {
    "weights": {"0.weight": dt.arange(6.0).reshape(2, 3), "0.bias": dt.ones(3, dtype=dt.float64)},
    "steps": [1, 2.5, True, None, "text", -(2**60)],
    "pair": (dt.tensor([True, False]), dt.tensor(3)),
    7: dt.zeros(0, 3),
    "empty": {},
    "shape": dt.Size([2, 3]),
    "odd": "ü\n\"'\\",
    "bytes": dt.tensor([1, 255], dtype=dt.uint8),
    "ints": dt.tensor([-1, 2], dtype=dt.int32),
    "inf": [float("inf"), -float("inf")],
    "dtype": dt.float32,
    "device": dt.device("cpu"),
}


def test_everything_comes_back(tmp_path):
    path = tmp_path / "checkpoint"
    dt.save(VALUE, path)
    assert same(dt.load(path), VALUE)
    dt.save(VALUE, str(path))
    assert same(dt.load(str(path)), VALUE)


def test_bfloat16_needs_nothing_more(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    value = {
        "w": dt.arange(6.0).reshape(2, 3).bfloat16() / 7,
        "x": dt.ones(2),
        "scale": dt.tensor(0.1, dtype=dt.bfloat16),
        "none": dt.zeros(0, 3, dtype=dt.bfloat16),
    }
    dt.save(value, tmp_path / "x")
    assert same(dt.load(tmp_path / "x"), value)
    bits = value["w"].view(dt.uint16).numpy().tobytes()
    spec = {"dtype": "bfloat16", "shape": [3, 2], "data": bits}
    safetensors.numpy.save_file({"a": np.ones(3)}, tmp_path / "y", metadata={"dtype": "BF16"})
    (tmp_path / "z").write_bytes(_serialized({"later": spec, "a": {"dtype": "uint8", "shape": [1], "data": b"7"}}))
    assert dt.load(tmp_path / "y")["a"].tolist() == [1.0, 1.0, 1.0]
    assert dt.equal(dt.load(tmp_path / "z")["later"].flatten(), value["w"].flatten())


def _serialized(entries):
    held = {key: np.frombuffer(entry["data"], np.uint8) for key, entry in entries.items()}
    return safetensors.serialize(
        {
            key: safetensors.TensorSpec(
                dtype=entry["dtype"], shape=entry["shape"], data_ptr=held[key].ctypes.data, data_len=held[key].nbytes
            )
            for key, entry in entries.items()
        }
    )


@pytest.mark.parametrize("value", [dt.ones(2), [dt.ones(1)], 3, None, (), {"a": (1, [dt.ones(1)])}], ids=str)
def test_any_root(tmp_path, value):
    dt.save(value, tmp_path / "x")
    assert same(dt.load(tmp_path / "x"), value)


def test_file_objects():
    file = io.BytesIO()
    dt.save(VALUE, file)
    assert same(dt.load(io.BytesIO(file.getvalue())), VALUE)


def test_views_are_saved_by_value(tmp_path):
    x = dt.arange(12).reshape(3, 4)
    dt.save({"t": x.t(), "back": x[::-1]}, tmp_path / "x")
    loaded = dt.load(tmp_path / "x")
    assert loaded["t"].tolist() == x.t().tolist() and loaded["back"].tolist() == x[::-1].tolist()
    assert os.path.getsize(tmp_path / "x") < 1000


def test_one_tensor_twice_is_one_tensor(tmp_path):
    x = dt.ones(1000)
    dt.save([x, x], tmp_path / "x")
    a, b = dt.load(tmp_path / "x")
    assert a is b and os.path.getsize(tmp_path / "x") < 6000


def test_map_location(tmp_path):
    dt.save(dt.ones(1), tmp_path / "x")
    for location in ("cpu", dt.device("cpu"), {"cuda:0": "cpu"}, None):
        assert dt.load(tmp_path / "x", map_location=location).device.type == "cpu"


def test_other_programs_read_it(tmp_path):
    path = tmp_path / "x.safetensors"
    dt.save({"a": dt.arange(3), "b": dt.ones(2, 2)}, path)
    arrays = safetensors.numpy.load_file(path)
    assert arrays["a"].tolist() == [0, 1, 2] and arrays["b"].shape == (2, 2)
    with safetensors.safe_open(path, framework="numpy") as file:
        assert set(file.keys()) == {"a", "b"}


def test_files_of_other_programs_are_read(tmp_path):
    path = tmp_path / "x.safetensors"
    safetensors.numpy.save_file({"a": np.arange(3), "b": np.ones((2, 2), dtype=np.float32)}, path)
    loaded = dt.load(path)
    assert loaded["a"].tolist() == [0, 1, 2] and loaded["b"].dtype is dt.float32


class Opaque:
    pass


@pytest.mark.parametrize(
    "value",
    [Opaque(), {"a": [Opaque()]}, {(1, 2): 3}, b"bytes", {1, 2}, len],
    ids=["object", "nested", "tuple key", "bytes", "set", "function"],
)
def test_what_cannot_be_saved(tmp_path, value):
    with pytest.raises(TypeError, match=r"^save: "):
        dt.save(value, tmp_path / "x")
    assert os.listdir(tmp_path) == []


def test_nothing_is_executed(tmp_path):
    import pickle

    path = tmp_path / "x"
    path.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(CheckpointError, match="pickle"):
        dt.load(path)
    path.write_bytes(b"PK\x03\x04" + b"\0" * 100)
    with pytest.raises(CheckpointError, match="archive"):
        dt.load(path)


@pytest.mark.parametrize("content", [b"", b"abc", b"\0" * 64, b"hello world, this is text", b"\x7fELF" + b"x" * 500])
def test_no_checkpoint(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"^load: "):
        dt.load(tmp_path / "x")


def test_every_truncation_is_seen(tmp_path):
    dt.save({"a": dt.arange(10), "b": [dt.ones(3)]}, tmp_path / "x")
    whole = (tmp_path / "x").read_bytes()
    for length in range(len(whole)):
        with pytest.raises(CheckpointError):
            dt.load(io.BytesIO(whole[:length]))
    with pytest.raises(CheckpointError, match="altered"):
        dt.load(io.BytesIO(whole + b"\0"))


def test_every_altered_byte_is_seen(tmp_path):
    dt.save({"a": dt.arange(10), "b": [dt.ones(3), 1]}, tmp_path / "x")
    whole = (tmp_path / "x").read_bytes()
    for i in range(len(whole)):
        damaged = bytearray(whole)
        damaged[i] ^= 1
        with pytest.raises(CheckpointError):
            dt.load(io.BytesIO(bytes(damaged)))


def test_a_missing_file():
    with pytest.raises(FileNotFoundError):
        dt.load("/no/such/checkpoint")


def test_a_failed_save_leaves_what_was_there(tmp_path):
    path = tmp_path / "x"
    dt.save({"a": 1}, path)
    with pytest.raises(TypeError):
        dt.save({"a": Opaque()}, path)
    assert dt.load(path) == {"a": 1}
    assert os.listdir(tmp_path) == ["x"]


def test_permissions_follow_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        dt.save(1, tmp_path / "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE(os.stat(tmp_path / "x").st_mode) == 0o640


def test_saving_through_a_link_keeps_the_link(tmp_path):
    dt.save(1, tmp_path / "real")
    (tmp_path / "link").symlink_to("real")
    dt.save(2, tmp_path / "link")
    assert (tmp_path / "link").is_symlink() and dt.load(tmp_path / "real") == 2


KILLED = """
import sys
import dovetail as dt
n = 0
while True:
    n += 1
    dt.save({"n": n, "data": dt.full((300_000,), float(n))}, sys.argv[1])
    print(n, flush=True)
"""


def test_a_kill_in_the_middle_of_saving_leaves_a_whole_file(tmp_path):
    path = tmp_path / "x"
    for attempt in range(4):
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.05 + 0.013 * attempt)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        loaded = dt.load(path)
        assert loaded["data"].shape == (300_000,) and (loaded["data"] == loaded["n"]).all()
    dt.save(1, path)
    assert os.listdir(tmp_path) == ["x"]  # what the killed ones were writing is gone


def test_what_others_are_writing_is_left_alone(tmp_path):
    from dovetail.serialization import _workshop

    with _workshop(str(tmp_path), "x") as ours, _workshop(str(tmp_path), "y") as other:
        dt.save(1, tmp_path / "x")
        assert sorted(os.listdir(tmp_path)) == sorted([os.path.basename(ours), os.path.basename(other), "x"])
    (tmp_path / ".x.0123456789abcdef.tmp").mkdir()  # no one's
    (tmp_path / ".x.old.tmp").mkdir()  # the user's
    dt.save(2, tmp_path / "x")
    assert sorted(os.listdir(tmp_path)) == [".x.old.tmp", "x"]


def test_order_of_keys(tmp_path):
    dt.save(OrderedDict([("b", 1), ("a", dt.ones(1)), (3, 2), (None, 4)]), tmp_path / "x")
    assert list(dt.load(tmp_path / "x")) == ["b", "a", 3, None]


def test_a_dict_that_looks_like_structure(tmp_path):
    value = {"tensor": "x", "device": "cpu", "dict": [1], "list": {"tuple": 1}}
    dt.save(value, tmp_path / "x")
    assert dt.load(tmp_path / "x") == value


def test_names_that_collide(tmp_path):
    value = {"a.b": dt.zeros(1), "a": {"b": dt.ones(1)}, "__metadata__": dt.full((1,), 2.0)}
    dt.save(value, tmp_path / "x")
    assert same(dt.load(tmp_path / "x"), value)
