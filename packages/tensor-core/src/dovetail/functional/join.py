"""Splitting, joining and broadcasting: tensors one by one or as a list, sizes or places."""

from __future__ import annotations

from itertools import combinations as _combinations
from itertools import combinations_with_replacement as _with_replacement

import dovetail as dt

from .. import checks
from .._core import Tensor, get_op
from ._names import with_aliases

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from ._names import Function


__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "block_diag",
    "broadcast_tensors",
    "cartesian_prod",
    "combinations",
    "dsplit",
    "einsum",
    "hsplit",
    "meshgrid",
    "split",
    "tensor_split",
    "tensordot",
    "vsplit",
]

_atleast = {n: get_op(f"atleast_{n}d") for n in (1, 2, 3)}
_block_diag = get_op("block_diag")
_broadcast_tensors = get_op("broadcast_tensors")
_cartesian_prod = get_op("cartesian_prod")
_einsum = get_op("einsum")
_meshgrid = get_op("meshgrid")
_split = get_op("split")
_split_with_sizes = get_op("split_with_sizes")
_tensordot = get_op("tensordot")


def _listed(tensors: tuple[Any, ...]) -> list[Tensor]:
    """f(a, b) and f([a, b]) alike."""
    return list(tensors[0]) if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else list(tensors)


# ---- splitting ----


