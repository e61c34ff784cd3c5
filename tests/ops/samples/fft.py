"""Samples of the Fourier transforms; the reference is numpy.fft in double precision."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tests.ops.framework import (
    COMPLEXES,
    DEVICE,
    RARE_INTS,
    SIXTEENS,
    D,
    ErrorSample,
    Sample,
    T,
    errors_for,
    layouts_of,
    make,
    real_of,
    rng_for,
    samples_for,
    wide,
)

BASES = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
NORMS = (None, "backward", "ortho", "forward")
ALONG_ONE = tuple(f"fft_{base}" for base in BASES)
ALONG_TWO = tuple(f"fft_{base}2" for base in BASES)
ALONG_MANY = tuple(f"fft_{base}n" for base in BASES)


def base_of(op: str) -> str:
    return op.removeprefix("fft_").removesuffix("2").removesuffix("n")


def precision(dtype: str) -> str:
    """The real dtype that a transform computes in."""
    return "float64" if real_of(dtype) == "float64" else "float32"


def result_of(op: str, dtype: str) -> str:
    real = precision(dtype)
    return real if base_of(op) in ("irfft", "hfft") else {"float32": "complex64", "float64": "complex128"}[real]


def takes_complex(op: str) -> bool:
    return base_of(op) not in ("rfft", "ihfft")


def sample(op: str, args: tuple[Any, ...], dtype: str, reference: Callable[..., Any], **more: Any) -> Sample:
    atol = {"float32": 1e-4, "float64": 1e-12}[precision(dtype)]
    return Sample(args, reference, dtype=result_of(op, dtype), atol=atol, rtol=atol, **more)


# ---- along one dim -------------------------------------------------------------------------------------------


def reference_of(op: str) -> Callable[..., Any]:
    transform = getattr(np.fft, base_of(op))

    def reference(x: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Any:
        x = wide(x)
        if n is not None and x.shape[dim] == 0:  # NumPy's irfft would read what is not there
            x = np.zeros([*x.shape[:dim], 1, *x.shape[dim:][1:]], x.dtype)
        return transform(x, n, dim, norm)

    return reference


@samples_for(*ALONG_ONE)
def along_one(op: str) -> Iterator[Sample]:
    rng, reference = rng_for(op), reference_of(op)
    dtypes: tuple[str, ...] = ("float32", "float64", *(COMPLEXES if takes_complex(op) else ()))
    for dtype in dtypes:
        for shape in ((5,), (6,), (2,), (3, 4), (2, 3, 5), (0, 3), (2, 0, 3)):
            yield sample(op, (T(make(rng, shape, dtype)),), dtype, reference)
        x = make(rng, (3, 4), dtype)
        for norm in NORMS:
            yield sample(op, (T(x), None, -1, norm), dtype, reference)
            yield sample(op, (T(x), 5, 0, norm), dtype, reference)
        for n, dim in ((1, -1), (2, 0), (3, 1), (7, -2), (8, 1)):
            yield sample(op, (T(x), n, dim), dtype, reference)
        yield sample(op, (T(make(rng, (0,), dtype)), 3), dtype, reference)
        for laid in layouts_of(make(rng, (4, 6), dtype)):
            yield sample(op, (laid,), dtype, reference)
            yield sample(op, (laid, 5, 0), dtype, reference)
        yield sample(op, (T(make(rng, (2, 101), dtype)),), dtype, reference)
        yield sample(op, (T(make(rng, (3, 64), dtype)), None, -1, "ortho"), dtype, reference)
    for dtype in ("int64", "int32", "uint8", "bool", *SIXTEENS, *RARE_INTS):
        yield sample(op, (T(make(rng, (3, 4), dtype)),), dtype, reference)
        yield sample(op, (T(make(rng, (4,), dtype)), 6, 0, "ortho"), dtype, reference)


@errors_for(*ALONG_ONE)
def refused_along_one(op: str) -> Iterator[ErrorSample]:
    x = T(np.ones((3, 4), np.float32))
    for n in (0, -1, -(2**62)):
        yield ErrorSample((x, n), ValueError, rf"^{op}: n must be positive, got {n}")
    yield ErrorSample((x, None, 2), IndexError, rf"^{op}: dim 2 is out of range")
    yield ErrorSample((x, None, -3), IndexError, rf"^{op}: dim -3 is out of range")
    yield ErrorSample((T(np.float32(1)),), IndexError, rf"^{op}: dim -1 was given, but the tensor has no dims")
    yield ErrorSample((x, None, -1, "none"), ValueError, rf"^{op}: norm must be .*, got 'none'")
    yield ErrorSample((T(np.ones((3, 0), np.float32)),), ValueError, rf"^{op}: ")
    if takes_complex(op):
        yield ErrorSample((T(np.ones((3, 1), np.float32)), None, -1, 1), TypeError, rf"^{op}: ")
    else:
        yield ErrorSample((T(np.ones(3, np.complex64)),), TypeError, rf"^{op}: expected a real tensor, got complex64")


@errors_for("fft_irfft", "fft_hfft", "fft_irfft2", "fft_hfft2", "fft_irfftn", "fft_hfftn")
def refused_without_points(op: str) -> Iterator[ErrorSample]:
    yield ErrorSample((T(np.ones((2, 1), np.complex64)),), ValueError, rf"^{op}: the result would have 0 points")


# ---- along several dims --------------------------------------------------------------------------------------


def several(op: str) -> Callable[..., Any]:
    """The transform along several dims by NumPy's along one."""
    base = base_of(op)
    default = (-2, -1) if op.endswith("2") else None
    inverse = {"fft": np.fft.fft, "hfft": np.fft.fft, "rfft": np.fft.fft}.get(base, np.fft.ifft)
    final = getattr(np.fft, base)

    def reference(x: Any, s: Any = None, dim: Any = default, norm: Any = None) -> Any:
        x = wide(x)
        if dim is None:
            dim = range(-(x.ndim if s is None else len(s)), 0)
        dims = [d % x.ndim for d in dim]
        if not dims:
            return x + 0j
        sizes = [None if s is None or s[i] == -1 else s[i] for i in range(len(dims))]
        last = [(final, sizes[-1], dims[-1])]
        others = [(inverse, n, d) for n, d in zip(sizes[:-1], dims[:-1], strict=True)]
        # a real result comes last, a complex one of real numbers first
        for transform, n, d in others + last if base in ("irfft", "hfft") else last + others:
            x = transform(x, n, d, norm)
        return x

    return reference


