"""What the Fourier transforms share: their arguments in normal form, and the three primitives applied to them."""

from __future__ import annotations

from collections.abc import Sequence

import dovetail as dt
from dovetail import Tensor
from dovetail._core import get_op
from dovetail.ops._common import short, wrap_dim

_c2c, _r2c, _c2r = get_op("fft_c2c"), get_op("fft_r2c"), get_op("fft_c2r")

Sizes = Sequence[int] | None

LARGEST = 2**48  # points in a transform; no memory holds as many


def scaling(name: str, norm: str | None, forward: bool) -> str:
    """The primitives' scaling for a transform of this direction."""
    if norm is None or norm == "backward":
        return "none" if forward else "1/n"
    if norm == "forward":
        return "1/n" if forward else "none"
    if norm == "ortho":
        return "1/sqrt(n)"
    raise ValueError(f'{name}: norm must be "backward", "ortho" or "forward", got {norm!r}')


def axes(name: str, x: Tensor, s: Sizes, dim: Sizes) -> tuple[list[int], list[int]]:
    """The dims to transform and the input's sizes along them; a size of -1 is the tensor's own."""
    if dim is not None:
        for each in dim:
            if x.ndim == 0:
                raise IndexError(f"{name}: dim {each} was given, but the tensor has no dims")
        dims = [wrap_dim(name, each, x.ndim) for each in dim]
        if len(set(dims)) != len(dims):
            raise ValueError(f"{name}: dims must be unique, got {list(dim)}")
        if s is not None and len(s) != len(dims):
            raise ValueError(f"{name}: s and dim must have the same length, got {list(s)} and {list(dim)}")
    elif s is not None and len(s) > x.ndim:
        raise ValueError(f"{name}: s has {len(s)} sizes, but the tensor has {x.ndim} dims")
    else:
        dims = list(range(x.ndim - len(s) if s is not None else 0, x.ndim))
    own = [x.shape[d] for d in dims]
    sizes = own if s is None else [mine if n == -1 else n for n, mine in zip(s, own, strict=True)]
    return dims, sizes


def axis(name: str, x: Tensor, n: int | None, dim: int) -> tuple[list[int], list[int] | None]:
    """The same for a transform along one dim."""
    if n is not None and n < 1:
        raise ValueError(f"{name}: n must be positive, got {n}")
    if n is not None and n > LARGEST:
        raise ValueError(f"{name}: n must be at most {LARGEST}, got {n}")
    return [dim], None if n is None else [n]


def _fitted(name: str, x: Tensor, dims: Sequence[int], sizes: Sequence[int]) -> Tensor:
    """The tensor cut, or padded with zeros, to these sizes."""
    pads = [0] * (2 * x.ndim)
    for d, n in zip(dims, sizes, strict=True):
        if not 1 <= n <= LARGEST:
            raise ValueError(f"{name}: cannot transform {n} points along dim {d} of shape {tuple(x.shape)}")
        if n < x.shape[d]:
            x = dt.narrow(x, d, 0, n)
        pads[2 * (x.ndim - 1 - d) + 1] = n - x.shape[d]
    return dt.constant_pad_nd(x, pads, 0) if any(pads) else x


def _floating(x: Tensor) -> Tensor:
    """In a dtype that is transformed: 16-bit floats as float32, integers and bool as the default float."""
    if x.dtype.is_complex or x.dtype in (dt.float32, dt.float64):
        return x
    wanted = dt.float32 if x.dtype.is_floating_point else dt.get_default_dtype()
    return x.to(wanted if wanted in (dt.float32, dt.float64) else dt.float32)


def _real(name: str, x: Tensor) -> Tensor:
    if x.dtype.is_complex:
        raise TypeError(f"{name}: expected a real tensor, got {short(x.dtype)}")
    return _floating(x)


def _complex(x: Tensor) -> Tensor:
    x = _floating(x)
    return x if x.dtype.is_complex else x.to(dt.complex128 if x.dtype == dt.float64 else dt.complex64)


def _at_least_one(name: str, dims: Sequence[int]) -> None:
    if not dims:
        raise ValueError(f"{name}: expected at least one dim to transform, got none")


def complex_to_complex(name: str, x: Tensor, s: Sizes, dim: Sizes, norm: str | None, *, forward: bool) -> Tensor:
    """The transform of a complex tensor, or of a real one, whose whole spectrum follows from half of it."""
    scale = scaling(name, norm, forward)
    dims, sizes = axes(name, x, s, dim)
    x = _fitted(name, _floating(x), dims, sizes)
    if not dims:
        return dt.clone(_complex(x))
    if x.dtype.is_complex:
        return _c2c(x, dims, scale, forward)
    spectrum = _r2c(x, dims, scale, False)
    return spectrum if forward else dt.conj(spectrum)


def real_to_complex(name: str, x: Tensor, s: Sizes, dim: Sizes, norm: str | None, *, forward: bool) -> Tensor:
    """The half of a real tensor's spectrum that the other half follows from."""
    scale = scaling(name, norm, forward)
    x = _real(name, x)
    dims, sizes = axes(name, x, s, dim)
    _at_least_one(name, dims)
    spectrum = _r2c(_fitted(name, x, dims, sizes), dims, scale, True)
    return spectrum if forward else dt.conj(spectrum)


def complex_to_real(name: str, x: Tensor, s: Sizes, dim: Sizes, norm: str | None, *, forward: bool) -> Tensor:
    """The real tensor of which the input is half of the spectrum; s are the result's sizes."""
    scale = scaling(name, norm, forward)
    dims, sizes = axes(name, x, s, dim)
    _at_least_one(name, dims)
    n = 2 * (sizes[-1] - 1) if s is None or s[-1] == -1 else s[-1]
    if n < 1:
        raise ValueError(f"{name}: the result would have {n} points along dim {dims[-1]}; give its size")
    x = _fitted(name, _complex(x), dims, [*sizes[:-1], n // 2 + 1])
    return _c2r(dt.conj(x) if forward else x, dims, n, scale)
