"""Special functions whose order comes first."""

from __future__ import annotations

from .._core import Tensor, get_op
from ._names import given, with_aliases

__all__ = ["polygamma"]

_polygamma = get_op("polygamma")


@with_aliases
def polygamma(n: int, input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The n-th derivative of digamma: see `Tensor.polygamma`.

    Example:
        >>> dt.polygamma(1, dt.tensor([1.0, 2.0])).tolist()
        [1.6449341, 0.6449341]
    """
    return _polygamma(input, n, **given(out))
