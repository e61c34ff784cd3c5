// Pooling over windows of several sizes (adaptive) and at random places (fractional).
#include "kernels/cpu/pool.h"

#include <cstring>
#include <limits>
#include <type_traits>

#include "kernels/common/dtypes.h"
#include "kernels/cpu/families.h"
#include "kernels/cpu/index_common.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/sixteen.h"

namespace dovetail::cpu {
namespace {

constexpr int kLanes = 8;

// ---- rows ------------------------------------------------------------------------------------------------------

template <class T>
DOVETAIL_CLONES T largest_of_row(const T* row, int64_t n) {
  typedef T Vector __attribute__((vector_size(32)));
  constexpr int64_t kWide = 32 / sizeof(T);
  Vector first, second, x, y;
  std::memcpy(&first, row, sizeof x);
  std::memcpy(&second, row + n - kWide, sizeof x);
  int64_t k = 0;
  for (; k + 2 * kWide <= n; k += 2 * kWide) {
    std::memcpy(&x, row + k, sizeof x);
    std::memcpy(&y, row + k + kWide, sizeof x);
    first = (x > first) | (x != x) ? x : first;
    second = (y > second) | (y != y) ? y : second;
  }
  std::memcpy(&x, row + std::min(k, n - kWide), sizeof x);  // some of them once more
  first = (x > first) | (x != x) ? x : first;
  first = (second > first) | (second != second) ? second : first;
  T top = first[0];
  for (int64_t l = 1; l < kWide; ++l) top = (first[l] > top) | is_nan(first[l]) ? first[l] : top;
  return top;
}

// Long rows are looked through twice: for the value, by lanes, and only where it is better for its place.
template <class T>
inline void take_row(Best<T>& best, const T* row, int64_t step, int64_t n, int64_t base) {
  if (step != 1 || n < 2 * kLanes || sizeof(T) < 4) {
    for (int64_t k = 0; k < n; ++k) best.take(row[k * step], base + k);
    return;
  }
  const T top = largest_of_row(row, n);
  if (!((top > best.value) | is_nan(top))) return;
  int64_t k = 0;
  if (is_nan(top)) {
    for (int64_t at = 0; at < n; ++at) k = is_nan(row[at]) ? at : k;  // the last one, as an element at a time would
  } else {
    while (row[k] != top) ++k;
  }
  best = {row[k], base + k};
}

template <class T>
DOVETAIL_CLONES T sum_of_row(const T* row, int64_t n) {
  T sums[kLanes] = {};
  int64_t k = 0;
  for (; k + kLanes <= n; k += kLanes)
    for (int l = 0; l < kLanes; ++l) sums[l] += row[k + l];
  T sum = ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
  for (; k < n; ++k) sum += row[k];
  return sum;
}

template <class T>
inline T sum_of(const T* row, int64_t step, int64_t n) {
  if (step == 1 && n >= 2 * kLanes) return sum_of_row(row, n);
  T sum = 0;
  for (int64_t k = 0; k < n; ++k) sum += row[k * step];
  return sum;
}

// ---- windows ---------------------------------------------------------------------------------------------------

template <class T>
constexpr T lowest() {
  return std::is_floating_point_v<T> ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::lowest();
}

template <class T>
inline Best<T> largest(const Planes<const T>& in, const T* plane, const Window& z, const Window& y, const Window& x) {
  Best<T> best{lowest<T>(), (z.start * in.size[1] + y.start) * in.size[2] + x.start};
  for (int64_t i = z.start; i < z.start + z.count; ++i)
    for (int64_t j = y.start; j < y.start + y.count; ++j)
      take_row(best, plane + i * in.step[0] + j * in.step[1] + x.start * in.step[2], in.step[2], x.count,
               (i * in.size[1] + j) * in.size[2] + x.start);
  return best;
}

// The windows of every output coordinate: window o of n is [floor(o * size / n), ceil((o + 1) * size / n)).
struct Adaptive {
  const Window* along[3];

