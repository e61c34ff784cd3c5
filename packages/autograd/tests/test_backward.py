"""What backward() and grad() compute, and what they refuse."""

from __future__ import annotations

import pytest

import dovetail as dt


def leaf(*values: float) -> dt.Tensor:
    return dt.tensor(list(values), requires_grad=True)


# ---- results --------------------------------------------------------------------------------------------------


def test_gradients_of_a_small_expression() -> None:
    x, y = leaf(1.0, 2.0), leaf(3.0, 5.0)
    (x * y + x.exp()).sum().backward()
    assert x.grad.tolist() == pytest.approx([3.0 + 2.718281828, 5.0 + 7.389056099])
    assert y.grad.tolist() == [1.0, 2.0]


def test_gradients_accumulate() -> None:
    x = leaf(1.0, 2.0)
    for _ in range(3):
        (x * x).sum().backward()
    assert x.grad.tolist() == [6.0, 12.0]


def test_an_existing_grad_is_added_to_in_place() -> None:
    x = leaf(1.0)
    (x * 2).sum().backward()
    grad = x.grad
    (x * 3).sum().backward()
    assert x.grad is grad
    assert grad.tolist() == [5.0]


def test_a_tensor_used_many_times() -> None:
    x = leaf(2.0)
    (x * x * x + x + x).sum().backward()
    assert x.grad.tolist() == [14.0]


def test_two_leaves_never_share_a_grad() -> None:
    x, y = leaf(1.0), leaf(1.0)
    (x + y).sum().backward()
    x.grad.zero_()
    assert y.grad.tolist() == [1.0]


def test_the_gradient_given_is_not_kept() -> None:
    x = leaf(1.0, 2.0)
    gradient = dt.tensor([1.0, 1.0])
    x.reshape(2, 1).backward(gradient.reshape(2, 1))
    x.grad.zero_()
    assert gradient.tolist() == [1.0, 1.0]


def test_grad_is_laid_out_plainly() -> None:
    w = dt.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    w.sum().backward()
    assert w.grad.is_contiguous()
    assert w.grad.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    w.grad.add_(1)


@pytest.mark.parametrize("shapes", [((3, 4), (4,)), ((3, 4), (3, 1)), ((1, 4), (3, 1)), ((2, 3, 4), ()), ((1,), (5,))])
def test_broadcast_gradients_are_summed(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    a, b = (dt.rand(shape, dtype=dt.float64).requires_grad_() for shape in shapes)
    assert dt.autograd.gradcheck(lambda x, y: x * y + y, (a, b))
    (a * b).sum().backward()
    assert a.grad.shape == a.shape
    assert b.grad.shape == b.shape


def test_gradients_are_cast_back() -> None:
    x = dt.tensor([1.0, 2.0], requires_grad=True)
    y = dt.tensor([3.0, 4.0], dtype=dt.float64, requires_grad=True)
    (x * y).sum().backward()
    assert x.grad.dtype == dt.float32
    assert y.grad.dtype == dt.float64
    x.grad = None
    x.to(dt.float64).sum().backward()
    assert x.grad.dtype == dt.float32


def test_several_outputs() -> None:
    x = dt.tensor([3.0, 1.0, 2.0], requires_grad=True)
    values, indices = x.sort()
    assert values.requires_grad
    assert not indices.requires_grad
    (values * dt.tensor([1.0, 10.0, 100.0])).sum().backward()
    assert x.grad.tolist() == [100.0, 1.0, 10.0]


def test_an_output_that_got_no_gradient_counts_as_zeros() -> None:
    x = dt.arange(6.0).requires_grad_()
    a, _, c = x.split(2)
    (a.sum() + 3 * c.sum()).backward()
    assert x.grad.tolist() == [1.0, 1.0, 0.0, 0.0, 3.0, 3.0]


def test_lists_of_tensors() -> None:
    x, y = leaf(1.0, 2.0), leaf(3.0)
    constant = dt.tensor([9.0, 9.0])
    (dt.cat([x, constant, y]) * dt.arange(5.0)).sum().backward()
    assert x.grad.tolist() == [0.0, 1.0]
    assert y.grad.tolist() == [4.0]


def test_composites_are_differentiated_by_their_decomposition() -> None:
    x = dt.tensor([0.5, 2.0], dtype=dt.float64, requires_grad=True)
    assert not dt.autograd.has_derivative("logaddexp")
    assert dt.autograd.gradcheck(lambda t: dt.logaddexp(t, t * 2), x)


# ---- what is recorded -----------------------------------------------------------------------------------------


def test_only_floating_point_results_require_a_gradient() -> None:
    x = leaf(1.0, 2.0)
    assert not (x > 1).requires_grad
    assert not x.argmax().requires_grad
    assert not x.to(dt.int64).requires_grad
    assert not dt.ones_like(x).requires_grad
    assert not x.detach().requires_grad


def test_leaves_and_nodes() -> None:
    x = leaf(1.0)
    y = x * 2
    assert x.is_leaf
    assert x.grad_fn is None
    assert not y.is_leaf
    assert y.grad_fn.name() == "MulBackward0"
    assert y.grad_fn is y.grad_fn
    (leaf_node, position), constant = y.grad_fn.next_functions
    assert leaf_node.name() == "AccumulateGrad"
    assert leaf_node.variable is x
    assert position == 0
    assert constant == (None, 0)
    assert dt.zeros(2).is_leaf
    assert y.detach().is_leaf


def test_outputs_are_numbered() -> None:
    x = dt.arange(4.0).requires_grad_()
    assert [part.output_nr for part in dt.split_with_sizes(x, (2, 2))] == [0, 1]
    assert x.output_nr == 0


@pytest.mark.parametrize("name, size", [("chunk", 3), ("split", 2)])
def test_parts_are_one_node(name: str, size: int) -> None:
    x = dt.arange(6.0).requires_grad_()
    first, middle, last = getattr(x, name)(size)
    assert first.grad_fn is middle.grad_fn is last.grad_fn
    (first * last).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [4, 5, 0, 0, 0, 1]


@pytest.mark.parametrize("name, size", [("chunk", 2), ("split", 2)])
def test_a_part_written_in_place(name: str, size: int) -> None:
    x = dt.arange(4.0).requires_grad_()
    y = x * 1
    first, last = getattr(y, name)(size)
    first.mul_(last)
    (y * y).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0, 18, 4, 12]  # of (x0 x2)² + (x1 x3)² + x2² + x3²


