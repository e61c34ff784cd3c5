"""The extension for Fourier transforms: those of `dt.fft` under the standard's signatures."""

from __future__ import annotations

from .. import _core, checks
from .. import fft as _fft
from .._core import Tensor
from ._common import described

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

__all__ = ["fft", "fftfreq", "fftn", "fftshift", "hfft", "ifft", "ifftn", "ifftshift", "ihfft", "irfft", "irfftn"]
__all__ += ["rfft", "rfftfreq", "rfftn"]


def _along_one(name: str) -> Callable[..., Tensor]:
    op = getattr(_fft, name)

    def function(x: Tensor, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Tensor:
        return op(x, n, axis, norm)

    return described(checks.in_own_name(function, name), name, f"fft.{name}")


def _along_several(name: str) -> Callable[..., Tensor]:
    op = getattr(_fft, name)

    def function(
        x: Tensor, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: str = "backward"
    ) -> Tensor:
        return op(x, s, axes, norm)

    return described(checks.in_own_name(function, name), name, f"fft.{name}")


fft = _along_one("fft")
hfft = _along_one("hfft")
ifft = _along_one("ifft")
ihfft = _along_one("ihfft")
irfft = _along_one("irfft")
rfft = _along_one("rfft")

fftn = _along_several("fftn")
ifftn = _along_several("ifftn")
irfftn = _along_several("irfftn")
rfftn = _along_several("rfftn")


@checks.in_own_name
def fftfreq(n: int, /, *, d: float = 1.0, dtype: _core.dtype | None = None, device: Any = None) -> Tensor:
    """The frequencies that belong to the results of `fft` of n samples at distance d.

    Example:
        >>> fftfreq(4).tolist()
        [0.0, 0.25, -0.5, -0.25]
    """
    return _fft.fftfreq(n, d, dtype=dtype, device=device)


@checks.in_own_name
def rfftfreq(n: int, /, *, d: float = 1.0, dtype: _core.dtype | None = None, device: Any = None) -> Tensor:
    """The frequencies that belong to the results of `rfft` of n samples at distance d.

    Example:
        >>> rfftfreq(4).tolist()
        [0.0, 0.25, 0.5]
    """
    return _fft.rfftfreq(n, d, dtype=dtype, device=device)


@checks.in_own_name
def fftshift(x: Tensor, /, *, axes: int | Sequence[int] | None = None) -> Tensor:
    """The frequency 0 moved to the middle of the given axes, or of all.

    Example:
        >>> fftshift(fftfreq(4)).tolist()
        [-0.5, -0.25, 0.0, 0.25]
    """
    return _fft.fftshift(x, axes)


@checks.in_own_name
def ifftshift(x: Tensor, /, *, axes: int | Sequence[int] | None = None) -> Tensor:
    """What `fftshift` moved, moved back.

    Example:
        >>> ifftshift(fftshift(fftfreq(4))).tolist()
        [0.0, 0.25, -0.5, -0.25]
    """
    return _fft.ifftshift(x, axes)
