"""Gradient edges, what nodes keep, hooks on several tensors, saved tensors that are written."""

import gc
import weakref

import pytest

import dovetail as dt
from dovetail.autograd import graph
from dovetail.autograd.graph import GradientEdge, get_gradient_edge


def leaf(*values):
    return dt.tensor(values, dtype=dt.float64, requires_grad=True)


# ---- gradient edges ----


def test_gradient_edges_stand_for_outputs():
    x = leaf(1.0, 2.0)
    y = x * 3
    edge = get_gradient_edge(y)
    z = get_gradient_edge(y.square().sum())
    del y
    (slope,) = dt.autograd.grad(z, x, retain_graph=True)
    assert slope.tolist() == [18.0, 36.0]
    (slope,) = dt.autograd.grad(edge, x, dt.ones(2, dtype=dt.float64), retain_graph=True)
    assert slope.tolist() == [3.0, 3.0]
    dt.autograd.backward([z, edge], [None, dt.ones(2, dtype=dt.float64)])
    assert x.grad.tolist() == [21.0, 39.0]


def test_gradient_edges_stand_for_inputs():
    x, other = leaf(1.0, 2.0), leaf(5.0)
    y = x * 3
    loss = y.square().sum() * other.sum()
    (slope,) = dt.autograd.grad(loss, get_gradient_edge(y), retain_graph=True)
    assert slope.tolist() == [30.0, 60.0]
    dt.autograd.backward(loss, inputs=get_gradient_edge(x), retain_graph=True)
    assert x.grad.tolist() == [90.0, 180.0]
    assert other.grad is None
    with pytest.raises(RuntimeError, match="backward: inputs: a GradientEdge into MulBackward0 has no tensor"):
        dt.autograd.backward(loss, inputs=get_gradient_edge(y))


def test_wrong_gradient_edges_are_refused():
    x = leaf(1.0, 2.0)
    node = (x * 3).grad_fn
    with pytest.raises(RuntimeError, match="names output 1 of MulBackward0, which has 1"):
        dt.autograd.grad(GradientEdge(node, 1), x)
    with pytest.raises(RuntimeError, match=r"only for scalar outputs, got a float64 tensor of shape \(2,\)"):
        dt.autograd.grad(GradientEdge(node, 0), x)
    with pytest.raises(TypeError, match="outputs must be a Tensor, a GradientEdge or several of these"):
        dt.autograd.grad((node, 0), x)


# ---- grad's arguments ----


def test_grad_takes_a_dict():
    x, y = leaf(1.0), leaf(2.0)
    found = dt.autograd.grad((x * y).sum(), {"x": x, "y": y})
    assert {name: g.item() for name, g in found.items()} == {"x": 2.0, "y": 1.0}


def test_batched_gradients_are_rows_of_the_jacobian():
    x, unused = leaf(1.0, 2.0, 3.0), leaf(1.0)
    y = x * x.sum()
    eye = dt.eye(3, dtype=dt.float64)
    rows, none = dt.autograd.grad(
        y, (x, unused), eye, is_grads_batched=True, allow_unused=True, retain_graph=True, create_graph=True
    )
    assert none is None
    assert dt.equal(rows, dt.autograd.functional.jacobian(lambda t: t * t.sum(), x))
    assert rows.requires_grad
    one_by_one = [dt.autograd.grad(y, x, each, retain_graph=True)[0] for each in eye.unbind()]
    assert dt.equal(rows, dt.stack(one_by_one))
    with pytest.raises(RuntimeError, match="grad: Mismatch in shape"):
        dt.autograd.grad(y, x, dt.ones(3, 2, dtype=dt.float64), is_grads_batched=True)


