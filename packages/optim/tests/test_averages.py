"""Averages of weights, and steps of several batches. (Those of models are in tests/integration: they need nn.)"""

import pytest

import dovetail as dt
from dovetail.optim import EMA, SGD, Accumulation


def test_the_average():
    w, n = dt.zeros(2), dt.zeros((), dtype=dt.int64)
    ema = EMA([("w", w), ("n", n)], decay=0.75)
    for value in (1.0, 2.0):
        w.fill_(value)
        n.add_(1)
        ema.update()
    assert ema.averages["w"].tolist() == [0.6875, 0.6875] and ema.averages["n"].item() == 2
    with ema.applied():
        assert w.tolist() == [0.6875, 0.6875]
    assert w.tolist() == [2.0, 2.0]
    ema.copy_to()
    assert w.tolist() == [0.6875, 0.6875]


def test_the_weights_come_back_after_an_error():
    w = dt.ones(1)
    ema = EMA([w], decay=0.5)
    w.fill_(3.0)
    with pytest.raises(KeyError), ema.applied():
        raise KeyError("in the block")
    assert w.item() == 3.0


def test_warm_up():
    w = dt.zeros(1, dtype=dt.float64)
    ema = EMA([("w", w)], decay=0.99, warmup=True)
    w.fill_(1.0)
    ema.update()
    assert ema.averages["w"].item() == pytest.approx(1 - 2 / 11)


def test_its_state(tmp_path):
    ema = EMA([("w", dt.ones(2))], decay=0.5)
    ema.update()
    dt.save(ema.state_dict(), tmp_path / "ema.safetensors")
    other = EMA([("w", dt.zeros(2))], decay=0.5)
    other.load_state_dict(dt.load(tmp_path / "ema.safetensors"))
    assert other.updates == 1 and other.averages["w"].tolist() == [1, 1]
    with pytest.raises(ValueError, match="EMA: the state does not fit .*\n.*v was not saved\n.*w was saved"):
        EMA([("v", dt.zeros(2))]).load_state_dict(ema.state_dict())
    with pytest.raises(ValueError, match=r"w was saved with shape \(2,\), it has \(3,\) here"):
        EMA([("w", dt.zeros(3))]).load_state_dict(ema.state_dict())


def test_refusals():
    with pytest.raises(ValueError, match="^EMA: decay must be in .*1.5"):
        EMA([dt.ones(1)], decay=1.5)
    with pytest.raises(ValueError, match="^EMA: got an empty"):
        EMA([])
    with pytest.raises(TypeError, match="^EMA: .* must be a Tensor, got float"):
        EMA([1.0])
    with pytest.raises(ValueError, match="^Accumulation: every must be at least 1, got 0"):
        Accumulation(SGD([dt.ones(1)]), 0)
    with pytest.raises(TypeError, match="^Accumulation: expected an Optimizer, got int 3"):
        Accumulation(3, 1)


def test_steps_of_several_batches():
    w = dt.zeros(1)
    optimizer = SGD([w], lr=1.0)
    accumulation = Accumulation(optimizer, every=2)
    stepped = []
    for gradient in (1.0, 3.0, 5.0):
        w.grad = dt.tensor([gradient]) if w.grad is None else w.grad + gradient
        stepped.append(accumulation.step())
    assert stepped == [False, True, False] and w.item() == -2.0
    assert accumulation.finish() and w.item() == -7.0 and w.grad is None
    assert not accumulation.finish()


def test_sums_over_elements_that_count():
    w = dt.zeros(1)
    accumulation = Accumulation(SGD([w], lr=1.0), every=2)
    for total, count in ((6.0, 3), (2.0, 1)):
        w.grad = dt.tensor([total]) if w.grad is None else w.grad + total
        accumulation.step(weight=count)
    assert w.item() == -2.0
