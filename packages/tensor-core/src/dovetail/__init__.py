"""Dovetail: tensors and deep learning.

    >>> import dovetail as dt
    >>> x = dt.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> (x @ x.T).sum().item()
    52.0

This module is tensors, ops, layers and backends. The other pieces are distributions of their own and load when first
used: `dt.autograd`, `dt.amp`, `dt.nn`, `dt.optim`, `dt.data` and `dt.onnx`.
"""

# ruff: noqa: E402, F401, I001
from __future__ import annotations

from math import e, inf, nan, pi
from os import environ as _environ
from os.path import isdir as _isdir
from os.path import join as _join
from sys import intern as _intern
from sys import path as _sys_path

# The other distributions' folders, as pkgutil.extend_path finds them; importing that takes longer than all of this.
for _folder in [_join(_entry, __name__) for _entry in _sys_path]:
    if _folder not in __path__ and _isdir(_folder):
        __path__.append(_folder)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any as _Any

    # For type checkers the first of several definitions counts.
    from ._grad_mode import *
    from .constructors import *
    from .functional import *
    from .functional.join import atleast_1d as atleast_1d
    from .functional.join import atleast_2d as atleast_2d
    from .functional.join import atleast_3d as atleast_3d
    from .functional.join import block_diag as block_diag
    from .functional.join import broadcast_tensors as broadcast_tensors
    from .functional.join import cartesian_prod as cartesian_prod
    from .functional.join import einsum as einsum
    from .functional.join import meshgrid as meshgrid
    from .functional.join import split as split
    from .functional.join import tensordot as tensordot
    from .functional.select import nonzero as nonzero
    from .functional.select import repeat_interleave as repeat_interleave
    from .functional.select import where as where
    from .settings import *
    from ._core import *  # type: ignore[assignment]

# OpenBLAS is called from our own threads, one product each; without this it starts threads that spin as it loads.
_wanted_threads = _environ.get("OPENBLAS_NUM_THREADS")
_environ["OPENBLAS_NUM_THREADS"] = "1"
try:
    from . import _core
finally:
    del _environ["OPENBLAS_NUM_THREADS"]
    if _wanted_threads is not None:
        _environ["OPENBLAS_NUM_THREADS"] = _wanted_threads

from .__about__ import __version__
from ._core import (
    Generator,
    Op,
    Size,
    Tensor,
    as_tensor,
    bfloat16,
    complex64,
    complex128,
    default_generator,
    device,
    dtype,
    float16,
    float32,
    float64,
    from_numpy,
    frombuffer,
    int8,
    int16,
    int32,
    int64,
    tensor,
    uint8,
    uint16,
    uint32,
    uint64,
)

# The short names, among them some of Python's own: what is below this line may not use those.
half, float, double = float16, float32, float64
short, int, long = int16, int32, int64
cfloat, cdouble = complex64, complex128
bool = _core.bool
newaxis = None

from . import ops  # type: ignore[assignment]

# Every public op of the registry, under its name and its aliases.
for _op in _core.ops():
    if _op.is_function:
        for _name in (_op.name, *_op.aliases):
            globals().setdefault(_intern(_name), _op)  # a name that is interned is found by its address

# What is no op, or dispatches to several, stands before an op of the same name.
from . import tensor_methods as _tensor_methods
from ._grad_mode import *
from .constructors import *
from .functional import *
from .settings import *

_tensor_methods.install()

# ---- what loads when it is first used ----

