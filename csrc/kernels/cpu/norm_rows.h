// Contiguous rows that are normalised each by itself, with an affine map of their elements.
//
// A sample is `groups` rows of n elements, and the affine map has an entry for every element of a sample: layer_norm
// has one group, group_norm several.
#pragma once

#include "kernels/cpu/norm_common.h"

namespace dovetail::cpu::norms {

struct Rows {
  int64_t samples, groups, n;
  int64_t sample() const { return groups * n; }
};

template <class T>
DOVETAIL_INLINE void norm_row(const Moments<T>& m, const T* in, const T* weight, const T* bias, T* out, int64_t n) {
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

constexpr int64_t kMomentRows = 8, kMomentElements = 2048;  // the most that a step of norm_some has

// Rows [begin, end). The moments of some come before their results: a row's are one chain of sums, roots and quotients,
// and while the processor waits for it, it works on the next row's.
template <bool kCentred, class T>
DOVETAIL_CLONES void norm_some(const Rows& rows, const T* in, const T* weight, const T* bias, T* out, double eps,
                               int64_t begin, int64_t end) {
  const int64_t n = rows.n, step = std::clamp<int64_t>(kMomentElements / n, 1, kMomentRows);
  Moments<T> m[kMomentRows];
  for (; begin < end; begin += step) {
    const int64_t count = std::min(step, end - begin);
    for (int64_t k = 0; k < count; ++k) m[k] = moments<kCentred>(in + (begin + k) * n, n, eps);
    for (int64_t k = 0; k < count; ++k) {
      const int64_t row = begin + k, at = row % rows.groups * n;
      norm_row(m[k], in + row * n, weight ? weight + at : nullptr, bias ? bias + at : nullptr, out + row * n, n);
    }
  }
}

template <bool kCentred, class T>
void run_rows(dt_kernel_context* ctx, const Rows& rows, const T* in, const T* weight, const T* bias, T* out,
              double eps) {
  parallel(ctx, rows.samples * rows.groups, grain_for(6 * rows.n),
           [&](int64_t begin, int64_t end) { norm_some<kCentred>(rows, in, weight, bias, out, eps, begin, end); });
}

// With y = (x - mean) * scale and h = grad * weight:
//   grad_input = scale * (h - mean(h) - y * mean(h * y)),  grad_weight = sum(grad * y),  grad_bias = sum(grad)
// where mean(h) is left out unless centred. The sums are added to.
template <bool kCentred, bool kWeight, class T>
DOVETAIL_INLINE void grad_row(const T* grad, const T* in, const T* weight, T* __restrict out, T* __restrict weight_sums,
                              T* __restrict bias_sums, int64_t n, double eps) {
  const Moments<T> m = moments<kCentred>(in, n, eps);
  double totals[2] = {};
  add_terms<T, 2>(n, totals, [=](int64_t i, T* share) {
    const T y = (in[i] - m.mean) * m.scale, g = grad[i];
    weight_sums[i] += g * y;
    if (kCentred) bias_sums[i] += g;
    share[0] = kWeight ? g * weight[i] : g;
    share[1] = share[0] * y;
  });
  const double count = static_cast<double>(n);
  const T mean_h = kCentred ? static_cast<T>(totals[0] / count) : T{0}, mean_hy = static_cast<T>(totals[1] / count);
  for (int64_t i = 0; i < n; ++i) {
    const T h = kWeight ? grad[i] * weight[i] : grad[i];
    out[i] = m.scale * (h - mean_h - (in[i] - m.mean) * m.scale * mean_hy);
  }
}

// `count` rows, `step` apart.
template <bool kCentred, class T>
DOVETAIL_CLONES void grad_rows(const T* grad, const T* in, const T* weight, T* out, T* weight_sums, T* bias_sums,
                               int64_t count, int64_t step, int64_t n, double eps) {
  for (int64_t r = 0; r < count; ++r, grad += step, in += step, out += step) {
    if (weight)
      grad_row<kCentred, true>(grad, in, weight, out, weight_sums, bias_sums, n, eps);
    else
      grad_row<kCentred, false>(grad, in, weight, out, weight_sums, bias_sums, n, eps);
  }
}

// Samples are cut into parts by shape; every part sums its share of grad_weight and grad_bias.
template <class T>
class GradParts {
 public:
  GradParts(Operands& operands, const Rows& rows) : rows_(rows) {
    const int64_t n = rows.sample();
    parts_ = std::max<int64_t>(1, std::min<int64_t>({rows.samples, 32, rows.samples * n / kGrain}));
    totals_ = operands.scratch<double>(parts_ * 2 * n);
    sums_ = operands.scratch<T>(parts_ * 2 * n);
  }

  template <bool kCentred>
  void run(dt_kernel_context* ctx, const T* grad, const T* in, const T* weight, T* out, double eps) const {
    const int64_t n = rows_.n, sample = rows_.sample(), units = parts_ * rows_.groups;
    parallel(ctx, units, grain_for(8 * rows_.samples * sample / units), [&](int64_t begin, int64_t end) {
      for (int64_t u = begin; u < end; ++u) {
        const int64_t p = u / rows_.groups, at = u % rows_.groups * n;
        double* totals[2] = {totals_ + p * 2 * sample + at, totals_ + (p * 2 + 1) * sample + at};
        T* sums[2] = {sums_ + p * 2 * sample + at, sums_ + (p * 2 + 1) * sample + at};
        for (double* total : totals) std::fill_n(total, n, 0.0);
        const int64_t last = rows_.samples * (p + 1) / parts_;
        for (int64_t r = rows_.samples * p / parts_; r < last; r += kRowRun) {
          for (T* sum : sums) std::fill_n(sum, n, T{0});
          const int64_t first = r * sample + at;
          grad_rows<kCentred>(grad + first, in + first, weight ? weight + at : nullptr, out + first, sums[0], sums[1],
                              std::min(kRowRun, last - r), sample, n, eps);
          for (int k = 0; k < 2; ++k)
            for (int64_t i = 0; i < n; ++i) totals[k][i] += static_cast<double>(sums[k][i]);
        }
      }
    });
    for (int64_t p = 1; p < parts_; ++p)
      for (int64_t i = 0; i < 2 * sample; ++i) totals_[i] += totals_[p * 2 * sample + i];
  }

  // grad_weight for every element of a sample, then grad_bias.
  const double* totals() const { return totals_; }
  // Those in [first, first + count), as elements.
  const T* rounded(Operands& operands, int64_t first, int64_t count) const {
    T* made = operands.scratch<T>(count);
    for (int64_t i = 0; made && i < count; ++i) made[i] = static_cast<T>(totals_[first + i]);
    return made;
  }

 private:
  Rows rows_;
  int64_t parts_;
  double* totals_;  // parts x 2 x sample
  T* sums_;
};

}  // namespace dovetail::cpu::norms
