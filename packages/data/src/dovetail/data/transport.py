"""How a batch goes from a worker process to the loader's: the tensors in one block of shared memory, the rest pickled.

Both ends are ours and on one machine, so pickle carries nothing here that did not just leave this program.
"""

from __future__ import annotations

import io
import pickle
import secrets
from dataclasses import dataclass
from multiprocessing import shared_memory
from pathlib import Path
from typing import Any

import dovetail as dt

_ALIGN = 64


@dataclass
class _Slot:
    """Where in the block a tensor lies."""

    offset: int
    shape: tuple[int, ...]
    dtype: str


@dataclass
class Packed:
    """A batch on its way: the block's name (None where there are no tensors) and the pickled rest."""

    block: str | None
    rest: bytes


def pack(batch: Any, prefix: str = "dovetail-") -> Packed:
    """Copy the batch's tensors into a new block of shared memory, whose name begins with the prefix."""
    tensors: list[dt.Tensor] = []
    size = 0

    class Pickler(pickle.Pickler):
        def persistent_id(self, value: Any) -> Any:
            nonlocal size
            if not isinstance(value, dt.Tensor):
                return None
            slot = _Slot(size, tuple(value.shape), value.dtype.name)
            tensors.append(value.detach().cpu().contiguous())
            size += -(-value.nbytes // _ALIGN) * _ALIGN
            return slot

    rest = io.BytesIO()
    Pickler(rest, protocol=5).dump(batch)
    if size == 0:
        return Packed(None, rest.getvalue())
    block = shared_memory.SharedMemory(prefix + secrets.token_hex(6), create=True, size=size)
    at = 0
    try:
        for t in tensors:
            if t.nbytes:
                _view(block)[at : at + t.nbytes] = memoryview(t).cast("B")
            at += -(-t.nbytes // _ALIGN) * _ALIGN
    except BaseException:
        block.unlink()
        raise
    finally:
        block.close()
    return Packed(block.name, rest.getvalue())


def _view(block: shared_memory.SharedMemory) -> memoryview:
    assert block.buf is not None, "the block is open"
    return block.buf


def unpack(packed: Packed) -> Any:
    """The batch again; its tensors are copied out, and the block is gone."""
    block = shared_memory.SharedMemory(packed.block) if packed.block else None

    class Unpickler(pickle.Unpickler):
        def persistent_load(self, slot: Any) -> Any:
            t = dt.empty(slot.shape, dtype=getattr(dt, slot.dtype))
            if block is not None and t.nbytes:
                memoryview(t).cast("B")[:] = _view(block)[slot.offset : slot.offset + t.nbytes]
            return t

    try:
        return Unpickler(io.BytesIO(packed.rest)).load()
    finally:
        if block is not None:
            block.close()
            block.unlink()


def discard(packed: Packed) -> None:
    """Free the block of a batch that nobody will read."""
    if packed.block:
        block = shared_memory.SharedMemory(packed.block)
        block.close()
        block.unlink()


def sweep(prefix: str) -> None:
    """Free the blocks of this prefix, which processes left that were killed."""
    for path in Path("/dev/shm").glob(f"{prefix}*"):
        try:
            discard(Packed(path.name, b""))
        except ValueError:  # killed before it had a size
            path.unlink(missing_ok=True)
        except FileNotFoundError:
            continue
