"""The pieces together: training, resuming from a file, and another device."""

import numpy as np
import pytest

import dovetail as dt
import dovetail.nn.functional as F
from dovetail import nn, optim
from dovetail.data import DataLoader, TensorDataset


def spirals(n=200):
    """Two arms of points that no straight line separates."""
    generator = dt.Generator().manual_seed(0)
    t = dt.rand((n, 1), generator=generator) * 6 + 0.5
    side = (dt.arange(n) % 2).reshape(-1, 1).to(dt.float32) * 2 - 1
    x = dt.cat([t.cos(), t.sin()], 1) * t * side / 6
    return TensorDataset(x, (dt.arange(n) % 2))


def make(seed=0):
    dt.manual_seed(seed)
    model = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 2))
    optimizer = optim.AdamW(model.parameters(), lr=0.02)
    return model, optimizer, optim.lr_scheduler.CosineAnnealingLR(optimizer, 80)


def train(model, optimizer, schedule, epochs, generator):
    loader = DataLoader(spirals(), batch_size=50, shuffle=True, generator=generator)
    losses = []
    for _ in range(epochs):
        for x, y in loader:
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            losses.append(loss.item())
        schedule.step()
    return losses


def test_it_learns():
    model, optimizer, schedule = make()
    losses = train(model, optimizer, schedule, 80, dt.Generator().manual_seed(1))
    data = spirals()
    with dt.no_grad():
        accuracy = (model(data.tensors[0]).argmax(1) == data.tensors[1]).to(dt.float32).mean().item()
    assert accuracy > 0.97 and losses[-1] < 0.2 * losses[0]


def test_the_same_seeds_give_the_same_bits():
    runs = [train(*make(), 3, dt.Generator().manual_seed(1)) for _ in range(2)]
    assert runs[0] == runs[1]


def test_resuming_from_a_file_gives_the_same_bits(tmp_path):
    model, optimizer, schedule = make()
    generator = dt.Generator().manual_seed(1)
    train(model, optimizer, schedule, 2, generator)
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "schedule": schedule.state_dict(),
        "generator": generator.get_state(),
    }
    dt.save(state, tmp_path / "checkpoint.safetensors")
    expected = train(model, optimizer, schedule, 2, generator)

    other, optimizer, schedule = make(seed=9)
    state = dt.load(tmp_path / "checkpoint.safetensors")
    other.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    schedule.load_state_dict(state["schedule"])
    again = dt.Generator()
    again.set_state(state["generator"])
    assert train(other, optimizer, schedule, 2, again) == expected


def test_threads_do_not_change_the_bits():
    before = dt.get_num_threads()
    runs = []
    try:
        for threads in (1, 2, 4):
            dt.set_num_threads(threads)
            runs.append(train(*make(), 2, dt.Generator().manual_seed(1)))
    finally:
        dt.set_num_threads(before)
    assert runs[0] == runs[1] == runs[2]


def test_a_convolution_in_training_and_evaluation():
    dt.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 3)
    )
    x, y = dt.randn(12, 1, 8, 8), dt.arange(12) % 3
    optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for _ in range(40):
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()
    net.eval()
    with dt.no_grad():
        assert net(x).argmax(1).tolist() == y.tolist()


@pytest.fixture
def reference():
    dt.backends.load("reference")
    assert "reference" in dt.backends.names(), "install tests/plugins/reference"
    return dt.device("reference")


def test_the_same_program_on_another_device(reference):
    """The same seed gives the same initial values and, but for rounding, the same steps."""

    def run(device):
        model, _, _ = make()
        model.to(device)
        optimizer = optim.Adam(model.parameters(), lr=0.02)
        x, y = (t.to(device) for t in spirals(20).tensors)
        for _ in range(3):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        assert all(p.device.type == dt.device(device).type for p in model.parameters())
        return np.concatenate([p.detach().cpu().numpy().ravel() for p in model.parameters()])

    np.testing.assert_allclose(run(reference), run("cpu"), rtol=2e-3, atol=2e-4)


def test_devices_do_not_mix(reference):
    with pytest.raises(RuntimeError, match="^add: .*cpu and reference"):
        dt.ones(2) + dt.ones(2, device=reference)
    assert (dt.ones(2, device=reference) + 1).tolist() == [2, 2]


def test_an_error_names_the_user_s_line_of_a_step():
    """Of a function of the library that writes, the line that called it; every tensor that it wrote is known."""
    ws = [dt.ones(2, requires_grad=True), dt.ones(3, requires_grad=True)]
    losses = [(w * w).sum() for w in ws]
    optimizer = optim.SGD(ws, lr=0.1)
    for w in ws:
        w.grad = dt.ones_like(w)
    optimizer.step()  # a step too early
    for loss in losses:
        with pytest.raises(RuntimeError, match="optimizer.step\\(\\)  # a step too early"):
            loss.backward()
