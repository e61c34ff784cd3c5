// max_pool, max_pool_grad, avg_pool, avg_pool_grad over 1 to 3 spatial dims of (N, C, *spatial).
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <limits>
#include <type_traits>

#include "kernels/common/dtypes.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/pool.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/rounding.h"
#include "kernels/cpu/sixteen.h"

namespace dovetail::cpu {
namespace {

// The windows of every output coordinate, per dim.
struct Windows {
  const Window* along[3];
  int64_t dilation[3];
  int64_t taps, stride;  // along x
};

// `args`: kernel_size, stride, padding, and dilation where `dilated`.
bool find_windows(dt_kernel_context* ctx, const int64_t (&in)[3], const int64_t (&out)[3], int ndim,
                  const dt_value* args, bool dilated, Windows& windows) {
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
    windows.dilation[d] = dilation;
    windows.taps = kernel, windows.stride = stride;
    for (int64_t o = 0; o < out[d]; ++o, ++next) {
      const int64_t start = o * stride - padding;
      const int64_t skipped = start < 0 ? ceil_div(-start, dilation) : 0;
      const int64_t first = start + skipped * dilation;
      const int64_t fitting = first < in[d] ? ceil_div(in[d] - first, dilation) : 0;
      next->start = first;
      next->count = std::max<int64_t>(0, std::min(kernel - skipped, fitting));
      next->span = std::min(start + kernel, in[d] + padding) - start;
    }
  }
  return true;
}

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

// Neighbouring results of one row, in vectors of 16 bytes: every machine has those. Index lanes are as wide as the
// values, so that comparisons select both.
template <typename T>
struct Lanes {
  static constexpr int kCount = 16 / sizeof(T);
  static constexpr bool kAny = sizeof(T) >= 4;
  using Index = std::conditional_t<sizeof(T) == 8, int64_t, int32_t>;
  typedef T Values __attribute__((vector_size(16)));
  typedef Index Indices __attribute__((vector_size(16)));
};

// Lane i is row[i * step]; nothing beyond the last lane is read.
template <typename T>
inline void load_strided(const T* row, int64_t step, typename Lanes<T>::Values& out) {
  if (step == 1) {
    std::memcpy(&out, row, 16);
    return;
  }
  if constexpr (Lanes<T>::kCount == 4) {
    if (step == 2) {
      typename Lanes<T>::Values low, high;
      std::memcpy(&low, row, 16);
      std::memcpy(&high, row + 3, 16);
      out = __builtin_shuffle(low, high, typename Lanes<T>::Indices{0, 2, 5, 7});
    } else {
      out = typename Lanes<T>::Values{row[0], row[step], row[2 * step], row[3 * step]};
    }
  } else if constexpr (Lanes<T>::kCount == 2) {
    out = typename Lanes<T>::Values{row[0], row[step]};
  }
}

// The windows of results with all their taps along x: a copy, over which no result can be written.
struct Taps {
  Window z, y;
  int64_t count, stride;  // along x
  int64_t dilation[3];

