"""Collating: what becomes a tensor, and what stays."""

from collections import namedtuple

import numpy as np
import pytest

import dovetail as dt
from dovetail.data import default_collate, default_convert


def test_numbers_and_strings():
    assert default_collate([1, 2]).dtype == dt.int64
    assert default_collate([1.0, 2.0]).dtype == dt.float64
    assert default_collate([True, False]).dtype == dt.bool
    assert default_collate(["a", "b"]) == ["a", "b"]


def test_tensors_and_arrays_are_stacked():
    assert default_collate([dt.zeros(2), dt.ones(2)]).tolist() == [[0, 0], [1, 1]]
    batch = default_collate([np.ones(3, dtype=np.float32)] * 2)
    assert tuple(batch.shape) == (2, 3) and batch.dtype == dt.float32


def test_nesting_is_kept():
    Point = namedtuple("Point", "x y")
    batch = default_collate([{"p": Point(1, [2, "a"])}, {"p": Point(3, [4, "b"])}])
    assert isinstance(batch["p"], Point)
    assert batch["p"].x.tolist() == [1, 3] and batch["p"].y[0].tolist() == [2, 4] and batch["p"].y[1] == ["a", "b"]


@pytest.mark.parametrize("batch, error", [([], ValueError), ([[1, 2], [1]], ValueError), ([object()], TypeError)])
def test_refusals(batch, error):
    with pytest.raises(error, match="^default_collate"):
        default_collate(batch)


def test_convert():
    converted = default_convert({"a": (np.arange(2), "s"), "b": [1]})
    assert converted["a"][0].tolist() == [0, 1] and converted["a"][1] == "s" and converted["b"] == [1]
