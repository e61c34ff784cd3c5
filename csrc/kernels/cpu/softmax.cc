// softmax, log_softmax and their gradients. A line along the dim is either contiguous, or one of many columns that lie
// side by side and are worked on together.
#include <cmath>
#include <limits>
#include <type_traits>

#include "kernels/cpu/index_copy.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/sixteen.h"
#include "kernels/cpu/softmax_exp.h"

namespace dovetail::cpu {

namespace {

constexpr int64_t kRun = 1024;  // elements added up in the element's own precision

template <class T>
constexpr int kLanes = 128 / sizeof(T);

template <int L, class T>
DOVETAIL_INLINE double sum_lanes(T* lane) {
  for (int width = L / 2; width >= 1; width /= 2)
    for (int l = 0; l < width; ++l) lane[l] += lane[l + width];
  return lane[0];
}

template <int L>
using Width = std::integral_constant<int, L>;

// Adds up what body(width, a, b, out, lanes) puts into its lanes, block by block: whole blocks of kLanes elements, then
// blocks of 8, the last of them padded with `pad`.
template <class T, class Body>
DOVETAIL_INLINE double sum_blocks(const T* a, const T* b, T* out, int64_t n, T pad, const Body& body) {
  constexpr int L = kLanes<T>, kNarrow = 8;
  double total = 0;
  int64_t i = 0;
  while (i + L <= n) {
    T lane[L] = {};
    const int64_t end = i + (std::min(n - i, kRun) & -L);
    for (; i < end; i += L) body(Width<L>{}, a + i, b + i, out + i, lane);
    total += sum_lanes<L>(lane);
  }
  if (i == n) return total;
  T lane[kNarrow] = {};
  for (; i + kNarrow <= n; i += kNarrow) body(Width<kNarrow>{}, a + i, b + i, out + i, lane);
  if (i < n) {
    T rest_a[kNarrow], rest_b[kNarrow], rest_out[kNarrow];
    for (int l = 0; l < kNarrow; ++l) {
      rest_a[l] = i + l < n ? a[i + l] : pad;
      rest_b[l] = i + l < n ? b[i + l] : T{0};
    }
    body(Width<kNarrow>{}, rest_a, rest_b, rest_out, lane);
    for (int64_t l = 0; i + l < n; ++l) out[i + l] = rest_out[l];
  }
  return total + sum_lanes<kNarrow>(lane);
}

// NaNs are passed over: they reach the result through the sum.
template <class T>
DOVETAIL_INLINE T largest(const T* in, int64_t n) {
  constexpr int L = kLanes<T>;
  T lane[L];
  for (int l = 0; l < L; ++l) lane[l] = -std::numeric_limits<T>::infinity();
  int64_t i = 0;
  for (; i + L <= n; i += L)
    for (int l = 0; l < L; ++l) lane[l] = in[i + l] > lane[l] ? in[i + l] : lane[l];
  for (; i < n; ++i) lane[0] = in[i] > lane[0] ? in[i] : lane[0];
  for (int width = L / 2; width >= 1; width /= 2)
    for (int l = 0; l < width; ++l) lane[l] = lane[l + width] > lane[l] ? lane[l + width] : lane[l];
  return lane[0];
}

// total[l] += the sum over the n rows of term(i, l): short runs of rows in T, those in double.
template <class T, class Term>
DOVETAIL_INLINE void sum_columns(int64_t n, int width, double* total, const Term& term) {
  constexpr int64_t kRows = 32;
  for (int64_t first = 0; first < n; first += kRows) {
    const int64_t last = std::min(n, first + kRows);
    T sum[kLanes<T>];
    for (int l = 0; l < width; ++l) sum[l] = term(first, l);
    for (int64_t i = first + 1; i < last; ++i)
      for (int l = 0; l < width; ++l) sum[l] += term(i, l);
    for (int l = 0; l < width; ++l) total[l] += static_cast<double>(sum[l]);
  }
}

// ---- contiguous lines ----------------------------------------------------------------------------------------

template <class T>
struct Softmax {
  static constexpr int kInputs = 1;

  DOVETAIL_CLONES static void line(const T* in, const T*, T* out, int64_t n) {
    constexpr T kLow = -std::numeric_limits<T>::infinity();
    const T top = largest(in, n);
    const double total = sum_blocks(in, in, out, n, kLow, [top](auto width, const T* x, const T*, T* y, T* lane) {
      for (int l = 0; l < width; ++l) {
        const T e = exp_nonpositive(x[l] - top);
        y[l] = e;
        lane[l] += e;
      }
    });
    const T scale = static_cast<T>(1 / total);
    for (int64_t i = 0; i < n; ++i) out[i] *= scale;
  }

