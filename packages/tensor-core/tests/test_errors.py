"""Wrong calls say which op, what it was given and what it takes; nothing crashes."""

import subprocess
import sys

import pytest

import dovetail as dt


def test_wrong_types_name_the_op_and_the_argument():
    with pytest.raises(TypeError, match=r"^add: other must be a Tensor.*got .*signature: add\("):
        dt.add(dt.ones(1), [1])
    with pytest.raises(TypeError, match=r"^sum: dim must be ints"):
        dt.ones(1).sum("a")
    with pytest.raises(TypeError, match=r"^softmax: missing argument 'dim'"):
        dt.softmax(dt.ones(1))
    with pytest.raises(TypeError, match=r"^exp: unexpected keyword argument 'nonsense'"):
        dt.exp(dt.ones(1), nonsense=1)
    with pytest.raises(TypeError, match=r"^exp: takes at most 1"):
        dt.exp(dt.ones(1), 2)
    with pytest.raises(TypeError, match="given twice"):
        dt.sum(dt.ones(1), 0, dim=0)


def test_shapes_that_do_not_fit():
    with pytest.raises((RuntimeError, ValueError), match=r"^add: .*\(2,\).*\(3,\)"):
        dt.ones(2) + dt.ones(3)
    with pytest.raises((RuntimeError, ValueError), match=r"^(matmul|mm): "):
        dt.ones(2, 3) @ dt.ones(2, 3)
    with pytest.raises((RuntimeError, ValueError), match=r"^cat: "):
        dt.cat([dt.ones(2, 3), dt.ones(2, 4)])
    with pytest.raises(ValueError, match=r"^stack: .*\(2,\).*\(3,\)"):
        dt.stack([dt.ones(2), dt.ones(3)])
    with pytest.raises((RuntimeError, ValueError), match=r"^reshape: "):
        dt.ones(6).reshape(4, 2)


def test_dtypes_without_a_meaning():
    with pytest.raises((RuntimeError, TypeError), match=r"^neg: .*logical_not"):
        -dt.tensor([True])
    with pytest.raises((RuntimeError, TypeError), match=r"^mean: "):
        dt.tensor([1, 2]).mean()
    with pytest.raises(TypeError, match=r"^hypot: "):
        dt.hypot(dt.tensor([1]), dt.tensor([1]))
    with pytest.raises((RuntimeError, TypeError), match=r"^bitwise_and: "):
        dt.ones(1) & dt.ones(1)


CALLS = {
    "topk": lambda x: x.topk(5),
    "kthvalue": lambda x: x.kthvalue(0),
    "narrow": lambda x: x.narrow(0, 1, 5),
    "unflatten": lambda x: x.unflatten(0, (2, 2)),
    "roll": lambda x: x.roll((1, 2), (0,)),
    "rot90": lambda x: x.rot90(1, (0, 0)),
    "repeat": lambda x: x.reshape(1, 3).repeat(2),
    "diag": lambda x: dt.diag(dt.ones(2, 2, 2)),
    "tril": lambda x: x.tril(),
    "trace": lambda x: x.trace(),
    "one_hot": lambda x: dt.one_hot(x),
    "linspace": lambda x: dt.linspace(0, 1, -1),
    "bincount": lambda x: x.bincount(),
    "tensordot": lambda x: dt.tensordot(x, dt.ones(2), 1),
    "einsum": lambda x: dt.einsum("ij->i", x),
    "conv2d": lambda x: dt.conv2d(x, x),
    "max_pool2d": lambda x: dt.max_pool2d(x, 2),
    "dropout": lambda x: dt.dropout(x, 2.0),
    "multinomial": lambda x: dt.multinomial(x - 10, 1),
    "randint": lambda x: dt.randint(3, 3, (2,)),
    "normal": lambda x: dt.normal(x, -1.0),
    "isclose": lambda x: dt.isclose(x, x, rtol=-1.0),
    "lerp": lambda x: dt.lerp(x, x.double(), 0.5),
    "heaviside": lambda x: dt.heaviside(x, dt.tensor(1)),
    "meshgrid": lambda x: dt.meshgrid(dt.ones(2, 2)),
    "max": lambda x: dt.max(dt.zeros(0)),
    "scatter": lambda x: x.scatter(0, dt.tensor([5]), 1.0),
    "gather": lambda x: x.gather(0, dt.tensor([-4])),
    "unfold": lambda x: x.unfold(0, 5, 1),
    "diag_embed": lambda x: dt.diag_embed(x, 0, 1, 1),
    "get_op": lambda x: dt.ops.get_op(3),
}


@pytest.mark.parametrize("name", CALLS)
def test_errors_begin_with_the_name(name):
    with pytest.raises((RuntimeError, ValueError, TypeError, IndexError)) as caught:
        CALLS[name](dt.ones(3))
    assert str(caught.value).startswith(f"{name}: "), str(caught.value)


def test_huge_sizes_do_not_crash():
    for size in ((2**62, 4), (2**40, 2**40), (2**50,)):
        with pytest.raises((RuntimeError, ValueError, MemoryError, OverflowError)):
            dt.empty(size)
    with pytest.raises((OverflowError, TypeError, ValueError, RuntimeError)):
        dt.zeros(2**70)


def test_numbers_out_of_range():
    with pytest.raises((OverflowError, ValueError, RuntimeError)):
        dt.tensor(2**70)
    with pytest.raises(OverflowError, match="64 bits"):
        dt.ones(2).sum(2**80)


@pytest.mark.skipif(dt.cuda._is_installed(), reason="there is the CUDA piece")
@pytest.mark.parametrize(
    ("who", "call"),
    [
        ("cuda", lambda: dt.ones(2).cuda(0)),
        ("to", lambda: dt.ones(2).to("cuda:0")),
        ("to_device", lambda: dt.ones(2).to_device("cuda:0")),
        ("zeros", lambda: dt.zeros(2, device="cuda:0")),
        ("tensor", lambda: dt.tensor([1], device="cuda:0")),
        ("asarray", lambda: dt.asarray([1], device="cuda:0")),
        ("device", lambda: dt.device("cuda", 0)),
        ("Generator", lambda: dt.Generator("cuda:0")),
    ],
)
def test_what_cuda_needs_is_said_in_one_sentence(who, call):
    with pytest.raises(ValueError) as caught:
        call()
    text = str(caught.value)
    assert text.startswith(f"{who}: there is no device 'cuda:0' here, only: cpu")
    assert text.endswith(
        "; CUDA needs the distribution dovetail-tensor-core-cuda: pip install dovetail-tensor-core-cuda"
    )


def test_an_unknown_device_says_which_there_are():
    with pytest.raises(ValueError, match="^zeros: there is no device 'moon:1' here, only: cpu"):
        dt.zeros(2, device="moon:1")


def test_a_misspelt_name_is_corrected():
    code = "import dovetail as dt; dt.sofmax"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stderr
    assert said.endswith("module 'dovetail' has no attribute 'sofmax'. Did you mean: 'softmax'?\n")
