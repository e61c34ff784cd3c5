"""Creation, gathering, scattering, joining, sorting."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def check(who: str, index: Array, size: int, dim: int) -> None:
    bad = (index < 0) | (index >= size)
    if bad.any():
        raise IndexError(f"{who}: index {index[bad].flat[0]} is out of range for dim {dim} of size {size}")


def full(outs: Any, ins: Any, args: Any) -> None:
    np.asarray(outs[0])[...] = args[1]


def arange(outs: Any, ins: Any, args: Any) -> None:
    out = np.asarray(outs[0])
    out[...] = np.asarray(args[0] + args[2] * np.arange(out.size)).astype(out.dtype)


def at_least_1d(*arrays: Array) -> tuple[Array, ...]:
    """Zero-dim tensors count as having one dim."""
    return tuple(a.reshape(1) if a.ndim == 0 else a for a in arrays)


def places(index: Array, dim: int) -> tuple[Array, ...]:
    """The full coordinates of every element of ``index``, with the element itself at ``dim``."""
    grid = list(np.indices(index.shape))
    grid[dim] = index
    return tuple(grid)


def gather(outs: Any, ins: Any, args: Any) -> None:
    out, (x, index) = np.asarray(outs[0]), at_least_1d(*map(np.asarray, ins))
    check("gather", index, x.shape[args[1]], args[1])
    out[...] = x[places(index, args[1])].reshape(out.shape)


def index_select(outs: Any, ins: Any, args: Any) -> None:
    out, (x, index) = np.asarray(outs[0]), at_least_1d(*map(np.asarray, ins))
    check("index_select", index, x.shape[args[1]], args[1])
    out[...] = np.take(x, index, axis=args[1]).reshape(out.shape)


def nonzero(allocate: Any, ins: Any, args: Any) -> None:
    found = np.argwhere(np.asarray(ins[0]))
    np.asarray(allocate(0, found.shape))[...] = found


def scattered(who: str, outs: Any, ins: Any, args: Any) -> tuple[Array, tuple[Array, ...], Array]:
    """The output (holding self's values), where the source goes in it, and the source's part that goes."""
    out, x, index = np.asarray(outs[0]), np.asarray(ins[0]), np.asarray(ins[1])
    out[...] = x
    src = np.broadcast_to(np.asarray(ins[2]), index.shape) if np.ndim(ins[2]) == 0 else np.asarray(ins[2])
    flat = out.reshape(1) if out.ndim == 0 else out
    index, src = at_least_1d(index, src)
    check(who, index, flat.shape[args[1]], args[1])
    return flat, places(index, args[1]), src[tuple(slice(n) for n in index.shape)]


def scatter(outs: Any, ins: Any, args: Any) -> None:
    out, at, src = scattered("scatter", outs, ins, args)
    out[at] = src


def scatter_add(outs: Any, ins: Any, args: Any) -> None:
    out, at, src = scattered("scatter_add", outs, ins, args)
    np.add.at(out, at, src)


def scatter_reduce(outs: Any, ins: Any, args: Any) -> None:
    out, at, src = scattered("scatter_reduce", outs, ins, args)
    kind, include_self = args[4], args[5]
    ufunc = {"sum": np.add, "mean": np.add, "prod": np.multiply, "amax": np.maximum, "amin": np.minimum}[kind]
    if not include_self:
        out[at] = {"sum": 0, "mean": 0, "prod": 1}.get(kind, src)
        if kind in ("amax", "amin"):  # any of the sources will do to start from
            out[at] = src
    ufunc.at(out, at, src)
    if kind == "mean":
        count = np.full(out.shape, int(include_self), dtype=np.int64)
        np.add.at(count, at, 1)
        count = np.maximum(count, 1)
        out[...] = np.floor_divide(out, count) if np.issubdtype(out.dtype, np.integer) else out / count


def cat(outs: Any, ins: Any, args: Any) -> None:
    out = np.asarray(outs[0])
    arrays = [a for a in map(np.asarray, ins) if a.shape != (0,) or out.ndim == 1]
    if arrays:
        out[...] = np.concatenate(arrays, axis=args[1])


def constant_pad_nd(outs: Any, ins: Any, args: Any) -> None:
    out, x, pad = np.asarray(outs[0]), np.asarray(ins[0]), list(args[1])
    out[...] = args[2]
    to, source = [slice(None)] * x.ndim, [slice(None)] * x.ndim
    for i in range(len(pad) // 2):
        before, after, dim = pad[2 * i], pad[2 * i + 1], x.ndim - 1 - i
        size = x.shape[dim]
        source[dim] = slice(max(-before, 0), size - max(-after, 0))
        to[dim] = slice(max(before, 0), out.shape[dim] - max(after, 0))
    out[tuple(to)] = x[tuple(source)]


def sort(outs: Any, ins: Any, args: Any) -> None:
    values, indices, x = np.asarray(outs[0]), np.asarray(outs[1]), np.asarray(ins[0])
    if x.ndim == 0:
        values[...], indices[...] = x, 0
        return
    dim, descending = args[1], args[2]
    # NumPy sorts ascending, NaN last; backwards twice keeps equal ones in their order.
    turned = np.flip(x, dim) if descending else x
    order = np.argsort(turned, axis=dim, kind="stable")
    if descending:
        order = x.shape[dim] - 1 - np.flip(order, dim)
    indices[...] = order
    values[...] = np.take_along_axis(x, order, dim)


KERNELS = {
    "full": full,
    "arange": arange,
    "gather": gather,
    "index_select": index_select,
    "scatter": scatter,
    "scatter_add": scatter_add,
    "scatter_reduce": scatter_reduce,
    "cat": cat,
    "constant_pad_nd": constant_pad_nd,
    "sort": sort,
}
DYNAMIC_KERNELS = {"nonzero": nonzero}