  template <int kWidth>
  DOVETAIL_INLINE static void columns(const T* in, const T*, T* __restrict out, int64_t n, int64_t step, int width) {
    T top[kLanes<T>];
    double total[kLanes<T>] = {};
    const int w = kWidth ? kWidth : width;
    for (int l = 0; l < w; ++l) top[l] = in[l];
    for (int64_t i = 1; i < n; ++i)
      for (int l = 0; l < w; ++l) top[l] = in[i * step + l] > top[l] ? in[i * step + l] : top[l];
    sum_columns<T>(n, w, total,
                   [&](int64_t i, int l) { return out[i * step + l] = exp_nonpositive(in[i * step + l] - top[l]); });
    for (int l = 0; l < w; ++l) top[l] = static_cast<T>(1 / total[l]);
    for (int64_t i = 0; i < n; ++i)
      for (int l = 0; l < w; ++l) out[i * step + l] *= top[l];
  }
};

template <class T>
struct LogSoftmax {
  static constexpr int kInputs = 1;

  DOVETAIL_CLONES static void line(const T* in, const T*, T* out, int64_t n) {
    constexpr T kLow = -std::numeric_limits<T>::infinity();
    const T top = largest(in, n);
    const double total = sum_blocks(in, in, out, n, kLow, [top](auto width, const T* x, const T*, T* y, T* lane) {
      for (int l = 0; l < width; ++l) {
        y[l] = x[l] - top;
        lane[l] += exp_nonpositive(y[l]);
      }
    });
    const T shift = static_cast<T>(std::log(total));
    for (int64_t i = 0; i < n; ++i) out[i] -= shift;
  }

  template <int kWidth>
  DOVETAIL_INLINE static void columns(const T* in, const T*, T* __restrict out, int64_t n, int64_t step, int width) {
    T top[kLanes<T>], shift[kLanes<T>];
    double total[kLanes<T>] = {};
    const int w = kWidth ? kWidth : width;
    for (int l = 0; l < w; ++l) top[l] = in[l];
    for (int64_t i = 1; i < n; ++i)
      for (int l = 0; l < w; ++l) top[l] = in[i * step + l] > top[l] ? in[i * step + l] : top[l];
    sum_columns<T>(n, w, total, [&](int64_t i, int l) { return exp_nonpositive(in[i * step + l] - top[l]); });
    for (int l = 0; l < w; ++l) shift[l] = static_cast<T>(std::log(total[l]));
    for (int64_t i = 0; i < n; ++i)
      for (int l = 0; l < w; ++l) out[i * step + l] = (in[i * step + l] - top[l]) - shift[l];
  }
};

// output * (grad - sum(grad * output))
template <class T>
struct SoftmaxGrad {
  static constexpr int kInputs = 2;

  DOVETAIL_CLONES static void line(const T* grad, const T* output, T* out, int64_t n) {
    const double total = sum_blocks(grad, output, out, n, T{0}, [](auto width, const T* g, const T* o, T* y, T* lane) {
      for (int l = 0; l < width; ++l) {
        y[l] = g[l];
        lane[l] += g[l] * o[l];
      }
    });
    const T sum = static_cast<T>(total);
    for (int64_t i = 0; i < n; ++i) out[i] = output[i] * (out[i] - sum);
  }

  template <int kWidth>
  DOVETAIL_INLINE static void columns(const T* grad, const T* output, T* __restrict out, int64_t n, int64_t step,
                                      int width) {
    double total[kLanes<T>] = {};
    T sum[kLanes<T>];
    const int w = kWidth ? kWidth : width;
    sum_columns<T>(n, w, total, [&](int64_t i, int l) { return grad[i * step + l] * output[i * step + l]; });
    for (int l = 0; l < w; ++l) sum[l] = static_cast<T>(total[l]);
    for (int64_t i = 0; i < n; ++i)
      for (int l = 0; l < w; ++l) out[i * step + l] = output[i * step + l] * (grad[i * step + l] - sum[l]);
  }
};

// grad - exp(output) * sum(grad)
template <class T>
struct LogSoftmaxGrad {
  static constexpr int kInputs = 2;