  bool find(dt_kernel_context* ctx, const int64_t (&in)[3], const int64_t (&out)[3]) {
    auto* next =
        static_cast<Window*>(ctx->workspace(ctx, static_cast<size_t>(out[0] + out[1] + out[2]) * sizeof(Window) + 1));
    if (!next) return false;
    for (int d = 0; d < 3; ++d) {
      along[d] = next;
      for (int64_t o = 0; o < out[d]; ++o, ++next) {
        const int64_t start = o * in[d] / out[d], end = ceil_div((o + 1) * in[d], out[d]);
        *next = {start, end - start, end - start};
      }
    }
    return true;
  }
};

// How many planes are worth a thread.
int64_t grain_of(int64_t pixels, int64_t results) { return grain_for(std::max(pixels, results) * 2); }

// use(z, y, x, index of the windows' result) for every result of a plane.
template <class Use>
inline void each_window(const Adaptive& windows, const int64_t (&size)[3], const int64_t (&step)[3], const Use& use) {
  each_result(size, [&](int64_t z, int64_t y, int64_t x) {
    use(windows.along[0][z], windows.along[1][y], windows.along[2][x], z * step[0] + y * step[1] + x * step[2]);
  });
}

template <class T, int kSpatial>
dt_status adaptive_max(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                       const dt_value*, int32_t) {
  if (numel(outs[0]) == 0) return DT_OK;
  const Planes<const T> in(ins[0], kSpatial);
  const Planes<T> values(outs[0], kSpatial);
  const Planes<int64_t> indices(outs[1], kSpatial);
  Adaptive windows;
  if (!windows.find(ctx, in.size, values.size)) return out_of_memory(ctx, "adaptive_max_pool");
  parallel(ctx, numel(outs[0]) / values.pixels(), grain_of(in.pixels(), values.pixels()),
           [&](int64_t begin, int64_t end) {
             for (int64_t i = begin; i < end; ++i) {
               const T* plane = in.plane(i);
               T* value = values.plane(i);
               int64_t* index = indices.plane(i);
               each_result(values.size, [&](int64_t z, int64_t y, int64_t x) {
                 const Best<T> best = largest(in, plane, windows.along[0][z], windows.along[1][y], windows.along[2][x]);
                 value[z * values.step[0] + y * values.step[1] + x * values.step[2]] = best.value;
                 index[z * indices.step[0] + y * indices.step[1] + x * indices.step[2]] = best.index;
               });
             }
           });
  return DT_OK;
}

template <class T, int kSpatial>
dt_status adaptive_avg(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                       const dt_value*, int32_t) {
  if (numel(outs[0]) == 0) return DT_OK;
  const Planes<const T> in(ins[0], kSpatial);
  const Planes<T> out(outs[0], kSpatial);
  Adaptive windows;
  if (!windows.find(ctx, in.size, out.size)) return out_of_memory(ctx, "adaptive_avg_pool");
  parallel(ctx, numel(outs[0]) / out.pixels(), grain_of(in.pixels(), out.pixels()), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const T* plane = in.plane(i);
      T* to = out.plane(i);
      each_window(windows, out.size, out.step, [&](const Window& z, const Window& y, const Window& x, int64_t at) {
        T sum = 0;
        for (int64_t a = z.start; a < z.start + z.count; ++a)
          for (int64_t b = y.start; b < y.start + y.count; ++b)
            sum += sum_of(plane + a * in.step[0] + b * in.step[1] + x.start * in.step[2], in.step[2], x.count);
        to[at] = sum / static_cast<T>(z.count * y.count * x.count);
      });
    }
  });
  return DT_OK;
}

// (grad, input_size)
template <class T>
dt_status adaptive_avg_grad(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                            int32_t, const dt_value* args, int32_t) {
  if (numel(outs[0]) == 0) return DT_OK;
  const int spatial = args[1].count;
  const Planes<const T> grad(ins[0], spatial);
  const Planes<T> out(outs[0], spatial);
  const bool none = numel(ins[0]) == 0;
  Adaptive windows;
  if (!windows.find(ctx, out.size, grad.size)) return out_of_memory(ctx, "adaptive_avg_pool_grad");
  parallel(ctx, numel(outs[0]) / out.pixels(), grain_of(out.pixels(), grad.pixels()), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      T* plane = out.plane(i);
      clear_plane(out, plane);
      if (none) continue;
      const T* from = grad.plane(i);
      each_window(windows, grad.size, grad.step, [&](const Window& z, const Window& y, const Window& x, int64_t at) {
        const T share = from[at] / static_cast<T>(z.count * y.count * x.count);
        for (int64_t a = z.start; a < z.start + z.count; ++a)
          for (int64_t b = y.start; b < y.start + y.count; ++b) {
            T* row = plane + a * out.step[0] + b * out.step[1] + x.start * out.step[2];
            if (out.step[2] == 1)
              for (int64_t k = 0; k < x.count; ++k) row[k] += share;
            else
              for (int64_t k = 0; k < x.count; ++k) row[k * out.step[2]] += share;
          }
      });
    }
  });
  return DT_OK;
}

