"""Fourier transforms along two dims and more. Public in dovetail.fft."""

from __future__ import annotations

from collections.abc import Sequence

from dovetail import Tensor
from dovetail.ops import op
from dovetail.ops._fourier import complex_to_complex, complex_to_real, real_to_complex

Sizes = Sequence[int] | None


@op("fft_fft2(Tensor self, int[]? s=None, int[] dim=[-2, -1], str? norm=None) -> Tensor", internal=True, out=True)
def fft_fft2(self: Tensor, s: Sizes, dim: Sequence[int], norm: str | None) -> Tensor:
    """The discrete Fourier transform along two dims.

        fft2(x, dim=(0, 1)) = fft(fft(x, dim=1), dim=0)

    Args:
        self: real or complex. 16-bit floats are transformed as float32, integers and bool as the default float.
        s: the sizes to which the tensor is cut, or padded with zeros, first; -1 leaves a dim as it is.
        dim: the two dims to transform.
        norm: "backward" (also by default): no scaling; "ortho": by 1 / sqrt(n); "forward": by 1 / n.

    Raises:
        ValueError: there is no point to transform, a dim appears twice, or s does not suit the dims.

    Example:
        >>> dt.fft.fft2(dt.eye(2)).real.tolist()
        [[2.0, 0.0], [0.0, 2.0]]
    """
    return complex_to_complex("fft_fft2", self, s, dim, norm, forward=True)


