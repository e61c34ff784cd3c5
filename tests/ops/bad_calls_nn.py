"""Calls of nn's layers and functions beside the most used, for the test of bad input to spoil."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dovetail as dt
import dovetail.nn as nn
import dovetail.nn.functional as F
from tests.ops.bad_calls import Call, _x


def line() -> dt.Tensor:
    return dt.rand(2, 4, 6)


def image() -> dt.Tensor:
    return dt.rand(2, 4, 6, 6)


def volume() -> dt.Tensor:
    return dt.rand(1, 4, 4, 4, 4)


OF_DIMS = {1: line, 2: image, 3: volume}


def calls_of_nn() -> Iterator[Call]:
    yield from _layers()
    yield from _losses()
    yield from _functions()


def _layers() -> Iterator[Call]:
    """Layers, and the functions that their refusals may speak for."""
    rows: list[tuple[str, tuple[Any, ...], Any, str]] = [
        ("RReLU", (0.1, 0.3), _x, "rrelu"),
        ("Softmax2d", (), image, "softmax"),
        ("GroupNorm", (2, 4), line, "group_norm"),
        ("RMSNorm", (3,), _x, "rms_norm"),
        ("LocalResponseNorm", (3, 0.1), line, "local_response_norm"),
        ("CrossMapLRN2d", (3, 0.1), image, "cross_map_lrn"),
        ("AlphaDropout", (0.5, True), _x, "alpha_dropout"),
        ("FeatureAlphaDropout", (0.5,), line, "feature_alpha_dropout"),
        ("Unfold", (2, 1, 1, 2), image, "unfold"),
        ("Fold", ((4, 5), 2), lambda: dt.ones(2, 4, 12), "fold"),
        ("PixelShuffle", (2,), image, "pixel_shuffle"),
        ("PixelUnshuffle", (2,), image, "pixel_unshuffle"),
        ("ChannelShuffle", (2,), image, "channel_shuffle"),
        ("Upsample", (4, None, "bilinear", True), image, "interpolate"),
        ("UpsamplingNearest2d", (4,), image, "interpolate"),
        ("UpsamplingBilinear2d", (None, 2.0), image, "interpolate"),
        ("FractionalMaxPool2d", (2, 3), image, "fractional_max_pool2d"),
        ("FractionalMaxPool3d", (2, None, 0.5), volume, "fractional_max_pool3d"),
    ]
    for dims, make in OF_DIMS.items():
        for kind in ("ReflectionPad", "ReplicationPad", "CircularPad", "ZeroPad"):
            rows.append((f"{kind}{dims}d", (1,), make, "pad"))
        rows.append((f"ConstantPad{dims}d", (1, 2.0), make, "pad"))
        rows.append((f"InstanceNorm{dims}d", (4, 1e-5, 0.1, True, True), make, "instance_norm"))
        rows.append((f"LPPool{dims}d", (2.0, 2), make, f"lp_pool{dims}d"))
        rows.append((f"AdaptiveMaxPool{dims}d", (2, True), make, f"adaptive_max_pool{dims}d"))
    for name, args, make, function in rows:
        layer = getattr(nn, name)
        yield Call(name, layer, lambda args=args: args)
        yield Call(f"{name}()", layer(*args), lambda make=make: (make(),), says=(function, r"\w+\.forward"))
    yield Call("CosineSimilarity", nn.CosineSimilarity, lambda: (1, 1e-8))
    yield Call("PairwiseDistance", nn.PairwiseDistance, lambda: (2.0, 1e-6, True))
    yield Call("AdaptiveLogSoftmaxWithLoss", nn.AdaptiveLogSoftmaxWithLoss, lambda: (8, 10, [2, 5]), {"div_value": 2.0})


def _losses() -> Iterator[Call]:
    def classes() -> dt.Tensor:
        return dt.tensor([0, 2])

    def ones() -> dt.Tensor:
        return dt.ones(2, 3)

    for name, args, function, inputs in [
        ("SoftMarginLoss", (), "soft_margin_loss", (_x, ones)),
        ("MultiLabelSoftMarginLoss", (), "multilabel_soft_margin_loss", (_x, ones)),
        ("HingeEmbeddingLoss", (1.0,), "hinge_embedding_loss", (_x, ones)),
        ("PoissonNLLLoss", (True, True, 1e-8), "poisson_nll_loss", (_x, ones)),
        ("GaussianNLLLoss", (), "gaussian_nll_loss", (_x, ones, ones)),
        ("MultiMarginLoss", (1, 1.0), "multi_margin_loss", (_x, classes)),
        ("MultiLabelMarginLoss", (), "multilabel_margin_loss", (_x, lambda: dt.tensor([[0, 1, -1], [2, -1, 0]]))),
        ("CosineEmbeddingLoss", (0.5,), "cosine_embedding_loss", (_x, ones, classes)),
        ("MarginRankingLoss", (0.5,), "margin_ranking_loss", (_x, ones, ones)),
        ("TripletMarginLoss", (1.0, 2.0, 1e-6), "triplet_margin_loss", (_x, ones, ones)),
        ("TripletMarginWithDistanceLoss", (), "triplet_margin_with_distance_loss", (_x, ones, ones)),
        (
            "CTCLoss",
            (0,),
            "ctc_loss",
            (line, lambda: dt.tensor([[1], [2], [1], [3]]), lambda: [2, 2, 1, 2], lambda: [1, 1, 0, 1]),
        ),
    ]:
        loss = getattr(nn, name)
        yield Call(name, loss, lambda args=args: args, {"reduction": "mean"})
        says = (function, r"\w+\.forward")
        yield Call(f"{name}()", loss(*args), lambda inputs=inputs: tuple(make() for make in inputs), says=says)


def _functions() -> Iterator[Call]:
    image_grid = dt.zeros(2, 3, 3, 2)
    rows: list[tuple[str, Any, tuple[Any, ...]]] = [
        ("interpolate", image, (None, 1.5, "bicubic", False, None, True)),
        ("interpolate", line, (3, None, "linear", True)),
        ("unfold", image, (2, 1, 1, 2)),
        ("fold", lambda: dt.ones(2, 4, 12), ((4, 5), 2)),
        ("instance_norm", line, (dt.zeros(4), dt.ones(4), dt.ones(4), dt.ones(4), True, 0.1, 1e-5)),
        ("affine_grid", lambda: dt.ones(2, 2, 3), ([2, 1, 3, 4], False)),
        ("grid_sample", image, (image_grid, "bilinear", "zeros", True)),
        ("mse_loss", _x, (dt.ones(2, 3), False, True, "sum")),
        ("nll_loss", _x, (dt.tensor([0, 2]), None, None, -100, False)),
        ("kl_div", _x, (dt.ones(2, 3), "sum", False)),
        ("elu", _x, (1.0, True)),
        ("leaky_relu", _x, (0.1, True)),
        ("linear_cross_entropy", _x, (dt.ones(4, 3), dt.tensor([0, 3]))),
    ]
    for dims, make in OF_DIMS.items():
        rows.append((f"lp_pool{dims}d", make, (2.0, 2, 1, True)))
        places = dt.zeros(*make().shape, dtype=dt.int64)
        rows.append((f"max_unpool{dims}d", make, (places, 2, 2, 0)))
        if dims > 1:
            rows.append((f"fractional_max_pool{dims}d", make, (2, 2, None, True)))
            rows.append((f"fractional_max_pool{dims}d_with_indices", make, (2, None, 0.5)))
    for name, make, args in rows:
        yield Call(name, getattr(F, name), lambda make=make, args=args: (make(), *args))
    for name, args in [("relu_", ()), ("elu_", (1.0,)), ("hardtanh_", (-1.0, 1.0)), ("rrelu_", (0.1, 0.3, True))]:
        yield Call(name, getattr(F, name), lambda args=args: (_x(), *args))
