"""The namespace as a whole: its names and signatures, its data types, what it says of itself, tensors' attributes."""

from __future__ import annotations

import inspect
import itertools
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import dovetail as dt
import dovetail.array_api as xp
from tests.integration.array_api.reference import ALL, name_of, promotes, strict

NEWER = {"broadcast_shapes", "isin"}  # than the version
STRICTS_OWN = {"ArrayAPIStrictFlags", "Device", "__version__"} | {
    name for name in strict.__all__ if "array_api_strict_flags" in name
}
NAMES = sorted(set(strict.__all__) - STRICTS_OWN - NEWER)
EXTENSIONS = {name: sorted(getattr(strict, name).__all__) for name in ("fft", "linalg") if name in NAMES}
FUNCTIONS = [name for name in NAMES if inspect.isfunction(getattr(strict, name))]
FUNCTIONS += [f"{extension}.{name}" for extension, names in EXTENSIONS.items() for name in names]


def found(namespace: Any, name: str) -> Any:
    for part in name.split("."):
        namespace = getattr(namespace, part)
    return namespace


@pytest.mark.parametrize("name", NAMES)
def test_name_is_here(name: str) -> None:
    assert hasattr(xp, name)
    assert name in xp.__all__ and name in dir(xp)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_signature(name: str) -> None:
    """The arguments are the standard's, in names, kinds, order and defaults."""
    mine = inspect.signature(found(xp, name)).parameters
    wanted = inspect.signature(found(strict, name)).parameters
    assert list(mine) == list(wanted)
    for each, parameter in wanted.items():
        if each == "axis" and name == "expand_dims":  # keyword-only with a default in 2024.12, positional later: both
            continue
        assert mine[each].kind == parameter.kind, each
        if "UNDEF" not in repr(parameter.default):
            assert mine[each].default == parameter.default, each


@pytest.mark.parametrize("name", FUNCTIONS)
def test_documented(name: str) -> None:
    assert (found(xp, name).__doc__ or "").strip()


def test_constants() -> None:
    for name in ("e", "inf", "pi"):
        assert getattr(xp, name) == getattr(strict, name)
    assert xp.nan != xp.nan and xp.newaxis is None


def test_nothing_is_loaded_before_it_is_used() -> None:
    code = "import sys, dovetail; print(*(name for name in sys.modules if 'array_api' in name or 'protocols' in name))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["dovetail.tensor_methods.protocols"]


# ---- data types ----


@pytest.mark.parametrize("first, second", list(itertools.product(ALL, ALL)))
def test_promotion(first: str, second: str) -> None:
    mine = getattr(xp, first), getattr(xp, second)
    if promotes(first, second):
        wanted = strict.result_type(getattr(strict, first), getattr(strict, second))
        assert xp.result_type(*mine).name == name_of(wanted)
        assert xp.result_type(xp.ones((), dtype=mine[0]), xp.ones(2, dtype=mine[1])).name == name_of(wanted)
        assert xp.can_cast(*mine) == strict.can_cast(getattr(strict, first), getattr(strict, second))
        assert (xp.ones(2, dtype=mine[0]) == xp.ones(2, dtype=mine[1])).tolist() == [True, True]


KINDS = ["bool", "signed integer", "unsigned integer", "integral", "real floating", "complex floating", "numeric"]


@pytest.mark.parametrize("dtype", ALL)
def test_isdtype(dtype: str) -> None:
    mine, theirs = getattr(xp, dtype), getattr(strict, dtype)
    for kind in [*KINDS, ("bool", "integral"), ()]:
        assert xp.isdtype(mine, kind) == strict.isdtype(theirs, kind)
    assert xp.isdtype(mine, mine) and not xp.isdtype(mine, xp.float16) and xp.isdtype(mine, ("bool", mine))
    with pytest.raises(ValueError, match="isdtype: there is no kind 'whole'"):
        xp.isdtype(mine, "whole")


def test_isdtype_of_sixteen_bits() -> None:
    assert xp.isdtype(xp.bfloat16, "real floating") and xp.isdtype(xp.float16, "numeric")


