"""Lazy layers: shapes come with the first input or with a state dict."""

import copy

import pytest

import dovetail as dt
from dovetail import nn
from dovetail.nn.parameter import UninitializedBuffer, UninitializedParameter

IMAGES = {"1d": (2, 4, 9), "2d": (2, 4, 9, 9), "3d": (2, 4, 5, 5, 5)}
CASES = [
    *[(f"LazyConv{d}", (6, 3), {"groups": 2}, shape) for d, shape in IMAGES.items()],
    *[(f"LazyConvTranspose{d}", (6, 3), {"groups": 2}, shape) for d, shape in IMAGES.items()],
    *[(f"LazyBatchNorm{d}", (), {}, shape) for d, shape in IMAGES.items()],
    *[(f"LazyInstanceNorm{d}", (), {}, shape) for d, shape in IMAGES.items()],
    ("LazyLinear", (6,), {}, (2, 4)),
    ("LazyLinear", (6,), {"bias": False, "dtype": dt.float64}, (2, 3, 4)),
]


@pytest.mark.parametrize(("name", "args", "options", "shape"), CASES)
def test_the_first_input_gives_the_shapes(name, args, options, shape):
    lazy = getattr(nn, name)(*args, **options)
    assert lazy.has_uninitialized_params() and all(
        isinstance(p, nn.Parameter) and isinstance(p, UninitializedParameter) for p in lazy.parameters()
    )
    weight = lazy.weight
    twin, moved = copy.deepcopy(lazy), copy.deepcopy(lazy).double()
    x = dt.randn(shape, dtype=options.get("dtype"))
    out = lazy(x)
    plain = getattr(nn, name.removeprefix("Lazy"))
    assert type(lazy) is plain and lazy.weight is weight and type(weight) is nn.Parameter
    twin.load_state_dict(lazy.state_dict())
    assert twin.weight.shape == weight.shape and dt.equal(twin(x), lazy(x)) and type(twin) is plain
    assert moved(x.double()).dtype == dt.float64 and moved.weight.dtype == dt.float64
    assert out.shape == lazy(x).shape
    out.sum().backward()
    assert weight.grad.shape == weight.shape


def test_initial_values_are_those_of_the_plain_layer():
    dt.manual_seed(0)
    lazy = nn.LazyLinear(2000)
    lazy(dt.ones(1, 4))
    assert lazy.weight.abs().max().item() <= 0.5 and lazy.weight.std().item() == pytest.approx(0.5 / 3**0.5, rel=0.1)


def test_refusals():
    layer = nn.LazyLinear(3)
    with pytest.raises(RuntimeError, match="^UninitializedParameter: it has no shape before"):
        _ = layer.weight.shape
    layer.load_state_dict(nn.Linear(4, 3).state_dict())
    with pytest.raises(RuntimeError, match="^LazyLinear: the loaded parameters have in_features 4, the input has 5"):
        layer(dt.ones(2, 5))
    with pytest.raises(RuntimeError, match="has no values yet in the state dict"):
        nn.Linear(4, 3).load_state_dict(nn.LazyLinear(3).state_dict())
    with pytest.raises(ValueError, match="^LazyConv2d: groups must divide the input's channels, got 2 and 3"):
        nn.LazyConv2d(4, 3, groups=2)(dt.ones(1, 3, 5, 5))
    with pytest.raises(TypeError, match="^LazyLinear: input must be a Tensor"):
        nn.LazyLinear(3)("x")


def test_uninitialized_buffers():
    buffer = UninitializedBuffer(dtype=dt.float64, persistent=False)
    assert repr(buffer) == "<UninitializedBuffer>" and repr(copy.deepcopy(buffer)) == repr(buffer)
    buffer.materialize((2, 3))
    assert type(buffer) is nn.Buffer and buffer.shape == (2, 3) and buffer.dtype == dt.float64
