"""dt.fft and dt.signal.windows: what is in them, when they load, and what holds of transforms whatever their size."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import dovetail as dt

BASES = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
TRANSFORMS = {base + dims for base in BASES for dims in ("", "2", "n")}
WINDOWS = [
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
]


def test_what_there_is() -> None:
    assert set(dt.fft.__all__) == TRANSFORMS | {"fftfreq", "rfftfreq", "fftshift", "ifftshift"}
    assert dt.signal.windows.__all__ == WINDOWS
    for module, prefix in ((dt.fft, "fft"), (dt.signal.windows, "signal_windows")):
        for name in module.__all__:
            assert getattr(module, name) is dt._core.get_op(f"{prefix}_{name}")
            assert not hasattr(dt, f"{prefix}_{name}")


def test_they_load_when_first_used() -> None:
    code = """if True:
        import sys, dovetail as dt
        assert not {"dovetail.fft", "dovetail.signal", "dovetail.ops.fft", "dovetail.ops.windows"} & set(sys.modules)
        dt.fft.fft(dt.ones(2)), dt.signal.windows.hann(2)
        assert {"dovetail.fft", "dovetail.signal.windows", "dovetail.ops.fft"} < set(sys.modules)
    """
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("n", [1, 2, 3, 16, 97, 1000, 4096])
@pytest.mark.parametrize("norm", [None, "ortho", "forward"])
def test_back_and_forth(n: int, norm: str | None) -> None:
    rng = np.random.default_rng(n)
    x = dt.tensor(rng.standard_normal((3, n)), dtype=dt.float64)
    z = dt.complex(x, dt.tensor(rng.standard_normal((3, n)), dtype=dt.float64))
    pairs = [
        (dt.fft.ifft(dt.fft.fft(z, norm=norm), norm=norm), z),
        (dt.fft.ifft2(dt.fft.fft2(z, norm=norm), norm=norm), z),
        (dt.fft.irfft(dt.fft.rfft(x, norm=norm), n, norm=norm), x),
        (dt.fft.hfft(dt.fft.ihfft(x, norm=norm), n, norm=norm), x),
        (dt.fft.irfftn(dt.fft.rfftn(x, norm=norm), x.shape, norm=norm), x),
        (dt.fft.ifftshift(dt.fft.fftshift(z)), z),
    ]
    for back, there in pairs:
        assert dt.allclose(back, there, rtol=1e-10, atol=1e-12)


def test_energy_is_kept() -> None:
    x = dt.randn((5, 300), generator=dt.Generator().manual_seed(0))
    assert dt.allclose(dt.fft.fft(x, norm="ortho").abs().square().sum(), x.square().sum(), rtol=1e-5)


def test_parts_of_a_batch_are_as_the_whole() -> None:
    """What goes to NumPy at once makes no difference, bit by bit."""
    rng = np.random.default_rng(0)
    for dtype in (np.complex64, np.complex128):
        z = (rng.standard_normal((300, 500)) + 1j * rng.standard_normal((300, 500))).astype(dtype)
        whole = np.asarray(dt.fft.fft(dt.from_numpy(z)))
        rows = np.stack([np.asarray(dt.fft.fft(dt.from_numpy(row))) for row in z])
        assert whole.tobytes() == rows.tobytes()
