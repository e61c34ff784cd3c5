"""What follows from sorting."""

from __future__ import annotations

import dovetail as dt
from dovetail import Tensor
from dovetail._core import _is_wrapped_number, get_op
from dovetail.ops import op
from dovetail.ops._common import promoted, widened, wrap_dim

_sort_first, _select_rank, _insertion_places = get_op("sort_first"), get_op("select_rank"), get_op("insertion_places")


@op(
    "argsort(Tensor self, int dim=-1, bool descending=False, bool stable=False) -> Tensor",
    method=True,
    out=True,
    non_differentiable=True,
)
def argsort(self: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    """The indices that sort a tensor along a dim; NaN counts as the largest.

    Example:
        >>> dt.argsort(dt.tensor([3, 1, 2])).tolist()
        [1, 2, 0]
    """
    return dt.sort(self, dim, descending, stable)[1]


@op("msort(Tensor self) -> Tensor", method=True, out=True)
def msort(self: Tensor) -> Tensor:
    """Sort along the first dim, ascending.

    Example:
        >>> dt.msort(dt.tensor([3, 1, 2])).tolist()
        [1, 2, 3]
    """
    return dt.sort(self, 0)[0]


@op(
    "topk(Tensor self, int k, int dim=-1, bool largest=True, bool sorted=True) -> (Tensor values, Tensor indices)",
    method=True,
    out=True,
)
def topk(self: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> tuple[Tensor, Tensor]:
    """The k largest elements along a dim, and where they are, in order; NaN counts as the largest.

    Args:
        k: how many, from 0 to the dim's size.
        largest: take the largest; False takes the smallest.
        sorted: accepted as in PyTorch; the result is always sorted.

    Example:
        >>> values, indices = dt.topk(dt.tensor([1, 5, 3]), 2)
        >>> values.tolist(), indices.tolist()
        ([5, 3], [1, 2])
    """
    dim = wrap_dim("topk", dim, self.ndim)
    size = self.shape[dim] if self.ndim else 1
    if not 0 <= k <= size:
        raise ValueError(f"topk: k = {k} is out of range for dim {dim} of size {size}")
    if self.ndim == 0:
        return dt.sort(self, dim)
    return _sort_first(self, dim, k, largest)


@op(
    "kthvalue(Tensor self, int k, int dim=-1, bool keepdim=False) -> (Tensor values, Tensor indices)",
    method=True,
    out=True,
)
def kthvalue(self: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> tuple[Tensor, Tensor]:
    """The k-th smallest element along a dim, counting from 1, and where it is; NaN counts as the largest.

    Example:
        >>> values, indices = dt.kthvalue(dt.tensor([3, 1, 2]), 2)
        >>> values.item(), indices.item()
        (2, 2)
    """
    dim = wrap_dim("kthvalue", dim, self.ndim)
    size = self.shape[dim] if self.ndim else 1
    if not 1 <= k <= size:
        raise ValueError(f"kthvalue: k = {k} is out of range for dim {dim} of size {size}: expected 1 to {size}")
    values, indices = _select_rank(self, dim, "rank", k - 1)
    if keepdim or self.ndim == 0:
        return values, indices
    return dt.squeeze(values, [dim]), dt.squeeze(indices, [dim])


@op(
    "searchsorted(Tensor sorted_sequence, Tensor self, *, bool out_int32=False, bool right=False, str? side=None, "
    "Tensor? sorter=None) -> Tensor",
    non_differentiable=True,
    out=True,
)
def searchsorted(
    sorted_sequence: Tensor,
    self: Tensor,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
) -> Tensor:
    """Where to insert values so that a sorted sequence stays sorted, along the last dim.

        left:  sequence[i - 1] <  value <= sequence[i]
        right: sequence[i - 1] <= value <  sequence[i]

    Args:
        sorted_sequence: shape (n,), or (*, n) with the same leading dims as `self`.
        self: the values, shape (*, m); any shape for a one-dim sequence.
        out_int32: give int32 instead of int64.
        side: 'left' or 'right', another way to say `right`.
        sorter: the order in which an unsorted sequence is sorted, as `argsort` gives it.

    Example:
        >>> dt.searchsorted(dt.tensor([1, 3, 5]), dt.tensor([3, 4])).tolist()
        [1, 2]
    """
    if sorted_sequence.ndim == 0:
        raise ValueError("searchsorted: the sequence must have at least one dim, got a zero-dim one")
    if side not in (None, "left", "right"):
        raise ValueError(f"searchsorted: side must be 'left' or 'right', got {side!r}")
    if right and side == "left":
        raise ValueError("searchsorted: side 'left' and right=True contradict each other")
    right = right or side == "right"
    if sorter is not None:
        if sorter.shape != sorted_sequence.shape:
            raise ValueError(
                f"searchsorted: sorter must have the sequence's shape {tuple(sorted_sequence.shape)}, got "
                f"{tuple(sorter.shape)}"
            )
        sorted_sequence = dt.gather(sorted_sequence, -1, sorter)
    shared = sorted_sequence.ndim == 1
    if not shared and sorted_sequence.shape[:-1] != self.shape[:-1]:
        raise ValueError(
            f"searchsorted: the leading dims of the sequence, {tuple(sorted_sequence.shape)}, must be those of the "
            f"values, {tuple(self.shape)}, or the sequence have one dim"
        )
    if sorted_sequence.dtype != self.dtype or _is_wrapped_number(self):
        self, sorted_sequence = promoted(self, sorted_sequence)
    out = _insertion_places(widened(self), widened(sorted_sequence), right)
    return out.to(dt.int32) if out_int32 else out


@op(
    "insertion_places(Tensor self, Tensor sequence, bool right) -> (Tensor indices)",
    internal=True,
    kernel=True,
    non_differentiable=True,
)
def insertion_places(self: Tensor, sequence: Tensor, right: bool) -> Tensor:
    """Where to insert values so that a sorted sequence stays sorted: what `dt.searchsorted` gives.

    Args:
        self: the values.
        sequence: of their dtype; one dim, or the values' dims but for the last.
        right: whether after equal elements.

    Example:
        >>> dt._core.get_op("insertion_places")(dt.tensor([3, 4]), dt.tensor([1, 3, 5]), False).tolist()
        [1, 2]
    """
    rows = sequence.ndim == self.ndim > 0 and sequence.shape[:-1] == self.shape[:-1]
    if sequence.ndim != 1 and not rows:
        raise ValueError(
            f"insertion_places: expected a sequence of one dim, or of the values' dims but for the last; got shape "
            f"{tuple(sequence.shape)} for values of shape {tuple(self.shape)}"
        )
    values = dt.reshape(self, [-1]) if sequence.ndim == 1 else self
    last = dt.isnan(values)

    def before(place: Tensor) -> Tensor:
        """Whether the sequence's elements there stand before the values; NaN sorts last."""
        probe = dt.gather(sequence, -1, place)
        if right:
            return (probe <= values) | last
        return (probe < values) | (last & dt.logical_not(dt.isnan(probe)))

    # A bisection of all values at once, whose steps are the same for all.
    at, left = dt.zeros_like(values, dtype=dt.int64), sequence.shape[-1]
    while left > 1:
        half = left // 2
        at = at + half * before(at + (half - 1)).to(dt.int64)
        left -= half
    return dt.reshape(at + before(at).to(dt.int64) if left else at, self.shape)


@op("random_order(Tensor self) -> (Tensor indices)", internal=True, kernel=True, non_differentiable=True)
def random_order(self: Tensor) -> Tensor:
    """The indices that sort a vector of random int64 numbers, equal ones in order: a random permutation.

    Example:
        >>> dt._core.get_op("random_order")(dt.tensor([30, -10, 20])).tolist()
        [1, 2, 0]
    """
    if self.ndim != 1:
        raise ValueError(f"random_order: expected a vector of int64, got shape {tuple(self.shape)}")
    return dt.argsort(self, stable=True)


@op(
    "bucketize(Tensor self, Tensor boundaries, *, bool out_int32=False, bool right=False) -> Tensor",
    non_differentiable=True,
    out=True,
)
def bucketize(self: Tensor, boundaries: Tensor, *, out_int32: bool = False, right: bool = False) -> Tensor:
    """Which of the buckets between sorted boundaries each value falls into.

        left:  boundaries[i - 1] <  value <= boundaries[i]
        right: boundaries[i - 1] <= value <  boundaries[i]

    Example:
        >>> dt.bucketize(dt.tensor([2, 9]), dt.tensor([1, 3, 5])).tolist()
        [1, 3]
    """
    if boundaries.ndim != 1:
        raise ValueError(f"bucketize: boundaries must have one dim, got {boundaries.ndim}")
    return dt.searchsorted(boundaries, self, out_int32=out_int32, right=right)