def test_no_grad_records_nothing() -> None:
    x = leaf(1.0)
    with dt.no_grad():
        y = x * 2
        with dt.enable_grad():
            z = x * 2
    assert not y.requires_grad
    assert z.requires_grad


def test_metadata_stays_with_the_node() -> None:
    y = leaf(1.0) * 2
    y.grad_fn.metadata["note"] = "mine"
    assert y.grad_fn.metadata == {"note": "mine"}


def test_an_op_that_returns_its_argument() -> None:
    x = leaf(1.0, 2.0)
    y = x.contiguous()
    assert y is x
    assert x.is_leaf


# ---- retain_graph, create_graph -------------------------------------------------------------------------------


def test_a_second_backward_needs_retain_graph() -> None:
    x = leaf(1.0)
    y = x.exp().sum()
    y.backward()
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        y.backward()
    z = x.exp().sum()
    z.backward(retain_graph=True)
    z.backward()


def test_a_graph_that_saved_nothing_runs_again() -> None:
    x = leaf(1.0)
    y = (x + 1).sum()
    y.backward()
    y.backward()
    assert x.grad.tolist() == [2.0]


def test_higher_order() -> None:
    x = dt.tensor(2.0, dtype=dt.float64, requires_grad=True)
    y = x**4
    derivatives = []
    for _ in range(4):
        (y,) = dt.autograd.grad(y, x, create_graph=True)
        derivatives.append(y.item())
    assert derivatives == [32.0, 48.0, 48.0, 24.0]


def test_create_graph_leaves_a_grad_with_history() -> None:
    x = dt.tensor(3.0, requires_grad=True)
    (x**3).backward(create_graph=True)
    assert x.grad.requires_grad
    (second,) = dt.autograd.grad(x.grad, x)
    assert second.item() == 18.0


def test_results_saved_by_their_own_node_have_history() -> None:
    x = dt.tensor([0.3], dtype=dt.float64, requires_grad=True)
    for function in (dt.exp, dt.tanh, dt.sigmoid, dt.sqrt, dt.tan, lambda t: t.softmax(0)):
        assert dt.autograd.gradgradcheck(function, x)


# ---- grad() ---------------------------------------------------------------------------------------------------


def test_grad_touches_no_leaf() -> None:
    x, y = leaf(2.0), leaf(3.0)
    gx, gy = dt.autograd.grad((x * y).sum(), (x, y))
    assert (gx.item(), gy.item()) == (3.0, 2.0)
    assert x.grad is None
    assert y.grad is None


def test_grad_of_something_in_the_middle() -> None:
    x = leaf(2.0)
    y = x * 3
    z = (y * y).sum()
    gy, gx = dt.autograd.grad(z, (y, x))
    assert (gy.item(), gx.item()) == (12.0, 36.0)


def test_grad_of_an_output_by_itself() -> None:
    y = leaf(2.0) * 3
    (g,) = dt.autograd.grad(y, y)
    assert g.tolist() == [1.0]


