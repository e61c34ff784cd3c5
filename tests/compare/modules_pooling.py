"""Pooling."""

from __future__ import annotations

import numpy as np

from tests.compare.rows import Row, normal, uniform

SIZES = {1: (9,), 2: (7, 8), 3: (5, 6, 7)}


def _input(dims: int) -> tuple:
    return (normal(2, 3, *SIZES[dims]),)


def _max(dims: int) -> list[Row]:
    return [
        Row((2,), inputs=_input(dims)),
        Row((3, 2, 1), {"return_indices": True}, inputs=_input(dims)),
        Row((2,), {"dilation": 2, "stride": 1, "ceil_mode": True}, inputs=_input(dims)),
        Row(((3, 2, 2)[:dims],), inputs=(normal(3, *SIZES[dims]),)),
    ]


def _avg(dims: int) -> list[Row]:
    return [
        Row((2,), inputs=_input(dims)),
        Row((3, 2, 1, True), inputs=_input(dims)),
        Row((3, 2, 1), {"count_include_pad": False}, inputs=_input(dims)),
        Row(((3, 2, 2)[:dims],), inputs=(normal(3, *SIZES[dims]),)),
        *([Row((2,), {"divisor_override": 3}, inputs=_input(dims))] if dims > 1 else []),
    ]


def _adaptive(dims: int) -> list[Row]:
    rows = [Row((3,), inputs=_input(dims)), Row((1,), inputs=(normal(3, *SIZES[dims]),))]
    return rows if dims == 1 else [*rows, Row(((None, 2, 5)[:dims],), inputs=_input(dims))]


ROWS = {f"MaxPool{dims}d": _max(dims) for dims in SIZES}
ROWS |= {f"AvgPool{dims}d": _avg(dims) for dims in SIZES}
ROWS |= {f"AdaptiveAvgPool{dims}d": _adaptive(dims) for dims in SIZES}
ROWS |= {f"AdaptiveMaxPool{dims}d": [*_adaptive(dims), Row((2, True), inputs=_input(dims))] for dims in SIZES}


def _lp(dims: int) -> list[Row]:
    positive = (np.abs(normal(2, 3, *SIZES[dims])),)
    return [
        Row((2, 3), inputs=_input(dims)),
        Row((3, 2, 1), inputs=positive),
        Row((1.5, (3, 2, 2)[:dims] if dims > 1 else 3), {"ceil_mode": True}, inputs=positive),
        Row((float("inf"), 2), inputs=_input(dims)),
    ]


def _fractional(dims: int) -> list[Row]:
    x, samples = _input(dims), uniform(2, 3, dims, seed=7)
    sizes = (3, 4, 3)[:dims]
    return [
        Row((2,), {"output_size": sizes, "_random_samples": samples}, inputs=x),
        Row(((2, 3, 2)[:dims],), {"output_ratio": 0.5, "_random_samples": samples, "return_indices": True}, inputs=x),
        Row((2,), {"output_size": 1, "_random_samples": uniform(1, 3, dims)}, inputs=(normal(3, *SIZES[dims]),)),
    ]


def _places(dims: int) -> np.ndarray:
    """Where values of a plane of 3 in every dim go in one of 6, each to another place."""
    rng = np.random.default_rng(dims)
    return np.stack([rng.permutation(6**dims)[: 3**dims] for _ in range(2)]).reshape(1, 2, *[3] * dims)


def _unpool(dims: int) -> list[Row]:
    x = (normal(1, 2, *[3] * dims), _places(dims))
    return [
        Row((2,), inputs=x),
        Row((3, 2, 1), inputs=x, call={"output_size": [6] * dims}),
        Row((2,), inputs=(x[0][0], x[1][0])),
    ]


ROWS |= {f"LPPool{dims}d": _lp(dims) for dims in SIZES}
ROWS |= {f"FractionalMaxPool{dims}d": _fractional(dims) for dims in (2, 3)}
ROWS |= {f"MaxUnpool{dims}d": _unpool(dims) for dims in SIZES}
