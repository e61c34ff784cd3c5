"""Samples of ops: what to call them with, and what NumPy makes of the same.

A family file in `samples/` registers generators with `@samples_for("op", ...)`, which yield `Sample`s, and with
`@errors_for("op", ...)`, which yield `ErrorSample`s. Tensors among the arguments are written as `T(array, layout)`, so
that a sample belongs to no device and can be laid out in memory in every way that a view can be.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import ml_dtypes  # noqa: F401  (NumPy's name for bfloat16)
import numpy as np

import dovetail as dt

FLOATS = ("float32", "float64")
INTS = ("int64", "int32", "uint8")
DTYPES = (*FLOATS, *INTS, "bool")
# The rarer ones, which a family samples more sparsely.
SIXTEENS = ("float16", "bfloat16")
RARE_INTS = ("int8", "int16", "uint16", "uint32", "uint64")
COMPLEXES = ("complex64", "complex128")
ALL_FLOATS, ALL_INTS = FLOATS + SIXTEENS, INTS + RARE_INTS
ALL_DTYPES = (*ALL_FLOATS, *ALL_INTS, "bool", *COMPLEXES)
LAYOUTS = ("transposed", "strided", "reversed", "offset", "expanded")

# rtol, atol of a result that was computed in a dtype (16-bit floats: in float32, then rounded). Everything else must
# agree exactly.
TOLERANCES = {
    "float32": (2e-6, 1e-6),
    "float64": (1e-12, 1e-13),
    "float16": (1e-3, 1e-6),
    "bfloat16": (8e-3, 1e-6),
    "complex64": (4e-6, 2e-6),
    "complex128": (1e-12, 1e-13),
}


def rng_for(name: str) -> np.random.Generator:
    """Random numbers that are the same in every run and process."""
    return np.random.default_rng(zlib.crc32(name.encode()))


# ---- tensors -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class T:
    """A tensor argument: its elements, and how they lie in memory."""

    array: np.ndarray
    layout: str = "contiguous"

    def __post_init__(self) -> None:
        object.__setattr__(self, "array", np.asarray(self.array))
        if self.layout == "expanded" and self.array.ndim:
            first = self.array[:1]
            object.__setattr__(self, "array", np.ascontiguousarray(np.broadcast_to(first, self.array.shape)))

    def tensor(self, device: str = "cpu") -> Any:
        """The tensor on a device, laid out as asked."""
        if self.array.ndim == 0 or self.layout == "contiguous":
            return _plain(self.array, device)
        return _LAYOUTS[self.layout](self.array, device)

    def __repr__(self) -> str:
        layout = "" if self.layout == "contiguous" else f"-{self.layout}"
        return f"{self.array.dtype}{list(self.array.shape)}{layout}"


def _plain(array: np.ndarray, device: str) -> Any:
    # Shape is given apart: an empty array of several dims has no nested list that would tell.
    tensor = dt.tensor(np.ascontiguousarray(array).reshape(array.shape), dtype=getattr(dt, str(array.dtype)))
    return tensor.to(device)


def _transposed(array: np.ndarray, device: str) -> Any:
    return _plain(array.T, device).permute(tuple(reversed(range(array.ndim))))


def _strided(array: np.ndarray, device: str) -> Any:
    gaps = np.stack([array, np.ones_like(array)], axis=-1).reshape(*array.shape[:-1], 2 * array.shape[-1])
    return _plain(gaps, device)[..., ::2]


def _reversed(array: np.ndarray, device: str) -> Any:
    return _plain(array[..., ::-1], device)[..., ::-1]


def _offset(array: np.ndarray, device: str) -> Any:
    return _plain(np.concatenate([np.ones_like(array[:1]), array]), device)[array[:1].shape[0] :]


def _expanded(array: np.ndarray, device: str) -> Any:
    return _plain(array[:1], device).expand(array.shape)


_LAYOUTS: dict[str, Callable[[np.ndarray, str], Any]] = {
    "transposed": _transposed,
    "strided": _strided,
    "reversed": _reversed,
    "offset": _offset,
    "expanded": _expanded,
}


def dtype_name(dtype: Any) -> str:
    """`float32` for `dovetail.float32`."""
    return str(dtype).rpartition(".")[2]


def to_numpy(tensor: Any) -> np.ndarray:
    return np.asarray(tensor.detach().to("cpu"))


def promote(*operands: Any) -> str:
    """The dtype in which tensors and numbers meet, by PyTorch's rules for the dtypes that are sampled."""
    ranks: list[str | None] = [None, None, None]  # tensors with dims, zero-dim tensors, numbers
    for operand in operands:
        if isinstance(operand, T):
            rank, dtype = (0 if operand.array.ndim else 1), str(operand.array.dtype)
        else:
            rank, dtype = 2, {bool: "bool", int: "int64", float: "float32", complex: "complex64"}[type(operand)]
        ranks[rank] = dtype if ranks[rank] is None else _promote_two(str(ranks[rank]), dtype)
    result = ranks[0]
    for lower in ranks[1:]:
        if lower is None:
            continue
        if result is None:
            result = lower
        elif lower in COMPLEXES and result in ALL_FLOATS:
            result = "complex128" if result == "float64" else "complex64"  # it keeps the float's width
        elif _category(lower) > _category(result):
            result = _promote_two(result, lower)
    assert result is not None
    return result