  Taps(const Windows& all, const Window& z, const Window& y)
      : z(z), y(y), count(all.taps), stride(all.stride), dilation{all.dilation[0], all.dilation[1], all.dilation[2]} {}
};

// The maxima of one vector of results, the first of which has its taps from `begin` on along x.
template <typename T>
inline void best_lanes(const Planes<const T>& in, const T* plane, const Taps& taps, int64_t begin, T* value,
                       int64_t* index) {
  using L = Lanes<T>;
  using I = typename L::Index;
  const int64_t corner = (taps.z.start * in.size[1] + taps.y.start) * in.size[2] + begin;
  const T* from = plane + taps.z.start * in.step[0] + taps.y.start * in.step[1] + begin * in.step[2];
  const int64_t across = taps.stride * in.step[2];
  typename L::Indices at;
#pragma GCC unroll 4
  for (int l = 0; l < L::kCount; ++l) at[l] = static_cast<I>(corner + l * taps.stride);
  const typename L::Indices start = at;
  typename L::Values best, candidate;
  typename L::Indices where = start;
  load_strided(from, across, best);
  for (int64_t i = 0; i < taps.z.count; ++i) {
    for (int64_t j = 0; j < taps.y.count; ++j) {
      const int64_t z = i * taps.dilation[0], y = j * taps.dilation[1];
      const T* row = from + z * in.step[0] + y * in.step[1];
      at = start + static_cast<I>((z * in.size[1] + y) * in.size[2]);
      for (int64_t k = 0; k < taps.count; ++k, at += static_cast<I>(taps.dilation[2])) {
        load_strided(row + k * taps.dilation[2] * in.step[2], across, candidate);
        const auto better = (candidate > best) | (candidate != candidate);
        best = better ? candidate : best;
        where = better ? at : where;
      }
    }
  }
  std::memcpy(value, &best, 16);
#pragma GCC unroll 4
  for (int l = 0; l < L::kCount; ++l) index[l] = where[l];
}

// The results of a row that have all their taps along x, if they fill a vector.
template <typename T>
struct Inner {
  static constexpr int64_t kLanes = Lanes<T>::kCount;
  int64_t first = 0, last = 0;
  Inner(const Window* x, int64_t n, int64_t taps) {
    while (first < n && x[first].count != taps) ++first;
    for (last = first; last < n && x[last].count == taps; ++last) continue;
    if (last - first < kLanes) last = first;
  }
  bool any() const { return last > first; }
};

// Results of a row of n: several(x) for the first one of each vector of inner ones, of which the last may overlap its
// neighbour, if there are `vectors`; one(x) for each of the others.
template <typename T, typename Several, typename One>
inline void each_of_row(const Inner<T>& inner, bool vectors, int64_t n, const Several& several, const One& one) {
  if (vectors) {
    constexpr int64_t kLanes = Inner<T>::kLanes;
    for (int64_t x = inner.first; x + kLanes <= inner.last; x += kLanes) several(x);
    if ((inner.last - inner.first) % kLanes) several(inner.last - kLanes);
  }
  for (int64_t x = 0; x < n; ++x) {
    if (vectors && x == inner.first) x = inner.last;
    if (x >= n) break;
    one(x);
  }
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
  const int64_t most = in.size[2] + windows.taps * windows.dilation[2];
  const bool narrow = in.pixels() + most < (int64_t{1} << 31);  // for 32-bit indices
  const bool dense = Lanes<T>::kAny && narrow && values.step[2] == 1 && indices.step[2] == 1;
  const Inner<T> inner(windows.along[2], dense ? values.size[2] : 0, windows.taps);
  const int64_t grain = 8192 / std::max<int64_t>(1, in.pixels()) + 1;
  parallel(ctx, ins[0].sizes[0] * in.channels, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const T* plane = in.plane(i);
      each_row(values.size, [&](int64_t z, int64_t y) {
        const Window &wz = windows.along[0][z], &wy = windows.along[1][y];
        T* value = values.plane(i) + z * values.step[0] + y * values.step[1];
        int64_t* index = indices.plane(i) + z * indices.step[0] + y * indices.step[1];
        const Taps taps(windows, wz, wy);
        const auto several = [&](int64_t x) {
          if constexpr (Lanes<T>::kAny) {
            best_lanes(in, plane, taps, windows.along[2][x].start, value + x, index + x);
          }
        };
        const auto one = [&](int64_t x) {
          const Best<T> best = best_of(in, plane, wz, wy, windows.along[2][x], taps.dilation);
          value[x * values.step[2]] = best.value, index[x * indices.step[2]] = best.index;
        };
        each_of_row(inner, inner.any() && wz.count > 0 && wy.count > 0, values.size[2], several, one);
      });
    }
  });
  return DT_OK;
}

// False: an index lies outside of the plane.
template <typename T>
bool scatter(T* __restrict plane, int64_t pixels, const int64_t* __restrict index, const T* __restrict from,
             int64_t n) {
  bool inside = true;
  for (int64_t k = 0; k < n; ++k) {
    const int64_t at = index[k];
    if (static_cast<uint64_t>(at) < static_cast<uint64_t>(pixels)) {
      plane[at] += from[k];
    } else {
      inside = false;
    }
  }
  return inside;
}

template <typename T>
dt_status max_pool_grad(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                        int32_t, const dt_value*, int32_t) {
  if (any_zero(outs[0])) return DT_OK;
  const Planes<T> out(outs[0]);
  const Planes<const T> grad(ins[0]);
  const Planes<const int64_t> indices(ins[1]);
  const int64_t pixels = out.pixels(), width = out.size[2], height = out.size[1];
  const bool dense = is_dense(out), flat = dense && is_dense(grad) && is_dense(indices);
  const int64_t results = grad.pixels();
  std::atomic<bool> wrong{false};
  const int64_t grain = std::max<int64_t>(1, 16384 / pixels);
  parallel(ctx, outs[0].sizes[0] * out.channels, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      T* plane = out.plane(i);
      clear_plane(out, plane);
      if (any_zero(ins[0])) continue;
      const T* from = grad.plane(i);
      const int64_t* index = indices.plane(i);
      if (flat) {
        if (!scatter(plane, pixels, index, from, results)) wrong.store(true, std::memory_order_relaxed);
        continue;
      }
      each_result(grad.size, [&](int64_t z, int64_t y, int64_t x) {
        const int64_t at = index[z * indices.step[0] + y * indices.step[1] + x * indices.step[2]];
        if (at < 0 || at >= pixels) return wrong.store(true, std::memory_order_relaxed);
        const int64_t to =
            dense ? at
                  : at / (height * width) * out.step[0] + at / width % height * out.step[1] + at % width * out.step[2];
        plane[to] += from[z * grad.step[0] + y * grad.step[1] + x * grad.step[2]];
      });
    }
  });
  if (!wrong.load()) return DT_OK;
  char message[200];
  std::snprintf(message, sizeof message,
                "max_pool_grad: indices hold a value outside of the input plane of %lld x %lld; give the indices that "
                "max_pool returned for an input of this input_size",
                static_cast<long long>(height), static_cast<long long>(width));
  return ctx->fail(ctx, DT_ERR_INDEX, message);
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
T average(const Planes<const T>& in, const T* plane, const Window& z, const Window& y, const Window& x,
          const Divisor& divisor) {
  T sum = 0;
  for (int64_t i = z.start; i < z.start + z.count; ++i) {
    for (int64_t j = y.start; j < y.start + y.count; ++j) {
      const T* row = plane + i * in.step[0] + j * in.step[1] + x.start * in.step[2];
      for (int64_t k = 0; k < x.count; ++k) sum += row[k * in.step[2]];
    }
  }
  const bool empty = z.count == 0 || y.count == 0 || x.count == 0;
  return empty ? T(0) : sum / static_cast<T>(divisor.of(z, y, x));
}

