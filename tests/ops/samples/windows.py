"""Samples of the windows; the reference is scipy.signal.windows in double precision."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scipy.signal import windows

from tests.ops.framework import DEVICE, SIXTEENS, D, ErrorSample, Sample, errors_for, samples_for

LENGTHS = (0, 1, 2, 3, 5, 8, 33)
DTYPES = ("float64", "float32", *SIXTEENS)
# One rounding of a double.
NEAR: dict[str, dict[str, float]] = {"float64": {"rtol": 1e-12, "atol": 1e-13}}

# What the windows take beside their length and symmetry.
PARAMETERS: dict[str, list[dict[str, Any]]] = {
    "exponential": [{}, {"tau": 2.5}],
    "gaussian": [{"std": 1.0}, {"std": 3.5}],
    "general_cosine": [{"a": [0.5, 0.3, 0.2]}, {"a": [2.0]}],
    "general_hamming": [{"alpha": 0.54}, {"alpha": 0.6}],
    "kaiser": [{"beta": 12.0}, {"beta": 0.0}, {"beta": 3.5}],
}
NAMES = (
    "bartlett",
    "blackman",
    "cosine",
    "exponential",
    "gaussian",
    "general_cosine",
    "general_hamming",
    "hamming",
    "hann",
    "kaiser",
    "nuttall",
)
PERIODIC = ("bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window")


def cases(dtypes: tuple[str, ...], length: int) -> Iterator[tuple[dict[str, Any], str]]:
    """What to ask for in keywords, and the dtype that comes."""
    yield {"device": DEVICE}, "float32"
    if length == 8:
        for dtype in dtypes:
            yield {"dtype": D(dtype), "device": DEVICE}, dtype


@samples_for(*(f"signal_windows_{name}" for name in NAMES))
def symmetric(op: str) -> Iterator[Sample]:
    name = op.removeprefix("signal_windows_")

    def reference(M: int, sym: bool = True, dtype: Any = None, device: Any = None, **more: Any) -> Any:
        return getattr(windows, name)(M, sym=sym, **more)

    for given in PARAMETERS.get(name, [{}]):
        for length in LENGTHS:
            for more, dtype in cases(DTYPES, length):
                yield Sample((length,), reference, {**given, **more}, dtype=dtype, **NEAR.get(dtype, {}))
                yield Sample((length,), reference, {**given, **more, "sym": False}, dtype=dtype, **NEAR.get(dtype, {}))


@samples_for("signal_windows_exponential")
def off_center(op: str) -> Iterator[Sample]:
    def reference(M: int, center: float, sym: bool, tau: float = 1.0, **_: Any) -> Any:
        return windows.exponential(M, center, tau, sym)

    for center in (0.0, 1.5, 4.0):
        yield Sample((7,), reference, {"center": center, "sym": False, "device": DEVICE}, dtype="float32")


@samples_for(*PERIODIC)
def periodic(op: str) -> Iterator[Sample]:
    name = op.removesuffix("_window")

    def reference(length: int, periodic: bool = True, *more: float, **_: Any) -> Any:
        if name == "hamming" and more and length > 1:
            alpha, beta = (*more, 0.46)[:2]
            return windows.general_cosine(length, [alpha, beta], sym=not periodic)
        if name == "kaiser":
            more = more or (12.0,)
        return getattr(windows, name)(length, *(() if name == "hamming" else more), sym=not periodic)

    parameters: list[tuple[float, ...]] = [()]
    parameters += {"hamming": [(0.5,), (0.6, 0.3)], "kaiser": [(0.0,), (3.5,), (-2.0,)]}.get(name, [])
    for given in parameters:
        for length in LENGTHS:
            for more, dtype in cases(DTYPES, length):
                near = NEAR.get(dtype, {})
                yield Sample((length, True, *given), reference, more, dtype=dtype, **near)
                yield Sample((length, False, *given), reference, more, dtype=dtype, **near)
    yield Sample((6,), reference, {"device": DEVICE}, dtype="float32")


@errors_for(*(f"signal_windows_{name}" for name in NAMES), *PERIODIC)
def refused(op: str) -> Iterator[ErrorSample]:
    more: dict[str, Any] = {"a": [1.0]} if op.endswith("general_cosine") else {}
    yield ErrorSample((-1,), ValueError, rf"^{op}: the length must not be negative, got -1", more)
    for dtype in ("int64", "bool", "complex64"):
        words = rf"^{op}: dtype must be a real floating one, got {dtype}"
        yield ErrorSample((4,), TypeError, words, {**more, "dtype": D(dtype)})
    yield ErrorSample((4.5,), TypeError, rf"^{op}: ", more)


@errors_for("signal_windows_exponential", "signal_windows_gaussian", "signal_windows_general_cosine")
def refused_parameters(op: str) -> Iterator[ErrorSample]:
    wrong: dict[str, list[tuple[dict[str, Any], str]]] = {
        "exponential": [
            ({"tau": 0.0}, "tau must be positive, got 0.0"),
            ({"center": 2.0}, "a symmetric window has no center of its own, got 2.0"),
        ],
        "gaussian": [({"std": -1.0}, "std must be positive, got -1.0")],
        "general_cosine": [({"a": []}, "a must have at least one coefficient")],
    }
    for given, words in wrong[op.removeprefix("signal_windows_")]:
        yield ErrorSample((4,), ValueError, rf"^{op}: {words}", given)


@errors_for("signal_windows_kaiser")
def refused_beta(op: str) -> Iterator[ErrorSample]:
    yield ErrorSample((4,), ValueError, rf"^{op}: beta must not be negative, got -1.0", {"beta": -1.0})
