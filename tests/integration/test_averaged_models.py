"""Averages of a model's weights: SWA, EMA, and the statistics of batch normalization."""

import pytest

import dovetail as dt
from dovetail import nn
from dovetail.optim import swa_utils


def model():
    dt.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))


def walk(averaged, net, steps=3):
    seen = []
    for step in range(steps):
        for p in net.parameters():
            nn.init.constant_(p, float(step))
        averaged.update_parameters(net)
        seen.append(step)
    return seen


def test_the_equal_average():
    net = model()
    averaged = swa_utils.AveragedModel(net)
    walk(averaged, net)
    assert all((p == 1).all().item() for p in averaged.module.parameters())
    assert averaged.n_averaged.item() == 3
    assert averaged(dt.ones(2, 3)).shape == (2, 1)


def test_the_exponential_average():
    net = model()
    averaged = swa_utils.AveragedModel(net, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(0.5))
    walk(averaged, net)
    assert all((p == 1.25).all().item() for p in averaged.module.parameters())


def test_buffers_are_copied_or_averaged():
    for use_buffers, expected in ((False, 4.0), (True, 2.0)):
        net = model()
        averaged = swa_utils.AveragedModel(net, use_buffers=use_buffers)
        for value in (0.0, 4.0):
            net[1].running_mean.fill_(value)
            averaged.update_parameters(net)
        assert (averaged.module[1].running_mean == expected).all().item()


def test_its_state_goes_through_a_file(tmp_path):
    net = model()
    averaged = swa_utils.AveragedModel(net)
    walk(averaged, net)
    dt.save(averaged.state_dict(), tmp_path / "averaged.safetensors")
    other = swa_utils.AveragedModel(net)
    other.load_state_dict(dt.load(tmp_path / "averaged.safetensors"))
    assert other.n_averaged.item() == 3 and (other.module[0].weight == 1).all().item()


def test_statistics_are_computed_anew():
    net = model()
    batches = [dt.randn(8, 3, generator=dt.Generator().manual_seed(i)) for i in range(4)]
    net.eval()
    swa_utils.update_bn([(batch, 0) for batch in batches], net)
    hidden = [net[0](batch) for batch in batches]
    mean = dt.stack([h.mean(0) for h in hidden]).mean(0)
    assert dt.allclose(net[1].running_mean, mean, atol=1e-6)
    assert not net.training and net[1].momentum == 0.1


def test_the_rate_anneals():
    optimizer = dt.optim.SGD([dt.ones(1)], lr=1.0)
    plain = dt.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    averaging = swa_utils.SWALR(optimizer, 0.1, anneal_epochs=2, anneal_strategy="linear")
    plain.step()
    rates = []
    for _ in range(3):
        averaging.step()
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([0.3, 0.1, 0.1])


def test_refusals():
    with pytest.raises(ValueError, match="^AveragedModel: got both"):
        swa_utils.AveragedModel(
            model(), avg_fn=swa_utils.get_swa_avg_fn(), multi_avg_fn=swa_utils.get_swa_multi_avg_fn()
        )
    with pytest.raises(ValueError, match="^get_ema_avg_fn: decay .*2"):
        swa_utils.get_ema_avg_fn(2)
    with pytest.raises(ValueError, match="^SWALR: anneal_strategy .*'step'"):
        swa_utils.SWALR(dt.optim.SGD([dt.ones(1)]), 0.1, anneal_strategy="step")
