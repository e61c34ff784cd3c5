"""Functions of your own under autocast: decorators for `forward` and `backward` of a `dovetail.autograd.Function`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import dovetail as dt
from dovetail import checks
from dovetail.autograd import FunctionCtx
from dovetail.autograd.nests import mapped

from .regions import autocast, get_autocast_dtype, is_autocast_enabled

__all__ = ["custom_bwd", "custom_fwd"]

STATE = "_autocast_of_forward"  # the attribute of a context: whether autocast was on, and its dtype


def custom_fwd(
    fwd: Callable[..., Any] | None = None, *, device_type: str, cast_inputs: dt.dtype | None = None
) -> Callable[..., Any]:
    """A `forward` that runs in a dtype of its choice under autocast.

    Args:
        fwd: the static method `forward`.
        device_type: whose autocast is meant.
        cast_inputs: under autocast, floating-point tensors on these devices (float64 apart) come in this dtype, and
            `forward` runs with autocast off. None: it runs as its caller does.

    Outside of autocast it changes nothing.

    Example:
        >>> class Scaled(dt.autograd.Function):
        ...     @staticmethod
        ...     @dt.amp.custom_fwd(device_type="cpu", cast_inputs=dt.float32)
        ...     def forward(ctx, x):
        ...         return 3 * x
        ...     @staticmethod
        ...     @dt.amp.custom_bwd(device_type="cpu")
        ...     def backward(ctx, gradient):
        ...         return 3 * gradient
        >>> with dt.autocast("cpu"):
        ...     Scaled.apply(dt.ones(2, dtype=dt.bfloat16)).dtype
        dovetail.float32
    """
    if fwd is None:
        return partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)
    checks.callables("custom_fwd", fwd=fwd)
    if cast_inputs is not None and not (isinstance(cast_inputs, dt.dtype) and cast_inputs.is_floating_point):
        raise TypeError(f"custom_fwd: cast_inputs must be a floating-point dtype, got {checks.shown(cast_inputs)}")
    is_autocast_enabled(device_type)  # refuses what is no device type

    def cast(value: Any) -> Any:
        given = isinstance(value, dt.Tensor) and value.is_floating_point() and value.dtype != dt.float64
        return value.to(cast_inputs) if given and value.device.type == device_type else value

    @wraps(fwd)
    def forward(*args: Any, **kwargs: Any) -> Any:
        enabled = is_autocast_enabled(device_type)
        if args and isinstance(args[0], FunctionCtx):  # with setup_context there is none
            setattr(args[0], STATE, (enabled and cast_inputs is None, get_autocast_dtype(device_type)))
        if not enabled or cast_inputs is None:
            return fwd(*args, **kwargs)
        with autocast(device_type, enabled=False):
            return fwd(*(mapped(arg, cast) for arg in args), **mapped(kwargs, cast))

    return forward


def custom_bwd(bwd: Callable[..., Any] | None = None, *, device_type: str) -> Callable[..., Any]:
    """A `backward` that runs under the autocast of its `forward`, which `custom_fwd` decorates. Without it a backward
    runs with autocast off.

    Args:
        bwd: the static method `backward`.
        device_type: whose autocast is meant.
    """
    if bwd is None:
        return partial(custom_bwd, device_type=device_type)
    checks.callables("custom_bwd", bwd=bwd)
    is_autocast_enabled(device_type)

    @wraps(bwd)
    def backward(*args: Any, **kwargs: Any) -> Any:
        enabled, dtype = getattr(args[0], STATE, (False, None))
        with autocast(device_type, dtype, enabled):
            return bwd(*args, **kwargs)

    return backward
