"""Layers of images: rearranged channels and pixels, and other sizes."""

from __future__ import annotations

from collections.abc import Sequence

import dovetail as dt
from dovetail import checks

from .. import functional as F
from .module import Module


class PixelShuffle(Module):
    """Channels become pixels: ``(*, C · r², H, W)`` to ``(*, C, H · r, W · r)``.

    Args:
        upscale_factor: r.

    Source: Shi et al., "Real-Time Single Image and Video Super-Resolution", arXiv:1609.05158.

    Example:
        >>> PixelShuffle(2)(dt.arange(4.0).reshape(1, 4, 1, 1)).tolist()
        [[[[0.0, 1.0], [2.0, 3.0]]]]
    """

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        checks.integers("PixelShuffle", upscale_factor=upscale_factor)
        self.upscale_factor = upscale_factor

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """Pixels become channels: ``(*, C, H · r, W · r)`` to ``(*, C · r², H, W)``; the inverse of PixelShuffle.

    Args:
        downscale_factor: r.

    Example:
        >>> PixelUnshuffle(2)(dt.arange(4.0).reshape(1, 1, 2, 2)).flatten().tolist()
        [0.0, 1.0, 2.0, 3.0]
    """

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        checks.integers("PixelUnshuffle", downscale_factor=downscale_factor)
        self.downscale_factor = downscale_factor

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        return f"downscale_factor={self.downscale_factor}"


class ChannelShuffle(Module):
    """Channels of ``(N, C, *)`` dealt from groups in turn.

    Args:
        groups: into how many groups the channels are split; it divides them.

    Source: Zhang et al., "ShuffleNet", arXiv:1707.01083.

    Example:
        >>> ChannelShuffle(2)(dt.arange(4.0).reshape(1, 4, 1)).flatten().tolist()
        [0.0, 2.0, 1.0, 3.0]
    """

    def __init__(self, groups: int) -> None:
        super().__init__()
        checks.integers("ChannelShuffle", groups=groups)
        self.groups = groups

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        return f"groups={self.groups}"


class Upsample(Module):
    """Images of another size.

    Args:
        size: the new spatial sizes; or
        scale_factor: by what they are multiplied.
        mode: "nearest", "linear" (one dim), "bilinear", "bicubic" (two) or "trilinear" (three).
        align_corners: for the other modes than "nearest", whether the corner pixels' centres stay where they are.
        recompute_scale_factor: take the sizes' ratio as the scale, in place of `scale_factor`.

    Shape:
        input ``(N, C, L)``, ``(N, C, H, W)`` or ``(N, C, D, H, W)``.

    Example:
        >>> Upsample(scale_factor=2)(dt.tensor([[[1.0, 2.0]]])).tolist()
        [[[1.0, 1.0, 2.0, 2.0]]]
    """

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        scale_factor: float | Sequence[float] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        self.size = size
        self.scale_factor: float | Sequence[float] | None = scale_factor
        if scale_factor is not None:
            entries = scale_factor if isinstance(scale_factor, (list, tuple)) else (scale_factor,)
            checks.numbers(type(self).__name__, **{f"scale_factor[{i}]": each for i, each in enumerate(entries)})
            factors = tuple(float(each) for each in entries)
            self.scale_factor = factors if isinstance(scale_factor, (list, tuple)) else factors[0]
        self.mode, self.align_corners = mode, align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.interpolate(
            input, self.size, self.scale_factor, self.mode, self.align_corners, self.recompute_scale_factor
        )

    def extra_repr(self) -> str:
        sizes = f"size={self.size!r}" if self.scale_factor is None else f"scale_factor={self.scale_factor!r}"
        return f"{sizes}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """Upsample with mode "nearest", for ``(N, C, H, W)``.

    Example:
        >>> UpsamplingNearest2d(scale_factor=2)(dt.ones(1, 1, 1, 1)).shape
        dovetail.Size([1, 1, 2, 2])
    """

    def __init__(
        self, size: int | Sequence[int] | None = None, scale_factor: float | Sequence[float] | None = None
    ) -> None:
        super().__init__(size, scale_factor, "nearest")


class UpsamplingBilinear2d(Upsample):
    """Upsample with mode "bilinear" and aligned corners, for ``(N, C, H, W)``.

    Example:
        >>> UpsamplingBilinear2d((1, 3))(dt.tensor([[[[1.0, 2.0]]]])).tolist()
        [[[[1.0, 1.5, 2.0]]]]
    """

    def __init__(
        self, size: int | Sequence[int] | None = None, scale_factor: float | Sequence[float] | None = None
    ) -> None:
        super().__init__(size, scale_factor, "bilinear", True)