@samples_for(*ALONG_TWO, *ALONG_MANY)
def along_several(op: str) -> Iterator[Sample]:
    rng, reference = rng_for(op), several(op)
    dtypes: tuple[str, ...] = ("float32", "float64", *(COMPLEXES if takes_complex(op) else ()))
    for dtype in dtypes:
        for shape in ((3, 4), (2, 2), (2, 3, 5), (0, 2, 3)):
            if op.endswith("n") and 0 in shape:
                continue
            yield sample(op, (T(make(rng, shape, dtype)),), dtype, reference)
        x = make(rng, (3, 2, 4), dtype)
        for norm in NORMS:
            yield sample(op, (T(x), None, (-2, -1), norm), dtype, reference)
            yield sample(op, (T(x), (5, 3), (0, 2), norm), dtype, reference)
        for s, dim in (((2, 2), (-1, 0)), ((4, -1), (1, 2)), ((3,), (1,)), ((2, 2, 3), (2, 0, 1)), (None, (0,))):
            yield sample(op, (T(x), s, dim), dtype, reference)
        if op.endswith("n"):
            for s in ((3, 5), (-1, 4), (6,)):
                yield sample(op, (T(x), s), dtype, reference)
            if base_of(op) in ("fft", "ifft"):
                yield sample(op, (T(x), None, ()), dtype, reference)
                yield sample(op, (T(make(rng, (), dtype)),), dtype, reference)
        for laid in layouts_of(make(rng, (4, 6), dtype)):
            yield sample(op, (laid,), dtype, reference)
            yield sample(op, (laid, (3, 7), (1, 0)), dtype, reference)
    for dtype in ("int64", "uint8", "bool", *SIXTEENS, *RARE_INTS):
        yield sample(op, (T(make(rng, (3, 4), dtype)),), dtype, reference)


@errors_for(*ALONG_TWO, *ALONG_MANY)
def refused_along_several(op: str) -> Iterator[ErrorSample]:
    x = T(np.ones((3, 4), np.float32))
    yield ErrorSample((x, (2, 3), (0,)), ValueError, rf"^{op}: s and dim must have the same length")
    yield ErrorSample((x, None, (0, -2)), ValueError, rf"^{op}: dims must be unique, got \[0, -2\]")
    yield ErrorSample((x, None, (0, 2)), IndexError, rf"^{op}: dim 2 is out of range")
    yield ErrorSample((x, (0, 2), (0, 1)), ValueError, rf"^{op}: cannot transform 0 points along dim 0")
    yield ErrorSample((x, (-2, 2), (0, 1)), ValueError, rf"^{op}: cannot transform -2 points along dim 0")
    yield ErrorSample((x, None, (0, 1), "none"), ValueError, rf"^{op}: norm must be .*, got 'none'")
    yield ErrorSample((T(np.float32(1)), None, (0, 1)), IndexError, rf"^{op}: dim 0 was given, but the tensor has no")
    if op.endswith("n"):
        yield ErrorSample((x, (2, 3, 4)), ValueError, rf"^{op}: s has 3 sizes, but the tensor has 2 dims")
    if base_of(op) not in ("fft", "ifft"):
        yield ErrorSample((x, None, ()), ValueError, rf"^{op}: expected at least one dim")
    if not takes_complex(op):
        yield ErrorSample((T(np.ones((2, 2), np.complex64)),), TypeError, rf"^{op}: expected a real tensor")


