"""Dovetail's namespace beside array-api-strict: arguments drawn for both, and their results compared."""

from __future__ import annotations

import warnings
from typing import Any

import array_api_strict as strict
import hypothesis.extra.numpy as arrays
import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

import dovetail as dt
import dovetail.array_api as xp

with warnings.catch_warnings():  # that the version is not its newest
    warnings.simplefilter("ignore")
    strict.set_array_api_strict_flags(api_version=xp.__array_api_version__)

SIGNED = ["int8", "int16", "int32", "int64"]
UNSIGNED = ["uint8", "uint16", "uint32", "uint64"]
INTEGER = SIGNED + UNSIGNED
REAL_FLOATING = ["float32", "float64"]
COMPLEX = ["complex64", "complex128"]
FLOATING = REAL_FLOATING + COMPLEX
REAL = INTEGER + REAL_FLOATING
NUMERIC = REAL + COMPLEX
ALL = ["bool", *NUMERIC]

few = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))

SPECIAL = [0.0, -0.0, 1.0, -1.0, float("inf"), float("-inf"), float("nan")]


def elements(dtype: str, low: float, high: float, special: bool = False) -> Any:
    """Numbers of a dtype between two bounds; with `special` also infinities, NaN and zeros of both signs."""
    kind = np.dtype(dtype).kind
    if kind == "b":
        return st.booleans()
    if kind in "iu":
        limits = np.iinfo(dtype)
        return st.integers(max(int(low), limits.min), min(int(high), limits.max))
    # Whole 64ths are exact in every dtype, and far enough from each other.
    parts = st.integers(int(low * 64), int(high * 64)).map(lambda n: n / 64)
    if kind == "f":
        return parts | st.sampled_from(SPECIAL) if special else parts
    return st.builds(complex, parts, parts)


def shapes(min_dims: int = 0, max_dims: int = 3, min_side: int = 0, max_side: int = 4) -> Any:
    return arrays.array_shapes(min_dims=min_dims, max_dims=max_dims, min_side=min_side, max_side=max_side)


@st.composite
def array(
    draw: Any, dtypes: Any, shape: Any = None, low: float = -9, high: float = 9, special: bool = False
) -> np.ndarray:
    """An array, in any layout: rows first, columns first, every second element, or backwards."""
    dtype = draw(st.sampled_from(dtypes)) if isinstance(dtypes, list) else dtypes
    shape = draw(shapes() if shape is None else shape) if not isinstance(shape, tuple) else shape
    layout = draw(st.sampled_from(["rows", "columns", "strided", "backwards"]))
    numbers = elements(dtype, low, high, special)
    if layout == "columns":
        return draw(arrays.arrays(dtype, shape[::-1], elements=numbers)).T
    if layout == "strided" and shape:
        return draw(arrays.arrays(dtype, (*shape[:-1], 2 * shape[-1]), elements=numbers))[..., ::2]
    drawn = draw(arrays.arrays(dtype, shape, elements=numbers))
    return drawn[::-1] if layout == "backwards" and shape else drawn


@st.composite
def several(draw: Any, dtypes: list[str], count: int = 2, same: bool = False, **options: Any) -> list[np.ndarray]:
    """Arrays that broadcast with each other, of dtypes that promote within their kind, or of one."""
    found = draw(arrays.mutually_broadcastable_shapes(num_shapes=count, max_dims=3, max_side=3, min_side=0))
    first = draw(st.sampled_from(dtypes))
    meeting = [first] if same else [each for each in dtypes if promotes(first, each)]
    kinds = [first] + [draw(st.sampled_from(meeting)) for _ in range(count - 1)]
    if not all(promotes(a, b) for a in kinds for b in kinds):
        kinds = [first] * count
    return [draw(array(kind, shape, **options)) for kind, shape in zip(kinds, found.input_shapes)]


def promotes(first: str, second: str) -> bool:
    """Whether the standard lets two dtypes meet."""
    try:
        strict.result_type(getattr(strict, first), getattr(strict, second))
    except TypeError:
        return False
    return True


def ours(value: Any) -> Any:
    """The value as an argument of ours: arrays become tensors over their memory, dtypes are looked up by name."""
    return _mapped(value, dt.from_numpy, xp)


def theirs(value: Any) -> Any:
    """The same for array-api-strict."""
    return _mapped(value, strict.asarray, strict)


def _mapped(value: Any, convert: Any, namespace: Any) -> Any:
    if isinstance(value, np.ndarray):
        return convert(value)
    if isinstance(value, np.dtype):
        return getattr(namespace, value.name)
    if isinstance(value, (list, tuple)):
        return type(value)(_mapped(each, convert, namespace) for each in value)
    return value


def check(name: str, *args: Any, within: float = 1e-5, **kwargs: Any) -> Any:
    """Call a function of both namespaces, by its name or dotted name, and compare; gives ours.

    `within` is the relative tolerance for float32, of which float64 gets a millionth.
    """
    mine, reference = xp, strict
    for part in name.split("."):
        mine, reference = getattr(mine, part), getattr(reference, part)
    with np.errstate(all="ignore"):
        wanted = reference(*theirs(args), **{key: theirs(value) for key, value in kwargs.items()})
    result = mine(*ours(args), **{key: ours(value) for key, value in kwargs.items()})
    same(result, wanted, within)
    return result


def same(result: Any, wanted: Any, rtol: float = 1e-5) -> None:
    """Refuse what differs in structure, dtype, shape or values."""
    if isinstance(wanted, (list, tuple)):
        assert type(result) in (list, tuple) or result._fields == wanted._fields
        assert len(result) == len(wanted)
        for mine, reference in zip(result, wanted):
            same(mine, reference, rtol)
    elif isinstance(wanted, type(strict.asarray(0))):
        assert isinstance(result, dt.Tensor)
        assert result.dtype.name == name_of(wanted.dtype), f"{result.dtype.name} for {wanted.dtype}"
        assert tuple(result.shape) == wanted.shape
        expected = np.asarray(wanted._array)
        if expected.dtype.kind in "fc":
            single = expected.dtype.name in ("float32", "complex64")
            scale = float(np.abs(expected[np.isfinite(expected)]).max(initial=0.0)) if expected.dtype.kind == "c" else 0
            atol = (1e-6 if single else 1e-13) * max(1.0, scale)
            np.testing.assert_allclose(result.numpy(), expected, rtol=rtol if single else rtol * 1e-6, atol=atol)
        else:
            np.testing.assert_array_equal(result.numpy(), expected)
    else:
        assert result == wanted


def name_of(dtype: Any) -> str:
    """The name of one of array-api-strict's dtypes."""
    return str(dtype).rpartition(".")[2]
