"""Saving and loading tensors: `dt.save` and `dt.load`.

A file is a safetensors file, written and read by the `safetensors` package: nothing in it is ever executed. Its
metadata hold the structure around the tensors as JSON, and a checksum of the content. Files of other programs load as
a dict of tensors.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

from . import _core, checks
from ._core import Tensor, device, get_op

__all__ = ["CheckpointError", "load", "save"]

_STRUCTURE, _CHECKSUM = "dovetail.structure", "dovetail.sha256"


class CheckpointError(ValueError):
    """A file that is no checkpoint, or no longer the one that was saved."""


# ---- the structure around the tensors ----


class _Encoder:
    """Turns nested values into JSON, and gathers the tensors."""

    def __init__(self) -> None:
        self.tensors: dict[str, Tensor] = {}
        self._names: dict[int, str] = {}

    def encode(self, value: Any, path: str) -> Any:
        if isinstance(value, Tensor):
            # safetensors has no complex128: it is stored as pairs of float64.
            pairs = {"pairs": True} if value.dtype == _core.complex128 else {}
            return {"tensor": self._named(value, path), "device": str(value.device), **pairs}
        if value is None or isinstance(value, (bool, str)):
            return value
        if isinstance(value, int):
            return int(value)
        if isinstance(value, float):
            # JSON has no words for these three.
            return float(value) if abs(value) < float("inf") else {"float": repr(float(value))}
        if isinstance(value, dict):
            return {
                "dict": [[self._key(key, path), self.encode(each, _below(path, key))] for key, each in value.items()]
            }
        if isinstance(value, (list, tuple)):
            kind = "list" if isinstance(value, list) else "size" if isinstance(value, _core.Size) else "tuple"
            return {kind: [self.encode(each, _below(path, i)) for i, each in enumerate(value)]}
        if isinstance(value, _core.dtype):
            return {"dtype": value.name}
        if isinstance(value, device):
            return {"device_name": str(value)}
        raise TypeError(
            f"save: {path or 'the value'} is a {type(value).__name__}; only tensors, numbers, strings, bools, None, "
            "dtypes, devices, and dicts, lists and tuples of them can be saved"
        )

    def _key(self, key: Any, path: str) -> Any:
        if key is None or isinstance(key, (str, int, float, bool)):
            return key
        raise TypeError(f"save: the keys of {path or 'the dict'} must be strings or numbers, got {key!r}")

    def _named(self, value: Tensor, path: str) -> str:
        """A tensor that occurs twice is stored once."""
        known = self._names.get(id(value))
        if known is not None:
            return known
        name = path or "tensor"
        while name in self.tensors or name == "__metadata__":
            name += "'"
        self._names[id(value)] = name
        self.tensors[name] = get_op("view_as_real")(value.detach()) if value.dtype == _core.complex128 else value
        return name


def _below(path: str, key: Any) -> str:
    return f"{path}.{key}" if path else str(key)


def _decoded(value: Any, tensor: Callable[[str, str], Tensor]) -> Any:
    if not isinstance(value, dict):
        return value
    if "tensor" in value:
        found = tensor(value["tensor"], value["device"])
        return get_op("view_as_complex")(found) if value.get("pairs") else found
    (kind, content), *more = value.items()
    if more:
        raise CheckpointError(f"load: the structure has an unknown entry {sorted(value)}")
    if kind == "dict":
        return {key: _decoded(each, tensor) for key, each in content}
    if kind in ("list", "tuple", "size"):
        items = [_decoded(each, tensor) for each in content]
        return items if kind == "list" else tuple(items) if kind == "tuple" else _core.Size(items)
    if kind == "float":
        return float(content)
    if kind == "dtype":
        return getattr(_core, content)
    if kind == "device_name":
        return device(content)
    raise CheckpointError(f"load: the structure has an unknown entry {kind!r}")


# ---- writing ----


@checks.in_own_name
def save(obj: Any, f: str | os.PathLike[str] | IO[bytes]) -> None:
    """Save tensors, alone or in nested dicts, lists and tuples with numbers, strings, bools and None.

    Args:
        obj: what to save, such as a module's `state_dict()`.
        f: a path, or a binary file to write to.

    A file under a path is complete or not there at all: it is written beside its place, flushed to the disk and then
    moved, so that a crash leaves what was there before. What a killed save was writing (in a folder `.<name>.*.tmp`
    beside the file) is removed by the next save under the same path.

    Example:
        >>> import tempfile, os
        >>> path = os.path.join(tempfile.mkdtemp(), "checkpoint")
        >>> dt.save({"weights": [dt.ones(2)], "epoch": 3}, path)
        >>> loaded = dt.load(path)
        >>> loaded["weights"][0].tolist(), loaded["epoch"]
        ([1.0, 1.0], 3)
    """
    import safetensors

    _check_place(f, "save", "write")
    encoder = _Encoder()
    metadata = {"format": "pt", _STRUCTURE: json.dumps(encoder.encode(obj, ""))}
    contents = {name: _plain(tensor) for name, tensor in encoder.tensors.items()}
    metadata[_CHECKSUM] = _checksum(metadata, contents)
    specs = {name: _spec(name, content) for name, content in contents.items()}
    if not isinstance(f, (str, os.PathLike)):
        f.write(safetensors.serialize(specs, metadata))
        return
    try:
        if os.path.exists(f) and not os.path.isfile(f):  # a device or a pipe is written to, not replaced
            with open(f, "wb") as stream:
                stream.write(safetensors.serialize(specs, metadata))
            return
        with _replacing(os.fspath(f)) as temporary:
            safetensors.serialize_file(specs, temporary, metadata)
    except safetensors.SafetensorError as error:
        raise OSError(f"save: {os.fspath(f)} could not be written: {error}") from error
    except OSError as error:
        raise type(error)(error.errno, f"save: {os.fspath(f)} could not be written: {error.strerror}") from error


def _check_place(f: Any, who: str, method: str) -> None:
    if isinstance(f, (str, os.PathLike)):
        if os.path.isdir(f) or not os.fspath(f):
            raise IsADirectoryError(f"{who}: {os.fspath(f)!r} is a folder or nothing; give the path of a file")
    elif not hasattr(f, method):
        raise TypeError(f"{who}: f must be a path or a binary file, got {f!r}")


def _plain(tensor: Tensor) -> Tensor:
    """A tensor's elements in row-major order on the CPU: itself where it is so already."""
    plain = tensor.detach()
    return get_op("contiguous")(plain if plain.device.type == "cpu" else plain.cpu())


