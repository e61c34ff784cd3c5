"""How ops become ONNX nodes, one family a file. An op without a mapping is exported by its decomposition."""

from . import complex, elementwise, index, matrix, recurrent, reduce, shape, window

_SPECIAL = (
    "airy_ai_slope",
    "digamma",
    "i0",
    "igamma",
    "igammac",
    "polygamma",
    "special_airy_ai",
    "special_bessel_j0",
    "special_bessel_j1",
    "special_bessel_y0",
    "special_bessel_y1",
    "special_erfcx",
    "special_i0e",
    "special_i1",
    "special_i1e",
    "special_log_ndtr",
    "special_modified_bessel_k0",
    "special_modified_bessel_k1",
    "special_ndtri",
    "special_scaled_modified_bessel_k0",
    "special_scaled_modified_bessel_k1",
    "special_zeta",
)

_LAPACK = (
    "geqrf",
    "linalg_geev",
    "linalg_gels",
    "linalg_gesdd",
    "linalg_getrf",
    "linalg_heevd",
    "linalg_hetrf",
    "linalg_hetrs",
    "linalg_householder_product",
    "linalg_pivots_to_order",
    "linalg_potrf",
    "linalg_solve_triangular",
)

# Ops that have neither a mapping nor a decomposition, and why.
REASONS = {
    "erfinv": "ONNX has no operator for it",
    "lgamma": "ONNX has no operator for it",
    **dict.fromkeys(_SPECIAL, "ONNX has no operator for it"),
    "bitwise_left_shift": "ONNX shifts unsigned integers only",
    "bitwise_right_shift": "ONNX shifts unsigned integers only",
    "cumprod": "ONNX has no operator for it",
    "as_strided": "a value in ONNX has no strides; use slicing, transposing and reshaping",
    "diagonal": "a value in ONNX has no strides; use gather",
    "convolution_weight_grad": "only the forward pass is exported",
    "avg_pool_grad": "only the forward pass is exported",
    "view_dtype": "ONNX has no view of the same bytes",
    **dict.fromkeys(_LAPACK, "ONNX has no factorisations of matrices"),
    "philox_uniform": "ONNX's random numbers are others; draw them outside and pass them in",
    "philox_normal": "ONNX's random numbers are others; draw them outside and pass them in",
    "philox_randint": "ONNX's random numbers are others; draw them outside and pass them in",
    "philox_poisson": "ONNX's random numbers are others; draw them outside and pass them in",
    "philox_binomial": "ONNX's random numbers are others; draw them outside and pass them in",
    "fft_half_lines": "a part of the other transforms, which are exported",
    "fft_lines": "a part of the other transforms, which are exported",
    "fft_real_lines": "a part of the other transforms, which are exported",
    "gcd": "ONNX has no operator for it",
    "philox_bits": "ONNX's random numbers are others; draw them outside and pass them in",
}

__all__ = ["REASONS", "complex", "elementwise", "index", "matrix", "recurrent", "reduce", "shape", "window"]
