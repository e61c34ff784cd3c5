"""Making tensors: ranges, identity, triangles and diagonals."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import dovetail as dt
from dovetail import Tensor
from dovetail.ops import op
from dovetail.ops._common import expand


@op(
    "eye(int n, int? m=None, *, DType? dtype=None, Device? device=None) -> Tensor",
    factory=True,
    non_differentiable=True,
    out=True,
)
def eye(n: int, m: int | None = None, *, dtype: dt.dtype | None = None, device: dt.device | None = None) -> Tensor:
    """The identity matrix: ones on the diagonal, zeros elsewhere.

    Args:
        n: rows.
        m: columns; n by default.

    Example:
        >>> dt.eye(2).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    columns = n if m is None else m
    if n < 0 or columns < 0:
        raise ValueError(f"eye: rows and columns must not be negative, got {n} and {columns}")
    out = dt.zeros([n, columns], dtype=dtype, device=device)
    out.diagonal().fill_(1)
    return out


@op(
    "linspace(Scalar start, Scalar end, int steps, *, DType? dtype=None, Device? device=None) -> Tensor",
    factory=True,
    non_differentiable=True,
    out=True,
)
def linspace(
    start: float, end: float, steps: int, *, dtype: dt.dtype | None = None, device: dt.device | None = None
) -> Tensor:
    """Evenly spaced numbers, both ends included.

        out[i] = start + i * (end - start) / (steps - 1)

    Computed from the nearer end, so that both are exact. Integer dtypes take the ends without their fractions, and
    truncate; their numbers are exact however large they are.

    Example:
        >>> dt.linspace(0, 1, 5).tolist()
        [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    if steps < 0:
        raise ValueError(f"linspace: steps must not be negative, got {steps}")
    dtype = dtype or _dtype_of_ends(start, end)
    if not (dtype.is_floating_point or dtype.is_complex):
        start, end = (_whole_number("linspace", number, dtype) for number in (start, end))
        if max(abs(start), abs(end)) > _EXACT_IN_FLOAT64:
            return _linspace_of_integers(start, end, steps, dtype, device)
    work = dtype if dtype in (dt.float32, dt.float64) else dt.float64
    near = (steps + 1) // 2  # to the start
    step = (end - start) / max(steps - 1, 1)
    head = start + step * dt.arange(near, dtype=work, device=device)
    tail = end - step * dt.arange(steps - near - 1, -1, -1, dtype=work, device=device)
    return dt.cat([head, tail]).to(dtype)


_EXACT_IN_FLOAT64 = 2**53


def _whole_number(name: str, number: Any, dtype: dt.dtype) -> int:
    """A number without its fraction, if an integer dtype holds it."""
    low, high = (0, 1) if dtype == dt.bool else (dt.iinfo(dtype).min, dt.iinfo(dtype).max)
    if isinstance(number, complex) or not math.isfinite(number) or not low <= int(number) <= high:
        raise ValueError(f"{name}: {number} does not fit in {str(dtype).rpartition('.')[2]}")
    return int(number)


def _linspace_of_integers(start: int, end: int, steps: int, dtype: dt.dtype, device: dt.device | None) -> Tensor:
    """As linspace, in integer arithmetic modulo 2**64: the whole and the rest of each step go their own ways."""
    parts = max(steps - 1, 1)
    whole, rest = divmod(abs(end - start), parts)
    if dtype == dt.int64:  # a step may be longer than its largest number
        whole = (whole + 2**63) % 2**64 - 2**63
    index = dt.arange(steps, dtype=dt.int64, device=device)
    above, fraction = index * rest // parts, index * rest % parts != 0
    index, above = index.to(dtype), above.to(dtype)
    rising = start <= end
    floor = start + index * whole + above if rising else start - index * whole - above - fraction.to(dtype)
    return floor + dt.logical_and(floor < 0, fraction).to(dtype)


def _dtype_of_ends(*ends: complex) -> dt.dtype:
    """The default dtype of numbers between these: a float, complex where one of them is."""
    return dt.result_type(0.0, *ends)


@op(
    "logspace(Scalar start, Scalar end, int steps, float base=10.0, *, DType? dtype=None, Device? device=None)"
    " -> Tensor",
    factory=True,
    non_differentiable=True,
    out=True,
)
def logspace(
    start: float,
    end: float,
    steps: int,
    base: float = 10.0,
    *,
    dtype: dt.dtype | None = None,
    device: dt.device | None = None,
) -> Tensor:
    """Numbers evenly spaced on a logarithmic scale, both ends included.

        out[i] = base ** (start + i * (end - start) / (steps - 1))

    Example:
        >>> dt.logspace(0, 2, 3).tolist()
        [1.0, 10.0, 100.0]
    """
    dtype = dtype or _dtype_of_ends(start, end)
    work = dtype if dtype in (dt.float32, dt.float64) else dt.complex128 if dtype.is_complex else dt.float64
    return (base ** dt.linspace(start, end, steps, dtype=work, device=device)).to(dtype)


@op("tril(Tensor self, int diagonal=0) -> Tensor", method=True, inplace=True, out=True, kernel=True)
def tril(self: Tensor, diagonal: int = 0) -> Tensor:
    """The lower triangle of the last two dims, zeros elsewhere.

    Args:
        diagonal: the last diagonal to keep: 0 the main one, positive above it, negative below.

    Example:
        >>> dt.tril(dt.ones(2, 2)).tolist()
        [[1.0, 0.0], [1.0, 1.0]]
    """
    return self.masked_fill(_above("tril", self) > diagonal, 0)


@op("triu(Tensor self, int diagonal=0) -> Tensor", method=True, inplace=True, out=True, kernel=True)
def triu(self: Tensor, diagonal: int = 0) -> Tensor:
    """The upper triangle of the last two dims, zeros elsewhere.

    Args:
        diagonal: the first diagonal to keep: 0 the main one, positive above it, negative below.

    Example:
        >>> dt.triu(dt.ones(2, 2)).tolist()
        [[1.0, 1.0], [0.0, 1.0]]
    """
    return self.masked_fill(_above("triu", self) < diagonal, 0)


def _above(name: str, x: Tensor) -> Tensor:
    """How far above the main diagonal each place of the last two dims lies."""
    if x.ndim < 2:
        raise ValueError(f"{name}: expected at least two dims, got {x.ndim}")
    if x.numel() == 0:  # the other dim may be huge
        return dt.zeros(x.shape, dtype=dt.int64, device=x.device)
    return _offsets(x.shape[-2], x.shape[-1], x.device)


def _offsets(rows: int, columns: int, device: dt.device | None) -> Tensor:
    return dt.arange(columns, device=device) - dt.unsqueeze(dt.arange(rows, device=device), 1)


def _places_in(triangle: Callable[..., Tensor], row: int, col: int, offset: int, device: dt.device | None) -> Tensor:
    inside = triangle(dt.ones([row, col], dtype=dt.bool, device=device), offset)
    return dt.t(dt.nonzero(inside)).contiguous()


@op(
    "tril_indices(int row, int col, int offset=0, *, DType? dtype=int64, Device? device=None) -> Tensor",
    non_differentiable=True,
)
def tril_indices(
    row: int, col: int, offset: int = 0, *, dtype: dt.dtype | None = None, device: dt.device | None = None
) -> Tensor:
    """The places of the lower triangle of a matrix, shape (2, count), row by row.

    Example:
        >>> dt.tril_indices(2, 2).tolist()
        [[0, 1, 1], [0, 0, 1]]
    """
    return _places_in(dt.tril, row, col, offset, device).to(dtype or dt.int64)


@op(
    "triu_indices(int row, int col, int offset=0, *, DType? dtype=int64, Device? device=None) -> Tensor",
    non_differentiable=True,
)
def triu_indices(
    row: int, col: int, offset: int = 0, *, dtype: dt.dtype | None = None, device: dt.device | None = None
) -> Tensor:
    """The places of the upper triangle of a matrix, shape (2, count), row by row.

    Example:
        >>> dt.triu_indices(2, 2).tolist()
        [[0, 0, 1], [0, 1, 1]]
    """
    return _places_in(dt.triu, row, col, offset, device).to(dtype or dt.int64)


@op("diag_embed(Tensor self, int offset=0, int dim1=-2, int dim2=-1) -> Tensor", method=True)
def diag_embed(self: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Put the last dim on the diagonal of new matrices, zeros elsewhere.

    Args:
        offset: which diagonal: 0 the main one, positive above it, negative below.
        dim1, dim2: which dims of the result the matrices span.

    Shape: (*, n) to (*, n + |offset|, n + |offset|).

    Example:
        >>> dt.diag_embed(dt.tensor([1, 2])).tolist()
        [[1, 0], [0, 2]]
    """
    if self.ndim == 0:
        raise ValueError("diag_embed: expected a tensor of at least one dim, got a zero-dim one")
    side = self.shape[-1] + abs(offset)
    ndim = self.ndim + 1
    if not (-ndim <= dim1 < ndim and -ndim <= dim2 < ndim):
        raise IndexError(f"diag_embed: dims {dim1} and {dim2} are out of range for a result of {ndim} dims")
    first, second = dim1 % ndim, dim2 % ndim
    if first == second:
        raise ValueError(f"diag_embed: dim1 and dim2 must differ, both are {first}")
    shape = list(self.shape[:-1])
    for dim in sorted((first, second)):
        shape.insert(dim, side)
    zeros = dt.zeros(shape, dtype=self.dtype, device=self.device)
    return dt.diagonal_scatter(zeros, self, offset, first, second)