  DOVETAIL_CLONES static void line(const T* grad, const T* output, T* out, int64_t n) {
    const double total = sum_blocks(grad, output, out, n, T{0}, [](auto width, const T* g, const T* o, T* y, T* lane) {
      for (int l = 0; l < width; ++l) {
        y[l] = exp_nonpositive(o[l]);
        lane[l] += g[l];
      }
    });
    const T sum = static_cast<T>(total);
    for (int64_t i = 0; i < n; ++i) out[i] = grad[i] - out[i] * sum;
  }

  template <int kWidth>
  DOVETAIL_INLINE static void columns(const T* grad, const T* output, T* __restrict out, int64_t n, int64_t step,
                                      int width) {
    double total[kLanes<T>] = {};
    T sum[kLanes<T>];
    const int w = kWidth ? kWidth : width;
    sum_columns<T>(n, w, total, [&](int64_t i, int l) { return grad[i * step + l]; });
    for (int l = 0; l < w; ++l) sum[l] = static_cast<T>(total[l]);
    for (int64_t i = 0; i < n; ++i)
      for (int l = 0; l < w; ++l)
        out[i * step + l] = grad[i * step + l] - exp_nonpositive(output[i * step + l]) * sum[l];
  }
};

// ---- driving -------------------------------------------------------------------------------------------------

template <class T, template <class> class Op>
DOVETAIL_CLONES void run_columns(const T* a, const T* b, T* out, int64_t n, int64_t step, int width) {
  if (width == kLanes<T>)
    Op<T>::template columns<kLanes<T>>(a, b, out, n, step, width);
  else
    Op<T>::template columns<0>(a, b, out, n, step, width);
}

template <class T, template <class> class Op>
void run_contiguous(dt_kernel_context* ctx, const T* a, const T* b, T* out, int64_t outer, int64_t n, int64_t inner) {
  constexpr int64_t kCost = 4;  // of an element, beside that of an addition
  if (inner == 1) {
    parallel(ctx, outer, grain_for(kCost * n), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) Op<T>::line(a + r * n, b + r * n, out + r * n, n);
    });
    return;
  }
  const int64_t strips = ceil_div(inner, kLanes<T>);
  parallel(ctx, outer * strips, grain_for(kCost * n * kLanes<T>), [&](int64_t begin, int64_t end) {
    for (int64_t u = begin; u < end; ++u) {
      const int64_t column = u % strips * kLanes<T>, at = u / strips * n * inner + column;
      run_columns<T, Op>(a + at, b + at, out + at, n, inner,
                         static_cast<int>(std::min<int64_t>(kLanes<T>, inner - column)));
    }
  });
}

// `self` is the op's name. The dim is argument kInputs.
template <class T, template <class> class Op>
dt_status softmax_kernel(const void* self, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                         int32_t, const dt_value* args, int32_t) {
  const dt_array& out = outs[0];
  const int64_t count = numel(out);
  if (count == 0) return DT_OK;
  const int dim = out.ndim == 0 ? 0 : static_cast<int>(args[Op<T>::kInputs].as.i);
  const int64_t n = out.ndim == 0 ? 1 : out.sizes[dim];
  int64_t inner = 1;
  for (int i = dim + 1; i < out.ndim; ++i) inner *= out.sizes[i];

  const T* a = contiguous_data<T>(ctx, ins[0]);
  const T* b = Op<T>::kInputs == 2 ? contiguous_data<T>(ctx, ins[1]) : a;
  const bool direct = is_contiguous(out);
  T* to =
      direct ? static_cast<T*>(out.data) : static_cast<T*>(ctx->workspace(ctx, static_cast<size_t>(count) * sizeof(T)));
  if (!a || !b || !to) return out_of_memory(ctx, static_cast<const char*>(self));
  run_contiguous<T, Op>(ctx, a, b, to, count / (n * inner), n, inner);
  if (!direct) copy_from_contiguous(ctx, out, to);
  return DT_OK;
}

template <template <class> class Op>
void add(KernelTable& table, const char* op) {
  table.add(op, DT_FLOAT32, softmax_kernel<float, Op>, op);
  table.add(op, DT_FLOAT64, softmax_kernel<double, Op>, op);
}

}  // namespace

void register_softmax(KernelTable& table) {
  KernelTable own;
  add<Softmax>(own, "softmax");
  add<LogSoftmax>(own, "log_softmax");
  add<SoftmaxGrad>(own, "softmax_grad");
  add<LogSoftmaxGrad>(own, "log_softmax_grad");
  add_sixteen_whole(own);
  table.add_all(own);
}

}  // namespace dovetail::cpu
