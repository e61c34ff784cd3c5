"""Recurrent layers: packed as padded, gradients, refusals."""

import numpy as np
import pytest

import dovetail as dt
from dovetail import nn
from dovetail.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

F64 = {"dtype": dt.float64}
KINDS = [("RNN", {}), ("RNN", {"nonlinearity": "relu"}), ("LSTM", {}), ("LSTM", {"proj_size": 2}), ("GRU", {})]


def first(state):
    return state if isinstance(state, tuple) else (state,)


@pytest.mark.parametrize(("kind", "options"), KINDS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_packed_is_each_sequence_alone(kind, options, bidirectional):
    layer = getattr(nn, kind)(3, 4, 2, bidirectional=bidirectional, **options, **F64)
    x, lengths = dt.randn(6, 3, 3, **F64), [4, 6, 1]
    out, state = layer(pack_padded_sequence(x, lengths, enforce_sorted=False))
    padded, sizes = pad_packed_sequence(out)
    assert sizes.tolist() == lengths
    for i, n in enumerate(lengths):
        alone, end = layer(x[:n, i])
        assert dt.allclose(padded[:n, i], alone) and not padded[n:, i].any()
        assert all(dt.allclose(s[:, i], e) for s, e in zip(first(state), first(end), strict=True))


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_gradients(kind, options):
    layer = getattr(nn, kind)(3, 4, bidirectional=True, **options, **F64)
    x = dt.randn(5, 2, 3, **F64).requires_grad_()

    def run(x, *weights):
        names = [name for name, _ in layer.named_parameters()]
        out, state = nn.utils.functional_call(layer, dict(zip(names, weights, strict=True)), x)
        return out, *first(state)

    assert dt.autograd.gradcheck(run, (x, *layer.parameters()))
    packed = pack_padded_sequence(x, [5, 2])
    out, _ = layer(packed)
    out.data.sum().backward()
    assert x.grad.shape == x.shape and not x.grad[2:, 1].any()


def test_lstm_is_its_formula():
    layer = nn.LSTM(3, 4, **F64)
    x = dt.randn(5, 2, 3, **F64)
    w = {name: p.detach().numpy() for name, p in layer.named_parameters()}
    h, c, sigmoid = np.zeros((2, 4)), np.zeros((2, 4)), lambda a: 1 / (1 + np.exp(-a))
    for step in x.numpy():
        gates = step @ w["weight_ih_l0"].T + w["bias_ih_l0"] + h @ w["weight_hh_l0"].T + w["bias_hh_l0"]
        i, f, g, o = np.split(gates, 4, 1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
    out, (h_n, c_n) = layer(x)
    np.testing.assert_allclose(h_n[0].detach().numpy(), h, rtol=1e-10)
    np.testing.assert_allclose(c_n[0].detach().numpy(), c, rtol=1e-10)
    assert dt.equal(out[-1], h_n[0])


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_layer_is_its_cell_step_by_step(kind):
    layer, cell = getattr(nn, kind)(3, 4), getattr(nn, f"{kind}Cell")(3, 4)
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in layer.state_dict().items()})
    x, state = dt.randn(5, 2, 3), None
    for step in x.unbind(0):
        state = cell(step, state)
    out, _ = layer(x)
    assert dt.allclose(first(state)[0], out[-1], atol=1e-6)


def test_options():
    dt.manual_seed(0)
    layer = nn.GRU(3, 4, 2, dropout=0.5)
    x = dt.randn(5, 2, 3)
    assert not dt.equal(layer(x)[0], layer(x)[0])
    layer.eval()
    assert dt.equal(layer(x)[0], layer(x)[0])
    first_batch = nn.GRU(3, 4, batch_first=True)
    assert first_batch(dt.randn(2, 5, 3))[0].shape == (2, 5, 4)
    empty, h = nn.LSTM(3, 4)(dt.zeros(2, 0, 3))
    assert empty.shape == (2, 0, 4) and h[0].shape == (1, 0, 4)
    with pytest.warns(UserWarning, match="dropout is between layers"):
        nn.GRU(3, 4, dropout=0.5)
    assert len(layer.all_weights) == 2 and layer.flatten_parameters() is None


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: nn.LSTM(3, 4)(dt.ones(5, 2, 4)), "^LSTM: expected last dim 3, got input"),
        (lambda: nn.RNN(3, 4)(dt.ones(0, 2, 3)), r"^RNN: expected at least one time step, got input \(0, 2, 3\)"),
        (lambda: nn.GRU(3, 4, batch_first=True)(dt.ones(2, 0, 3)), r"^GRU: expected at least one time step"),
        (lambda: nn.LSTM(3, 4)(dt.ones(0, 3)), r"^LSTM: expected at least one time step, got input \(0, 3\)"),
        (lambda: nn.GRU(3, 4)(dt.ones(5, 2, 3), dt.ones(1, 3, 4)), r"^GRU: expected a state hx of shape \(1, 2, 4\)"),
        (lambda: nn.LSTM(3, 4)(dt.ones(5, 2, 3), dt.ones(1, 2, 4)), r"^LSTM: hx must be a pair"),
        (lambda: nn.GRU(3, 4)(dt.ones(3)), "^GRU: expected an input of 2 or 3 dims"),
        (lambda: nn.LSTM(3, 4, proj_size=4), "^LSTM: proj_size"),
        (lambda: nn.RNN(3, 4, nonlinearity="x"), "^RNN: nonlinearity"),
        (lambda: nn.RNN(3, 0), "^RNN: hidden_size"),
        (lambda: nn.GRUCell(3, 4)(dt.ones(2, 4)), "^GRUCell: expected last dim 3"),
        (lambda: nn.LSTMCell(3, 4)(dt.ones(2, 3), (dt.ones(2, 4), dt.ones(3, 4))), "^LSTMCell: expected a state"),
    ],
)
def test_refusals(call, match):
    with pytest.raises((ValueError, RuntimeError, TypeError), match=match):
        call()