def test_former_arguments_warn():
    x = leaf(1.0)
    with pytest.warns(FutureWarning, match="only_inputs=False"):
        dt.autograd.grad(x.sum(), x, only_inputs=False)
    with pytest.warns(FutureWarning, match="grad_variables"):
        dt.autograd.backward(x * 2, grad_variables=dt.ones(1, dtype=dt.float64))
    assert x.grad.item() == 2.0
    with pytest.warns(FutureWarning), pytest.raises(RuntimeError, match="both grad_tensors and grad_variables"):
        dt.autograd.backward(x * 2, x.detach(), grad_variables=x.detach())


# ---- nodes ----


def test_nodes_have_classes_named_like_them():
    x = leaf(1.0, 2.0)
    y = (x * 3).exp()

    class Same(dt.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, gradient):
            return gradient

    assert type(y.grad_fn).__name__ == "ExpBackward0"
    assert y.grad_fn is y.grad_fn
    assert isinstance(y.grad_fn, graph.Node)
    assert type(y.grad_fn) is type(x.exp().grad_fn)
    assert type(y.grad_fn.next_functions[0][0]).__name__ == "MulBackward0"
    assert type(get_gradient_edge(x).node).__name__ == "AccumulateGrad"
    assert type(Same.apply(x).grad_fn).__name__ == "SameBackward"
    with pytest.raises(AttributeError, match="'SameBackward' object has no attribute 'nothing'"):
        Same.apply(x).grad_fn.nothing  # noqa: B018


def test_what_a_node_keeps_can_be_read():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    node = (x * y).grad_fn
    assert node._saved_self.tolist() == [1.0, 2.0]
    assert node._saved_other.tolist() == [3.0, 4.0]
    assert x.exp().grad_fn._saved_result.tolist() == x.exp().tolist()
    soft = x.softmax(0).grad_fn
    assert soft._saved_dim == 0
    assert {"_saved_dim", "_saved_result", "name"} <= set(dir(soft))
    assert dt.cat([x, y]).grad_fn._saved_dim == 0
    with pytest.raises(
        AttributeError, match="'MulBackward0' object has no attribute '_saved_dim'; it keeps self, other"
    ):
        node._saved_dim  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'anything'"):
        node.anything  # noqa: B018
    assert not hasattr(get_gradient_edge(x).node, "_saved_self")


def test_what_was_freed_or_written_cannot_be_read():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    z = x * y
    node = z.grad_fn
    z.sum().backward()
    with pytest.raises(RuntimeError, match="MulBackward0: Trying to backward through the graph a second time"):
        node._saved_self  # noqa: B018
    with dt.no_grad():
        other = (a := x.detach().clone()) * 1
        kept = (y * other).grad_fn
    assert kept is None
    w = y * a
    a.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        w.grad_fn._saved_other  # noqa: B018


def test_hooks_on_one_saved_tensor():
    x = leaf(1.0, 2.0)
    y = x.sin()
    kept = []

    def pack(t):
        kept.append(t.tolist())
        return t.tolist()

    raw = y.grad_fn._raw_saved_self
    raw.register_hooks(pack, lambda values: dt.tensor(values, dtype=dt.float64))
    with pytest.raises(RuntimeError, match="has hooks already"):
        raw.register_hooks(pack, pack)
    y.sum().backward(create_graph=True)
    assert kept == [[1.0, 2.0]]
    (second,) = dt.autograd.grad(x.grad.sum(), x)
    assert dt.allclose(x.grad.detach(), x.detach().cos())
    assert dt.allclose(second, -x.detach().sin())


def test_a_node_can_be_called():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    node = (x * y).grad_fn
    assert [g.tolist() for g in node(dt.ones(2, dtype=dt.float64))] == [[3.0, 4.0], [1.0, 2.0]]
    assert [g.tolist() for g in node(dt.ones(2, dtype=dt.float64))] == [[3.0, 4.0], [1.0, 2.0]]
    with pytest.raises(TypeError, match="MulBackward0: expected 1 gradients, one for every output, got 2"):
        node(x, y)


# ---- hooks on several tensors ----


