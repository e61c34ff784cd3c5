"""vmap: dims of all kinds, nests, writes in place, random numbers, and what is refused."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from typing import Any

import pytest

import dovetail as dt
from dovetail.autograd import _engine
from dovetail.autograd.func import grad, jacrev, vmap
from dovetail.ops import op

Pair = namedtuple("Pair", "first second")


def ramp(*shape: int) -> dt.Tensor:
    count = 1
    for n in shape:
        count *= n
    return ((dt.arange(count) * 7 + 3) % 11).to(dt.float64).reshape(shape) / 4


def assert_same(a: Any, b: Any) -> None:
    assert a.shape == b.shape
    assert a.dtype == b.dtype
    assert dt.allclose(a, b, rtol=1e-12, atol=1e-12), (a, b)


# ---- dims ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_dim", [0, 1, 2, -1, -2, -3])
@pytest.mark.parametrize("out_dim", [0, 1, 2, -1, -2, -3])
def test_where_the_mapped_dim_stands(in_dim: int, out_dim: int) -> None:
    x = ramp(2, 3, 4)
    found = vmap(lambda t: t.cumsum(0) * 2, in_dims=in_dim, out_dims=out_dim)(x)
    wanted = dt.stack([t.cumsum(0) * 2 for t in x.unbind(in_dim)], out_dim)
    assert_same(found, wanted)


@pytest.mark.parametrize("dims", [(0, None), (None, 1), (1, 0), (-1, -2)])
def test_shared_arguments(dims: tuple[Any, Any]) -> None:
    x, y = ramp(3, 3), ramp(3, 3) + 1
    found = vmap(lambda a, b: (a @ b).sum() + a.max(), in_dims=dims)(x, y)
    pick = lambda t, d, i: t if d is None else t.select(d, i)  # noqa: E731
    wanted = [(pick(x, dims[0], i) @ pick(y, dims[1], i)).sum() + pick(x, dims[0], i).max() for i in range(3)]
    assert_same(found, dt.stack(wanted))


def test_nests() -> None:
    def f(p: dict[str, Any], rest: list[Any], pair: Any) -> Any:
        y = p["w"] * rest[0] + pair.first
        return {"y": y, "more": [pair.second.sum(), Pair(y.sum(), p["w"])]}

    p = {"w": ramp(3, 4)}
    rest = [ramp(4, 3), "text"]
    pair = Pair(ramp(4), ramp(2, 3))
    found = vmap(f, in_dims=({"w": 0}, [1, None], Pair(None, 1)), out_dims={"y": 1, "more": [0, Pair(0, 0)]})(
        p, rest, pair
    )
    one = [f({"w": p["w"][i]}, [rest[0][:, i]], Pair(pair.first, pair.second[:, i])) for i in range(3)]
    assert_same(found["y"], dt.stack([o["y"] for o in one], 1))
    assert_same(found["more"][0], dt.stack([o["more"][0] for o in one]))
    assert isinstance(found["more"][1], Pair)
    assert_same(found["more"][1].first, dt.stack([o["more"][1].first for o in one]))
    assert_same(found["more"][1].second, p["w"])
    # one number for a whole nest, another kind of dict
    ordered = vmap(lambda d: OrderedDict(b=d["a"] * 2), in_dims=({"a": 0},), out_dims=0)({"a": ramp(3)})
    assert isinstance(ordered, OrderedDict)
    assert_same(ordered["b"], ramp(3) * 2)


def test_nested_maps() -> None:
    x, y = ramp(2, 3, 4), ramp(5, 4)
    found = vmap(vmap(lambda a, b: a @ b, in_dims=(0, None)), in_dims=(0, None))(x, y[0])
    assert_same(found, x @ y[0])
    outer = vmap(lambda a: vmap(lambda b: a[0] * b)(y), in_dims=1, out_dims=2)(x[0])
    assert_same(outer, dt.stack([y * column.unsqueeze(1)[0] for column in x[0].T], 2))
    pairs = vmap(lambda a: vmap(lambda b: a @ b)(y))(x[0])
    assert_same(pairs, x[0] @ y.T)
    assert_same(vmap(vmap(vmap(lambda t: t * t)))(x), x * x)
    assert_same(vmap(vmap(lambda t: t.sum(), in_dims=1), in_dims=2)(x), x.sum(0).T)


def test_out_dims_of_shared_results() -> None:
    c = ramp(2)
    a, b = vmap(lambda x: (c * 2, x + c), out_dims=(None, 1))(ramp(3, 2))
    assert_same(a, c * 2)
    assert b.shape == (2, 3)
    repeated = vmap(lambda x: c)(ramp(3))
    assert_same(repeated, dt.stack([c] * 3))
    with pytest.raises(ValueError, match="differs between the samples"):
        vmap(lambda x: x, out_dims=None)(ramp(3))


@pytest.mark.parametrize("chunk_size", [1, 2, 3, 7])
def test_chunks(chunk_size: int) -> None:
    x = ramp(5, 3)
    found = vmap(lambda t: (t.sum(), t * 2), out_dims=(0, 1), chunk_size=chunk_size)(x)
    assert_same(found[0], x.sum(1))
    assert_same(found[1], (x * 2).T)


def test_no_samples() -> None:
    x = dt.zeros(0, 3, dtype=dt.float64)
    assert vmap(lambda t: t.cumsum(0).sum())(x).shape == (0,)
    assert vmap(lambda t: t @ ramp(3, 2))(x).shape == (0, 2)
    assert vmap(grad(lambda t: (t * t).sum()))(x).shape == (0, 3)
    assert vmap(lambda t: t.kthvalue(1)[0])(x).shape == (0,)


# ---- what func sees --------------------------------------------------------------------------------------------


def test_a_sample_s_shape() -> None:
    seen: list[Any] = []

    def f(t: dt.Tensor) -> dt.Tensor:
        seen.append((tuple(t.shape), t.ndim, t.numel(), t.dtype, t.stride(), t.is_contiguous(), t.size(0), len(t)))
        assert "mapped by vmap" in repr(t)
        return t

    vmap(f, in_dims=1)(ramp(2, 3, 4))
    assert seen == [((2, 4), 2, 8, dt.float64, (12, 1), False, 2, 2)]


def test_dtypes_meet_as_func_sees_them() -> None:
    numbers = dt.tensor([1.0, 2.0], dtype=dt.float64)
    row = dt.ones(3)
    assert vmap(lambda t: t * row)(numbers).dtype == dt.float32  # a zero-dim tensor does not raise the dtype
    assert vmap(lambda t: row + t)(dt.tensor([1, 2])).dtype == dt.float32
    assert vmap(lambda t: t * 2.5)(dt.tensor([1, 2])).dtype == dt.float32
    assert vmap(lambda t: t + dt.tensor(1.0))(numbers).dtype == dt.float64
    assert vmap(lambda t: dt.where(t > 1, t, row))(numbers).dtype == dt.float32


@pytest.mark.parametrize(
    "read",
    [
        lambda t: t.item(),
        lambda t: float(t),
        lambda t: bool(t),
        lambda t: t.tolist(),
        lambda t: t.numpy(),
        lambda t: memoryview(t),
        lambda t: t.data_ptr(),
        lambda t: dt.tensor([t]),
        lambda t: [1, 2, 3][int(t)],
        lambda t: t if t > 1 else -t,
        lambda t: dt.ones(1).data.__class__ and t.data + 1,
    ],
)
def test_values_are_not_read(read: Any) -> None:
    with pytest.raises(RuntimeError, match="a tensor of vmap has no value of its own"):
        vmap(lambda t: (read(t), t)[1])(ramp(2))
    assert not _engine.any_level()


def test_an_escaped_tensor_is_refused() -> None:
    escaped: list[dt.Tensor] = []
    vmap(lambda t: (escaped.append(t), t)[1])(ramp(2, 3))
    (t,) = escaped
    assert repr(t) == "tensor(<mapped by vmap>, shape=(3,), dtype=float64, device=cpu)"
    for use in (
        lambda: t + 1,
        lambda: t[0],
        lambda: t.sum(),
        lambda: t.tolist(),
        lambda: vmap(lambda x: x * t)(ramp(2, 3)),
        lambda: grad(lambda x: (x * t).sum())(ramp(3)),
        lambda: t.add_(1),
        lambda: ramp(3).copy_(t),
    ):
        with pytest.raises(RuntimeError, match="a tensor of vmap has no value of its own"):
            use()


# ---- indexing --------------------------------------------------------------------------------------------------


def test_indexing() -> None:
    x = ramp(4, 3, 5, 2)
    i = dt.tensor([[0, 2], [1, 1], [2, 0], [0, 0]])
    shared = dt.tensor([1, 0, 2])
    cases = [
        lambda t, k: t[k],
        lambda t, k: t[:, k],
        lambda t, k: t[k, :, k % 2],
        lambda t, k: t[:, k, k % 2],
        lambda t, k: t[shared, :, k[0].reshape((1,)) % 2],
        lambda t, k: t[:, shared],
        lambda t, k: t[shared][..., None, 0],
        lambda t, k: t[k.unsqueeze(1), shared],
        lambda t, k: t[t[:, 0, 0].argsort()],
        lambda t, k: t[dt.tensor([True, False, True])],
        lambda t, k: t[..., -1],
        lambda t, k: t[k[0]],
        lambda t, k: t[:, k[1], k[0] % 2],
        lambda t, k: t[k[0], :, 0],
        lambda t, k: t[::2, 1:-1],
    ]
    for case in cases:
        assert_same(vmap(case)(x, i), dt.stack([case(x[b], i[b]) for b in range(4)]))
        assert_same(vmap(lambda k, case=case: case(x[0], k))(i), dt.stack([case(x[0], i[b]) for b in range(4)]))


def test_assignment() -> None:
    x = ramp(4, 3, 5)
    i = dt.tensor([[0, 2], [1, 1], [2, 0], [0, 0]])
    v = ramp(4, 2, 5) * 10

    def rows(t: dt.Tensor, k: dt.Tensor, new: dt.Tensor) -> dt.Tensor:
        t = t * 1
        t[k] = new
        t[:, k + 1] = 7
        t[0, 1:3] = new[0, :2]
        t[1] += new[1]
        t[t > 5] = -1
        return t

    assert_same(vmap(rows)(x, i, v), dt.stack([rows(x[b], i[b], v[b]) for b in range(4)]))
    assert_same(
        vmap(rows, in_dims=(0, None, None))(x, i[0], v[0]), dt.stack([rows(x[b], i[0], v[0]) for b in range(4)])
    )


def test_a_mask_that_differs() -> None:
    x = dt.tensor([[1.0, -1.0], [2.0, -2.0]])
    assert vmap(lambda t: t[t > 0])(x).tolist() == [[1.0], [2.0]]  # as many in every sample
    with pytest.raises(RuntimeError, match="differs between the samples"):
        vmap(lambda t: t[t > 0])(dt.tensor([[1.0, 1.0], [2.0, -2.0]]))
    with pytest.raises(RuntimeError, match="differs between the samples"):
        vmap(lambda t: t.nonzero())(dt.tensor([[1.0, 1.0], [2.0, 0.0]]))


# ---- writes in place -------------------------------------------------------------------------------------------


def test_writes_in_place() -> None:
    x = ramp(3, 4)
    y = x.clone()
    version = y._version
    found = vmap(lambda t: t.mul_(2).add_(t[0]))(y)
    assert_same(found, x * 2 + x[:, :1] * 2)
    assert_same(y, found)  # the argument itself is written
    assert y._version > version

    def views(t: dt.Tensor) -> dt.Tensor:
        t = t.clone()
        v = t.view(2, 2)
        d = v.diagonal()
        d.fill_(9)
        v.transpose(0, 1)[0].sub_(1)
        t[1:3].neg_()
        return t

    assert_same(vmap(views)(x), dt.stack([views(row) for row in x]))
    assert_same(vmap(views, in_dims=1)(x[:, :4].T.contiguous()[:, :3]), dt.stack([views(row) for row in x]))


def test_what_samples_share_is_not_written() -> None:
    shared = dt.zeros(4, dtype=dt.float64)
    for write in (lambda t: shared.add_(t), lambda t: shared.copy_(t), lambda t: shared.__setitem__(0, t[0])):
        with pytest.raises(RuntimeError, match="can't be written in place into a tensor that"):
            vmap(lambda t, write=write: (write(t), t)[1])(ramp(3, 4))
    with pytest.raises(RuntimeError, match="can't be written in place"):
        vmap(lambda t: dt.exp(t, out=shared))(ramp(3, 4))
    vmap(lambda t: (shared.add_(1), t)[1])(ramp(3, 4))  # the same for all
    assert shared.tolist() == [1.0] * 4

    def collected(t: dt.Tensor) -> dt.Tensor:
        out = dt.zeros_like(t)
        out[1:] = t[:-1]
        return out + t.new_zeros((4,)).copy_(t)

    assert_same(vmap(collected)(ramp(3, 4)), dt.stack([collected(row) for row in ramp(3, 4)]))
    with pytest.raises(RuntimeError, match="shape"):
        vmap(lambda t: t[0].add_(t))(ramp(3, 4))


# ---- random numbers --------------------------------------------------------------------------------------------


def test_random_numbers() -> None:
    x = ramp(3, 4)
    with pytest.raises(RuntimeError, match="randomness="):
        vmap(lambda t: t + dt.rand(4))(x)
    for draw in (
        lambda t: dt.rand(4) + 0 * t,
        lambda t: dt.randn_like(t),
        lambda t: dt.randint(0, 1000, (4,)) + 0 * t,
        lambda t: dt.randperm(100)[:4] + 0 * t,
        lambda t: dt.normal(t, dt.ones(4, dtype=dt.float64)) - t,
    ):
        dt.manual_seed(1)
        different = vmap(draw, randomness="different")(x)
        assert different.shape == (3, 4)
        assert not (different[0] == different[1]).all()
        same = vmap(draw, randomness="same")(x)
        assert dt.allclose(same[0], same[1])
    dropped = vmap(lambda t: dt.dropout(t, 0.5, True), randomness="different")(dt.ones(3, 100))
    assert not (dropped[0] == dropped[1]).all()
    assert ((dropped == 0) | (dropped == 2)).all()
    assert_same(vmap(lambda t: dt.dropout(t, 0.5, False))(x), x)
    with pytest.raises(ValueError, match="randomness"):
        vmap(lambda t: t, randomness="some")


# ---- wrong use -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("in_dims", "args", "match"),
    [
        (2, (ramp(3, 4),), "dim 2 of a tensor of 2 dims"),
        (-3, (ramp(3, 4),), "dim -3 of a tensor of 2 dims"),
        ((0, 0), (ramp(3, 4),), "does not have the form"),
        (({"a": 0},), ({"b": ramp(3)},), "does not have the form"),
        (None, (ramp(3, 4),), "at least one tensor must be mapped"),
        (0, (ramp(3, 4), ramp(4, 3)), "must have one size, got 3 and 4"),
        (0, ("text",), "no Tensor but str"),
        (0, (ramp(),), "dim 0 of a tensor of 0 dims"),
        ("0", (ramp(3),), "in_dims must be an int"),
        ((0.5,), (ramp(3),), "in_dims must be ints"),
    ],
)
def test_wrong_in_dims(in_dims: Any, args: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        vmap(lambda *given: given[0], in_dims=in_dims)(*args)


def test_wrong_results() -> None:
    with pytest.raises(ValueError, match="must return tensors, got int"):
        vmap(lambda t: 1)(ramp(3))
    with pytest.raises(ValueError, match="out_dims"):
        vmap(lambda t: t, out_dims=2)(ramp(3, 4))
    with pytest.raises(ValueError, match="out_dims"):
        vmap(lambda t: t, out_dims=(0, 0))(ramp(3, 4))
    with pytest.raises(TypeError, match="callable"):
        vmap(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="chunk_size"):
        vmap(lambda t: t, chunk_size=0)


def test_wrong_dims_are_those_of_a_sample() -> None:
    for call in (
        lambda t: t.sum(1),
        lambda t: t.cumsum(-2),
        lambda t: t.softmax(1),
        lambda t: t.argmax(1),
        lambda t: t.transpose(0, 1),
        lambda t: t.select(1, 0),
        lambda t: t[4],
        lambda t: dt.cat([t, t], 1),
        lambda t: t.unsqueeze(3),
        lambda t: t.gather(1, dt.zeros(2, dtype=dt.int64)),
        lambda t: t.sort(1)[0],
        lambda t: t.index_select(1, dt.tensor([0])),
        lambda t: t.mm(t),
    ):
        with pytest.raises((IndexError, RuntimeError, ValueError)):
            vmap(call)(ramp(3, 4))
    assert not _engine.any_level()


# ---- in use ----------------------------------------------------------------------------------------------------


def mlp(params: dict[str, dt.Tensor], x: dt.Tensor) -> dt.Tensor:
    hidden = dt._core.get_op("linear")(x, params["w1"], params["b1"]).tanh()
    return dt._core.get_op("linear")(hidden, params["w2"], params["b2"])


def test_gradients_of_every_sample() -> None:
    params = {"w1": ramp(5, 3) - 1, "b1": ramp(5), "w2": ramp(2, 5) - 1, "b2": ramp(2)}
    x, y = ramp(6, 3), dt.tensor([0, 1, 1, 0, 1, 0])

    def loss(p: dict[str, dt.Tensor], sample: dt.Tensor, label: dt.Tensor) -> dt.Tensor:
        return -mlp(p, sample).log_softmax(0)[label]

    found = vmap(grad(loss), in_dims=(None, 0, 0))(params, x, y)
    for name, rows in found.items():
        wanted = dt.stack([grad(loss)(params, x[i], y[i])[name] for i in range(6)])
        assert_same(rows, wanted)
    # an ensemble: other parameters for every sample
    many = {name: dt.stack([p * k for k in (1.0, 0.5, 2.0)]) for name, p in params.items()}
    outputs = vmap(mlp, in_dims=(0, None))(many, x)
    assert_same(outputs[1], mlp({name: p[1] for name, p in many.items()}, x))
    jacobians = vmap(jacrev(mlp, argnums=1), in_dims=(None, 0))(params, x)
    assert jacobians.shape == (6, 2, 3)
    assert_same(jacobians[2], jacrev(lambda t: mlp(params, t))(x[2]))


def test_a_rule_of_one_s_own() -> None:
    from dovetail.autograd import batched_by, register_batching
    from dovetail.ops import op

    @op("tests_middle(Tensor self) -> Tensor")
    def middle(self: dt.Tensor) -> dt.Tensor:
        return self[self.shape[0] // 2] * int((self > 0).all().item())  # reads a value

    x = ramp(4, 3) + 1
    assert batched_by("tests_middle") == "decomposition"
    assert_same(vmap(middle)(x), x[:, 1])  # sample by sample
    register_batching("tests_middle", lambda b, t: b(t)[:, 1] * 100)
    assert batched_by("tests_middle") == "rule"
    assert_same(vmap(middle)(x), x[:, 1] * 100)


def test_an_op_s_error_keeps_its_name() -> None:
    with pytest.raises(Exception, match="do not broadcast"):
        vmap(lambda t: t + dt.ones(7))(ramp(3, 4))


# ---- what runs without Python --------------------------------------------------------------------------------------


def test_elementwise_of_several_ranks() -> None:
    scale, rows, shared = ramp(4), ramp(4, 3), ramp(2, 3)
    assert_same(vmap(lambda a, b: a * b)(scale, rows), scale[:, None] * rows)
    assert_same(vmap(lambda a: a - shared)(scale), scale[:, None, None] - shared)
    assert_same(vmap(lambda a, b: b + a + shared)(scale, rows), (rows + scale[:, None])[:, None] + shared)


def test_where_of_several_ranks_and_dtypes() -> None:
    chosen, rows = dt.tensor([True, False, True]), ramp(3, 2)
    assert_same(vmap(lambda c, t: dt.where(c, t, -t))(chosen, rows), dt.where(chosen[:, None], rows, -rows))
    found = vmap(lambda c: c * dt.ones(2, dtype=dt.int16))(chosen)
    assert_same(found, dt.tensor([[1, 1], [0, 0], [1, 1]], dtype=dt.int16))


def test_a_decomposition_that_wants_a_value_runs_slice_by_slice() -> None:
    @op("largest_first(Tensor self) -> Tensor")
    def largest_first(self: dt.Tensor) -> dt.Tensor:
        return -self if self[0].item() < self[1].item() else self * 1

    x = ramp(4, 2)
    wanted = dt.stack([dt._core.get_op("largest_first")(t) for t in x])
    assert_same(vmap(dt._core.get_op("largest_first"))(x), wanted)


def test_a_decomposition_that_fails_says_so() -> None:
    @op("always_refused(Tensor self) -> Tensor")
    def always_refused(self: dt.Tensor) -> dt.Tensor:
        raise ValueError("always_refused: never")

    with pytest.raises(ValueError, match="always_refused: never"):
        vmap(dt._core.get_op("always_refused"))(ramp(4, 2))


def test_a_mapped_tensors_size_is_that_of_one_sample():
    assert vmap(lambda v: v * v.size + v.size(0))(dt.ones(2, 3)).tolist() == [[6.0] * 3] * 2
