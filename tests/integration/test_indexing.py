"""Indices of every kind and mixture, read, written and differentiated, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dovetail as dt

SHAPE = (3, 4, 2, 5)
VALUES = np.arange(float(np.prod(SHAPE))).reshape(SHAPE)
WEIGHTS = np.cos(VALUES)


def slices(size: int) -> st.SearchStrategy[slice]:
    bound = st.none() | st.integers(-size - 2, size + 2)
    return st.builds(slice, bound, bound, st.none() | st.integers(-3, 3).filter(bool))


def arrays(size: int, shape: tuple[int, ...]) -> st.SearchStrategy[np.ndarray]:
    """Integers that index a dim of this size, in an array that broadcasts to the shape."""
    shapes = st.sampled_from([shape, shape[1:], (1,) * len(shape)])
    count = max(1, int(np.prod(shape)))
    numbers = st.lists(st.integers(-size, size - 1), min_size=count, max_size=count)
    return st.builds(lambda s, n: np.array(n[: int(np.prod(s))], np.int64).reshape(s), shapes, numbers)


@st.composite
def indices(draw: Any) -> tuple[Any, ...]:
    """A tuple of ints, slices, None, one ellipsis at most, integer arrays that broadcast together, and masks."""
    shape = draw(st.sampled_from([(2,), (2, 3), (), (0,)]))
    entries: list[Any] = []
    dim, ellipsis = 0, draw(st.booleans())
    masked = False
    while dim < len(SHAPE) and (dim == 0 or draw(st.booleans())):
        kind = draw(st.sampled_from(["int", "slice", "None", "array", "array", "mask"]))
        size = SHAPE[dim]
        if kind == "None":
            entries.append(None)
            continue
        if kind == "mask" and not masked and shape in ((2,), ()):
            # Two places that are true, or one: what broadcasts with the integer arrays.
            masked, span = True, draw(st.integers(1, min(2, len(SHAPE) - dim)))
            mask = np.zeros(SHAPE[dim : dim + span], bool)
            mask.flat[draw(st.integers(0, mask.size - 1))] = True
            if shape:
                mask.flat[draw(st.integers(0, mask.size - 1))] = True
            entries.append(mask)
            if shape and mask.sum() == 1:
                shape = (1,)
            dim += span
            continue
        entries.append(
            draw(st.integers(-size, size - 1))
            if kind == "int"
            else draw(slices(size))
            if kind == "slice"
            else draw(arrays(size, shape if shape != (1,) else ()))
        )
        dim += 1
        if ellipsis and draw(st.booleans()):
            ellipsis = False
            entries.append(...)
            dim = len(SHAPE)
    return tuple(entries)


def places(index: tuple[Any, ...]) -> np.ndarray:
    """Which elements an index selects, by PyTorch's rule: ints, slices and None first, then the arrays together. A
    zero-dim array is an int."""
    numbers = np.arange(VALUES.size).reshape(SHAPE)
    basic: list[Any] = []
    advanced: list[Any] = []
    for entry in index:
        if isinstance(entry, np.ndarray) and entry.ndim == 0:
            entry = int(entry)
        if isinstance(entry, np.ndarray):
            basic += [slice(None)] * (entry.ndim if entry.dtype == bool else 1)
            advanced.append(entry)
        else:
            basic.append(entry)
            advanced += [] if isinstance(entry, int) else [entry if entry is ... else slice(None)]
    return numbers[tuple(basic)][tuple(advanced)]


def ours(index: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(dt.tensor(entry) if isinstance(entry, np.ndarray) else entry for entry in index)


@settings(max_examples=400, deadline=None)
@given(indices())
def test_reading_and_its_gradient(index: tuple[Any, ...]) -> None:
    x = dt.tensor(VALUES, requires_grad=True)
    picked, found = places(index), x[ours(index)]
    assert tuple(found.shape) == picked.shape
    assert found.tolist() == VALUES.ravel()[picked].tolist()
    weights = np.sin(np.arange(picked.size)).reshape(picked.shape)
    (found * dt.tensor(weights)).sum().backward()
    expected = np.zeros(VALUES.size)
    np.add.at(expected, picked.ravel(), weights.ravel())
    np.testing.assert_allclose(x.grad.numpy().ravel(), expected, atol=1e-12)


@settings(max_examples=400, deadline=None)
@given(indices(), st.booleans())
def test_writing_and_its_gradient(index: tuple[Any, ...], number: bool) -> None:
    picked = places(index)
    x = dt.tensor(VALUES, requires_grad=True)
    value = dt.tensor(-1.0 - np.arange(float(picked.size)).reshape(picked.shape), requires_grad=True)
    y = x * 1
    y[ours(index)] = -1.0 if number else value
    changed = np.isin(np.arange(VALUES.size), picked).reshape(SHAPE)
    result = y.detach().numpy()
    np.testing.assert_array_equal(result[~changed], VALUES[~changed])
    assert (result[changed] < 0).all()
    if np.unique(picked).size == picked.size and not number:  # else any of a place's values may win
        assert result.ravel()[picked].tolist() == value.tolist()
    (y * dt.tensor(WEIGHTS)).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.where(changed, 0, WEIGHTS), atol=1e-12)
    if not number:
        np.testing.assert_allclose(value.grad.numpy(), WEIGHTS.ravel()[picked], atol=1e-12)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("shape", [(200_000,), (200, 1000)])
@pytest.mark.parametrize("bad", [7, -8, 2**63 - 1, -(2**63), -(2**63) + 6])
def test_the_first_of_many_bad_indices_is_named(bad: int, shape: tuple[int, ...], threads: int) -> None:
    """Wherever it is looked for: threads share the search."""
    index = dt.zeros(200_000, dtype=dt.int64)
    index[150_001], index[150_007] = bad, 100
    index = index.reshape(shape)
    before = dt.get_num_threads()
    dt.set_num_threads(threads)
    try:
        with pytest.raises(IndexError, match=f"^index: index {bad} is out of range for dim 0 of size 7$"):
            dt.arange(7)[index]
        with pytest.raises(IndexError, match="^gather: index -?\\d+ is out of range for dim 0 of size 7$"):
            dt.arange(7 * index[0].numel()).reshape(7, *shape[1:]).gather(0, index)
    finally:
        dt.set_num_threads(before)
