// sum, prod, mean, var.
#include "kernels/cpu/as_real.h"
#include "kernels/cpu/reduce_drive.h"
#include "kernels/cpu/sixteen.h"

namespace dovetail::cpu {

void register_arg_reduce(KernelTable& table);  // reduce_arg.cc
void register_extremes(KernelTable& table);    // reduce_extreme.cc
void register_truth(KernelTable& table);       // reduce_truth.cc

namespace {

// Totals of float32 and complex64 are kept in double, so the error of a long sum is that of its short runs.
template <class T>
using Wide = std::conditional_t<std::is_same_v<T, float>, double,
                                std::conditional_t<std::is_same_v<T, Complex<float>>, Complex<double>, T>>;

template <class T>
struct Sum {
  using Short = std::conditional_t<std::is_floating_point_v<T>, Sum, void>;
  using In = T;
  using Lane = T;
  using Acc = Wide<T>;
  using Out = T;
  static Lane first(T x) { return x; }
  static Lane step(Lane a, T x) { return a + x; }
  static Lane fold(Lane a, Lane b) { return a + b; }
  static Acc wide(Lane a) { return static_cast<Acc>(a); }
  static void merge(Acc& a, Acc b) { a = a + b; }
  static Acc identity() { return 0; }
  static Out finish(Acc a, int64_t) { return static_cast<T>(a); }
};

// Integers of one size, of which U is the unsigned type: they wrap around on overflow, which only those may do.
template <class U>
struct SumModular {
  using Short = std::conditional_t<sizeof(U) == 8, SumModular, void>;
  using In = U;
  using Lane = U;
  using Acc = uint64_t;
  using Out = U;
  static Lane first(In x) { return x; }
  static Lane step(Lane a, In x) { return static_cast<Lane>(modular(a) + modular(x)); }
  static Lane fold(Lane a, Lane b) { return step(a, b); }
  static Acc wide(Lane a) { return a; }
  static void merge(Acc& a, Acc b) { a += b; }
  static Acc identity() { return 0; }
  static Out finish(Acc a, int64_t) { return static_cast<Out>(a); }
};

// Elements that are added up in another dtype: bools and small integers in int64, float in double.
template <class From, class L, class To>
struct SumInto {
  using Short = void;
  using In = From;
  using Lane = L;
  using Acc = To;
  using Out = To;
  static Lane first(In x) { return static_cast<Lane>(x); }
  static Lane step(Lane a, In x) { return a + static_cast<Lane>(x); }
  static Lane fold(Lane a, Lane b) { return a + b; }
  static Acc wide(Lane a) { return static_cast<Acc>(a); }
  static void merge(Acc& a, Acc b) { a += b; }
  static Acc identity() { return 0; }
  static Out finish(Acc a, int64_t) { return a; }
};

// Of what an element is made into first.
template <class T>
struct SumSquares : Sum<T> {
  using Short = SumSquares;
  static T first(T x) { return x * x; }
  static T step(T a, T x) { return a + x * x; }
};
template <class T>
struct SumNumbers : Sum<T> {  // NaN counts as zero
  using Short = void;
  static T first(T x) { return x == x ? x : T(0); }
  static T step(T a, T x) { return a + first(x); }
};

template <class T>
struct Mean : Sum<T> {
  static T finish(typename Sum<T>::Acc a, int64_t count) { return static_cast<T>(a / static_cast<double>(count)); }
};

template <class T>
struct Product : Sum<T> {
  using Short = void;
  using Lane = T;
  using Acc = Wide<T>;
  static Lane step(Lane a, T x) { return a * x; }
  static Lane fold(Lane a, Lane b) { return a * b; }
  static void merge(Acc& a, Acc b) { a = a * b; }
  static Acc identity() { return 1; }
};

template <class U>
struct ProductModular : SumModular<U> {
  using Short = void;
  using Lane = U;
  using Acc = uint64_t;
  static Lane step(Lane a, U x) { return static_cast<Lane>(modular(a) * modular(x)); }
  static Lane fold(Lane a, Lane b) { return step(a, b); }
  static void merge(Acc& a, Acc b) { a *= b; }
  static Acc identity() { return 1; }
};

// ---- variance --------------------------------------------------------------------------------------------

// A part's mean and squares about it; parts are put together by Chan's formula.
struct Moments {
  double n, mean, squares;
};

inline void merge_moments(Moments& a, const Moments& b) {
  if (b.n == 0) return;
  const double n = a.n + b.n, delta = b.mean - a.mean;
  a.squares += b.squares + delta * delta * (a.n * b.n / n);
  a.mean += delta * (b.n / n);
  a.n = n;
}

// Two passes within a part: the second over differences from the mean as rounded to T, corrected for that rounding.
template <class T>
DOVETAIL_CLONES Moments span_moments(const T* p, int64_t n, double mean) {
  constexpr int kLanes = 128 / sizeof(T);
  const T centre = static_cast<T>(mean);
  double drift = 0, squares = 0;
  int64_t i = 0;
  while (i + kLanes <= n) {
    const int64_t run = std::min(n - i, kRun) & -kLanes;
    T d1[kLanes] = {}, d2[kLanes] = {};
    for (int64_t j = i; j < i + run; j += kLanes)
      for (int l = 0; l < kLanes; ++l) {
        const T d = p[j + l] - centre;
        d1[l] += d;
        d2[l] += d * d;
      }
    drift += fold_lanes<kLanes, Sum<T>>(d1);
    squares += fold_lanes<kLanes, Sum<T>>(d2);
    i += run;
  }
  for (; i < n; ++i) {
    const double d = static_cast<double>(p[i]) - static_cast<double>(centre);
    drift += d;
    squares += d * d;
  }
  const double count = static_cast<double>(n);
  return {count, static_cast<double>(centre) + drift / count, squares - drift * (drift / count)};
}

// Columns side by side: acc holds the sums on entry (in .mean) and the moments after.
template <class T>
DOVETAIL_CLONES void column_moments(const T* p, int64_t rows, int64_t row_stride, int64_t columns, Moments* acc) {
  constexpr int kLanes = 64 / sizeof(T);
  for (int64_t c = 0; c < columns; c += kLanes) {
    const int width = static_cast<int>(std::min<int64_t>(kLanes, columns - c));
    T centre[kLanes] = {};
    double drift[kLanes] = {}, squares[kLanes] = {};
    for (int l = 0; l < width; ++l) centre[l] = static_cast<T>(acc[c + l].mean / static_cast<double>(rows));
    for (int64_t first = 0; first < rows; first += kRowRun) {
      T d1[kLanes] = {}, d2[kLanes] = {};
      const int64_t last = std::min(rows, first + kRowRun);
      if (width == kLanes) {
        for (int64_t r = first; r < last; ++r)
          for (int l = 0; l < kLanes; ++l) {
            const T d = p[r * row_stride + c + l] - centre[l];
            d1[l] += d;
            d2[l] += d * d;
          }
      } else {
        for (int64_t r = first; r < last; ++r)
          for (int l = 0; l < width; ++l) {
            const T d = p[r * row_stride + c + l] - centre[l];
            d1[l] += d;
            d2[l] += d * d;
          }
      }
      for (int l = 0; l < kLanes; ++l) {
        drift[l] += d1[l];
        squares[l] += d2[l];
      }
    }
    const double n = static_cast<double>(rows);
    for (int l = 0; l < width; ++l)
      acc[c + l] = {n, static_cast<double>(centre[l]) + drift[l] / n, squares[l] - drift[l] * (drift[l] / n)};
  }
}

template <class T>
struct Variance {
  using In = T;
  using Acc = Moments;
  using Out = T;

