// amp_unscale: gradients times a number, in place, and whether one of their elements was Inf or NaN; one pass over all.
#include <atomic>
#include <cmath>
#include <limits>

#include "kernels/cpu/index_common.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/sixteen.h"

namespace dovetail::cpu {

namespace {

// Whether all n elements were finite.
template <class T>
DOVETAIL_CLONES bool scale_run(T* x, int64_t n, T factor) {
  int bad = 0;
  for (int64_t i = 0; i < n; ++i) {
    bad |= !(std::fabs(x[i]) <= std::numeric_limits<T>::max());
    x[i] *= factor;
  }
  return !bad;
}

template <class T>
bool scale_range(const dt_array& grad, int64_t begin, int64_t end, T factor) {
  if (!is_sixteen(grad.dtype)) return scale_run(static_cast<T*>(grad.data) + begin, end - begin, factor);
  bool finite = true;
  if constexpr (std::is_same_v<T, float>) {
    constexpr int64_t kFew = 1024;
    alignas(64) float wide[kFew];
    for (; begin < end; begin += kFew) {
      const int64_t n = std::min(kFew, end - begin);
      uint16_t* at = static_cast<uint16_t*>(grad.data) + begin;
      widen(grad.dtype, at, 1, n, wide);
      finite &= scale_run(wide, n, factor);
      narrow(grad.dtype, wide, at, 1, n);
    }
  }
  return finite;
}

// grads, found_inf, inv_scale
template <class T>
dt_status unscale(const void*, dt_kernel_context* ctx, const dt_array*, int32_t, const dt_array* ins, int32_t,
                  const dt_value* args, int32_t) {
  const int64_t count = args[0].count;
  const T factor = static_cast<T>(*static_cast<const float*>(ins[count + 1].data));
  std::atomic<bool> finite{true};
  for (int64_t k = 0; k < count; ++k) {
    parallel(ctx, numel(ins[k]), kGrain, [&](int64_t begin, int64_t end) {
      if (!scale_range(ins[k], begin, end, factor)) finite.store(false, std::memory_order_relaxed);
    });
  }
  if (!finite) *static_cast<float*>(ins[count].data) = 1;
  return DT_OK;
}

}  // namespace

void register_unscale(KernelTable& table) {
  for (int32_t dtype : {DT_FLOAT32, DT_FLOAT16, DT_BFLOAT16}) table.add("amp_unscale", dtype, unscale<float>);
  table.add("amp_unscale", DT_FLOAT64, unscale<double>);
}

}  // namespace dovetail::cpu