KINDS = ["RNN", "LSTM", "GRU"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [dt.float16, dt.bfloat16])
def test_sixteen_bits_round_once_a_layer(kind, dtype):
    dt.manual_seed(0)
    layer, narrow = getattr(nn, kind)(5, 6), getattr(nn, kind)(5, 6, dtype=dtype)
    layer.load_state_dict({name: p.to(dtype).to(dt.float32) for name, p in layer.state_dict().items()})
    narrow.load_state_dict({name: p.to(dtype) for name, p in layer.state_dict().items()})
    x = dt.randn(7, 3, 5).to(dtype)
    out, _ = narrow(x)
    assert out.dtype is dtype
    near = {"rtol": 0.02, "atol": 0.02}
    assert dt.allclose(out.to(dt.float32), layer(x.to(dt.float32))[0], **near)
    out.sum().backward()
    layer(x.to(dt.float32))[0].sum().backward()
    for ours, wide in zip(narrow.parameters(), layer.parameters(), strict=True):
        assert ours.grad.dtype is dtype and dt.allclose(ours.grad.to(dt.float32), wide.grad, rtol=0.05, atol=0.2)


@pytest.mark.parametrize(("kind", "options"), [*((kind, {}) for kind in KINDS), ("LSTM", {"proj_size": 20})])
@pytest.mark.parametrize(("steps", "batch", "inputs"), [(9, 37, 40), (9, 37, 2000), (30, 1, 40), (2, 37, 40)])
def test_bits_are_the_same_for_any_number_of_threads(kind, options, steps, batch, inputs):
    dt.manual_seed(0)
    layer, threads = getattr(nn, kind)(inputs, 128, **options), dt.get_num_threads()
    x = dt.randn(steps, batch, inputs, requires_grad=True)
    found = []
    try:
        for count in (1, 2, 4, 8):
            dt.set_num_threads(count)
            out, _ = layer(x)
            found.append([out, *dt.autograd.grad((out * out).sum(), [x, *layer.parameters()])])
    finally:
        dt.set_num_threads(threads)
    for other in found[1:]:
        assert all(dt.equal(a, b) for a, b in zip(found[0], other, strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_any_layout_of_the_arguments(kind):
    layer = getattr(nn, kind)(4, 6, batch_first=True, **F64)
    x, h = dt.randn(3, 5, 4, **F64), dt.randn(1, 3, 6, **F64)
    states = (h, 2 * h) if kind == "LSTM" else h
    apart = dt.stack([h, h], -1)[..., 0]
    apart_states = (apart, 2 * apart) if kind == "LSTM" else apart
    turned = x.permute(2, 0, 1).contiguous().permute(1, 2, 0)
    assert not turned.is_contiguous() and not apart.is_contiguous()
    assert dt.allclose(layer(x, states)[0], layer(turned, apart_states)[0], rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_vmap_and_forward_mode_go_step_by_step(kind):
    layer = getattr(nn, kind)(3, 4, **F64)
    x, tangent = dt.randn(2, 5, 3, 3, **F64), dt.randn(5, 3, 3, **F64)
    each = dt.stack([layer(one)[0] for one in x])
    assert dt.allclose(dt.func.vmap(lambda one: layer(one)[0])(x), each, rtol=1e-12)
    _, along = dt.func.jvp(lambda one: layer(one)[0], (x[0],), (tangent,))
    small = 1e-6
    differences = (layer(x[0] + small * tangent)[0] - layer(x[0] - small * tangent)[0]) / (2 * small)
    assert dt.allclose(along, differences, rtol=1e-5, atol=1e-7)