  static constexpr bool kHasShortRows = false;

  static Acc identity() { return {0, 0, 0}; }
  static Acc span(const T* p, int64_t n, int64_t stride) {
    const double mean = fold_span<Sum<T>>(p, n, stride) / static_cast<double>(n);
    if (stride == 1) return span_moments(p, n, mean);
    double drift = 0, squares = 0;
    for (int64_t i = 0; i < n; ++i) {
      const double d = static_cast<double>(p[i * stride]) - mean;
      drift += d;
      squares += d * d;
    }
    const double count = static_cast<double>(n);
    return {count, mean + drift / count, squares - drift * (drift / count)};
  }
  static void columns(const T* p, int64_t rows, int64_t row_stride, int64_t cols, int64_t col_stride, Acc* acc) {
    if (col_stride != 1) {
      for (int64_t c = 0; c < cols; ++c) acc[c] = span(p + c * col_stride, rows, row_stride);
      return;
    }
    Wide<T> sums[kColumns];
    fold_columns<Sum<T>>(p, rows, row_stride, cols, 1, sums);
    for (int64_t c = 0; c < cols; ++c) acc[c].mean = sums[c];
    column_moments(p, rows, row_stride, cols, acc);
  }
  static void merge(Acc& a, const Acc& b) { merge_moments(a, b); }
  static Out finish(const Acc& a, int64_t count, double correction) {
    const double divisor = std::max(0.0, static_cast<double>(count) - correction);
    return static_cast<T>(a.squares / divisor);
  }
};

// ---- kernels ---------------------------------------------------------------------------------------------

// The float reducer at work on 16-bit floats, which are widened piece by piece.
template <class R, class Sixteen, int32_t kDType>
struct Widened {
  using In = uint16_t;
  using Acc = typename R::Acc;
  using Out = Sixteen;
  static constexpr int64_t kBuffer = 16 * kColumns;  // floats
  static constexpr bool kHasShortRows = R::kHasShortRows;

