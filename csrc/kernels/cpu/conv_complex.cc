// Convolutions of complex numbers, of four real ones: real and imaginary parts are real arrays of twice the strides.
#include <cstdlib>

#include "kernels/cpu/index_copy.h"
#include "kernels/cpu/registry.h"

namespace dovetail::cpu {

void add_complex_conv(KernelTable& table);

namespace {

struct Parts {
  dt_array re, im;
  int64_t strides[DT_MAX_DIMS];

  template <class T>
  void split(const dt_array& a) {
    for (int i = 0; i < a.ndim; ++i) strides[i] = 2 * a.strides[i];
    const int32_t dtype = sizeof(T) == 4 ? DT_FLOAT32 : DT_FLOAT64;
    re = {a.data, a.sizes, strides, a.ndim, dtype};
    im = {a.data ? static_cast<T*>(a.data) + 1 : nullptr, a.sizes, strides, a.ndim, dtype};
  }
};

// to += sign * from, which is contiguous
template <class T>
void add_signed(dt_kernel_context* ctx, const dt_array& to, const T* from, T sign) {
  Walk<2> walk;
  int64_t strides[DT_MAX_DIMS];
  contiguous_strides(to, strides);
  for (int i = 0; i < to.ndim; ++i) walk.add(to.sizes[i], {to.strides[i], strides[i]});
  int64_t step[2];
  const int64_t n = walk.pop(step);
  T* out = static_cast<T*>(to.data);
  parallel(ctx, walk.count(), grain_for(n), [&](int64_t begin, int64_t end) {
    Walk<2> w = walk;
    w.seek(begin);
    for (int64_t r = begin; r < end; ++r, w.next())
      for (int64_t i = 0; i < n; ++i) out[w.offset[0] + i * step[0]] += sign * from[w.offset[1] + i * step[1]];
  });
}

// With two arguments x and w, in both of which the op is linear, and perhaps a bias:
//   re = f(x.re, w.re, bias.re) - f(x.im, w.im),  im = f(x.re, w.im, bias.im) + f(x.im, w.re)
template <class T>
dt_status complex_kernel(const void* self, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                         int32_t n_ins, const dt_value* args, int32_t n_args) {
  const int64_t count = numel(outs[0]);
  if (count == 0) return DT_OK;
  Parts out, x, w, bias;
  out.split<T>(outs[0]), x.split<T>(ins[0]), w.split<T>(ins[1]);
  const dt_array none{nullptr, nullptr, nullptr, -1, x.re.dtype};
  bias.re = bias.im = none;
  if (n_ins > 2 && ins[2].data) bias.split<T>(ins[2]);
  T* product = static_cast<T*>(ctx->workspace(ctx, static_cast<size_t>(count) * sizeof(T)));
  if (!product) return out_of_memory(ctx, "convolution");
  int64_t strides[DT_MAX_DIMS];
  contiguous_strides(outs[0], strides);
  const dt_array scratch{product, outs[0].sizes, strides, outs[0].ndim, x.re.dtype};
  auto run = [&](const dt_array& to, const dt_array& a, const dt_array& b, const dt_array& c) {
    const dt_array given[3] = {a, b, c};
    return run_inner(self, ctx, &to, 1, given, n_ins, args, n_args);
  };
  dt_status status = run(out.re, x.re, w.re, bias.re);
  if (status == DT_OK) status = run(scratch, x.im, w.im, none);
  if (status == DT_OK) {
    add_signed(ctx, out.re, product, T(-1));
    status = run(out.im, x.re, w.im, bias.im);
  }
  if (status == DT_OK) status = run(scratch, x.im, w.re, none);
  if (status == DT_OK) add_signed(ctx, out.im, product, T(1));
  return status;
}

}  // namespace

void add_complex_conv(KernelTable& table) {
  for (const char* op : {"convolution", "convolution_input_grad", "convolution_weight_grad"}) {
    table.add_over(op, DT_COMPLEX64, complex_kernel<float>, DT_FLOAT32);
    table.add_over(op, DT_COMPLEX128, complex_kernel<double>, DT_FLOAT64);
  }
}

}  // namespace dovetail::cpu
