// What pooling over windows of several sizes or at random places gives: adaptive and fractional pooling, which are
// written in Python.
#include "core/ops/compose.h"

namespace dovetail {

namespace {

constexpr int64_t kMostWindows = int64_t{1} << 24;  // of a dim

// The result of pooling (N, C, *spatial) or (C, *spatial) to sizes that argument `i` has.
template <int kSpatial>
void set_adapted(Inference& call, int i) {
  const TensorImpl& self = call.tensor(0);
  if (self.ndim != kSpatial + 1 && self.ndim != kSpatial + 2)
    value_error(call.name(), ": expected ", kSpatial + 2, " dims (N, C, ...), or ", kSpatial + 1,
                " without a batch, got shape ", shape_text(self));
  const int64_t* sizes = normalise_list(call, i, kSpatial, 0);
  call.outs[0].like(self);
  for (int k = 0; k < kSpatial; ++k) {
    const int dim = self.ndim - kSpatial + k;
    if (sizes[k] > kMostWindows)
      value_error(call.name(), ": output_size ", ints_text(call.args[i]), " asks for more windows than there can be (",
                  kMostWindows, " a dim)");
    if (self.size(dim) == 0 && sizes[k] > 0)
      value_error(call.name(), ": the input must not be empty in a spatial dim, got shape ", shape_text(self));
    call.outs[0].sizes[dim] = sizes[k];
  }
}

template <int kSpatial>
void infer_adaptive_avg(Inference& call) {
  check_floating(call.name(), "self", call.tensor(0));
  set_adapted<kSpatial>(call, 1);
}

template <int kSpatial>
void infer_adaptive_max(Inference& call) {
  const TensorImpl& self = call.tensor(0);
  if (self.dtype == DT_BOOL || is_complex(self.dtype))
    type_error(call.name(), ": not defined for dtype ", dtype_name(self.dtype));
  set_adapted<kSpatial>(call, 1);
  call.outs[1] = call.outs[0];
  call.outs[1].dtype = DT_INT64;
}

void infer_adaptive_avg_grad(Inference& call) {  // (grad, input_size)
  const TensorImpl& grad = call.tensor(0);
  check_floating(call.name(), "grad", grad);
  const dt_value& size = call.args[1];
  const int spatial = size.count;
  bool fits = spatial >= 1 && spatial <= 3 && (grad.ndim == spatial + 1 || grad.ndim == spatial + 2);
  for (int k = 0; fits && k < spatial; ++k)
    fits = size.as.ints[k] > 0 || (size.as.ints[k] == 0 && grad.size(grad.ndim - spatial + k) == 0);
  if (!fits)
    value_error(call.name(), ": input_size must be the 1 to 3 spatial sizes of the pooled input, got ", ints_text(size),
                " for grad ", shape_text(grad));
  call.outs[0].like(grad);
  for (int k = 0; k < spatial; ++k) call.outs[0].sizes[grad.ndim - spatial + k] = size.as.ints[k];
}

void infer_fractional(Inference& call) {  // (input, kernel_size, output_size, random_samples)
  const TensorImpl &input = call.tensor(0), &samples = call.tensor(3);
  const dt_value &kernel = call.args[1], &wanted = call.args[2];
  const int dims = kernel.count, lead = input.ndim - dims;
  if ((dims != 2 && dims != 3) || wanted.count != dims || (lead != 1 && lead != 2))
    value_error(call.name(), ": expected an input (N, C, *) and as many sizes as it has spatial dims, 2 or 3; got ",
                shape_text(input), ", ", ints_text(kernel), " and ", ints_text(wanted));
  call.outs[0].like(input);
  for (int k = 0; k < dims; ++k) {
    const int64_t size = input.size(lead + k), each = kernel.as.ints[k], count = wanted.as.ints[k];
    if (each < 1 || count < 1 || each > size || count > size - each + 1)
      value_error(call.name(), ": ", count, " windows of ", each, " do not fit into size ", size, " (input of shape ",
                  shape_text(input), ")");
    call.outs[0].sizes[lead + k] = count;
  }
  const int64_t batch = lead == 2 ? input.size(0) : 1;
  if (samples.ndim != 3 || samples.size(0) != batch || samples.size(1) != input.size(lead - 1) ||
      samples.size(2) != dims)
    value_error(call.name(), ": expected random samples of shape (", batch, ", ", input.size(lead - 1), ", ", dims,
                "), got ", shape_text(samples));
  call.outs[1] = call.outs[0];
  call.outs[1].dtype = DT_INT64;
}

}  // namespace

void declare_pool_windows() {
  infer_by("adaptive_avg_pool1d", infer_adaptive_avg<1>);
  infer_by("adaptive_avg_pool2d", infer_adaptive_avg<2>);
  infer_by("adaptive_avg_pool3d", infer_adaptive_avg<3>);
  infer_by("adaptive_max_pool1d", infer_adaptive_max<1>);
  infer_by("adaptive_max_pool2d", infer_adaptive_max<2>);
  infer_by("adaptive_max_pool3d", infer_adaptive_max<3>);
  infer_by("adaptive_avg_pool_grad", infer_adaptive_avg_grad);
  infer_by("fractional_max_pool", infer_fractional);
}

}  // namespace dovetail