def _category(dtype: str) -> int:
    kinds = ("bool", ALL_INTS, ALL_FLOATS, COMPLEXES)
    return next(i for i, kind in enumerate(kinds) if dtype == kind or dtype in kind)


def meet(a: str, b: str) -> bool:
    """Whether there is a dtype that holds both: uint64 has none with a signed integer."""
    signed = {"int8", "int16", "int32", "int64"}
    return not ({a, b} - signed == {"uint64"} and len({a, b} & signed) == 1)


def _promote_two(a: str, b: str) -> str:
    if a == b:
        return a
    if _category(a) < _category(b):
        a, b = b, a
    if a in COMPLEXES:
        return "complex128" if "complex128" in (a, b) or b == "float64" else "complex64"
    if _category(a) != _category(b):
        return a
    return "float32" if {a, b} == set(SIXTEENS) else str(np.promote_types(a, b))


def every(dtypes: tuple[str, ...]) -> tuple[str, ...]:
    """With the rarer dtypes of every kind that there is among these."""
    more: tuple[str, ...] = SIXTEENS if "float32" in dtypes else ()
    return dtypes + more + (RARE_INTS if "int64" in dtypes else ())


def float_result(dtype: str) -> str:
    """The dtype of a function of floats: integers and bool compute in float32."""
    return dtype if dtype in ALL_FLOATS or dtype in COMPLEXES else "float32"


def real_of(dtype: str) -> str:
    """The dtype of a complex number's parts; any other is its own."""
    return {"complex64": "float32", "complex128": "float64"}.get(dtype, dtype)


def wide(array: Any) -> Any:
    """For a reference: floats in float64, complex in complex128, integers in int64 (uint64 as it is), so that it is
    more exact than what it judges."""
    array = np.asarray(array)
    if str(array.dtype) in ALL_FLOATS:
        return array.astype(np.float64)
    if array.dtype.kind == "c":
        return array.astype(np.complex128)
    return array.astype(np.int64) if array.dtype.kind in "iu" and array.dtype != np.uint64 else array


Refusal = type[Exception] | tuple[type[Exception], ...]

# ---- samples -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Sample:
    """One call of an op and what it should give.

    `reference` gets the arguments with arrays in place of tensors. `dtype` is the result's (or a tuple of them);
    None stands for that of the first tensor. Values are cast to it before they are compared.
    """

    args: tuple[Any, ...]
    reference: Callable[..., Any]
    kwargs: dict[str, Any] = field(default_factory=dict)
    dtype: str | tuple[str, ...] | None = None
    rtol: float | None = None
    atol: float | None = None
    variants: bool = True  # also in place and with out=, where the op has these forms
    decompose: bool = True  # also by the op's decomposition, where it has one beside its kernel
    compare: Callable[[Any, Any], None] | None = None  # in place of the comparison of values
    # For derivatives: calls the op, its first argument, with the others made into what it takes (a Hermitian matrix),
    # and gives results that are defined and smooth (no eigenvector's sign).
    through: Callable[..., Any] | None = None
    name: str = ""

    def __repr__(self) -> str:
        parts = [_short(arg) for arg in self.args] + [f"{key}={_short(value)}" for key, value in self.kwargs.items()]
        return self.name or ",".join(parts)

    def expected(self) -> list[np.ndarray]:
        with np.errstate(all="ignore"):
            results = self.reference(*arrays(self.args), **arrays(self.kwargs))
        results = list(results) if isinstance(results, (tuple, list)) else [results]
        dtypes = [self.dtype or self._first_dtype()] * len(results) if not isinstance(self.dtype, tuple) else self.dtype
        with np.errstate(invalid="ignore", over="ignore"):
            return [np.asarray(result).astype(dtype) for result, dtype in zip(results, dtypes, strict=True)]

    def _first_dtype(self) -> str:
        return str(next(each_tensor((self.args, tuple(self.kwargs.values())))).array.dtype)


