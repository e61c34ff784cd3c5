// Convolution and its derivatives, directly: one thread sums up one result, in a fixed order.
#include "kernels/cuda/window.h"

namespace dovetail::cuda {
namespace {

// (.., .., .., stride, padding, dilation, groups)
struct Geometry {
  Motion m;
  int64_t groups;
};

Geometry geometry(const Call& call, const dt_array& input, const dt_array& weight) {
  const int spatial = input.ndim - 2;
  Geometry g{motion(spatial, nullptr, &call.args[3], &call.args[4], &call.args[5]), call.args[6].as.i};
  for (int d = 0; d < 3; ++d) {
    const int i = d - (3 - spatial);
    g.m.kernel[d] = i < 0 ? 1 : weight.sizes[2 + i];
    if (i < 0) g.m.stride[d] = 1;
  }
  return g;
}

template <class T>
dt_status forward(const Call& call) {
  using A = Compute<T>;
  const Planes<T> out(call.outs[0]);
  const Planes<const T> in(call.ins[0]), weight(call.ins[1]);
  const Geometry g = geometry(call, call.ins[0], call.ins[1]);
  const bool biased = call.n_ins > 2 && call.ins[2].ndim >= 0;
  const T* bias = biased ? static_cast<const T*>(call.ins[2].data) : nullptr;
  const int64_t bias_step = biased ? call.ins[2].strides[0] : 0;
  call.for_each(out.count(), [=] DOVETAIL_DEVICE(int64_t i) {
    const Place o = place_of(out, i);
    const int64_t group = o.c / (out.channels / g.groups);
    A sum = bias ? load(bias + o.c * bias_step) : A(0);
    for (int64_t c = 0; c < weight.channels; ++c)
      for (int64_t z = 0; z < g.m.kernel[0]; ++z)
        for (int64_t y = 0; y < g.m.kernel[1]; ++y)
          for (int64_t x = 0; x < g.m.kernel[2]; ++x) {
            const int64_t iz = o.at[0] * g.m.stride[0] - g.m.padding[0] + z * g.m.dilation[0];
            const int64_t iy = o.at[1] * g.m.stride[1] - g.m.padding[1] + y * g.m.dilation[1];
            const int64_t ix = o.at[2] * g.m.stride[2] - g.m.padding[2] + x * g.m.dilation[2];
            if (iz < 0 || iz >= in.size[0] || iy < 0 || iy >= in.size[1] || ix < 0 || ix >= in.size[2]) continue;
            const A product = functors::Mul()(load(in.at(o.n, group * weight.channels + c, iz, iy, ix)),
                                              load(weight.at(o.c, c, z, y, x)));
            sum = functors::Add()(sum, product);
          }
    *at(out, o) = static_cast<T>(sum);
  });
  return DT_OK;
}

// Where along one dim the window's tap lies that reads `input`; -1 if none does.
DOVETAIL_HD int64_t output_of(const Motion& m, int d, int64_t input, int64_t tap, int64_t outputs) {
  const int64_t reached = input + m.padding[d] - tap * m.dilation[d];
  if (reached < 0 || reached % m.stride[d] != 0) return -1;
  const int64_t output = reached / m.stride[d];
  return output < outputs ? output : -1;
}

template <class T>
dt_status input_grad(const Call& call) {
  using A = Compute<T>;
  const Planes<T> out(call.outs[0]);
  const Planes<const T> grad(call.ins[0]), weight(call.ins[1]);
  const Geometry g = geometry(call, call.outs[0], call.ins[1]);
  const int64_t each = grad.channels / g.groups;  // outputs of a group
  call.for_each(out.count(), [=] DOVETAIL_DEVICE(int64_t i) {
    const Place p = place_of(out, i);
    const int64_t group = p.c / weight.channels, c = p.c % weight.channels;
    A sum = A(0);
    for (int64_t o = group * each; o < (group + 1) * each; ++o)
      for (int64_t z = 0; z < g.m.kernel[0]; ++z)
        for (int64_t y = 0; y < g.m.kernel[1]; ++y)
          for (int64_t x = 0; x < g.m.kernel[2]; ++x) {
            const int64_t oz = output_of(g.m, 0, p.at[0], z, grad.size[0]);
            const int64_t oy = output_of(g.m, 1, p.at[1], y, grad.size[1]);
            const int64_t ox = output_of(g.m, 2, p.at[2], x, grad.size[2]);
            if (oz < 0 || oy < 0 || ox < 0) continue;
            const A product = functors::Mul()(load(grad.at(p.n, o, oz, oy, ox)), load(weight.at(o, c, z, y, x)));
            sum = functors::Add()(sum, product);
          }
    *at(out, p) = static_cast<T>(sum);
  });
  return DT_OK;
}

template <class T>
dt_status weight_grad(const Call& call) {
  using A = Compute<T>;
  const Planes<T> out(call.outs[0]);  // (O, C / groups, *kernel)
  const Planes<const T> grad(call.ins[0]), in(call.ins[1]);
  const Geometry g = geometry(call, call.ins[1], call.outs[0]);
  const int64_t each = grad.channels / g.groups;
  call.for_each(out.count(), [=] DOVETAIL_DEVICE(int64_t i) {
    const Place w = place_of(out, i);
    const int64_t c = w.n / each * out.channels + w.c;
    A sum = A(0);
    for (int64_t n = 0; n < in.batch; ++n)
      for (int64_t z = 0; z < grad.size[0]; ++z)
        for (int64_t y = 0; y < grad.size[1]; ++y)
          for (int64_t x = 0; x < grad.size[2]; ++x) {
            const int64_t iz = z * g.m.stride[0] - g.m.padding[0] + w.at[0] * g.m.dilation[0];
            const int64_t iy = y * g.m.stride[1] - g.m.padding[1] + w.at[1] * g.m.dilation[1];
            const int64_t ix = x * g.m.stride[2] - g.m.padding[2] + w.at[2] * g.m.dilation[2];
            if (iz < 0 || iz >= in.size[0] || iy < 0 || iy >= in.size[1] || ix < 0 || ix >= in.size[2]) continue;
            const A product = functors::Mul()(load(grad.at(n, w.n, z, y, x)), load(in.at(n, c, iz, iy, ix)));
            sum = functors::Add()(sum, product);
          }
    *at(out, w) = static_cast<T>(sum);
  });
  return DT_OK;
}

#define DOVETAIL_ADD(T, dtype)                               \
  table.add("convolution", dtype, forward<T>);               \
  table.add("convolution_input_grad", dtype, input_grad<T>); \
  table.add("convolution_weight_grad", dtype, weight_grad<T>);

}  // namespace

void register_conv(KernelTable& table) {
  DOVETAIL_FLOATS(DOVETAIL_ADD)
  DOVETAIL_SIXTEENS(DOVETAIL_ADD)
  DOVETAIL_INTS(DOVETAIL_ADD)
  DOVETAIL_COMPLEXES(DOVETAIL_ADD)
}

}  // namespace dovetail::cuda
