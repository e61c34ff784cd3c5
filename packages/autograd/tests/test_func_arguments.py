"""The arguments of the transforms, of dt.autograd.functional and of forward_ad: what they mean, and what is refused."""

from collections import namedtuple

import pytest

import dovetail as dt
from dovetail.autograd import forward_ad, functional
from dovetail.func import grad, hessian, jacfwd, jacrev, jvp, vjp, vmap

Pair = namedtuple("Pair", "a b")
X = dt.tensor([1.0, 2.0], dtype=dt.float64)
Y = dt.tensor([3.0, 4.0], dtype=dt.float64)


# ---- which arguments ----


def test_argnums():
    def f(x, y):
        return (x * y * y).sum()

    assert grad(f, argnums=-1)(X, Y).tolist() == [6.0, 16.0]
    assert [g.tolist() for g in grad(f, argnums=(-1, 0))(X, Y)] == [[6.0, 16.0], [9.0, 16.0]]
    assert jacfwd(lambda x, y: x * y, argnums=-1)(X, Y).tolist() == [[1.0, 0.0], [0.0, 2.0]]


@pytest.mark.parametrize("transform", [grad, jacrev, jacfwd])
@pytest.mark.parametrize(
    ("argnums", "error", "message"),
    [
        ((0, 0), RuntimeError, "argnums must name every argument once"),
        ((1, -1), RuntimeError, "argnums must name every argument once"),
        ((), RuntimeError, "argnums must name an argument"),
        (2, RuntimeError, "argnums 2 is out of range for 2 positional arguments"),
        ("x", TypeError, "argnums must be an int or a tuple of ints, got str 'x'"),
    ],
)
def test_wrong_argnums(transform, argnums, error, message):
    with pytest.raises(error, match=f"{transform.__name__}: {message}"):
        transform(lambda x, y: (x * y).sum(), argnums=argnums)(X, Y)


def test_named_tuples_and_dicts():
    found = grad(lambda p: (p.a**2).sum() + p.b.sum())(Pair(X, Y))
    assert isinstance(found, Pair)
    assert found.a.tolist() == [2.0, 4.0]
    block = jacrev(lambda d: {"o": d["a"] * d["b"][0].sum()})({"a": X, "b": (Y,)})
    assert block["o"]["b"][0].tolist() == [[1.0, 1.0], [2.0, 2.0]]


# ---- what functions return ----


def test_results_that_have_no_gradient():
    with pytest.raises(RuntimeError, match=r"grad: .* one tensor of one element, got a Tensor of shape \(2,\)"):
        grad(lambda x: x * 2)(X)
    with pytest.raises(RuntimeError, match="grad: the function must return a real number, got .*complex128"):
        grad(lambda x: (x * 1j).sum())(X)


@pytest.mark.parametrize("transform", [jacrev, jacfwd])
def test_complex_jacobians_are_refused(transform):
    with pytest.raises(RuntimeError, match=f"{transform.__name__}: the inputs must be real, got .*complex64"):
        transform(lambda z: z * z)(dt.tensor([1 + 1j]))
    with pytest.raises(RuntimeError, match=f"{transform.__name__}: the outputs must be real, got .*complex128"):
        transform(lambda x: x * 1j)(X)


# ---- vjp and jvp ----


def test_weights_have_the_form_of_the_output():
    _, pull = vjp(lambda x: (x * 2, {"s": x.sum()}), X)
    one, two = dt.ones(2, dtype=dt.float64), dt.tensor(2.0, dtype=dt.float64)
    assert pull((one, {"s": two}))[0].tolist() == [4.0, 4.0]
    for wrong in ((one,), (one, {"z": two}), one):
        with pytest.raises(RuntimeError, match="vjp: the weights must have the form of the output"):
            pull(wrong)


def test_pulling_back_once():
    _, pull = vjp(lambda x: x.exp(), X)
    assert dt.allclose(pull(cotangents=dt.ones_like(X), retain_graph=False)[0], X.exp())
    with pytest.raises(RuntimeError, match="a second time"):
        pull(dt.ones_like(X))


@pytest.mark.parametrize("create_graph", [None, False, True])
def test_pulled_back_products_are_recorded_as_asked(create_graph):
    w = Y.clone().requires_grad_()
    _, pull = vjp(lambda x: x * w, X)
    (product,) = pull(dt.ones_like(X), create_graph=create_graph)
    assert product.requires_grad is (create_graph is not False)


def test_tangents_have_the_form_of_the_primals():
    with pytest.raises(RuntimeError, match="jvp: the tangents must have the form of the primals"):
        jvp(lambda x: x * 2, (X,), (Y, Y))
    with pytest.raises(RuntimeError, match="jvp: the primals must have a Tensor among them"):
        jvp(lambda: X, (), ())
    with pytest.raises(RuntimeError, match="jvp: output 1 does not depend on the primals"):
        jvp(lambda x: (x, Y), (X,), (Y,), strict=True)


@pytest.mark.parametrize("randomness", ["same", "different"])
def test_random_numbers_in_a_forward_jacobian(randomness):
    found = jacfwd(lambda x: x * 3 + dt.randn(2, dtype=dt.float64), randomness=randomness)(X)
    assert found.tolist() == [[3.0, 0.0], [0.0, 3.0]]


# ---- vmap ----


def test_what_is_no_tensor_may_come_out_where_out_dims_say_so():
    assert vmap(lambda x: (x * 2, "text", None), out_dims=(0, None, None))(X)[1:] == ("text", None)
    with pytest.raises(ValueError, match="must return tensors, got str; say out_dims=None"):
        vmap(lambda x: (x, "text"))(X)


# ---- dt.autograd.functional ----