@op("diag(Tensor self, int diagonal=0) -> Tensor", method=True, out=True)
def diag(self: Tensor, diagonal: int = 0) -> Tensor:
    """A matrix with a vector on its diagonal, or a matrix's diagonal (a copy).

    Args:
        diagonal: which one: 0 the main one, positive above it, negative below.

    Example:
        >>> dt.diag(dt.tensor([1, 2])).tolist()
        [[1, 0], [0, 2]]
        >>> dt.diag(dt.tensor([[1, 2], [3, 4]])).tolist()
        [1, 4]
    """
    if self.ndim == 1:
        return dt.diag_embed(self, diagonal)
    if self.ndim == 2:
        return dt.clone(dt.diagonal(self, diagonal))
    raise ValueError(f"diag: expected one or two dims, got {self.ndim}")


@op("diagflat(Tensor self, int offset=0) -> Tensor", method=True)
def diagflat(self: Tensor, offset: int = 0) -> Tensor:
    """A matrix with all elements of a tensor on its diagonal.

    Example:
        >>> dt.diagflat(dt.tensor([[1, 2]])).tolist()
        [[1, 0], [0, 2]]
    """
    return dt.diag_embed(dt.reshape(self, [-1]), offset)


@op("meshgrid(Tensor[] tensors, *, str? indexing=None) -> Tensor[]")
def meshgrid(tensors: Sequence[Tensor], *, indexing: str | None = None) -> list[Tensor]:
    """Grids of coordinates: one tensor for every axis, all of the grid's shape.

    Args:
        tensors: the axes, each with one dim or none.
        indexing: "ij" (also by default): axis k runs along dim k; "xy": the first two are swapped.

    Example:
        >>> x, y = dt.meshgrid(dt.tensor([1, 2]), dt.tensor([3, 4]), indexing="ij")
        >>> x.tolist(), y.tolist()
        ([[1, 1], [2, 2]], [[3, 4], [3, 4]])
    """
    if not tensors:
        raise ValueError("meshgrid: expected at least one tensor, got none")
    if indexing not in (None, "ij", "xy"):
        raise ValueError(f'meshgrid: indexing must be "ij" or "xy", got {indexing!r}')
    for i, axis in enumerate(tensors):
        if axis.ndim > 1:
            raise ValueError(f"meshgrid: every tensor must have one dim or none, number {i} has {axis.ndim}")
    order = list(range(len(tensors)))
    if indexing == "xy" and len(order) > 1:
        order[:2] = [1, 0]
    shape = [tensors[i].numel() for i in order]
    grids = []
    for i, axis in enumerate(tensors):
        along = [1] * len(tensors)
        along[order.index(i)] = -1
        grids.append(expand(dt.reshape(axis, along), shape))
    return grids