def test_a_hook_on_several_gradients_is_called_once_a_backward():
    a, b, c = leaf(1.0), leaf(2.0), leaf(3.0)
    seen = []
    handle = graph.register_multi_grad_hook((a, b, c), lambda grads: seen.append([g and g.item() for g in grads]))
    (a * 2 + b * 3).sum().backward()
    (a * 2 + b * 3 + c).sum().backward()
    (c * 5).sum().backward()
    assert seen == [[2.0, 3.0, None], [2.0, 3.0, 1.0], [None, None, 5.0]]
    handle.remove()
    a.sum().backward()
    assert len(seen) == 3


def test_a_hook_on_several_gradients_counts_what_inputs_prune():
    a, b = leaf(1.0), leaf(2.0)
    seen = []
    graph.register_multi_grad_hook((a, b), lambda grads: seen.append([g and g.item() for g in grads]))
    dt.autograd.grad((a * 2 + b * 3).sum(), b)
    assert seen == [[None, 3.0]]


def test_a_hook_on_the_first_of_several_gradients():
    a, b = leaf(1.0), leaf(2.0)
    seen = []
    with graph.register_multi_grad_hook((a, b), lambda g: seen.append(g.item()), mode="any"):
        (a * 2 + b * 3).sum().backward()
        (a * 4).sum().backward()
    (a * 4).sum().backward()
    assert len(seen) == 2
    assert seen[1] == 4.0
    with pytest.raises(ValueError, match="mode must be 'all' or 'any', got str 'some'"):
        graph.register_multi_grad_hook((a,), print, mode="some")
    with pytest.raises(RuntimeError, match=r"tensors\[1\] does not require a gradient"):
        graph.register_multi_grad_hook((a, dt.ones(2)), print)


def test_a_backward_inside_a_hook_has_counts_of_its_own():
    a, b = leaf(1.0), leaf(2.0)
    seen = []

    def hook(grads):
        seen.append([g.item() for g in grads])
        if len(seen) == 1:
            with dt.enable_grad():
                (a * 7 + b * 8).sum().backward()

    graph.register_multi_grad_hook((a, b), hook)
    (a * 2 + b * 3).sum().backward()
    assert seen == [[2.0, 3.0], [7.0, 8.0]]


def test_a_hook_on_several_tensors_keeps_no_graph():
    x = leaf(1.0)
    y = x * 2
    graph.register_multi_grad_hook((y,), print)
    node = weakref.ref(y)
    del y
    gc.collect()
    assert node() is None


def test_run_notes_need_a_run():
    with pytest.raises(RuntimeError, match="no backward is running on this thread"):
        dt.autograd._engine.run_notes()


# ---- saved tensors ----


def test_saved_tensors_may_be_written_where_that_is_allowed():
    x = leaf(1.0, 2.0)
    with graph.allow_mutation_on_saved_tensors():
        y = x * 1
        part = y[:1]
        z = y.exp() + part.sum()
        y.mul_(3)
        z.mul_(2)
        y[1] = 0
        (z * z).sum().backward()
    expected = x.detach().requires_grad_()
    ((expected.exp() + expected[:1].sum()) * 2).square().sum().backward()
    assert dt.allclose(x.grad, expected.grad)


def test_saved_tensors_are_copied_once_and_only_where_they_are_written():
    x = leaf(1.0, 2.0)
    with graph.allow_mutation_on_saved_tensors():
        y = x * 1
        a, b = y.sin(), y.square()
        kept = a.grad_fn._raw_saved_self
        assert kept is not None
        assert a.grad_fn._saved_self.data_ptr() == y.data_ptr()
        y.zero_()
        y.add_(5)
        assert a.grad_fn._saved_self.tolist() == b.grad_fn._saved_self.tolist() == [1.0, 2.0]


