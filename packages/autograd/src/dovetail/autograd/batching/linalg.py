"""Linear algebra: all of it takes batches of matrices in front."""

from __future__ import annotations

from typing import Any

from dovetail import Tensor
from dovetail._core import get_op

from .registry import by_loop, rule

_solve_ex, _pinv, _check = get_op("linalg_solve_ex"), get_op("linalg_pinv"), get_op("linalg_check")


@rule(
    "linalg_potrf",
    "linalg_getrf",
    "linalg_hetrf",
    "linalg_pivots_to_order",
    "linalg_heevd",
    "linalg_geev",
    "linalg_gesdd",
    "linalg_qr",
    "linalg_det",
    "linalg_slogdet",
    "geqrf",
    "matrix_exp",
)
def _of_matrices(op: Any, b: Any, x: Tensor, *options: Any) -> Any:
    results = op(b(x), *options)
    if not isinstance(results, tuple):
        return results
    # What was not computed has shape (0,), for every sample.
    return tuple(t.new_zeros((b.size, 0)) if t.ndim == 1 and t.shape[0] != b.size else t for t in results)


@rule("linalg_inv_ex")
def _inverse(b: Any, x: Tensor, check_errors: bool) -> Any:
    return get_op("linalg_inv_ex")(b(x), check_errors=check_errors)


@rule("linalg_householder_product")
def _reflections(b: Any, x: Tensor, tau: Tensor) -> Any:
    return get_op("linalg_householder_product")(b(x), b(tau))


@rule("linalg_solve_triangular")
def _triangular(b: Any, x: Tensor, y: Tensor, upper: bool, left: bool, unitriangular: bool) -> Any:
    rank = max(x.ndim, y.ndim)
    solve = get_op("linalg_solve_triangular")
    return solve(b.with_rank(x, rank), b.with_rank(y, rank), upper=upper, left=left, unitriangular=unitriangular)


@rule("linalg_hetrs")
def _factored(b: Any, factors: Tensor, pivots: Tensor, y: Tensor, hermitian: bool) -> Any:
    rank = max(factors.ndim, pivots.ndim + 1, y.ndim)
    solve = get_op("linalg_hetrs")
    return solve(b.with_rank(factors, rank), b.with_rank(pivots, rank - 1), b.with_rank(y, rank), hermitian)


@rule("linalg_gels")
def _least_squares(b: Any, x: Tensor, y: Tensor, rcond: float, driver: str) -> Any:
    rank = max(x.ndim, y.ndim)
    return get_op("linalg_gels")(b.with_rank(x, rank), b.with_rank(y, rank), rcond, driver)


def _of_rank(b: Any, t: Tensor, rank: int) -> Tensor:
    """All samples' values with this many dims behind the mapped one."""
    whole: Tensor = b(t)
    return whole.reshape((b.size, *[1] * (rank - t.ndim), *t.shape))


@rule("linalg_solve_ex")
def _systems(b: Any, x: Tensor, y: Tensor, left: bool, check_errors: bool) -> Any:
    # With as many dims on both sides nothing is taken for a vector.
    vector = y.ndim == 1 or (x.ndim - 1 == y.ndim and tuple(y.shape) == tuple(x.shape[:-1]))
    rank = max(x.ndim, y.ndim + int(vector))
    right = _of_rank(b, y, rank - 1).unsqueeze(-1) if vector else _of_rank(b, y, rank)
    found, info = _solve_ex(_of_rank(b, x, rank), right, left=left, check_errors=check_errors)
    info = info.reshape((b.size, *x.shape[:-2]))
    return (found.squeeze(-1) if vector else found), info


@rule("linalg_pinv")
def _pseudoinverse(
    b: Any, x: Tensor, rcond: Tensor | None, hermitian: bool, atol: Tensor | None, rtol: Tensor | None
) -> Any:
    given = [None if t is None else b.with_rank(t, x.ndim - 2) for t in (rcond, atol, rtol)]
    return _pinv(b(x), given[0], hermitian, atol=given[1], rtol=given[2])


@rule("linalg_check")
def _verdicts(b: Any, info: Tensor, name: str, words: str, shape: str) -> Any:
    return _check(b(info), name, words, shape)


by_loop("linalg_lstsq")  # whether there are residuals depends on the rank
