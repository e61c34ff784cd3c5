// Rows of n elements, each brought to mean 0 and variance 1 (or mean square 1): layer_norm, rms_norm and their
// gradients.
#include "kernels/cpu/norm_rows.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/sixteen.h"

namespace dovetail::cpu {

namespace {

using namespace norms;

// How many elements are normalised together: those of the last `shape.count` dims.
int64_t row_length(const dt_array& in, const dt_value& shape) {
  int64_t n = 1;
  for (int i = in.ndim - shape.count; i < in.ndim; ++i) n *= in.sizes[i];
  return n;
}

// Without one: the distance from 1 to the next number.
template <class T>
double eps_of(const dt_value& eps) {
  return eps.tag == DT_NONE ? static_cast<double>(std::numeric_limits<T>::epsilon()) : as_double(eps);
}

// (input, normalized_shape, weight[, bias], eps)
template <class T, bool kCentred>
dt_status rows_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                      const dt_value* args, int32_t n_args) {
  const int64_t count = numel(outs[0]);
  if (count == 0) return DT_OK;
  const int64_t n = row_length(ins[0], args[1]);
  Operands operands(ctx);
  const T* in = operands.in<T>(ins[0]);
  const T* weight = operands.in<T>(ins[1]);
  const T* bias = kCentred ? operands.in<T>(ins[2]) : nullptr;
  T* out = operands.out<T>(outs[0]);
  if (operands.failed()) return out_of_memory(ctx, kCentred ? "layer_norm" : "rms_norm");
  run_rows<kCentred>(ctx, Rows{count / n, 1, n}, in, weight, bias, out, eps_of<T>(args[n_args - 1]));
  operands.deliver(outs[0], out);
  return DT_OK;
}

// (grad, input, normalized_shape, weight, eps)
template <class T, bool kCentred>
dt_status rows_grad_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t n_outs,
                           const dt_array* ins, int32_t, const dt_value* args, int32_t) {
  const int64_t count = numel(ins[1]), n = row_length(ins[1], args[2]);
  Operands operands(ctx);
  const T* grad = operands.in<T>(ins[0]);
  const T* in = operands.in<T>(ins[1]);
  const T* weight = operands.in<T>(ins[2]);
  T* out = operands.out<T>(outs[0]);
  const GradParts<T> parts(operands, Rows{n ? count / n : 0, 1, n});
  if (operands.failed()) return out_of_memory(ctx, kCentred ? "layer_norm_grad" : "rms_norm_grad");
  parts.template run<kCentred>(ctx, grad, in, weight, out, eps_of<T>(args[4]));
  operands.deliver(outs[0], out);
  for (int32_t k = 1; k < n_outs; ++k) copy_from_contiguous(ctx, outs[k], parts.rounded(operands, (k - 1) * n, n));
  return operands.failed() ? out_of_memory(ctx, kCentred ? "layer_norm_grad" : "rms_norm_grad") : DT_OK;
}

template <class T>
void add_rows(KernelTable& table, int32_t dtype) {
  table.add("layer_norm", dtype, rows_kernel<T, true>);
  table.add("layer_norm_grad", dtype, rows_grad_kernel<T, true>);
  table.add("rms_norm", dtype, rows_kernel<T, false>);
  table.add("rms_norm_grad", dtype, rows_grad_kernel<T, false>);
}

}  // namespace

void register_norm(KernelTable& table) { add_floats_whole(table, add_rows<float>, add_rows<double>); }

}  // namespace dovetail::cpu
