"""The windows of dovetail.signal.windows, symmetric unless asked otherwise."""

from __future__ import annotations

import math
from collections.abc import Sequence

import dovetail as dt
from dovetail import Tensor
from dovetail.ops import op
from dovetail.ops._windows import BLACKMAN, NUTTALL, cosines, hamming, kaiser, triangle, window


@op(
    "signal_windows_bartlett(int M, *, bool sym=True, DType? dtype=None, Device? device=None) -> Tensor",
    internal=True,
    factory=True,
    non_differentiable=True,
)
def signal_windows_bartlett(M: int, *, sym: bool, dtype: dt.dtype | None, device: dt.device | None) -> Tensor:
    """The Bartlett window: a triangle that ends at 0.

        out[n] = 1 - |2 n / N - 1|

    Args:
        M: how many points.
        sym: N = M - 1, a symmetric window for the design of filters; else N = M, for the analysis of spectra.
        dtype: a floating one, by default the default float.

    Raises:
        TypeError: dtype is not a real floating one.
        ValueError: the length is negative.

    Example:
        >>> dt.signal.windows.bartlett(5).tolist()
        [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    return window("signal_windows_bartlett", M, sym, triangle, dtype, device)


@op(
    "signal_windows_blackman(int M, *, bool sym=True, DType? dtype=None, Device? device=None) -> Tensor",
    internal=True,
    factory=True,
    non_differentiable=True,
)
def signal_windows_blackman(M: int, *, sym: bool, dtype: dt.dtype | None, device: dt.device | None) -> Tensor:
    """The Blackman window: a sum of two cosines that falls off steeply.

        out[n] = 0.42 - 0.5 cos(2 pi n / N) + 0.08 cos(4 pi n / N)

    Args:
        M: how many points.
        sym: N = M - 1, a symmetric window for the design of filters; else N = M, for the analysis of spectra.
        dtype: a floating one, by default the default float.

    Raises:
        TypeError: dtype is not a real floating one.
        ValueError: the length is negative.

    Example:
        >>> dt.signal.windows.blackman(5).round(decimals=2).abs().tolist()
        [0.0, 0.34, 1.0, 0.34, 0.0]
    """
    return window("signal_windows_blackman", M, sym, cosines(BLACKMAN), dtype, device)


@op(
    "signal_windows_cosine(int M, *, bool sym=True, DType? dtype=None, Device? device=None) -> Tensor",
    internal=True,
    factory=True,
    non_differentiable=True,
)
def signal_windows_cosine(M: int, *, sym: bool, dtype: dt.dtype | None, device: dt.device | None) -> Tensor:
    """The cosine window: half a period of a sine, whose ends are not quite 0.

        out[n] = sin(pi (n + 0.5) / (N + 1))

    Args:
        M: how many points.
        sym: N = M - 1, a symmetric window for the design of filters; else N = M, for the analysis of spectra.
        dtype: a floating one, by default the default float.

    Raises:
        TypeError: dtype is not a real floating one.
        ValueError: the length is negative.

    Example:
        >>> dt.signal.windows.cosine(3).tolist()
        [0.5, 1.0, 0.5]
    """
    return window(
        "signal_windows_cosine",
        M,
        sym,
        lambda places, half: dt.cos(places * (math.pi * half / (2 * half + 1))),
        dtype,
        device,
    )


@op(
    "signal_windows_exponential(int M, *, float? center=None, float tau=1.0, bool sym=True,"
    " DType? dtype=None, Device? device=None) -> Tensor",
    internal=True,
    factory=True,
    non_differentiable=True,
)
def signal_windows_exponential(
    M: int, *, center: float | None, tau: float, sym: bool, dtype: dt.dtype | None, device: dt.device | None
) -> Tensor:
    """The exponential window: it decays on both sides of its center.

        out[n] = exp(-|n - center| / tau)

    Args:
        M: how many points.
        center: where the window is largest: N / 2 by default, which a symmetric window must have.
        tau: how fast it decays, positive.
        sym: N = M - 1, a symmetric window for the design of filters; else N = M, for the analysis of spectra.
        dtype: a floating one, by default the default float.

    Raises:
        TypeError: dtype is not a real floating one.
        ValueError: the length is negative, tau is not positive, or a symmetric window is given a center.

    Example:
        >>> dt.signal.windows.exponential(3, tau=0.5).round(decimals=4).tolist()
        [0.1353, 1.0, 0.1353]
    """
    if tau <= 0:
        raise ValueError(f"signal_windows_exponential: tau must be positive, got {tau}")
    if sym and center is not None:
        raise ValueError(f"signal_windows_exponential: a symmetric window has no center of its own, got {center}")

    def shape(places: Tensor, half: float) -> Tensor:
        return dt.exp(-dt.abs(places * half + (half - (half if center is None else center))) / tau)

    whole = window("signal_windows_exponential", M, sym, shape, dtype, device)
    return whole * math.exp(-abs(center) / tau) if M == 1 and center is not None else whole


@op(
    "signal_windows_gaussian(int M, *, float std=1.0, bool sym=True, DType? dtype=None, Device? device=None) -> Tensor",
    internal=True,
    factory=True,
    non_differentiable=True,
)
def signal_windows_gaussian(
    M: int, *, std: float, sym: bool, dtype: dt.dtype | None, device: dt.device | None
) -> Tensor:
    """The Gaussian window: a normal density.

        out[n] = exp(-((n - N / 2) / std) ** 2 / 2)

    Args:
        M: how many points.
        std: the standard deviation in points, positive.
        sym: N = M - 1, a symmetric window for the design of filters; else N = M, for the analysis of spectra.
        dtype: a floating one, by default the default float.

    Raises:
        TypeError: dtype is not a real floating one.
        ValueError: the length is negative, or std is not positive.

    Example:
        >>> dt.signal.windows.gaussian(3, std=0.5).round(decimals=4).tolist()
        [0.1353, 1.0, 0.1353]
    """
    if std <= 0:
        raise ValueError(f"signal_windows_gaussian: std must be positive, got {std}")
    return window(
        "signal_windows_gaussian",
        M,
        sym,
        lambda places, half: dt.exp(-((places * (half / std)) ** 2) / 2),
        dtype,
        device,
    )


@op(
    "signal_windows_general_cosine(int M, *, float[] a, bool sym=True,"
    " DType? dtype=None, Device? device=None) -> Tensor",
    internal=True,
    factory=True,
    non_differentiable=True,
)
def signal_windows_general_cosine(
    M: int, *, a: Sequence[float], sym: bool, dtype: dt.dtype | None, device: dt.device | None
) -> Tensor:
    """A weighted sum of cosines, the family of many windows.

        out[n] = a[0] - a[1] cos(2 pi n / N) + a[2] cos(4 pi n / N) - ...

    Args:
        M: how many points.
        a: the coefficients, at least one.
        sym: N = M - 1, a symmetric window for the design of filters; else N = M, for the analysis of spectra.
        dtype: a floating one, by default the default float.

    Raises:
        TypeError: dtype is not a real floating one.
        ValueError: the length is negative, or there is no coefficient.

    Example:
        >>> dt.signal.windows.general_cosine(5, a=[0.5, 0.5]).tolist()
        [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    if not a:
        raise ValueError("signal_windows_general_cosine: a must have at least one coefficient")
    return window("signal_windows_general_cosine", M, sym, cosines(a), dtype, device)


@op(
    "signal_windows_general_hamming(int M, *, float alpha=0.54, bool sym=True,"
    " DType? dtype=None, Device? device=None) -> Tensor",
    internal=True,
    factory=True,
    non_differentiable=True,
)
def signal_windows_general_hamming(
    M: int, *, alpha: float, sym: bool, dtype: dt.dtype | None, device: dt.device | None
) -> Tensor:
    """A cosine on a pedestal, the family of the Hann and Hamming windows.

        out[n] = alpha - (1 - alpha) cos(2 pi n / N)

    Args:
        M: how many points.
        alpha: the coefficient.
        sym: N = M - 1, a symmetric window for the design of filters; else N = M, for the analysis of spectra.
        dtype: a floating one, by default the default float.

    Raises:
        TypeError: dtype is not a real floating one.
        ValueError: the length is negative.

    Example:
        >>> dt.signal.windows.general_hamming(5, alpha=0.5).tolist()
        [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    return window("signal_windows_general_hamming", M, sym, hamming(alpha, 1 - alpha), dtype, device)


@op(
    "signal_windows_hamming(int M, *, bool sym=True, DType? dtype=None, Device? device=None) -> Tensor",
    internal=True,
    factory=True,
    non_differentiable=True,
)
def signal_windows_hamming(M: int, *, sym: bool, dtype: dt.dtype | None, device: dt.device | None) -> Tensor:
    """The Hamming window: a cosine whose ends are not quite 0.

        out[n] = 0.54 - 0.46 cos(2 pi n / N)

    Args:
        M: how many points.
        sym: N = M - 1, a symmetric window for the design of filters; else N = M, for the analysis of spectra.
        dtype: a floating one, by default the default float.

    Raises:
        TypeError: dtype is not a real floating one.
        ValueError: the length is negative.

    Example:
        >>> dt.signal.windows.hamming(5).tolist()
        [0.08, 0.54, 1.0, 0.54, 0.08]
    """
    return window("signal_windows_hamming", M, sym, hamming(0.54, 0.46), dtype, device)


@op(
    "signal_windows_hann(int M, *, bool sym=True, DType? dtype=None, Device? device=None) -> Tensor",
    internal=True,
    factory=True,
    non_differentiable=True,
)
def signal_windows_hann(M: int, *, sym: bool, dtype: dt.dtype | None, device: dt.device | None) -> Tensor:
    """The Hann window: a cosine that ends at 0.

        out[n] = 0.5 - 0.5 cos(2 pi n / N)

    Args:
        M: how many points.
        sym: N = M - 1, a symmetric window for the design of filters; else N = M, for the analysis of spectra.
        dtype: a floating one, by default the default float.

    Raises:
        TypeError: dtype is not a real floating one.
        ValueError: the length is negative.

    Example:
        >>> dt.signal.windows.hann(5, sym=False).round(decimals=4).tolist()
        [0.0, 0.3455, 0.9045, 0.9045, 0.3455]
    """
    return window("signal_windows_hann", M, sym, hamming(0.5, 0.5), dtype, device)


@op(
    "signal_windows_kaiser(int M, *, float beta=12.0, bool sym=True, DType? dtype=None, Device? device=None) -> Tensor",
    internal=True,
    factory=True,
    non_differentiable=True,
)
def signal_windows_kaiser(
    M: int, *, beta: float, sym: bool, dtype: dt.dtype | None, device: dt.device | None
) -> Tensor:
    """The Kaiser window, in terms of the modified Bessel function i0.

        out[n] = i0(beta sqrt(1 - (2 n / N - 1) ** 2)) / i0(beta)

    Args:
        M: how many points.
        beta: how narrow it is, not negative; at 0 all points are 1.
        sym: N = M - 1, a symmetric window for the design of filters; else N = M, for the analysis of spectra.
        dtype: a floating one, by default the default float.

    Raises:
        TypeError: dtype is not a real floating one.
        ValueError: the length or beta is negative.

    Example:
        >>> dt.signal.windows.kaiser(3, beta=0.0).tolist()
        [1.0, 1.0, 1.0]
    """
    if beta < 0:
        raise ValueError(f"signal_windows_kaiser: beta must not be negative, got {beta}")
    return window("signal_windows_kaiser", M, sym, kaiser(beta), dtype, device)


@op(
    "signal_windows_nuttall(int M, *, bool sym=True, DType? dtype=None, Device? device=None) -> Tensor",
    internal=True,
    factory=True,
    non_differentiable=True,
)
def signal_windows_nuttall(M: int, *, sym: bool, dtype: dt.dtype | None, device: dt.device | None) -> Tensor:
    """The Nuttall window: a sum of three cosines with very low side lobes.

        out[n] = 0.3635819 - 0.4891775 cos(2 pi n / N) + 0.1365995 cos(4 pi n / N) - 0.0106411 cos(6 pi n / N)

    Args:
        M: how many points.
        sym: N = M - 1, a symmetric window for the design of filters; else N = M, for the analysis of spectra.
        dtype: a floating one, by default the default float.

    Raises:
        TypeError: dtype is not a real floating one.
        ValueError: the length is negative.

    Example:
        >>> dt.signal.windows.nuttall(3).round(decimals=4).tolist()
        [0.0004, 1.0, 0.0004]
    """
    return window("signal_windows_nuttall", M, sym, cosines(NUTTALL), dtype, device)
