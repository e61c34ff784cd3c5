"""Layers whose input size is that of the first input they see."""

from __future__ import annotations

from typing import Any

import dovetail as dt
from dovetail import checks

from ..parameter import UninitializedBuffer, UninitializedParameter, is_lazy
from .conv import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
    Sizes,
    _Conv,
    _ConvTranspose,
)
from .linear import Linear
from .module import Module
from .norm import BatchNorm1d, BatchNorm2d, BatchNorm3d, _NormBase
from .norm_more import InstanceNorm1d, InstanceNorm2d, InstanceNorm3d


class LazyModuleMixin(Module):
    """What makes a layer lazy; to be the first of its bases.

    The layer's ``__init__`` registers ``UninitializedParameter`` and ``UninitializedBuffer``; its
    ``initialize_parameters`` gets the first input and gives them their shapes. Thereafter the layer is one of class
    ``cls_to_become``.

    An optimizer should be made after the first call, or after loading a state dict, which also gives the shapes.
    """

    cls_to_become: type[Module]
    # Of other classes before and after the first call.
    weight: Any
    bias: Any
    running_mean: Any
    running_var: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._initialize = self.register_forward_pre_hook(_infer, with_kwargs=True)

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Give parameters and buffers the shapes that fit this input."""
        raise NotImplementedError(f"{type(self).__name__}: a lazy module must define initialize_parameters")

    def has_uninitialized_params(self) -> bool:
        """Whether some parameter or buffer still waits for its shape."""
        return any(is_lazy(t) for t in (*self._parameters.values(), *self._buffers.values()))


def _infer(module: LazyModuleMixin, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    module.initialize_parameters(*args, **kwargs)
    if module.has_uninitialized_params():
        raise RuntimeError(f"{type(module).__name__}: initialize_parameters left parameters without a shape")
    module._initialize.remove()
    del module._initialize
    object.__setattr__(module, "__class__", module.cls_to_become)


def _size(module: Module, input: Any, dim: int) -> int:
    if not isinstance(input, dt.Tensor):
        raise TypeError(f"{type(module).__name__}: input must be a Tensor, got {checks.shown(input)}")
    if not -input.ndim <= dim < input.ndim:
        raise ValueError(f"{type(module).__name__}: got an input of shape {tuple(input.shape)}, which has no dim {dim}")
    return input.shape[dim]


def _same(module: Module, name: str, known: int, seen: int) -> None:
    if known != seen:
        raise RuntimeError(f"{type(module).__name__}: the loaded parameters have {name} {known}, the input has {seen}")


class LazyLinear(LazyModuleMixin, Linear):
    """A Linear whose ``in_features`` is the last size of its first input.

    Args:
        out_features: size of the last dim of the output.
        bias: whether there is one.
        device, dtype: of the parameters.

    Example:
        >>> layer = LazyLinear(3)
        >>> layer(dt.ones(2, 5)).shape
        dovetail.Size([2, 3])
        >>> layer
        Linear(in_features=5, out_features=3, bias=True)
    """

    cls_to_become = Linear

    def __init__(self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        checks.sizes("LazyLinear", out_features=out_features)
        super().__init__(0, 0, False)
        self.out_features = out_features
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.bias = UninitializedParameter(device=device, dtype=dtype) if bias else None

    def reset_parameters(self) -> None:
        if not self.has_uninitialized_params() and self.in_features != 0:
            super().reset_parameters()

    def initialize_parameters(self, input: dt.Tensor) -> None:
        self.in_features = _size(self, input, -1)
        if self.has_uninitialized_params():
            self.weight.materialize((self.out_features, self.in_features))
            if self.bias is not None:
                self.bias.materialize((self.out_features,))
            self.reset_parameters()
        _same(self, "in_features", self.weight.shape[1], self.in_features)


class _LazyConv(LazyModuleMixin, _Conv):
    """A convolution whose ``in_channels`` is that of its first input."""

    def _wait(self, out_channels: int, bias: bool, device: Any, dtype: Any) -> None:
        checks.sizes(type(self).__name__, out_channels=out_channels)
        if out_channels % self.groups:
            raise ValueError(
                f"{type(self).__name__}: groups must divide out_channels, got {self.groups} and {out_channels}"
            )
        self.out_channels = out_channels
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.bias = UninitializedParameter(device=device, dtype=dtype) if bias else None

    def reset_parameters(self) -> None:
        if not self.has_uninitialized_params() and self.in_channels != 0:
            super().reset_parameters()

    def initialize_parameters(self, input: dt.Tensor, *args: Any, **kwargs: Any) -> None:
        self.in_channels = _size(self, input, -self.dims - 1)
        if self.in_channels % self.groups:
            raise ValueError(
                f"{type(self).__name__}: groups must divide the input's channels, "
                f"got {self.groups} and {self.in_channels} of shape {tuple(input.shape)}"
            )
        shape = [self.out_channels, self.in_channels]
        if self.transposed:
            shape.reverse()
        shape[1] //= self.groups
        if self.has_uninitialized_params():
            self.weight.materialize((*shape, *self.kernel_size))
            if self.bias is not None:
                self.bias.materialize((self.out_channels,))
            self.reset_parameters()
        at = 0 if self.transposed else 1
        _same(self, "in_channels", self.weight.shape[at] * (1 if self.transposed else self.groups), self.in_channels)


class _LazyForwardConv(_LazyConv):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes | str = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode)
        self._wait(out_channels, bias, device, dtype)


class _LazyConvTranspose(_LazyConv, _ConvTranspose):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Sizes = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(0, 0, kernel_size, stride, padding, output_padding, groups, False, dilation, padding_mode)
        self._wait(out_channels, bias, device, dtype)


class LazyConv1d(_LazyForwardConv, Conv1d):
    """A Conv1d whose ``in_channels`` is that of its first input; the other arguments are Conv1d's.

    Example:
        >>> layer = LazyConv1d(4, 3)
        >>> layer(dt.ones(1, 2, 8)).shape, layer.in_channels
        (dovetail.Size([1, 4, 6]), 2)
    """

    cls_to_become = Conv1d


class LazyConv2d(_LazyForwardConv, Conv2d):
    """A Conv2d whose ``in_channels`` is that of its first input; the other arguments are Conv2d's.

    Example:
        >>> layer = LazyConv2d(4, 3)
        >>> layer(dt.ones(1, 2, 8, 8)).shape, layer.in_channels
        (dovetail.Size([1, 4, 6, 6]), 2)
    """

    cls_to_become = Conv2d


class LazyConv3d(_LazyForwardConv, Conv3d):
    """A Conv3d whose ``in_channels`` is that of its first input; the other arguments are Conv3d's.

    Example:
        >>> layer = LazyConv3d(4, 3)
        >>> layer(dt.ones(1, 2, 8, 8, 8)).shape, layer.in_channels
        (dovetail.Size([1, 4, 6, 6, 6]), 2)
    """

    cls_to_become = Conv3d


class LazyConvTranspose1d(_LazyConvTranspose, ConvTranspose1d):
    """A ConvTranspose1d whose ``in_channels`` is that of its first input; the other arguments are ConvTranspose1d's.

    Example:
        >>> layer = LazyConvTranspose1d(4, 3)
        >>> layer(dt.ones(1, 2, 8)).shape, layer.in_channels
        (dovetail.Size([1, 4, 10]), 2)
    """

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyConvTranspose, ConvTranspose2d):
    """A ConvTranspose2d whose ``in_channels`` is that of its first input; the other arguments are ConvTranspose2d's.

    Example:
        >>> layer = LazyConvTranspose2d(4, 3)
        >>> layer(dt.ones(1, 2, 8, 8)).shape, layer.in_channels
        (dovetail.Size([1, 4, 10, 10]), 2)
    """

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyConvTranspose, ConvTranspose3d):
    """A ConvTranspose3d whose ``in_channels`` is that of its first input; the other arguments are ConvTranspose3d's.

    Example:
        >>> layer = LazyConvTranspose3d(4, 3)
        >>> layer(dt.ones(1, 2, 8, 8, 8)).shape, layer.in_channels
        (dovetail.Size([1, 4, 10, 10, 10]), 2)
    """

    cls_to_become = ConvTranspose3d


class _LazyNorm(LazyModuleMixin, _NormBase):
    """A norm of channels whose ``num_features`` is the channel count of its first input."""

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(0, eps, momentum, False, False)
        self.affine, self.track_running_stats = affine, track_running_stats
        if affine:
            self.weight = UninitializedParameter(device=device, dtype=dtype)
        if affine and bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)
        if track_running_stats:
            self.running_mean = UninitializedBuffer(device=device, dtype=dtype)
            self.running_var = UninitializedBuffer(device=device, dtype=dtype)
            self.num_batches_tracked = dt.zeros((), dtype=dt.int64, device=device)

    def reset_running_stats(self) -> None:
        if not self.has_uninitialized_params():
            super().reset_running_stats()

    def reset_parameters(self) -> None:
        if not self.has_uninitialized_params() and self.num_features != 0:
            super().reset_parameters()

    def initialize_parameters(self, input: dt.Tensor) -> None:
        self.num_features = _size(self, input, self._channels(input))
        waiting = [t for t in (self.weight, self.bias, self.running_mean, self.running_var) if is_lazy(t)]
        for t in waiting:
            t.materialize((self.num_features,))
        if waiting:
            self.reset_parameters()
        for t in (self.weight, self.running_mean):
            if t is not None:
                _same(self, "num_features", t.shape[0], self.num_features)

    def _channels(self, input: Any) -> int:
        return 1


class LazyBatchNorm1d(_LazyNorm, BatchNorm1d):
    """A BatchNorm1d whose ``num_features`` is that of its first input; the other arguments are BatchNorm1d's.

    Example:
        >>> layer = LazyBatchNorm1d()
        >>> layer(dt.ones(2, 3)).shape, layer.num_features
        (dovetail.Size([2, 3]), 3)
    """

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyNorm, BatchNorm2d):
    """A BatchNorm2d whose ``num_features`` is that of its first input; the other arguments are BatchNorm2d's.

    Example:
        >>> layer = LazyBatchNorm2d()
        >>> layer(dt.ones(2, 3, 8, 8)).shape, layer.num_features
        (dovetail.Size([2, 3, 8, 8]), 3)
    """

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(_LazyNorm, BatchNorm3d):
    """A BatchNorm3d whose ``num_features`` is that of its first input; the other arguments are BatchNorm3d's.

    Example:
        >>> layer = LazyBatchNorm3d()
        >>> layer(dt.ones(2, 3, 8, 8, 8)).shape, layer.num_features
        (dovetail.Size([2, 3, 8, 8, 8]), 3)
    """

    cls_to_become = BatchNorm3d


class _LazyInstanceNorm(_LazyNorm):
    def _channels(self, input: Any) -> int:
        return 0 if isinstance(input, dt.Tensor) and input.ndim == self.allowed_dims[0] else 1


class LazyInstanceNorm1d(_LazyInstanceNorm, InstanceNorm1d):
    """An InstanceNorm1d whose ``num_features`` is that of its first input; the other arguments are InstanceNorm1d's.

    Example:
        >>> layer = LazyInstanceNorm1d(affine=True)
        >>> layer(dt.ones(2, 3, 4)).shape, layer.num_features
        (dovetail.Size([2, 3, 4]), 3)
    """

    cls_to_become = InstanceNorm1d


class LazyInstanceNorm2d(_LazyInstanceNorm, InstanceNorm2d):
    """An InstanceNorm2d whose ``num_features`` is that of its first input; the other arguments are InstanceNorm2d's.

    Example:
        >>> layer = LazyInstanceNorm2d()
        >>> layer(dt.ones(2, 3, 8, 8)).shape, layer.num_features
        (dovetail.Size([2, 3, 8, 8]), 3)
    """

    cls_to_become = InstanceNorm2d


class LazyInstanceNorm3d(_LazyInstanceNorm, InstanceNorm3d):
    """An InstanceNorm3d whose ``num_features`` is that of its first input; the other arguments are InstanceNorm3d's.

    Example:
        >>> layer = LazyInstanceNorm3d()
        >>> layer(dt.ones(2, 3, 8, 8, 8)).shape, layer.num_features
        (dovetail.Size([2, 3, 8, 8, 8]), 3)
    """

    cls_to_become = InstanceNorm3d
