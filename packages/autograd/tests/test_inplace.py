"""Writing in place: the history of what was written, of its views, and what saved tensors notice."""

from __future__ import annotations

from typing import Any

import pytest

import dovetail as dt


def leaf(*values: float) -> dt.Tensor:
    return dt.tensor(list(values), dtype=dt.float64, requires_grad=True)


# ---- whole tensors --------------------------------------------------------------------------------------------


def test_history_continues() -> None:
    x = leaf(1.0, 2.0)
    y = x * 1
    same = y.mul_(3).add_(x)
    assert same is y
    assert y.grad_fn.name() == "AddBackward0"
    y.sum().backward()
    assert x.grad.tolist() == [4.0, 4.0]


def test_a_constant_gets_a_history() -> None:
    x = leaf(1.0, 2.0)
    y = dt.zeros(2, dtype=dt.float64)
    y.add_(x * 5)
    assert y.requires_grad
    y.sum().backward()
    assert x.grad.tolist() == [5.0, 5.0]


@pytest.mark.parametrize("operand", ["leaf", "self"])
def test_the_overwritten_value_is_kept_where_it_is_needed(operand: str) -> None:
    x, w = leaf(2.0, 3.0), leaf(5.0, 7.0)
    y = x * 1
    y.mul_(w if operand == "leaf" else y)
    y.sum().backward()
    assert x.grad.tolist() == ([5.0, 7.0] if operand == "leaf" else [4.0, 6.0])
    if operand == "leaf":
        assert w.grad.tolist() == [2.0, 3.0]


def test_results_saved_in_place() -> None:
    x = leaf(0.5)
    y = (x * 1).exp_()
    y.backward()
    assert x.grad.item() == pytest.approx(1.6487212707001282)
    assert dt.autograd.gradgradcheck(lambda t: (t * 1).sin_().exp_(), x)
    z = (x * 1).exp_()
    z.sin_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.backward()


def test_composites_in_place() -> None:
    x = leaf(0.3, 0.6)
    y = x * 1
    y.logit_()
    y.sum().backward()
    assert x.grad.tolist() == pytest.approx([1 / (v * (1 - v)) for v in (0.3, 0.6)])


def test_copy_and_fill() -> None:
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    y = x * 1
    y.copy_(w * 2)
    y.sum().backward()
    assert x.grad.tolist() == [0.0, 0.0]
    assert w.grad.tolist() == [2.0, 2.0]
    z = x * 1
    z.zero_()
    assert z.requires_grad
    z.sum().backward()
    assert x.grad.tolist() == [0.0, 0.0]


def test_ops_without_a_derivative_cut() -> None:
    x = leaf(1.0, 2.0)
    y = x * 1
    y.ge_(1.5)
    y.sum().backward()
    assert x.grad.tolist() == [0.0, 0.0]


# ---- leaves ---------------------------------------------------------------------------------------------------


def test_a_leaf_that_requires_grad_is_not_written() -> None:
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place operation"):
        x.mul_(2)
    with pytest.raises(RuntimeError, match="a view of a leaf Variable that requires grad"):
        x[0] = 3.0
    assert x.tolist() == [1.0, 2.0]
    with dt.no_grad():
        x.mul_(2)
        x[0] = 7.0
    assert x.tolist() == [7.0, 4.0]
    assert x.is_leaf
    assert x.requires_grad


# ---- views ----------------------------------------------------------------------------------------------------


