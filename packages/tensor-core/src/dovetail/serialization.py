"""Saving and loading tensors: `dt.save` and `dt.load`.

A file is a safetensors file: nothing in it is ever executed. Its metadata hold the structure around the tensors as
JSON, and a checksum of the content. Files of other programs load as a dict of tensors.
"""

from __future__ import annotations

import ctypes
import hashlib
import io
import json
import os
import secrets
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

from . import _core
from ._core import Tensor, device, get_op

__all__ = ["CheckpointError", "load", "save"]

_STRUCTURE, _CHECKSUM = "dovetail.structure", "dovetail.sha256"
# What stands in the checksum's place while it is computed.
_NO_CHECKSUM = "0" * 64
_LARGEST_HEADER = 100_000_000

# safetensors' names of the dtypes
_NAMES = {
    "float32": "F32",
    "float64": "F64",
    "float16": "F16",
    "bfloat16": "BF16",
    "int8": "I8",
    "int16": "I16",
    "int32": "I32",
    "int64": "I64",
    "uint8": "U8",
    "uint16": "U16",
    "uint32": "U32",
    "uint64": "U64",
    "bool": "BOOL",
    "complex64": "C64",
}
_DTYPES = {short: name for name, short in _NAMES.items()}


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
            return {"tensor": self._named(value, path), "device": str(value.device)}
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
        self.tensors[name] = value
        return name


def _below(path: str, key: Any) -> str:
    return f"{path}.{key}" if path else str(key)


def _decoded(value: Any, tensor: Callable[[str, str], Tensor]) -> Any:
    if not isinstance(value, dict):
        return value
    if "tensor" in value:
        return tensor(value["tensor"], value["device"])
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


def save(obj: Any, f: str | os.PathLike[str] | IO[bytes]) -> None:
    """Save tensors, alone or in nested dicts, lists and tuples with numbers, strings, bools and None.

    Args:
        obj: what to save, such as a module's `state_dict()`.
        f: a path, or a binary file to write to.

    A file under a path is complete or not there at all: it is written beside its place, flushed to the disk and then
    moved, so that a crash leaves what was there before.

    Example:
        >>> import tempfile, os
        >>> path = os.path.join(tempfile.mkdtemp(), "checkpoint")
        >>> dt.save({"weights": [dt.ones(2)], "epoch": 3}, path)
        >>> loaded = dt.load(path)
        >>> loaded["weights"][0].tolist(), loaded["epoch"]
        ([1.0, 1.0], 3)
    """
    encoder = _Encoder()
    structure = encoder.encode(obj, "")
    header, tensors = _header(structure, encoder.tensors)
    if not isinstance(f, (str, os.PathLike)):
        f.write(_finished(header, tensors))
        for data in tensors:
            f.write(data.view)
        return
    with _replacing(os.fspath(f)) as stream:
        stream.write(_finished(header, tensors))
        for data in tensors:
            stream.write(data.view)


class _Bytes:
    """A tensor's elements in row-major order as bytes: its own memory where it is contiguous on the CPU."""

    def __init__(self, tensor: Tensor) -> None:
        plain = tensor.detach()
        self.tensor = get_op("contiguous")(plain if plain.device.type == "cpu" else plain.cpu())
        self.view = _memory(self.tensor)


def _memory(tensor: Tensor) -> memoryview:
    """A contiguous CPU tensor's memory, valid while the tensor lives."""
    count = tensor.numel() * tensor.itemsize
    if count == 0:
        return memoryview(bytearray())
    return memoryview((ctypes.c_char * count).from_address(tensor.data_ptr())).cast("B")


def _header(structure: Any, tensors: dict[str, Tensor]) -> tuple[dict[str, Any], list[_Bytes]]:
    metadata = {"format": "pt", _STRUCTURE: json.dumps(structure), _CHECKSUM: _NO_CHECKSUM}
    header: dict[str, Any] = {"__metadata__": metadata}
    contents, offset = [], 0
    # Widest dtype first keeps every tensor aligned.
    for name, tensor in sorted(tensors.items(), key=lambda item: -item[1].itemsize):
        if tensor.dtype.name not in _NAMES:
            raise TypeError(f"save: {name} is {tensor.dtype.name}, which safetensors does not have")
        contents.append(_Bytes(tensor))
        end = offset + contents[-1].view.nbytes
        header[name] = {"dtype": _NAMES[tensor.dtype.name], "shape": list(tensor.shape), "data_offsets": [offset, end]}
        offset = end
    return header, contents


def _finished(header: dict[str, Any], contents: list[_Bytes]) -> bytes:
    """The header as bytes, its length before it, with the checksum of itself and the content."""
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    start = struct.pack("<Q", len(text))
    digest = hashlib.sha256(start + text)
    for content in contents:
        digest.update(content.view)
    return start + text.replace(_CHECKSUM_FIELD % _NO_CHECKSUM.encode(), _CHECKSUM_FIELD % digest.hexdigest().encode())


_CHECKSUM_FIELD = b'"dovetail.sha256":"%s"'


