"""Small examples of the ops that a backend may bring kernels for, as full positional arguments."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import dovetail as dt
from dovetail import Tensor

__all__ = ["samples"]

Case = tuple[Any, ...]

_HERE = dt.device("cpu")


def _ramp(*shape: int, low: float = -1.5, high: float = 1.5) -> Tensor:
    """Different numbers in no particular order."""
    count = 1
    for n in shape:
        count *= n
    order = (dt.arange(count) * 7 + 3) % max(count, 1) if count % 7 else dt.arange(count).flip(0)
    return (low + (high - low) * (order + 0.5) / max(count, 1)).to(dt.float32).reshape(shape)


def _ints(*shape: int, low: int = -4, high: int = 5) -> Tensor:
    return _ramp(*shape, low=low, high=high).floor().to(dt.int64)


def _bools(*shape: int) -> Tensor:
    return _ramp(*shape) > 0


def _strided() -> Tensor:
    return _ramp(4, 6).transpose(0, 1)[::2]


def _unary(low: float, high: float) -> list[Case]:
    return [
        (_ramp(3, 5, low=low, high=high),),
        (_ramp(4, 6, low=low, high=high).transpose(0, 1)[::2],),
        (_ramp(0, 3, low=low, high=high),),
        (_ramp(1, low=low, high=high).reshape([]),),
    ]


def _sequences(name: str) -> list[Case]:
    """Three sequences of 3, 2 and 1 steps, with a hidden size of 2."""
    h0, sizes, x = _ramp(3, 2), [3, 2, 1], _ramp(6, 3)
    if name == "lstm_sequence":
        narrow = (_ramp(3, 1), h0.exp(), _ramp(8, 1), _ramp(1, 2))  # with a projection
        wide = (h0, h0.exp(), _ramp(8, 2), None)
        return [
            (x, _ramp(8, 3), bias, *states, bias is None, sizes)
            for bias, states in ((None, wide), (_ramp(8), wide), (_ramp(8), narrow), (None, narrow))
        ]
    if name == "gru_sequence":
        biases = ((_ramp(6), None), (None, _ramp(6)))
        return [(x, _ramp(6, 3), b_ih, h0, _ramp(6, 2), b_hh, b_ih is None, sizes) for b_ih, b_hh in biases]
    kinds = (("tanh", None), ("relu", _ramp(2)))
    return [(x, _ramp(2, 3), bias, h0, _ramp(2, 2), kind, kind == "relu", sizes) for kind, bias in kinds]


def _sequence_grads(name: str) -> list[Case]:
    h0, output, gates, sizes = _ramp(3, 2), _ramp(6, 2) / 2, _ramp(6, 8, low=0.1, high=0.9), [3, 2, 1]
    g = output.exp()
    if name == "lstm_sequence":
        seen: Case = (h0, h0.exp(), _ramp(8, 2), None, output, output * 1.5, gates)
        narrow: Case = (_ramp(3, 1), h0.exp(), _ramp(8, 1), _ramp(1, 2), _ramp(6, 1), output * 1.5, gates)
        return [
            (g, None, None, *seen, False, sizes),
            (g, g * 2, gates / 2, *seen, True, sizes),
            (_ramp(6, 1), g, None, *narrow, False, sizes),
        ]
    if name == "gru_sequence":
        seen = (h0, _ramp(6, 2), output, gates)
        return [(g, None, *seen, False, sizes), (g, gates / 2, *seen, True, sizes)]
    return [(g, h0, _ramp(2, 2), output.abs(), kind, kind == "relu", sizes) for kind in ("tanh", "relu")]


# Gradients of activation functions, with the numbers that follow gradient and input.
_SLOPES: dict[str, tuple[float, ...]] = {
    "hardtanh": (-1.0, 1.0),
    "hardsigmoid": (),
    "hardswish": (),
    "leaky_relu": (0.25,),
    "threshold": (0.5,),
    "shrink": (0.5,),
    "elu": (1.5, 1.0, 0.5),
    "softplus": (2.0, 3.0),
    "logsigmoid": (),
    "mish": (),
    "softsign": (),
    "tanhshrink": (),
}


def _slopes(*options: float) -> list[Case]:
    return [(grad, x, *options) for grad, x in ((_ramp(3, 5), _ramp(3, 5, low=-4, high=4)), (_ramp(0, 3), _ramp(0, 3)))]


_DOMAINS = {
    (
        -3.0,
        3.0,
    ): "neg abs sign floor ceil trunc round exp expm1 sin cos tan atan sinh cosh tanh asinh erf exp2 sigmoid erfc "
    "square relu gelu silu frac isinf isfinite positive i0 special_airy_ai airy_ai_slope special_bessel_j0 "
    "special_bessel_j1 special_erfcx special_i0e special_i1 special_i1e special_log_ndtr special_ndtr sinc "
    "special_spherical_bessel_j0",
    (0.1, 4.0): "log log1p sqrt lgamma log2 log10 rsqrt reciprocal digamma special_bessel_y0 special_bessel_y1 "
    "special_modified_bessel_k0 special_modified_bessel_k1 special_scaled_modified_bessel_k0 "
    "special_scaled_modified_bessel_k1 special_entr",
    (0.1, 0.9): "special_ndtri",
    (-0.9, 0.9): "asin acos atanh erfinv",
    (1.1, 4.0): "acosh",
}
_FLOAT_PAIRS = (
    "add sub mul div maximum minimum fmax fmin atan2 hypot copysign logaddexp logaddexp2 xlogy special_xlog1py "
    "eq ne lt le gt ge"
)
_POLYNOMIALS = (
    "special_chebyshev_polynomial_t special_chebyshev_polynomial_u special_chebyshev_polynomial_v "
    "special_chebyshev_polynomial_w special_shifted_chebyshev_polynomial_t special_shifted_chebyshev_polynomial_u "
    "special_shifted_chebyshev_polynomial_v special_shifted_chebyshev_polynomial_w special_hermite_polynomial_h "
    "special_hermite_polynomial_he special_laguerre_polynomial_l special_legendre_polynomial_p"
)
_INT_PAIRS = "bitwise_and bitwise_or bitwise_xor floor_divide remainder fmod gcd lcm"


def _binary() -> list[Case]:
    return [
        (_ramp(3, 5), _ramp(3, 5, low=0.5, high=2)),
        (_ramp(3, 1), _ramp(5, low=0.5, high=2)),
        (_strided(), _ramp(4, low=0.5, high=2)),
        (_ints(3, 5), _ramp(5, low=0.5, high=2)),
    ]


def _positive_pairs() -> list[Case]:
    return [
        (_ramp(3, 5, low=1.5, high=4), _ramp(3, 5, low=0.5, high=2)),
        (_ramp(3, 1, low=1.5, high=4), _ramp(5, low=0.5, high=2)),
    ]


def _integer_pairs() -> list[Case]:
    return [(_ints(3, 5), _ints(3, 5, low=1, high=4)), (_ints(3, 1), _ints(5, low=1, high=4))]


def _numbers(*shape: int) -> Tensor:
    return dt.complex(_ramp(*shape), _ramp(*shape).flip(0))


def _complex() -> list[Case]:
    return [(_numbers(3, 5),), (_numbers(4, 6).transpose(0, 1)[::2],), (_ramp(3, 5),)]


def _truths() -> list[Case]:
    return [(_bools(3, 5), _bools(5)), (_ints(3, 5), _ramp(3, 5))]


def _reductions() -> list[Case]:
    return [
        (_ramp(3, 4, 5), None, False),
        (_ramp(3, 4, 5), [1], False),
        (_ramp(3, 4, 5), [0, 2], True),
        (_strided(), [0], False),
    ]


def _index(*shape: int, size: int) -> Tensor:
    return _ints(*shape, low=0, high=size)


def _places(rows: int, columns: int) -> Tensor:
    """Every row a different place in every column."""
    return (dt.arange(rows).unsqueeze(1) + dt.arange(columns)) % rows


def _square(*batch: int) -> Tensor:
    """Symmetric, positive-definite matrices."""
    x = _ramp(*batch, 3, 3)
    return x @ x.mT + 3 * dt.eye(3)


def _qkv() -> tuple[Tensor, ...]:
    """What attention's gradient takes first: the gradient, query, key and value."""
    return tuple(_ramp(1, 2, 4, 2) for _ in range(4))