def test_writing_a_view_changes_the_base() -> None:
    x, w = leaf(1.0, 2.0, 3.0), leaf(10.0)
    y = x * 1
    y[1:].mul_(w)
    assert y.grad_fn.name() == "CopySlices"
    (y * dt.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert x.grad.tolist() == [1.0, 20.0, 30.0]
    assert w.grad.tolist() == [2 * 2.0 + 3 * 3.0]


def test_setitem_on_a_constant() -> None:
    x = leaf(5.0, 6.0)
    table = dt.zeros(3, 2, dtype=dt.float64)
    table[1] = x
    table[2, 0] = x[0] * 2
    assert table.requires_grad
    (table * dt.arange(6.0, dtype=dt.float64).reshape(3, 2)).sum().backward()
    assert x.grad.tolist() == [2.0 + 2 * 4.0, 3.0]


def test_views_made_before_the_write_see_it() -> None:
    x = leaf(1.0, 2.0)
    y = x * 1
    first = y[0]
    y.mul_(10)
    assert first.grad_fn.name() == "AsStridedBackward0"
    first.backward()
    assert x.grad.tolist() == [10.0, 0.0]


def test_views_of_a_constant_made_before_the_write_see_it() -> None:
    x = leaf(3.0)
    y = dt.zeros(2, dtype=dt.float64)
    first = y[:1]
    y.add_(x)
    assert first.requires_grad
    (first * 2).sum().backward()
    assert x.grad.tolist() == [2.0]


def test_writes_through_two_views() -> None:
    x = leaf(1.0, 2.0, 3.0, 4.0)
    y = x * 1
    left, right = y[:2], y[2:]
    left.mul_(10)
    right.mul_(left)
    (y + right.sum()).sum().backward()
    # y = (10a, 10b, 10ac, 10bd); the sum counts the last two five times
    assert x.grad.tolist() == [10 + 50 * 3, 10 + 50 * 4, 50 * 1, 50 * 2]


def test_views_of_views() -> None:
    x = leaf(*range(6))
    y = (x * 1).reshape(2, 3)
    y.t()[1].mul_(5)
    y.sum().backward()
    assert x.grad.tolist() == [1, 5, 1, 1, 5, 1]


def test_reversed_views() -> None:
    x = leaf(1.0, 2.0, 3.0)
    y = x * 1
    y[::-1].mul_(dt.tensor([1.0, 10.0, 100.0]))
    y.sum().backward()
    assert x.grad.tolist() == [100.0, 10.0, 1.0]


def test_a_base_that_is_not_contiguous() -> None:
    x = dt.rand((2, 3), dtype=dt.float64).requires_grad_()

    def write(t: dt.Tensor, w: dt.Tensor) -> dt.Tensor:
        y = t.t() * 1  # keeps the transposed layout
        y[1].mul_(w)
        return y

    w = dt.rand((2,), dtype=dt.float64).requires_grad_()
    assert dt.autograd.gradcheck(write, (x, w))
    assert dt.autograd.gradgradcheck(write, (x, w))


def test_second_order_through_views() -> None:
    def write(t: dt.Tensor, w: dt.Tensor) -> dt.Tensor:
        y = t * t
        y[1:].mul_(w)
        y[:2].exp_()
        return y * y

    assert dt.autograd.gradgradcheck(write, (leaf(0.1, 0.2, 0.3), leaf(0.4, 0.5)))


def test_parts_of_a_list_can_be_written() -> None:
    x = leaf(1.0, 2.0, 3.0, 4.0)
    y = x * 1
    for i, part in enumerate(y.split(2)):
        part.mul_(i + 1)
    y.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0, 2.0, 2.0]


def test_many_rows_written_one_by_one() -> None:
    rows = [leaf(float(i), 1.0) for i in range(50)]
    table = dt.zeros(50, 2, dtype=dt.float64)
    for i, row in enumerate(rows):
        table[i] = row * row
    table.sum().backward()
    assert [row.grad.tolist() for row in rows] == [[2.0 * i, 2.0] for i in range(50)]


def test_a_view_made_under_no_grad() -> None:
    y = leaf(1.0, 2.0) * 1
    with dt.no_grad():
        view = y[0]
    with pytest.raises(RuntimeError, match="A view was created in no_grad mode"):
        view.mul_(leaf(2.0)[0])


def test_overlapping_arguments() -> None:
    x = leaf(2.0, 3.0)
    y = x * 1
    y[0].mul_(y[1])
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 1.0 + 2.0]


def test_a_view_made_under_no_grad_is_not_written() -> None:
    y = leaf(1.0, 2.0) * 1
    with dt.no_grad():
        view = y[0]
        of_view = view[None]
    for each in (view, of_view):
        with pytest.raises(RuntimeError, match="mul_: A view was created in no_grad mode"):
            each.mul_(2)  # y would not know
    with dt.no_grad():
        view.mul_(2)  # both in no_grad: not recorded, on purpose
    assert y.tolist() == [2.0, 2.0]


