"""Inference mode: what is made in it, and what may be done with that outside."""

import threading

import pytest

import dovetail as dt


def made_inside(*sizes):
    with dt.inference_mode():
        return dt.ones(*sizes)


def test_what_is_made_inside_is_marked():
    with dt.inference_mode():
        x = dt.ones(2, 3)
        made = [x, x + 1, x.view(-1), x[0], x.detach(), x.data, dt.tensor([1.0]), dt.from_numpy(x.numpy()), x.clone()]
        assert all(t.is_inference() for t in made)
    assert all(dt.is_inference(t) for t in (x.view(-1), x.detach(), x[0]))
    assert not any(t.is_inference() for t in (x.clone(), x + 1, dt.ones(2)))
    with dt.inference_mode(False):
        assert not dt.ones(2).is_inference()
    with dt.inference_mode():
        with dt.inference_mode(False):
            assert not dt.ones(2).is_inference()
        assert dt.ones(2).is_inference()
    with pytest.raises(TypeError, match="is_inference: input must be a Tensor, got int 3"):
        dt.is_inference(3)


def test_tensors_from_outside_stay_ordinary_inside():
    x = dt.ones(3)
    leaf = dt.ones(3, requires_grad=True)
    with dt.inference_mode():
        view = x.view(3, 1)
        view.add_(1)
        assert not (leaf * 2).requires_grad
    assert not view.is_inference()
    view.add_(1)
    assert x.tolist() == [3.0, 3.0, 3.0]
    assert x._version == 2


def test_writing_outside_is_refused():
    x = made_inside(2, 2)
    for write in (
        lambda: x.add_(1),
        lambda: x.zero_(),
        lambda: x.copy_(dt.zeros(2, 2)),
        lambda: x[0].mul_(2),
        lambda: x.__setitem__(0, 5.0),
        lambda: dt.add(dt.ones(2, 2), 1, out=x),
        lambda: dt.cumsum(dt.ones(2, 2), 0, out=x),
        lambda: x.clamp_(0, 1),
        lambda: x.uniform_(),
    ):
        with pytest.raises(RuntimeError, match="made in inference mode and can't be written outside of it"):
            write()
    assert x.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    with dt.inference_mode():
        x.add_(1)
        x[0] = 5.0
    assert x.tolist() == [[5.0, 5.0], [2.0, 2.0]]


def test_recording_outside_is_refused():
    x, w = made_inside(2), dt.ones(2, requires_grad=True)
    (w + x).sum().backward()
    assert w.grad.tolist() == [1.0, 1.0]
    with pytest.raises(RuntimeError, match="Inference tensors cannot be saved for backward"):
        w * x
    assert (w * x.clone()).requires_grad
    with pytest.raises(RuntimeError, match="requires_grad_: a tensor that was made in inference mode"):
        x.requires_grad_()
    with pytest.raises(RuntimeError, match="requires_grad: a tensor that was made in inference mode"):
        x.requires_grad = True
    with dt.inference_mode():
        leaf = dt.ones(2, requires_grad=True)
        assert leaf.requires_grad
        assert leaf.is_leaf
        assert not (leaf * 2).requires_grad


def test_the_mode_belongs_to_the_thread():
    found = []
    with dt.inference_mode():
        thread = threading.Thread(target=lambda: found.append((dt.is_inference_mode_enabled(), dt.ones(1))))
        thread.start()
        thread.join()
    assert found[0][0] is False
    assert not found[0][1].is_inference()


def test_decorated_classes_warn():
    with pytest.warns(FutureWarning, match="no_grad: decorating the class Layer makes a function of it"):

        @dt.no_grad()
        class Layer:
            pass
