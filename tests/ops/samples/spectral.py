"""Samples of the short-time Fourier transform and its inverse, beside NumPy's transforms of every frame."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.ops.framework import (
    COMPLEXES,
    SIXTEENS,
    ErrorSample,
    Sample,
    T,
    errors_for,
    layouts_of,
    make,
    real_of,
    rng_for,
    samples_for,
    wide,
)

NEAR: dict[str, dict[str, float]] = {
    "float32": {"rtol": 1e-4, "atol": 2e-5},
    "float64": {"rtol": 1e-10, "atol": 1e-11},
    "complex64": {"rtol": 1e-4, "atol": 1e-4},
    "complex128": {"rtol": 1e-10, "atol": 1e-11},
}
PADDING = {"reflect": "reflect", "constant": "constant", "replicate": "edge", "circular": "wrap"}


def complex_of(*dtypes: str) -> str:
    return "complex128" if {"float64", "complex128"} & set(dtypes) else "complex64"


def whole_window(n_fft: int, win_length: int | None, window: Any) -> Any:
    window = np.ones(win_length or n_fft) if window is None else wide(window)
    left = (n_fft - len(window)) // 2
    return np.pad(window, (left, n_fft - len(window) - left))


def stft(
    x: Any,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Any = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
    align_to_window: bool | None = None,
) -> Any:
    x, weights = wide(x), whole_window(n_fft, win_length, window)
    around = [(0, 0)] * (x.ndim - 1)
    if center:
        x = np.pad(x, [*around, (n_fft // 2, n_fft // 2)], mode=PADDING[pad_mode])  # type: ignore[call-overload]
    elif align_to_window:
        spare = n_fft - (win_length or n_fft)
        x = np.pad(x, [*around, (spare // 2, spare - spare // 2)])
    hop = hop_length or n_fft // 4
    frames = np.lib.stride_tricks.sliding_window_view(x, n_fft, -1)[..., ::hop, :] * weights
    norm = "ortho" if normalized else None
    half = onesided is not False and not np.iscomplexobj(frames)
    found = np.swapaxes((np.fft.rfft if half else np.fft.fft)(frames, norm=norm), -1, -2)
    return np.stack([found.real, found.imag], -1) if return_complex is False else found


def istft(
    spectra: Any,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Any = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Any:
    spectra, weights = np.swapaxes(wide(spectra), -1, -2), whole_window(n_fft, win_length, window)
    norm = "ortho" if normalized else None
    if return_complex:
        frames = np.fft.ifft(spectra, norm=norm)
    else:
        frames = np.fft.irfft(spectra[..., : n_fft // 2 + 1], n_fft, norm=norm)
    hop, count = hop_length or n_fft // 4, frames.shape[-2]
    signal = np.zeros((*frames.shape[:-2], (count - 1) * hop + n_fft), np.result_type(frames, weights))
    envelope = np.zeros(signal.shape[-1], weights.dtype)
    for m in range(count):
        signal[..., m * hop : m * hop + n_fft] += frames[..., m, :] * weights
        envelope[m * hop : m * hop + n_fft] += weights**2
    start = n_fft // 2 if center else 0
    total = signal.shape[-1]
    end = total - start if length is None else start + length
    found = signal[..., start:end] / envelope[start:end]
    return np.pad(found, [(0, 0)] * (found.ndim - 1) + [(0, max(end - total, 0))])


def bump(size: int, dtype: str = "float32") -> np.ndarray:
    return (0.5 + np.sin(np.pi * (np.arange(size) + 0.5) / size)).astype(dtype)


@samples_for("stft")
def forward(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def sample(x: Any, *args: Any, **kwargs: Any) -> Sample:
        inputs = [str(x.array.dtype)] + [str(a.array.dtype) for a in args if isinstance(a, T)]
        dtype = complex_of(*inputs)
        if kwargs.get("return_complex") is False:
            dtype = real_of(dtype)
        return Sample((x, *args), stft, kwargs, dtype=dtype, **NEAR[dtype])

    for dtype in ("float32", "float64", *COMPLEXES):
        for shape in ((23,), (2, 23)):
            x = T(make(rng, shape, dtype))
            yield sample(x, 8, return_complex=True)
            yield sample(x, 7, 3, 5, T(bump(5)), return_complex=True)
            yield sample(x, 8, 2, 6, T(bump(6, "float64")), False, return_complex=False)
            yield sample(x, 6, 5, None, None, True, "constant", True, False, True)
            yield sample(x, 8, 3, 5, T(bump(5)), False, return_complex=True, align_to_window=True)
            yield sample(x, 8, 3, 5, T(bump(5)), False, return_complex=True, align_to_window=False)
            yield sample(x, 1, 1, return_complex=True)
            yield sample(x, 23, center=False, return_complex=True)
        for mode in PADDING:
            yield sample(x, 8, pad_mode=mode, return_complex=True)
        for laid in layouts_of(make(rng, (3, 12), dtype)):
            yield sample(laid, 4, return_complex=True)
    yield sample(T(make(rng, (20,), "complex64")), 8)
    yield sample(T(make(rng, (20,), "float32")), 8, window=T(make(rng, (8,), "complex64")))
    yield sample(T(make(rng, (0, 20), "float32")), 8, return_complex=True)
    for dtype in SIXTEENS:
        yield sample(T(make(rng, (20,), dtype)), 8, 2, 6, T(bump(6, dtype)), return_complex=True)


@errors_for("stft")
def refused(op: str) -> Iterator[ErrorSample]:
    x, good = T(np.ones(20, np.float32)), {"return_complex": True}
    yield ErrorSample((x, 8), ValueError, "^stft: return_complex must be given for a real signal")
    yield ErrorSample((x, 0), ValueError, "^stft: n_fft must be positive, got 0", good)
    yield ErrorSample((x, 50), ValueError, r"^stft: pad_mode 'reflect' cannot pad 20 points by n_fft // 2 = 25", good)
    words = "^stft: n_fft = 50 is more than the signal's 20 points"
    yield ErrorSample((x, 50), ValueError, words, {**good, "center": False})
    yield ErrorSample((x, 8, 0), ValueError, "^stft: hop_length must be positive, got 0", good)
    yield ErrorSample((x, 3), ValueError, "^stft: hop_length must be positive, got 0", good)
    yield ErrorSample((x, 8, 2, 9), ValueError, "^stft: win_length must be from 1 to n_fft = 8, got 9", good)
    window = T(np.ones(5, np.float32))
    yield ErrorSample((x, 8, 2, 6, window), ValueError, r"^stft: window must have shape \(6,\), got \(5,\)", good)
    yield ErrorSample((x, 8), ValueError, "^stft: pad_mode must be .*, got 'bad'", {**good, "pad_mode": "bad"})
    yield ErrorSample((x, 8), ValueError, "^stft: align_to_window has a meaning", {**good, "align_to_window": True})
    complex_x = T(np.ones(20, np.complex64))
    yield ErrorSample((complex_x, 8), ValueError, "^stft: spectra of a complex signal", {"onesided": True})
    yield ErrorSample((T(np.ones(20, np.int64)), 8), TypeError, "^stft: expected a floating or complex signal", good)
    yield ErrorSample((T(np.ones((2, 3, 20), np.float32)), 8), ValueError, r"^stft: expected a signal of 1 or 2", good)
    yield ErrorSample(
        (T(np.float32(1)), 8), ValueError, r"^stft: expected a signal of 1 or 2 dims.*got shape \(\)", good
    )


@samples_for("istft")
def inverse(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def sample(x: Any, *args: Any, **kwargs: Any) -> Sample:
        inputs = [str(x.array.dtype)] + [str(a.array.dtype) for a in args if isinstance(a, T)]
        dtype = complex_of(*inputs)
        dtype = dtype if kwargs.get("return_complex") else real_of(dtype)
        near = NEAR[dtype] if "complex64" not in inputs else {"rtol": 1e-4, "atol": 1e-4}
        return Sample((x, *args), istft, kwargs, dtype=dtype, **near)

    for dtype in COMPLEXES:
        for lead in ((), (2,)):
            half, whole = T(make(rng, (*lead, 5, 6), dtype)), T(make(rng, (*lead, 8, 6), dtype))
            yield sample(half, 8)
            yield sample(half, 8, 3, 6, T(bump(6)))
            yield sample(half, 8, 2, 8, T(bump(8, "float64")), False, True)
            yield sample(half, 9, 2, 9, T(bump(9)), length=11)
            yield sample(half, 8, 2, 8, T(bump(8)), length=30)
            yield sample(whole, 8)
            yield sample(whole, 8, 3, return_complex=True)
            yield sample(whole, 8, 3, 8, T(bump(8)), True, True, False, 9, return_complex=True)
        for laid in layouts_of(make(rng, (3, 5), dtype)):
            yield sample(laid, 4)
    yield sample(T(make(rng, (8, 4), "complex64")), 8, 2, 8, T(make(rng, (8,), "complex64") + 5), return_complex=True)


@samples_for("istft")
def round_trips(op: str) -> Iterator[Sample]:
    """A signal comes back from its spectra."""
    rng = rng_for(op)
    for dtype in ("float64", "complex128"):
        is_complex = dtype == "complex128"
        for shape, n_fft, hop, width in (((40,), 8, 2, 8), ((3, 33), 10, 3, 7), ((64,), 16, 8, 16)):
            signal, window = make(rng, shape, dtype), bump(width, "float64")
            spectra = stft(signal, n_fft, hop, width, window, onesided=not is_complex)
            args = (T(spectra), n_fft, hop, width, T(window))
            kwargs = {"length": shape[-1], "return_complex": is_complex}
            covered = (spectra.shape[-1] - 1) * hop + n_fft // 2  # what no frame reaches comes back as zeros

            def reference(*_: Any, signal: Any = signal, covered: int = covered, **__: Any) -> Any:
                return np.where(np.arange(signal.shape[-1]) < covered, signal, 0)

            yield Sample(args, reference, kwargs, dtype=dtype, rtol=1e-10, atol=1e-11)


@errors_for("istft")
def refused_spectra(op: str) -> Iterator[ErrorSample]:
    half = T(np.ones((5, 6), np.complex64))
    zeros = np.zeros(8, np.float32)
    yield ErrorSample((T(np.ones((5, 6), np.float32)), 8), TypeError, "^istft: expected complex spectra.*got float32")
    yield ErrorSample((T(np.ones(5, np.complex64)), 8), ValueError, "^istft: expected spectra of 2 or 3 dims")
    yield ErrorSample(
        (T(np.ones((5, 0), np.complex64)), 8), ValueError, r"^istft: there are no spectra in shape \(5, 0\)"
    )
    yield ErrorSample((half, 0), ValueError, "^istft: n_fft must be positive, got 0")
    yield ErrorSample((half, 8, 7, 6), ValueError, "^istft: hop_length must be at most win_length, got 7 and 6")
    yield ErrorSample((half, 8, 2, 9), ValueError, "^istft: win_length must be from 1 to n_fft = 8, got 9")
    yield ErrorSample((half, 8, 2, 6, T(zeros)), ValueError, r"^istft: window must have shape \(6,\), got \(8,\)")
    yield ErrorSample((half, 12), ValueError, r"^istft: onesided=True needs n_fft // 2 \+ 1 = 7 frequencies, got 5")
    yield ErrorSample((half, 8), ValueError, "^istft: onesided=False needs n_fft = 8 frequencies", {"onesided": False})
    yield ErrorSample((half, 8), ValueError, "^istft: spectra of a complex signal", {"return_complex": True})
    yield ErrorSample((half, 8), ValueError, r"^istft: the signal would have no points \(length=0\)", {"length": 0})
    yield ErrorSample((half, 8, 2, 8, T(zeros)), ValueError, "^istft: the windows leave a point out")
    window = T(np.ones(8, np.complex64))
    yield ErrorSample((half, 8, 2, 8, window), TypeError, "^istft: a complex window needs return_complex=True")
    hann = T(np.hanning(9)[:8].astype(np.float32))
    yield ErrorSample((half, 8, 2, 8, hann), ValueError, "^istft: the windows leave a point out", {"center": False})
