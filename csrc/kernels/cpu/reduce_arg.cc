// argmax and argmin. The first of equal elements wins, and the first NaN before all.
#include "kernels/cpu/reduce_lanes.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/sixteen.h"

namespace dovetail::cpu {

void register_arg_reduce(KernelTable& table);

namespace {

template <class T>
struct Best {
  T value;
  int64_t index;
};

template <class U>
__attribute__((noinline)) void bring_together(const U* p, int64_t rows, int64_t row_stride, int columns,
                                              int64_t column_stride, U* to) {
  for (int64_t l = 0; l < columns; ++l)
    for (int64_t r = 0; r < rows; ++r) to[r * columns + l] = p[r * row_stride + l * column_stride];
}

template <class T, bool kLargest>
struct ArgExtreme {
  // Whether x, met later, displaces the best so far.
  static bool better(T x, T best) {
    const bool beats = kLargest ? x > best : x < best;
    return beats | ((x != x) & (best == best));
  }
  static T pick(T a, T x) {
    const T best = kLargest ? (x > a ? x : a) : (x < a ? x : a);
    return x == x ? best : x;
  }
  static bool same(T a, T b) { return (a == b) | ((a != a) & (b != b)); }

  DOVETAIL_CLONES_TO_V4 static T extreme_of_run(const T* p, int64_t n) {
    constexpr int kLanes = 128 / sizeof(T);
    T lane[kLanes];
    for (int l = 0; l < kLanes; ++l) lane[l] = p[l];
    for (int64_t i = kLanes; i + kLanes <= n; i += kLanes)
      for (int l = 0; l < kLanes; ++l) lane[l] = pick(lane[l], p[i + l]);
    for (int l = 0; l < kLanes; ++l) lane[l] = pick(lane[l], p[n - kLanes + l]);  // the rest, and some again
    for (int width = kLanes / 2; width >= 1; width /= 2)
      for (int l = 0; l < width; ++l) lane[l] = pick(lane[l], lane[l + width]);
    return lane[0];
  }

  // Where `value`, which is there, is first.
  DOVETAIL_CLONES static int64_t find(const T* p, int64_t n, T value) {
    constexpr int kLanes = 128 / sizeof(T);
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) {
      UintOf<sizeof(T)> found = 0;
      for (int l = 0; l < kLanes; ++l) found |= same(p[i + l], value);
      if (found) break;
    }
    while (i + 1 < n && !same(p[i], value)) ++i;
    return i;
  }

  // The vector loop finds each run's extreme; only the run that holds the best is searched for its place.
  static Best<T> contiguous(const T* p, int64_t n) {
    constexpr int64_t kLeast = 128 / sizeof(T);
    Best<T> best{p[0], 0};
    int64_t run = 0, length = std::min(n, kRun), from = 0, width = length;
    for (; run < n; run += length) {
      length = std::min(n - run, kRun);
      if (length < kLeast) break;
      const T x = extreme_of_run(p + run, length);
      if (run == 0 || better(x, best.value)) {
        best.value = x;
        from = run;
        width = length;
      }
    }
    if (run > 0) best.index = from + find(p + from, width, best.value);
    for (int64_t i = run; i < n; ++i)
      if (better(p[i], best.value)) best = {p[i], i};
    return best;
  }

  static Best<T> strided(const T* p, int64_t n, int64_t stride) {
    if (stride == 1) return contiguous(p, n);
    Best<T> best{p[0], 0};
    for (int64_t i = 1; i < n; ++i)
      if (better(p[i * stride], best.value)) best = {p[i * stride], i};
    return best;
  }

  static void merge(Best<T>& a, const Best<T>& b) {
    if (better(b.value, a.value)) a = b;
  }

  // kStrip columns side by side over all rows.
  static constexpr int kStrip = 64 / sizeof(T);
  static constexpr int64_t kShort = 32;
  using Place = std::conditional_t<sizeof(T) == 8, int64_t, int32_t>;

