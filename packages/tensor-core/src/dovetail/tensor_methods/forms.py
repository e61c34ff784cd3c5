"""Methods of functions that take several forms of arguments, and of shapes given by another tensor."""

from __future__ import annotations

from .. import checks, constructors, functional
from .._core import Tensor, get_op

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any


_expand, _reshape, _view = get_op("expand"), get_op("reshape"), get_op("view")


@checks.in_own_name
def expand_as(self: Tensor, other: Tensor) -> Tensor:
    """A view in another tensor's shape, dims of size 1 repeated without copying.

    Example:
        >>> dt.tensor([1, 2]).expand_as(dt.ones(2, 2)).tolist()
        [[1, 2], [1, 2]]
    """
    checks.tensors("expand_as", other=other)
    return _expand(self, other.shape)


@checks.in_own_name
def view_as(self: Tensor, other: Tensor) -> Tensor:
    """The same memory in another tensor's shape.

    Example:
        >>> dt.tensor([1, 2]).view_as(dt.ones(2, 1)).tolist()
        [[1], [2]]
    """
    checks.tensors("view_as", other=other)
    return _view(self, other.shape)


@checks.in_own_name
def reshape_as(self: Tensor, other: Tensor) -> Tensor:
    """The same elements in another tensor's shape.

    Example:
        >>> dt.tensor([1, 2]).reshape_as(dt.ones(2, 1)).tolist()
        [[1], [2]]
    """
    checks.tensors("reshape_as", other=other)
    return _reshape(self, other.shape)


@checks.in_own_name
def where(self: Tensor, condition: Tensor, other: Any) -> Tensor:
    """This tensor's elements where a condition holds, another's where it does not.

    Example:
        >>> x = dt.tensor([-1.0, 2.0])
        >>> x.where(x > 0, 0.0).tolist()
        [0.0, 2.0]
    """
    return functional.where(condition, self, other)


@checks.in_own_name
def lu(self: Tensor, pivot: bool = True, get_infos: bool = False) -> tuple[Tensor, ...]:
    """The LU factorisation in one tensor, and its pivots: see `dt.lu`.

    Example, in today's form:
        >>> dt.linalg.lu_factor(dt.eye(2))[1].tolist()
        [1, 2]
    """
    from ..legacy import lu as function

    return function(self, pivot, get_infos)


_SHARED = (
    "allclose",
    "dsplit",
    "equal",
    "histogram",
    "hsplit",
    "is_conj",
    "is_neg",
    "is_nonzero",
    "is_same_size",
    "max",
    "median",
    "min",
    "nanmedian",
    "nonzero",
    "norm",
    "repeat_interleave",
    "resolve_conj",
    "resolve_neg",
    "split",
    "std",
    "tensor_split",
    "unique",
    "unique_consecutive",
    "var",
    "vsplit",
)

METHODS: dict[str, Any] = {
    "expand_as": expand_as,
    "view_as": view_as,
    "reshape_as": reshape_as,
    "where": where,
    "lu": lu,
    "bernoulli": constructors.bernoulli,
    **{name: getattr(functional, name) for name in _SHARED},
}