def test_saved_tensors_are_gone_outside_or_when_cleared():
    x = leaf(1.0, 2.0)
    with graph.allow_mutation_on_saved_tensors() as saved:
        y = x.sin()
        with pytest.raises(RuntimeError, match="cannot be nested"), graph.allow_mutation_on_saved_tensors():
            pass
        z = x.sin()
        saved.clear()
        with pytest.raises(RuntimeError, match="outside of the 'allow_mutation_on_saved_tensors' context"):
            z.sum().backward()
    with pytest.raises(RuntimeError, match="outside of the 'allow_mutation_on_saved_tensors' context"):
        y.sum().backward()


def test_saved_tensors_hooks_can_be_disabled():
    with graph.disable_saved_tensors_hooks("no packing"):
        with graph.disable_saved_tensors_hooks("none either"):
            pass
        with pytest.raises(RuntimeError, match="^no packing$"), graph.save_on_cpu():
            pass
    with (
        graph.save_on_cpu(),
        pytest.raises(RuntimeError, match="^no packing$"),
        graph.disable_saved_tensors_hooks("no packing"),
    ):
        pass
    with pytest.raises(TypeError, match="error_message must be a str, got int 3"), graph.disable_saved_tensors_hooks(3):
        pass


def test_saved_tensors_hooks_refuse_what_can_only_fail_later():
    with pytest.raises(TypeError, match="saved_tensors_hooks: unpack_hook must be callable, got int 2"):
        graph.saved_tensors_hooks(print, 2)
    x = leaf(1.0) * 1
    with (
        graph.saved_tensors_hooks(lambda t: t.add_(1), lambda t: t),
        pytest.raises(RuntimeError, match="pack_hook wrote into the tensor that it was given"),
    ):
        x.sin()


def test_increment_version():
    x, y = dt.ones(2), dt.ones(2)
    graph.increment_version(x)
    graph.increment_version([x, y])
    assert (x._version, y._version) == (2, 1)
    w = leaf(1.0, 2.0)
    kept = dt.ones(2, dtype=dt.float64)
    z = (w * kept).sum()
    graph.increment_version(kept)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.backward()
    with pytest.raises(TypeError, match="increment_version: expected a Tensor or several, got int 3"):
        graph.increment_version(3)


# ---- former and other names ----


def test_other_places_of_names():
    from dovetail.autograd import Variable, grad_mode
    from dovetail.func import grad
    from dovetail.utils.hooks import RemovableHandle

    assert grad is dt.func.grad
    assert grad_mode.no_grad is dt.no_grad
    assert isinstance(leaf(1.0).register_hook(print), RemovableHandle)
    x = dt.ones(2)
    v = Variable(x, requires_grad=True)
    assert (isinstance(v, Variable), type(v), v.requires_grad, x.requires_grad) == (True, dt.Tensor, True, False)
    assert v.data_ptr() == x.data_ptr()
    assert not isinstance(3, Variable)
    with pytest.raises(TypeError, match="Variable: data must be a Tensor, got list"):
        Variable([1.0])


def test_multithreading_switch_is_kept():
    from dovetail.autograd.grad_mode import is_multithreading_enabled, set_multithreading_enabled

    assert is_multithreading_enabled()
    with set_multithreading_enabled(False):
        assert not is_multithreading_enabled()
        x = leaf(2.0)
        x.square().backward()
        assert x.grad.item() == 4.0
    assert is_multithreading_enabled()


def test_the_gradient_of_a_computed_tensor_is_missed_with_a_warning():
    x = leaf(1.0)
    y = x * 2
    assert x.grad is None
    with pytest.warns(UserWarning, match=r"grad: this tensor is no leaf.*call retain_grad\(\)"):
        assert y.grad is None
    y.retain_grad()
    assert y.grad is None
    y.backward()
    assert y.grad.item() == 1.0


def test_a_node_whose_hook_takes_all_gradients_away_does_not_run():
    x, other = leaf(1.0), leaf(2.0)
    y = x * 2
    y.grad_fn.register_prehook(lambda gradients: (None,))
    (y + other).sum().backward()
    assert x.grad is None
    assert other.grad.item() == 1.0
