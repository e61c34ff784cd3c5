"""Changing the sizes of images: nearest, linear, cubic and area, one dim after the other."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import dovetail as dt
from dovetail import checks
from dovetail.ops import op

from ._common import of_floats, require_floating, shape_text, wrapped
from .vision import cubic_weights

AREA = {1: dt.adaptive_avg_pool1d, 2: dt.adaptive_avg_pool2d, 3: dt.adaptive_avg_pool3d}
DIMS = {"linear": 1, "bilinear": 2, "bicubic": 2, "lanczos": 2, "trilinear": 3}
MODES = ("nearest", "nearest-exact", "area", *DIMS)


def _scale(size: int, target: int, factor: float | None, corners: bool) -> float:
    """How far a step of the output is in the input."""
    if corners:
        return (size - 1) / (target - 1) if target > 1 else 0.0
    return size / target if factor is None else 1 / factor


def _sources(size: int, target: int, factor: float | None, corners: bool, like: dt.Tensor) -> dt.Tensor:
    """Where in the input the output's elements are."""
    steps = dt.arange(target, device=like.device).to(like.dtype)
    scale = _scale(size, target, factor, corners)
    return steps * scale if corners else (steps + 0.5) * scale - 0.5


@op(
    "resize_nearest(Tensor input, int dim, int size, float? scale_factor=None, bool exact=False) -> Tensor",
    kernel=True,
)
def resize_nearest(input: dt.Tensor, dim: int, size: int, scale_factor: float | None, exact: bool) -> dt.Tensor:
    """Another size of a dim, every element the one that lies there in the input.

        out[i] = input[floor(i · scale)],   with `exact` input[floor((i + 1/2) · scale)]

    Args:
        size: the new one.
        scale_factor: 1 / scale; by default the sizes' ratio.

    Example:
        >>> dt.resize_nearest(dt.tensor([1.0, 2.0]), 0, 4).tolist()
        [1.0, 1.0, 2.0, 2.0]
    """
    own = _own_size("resize_nearest", input, dim, size, scale_factor)
    return input.index_select(dim, _nearest_rows(own, size, scale_factor, exact, input))


def _nearest_rows(own: int, size: int, factor: float | None, exact: bool, like: dt.Tensor) -> dt.Tensor:
    # In float32 for every dtype, as PyTorch does.
    steps = dt.arange(size, device=like.device).to(dt.float32) + (0.5 if exact else 0.0)
    return (steps * _scale(own, size, factor, False)).floor().to(dt.int64).clamp(max=own - 1)


@op(
    "resize_linear(Tensor input, int dim, int size, float? scale_factor=None, bool align_corners=False) -> Tensor",
    kernel=True,
)
@of_floats
def resize_linear(input: dt.Tensor, dim: int, size: int, scale_factor: float | None, align_corners: bool) -> dt.Tensor:
    """Another size of a dim, on straight lines between the elements.

    Args:
        size: the new one.
        scale_factor: by default the sizes' ratio.
        align_corners: let the first and the last elements stay what they are.

    Example:
        >>> dt.resize_linear(dt.tensor([1.0, 2.0]), 0, 3, align_corners=True).tolist()
        [1.0, 1.5, 2.0]
    """
    own = _own_size("resize_linear", input, dim, size, scale_factor)
    return _resized(input, dim, _linear_rows(own, size, scale_factor, align_corners, input))


def _linear_rows(own: int, size: int, factor: float | None, corners: bool, like: dt.Tensor) -> Any:
    at = _sources(own, size, factor, corners, like).clamp(min=0)
    low = at.floor().clamp(max=own - 1)
    part = at - low
    return [(low.to(dt.int64), 1 - part), ((low + 1).clamp(max=own - 1).to(dt.int64), part)]


