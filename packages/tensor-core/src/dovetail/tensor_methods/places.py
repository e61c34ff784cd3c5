"""Where a tensor's memory is: shared with other processes, in use on a stream."""

from __future__ import annotations

from .. import _core, checks
from .._core import Tensor

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any


def is_shared(self: Tensor) -> bool:
    """Whether other processes can map the tensor's memory. See `share_memory_`.

    Example:
        >>> dt.ones(2).is_shared()
        False
    """
    if self._storage_owner() is None:  # the usual case, without loading what sharing needs
        return False
    from ..sharing import is_shared

    return is_shared(self)


def share_memory_(self: Tensor) -> Tensor:
    """Move the tensor into memory that other processes can map; returns it.

    It can then be sent to another process by `multiprocessing`, whatever the start method, and both see what either
    writes. Nothing happens on devices other than the CPU.

    Raises:
        RuntimeError: other tensors or arrays use the same memory, which would stay behind.

    Example:
        >>> x = dt.ones(2).share_memory_()
        >>> x.is_shared(), x.tolist()
        (True, [1.0, 1.0])
    """
    from ..sharing import share_memory_

    return share_memory_(self)


@checks.in_own_name
def record_stream(self: Tensor, stream: Any) -> None:
    """Say that a stream uses the tensor's memory too: it is given out again only when that stream is through.

    Work on the CPU is done when a call returns, so that nothing need be recorded there.

    Args:
        stream: a `dt.streams.Stream` of the tensor's device.

    Example:
        >>> if dt.cuda.is_available():
        ...     side = dt.cuda.Stream()
        ...     dt.ones(3, device="cuda").record_stream(side)
    """
    from ..streams import Stream

    if not isinstance(stream, Stream):
        raise TypeError(f"record_stream: expected a Stream, got {checks.shown(stream)}")
    if stream.device != self.device:
        raise ValueError(f"record_stream: the stream is of {stream.device}, the tensor is on {self.device}")
    _core._record_stream(self, stream.handle)


METHODS: dict[str, Any] = {"is_shared": is_shared, "share_memory_": share_memory_, "record_stream": record_stream}
