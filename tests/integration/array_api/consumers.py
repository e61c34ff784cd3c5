"""Libraries that compute with anybody's arrays, on tensors: python -m tests.integration.array_api.consumers special

Each check calls a function with tensors and with NumPy's arrays and compares; what comes of a tensor is a tensor. Run
in a process of its own, since SciPy reads SCIPY_ARRAY_API when it is imported. Prints a line a check: name, error.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import dovetail as dt

os.environ["SCIPY_ARRAY_API"] = "1"

numbers = np.random.default_rng(0)
A = numbers.standard_normal((6, 4))
B = numbers.standard_normal((6, 4))
P = np.abs(A) + 0.5
V = numbers.standard_normal(16)
Q = np.asarray([0.2, 0.7])
X = numbers.standard_normal((40, 5)).astype(np.float32)
LABELS = (X[:, 0] > 0).astype(np.int64)
OTHERS = (X[:, 1] > 0.2).astype(np.int64)
TARGET = X @ np.arange(5, dtype=np.float32)
CHANCES = np.clip(0.5 + X[:, 0] / 8, 0.1, 0.9)

Check = Callable[[Callable[[np.ndarray], Any]], Any]
CHECKS: dict[str, Check] = {}


def module(name: str) -> Any:
    return importlib.import_module(name)


def called(where: str, name: str, *arrays: np.ndarray, **options: Any) -> None:
    """A function of arrays; where it gives a named tuple its first field counts."""

    def check(convert: Callable[[np.ndarray], Any]) -> Any:
        result = getattr(module(where), name)(*map(convert, arrays), **options)
        return result[0] if isinstance(result, tuple) else result

    CHECKS[f"{where}.{name}"] = check


def special() -> None:
    for name in ("erf", "erfc", "expit", "gammaln", "i0", "i1", "ndtr", "ndtri", "logit", "entr", "log_ndtr"):
        called("scipy.special", name, np.clip(P / 4, 0.1, 0.9))
    for name in ("xlogy", "betaln", "rel_entr", "stdtr", "chdtrc", "gammainc"):
        called("scipy.special", name, P, P[::-1])
    for name in ("logsumexp", "softmax", "log_softmax"):
        called("scipy.special", name, A, axis=1)


def stats() -> None:
    for name in ("moment", "skew", "kurtosis", "kurtosistest", "zscore", "gstd", "rankdata", "trim_mean"):
        called("scipy.stats", name, P, **({"proportiontocut": 0.2} if name == "trim_mean" else {}))
    for name in ("gmean", "hmean", "variation", "entropy", "jarque_bera", "circmean", "circvar", "chisquare", "sem"):
        called("scipy.stats", name, P)
    for name in ("ttest_ind", "ttest_rel", "f_oneway", "bartlett", "mannwhitneyu", "combine_pvalues"):
        called("scipy.stats", name, *([CHANCES] if name == "combine_pvalues" else [A, B]))
    called("scipy.stats", "ttest_1samp", A, popmean=0.0)
    called("scipy.stats", "pearsonr", V, V**2)
    called("scipy.stats", "quantile", V, Q)


def transforms() -> None:
    complex_numbers = A + 1j * B
    for name in ("fft", "ifft", "fft2", "fftn", "hfft", "irfft", "irfftn"):
        called("scipy.fft", name, complex_numbers)
    for name in ("rfft", "rfftn", "ihfft", "dct", "idct", "dst", "dctn", "fftshift"):
        called("scipy.fft", name, A)
    called("scipy.fft", "fht", V, dln=0.1, mu=0.0)


def signals() -> None:
    for name in ("convolve", "fftconvolve", "correlate", "oaconvolve"):
        called("scipy.signal", name, V, V[:3])
    for name in ("hilbert", "detrend"):
        called("scipy.signal", name, V)
    called("scipy.signal", "medfilt", V, kernel_size=3)
    called("scipy.signal", "resample", V, num=8)
    called("scipy.signal", "savgol_filter", V, window_length=5, polyorder=2)
    called("scipy.signal", "lfilter", np.asarray([1.0, 0.5]), np.asarray([1.0, -0.2]), V)
    CHECKS["scipy.signal.windows.hann"] = lambda convert: module("scipy.signal.windows").hann(
        9, **({} if convert is np.asarray else {"xp": dt.ones(1).__array_namespace__()})
    )


def images_and_clusters() -> None:
    called("scipy.ndimage", "gaussian_filter", A, sigma=1.0)
    called("scipy.ndimage", "label", (A > 0).astype(int))
    called("scipy.ndimage", "sobel", A)
    called("scipy.cluster.vq", "whiten", A)
    called("scipy.cluster.vq", "vq", A, A[:2])
    called("scipy.cluster.vq", "kmeans", A, A[:2])
    called("scipy.cluster.hierarchy", "linkage", A)


def calculus() -> None:
    for name in ("trapezoid", "cumulative_trapezoid", "cumulative_simpson"):
        called("scipy.integrate", name, V)
    zero, one = np.asarray(0.0), np.asarray(1.0)
    CHECKS["scipy.integrate.cubature"] = lambda convert: (
        module("scipy.integrate").cubature(lambda x: x[:, 0] ** 2, convert(zero[None]), convert(one[None])).estimate
    )
    CHECKS["scipy.integrate.tanhsinh"] = lambda convert: (
        module("scipy.integrate").tanhsinh(lambda x: x**2, convert(zero), convert(one)).integral
    )
    CHECKS["scipy.differentiate.derivative"] = lambda convert: (
        module("scipy.differentiate").derivative(lambda x: x**3, convert(Q)).df
    )
    CHECKS["scipy.optimize.elementwise.find_root"] = lambda convert: (
        module("scipy.optimize.elementwise").find_root(lambda x: x**2 - 2, (convert(zero), convert(one + 1))).x
    )
    CHECKS["scipy.optimize.elementwise.find_minimum"] = lambda convert: (
        module("scipy.optimize.elementwise")
        .find_minimum(lambda x: (x - 1) ** 2, (convert(zero), convert(one / 2), convert(one + 1)))
        .x
    )
    called("scipy.optimize", "rosen", V)
    CHECKS["scipy.spatial.transform.Rotation"] = lambda convert: (
        module("scipy.spatial.transform").Rotation.from_rotvec(convert(A[:, :3])).as_matrix()
    )
    CHECKS["scipy.interpolate.make_interp_spline"] = lambda convert: module("scipy.interpolate").make_interp_spline(
        convert(np.arange(16.0)), convert(V)
    )(convert(Q))


# ---- scikit-learn ----


def estimator(where: str, name: str, result: str, *arrays: np.ndarray, **options: Any) -> None:
    """An estimator that is fitted to arrays, of which one of its methods is compared."""

    def check(convert: Callable[[np.ndarray], Any]) -> Any:
        fitted = getattr(module(f"sklearn.{where}"), name)(**options).fit(*map(convert, arrays))
        return getattr(fitted, result)(convert(arrays[0]))

    CHECKS[f"sklearn.{where}.{name}" + "".join(f" {value}" for value in options.values())] = check


def estimators() -> None:
    for solver in ("full", "covariance_eigh"):
        estimator("decomposition", "PCA", "transform", X, n_components=2, svd_solver=solver)
    estimator("discriminant_analysis", "LinearDiscriminantAnalysis", "predict", X, LABELS)
    for name in ("StandardScaler", "MinMaxScaler", "MaxAbsScaler", "Normalizer", "Binarizer", "PolynomialFeatures"):
        estimator("preprocessing", name, "transform", X)
    for name in ("LabelEncoder", "LabelBinarizer"):
        estimator("preprocessing", name, "transform", LABELS)
    estimator("preprocessing", "KernelCenterer", "transform", X @ X.T)
    estimator("linear_model", "Ridge", "predict", X, TARGET, solver="svd")
    estimator("linear_model", "RidgeClassifier", "predict", X, LABELS, solver="svd")
    estimator("naive_bayes", "GaussianNB", "predict", X, LABELS)
    random = {"init_params": "random_from_data", "random_state": 0}
    estimator("mixture", "GaussianMixture", "predict", X, n_components=2, **random)
    estimator("kernel_approximation", "Nystroem", "transform", X, n_components=5, random_state=0)
    CHECKS["sklearn.pipeline.make_pipeline"] = lambda convert: (
        module("sklearn.pipeline")
        .make_pipeline(
            module("sklearn.preprocessing").StandardScaler(),
            module("sklearn.decomposition").PCA(3, svd_solver="full"),
        )
        .fit_transform(convert(X))
    )
    CHECKS["sklearn.model_selection.train_test_split"] = lambda convert: module(
        "sklearn.model_selection"
    ).train_test_split(convert(X), convert(LABELS), random_state=0)[0]
    CHECKS["sklearn.model_selection.cross_val_predict"] = lambda convert: module(
        "sklearn.model_selection"
    ).cross_val_predict(
        module("sklearn.discriminant_analysis").LinearDiscriminantAnalysis(), convert(X), convert(LABELS)
    )


def metrics() -> None:
    for name in ("accuracy_score", "zero_one_loss", "f1_score", "precision_score", "recall_score", "jaccard_score"):
        called("sklearn.metrics", name, LABELS, OTHERS)
    for name in ("hamming_loss", "balanced_accuracy_score", "confusion_matrix"):
        called("sklearn.metrics", name, LABELS, OTHERS)
    for name in ("mean_squared_error", "mean_absolute_error", "r2_score", "explained_variance_score", "max_error"):
        called("sklearn.metrics", name, TARGET, TARGET * 1.1 + 0.1)
    for name in ("mean_absolute_percentage_error", "median_absolute_error", "d2_absolute_error_score"):
        called("sklearn.metrics", name, TARGET, TARGET * 1.1 + 0.1)
    for name in ("log_loss", "brier_score_loss"):
        called("sklearn.metrics", name, LABELS, CHANCES)
    for name in ("cosine_similarity", "euclidean_distances", "rbf_kernel", "linear_kernel", "polynomial_kernel"):
        called("sklearn.metrics.pairwise", name, X)
    for name in ("sigmoid_kernel", "laplacian_kernel", "cosine_distances", "manhattan_distances", "chi2_kernel"):
        called("sklearn.metrics.pairwise", name, np.abs(X))


FAMILIES = (special, stats, transforms, signals, images_and_clusters, calculus, estimators, metrics)


def run(name: str) -> None:
    """Refuse what differs."""
    import sklearn

    wanted = CHECKS[name](np.asarray)
    with sklearn.config_context(array_api_dispatch=name.startswith("sklearn")):
        result = CHECKS[name](dt.from_numpy)
    if isinstance(wanted, np.ndarray) or not name.startswith("sklearn.metrics"):
        assert isinstance(result, dt.Tensor), f"gave {type(result).__name__}"
        assert tuple(result.shape) == np.shape(wanted)
    single = np.float32 in (np.asarray(wanted).dtype, np.asarray(result).dtype)
    np.testing.assert_allclose(np.asarray(result), wanted, rtol=1e-3 if single else 1e-7, atol=1e-4 if single else 1e-9)


def main(family: str) -> None:
    warnings.simplefilter("ignore")
    {each.__name__: each for each in FAMILIES}[family]()
    for name in CHECKS:
        try:
            run(name)
            error = None
        except Exception:
            error = traceback.format_exc()
        print(json.dumps([name, error]), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