@dataclass(frozen=True, eq=False)
class ErrorSample:
    """One call of an op that must be refused: with which exception, and with what words."""

    args: tuple[Any, ...]
    error: Refusal
    match: str
    kwargs: dict[str, Any] = field(default_factory=dict)
    method: str = ""  # call this method of the first argument in place of the op

    def __repr__(self) -> str:
        return ",".join([self.method, *(_short(arg) for arg in self.args)])


def _short(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "(" + ",".join(_short(item) for item in value) + ")"
    return repr(value)


def each_tensor(value: Any) -> Iterator[T]:
    if isinstance(value, T):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from each_tensor(item)


def arrays(value: Any) -> Any:
    """Arguments as the reference sees them."""
    return _replace(value, lambda t: t.array.copy())


def tensors(value: Any, device: str = "cpu") -> Any:
    """Arguments as the op sees them; device names among them become this device."""
    return _replace(value, lambda t: t.tensor(device), device)


def _replace(value: Any, make: Callable[[T], Any], device: str | None = None) -> Any:
    if isinstance(value, T):
        return make(value)
    if isinstance(value, (list, tuple)):
        return type(value)(_replace(item, make, device) for item in value)
    if isinstance(value, dict):
        return {key: _replace(item, make, device) for key, item in value.items()}
    if device is not None and isinstance(value, D):
        return getattr(dt, value.name)
    if device is not None and isinstance(value, G):
        return dt.Generator().manual_seed(value.seed)
    if device is not None and value is DEVICE:
        return device
    return value


@dataclass(frozen=True)
class D:
    """A dtype argument."""

    name: str

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True)
class G:
    """A generator argument: a fresh one with this seed."""

    seed: int


class _Device:
    """A device argument: the one that is tested."""

    def __repr__(self) -> str:
        return "device"


DEVICE = _Device()

# ---- the registry of samples -------------------------------------------------------------------------------

SampleFn = Callable[[str], Iterator[Sample]]
ErrorFn = Callable[[str], Iterator[ErrorSample]]

SAMPLES: dict[str, list[SampleFn]] = {}
ERRORS: dict[str, list[ErrorFn]] = {}


def samples_for(*ops: str) -> Callable[[SampleFn], SampleFn]:
    """Register a generator of samples for these ops; it is called with the op's name."""

    def register(fn: SampleFn) -> SampleFn:
        for op in ops:
            SAMPLES.setdefault(op, []).append(fn)
        return fn

    return register


def errors_for(*ops: str) -> Callable[[ErrorFn], ErrorFn]:
    """Register a generator of calls that these ops refuse."""

    def register(fn: ErrorFn) -> ErrorFn:
        for op in ops:
            ERRORS.setdefault(op, []).append(fn)
        return fn

    return register


def samples(op: str) -> Iterator[Sample]:
    for fn in SAMPLES.get(op, []):
        yield from fn(op)


def errors(op: str) -> Iterator[ErrorSample]:
    for fn in ERRORS.get(op, []):
        yield from fn(op)


# Arguments by which an op has no derivative, though it has one by others: the call is refused.
HELD: dict[str, tuple[int, ...]] = {"igamma": (0,), "igammac": (0,), "special_zeta": (0,)}


def run_all(samples: Iterator[Any], run: Callable[[Any], None], device: str = "cpu") -> None:
    """Run every sample; raise one AssertionError that says which ones failed, and how.

    A backend need not have every dtype, but then it must say so: see `is_refused_dtype`.
    """
    failures = []
    count = 0
    for count, sample in enumerate(samples, 1):
        try:
            run(sample)
        except Exception as error:
            if is_refused_dtype(error, sample, device):
                continue
            failures.append(f"--- sample {count}: {sample!r}\n{type(error).__name__}: {str(error).strip()}")
    if failures:
        shown = "\n\n".join(failures[:8])
        raise AssertionError(f"{len(failures)} of {count} samples fail\n\n{shown}")


