"""The memory behind tensors, as an object: what `Tensor.untyped_storage` and `Tensor.storage` give."""

from __future__ import annotations

from typing import Any

from . import _core, checks
from ._core import Tensor, device, get_op

__all__ = ["TypedStorage", "UntypedStorage", "is_storage"]

_as_strided = get_op("as_strided")


class _Memory:
    """The memory that a tensor and its views share, as a vector of one dtype."""

    _dtype: _core.dtype

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor.detach()

    @property
    def device(self) -> device:
        """Where the memory is."""
        return self._tensor.device

    def typed(self, dtype: _core.dtype) -> Tensor:
        """All of the memory as a vector, without a rest that is no whole element."""
        count = self.nbytes() // self._tensor.itemsize
        vector = _as_strided(self._tensor, (count,), (1,), 0)
        if dtype is vector.dtype:
            return vector
        if count == 0:
            return get_op("empty")([0], dtype=dtype, device=self.device)
        octets = vector.view(_core.uint8)
        return octets[: octets.numel() // dtype.itemsize * dtype.itemsize].view(dtype)

    def __getitem__(self, index: Any) -> Any:
        return _element(self.typed(self._dtype), index)

    def __setitem__(self, index: Any, value: Any) -> None:
        self.typed(self._dtype)[index] = value

    def tolist(self) -> list[Any]:
        """The elements."""
        return self.typed(self._dtype).tolist()

    def element_size(self) -> int:
        """Bytes of one element."""
        return self._dtype.itemsize

    def data_ptr(self) -> int:
        """The address of the first byte."""
        return self._tensor._storage_ptr()

    def nbytes(self) -> int:
        """How many bytes there are."""
        return self._tensor._storage_nbytes()

    def size(self) -> int:
        """How many elements there are."""
        return self.nbytes() // self.element_size()

    def __len__(self) -> int:
        return self.size()

    def is_shared(self) -> bool:
        """Whether other processes can map the memory. See `Tensor.share_memory_`."""
        return self._tensor.is_shared()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return NotImplemented
        return self._place() == other._place()

    def __hash__(self) -> int:
        return hash(self._place())

    def _place(self) -> tuple[Any, ...]:
        return self._dtype.name, str(self.device), self.data_ptr(), self.nbytes()


class UntypedStorage(_Memory):
    """The memory that a tensor and its views share, in bytes. It stays for as long as this object does.

    Two are equal when they are the same memory.

    Example:
        >>> x = dt.zeros(2, 3)
        >>> x.untyped_storage() == x.T.untyped_storage(), x.untyped_storage() == x.clone().untyped_storage()
        (True, False)
        >>> len(x.untyped_storage())
        24
    """

    _dtype = _core.uint8

    def untyped(self) -> UntypedStorage:
        """This object."""
        return self

    def __repr__(self) -> str:
        return f"<UntypedStorage of {self.nbytes()} bytes on {self.device}>"


class TypedStorage(_Memory):
    """The memory that a tensor and its views share, as a vector of the tensor's dtype; an older form.

    Example:
        >>> memory = dt.tensor([[1, 2], [3, 4]]).T.storage()
        >>> memory[1], len(memory), memory.dtype
        (2, 4, dovetail.int64)
    """

    def __init__(self, tensor: Tensor) -> None:
        super().__init__(tensor)
        self.dtype = self._dtype = tensor.dtype

    def untyped(self) -> UntypedStorage:
        """The memory as bytes."""
        return UntypedStorage(self._tensor)

    def __repr__(self) -> str:
        return f"<TypedStorage of {self.size()} {self.dtype.name} on {self.device}>"


def _element(vector: Tensor, index: Any) -> Any:
    """A number for an int, a vector of the same memory for a slice."""
    if not isinstance(index, slice):
        checks.integers("storage", index=index)
    found = vector[index]
    return found if isinstance(index, slice) else found.item()


def is_storage(obj: Any) -> bool:
    """Whether an object is the memory behind a tensor.

    Example:
        >>> dt.is_storage(dt.ones(1).untyped_storage()), dt.is_storage(dt.ones(1))
        (True, False)
    """
    return isinstance(obj, _Memory)
