"""Reading from and writing to places that an index names; joining and padding."""

from __future__ import annotations

from typing import Any

import dovetail as dt
from dovetail import Tensor

from .registry import op_of, rule


def _raised(b: Any, t: Tensor) -> Tensor:
    """The values, of which a zero-dim tensor's get a dim."""
    return b(t) if t.ndim else b(t).unsqueeze(1)


def _lowered(x: Tensor, found: Tensor) -> Tensor:
    return found if x.ndim else found.squeeze(1)


# ---- along a dim ----


@rule("gather")
def _gather(b: Any, x: Tensor, dim: int, index: Tensor) -> Tensor:
    found = op_of("gather")(_raised(b, x), b.dim(x, dim), _raised(b, index))
    return found if index.ndim else found.reshape((b.size,))


@rule("scatter", "scatter_add", "scatter_reduce")
def _scatter(op: Any, b: Any, x: Tensor, dim: int, index: Tensor, src: Tensor, *rest: Any) -> Tensor:
    places = _raised(b, index)
    if src.ndim == 0 and index.ndim and b.maps(src):
        src_values = b(src).reshape((b.size, *[1] * index.ndim)).expand(places.shape)
    elif src.ndim == 0 and index.ndim:
        src_values = src
    else:
        src_values = _raised(b, src)
    return _lowered(x, op.call((_raised(b, x), b.dim(x, dim), places, src_values, *rest), None))


def _spread(b: Any, index: Tensor, x: Tensor, dim: int, length: int) -> Tensor:
    """A mapped index along a dim, repeated over the other dims of x."""
    places = b(index).reshape((b.size, *[1] * (dim - 1), length, *[1] * (max(x.ndim, 1) - dim)))
    sizes = [b.size, *(x.shape or (1,))]
    sizes[dim] = length
    return places.expand(sizes)


@rule("index_select")
def _index_select(b: Any, x: Tensor, dim: int, index: Tensor) -> Tensor:
    at, values = b.dim(x, dim), _raised(b, x)
    if not b.maps(index):
        return _lowered(x, op_of("index_select")(values, at, index))
    found = op_of("gather")(values, at, _spread(b, index, x, at, index.numel()))
    return _lowered(x, found)


@rule("index_add")
def _index_add(b: Any, x: Tensor, dim: int, index: Tensor, source: Tensor, alpha: Any) -> Tensor:
    at, values = b.dim(x, dim), _raised(b, x)
    sizes = list(values.shape)
    sizes[at] = index.numel()
    given = b(source).reshape(sizes)
    if not b.maps(index):
        found = op_of("index_add").call((values, at, index, given, alpha), None)
    else:
        given = given if alpha == 1 else given * alpha
        found = op_of("scatter_add")(values, at, _spread(b, index, x, at, index.numel()), given.to(values.dtype))
    return _lowered(x, found)


# ---- several dims ----


class _Places:
    """An index of several dims, as one for the values: the mapped dim is indexed beside them."""

    def __init__(self, b: Any, x: Tensor, indices: Any) -> None:
        given: list[Tensor | None] = []
        for index in indices:
            if index is None or index.dtype != dt.bool:
                given.append(index)
                continue
            given.extend(index.nonzero().unbind(1) if index.ndim else [_zero_dim_mask(index)])
            if not index.ndim:
                x = x.unsqueeze(0)
        at = [i for i, index in enumerate(given) if index is not None]
        shapes = [index.shape for index in given if index is not None]
        self.shape = tuple(dt.broadcast_shapes(*shapes))
        self.rank = len(self.shape)
        # Where the indexed dims stand in the result as func sees it.
        self.first = at[0] if at == list(range(at[0], at[0] + len(at))) else 0
        self.x = x
        self.count = len(at)
        own = dt.arange(b.size, device=x.device).reshape((b.size, *[1] * self.rank))
        self.indices = [own, *(None if i is None else b.with_rank(i, self.rank) for i in given)]

    def moved(self, found: Tensor) -> Tensor:
        """The result, in which the mapped dim and those indexed come first, as func has it."""
        if not self.first or not self.rank:
            return found
        return found.movedim(tuple(range(1, 1 + self.rank)), tuple(range(1 + self.first, 1 + self.first + self.rank)))

    def back(self, values: Tensor) -> Tensor:
        """Values in the form that func has them, as the indexed write wants them."""
        if not self.first or not self.rank:
            return values
        return values.movedim(tuple(range(1 + self.first, 1 + self.first + self.rank)), tuple(range(1, 1 + self.rank)))


def _zero_dim_mask(mask: Tensor) -> Tensor:
    return dt.arange(int(mask.item()), device=mask.device) * 0


def _has_mapped_mask(b: Any, indices: Any) -> bool:
    """Whether a mask differs between the samples, and so the number of elements that it picks."""
    return any(i is not None and i.dtype == dt.bool and b.maps(i) for i in indices)


@rule("index")
def _index(b: Any, x: Tensor, indices: Any) -> Tensor:
    if all(i is None for i in indices):
        return b(x).clone()
    if _has_mapped_mask(b, indices):
        return b.loop(op_of("index"), (x, indices))
    places = _Places(b, x, indices)
    return places.moved(op_of("index")(b(places.x), places.indices))


@rule("index_put")
def _index_put(b: Any, x: Tensor, indices: Any, values: Tensor, accumulate: bool) -> Tensor:
    if all(i is None for i in indices):
        return (
            b.elementwise(op_of("add"), (x, values)) if accumulate else op_of("copy")(b(x), b.with_rank(values, x.ndim))
        )
    if _has_mapped_mask(b, indices):
        return b.loop(op_of("index_put"), (x, indices, values, accumulate))
    places = _Places(b, x, indices)
    rank = places.rank + places.x.ndim - places.count
    if b.maps(values):
        given = places.back(b.with_rank(values, rank))
    elif values.ndim:
        given = places.back(values.reshape((1, *[1] * (rank - values.ndim), *values.shape)))
    else:
        given = values
    return op_of("index_put")(b(places.x), places.indices, given, accumulate).reshape((b.size, *x.shape))


# ---- joining and padding ----


@rule("cat")
def _cat(b: Any, tensors: Any, dim: int) -> Tensor:
    rank = max(t.ndim for t in tensors)
    kept = [t for t in tensors if t.ndim == rank or t.numel()]  # an empty vector joins anything
    found = op_of("cat")([b(t) for t in kept], dim + 1 if dim >= 0 else dim)
    dtype = dt.result_type(*tensors)
    return found if found.dtype == dtype else found.to(dtype)


@rule("constant_pad_nd")
def _pad(b: Any, x: Tensor, pad: Any, value: Any) -> Tensor:
    if len(pad) > 2 * x.ndim:
        raise RuntimeError(f"constant_pad_nd: a pad of {len(pad)} numbers is too long for a tensor of {x.ndim} dims")
    return op_of("constant_pad_nd")(b(x), pad, value)
