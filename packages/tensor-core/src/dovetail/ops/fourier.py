"""The three primitives of the Fourier transforms: by kernels where a length has no prime factor above 13, else by
NumPy's FFT (pocketfft).

All others are made of them. A scaling is "none", "1/sqrt(n)" or "1/n", n being the number of points transformed, so
that a transform's adjoint is the one of the other direction with the same scaling.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

import dovetail as dt
from dovetail._core import get_op
from dovetail.ops import op

_Array = np.ndarray[Any, Any]
_lines, _real_lines, _half_lines = get_op("fft_lines"), get_op("fft_real_lines"), get_op("fft_half_lines")

# NumPy's names of the scalings, forward and inverse.
_FORWARD = {"none": "backward", "1/sqrt(n)": "ortho", "1/n": "forward"}
_INVERSE = {"none": "forward", "1/sqrt(n)": "ortho", "1/n": "backward"}

# Points that go to NumPy in one call. It transforms single precision by way of copies in double precision, of which
# more would not stay in the cache, and would be memory fresh from the kernel.
_AT_ONCE = 1 << 15
_COMPLEX = {"f": np.complex64, "d": np.complex128}
_REAL = {"F": np.float32, "D": np.float64}


def _norm(scaling: str, forward: bool) -> Any:
    if scaling not in _FORWARD:
        raise ValueError(f'scaling must be "none", "1/sqrt(n)" or "1/n", got {scaling!r}')
    return (_FORWARD if forward else _INVERSE)[scaling]


def _checked(x: _Array, dim: Sequence[int]) -> Sequence[int]:
    if not dim:
        raise ValueError("expected at least one dim to transform, got none")
    for d in dim:
        if not -x.ndim <= d < x.ndim:
            raise IndexError(f"dim {d} is out of range for shape {x.shape}")
    return dim


def _along(
    transform: Callable[..., _Array], x: _Array, axis: int, norm: Any, dtype: Any, points: int, n: int | None = None
) -> _Array:
    """NumPy's transform along an axis, of which the result has `points`: a part of the batch after the other."""
    axis = range(x.ndim)[axis]
    if x.size <= _AT_ONCE or x.ndim == 1:
        return transform(x, n, axis, norm)
    shape = (*x.shape[:axis], points, *x.shape[axis + 1 :])
    out = dt.empty(shape, dtype=getattr(dt, np.dtype(dtype).name), device="cpu").numpy()  # from memory used before
    batch = max((d for d in range(x.ndim) if d != axis), key=lambda d: x.shape[d])
    step = max(_AT_ONCE * x.shape[batch] // x.size, 1)
    part = [slice(None)] * x.ndim
    for start in range(0, x.shape[batch], step):
        part[batch] = slice(start, start + step)
        transform(x[tuple(part)], n, axis, norm, out[tuple(part)])
    return out


@cache
def _smooth(n: int) -> bool:
    """Whether kernels transform lines of n points."""
    for factor in (2, 3, 5, 7, 11, 13):
        while n > 1 and n % factor == 0:
            n //= factor
    return n == 1


def _factor(scaling: str, n: int) -> float:
    return {"none": 1.0, "1/sqrt(n)": 1 / math.sqrt(n), "1/n": 1 / n}[scaling]


def _by_kernel(kernel: Any, x: _Array, *args: Any) -> _Array:
    shared = x if x.flags.writeable else x.copy()
    out: _Array = kernel(dt.from_numpy(shared), *args).numpy()
    return out


def _complex_along(x: _Array, axis: int, scaling: str, forward: bool) -> _Array:
    """The transform of complex numbers along an axis."""
    n = x.shape[axis]
    norm = _norm(scaling, forward)
    if _smooth(n):
        return _by_kernel(_lines, x, axis, forward, _factor(scaling, n))
    return _along(np.fft.fft if forward else np.fft.ifft, x, axis, norm, x.dtype, n)


@op("fft_c2c(Tensor self, int[] dim, str scaling, bool forward) -> Tensor", internal=True, host=True)
@np.errstate(all="ignore")
def fft_c2c(self: _Array, dim: Sequence[int], scaling: str, forward: bool) -> _Array:
    """The Fourier transform of a complex tensor.

        out[k] = scale * sum(self[j] * exp(-+ 2 pi i j k / n) for j in range(n))

    Args:
        dim: which dims to transform.
        scaling: "none", "1/sqrt(n)" or "1/n".
        forward: with a minus in the exponent; else with a plus.

    Example:
        >>> from dovetail.ops import get_op
        >>> get_op("fft_c2c")(dt.tensor([1 + 0j, 1j]), [0], "none", True).tolist()
        [(1+1j), (1-1j)]
    """
    if self.dtype.kind != "c":
        raise TypeError(f"expected a complex tensor, got {self.dtype}")
    for d in reversed(_checked(self, dim)):
        self = _complex_along(self, d, scaling, forward)
    return self


@op("fft_r2c(Tensor self, int[] dim, str scaling, bool onesided) -> Tensor", internal=True, host=True)
@np.errstate(all="ignore")
def fft_r2c(self: _Array, dim: Sequence[int], scaling: str, onesided: bool) -> _Array:
    """The Fourier transform of a real tensor.

    The spectrum is symmetric, out[-k] = conj(out[k]).

    Args:
        dim: which dims to transform.
        scaling: "none", "1/sqrt(n)" or "1/n".
        onesided: only the first n // 2 + 1 entries along the last of the dims; the rest follows from them.

    Example:
        >>> from dovetail.ops import get_op
        >>> get_op("fft_r2c")(dt.tensor([1.0, 2.0, 0.0, 0.0]), [0], "none", True).tolist()
        [(3+0j), (1-2j), (-1+0j)]
    """
    if self.dtype not in (np.float32, np.float64):
        raise TypeError(f"expected a tensor of float32 or float64, got {self.dtype}")
    norm = _norm(scaling, True)
    *others, last = _checked(self, dim)
    n = self.shape[last]
    if n % 2 == 0 and _smooth(n // 2):
        whole = not onesided and not others
        half = _by_kernel(_real_lines, self, last, whole, _factor(scaling, n))
        if whole:
            return half
    else:
        half = _along(np.fft.rfft, self, last, norm, _COMPLEX[self.dtype.char], n // 2 + 1)
    for d in reversed(others):
        half = _complex_along(half, d, scaling, True)
    return half if onesided else _whole(half, others, last, n)


def _whole(half: _Array, others: Sequence[int], last: int, n: int) -> _Array:
    """The whole spectrum of a real tensor from its half."""
    rest = [slice(None)] * half.ndim
    rest[last] = slice((n - 1) // 2, 0, -1)
    mirrored = np.conj(half[tuple(rest)])
    for d in others:
        mirrored = np.roll(np.flip(mirrored, d), 1, d)
    return np.concatenate([half, mirrored], last)


@op("fft_c2r(Tensor self, int[] dim, int n, str scaling) -> Tensor", internal=True, host=True)
@np.errstate(all="ignore")
def fft_c2r(self: _Array, dim: Sequence[int], n: int, scaling: str) -> _Array:
    """The inverse Fourier transform of a symmetric spectrum, of which half is given.

    What breaks the symmetry, imaginary parts where the spectrum is its own mirror image, is ignored.

    Args:
        dim: which dims to transform.
        n: the result's size along the last of the dims; the tensor's is n // 2 + 1.
        scaling: "none", "1/sqrt(n)" or "1/n".

    Example:
        >>> from dovetail.ops import get_op
        >>> get_op("fft_c2r")(dt.tensor([3 + 0j, 1 - 2j, -1 + 0j]), [0], 4, "1/n").tolist()
        [1.0, 2.0, 0.0, 0.0]
    """
    if self.dtype.kind != "c":
        raise TypeError(f"expected a complex tensor, got {self.dtype}")
    norm = _norm(scaling, False)
    *others, last = _checked(self, dim)
    for d in others:
        self = _complex_along(self, d, scaling, False)
    if self.shape[last] != n // 2 + 1:
        raise ValueError(f"{n} points along dim {last} need a spectrum of {n // 2 + 1}, got shape {self.shape}")
    if n % 2 == 0 and _smooth(n // 2):
        return _by_kernel(_half_lines, self, last, n, _factor(scaling, n))
    return _along(np.fft.irfft, self, last, norm, _REAL[self.dtype.char], n, n)