template <typename T>
inline void average_lanes(const Planes<const T>& in, const T* plane, const Taps& taps, int64_t begin, T divisor,
                          T* out) {
  typename Lanes<T>::Values sum = {}, next;
  for (int64_t z = taps.z.start; z < taps.z.start + taps.z.count; ++z) {
    for (int64_t y = taps.y.start; y < taps.y.start + taps.y.count; ++y) {
      const T* row = plane + z * in.step[0] + y * in.step[1] + begin * in.step[2];
      for (int64_t k = 0; k < taps.count; ++k) {
        load_strided(row + k * in.step[2], taps.stride * in.step[2], next);
        sum += next;
      }
    }
  }
  sum /= divisor;
  std::memcpy(out, &sum, 16);
}

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
  // Results whose windows are whole, padding or not, share a divisor.
  const Inner<T> inner(windows.along[2], out.step[2] == 1 ? out.size[2] : 0, windows.taps);
  const int64_t grain = 8192 / std::max<int64_t>(1, in.pixels()) + 1;
  parallel(ctx, ins[0].sizes[0] * in.channels, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const T* plane = in.plane(i);
      each_row(out.size, [&](int64_t z, int64_t y) {
        const Window &wz = windows.along[0][z], &wy = windows.along[1][y];
        T* row = out.plane(i) + z * out.step[0] + y * out.step[1];
        const Taps taps(windows, wz, wy);
        const auto several = [&](int64_t x) {
          const Window& wx = windows.along[2][x];
          average_lanes(in, plane, taps, wx.start, static_cast<T>(divisor.of(wz, wy, wx)), row + x);
        };
        const auto one = [&](int64_t x) {
          row[x * out.step[2]] = average(in, plane, wz, wy, windows.along[2][x], divisor);
        };
        each_of_row(inner, inner.any() && wz.count > 0 && wy.count > 0, out.size[2], several, one);
      });
    }
  });
  return DT_OK;
}

// Adds the shares of a row of results to the elements of one row that their windows hold.
template <typename T>
void share_out(const Planes<const T>& grad, const T* from, const Windows& windows, const Window& z, const Window& y,
               const Divisor& divisor, int64_t step, T* to) {
  for (int64_t x = 0; x < grad.size[2]; ++x) {
    const Window& window = windows.along[2][x];
    if (window.count == 0) continue;
    const T share = from[x * grad.step[2]] / static_cast<T>(divisor.of(z, y, window));
    T* at = to + window.start * step;
    for (int64_t k = 0; k < window.count; ++k) at[k * step] += share;
  }
}

template <typename T>
dt_status avg_pool_grad(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                        int32_t, const dt_value* args, int32_t) {
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
      each_row(grad.size, [&](int64_t z, int64_t y) {
        const Window &wz = windows.along[0][z], &wy = windows.along[1][y];
        const T* row = from + z * grad.step[0] + y * grad.step[1];
        for (int64_t az = wz.start; az < wz.start + wz.count; ++az) {
          for (int64_t ay = wy.start; ay < wy.start + wy.count; ++ay) {
            share_out(grad, row, windows, wz, wy, divisor, out.step[2], plane + az * out.step[0] + ay * out.step[1]);
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
  KernelTable own;
#define DOVETAIL_ADD(type, dtype) add_max<type>(own, dtype);
  DOVETAIL_FLOATS(DOVETAIL_ADD)
  DOVETAIL_INTS(DOVETAIL_ADD)
#undef DOVETAIL_ADD
  add_avg<float>(own, DT_FLOAT32);
  add_avg<double>(own, DT_FLOAT64);
  add_sixteen_whole(own);
  table.add_all(own);
}

}  // namespace dovetail::cpu