def _spec(name: str, tensor: Tensor) -> Any:
    """What safetensors wants to know of a tensor, whose memory it then reads in place."""
    import safetensors

    try:
        return safetensors.TensorSpec(
            dtype=tensor.dtype.name,
            shape=list(tensor.shape),
            data_ptr=tensor.data_ptr(),
            data_len=tensor.numel() * tensor.itemsize,
        )
    except (safetensors.SafetensorError, ValueError) as error:
        raise TypeError(f"save: {name} is {tensor.dtype.name}, which safetensors does not have ({error})") from error


def _checksum(metadata: dict[str, str], tensors: dict[str, Tensor]) -> str:
    """Of everything in a file: the metadata but for the checksum itself, and each tensor's name, kind and elements."""
    digest = hashlib.sha256(json.dumps(sorted(item for item in metadata.items() if item[0] != _CHECKSUM)).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(json.dumps([name, tensor.dtype.name, list(tensor.shape)]).encode())
        digest.update(_memory(tensor))
    return digest.hexdigest()


def _memory(tensor: Tensor) -> memoryview:
    """A contiguous CPU tensor's memory, valid while the tensor lives."""
    count = tensor.numel() * tensor.itemsize
    if count == 0:
        return memoryview(bytearray())
    return memoryview((ctypes.c_char * count).from_address(tensor.data_ptr())).cast("B")


@contextmanager
def _replacing(path: str) -> Iterator[str]:
    """The path of a file to write, which takes the place of `path` once it is complete and on the disk."""
    target = os.path.realpath(path)
    folder, name = os.path.split(target)
    with _workshop(folder, name) as workshop:
        temporary = os.path.join(workshop, name)
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        mode = os.stat(temporary).st_mode  # by the umask; safetensors would leave the file to its owner alone
        yield temporary
        os.chmod(temporary, mode)
        _flush(temporary)
        os.replace(temporary, target)
    # The new name is on the disk only once the folder is.
    _flush(folder)


@contextmanager
def _workshop(folder: str, name: str) -> Iterator[str]:
    """A folder for what is written on the way to `folder`/`name`, locked while its process lives.

    One that a killed process left behind is locked no longer: the next save of the same name removes it.
    """
    for left in os.listdir(folder):
        if re.fullmatch(rf"\.{re.escape(name)}\.[0-9a-f]{{16}}\.tmp", left):
            _remove_if_left(os.path.join(folder, left))
    while True:
        made = os.path.join(folder, f".{name}.{secrets.token_hex(8)}.tmp")
        os.mkdir(made, 0o700)
        try:
            descriptor = _locked(made, wait=True)
        except BaseException:
            os.rmdir(made)
            raise
        if descriptor is not None:
            break  # and not: removed by another save between the making and the locking
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
        os.close(descriptor)


def _locked(folder: str, wait: bool) -> int | None:
    """An open descriptor of the folder that holds its lock; None if another has it, or if the folder is gone."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        if not wait:  # another has it; or the file system has no locks, and then nobody removes anything
            os.close(descriptor)
            return None
    try:
        if os.path.samestat(os.fstat(descriptor), os.stat(folder)):
            return descriptor
    except FileNotFoundError:
        pass
    os.close(descriptor)
    return None


def _remove_if_left(folder: str) -> None:
    with contextlib.suppress(OSError):  # what is no folder, or another user's
        descriptor = _locked(folder, wait=False)
        if descriptor is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(descriptor)


def _flush(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# ---- reading ----

Location = str | device | dict[str, str] | None


@checks.in_own_name
def load(f: str | os.PathLike[str] | IO[bytes], map_location: Location = None, *, weights_only: bool = True) -> Any:
    """Load what `dt.save` saved, or any safetensors file as a dict of tensors.

    Args:
        f: a path, or a binary file to read from.
        map_location: where the tensors go instead of the device that they were saved from: a device, or a dict such as
            `{"cuda:0": "cpu"}`.
        weights_only: taken as in PyTorch: there is never anything but data in a file.

    Raises:
        CheckpointError: the file is no checkpoint, or it was truncated or altered.

    Nothing in a file is ever executed.

    Example:
        >>> import io
        >>> file = io.BytesIO()
        >>> dt.save({"w": dt.ones(2)}, file)
        >>> dt.load(io.BytesIO(file.getvalue()))["w"].tolist()
        [1.0, 1.0]
    """
    _check_place(f, "load", "read")
    if isinstance(f, (str, os.PathLike)):
        return _read(os.fspath(f), os.fspath(f), map_location)
    with tempfile.NamedTemporaryFile() as copy:
        shutil.copyfileobj(f, copy)
        copy.flush()
        return _read(copy.name, "the file", map_location)


def _read(path: str, name: str, location: Location) -> Any:
    metadata, tensors = _content(path, name)
    if _STRUCTURE not in metadata and _CHECKSUM not in metadata:
        return {key: _placed(tensor, "cpu", location) for key, tensor in tensors.items()}
    if metadata.get(_CHECKSUM) != _checksum(metadata, tensors):
        raise CheckpointError(f"load: {name} was altered after it was saved: its checksum does not match its content")
    return _restored(metadata[_STRUCTURE], tensors, name, location)


def _content(path: str, name: str) -> tuple[dict[str, str], dict[str, Tensor]]:
    """The metadata and the tensors of a safetensors file. The package checks its layout before it reads."""
    import safetensors

    with open(path, "rb") as stream:
        start = stream.read(9)
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            names = file.keys()
            dtypes = {key: file.get_slice(key).get_dtype() for key in names}
            arrays = {key: file.get_tensor(key) for key, dtype in dtypes.items() if dtype != "BF16"}
            metadata = file.metadata() or {}
        tensors = {key: _core.from_numpy(array) for key, array in arrays.items()}
        if len(arrays) < len(dtypes):
            tensors.update(_bfloat16_tensors(path))
        return metadata, {key: tensors[key] for key in dtypes}
    except (safetensors.SafetensorError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"load: {name} is {_look(start)} ({error})") from error


def _bfloat16_tensors(path: str) -> Iterator[tuple[str, Tensor]]:
    """Those of a file that safetensors has checked. NumPy, through which the others come, has no bfloat16."""
    import numpy

    with open(path, "rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        header = json.loads(stream.read(length))
        for key, entry in header.items():
            if key != "__metadata__" and entry["dtype"] == "BF16":
                begin, end = entry["data_offsets"]
                stream.seek(8 + length + begin)
                bits = numpy.fromfile(stream, numpy.uint16, (end - begin) // 2).reshape(entry["shape"])
                yield key, _core.from_numpy(bits).view(_core.bfloat16)


def _look(start: bytes) -> str:
    """What a file that cannot be read as safetensors may be."""
    if start[8:] != b"{" and (start[:4] == b"PK\x03\x04" or start[:1] == b"\x80"):
        return (
            "no checkpoint: it is a pickle or a zip archive, such as PyTorch writes, and only safetensors files are "
            "loaded, which execute nothing; convert it with the program that wrote it"
        )
    return "no checkpoint, or it was truncated or altered"


def _restored(structure: str, tensors: dict[str, Tensor], name: str, location: Location) -> Any:
    placed: dict[str, Tensor] = {}

    def tensor(key: str, where: str) -> Tensor:
        if key not in placed:
            placed[key] = _placed(tensors[key], where, location)
        return placed[key]

    try:
        return _decoded(json.loads(structure), tensor)
    except (KeyError, ValueError, AttributeError, TypeError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f"load: {name} has a structure that makes no sense: {error!r}") from error


def _placed(tensor: Tensor, where: str, location: Location) -> Tensor:
    if isinstance(location, dict):
        target: Any = location.get(where, where)
    else:
        target = where if location is None else location
    if str(target) == "cpu":
        return tensor
    try:
        return tensor.to(target)
    except (RuntimeError, ValueError) as error:
        raise RuntimeError(
            f"load: a tensor was saved from {where}; load it with map_location='cpu' ({error})"
        ) from error
