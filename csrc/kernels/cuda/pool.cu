// max_pool, avg_pool and avg_pool_grad: one thread makes one result.
#include "kernels/cuda/window.h"

namespace dovetail::cuda {
namespace {

// max_pool(self, kernel_size, stride, padding, dilation, ceil_mode) -> (values, indices): the first of the largest, NaN
// before all; indices count the elements of a plane.
template <class T>
dt_status max_pool(const Call& call) {
  using A = Compute<T>;
  const Planes<T> values(call.outs[0]);
  const Planes<int64_t> indices(call.outs[1]);
  const Planes<const T> in(call.ins[0]);
  const dt_value* args = call.args;
  const Motion m = motion(call.ins[0].ndim - 2, &args[1], &args[2], &args[3], &args[4]);
  call.for_each(values.count(), [=] DOVETAIL_DEVICE(int64_t i) {
    const Place o = place_of(values, i);
    A best = A(0);
    int64_t index = -1;
    for (int64_t z = 0; z < m.kernel[0]; ++z)
      for (int64_t y = 0; y < m.kernel[1]; ++y)
        for (int64_t x = 0; x < m.kernel[2]; ++x) {
          const int64_t iz = o.at[0] * m.stride[0] - m.padding[0] + z * m.dilation[0];
          const int64_t iy = o.at[1] * m.stride[1] - m.padding[1] + y * m.dilation[1];
          const int64_t ix = o.at[2] * m.stride[2] - m.padding[2] + x * m.dilation[2];
          if (iz < 0 || iz >= in.size[0] || iy < 0 || iy >= in.size[1] || ix < 0 || ix >= in.size[2]) continue;
          const A value = load(in.at(o.n, o.c, iz, iy, ix));
          if (index < 0 || value > best || (value != value && best == best)) {
            best = value;
            index = (iz * in.size[1] + iy) * in.size[2] + ix;
          }
        }
    *at(values, o) = static_cast<T>(best);
    *at(indices, o) = index;
  });
  return DT_OK;
}

// Where one window lies along one dim: `count` elements from `start` in the input; `span` counts padding too.
struct Extent {
  int64_t start, count, span;
};
DOVETAIL_HD Extent extent(const Motion& m, int d, int64_t output, int64_t size) {
  const int64_t start = output * m.stride[d] - m.padding[d], end = start + m.kernel[d];
  const int64_t span = (end < size + m.padding[d] ? end : size + m.padding[d]) - start;
  const int64_t first = start < 0 ? 0 : start, last = end < size ? end : size;
  return {first, last > first ? last - first : 0, span};
}

struct Divisor {
  bool count_padding;
  int64_t fixed;  // 0: the window's size
  explicit Divisor(const dt_value* args)
      : count_padding(args[0].as.i != 0), fixed(args[1].tag == DT_NONE ? 0 : args[1].as.i) {}
  DOVETAIL_HD int64_t of(const Extent& z, const Extent& y, const Extent& x) const {
    if (fixed) return fixed;
    return count_padding ? z.span * y.span * x.span : z.count * y.count * x.count;
  }
};

// avg_pool(self, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
template <class T>
dt_status avg_pool(const Call& call) {
  using A = Compute<T>;
  const Planes<T> out(call.outs[0]);
  const Planes<const T> in(call.ins[0]);
  const Motion m = motion(call.ins[0].ndim - 2, &call.args[1], &call.args[2], &call.args[3], nullptr);
  const Divisor divisor(call.args + 5);
  call.for_each(out.count(), [=] DOVETAIL_DEVICE(int64_t i) {
    const Place o = place_of(out, i);
    const Extent z = extent(m, 0, o.at[0], in.size[0]), y = extent(m, 1, o.at[1], in.size[1]),
                 x = extent(m, 2, o.at[2], in.size[2]);
    A sum = A(0);
    for (int64_t a = z.start; a < z.start + z.count; ++a)
      for (int64_t b = y.start; b < y.start + y.count; ++b)
        for (int64_t c = x.start; c < x.start + x.count; ++c) sum += load(in.at(o.n, o.c, a, b, c));
    const bool empty = z.count * y.count * x.count == 0;
    *at(out, o) = static_cast<T>(empty ? A(0) : sum / static_cast<A>(divisor.of(z, y, x)));
  });
  return DT_OK;
}

// The outputs, from `first` to `last`, whose windows may hold an input.
DOVETAIL_HD int64_t first_output(const Motion& m, int d, int64_t input) {
  const int64_t beyond = input + m.padding[d] - m.kernel[d] + 1;
  return beyond <= 0 ? 0 : (beyond + m.stride[d] - 1) / m.stride[d];
}
DOVETAIL_HD int64_t last_output(const Motion& m, int d, int64_t input, int64_t outputs) {
  const int64_t last = (input + m.padding[d]) / m.stride[d];
  return last < outputs ? last : outputs - 1;
}

// avg_pool_grad(grad, input_size, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
template <class T>
dt_status avg_pool_grad(const Call& call) {
  using A = Compute<T>;
  const Planes<T> out(call.outs[0]);
  const Planes<const T> grad(call.ins[0]);
  const Motion m = motion(call.ins[0].ndim - 2, &call.args[2], &call.args[3], &call.args[4], nullptr);
  const Divisor divisor(call.args + 6);
  call.for_each(out.count(), [=] DOVETAIL_DEVICE(int64_t i) {
    const Place p = place_of(out, i);
    A sum = A(0);
    for (int64_t z = first_output(m, 0, p.at[0]); z <= last_output(m, 0, p.at[0], grad.size[0]); ++z)
      for (int64_t y = first_output(m, 1, p.at[1]); y <= last_output(m, 1, p.at[1], grad.size[1]); ++y)
        for (int64_t x = first_output(m, 2, p.at[2]); x <= last_output(m, 2, p.at[2], grad.size[2]); ++x)
          sum += load(grad.at(p.n, p.c, z, y, x)) /
                 static_cast<A>(divisor.of(extent(m, 0, z, out.size[0]), extent(m, 1, y, out.size[1]),
                                           extent(m, 2, x, out.size[2])));
    *at(out, p) = static_cast<T>(sum);
  });
  return DT_OK;
}

#define DOVETAIL_ADD_MAX(T, dtype) table.add("max_pool", dtype, max_pool<T>);
#define DOVETAIL_ADD_AVG(T, dtype)           \
  table.add("avg_pool", dtype, avg_pool<T>); \
  table.add("avg_pool_grad", dtype, avg_pool_grad<T>);

}  // namespace

void register_pool(KernelTable& table) {
  DOVETAIL_FLOATS(DOVETAIL_ADD_MAX)
  DOVETAIL_SIXTEENS(DOVETAIL_ADD_MAX)
  DOVETAIL_INTS(DOVETAIL_ADD_MAX)
  DOVETAIL_FLOATS(DOVETAIL_ADD_AVG)
  DOVETAIL_SIXTEENS(DOVETAIL_ADD_AVG)
}

}  // namespace dovetail::cuda
