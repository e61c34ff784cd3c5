// layer_norm and its gradient: rows of N elements, each brought to mean 0 and variance 1.
#include <cmath>

#include "kernels/cpu/index_copy.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/sixteen.h"

namespace dovetail::cpu {

namespace {

constexpr int64_t kRun = 1024;  // elements added up in the element's own precision

template <class T>
constexpr int kLanes = 128 / sizeof(T);

template <class T>
DOVETAIL_INLINE double sum_lanes(T* lane) {
  for (int width = kLanes<T> / 2; width >= 1; width /= 2)
    for (int l = 0; l < width; ++l) lane[l] += lane[l + width];
  return lane[0];
}

// The sum of term(i) over [0, n).
template <class T, class Term>
DOVETAIL_INLINE double sum_terms(int64_t n, const Term& term) {
  constexpr int L = kLanes<T>;
  double total = 0;
  int64_t i = 0;
  while (i + L <= n) {
    T lane[L] = {};
    const int64_t end = i + (std::min(n - i, kRun) & -L);
    for (; i < end; i += L)
      for (int l = 0; l < L; ++l) lane[l] += term(i + l);
    total += sum_lanes(lane);
  }
  for (; i < n; ++i) total += static_cast<double>(term(i));
  return total;
}

template <class T>
struct Moments {
  T mean, scale;  // scale = 1 / sqrt(variance + eps)
};

template <class T>
DOVETAIL_INLINE Moments<T> moments(const T* x, int64_t n, double eps) {
  const double count = static_cast<double>(n);
  const T mean = static_cast<T>(sum_terms<T>(n, [x](int64_t i) { return x[i]; }) / count);
  const double squares = sum_terms<T>(n, [x, mean](int64_t i) { return (x[i] - mean) * (x[i] - mean); });
  return {mean, static_cast<T>(1 / std::sqrt(squares / count + eps))};
}

template <class T>
DOVETAIL_CLONES void norm_rows(const T* in, const T* weight, const T* bias, T* out, int64_t rows, int64_t n,
                               double eps) {
  for (int64_t r = 0; r < rows; ++r, in += n, out += n) {
    const Moments<T> m = moments(in, n, eps);
    // Not x * scale - mean * scale, which would lose what x and mean have in common.
    if (weight && bias) {
      for (int64_t i = 0; i < n; ++i) out[i] = (in[i] - m.mean) * m.scale * weight[i] + bias[i];
    } else if (weight) {
      for (int64_t i = 0; i < n; ++i) out[i] = (in[i] - m.mean) * m.scale * weight[i];
    } else if (bias) {
      for (int64_t i = 0; i < n; ++i) out[i] = (in[i] - m.mean) * m.scale + bias[i];
    } else {
      for (int64_t i = 0; i < n; ++i) out[i] = (in[i] - m.mean) * m.scale;
    }
  }
}

// With y = (x - mean) * scale and h = grad * weight:
//   grad_input = scale * (h - mean(h) - y * mean(h * y)),  grad_weight = sum(grad * y),  grad_bias = sum(grad)
// sums: grad_weight then grad_bias, to be added to.
template <class T>
DOVETAIL_CLONES void grad_rows(const T* grad, const T* in, const T* weight, T* __restrict out, T* __restrict sums,
                               int64_t rows, int64_t n, double eps) {
  const double count = static_cast<double>(n);
  T* __restrict weight_sums = sums;
  T* __restrict bias_sums = sums + n;
  for (int64_t r = 0; r < rows; ++r, grad += n, in += n, out += n) {
    const Moments<T> m = moments(in, n, eps);
    auto h = [grad, weight](int64_t i) { return weight ? grad[i] * weight[i] : grad[i]; };
    double total = 0, dot = 0;
    int64_t i = 0;
    while (i + kLanes<T> <= n) {
      T lane_h[kLanes<T>] = {}, lane_hy[kLanes<T>] = {};
      const int64_t end = i + (std::min(n - i, kRun) & -kLanes<T>);
      for (; i < end; i += kLanes<T>)
        for (int l = 0; l < kLanes<T>; ++l) {
          const T y = (in[i + l] - m.mean) * m.scale, g = grad[i + l];
          const T gw = weight ? g * weight[i + l] : g;
          weight_sums[i + l] += g * y;
          bias_sums[i + l] += g;
          lane_h[l] += gw;
          lane_hy[l] += gw * y;
        }
      total += sum_lanes(lane_h);
      dot += sum_lanes(lane_hy);
    }
    for (; i < n; ++i) {
      const T y = (in[i] - m.mean) * m.scale;
      weight_sums[i] += grad[i] * y;
      bias_sums[i] += grad[i];
      total += static_cast<double>(h(i));
      dot += static_cast<double>(h(i) * y);
    }
    const T mean_h = static_cast<T>(total / count), mean_hy = static_cast<T>(dot / count);
    for (i = 0; i < n; ++i) out[i] = m.scale * (h(i) - mean_h - (in[i] - m.mean) * m.scale * mean_hy);
  }
}

// How many elements are normalised together: those of the last `args[at].count` dims.
int64_t row_length(const dt_array& in, const dt_value& shape) {
  int64_t n = 1;
  for (int i = in.ndim - shape.count; i < in.ndim; ++i) n *= in.sizes[i];
  return n;
}

// An optional array; `failed` is set where scratch memory ran out.
template <class T>
const T* optional_data(dt_kernel_context* ctx, const dt_array& a, bool* failed) {
  if (a.ndim < 0) return nullptr;
  const T* data = contiguous_data<T>(ctx, a);
  *failed |= !data;
  return data;
}

template <class T>
dt_status layer_norm_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                            int32_t, const dt_value* args, int32_t) {
  const dt_array& out = outs[0];
  const int64_t count = numel(out);
  if (count == 0) return DT_OK;
  const int64_t n = row_length(ins[0], args[1]);
  const double eps = as_double(args[4]);
  bool failed = false;
  const T* in = optional_data<T>(ctx, ins[0], &failed);
  const T* weight = optional_data<T>(ctx, ins[1], &failed);
  const T* bias = optional_data<T>(ctx, ins[2], &failed);
  const bool direct = is_contiguous(out);
  T* to =
      direct ? static_cast<T*>(out.data) : static_cast<T*>(ctx->workspace(ctx, static_cast<size_t>(count) * sizeof(T)));
  if (failed || !to) return out_of_memory(ctx, "layer_norm");
  parallel(ctx, count / n, grain_for(3 * n), [&](int64_t begin, int64_t end) {
    norm_rows(in + begin * n, weight, bias, to + begin * n, end - begin, n, eps);
  });
  if (!direct) copy_from_contiguous(ctx, out, to);
  return DT_OK;
}

// ---- gradient ------------------------------------------------------------------------------------------------

constexpr int64_t kRowRun = 32;  // rows whose grad_weight is summed in the element's own precision

// Rows are cut into parts by shape; every part sums its share of grad_weight and grad_bias.
template <class T>
struct GradParts {
  int64_t rows, n, parts;
  double* totals;  // parts x 2n
  T* sums;         // parts x 2n

