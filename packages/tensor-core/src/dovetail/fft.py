"""Discrete Fourier transforms.

    >>> import dovetail as dt
    >>> spectrum = dt.fft.rfft(dt.tensor([1.0, 0.0, -1.0, 0.0]))
    >>> spectrum.abs().tolist()
    [0.0, 2.0, 0.0]

A transform takes place on the CPU, by NumPy's FFT, where a device's backend has none of its own.
"""

from __future__ import annotations

from .ops import get_op

__all__ = [
    "fft",
    "fft2",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "hfft2",
    "hfftn",
    "ifft",
    "ifft2",
    "ifftn",
    "ifftshift",
    "ihfft",
    "ihfft2",
    "ihfftn",
    "irfft",
    "irfft2",
    "irfftn",
    "rfft",
    "rfft2",
    "rfftfreq",
    "rfftn",
]

fft = get_op("fft_fft")
fft2 = get_op("fft_fft2")
fftfreq = get_op("fft_fftfreq")
fftn = get_op("fft_fftn")
fftshift = get_op("fft_fftshift")
hfft = get_op("fft_hfft")
hfft2 = get_op("fft_hfft2")
hfftn = get_op("fft_hfftn")
ifft = get_op("fft_ifft")
ifft2 = get_op("fft_ifft2")
ifftn = get_op("fft_ifftn")
ifftshift = get_op("fft_ifftshift")
ihfft = get_op("fft_ihfft")
ihfft2 = get_op("fft_ihfft2")
ihfftn = get_op("fft_ihfftn")
irfft = get_op("fft_irfft")
irfft2 = get_op("fft_irfft2")
irfftn = get_op("fft_irfftn")
rfft = get_op("fft_rfft")
rfft2 = get_op("fft_rfft2")
rfftfreq = get_op("fft_rfftfreq")
rfftn = get_op("fft_rfftn")
