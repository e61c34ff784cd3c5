"""Windows for spectra, periodic unless asked otherwise."""

from __future__ import annotations

import dovetail as dt
from dovetail import Tensor
from dovetail.ops import op
from dovetail.ops._windows import BLACKMAN, cosines, hamming, kaiser, triangle, window


@op(
    "bartlett_window(int window_length, bool periodic=True, *, DType? dtype=None, Device? device=None) -> Tensor",
    factory=True,
    non_differentiable=True,
)
def bartlett_window(window_length: int, periodic: bool, *, dtype: dt.dtype | None, device: dt.device | None) -> Tensor:
    """The Bartlett window: a triangle that ends at 0.

        out[n] = 1 - |2 n / N - 1|

    Args:
        window_length: how many points.
        periodic: N = window_length, for the analysis of spectra; else N = window_length - 1, a symmetric window.
        dtype: a floating one, by default the default float.

    Raises:
        TypeError: dtype is not a real floating one.
        ValueError: the length is negative.

    Example:
        >>> dt.bartlett_window(4).tolist()
        [0.0, 0.5, 1.0, 0.5]
    """
    return window("bartlett_window", window_length, not periodic, triangle, dtype, device)


@op(
    "blackman_window(int window_length, bool periodic=True, *, DType? dtype=None, Device? device=None) -> Tensor",
    factory=True,
    non_differentiable=True,
)
def blackman_window(window_length: int, periodic: bool, *, dtype: dt.dtype | None, device: dt.device | None) -> Tensor:
    """The Blackman window: a sum of two cosines that falls off steeply.

        out[n] = 0.42 - 0.5 cos(2 pi n / N) + 0.08 cos(4 pi n / N)

    Args:
        window_length: how many points.
        periodic: N = window_length, for the analysis of spectra; else N = window_length - 1, a symmetric window.
        dtype: a floating one, by default the default float.

    Raises:
        TypeError: dtype is not a real floating one.
        ValueError: the length is negative.

    Example:
        >>> dt.blackman_window(4).round(decimals=2).abs().tolist()
        [0.0, 0.34, 1.0, 0.34]
    """
    return window("blackman_window", window_length, not periodic, cosines(BLACKMAN), dtype, device)


@op(
    "hamming_window(int window_length, bool periodic=True, float alpha=0.54, float beta=0.46, *,"
    " DType? dtype=None, Device? device=None) -> Tensor",
    factory=True,
    non_differentiable=True,
)
def hamming_window(
    window_length: int, periodic: bool, alpha: float, beta: float, *, dtype: dt.dtype | None, device: dt.device | None
) -> Tensor:
    """The Hamming window: a cosine whose ends are not quite 0.

        out[n] = alpha - beta cos(2 pi n / N)

    Args:
        window_length: how many points.
        periodic: N = window_length, for the analysis of spectra; else N = window_length - 1, a symmetric window.
        alpha, beta: the coefficients.
        dtype: a floating one, by default the default float.

    Raises:
        TypeError: dtype is not a real floating one.
        ValueError: the length is negative.

    Example:
        >>> dt.hamming_window(4).tolist()
        [0.08, 0.54, 1.0, 0.54]
    """
    return window("hamming_window", window_length, not periodic, hamming(alpha, beta), dtype, device)


@op(
    "hann_window(int window_length, bool periodic=True, *, DType? dtype=None, Device? device=None) -> Tensor",
    factory=True,
    non_differentiable=True,
)
def hann_window(window_length: int, periodic: bool, *, dtype: dt.dtype | None, device: dt.device | None) -> Tensor:
    """The Hann window: a cosine that ends at 0.

        out[n] = 0.5 - 0.5 cos(2 pi n / N)

    Args:
        window_length: how many points.
        periodic: N = window_length, for the analysis of spectra; else N = window_length - 1, a symmetric window.
        dtype: a floating one, by default the default float.

    Raises:
        TypeError: dtype is not a real floating one.
        ValueError: the length is negative.

    Example:
        >>> dt.hann_window(4).tolist()
        [0.0, 0.5, 1.0, 0.5]
    """
    return window("hann_window", window_length, not periodic, hamming(0.5, 0.5), dtype, device)


@op(
    "kaiser_window(int window_length, bool periodic=True, float beta=12.0, *,"
    " DType? dtype=None, Device? device=None) -> Tensor",
    factory=True,
    non_differentiable=True,
)
def kaiser_window(
    window_length: int, periodic: bool, beta: float, *, dtype: dt.dtype | None, device: dt.device | None
) -> Tensor:
    """The Kaiser window, in terms of the modified Bessel function i0.

        out[n] = i0(beta sqrt(1 - (2 n / N - 1) ** 2)) / i0(beta)

    Args:
        window_length: how many points.
        periodic: N = window_length, for the analysis of spectra; else N = window_length - 1, a symmetric window.
        beta: how narrow it is; at 0 all points are 1.
        dtype: a floating one, by default the default float.

    Raises:
        TypeError: dtype is not a real floating one.
        ValueError: the length is negative.

    Example:
        >>> dt.kaiser_window(4, beta=0.0).tolist()
        [1.0, 1.0, 1.0, 1.0]
    """
    return window("kaiser_window", window_length, not periodic, kaiser(beta), dtype, device)
