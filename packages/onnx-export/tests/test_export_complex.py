"""Complex numbers inside a model become pairs of their parts; Fourier transforms become DFT."""

import pytest

import dovetail as dt
from dovetail.onnx import ExportError, export

pytestmark = pytest.mark.at_head
BATCH = {"input": {0: "batch"}}


def complex_filter():
    return dt.complex(*(dt.randn((3, 5), generator=dt.Generator().manual_seed(k)) for k in (1, 2)))


def randn(*shape):
    return dt.randn(shape, generator=dt.Generator().manual_seed(0))


def checked(tmp_path, fn, x, axes=BATCH, **options):
    return export(fn, x, tmp_path / "model.onnx", dynamic_axes=axes, **options)


TRANSFORMS = {
    "fft": lambda x, norm: dt.view_as_real(dt.fft.fft(x, norm=norm)),
    "fft of complex": lambda x, norm: dt.fft.fft(dt.complex(x, x * 2), dim=1, norm=norm).imag,
    "ifft": lambda x, norm: dt.fft.ifft(x, n=6, norm=norm).real,
    "rfft": lambda x, norm: dt.fft.rfft(x, n=9, norm=norm).abs(),
    "irfft": lambda x, norm: dt.fft.irfft(dt.fft.rfft(x), n=7, norm=norm),
    "irfft of one": lambda x, norm: dt.fft.irfft(dt.fft.rfft(x), n=1, norm=norm),
    "hfft": lambda x, norm: dt.fft.hfft(x, norm=norm),
    "ihfft": lambda x, norm: dt.view_as_real(dt.fft.ihfft(x, norm=norm)),
    "fft2": lambda x, norm: dt.fft.fft2(x, norm=norm).abs(),
    "rfftn": lambda x, norm: dt.fft.rfftn(x, dim=(2, 1), norm=norm).abs(),
    "irfftn": lambda x, norm: dt.fft.irfftn(dt.fft.rfftn(x, dim=(1, 2)), dim=(1, 2), norm=norm),
}


@pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])
@pytest.mark.parametrize("name", TRANSFORMS)
def test_transform(tmp_path, name, norm):
    fn = TRANSFORMS[name]
    report = checked(tmp_path, lambda x: fn(x, norm), randn(2, 3, 8), atol=1e-4)
    assert len(report.checks) == 3


def test_over_an_axis_that_varies(tmp_path):
    report = checked(tmp_path, lambda x: dt.fft.fft(x, dim=0, norm="ortho").abs(), randn(6, 3), atol=1e-4)
    assert [sizes["batch"] for sizes, _ in report.checks][-1] == 1


def test_in_double_precision(tmp_path):
    assert checked(tmp_path, lambda x: dt.fft.rfft(x).abs(), randn(2, 8).double()).max_difference < 1e-12


BETWEEN = {
    "a filter": lambda z, a: dt.fft.irfft(z * a),
    "a real filter": lambda z, a: dt.fft.irfft(z * a.real),
    "sums": lambda z, a: (z + a - z * 2.0 - 1).imag,
    "conjugates": lambda z, _: (z * dt.conj(z) - z).real,
    "order": lambda z, _: dt.view_as_real(z.transpose(1, 2).permute(2, 0, 1)),
    "parts": lambda z, _: dt.cat([z[:, 1:], z[:, :1]], 1).abs() + z.select(1, 0).unsqueeze(1).abs(),
    "shape": lambda z, _: (-z.reshape(-1, 15).unsqueeze(0).squeeze(0).flip([1])).imag,
    "reals": lambda z, _: dt.view_as_complex(dt.view_as_real(z) * 2).abs(),
}


@pytest.mark.parametrize("name", BETWEEN)
def test_between_transforms(tmp_path, name):
    fn, a = BETWEEN[name], complex_filter()
    checked(tmp_path, lambda x: fn(dt.fft.rfft(x), a), randn(2, 3, 8), atol=1e-4)


def test_a_spectrogram(tmp_path):
    x, window = randn(2, 40), dt.hann_window(8)
    checked(tmp_path, lambda x: dt.stft(x, 8, window=window, return_complex=True).abs(), x, atol=1e-4)
    checked(tmp_path, lambda x: dt.stft(x, 8, 3, 8, window, False, return_complex=False), x, atol=1e-4)


def test_windows_of_a_signal(tmp_path):
    checked(tmp_path, lambda x: x.unfold(1, 3, 2) + x.unfold(-1, 2, 2).sum(), randn(2, 7, 5))
    checked(tmp_path, lambda x: x.unfold(0, 1, 2), randn(7), {"input": {0: "time"}})


@pytest.mark.parametrize("window", ["bartlett", "blackman", "cosine", "exponential", "gaussian", "hann", "nuttall"])
def test_a_window(tmp_path, window):
    checked(tmp_path, lambda x: x * getattr(dt.signal.windows, window)(16), randn(2, 16))


@pytest.mark.parametrize("degree", [0, 1, 5, 12])
def test_polynomials(tmp_path, degree):
    special = dt.special
    checked(tmp_path, lambda x: special.chebyshev_polynomial_t(x.tanh(), degree), randn(2, 6), atol=1e-4)
    checked(tmp_path, lambda x: special.legendre_polynomial_p(x.tanh(), degree), randn(2, 6), atol=1e-4)


@pytest.mark.parametrize(
    ("fn", "match"),
    [
        (lambda x: dt.fft.rfft(x).exp().real, "exp on a result.*: of complex numbers it has no operator in ONNX"),
        (lambda x: dt.fft.rfft(x), "output is complex64, which ONNX Runtime does not compute with; use view_as_real"),
    ],
)
def test_what_complex_numbers_cannot(tmp_path, fn, match):
    with pytest.raises(ExportError, match=match):
        export(fn, randn(2, 8), tmp_path / "model.onnx")
    with pytest.raises(ExportError, match="input is complex64"):
        export(lambda z: z.abs(), complex_filter(), tmp_path / "model.onnx")