def test_grad_runs_no_more_than_it_needs() -> None:
    x, w = leaf(2.0), leaf(3.0)
    hidden = w.exp()
    ran = []
    hidden.register_hook(lambda g: ran.append(1))
    dt.autograd.grad((x * hidden).sum(), x)
    assert not ran


def test_unused_inputs() -> None:
    x, y = leaf(2.0), leaf(3.0, 4.0)
    with pytest.raises(RuntimeError, match="appears to not have been used in the graph"):
        dt.autograd.grad(x * 2, y)
    assert dt.autograd.grad(x * 2, y, allow_unused=True) == (None,)
    (zeros,) = dt.autograd.grad(x * 2, y, materialize_grads=True)
    assert zeros.tolist() == [0.0, 0.0]


def test_several_roots() -> None:
    x = leaf(2.0)
    y = x * 3
    z = y * y
    dt.autograd.backward([y, z], [dt.tensor([1.0]), dt.tensor([10.0])])
    assert x.grad.tolist() == [3.0 + 360.0]


def test_backward_into_chosen_inputs() -> None:
    x, w = leaf(2.0), leaf(3.0)
    y = x * w
    y.backward(inputs=[x])
    assert x.grad.tolist() == [3.0]
    assert w.grad is None
    y = x * 2
    (y * w).backward(inputs=[y, w])
    assert y.grad.tolist() == [3.0]
    assert w.grad.tolist() == [4.0]
    assert x.grad.tolist() == [3.0]


# ---- what is refused ------------------------------------------------------------------------------------------


def test_only_scalars_begin_with_one() -> None:
    with pytest.raises(RuntimeError, match="grad can be implicitly created only for scalar outputs"):
        leaf(1.0, 2.0).exp().backward()
    x = leaf(4.0)
    (x * 2).backward()  # one element will do
    assert x.grad.tolist() == [2.0]


def test_gradients_must_fit() -> None:
    y = leaf(1.0, 2.0).exp()
    with pytest.raises(RuntimeError, match="Mismatch in shape"):
        y.backward(dt.ones(3))
    with pytest.raises(TypeError, match="Tensors or None"):
        dt.autograd.backward([y], [1.0])
    with pytest.raises(RuntimeError, match="2 gradients"):
        dt.autograd.backward([y], [y, y])


def test_tensors_without_a_graph() -> None:
    with pytest.raises(RuntimeError, match="does not require grad and does not have a grad_fn"):
        dt.zeros(1).backward()
    with pytest.raises(RuntimeError, match="does not require grad"):
        dt.autograd.grad(leaf(1.0), dt.zeros(1))
    with pytest.raises(RuntimeError, match="cannot be empty"):
        leaf(1.0).backward(inputs=[])
    with pytest.raises(RuntimeError, match="cannot be empty"):
        dt.autograd.grad(leaf(1.0), [])


def test_out_takes_no_part() -> None:
    x = leaf(1.0)
    with pytest.raises(RuntimeError, match="don't support automatic differentiation"):
        dt.exp(x, out=dt.zeros(1))
    with pytest.raises(RuntimeError, match="don't support automatic differentiation"):
        dt.exp(dt.zeros(1), out=x)
    with dt.no_grad():
        dt.exp(dt.zeros(1), out=x)
    assert x.tolist() == [1.0]


def test_requires_grad_is_for_floats() -> None:
    with pytest.raises(RuntimeError, match="floating point"):
        dt.arange(3).requires_grad_()
    with pytest.raises(RuntimeError, match="leaf"):
        (leaf(1.0) * 2).requires_grad_(False)
    x = dt.zeros(2)
    assert x.requires_grad_() is x
    assert x.requires_grad
    assert not x.requires_grad_(False).requires_grad


def test_detach_() -> None:
    y = leaf(1.0) * 2
    assert y.detach_() is y
    assert y.is_leaf
    assert not y.requires_grad
    with pytest.raises(RuntimeError, match="Can't detach views in-place"):
        (leaf(1.0, 2.0) * 2)[0].detach_()


def test_the_profiler_sees_backward() -> None:
    x = leaf(1.0, 2.0)
    with dt.autograd.profiler.profile() as prof:
        y = x.exp().sum()
        with dt.autograd.profiler.record_function("backward"):
            y.backward()
    names = [each.name for each in prof.events()]
    assert names[:2] == ["exp", "sum"]
    assert names.index("backward") == 2
    assert "mul" in names[3:]
    assert prof.events()[2].cpu_time_inside > 0
    assert dt.autograd.profiler.profile is dt.profiler.profile
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        dt.autograd.nothing  # noqa: B018


def test_scatter_reduces_in_its_older_form_with_a_gradient():
    leaf = dt.ones(3, requires_grad=True)
    leaf.scatter(0, dt.tensor([1]), 4.0, reduce="multiply").sum().backward()
    assert leaf.grad.tolist() == [1.0, 4.0, 1.0]