@samples_for("fft_fft", "fft_ifft", "fft_rfft", "fft_irfft")
def of_large_batches(op: str) -> Iterator[Sample]:
    """More points than go to NumPy in one call."""
    rng, reference = rng_for(op), reference_of(op)
    for dtype in ("float32", "float64", *(COMPLEXES if takes_complex(op) else ())):
        more = {"variants": False}
        yield sample(op, (T(make(rng, (70, 1000), dtype)), None, -1, "ortho"), dtype, reference, **more)
        yield sample(op, (T(make(rng, (50, 1100), dtype), "transposed"), None, 0, "ortho"), dtype, reference, **more)
        yield sample(op, (T(make(rng, (2, 3, 9000), dtype)), None, 2, "ortho"), dtype, reference, **more)
        yield sample(op, (T(make(rng, (40000,), dtype)), None, 0, "ortho"), dtype, reference, **more)


# ---- primitives ----------------------------------------------------------------------------------------------

SCALINGS = {"none": lambda n: 1.0, "1/sqrt(n)": lambda n: n**-0.5, "1/n": lambda n: 1.0 / n}


def scale(x: Any, dims: Any, scaling: str) -> float:
    return SCALINGS[scaling](np.prod([x.shape[d] for d in dims]))


@samples_for("fft_c2c")
def complex_to_complex(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, dims: Any, scaling: str, forward: bool) -> Any:
        whole = (
            np.fft.fftn(wide(x), axes=dims, norm="backward")
            if forward
            else np.fft.ifftn(wide(x), axes=dims, norm="forward")
        )
        return whole * scale(x, dims, scaling)

    for dtype in COMPLEXES:
        x = make(rng, (3, 2, 4), dtype)
        for scaling in SCALINGS:
            for dims in ((0,), (-1,), (2, 0)):
                for forward in (True, False):
                    yield sample(op, (T(x), dims, scaling, forward), dtype, reference)
        for laid in layouts_of(make(rng, (2, 3), dtype)):
            yield sample(op, (laid, (0,), "none", True), dtype, reference)


@samples_for("fft_r2c")
def real_to_complex(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, dims: Any, scaling: str, onesided: bool) -> Any:
        whole = (np.fft.rfftn if onesided else np.fft.fftn)(wide(x), axes=dims)
        return whole * scale(x, dims, scaling)

    for dtype in ("float32", "float64"):
        for shape in ((3, 2, 4), (4, 3, 5), (1, 2, 1)):
            x = make(rng, shape, dtype)
            for scaling in SCALINGS:
                for dims in ((0,), (-1,), (2, 0), (0, 1, 2)):
                    for onesided in (True, False):
                        yield sample(op, (T(x), dims, scaling, onesided), dtype, reference)
        for laid in layouts_of(make(rng, (2, 3), dtype)):
            yield sample(op, (laid, (0,), "none", True), dtype, reference)


@samples_for("fft_c2r")
def complex_to_real(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, dims: Any, n: int, scaling: str) -> Any:
        found = np.fft.irfft(np.fft.ifftn(wide(x), axes=dims[:-1], norm="forward"), n, dims[-1], norm="forward")
        return found * scale(found, dims, scaling)

    for dtype in COMPLEXES:
        real = real_of(dtype)
        atol = 1e-4 if real == "float32" else 1e-12
        for shape, dims, n in (
            ((3, 2, 4), (0,), 4),
            ((3, 2, 4), (0,), 5),
            ((3, 2, 4), (1, 2), 6),
            ((3, 2, 4), (0, -1), 7),
            ((2, 1), (1,), 1),
        ):
            for scaling in SCALINGS:
                yield Sample(
                    (T(make(rng, shape, dtype)), dims, n, scaling), reference, dtype=real, atol=atol, rtol=atol
                )
        for laid in layouts_of(make(rng, (2, 3), dtype)):
            yield Sample((laid, (1,), 5, "none"), reference, dtype=real, atol=atol, rtol=atol)