@pytest.mark.parametrize("first, second", list(itertools.product(ALL, ALL)))
def test_astype(first: str, second: str) -> None:
    mine, theirs = xp.asarray([0, 1, 3], dtype=getattr(xp, first)), strict.asarray([0, 1, 3])
    theirs = strict.asarray(theirs, dtype=getattr(strict, first))
    if first.startswith("complex") and not second.startswith("complex"):
        if second != "bool":
            with pytest.raises(TypeError, match="astype: "):
                xp.astype(mine, getattr(xp, second))
        return
    result = xp.astype(mine, getattr(xp, second))
    assert result.dtype.name == second and result.data_ptr() != mine.data_ptr()
    assert result.tolist() == np.asarray(strict.astype(theirs, getattr(strict, second))._array).tolist()
    assert (xp.astype(mine, getattr(xp, second), copy=False) is mine) == (first == second)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_finfo(dtype: str) -> None:
    mine, theirs = xp.finfo(getattr(xp, dtype)), strict.finfo(getattr(strict, dtype))
    for name in ("bits", "eps", "max", "min", "smallest_normal"):
        value = getattr(mine, name)
        assert value == getattr(theirs, name) and type(value) is (int if name == "bits" else float)
    assert mine.dtype.name == name_of(theirs.dtype)
    assert xp.finfo(xp.ones(1, dtype=getattr(xp, dtype))) == mine


@pytest.mark.parametrize("dtype", [name for name in ALL if "int" in name])
def test_iinfo(dtype: str) -> None:
    mine, theirs = xp.iinfo(getattr(xp, dtype)), strict.iinfo(getattr(strict, dtype))
    assert (mine.bits, mine.max, mine.min) == (theirs.bits, theirs.max, theirs.min)
    assert mine.dtype.name == name_of(theirs.dtype)
    assert xp.iinfo(xp.ones(1, dtype=getattr(xp, dtype))) == mine


def test_numbers_in_result_type() -> None:
    assert xp.result_type(xp.int8, 1) is xp.int8
    assert xp.result_type(xp.float32, 1, True) is xp.float32
    assert xp.result_type(xp.float64, 1j) is xp.complex128
    assert xp.result_type(xp.complex64, 1.0) is xp.complex64
    with pytest.raises(TypeError, match="result_type: expected at least one"):
        xp.result_type(1, 2.0)
    with pytest.raises(TypeError, match="result_type: expected Tensors, dtypes and Python numbers, got str"):
        xp.result_type("float32")


# ---- inspection ----


def test_inspection() -> None:
    mine, theirs = xp.__array_namespace_info__(), strict.__array_namespace_info__()
    capabilities = mine.capabilities()
    assert capabilities.keys() == theirs.capabilities().keys()
    assert capabilities["boolean indexing"] is True and capabilities["data-dependent shapes"] is True
    most = capabilities["max dimensions"]
    assert xp.ones((1,) * most).ndim == most
    with pytest.raises(ValueError, match="dims"):
        xp.ones((1,) * (most + 1))
    for kind in [None, *KINDS, ("bool", "integral")]:
        assert mine.dtypes(kind=kind).keys() == theirs.dtypes(kind=kind).keys()
        assert all(dtype.name == name for name, dtype in mine.dtypes(kind=kind).items())
    assert mine.default_device() in mine.devices()
    defaults = mine.default_dtypes()
    assert defaults.keys() == theirs.default_dtypes().keys()
    assert defaults["real floating"] is xp.asarray(1.0).dtype and defaults["complex floating"] is xp.asarray(1j).dtype
    assert defaults["integral"] is xp.asarray(1).dtype and defaults["indexing"] is xp.argmax(xp.ones(1)).dtype
    before = dt.get_default_dtype()
    dt.set_default_dtype(dt.float64)
    try:
        assert mine.default_dtypes()["complex floating"] is xp.asarray(1j).dtype is xp.complex128
    finally:
        dt.set_default_dtype(before)


# ---- what the standard wants of an array ----

STRICTS_OWN_ATTRIBUTES = {"__module__", "__slots__", "__buffer__", "__weakref__", "__annotations__"}
ATTRIBUTES = {name for name in vars(type(strict.asarray(0))) if name.startswith("__") or not name.startswith("_")}
ATTRIBUTES = sorted(ATTRIBUTES - set(vars(object)) - STRICTS_OWN_ATTRIBUTES)


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_attribute(name: str) -> None:
    assert hasattr(dt.ones(2, 2), name)


