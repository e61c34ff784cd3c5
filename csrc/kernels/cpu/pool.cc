// max_pool, max_pool_grad, avg_pool, avg_pool_grad over 1 to 3 spatial dims of (N, C, *spatial).
#include <algorithm>
#include <atomic>
#include <limits>
#include <type_traits>

#include "kernels/cpu/gemm.h"
#include "kernels/cpu/registry.h"

namespace dovetail::cpu {
namespace {

// Where one window lies along one dim: `count` elements from `start` in the input; `span` counts padding too.
struct Window {
  int64_t start, count, span;
};

// A batch of planes in three spatial dims (missing ones lead, with size 1).
template <typename T>
struct Planes {
  T* data;
  int64_t channels, batch_step, channel_step;
  int64_t size[3], step[3];

  explicit Planes(const dt_array& x)
      : data(static_cast<T*>(x.data)), channels(x.sizes[1]), batch_step(x.strides[0]), channel_step(x.strides[1]),
        size{1, 1, 1}, step{0, 0, 0} {
    for (int d = 2; d < x.ndim; ++d) size[d + 3 - x.ndim] = x.sizes[d], step[d + 3 - x.ndim] = x.strides[d];
  }
  T* plane(int64_t i) const { return data + i / channels * batch_step + i % channels * channel_step; }
  int64_t pixels() const { return size[0] * size[1] * size[2]; }
};

// The windows of every output coordinate, per dim.
struct Windows {
  const Window* along[3];
};

// `args`: kernel_size, stride, padding, and dilation where `dilated`.
bool find_windows(dt_kernel_context* ctx, const int64_t (&in)[3], const int64_t (&out)[3], int ndim, const dt_value* args,
                  bool dilated, Windows& windows) {
  const int64_t total = out[0] + out[1] + out[2];
  Window* next = static_cast<Window*>(ctx->workspace(ctx, static_cast<size_t>(total) * sizeof(Window)));
  if (!next) return false;
  for (int d = 0; d < 3; ++d) {
    const int i = d - (5 - ndim);  // of this dim in the lists
    const auto entry = [&](const dt_value& list, int64_t otherwise) {
      return i < 0 || list.count == 0 ? otherwise : list.as.ints[list.count == 1 ? 0 : i];
    };
    const int64_t kernel = entry(args[0], 1), stride = entry(args[1], kernel), padding = entry(args[2], 0);
    const int64_t dilation = dilated ? entry(args[3], 1) : 1;
    windows.along[d] = next;
    for (int64_t o = 0; o < out[d]; ++o, ++next) {
      const int64_t start = o * stride - padding;
      const int64_t skipped = start < 0 ? (-start + dilation - 1) / dilation : 0;
      const int64_t first = start + skipped * dilation;
      const int64_t fitting = first < in[d] ? (in[d] - first + dilation - 1) / dilation : 0;
      next->start = first;
      next->count = std::max<int64_t>(0, std::min(kernel - skipped, fitting));
      next->span = std::min(start + kernel, in[d] + padding) - start;
    }
  }
  return true;
}

bool any_zero(const dt_array& x) { return std::count(x.sizes, x.sizes + x.ndim, 0) > 0; }

// use(z, y, x) for every output coordinate.
template <typename F>
inline void each_result(const int64_t (&size)[3], const F& use) {
  for (int64_t z = 0; z < size[0]; ++z) {
    for (int64_t y = 0; y < size[1]; ++y) {
      for (int64_t x = 0; x < size[2]; ++x) use(z, y, x);
    }
  }
}

template <typename T>
bool is_nan(T value) {
  return value != value;
}

template <typename T>
struct Best {
  T value;
  int64_t index;
  // The first of equal ones; a NaN beats everything.
  void take(T candidate, int64_t at) {
    const bool better = candidate > value || is_nan(candidate);
    value = better ? candidate : value;
    index = better ? at : index;
  }
};

template <typename T>
Best<T> best_of(const Planes<const T>& in, const T* plane, const Window& z, const Window& y, const Window& x,
                const int64_t (&dilation)[3]) {
  const T lowest = std::is_floating_point_v<T> ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::lowest();
  const bool empty = z.count == 0 || y.count == 0 || x.count == 0;
  Best<T> best{lowest, empty ? 0 : (z.start * in.size[1] + y.start) * in.size[2] + x.start};
  for (int64_t i = 0; i < z.count; ++i) {
    const int64_t az = z.start + i * dilation[0];
    for (int64_t j = 0; j < y.count; ++j) {
      const int64_t ay = y.start + j * dilation[1];
      const T* row = plane + az * in.step[0] + ay * in.step[1];
      const int64_t base = (az * in.size[1] + ay) * in.size[2];
      int64_t ax = x.start;
      for (int64_t k = 0; k < x.count; ++k, ax += dilation[2]) best.take(row[ax * in.step[2]], base + ax);
    }
  }
  return best;
}

// Two by two from one plane: most of all pooling. The window lies inside the image.
template <typename T>
Best<T> best_of_four(const T* row, int64_t down, int64_t right, int64_t at, int64_t width) {
  Best<T> best{row[0], at};
  best.take(row[right], at + 1);
  best.take(row[down], at + width);
  best.take(row[down + right], at + width + 1);
  return best;
}

template <typename T>
dt_status max_pool(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                   const dt_value* args, int32_t) {
  if (any_zero(outs[0])) return DT_OK;
  const Planes<const T> in(ins[0]);
  const Planes<T> values(outs[0]);
  const Planes<int64_t> indices(outs[1]);
  Windows windows;
  if (!find_windows(ctx, in.size, values.size, ins[0].ndim, args + 1, true, windows)) {
    return ctx->fail(ctx, DT_ERR_MEMORY, "max_pool: out of memory for the windows");
  }
  int64_t dilation[3] = {1, 1, 1};
  for (int d = 2; d < ins[0].ndim; ++d) {
    const dt_value& list = args[4];
    if (list.count) dilation[d + 3 - ins[0].ndim] = list.as.ints[list.count == 1 ? 0 : d - 2];
  }
  const bool square = dilation[1] == 1 && dilation[2] == 1;
  const int64_t grain = std::max<int64_t>(1, 8192 / in.pixels());
  parallel(ctx, ins[0].sizes[0] * in.channels, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const T* plane = in.plane(i);
      T* value = values.plane(i);
      int64_t* index = indices.plane(i);
      each_result(values.size, [&](int64_t z, int64_t y, int64_t x) {
        const Window &wz = windows.along[0][z], &wy = windows.along[1][y], &wx = windows.along[2][x];
        Best<T> best;
        if (square && wz.count == 1 && wy.count == 2 && wx.count == 2) {
          const T* corner = plane + wz.start * in.step[0] + wy.start * in.step[1] + wx.start * in.step[2];
          const int64_t at = (wz.start * in.size[1] + wy.start) * in.size[2] + wx.start;
          best = best_of_four(corner, in.step[1], in.step[2], at, in.size[2]);
        } else {
          best = best_of(in, plane, wz, wy, wx, dilation);
        }
        value[z * values.step[0] + y * values.step[1] + x * values.step[2]] = best.value;
        index[z * indices.step[0] + y * indices.step[1] + x * indices.step[2]] = best.index;
      });
    }
  });
  return DT_OK;
}

