"""Lion against its update rule in NumPy, and found by its name."""

import numpy as np
import pytest
from lion_example import Lion

import dovetail as dt
from dovetail.testing import optimizer as conformance


def rule(p, grads, lr, betas=(0.9, 0.99), weight_decay=0.0, maximize=False):
    m = 0 * p
    for g in grads:
        g = -g if maximize else g
        p = p - lr * (np.sign(betas[0] * m + (1 - betas[0]) * g) + weight_decay * p)
        m = betas[1] * m + (1 - betas[1]) * g
    return p


@pytest.mark.parametrize("dtype", [dt.float32, dt.float64], ids=str)
@pytest.mark.parametrize(
    "options",
    [{"lr": 0.1}, {"lr": 0.1, "weight_decay": 0.3}, {"lr": 0.1, "betas": (0.5, 0.7)}, {"lr": 0.1, "maximize": True}],
    ids=str,
)
def test_the_update_rule(options, dtype):
    rng = np.random.default_rng(0)
    start, grads = rng.normal(size=(3, 4)), rng.normal(size=(5, 3, 4))
    param = dt.tensor(start, dtype=dtype)
    optimizer = Lion([param], **options)
    for grad in grads:
        param.grad = dt.tensor(grad, dtype=dtype)
        optimizer.step()
    tolerance = 1e-6 if dtype == dt.float32 else 1e-13
    np.testing.assert_allclose(param.numpy(), rule(start, grads, **options), rtol=tolerance, atol=tolerance)


def test_it_is_found_by_its_name():
    assert dt.optim.get("dovetail-lion-example:lion") is Lion
    assert "lion" in dt.optim.names()


def test_it_takes_the_steps_of_the_built_in_one():
    params = [dt.tensor([1.0, -2.0, 0.5]) for _ in range(2)]
    optimizers = [cls([p], lr=0.1, weight_decay=0.01) for cls, p in zip((Lion, dt.optim.get("lion")), params)]
    for _ in range(5):
        for p, optimizer in zip(params, optimizers):
            p.grad = dt.tensor([0.5, -1.0, 2.0]) * p
            optimizer.step()
    assert dt.allclose(*params)


def test_it_conforms():
    report = conformance.check(Lion)
    assert report.passed, report.text()


def test_a_rate_that_is_negative_is_refused():
    with pytest.raises(ValueError, match="^Lion: lr must be >= 0, got -1"):
        Lion([dt.ones(1)], lr=-1)
