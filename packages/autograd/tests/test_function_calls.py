"""How Functions are called: keyword arguments, forward mode, what they may return and keep."""

import pytest

import dovetail as dt
from dovetail.autograd import Function, forward_ad


def leaf(*values):
    return dt.tensor(values, dtype=dt.float64, requires_grad=True)


class Scaled(Function):
    @staticmethod
    def forward(ctx, x, k=2.0):
        ctx.save_for_backward(x)
        ctx.k = k
        return x * k

    @staticmethod
    def backward(ctx, gradient):
        return gradient * ctx.k, (gradient * ctx.saved_tensors[0]).sum() if ctx.needs_input_grad[1] else None

    @staticmethod
    def jvp(ctx, x, k):
        return x * ctx.k


class Separate(Function):
    seen = ()

    @staticmethod
    def forward(x, k=2.0):
        return x * k

    @staticmethod
    def setup_context(ctx, inputs, output):
        Separate.seen = inputs
        ctx.k = inputs[1]

    @staticmethod
    def backward(ctx, gradient):
        return gradient * ctx.k, None


def test_keyword_arguments_take_their_places():
    x, k = leaf(1.0, 2.0), leaf(3.0).sum()
    k.retain_grad()
    Scaled.apply(x, k=k).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]
    assert k.grad.item() == 3.0
    Separate.apply(x=x).sum().backward()
    assert Separate.seen[1] == 2.0
    assert x.grad.tolist() == [5.0, 5.0]
    Separate.apply(x, k=4.0)
    assert Separate.seen[1] == 4.0
    with pytest.raises(TypeError, match=r"Scaled.apply: multiple values for argument 'k'"):
        Scaled.apply(x, 3.0, k=4.0)
    with pytest.raises(TypeError, match=r"Separate.apply: got an unexpected keyword argument 'z'"):
        Separate.apply(x, z=4.0)


def test_keywords_that_backward_could_not_count_are_refused():
    class Only(Function):
        @staticmethod
        def forward(ctx, x, *, k):
            return x * k

    with pytest.raises(TypeError, match=r"Only.apply: forward must take k as positional arguments"):
        Only.apply(leaf(1.0), k=3)


def test_forward_mode_with_a_context():
    x = leaf(1.0, 2.0)
    with forward_ad.dual_level():
        y = Scaled.apply(forward_ad.make_dual(x, dt.tensor([1.0, 10.0], dtype=dt.float64)), 3.0)
        assert forward_ad.unpack_dual(y).tangent.tolist() == [3.0, 30.0]
        y.sum().backward()
        assert x.grad.tolist() == [3.0, 3.0]
    with pytest.raises(RuntimeError, match="Scaled: inside a transform .* needs a forward without a context"):
        dt.func.grad(lambda t: Scaled.apply(t, 3.0).sum())(x.detach())


@pytest.mark.parametrize(
    ("rates", "error", "message"),
    [
        (lambda t: (t, t), RuntimeError, "Wrong: jvp returned 2 tangents for 1 results"),
        (lambda t: 3, TypeError, "Wrong: jvp must return a Tensor or None as tangent 0, .* got int 3"),
        (lambda t: t[:1], RuntimeError, r"a tangent of shape \(1,\) for a result of shape \(2,\)"),
    ],
)
def test_wrong_tangents_are_refused(rates, error, message):
    class Wrong(Scaled):
        @staticmethod
        def jvp(ctx, x, k):
            return rates(x)

    with forward_ad.dual_level():
        x = forward_ad.make_dual(dt.ones(2), dt.ones(2))
        with pytest.raises(error, match=message):
            Wrong.apply(x, 3.0)


def test_a_jvp_without_tangent_means_a_constant():
    class Constant(Scaled):
        @staticmethod
        def jvp(ctx, x, k):
            return None

    with forward_ad.dual_level():
        y = Constant.apply(forward_ad.make_dual(dt.ones(2), dt.ones(2)), 3.0)
        assert forward_ad.unpack_dual(y).tangent is None


