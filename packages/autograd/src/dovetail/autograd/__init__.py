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

from importlib import import_module as _import_module
from typing import Any as _Any

from dovetail._grad_mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)

from . import _tensor, derivatives, forward_ad, func, functional, grad_mode, graph, hooks, saved
from .__about__ import __version__
from ._engine import Node
from .anomaly import detect_anomaly, is_anomaly_check_nan_enabled, is_anomaly_enabled, set_detect_anomaly
from .batching import batched_by, register_batching
from .checking import GradcheckError, gradcheck, gradgradcheck
from .checkpointing import CheckpointError, checkpoint, checkpoint_sequential
from .engine import backward, grad
from .function import Function, FunctionCtx, once_differentiable
from .grad_mode import set_multithreading_enabled
from .rules import backward_by, forward_by, has_derivative, refuse_vjp, register_jvp, register_vjp
from .variable import Variable
from .vmap import vmap

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


def __getattr__(name: str) -> _Any:
    if name == "profiler":  # loads when it is first used
        return _import_module(f"{__name__}.profiler")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