@contextmanager
def _replacing(path: str) -> Iterator[IO[bytes]]:
    """A file to write that takes the place of `path` once it is complete and on the disk."""
    target = os.path.realpath(path)
    folder, name = os.path.split(target)
    temporary = os.path.join(folder, f".{name}.{secrets.token_hex(8)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with open(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise
    # The new name is on the disk only once the folder is.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# ---- reading ----

Location = str | device | dict[str, str] | None


def load(f: str | os.PathLike[str] | IO[bytes], map_location: Location = None) -> Any:
    """Load what `dt.save` saved, or any safetensors file as a dict of tensors.

    Args:
        f: a path, or a binary file to read from.
        map_location: where the tensors go instead of the device that they were saved from: a device, or a dict such as
            `{"cuda:0": "cpu"}`.

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
    if not isinstance(f, (str, os.PathLike)):
        data = f.read()
        return _read(io.BytesIO(data), len(data), "the file", map_location)
    with open(f, "rb") as stream:
        return _read(stream, os.fstat(stream.fileno()).st_size, os.fspath(f), map_location)


def _read(stream: IO[bytes], size: int, name: str, location: Location) -> Any:
    start = stream.read(8)
    header, text = _parsed(start, stream, size, name)
    metadata = header.pop("__metadata__", {})
    entries = _ordered(header, name)
    _check_layout(entries, size - 8 - len(text), name)
    checksum = metadata.get(_CHECKSUM)
    if checksum is None and _STRUCTURE in metadata:
        raise CheckpointError(f"load: {name} was altered after it was saved: its checksum is missing")
    digest = hashlib.sha256(start)
    if checksum is not None:
        digest.update(text.replace(_CHECKSUM_FIELD % checksum.encode(), _CHECKSUM_FIELD % _NO_CHECKSUM.encode()))
    tensors = {}
    for key, entry in entries:
        tensors[key] = _core.get_op("empty")(entry["shape"], dtype=getattr(_core, _DTYPES[entry["dtype"]]))
        view = _memory(tensors[key])
        _fill(stream, view, name)
        if checksum is not None:
            digest.update(view)
    if checksum is not None and digest.hexdigest() != checksum:
        raise CheckpointError(f"load: {name} was altered after it was saved: its checksum does not match its content")
    if _STRUCTURE not in metadata:
        return {key: _placed(tensor, "cpu", location) for key, tensor in tensors.items()}
    return _restored(metadata[_STRUCTURE], tensors, name, location)


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


def _fill(stream: IO[bytes], view: memoryview, name: str) -> None:
    at = 0
    while at < view.nbytes:
        count = stream.readinto(view[at:])  # type: ignore[attr-defined]
        if not count:
            raise CheckpointError(f"load: {name} is truncated")
        at += count


# ---- checks before anything is allocated ----


def _parsed(start: bytes, stream: IO[bytes], size: int, name: str) -> tuple[dict[str, Any], bytes]:
    """The header, and its bytes as they stand in the file."""
    if len(start) < 8:
        raise CheckpointError(f"load: {name} is no checkpoint: it has only {size} bytes")
    (length,) = struct.unpack("<Q", start)
    text = stream.read(min(length, size)) if 2 <= length <= _LARGEST_HEADER else b""
    if text[:1] != b"{":
        raise CheckpointError(f"load: {name} is no checkpoint: {_look(start)}")
    if len(text) < length:
        raise CheckpointError(f"load: {name} is truncated: it ends within its header")
    try:
        header = json.loads(text)
    except ValueError as error:
        raise CheckpointError(f"load: {name} is no checkpoint, or was altered: its header is no JSON") from error
    return header, text


def _look(start: bytes) -> str:
    """What a file that is no safetensors file may be."""
    if start[:4] == b"PK\x03\x04" or start[:1] == b"\x80":
        return (
            "it is a pickle or a zip archive, such as PyTorch writes, and only safetensors files are loaded, which "
            "execute nothing; convert it with the program that wrote it"
        )
    return "it does not begin like a safetensors file"


def _ordered(header: dict[str, Any], name: str) -> list[tuple[str, Any]]:
    try:
        return sorted(header.items(), key=lambda item: [int(n) for n in item[1]["data_offsets"]])
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"load: {name} is no safetensors file: {error!r} in its header") from error


def _check_layout(entries: list[tuple[str, Any]], room: int, name: str) -> None:
    """Every tensor's place follows the one before, fits its shape, and the last one ends with the file."""
    from math import prod

    at = 0
    for key, entry in entries:
        try:
            kind, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
            wanted = prod(shape) * getattr(_core, _DTYPES[kind]).itemsize
            fits = begin == at and end - begin == wanted and all(isinstance(n, int) and n >= 0 for n in shape)
        except (KeyError, TypeError, ValueError):
            fits = False
        if not fits:
            raise CheckpointError(
                f"load: {name} was altered, or is no safetensors file: the entry {key!r} makes no sense"
            )
        at = end
    if at > room:
        raise CheckpointError(f"load: {name} is truncated: {at} bytes of tensors are announced, {room} are there")
    if at < room:
        raise CheckpointError(f"load: {name} was altered: {room - at} bytes follow the last tensor")
