"""Windows, with which a signal is weighted before its Fourier transform.

    >>> import dovetail as dt
    >>> dt.signal.windows.hann(5).tolist()
    [0.0, 0.5, 1.0, 0.5, 0.0]

They are symmetric, for the design of filters; with sym=False periodic, for the analysis of spectra, which is what
`dt.hann_window` and its like are by default.
"""

from __future__ import annotations

from dovetail._core import get_op

__all__ = [
    "bartlett",
    "blackman",
    "cosine",
    "exponential",
    "gaussian",
    "general_cosine",
    "general_hamming",
    "hamming",
    "hann",
    "kaiser",
    "nuttall",
]

bartlett = get_op("signal_windows_bartlett")
blackman = get_op("signal_windows_blackman")
cosine = get_op("signal_windows_cosine")
exponential = get_op("signal_windows_exponential")
gaussian = get_op("signal_windows_gaussian")
general_cosine = get_op("signal_windows_general_cosine")
general_hamming = get_op("signal_windows_general_hamming")
hamming = get_op("signal_windows_hamming")
hann = get_op("signal_windows_hann")
kaiser = get_op("signal_windows_kaiser")
nuttall = get_op("signal_windows_nuttall")
