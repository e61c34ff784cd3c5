// Fourier transforms along one dim of lengths without a prime factor above 13: what the transforms of the package
// spectral use where they can.
#include "core/ops/compose.h"

namespace dovetail {

namespace {

Declare op(const char* schema) { return Declare("fourier", schema); }

void check_length(Inference& call, int64_t n, const char* what) {
  int64_t left = n;
  for (const int64_t factor : {2, 3, 5, 7, 11, 13})
    while (left > 0 && left % factor == 0) left /= factor;
  if (left != 1) value_error(call.name(), ": expected ", what, " with no prime factor above 13, got ", n);
}

int transformed_dim(Inference& call) {
  const TensorImpl& self = call.tensor(0);
  if (self.ndim == 0) value_error(call.name(), ": expected at least one dim to transform, got a zero-dim tensor");
  return call.dim(1, self.ndim);
}

void infer_lines(Inference& call) {  // (self, dim, forward, scale)
  const TensorImpl& self = call.tensor(0);
  if (!is_complex(self.dtype)) type_error(call.name(), ": expected a complex tensor, got ", dtype_name(self.dtype));
  check_length(call, self.size(transformed_dim(call)), "a length");
  call.outs[0].like(self);
}

void infer_real_lines(Inference& call) {  // (self, dim, whole, scale)
  const TensorImpl& self = call.tensor(0);
  if (self.dtype != DT_FLOAT32 && self.dtype != DT_FLOAT64)
    type_error(call.name(), ": expected a tensor of float32 or float64, got ", dtype_name(self.dtype));
  const int dim = transformed_dim(call);
  const int64_t n = self.size(dim);
  if (n % 2 != 0) value_error(call.name(), ": expected an even length, got ", n);
  check_length(call, n / 2, "half a length");
  call.outs[0].like(self);
  call.outs[0].dtype = self.dtype == DT_FLOAT32 ? DT_COMPLEX64 : DT_COMPLEX128;
  if (call.args[2].as.i == 0) call.outs[0].sizes[dim] = n / 2 + 1;
}

void infer_half_lines(Inference& call) {  // (self, dim, n, scale)
  const TensorImpl& self = call.tensor(0);
  if (!is_complex(self.dtype)) type_error(call.name(), ": expected a complex tensor, got ", dtype_name(self.dtype));
  const int dim = transformed_dim(call);
  const int64_t n = call.args[2].as.i;
  if (n % 2 != 0) value_error(call.name(), ": expected an even length, got ", n);
  check_length(call, n / 2, "half a length");
  if (self.size(dim) != n / 2 + 1)
    value_error(call.name(), ": ", n, " points need a spectrum of ", n / 2 + 1, ", got ", self.size(dim));
  call.outs[0].like(self);
  call.outs[0].dtype = self.dtype == DT_COMPLEX64 ? DT_FLOAT32 : DT_FLOAT64;
  call.outs[0].sizes[dim] = n;
}

}  // namespace

void declare_fourier() {
  op("fft_lines(Tensor self, int dim, bool forward=True, float scale=1.0) -> Tensor")
      .plain(infer_lines)
      .host()
      .internal()
      .non_differentiable()
      .doc(R"(The Fourier transforms of a complex tensor's lines along a dim.

    out[k] = scale * sum_j self[j] * exp(-+ 2 pi i j k / n)

Args:
    self: complex; the dim's size has no prime factor above 13.
    dim: the dim to transform.
    forward: with a minus in the exponent; else with a plus.
    scale: a factor.

Example:
    >>> dt._core.get_op("fft_lines")(dt.tensor([1 + 0j, 1j]), 0).tolist()
    [(1+1j), (1-1j)]
)");
  op("fft_real_lines(Tensor self, int dim, bool whole=True, float scale=1.0) -> Tensor")
      .plain(infer_real_lines)
      .host()
      .internal()
      .non_differentiable()
      .doc(R"(The forward Fourier transforms of a real tensor's lines along a dim.

Args:
    self: float32 or float64; half the dim's size has no prime factor above 13.
    dim: the dim to transform.
    whole: all n entries; else the first n / 2 + 1, from which the others follow.
    scale: a factor.

Example:
    >>> dt._core.get_op("fft_real_lines")(dt.tensor([1.0, 2.0, 0.0, 0.0]), 0, False).tolist()
    [(3+0j), (1-2j), (-1+0j)]
)");
  op("fft_half_lines(Tensor self, int dim, int n, float scale=1.0) -> Tensor")
      .plain(infer_half_lines)
      .host()
      .internal()
      .non_differentiable()
      .doc(R"(The inverse Fourier transforms of symmetric spectra, of which half is given, along a dim.

The imaginary parts of the first entry and the last are ignored.

Args:
    self: complex, n / 2 + 1 entries along the dim.
    dim: the dim to transform.
    n: the result's size; half of it has no prime factor above 13.
    scale: a factor.

Example:
    >>> dt._core.get_op("fft_half_lines")(dt.tensor([3 + 0j, 1 - 2j, -1 + 0j]), 0, 4, 0.25).tolist()
    [1.0, 2.0, 0.0, 0.0]
)");
}

}  // namespace dovetail
