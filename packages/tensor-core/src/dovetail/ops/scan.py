"""Running reductions written in terms of the primitive ops."""

from __future__ import annotations

from collections.abc import Callable

import dovetail as dt
from dovetail import Tensor
from dovetail.ops import op
from dovetail.ops._common import expand, in_float, promoted_floating, wrap_dim


@op("logcumsumexp(Tensor self, int dim) -> Tensor", method=True, out=True, kernel=True)
@in_float
def logcumsumexp(self: Tensor, dim: int) -> Tensor:
    """The logarithm of the running sum of exponentials along a dim, without overflow.

        out[i] = log(sum(exp(self[j]) for j <= i))

    Example:
        >>> dt.logcumsumexp(dt.tensor([0.0, -dt.inf, 1000.0]), 0).tolist()
        [0.0, 0.0, 1000.0]
    """
    dim = wrap_dim("logcumsumexp", dim, self.ndim)
    (out,) = promoted_floating(self)
    if self.ndim == 0:
        return dt.clone(out)
    # Pairwise doubling: after the step of width w every element has summed the 2w before it. One shift for the whole
    # row would lose the small ones.
    width, n = 1, self.shape[dim]
    while width < n:
        head = dt.narrow(out, dim, 0, width)
        tail = dt.logaddexp(dt.narrow(out, dim, width, n - width), dt.narrow(out, dim, 0, n - width))
        out = dt.cat([head, tail], dim)
        width *= 2
    return out


@op("cummax(Tensor self, int dim) -> (Tensor values, Tensor indices)", method=True, out=True, kernel=True)
def cummax(self: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """The running maximum along a dim, and where it is; of equal ones the last, and NaN stays.

    Example:
        >>> values, indices = dt.cummax(dt.tensor([1, 3, 2]), 0)
        >>> values.tolist(), indices.tolist()
        ([1, 3, 3], [0, 1, 1])
    """
    return _running(self, wrap_dim("cummax", dim, self.ndim), dt.ge)


@op("cummin(Tensor self, int dim) -> (Tensor values, Tensor indices)", method=True, out=True, kernel=True)
def cummin(self: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """The running minimum along a dim, and where it is; of equal ones the last, and NaN stays.

    Example:
        >>> values, indices = dt.cummin(dt.tensor([3, 1, 2]), 0)
        >>> values.tolist(), indices.tolist()
        ([3, 1, 1], [0, 1, 1])
    """
    return _running(self, wrap_dim("cummin", dim, self.ndim), dt.le)


def _running(x: Tensor, dim: int, wins: Callable[[Tensor, Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    """Indices of the running winner by doubling; the values are gathered, so that gradients flow to them."""
    if x.ndim == 0:
        return dt.clone(x), dt.zeros_like(x, dtype=dt.int64)
    n = x.shape[dim]
    shape = [1] * x.ndim
    shape[dim] = n
    indices = expand(dt.reshape(dt.arange(n, device=x.device), shape), x.shape)
    best = x.detach()
    width = 1
    while width < n:
        new, old = dt.narrow(best, dim, width, n - width), dt.narrow(best, dim, 0, n - width)
        new_at, old_at = dt.narrow(indices, dim, width, n - width), dt.narrow(indices, dim, 0, n - width)
        # A NaN beats what comes before it, and nothing beats a NaN.
        take = wins(new, old) | dt.isnan(new)
        indices = dt.cat([dt.narrow(indices, dim, 0, width), dt.where(take, new_at, old_at)], dim)
        best = dt.cat([dt.narrow(best, dim, 0, width), dt.where(take, new, old)], dim)
        width *= 2
    return dt.gather(x, dim, indices), dt.clone(indices)


@op(
    "diff(Tensor self, int n=1, int dim=-1, Tensor? prepend=None, Tensor? append=None) -> Tensor",
    method=True,
    out=True,
)
def diff(
    self: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None, append: Tensor | None = None
) -> Tensor:
    """The n-th difference of neighbours along a dim.

        out[i] = self[i + 1] - self[i]

    Args:
        n: how many times to take differences.
        prepend, append: put before and after `self` along `dim` first.

    Example:
        >>> dt.diff(dt.tensor([1, 4, 9, 16])).tolist()
        [3, 5, 7]
    """
    if self.ndim == 0:
        raise ValueError("diff: expected a tensor of at least one dim, got a zero-dim one")
    if n < 0:
        raise ValueError(f"diff: n must not be negative, got {n}")
    dim = wrap_dim("diff", dim, self.ndim)
    parts = [part for part in (prepend, self, append) if part is not None]
    out = dt.cat(parts, dim) if len(parts) > 1 else self
    if n and (n >= out.shape[dim] or out.numel() == 0):  # nothing is left, or nothing to subtract
        return dt.clone(dt.narrow(out, dim, 0, max(out.shape[dim] - n, 0)))
    for _ in range(n):
        size = out.shape[dim] - 1
        after, before = dt.narrow(out, dim, 1, size), dt.narrow(out, dim, 0, size)
        out = dt.logical_xor(after, before) if out.dtype == dt.bool else after - before
    return out if n else dt.clone(out)


@op("cumulative_trapezoid(Tensor y, Tensor? x=None, *, Scalar dx=1, int dim=-1) -> Tensor")
def cumulative_trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float = 1, dim: int = -1) -> Tensor:
    """The running integral by the trapezoidal rule along a dim.

    Args:
        x: where the values are sampled; without it they are `dx` apart.

    Example:
        >>> dt.cumulative_trapezoid(dt.tensor([1.0, 2.0, 3.0])).tolist()
        [1.5, 4.0]
    """
    return dt.cumsum(_trapezoids("cumulative_trapezoid", y, x, dx, dim), dim)


@op("trapezoid(Tensor y, Tensor? x=None, *, Scalar dx=1, int dim=-1) -> Tensor", alias=("trapz",))
def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float = 1, dim: int = -1) -> Tensor:
    """The integral by the trapezoidal rule along a dim.

        out = sum((x[i + 1] - x[i]) * (y[i] + y[i + 1]) / 2)

    Args:
        x: where the values are sampled; without it they are `dx` apart.

    Example:
        >>> dt.trapezoid(dt.tensor([1.0, 2.0, 3.0])).item()
        4.0
    """
    if x is None and y.ndim and y.dtype != dt.bool and y.shape[wrap_dim("trapezoid", dim, y.ndim)] > 1:
        # All values count once, those at the ends half.
        last = y.shape[dim] - 1
        ends = dt.select(y, dim, 0) + dt.select(y, dim, last)
        return (dt.sum(dt.narrow(y, dim, 1, last - 1), [dim]) + ends / 2) * dx
    return dt.sum(_trapezoids("trapezoid", y, x, dx, dim), [dim])


def _trapezoids(name: str, y: Tensor, x: Tensor | None, dx: float, dim: int) -> Tensor:
    dim = wrap_dim(name, dim, y.ndim)
    if y.ndim == 0:
        raise ValueError(f"{name}: expected a tensor of at least one dim, got a zero-dim one")
    n = y.shape[dim]
    if n == 0:
        return y
    heights = dt.narrow(y, dim, 1, n - 1) + dt.narrow(y, dim, 0, n - 1)
    if x is None:
        return heights * (dx / 2)
    if x.ndim == 1 and y.ndim > 1:
        shape = [1] * y.ndim
        shape[dim] = x.shape[0]
        x = dt.reshape(x, shape)
    return heights * dt.diff(x, 1, dim) / 2
