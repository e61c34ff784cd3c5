"""A tensor has one Python object as long as anything holds it."""

import gc
import weakref

import pytest

import dovetail as dt


class Named(dt.Tensor):
    pass


def test_the_wrapper_survives_in_cpp():
    x = Named._make_subclass(dt.ones(2))
    x.note = "kept"
    address = id(x)
    holder = dt.zeros(2)
    holder.grad = x
    del x
    gc.collect()
    back = holder.grad
    assert id(back) == address and type(back) is Named and back.note == "kept"


def test_grad_is_the_same_object():
    x, g = dt.zeros(2), dt.ones(2)
    x.grad = g
    assert x.grad is g
    x.grad = None
    assert x.grad is None


def test_base_is_the_same_object():
    x = dt.zeros(3)
    assert x[1:]._base is x


def test_the_base_lives_while_a_view_does():
    x = Named._make_subclass(dt.arange(3))
    x.note = "kept"
    view = x[1:]
    del x
    gc.collect()
    assert view.tolist() == [1, 2] and view._base.note == "kept"


def test_weak_references():
    x = dt.zeros(1)
    reference = weakref.ref(x)
    assert reference() is x
    del x
    gc.collect()
    assert reference() is None


def test_cycles_are_collected():
    x = dt.zeros(1)
    x.itself = x
    reference = weakref.ref(x)
    del x
    gc.collect()
    assert reference() is None


def test_memory_is_given_back():
    gc.collect()
    before = dt.memory_stats()["allocated"]
    x = dt.zeros(1_000_000)
    assert dt.memory_stats()["allocated"] >= before + 4_000_000
    del x
    assert dt.memory_stats()["allocated"] < before + 4_000_000


def test_hash_is_by_identity():
    a, b = dt.ones(1), dt.ones(1)
    assert len({a, b}) == 2 and a in {a}


def test_attributes():
    x = dt.ones(1)
    x.color = "red"
    assert x.color == "red"
    with pytest.raises(AttributeError):
        x.shape = (2,)
    with pytest.raises(AttributeError):
        x.no_such_attribute  # noqa: B018


def test_in_place_results_are_the_same_object():
    x = Named._make_subclass(dt.ones(2))
    assert x.add_(1) is x and type(x) is Named