# Pieces that other distributions bring.
_PIECES = {
    "amp": "dovetail-autograd",
    "autograd": "dovetail-autograd",
    "data": "dovetail-data",
    "nn": "dovetail-nn",
    "onnx": "dovetail-onnx-export",
    "optim": "dovetail-optim",
}
_MODULES = (
    "__config__",
    "accelerator",
    "backends",
    "cpu",
    "cuda",
    "fft",
    "formats",
    "layers",
    "linalg",
    "multiprocessing",
    "printing",
    "profiler",
    "random",
    "serialization",
    "signal",
    "special",
    "streams",
    "testing",
    "utils",
    "version",
)
# Names that live in a module which most programs never need.
_ELSEWHERE = {
    "load": "serialization",
    "save": "serialization",
    "set_printoptions": "printing",
    "get_printoptions": "printing",
    "from_dlpack": "interchange",
    "to_dlpack": "interchange",
    "empty_cache": "backends",
    "memory_stats": "backends",
    "reset_peak_memory_stats": "backends",
    **dict.fromkeys(
        (
            "channels_last",
            "channels_last_3d",
            "contiguous_format",
            "layout",
            "memory_format",
            "preserve_format",
            "strided",
        ),
        "formats",
    ),
    **dict.fromkeys(
        (
            "BFloat16Tensor",
            "BoolTensor",
            "ByteTensor",
            "CharTensor",
            "DoubleTensor",
            "FloatTensor",
            "HalfTensor",
            "IntTensor",
            "LongTensor",
            "ShortTensor",
        ),
        "legacy",
    ),
    **dict.fromkeys(("chain_matmul", "lu", "range", "set_default_tensor_type", "typename"), "legacy"),
    **dict.fromkeys(("TypedStorage", "UntypedStorage", "is_storage"), "storage"),
    **dict.fromkeys(("pca_lowrank", "svd_lowrank"), "lowrank"),
    **dict.fromkeys(("Event", "Stream"), "streams"),
    "OutOfMemoryError": "cuda",
    "from_file": "sharing",
    "finfo": "typeinfo",
    "iinfo": "typeinfo",
    "func": "autograd",
    "is_anomaly_check_nan_enabled": "autograd",
    "is_anomaly_enabled": "autograd",
    "vmap": "autograd",
    **dict.fromkeys(
        (
            "GradScaler",
            "autocast",
            "clear_autocast_cache",
            "get_autocast_dtype",
            "is_autocast_cache_enabled",
            "is_autocast_enabled",
            "set_autocast_cache_enabled",
            "set_autocast_dtype",
            "set_autocast_enabled",
        ),
        "amp",
    ),
}
# Functions of nn that PyTorch has here too.
_OF_NN = (
    "alpha_dropout",
    "bilinear",
    "celu",
    "celu_",
    "channel_shuffle",
    "conv_tbc",
    "feature_alpha_dropout",
    "hardshrink",
    "native_channel_shuffle",
    "pdist",
    "pixel_shuffle",
    "pixel_unshuffle",
    "prelu",
    "rrelu",
    "rrelu_",
    "selu",
    "selu_",
    "threshold",
    "threshold_",
)


def __getattr__(name: str) -> _Any:
    import sys
    from importlib import import_module

    if name in _PIECES:
        try:
            return import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise  # the piece is there, and what it imports is not
            distribution = _PIECES[name]
            raise ModuleNotFoundError(
                f"dovetail.{name} needs the distribution {distribution}: pip install {distribution}", name=error.name
            ) from None
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name in _ELSEWHERE:
        owner = _ELSEWHERE[name]
        module = __getattr__(owner) if owner in _PIECES else import_module(f"{__name__}.{owner}")
        value = globals()[name] = getattr(module, name)
        return value
    if name in _OF_NN:
        value = globals()[name] = getattr(__getattr__("nn").functional, name)
        return value
    # PyTorch's functions that write into their tensor: dt.relu_(x).
    if name.endswith("_") and not name.startswith("_") and hasattr(Tensor, name):
        return getattr(Tensor, name)
    # An op that was registered after this module was imported.
    for late in reversed(_core.ops()):
        if late.is_function and (name == late.name or name in late.aliases):
            globals()[name] = late
            return late
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name, obj=sys.modules[__name__])


def __dir__() -> list[str]:
    return sorted({*globals(), *_PIECES, *_MODULES, *_ELSEWHERE, *_OF_NN})
