"""Memory that processes share: `Tensor.share_memory_()`, and files as tensors.

A tensor in shared memory can be an argument of a `multiprocessing.Process`, or go through a `multiprocessing.Queue`,
whatever the start method: what arrives is the same memory, not a copy. Only its description is pickled.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from multiprocessing import reduction
from typing import Any
from weakref import WeakValueDictionary

from . import _core, checks, formats
from ._core import Tensor, get_op

__all__ = ["from_file", "is_shared", "share_memory_"]

_as_strided = get_op("as_strided")


class SharedBlock(mmap.mmap):
    """A mapping that other processes can map too, through its file descriptor."""

    fd: int

    @classmethod
    def of(cls, fd: int, nbytes: int) -> SharedBlock:
        """The mapping of a file, which owns the descriptor from here on."""
        try:
            block = cls(fd, nbytes)
        except BaseException:
            os.close(fd)
            raise
        block.fd = fd
        return block

    def __del__(self) -> None:
        if hasattr(self, "fd"):
            os.close(self.fd)


def _new_block(nbytes: int) -> SharedBlock:
    """Fresh memory: a file that has no name, and goes with the last process that maps it."""
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("dovetail")
    else:
        with tempfile.TemporaryFile() as file:
            fd = os.dup(file.fileno())
    os.ftruncate(fd, max(nbytes, 1))
    return SharedBlock.of(fd, max(nbytes, 1))


def _block_of(x: Tensor) -> SharedBlock | None:
    owner = x._storage_owner()
    return owner if isinstance(owner, SharedBlock) else None


def is_shared(self: Tensor) -> bool:
    """Whether other processes can map the tensor's memory.

    Example:
        >>> dt.ones(2).is_shared(), dt.ones(2).share_memory_().is_shared()
        (False, True)
    """
    return _block_of(self) is not None


@checks.in_own_name
def share_memory_(self: Tensor) -> Tensor:
    """Move the tensor into memory that other processes can map; returns it.

    It can then be sent to another process by `multiprocessing`, and both see what either writes. Nothing happens where
    the tensor is in shared memory already, or is on a device other than the CPU.

    Raises:
        RuntimeError: other tensors or arrays use the same memory, which would stay behind.

    Example:
        >>> x = dt.ones(2).share_memory_()
        >>> x.is_shared(), x.tolist()
        (True, [1.0, 1.0])
    """
    reduction.ForkingPickler.register(type(self), _reduce)
    if self.device.type != "cpu" or _block_of(self) is not None:
        return self
    others = self._storage_uses() - 1
    if others or self._storage_exports():
        raise RuntimeError(
            f"share_memory_: {others} other tensors and {self._storage_exports()} arrays or buffers use this memory "
            "and would not move with it; share before views are made, or clone() the tensor first"
        )
    source = self.detach()
    room = source._storage_nbytes() // source.itemsize
    flat = _core.frombuffer(_new_block(room * source.itemsize), dtype=source.dtype, count=room)
    flat.copy_(_as_strided(source, [room], [1], 0))
    self.data = _as_strided(flat, self.shape, self.stride(), self.storage_offset())
    return self


# ---- to another process ----


def _reduce(x: Tensor) -> tuple[Any, ...]:
    """What the pickler of multiprocessing sends: where the memory is, and the tensor's geometry in it."""
    block = _block_of(x)
    if block is None:
        raise TypeError(
            "Tensor: only tensors in shared memory are sent to another process; call share_memory_(), or send .numpy()"
        )
    if x.requires_grad and not x.is_leaf:
        raise TypeError("Tensor: a tensor that a recorded op made can't be sent to another process; detach() it first")
    start = (x._storage_ptr() - _address(block)) // x.itemsize
    geometry = (tuple(x.shape), x.stride(), start + x.storage_offset())
    return _rebuild, (reduction.DupFd(block.fd), len(block), x.dtype.name, geometry, type(x), x.requires_grad)


def _address(block: SharedBlock) -> int:
    return _core.frombuffer(block, dtype=_core.uint8).data_ptr()


# The blocks that this process got, by file: one that comes twice is mapped once.
_received: WeakValueDictionary[tuple[int, int], SharedBlock] = WeakValueDictionary()


def _rebuild(handle: Any, nbytes: int, dtype: str, geometry: Any, kind: type[Tensor], requires_grad: bool) -> Tensor:
    fd = handle.detach()
    status = os.fstat(fd)
    block = _received.get((status.st_dev, status.st_ino))
    if block is None:
        block = _received[status.st_dev, status.st_ino] = SharedBlock.of(fd, nbytes)
    else:
        os.close(fd)
    kept = getattr(_core, dtype)
    flat = _core.frombuffer(block, dtype=kept, count=nbytes // kept.itemsize)
    result = kind._make_subclass(_as_strided(flat, *geometry), requires_grad)
    reduction.ForkingPickler.register(kind, _reduce)
    return result


# ---- files ----


@checks.in_own_name
def from_file(
    filename: str | os.PathLike[str],
    shared: bool | None = None,
    size: int = 0,
    *,
    dtype: _core.dtype | None = None,
    layout: Any = None,
    device: _core.device | str | None = None,
    pin_memory: bool = False,
) -> Tensor:
    """The bytes of a file as a tensor, read when they are used.

    Args:
        filename: the file.
        shared: True writes what is written to the tensor to the file, which is made, or made longer, where it is too
            short; else writes stay in this process.
        size: how many elements.
        dtype: of the elements; the default float by default.
        device: the CPU; a tensor elsewhere shares nothing with a file.

    Raises:
        ValueError: the file is shorter than that, and not shared.
        OSError: the file can't be opened.

    Example:
        >>> import os, tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "numbers")
        >>> _ = dt.from_file(path, shared=True, size=3, dtype=dt.int32).fill_(7)
        >>> dt.from_file(path, size=2, dtype=dt.int32).tolist()
        [7, 7]
    """
    formats.ignore_layout("from_file", {"layout": layout, "pin_memory": pin_memory})
    checks.integers("from_file", size=size)
    if not isinstance(filename, (str, os.PathLike)):
        raise TypeError(f"from_file: filename must be a str or a path, got {checks.shown(filename)}")
    if size < 0:
        raise ValueError(f"from_file: size must not be negative, got {size}")
    if device is not None and _core.device(device).type != "cpu":
        raise ValueError(f"from_file: a tensor on {device} can't share memory with a file; move it with .to()")
    kept = dtype or _core.get_default_dtype()
    try:
        fd = os.open(filename, (os.O_RDWR | os.O_CREAT) if shared else os.O_RDONLY, 0o666)
    except OSError as error:
        raise type(error)(error.errno, f"from_file: {error.strerror}", filename) from None
    try:
        nbytes, there = size * kept.itemsize, os.fstat(fd).st_size
        if there < nbytes:
            if not shared:
                raise ValueError(
                    f"from_file: {os.fspath(filename)!r} has {there} bytes, but {size} elements of {kept.name} need "
                    f"{nbytes}"
                )
            os.ftruncate(fd, nbytes)
        if nbytes == 0:
            return get_op("empty")([0], dtype=kept, device="cpu")
        block: mmap.mmap
        if shared:
            block = SharedBlock.of(os.dup(fd), nbytes)
        else:
            block = mmap.mmap(fd, nbytes, access=mmap.ACCESS_COPY)
    finally:
        os.close(fd)
    return _core.frombuffer(block, dtype=kept, count=size)