# Every radix, a power of each, mixtures; and lengths that are taken for matrices.
LENGTHS = (
    *(
        1,
        2,
        3,
        4,
        5,
        6,
        7,
        9,
        15,
        11,
        13,
        20,
        25,
        30,
        32,
        48,
        49,
        64,
        80,
        98,
        100,
        112,
        143,
        224,
        240,
        256,
        288,
        343,
        512,
        1000,
    ),
    *(1024, 1120, 1144, 4096, 4374, 8192, 10_000, 15_625, 40_960),
)
BATCHES = ((), (1,), (3,), (9,), (2, 8))


@samples_for("fft_lines")
def complex_lines(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, dim: int, forward: bool, scale: float) -> Any:
        return (np.fft.fft(wide(x), axis=dim) if forward else np.fft.ifft(wide(x), axis=dim, norm="forward")) * scale

    for dtype in COMPLEXES:
        for n in LENGTHS:
            for batch in BATCHES if n <= 1024 else BATCHES[:3]:
                for forward in (True, False):
                    rows = T(make(rng, (*batch, n), dtype))
                    columns = T(make(rng, (n, *batch), dtype), "transposed" if batch else "offset")
                    yield sample(op, (rows, -1, forward, n**-0.5), dtype, reference, variants=False)
                    yield sample(op, (columns, 0, forward, n**-0.5), dtype, reference, variants=False)
        for laid in layouts_of(make(rng, (2, 3), dtype)):
            yield sample(op, (laid, 0, True, 1.0), dtype, reference)
        for shape in ((0, 4), (3, 0, 2)):
            yield sample(op, (T(make(rng, shape, dtype)), -1, True, 1.0), dtype, reference)


@samples_for("fft_real_lines")
def real_lines(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, dim: int, whole: bool, scale: float) -> Any:
        return (np.fft.fft if whole else np.fft.rfft)(wide(x), axis=dim) * scale

    for dtype in ("float32", "float64"):
        for half in LENGTHS:
            n = 2 * half
            for batch in BATCHES if n <= 1024 else BATCHES[:3]:
                for whole in (True, False):
                    rows = T(make(rng, (*batch, n), dtype))
                    columns = T(make(rng, (n, *batch), dtype), "transposed" if batch else "offset")
                    yield sample(op, (rows, -1, whole, n**-0.5), dtype, reference, variants=False)
                    yield sample(op, (columns, 0, whole, n**-0.5), dtype, reference, variants=False)
        for laid in layouts_of(make(rng, (2, 3), dtype)):
            yield sample(op, (laid, 0, True, 1.0), dtype, reference)
        yield sample(op, (T(make(rng, (0, 4), dtype)), -1, True, 1.0), dtype, reference)


@samples_for("fft_half_lines")
def half_lines(op: str) -> Iterator[Sample]:
    rng = rng_for(op)

    def reference(x: Any, dim: int, n: int, scale: float) -> Any:
        return np.fft.irfft(wide(x), n, axis=dim, norm="forward") * scale

    for dtype in COMPLEXES:
        atol = 1e-4 if dtype == "complex64" else 1e-12
        result: dict[str, Any] = {"dtype": real_of(dtype), "atol": atol, "rtol": atol}
        for half in LENGTHS:
            n = 2 * half
            for batch in BATCHES if n <= 1024 else BATCHES[:3]:
                rows = T(make(rng, (*batch, half + 1), dtype))
                columns = T(make(rng, (half + 1, *batch), dtype), "transposed" if batch else "offset")
                yield Sample((rows, -1, n, n**-0.5), reference, variants=False, **result)
                yield Sample((columns, 0, n, n**-0.5), reference, variants=False, **result)
        for laid in layouts_of(make(rng, (2, 3), dtype)):
            yield Sample((laid, 0, 2, 1.0), reference, **result)
        yield Sample((T(make(rng, (0, 4), dtype)), -1, 6, 1.0), reference, **result)


@errors_for("fft_half_lines")
def refused_half_lines(op: str) -> Iterator[ErrorSample]:
    yield ErrorSample((T(np.ones((2, 2), np.float32)), 0, 2), TypeError, f"^{op}: ")
    yield ErrorSample((T(np.ones(18, np.complex64)), 0, 34), ValueError, f"^{op}: expected .* no prime factor above 13")
    yield ErrorSample((T(np.ones(3, np.complex64)), 0, 5), ValueError, f"^{op}: expected an even length, got 5")
    yield ErrorSample((T(np.ones(3, np.complex64)), 0, 6), ValueError, f"^{op}: 6 points need a spectrum of 4, got 3")
    yield ErrorSample((T(np.ones((), np.complex64)), 0, 2), ValueError, f"^{op}: ")
    yield ErrorSample((T(np.ones((2, 2), np.complex64)), 2, 2), IndexError, f"^{op}: ")


