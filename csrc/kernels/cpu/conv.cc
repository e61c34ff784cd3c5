// convolution, convolution_input_grad, convolution_weight_grad: from the ops' arguments to the kernels.
#include <algorithm>
#include <new>

#include "kernels/cpu/conv_plan.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/sixteen.h"

namespace dovetail::cpu {

void add_complex_conv(KernelTable& table);  // conv_complex.cc

namespace {

template <typename T>
Images<T> images(const dt_array& x) {
  Images<T> out{static_cast<T*>(x.data), x.strides[0], x.strides[1], {0, 0, 0}, {1, 1, 1}};
  const int lead = 5 - x.ndim;
  for (int d = 2; d < x.ndim; ++d) out.step[lead + d - 2] = x.strides[d], out.size[lead + d - 2] = x.sizes[d];
  out.step[2] = x.sizes[x.ndim - 1] == 1 ? 1 : x.strides[x.ndim - 1];
  return out;
}

template <typename T>
Filters<T> filters(const dt_array& w) {
  Filters<T> out{static_cast<T*>(w.data), w.strides[0], w.strides[1], {0, 0, 0}};
  const int lead = 5 - w.ndim;
  int64_t dense = 1;  // what the stride of a dim of one is taken for
  for (int d = 2; d >= 0; --d) {
    const int from = d - lead + 2;
    const int64_t size = from >= 2 ? w.sizes[from] : 1;
    out.step[d] = size == 1 ? dense : w.strides[from];
    dense *= size;
  }
  if (w.sizes[1] == 1) out.in = dense;
  return out;
}

// `args` is where stride, padding, dilation and groups begin.
ConvShape shape_of(const int64_t* input, const int64_t* weight, const int64_t* output, int ndim, const dt_value* args) {
  ConvShape s;
  s.batch = input[0], s.groups = args[3].as.i;
  s.in_channels = weight[1], s.out_channels = weight[0] / s.groups;
  const auto entry = [](const dt_value& list, int i) { return list.as.ints[list.count == 1 ? 0 : i]; };
  for (int i = 0, d = 5 - ndim; i < ndim - 2; ++i, ++d) {
    s.in[d] = input[i + 2], s.out[d] = output[i + 2], s.kernel[d] = weight[i + 2];
    s.stride[d] = entry(args[0], i), s.padding[d] = entry(args[1], i), s.dilation[d] = entry(args[2], i);
  }
  return s;
}

// A pointwise convolution does not care for the image's shape: see each image as one line.
template <typename A, typename B>
void flatten_pointwise(ConvShape& s, Images<A>& a, Images<B>& b) {
  const auto dense = [](const auto& x) {
    return x.step[2] == 1 && (x.size[1] == 1 || x.step[1] == x.size[2]) &&
           (x.size[0] == 1 || x.step[0] == x.size[1] * x.size[2]);
  };
  if (!s.pointwise() || !dense(a) || !dense(b)) return;
  const int64_t pixels = s.in_pixels();
  const auto flatten = [&](auto& x) { x.size[0] = x.size[1] = 1, x.size[2] = pixels; };
  flatten(a), flatten(b);
  s.in[0] = s.in[1] = s.out[0] = s.out[1] = 1;
  s.in[2] = s.out[2] = pixels;
}

bool any_zero(const dt_array& x) { return std::count(x.sizes, x.sizes + x.ndim, 0) > 0; }

// Every element of an array, for the sums of nothing.
template <typename T, typename F>
void fill_each(const dt_array& x, const F& value) {
  if (any_zero(x)) return;
  int64_t index[DT_MAX_DIMS] = {};
  for (int d = 0; d >= 0;) {
    int64_t at = 0;
    for (int i = 0; i < x.ndim; ++i) at += index[i] * x.strides[i];
    static_cast<T*>(x.data)[at] = value(index[1]);
    for (d = x.ndim - 1; d >= 0 && ++index[d] == x.sizes[d]; --d) index[d] = 0;
  }
}

// No exception may cross the boundary; the plans allocate a little.
template <typename F>
dt_status guarded(dt_kernel_context* ctx, const char* message, const F& run) {
  try {
    if (run()) return DT_OK;
  } catch (const std::bad_alloc&) {
  }
  return ctx->fail(ctx, DT_ERR_MEMORY, message);
}

template <typename T>
dt_status convolution(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                      int32_t n_ins, const dt_value* args, int32_t) {
  const bool with_bias = n_ins > 2 && ins[2].data;
  const T* bias = with_bias ? static_cast<const T*>(ins[2].data) : nullptr;
  const int64_t bias_step = with_bias ? ins[2].strides[0] : 0;
  if (any_zero(outs[0]) || any_zero(ins[0]) || any_zero(ins[1])) {
    fill_each<T>(outs[0], [&](int64_t channel) { return bias ? bias[channel * bias_step] : T(0); });
    return DT_OK;
  }
  ConvShape shape = shape_of(ins[0].sizes, ins[1].sizes, outs[0].sizes, ins[0].ndim, args + 3);
  Images<const T> input = images<const T>(ins[0]);
  Images<T> out = images<T>(outs[0]);
  flatten_pointwise(shape, input, out);
  return guarded(ctx, "convolution: out of memory for scratch space",
                 [&] { return convolve<T>(ctx, shape, input, filters<const T>(ins[1]), bias, bias_step, out); });
}

template <typename T>
dt_status input_grad(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                     const dt_value* args, int32_t) {
  if (any_zero(outs[0]) || any_zero(ins[0]) || any_zero(ins[1])) {
    fill_each<T>(outs[0], [](int64_t) { return T(0); });
    return DT_OK;
  }
  ConvShape shape = shape_of(outs[0].sizes, ins[1].sizes, ins[0].sizes, ins[0].ndim, args + 3);
  Images<const T> grad = images<const T>(ins[0]);
  Images<T> out = images<T>(outs[0]);
  flatten_pointwise(shape, grad, out);
  return guarded(ctx, "convolution_input_grad: out of memory for scratch space",
                 [&] { return convolve_input_grad<T>(ctx, shape, grad, filters<const T>(ins[1]), out); });
}

template <typename T>
dt_status weight_grad(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                      const dt_value* args, int32_t) {
  if (any_zero(outs[0]) || any_zero(ins[0]) || any_zero(ins[1])) {
    fill_each<T>(outs[0], [](int64_t) { return T(0); });
    return DT_OK;
  }
  ConvShape shape = shape_of(ins[1].sizes, outs[0].sizes, ins[0].sizes, ins[0].ndim, args + 3);
  Images<const T> grad = images<const T>(ins[0]), input = images<const T>(ins[1]);
  flatten_pointwise(shape, input, grad);
  return guarded(ctx, "convolution_weight_grad: out of memory for scratch space",
                 [&] { return convolve_weight_grad<T>(ctx, shape, grad, input, filters<T>(outs[0])); });
}

template <typename T>
void add_all(KernelTable& table, int32_t dtype) {
  table.add("convolution", dtype, convolution<T>);
  table.add("convolution_input_grad", dtype, input_grad<T>);
  table.add("convolution_weight_grad", dtype, weight_grad<T>);
}

}  // namespace

void register_conv(KernelTable& table) {
  add_floats_whole(table, add_all<float>, add_all<double>);
  add_complex_conv(table);
}

}  // namespace dovetail::cpu
