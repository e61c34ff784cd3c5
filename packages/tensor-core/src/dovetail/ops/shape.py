"""Views and rearrangements written in terms of the primitive views."""

from __future__ import annotations

from collections.abc import Sequence

import dovetail as dt
from dovetail import Tensor
from dovetail._core import get_op
from dovetail.ops import op
from dovetail.ops._common import expand, shape_text, wrap_dim, wrap_dims

alias = get_op("alias")
flip_view = get_op("flip_view")
slice_op = get_op("slice")


# ---- ops of C++, under the names that they were released with here ----

MOST_PARTS = 2**24  # more views than anyone means


def split(self: Tensor, split_size: int, dim: int = 0) -> list[Tensor]:
    """The op `split`."""
    return get_op("split")(self, split_size, dim)


def chunk(self: Tensor, chunks: int, dim: int = 0) -> list[Tensor]:
    """The op `chunk`."""
    return get_op("chunk")(self, chunks, dim)


def unflatten(self: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """The op `unflatten`."""
    return get_op("unflatten")(self, dim, sizes)


# ---- parts ----


@op("narrow(Tensor(a) self, int dim, int start, int length) -> Tensor(a)", method=True)
def narrow(self: Tensor, dim: int, start: int, length: int) -> Tensor:
    """A view of `length` elements along a dim, from `start`.

    Example:
        >>> dt.narrow(dt.arange(5), 0, 1, 3).tolist()
        [1, 2, 3]
    """
    if self.ndim == 0:
        raise ValueError("narrow: a zero-dim tensor has no dim to narrow")
    dim = wrap_dim("narrow", dim, self.ndim)
    size = self.shape[dim]
    if not -size <= start <= size:
        raise IndexError(f"narrow: start {start} is out of range for dim {dim} of size {size}")
    start += size if start < 0 else 0
    if length < 0 or start + length > size:
        raise ValueError(f"narrow: {length} elements from {start} do not fit in dim {dim} of size {size}")
    return slice_op(self, dim, start, start + length)


@op("narrow_copy(Tensor self, int dim, int start, int length) -> Tensor", method=True, out=True)
def narrow_copy(self: Tensor, dim: int, start: int, length: int) -> Tensor:
    """`dt.narrow` with memory of its own.

    Example:
        >>> dt.narrow_copy(dt.arange(5), 0, 1, 3).tolist()
        [1, 2, 3]
    """
    return dt.clone(dt.narrow(self, dim, start, length), memory_format=dt.contiguous_format)


@op("t(Tensor(a) self) -> Tensor(a)", method=True)
def t(self: Tensor) -> Tensor:
    """A matrix transposed; a vector or a zero-dim tensor as it is. A view.

    Example:
        >>> dt.t(dt.tensor([[1, 2], [3, 4]])).tolist()
        [[1, 3], [2, 4]]
    """
    if self.ndim > 2:
        raise ValueError(f"t: expected at most two dims, got {self.ndim}; use transpose() or .mT")
    return dt.transpose(self, 0, 1) if self.ndim == 2 else alias(self)


@op("adjoint(Tensor(a) self) -> Tensor(a)", method=True)
def adjoint(self: Tensor) -> Tensor:
    """The conjugate transpose: the last two dims swapped. A view, unless there is something to conjugate.

    Example:
        >>> dt.adjoint(dt.tensor([[1, 2], [3, 4]])).tolist()
        [[1, 3], [2, 4]]
    """
    if self.ndim < 2:
        raise ValueError(f"adjoint: expected at least two dims, got {self.ndim}")
    swapped = dt.transpose(self, -2, -1)
    return dt.conj(swapped) if self.dtype.is_complex else swapped


@op("swapaxes(Tensor(a) self, int axis0, int axis1) -> Tensor(a)", method=True, alias=("swapdims",))
def swapaxes(self: Tensor, axis0: int, axis1: int) -> Tensor:
    """Swap two dims: another name of `dt.transpose`. A view.

    Example:
        >>> dt.swapaxes(dt.tensor([[1, 2], [3, 4]]), 0, 1).tolist()
        [[1, 3], [2, 4]]
    """
    return dt.transpose(self, axis0, axis1)


@op(
    "movedim(Tensor(a) self, int[] source, int[] destination) -> Tensor(a)",
    method=True,
    alias=("moveaxis",),
)
def movedim(self: Tensor, source: Sequence[int], destination: Sequence[int]) -> Tensor:
    """Move dims to other places; the rest keep their order. A view.

    Example:
        >>> dt.movedim(dt.zeros(2, 3, 4), 0, 2).shape
        dovetail.Size([3, 4, 2])
    """
    if len(source) != len(destination):
        raise ValueError(
            f"movedim: source and destination must be of one length, got {list(source)} and {list(destination)}"
        )
    sources = wrap_dims("movedim", source, self.ndim)
    places = dict(zip(wrap_dims("movedim", destination, self.ndim), sources, strict=True))
    rest = (dim for dim in range(self.ndim) if dim not in sources)
    return dt.permute(self, [places[i] if i in places else next(rest) for i in range(self.ndim)])


@op("ravel(Tensor self) -> Tensor", method=True)
def ravel(self: Tensor) -> Tensor:
    """All elements in one dim: a view where possible, else a copy.

    Example:
        >>> dt.ravel(dt.tensor([[1, 2], [3, 4]])).tolist()
        [1, 2, 3, 4]
    """
    return dt.reshape(self, [-1])


@op("broadcast_to(Tensor(a) self, int[] size) -> Tensor(a)", method=True)
def broadcast_to(self: Tensor, size: Sequence[int]) -> Tensor:
    """Repeat along dims of size 1 to get a shape, without copying. A view.

    Example:
        >>> dt.broadcast_to(dt.tensor([1, 2]), (2, 2)).tolist()
        [[1, 2], [1, 2]]
    """
    return expand(self, size)


@op("broadcast_tensors(Tensor[] tensors) -> Tensor[]")
def broadcast_tensors(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Views of all tensors in the one shape that they broadcast to.

    Example:
        >>> a, b = dt.broadcast_tensors(dt.zeros(2, 1), dt.zeros(3))
        >>> a.shape, b.shape
        (dovetail.Size([2, 3]), dovetail.Size([2, 3]))
    """
    shape = dt.broadcast_shapes(*(tensor.shape for tensor in tensors))
    return [expand(tensor, shape) for tensor in tensors]


@op("flip(Tensor self, int[] dims) -> Tensor", method=True)
def flip(self: Tensor, dims: Sequence[int]) -> Tensor:
    """Reverse the order along dims. A copy.

    Example:
        >>> dt.flip(dt.tensor([1, 2, 3]), (0,)).tolist()
        [3, 2, 1]
    """
    return dt.clone(flip_view(self, wrap_dims("flip", dims, self.ndim)))


@op("fliplr(Tensor self) -> Tensor", method=True)
def fliplr(self: Tensor) -> Tensor:
    """Reverse the second dim, left to right.

    Example:
        >>> dt.fliplr(dt.tensor([[1, 2], [3, 4]])).tolist()
        [[2, 1], [4, 3]]
    """
    if self.ndim < 2:
        raise ValueError(f"fliplr: expected at least two dims, got {self.ndim}")
    return dt.flip(self, [1])


@op("flipud(Tensor self) -> Tensor", method=True)
def flipud(self: Tensor) -> Tensor:
    """Reverse the first dim, upside down.

    Example:
        >>> dt.flipud(dt.tensor([[1, 2], [3, 4]])).tolist()
        [[3, 4], [1, 2]]
    """
    if self.ndim < 1:
        raise ValueError("flipud: expected at least one dim, got a zero-dim tensor")
    return dt.flip(self, [0])


@op("roll(Tensor self, int[] shifts, int[] dims=[]) -> Tensor", method=True)
def roll(self: Tensor, shifts: Sequence[int], dims: Sequence[int] = ()) -> Tensor:
    """Shift along dims; what leaves at one end comes in at the other.

    Args:
        shifts: by how much, one for every dim.
        dims: which; without them the flattened tensor is rolled.

    Example:
        >>> dt.roll(dt.tensor([1, 2, 3]), 1).tolist()
        [3, 1, 2]
    """
    if not dims and len(shifts) == 1:
        return dt.reshape(_rolled(dt.reshape(self, [-1]), shifts[0], 0), self.shape)
    if len(shifts) != len(dims) or not dims:
        raise ValueError(f"roll: shifts and dims must be of one length, got {list(shifts)} and {list(dims)}")
    out = self
    for shift, dim in zip(shifts, dims, strict=True):
        out = _rolled(out, shift, wrap_dim("roll", dim, self.ndim))
    return out


def _rolled(x: Tensor, shift: int, dim: int) -> Tensor:
    size = x.shape[dim] if x.ndim else 0
    if size == 0 or shift % size == 0:
        return dt.clone(x)
    at = size - shift % size
    return dt.cat([dt.narrow(x, dim, at, size - at), dt.narrow(x, dim, 0, at)], dim)


@op("rot90(Tensor self, int k=1, int[] dims=[0, 1]) -> Tensor", method=True)
def rot90(self: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """Rotate by k quarter turns in the plane of two dims, from the first towards the second.

    Example:
        >>> dt.rot90(dt.tensor([[1, 2], [3, 4]])).tolist()
        [[2, 4], [1, 3]]
    """
    if len(dims) != 2:
        raise ValueError(f"rot90: expected two dims, got {list(dims)}")
    first, second = wrap_dims("rot90", dims, self.ndim)
    turns = k % 4
    if turns == 0:
        return dt.clone(self)
    if turns == 2:
        return dt.flip(self, [first, second])
    if turns == 1:
        return dt.clone(dt.transpose(flip_view(self, [second]), first, second))
    return dt.clone(dt.transpose(flip_view(self, [first]), first, second))


@op("repeat(Tensor self, int[] repeats) -> Tensor", method=True)
def repeat(self: Tensor, repeats: Sequence[int]) -> Tensor:
    """Repeat a tensor along its dims; more counts than dims add dims in front. A copy.

    Example:
        >>> dt.tensor([1, 2]).repeat(2, 2).tolist()
        [[1, 2, 1, 2], [1, 2, 1, 2]]
    """
    if len(repeats) < self.ndim:
        raise ValueError(f"repeat: expected at least {self.ndim} counts for {self.ndim} dims, got {list(repeats)}")
    if any(count < 0 for count in repeats):
        raise ValueError(f"repeat: counts must not be negative, got {list(repeats)}")
    shape = [1] * (len(repeats) - self.ndim) + list(self.shape)
    # (a, b) -> (1, a, 1, b) -> (r, a, s, b) -> (r * a, s * b)
    paired = [n for size in shape for n in (1, size)]
    wide = [n for count, size in zip(repeats, shape, strict=True) for n in (count, size)]
    out = dt.clone(expand(dt.reshape(self, paired), wide))
    return dt.reshape(out, [count * size for count, size in zip(repeats, shape, strict=True)])


@op("tile(Tensor self, int[] dims) -> Tensor", method=True)
def tile(self: Tensor, dims: Sequence[int]) -> Tensor:
    """Repeat a tensor along its dims; missing counts are 1. A copy.

    Example:
        >>> dt.tile(dt.tensor([1, 2]), (2,)).tolist()
        [1, 2, 1, 2]
    """
    return self.repeat([1] * (self.ndim - len(dims)) + list(dims))


@op("repeat_interleave(Tensor self, int repeats, int? dim=None) -> Tensor")
def repeat_interleave(self: Tensor, repeats: int, dim: int | None = None) -> Tensor:
    """Repeat every element (or slice along `dim`) before the next one comes.

    Args:
        repeats: how often: an int, or a tensor with a count for each slice.
        dim: along which; without it the flattened tensor's elements are repeated.

    Example:
        >>> dt.repeat_interleave(dt.tensor([1, 2]), 2).tolist()
        [1, 1, 2, 2]
    """
    if repeats < 0:
        raise ValueError(f"repeat_interleave: repeats must not be negative, got {repeats}")
    x = dt.reshape(self, [-1]) if dim is None or self.ndim == 0 else self
    along = wrap_dim("repeat_interleave", 0 if dim is None else dim, x.ndim)
    shape = list(x.shape)
    wide = expand(dt.unsqueeze(x, along + 1), [*shape[: along + 1], repeats, *shape[along + 1 :]])
    shape[along] *= repeats
    return dt.reshape(dt.clone(wide), shape)


@op("atleast_1d(Tensor self) -> Tensor")
def atleast_1d(self: Tensor) -> Tensor:
    """A zero-dim tensor with one dim; others as they are.

    Example:
        >>> dt.atleast_1d(dt.tensor(1)).tolist()
        [1]
    """
    return dt.reshape(self, [1]) if self.ndim == 0 else self


@op("atleast_2d(Tensor self) -> Tensor")
def atleast_2d(self: Tensor) -> Tensor:
    """A tensor with two dims or more: new ones come in front.

    Example:
        >>> dt.atleast_2d(dt.tensor([1, 2])).tolist()
        [[1, 2]]
    """
    if self.ndim == 0:
        return dt.reshape(self, [1, 1])
    return dt.unsqueeze(self, 0) if self.ndim == 1 else self


@op("atleast_3d(Tensor self) -> Tensor")
def atleast_3d(self: Tensor) -> Tensor:
    """A tensor with three dims or more: a vector becomes (1, n, 1), a matrix (n, m, 1).

    Example:
        >>> dt.atleast_3d(dt.tensor([1, 2])).shape
        dovetail.Size([1, 2, 1])
    """
    if self.ndim == 0:
        return dt.reshape(self, [1, 1, 1])
    if self.ndim == 1:
        return dt.unsqueeze(dt.unsqueeze(self, 0), 2)
    return dt.unsqueeze(self, 2) if self.ndim == 2 else self


@op("sum_to_size(Tensor self, int[] size) -> Tensor", method=True)
def sum_to_size(self: Tensor, size: Sequence[int]) -> Tensor:
    """Sum over the dims that broadcasting added or stretched: the inverse of `expand`.

    Example:
        >>> dt.ones(2, 3).sum_to_size(1, 3).tolist()
        [[2.0, 2.0, 2.0]]
    """
    extra = self.ndim - len(size)
    fits = extra >= 0 and all(want in (1, have) for want, have in zip(size, self.shape[extra:], strict=True))
    if not fits:
        raise ValueError(f"sum_to_size: shape {shape_text(size)} does not broadcast to {shape_text(self.shape)}")
    dims = [i for i in range(self.ndim) if i < extra or (size[i - extra] == 1 and self.shape[i] != 1)]
    return dt.reshape(dt.sum(self, dims, True), size) if dims else self