  DOVETAIL_CLONES static void strip(const T* p, int64_t rows, int64_t row_stride, int64_t* out, int64_t out_stride) {
    T best[kStrip];
    Place place[kStrip] = {};
    for (int l = 0; l < kStrip; ++l) best[l] = p[l];
    for (int64_t r = 1; r < rows; ++r)
      for (int l = 0; l < kStrip; ++l) {
        const T x = p[r * row_stride + l];
        const bool displaces = better(x, best[l]);
        best[l] = displaces ? x : best[l];
        place[l] = displaces ? static_cast<Place>(r) : place[l];
      }
    for (int l = 0; l < kStrip; ++l) out[l * out_stride] = place[l];
  }
  // Of columns that lie apart, and are short: they are brought together first.
  static void far_strip(const T* p, int64_t rows, int64_t row_stride, int64_t column_stride, int64_t* out,
                        int64_t out_stride) {
    T block[kShort * kStrip];
    using U = UintOf<sizeof(T)>;
    bring_together(reinterpret_cast<const U*>(p), rows, row_stride, kStrip, column_stride, reinterpret_cast<U*>(block));
    strip(block, rows, kStrip, out, out_stride);
  }
};

// ---- over everything: the index is that of the tensor laid out flat ----

template <class T, class A>
dt_status arg_flat(dt_kernel_context* ctx, const char* op, int64_t* out, const dt_array& in) {
  Walk<1> walk;
  for (int i = 0; i < in.ndim; ++i) walk.add(in.sizes[i], {in.strides[i]});
  const T* p = static_cast<const T*>(in.data);
  int64_t step[1];
  const int64_t n = walk.pop(step), rows = walk.count();
  const int64_t pieces = ceil_div(n, kSpan), units = rows * pieces;
  if (units == 1) {
    *out = A::strided(p, n, step[0]).index;
    return DT_OK;
  }
  const int64_t ranges = std::min<int64_t>(units, 64);
  Scratch<Best<T>> found(ctx, ranges);
  if (!found) return out_of_memory(ctx, op);
  parallel(ctx, ranges, grain_for(rows * n / ranges), [&](int64_t begin, int64_t end) {
    Walk<1> w = walk;
    for (int64_t k = begin; k < end; ++k) {
      const int64_t first = units * k / ranges, last = units * (k + 1) / ranges;
      for (int64_t u = first; u < last; ++u) {
        const int64_t row = u / pieces, at = u % pieces * kSpan;
        w.seek(row);
        Best<T> best = A::strided(p + w.offset[0] + at * step[0], std::min(kSpan, n - at), step[0]);
        best.index += row * n + at;
        if (u == first)
          found[k] = best;
        else
          A::merge(found[k], best);
      }
    }
  });
  for (int64_t k = 1; k < ranges; ++k) A::merge(found[0], found[k]);
  *out = found[0].index;
  return DT_OK;
}

// ---- along one dim ----

template <class T, class A>
dt_status arg_dim(dt_kernel_context* ctx, int64_t* out, const dt_array& to, const dt_array& in, int dim) {
  Walk<2> kept;
  const bool keeps = to.ndim == in.ndim;
  for (int i = 0; i < in.ndim; ++i)
    if (i != dim) kept.add(in.sizes[i], {in.strides[i], to.strides[keeps || i < dim ? i : i - 1]});
  if (kept.count() == 0) return DT_OK;
  const T* p = static_cast<const T*>(in.data);
  const int64_t n = in.sizes[dim], stride = in.strides[dim];
  const int64_t across = kept.ndim > 0 ? kept.strides[0][kept.ndim - 1] : 0;
  const bool in_line = across == 1 && stride != 1 && n < (int64_t{1} << 31);
  const bool side_by_side = in_line || (kept.ndim > 0 && n <= A::kShort);
  if (!side_by_side) {
    parallel(ctx, kept.count(), grain_for(n), [&](int64_t begin, int64_t end) {
      Walk<2> w = kept;
      w.seek(begin);
      for (int64_t o = begin; o < end; ++o, w.next()) out[w.offset[1]] = A::strided(p + w.offset[0], n, stride).index;
    });
    return DT_OK;
  }
  int64_t step[2];
  const int64_t width = kept.pop(step), strips = ceil_div(width, A::kStrip);
  parallel(ctx, kept.count() * strips, grain_for(n * A::kStrip), [&](int64_t begin, int64_t end) {
    Walk<2> w = kept;
    for (int64_t u = begin; u < end; ++u) {
      w.seek(u / strips);
      const int64_t column = u % strips * A::kStrip;
      const T* q = p + w.offset[0] + column * across;
      int64_t* to_column = out + w.offset[1] + column * step[1];
      if (column + A::kStrip <= width) {
        if (in_line)
          A::strip(q, n, stride, to_column, step[1]);
        else
          A::far_strip(q, n, stride, across, to_column, step[1]);
      } else {
        for (int64_t c = 0; c < width - column; ++c)
          to_column[c * step[1]] = A::strided(q + c * across, n, stride).index;
      }
    }
  });
  return DT_OK;
}

template <class T, bool kLargest>
dt_status arg_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                     const dt_value* args, int32_t) {
  using A = ArgExtreme<T, kLargest>;
  const char* op = kLargest ? "argmax" : "argmin";
  const dt_array& in = ins[0];
  int64_t* out = static_cast<int64_t*>(outs[0].data);
  if (args[1].tag == DT_NONE || in.ndim == 0) {
    if (numel(in) == 0)
      return ctx->fail(ctx, DT_ERR_INDEX,
                       kLargest ? "argmax: an empty tensor has no largest element"
                                : "argmin: an empty tensor has no smallest element");
    return arg_flat<T, A>(ctx, op, out, in);
  }
  return arg_dim<T, A>(ctx, out, outs[0], in, static_cast<int>(args[1].as.i));
}

}  // namespace

void register_arg_reduce(KernelTable& table) {
  KernelTable own;
  for (int32_t dtype : kDTypes) {
    visit_dtype(dtype, [&](auto zero) {
      using T = decltype(zero);
      own.add("argmax", dtype, arg_kernel<T, true>);
      own.add("argmin", dtype, arg_kernel<T, false>);
    });
  }
  add_sixteen_whole(own);
  table.add_all(own);
}

}  // namespace dovetail::cpu
