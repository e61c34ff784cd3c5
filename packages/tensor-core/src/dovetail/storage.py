"""The memory behind tensors, as an object: what `Tensor.untyped_storage` gives."""

from __future__ import annotations

from ._core import Tensor, device

__all__ = ["UntypedStorage"]


class UntypedStorage:
    """The memory that a tensor and its views share, in bytes. It stays for as long as this object does.

    Two are equal when they are the same memory.

    Example:
        >>> x = dt.zeros(2, 3)
        >>> x.untyped_storage() == x.T.untyped_storage(), x.untyped_storage() == x.clone().untyped_storage()
        (True, False)
        >>> len(x.untyped_storage())
        24
    """

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor.detach()

    @property
    def device(self) -> device:
        """Where the memory is."""
        return self._tensor.device

    def data_ptr(self) -> int:
        """The address of the first byte."""
        return self._tensor._storage_ptr()

    def nbytes(self) -> int:
        """How many bytes there are."""
        return self._tensor._storage_nbytes()

    def size(self) -> int:
        """How many bytes there are."""
        return self.nbytes()

    def __len__(self) -> int:
        return self.nbytes()

    def is_shared(self) -> bool:
        """Whether other processes can map the memory. See `Tensor.share_memory_`."""
        return self._tensor.is_shared()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, UntypedStorage):
            return NotImplemented
        return (self.device, self.data_ptr(), self.nbytes()) == (other.device, other.data_ptr(), other.nbytes())

    def __hash__(self) -> int:
        return hash((str(self.device), self.data_ptr()))

    def __repr__(self) -> str:
        return f"<UntypedStorage of {self.nbytes()} bytes on {self.device}>"
