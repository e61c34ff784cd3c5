"""What changes a whole module at once: mode, gradients, device and dtype."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self, cast

import dovetail as dt
from dovetail import checks

from ..parameter import is_lazy
from .members import Members

if TYPE_CHECKING:
    from .module import Module


class Casting(Members):
    """The methods of a Module that change all of it."""

    training: bool

    def train(self, mode: bool = True) -> Self:
        """Training mode, here and below (dropout drops, batch norm measures); ``train(False)`` is ``eval()``."""
        if not isinstance(mode, bool):
            raise ValueError(f"{type(self).__name__}: train mode must be a bool, got {mode!r}")
        object.__setattr__(self, "training", mode)
        for child in self.children():
            child.train(mode)
        return self

    def eval(self) -> Self:
        """Evaluation mode, here and below."""
        return self.train(False)

    @checks.in_class_name
    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Whether gradients are computed for the parameters here and below."""
        for param in self.parameters():
            param.requires_grad_(requires_grad)
        return self

    @checks.in_class_name
    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop every parameter's gradient, or fill it with zeros where ``set_to_none`` is False."""
        for param in self.parameters():
            if param.grad is not None:
                param.grad = None if set_to_none else dt.zeros_like(param.grad)

    @checks.in_class_name
    def apply(self, fn: Callable[[Module], None]) -> Self:
        """Call ``fn`` on every module below, children first, then on this one."""
        checks.callables(type(self).__name__, fn=fn)
        for child in self.children():
            child.apply(fn)
        fn(cast("Module", self))
        return self

    def _apply(self, fn: Callable[[dt.Tensor], dt.Tensor], recurse: bool = True) -> Self:
        """Put ``fn(tensor)`` in the place of every parameter, gradient and buffer; parameters stay the same objects."""
        if recurse:
            for child in self.children():
                child._apply(fn)
        with dt.no_grad():
            for param in self._parameters.values():
                if param is None:
                    continue
                moved, grad = fn(param.data), param.grad
                param.grad = None
                param.data = moved
                if grad is not None:
                    param.grad = fn(grad)
            for name, buffer in self._buffers.items():
                if buffer is not None and is_lazy(buffer):
                    buffer.data = fn(buffer.data)
                elif buffer is not None:
                    self._buffers[name] = fn(buffer)
        return self

    @checks.in_class_name
    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move parameters and buffers to a device, or floating-point ones to a dtype: ``to(device)``, ``to(dtype)``,
        ``to(device, dtype)``, ``to(tensor)``, also by keyword. ``memory_format=`` orders the elements of those with its
        number of dims."""
        wanted = kwargs.pop("memory_format", None)
        dims = {None: None, dt.channels_last: 4, dt.channels_last_3d: 5}.get(wanted)
        device, dtype = _parse_to(*args, **kwargs)
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(f"{type(self).__name__}: to() takes floating-point dtypes only, got {dtype}")

        def move(t: dt.Tensor) -> dt.Tensor:
            if device is not None:
                t = t.to(device)
            if wanted is not None and dims in (None, t.ndim):
                t = t.contiguous(memory_format=wanted)
            return t.to(dtype) if dtype is not None and t.is_floating_point() else t

        return self._apply(move)

    def cpu(self) -> Self:
        """Move parameters and buffers to the CPU."""
        return self.to("cpu")

    def cuda(self, device: int | str | None = None) -> Self:
        """Move parameters and buffers to a CUDA device."""
        return self.to("cuda" if device is None else f"cuda:{device}" if isinstance(device, int) else device)

    @checks.in_class_name
    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """Put new memory on a device under parameters and buffers, whose values are lost.

        Args:
            device: where the memory is.
            recurse: also for the modules below.
        """
        return self._apply(lambda t: dt.empty_like(t, device=device), recurse)

    @checks.in_class_name
    def share_memory(self) -> Self:
        """Move parameters and buffers into memory that processes share."""
        return self._apply(lambda t: t.share_memory_())

    @checks.in_class_name
    def type(self, dst_type: Any) -> Self:
        """Cast all parameters and buffers to a dtype."""
        return self._apply(lambda t: t.to(dst_type))

    def float(self) -> Self:
        """Cast floating-point parameters and buffers to float32."""
        return self.to(dt.float32)

    def double(self) -> Self:
        """Cast floating-point parameters and buffers to float64."""
        return self.to(dt.float64)

    def half(self) -> Self:
        """Cast floating-point parameters and buffers to float16."""
        return self.to(dt.float16)

    def bfloat16(self) -> Self:
        """Cast floating-point parameters and buffers to bfloat16."""
        return self.to(dt.bfloat16)


def _parse_to(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
    device, dtype = kwargs.pop("device", None), kwargs.pop("dtype", None)
    kwargs.pop("non_blocking", None)
    tensor = kwargs.pop("tensor", None)
    if kwargs:
        raise TypeError(f"Module.to: unexpected arguments {sorted(kwargs)}")
    for arg in args:
        if isinstance(arg, dt.dtype):
            dtype = arg
        elif isinstance(arg, dt.Tensor):
            tensor = arg
        elif isinstance(arg, (str, dt.device)):
            device = arg
        elif arg is not None and not isinstance(arg, bool):
            raise TypeError(f"Module.to: expected a device, a dtype or a tensor, got {type(arg).__name__}")
    if tensor is not None:
        device, dtype = tensor.device, tensor.dtype
    return device, dtype
