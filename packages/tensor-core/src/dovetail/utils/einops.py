"""einops on tensors: importing this module makes them known to einops, whose functions then take them.

    >>> import dovetail.utils.einops
    >>> from einops import rearrange
    >>> rearrange(dt.arange(6).reshape(2, 3), "a b -> b a").shape
    dovetail.Size([3, 2])

`einops.array_api` needs no such import: it works on what has `__array_namespace__`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from einops._backends import AbstractBackend

import dovetail as dt
from dovetail import Tensor

__all__ = ["DovetailBackend"]


class DovetailBackend(AbstractBackend):  # type: ignore[misc]
    """What einops asks of a library of tensors. einops finds it among its base's subclasses."""

    framework_name = "dovetail"

    def is_appropriate_type(self, tensor: object) -> bool:
        return isinstance(tensor, Tensor)

    def from_numpy(self, x: Any) -> Tensor:
        return dt.from_numpy(x)

    def to_numpy(self, x: Tensor) -> Any:
        return x.numpy(force=True)

    def arange(self, start: int, stop: int) -> Tensor:
        return dt.arange(start, stop)

    def reduce(self, x: Tensor, operation: str, reduced_axes: Sequence[int]) -> Tensor:
        name = {"min": "amin", "max": "amax"}.get(operation, operation)
        return getattr(x, name)(dim=tuple(reduced_axes))

    def transpose(self, x: Tensor, axes: Sequence[int]) -> Tensor:
        return x.permute(axes)

    def stack_on_zeroth_dimension(self, tensors: list[Tensor]) -> Tensor:
        return dt.stack(tensors)

    def add_axis(self, x: Tensor, new_position: int) -> Tensor:
        return x.unsqueeze(new_position)

    def add_axes(self, x: Tensor, n_axes: int, pos2len: Mapping[int, int]) -> Tensor:
        sizes = [-1] * n_axes
        for position, length in pos2len.items():
            x = self.add_axis(x, position)
            sizes[position] = length
        return x.expand(sizes)

    def tile(self, x: Tensor, repeats: Sequence[int]) -> Tensor:
        return x.repeat(repeats)

    def concat(self, tensors: Sequence[Tensor], axis: int) -> Tensor:
        return dt.cat(tensors, dim=axis)

    def is_float_type(self, x: Tensor) -> bool:
        return x.is_floating_point()

    def einsum(self, pattern: str, *x: Tensor) -> Tensor:
        return dt.einsum(pattern, *x)
