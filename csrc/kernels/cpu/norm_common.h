// What the kernels of normalisation share: moments, optional arrays, outputs that may be strided.
#pragma once

#include <cmath>

#include "kernels/cpu/index_copy.h"
#include "kernels/cpu/sum_lanes.h"

namespace dovetail::cpu::norms {

using namespace lanes;

constexpr int64_t kPlane = 64;  // spatial positions of a channel that make a plane

template <class T>
struct Moments {
  T mean, scale;  // scale = 1 / sqrt(variance + eps)
};

// Of n elements; not centred, the mean counts as 0.
template <bool kCentred, class T>
DOVETAIL_INLINE Moments<T> moments(const T* x, int64_t n, double eps) {
  const double count = static_cast<double>(n);
  const T mean = kCentred ? static_cast<T>(sum_terms(x, n, [](auto&) {}) / count) : T{0};
  const double squares = sum_terms(x, n, [mean](auto& v) {
    v -= mean;
    v *= v;
  });
  return {mean, static_cast<T>(1 / std::sqrt(squares / count + eps))};
}

// Arrays in row-major order; `failed` is set where scratch memory ran out.
class Operands {
 public:
  explicit Operands(dt_kernel_context* ctx) : ctx_(ctx) {}

  // An input; null where it was not given or is empty.
  template <class T>
  const T* in(const dt_array& a) {
    if (a.ndim < 0 || numel(a) == 0) return nullptr;
    const T* data = contiguous_data<T>(ctx_, a);
    failed_ |= !data;
    return data;
  }
  // Where an output is written: itself, or scratch memory that deliver() copies from.
  template <class T>
  T* out(const dt_array& a) {
    return is_contiguous(a) ? static_cast<T*>(a.data) : scratch<T>(numel(a));
  }
  template <class T>
  T* scratch(int64_t count) {
    T* data = static_cast<T*>(ctx_->workspace(ctx_, static_cast<size_t>(count) * sizeof(T) + 1));
    failed_ |= !data;
    return data;
  }
  void deliver(const dt_array& a, const void* from) const {
    if (!is_contiguous(a)) copy_from_contiguous(ctx_, a, from);
  }
  bool failed() const { return failed_; }

 private:
  dt_kernel_context* ctx_;
  bool failed_ = false;
};

}  // namespace dovetail::cpu::norms
