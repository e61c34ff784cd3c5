"""Every function that is not elementwise beside array-api-strict: all dtypes, drawn shapes, axes, layouts, values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dovetail as dt
import dovetail.array_api as xp
from tests.integration.array_api.reference import (
    ALL,
    NUMERIC,
    REAL,
    REAL_FLOATING,
    array,
    check,
    few,
    same,
    several,
    shapes,
    strict,
)

TESTED: set[str] = set()


def covers(*names: str) -> Any:
    """Note what a test covers."""
    TESTED.update(names)
    return lambda function: function


def test_every_function_is_tested() -> None:
    from dovetail.array_api import constants, data_types, elementwise, inspection

    elsewhere = {*constants.__all__, *data_types.__all__, *elementwise.__all__, *inspection.__all__}
    assert set(xp.__all__) - elsewhere - {"__array_api_version__", "fft", "linalg"} == TESTED


def axes(data: Any, ndim: int) -> Any:
    """None, an axis or several."""
    one = st.integers(-ndim, ndim - 1) if ndim else st.nothing()
    several = st.lists(st.integers(0, max(ndim - 1, 0)), unique=True, max_size=ndim).map(tuple)
    return data.draw(st.none() | one | several)


def axis_of(data: Any, x: np.ndarray) -> int:
    return data.draw(st.integers(-x.ndim, x.ndim - 1))


full_shape = shapes(min_side=1)
with_axis = shapes(min_dims=1)

# ---- creation ----


@covers("ones", "zeros", "empty", "full")
@few
@given(data=st.data())
def test_new_arrays(data: Any) -> None:
    dtype = np.dtype(data.draw(st.sampled_from(ALL)))
    shape = data.draw(shapes() | st.integers(0, 3))
    check("ones", shape, dtype=dtype)
    check("zeros", shape, dtype=dtype)
    check("full", shape, True if dtype.kind == "b" else 3, dtype=dtype)
    mine = xp.empty(shape, dtype=getattr(xp, dtype.name))
    assert mine.dtype.name == dtype.name and tuple(mine.shape) == strict.empty(shape).shape


@covers("ones_like", "zeros_like", "empty_like", "full_like")
@few
@given(data=st.data())
def test_new_arrays_like_one(data: Any) -> None:
    x = data.draw(array(ALL))
    dtype = data.draw(st.none() | st.sampled_from(ALL).map(np.dtype))
    check("ones_like", x, dtype=dtype)
    check("zeros_like", x, dtype=dtype)
    check("full_like", x, True if (dtype or x.dtype).kind == "b" else 3, dtype=dtype)
    mine = xp.empty_like(dt.from_numpy(x), dtype=dtype and getattr(xp, dtype.name))
    assert mine.dtype.name == (dtype or x.dtype).name and tuple(mine.shape) == x.shape


def test_default_dtypes_of_new_arrays() -> None:
    assert xp.ones(1).dtype is xp.zeros(1).dtype is xp.empty(1).dtype is xp.eye(1).dtype is xp.float32
    assert [xp.full(1, value).dtype.name for value in (True, 1, 1.0, 1j)] == ["bool", "int64", "float32", "complex64"]
    assert [xp.asarray(value).dtype.name for value in (True, 1, 1.0, 1j)] == ["bool", "int64", "float32", "complex64"]
    assert [xp.arange(value).dtype.name for value in (2, 2.0)] == ["int64", "float32"]
    assert [xp.linspace(0, value, 2).dtype.name for value in (2, 2.0, 2j)] == ["float32", "float32", "complex64"]


@covers("arange")
@few
@given(data=st.data())
def test_arange(data: Any) -> None:
    numbers = st.integers(-20, 20)
    if data.draw(st.booleans()):
        start, stop, step = (data.draw(numbers) for _ in range(3))
        dtype = np.dtype(data.draw(st.sampled_from(["int8", "int16", "int32", "int64", *REAL_FLOATING])))
    else:
        start, stop, step = (data.draw(numbers) / 4 for _ in range(3))
        dtype = np.dtype(data.draw(st.sampled_from(REAL_FLOATING)))
    step = step or 1
    check("arange", start, stop, step, dtype=dtype)
    check("arange", start, dtype=dtype)
    check("arange", start, stop, dtype=dtype)


def test_the_upper_half_of_uint64() -> None:
    dtype, most = np.dtype("uint64"), 2**64 - 1
    check("full", (2,), most, dtype=dtype)
    check("full_like", np.zeros(2, np.uint64), most)
    check("full_like", np.zeros(2), most, dtype=dtype)
    check("arange", 2**63, 2**63 + 5, 2, dtype=dtype)
    check("arange", most, most - 7, -3, dtype=dtype)
    check("asarray", most, dtype=dtype)
    check("linspace", 0, most, 5, dtype=np.dtype("float64"))
    x = np.asarray([most, 2**63, 7, most], np.uint64)
    for name in ("sort", "argsort", "unique_all", "max", "sum", "cumulative_sum", "argmin", "diff"):
        check(name, x)


@covers("linspace")
@few
@given(data=st.data())
def test_linspace(data: Any) -> None:
    numbers = st.integers(-20, 20).map(lambda n: n / 4)
    dtype = np.dtype(data.draw(st.sampled_from([*REAL_FLOATING, "complex64", "complex128"])))
    ends = [data.draw(numbers) for _ in range(2)]
    if dtype.kind == "c":
        ends = [complex(end, data.draw(numbers)) for end in ends]
    check("linspace", *ends, data.draw(st.integers(0, 9)), dtype=dtype, endpoint=data.draw(st.booleans()))


@covers("eye")
@few
@given(data=st.data())
def test_eye(data: Any) -> None:
    rows, columns = data.draw(st.integers(0, 4)), data.draw(st.none() | st.integers(0, 4))
    dtype = np.dtype(data.draw(st.sampled_from(NUMERIC)))
    check("eye", rows, columns, k=data.draw(st.integers(-5, 5)), dtype=dtype)


@covers("tril", "triu")
@few
@given(data=st.data())
def test_triangles(data: Any) -> None:
    x = data.draw(array(ALL, shapes(min_dims=2)))
    k = data.draw(st.integers(-5, 5))
    check("tril", x, k=k)
    check("triu", x, k=k)


@covers("meshgrid")
@few
@given(data=st.data())
def test_meshgrid(data: Any) -> None:
    dtype = data.draw(st.sampled_from(NUMERIC))
    vectors = data.draw(st.lists(array(dtype, shapes(1, 1)), min_size=1, max_size=3))
    check("meshgrid", *vectors, indexing=data.draw(st.sampled_from(["xy", "ij"])))


@covers("asarray", "from_dlpack")
@few
@given(data=st.data())
def test_data(data: Any) -> None:
    x = data.draw(array(ALL))
    dtype = data.draw(st.none() | st.just(x.dtype))
    same(xp.asarray(x, dtype=dtype and getattr(xp, dtype.name)), strict.asarray(x))
    mine = dt.from_numpy(x)
    assert xp.asarray(mine) is mine and xp.asarray(mine, copy=False) is mine
    copied = xp.asarray(mine, copy=True)
    assert x.size == 0 or copied.data_ptr() != mine.data_ptr()
    same(copied, strict.asarray(x))
    shared = xp.from_dlpack(mine)
    assert x.size == 0 or shared.data_ptr() == mine.data_ptr()
    same(shared, strict.asarray(x))
    same(xp.from_dlpack(strict.asarray(x)), strict.asarray(x))
    same(xp.from_dlpack(mine, copy=True, device="cpu"), strict.asarray(x))
    if x.size:
        same(xp.asarray(x.tolist(), dtype=getattr(xp, x.dtype.name)), strict.asarray(x))
    with pytest.raises(ValueError, match="asarray: copy=False"):
        xp.asarray([1, 2], copy=False)


# ---- manipulation ----


@covers("broadcast_arrays", "broadcast_to")
@few
@given(data=st.data())
def test_broadcasting(data: Any) -> None:
    check("broadcast_arrays", *data.draw(several(ALL, count=3)))
    x = data.draw(array(ALL))
    shape = (*data.draw(shapes(max_dims=1)), *(n if n != 1 else data.draw(st.integers(0, 3)) for n in x.shape))
    check("broadcast_to", x, shape)


@covers("concat", "stack")
@few
@given(data=st.data())
def test_joining(data: Any) -> None:
    shape = data.draw(with_axis)
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    dtypes = [each.dtype.name for each in data.draw(several(ALL, count=3))]
    others = [tuple(data.draw(st.integers(0, 3)) if i == axis % len(shape) else n for i, n in enumerate(shape))]
    parts = [data.draw(array(dtype, each)) for dtype, each in zip(dtypes, [shape, *others, shape])]
    check("concat", parts, axis=axis)
    check("concat", tuple(parts), axis=None)
    check("stack", [parts[0], parts[2]], axis=data.draw(st.integers(-len(shape) - 1, len(shape))))


def test_concat_takes_one_number_of_dims() -> None:
    with pytest.raises(ValueError, match="concat: tensors of 2 and of 1 dims"):
        xp.concat([xp.ones((2, 2)), xp.ones(0)])


@covers("expand_dims", "squeeze", "flip", "moveaxis", "permute_dims", "unstack", "matrix_transpose")
@few
@given(data=st.data())
def test_axes(data: Any) -> None:
    x = data.draw(array(ALL))
    place = data.draw(st.integers(-x.ndim - 1, x.ndim))
    strict_expanded = check("expand_dims", x, place)
    assert xp.expand_dims(dt.from_numpy(x), axis=place).shape == strict_expanded.shape
    check("squeeze", np.expand_dims(x, place), place)
    check("squeeze", np.expand_dims(x, (0, -1)), (0, -1))
    check("squeeze", x, ())
    check("flip", x, axis=axes(data, x.ndim))
    order = data.draw(st.permutations(range(x.ndim)))
    check("permute_dims", x, tuple(order))
    if x.ndim:
        check("unstack", x, axis=axis_of(data, x))
        check("moveaxis", x, axis_of(data, x), axis_of(data, x))
        count = data.draw(st.integers(1, x.ndim))
        check("moveaxis", x, tuple(order[:count]), tuple(data.draw(st.permutations(range(x.ndim)))[:count]))
    if x.ndim >= 2:
        check("matrix_transpose", x)


def test_squeeze_refuses_larger_axes() -> None:
    with pytest.raises(ValueError, match=r"squeeze: axis 1 has size 2, not 1, in shape \(1, 2\)"):
        xp.squeeze(xp.ones((1, 2)), (0, 1))
    with pytest.raises(IndexError, match="squeeze"):
        xp.squeeze(xp.ones((1, 2)), 2)
    with pytest.raises(IndexError, match="expand_dims"):
        xp.expand_dims(xp.ones((1, 2)), axis=4)


@covers("repeat", "tile", "roll")
@few
@given(data=st.data())
def test_repetition(data: Any) -> None:
    x = data.draw(array(ALL))
    check("repeat", x, data.draw(st.integers(0, 3)))
    check("tile", x, data.draw(st.lists(st.integers(0, 2), max_size=4).map(tuple)))
    check("roll", x, data.draw(st.integers(-9, 9)))
    if x.ndim:
        axis = axis_of(data, x)
        check("repeat", x, data.draw(st.integers(0, 3)), axis=axis)
        counts = data.draw(array(["int64", "uint8"], (x.shape[axis],), low=0, high=3))
        if x.shape[axis]:
            check("repeat", x, counts, axis=axis)
        check("roll", x, data.draw(st.integers(-9, 9)), axis=axis)
        several = data.draw(st.lists(st.integers(0, x.ndim - 1), min_size=1, max_size=3, unique=True).map(tuple))
        check("roll", x, data.draw(st.integers(-9, 9)), axis=several)
        check("roll", x, tuple(data.draw(st.integers(-9, 9)) for _ in several), axis=several)


@covers("reshape")
@few
@given(data=st.data())
def test_reshape(data: Any) -> None:
    x = data.draw(array(ALL))
    sizes = data.draw(st.permutations(x.shape))
    check("reshape", x, tuple(sizes))
    if x.size:
        check("reshape", x, (-1,))
        check("reshape", x, (1, -1, 1))
    mine = dt.from_numpy(x)
    copied = xp.reshape(mine, tuple(sizes), copy=True)
    assert copied.numel() == 0 or copied._storage_ptr() != mine._storage_ptr()
    same(copied, strict.reshape(strict.asarray(x), tuple(sizes)))


def test_reshape_without_copying() -> None:
    x = dt.arange(6).reshape(2, 3)
    assert xp.reshape(x, (3, 2), copy=False).data_ptr() == x.data_ptr()
    with pytest.raises(ValueError, match="reshape: copy=False"):
        xp.reshape(x.T, (6,), copy=False)


# ---- indexing, searching, sorting, sets ----


@covers("take", "take_along_axis")
@few
@given(data=st.data())
def test_taking(data: Any) -> None:
    x = data.draw(array(ALL, shapes(min_dims=1, min_side=1)))
    axis = axis_of(data, x)
    size = x.shape[axis]
    check("take", x, data.draw(array(["int32", "int64"], shapes(1, 1), low=-size, high=size - 1)), axis=axis)
    if x.ndim == 1:
        check("take", x, data.draw(array(["int64"], shapes(1, 1), low=0, high=size - 1)))
    shape = tuple(data.draw(st.integers(0, 4)) if i == axis % x.ndim else n for i, n in enumerate(x.shape))
    check("take", x, data.draw(array(["uint8", "int8"], shapes(1, 1), low=0, high=size - 1)), axis=axis)
    check("take_along_axis", x, data.draw(array(["int64", "int32"], shape, low=-size, high=size - 1)), axis=axis)


@covers("argmax", "argmin", "count_nonzero", "nonzero", "where")
@few
@given(data=st.data())
def test_searching(data: Any) -> None:
    x = data.draw(array(REAL, full_shape, special=True))
    axis = data.draw(st.none() | st.integers(-x.ndim, x.ndim - 1)) if x.ndim else None
    keepdims = data.draw(st.booleans())
    check("argmax", x, axis=axis, keepdims=keepdims)
    check("argmin", x, axis=axis, keepdims=keepdims)
    y = data.draw(array(ALL, low=-1, high=1))
    check("count_nonzero", y, axis=axes(data, y.ndim), keepdims=keepdims)
    if y.ndim:
        check("nonzero", y)
    condition, first, second = data.draw(several(["bool"], count=3))
    dtypes = [each.dtype for each in data.draw(several(ALL))]
    first, second = first.astype(dtypes[0]), second.astype(dtypes[1])
    check("where", condition, first, second)
    check("where", condition, first, True if first.dtype.kind == "b" else 1)


@covers("searchsorted")
@few
@given(data=st.data())
def test_searchsorted(data: Any) -> None:
    ordered, values = data.draw(several(REAL))
    ordered = data.draw(array(ordered.dtype.name, shapes(1, 1)))
    side = data.draw(st.sampled_from(["left", "right"]))
    check("searchsorted", np.sort(ordered), values, side=side)
    check("searchsorted", ordered, values, side=side, sorter=np.argsort(ordered))


@covers("sort", "argsort")
@few
@given(data=st.data())
def test_sorting(data: Any) -> None:
    x = data.draw(array(REAL, with_axis, low=-3, high=3))
    axis, descending = axis_of(data, x), data.draw(st.booleans())
    check("sort", x, axis=axis, descending=descending)
    check("argsort", x, axis=axis, descending=descending)  # stable, so that there is one answer
    places = xp.argsort(dt.from_numpy(x), axis=axis, descending=descending, stable=False)
    reordered = xp.take_along_axis(dt.from_numpy(x), places, axis=axis)
    assert reordered.tolist() == check("sort", x, axis=axis, descending=descending, stable=False).tolist()


@covers("unique_all", "unique_counts", "unique_inverse", "unique_values")
@few
@given(data=st.data())
def test_sets(data: Any) -> None:
    x = data.draw(array(ALL, low=-1, high=1, special=True))
    check("unique_values", x)
    check("unique_counts", x)
    if np.isnan(x).sum() <= 1:  # NumPy gives several in any order
        check("unique_inverse", x)
        check("unique_all", x)
    found = xp.unique_all(dt.from_numpy(x))
    np.testing.assert_array_equal(found.values[found.inverse_indices].numpy(), x)
    np.testing.assert_array_equal(dt.from_numpy(x).reshape(-1)[found.indices].numpy(), found.values.numpy())
    assert xp.all(found.inverse_indices.reshape(-1)[found.indices] == xp.arange(found.values.shape[0]))


def test_no_two_nans_are_one() -> None:
    found = xp.unique_all(xp.asarray([xp.nan, 1.0, xp.nan, 1.0]))
    assert found.counts.tolist() == [2, 1, 1] and found.indices.tolist() == [1, 0, 2]


# ---- statistics, utilities, linear algebra ----


@covers("sum", "prod", "max", "min", "mean", "std", "var", "all", "any")
@few
@given(data=st.data())
def test_reductions(data: Any) -> None:
    keepdims = {"keepdims": data.draw(st.booleans())}
    x = data.draw(array(NUMERIC, low=-3, high=3))
    axis = axes(data, x.ndim)
    dtype = data.draw(st.none() | st.just(np.dtype("complex128" if x.dtype.kind == "c" else "float64")))
    check("sum", x, axis=axis, dtype=dtype, **keepdims)
    check("prod", x, axis=axis, dtype=dtype, **keepdims)
    y = data.draw(array(ALL, low=-1, high=1, special=True))
    axis = axes(data, y.ndim)
    check("all", y, axis=axis, **keepdims)
    check("any", y, axis=axis, **keepdims)
    z = data.draw(array(REAL, full_shape, special=True))
    axis = axes(data, z.ndim)
    check("max", z, axis=axis, **keepdims)
    check("min", z, axis=axis, **keepdims)
    f = data.draw(array([*REAL_FLOATING, "complex64", "complex128"], full_shape))
    axis = axes(data, f.ndim)
    check("mean", f, axis=axis, **keepdims)
    if f.dtype.kind == "f":
        check("std", f, axis=axis, **keepdims)
        check("var", f, axis=axis, correction=data.draw(st.sampled_from([0.0, 0.5])), **keepdims)


def test_reductions_of_nothing() -> None:
    empty = xp.zeros((0, 2))
    assert xp.sum(empty).item() == 0.0 and xp.prod(empty, axis=0).tolist() == [1.0, 1.0]
    assert xp.all(empty).item() is True and xp.any(empty).item() is False
    for function in (xp.max, xp.min, xp.argmax, xp.argmin):
        with pytest.raises((ValueError, IndexError), match=f"^{function.__name__}: "):
            function(empty)


@covers("cumulative_sum", "cumulative_prod", "diff")
@few
@given(data=st.data())
def test_along_an_axis(data: Any) -> None:
    x = data.draw(array(NUMERIC, with_axis, low=-3, high=3))
    axis = data.draw(st.none() | st.integers(-1, 0)) if x.ndim == 1 else axis_of(data, x)
    dtype = data.draw(st.none() | st.just(np.dtype("complex128" if x.dtype.kind == "c" else "float64")))
    for name in ("cumulative_sum", "cumulative_prod"):
        check(name, x, axis=axis, dtype=dtype, include_initial=data.draw(st.booleans()))
    axis = axis_of(data, x)
    parts = {}
    for name in ("prepend", "append"):
        if data.draw(st.booleans()):
            parts[name] = data.draw(array(x.dtype.name, x.shape))
    count = data.draw(st.integers(1 if parts else 0, 2))
    if x.shape[axis] * (1 + len(parts)) > count:
        check("diff", x, axis=axis, n=count, **parts)


@covers("matmul", "vecdot", "tensordot")
@few
@given(data=st.data())
def test_products(data: Any) -> None:
    first, second = (each.dtype.name for each in data.draw(several(NUMERIC)))
    stack = data.draw(st.sampled_from([((), ()), ((2,), (2,)), ((3, 1), (2,)), ((0,), (1,))]))
    rows, inner, columns = (data.draw(st.integers(0, 4)) for _ in range(3))
    x, y = data.draw(array(first, (*stack[0], rows, inner))), data.draw(array(second, (*stack[1], inner, columns)))
    check("matmul", x, y)
    vector = data.draw(array(second, (inner,)))
    check("matmul", x, vector)
    check("matmul", vector, y)
    check("vecdot", vector, x)
    check("vecdot", x, x)
    check("vecdot", y, vector[:, None], axis=-2)
    check("tensordot", x, vector, axes=1)
    check("tensordot", x, y, axes=0)
    check("tensordot", x, y, axes=((-1,), (-2,)))


def test_products_refuse() -> None:
    with pytest.raises(ValueError, match="vecdot: axis 0 must be from -1 to -1"):
        xp.vecdot(xp.ones(2), xp.ones(2), axis=0)
    with pytest.raises(ValueError, match="vecdot: x1 has size 2 along axis -1, x2 has 1"):
        xp.vecdot(xp.ones(2), xp.ones(1))
    with pytest.raises(ValueError, match="matrix_transpose: x must have at least 2 dims"):
        xp.matrix_transpose(xp.ones(2))
    with pytest.raises(ValueError, match="nonzero: a zero-dim tensor"):
        xp.nonzero(xp.ones(()))
    with pytest.raises(ValueError, match="take: axis is missing"):
        xp.take(xp.ones((2, 2)), xp.asarray([0]))
    with pytest.raises(ValueError, match="cumulative_sum: axis is missing"):
        xp.cumulative_sum(xp.ones((2, 2)))
    with pytest.raises(ValueError, match='searchsorted: side must be "left" or "right"'):
        xp.searchsorted(xp.ones(2), 1.0, side="middle")
    with pytest.raises(TypeError, match="where: condition must be of dtype bool"):
        xp.where(xp.ones(2), 1.0, xp.ones(2))
