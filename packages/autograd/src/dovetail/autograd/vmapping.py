"""vmap: a function of one sample becomes a function of a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import dovetail as dt
from dovetail import Tensor, checks

from . import _engine
from .batching import RANDOMNESS, Mapping
from .levels import entered
from .nests import flattened, is_nest, leaves_beside, rebuilt

__all__ = ["vmap"]

_alias = dt._core.get_op("alias")


def _sizes(args: Any, in_dims: Any) -> tuple[list[Any], list[int | None], int]:
    """The leaves of the arguments, the dim of each that is mapped, and its size."""
    leaves, dims = flattened(args), leaves_beside(in_dims, args, "vmap: in_dims")
    size = -1
    for i, (leaf, dim) in enumerate(zip(leaves, dims, strict=True)):
        if dim is None:
            continue
        if not isinstance(dim, int) or isinstance(dim, bool):
            raise ValueError(f"vmap: in_dims must be ints and None, in the form of the arguments, got {dim!r}")
        if not isinstance(leaf, Tensor):
            raise ValueError(
                f"vmap: in_dims says dim {dim} of an argument that is no Tensor but {type(leaf).__name__}; "
                "give None for it"
            )
        if not -leaf.ndim <= dim < leaf.ndim:
            raise ValueError(
                f"vmap: in_dims says dim {dim} of a tensor of {leaf.ndim} dims, of shape {tuple(leaf.shape)}"
            )
        dims[i] = dim % leaf.ndim
        if size not in (-1, leaf.shape[dim]):
            raise ValueError(
                f"vmap: the mapped dims must have one size, got {size} and {leaf.shape[dim]} (dim {dim} of shape "
                f"{tuple(leaf.shape)})"
            )
        size = leaf.shape[dim]
    if size == -1:
        told = ", ".join(type(leaf).__name__ for leaf in leaves) or "no tensors"
        raise ValueError(f"vmap: at least one tensor must be mapped; in_dims is None for all arguments, got {told}")
    return leaves, dims, size


def _taken_out(mapping: Mapping, returned: Any, out_dims: Any) -> Any:
    """The function's results, each with its mapped dim where out_dims says."""
    leaves, dims = flattened(returned), leaves_beside(out_dims, returned, "vmap: out_dims")
    found = []
    for leaf, dim in zip(leaves, dims, strict=True):
        if not isinstance(leaf, Tensor):
            if dim is None:
                found.append(leaf)
                continue
            raise ValueError(
                f"vmap: the function must return tensors, got {type(leaf).__name__}; say out_dims=None for what is none"
            )
        inner = _engine.inner(leaf, mapping.level)
        if dim is None:
            if inner is not None:
                raise ValueError("vmap: out_dims is None for a result that differs between the samples")
            found.append(leaf)
            continue
        if not isinstance(dim, int) or isinstance(dim, bool) or not -leaf.ndim - 1 <= dim <= leaf.ndim:
            raise ValueError(f"vmap: out_dims says {dim!r} for a result of {leaf.ndim} dims")
        place = dim % (leaf.ndim + 1)
        if inner is None:
            sizes = (*leaf.shape[:place], mapping.size, *leaf.shape[place:])
            found.append(leaf.unsqueeze(place).expand(sizes))
        else:
            values, mapped_dim = inner
            found.append(_alias(values) if mapped_dim == place else values.movedim(mapped_dim, place))
    return rebuilt(returned, iter(found))


def _run(
    func: Callable[..., Any],
    leaves: Sequence[Any],
    dims: Sequence[int | None],
    size: int,
    args: Any,
    kwargs: dict[str, Any],
    out_dims: Any,
    randomness: str,
) -> Any:
    with Mapping(size, randomness) as mapping:
        with entered(mapping.level):
            shells = [
                t if d is None else _engine.batched(t, d, mapping.level) for t, d in zip(leaves, dims, strict=True)
            ]
            returned = func(*rebuilt(args, iter(shells)), **kwargs)
        return _taken_out(mapping, returned, out_dims)


def _in_chunks(
    run: Callable[[Sequence[Any], int], Any],
    leaves: Sequence[Any],
    dims: Sequence[int | None],
    size: int,
    chunk: int,
    out_dims: Any,
) -> Any:
    """The results of chunks of samples, joined."""
    parts = []
    for start in range(0, size, chunk):
        end = min(start + chunk, size)
        some = [t if d is None else t.narrow(d, start, end - start) for t, d in zip(leaves, dims, strict=True)]
        parts.append(run(some, end - start))
    first = parts[0]
    joined = []
    for dim, *each in zip(leaves_beside(out_dims, first, "vmap: out_dims"), *map(flattened, parts), strict=True):
        joined.append(each[0] if dim is None else dt.cat(each, dim))
    return rebuilt(first, iter(joined))


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """The function that applies func to every slice of its arguments at once.

    Args:
        func: takes tensors without the mapped dim, in nests of tuples, lists and dicts, and returns tensors.
        in_dims: which dim of every argument is mapped: an int, None for an argument that all slices share, or a tuple
            of these in the form of the arguments.
        out_dims: where the mapped dim comes to stand in the results; None for a result that is the same for all slices,
            or is no tensor.
        randomness: what random ops in func do: "error" refuses them, "different" draws other numbers for every slice,
            "same" the same.
        chunk_size: how many slices to compute at a time; all by default.

    Inside func a tensor has the shape of a slice. Its value can't be read (`item()`, `if x > 0`), and a value that
    differs between slices can't be written in place into a tensor that they share; both are errors.

    Example:
        >>> dt.vmap(dt.dot)(dt.ones(3, 4), dt.ones(3, 4)).tolist()
        [4.0, 4.0, 4.0]
        >>> per_sample = dt.vmap(dt.func.grad(lambda w, x: (w * x).sum() ** 2), in_dims=(None, 0))
        >>> per_sample(dt.ones(2), dt.tensor([[1.0, 2.0], [3.0, 4.0]])).tolist()
        [[6.0, 12.0], [42.0, 56.0]]
    """
    checks.callables("vmap", func=func)
    if randomness not in RANDOMNESS:
        raise ValueError(f"vmap: randomness must be 'error', 'different' or 'same', got {randomness!r}")
    if chunk_size is not None and chunk_size < 1:
        raise ValueError(f"vmap: chunk_size must be None or at least 1, got {chunk_size}")

    @wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if not is_nest(in_dims) and not isinstance(in_dims, int) and in_dims is not None:
            raise ValueError(f"vmap: in_dims must be an int or a nest of ints and None, got {in_dims!r}")
        leaves, dims, size = _sizes(args, tuple(in_dims) if isinstance(in_dims, list) else in_dims)

        def run(some: Sequence[Any], count: int) -> Any:
            return _run(func, some, dims, count, args, kwargs, out_dims, randomness)

        if chunk_size is None or chunk_size >= size:
            return run(leaves, size)
        return _in_chunks(run, leaves, dims, size, chunk_size, out_dims)

    return wrapper