@pytest.mark.parametrize("strategy", ["reverse-mode", "forward-mode"])
def test_vectorized_jacobians(strategy):
    def f(x, y):
        return x * y.sum(), y.exp()

    rows = functional.jacobian(f, (X, Y))
    mapped = functional.jacobian(f, (X, Y), vectorize=True, strategy=strategy)
    for one, other in zip(rows, mapped, strict=True):
        assert all(dt.allclose(a, b) for a, b in zip(one, other, strict=True))
    single = functional.jacobian(lambda x: x * x.sum(), X, vectorize=True, strategy=strategy)
    assert dt.allclose(single, functional.jacobian(lambda x: x * x.sum(), X))
    tupled = functional.jacobian(lambda x: (x, x.sum()), X, vectorize=True, strategy=strategy)
    assert [each.shape for each in tupled] == [(2, 2), (2,)]


@pytest.mark.parametrize("strategy", ["reverse-mode", "forward-mode"])
def test_vectorized_hessians(strategy):
    def f(x, y):
        return (x * x * y).sum()

    rows = functional.hessian(f, (X, Y))
    mapped = functional.hessian(f, (X, Y), vectorize=True, outer_jacobian_strategy=strategy)
    for one, other in zip(rows, mapped, strict=True):
        assert all(dt.allclose(a, b) for a, b in zip(one, other, strict=True))
    single = functional.hessian(lambda x: x.prod() ** 2, X, vectorize=True, outer_jacobian_strategy=strategy)
    assert dt.allclose(single, hessian(lambda x: x.prod() ** 2)(X))


def test_a_vectorized_jacobian_can_be_differentiated():
    x = X.clone().requires_grad_()
    functional.jacobian(lambda t: t**3, x, vectorize=True, create_graph=True).sum().backward()
    assert x.grad.tolist() == [6.0, 12.0]
    assert functional.jacobian(lambda t: Y * 1, x, vectorize=True).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert functional.jacobian(lambda t: t * 2, X[:0], vectorize=True).shape == (0, 0)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"strategy": "forward-mode"}, NotImplementedError, "jacobian: strategy='forward-mode' needs vectorize=True"),
        ({"strategy": "sideways"}, ValueError, "jacobian: strategy must be 'reverse-mode' or 'forward-mode'"),
        ({"vectorize": True, "strict": True}, RuntimeError, "jacobian: strict=True and vectorize=True"),
        (
            {"vectorize": True, "strategy": "forward-mode", "create_graph": True},
            NotImplementedError,
            "jacobian: create_graph=True needs strategy='reverse-mode'",
        ),
    ],
)
def test_what_jacobians_refuse(options, error, message):
    with pytest.raises(error, match=message):
        functional.jacobian(lambda x: x * 2, X, **options)


def test_functional_refusals_have_one_name():
    with pytest.raises(RuntimeError, match="^hessian: the function must return one tensor of one element, got a T"):
        functional.hessian(lambda x: x * 2, X)
    with pytest.raises(RuntimeError, match="^hvp: the function must return one tensor"):
        functional.hvp(lambda x: x * 2, X, Y)
    with pytest.raises(RuntimeError, match=r"^jacobian: the outputs must be real where vectorize is False, got .*128"):
        functional.jacobian(lambda x: x * 1j, X)
    with pytest.raises(RuntimeError, match=r"^hessian: the gradients must be real where vectorize is False, got .*128"):
        functional.hessian(lambda z: z.abs().sum(), X.to(dt.complex128))
    with pytest.raises(RuntimeError, match=r"^vhp: the function must return a real number, got one of .*complex128"):
        functional.vhp(lambda x: (x * 1j).sum(), X, X)
    with pytest.raises(RuntimeError, match="^vjp: no output depends on input 1"):
        functional.vjp(lambda x, y: x * 2, (X, Y), X, strict=True)
    with pytest.raises(RuntimeError, match="^jvp: the derivative at position 0 does not depend on the inputs"):
        functional.jvp(lambda x: x * 2, X, Y, create_graph=True, strict=True)


# ---- forward_ad ----


def test_forward_over_reverse_and_reverse_over_forward():
    x = X.clone().requires_grad_()
    direction = dt.tensor([1.0, 10.0], dtype=dt.float64)
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(x, direction)
        loss = (dual**3).sum()
        (slope,) = dt.autograd.grad(loss, x, create_graph=True)
        assert forward_ad.unpack_dual(slope).tangent.tolist() == [6.0, 120.0]
        (product,) = dt.autograd.grad(forward_ad.unpack_dual(loss).tangent, x)
        assert product.tolist() == [6.0, 120.0]


def test_levels_have_the_number_zero():
    with forward_ad.dual_level() as level:
        dual = forward_ad.make_dual(X, Y, level=level)
        assert forward_ad.unpack_dual(dual, level=level).tangent.tolist() == Y.tolist()
        with pytest.raises(RuntimeError, match="make_dual: level must be None or 0, as levels do not nest, got int 1"):
            forward_ad.make_dual(X, Y, level=1)
        with pytest.raises(RuntimeError, match="make_dual: the tensor carries a tangent already"):
            forward_ad.make_dual(dual, Y)
        with pytest.raises(TypeError, match="make_dual: tangent must be a Tensor, got int 3"):
            forward_ad.make_dual(X, 3)
        with pytest.raises(RuntimeError, match="not entered"):
            forward_ad.exit_dual_level(level=3)
        assert dt.allclose(jvp(dt.sin, (X,), (Y,))[1], X.cos() * Y)
    assert forward_ad.unpack_dual(X) == forward_ad.UnpackedDualTensor(X, None)
    forward_ad.exit_dual_level(level=forward_ad.enter_dual_level())
    with pytest.raises(RuntimeError, match="enter_dual_level: called inside a transform"):
        jvp(lambda x: forward_ad.enter_dual_level(), (X,), (Y,))