def is_refused_dtype(error: Exception, sample: Any, device: str) -> bool:
    """Whether a backend refuses, by its name, a sample with a dtype that it can't even copy."""
    if (
        device == "cpu"
        or not isinstance(error, NotImplementedError)
        or f"backend '{device}' has no kernel" not in str(error)
    ):
        return False
    arrays_of = [t.array for t in each_tensor((sample.args, tuple(sample.kwargs.values())))]
    dtypes = {getattr(dt, str(array.dtype)) for array in (*arrays_of, *sample.expected())}
    return not all(dt._core.has_kernel("copy", device, (dtype, dtype)) for dtype in dtypes)


# ---- judging -----------------------------------------------------------------------------------------------


Tolerances = dict[str, tuple[float, float]]

# A decomposition rounds more often than a kernel does.
LOOSER: Tolerances = {
    "float32": (2e-5, 5e-6),
    "float64": (1e-11, 1e-12),
    "float16": (4e-3, 4e-3),
    "bfloat16": (3e-2, 3e-2),
    "complex64": (2e-5, 5e-6),
    "complex128": (1e-11, 1e-12),
}


def tolerance(sample: Sample, dtype: str, least: Tolerances) -> tuple[float, float]:
    """rtol and atol for a result: the sample's, or those of the dtype; never below what the caller asks at least."""
    floor = least.get(dtype, (0.0, 0.0))
    usual = TOLERANCES.get(dtype, (0.0, 0.0))
    rtol = usual[0] if sample.rtol is None else sample.rtol
    atol = usual[1] if sample.atol is None else sample.atol
    return max(rtol, floor[0]), max(atol, floor[1])


def as_list(result: Any) -> list[Any]:
    return list(result) if isinstance(result, (tuple, list)) else [result]


def check(
    sample: Sample, result: Any, expected: Sequence[np.ndarray], device: str = "cpu", least: Tolerances | None = None
) -> None:
    """Compare an op's result with what the reference gave."""
    results = as_list(result)
    assert len(results) == len(expected), f"{len(results)} results, expected {len(expected)}"
    for actual, wanted in zip(results, expected, strict=True):
        assert tuple(actual.shape) == wanted.shape, f"shape {tuple(actual.shape)}, expected {wanted.shape}"
        assert dtype_name(actual.dtype) == str(wanted.dtype), f"dtype {actual.dtype}, expected {wanted.dtype}"
        assert actual.device.type == device
        if sample.compare is not None:
            sample.compare(to_numpy(actual), wanted)
            continue
        rtol, atol = tolerance(sample, str(wanted.dtype), least or {})
        np.testing.assert_allclose(judged(to_numpy(actual)), judged(wanted), rtol=rtol, atol=atol, equal_nan=True)


def judged(array: np.ndarray) -> np.ndarray:
    """16-bit floats in float64: their own arithmetic is too narrow to compare in."""
    return array.astype(np.float64) if str(array.dtype) in SIXTEENS else array


def positional(op: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """All arguments in the schema's order, defaults filled in: what decompose() and call() take."""
    full = list(args)
    for arg in op.args[len(full) :]:
        full.append(kwargs.get(arg.name, arg.default))
    return tuple(full)


# ---- inputs ------------------------------------------------------------------------------------------------

SHAPES: tuple[tuple[int, ...], ...] = ((), (0,), (1,), (7,), (3, 4), (2, 3, 4), (2, 0, 3))


def make(rng: np.random.Generator, shape: tuple[int, ...], dtype: str, low: float = -4, high: float = 4) -> np.ndarray:
    """Elements drawn evenly from a range; unsigned ones from its part above zero, bool ones from both values, complex
    ones with both parts in it."""
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype.startswith("uint"):
        low, high = max(low, 0), max(high, 1)
    if dtype in COMPLEXES:
        return np.asarray(rng.uniform(low, high, shape) + 1j * rng.uniform(low, high, shape)).astype(dtype)
    if dtype in ALL_INTS:
        return rng.integers(int(np.ceil(low)), int(np.floor(high)) + 1, shape).astype(dtype)
    return np.asarray(rng.uniform(low, high, shape)).astype(dtype)


def layouts_of(array: np.ndarray) -> Iterator[T]:
    """The array in every layout that is not plain."""
    for layout in LAYOUTS:
        yield T(array, layout)