@op(
    "resize_cubic(Tensor input, int dim, int size, float? scale_factor=None, bool align_corners=False) -> Tensor",
    kernel=True,
)
@of_floats
def resize_cubic(input: dt.Tensor, dim: int, size: int, scale_factor: float | None, align_corners: bool) -> dt.Tensor:
    """Another size of a dim, on cubic curves through the elements; arguments as resize_linear's.

    Source: Keys, "Cubic convolution interpolation for digital image processing", 1981.

    Example:
        >>> dt.resize_cubic(dt.tensor([1.0, 2.0]), 0, 3, align_corners=True).tolist()
        [1.0, 1.5, 2.0]
    """
    own = _own_size("resize_cubic", input, dim, size, scale_factor)
    return _resized(input, dim, _cubic_rows(own, size, scale_factor, align_corners, input))


def _cubic_rows(own: int, size: int, factor: float | None, corners: bool, like: dt.Tensor) -> Any:
    at = _sources(own, size, factor, corners, like)
    low = at.floor()
    weights = cubic_weights(at - low, -0.75)
    return [((low + i - 1).clamp(0, own - 1).to(dt.int64), weight) for i, weight in enumerate(weights)]


def _resized(input: dt.Tensor, dim: int, rows: Any) -> dt.Tensor:
    """The sum of rows of the input, each with its weights."""
    total: Any = None
    for index, weight in rows:
        part = input.index_select(dim, index) * _along(weight, dim, input)
        total = part if total is None else total + part
    result: dt.Tensor = total
    return result


@op(
    "resize_grad(Tensor grad, int dim, int size, str mode, float? scale_factor, bool option) -> Tensor",
    internal=True,
    kernel=True,
)
@of_floats
def resize_grad(grad: dt.Tensor, dim: int, size: int, mode: str, scale_factor: float | None, option: bool) -> dt.Tensor:
    """The gradient of resizing a dim with respect to the input, whose size is given.

    Args:
        mode: "nearest", "linear" or "cubic".
        scale_factor, option: as those ops' last arguments.

    Example:
        >>> grad = dt._core.get_op("resize_grad")
        >>> grad(dt.ones(4), 0, 2, "nearest", None, False).tolist()
        [2.0, 2.0]
    """
    wanted = _own_size("resize_grad", grad, dim, size, scale_factor)
    rows: Any
    if mode == "nearest":
        rows = [(_nearest_rows(size, wanted, scale_factor, option, grad), None)]
    elif mode in ("linear", "cubic"):
        rows = (_linear_rows if mode == "linear" else _cubic_rows)(size, wanted, scale_factor, option, grad)
    else:
        raise ValueError(f"resize_grad: mode must be 'nearest', 'linear' or 'cubic', got {mode!r}")
    shape = list(grad.shape)
    shape[dim] = size
    total = dt.zeros(shape, dtype=grad.dtype, device=grad.device)
    for index, weight in rows:
        total = total.index_add(dim, index, grad if weight is None else grad * _along(weight, dim, grad))
    return total


def _own_size(name: str, input: dt.Tensor, dim: int, size: int, scale_factor: float | None) -> int:
    """The size that a dim has, where all that it is to be resized by makes sense."""
    own = input.shape[wrapped(name, dim, input)]
    if own < 1 or size < 1:
        raise ValueError(f"{name}: sizes must be positive, got {own} (dim {dim} of {shape_text(input)}) and {size}")
    if scale_factor is not None and not (math.isfinite(scale_factor) and scale_factor > 0):
        raise ValueError(f"{name}: scale_factor must be positive, got {scale_factor}")
    return own


def _along(values: dt.Tensor, dim: int, like: dt.Tensor) -> dt.Tensor:
    """A vector along a dim of a tensor."""
    return values.reshape([-1 if i == dim % like.ndim else 1 for i in range(like.ndim)])


# ---- without aliasing: every element of the output is a mean over what it covers ----------------------------------


def _triangle(x: dt.Tensor) -> dt.Tensor:
    return (1 - x.abs()).clamp(min=0)


def _cubic(x: dt.Tensor) -> dt.Tensor:
    a, d = -0.5, x.abs()
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return dt.where(d < 1, near, dt.where(d < 2, far, 0))


def _lanczos(x: dt.Tensor) -> dt.Tensor:
    return dt.where(x.abs() < 3, dt.sinc(x) * dt.sinc(x / 3), 0)


