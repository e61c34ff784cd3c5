"""Factorisations and Fourier transforms."""

from __future__ import annotations

from .case import Case, Section

TARGET = 1.1
MATRIX = "m, r = data(256, 256), data(256, 16)"
DEFINITE = "m = data(256, 256)\nm = m @ m.t() / 256 + xp.eye(256)"
SYMMETRIC = "m = data(256, 256)\nm = m + m.t()"
PRODUCT_OF_SVD = "(lambda u, s, v: [s, (u * s) @ v])(*xp.linalg.svd(m))"
PRODUCT_OF_EIGH = "(lambda w, v: [w, (v * w) @ v.t()])(*xp.linalg.eigh(m))"

SECTION = Section(
    key="linear-algebra",
    title="Linear algebra and FFT",
    about="float32, 256 × 256. Factors are unique but for signs: what is compared is their product.",
    cases=[
        Case("solve, 16 right-hand sides", MATRIX, "xp.linalg.solve(m, r)", TARGET, tolerance=1e-2),
        Case("cholesky", DEFINITE, "xp.linalg.cholesky(m)", TARGET, tolerance=1e-4),
        Case("qr", MATRIX, "xp.linalg.qr(m)", TARGET, result="(lambda q, r: q @ r)(*xp.linalg.qr(m))", tolerance=1e-4),
        Case("svd", MATRIX, "xp.linalg.svd(m)", TARGET, result=PRODUCT_OF_SVD, tolerance=1e-4),
        Case("eigh", SYMMETRIC, "xp.linalg.eigh(m)", TARGET, result=PRODUCT_OF_EIGH, tolerance=1e-4),
        Case("fft of 2²⁰ floats", "a = data(2**20)", "xp.fft.fft(a)", TARGET),
        Case("fft of 2²⁰ complex", "a = xp.complex(data(2**20), data(2**20))", "xp.fft.fft(a)", TARGET),
        Case("1,024 ffts of 1,024 floats", "a = data(1024, 1024)", "xp.fft.fft(a)", TARGET),
        Case("1,024 rffts of 1,024 floats", "a = data(1024, 1024)", "xp.fft.rfft(a)", TARGET),
    ],
)