  GradParts(dt_kernel_context* ctx, int64_t rows, int64_t n) : rows(rows), n(n) {
    parts = std::max<int64_t>(1, std::min<int64_t>({rows, 32, rows * n / kGrain}));
    const size_t each = static_cast<size_t>(parts * 2 * n);
    totals = static_cast<double*>(ctx->workspace(ctx, each * sizeof(double) + 1));
    sums = static_cast<T*>(ctx->workspace(ctx, each * sizeof(T) + 1));
  }

  void run(dt_kernel_context* ctx, const T* grad, const T* in, const T* weight, T* out, double eps) const {
    parallel(ctx, parts, 1, [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) {
        double* total = totals + p * 2 * n;
        T* sum = sums + p * 2 * n;
        std::fill_n(total, 2 * n, 0.0);
        const int64_t last = rows * (p + 1) / parts;
        for (int64_t r = rows * p / parts; r < last; r += kRowRun) {
          std::fill_n(sum, 2 * n, T{0});
          grad_rows(grad + r * n, in + r * n, weight, out + r * n, sum, std::min(kRowRun, last - r), n, eps);
          for (int64_t i = 0; i < 2 * n; ++i) total[i] += static_cast<double>(sum[i]);
        }
      }
    });
    for (int64_t p = 1; p < parts; ++p)
      for (int64_t i = 0; i < 2 * n; ++i) totals[i] += totals[p * 2 * n + i];
    for (int64_t i = 0; i < 2 * n; ++i) sums[i] = static_cast<T>(totals[i]);
  }
};

template <class T>
dt_status layer_norm_grad_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t,
                                 const dt_array* ins, int32_t, const dt_value* args, int32_t) {
  const int64_t count = numel(ins[1]), n = row_length(ins[1], args[2]);
  const double eps = as_double(args[4]);
  bool failed = false;
  const T* grad = count ? optional_data<T>(ctx, ins[0], &failed) : nullptr;
  const T* in = count ? optional_data<T>(ctx, ins[1], &failed) : nullptr;
  const T* weight = n ? optional_data<T>(ctx, ins[2], &failed) : nullptr;
  const bool direct = is_contiguous(outs[0]);
  T* to = direct ? static_cast<T*>(outs[0].data)
                 : static_cast<T*>(ctx->workspace(ctx, static_cast<size_t>(count) * sizeof(T) + 1));
  const GradParts<T> parts(ctx, n ? count / n : 0, n);
  if (failed || (!to && count) || !parts.totals || !parts.sums) return out_of_memory(ctx, "layer_norm_grad");
  parts.run(ctx, grad, in, weight, to, eps);
  if (!direct) copy_from_contiguous(ctx, outs[0], to);
  copy_from_contiguous(ctx, outs[1], parts.sums);
  copy_from_contiguous(ctx, outs[2], parts.sums + n);
  return DT_OK;
}

}  // namespace

void register_norm(KernelTable& table) {
  KernelTable own;
  own.add("layer_norm", DT_FLOAT32, layer_norm_kernel<float>);
  own.add("layer_norm", DT_FLOAT64, layer_norm_kernel<double>);
  own.add("layer_norm_grad", DT_FLOAT32, layer_norm_grad_kernel<float>);
  own.add("layer_norm_grad", DT_FLOAT64, layer_norm_grad_kernel<double>);
  add_sixteen_whole(own);
  table.add_all(own);
}

}  // namespace dovetail::cpu