  static Acc identity() { return R::identity(); }
  static Acc span(const In* p, int64_t n, int64_t stride) {
    alignas(64) float run[kRun];
    Acc total = R::identity();
    for (int64_t i = 0; i < n; i += kRun) {
      const int64_t length = std::min(n - i, kRun);
      widen(kDType, p + i * stride, stride, length, run);
      const Acc part = R::span(run, length, 1);
      if (i == 0)
        total = part;
      else
        R::merge(total, part);
    }
    return total;
  }
  static void columns(const In* p, int64_t rows, int64_t row_stride, int64_t cols, int64_t col_stride, Acc* acc) {
    alignas(64) float block[kBuffer];
    Acc part[kColumns];
    const int64_t at_once = kBuffer / cols;
    for (int64_t first = 0; first < rows; first += at_once) {
      const int64_t height = std::min(rows - first, at_once);
      widen_rows(p + first * row_stride, row_stride, height, col_stride, cols, block);
      R::columns(block, height, cols, cols, 1, first == 0 ? acc : part);
      for (int64_t c = 0; first > 0 && c < cols; ++c) R::merge(acc[c], part[c]);
    }
  }
  static void short_rows(const In* p, int64_t row_stride, int rows, int64_t n, Acc* acc) {
    alignas(64) float block[kRowsAtOnce * kShortRow];
    widen_rows(p, row_stride, rows, 1, n, block);
    R::short_rows(block, n, rows, n, acc);
  }
  static void widen_rows(const In* p, int64_t row_stride, int64_t rows, int64_t step, int64_t n, float* block) {
    if (step == 1 && row_stride == n) return widen(kDType, p, 1, rows * n, block);
    for (int64_t r = 0; r < rows; ++r) widen(kDType, p + r * row_stride, step, n, block + r * n);
  }
  static void merge(Acc& a, const Acc& b) { R::merge(a, b); }
  static Out finish(const Acc& acc, int64_t count, double param) { return Out(R::finish(acc, count, param)); }
};

// `self` is the op's name.
template <class R>
dt_status reduce_kernel(const void* self, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                        int32_t, const dt_value*, int32_t) {
  return reduce<R>(static_cast<const char*>(self), ctx, outs[0], ins[0]);
}

template <template <class> class Fold>
void add_sixteens(KernelTable& table, const char* op) {
  using R = LaneReducer<Fold<float>>;
  table.add(op, DT_FLOAT16, reduce_kernel<Widened<R, Half, DT_FLOAT16>>, op);
  table.add(op, DT_BFLOAT16, reduce_kernel<Widened<R, BFloat16, DT_BFLOAT16>>, op);
}

template <class T>
dt_status variance_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                          int32_t, const dt_value* args, int32_t) {
  const double correction = args[2].tag == DT_NONE ? 1 : as_double(args[2]);
  return reduce<Variance<T>>("var", ctx, outs[0], ins[0], correction);
}

template <class T>
void add_floating(KernelTable& table, int32_t dtype) {
  add_fold<Sum<T>>(table, "sum", dtype);
  add_fold<Product<T>>(table, "prod", dtype);
  add_fold<Mean<T>>(table, "mean", dtype);
  add_fold<SumSquares<T>>(table, "sum_of_squares", dtype);
  add_fold<SumNumbers<T>>(table, "sum_of_numbers", dtype);
  table.add("var", dtype, variance_kernel<T>);
}

// A run of 1,024 of them fits the lanes.
template <class From, class Lane, class To = uint64_t>
void add_into(KernelTable& table, int32_t to, int32_t from) {
  table.add("sum", to, from, fold_kernel<SumInto<From, Lane, To>>, "sum");
}

template <class U>
void add_modular(KernelTable& table, int32_t with_sign, int32_t without) {
  for (int32_t dtype : {with_sign, without}) {
    add_fold<SumModular<U>>(table, "sum", dtype);
    add_fold<ProductModular<U>>(table, "prod", dtype);
  }
}

}  // namespace

