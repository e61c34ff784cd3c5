"""Whole steps of training captured into a graph: the numbers of eager ones."""

import pytest

import dovetail as dt

nn = pytest.importorskip("dovetail.nn")
optim = pytest.importorskip("dovetail.optim")

OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.1, momentum=0.9),
    "Adam": lambda p: optim.Adam(p, lr=0.01, capturable=True),
    "AdamW": lambda p: optim.AdamW(p, lr=dt.tensor(0.01, device="cuda"), amsgrad=True),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.01),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.01),
}


def make(name):
    dt.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 16), nn.LayerNorm(16), nn.GELU(), nn.Dropout(0.3), nn.Linear(16, 3)).to("cuda")
    return model, OPTIMIZERS[name](model.parameters())


def batches(n):
    generator = dt.Generator().manual_seed(11)
    return [(dt.randn(8, 6, generator=generator), dt.randint(0, 3, (8,), generator=generator)) for _ in range(n)]


def step(model, optimizer, x, target):
    optimizer.zero_grad(set_to_none=True)
    loss = nn.functional.cross_entropy(model(x), target)
    loss.backward()
    optimizer.step()
    return loss.detach()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_step_is_the_eager_step(name):
    model, optimizer = make(name)
    data = batches(7)
    eager = [step(model, optimizer, x.to("cuda"), t.to("cuda")).item() for x, t in data]
    expected = [p.detach().cpu() for p in model.parameters()]

    model, optimizer = make(name)
    x, target = (each.to("cuda") for each in data[0])
    losses = []
    for inputs, targets in data[:2]:  # the optimizer's state is made by steps that run
        x.copy_(inputs)
        target.copy_(targets)
        losses.append(step(model, optimizer, x, target).item())
    g = dt.cuda.CUDAGraph()
    with dt.cuda.graph(g):
        loss = step(model, optimizer, x, target)
    for inputs, targets in data[2:]:
        x.copy_(inputs)
        target.copy_(targets)
        g.replay()
        losses.append(loss.item())
    assert losses == eager
    assert all(dt.equal(p.detach().cpu(), e) for p, e in zip(model.parameters(), expected, strict=True))


def test_a_learning_rate_that_is_a_tensor_may_change():
    rate = dt.tensor(0.1, device="cuda")
    w = dt.ones(3, device="cuda", requires_grad=True)
    optimizer = optim.SGD([w], lr=rate)
    w.grad = dt.ones(3, device="cuda")
    g = dt.cuda.CUDAGraph()
    with dt.cuda.graph(g):
        optimizer.step()
    g.replay()
    assert dt.allclose(w.detach().cpu(), dt.full((3,), 0.9))
    rate.fill_(0.5)
    g.replay()
    assert dt.allclose(w.detach().cpu(), dt.full((3,), 0.4))
