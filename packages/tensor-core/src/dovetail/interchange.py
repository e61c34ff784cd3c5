"""DLPack: memory shared with other array libraries, without a copy (https://dmlc.github.io/dlpack/latest/)."""

from __future__ import annotations

from . import _core
from ._core import Tensor, device

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any

_VERSION = (1, 1)
_CPU, _CUDA = 1, 2  # DLDeviceType


def from_dlpack(x: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor over the memory of another library's array.

    Args:
        x: an object with `__dlpack__` and `__dlpack_device__` (an array of NumPy, PyTorch, JAX, CuPy, ...), or a
            DLPack capsule.
        device: where the tensor shall be; where the array is, by default.
        copy: True always copies, False never does, None does where the device asks for it.

    Raises:
        TypeError: `x` is neither.
        BufferError: the array cannot be shared: its dtype, device or strides have no counterpart here, it requires
            grad, or a copy would be needed that `copy=False` forbids.

    Example:
        >>> import numpy as np
        >>> a = np.arange(3.0)
        >>> x = dt.from_dlpack(a)
        >>> a[0] = 7
        >>> x.tolist()
        [7.0, 1.0, 2.0]
    """
    if copy is not None and not isinstance(copy, bool):
        raise TypeError(f"from_dlpack: copy must be True, False or None, got {copy!r}")
    capsule = x if type(x).__name__ == "PyCapsule" else _capsule(x)
    result = _core._from_dlpack(capsule)
    wanted = result.device if device is None else _core.device(device)
    if wanted == result.device:
        return result.clone() if copy else result
    if copy is False:
        raise BufferError(f"from_dlpack: the array is on {result.device}; copy=False forbids a copy to {wanted}")
    return result.to(wanted)


def _capsule(x: Any) -> Any:
    if not hasattr(x, "__dlpack__") or not hasattr(x, "__dlpack_device__"):
        raise TypeError(
            f"from_dlpack: expected an array with __dlpack__ and __dlpack_device__, or a DLPack capsule, "
            f"got {type(x).__name__}"
        )
    kind, index = x.__dlpack_device__()
    options: dict[str, Any] = {} if kind == _CPU else {"stream": _our_stream(int(kind), index)}
    try:
        return x.__dlpack__(max_version=_VERSION, **options)
    except TypeError:  # the array's library is older than DLPack 1.0
        return x.__dlpack__(**options)


def _our_stream(kind: int, index: int) -> int | None:
    """The stream on which what comes next will use the array; None where the device type has no streams."""
    for name in _core.backend_names():
        if name != "cpu" and _core._dlpack_device(device(name))[0] == kind:
            stream = _core._dlpack_stream(device(f"{name}:{index}"))
            return stream or (1 if kind == _CUDA else None)  # 1: CUDA's default stream
    return None


def __dlpack__(
    self: Tensor,
    *,
    stream: Any = None,
    max_version: tuple[int, int] | None = None,
    dl_device: tuple[int, int] | None = None,
    copy: bool | None = None,
) -> Any:
    """A DLPack capsule over the tensor's memory, for another library to take.

    While the capsule or what was made of it lives, the tensor's memory cannot be resized.

    Args:
        stream: the consumer's stream, ordered after what this tensor's device is doing; -1 asks for no ordering.
            Must be None for a CPU tensor.
        max_version: the newest DLPack that the consumer reads; before 1.0 read-only memory cannot be given.
        dl_device: DLPack's type and index of the device to which the memory shall be copied if it is elsewhere: the
            CPU or the tensor's own.
        copy: True always copies, False never does, None does where `dl_device` asks for it.

    Raises:
        BufferError: the tensor requires grad, is read-only for an old consumer, or cannot be where it is wanted.

    Example:
        >>> import numpy as np
        >>> np.from_dlpack(dt.tensor([1, 2])).tolist()
        [1, 2]
    """
    if self.requires_grad:
        raise BufferError("__dlpack__: the tensor requires grad, which no consumer would know; use detach() first")
    if copy is not None and not isinstance(copy, bool):
        raise TypeError(f"__dlpack__: copy must be True, False or None, got {copy!r}")
    source = self.detach()
    here = _core._dlpack_device(source.device)
    if dl_device is not None and tuple(map(int, dl_device)) != here:
        if int(dl_device[0]) != _CPU:
            raise BufferError(f"__dlpack__: the tensor is on {self.device}; use to() first for DLPack's {dl_device}")
        if copy is False:
            raise BufferError(f"__dlpack__: the tensor is on {self.device}; copy=False forbids a copy to the CPU")
        source = source.cpu()
    elif copy:
        source = source.clone()
    if source.device.type == "cpu":
        if stream is not None and here[0] == _CPU:
            raise BufferError(f"__dlpack__: a CPU tensor has no stream to order, got stream={stream!r}; use None")
    elif stream != -1:
        _core._dlpack_wait(source.device, 1 if stream is None else int(stream))
    copied = source.data_ptr() != self.data_ptr()
    versioned = max_version is not None and int(max_version[0]) >= 1
    return _core._to_dlpack(source, versioned, copied)


def __dlpack_device__(self: Tensor) -> tuple[int, int]:
    """DLPack's type and index of the tensor's device.

    Example:
        >>> dt.ones(2).__dlpack_device__()
        (1, 0)
    """
    return _core._dlpack_device(self.device)


def to_dlpack(tensor: Tensor) -> Any:
    """A DLPack capsule over the tensor's memory, in the form before DLPack 1.0: `tensor.__dlpack__()`.

    Example:
        >>> dt.from_dlpack(dt.utils.dlpack.to_dlpack(dt.tensor([1, 2]))).tolist()
        [1, 2]
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"to_dlpack: expected a Tensor, got {type(tensor).__name__}")
    return __dlpack__(tensor)


METHODS: dict[str, Any] = {"__dlpack__": __dlpack__, "__dlpack_device__": __dlpack_device__}
