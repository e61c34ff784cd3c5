"""Fourier transforms along one dim, their frequencies, and the order of their bins. Public in dovetail.fft."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import dovetail as dt
from dovetail import Tensor
from dovetail.ops import op
from dovetail.ops._common import short, wrap_dim
from dovetail.ops._fourier import axis, complex_to_complex, complex_to_real, real_to_complex


@op("fft_fft(Tensor self, int? n=None, int dim=-1, str? norm=None) -> Tensor", internal=True, out=True)
def fft_fft(self: Tensor, n: int | None, dim: int, norm: str | None) -> Tensor:
    """The discrete Fourier transform along a dim.

        out[k] = sum(self[j] * exp(-2 pi i j k / n) for j in range(n))

    Args:
        self: real or complex. 16-bit floats are transformed as float32, integers and bool as the default float.
        n: how many points: the tensor is cut, or padded with zeros, to this size first.
        dim: the dim to transform.
        norm: "backward" (also by default): no scaling; "ortho": by 1 / sqrt(n); "forward": by 1 / n.

    Raises:
        ValueError: there is no point to transform, or norm is something else.

    Example:
        >>> dt.fft.fft(dt.tensor([1.0, 2.0, 0.0, 0.0])).tolist()
        [(3+0j), (1-2j), (-1+0j), (1+2j)]
    """
    dims, sizes = axis("fft_fft", self, n, dim)
    return complex_to_complex("fft_fft", self, sizes, dims, norm, forward=True)


@op("fft_ifft(Tensor self, int? n=None, int dim=-1, str? norm=None) -> Tensor", internal=True, out=True)
def fft_ifft(self: Tensor, n: int | None, dim: int, norm: str | None) -> Tensor:
    """The inverse discrete Fourier transform along a dim.

        out[j] = 1 / n * sum(self[k] * exp(2 pi i j k / n) for k in range(n))

    Args:
        self: real or complex.
        n: how many points: the tensor is cut, or padded with zeros, to this size first.
        dim: the dim to transform.
        norm: "backward" (also by default): scaled by 1 / n; "ortho": by 1 / sqrt(n); "forward": no scaling.

    Raises:
        ValueError: there is no point to transform, or norm is something else.

    Example:
        >>> dt.fft.ifft(dt.tensor([3 + 0j, 1 - 2j, -1 + 0j, 1 + 2j])).real.tolist()
        [1.0, 2.0, 0.0, 0.0]
    """
    dims, sizes = axis("fft_ifft", self, n, dim)
    return complex_to_complex("fft_ifft", self, sizes, dims, norm, forward=False)


@op("fft_rfft(Tensor self, int? n=None, int dim=-1, str? norm=None) -> Tensor", internal=True, out=True)
def fft_rfft(self: Tensor, n: int | None, dim: int, norm: str | None) -> Tensor:
    """The discrete Fourier transform of a real tensor along a dim: the half of the spectrum that tells the rest.

        out[k] = sum(self[j] * exp(-2 pi i j k / n) for j in range(n)),  k = 0, ..., n // 2

    Args:
        self: real.
        n: how many points: the tensor is cut, or padded with zeros, to this size first.
        dim: the dim to transform.
        norm: "backward" (also by default): no scaling; "ortho": by 1 / sqrt(n); "forward": by 1 / n.

    Raises:
        TypeError: the tensor is complex.
        ValueError: there is no point to transform, or norm is something else.

    Example:
        >>> dt.fft.rfft(dt.tensor([1.0, 2.0, 0.0, 0.0])).tolist()
        [(3+0j), (1-2j), (-1+0j)]
    """
    dims, sizes = axis("fft_rfft", self, n, dim)
    return real_to_complex("fft_rfft", self, sizes, dims, norm, forward=True)


@op("fft_irfft(Tensor self, int? n=None, int dim=-1, str? norm=None) -> Tensor", internal=True, out=True)
def fft_irfft(self: Tensor, n: int | None, dim: int, norm: str | None) -> Tensor:
    """The inverse of `rfft`: the real tensor that has this half of a spectrum.

    The imaginary part of the first entry, and of the last for even n, is ignored.

    Args:
        self: half of the spectrum, cut or padded with zeros to n // 2 + 1 entries.
        n: the result's size; 2 * (m - 1) by default for m entries, so an odd size must be given.
        dim: the dim to transform.
        norm: "backward" (also by default): scaled by 1 / n; "ortho": by 1 / sqrt(n); "forward": no scaling.

    Raises:
        ValueError: the result would have no point, or norm is something else.

    Example:
        >>> dt.fft.irfft(dt.fft.rfft(dt.tensor([1.0, 2.0, 4.0])), n=3).round(decimals=3).tolist()
        [1.0, 2.0, 4.0]
    """
    dims, sizes = axis("fft_irfft", self, n, dim)
    return complex_to_real("fft_irfft", self, sizes, dims, norm, forward=False)


@op("fft_hfft(Tensor self, int? n=None, int dim=-1, str? norm=None) -> Tensor", internal=True, out=True)
def fft_hfft(self: Tensor, n: int | None, dim: int, norm: str | None) -> Tensor:
    """The discrete Fourier transform of a Hermitian-symmetric signal, of which half is given; the result is real.

        hfft(x, n) = irfft(conj(x), n) * n

    Args:
        self: half of the signal, cut or padded with zeros to n // 2 + 1 entries.
        n: the result's size; 2 * (m - 1) by default for m entries.
        dim: the dim to transform.
        norm: "backward" (also by default): no scaling; "ortho": by 1 / sqrt(n); "forward": by 1 / n.

    Raises:
        ValueError: the result would have no point, or norm is something else.

    Example:
        >>> dt.fft.hfft(dt.tensor([1 + 0j, 1j, 2 + 0j])).tolist()
        [3.0, 1.0, 3.0, -3.0]
    """
    dims, sizes = axis("fft_hfft", self, n, dim)
    return complex_to_real("fft_hfft", self, sizes, dims, norm, forward=True)


@op("fft_ihfft(Tensor self, int? n=None, int dim=-1, str? norm=None) -> Tensor", internal=True, out=True)
def fft_ihfft(self: Tensor, n: int | None, dim: int, norm: str | None) -> Tensor:
    """The inverse of `hfft`: half of the Hermitian-symmetric signal that has this real spectrum.

        ihfft(x) = conj(rfft(x)) / n

    Args:
        self: real.
        n: how many points: the tensor is cut, or padded with zeros, to this size first.
        dim: the dim to transform.
        norm: "backward" (also by default): scaled by 1 / n; "ortho": by 1 / sqrt(n); "forward": no scaling.

    Raises:
        TypeError: the tensor is complex.
        ValueError: there is no point to transform, or norm is something else.

    Example:
        >>> dt.fft.ihfft(dt.tensor([3.0, 1.0, 3.0, -3.0])).tolist()
        [(1-0j), 1j, (2-0j)]
    """
    dims, sizes = axis("fft_ihfft", self, n, dim)
    return real_to_complex("fft_ihfft", self, sizes, dims, norm, forward=False)


# ---- frequencies and their order ----


@op(
    "fft_fftfreq(int n, float d=1.0, *, DType? dtype=None, Device? device=None) -> Tensor",
    internal=True,
    factory=True,
    out=True,
    non_differentiable=True,
)
def fft_fftfreq(n: int, d: float, *, dtype: dt.dtype | None, device: dt.device | None) -> Tensor:
    """The frequencies of the entries of `fft`'s result.

        out = [0, 1, ..., (n - 1) // 2, -(n // 2), ..., -1] / (n * d)

    Args:
        n: how many points were transformed.
        d: the time between two of them.
        dtype: a floating one, by default the default float.

    Raises:
        TypeError: dtype is not a real floating one.
        ValueError: n is negative.

    Example:
        >>> dt.fft.fftfreq(5, d=0.2).tolist()
        [0.0, 1.0, 2.0, -2.0, -1.0]
    """
    positive = (_count("fft_fftfreq", n) + 1) // 2
    halves = [dt.arange(positive, device=device), dt.arange(positive - n, 0, device=device)]
    return _frequencies("fft_fftfreq", dt.cat(halves), n, d, dtype)


@op(
    "fft_rfftfreq(int n, float d=1.0, *, DType? dtype=None, Device? device=None) -> Tensor",
    internal=True,
    factory=True,
    out=True,
    non_differentiable=True,
)
def fft_rfftfreq(n: int, d: float, *, dtype: dt.dtype | None, device: dt.device | None) -> Tensor:
    """The frequencies of the entries of `rfft`'s result.

        out = [0, 1, ..., n // 2] / (n * d)

    Args:
        n: how many points were transformed.
        d: the time between two of them.
        dtype: a floating one, by default the default float.

    Raises:
        TypeError: dtype is not a real floating one.
        ValueError: n is negative.

    Example:
        >>> dt.fft.rfftfreq(5, d=0.2).tolist()
        [0.0, 1.0, 2.0]
    """
    places = dt.arange(_count("fft_rfftfreq", n) // 2 + 1, device=device)
    return _frequencies("fft_rfftfreq", places, n, d, dtype)


def _count(name: str, n: int) -> int:
    if n < 0:
        raise ValueError(f"{name}: n must not be negative, got {n}")
    return n


def _frequencies(name: str, places: Tensor, n: int, d: float, dtype: dt.dtype | None) -> Tensor:
    dtype = dtype or dt.get_default_dtype()
    if not dtype.is_floating_point:
        raise TypeError(f"{name}: dtype must be a real floating one, got {short(dtype)}")
    duration = n * d
    rate = 1 / duration if duration else math.copysign(math.inf, duration)
    work = dtype if dtype in (dt.float32, dt.float64) else dt.float32
    return (places.to(work) * rate).to(dtype)


@op("fft_fftshift(Tensor self, int[]? dim=None) -> Tensor", internal=True)
def fft_fftshift(self: Tensor, dim: Sequence[int] | None) -> Tensor:
    """Move the zero frequency from the front to the middle.

        out[(j + n // 2) % n] = self[j]

    Args:
        self: a spectrum in the order of `fft`.
        dim: the dims to reorder; all by default.

    Example:
        >>> dt.fft.fftshift(dt.fft.fftfreq(5, d=0.2)).tolist()
        [-2.0, -1.0, 0.0, 1.0, 2.0]
    """
    return _rolled("fft_fftshift", self, dim, lambda n: n // 2)


@op("fft_ifftshift(Tensor self, int[]? dim=None) -> Tensor", internal=True)
def fft_ifftshift(self: Tensor, dim: Sequence[int] | None) -> Tensor:
    """The inverse of `fftshift`: move the zero frequency from the middle to the front.

        out[j] = self[(j + n // 2) % n]

    Args:
        self: a spectrum with the zero frequency in the middle.
        dim: the dims to reorder; all by default.

    Example:
        >>> dt.fft.ifftshift(dt.tensor([-2.0, -1.0, 0.0, 1.0, 2.0])).tolist()
        [0.0, 1.0, 2.0, -2.0, -1.0]
    """
    return _rolled("fft_ifftshift", self, dim, lambda n: -(n // 2))


def _rolled(name: str, x: Tensor, dim: Sequence[int] | None, by: Callable[[int], int]) -> Tensor:
    dims = [wrap_dim(name, d, x.ndim) for d in (range(x.ndim) if dim is None else dim)]
    if not dims or x.ndim == 0:
        return dt.clone(x)
    return dt.roll(x, [by(x.shape[d]) for d in dims], dims)
