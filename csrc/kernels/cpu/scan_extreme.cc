// cummax and cummin: the running extreme and where it is; of equal ones the last, and NaN stays.
#include "kernels/cpu/index_common.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/sixteen.h"

namespace dovetail::cpu {

void register_scan_extreme(KernelTable& table);

namespace {

constexpr int64_t kStrip = 256;  // neighbouring lines that run side by side

// Whether x takes the place of the best so far. A NaN does, and nothing but another takes its place.
template <bool kLargest, class T>
DOVETAIL_INLINE bool takes_over(T x, T best) {
  return (kLargest ? x >= best : x <= best) | (x != x);
}

struct Steps {
  int64_t in, values, indices;
};

template <class T, bool kLargest>
void run_line(const T* in, T* values, int64_t* indices, int64_t n, const Steps& step) {
  T best = in[0];
  int64_t at = 0;
  for (int64_t i = 0; i < n; ++i) {
    const T x = in[i * step.in];
    if (takes_over<kLargest>(x, best)) {
      best = x;
      at = i;
    }
    values[i * step.values] = best;
    indices[i * step.indices] = at;
  }
}

// Lines of neighbouring elements, row by row: a row continues the one above.
template <class T, bool kLargest>
DOVETAIL_CLONES void run_rows(const T* in, T* values, int64_t* indices, int64_t n, const Steps& step, int64_t width) {
  for (int64_t c = 0; c < width; ++c) {
    values[c] = in[c];
    indices[c] = 0;
  }
  for (int64_t i = 1; i < n; ++i) {
    const T* const best = values;
    const int64_t* const at = indices;
    in += step.in;
    values += step.values;
    indices += step.indices;
    for (int64_t c = 0; c < width; ++c) {
      const bool takes = takes_over<kLargest>(in[c], best[c]);
      values[c] = takes ? in[c] : best[c];
      indices[c] = takes ? i : at[c];
    }
  }
}

template <class T, bool kLargest>
dt_status kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                 const dt_value* args, int32_t) {
  const dt_array& from = ins[0];
  const T* in = static_cast<const T*>(from.data);
  T* values = static_cast<T*>(outs[0].data);
  int64_t* indices = static_cast<int64_t*>(outs[1].data);
  if (numel(from) == 0) return DT_OK;
  const int dim = static_cast<int>(args[1].as.i);
  Walk<3> lines;
  for (int i = 0; i < from.ndim; ++i)
    if (i != dim) lines.add(from.sizes[i], {from.strides[i], outs[0].strides[i], outs[1].strides[i]});
  const int64_t n = from.ndim ? from.sizes[dim] : 1;
  const Steps step = from.ndim ? Steps{from.strides[dim], outs[0].strides[dim], outs[1].strides[dim]} : Steps{1, 1, 1};
  const int last = lines.ndim - 1;
  if (last >= 0 && lines.sizes[last] >= 4 && lines.strides[0][last] == 1 && lines.strides[1][last] == 1 &&
      lines.strides[2][last] == 1) {
    int64_t one[3];
    const int64_t width = lines.pop(one), strips = ceil_div(width, kStrip);
    parallel(ctx, lines.count() * strips, grain_for(n * std::min(width, kStrip)), [&](int64_t begin, int64_t end) {
      Walk<3> w = lines;
      for (int64_t u = begin; u < end; ++u) {
        const int64_t column = u % strips * kStrip;
        w.seek(u / strips);
        run_rows<T, kLargest>(in + w.offset[0] + column, values + w.offset[1] + column, indices + w.offset[2] + column,
                              n, step, std::min(kStrip, width - column));
      }
    });
    return DT_OK;
  }
  parallel(ctx, lines.count(), grain_for(n), [&](int64_t begin, int64_t end) {
    Walk<3> w = lines;
    w.seek(begin);
    for (int64_t k = begin; k < end; ++k, w.next())
      run_line<T, kLargest>(in + w.offset[0], values + w.offset[1], indices + w.offset[2], n, step);
  });
  return DT_OK;
}

}  // namespace

void register_scan_extreme(KernelTable& table) {
  KernelTable own;
  for (int32_t dtype : kDTypes) {
    visit_dtype(dtype, [&](auto zero) {
      own.add("cummax", dtype, kernel<decltype(zero), true>);
      own.add("cummin", dtype, kernel<decltype(zero), false>);
    });
  }
  add_sixteen_whole(own);
  table.add_all(own);
}

}  // namespace dovetail::cpu