def test_a_view_made_under_no_grad_is_a_constant_until_a_write() -> None:
    x = leaf(1.0, 2.0)
    y = x * 1
    y.mul_(2)
    with dt.no_grad():
        view = y[0]
    assert not view.requires_grad
    (y * view).sum().backward()
    assert x.grad.tolist() == [4.0, 4.0]
    y = x * 1
    with dt.no_grad():
        view = y[0]
    y.mul_(2)
    with pytest.raises(RuntimeError, match="its base or another view of its base has been modified inplace"):
        (view * 2).sum().backward()


def test_a_gradient_is_no_view_made_under_no_grad() -> None:
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    (x.view(2, 1) * 2.0).exp().sum().backward()
    (g,) = dt.autograd.grad((x.view(2, 1) * 2.0).exp().sum(), x)
    for each in (x.grad, g):
        each.mul_(0).add_(w)  # recorded
        (each * 2).sum().backward()
    assert w.grad.tolist() == [4.0, 4.0]


def test_a_view_among_the_arguments_of_a_write() -> None:
    """Its values are those before the write in the write, and those after it from then on."""
    x = leaf(1.0, 2.0, 3.0)
    y = x * 1
    first = y[:1]
    y.mul_(2)
    y.sub_(first)  # y = 2x - 2x0
    (y.sum() + 10 * first.sum()).backward()
    assert x.grad.tolist() == [-4.0, 2.0, 2.0]

    class Sub(dt.autograd.Function):
        @staticmethod
        def forward(ctx: Any, a: Any, b: Any) -> Any:
            ctx.mark_dirty(a)
            return a.sub_(b)

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g, -g.sum().reshape(1)

    x.grad = None
    y = x * 1
    first = y[:1]
    y.mul_(2)
    Sub.apply(y, first)
    (y.sum() + 10 * first.sum()).backward()
    assert x.grad.tolist() == [-4.0, 2.0, 2.0]


@pytest.mark.parametrize("take", [lambda t: t.reshape(-1), lambda t: t.flatten(), lambda t: t.reshape(2, 3)[0]])
def test_a_copy_made_by_an_op_is_no_view(take: Any) -> None:
    """Of a transposed matrix, reshape is a copy, which the op itself looks at in another shape."""
    x = leaf(*range(6))
    y = take(x.reshape(2, 3).t())
    part = y[:1]
    part.mul_(5)
    y.mul_(2)
    (y.sum() + part.sum()).backward()
    assert x.grad.tolist()[0] == 20.0
    assert x.grad.sum().item() == 20 + 2 * (y.numel() - 1)


def test_detach_shares_the_version() -> None:
    x = leaf(1.0, 2.0)
    y = x.exp()
    z = y.sum()
    y.detach()[0] = 5.0
    with pytest.raises(RuntimeError, match="is at version 1; expected version 0"):
        z.backward()


# ---- saved tensors --------------------------------------------------------------------------------------------


def test_a_saved_result_was_written() -> None:
    x = leaf(1.0, 2.0)
    y = x.exp()
    z = (y * 1).sum()
    y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation") as caught:
        z.backward()
    for word in ("ExpBackward0", "float64", "(2,)", "output 0 of Exp", "is at version 1", "expected version 0"):
        assert word in str(caught.value)


def test_a_saved_argument_was_written() -> None:
    x, w = leaf(1.0, 2.0), dt.tensor([3.0, 4.0], dtype=dt.float64)
    y = (x * w).sum()
    w.zero_()
    with pytest.raises(RuntimeError, match="argument other of mul"):
        y.backward()


def test_a_write_elsewhere_in_the_storage_counts() -> None:
    x, w = leaf(1.0), dt.zeros(2, dtype=dt.float64)
    y = (x * w[:1]).sum()
    w[1] = 5.0
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def test_a_parameter_stepped_before_backward() -> None:
    w = leaf(1.0)
    y = (w * w).sum()
    with dt.no_grad():
        w.sub_(0.1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def test_what_is_not_saved_may_be_written() -> None:
    x, w = leaf(1.0), dt.ones(1, dtype=dt.float64)
    y = x * w
    (y + w).sum()
    z = x + w
    w.add_(1)  # add saves nothing
    z.sum().backward()
    assert x.grad.tolist() == [1.0]
    data = x.exp()
    total = data.sum()
    data.data.zero_()  # .data is not watched
    total.backward()
