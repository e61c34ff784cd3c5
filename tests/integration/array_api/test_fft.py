"""The extension for Fourier transforms beside array-api-strict: dtypes, drawn shapes, axes, lengths and norms."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import dovetail.array_api as xp
from tests.integration.array_api.reference import COMPLEX, FLOATING, REAL_FLOATING, array, check, few, shapes

NORMS = st.sampled_from(["backward", "ortho", "forward"])
TESTED = {"fft", "ifft", "hfft", "rfft", "ihfft", "irfft", "fftn", "ifftn", "rfftn", "irfftn"}
TESTED |= {"fftfreq", "rfftfreq", "fftshift", "ifftshift"}


def test_every_function_is_tested() -> None:
    assert set(xp.fft.__all__) == TESTED


@few
@given(data=st.data())
def test_along_an_axis(data: Any) -> None:
    for names, dtypes in (
        (["fft", "ifft"], FLOATING),
        (["hfft", "irfft"], COMPLEX),
        (["rfft", "ihfft"], REAL_FLOATING),
    ):
        x = data.draw(array(dtypes, shapes(min_dims=1, min_side=2)))
        options = {"axis": data.draw(st.integers(-x.ndim, x.ndim - 1)), "norm": data.draw(NORMS)}
        for name in names:
            if x.dtype.kind == "f" and name in ("fft", "ifft"):
                x = x.astype("complex64" if x.dtype == np.float32 else "complex128")
            check(f"fft.{name}", x, n=data.draw(st.none() | st.integers(2, 6)), **options)


@few
@given(data=st.data())
def test_along_several_axes(data: Any) -> None:
    for name, dtypes in (("fftn", COMPLEX), ("ifftn", COMPLEX), ("rfftn", REAL_FLOATING), ("irfftn", COMPLEX)):
        x = data.draw(array(dtypes, shapes(min_dims=1, min_side=2)))
        axes = data.draw(st.lists(st.integers(0, x.ndim - 1), min_size=1, unique=True).map(tuple))
        sizes = data.draw(st.none() | st.tuples(*[st.integers(2, 5)] * len(axes)))
        check(f"fft.{name}", x, axes=axes, s=sizes, norm=data.draw(NORMS))
        check(f"fft.{name}", x)


@few
@given(data=st.data())
def test_frequencies(data: Any) -> None:
    count, distance = data.draw(st.integers(1, 9)), data.draw(st.sampled_from([1.0, 0.5, 3.0]))
    for name in ("fftfreq", "rfftfreq"):
        for dtype in REAL_FLOATING:
            check(f"fft.{name}", count, d=distance, dtype=np.dtype(dtype))
    x = data.draw(array(FLOATING, shapes(min_dims=1)))
    axes = data.draw(st.none() | st.integers(-x.ndim, x.ndim - 1) | st.just(tuple(range(x.ndim))))
    check("fft.fftshift", x, axes=axes)
    check("fft.ifftshift", x, axes=axes)