void register_reduce(KernelTable& table) {
  KernelTable own;
  add_floating<float>(own, DT_FLOAT32);
  add_floating<double>(own, DT_FLOAT64);
  add_modular<uint8_t>(own, DT_INT8, DT_UINT8);
  add_modular<uint16_t>(own, DT_INT16, DT_UINT16);
  add_modular<uint32_t>(own, DT_INT32, DT_UINT32);
  add_modular<uint64_t>(own, DT_INT64, DT_UINT64);
  add_fold<Product<Complex<float>>>(own, "prod", DT_COMPLEX64);
  add_fold<Product<Complex<double>>>(own, "prod", DT_COMPLEX128);
  add_into<uint8_t, uint32_t>(own, DT_INT64, DT_BOOL);
  add_into<uint8_t, uint32_t>(own, DT_INT64, DT_UINT8);
  add_into<int8_t, int32_t, int64_t>(own, DT_INT64, DT_INT8);
  add_into<int16_t, int32_t, int64_t>(own, DT_INT64, DT_INT16);
  add_into<uint16_t, uint32_t>(own, DT_INT64, DT_UINT16);
  add_into<int32_t, int64_t, int64_t>(own, DT_INT64, DT_INT32);
  add_into<uint32_t, uint64_t>(own, DT_INT64, DT_UINT32);
  add_into<float, double, double>(own, DT_FLOAT64, DT_FLOAT32);
  for (const char* op : {"sum", "mean"}) add_as_real(own, op);
  add_sixteens<Sum>(own, "sum");
  add_sixteens<Mean>(own, "mean");
  add_sixteens<SumSquares>(own, "sum_of_squares");
  add_sixteens<SumNumbers>(own, "sum_of_numbers");
  register_extremes(own);
  register_truth(own);
  add_sixteen_whole(own);
  table.add_all(own);
  register_arg_reduce(table);
}

}  // namespace dovetail::cpu
