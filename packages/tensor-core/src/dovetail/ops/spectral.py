"""Fourier transforms over time: of frames of a signal, and back."""

from __future__ import annotations

import dovetail as dt
from dovetail import Tensor
from dovetail._core import get_op
from dovetail.ops import op
from dovetail.ops._common import shape_text, short, widened

_r2c, _c2c, _c2r = get_op("fft_r2c"), get_op("fft_c2c"), get_op("fft_c2r")
_unfold = get_op("unfold")

# Where the windows' squares sum to less, a signal can't be had back.
_NOTHING = 1e-11


@op(
    "stft(Tensor self, int n_fft, int? hop_length=None, int? win_length=None, Tensor? window=None, bool center=True,"
    " str pad_mode='reflect', bool normalized=False, bool? onesided=None, bool? return_complex=None,"
    " bool? align_to_window=None) -> Tensor",
    method=True,
)
def stft(
    self: Tensor,
    n_fft: int,
    hop_length: int | None,
    win_length: int | None,
    window: Tensor | None,
    center: bool,
    pad_mode: str,
    normalized: bool,
    onesided: bool | None,
    return_complex: bool | None,
    align_to_window: bool | None,
) -> Tensor:
    """The short-time Fourier transform: the spectra of overlapping frames of a signal.

        out[k, m] = sum(window[j] * self[m * hop_length + j] * exp(-2 pi i j k / n_fft) for j in range(n_fft))

    Args:
        self: a signal or a batch of them, shape (B?, L), real or complex. 16-bit floats compute as float32.
        n_fft: how many points are transformed at a time.
        hop_length: the distance of one frame to the next, by default n_fft // 4.
        win_length: the window's size, by default n_fft; a smaller one has zeros on both sides.
        window: the weights of a frame's points, by default ones.
        center: frame m is centered at m * hop_length, for which the signal is padded by n_fft // 2 on both sides.
        pad_mode: how: "reflect", "constant" (zeros), "replicate" or "circular".
        normalized: scale by 1 / sqrt(n_fft).
        onesided: only the first n_fft // 2 + 1 frequencies, from which the rest follows; by default for real signals.
        return_complex: else real and imaginary parts in a last dim. It must be given for a real signal and window.
        align_to_window: without center, the first frame begins where its window does, not where its zeros do.

    Shape: (B?, L) to (B?, N, M) with N frequencies and M frames.

    Raises:
        TypeError: the signal is neither floating nor complex.
        ValueError: sizes that do not suit the signal or each other, or one-sided spectra of complex numbers.

    Example:
        >>> signal = dt.cos(dt.arange(64) * (2 * dt.pi * 4 / 16))
        >>> spectra = dt.stft(signal, 16, window=dt.hann_window(16), return_complex=True)
        >>> spectra.shape, spectra.abs()[:, 8].argmax().item()
        (dovetail.Size([9, 17]), 4)
    """
    hop, width = _sizes("stft", n_fft, hop_length, win_length, window)
    is_complex = self.dtype.is_complex or (window is not None and window.dtype.is_complex)
    onesided = _onesided("stft", onesided, is_complex)
    if return_complex is None and not is_complex:
        raise ValueError("stft: return_complex must be given for a real signal; True is what most want")
    if align_to_window is not None and center:
        raise ValueError("stft: align_to_window has a meaning only with center=False")
    x = _signals(self)
    if center:
        x = _extended(x, n_fft // 2, pad_mode)
    elif align_to_window:
        x = dt.constant_pad_nd(x, _margins(n_fft, width))
    if n_fft > x.shape[-1]:
        raise ValueError(f"stft: n_fft = {n_fft} is more than the signal's {x.shape[-1]} points")
    frames = _unfold(x, -1, n_fft, hop)
    if window is not None:
        frames = frames * _padded_window(window, n_fft)
    elif width < n_fft:
        frames = frames * _padded_window(dt.ones(width, dtype=x.dtype, device=x.device), n_fft)
    scaling = "1/sqrt(n)" if normalized else "none"
    spectra = (
        _c2c(frames, [-1], scaling, True) if frames.dtype.is_complex else _r2c(frames, [-1], scaling, onesided)
    ).transpose(-1, -2)
    spectra = spectra if self.ndim == 2 else spectra.squeeze(0)
    return spectra if return_complex is not False else dt.view_as_real(spectra)


@op(
    "istft(Tensor self, int n_fft, int? hop_length=None, int? win_length=None, Tensor? window=None, bool center=True,"
    " bool normalized=False, bool? onesided=None, int? length=None, bool return_complex=False) -> Tensor",
    method=True,
)
def istft(
    self: Tensor,
    n_fft: int,
    hop_length: int | None,
    win_length: int | None,
    window: Tensor | None,
    center: bool,
    normalized: bool,
    onesided: bool | None,
    length: int | None,
    return_complex: bool,
) -> Tensor:
    """The inverse of `stft`: the signal whose spectra come nearest to these, by least squares.

        out[t] = sum(window[t - m * hop_length] * frame[m][t - m * hop_length]) / sum(window[t - m * hop_length] ** 2)

    over the frames m, each of them the inverse transform of a spectrum.

    Args:
        self: spectra, shape (B?, N, M), complex.
        n_fft, hop_length, win_length, window, center, normalized: as given to `stft`.
        onesided: whether the spectra are halves; by default if there are fewer than n_fft frequencies.
        length: the signal's; the result is cut, or padded with zeros. By default as much as the frames cover, less
            what `stft` padded.
        return_complex: the signal was complex; the spectra are whole then.

    Shape: (B?, N, M) to (B?, length).

    Raises:
        TypeError: the spectra are not complex, or the window is and the result is not.
        ValueError: sizes that do not suit the spectra or each other; or windows that leave out a point of the signal.

    Example:
        >>> window = dt.hann_window(16)
        >>> signal = dt.arange(64) / 64
        >>> spectra = dt.stft(signal, 16, window=window, return_complex=True)
        >>> dt.allclose(dt.istft(spectra, 16, window=window), signal, atol=1e-6)
        True
    """
    if not self.dtype.is_complex:
        raise TypeError(
            f"istft: expected complex spectra, as of stft with return_complex=True, got {short(self.dtype)}"
        )
    if self.ndim not in (2, 3):
        raise ValueError(f"istft: expected spectra of 2 or 3 dims, (B?, N, M), got shape {shape_text(self.shape)}")
    if self.numel() == 0:
        raise ValueError(f"istft: there are no spectra in shape {shape_text(self.shape)}")
    hop, width = _sizes("istft", n_fft, hop_length, win_length, window)
    if hop > width:
        raise ValueError(f"istft: hop_length must be at most win_length, got {hop} and {width}")
    if window is not None and window.dtype.is_complex and not return_complex:
        raise TypeError("istft: a complex window needs return_complex=True")
    frames = _frames(self if self.ndim == 3 else self.unsqueeze(0), n_fft, normalized, onesided, return_complex)
    weights = _padded_window(_weights(window, width, frames), n_fft)
    signal = _overlapped(frames * weights, hop)
    envelope = _overlapped((weights * weights).expand((1, *frames.shape[1:])), hop)
    start = n_fft // 2 if center else 0
    total = signal.shape[-1]
    end = total - start if length is None else start + max(length, 0)
    signal, envelope = signal[:, start:end], envelope[:, start:end]
    if signal.shape[-1] == 0:
        raise ValueError(f"istft: the signal would have no points (length={length})")
    least = dt.abs(envelope).min()
    if not least.item() >= _NOTHING:
        raise ValueError(f"istft: the windows leave a point out: their squares sum to {least.item():.3g} somewhere")
    signal = dt.constant_pad_nd(signal / envelope, [0, max(end - total, 0)])
    return signal if self.ndim == 3 else signal.squeeze(0)


# ---- arguments ---------------------------------------------------------------------------------------------------


def _sizes(
    name: str, n_fft: int, hop_length: int | None, win_length: int | None, window: Tensor | None
) -> tuple[int, int]:
    """The hop's and the window's lengths."""
    if n_fft < 1:
        raise ValueError(f"{name}: n_fft must be positive, got {n_fft}")
    hop = n_fft // 4 if hop_length is None else hop_length
    width = n_fft if win_length is None else win_length
    if hop < 1:
        raise ValueError(f"{name}: hop_length must be positive, got {hop}")
    if not 0 < width <= n_fft:
        raise ValueError(f"{name}: win_length must be from 1 to n_fft = {n_fft}, got {width}")
    if window is not None and tuple(window.shape) != (width,):
        raise ValueError(f"{name}: window must have shape ({width},), got {shape_text(window.shape)}")
    return hop, width


def _onesided(name: str, onesided: bool | None, is_complex: bool) -> bool:
    if onesided and is_complex:
        raise ValueError(f"{name}: spectra of a complex signal or window are not symmetric; give onesided=False")
    return not is_complex if onesided is None else onesided


def _signals(x: Tensor) -> Tensor:
    """As a batch."""
    if not x.dtype.is_floating_point and not x.dtype.is_complex:
        raise TypeError(f"stft: expected a floating or complex signal, got {short(x.dtype)}")
    if x.ndim not in (1, 2):
        raise ValueError(f"stft: expected a signal of 1 or 2 dims, (B?, L), got shape {shape_text(x.shape)}")
    x = widened(x)
    return x if x.ndim == 2 else x.unsqueeze(0)


def _margins(n_fft: int, width: int) -> list[int]:
    """The zeros on both sides of a window."""
    left = (n_fft - width) // 2
    return [left, n_fft - width - left]


def _padded_window(window: Tensor, n_fft: int) -> Tensor:
    margins = _margins(n_fft, window.shape[0])
    window = widened(window)
    return dt.constant_pad_nd(window, margins) if any(margins) else window


def _extended(x: Tensor, by: int, mode: str) -> Tensor:
    """Signals with `by` points more at both ends."""
    n = x.shape[-1]
    if mode == "constant" or by == 0:
        return dt.constant_pad_nd(x, [by, by])
    most = {"reflect": n - 1, "circular": n, "replicate": by if n else 0}.get(mode)
    if most is None:
        raise ValueError(f"stft: pad_mode must be 'reflect', 'constant', 'replicate' or 'circular', got {mode!r}")
    if by > most:
        raise ValueError(f"stft: pad_mode {mode!r} cannot pad {n} points by n_fft // 2 = {by}")
    if mode == "circular":
        before, after = x[:, n - by :], x[:, :by]
    elif mode == "replicate":
        before, after = x[:, :1].expand((x.shape[0], by)), x[:, -1:].expand((x.shape[0], by))
    else:
        before, after = dt.flip(x[:, 1 : by + 1], [1]), dt.flip(x[:, n - by - 1 : n - 1], [1])
    return dt.cat([before, x, after], 1)


# ---- from spectra to a signal ------------------------------------------------------------------------------------


def _frames(spectra: Tensor, n_fft: int, normalized: bool, onesided: bool | None, return_complex: bool) -> Tensor:
    """The frames, shape (B, M, n_fft), that have these spectra."""
    count = spectra.shape[-2]
    onesided = count != n_fft if onesided is None else onesided
    if onesided and return_complex:
        raise ValueError("istft: spectra of a complex signal are not symmetric; give onesided=False")
    if count != (n_fft // 2 + 1 if onesided else n_fft):
        wanted = f"n_fft // 2 + 1 = {n_fft // 2 + 1}" if onesided else f"n_fft = {n_fft}"
        raise ValueError(f"istft: onesided={onesided} needs {wanted} frequencies, got {count}")
    spectra = spectra.transpose(-1, -2)
    scaling = "1/sqrt(n)" if normalized else "1/n"
    if return_complex:
        return _c2c(spectra, [-1], scaling, False)
    return _c2r(spectra[..., : n_fft // 2 + 1], [-1], n_fft, scaling)


def _weights(window: Tensor | None, width: int, frames: Tensor) -> Tensor:
    """The window, or one of ones, in the precision of the frames or its own, if that is higher."""
    double = (dt.float64, dt.complex128)
    precision = dt.float64 if frames.dtype in double or (window is not None and window.dtype in double) else dt.float32
    if window is None:
        return dt.ones(width, dtype=precision, device=frames.device)
    return window.to(dt.promote_types(precision, dt.complex64) if window.dtype.is_complex else precision)


def _overlapped(frames: Tensor, hop: int) -> Tensor:
    """Frames, shape (B, M, size), added up at their places."""
    batch, count, size = frames.shape
    places = dt.unsqueeze(dt.arange(count, device=frames.device) * hop, 1) + dt.arange(size, device=frames.device)
    zeros = dt.zeros(batch, (count - 1) * hop + size, dtype=frames.dtype, device=frames.device)
    return dt.index_add(zeros, 1, places.reshape(-1), frames.reshape((batch, count * size)))