_CONV: tuple[Any, ...] = ([2, 1], [1, 0], [1, 2], 2)

_TABLE: dict[str, Callable[[], list[Case]]] = {
    # create and copy
    "full": lambda: [([2, 3], 1.5, dt.float32, _HERE), ([2], 7, dt.int64, _HERE), ([2], True, dt.bool, _HERE)],
    **dict.fromkeys(
        ("zeros", "ones"), lambda: [([2, 3], dt.float32, _HERE), ([2], dt.int64, _HERE), ([], None, _HERE)]
    ),
    "empty": lambda: [([0, 3], dt.float32, _HERE), ([0], dt.int64, _HERE)],  # of no numbers: there are no right ones
    "arange": lambda: [(0, 5, 1, dt.int64, _HERE), (1.0, 2.0, 0.25, dt.float32, _HERE)],
    "fill": lambda: [(_ramp(2, 3), dt.tensor(2.0))],
    "copy": lambda: [(_ramp(3, 4), _ramp(4)), (_ramp(3, 4), _ints(3, 4)), (_ints(4, 6), _ramp(6, 4).transpose(0, 1))],
    # elementwise
    "pow": lambda: [(_ramp(3, 5, low=0.1, high=2), _ramp(5)), (_ints(3, 5), dt.tensor(2))],
    "bitwise_left_shift": lambda: [(_ints(3, 5, low=0), _ints(5, low=0, high=3))],
    "bitwise_right_shift": lambda: [(_ints(3, 5, low=0, high=60), _ints(5, low=0, high=3))],
    "bitwise_not": lambda: [(_ints(3, 5),), (_bools(3, 5),)],
    "isnan": lambda: [(dt.tensor([1.0, float("nan")]),)],
    "logical_not": lambda: [(_bools(3, 5),), (_ramp(3, 5).round(),)],
    "where": lambda: [(_bools(3, 5), _ramp(3, 5), _ramp(5)), (_bools(3, 1), _ints(5), _ints(3, 5))],
    **dict.fromkeys(("addcmul", "addcdiv"), lambda: [(_ramp(3, 5), _ramp(5), _ramp(3, 1, low=0.5, high=2))]),
    "lerp": lambda: [(_ramp(3, 5), _ramp(5), dt.tensor(0.25)), (_ramp(3, 5), _ramp(3, 1), _ramp(5))],
    **dict.fromkeys(("frexp_mantissa", "frexp_exponent"), lambda: _unary(-9, 9)),
    "nextafter": lambda: [(_ramp(3, 5), _ramp(3, 5).flip(0)), (_ramp(3, 1), _ramp(5))],
    **dict.fromkeys(_POLYNOMIALS.split(), lambda: [(_ramp(3, 5), dt.tensor(4.0)), (_ramp(5), dt.arange(5.0))]),
    "nan_to_numbers": lambda: [(dt.tensor([1.0, float("nan"), float("inf"), -float("inf")]), 0.5, 7.0, -7.0)],
    "clamp": lambda: [(_ramp(3, 5), dt.tensor(-0.5), dt.tensor(0.5)), (_ramp(3, 5), None, _ramp(5))],
    # complex numbers
    "complex": lambda: [(_ramp(3, 5), _ramp(5))],
    "polar": lambda: [(_ramp(3, 5, low=0), _ramp(5))],
    # reduce and scan
    "any": lambda: [(_bools(3, 4), None, False), (_bools(3, 4), [1], False)],
    "all": lambda: [(_bools(3, 4), None, False), (_bools(3, 4), [1], False)],
    "argmax": lambda: [(_ramp(3, 4, 5), None, False), (_ramp(3, 4, 5), 1, False), (_ramp(3, 4), -1, True)],
    "argmin": lambda: [(_ramp(3, 4, 5), None, False), (_ramp(3, 4, 5), 1, False), (_ramp(3, 4), -1, True)],
    "var": lambda: [(_ramp(3, 4, 5), None, 1, False), (_ramp(3, 4, 5), [1], 0, True)],
    "cumsum": lambda: [(_ramp(3, 4), 0), (_ints(3, 4), 1), (_strided(), 1)],
    **dict.fromkeys(("cummax", "cummin"), lambda: [(_ramp(3, 4), 0), (_ints(3, 4), 1), (_strided(), -1)]),
    **dict.fromkeys(("tril", "triu"), lambda: [(_ramp(3, 4), 0), (_ints(2, 3, 3), -1), (_strided(), 1)]),
    "logcumsumexp": lambda: [(_ramp(3, 4), 0), (_strided(), 1)],
    "logit": lambda: [(x, eps) for (x,) in _unary(0.1, 0.9) for eps in (None, 0.2)],
    "cumprod": lambda: [(_ramp(3, 4), 0), (_ints(3, 4), 1)],
    # gather and scatter
    "gather": lambda: [(_ramp(4, 3), 0, _index(2, 3, size=4)), (_ramp(4, 3), 1, _index(4, 5, size=3))],
    "scatter": lambda: [(_ramp(4, 3), 0, _places(4, 3), _ramp(4, 3, low=2, high=3))],
    "scatter_add": lambda: [(_ramp(4, 3), 0, _index(5, 3, size=4), _ramp(5, 3))],
    "scatter_reduce": lambda: [
        (_ramp(4, 3), 0, _index(5, 3, size=4), _ramp(5, 3), reduce, True)
        for reduce in ("sum", "prod", "mean", "amax", "amin")
    ],
    "index_select": lambda: [(_ramp(4, 3), 0, _index(5, size=4)), (_ramp(4, 3), 1, _index(2, size=3))],
    "index_add": lambda: [(_ramp(4, 3), 0, _index(5, size=4), _ramp(5, 3))],
    "index": lambda: [(_ramp(4, 3), [_index(5, size=4), None]), (_ramp(4, 3), [_index(2, size=4), _index(2, size=3)])],
    "index_put": lambda: [(_ramp(4, 3), [_index(5, size=4)], _ramp(5, 3), True)],
    "cat": lambda: [([_ramp(2, 3), _ramp(4, 3)], 0), ([_ramp(2, 3), _strided()[:2, :2]], 1)],
    "constant_pad_nd": lambda: [(_ramp(2, 3), [1, 2], 0.5), (_ramp(2, 3), [-1, 1, 0, 2], 0)],
    "nonzero": lambda: [(_bools(3, 4),), (_ramp(3, 4).round(),)],
    "sort": lambda: [(_ramp(3, 5), -1, False, True), (_ramp(3, 5), 0, True, True)],
    "sort_first": lambda: [(_ramp(3, 5), -1, 2, False), (_ramp(4, 3), 0, 3, True), (_ints(3, 5), 1, 4, False)],
    "select_rank": lambda: [(_ramp(3, 5), 1, "rank", 3), (_ints(4, 3), 0, "median", 0), (_ramp(7), 0, "nanmedian", 0)],
    "insertion_places": lambda: [
        (_ramp(3, 5), _ramp(7).sort()[0], False),
        (_ints(3, 5), _ints(3, 7).sort()[0], True),
    ],
    "random_order": lambda: [(_ints(9, low=-40, high=40),)],
    # Fourier transforms
    "fft_lines": lambda: [(_numbers(3, 6), 1, True, 1.0), (_numbers(8, 3), 0, False, 0.125)],
    "fft_real_lines": lambda: [(_ramp(3, 6), 1, True, 1.0), (_ramp(8, 3), 0, False, 0.5)],
    "fft_half_lines": lambda: [(_numbers(3, 6), 1, 10, 1.0), (_numbers(5, 3), 0, 8, 0.5)],
    # contraction and windows
    "bmm": lambda: [(_ramp(2, 3, 4), _ramp(2, 4, 5)), (_ramp(2, 4, 3).transpose(1, 2), _ramp(2, 4, 5))],
    "mm": lambda: [(_ramp(3, 4), _ramp(4, 5)), (_ramp(4, 3).transpose(0, 1), _ramp(4, 5))],
    "mv": lambda: [(_ramp(3, 4), _ramp(4))],
    "dot": lambda: [(_ramp(4), _ramp(4))],
    "addmm": lambda: [(_ramp(5), _ramp(3, 4), _ramp(4, 5), 0.5, 2)],
    "cross_product": lambda: [(_ramp(3, 5), _ramp(3, 5).exp(), 0), (_ints(2, 3), _ints(2, 3) + 2, 1)],
    "linear": lambda: [(_ramp(2, 3, 4), _ramp(5, 4), _ramp(5)), (_ramp(3, 4), _ramp(5, 4), None)],
    # linear algebra; vectors that are unique but for their signs are left out
    "linalg_potrf": lambda: [(_square(2), False), (_square(), True)],
    "linalg_getrf": lambda: [(_square(2),), (_ramp(3, 5),)],
    "linalg_hetrf": lambda: [(_square(2), False)],
    "linalg_hetrs": lambda: [(_square(2), dt.tensor([1, 2, 3], dtype=dt.int32), _ramp(2, 3, 4), False)],
    "linalg_pivots_to_order": lambda: [(dt.tensor([3, 2, 3], dtype=dt.int32), 4)],
    "linalg_solve_triangular": lambda: [
        (_square(2), _ramp(3, 4), True, True, False),
        (_square(), _ramp(4, 3), False, False, True),
    ],
    "geqrf": lambda: [(_ramp(5, 3),), (_ramp(2, 3, 4),)],
    "linalg_householder_product": lambda: [(_ramp(5, 3), _ramp(3))],
    "linalg_gels": lambda: [(_ramp(2, 5, 3), _ramp(5, 2), 1e-6, driver) for driver in ("gels", "gelsd")],
    "linalg_heevd": lambda: [(_square(2), False, False)],
    "linalg_geev": lambda: [(_square().triu(), False)],
    "linalg_gesdd": lambda: [(_ramp(2, 3, 5), True, False)],
    "convolution": lambda: [
        (_ramp(2, 4, 7, 6), _ramp(6, 2, 3, 2), _ramp(6), *_CONV),
        (_ramp(2, 3, 8), _ramp(4, 3, 3), None, [1], [1], [1], 1),
        (_ramp(1, 2, 4, 4, 4), _ramp(3, 2, 2, 2, 2), None, [1, 1, 1], [0, 0, 0], [1, 1, 1], 1),
    ],
    "convolution_input_grad": lambda: [(_ramp(2, 6, 4, 4), _ramp(6, 2, 3, 2), [2, 4, 7, 6], *_CONV)],
    "convolution_weight_grad": lambda: [(_ramp(2, 6, 4, 4), _ramp(2, 4, 7, 6), [6, 2, 3, 2], *_CONV)],
    "max_pool": lambda: [
        (_ramp(2, 3, 6, 6), [2, 2], [2, 2], [0, 0], [1, 1], False),
        (_ramp(2, 3, 7), [3], [2], [1], [1], True),
    ],
    "max_pool_grad": lambda: [(_ramp(1, 1, 2), dt.tensor([[[1, 2]]]), [1, 1, 4])],
    "avg_pool": lambda: [(_ramp(2, 3, 6, 6), [2, 3], [2, 2], [0, 1], False, True, None)],
    "avg_pool_grad": lambda: [(_ramp(2, 3, 3, 3), [2, 3, 6, 6], [2, 3], [2, 2], [0, 1], False, True, None)],
    "adaptive_avg_pool1d": lambda: [(_ramp(2, 3, 7), [3])],
    "adaptive_avg_pool2d": lambda: [(_ramp(2, 3, 5, 20), [2, 1]), (_ramp(3, 5, 6), [3, 4])],
    "adaptive_avg_pool3d": lambda: [(_ramp(2, 1, 3, 4, 5), [2, 2, 2])],
    "adaptive_max_pool1d": lambda: [(_ramp(2, 3, 7), [3])],
    "adaptive_max_pool2d": lambda: [(_ramp(2, 3, 5, 20), [2, 1]), (_ramp(3, 5, 6), [3, 4])],
    "adaptive_max_pool3d": lambda: [(_ramp(2, 1, 3, 4, 5), [2, 2, 2])],
    "adaptive_avg_pool_grad": lambda: [(_ramp(2, 3, 2, 3), [5, 4])],
    "distances": lambda: [(_ramp(1, 3, 20), _ramp(1, 5, 20).exp(), 2.0), (_ramp(2, 3, 4), _ramp(2, 2, 4).exp(), 1.0)],
    "distances_grad": lambda: [
        (_ramp(1, 3, 5), _ramp(1, 3, 20), _ramp(1, 5, 20).exp(), _ramp(1, 3, 5).exp(), 2.0),
    ],
    "pdist_of": lambda: [(_ramp(5, 20), 2.0), (_ramp(4, 3), 1.0)],
    "pdist_grad": lambda: [(_ramp(10), _ramp(5, 20), _ramp(10).exp(), 2.0)],
    # fused
    "softmax": lambda: [(_ramp(3, 5), -1, None), (_ramp(3, 5, 2), 1, None)],
    "log_softmax": lambda: [(_ramp(3, 5), -1, None), (_ramp(3, 5, 2), 1, None)],
    "softmax_cross_entropy": lambda: [
        (_ramp(3, 5), _index(3, size=5), _ramp(5, low=0.5), 2, reduction, 0.1) for reduction in ("mean", "sum", "none")
    ],
    "softmax_cross_entropy_grad": lambda: [
        (dt.tensor(2.0), _ramp(3, 5), _index(3, size=5), None, -100, "mean", 0.0),
        (_ramp(2, 4), _ramp(2, 5, 4), _index(2, 4, size=5), _ramp(5, low=0.5), 2, "none", 0.1),
    ],
    "layer_norm": lambda: [(_ramp(3, 5), [5], _ramp(5), _ramp(5), 1e-5), (_ramp(3, 2, 5), [2, 5], None, None, 1e-5)],
    **{
        f"{name}_grad": lambda: [(_ramp(3, 5), _ramp(3, 5, low=-0.9, high=0.9))]
        for name in ("gelu", "silu", "sigmoid", "tanh", "relu")
    },
    "attention": lambda: [
        (_ramp(2, 4, 3, 2), _ramp(2, 2, 5, 2), _ramp(2, 2, 5, 3), None, False, 0.5),
        (_ramp(1, 2, 4, 2), _ramp(1, 2, 4, 2), _ramp(1, 2, 4, 2), None, True, 1.0),
    ],
    "attention_grad": lambda: [
        (*_qkv(), None, _ramp(1, 2, 4, 2), _ramp(1, 2, 4) + 3, None, is_causal, 0.5) for is_causal in (False, True)
    ],
    "softmax_grad": lambda: [(_ramp(3, 5), _ramp(3, 5).exp() / 8, 1), (_ramp(3, 5, 2), _ramp(3, 5, 2).exp() / 8, 1)],
    "log_softmax_grad": lambda: [(_ramp(3, 5), _ramp(3, 5) - 2, 1)],
    "layer_norm_grad": lambda: [(_ramp(3, 5), _ramp(3, 5).exp(), [5], _ramp(5), 1e-5)],
    "rms_norm": lambda: [(_ramp(3, 5), [5], _ramp(5), 1e-5), (_ramp(3, 2, 5), [2, 5], None, None)],
    "rms_norm_grad": lambda: [(_ramp(3, 5), _ramp(3, 5).exp(), [5], _ramp(5), 1e-5)],
    "group_norm": lambda: [(_ramp(2, 4, 3), 2, _ramp(4), _ramp(4), 1e-5), (_ramp(2, 4), 1, None, None, 1e-5)],
    "group_norm_grad": lambda: [(_ramp(2, 4, 3), _ramp(2, 4, 3).exp(), 2, _ramp(4), 1e-5)],
    "channel_norm": lambda: [
        (_ramp(2, 3, 4), _ramp(3), _ramp(3).exp(), _ramp(3), _ramp(3), 1e-5),
        (_ramp(4, 3), _ramp(3), _ramp(3).exp(), None, None, 1e-5),
    ],
    "batch_norm_train": lambda: [(_ramp(2, 3, 4), _ramp(3), _ramp(3), 1e-5), (_ramp(4, 3), None, None, 1e-5)],
    "channel_norm_grad": lambda: [
        (_ramp(2, 3, 4), _ramp(2, 3, 4).exp(), _ramp(3) + 1, _ramp(3).exp(), _ramp(3), 1e-5, training)
        for training in (False, True)
    ],
    **{f"{name}_grad": partial(_slopes, *options) for name, options in _SLOPES.items()},
    "huber_of": lambda: [(_ramp(3, 5), _ramp(3, 5).exp(), 0.5, 2.0)],
    "prelu_of": lambda: [(_ramp(3, 5), _ramp(5)), (_ramp(2, 3), dt.tensor([0.25]))],
    "prelu_grad": lambda: [(_ramp(3, 5), _ramp(3, 5, low=-3, high=2), _ramp(5))],
    "prelu_weight_grad": lambda: [(_ramp(3, 5), _ramp(3, 5, low=-3, high=2))],
    "embedding_rows": lambda: [
        (_ramp(4, 3), _index(5, size=4), None, False),
        (_ramp(4, 3), _index(2, 2, size=4), 1, True),
    ],
    "embedding_rows_grad": lambda: [(_ramp(5, 3), _index(5, size=4), 4, padding, True) for padding in (None, 1)],
    "embedding_bag_sum": lambda: [
        (_ramp(4, 3), _index(5, size=4), dt.tensor([0, 2, 2]), *rest, False)
        for rest in ((None, False, None), (_ramp(5), False, None), (None, True, 1))
    ],
    "embedding_bag_max": lambda: [
        (_ramp(4, 3), _index(5, size=4), dt.tensor([0, 2, 2]), padding) for padding in (None, 1)
    ],
    "embedding_bag_sum_grad": lambda: [
        (_ramp(3, 3), _ramp(4, 3), _index(5, size=4), dt.tensor([0, 2, 2]), *rest, False)
        for rest in ((None, True, None), (_ramp(5), False, 1))
    ],
    **{name: partial(_sequences, name) for name in ("lstm_sequence", "gru_sequence", "rnn_sequence")},
    **{f"{name}_grad": partial(_sequence_grads, name) for name in ("lstm_sequence", "gru_sequence", "rnn_sequence")},
    # random bits: the same numbers everywhere
    "philox_bits": lambda: [([5], 42, 3, dt.int64, _HERE)],
    "philox_uniform": lambda: [([5], 42, 3, dt.float32, _HERE), ([5], 42, 3, dt.float64, _HERE)],
    "philox_normal": lambda: [([5], 42, 3, dt.float32, _HERE)],
    "philox_randint": lambda: [([5], 42, 3, -2, 9, dt.int64, _HERE)],
    "philox_dropout": lambda: [(_ramp(3, 5), 0.25, 42, 3)],
    "philox_poisson": lambda: [(_ramp(3, 5, low=0, high=40), 42, 3)],
    "philox_binomial": lambda: [(_ramp(3, 5, low=0, high=90).floor(), _ramp(3, 5, low=0, high=1), 42, 3)],
    **{name: partial(_unary, *domain) for domain, row in _DOMAINS.items() for name in row.split()},
    **dict.fromkeys(("conj_physical", "angle", "sgn"), _complex),
    **dict.fromkeys(_FLOAT_PAIRS.split(), _binary),
    **dict.fromkeys(_INT_PAIRS.split(), _integer_pairs),
    **dict.fromkeys(("igamma", "igammac", "special_zeta"), _positive_pairs),
    "polygamma": lambda: [(*case, n) for case in _unary(0.1, 4.0) for n in (1, 2)],
    **dict.fromkeys(("logical_and", "logical_or", "logical_xor"), _truths),
    **dict.fromkeys(("sum", "prod", "mean", "amax", "amin", "sum_of_numbers", "sum_of_squares"), _reductions),
}


def samples(name: str) -> list[Case]:
    """The examples of an op; none for ops that no kernel is for.

    Example:
        >>> from dovetail.testing.samples import samples
        >>> len(samples("mv"))
        1
    """
    make = _TABLE.get(name)
    return make() if make else []