@errors_for("fft_lines", "fft_real_lines")
def refused_lines(op: str) -> Iterator[ErrorSample]:
    good, other = (np.float32, np.complex64) if op == "fft_real_lines" else (np.complex64, np.float32)
    yield ErrorSample((T(np.ones((2, 2), other)), 0), TypeError, f"^{op}: ")
    yield ErrorSample((T(np.ones(34, good)), 0), ValueError, f"^{op}: expected .* no prime factor above 13")
    yield ErrorSample((T(np.ones((2, 0), good)), 1), ValueError, f"^{op}: ")
    yield ErrorSample((T(np.ones((), good)), 0), ValueError, f"^{op}: ")
    yield ErrorSample((T(np.ones((2, 2), good)), 2), IndexError, f"^{op}: ")
    if op == "fft_real_lines":
        yield ErrorSample((T(np.ones(5, good)), 0), ValueError, f"^{op}: expected an even length, got 5")


@errors_for("fft_c2c", "fft_r2c", "fft_c2r")
def refused_primitives(op: str) -> Iterator[ErrorSample]:
    good, other = (np.float32, np.complex64) if op == "fft_r2c" else (np.complex64, np.float32)
    n = (4,) if op == "fft_c2r" else ()
    more = () if op == "fft_c2r" else (True,)
    x = T(np.ones((2, 3), good))
    yield ErrorSample((T(np.ones((2, 3), other)), [1], *n, "none", *more), TypeError, rf"^{op}: expected a")
    yield ErrorSample((x, [1], *n, "twice", *more), ValueError, rf"^{op}: scaling must be")
    yield ErrorSample((x, [], *n, "none", *more), ValueError, rf"^{op}: expected at least one dim")
    yield ErrorSample((x, [5], *n, "none", *more), IndexError, rf"^{op}: ")
    if op == "fft_c2r":
        yield ErrorSample((x, [1], 9, "none"), ValueError, rf"^{op}: 9 points along dim 1 need a spectrum of 5")


# ---- frequencies and their order -----------------------------------------------------------------------------


@samples_for("fft_fftfreq", "fft_rfftfreq")
def frequencies(op: str) -> Iterator[Sample]:
    transform = getattr(np.fft, op.removeprefix("fft_"))

    def reference(n: int, d: float = 1.0, **_: Any) -> Any:
        return transform(n, d) if n else np.full(1 if op == "fft_rfftfreq" else 0, np.nan)

    for n in (1, 2, 5, 8, 0):
        yield Sample((n,), reference, {"device": DEVICE}, dtype="float32")
        yield Sample((n, 0.25), reference, {"device": DEVICE}, dtype="float32")
    for dtype in ("float64", "float32", *SIXTEENS):
        yield Sample((6, 0.1), reference, {"dtype": D(dtype), "device": DEVICE}, dtype=dtype)


@errors_for("fft_fftfreq", "fft_rfftfreq")
def refused_frequencies(op: str) -> Iterator[ErrorSample]:
    yield ErrorSample((-1,), ValueError, rf"^{op}: n must not be negative, got -1")
    for dtype in ("int64", "complex64"):
        yield ErrorSample(
            (4,), TypeError, rf"^{op}: dtype must be a real floating one, got {dtype}", {"dtype": D(dtype)}
        )


@samples_for("fft_fftshift", "fft_ifftshift")
def shifted(op: str) -> Iterator[Sample]:
    rng = rng_for(op)
    transform = getattr(np.fft, op.removeprefix("fft_"))

    def reference(x: Any, dim: Any = None) -> Any:
        return transform(x, dim) if x.ndim else x

    for dtype in ("float32", "float64", "int64", "bool", "complex64", *SIXTEENS, *RARE_INTS):
        for shape in ((5,), (4,), (3, 4), (2, 0, 3), (), (0,)):
            yield Sample((T(make(rng, shape, dtype)),), reference)
        x = make(rng, (3, 2, 5), dtype)
        for dim in ((0,), (-1,), (2, 0), ()):
            yield Sample((T(x), dim), reference)
        for laid in layouts_of(make(rng, (3, 4), dtype)):
            yield Sample((laid,), reference)


@errors_for("fft_fftshift", "fft_ifftshift")
def refused_shifts(op: str) -> Iterator[ErrorSample]:
    yield ErrorSample((T(np.ones((2, 3), np.float32)), (2,)), IndexError, rf"^{op}: dim 2 is out of range")
