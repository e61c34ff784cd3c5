"""Reading and writing by index, written in terms of gather and scatter."""

from __future__ import annotations

import dovetail as dt
from dovetail import Tensor
from dovetail.ops import op
from dovetail.ops._common import expand, shape_text, short, wrap_dim


@op("index_copy(Tensor self, int dim, Tensor index, Tensor source) -> Tensor", method=True, inplace=True, out=True)
def index_copy(self: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """Replace slices along a dim.

        out[index[i]] = source[i]   along dim 0

    Args:
        index: a vector of int64.
        source: shaped like `self`, with index's size in `dim`, and of its dtype.

    Example:
        >>> dt.index_copy(dt.zeros(3), 0, dt.tensor([2]), dt.tensor([5.0])).tolist()
        [0.0, 0.0, 5.0]
    """
    places, source = _slices("index_copy", self, dim, index, source)
    return dt.scatter(self, dim, places, source) if self.ndim else dt.reshape(source, [])


@op("index_fill(Tensor self, int dim, Tensor index, Tensor value) -> Tensor", method=True, inplace=True)
def index_fill(self: Tensor, dim: int, index: Tensor, value: Tensor) -> Tensor:
    """Fill slices along a dim with a number.

        out[index[i]] = value   along dim 0

    Args:
        index: a vector of int64; negative ones count from the end.
        value: a number or a zero-dim tensor.

    Example:
        >>> dt.index_fill(dt.zeros(3), 0, dt.tensor([0, 2]), 1.0).tolist()
        [1.0, 0.0, 1.0]
    """
    if value.ndim:
        raise ValueError(f"index_fill: value must be a number or zero-dim, got shape {shape_text(value.shape)}")
    dim = wrap_dim("index_fill", dim, self.ndim)
    shape = list(self.shape) or [1]
    shape[dim] = index.numel()
    x = self if self.ndim else dt.reshape(self, [1])
    index = dt.where(index < 0, index + x.shape[dim], index)
    out = dt.scatter(x, dim, _along(index, shape, dim), expand(dt.fill(x.new_empty([]), value), shape))
    return out if self.ndim else dt.reshape(out, [])


@op(
    "index_reduce(Tensor self, int dim, Tensor index, Tensor source, str reduce, *, bool include_self=True) -> Tensor",
    method=True,
    inplace=True,
    out=True,
)
def index_reduce(
    self: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """Reduce slices into slices along a dim.

        out[index[i]] = reduce(out[index[i]], source[i])   along dim 0

    Args:
        reduce: "prod", "mean", "amax" or "amin".
        include_self: whether what stands in `self` takes part.

    Example:
        >>> dt.index_reduce(dt.ones(2), 0, dt.tensor([0, 0]), dt.tensor([2.0, 3.0]), "prod").tolist()
        [6.0, 1.0]
    """
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise ValueError(f'index_reduce: reduce must be "prod", "mean", "amax" or "amin", got {reduce!r}')
    places, source = _slices("index_reduce", self, dim, index, source)
    x = self if self.ndim else dt.reshape(self, [1])
    out = dt.scatter_reduce(x, dim, places, source, reduce, include_self=include_self)
    return out if self.ndim else dt.reshape(out, [])


def _slices(name: str, x: Tensor, dim: int, index: Tensor, source: Tensor) -> tuple[Tensor, Tensor]:
    """The index broadcast to source's shape, and the source with at least one dim, both checked."""
    dim = wrap_dim(name, dim, x.ndim)
    if index.ndim > 1:
        raise ValueError(f"{name}: index must be a vector, got shape {shape_text(index.shape)}")
    if x.dtype != source.dtype:
        raise TypeError(f"{name}: source must be {short(x.dtype)} like self, got {short(source.dtype)}")
    shape = list(x.shape) or [1]
    shape[dim] = index.numel()
    if list(source.shape or [1]) != shape:
        raise ValueError(
            f"{name}: source must have shape {shape_text(shape)} for {index.numel()} indices, "
            f"got {shape_text(source.shape)}"
        )
    return _along(index, shape, dim), dt.reshape(source, shape)


def _along(index: Tensor, shape: list[int], dim: int) -> Tensor:
    """A vector broadcast to a shape, running along a dim."""
    line = [1] * len(shape)
    line[dim] = -1
    return expand(dt.reshape(index, line), shape)


@op("take(Tensor self, Tensor index) -> Tensor", method=True, out=True)
def take(self: Tensor, index: Tensor) -> Tensor:
    """Elements of the flattened tensor, in index's shape; negative indices count from the end.

    Example:
        >>> dt.take(dt.tensor([[1, 2], [3, 4]]), dt.tensor([0, -1])).tolist()
        [1, 4]
    """
    flat = dt.reshape(self, [-1])
    where = _from_end(dt.reshape(index, [-1]), self.numel())
    return dt.reshape(dt.gather(flat, 0, where), index.shape)


@op("put(Tensor self, Tensor index, Tensor source, bool accumulate=False) -> Tensor", method=True, inplace=True)
def put(self: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """Replace elements of the flattened tensor; negative indices count from the end.

    Args:
        source: as many elements as `index`, of self's dtype.
        accumulate: add instead of replacing.

    Example:
        >>> dt.put(dt.zeros(3), dt.tensor([0, -1]), dt.tensor([1.0, 2.0])).tolist()
        [1.0, 0.0, 2.0]
    """
    if index.numel() != source.numel():
        raise ValueError(f"put: index and source must have as many elements, got {index.numel()} and {source.numel()}")
    if self.dtype != source.dtype:
        raise TypeError(f"put: source must be {short(self.dtype)} like self, got {short(source.dtype)}")
    flat, where = dt.reshape(self, [-1]), _from_end(dt.reshape(index, [-1]), self.numel())
    write = dt.scatter_add if accumulate else dt.scatter
    return dt.reshape(write(flat, 0, where, dt.reshape(source, [-1])), self.shape)


def _from_end(index: Tensor, size: int) -> Tensor:
    return dt.where(index < 0, index + size, index)


@op("take_along_dim(Tensor self, Tensor indices, int? dim=None) -> Tensor", method=True, out=True)
def take_along_dim(self: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """Elements along a dim, with all other dims broadcast together; what goes with `dt.argsort`.

    Args:
        indices: int64, with as many dims as `self`; negative ones count from the end.
        dim: along which; without it both are flattened.

    Example:
        >>> x = dt.tensor([[3, 1, 2]])
        >>> dt.take_along_dim(x, dt.argsort(x), 1).tolist()
        [[1, 2, 3]]
    """
    if dim is None:
        flat = dt.reshape(self, [-1])
        return dt.gather(flat, 0, _from_end(dt.reshape(indices, [-1]), flat.shape[0]))
    if self.ndim != indices.ndim:
        raise ValueError(f"take_along_dim: both must have as many dims, got {self.ndim} and {indices.ndim}")
    dim = wrap_dim("take_along_dim", dim, self.ndim)
    size = self.shape[dim] if self.ndim else 1
    shape, other = list(self.shape), list(indices.shape)
    if self.ndim:
        shape[dim] = other[dim] = 1
    common = list(dt.broadcast_shapes(shape, other))
    wide, wanted = common.copy(), common.copy()
    if self.ndim:
        wide[dim], wanted[dim] = size, indices.shape[dim]
    return dt.gather(expand(self, wide), dim, _from_end(expand(indices, wanted), size))


@op("masked_select(Tensor self, Tensor mask) -> Tensor", method=True, out=True)
def masked_select(self: Tensor, mask: Tensor) -> Tensor:
    """The elements where a mask is True, in one dim; both are broadcast together.

    Example:
        >>> x = dt.tensor([1, 2, 3])
        >>> dt.masked_select(x, x > 1).tolist()
        [2, 3]
    """
    if mask.dtype != dt.bool:
        raise TypeError(f"masked_select: mask must be bool, got {short(mask.dtype)}")
    if self.shape != mask.shape:
        self, mask = dt.broadcast_tensors(self, mask)
    return dt.reshape(self, [-1])[dt.reshape(mask, [-1])]


@op("masked_scatter(Tensor self, Tensor mask, Tensor source) -> Tensor", method=True, inplace=True)
def masked_scatter(self: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """Replace the elements where a mask is True by those of a source, in order.

    Args:
        mask: bool, broadcast to self's shape.
        source: of self's dtype, with at least as many elements as the mask has True.

    Example:
        >>> mask = dt.tensor([True, False, True])
        >>> dt.masked_scatter(dt.zeros(3), mask, dt.tensor([1.0, 2.0])).tolist()
        [1.0, 0.0, 2.0]
    """
    if mask.dtype != dt.bool:
        raise TypeError(f"masked_scatter: mask must be bool, got {short(mask.dtype)}")
    if self.dtype != source.dtype:
        raise TypeError(f"masked_scatter: source must be {short(self.dtype)} like self, got {short(source.dtype)}")
    self, mask = dt.broadcast_tensors(self, mask)
    flat = dt.reshape(mask, [-1])
    if source.numel() == 0:
        if dt.any(mask).item():
            raise ValueError("masked_scatter: the mask has True elements, and source is empty")
        return dt.clone(self)
    # The n-th True takes the n-th element; too few of them is an index out of range.
    order = dt.where(flat, dt.cumsum(flat, 0) - 1, 0)
    values = dt.reshape(dt.gather(dt.reshape(source, [-1]), 0, order), self.shape)
    return dt.where(mask, values, self)


@op("argwhere(Tensor self) -> Tensor", method=True, non_differentiable=True)
def argwhere(self: Tensor) -> Tensor:
    """The places of the elements that are not zero, one a row: `dt.nonzero`.

    Example:
        >>> dt.argwhere(dt.tensor([[0, 1], [2, 0]])).tolist()
        [[0, 1], [1, 0]]
    """
    return dt.nonzero(self)


@op(
    "nonzero_static(Tensor self, *, int size, int fill_value=-1) -> Tensor",
    method=True,
    out=True,
    non_differentiable=True,
)
def nonzero_static(self: Tensor, *, size: int, fill_value: int = -1) -> Tensor:
    """The places of the first `size` elements that are not zero, one a row, whatever their number.

    Args:
        size: how many rows there are; those of elements that are missing are filled.
        fill_value: with what.

    Example:
        >>> dt.nonzero_static(dt.tensor([0, 3, 5]), size=3).tolist()
        [[1], [2], [-1]]
    """
    if size < 0:
        raise ValueError(f"nonzero_static: size must not be negative, got {size}")
    places = dt.nonzero(self)
    found = places.shape[0]
    return dt.constant_pad_nd(places, [0, 0, 0, size - found], fill_value)


@op("bincount(Tensor self, Tensor? weights=None, int minlength=0) -> Tensor", method=True)
def bincount(self: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each number from 0 on occurs in a vector of integers.

    Args:
        weights: what each occurrence counts; the result is float32 as they are, or else float64.
        minlength: the result has at least so many elements.

    Example:
        >>> dt.bincount(dt.tensor([0, 2, 2])).tolist()
        [1, 0, 2]
    """
    if self.ndim != 1 or self.dtype.is_floating_point or self.dtype == dt.bool:
        raise ValueError(f"bincount: expected a vector of integers, got {short(self.dtype)} {shape_text(self.shape)}")
    if minlength < 0:
        raise ValueError(f"bincount: minlength must not be negative, got {minlength}")
    if weights is not None and weights.shape != self.shape:
        raise ValueError(f"bincount: weights must have shape {shape_text(self.shape)}, got {shape_text(weights.shape)}")
    if self.numel() == 0:
        return dt.zeros([minlength], dtype=dt.int64, device=self.device)
    low, high = dt.aminmax(self)
    if low.item() < 0:
        raise ValueError(f"bincount: expected no negative numbers, got {low.item()}")
    if weights is None:
        weights = dt.ones_like(self, dtype=dt.int64)
    elif weights.dtype != dt.float32:
        weights = weights.to(dt.float64)
    zeros = dt.zeros([max(minlength, int(high.item()) + 1)], dtype=weights.dtype, device=self.device)
    return dt.scatter_add(zeros, 0, self.to(dt.int64), weights)


@op(
    "isin(Tensor elements, Tensor test_elements, *, bool assume_unique=False, bool invert=False) -> Tensor",
    out=True,
    non_differentiable=True,
)
def isin(elements: Tensor, test_elements: Tensor, *, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Whether each element is among others.

    Args:
        assume_unique: accepted as in PyTorch.
        invert: give whether it is not.

    Example:
        >>> dt.isin(dt.tensor([1, 2, 3]), dt.tensor([2, 4])).tolist()
        [False, True, False]
    """
    wanted = dt.sort(dt.reshape(test_elements, [-1]))[0]
    if wanted.numel() == 0:
        found = dt.zeros_like(elements, dtype=dt.bool)
    else:
        place = dt.clamp(dt.searchsorted(wanted, elements), 0, wanted.numel() - 1)
        found = dt.take(wanted, place) == elements
    return dt.logical_not(found) if invert else found