template <typename T>
void clear_plane(const Planes<T>& out, T* plane) {
  if (out.step[2] == 1 && out.step[1] == out.size[2] && (out.size[0] == 1 || out.step[0] == out.size[1] * out.size[2])) {
    std::fill(plane, plane + out.pixels(), T(0));
    return;
  }
  each_result(out.size, [&](int64_t z, int64_t y, int64_t x) {
    plane[z * out.step[0] + y * out.step[1] + x * out.step[2]] = T(0);
  });
}

template <typename T>
dt_status max_pool_grad(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                        const dt_value*, int32_t) {
  if (any_zero(outs[0])) return DT_OK;
  const Planes<T> out(outs[0]);
  const Planes<const T> grad(ins[0]);
  const Planes<const int64_t> indices(ins[1]);
  const int64_t pixels = out.pixels(), width = out.size[2], height = out.size[1];
  const bool dense = out.step[2] == 1 && (height == 1 || out.step[1] == width) &&
                     (out.size[0] == 1 || out.step[0] == height * width);
  std::atomic<bool> wrong{false};
  const int64_t grain = std::max<int64_t>(1, 16384 / pixels);
  parallel(ctx, outs[0].sizes[0] * out.channels, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      T* plane = out.plane(i);
      clear_plane(out, plane);
      if (any_zero(ins[0])) continue;
      const T* from = grad.plane(i);
      const int64_t* index = indices.plane(i);
      each_result(grad.size, [&](int64_t z, int64_t y, int64_t x) {
        const int64_t at = index[z * indices.step[0] + y * indices.step[1] + x * indices.step[2]];
        if (at < 0 || at >= pixels) return wrong.store(true, std::memory_order_relaxed);
        const int64_t to = dense ? at : at / (height * width) * out.step[0] + at / width % height * out.step[1] +
                                            at % width * out.step[2];
        plane[to] += from[z * grad.step[0] + y * grad.step[1] + x * grad.step[2]];
      });
    }
  });
  if (!wrong.load()) return DT_OK;
  return ctx->fail(ctx, DT_ERR_INDEX,
                   "max_pool_grad: indices hold a value outside of the input plane; give the indices that max_pool "
                   "returned for an input of this input_size");
}