@with_aliases
def split(tensor: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Views of consecutive parts along a dim.

    Args:
        split_size_or_sections: the size of each part (the last one has what is left), or a list of sizes.

    Example:
        >>> [part.tolist() for part in dt.split(dt.arange(5), 2)]
        [[0, 1], [2, 3], [4]]
        >>> [part.tolist() for part in dt.split(dt.arange(5), [1, 4])]
        [[0], [1, 2, 3, 4]]
    """
    op = _split if isinstance(split_size_or_sections, int) else _split_with_sizes
    return tuple(op(tensor, split_size_or_sections, dim))


_MOST_PARTS = 2**24


def _by_either_name(function: Function) -> Function:
    """PyTorch's keyword is `sections` for a number of parts, `indices` for places to cut at."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        for name in ("sections", "indices"):
            if name in kwargs and "indices_or_sections" not in kwargs:
                kwargs["indices_or_sections"] = kwargs.pop(name)
        return function(*args, **kwargs)

    return checks.dressed(wrapper, function)


@_by_either_name
@checks.in_own_name
def tensor_split(input: Tensor, indices_or_sections: int | Sequence[int] | Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of consecutive parts along a dim, as many as asked for.

    Args:
        indices_or_sections: how many parts, of sizes that differ by at most one; or the places to cut at.

    Example:
        >>> [part.tolist() for part in dt.tensor_split(dt.arange(5), 3)]
        [[0, 1], [2, 3], [4]]
        >>> [part.tolist() for part in dt.tensor_split(dt.arange(5), [1, 3])]
        [[0], [1, 2], [3, 4]]
    """
    checks.tensors("tensor_split", input=input)
    checks.integers("tensor_split", dim=dim)
    if input.ndim == 0:
        raise ValueError("tensor_split: a zero-dim tensor can't be split")
    if isinstance(indices_or_sections, Tensor):
        indices_or_sections = indices_or_sections.tolist()
    if not -input.ndim <= dim < input.ndim:
        raise IndexError(f"tensor_split: dim {dim} is out of range for a tensor of {input.ndim} dims")
    checks.ints("tensor_split", indices_or_sections=indices_or_sections)
    size = input.shape[dim]
    if isinstance(indices_or_sections, int):
        sections = indices_or_sections
        if sections < 1:
            raise ValueError(f"tensor_split: the number of sections must be positive, got {sections}")
        if sections > _MOST_PARTS:
            raise ValueError(f"tensor_split: {sections} sections are too many views to make")
        low, more = divmod(size, sections)
        return tuple(_split_with_sizes(input, [low + (i < more) for i in range(sections)], dim))
    cut = get_op("slice")
    starts, ends = [0, *indices_or_sections], [*indices_or_sections, size]
    return tuple(cut(input, dim, start, end) for start, end in zip(starts, ends, strict=True))


def _along(name: str, least: int, dim: Callable[[Tensor], int], doc: str) -> Callable[..., tuple[Tensor, ...]]:
    def divide(input: Tensor, indices_or_sections: int | Sequence[int]) -> tuple[Tensor, ...]:
        checks.tensors(name, input=input)
        if input.ndim < least:
            raise ValueError(f"{name}: expected at least {least} dims, got {input.ndim}")
        along = dim(input)
        if isinstance(indices_or_sections, int) and (
            indices_or_sections < 1 or input.shape[along] % indices_or_sections
        ):
            raise ValueError(f"{name}: {indices_or_sections} parts do not divide {input.shape[along]}")
        return tensor_split(input, indices_or_sections, along)

    divide.__name__ = divide.__qualname__ = name
    divide.__doc__ = doc
    return _by_either_name(checks.in_own_name(divide))


hsplit = _along(
    "hsplit",
    1,
    lambda x: 0 if x.ndim == 1 else 1,
    """Views of parts side by side: `dt.tensor_split` along the second dim, of a vector along its only one.

    Example:
        >>> [part.tolist() for part in dt.hsplit(dt.arange(4), 2)]
        [[0, 1], [2, 3]]
    """,
)
vsplit = _along(
    "vsplit",
    2,
    lambda x: 0,
    """Views of parts below each other: `dt.tensor_split` along the first dim.

    Example:
        >>> [part.tolist() for part in dt.vsplit(dt.tensor([[1, 2], [3, 4]]), 2)]
        [[[1, 2]], [[3, 4]]]
    """,
)
dsplit = _along(
    "dsplit",
    3,
    lambda x: 2,
    """Views of parts behind each other: `dt.tensor_split` along the third dim.

    Example:
        >>> [part.shape for part in dt.dsplit(dt.ones(1, 1, 4), 2)]
        [dovetail.Size([1, 1, 2]), dovetail.Size([1, 1, 2])]
    """,
)


# ---- tensors one by one, or in a list ----


@checks.in_own_name
def broadcast_tensors(*tensors: Tensor) -> list[Tensor]:
    """Views of all tensors in the one shape that they broadcast to.

    Example:
        >>> a, b = dt.broadcast_tensors(dt.zeros(2, 1), dt.zeros(3))
        >>> a.shape, b.shape
        (dovetail.Size([2, 3]), dovetail.Size([2, 3]))
    """
    return list(_broadcast_tensors(_listed(tensors)))


@checks.in_own_name
def meshgrid(*tensors: Tensor, indexing: str | None = None) -> tuple[Tensor, ...]:
    """Grids of coordinates: one tensor for every axis, all of the grid's shape.

    Args:
        tensors: the axes, each with one dim or none.
        indexing: "ij" (also by default): axis k runs along dim k; "xy": the first two are swapped.

    Example:
        >>> x, y = dt.meshgrid(dt.tensor([1, 2]), dt.tensor([3, 4]))
        >>> x.tolist(), y.tolist()
        ([[1, 1], [2, 2]], [[3, 4], [3, 4]])
    """
    return tuple(_meshgrid(_listed(tensors), indexing=indexing))


@checks.in_own_name
def block_diag(*tensors: Tensor) -> Tensor:
    """A matrix with the given ones along its diagonal, zeros elsewhere; vectors count as rows.

    Example:
        >>> dt.block_diag(dt.tensor([[1]]), dt.tensor([[2, 3]])).tolist()
        [[1, 0, 0], [0, 2, 3]]
    """
    given = _listed(tensors)
    return _block_diag(given) if given else dt.empty(1, 0)


@checks.in_own_name
def cartesian_prod(*tensors: Tensor) -> Tensor:
    """All ways of taking one element of each vector, as rows; a single vector as it is.

    Example:
        >>> dt.cartesian_prod(dt.tensor([1, 2]), dt.tensor([3, 4])).tolist()
        [[1, 3], [1, 4], [2, 3], [2, 4]]
    """
    return _cartesian_prod(_listed(tensors))


@checks.in_own_name
def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All choices of r elements of a vector, as rows.

    Args:
        with_replacement: whether an element may be chosen twice.

    Example:
        >>> dt.combinations(dt.tensor([1, 2, 3])).tolist()
        [[1, 2], [1, 3], [2, 3]]
    """
    checks.tensors("combinations", input=input)
    checks.integers("combinations", r=r)
    if input.ndim != 1:
        raise ValueError(f"combinations: expected a vector, got {input.ndim} dims")
    if r < 0:
        raise ValueError(f"combinations: r must not be negative, got {r}")
    if r == 2:
        n = input.shape[0]
        first, second = dt.triu_indices(n, n, 0 if with_replacement else 1, device=input.device).unbind()
        return dt.stack([dt.index_select(input, 0, first), dt.index_select(input, 0, second)], 1)
    choose = _with_replacement if with_replacement else _combinations
    rows = list(choose(range(input.shape[0]), r))
    if r == 0:
        return dt.zeros([0], dtype=input.dtype, device=input.device)
    index = dt.tensor([i for row in rows for i in row], dtype=dt.int64, device=input.device)
    return dt.index_select(input, 0, index).reshape([len(rows), r])


def _each(n: int, doc: str) -> Callable[..., Any]:
    def at_least(*tensors: Any) -> Any:
        if len(tensors) == 1 and isinstance(tensors[0], Tensor):
            return _atleast[n](tensors[0])
        return tuple(_atleast[n](tensor) for tensor in _listed(tensors))

    at_least.__name__ = at_least.__qualname__ = f"atleast_{n}d"
    at_least.__doc__ = doc
    return checks.in_own_name(at_least)


atleast_1d = _each(
    1,
    """A zero-dim tensor with one dim, others as they are; of several a tuple.

    Example:
        >>> dt.atleast_1d(dt.tensor(1)).tolist()
        [1]
    """,
)
atleast_2d = _each(
    2,
    """A tensor with two dims or more, new ones in front; of several a tuple.

    Example:
        >>> dt.atleast_2d(dt.tensor([1, 2])).tolist()
        [[1, 2]]
    """,
)
atleast_3d = _each(
    3,
    """A tensor with three dims or more: a vector becomes (1, n, 1), a matrix (n, m, 1); of several a tuple.

    Example:
        >>> dt.atleast_3d(dt.tensor([1, 2])).shape
        dovetail.Size([1, 2, 1])
    """,
)


# ---- products ----


@checks.in_own_name
def tensordot(a: Tensor, b: Tensor, dims: Any = 2, out: Tensor | None = None) -> Tensor:
    """Sum of products over pairs of dims.

    Args:
        dims: an int n pairs the last n dims of `a` with the first n of `b`; or two lists of dims.

    Example:
        >>> dt.tensordot(dt.ones(2, 3), dt.ones(3, 4), dims=1).shape
        dovetail.Size([2, 4])
    """
    checks.tensors("tensordot", a=a, b=b)
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, int):
        if not 0 <= dims <= a.ndim or dims > b.ndim:
            raise ValueError(f"tensordot: dims must be from 0 to the tensors' {a.ndim} and {b.ndim}, got {dims}")
        ours, theirs = list(range(a.ndim - dims, a.ndim)), list(range(dims))
    else:
        if not isinstance(dims, (list, tuple)) or len(dims) != 2:
            raise TypeError(f"tensordot: dims must be an int or two lists of ints, got {checks.shown(dims)}")
        ours, theirs = ([each] if isinstance(each, int) else list(each) for each in dims)
    result = _tensordot(a, b, ours, theirs)
    return checks.written("tensordot", result, out)


@checks.in_own_name
def einsum(*args: Any) -> Tensor:
    """Sum products of elements as an equation says: `einsum("ij,jk->ik", a, b)`.

    Every operand's dims get a letter each; letters that the result does not name are summed over, and operands with
    the same letter are multiplied along it. `...` stands for any dims, broadcast together. Without `->` the result
    has the dims of `...`, then the letters that occur once, in alphabetical order. Lists of numbers from 0 to 51 may
    stand for letters: `einsum(a, [0, 1], b, [1, 2], [0, 2])`.

    Example:
        >>> dt.einsum("ij,jk->ik", dt.ones(2, 3), dt.ones(3, 4)).shape
        dovetail.Size([2, 4])
    """
    if not args:
        raise TypeError("einsum: expected an equation and operands")
    if isinstance(args[0], str):
        return _einsum(args[0], _listed(args[1:]))
    operands, terms = list(args[0 : len(args) // 2 * 2 : 2]), [_letters(term) for term in args[1::2]]
    equation = ",".join(terms) + ("->" + _letters(args[-1]) if len(args) % 2 else "")
    return _einsum(equation, operands)


def _letters(term: Sequence[Any]) -> str:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    for each in term:
        if each is not Ellipsis and not (isinstance(each, int) and 0 <= each < 52):
            raise ValueError(f"einsum: labels must be ints from 0 to 51 or ..., got {each!r}")
    return "".join("..." if each is Ellipsis else letters[each] for each in term)