// ---- at random places ------------------------------------------------------------------------------------------

// Where the windows of a plane begin along a dim: their distances follow from the sample.
template <class T>
void random_windows(T sample, int64_t size, int64_t kernel, int64_t count, Window* windows) {
  const T alpha =
      count > 1 ? static_cast<T>(static_cast<double>(size - kernel) / static_cast<double>(count - 1)) : T(0);
  const int64_t first = static_cast<int64_t>(sample * alpha);
  for (int64_t o = 0; o < count; ++o) {
    const int64_t start =
        o + 1 < count ? static_cast<int64_t>((static_cast<T>(o) + sample) * alpha) - first : size - kernel;
    windows[o] = {start, kernel, kernel};
  }
}

// (input, kernel_size, output_size, random_samples)
template <class T>
dt_status fractional_max(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                         int32_t, const dt_value* args, int32_t) {
  if (numel(outs[0]) == 0) return DT_OK;
  const int spatial = args[1].count, missing = 3 - spatial;
  const Planes<const T> in(ins[0], spatial);
  const Planes<T> values(outs[0], spatial);
  const Planes<int64_t> indices(outs[1], spatial);
  const dt_array& samples = ins[1];
  for (int64_t i = 0, n = numel(samples); i < n; ++i) {
    const T s = static_cast<const T*>(
        samples.data)[i / spatial / in.channels * samples.strides[0] + i / spatial % in.channels * samples.strides[1] +
                      i % spatial * samples.strides[2]];
    if (!(s >= 0 && s < 1))
      return ctx->fail(ctx, DT_ERR_VALUE, "fractional_max_pool: random samples must be in [0, 1)");
  }
  const int64_t each = values.size[0] + values.size[1] + values.size[2];
  const int64_t planes = numel(outs[0]) / values.pixels();
  auto* all = static_cast<Window*>(ctx->workspace(ctx, static_cast<size_t>(each * planes) * sizeof(Window)));
  if (!all) return out_of_memory(ctx, "fractional_max_pool");
  parallel(ctx, planes, grain_of(in.pixels(), values.pixels()), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      Window *next = all + i * each, *along[3];
      const T* sample = static_cast<const T*>(samples.data) + i / in.channels * samples.strides[0] +
                        i % in.channels * samples.strides[1];
      for (int d = 0; d < 3; next += values.size[d++]) {
        along[d] = next;
        if (d < missing)
          *next = {0, 1, 1};
        else
          random_windows(sample[(d - missing) * samples.strides[2]], in.size[d], args[1].as.ints[d - missing],
                         values.size[d], next);
      }
      const T* plane = in.plane(i);
      T* value = values.plane(i);
      int64_t* index = indices.plane(i);
      each_result(values.size, [&](int64_t z, int64_t y, int64_t x) {
        const Best<T> best = largest(in, plane, along[0][z], along[1][y], along[2][x]);
        value[z * values.step[0] + y * values.step[1] + x * values.step[2]] = best.value;
        index[z * indices.step[0] + y * indices.step[1] + x * indices.step[2]] = best.index;
      });
    }
  });
  return DT_OK;
}

template <class T>
void add(KernelTable& table, int32_t dtype) {
  table.add("adaptive_max_pool1d", dtype, adaptive_max<T, 1>);
  table.add("adaptive_max_pool2d", dtype, adaptive_max<T, 2>);
  table.add("adaptive_max_pool3d", dtype, adaptive_max<T, 3>);
  table.add("adaptive_avg_pool1d", dtype, adaptive_avg<T, 1>);
  table.add("adaptive_avg_pool2d", dtype, adaptive_avg<T, 2>);
  table.add("adaptive_avg_pool3d", dtype, adaptive_avg<T, 3>);
  table.add("adaptive_avg_pool_grad", dtype, adaptive_avg_grad<T>);
}

}  // namespace

void register_pool_windows(KernelTable& table) {
  add_floats_whole(table, add<float>, add<double>);
  table.add("fractional_max_pool", DT_FLOAT32, DT_FLOAT32, fractional_max<float>);
  table.add("fractional_max_pool", DT_FLOAT64, DT_FLOAT64, fractional_max<double>);
}

}  // namespace dovetail::cpu