@op("fft_ifft2(Tensor self, int[]? s=None, int[] dim=[-2, -1], str? norm=None) -> Tensor", internal=True, out=True)
def fft_ifft2(self: Tensor, s: Sizes, dim: Sequence[int], norm: str | None) -> Tensor:
    """The inverse discrete Fourier transform along two dims.

        ifft2(x, dim=(0, 1)) = ifft(ifft(x, dim=1), dim=0)

    Args:
        self: real or complex.
        s: the sizes to which the tensor is cut, or padded with zeros, first; -1 leaves a dim as it is.
        dim: the two dims to transform.
        norm: "backward" (also by default): scaled by 1 / n; "ortho": by 1 / sqrt(n); "forward": no scaling.

    Raises:
        ValueError: there is no point to transform, a dim appears twice, or s does not suit the dims.

    Example:
        >>> dt.fft.ifft2(dt.fft.fft2(dt.eye(2))).real.tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    return complex_to_complex("fft_ifft2", self, s, dim, norm, forward=False)


@op("fft_rfft2(Tensor self, int[]? s=None, int[] dim=[-2, -1], str? norm=None) -> Tensor", internal=True, out=True)
def fft_rfft2(self: Tensor, s: Sizes, dim: Sequence[int], norm: str | None) -> Tensor:
    """The discrete Fourier transform of a real tensor along two dims: the half that tells the rest.

        rfft2(x, dim=(0, 1)) = fft(rfft(x, dim=1), dim=0)

    Args:
        self: real.
        s: the sizes to which the tensor is cut, or padded with zeros, first; -1 leaves a dim as it is.
        dim: the two dims to transform.
        norm: "backward" (also by default): no scaling; "ortho": by 1 / sqrt(n); "forward": by 1 / n.

    Raises:
        TypeError: the tensor is complex.
        ValueError: there is no point to transform, a dim appears twice, or s does not suit the dims.

    Example:
        >>> dt.fft.rfft2(dt.ones(2, 4)).real.tolist()
        [[8.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    return real_to_complex("fft_rfft2", self, s, dim, norm, forward=True)


@op("fft_irfft2(Tensor self, int[]? s=None, int[] dim=[-2, -1], str? norm=None) -> Tensor", internal=True, out=True)
def fft_irfft2(self: Tensor, s: Sizes, dim: Sequence[int], norm: str | None) -> Tensor:
    """The inverse of `rfft2`: the real tensor that has this half of a spectrum.

        irfft2(x, dim=(0, 1)) = irfft(ifft(x, dim=0), dim=1)

    Args:
        self: half of the spectrum.
        s: the result's sizes along the dims, -1 for the tensor's own; the last is 2 * (m - 1) by default for m entries.
        dim: the two dims to transform.
        norm: "backward" (also by default): scaled by 1 / n; "ortho": by 1 / sqrt(n); "forward": no scaling.

    Raises:
        ValueError: there is no point to transform, a dim appears twice, or s does not suit the dims.

    Example:
        >>> dt.fft.irfft2(dt.fft.rfft2(dt.eye(2))).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    return complex_to_real("fft_irfft2", self, s, dim, norm, forward=False)


@op("fft_hfft2(Tensor self, int[]? s=None, int[] dim=[-2, -1], str? norm=None) -> Tensor", internal=True, out=True)
def fft_hfft2(self: Tensor, s: Sizes, dim: Sequence[int], norm: str | None) -> Tensor:
    """The discrete Fourier transform of a Hermitian-symmetric signal along two dims; the result is real.

        hfft2(x, dim=(0, 1)) = hfft(fft(x, dim=0), dim=1)

    Args:
        self: half of the signal.
        s: the result's sizes along the dims, -1 for the tensor's own; the last is 2 * (m - 1) by default for m entries.
        dim: the two dims to transform.
        norm: "backward" (also by default): no scaling; "ortho": by 1 / sqrt(n); "forward": by 1 / n.

    Raises:
        ValueError: there is no point to transform, a dim appears twice, or s does not suit the dims.

    Example:
        >>> dt.fft.hfft2(dt.fft.ihfft2(dt.eye(2))).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    return complex_to_real("fft_hfft2", self, s, dim, norm, forward=True)


@op("fft_ihfft2(Tensor self, int[]? s=None, int[] dim=[-2, -1], str? norm=None) -> Tensor", internal=True, out=True)
def fft_ihfft2(self: Tensor, s: Sizes, dim: Sequence[int], norm: str | None) -> Tensor:
    """The inverse of `hfft2`: half of the Hermitian-symmetric signal that has this real spectrum.

        ihfft2(x, dim=(0, 1)) = ifft(ihfft(x, dim=1), dim=0)

    Args:
        self: real.
        s: the sizes to which the tensor is cut, or padded with zeros, first; -1 leaves a dim as it is.
        dim: the two dims to transform.
        norm: "backward" (also by default): scaled by 1 / n; "ortho": by 1 / sqrt(n); "forward": no scaling.

    Raises:
        TypeError: the tensor is complex.
        ValueError: there is no point to transform, a dim appears twice, or s does not suit the dims.

    Example:
        >>> dt.fft.ihfft2(dt.ones(2, 2)).real.tolist()
        [[1.0, 0.0], [0.0, 0.0]]
    """
    return real_to_complex("fft_ihfft2", self, s, dim, norm, forward=False)


@op("fft_fftn(Tensor self, int[]? s=None, int[]? dim=None, str? norm=None) -> Tensor", internal=True, out=True)
def fft_fftn(self: Tensor, s: Sizes, dim: Sizes, norm: str | None) -> Tensor:
    """The discrete Fourier transform along several dims.

        fftn(x, dim=(0, 1)) = fft(fft(x, dim=1), dim=0)

    Args:
        self: real or complex. 16-bit floats are transformed as float32, integers and bool as the default float.
        s: the sizes to which the tensor is cut, or padded with zeros, first; -1 leaves a dim as it is.
        dim: the dims to transform; by default the last of them, as many as s has sizes, or all.
        norm: "backward" (also by default): no scaling; "ortho": by 1 / sqrt(n); "forward": by 1 / n.

    Raises:
        ValueError: there is no point to transform, a dim appears twice, or s does not suit the dims.

    Example:
        >>> dt.fft.fftn(dt.eye(2)).real.tolist()
        [[2.0, 0.0], [0.0, 2.0]]
    """
    return complex_to_complex("fft_fftn", self, s, dim, norm, forward=True)


@op("fft_ifftn(Tensor self, int[]? s=None, int[]? dim=None, str? norm=None) -> Tensor", internal=True, out=True)
def fft_ifftn(self: Tensor, s: Sizes, dim: Sizes, norm: str | None) -> Tensor:
    """The inverse discrete Fourier transform along several dims.

        ifftn(x, dim=(0, 1)) = ifft(ifft(x, dim=1), dim=0)

    Args:
        self: real or complex.
        s: the sizes to which the tensor is cut, or padded with zeros, first; -1 leaves a dim as it is.
        dim: the dims to transform; by default the last of them, as many as s has sizes, or all.
        norm: "backward" (also by default): scaled by 1 / n; "ortho": by 1 / sqrt(n); "forward": no scaling.

    Raises:
        ValueError: there is no point to transform, a dim appears twice, or s does not suit the dims.

    Example:
        >>> dt.fft.ifftn(dt.fft.fftn(dt.eye(2))).real.tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    return complex_to_complex("fft_ifftn", self, s, dim, norm, forward=False)


@op("fft_rfftn(Tensor self, int[]? s=None, int[]? dim=None, str? norm=None) -> Tensor", internal=True, out=True)
def fft_rfftn(self: Tensor, s: Sizes, dim: Sizes, norm: str | None) -> Tensor:
    """The discrete Fourier transform of a real tensor along several dims: the half that tells the rest.

        rfftn(x, dim=(0, 1)) = fft(rfft(x, dim=1), dim=0)

    Args:
        self: real.
        s: the sizes to which the tensor is cut, or padded with zeros, first; -1 leaves a dim as it is.
        dim: the dims to transform; by default the last of them, as many as s has sizes, or all.
        norm: "backward" (also by default): no scaling; "ortho": by 1 / sqrt(n); "forward": by 1 / n.

    Raises:
        TypeError: the tensor is complex.
        ValueError: there is no point to transform, a dim appears twice, or s does not suit the dims.

    Example:
        >>> dt.fft.rfftn(dt.ones(2, 4)).real.tolist()
        [[8.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    return real_to_complex("fft_rfftn", self, s, dim, norm, forward=True)


@op("fft_irfftn(Tensor self, int[]? s=None, int[]? dim=None, str? norm=None) -> Tensor", internal=True, out=True)
def fft_irfftn(self: Tensor, s: Sizes, dim: Sizes, norm: str | None) -> Tensor:
    """The inverse of `rfftn`: the real tensor that has this half of a spectrum.

        irfftn(x, dim=(0, 1)) = irfft(ifft(x, dim=0), dim=1)

    Args:
        self: half of the spectrum.
        s: the result's sizes along the dims, -1 for the tensor's own; the last is 2 * (m - 1) by default for m entries.
        dim: the dims to transform; by default the last of them, as many as s has sizes, or all.
        norm: "backward" (also by default): scaled by 1 / n; "ortho": by 1 / sqrt(n); "forward": no scaling.

    Raises:
        ValueError: there is no point to transform, a dim appears twice, or s does not suit the dims.

    Example:
        >>> dt.fft.irfftn(dt.fft.rfftn(dt.eye(2))).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    return complex_to_real("fft_irfftn", self, s, dim, norm, forward=False)


@op("fft_hfftn(Tensor self, int[]? s=None, int[]? dim=None, str? norm=None) -> Tensor", internal=True, out=True)
def fft_hfftn(self: Tensor, s: Sizes, dim: Sizes, norm: str | None) -> Tensor:
    """The discrete Fourier transform of a Hermitian-symmetric signal along several dims; the result is real.

        hfftn(x, dim=(0, 1)) = hfft(fft(x, dim=0), dim=1)

    Args:
        self: half of the signal.
        s: the result's sizes along the dims, -1 for the tensor's own; the last is 2 * (m - 1) by default for m entries.
        dim: the dims to transform; by default the last of them, as many as s has sizes, or all.
        norm: "backward" (also by default): no scaling; "ortho": by 1 / sqrt(n); "forward": by 1 / n.

    Raises:
        ValueError: there is no point to transform, a dim appears twice, or s does not suit the dims.

    Example:
        >>> dt.fft.hfftn(dt.fft.ihfftn(dt.eye(2))).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    return complex_to_real("fft_hfftn", self, s, dim, norm, forward=True)


@op("fft_ihfftn(Tensor self, int[]? s=None, int[]? dim=None, str? norm=None) -> Tensor", internal=True, out=True)
def fft_ihfftn(self: Tensor, s: Sizes, dim: Sizes, norm: str | None) -> Tensor:
    """The inverse of `hfftn`: half of the Hermitian-symmetric signal that has this real spectrum.

        ihfftn(x, dim=(0, 1)) = ifft(ihfft(x, dim=1), dim=0)

    Args:
        self: real.
        s: the sizes to which the tensor is cut, or padded with zeros, first; -1 leaves a dim as it is.
        dim: the dims to transform; by default the last of them, as many as s has sizes, or all.
        norm: "backward" (also by default): scaled by 1 / n; "ortho": by 1 / sqrt(n); "forward": no scaling.

    Raises:
        TypeError: the tensor is complex.
        ValueError: there is no point to transform, a dim appears twice, or s does not suit the dims.

    Example:
        >>> dt.fft.ihfftn(dt.ones(2, 2)).real.tolist()
        [[1.0, 0.0], [0.0, 0.0]]
    """
    return real_to_complex("fft_ihfftn", self, s, dim, norm, forward=False)