def test_namespace_of_a_tensor() -> None:
    x = dt.ones(2, 3)
    assert x.__array_namespace__() is xp
    assert x.__array_namespace__(api_version=None) is xp
    for version in ("2021.12", "2022.12", "2023.12", "2024.12"):
        assert x.__array_namespace__(api_version=version) is xp
    with pytest.raises(ValueError, match="__array_namespace__: api_version must be one of .*, got '1999.12'"):
        x.__array_namespace__(api_version="1999.12")
    assert dt.Tensor._make_subclass(x).__array_namespace__() is xp


def test_devices() -> None:
    x = dt.ones(2, 3)
    assert x.to_device(x.device) is x and x.to_device("cpu") is x
    with pytest.raises(ValueError, match="to_device: stream must be None"):
        x.to_device("cpu", stream=1)
    with pytest.raises(TypeError, match="to_device"):
        x.to_device(None)
    # (Other tests register backends without kernels in this process.)
    for device in [each for each in xp.__array_namespace_info__().devices() if each.type in ("cpu", "reference")]:
        assert xp.zeros(2, device=device).device == device
        assert xp.asarray(x, device=device).device == device


def test_views_and_numbers() -> None:
    x = dt.arange(6.0).reshape(2, 3)
    assert x.mT.tolist() == x.T.tolist() == [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]
    assert (x.ndim, tuple(x.shape), x.size) == (2, (2, 3), 6)
    assert [each.size for each in (dt.zeros(0, 3), dt.tensor(1), dt.zeros(1).expand(2**40))] == [0, 1, 2**40]
    assert complex(dt.tensor(1 + 2j)) == 1 + 2j and float(dt.tensor(2)) == 2.0 and int(dt.tensor(2.0)) == 2
    assert [10, 20, 30][dt.tensor(1)] == 20 and bool(dt.tensor(0)) is False
    with pytest.raises(TypeError):
        dt.tensor(1.0).__index__()


def test_matmul_in_place() -> None:
    x, same = (dt.arange(4.0).reshape(2, 2),) * 2
    x @= dt.tensor([[0.0, 1.0], [1.0, 0.0]])
    assert x is same and x.tolist() == [[1.0, 0.0], [3.0, 2.0]]
    with pytest.raises(ValueError, match="@=: a product of shape"):
        x @= dt.ones(2, 3)


@pytest.mark.parametrize("dtype", ALL)
def test_indexing(dtype: str) -> None:
    """Every kind of index of the standard gives, and sets, what it does in array-api-strict."""
    numbers = np.arange(24).reshape(2, 3, 4).astype(dtype)
    rows, columns = np.asarray([1, 0, 1]), np.asarray([0, 2, 1])
    masks = [numbers.real > 5, np.asarray([True, False]), np.ones((2, 3), bool), np.zeros((2, 3, 4), bool)]
    keys: list[Any] = [(0, 1, 2), (-1, ...), (..., 1), ..., (1, ..., -2), (None, 1, ...), (..., None, 0)]
    keys += [(slice(1, None), ...), (slice(None), slice(None, None, -1), 0), (0, slice(2, 0, -1), slice(0, 4, 3))]
    keys += [(slice(2, 2), slice(-3, 3), ...), *masks, (rows, columns, rows), (rows, 1, columns), (rows, 1, 2)]
    for key in keys:
        parts = key if isinstance(key, tuple) else (key,)
        mine = tuple(dt.from_numpy(part) if isinstance(part, np.ndarray) else part for part in parts)
        theirs = tuple(strict.asarray(part) if isinstance(part, np.ndarray) else part for part in parts)
        x, reference = dt.from_numpy(numbers.copy()), strict.asarray(numbers)
        mine_key, their_key = (mine, theirs) if isinstance(key, tuple) else (mine[0], theirs[0])
        np.testing.assert_array_equal(x[mine_key].numpy(), np.asarray(reference[their_key]._array))
        changed = numbers.copy()  # array-api-strict sets at no new axes and arrays of indices; NumPy does
        x[mine_key] = changed[key] = True if dtype == "bool" else 1
        np.testing.assert_array_equal(x.numpy(), changed)
