// softmax, log_softmax and their gradients. A line along the dim is either contiguous, or one of many columns that lie
// side by side and are worked on together.
#include <cmath>

#include "kernels/cpu/registry.h"
#include "kernels/cpu/room.h"
#include "kernels/cpu/sixteen.h"
#include "kernels/cpu/softmax_exp.h"
#include "kernels/cpu/softmax_lines.h"

namespace dovetail::cpu {

namespace {

using namespace lanes;

// A gradient's columns, of which there are mostly as many as lanes.
template <class Op, class T>
DOVETAIL_CLONES void run_strip(const T* a, const T* b, T* out, int64_t n, int64_t step, int width) {
  if (width == kLanes<T>)
    Op::template strip<kLanes<T>>(a, b, out, n, step, width);
  else
    Op::template strip<0>(a, b, out, n, step, width);
}

// ---- lines ---------------------------------------------------------------------------------------------------

template <class T>
DOVETAIL_CLONES void multiply(T* out, T by, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] *= by;
}
template <class T>
DOVETAIL_CLONES void multiply_columns(T* __restrict out, const T* by, int64_t n, int64_t step, int width) {
  for (int64_t i = 0; i < n; ++i, out += step) {
    if (width == kLanes<T>)
      for (int l = 0; l < kLanes<T>; ++l) out[l] *= by[l];
    else
      for (int l = 0; l < width; ++l) out[l] *= by[l];
  }
}
template <class T>
DOVETAIL_CLONES void subtract_twice(const T* __restrict in, T top, T more, T* __restrict out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] = (in[i] - top) - more;
}
template <class T>
DOVETAIL_CLONES void subtract_columns(const T* __restrict in, const T* top, const T* more, T* __restrict out, int64_t n,
                                      int64_t step, int width) {
  for (int64_t i = 0; i < n; ++i, in += step, out += step) {
    if (width == kLanes<T>)
      for (int l = 0; l < kLanes<T>; ++l) out[l] = (in[l] - top[l]) - more[l];
    else
      for (int l = 0; l < width; ++l) out[l] = (in[l] - top[l]) - more[l];
  }
}

template <class T>
struct Softmax {
  static constexpr int kInputs = 1;

  static void line(const T* in, const T*, T* out, int64_t n) {
    T top;
    multiply(out, static_cast<T>(1 / softmax_lines<T>().line(in, n, out, &top)), n);
  }
  static void columns(const T* in, const T*, T* out, int64_t n, int64_t step, int width) {
    T top[kLanes<T>];
    double total[kLanes<T>];
    softmax_lines<T>().columns(in, n, step, width, out, top, total);
    for (int l = 0; l < width; ++l) top[l] = static_cast<T>(1 / total[l]);
    multiply_columns(out, top, n, step, width);
  }
};

template <class T>
struct LogSoftmax {
  static constexpr int kInputs = 1;

  static void line(const T* in, const T*, T* out, int64_t n) {
    T top;
    const double total = softmax_lines<T>().line(in, n, nullptr, &top);
    subtract_twice(in, top, static_cast<T>(std::log(total)), out, n);
  }
  static void columns(const T* in, const T*, T* out, int64_t n, int64_t step, int width) {
    T top[kLanes<T>], shift[kLanes<T>];
    double total[kLanes<T>];
    softmax_lines<T>().columns(in, n, step, width, nullptr, top, total);
    for (int l = 0; l < width; ++l) shift[l] = static_cast<T>(std::log(total[l]));
    subtract_columns(in, top, shift, out, n, step, width);
  }
};

// output * (grad - sum(grad * output))
template <class T>
struct SoftmaxGrad {
  static constexpr int kInputs = 2;

  DOVETAIL_CLONES static void line(const T* grad, const T* output, T* out, int64_t n) {
    const T sum = static_cast<T>(sum_terms<T>(n, [=](int64_t i) { return grad[i] * output[i]; }));
    for (int64_t i = 0; i < n; ++i) out[i] = output[i] * (grad[i] - sum);
  }
  template <int kWidth>
  DOVETAIL_INLINE static void strip(const T* grad, const T* output, T* __restrict out, int64_t n, int64_t step,
                                    int width) {
    double total[kLanes<T>] = {};
    T sum[kLanes<T>];
    const int w = kWidth ? kWidth : width;
    sum_columns<T>(n, w, total, [&](int64_t i, int l) { return grad[i * step + l] * output[i * step + l]; });
    for (int l = 0; l < w; ++l) sum[l] = static_cast<T>(total[l]);
    for (int64_t i = 0; i < n; ++i)
      for (int l = 0; l < w; ++l) out[i * step + l] = output[i * step + l] * (grad[i * step + l] - sum[l]);
  }
  static void columns(const T* grad, const T* output, T* out, int64_t n, int64_t step, int width) {
    run_strip<SoftmaxGrad>(grad, output, out, n, step, width);
  }
};

// grad - exp(output) * sum(grad)
template <class T>
struct LogSoftmaxGrad {
  static constexpr int kInputs = 2;

  DOVETAIL_CLONES static void line(const T* grad, const T* output, T* out, int64_t n) {
    const T sum = static_cast<T>(sum_terms<T>(n, [=](int64_t i) { return grad[i]; }));
    for (int64_t i = 0; i < n; ++i) out[i] = grad[i] - exp_nonpositive(output[i]) * sum;
  }
  template <int kWidth>
  DOVETAIL_INLINE static void strip(const T* grad, const T* output, T* __restrict out, int64_t n, int64_t step,
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
  static void columns(const T* grad, const T* output, T* out, int64_t n, int64_t step, int width) {
    run_strip<LogSoftmaxGrad>(grad, output, out, n, step, width);
  }
};

// ---- driving -------------------------------------------------------------------------------------------------

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
      Op<T>::columns(a + at, b + at, out + at, n, inner,
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
  T* to = room<T>(ctx, out);
  if (!a || !b || !to) return out_of_memory(ctx, static_cast<const char*>(self));
  run_contiguous<T, Op>(ctx, a, b, to, count / (n * inner), n, inner);
  deliver(ctx, out, to);
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
