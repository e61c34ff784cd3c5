"""Linear layers."""

from __future__ import annotations

import math
from typing import Any

import dovetail as dt
from dovetail import checks

from .. import functional as F
from .. import init
from ..parameter import Parameter
from .module import Module


class Identity(Module):
    """Gives back what it gets; arguments of any kind are accepted and ignored.

    Example:
        >>> Identity(54, unused=True)(dt.ones(2)).tolist()
        [1.0, 1.0]
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return input


class Linear(Module):
    """An affine map of the last dim: ``y = x @ weight.T + bias``.

    Args:
        in_features: size of the last dim of the input.
        out_features: size of the last dim of the output.
        bias: whether there is one.
        device, dtype: of the parameters.

    Shape:
        input ``(*, in_features)``, output ``(*, out_features)``; weight ``(out_features, in_features)``.
        Weight and bias start uniform on ±1/sqrt(in_features).

    Example:
        >>> Linear(3, 2)(dt.zeros(5, 3)).shape
        dovetail.Size([5, 2])
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        if not all(hasattr(size, "__index__") and size >= 0 for size in (in_features, out_features)):
            raise ValueError(
                "Linear: sizes must be ints of at least 0, "
                f"got {checks.shown(in_features)} and {checks.shown(out_features)}"
            )
        self.in_features = in_features
        self.out_features = out_features
        self.weight = Parameter(dt.empty(out_features, in_features, device=device, dtype=dtype))
        self.bias = Parameter(dt.empty(out_features, device=device, dtype=dtype)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Bilinear(Module):
    """``y_k = x1 · weight_k · x2 + bias_k``.

    Args:
        in1_features, in2_features: sizes of the last dims of the two inputs.
        out_features: size of the last dim of the output.
        bias: whether there is one.
        device, dtype: of the parameters.

    Shape:
        inputs ``(*, in1_features)`` and ``(*, in2_features)``, output ``(*, out_features)``; weight
        ``(out_features, in1_features, in2_features)``. Weight and bias start uniform on ±1/sqrt(in1_features).

    Example:
        >>> Bilinear(3, 4, 2)(dt.zeros(5, 3), dt.zeros(5, 4)).shape
        dovetail.Size([5, 2])
    """

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        checks.sizes("Bilinear", in1_features=in1_features, in2_features=in2_features, out_features=out_features)
        if in1_features == 0:
            raise ValueError(f"Bilinear: in1_features must be positive, got {in1_features}")
        self.in1_features, self.in2_features, self.out_features = in1_features, in2_features, out_features
        self.weight = Parameter(dt.empty(out_features, in1_features, in2_features, device=device, dtype=dtype))
        self.bias = Parameter(dt.empty(out_features, device=device, dtype=dtype)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        bound = 1 / math.sqrt(self.in1_features)
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input1: dt.Tensor, input2: dt.Tensor) -> dt.Tensor:
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )


class Flatten(Module):
    """Dims ``start_dim`` to ``end_dim`` become one.

    Example:
        >>> Flatten()(dt.zeros(2, 3, 4)).shape
        dovetail.Size([2, 12])
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        checks.integers("Flatten", start_dim=start_dim, end_dim=end_dim)
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return dt.flatten(input, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Dim ``dim`` becomes several, of sizes ``unflattened_size``; one of them may be -1.

    Example:
        >>> Unflatten(1, (2, 3))(dt.zeros(4, 6)).shape
        dovetail.Size([4, 2, 3])
    """

    def __init__(self, dim: int, unflattened_size: Any) -> None:
        super().__init__()
        if not isinstance(dim, int) or not isinstance(unflattened_size, (list, tuple)):
            raise TypeError(
                "Unflatten: dim must be an int and the sizes a tuple, "
                f"got {checks.shown(dim)} and {checks.shown(unflattened_size)}"
            )
        self.dim, self.unflattened_size = dim, tuple(unflattened_size)

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return dt.unflatten(input, self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
