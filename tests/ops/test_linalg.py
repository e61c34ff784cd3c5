"""Linear algebra by its identities, its verdicts, its refusals, and the same bits for any number of threads."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import dovetail as dt
from tests.ops.framework import make, rng_for
from tests.ops.samples.linalg_matrices import DTYPES, hermitian, positive, well

LinAlgError = dt.linalg.LinAlgError
SHAPES = ((3, 3), (5, 3), (3, 5), (2, 4, 4), (2, 6, 2), (0, 3, 3), (2, 0, 3), (60, 60))


def matrices(maker: Callable[..., Any], shapes: Any = SHAPES) -> Iterator[dt.Tensor]:
    rng = rng_for("linalg")
    for dtype in DTYPES:
        for shape in shapes:
            yield dt.tensor(maker(rng, shape, dtype).tolist(), dtype=getattr(dt, dtype)).reshape(shape)


def square(shapes: Any = SHAPES) -> list[Any]:
    return [shape for shape in shapes if shape[-1] == shape[-2]]


def close(a: dt.Tensor, b: dt.Tensor) -> None:
    rough = a.dtype in (dt.float32, dt.complex64)
    assert a.shape == b.shape
    np.testing.assert_allclose(np.asarray(a), np.asarray(b.to(a.dtype)), atol=3e-4 if rough else 1e-11)


def eye_like(x: dt.Tensor) -> dt.Tensor:
    return dt.eye(x.shape[-1], dtype=x.dtype).expand((*x.shape[:-2], x.shape[-1], x.shape[-1]))


# ---- identities ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(33, 1), (1, 33), (64, 31), (70, 100), (3, 80, 65), (256, 256)], ids=str)
@pytest.mark.parametrize(
    "dtype, eps, sizes", [("float32", 2.0**-24, (1, 1e-30, 1e30)), ("float64", 2.0**-53, (1, 1e-300, 1e300))]
)
def test_qr_of_several_blocks(shape: tuple[int, ...], dtype: str, eps: float, sizes: tuple[float, ...]) -> None:
    for size in sizes:
        a = (rng_for("qr").standard_normal(shape) * size).astype(dtype)
        for x in (dt.tensor(a), dt.tensor(a).mT.contiguous().mT, dt.tensor(np.repeat(a, 2, -1))[..., ::2]):
            for mode in ("reduced", "complete"):
                q, r = (np.asarray(t).astype(np.longdouble) for t in dt.linalg.qr(x, mode))
                bound = 20 * eps * max(shape) ** 0.5
                assert np.all(np.abs(np.swapaxes(q, -1, -2) @ q - np.eye(q.shape[-1])) <= bound)
                assert np.linalg.norm(((q @ r - a) / size).astype(float)) <= bound * np.linalg.norm(a / size)
                assert np.all(np.tril(r, -1) == 0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["ones", "rank three", "graded", "subnormal"])
def test_qr_of_dependent_and_of_tiny_columns(kind: str, dtype: str) -> None:
    """What is left of them is rounding, and rounding of rounding, down to numbers without digits."""
    n, eps, tiny = 300, np.finfo(dtype).eps, np.finfo(dtype).smallest_subnormal
    random = rng_for("qr").standard_normal((n, n))
    a = {
        "ones": np.ones((n, n)),
        "rank three": random[:, :3] @ random[:3],
        "graded": random * 10.0 ** -np.linspace(0, 0.9 * -np.log10(tiny), n),
        "subnormal": random * 1e3 * np.float64(tiny),
    }[kind].astype(dtype)
    q, r = (np.asarray(t).astype(np.longdouble) for t in dt.linalg.qr(dt.tensor(a)))
    assert np.abs(q.T @ q - np.eye(n)).max() <= 100 * eps
    assert np.all(np.abs(q @ r - a).max(0) <= 1000 * eps * np.abs(a).max(0).astype(np.longdouble) + n * tiny)


def test_qr_of_infinities_is_not_a_finite_one() -> None:
    a = rng_for("qr").standard_normal((40, 36))
    a[3, 20] = np.inf
    assert not np.isfinite(np.asarray(dt.linalg.qr(dt.tensor(a)).Q)[:, 20:]).any()


def test_qr_of_a_nan_beside_a_one() -> None:
    """No power of two is to be found by which the two could be scaled."""
    r = np.asarray(dt.linalg.qr(dt.tensor([[0.0, 1.0], [np.nan, 1.0], [1.5, 1.0]], dtype=dt.float64)).R)
    assert np.isnan(r[0]).all()


def test_qr_does_not_carry_a_nan_to_columns_before_it() -> None:
    a = rng_for("qr").standard_normal((80, 70))
    a[50, 40] = np.nan
    r = np.asarray(dt.linalg.qr(dt.tensor(a)).R)
    assert np.isfinite(r[:, :40]).all() and np.isnan(r[:, 40]).any()


def test_qr() -> None:
    for A in matrices(well):
        for mode in ("reduced", "complete"):
            Q, R = dt.linalg.qr(A, mode)
            close(Q @ R, A)
            close(Q.mH @ Q, eye_like(Q))
            assert (R.triu() == R).all()
        close(dt.linalg.qr(A, "r").R, dt.linalg.qr(A).R)


def test_lu() -> None:
    for A in matrices(well):
        P, L, U = dt.linalg.lu(A)
        close(P @ L @ U, A)
        assert (P.sum(-1) == 1).all() and (P.sum(-2) == 1).all()
        assert (L.tril() == L).all() and (U.triu() == U).all()
        close(L.diagonal(0, -2, -1), dt.ones_like(L.diagonal(0, -2, -1)))


def test_svd() -> None:
    for A in matrices(well):
        k = min(A.shape[-2:])
        for full in (True, False):
            U, S, Vh = dt.linalg.svd(A, full)
            close((U[..., :k] * S.unsqueeze(-2)) @ Vh[..., :k, :], A)
            close(U.mH @ U, eye_like(U))
            close(Vh @ Vh.mH, eye_like(Vh.mT))
            assert (S.diff(dim=-1) <= 0).all() and (S >= 0).all()


def test_eigh() -> None:
    for A in matrices(hermitian, square()):
        w, V = dt.linalg.eigh(A)
        close((V * w.unsqueeze(-2)) @ V.mH, A)
        close(V.mH @ V, eye_like(V))
        assert (w.diff(dim=-1) >= 0).all()


def test_eig() -> None:
    for A in matrices(well, square()):
        w, V = dt.linalg.eig(A)
        close(A.to(V.dtype) @ V, V * w.unsqueeze(-2))
        norms = dt.linalg.vector_norm(V, dim=-2)
        close(norms, dt.ones_like(norms))


def test_ldl() -> None:
    for A in matrices(hermitian, square()):
        LD, pivots = dt.linalg.ldl_factor(A, hermitian=True)
        B = A[..., :2]
        close(A @ dt.linalg.ldl_solve(LD, pivots, B, hermitian=True), B)


def test_pinv() -> None:
    for A in matrices(well):
        P = dt.linalg.pinv(A)
        close(A @ P @ A, A)
        close(P @ A @ P, P)
        close((A @ P).mH, A @ P)


def test_matrix_exp_of_sums() -> None:
    for A in matrices(lambda *args: make(*args, -0.2, 0.2), square()):
        close(dt.matrix_exp(A) @ dt.matrix_exp(-A), eye_like(A))


def test_one_triangle_is_read() -> None:
    A = dt.tensor(positive(rng_for("one"), (4, 4), "float64").tolist(), dtype=dt.float64)
    spoiled = dt.where(dt.ones(4, 4).triu(1) > 0, float("nan"), A)
    close(dt.linalg.cholesky(A), dt.linalg.cholesky(spoiled))
    close(dt.linalg.cholesky(A, upper=True), dt.linalg.cholesky(spoiled.mT, upper=True))
    close(dt.linalg.eigvalsh(A), dt.linalg.eigvalsh(spoiled))
    close(dt.linalg.eigvalsh(A), dt.linalg.eigvalsh(spoiled.mT, "U"))


# ---- functions that choose an op -------------------------------------------------------------------------------


@pytest.mark.parametrize("ord", ["fro", "nuc", 1, -1, 2, -2, float("inf"), -float("inf")])
def test_matrix_norm(ord: Any) -> None:
    x = make(rng_for("norm"), (2, 3, 4), "float64")
    for dim, keepdim in (((-2, -1), False), ((0, 2), True), ((2, 1), False)):
        found = dt.linalg.matrix_norm(dt.tensor(x.tolist(), dtype=dt.float64), ord, dim, keepdim)
        np.testing.assert_allclose(np.asarray(found), np.linalg.norm(x, ord, dim, keepdim), rtol=1e-10)
    found = dt.linalg.norm(dt.tensor(x[0].tolist()), ord, dtype=dt.float64)
    np.testing.assert_allclose(np.asarray(found), np.linalg.norm(x[0].astype(np.float32), ord), rtol=1e-6)


def test_norm() -> None:
    x = dt.arange(12.0).reshape(3, 4)
    assert dt.linalg.norm(x).item() == pytest.approx(np.linalg.norm(np.asarray(x)))
    assert dt.linalg.norm(x, dim=0).shape == (4,)
    assert dt.linalg.norm(x.reshape(2, 3, 2)).ndim == 0
    out = dt.empty(())
    assert dt.linalg.norm(x, 1, out=out) is out and out.item() == 21.0
    assert dt.norm(x, "nuc").item() == pytest.approx(np.linalg.norm(np.asarray(x), "nuc"))
    with pytest.raises(ValueError, match="^norm: If dim is not specified but ord is"):
        dt.linalg.norm(dt.ones(2, 2, 2), 2)
    with pytest.raises(ValueError, match="^norm: ord must be a number for vectors, got 'fro'"):
        dt.linalg.norm(dt.ones(2), "fro")
    with pytest.raises(ValueError, match="^matrix_norm: ord must be a number, 'fro' or 'nuc', got 'spectral'"):
        dt.linalg.matrix_norm(dt.ones(2, 2), "spectral")


@pytest.mark.parametrize("p", ["fro", "nuc", None, 1])
def test_cond(p: Any) -> None:
    x = well(rng_for("cond"), (2, 3, 3), "float64")
    found = dt.linalg.cond(dt.tensor(x.tolist(), dtype=dt.float64), p)
    np.testing.assert_allclose(np.asarray(found), np.linalg.cond(x, p), rtol=1e-10)


def test_cond_of_singular_matrices() -> None:
    singular = dt.ones(2, 2)
    assert dt.linalg.cond(singular, 1).item() == dt.linalg.cond(singular, "fro").item() == float("inf")


# ---- verdicts and refusals -------------------------------------------------------------------------------------


def test_verdicts() -> None:
    good, bad = dt.eye(2), dt.tensor([[1.0, 2.0], [2.0, 4.0]])
    both = dt.stack([good, bad, -good])
    assert dt.linalg.cholesky_ex(both).info.tolist() == [0, 2, 1]
    assert dt.linalg.inv_ex(both).info.tolist() == [0, 2, 0]
    assert dt.linalg.lu_factor_ex(both).info.tolist() == [0, 2, 0]
    assert dt.linalg.solve_ex(both, good).info.tolist() == [0, 2, 0]
    assert dt.linalg.cholesky_ex(dt.full((2, 2), float("nan"))).info.item() == 1
    assert issubclass(LinAlgError, RuntimeError)
    with pytest.raises(LinAlgError, match=r"^linalg_cholesky: \(Batch element 1\): The factorization could not be"):
        dt.linalg.cholesky(both)


def test_determinants_of_singular_matrices() -> None:
    A = dt.tensor([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [1.0, 0.0, 1.0]], dtype=dt.float64)
    assert dt.linalg.det(A).item() == pytest.approx(0, abs=1e-12)
    sign, logabsdet = dt.linalg.slogdet(dt.zeros(2, 2))
    assert (sign.item(), logabsdet.item()) == (0.0, -float("inf"))


# ---- threads ---------------------------------------------------------------------------------------------------

FUNCTIONS: dict[str, Callable[[dt.Tensor], Any]] = {
    "cholesky": lambda A: dt.linalg.cholesky(A @ A.mH + 50 * dt.eye(A.shape[-1], dtype=A.dtype)),
    "lu": dt.linalg.lu,
    "qr": dt.linalg.qr,
    "eigh": lambda A: dt.linalg.eigh(A + A.mH),
    "eig": dt.linalg.eig,
    "svd": dt.linalg.svd,
    "solve": lambda A: dt.linalg.solve(A, A[..., :3]),
    "lstsq": lambda A: dt.linalg.lstsq(A, A[..., :3]).solution,
    "matrix_exp": lambda A: dt.matrix_exp(A / 4),
    "ldl_factor": lambda A: dt.linalg.ldl_factor(A + A.mT),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_threads_change_no_bit(name: str) -> None:
    before = dt.get_num_threads()
    inputs = [
        dt.tensor(well(rng_for(name), shape, dtype).tolist(), dtype=getattr(dt, dtype))
        for dtype in ("float32", "complex128")
        for shape in ((40, 12, 12), (3, 70, 70), (130, 130))
    ]
    try:
        dt.set_num_threads(1)
        wanted = [bits(FUNCTIONS[name](A)) for A in inputs]
        for threads in (2, 4, 8):
            dt.set_num_threads(threads)
            assert [bits(FUNCTIONS[name](A)) for A in inputs] == wanted, f"{threads} threads"
    finally:
        dt.set_num_threads(before)


def bits(results: Any) -> list[bytes]:
    return [np.asarray(t).tobytes() for t in (results if isinstance(results, tuple) else (results,))]


# ---- derivatives -----------------------------------------------------------------------------------------------

needs_autograd = pytest.mark.skipif(
    importlib.util.find_spec("dovetail.autograd._engine") is None, reason="derivatives come with dovetail-autograd"
)


def minors(A: dt.Tensor) -> dt.Tensor:
    """The determinant as a polynomial of the entries."""
    n = A.shape[-1]
    if n == 1:
        return A[..., 0, 0]
    signs = [(-1) ** j * A[..., 0, j] for j in range(n)]
    rest = [[k for k in range(n) if k != j] for j in range(n)]
    return sum((s * minors(A[..., 1:, :][..., r]) for s, r in zip(signs, rest, strict=True)), start=dt.zeros(()))


@needs_autograd
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize(("n", "rank"), [(1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2), (4, 1), (4, 2), (4, 3)])
def test_derivatives_of_det_at_singular_matrices(n: int, rank: int, dtype: str) -> None:
    """Of the first three orders, as the polynomial has them; in a batch with a regular matrix too."""
    rng = rng_for(f"{n} {rank}")
    singular = well(rng, (n, rank), dtype) @ well(rng, (rank, n), dtype) if rank else np.zeros((n, n))
    regular = well(rng, (n, n), dtype)
    weights = [dt.tensor(rng.standard_normal((n, n)).tolist(), dtype=dt.float64) for _ in range(3)]

    def orders(det: Callable[[dt.Tensor], dt.Tensor], matrices: list[np.ndarray]) -> list[np.ndarray]:
        A = dt.tensor(np.stack(matrices).astype(dtype).tolist(), dtype=getattr(dt, dtype), requires_grad=True)
        at = det(A)
        found = []
        for weight in weights:
            (g,) = dt.autograd.grad(at.real.sum() if at.is_complex() else at.sum(), A, create_graph=True)
            found.append(np.asarray(g.detach()))
            if not g.requires_grad:
                break
            at = g * weight
        return found

    for matrices in ([singular], [singular, regular]):
        wanted = orders(minors, matrices)
        found = orders(dt.linalg.det, matrices)
        assert len(found) >= min(len(wanted), 2)
        for ours, theirs in zip(found, wanted, strict=False):
            np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-8 * max(1.0, np.abs(theirs).max()))


@needs_autograd
@pytest.mark.parametrize("size", [(3, 3), (4, 2), (2, 4)])
@pytest.mark.parametrize("of", ["complex128", "float64"])
def test_gradients_that_do_not_depend_on_phases(of: str, size: tuple[int, int]) -> None:
    """Functions of eigenvectors and singular vectors that their free factors do not change."""
    A = dt.tensor(well(rng_for("phase"), size, of).tolist(), dtype=getattr(dt, of)).requires_grad_()

    def parts(x: dt.Tensor) -> dt.Tensor:
        return dt.view_as_real(x) if x.is_complex() else x

    def by_svd(A: dt.Tensor) -> Any:
        U, S, Vh = dt.linalg.svd(A, False)
        return parts(U @ Vh), parts((U * S.exp().unsqueeze(-2)) @ U.mH), S

    functions = [by_svd]
    if size[0] == size[1]:

        def by_eigh(A: dt.Tensor) -> Any:
            w, V = dt.linalg.eigh(A + A.mH)
            return parts((V * w.sin().unsqueeze(-2)) @ V.mH), w

        def by_eig(A: dt.Tensor) -> Any:
            w, V = dt.linalg.eig(A)
            return parts((V * w.exp().unsqueeze(-2)) @ dt.linalg.inv(V)), parts(w)

        functions += [by_eigh, by_eig]
    for function in functions:
        leaf = parts(A.detach()).clone().requires_grad_()
        taken = lambda x, function=function: function(dt.view_as_complex(x) if A.is_complex() else x)  # noqa: E731
        assert dt.autograd.gradcheck(taken, [leaf])
        assert dt.autograd.gradgradcheck(taken, [leaf])


@needs_autograd
def test_gradients_that_depend_on_phases_are_refused() -> None:
    A = dt.tensor(well(rng_for("refused"), (3, 3), "complex128").tolist(), dtype=dt.complex128).requires_grad_()
    for function in (
        lambda A: dt.linalg.eigh(A + A.mH).eigenvectors,
        lambda A: dt.linalg.eig(A).eigenvectors,
        lambda A: dt.linalg.svd(A).U,
    ):
        with pytest.raises(RuntimeError, match="specified up to multiplication by e"):
            (function(A).real ** 3).sum().backward()


@needs_autograd
def test_qr_without_enough_of_q_is_refused() -> None:
    A = dt.tensor(well(rng_for("qr"), (4, 3), "float64").tolist()).requires_grad_()
    with pytest.raises(RuntimeError, match="depends on Q, which is not computed when mode='r'"):
        dt.linalg.qr(A, "r").R.sum().backward()
    with pytest.raises(RuntimeError, match="not differentiable when mode='complete' and nrows > ncols"):
        dt.linalg.qr(A, "complete").R.sum().backward()


@needs_autograd
def test_the_derivative_of_a_determinant_that_is_zero() -> None:
    A = dt.tensor([[1.0, 2, 3], [2, 4, 6], [1, 0, 1]], dtype=dt.float64).requires_grad_()
    dt.linalg.det(A).backward()
    cofactors = [[4.0, 4.0, -4.0], [-2.0, -2.0, 2.0], [0.0, 0.0, 0.0]]
    np.testing.assert_allclose(np.asarray(A.grad), cofactors, atol=1e-12)


@needs_autograd
def test_symmetric_gradients() -> None:
    """What reads one triangle of a symmetric matrix has a symmetric gradient, as it has in PyTorch."""
    A = dt.tensor(positive(rng_for("symmetric"), (3, 3), "float64").tolist(), dtype=dt.float64).requires_grad_()
    for function in (dt.linalg.cholesky, dt.linalg.eigvalsh, lambda A: dt.linalg.eigh(A).eigenvectors.abs()):
        (found,) = dt.autograd.grad(function(A).sum(), [A])
        np.testing.assert_allclose(np.asarray(found), np.asarray(found.mT), atol=1e-12)


@needs_autograd
def test_vmap_of_systems_with_shared_sides() -> None:
    A = dt.tensor(well(rng_for("vmap"), (3, 3, 3), "float64").tolist(), dtype=dt.float64)
    B = dt.tensor(make(rng_for("vmap"), (3, 3), "float64").tolist(), dtype=dt.float64)
    for dims in ((0, 0), (0, None), (None, 0)):
        args = [x if dim == 0 else x[0] for x, dim in zip((A, B), dims, strict=True)]
        found = dt.vmap(dt.linalg.solve, in_dims=dims)(*args)
        for i in range(3):
            close(found[i], dt.linalg.solve(*(x[i] if dim == 0 else x for x, dim in zip(args, dims, strict=True))))
    with pytest.raises(LinAlgError):
        dt.vmap(dt.linalg.inv)(dt.zeros(2, 3, 3))
