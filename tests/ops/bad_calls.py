"""Calls of public functions, methods and classes that are no ops, for the test of bad input to spoil.

Each entry has a name, a function to call, good arguments for it, and the names with which a refusal may begin beside
its own. What stands above the core and autograd is in bad_calls_above.py and bad_calls_nn.py.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import dovetail as dt


@dataclass(frozen=True)
class Call:
    name: str
    function: Callable[..., Any]
    args: Callable[[], tuple[Any, ...]]  # fresh ones each time, since calls may write into them
    kwargs: dict[str, Any] = field(default_factory=dict)
    says: tuple[str, ...] = ()


def all_calls() -> Iterator[Call]:
    from tests.ops.bad_calls_above import calls_above
    from tests.ops.bad_calls_nn import calls_of_nn

    yield from _functions()
    yield from _functions_of_tensors()
    yield from _of_matrices()
    yield from _settings()
    yield from _methods()
    yield from _autograd()
    yield from calls_above()
    yield from calls_of_nn()


def _x() -> Any:
    return dt.arange(6.0).reshape(2, 3)


def _functions() -> Iterator[Call]:
    for name, args, kwargs in [
        ("tensor", ([[1.0, 2.0], [3.0, 4.0]],), {"dtype": dt.float32, "device": "cpu", "requires_grad": False}),
        ("as_tensor", ([1, 2],), {"dtype": dt.int64, "device": "cpu"}),
        ("asarray", ([1, 2],), {"dtype": dt.int64}),
        ("scalar_tensor", (3.0,), {"dtype": dt.float32}),
        ("frombuffer", (bytearray(16),), {"dtype": dt.float32, "count": 2, "offset": 4}),
        ("arange", (5,), {}),
        ("arange", (1, 5), {}),
        ("arange", (1.0, 5.0, 0.5), {"dtype": dt.float32}),
        ("zeros", (2, 3), {"dtype": dt.float32}),
        ("ones", ((2, 3),), {}),
        ("full", ((2, 3), 1.5), {"dtype": dt.float32}),
        ("rand", (2, 3), {}),
        ("randint", (0, 5, (2, 3)), {}),
        ("empty_strided", ((2, 3), (3, 1)), {}),
        ("polygamma", (1, dt.ones(2)), {}),
        ("broadcast_shapes", ((2, 1), (1, 3)), {}),
        ("can_cast", (dt.float32, dt.int64), {}),
        ("promote_types", (dt.float32, dt.int64), {}),
        ("finfo", (dt.float32,), {}),
        ("manual_seed", (3,), {}),
        ("Generator", ("cpu",), {}),
        ("device", ("cpu", 0), {}),
        ("iinfo", (dt.int32,), {}),
        ("Size", ([1, 2],), {}),
        ("set_num_threads", (1,), {}),
        ("normal", (0.0, 1.0, (2, 3)), {}),
        ("use_deterministic_algorithms", (True,), {}),
        ("result_type", (dt.ones(2), 1), {}),
        ("meshgrid", (dt.ones(2), dt.ones(3)), {"indexing": "ij"}),
        ("broadcast_tensors", (dt.ones(2, 1), dt.ones(3)), {}),
        ("block_diag", (dt.ones(2, 1), dt.ones(3)), {}),
        ("cartesian_prod", (dt.ones(2), dt.ones(3)), {}),
        ("atleast_1d", (dt.ones(2), dt.ones(3)), {}),
        ("atleast_2d", (dt.ones(2),), {}),
        ("atleast_3d", (dt.ones(2),), {}),
        ("combinations", (dt.arange(4),), {"r": 2, "with_replacement": True}),
        ("dsplit", (dt.ones(2, 3, 4), 2), {}),
        ("conv1d", (dt.ones(2, 4, 6), dt.ones(2, 4, 3)), {"padding": "same"}),
        ("conv2d", (dt.ones(2, 4, 6, 6), dt.ones(2, 4, 3, 3), None, 2, 1, (1, 1), 1), {}),
        ("conv3d", (dt.ones(1, 4, 4, 4, 4), dt.ones(2, 4, 3, 3, 3)), {"padding": "valid"}),
        ("memory_stats", ("cpu",), {}),
        ("empty_cache", (), {}),
        ("reset_peak_memory_stats", ("cpu",), {}),
        ("histogram", (dt.arange(6.0), 3), {"range": (0.0, 5.0), "weight": dt.ones(6), "density": True}),
        ("histogram", (dt.arange(6.0), dt.arange(4.0)), {}),
        ("histogramdd", (dt.rand(5, 2), [2, 3]), {"range": [0.0, 1.0, 0.0, 2.0], "weight": dt.ones(5)}),
        ("gradient", (dt.rand(4, 3),), {"spacing": 2.0, "dim": 0, "edge_order": 1}),
        ("gradient", (dt.rand(4, 3),), {"spacing": [dt.arange(4.0), dt.tensor(1.0)]}),
        ("FloatTensor", (2, 3), {}),
        ("LongTensor", ([1, 2],), {"device": "cpu"}),
        ("no_grad", (dt.sin,), {}),
        ("inference_mode", (True,), {}),
    ]:
        yield Call(name, getattr(dt, name), lambda args=args: args, kwargs)
    yield Call("from_numpy", dt.from_numpy, lambda: (_x().numpy(),), says=(r"dovetail\._core\.from_numpy",))
    yield Call("assert_close", _compared, lambda: (_x(), _x()), {"rtol": 0.1, "atol": 0.1})


def _compared(*args: Any, **kwargs: Any) -> None:
    with contextlib.suppress(AssertionError):
        dt.testing.assert_close(*args, **kwargs)


def _functions_of_tensors() -> Iterator[Call]:
    for name, more, kwargs in [
        ("max", (1,), {"keepdim": True}),
        ("min", (), {}),
        ("allclose", (dt.ones(3),), {"rtol": 1e-3}),
        ("equal", (dt.ones(3),), {}),
        ("split", (2,), {"dim": 1}),
        ("split", ([1, 1],), {"dim": 0}),
        ("tensor_split", (2,), {"dim": 1}),
        ("tensor_split", (), {"sections": 2}),
        ("hsplit", (3,), {}),
        ("hsplit", (), {"indices": (1,)}),
        ("get_device", (), {}),
        ("typename", (), {}),
        ("is_storage", (), {}),
        ("std", (1,), {"ddof": 0, "dtype": dt.float64}),
        ("vsplit", (2,), {}),
        ("unique", (), {"return_inverse": True, "dim": 0}),
        ("unique_consecutive", (), {"return_counts": True}),
        ("frobenius_norm", (), {}),
        ("sum", (1,), {}),
        ("std", (1,), {"correction": 0}),
        ("norm", (2, 1), {}),
        ("var", (1, True, False), {}),
        ("std_mean", (), {"dim": 0}),
        ("var_mean", (), {"dim": (0, 1)}),
        ("median", (1,), {"keepdim": True}),
        ("nanmedian", (), {}),
        ("nonzero", (), {"as_tuple": True}),
        ("bernoulli", (0.5,), {}),
        ("randint_like", (0, 5), {}),
        ("numel", (), {}),
        ("is_complex", (), {}),
        ("is_conj", (), {}),
        ("resolve_conj", (), {}),
        ("resolve_neg", (), {}),
        ("is_neg", (), {}),
        ("is_floating_point", (), {}),
        ("is_signed", (), {}),
        ("is_same_size", (dt.ones(3),), {}),
        ("tensordot", (dt.ones(3, 2),), {"dims": 1}),
        ("repeat_interleave", (dt.tensor([1, 2]),), {"dim": 0}),
        ("repeat_interleave", (2,), {"dim": 0}),
    ]:
        yield Call(name, getattr(dt, name), lambda more=more: (_x(), *more), kwargs)
    yield Call(
        "chain_matmul", dt.chain_matmul, lambda: (_x(), dt.ones(3, 2), dt.ones(2, 1)), says=("linalg_multi_dot",)
    )
    factors = ("linalg_svd", "linalg_qr")
    yield Call("svd_lowrank", dt.svd_lowrank, lambda: (_x(), 2, 1), {"M": dt.ones(3)}, says=factors)
    yield Call("pca_lowrank", dt.pca_lowrank, lambda: (_x(), 2, True, 1), says=factors)
    yield Call("range", dt.range, lambda: (0, 5, 0.5), {"dtype": dt.float32})
    yield Call("lu", dt.lu, lambda: (dt.eye(3), True, True), says=("linalg_lu_factor_ex", "linalg_lu_factor"))
    yield Call("is_nonzero", dt.is_nonzero, lambda: (dt.ones(1),))
    yield Call("normal", dt.normal, lambda: (_x(), dt.ones(3)))
    yield Call("repeat_interleave", dt.repeat_interleave, lambda: (dt.tensor([1, 2]),))
    yield Call("einsum", dt.einsum, lambda: ("ij,jk->ik", _x(), dt.ones(3, 2)))
    yield Call("where", dt.where, lambda: (_x() > 2, _x(), 0.0))
    yield Call("unravel_index", dt.unravel_index, lambda: (dt.tensor([1, 2]), (2, 3)))


def _of_matrices() -> Iterator[Call]:
    parts = ("linalg_vector_norm", "linalg_matrix_norm", "linalg_cond", "linalg_inv_ex", "nuclear_norm", "matrix_norm")
    for name, args, kwargs in [
        ("diagonal", (), {"offset": 1, "dim1": 0, "dim2": 1}),
        ("matrix_norm", ("nuc",), {"dim": (0, 1), "keepdim": True, "dtype": dt.float64}),
        ("matrix_norm", (2,), {}),
        ("norm", ("fro",), {"dim": (0, 1)}),
        ("norm", (1, 0, True), {"dtype": dt.float64}),
        ("cond", ("fro",), {}),
        ("cond", (2,), {}),
    ]:
        function = getattr(dt.linalg, name)
        yield Call(name, function, lambda args=args: (dt.eye(3) * 2, *args), kwargs, says=parts)


def _settings() -> Iterator[Call]:
    """What would change the calls that come after is set back."""
    for name, getter, args in [
        ("set_default_dtype", dt.get_default_dtype, (dt.float64,)),
        ("set_default_device", lambda: None, ("cpu",)),
        ("set_rng_state", dt.get_rng_state, (dt.get_rng_state(),)),
        ("set_grad_enabled", dt.is_grad_enabled, (True,)),
    ]:
        setter = getattr(dt, name)

        def call(*args: Any, setter: Any = setter, getter: Any = getter, **kwargs: Any) -> None:
            before = getter()
            try:
                setter(*args, **kwargs)
            finally:
                setter(before)

        yield Call(name, call, lambda args=args: args)

    def options(*args: Any, **kwargs: Any) -> None:
        before = dt.get_printoptions()
        try:
            dt.set_printoptions(*args, **kwargs)
            repr(_x())
        finally:
            dt.set_printoptions(**before)

    kwargs = {"precision": 3, "threshold": 10, "edgeitems": 2, "linewidth": 80, "profile": "default", "sci_mode": True}
    yield Call("set_printoptions", options, lambda: (), kwargs)


def _methods() -> Iterator[Call]:
    for name, args in [
        ("view", (3, 2)),
        ("view", ((6,),)),
        ("view", (dt.int32,)),
        ("resize", (3, 2)),
        ("resize_as", (dt.ones(6),)),
        ("is_shared", ()),
        ("share_memory_", ()),
        ("is_contiguous", (dt.contiguous_format,)),
        ("reshape", (3, 2)),
        ("expand", (4, 2, 3)),
        ("permute", (1, 0)),
        ("repeat", (2, 1)),
        ("flip", (0,)),
        ("squeeze", (0,)),
        ("to", (dt.float64,)),
        ("to", ("cpu", dt.int64, False, True)),
        ("type", (dt.int64,)),
        ("size", (1,)),
        ("stride", (0,)),
        ("item", ()),
        ("tolist", ()),
        ("numpy", ()),
        ("new_tensor", ([1, 2],)),
        ("new_zeros", (2, 3)),
        ("new", ([1, 2],)),
        ("new", (2, 3)),
        ("set_", (dt.ones(4), 1, (2,), (1,))),
        ("set_", (dt.ones(4).untyped_storage(), 1, (2,))),
        ("apply_", (float,)),
        ("map_", (dt.ones(3), max)),
        ("map2_", (dt.ones(3), dt.ones(1), max)),
        ("as_subclass", (dt.Tensor,)),
        ("dim_order", ()),
        ("resize_", (3, 2)),
        ("fill_diagonal_", (1.0,)),
        ("uniform_", (0.0, 1.0)),
        ("normal_", (0.0, 1.0)),
        ("exponential_", (1.0,)),
        ("random_", (0, 5)),
        ("view_as", (dt.ones(3, 2),)),
        ("expand_as", (dt.ones(2, 3),)),
        ("type_as", (dt.ones(1),)),
        ("requires_grad_", (False,)),
        ("backward", (dt.ones(2, 3),)),
        ("copy_", (dt.ones(3),)),
        ("masked_fill_", (dt.ones(2, 3) > 0, 1.0)),
        ("max", (1, True)),
        ("nonzero", ()),
        ("cuda", (0,)),
        ("cpu", ()),
        ("half", ()),
        ("long", ()),
        ("dim", ()),
        ("is_contiguous", ()),
        ("is_set_to", (dt.ones(3),)),
        ("record_stream", (None,)),
        ("is_pinned", ()),
        ("new_empty_strided", ((2, 3), (1, 2))),
        ("reshape_as", (dt.ones(6),)),
        ("resize_as_", (dt.ones(4),)),
        ("squeeze_", (0,)),
        ("unsqueeze_", (0,)),
        ("transpose_", (0, 1)),
        ("t_", ()),
        ("as_strided_", ((2, 2), (1, 2))),
        ("zero_", ()),
        ("bernoulli_", (0.5,)),
        ("cauchy_", (0.0, 1.0)),
        ("geometric_", (0.5,)),
        ("log_normal_", (0.0, 1.0)),
        ("where", (dt.ones(2, 3) > 0, 1.0)),
        ("detach_", ()),
        ("retain_grad", ()),
        ("register_hook", (len,)),
        ("register_post_accumulate_grad_hook", (len,)),
    ]:
        yield Call(name, _method(name), lambda args=args: (_x(), *args), says=(rf"Tensor\.{name}",))
    for name, args in [("manual_seed", (3,)), ("set_state", (dt.Generator().get_state(),)), ("reserve", (3,))]:
        yield Call(name, _of_generator(name), lambda args=args: args, says=("Generator",))
    indices: list[Any] = [0, slice(0, 1), (0, 1), (..., None, 1), [0, 1], dt.tensor([0, 1]), _x() > 2]
    for index in [*indices, (slice(None), dt.tensor([0, 2])), (slice(0, 2, 1), slice(2, 0, -1))]:
        yield Call("__getitem__", _read, lambda index=index: (_x(), index), says=("index",))
        yield Call("__setitem__", _write, lambda index=index: (_x(), index, 1.0), says=("index",))


def _tensor(args: tuple[Any, ...]) -> Any:
    return args[0] if args and isinstance(args[0], dt.Tensor) else _x()


def _method(name: str) -> Callable[..., Any]:
    return lambda *args, **kwargs: getattr(_tensor(args), name)(*args[1:], **kwargs)


def _of_generator(name: str) -> Callable[..., Any]:
    return lambda *args, **kwargs: getattr(dt.Generator(), name)(*args, **kwargs)


def _read(*args: Any, **_: Any) -> None:
    _tensor(args)[args[1] if len(args) > 1 else 0]


def _write(*args: Any, **_: Any) -> None:
    _tensor(args)[args[1] if len(args) > 1 else 0] = args[2] if len(args) > 2 else 1.0


def _autograd() -> Iterator[Call]:
    def leaf() -> Any:
        return dt.ones(2, 3, requires_grad=True)

    def graph() -> tuple[Any, Any]:
        x = leaf()
        return (x * x).sum(), x

    autograd, functional, func = dt.autograd, dt.autograd.functional, dt.func
    yield Call("backward", autograd.backward, lambda: (graph()[0], dt.ones(())), {"create_graph": False})
    yield Call("backward", _method("backward"), lambda: (graph()[0], dt.ones(()), False, False))
    yield Call("backward", _method("backward"), lambda: (leaf() * 2, dt.ones(2, 3)))
    yield Call("grad", autograd.grad, graph, {"grad_outputs": None, "allow_unused": True, "materialize_grads": False})
    yield Call("has_derivative", autograd.has_derivative, lambda: ("exp",))
    yield Call("gradcheck", autograd.gradcheck, lambda: (dt.prod, (dt.ones(2, dtype=dt.float64, requires_grad=True),)))
    yield Call("checkpoint", autograd.checkpoint, lambda: (dt.prod, leaf()), {"use_reentrant": False}, ("prod",))
    yield Call(
        "checkpoint_sequential",
        autograd.checkpoint_sequential,
        lambda: ([dt.sin, dt.cos], 2, leaf()),
        says=("sin", "cos"),
    )
    for name in ("vjp", "jvp", "vhp", "hvp"):
        yield Call(
            name, getattr(functional, name), lambda name=name: (dt.prod, _x(), *([] if name == "vjp" else [_x()]))
        )
    for name in ("jacobian", "hessian"):
        yield Call(name, getattr(functional, name), lambda: (dt.prod, _x()), {"create_graph": False, "strict": True})
    for name in ("grad", "grad_and_value", "jacrev", "jacfwd", "hessian"):
        transform = getattr(func, name)

        def apply(x: Any, *args: Any, transform: Any = transform, **kwargs: Any) -> Any:
            return transform(dt.prod, *args, **kwargs)(x)

        yield Call(f"{name}()", apply, lambda: (_x(), 0), says=("grad", "jacrev", "jacfwd", "_autograd"))
    yield Call("vjp", func.vjp, lambda: (dt.prod, _x()))
    yield Call("jvp", func.jvp, lambda: (dt.prod, (_x(),), (_x(),)))
