"""Tensors as text."""

import pytest

import dovetail as dt


@pytest.mark.parametrize(
    ("tensor", "text"),
    [
        (dt.tensor(3), "tensor(3, shape=(), dtype=int64, device=cpu)"),
        (dt.tensor(3.0), "tensor(3., shape=(), dtype=float32, device=cpu)"),
        (dt.tensor([1.5, -2]), "tensor([ 1.5000, -2.0000], shape=(2,), dtype=float32, device=cpu)"),
        (dt.tensor([1, -20]), "tensor([  1, -20], shape=(2,), dtype=int64, device=cpu)"),
        (dt.tensor([True, False]), "tensor([ True, False], shape=(2,), dtype=bool, device=cpu)"),
        (dt.tensor([1e-8, 1.0]), "tensor([1.0000e-08, 1.0000e+00], shape=(2,), dtype=float32, device=cpu)"),
        (dt.tensor([dt.nan, dt.inf, 1.0]), "tensor([nan, inf,  1.], shape=(3,), dtype=float32, device=cpu)"),
        (dt.zeros(0, 3), "tensor([], shape=(0, 3), dtype=float32, device=cpu)"),
        (
            dt.tensor([[1.0, 2.0], [3.0, 4.0]]),
            "tensor([[1., 2.],\n        [3., 4.]], shape=(2, 2), dtype=float32, device=cpu)",
        ),
        (
            dt.arange(4).reshape(2, 1, 2),
            "tensor([[[0, 1]],\n\n        [[2, 3]]], shape=(2, 1, 2), dtype=int64, device=cpu)",
        ),
    ],
    ids=str,
)
def test_text(tensor, text):
    assert repr(tensor) == str(tensor) == text


def test_large_tensors_are_summarised():
    text = repr(dt.arange(2000))
    assert text.startswith("tensor([   0,    1,    2,  ..., 1997, 1998, 1999]")
    matrix = repr(dt.zeros(100, 100))
    assert matrix.count("\n") <= 8 and "..." in matrix
    assert "shape=(100, 100)" in matrix


def test_long_lines_are_broken():
    text = repr(dt.arange(100))
    assert all(len(line) <= 90 for line in text.splitlines())
    assert text.splitlines()[1].startswith("        ")


def test_options():
    with dt.printing.printoptions(precision=2):
        assert "0.33" in repr(dt.tensor(1 / 3))
    with dt.printing.printoptions(threshold=3, edgeitems=1):
        assert repr(dt.arange(5)).startswith("tensor([0,  ..., 4]")
    with dt.printing.printoptions(sci_mode=True):
        assert "3.0000e+00" in repr(dt.tensor(3.0))
    with dt.printing.printoptions(profile="full"):
        assert "..." not in repr(dt.arange(2000))
    assert dt.get_printoptions()["precision"] == 4
    with pytest.raises(ValueError, match=r"^set_printoptions"):
        dt.set_printoptions(profile="nonsense")


def test_format():
    assert f"{dt.tensor(3.14159):.2f}" == "3.14"
    assert f"{dt.tensor(3)} {dt.tensor(1.5)} {dt.tensor(True)}" == "3 1.5 True"
    assert f"{dt.ones(2)}" == str(dt.ones(2))
    with pytest.raises(TypeError):
        f"{dt.ones(2):.2f}"


def test_subclasses_show_their_name():
    class Weight(dt.Tensor):
        pass

    assert repr(Weight._make_subclass(dt.ones(1))).startswith("Weight([1.]")


def test_every_dtype_prints():
    for name in ("float64", "int32", "uint8", "bool", "int64", "float32"):
        assert f"dtype={name}" in repr(dt.zeros(2, dtype=getattr(dt, name)))
