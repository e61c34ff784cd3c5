"""Automatic differentiation.

Operations on tensors that require gradients are recorded as a graph, which `backward` runs from the results to the
leaves:

    >>> import dovetail as dt
    >>> x = dt.tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad.tolist()
    [2.0, 4.0]

This module need not be imported: it loads when a tensor first requires a gradient.
"""

from __future__ import annotations

from dovetail._grad_mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)

from . import _tensor, derivatives, saved
from .__about__ import __version__
from ._engine import Node
from .engine import backward, grad
from .rules import backward_by, forward_by, has_derivative, refuse_vjp, register_jvp, register_vjp

TYPE_CHECKING = False  # a first gradient should not wait for what it does not need
if TYPE_CHECKING:
    from typing import Any as _Any

    from . import forward_ad, func, functional, grad_mode, graph, hooks
    from .anomaly import detect_anomaly, is_anomaly_check_nan_enabled, is_anomaly_enabled, set_detect_anomaly
    from .batching import batched_by, register_batching
    from .checking import GradcheckError, gradcheck, gradgradcheck
    from .checkpointing import CheckpointError, checkpoint, checkpoint_sequential
    from .function import Function, FunctionCtx, once_differentiable
    from .grad_mode import set_multithreading_enabled
    from .variable import Variable
    from .vmapping import vmap

__all__ = [
    "CheckpointError",
    "Function",
    "FunctionCtx",
    "GradcheckError",
    "Node",
    "Variable",
    "__version__",
    "backward",
    "backward_by",
    "batched_by",
    "checkpoint",
    "checkpoint_sequential",
    "detect_anomaly",
    "enable_grad",
    "forward_ad",
    "forward_by",
    "func",
    "functional",
    "grad",
    "grad_mode",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "has_derivative",
    "hooks",
    "inference_mode",
    "is_anomaly_check_nan_enabled",
    "is_anomaly_enabled",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "no_grad",
    "once_differentiable",
    "profiler",
    "register_batching",
    "refuse_vjp",
    "register_jvp",
    "register_vjp",
    "set_detect_anomaly",
    "set_grad_enabled",
    "set_multithreading_enabled",
    "vmap",
]

_tensor.install()
saved.install()
derivatives.register()

# ---- what loads when it is first used ----

_MODULES = (
    "anomaly",
    "batching",
    "checking",
    "checkpointing",
    "forward_ad",
    "func",
    "function",
    "functional",
    "grad_mode",
    "graph",
    "hooks",
    "profiler",
    "variable",
)
_ELSEWHERE = {
    "CheckpointError": "checkpointing",
    "Function": "function",
    "FunctionCtx": "function",
    "GradcheckError": "checking",
    "Variable": "variable",
    "batched_by": "batching",
    "checkpoint": "checkpointing",
    "checkpoint_sequential": "checkpointing",
    "detect_anomaly": "anomaly",
    "gradcheck": "checking",
    "gradgradcheck": "checking",
    "is_anomaly_check_nan_enabled": "anomaly",
    "is_anomaly_enabled": "anomaly",
    "once_differentiable": "function",
    "register_batching": "batching",
    "set_detect_anomaly": "anomaly",
    "set_multithreading_enabled": "grad_mode",
    "vmap": "vmapping",
}


def __getattr__(name: str) -> _Any:
    from importlib import import_module

    if name in _ELSEWHERE:
        value = globals()[name] = getattr(import_module(f"{__name__}.{_ELSEWHERE[name]}"), name)
        return value
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES, *_ELSEWHERE})
