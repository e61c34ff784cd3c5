// Real kernels at work on complex numbers: see as_real.h.
#include "kernels/cpu/as_real.h"

#include "kernels/cpu/index_common.h"

namespace dovetail::cpu {

namespace {

constexpr int kMost = 4;  // arrays of a kernel

// A complex array as a real one. A zero-dim one gets a dim of size 1 too, so that a dim of it is never the parts'.
struct AsReal {
  int64_t sizes[DT_MAX_DIMS + 2], strides[DT_MAX_DIMS + 2];

  dt_array view(const dt_array& a) {
    const bool complex = a.dtype == DT_COMPLEX64 || a.dtype == DT_COMPLEX128;
    int ndim = 0;
    if (a.ndim == 0) sizes[ndim] = 1, strides[ndim++] = 2;
    for (int i = 0; i < a.ndim; ++i) sizes[ndim] = a.sizes[i], strides[ndim++] = a.strides[i] * (complex ? 2 : 1);
    sizes[ndim] = 2, strides[ndim++] = complex ? 1 : 0;
    const int32_t part = a.dtype == DT_COMPLEX64 ? DT_FLOAT32 : DT_FLOAT64;
    return {a.data, sizes, strides, ndim, complex ? part : a.dtype};
  }
};

dt_status as_real(const void* self, dt_kernel_context* ctx, const dt_array* outs, int32_t n_outs, const dt_array* ins,
                  int32_t n_ins, const dt_value* args, int32_t n_args) {
  if (n_outs + n_ins > kMost) return ctx->fail(ctx, DT_ERR_RUNTIME, "a complex kernel has too many arrays");
  AsReal views[kMost];
  dt_array arrays[kMost];
  for (int k = 0; k < n_outs; ++k) arrays[k] = views[k].view(outs[k]);
  for (int k = 0; k < n_ins; ++k) arrays[n_outs + k] = views[n_outs + k].view(ins[k]);
  return run_inner(self, ctx, arrays, n_outs, arrays + n_outs, n_ins, args, n_args);
}

}  // namespace

void add_as_real(KernelTable& table, const char* op, int32_t dtype) {
  table.add_over(op, dtype, as_real, dtype == DT_COMPLEX64 ? DT_FLOAT32 : DT_FLOAT64);
}

void add_as_real(KernelTable& table, const char* op) {
  add_as_real(table, op, DT_COMPLEX64);
  add_as_real(table, op, DT_COMPLEX128);
}

}  // namespace dovetail::cpu