@op("one_hot(Tensor self, int num_classes=-1) -> Tensor", non_differentiable=True)
def one_hot(self: Tensor, num_classes: int = -1) -> Tensor:
    """Class numbers as rows with a single 1.

        out[..., c] = 1 if self[...] == c else 0

    Args:
        num_classes: how many; by default one more than the largest in `self`.

    Shape: (*) to (*, num_classes).

    Example:
        >>> dt.one_hot(dt.tensor([0, 2]), 3).tolist()
        [[1, 0, 0], [0, 0, 1]]
    """
    if self.dtype != dt.int64:
        raise TypeError(f"one_hot: expected int64 class numbers, got {self.dtype}")
    if num_classes < 0:
        if self.numel() == 0:
            raise ValueError(
                f"one_hot: num_classes must be given for a tensor without elements, got shape {tuple(self.shape)}"
            )
        num_classes = int(dt.amax(self).item()) + 1
    zeros = dt.zeros([*self.shape, num_classes], dtype=dt.int64, device=self.device)
    if self.numel() == 0:
        return zeros
    if num_classes == 0:
        raise ValueError("one_hot: num_classes must be positive for a tensor with elements, got 0")
    return dt.scatter(zeros, -1, dt.unsqueeze(self, -1), 1)


@op("vander(Tensor x, int? N=None, bool increasing=False) -> Tensor")
def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """The Vandermonde matrix of a vector.

        out[i, j] = x[i] ** (N - 1 - j), or x[i] ** j where `increasing`

    Example:
        >>> dt.vander(dt.tensor([1, 2, 3]), increasing=True).tolist()
        [[1, 1, 1], [1, 2, 4], [1, 3, 9]]
    """
    if x.ndim != 1:
        raise ValueError(f"vander: expected a vector, got {x.ndim} dims")
    columns = x.shape[0] if N is None else N
    if columns < 0:
        raise ValueError(f"vander: N must not be negative, got {columns}")
    powers = dt.arange(columns, device=x.device)
    return dt.pow(dt.unsqueeze(x, 1), powers if increasing else columns - 1 - powers)
