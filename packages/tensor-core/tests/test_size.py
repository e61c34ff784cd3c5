"""Tensor.size: the number of elements, and PyTorch's method."""

import copy
import gc
import inspect
import json
import operator
import pickle
import weakref

import numpy as np
import pytest

import dovetail as dt


def test_it_is_the_shape_when_called():
    x = dt.zeros(2, 3, 4)
    assert isinstance(x.size(), dt.Size) and x.size() == (2, 3, 4) == x.size(None) == x.size(dim=None)
    assert (x.size(0), x.size(-1), x.size(dim=1)) == (2, 4, 3)
    assert dt.zeros(()).size() == () and dt.zeros(0, 2).size() == (0, 2)
    assert dt.Tensor.size(x) == (2, 3, 4) and dt.Tensor.size(x, 1) == 3 and dt.Tensor.size(x, dim=2) == 4
    kept = x.size
    del x
    assert kept() == (2, 3, 4) and kept(0) == 2 and kept(dim=-1) == 4


@pytest.mark.parametrize("shape", [(), (0,), (0, 5), (1,), (2, 3, 4), (2**29,), (2**30 - 1,), (2**30,), (3, 2**40)])
def test_it_is_the_number_of_elements(shape):
    x = dt.zeros(()).expand(shape)
    n = x.numel()
    assert isinstance(x.size, int) and x.size == n and hash(x.size) == hash(n) and bool(x.size) == bool(n)
    assert (str(x.size), repr(x.size), f"{x.size:>3}") == (str(n), repr(n), f"{n:>3}")
    assert x.size() == shape
    for function in (operator.neg, operator.pos, operator.index, int, float, abs, int.bit_length):
        assert function(x.size) == function(n)
    for function in (operator.add, operator.mul, operator.floordiv, operator.truediv, operator.mod, operator.rshift):
        assert function(x.size, 7) == function(n, 7) and type(function(x.size, 7)) is type(function(n, 7))
        assert function(7, x.size + 1) == function(7, n + 1)


def test_the_largest_number_and_the_most_dims():
    assert dt.zeros(1).expand(2**62 + 3).size == 2**62 + 3
    x = dt.zeros(()).expand([1] * 63 + [2])
    assert x.size == 2 and x.size() == (1,) * 63 + (2,) and x.size(-1) == 2


def test_it_serves_wherever_an_int_does():
    n = dt.zeros(3, 4).size
    assert json.dumps({"n": n}) == '{"n": 12}' and json.dumps([n], indent=0) == "[\n12\n]"
    assert {12: "twelve"}[n] == "twelve" and {n: 1} == {12: 1} and list(range(20))[n] == 12 and [0] * n == [0] * 12
    assert list(range(n)) == list(range(12)) and np.zeros(n).shape == (12,) and np.asarray(n).dtype == np.int64
    assert dt.zeros(n).shape == dt.Tensor(n).shape == dt.arange(n).shape == (12,) and dt.zeros((n, 2)).shape == (12, 2)
    assert dt.tensor(n).dtype == dt.int64 and (dt.ones(1, dtype=dt.int8) + n).dtype == dt.int8
    assert dt.arange(20)[n].item() == 12 and dt.zeros(12).view(n).shape == (12,) and dt.Tensor(n, 1).size == 12
    assert dt.zeros(5).sum() / n == 0 and dt.ones(2).mul(n).tolist() == [12.0, 12.0]


def test_copied_or_pickled_it_is_a_plain_int():
    n = dt.zeros(3, 4).size
    for twin in (pickle.loads(pickle.dumps(n)), copy.copy(n), copy.deepcopy(n), int(n), n + 0):
        assert type(twin) is int and twin == 12


def test_it_does_not_hold_the_tensor():
    x = dt.zeros(1000)
    n, gone = x.size, weakref.ref(x)
    del x
    gc.collect()
    assert gone() is None and n == 1000


def test_subclasses_and_resizing():
    class Named(dt.Tensor):
        def size(self, *dim):
            return ("mine", super().size(*dim), int(super().size))

    class Plain(dt.Tensor):
        pass

    assert Named(dt.zeros(2, 3)).size(1) == ("mine", 3, 6)
    assert Plain(dt.zeros(2, 3)).size == 6 and Plain(dt.zeros(2, 3)).size() == (2, 3)
    x = dt.zeros(2, 3)
    x.resize_(4, 5)
    assert x.size == 20 and x.size() == (4, 5)


def test_it_is_documented_as_a_method():
    assert dt.Tensor.size.__name__ == "size" and dt.Tensor.size.__qualname__ == "Tensor.size"
    assert str(inspect.signature(dt.Tensor.size)) == "(self, /, dim=None)"
    assert inspect.isroutine(dt.Tensor.size) and "number of elements" in inspect.getdoc(dt.Tensor.size)
    assert repr(dt.Tensor.size) == "<method 'size' of 'dovetail.Tensor' objects>"


@pytest.mark.parametrize("of", [lambda x: x.size, lambda x: lambda *a, **k: x.size(*a, **k)])
def test_what_is_refused(of):
    size = of(dt.zeros(2, 3))
    for args, kwargs, error, text in [
        ((2,), {}, IndexError, "dim 2 is out of range"),
        ((-3,), {}, IndexError, "dim -3 is out of range"),
        ((0, 1), {}, TypeError, "takes one argument, dim"),
        ((), {"axis": 0}, TypeError, "takes one argument, dim"),
        ((1.5,), {}, TypeError, "dim must be an int, got float 1.5"),
        (("a",), {}, TypeError, "dim must be an int, got str 'a'"),
    ]:
        with pytest.raises(error, match=f"^size: {text}"):
            size(*args, **kwargs)


def test_what_is_refused_of_the_type():
    for call, text in [
        (lambda: dt.Tensor.size(), "size: expected a Tensor, got no argument"),
        (lambda: dt.Tensor.size(3), "size: expected a Tensor, got int 3"),
        (lambda: dt.Tensor.size.__get__(3), "size: expected a Tensor, got int 3"),
        (lambda: type(dt.zeros(1).size)(3), "cannot create 'dovetail.ElementCount' instances"),
        (lambda: int.__new__(type(dt.zeros(1).size), 2**200), "is not safe"),
        (lambda: type(dt.Tensor.size)(), "cannot create 'dovetail.SizeAttribute' instances"),
    ]:
        with pytest.raises(TypeError, match=text):
            call()
    with pytest.raises(IndexError, match="size: a zero-dim tensor has no dim 0"):
        dt.zeros(()).size(0)