FILTERS = {"bilinear": (_triangle, 1), "bicubic": (_cubic, 2), "lanczos": (_lanczos, 3)}


@op(
    "resize_smooth(Tensor input, int dim, int size, str mode='bilinear', float? scale_factor=None, "
    "bool align_corners=False) -> Tensor"
)
@of_floats
def resize_smooth(
    input: dt.Tensor, dim: int, size: int, mode: str, scale_factor: float | None, align_corners: bool
) -> dt.Tensor:
    """Another size of a dim without aliasing: a filter as wide as the output's elements are in the input.

    Args:
        size: the new one.
        mode: the filter: "bilinear", "bicubic" or "lanczos".
        scale_factor, align_corners: as resize_linear's.

    Example:
        >>> dt.resize_smooth(dt.tensor([1.0, 2.0, 3.0, 4.0]), 0, 1).tolist()
        [2.5]
    """
    if mode not in FILTERS:
        raise ValueError(f"resize_smooth: mode must be 'bilinear', 'bicubic' or 'lanczos', got {mode!r}")
    shape, reach = FILTERS[mode]
    own = _own_size("resize_smooth", input, dim, size, scale_factor)
    scale = _scale(own, size, scale_factor, align_corners)
    wide = max(scale, 1.0)
    centres = scale * (dt.arange(size, device=input.device).to(input.dtype) + 0.5)
    # The first and the last element that a filter reaches.
    first = (centres - reach * wide + 0.5).trunc().clamp(min=0).unsqueeze(1)
    last = (centres + reach * wide + 0.5).trunc().clamp(max=own).unsqueeze(1)
    places = dt.arange(own, device=input.device).to(input.dtype)
    weights = shape((places - centres.unsqueeze(1) + 0.5) / wide)
    weights = dt.where((places >= first) & (places < last), weights, 0)
    weights = weights / weights.sum(1, keepdim=True)
    return (input.transpose(dim, -1) @ weights.T).transpose(dim, -1)


# ---- all of them --------------------------------------------------------------------------------------------------