// What avg_pool divides by.
struct Divisor {
  bool count_padding;
  int64_t fixed;  // 0: the window's size

  explicit Divisor(const dt_value* args)
      : count_padding(args[0].as.i != 0), fixed(args[1].tag == DT_NONE ? 0 : args[1].as.i) {}
  int64_t of(const Window& z, const Window& y, const Window& x) const {
    if (fixed) return fixed;
    return count_padding ? z.span * y.span * x.span : z.count * y.count * x.count;
  }
};

template <typename T>
dt_status avg_pool(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                   const dt_value* args, int32_t) {
  if (any_zero(outs[0])) return DT_OK;
  const Planes<const T> in(ins[0]);
  const Planes<T> out(outs[0]);
  const Divisor divisor(args + 5);
  Windows windows;
  if (!find_windows(ctx, in.size, out.size, ins[0].ndim, args + 1, false, windows)) {
    return ctx->fail(ctx, DT_ERR_MEMORY, "avg_pool: out of memory for the windows");
  }
  const int64_t grain = std::max<int64_t>(1, 8192 / in.pixels());
  parallel(ctx, ins[0].sizes[0] * in.channels, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const T* plane = in.plane(i);
      T* to = out.plane(i);
      each_result(out.size, [&](int64_t z, int64_t y, int64_t x) {
        const Window &wz = windows.along[0][z], &wy = windows.along[1][y], &wx = windows.along[2][x];
        T sum = 0;
        for (int64_t az = wz.start; az < wz.start + wz.count; ++az) {
          for (int64_t ay = wy.start; ay < wy.start + wy.count; ++ay) {
            const T* row = plane + az * in.step[0] + ay * in.step[1] + wx.start * in.step[2];
            for (int64_t k = 0; k < wx.count; ++k) sum += row[k * in.step[2]];
          }
        }
        const bool empty = wz.count == 0 || wy.count == 0 || wx.count == 0;
        to[z * out.step[0] + y * out.step[1] + x * out.step[2]] =
            empty ? T(0) : sum / static_cast<T>(divisor.of(wz, wy, wx));
      });
    }
  });
  return DT_OK;
}

template <typename T>
dt_status avg_pool_grad(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                        const dt_value* args, int32_t) {
  if (any_zero(outs[0])) return DT_OK;
  const Planes<T> out(outs[0]);
  const Planes<const T> grad(ins[0]);
  const Divisor divisor(args + 6);
  Windows windows;
  if (!find_windows(ctx, out.size, grad.size, ins[0].ndim, args + 2, false, windows)) {
    return ctx->fail(ctx, DT_ERR_MEMORY, "avg_pool_grad: out of memory for the windows");
  }
  const int64_t grain = std::max<int64_t>(1, 8192 / out.pixels());
  parallel(ctx, outs[0].sizes[0] * out.channels, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      T* plane = out.plane(i);
      clear_plane(out, plane);
      if (any_zero(ins[0])) continue;
      const T* from = grad.plane(i);
      each_result(grad.size, [&](int64_t z, int64_t y, int64_t x) {
        const Window &wz = windows.along[0][z], &wy = windows.along[1][y], &wx = windows.along[2][x];
        if (wz.count == 0 || wy.count == 0 || wx.count == 0) return;
        const T share = from[z * grad.step[0] + y * grad.step[1] + x * grad.step[2]] /
                        static_cast<T>(divisor.of(wz, wy, wx));
        for (int64_t az = wz.start; az < wz.start + wz.count; ++az) {
          for (int64_t ay = wy.start; ay < wy.start + wy.count; ++ay) {
            T* row = plane + az * out.step[0] + ay * out.step[1] + wx.start * out.step[2];
            for (int64_t k = 0; k < wx.count; ++k) row[k * out.step[2]] += share;
          }
        }
      });
    }
  });
  return DT_OK;
}

template <typename T>
void add_max(KernelTable& table, int32_t dtype) {
  table.add("max_pool", dtype, max_pool<T>);
  table.add("max_pool_grad", dtype, max_pool_grad<T>);
}
template <typename T>
void add_avg(KernelTable& table, int32_t dtype) {
  table.add("avg_pool", dtype, avg_pool<T>);
  table.add("avg_pool_grad", dtype, avg_pool_grad<T>);
}

}  // namespace

void register_pool(KernelTable& table) {
  add_max<float>(table, DT_FLOAT32);
  add_max<double>(table, DT_FLOAT64);
  add_max<int64_t>(table, DT_INT64);
  add_max<int32_t>(table, DT_INT32);
  add_max<uint8_t>(table, DT_UINT8);
  add_avg<float>(table, DT_FLOAT32);
  add_avg<double>(table, DT_FLOAT64);
}

}  // namespace dovetail::cpu