@pytest.mark.parametrize("materialize", [False, True])
def test_missing_tangents_are_zeros(materialize):
    seen = []

    class Sum(Function):
        @staticmethod
        def forward(x, y, n):
            return x + y

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.set_materialize_grads(materialize)

        @staticmethod
        def jvp(ctx, x, y, n):
            seen.append((None if y is None else y.tolist(), n))
            return x

    x = dt.ones(2)
    dt.func.jvp(lambda t: Sum.apply(t, x, dt.arange(2)), (x,), (x,))
    assert seen == [([0.0, 0.0] if materialize else None, None)]


def test_jvp_of_a_generated_batching_rule():
    class Product(Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(x, y):
            return x * y

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)
            ctx.save_for_forward(*inputs)

        @staticmethod
        def jvp(ctx, dx, dy):
            x, y = ctx.saved_tensors
            return dx * y + x * dy

    x, y = dt.arange(6.0).reshape(2, 3), dt.arange(3.0)
    value, rate = dt.func.jvp(lambda t: dt.vmap(Product.apply, in_dims=(0, None))(x, t), (y,), (dt.ones(3),))
    assert dt.equal(value, x * y)
    assert dt.equal(rate, x)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (lambda x, d: x, "Wrong: vmap must return two things, the output and its out_dims, got a Tensor"),
        (lambda x, d: (x, (0, 0)), r"Wrong: vmap returned out_dims \(0, 0\) for 1 results"),
        (lambda x, d: (x, 1), r"vmap said that dim 1 of a result of shape \(2, 3\) is the mapped one, of size 2"),
        (lambda x, d: (x, "0"), "vmap said that dim '0' of a result"),
    ],
)
def test_wrong_results_of_vmap_are_refused(returned, message):
    class Wrong(Separate):
        @staticmethod
        def vmap(info, in_dims, x, k):
            return returned(x, in_dims[0])

    with pytest.raises(RuntimeError, match=message):
        dt.vmap(lambda t: Wrong.apply(t, 3.0))(dt.ones(2, 3))


def test_misuse_is_refused_in_words():
    class Marks(Function):
        @staticmethod
        def forward(ctx, x, mark):
            getattr(ctx, mark)(3)
            return x * 2

    x = leaf(1.0)
    for mark in ("mark_dirty", "mark_non_differentiable"):
        with pytest.raises(TypeError, match=f"Marks: {mark} takes Tensors, got int 3"):
            Marks.apply(x, mark)
    with pytest.raises(TypeError, match="save_for_backward can only save variables, but argument 0 is of type int"):
        Marks.apply(x, "save_for_backward")
    with pytest.raises(RuntimeError, match=r"an autograd Function is not instantiated; call Scaled.apply"):
        Scaled(x, 3)
    with pytest.raises(RuntimeError, match=r"an autograd Function is not instantiated; call Scaled.apply"):
        Scaled()


def test_a_complex_gradient_of_a_real_input_is_refused():
    class Complex(Function):
        @staticmethod
        def forward(ctx, x):
            return x + 0j

        @staticmethod
        def backward(ctx, gradient):
            return gradient

    with pytest.raises(RuntimeError, match="ComplexBackward returned a complex gradient at position 0"):
        Complex.apply(leaf(1.0)).abs().sum().backward()


def test_saved_tensors_can_be_let_go_of_when_they_are_read():
    class Once(Function):
        clear_saved_tensors_on_access = True

        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**2

        @staticmethod
        def backward(ctx, gradient):
            (x,) = ctx.saved_tensors
            with pytest.raises(RuntimeError, match="OnceBackward: saved_tensors can only be accessed once"):
                ctx.saved_tensors  # noqa: B018
            return gradient * 2 * x

    x = leaf(3.0)
    Once.apply(x).backward()
    assert x.grad.item() == 6.0