@checks.in_own_name
def interpolate(
    input: dt.Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> dt.Tensor:
    """Images of another size.

    Args:
        input: ``(N, C, L)``, ``(N, C, H, W)`` or ``(N, C, D, H, W)``.
        size: the new spatial sizes; or
        scale_factor: by what they are multiplied.
        mode: "nearest", "nearest-exact", "area"; "linear" (one dim), "bilinear", "bicubic" (two), "trilinear" (three);
            "lanczos" (two, with `antialias`).
        align_corners: for the linear and cubic modes, whether the corner pixels' centres stay where they are.
        recompute_scale_factor: take the sizes' ratio as the scale, in place of `scale_factor`.
        antialias: for "bilinear", "bicubic" and "lanczos", filter what is made smaller.

    Example:
        >>> interpolate(dt.tensor([[[1.0, 2.0]]]), scale_factor=2).tolist()
        [[[1.0, 1.0, 2.0, 2.0]]]
    """
    checks.tensors("interpolate", input=input)
    _check_mode(input, mode, align_corners, antialias)
    sizes, factors = _targets(input, size, scale_factor)
    if recompute_scale_factor or mode == "area":
        if recompute_scale_factor and size is not None:
            raise ValueError(
                f"interpolate: recompute_scale_factor has no meaning with a size, got {checks.shown(size)}"
            )
        factors = [None] * len(sizes)
    if mode == "area":
        require_floating("interpolate", input)
        return AREA[len(sizes)](input, sizes)
    steps = list(enumerate(zip(sizes, factors, strict=True), start=2))
    if sizes[-1] > input.shape[-1]:
        steps.reverse()  # what grows comes last, so that less of it is read again
    for dim, (target, factor) in steps:
        if mode.startswith("nearest"):
            input = resize_nearest(input, dim, target, factor, mode == "nearest-exact")
        elif antialias:
            input = resize_smooth(input, dim, target, mode, factor, bool(align_corners))
        elif mode == "bicubic":
            input = resize_cubic(input, dim, target, factor, bool(align_corners))
        else:
            input = resize_linear(input, dim, target, factor, bool(align_corners))
    return input


def _check_mode(input: dt.Tensor, mode: str, align_corners: bool | None, antialias: bool) -> None:
    if mode not in MODES:
        raise ValueError(f"interpolate: mode must be one of {', '.join(MODES)}, got {checks.shown(mode)}")
    if input.ndim not in (3, 4, 5):
        raise ValueError(f"interpolate: expected an input (N, C, ...) of 3 to 5 dims, got shape {shape_text(input)}")
    if min(input.shape[2:]) < 1:
        raise ValueError(f"interpolate: expected an input with pixels, got shape {shape_text(input)}")
    if mode in DIMS and DIMS[mode] != input.ndim - 2:
        raise ValueError(
            f"interpolate: mode {mode!r} is for {DIMS[mode]} spatial dims, got an input of shape {shape_text(input)}"
        )
    if mode not in DIMS and align_corners is not None:
        raise ValueError(f"interpolate: mode {mode!r} takes no align_corners, got {align_corners}")
    if antialias and mode not in FILTERS:
        raise ValueError(f"interpolate: antialias is for the modes bilinear, bicubic and lanczos, got {mode!r}")
    if mode == "lanczos" and (not antialias or align_corners):
        raise ValueError("interpolate: mode 'lanczos' needs antialias=True and takes no align_corners")


def _targets(input: dt.Tensor, size: Any, scale_factor: Any) -> tuple[list[int], list[float | None]]:
    """The new sizes, and the factors where they were given."""
    if (size is None) == (scale_factor is None):
        raise ValueError(
            f"interpolate: give size or scale_factor, one of them; got {checks.shown(size)} and "
            f"{checks.shown(scale_factor)}"
        )
    own = input.shape[2:]
    what, given = ("size", size) if size is not None else ("scale_factor", scale_factor)
    entries = list(given) if isinstance(given, (list, tuple)) else [given] * len(own)
    if len(entries) != len(own):
        raise ValueError(f"interpolate: {what} must be a number or have {len(own)} entries, got {checks.shown(given)}")
    if size is not None:
        checks.integers("interpolate", **{f"size[{i}]": each for i, each in enumerate(entries)})
        sizes = [int(each) for each in entries]
        factors: list[float | None] = [None] * len(own)
    else:
        checks.numbers("interpolate", **{f"scale_factor[{i}]": each for i, each in enumerate(entries)})
        factors = [float(each) for each in entries]
        if not all(math.isfinite(each) and each > 0 for each in entries):
            raise ValueError(f"interpolate: scale_factor must be positive, got {checks.shown(given)}")
        sizes = [math.floor(n * factor) for n, factor in zip(own, entries, strict=True)]
    if min(sizes) < 1:
        raise ValueError(
            f"interpolate: sizes must be positive, got {tuple(sizes)} for an input of shape {shape_text(input)}"
        )
    return sizes, factors


def upsample(
    input: dt.Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> dt.Tensor:
    """The older name of `interpolate`."""
    warnings.warn("upsample: use nn.functional.interpolate", DeprecationWarning, stacklevel=2)
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(
    input: dt.Tensor, size: int | Sequence[int] | None = None, scale_factor: float | Sequence[float] | None = None
) -> dt.Tensor:
    """The older name of `interpolate` with mode "nearest"."""
    warnings.warn("upsample_nearest: use nn.functional.interpolate", DeprecationWarning, stacklevel=2)
    return interpolate(input, size, scale_factor)


def upsample_bilinear(
    input: dt.Tensor, size: int | Sequence[int] | None = None, scale_factor: float | Sequence[float] | None = None
) -> dt.Tensor:
    """The older name of `interpolate` with mode "bilinear" and aligned corners."""
    warnings.warn("upsample_bilinear: use nn.functional.interpolate", DeprecationWarning, stacklevel=2)
    return interpolate(input, size, scale_factor, "bilinear", True)
