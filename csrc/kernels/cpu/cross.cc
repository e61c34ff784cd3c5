// The cross product.
#include <algorithm>

#include "kernels/cpu/families.h"
#include "kernels/cpu/index_common.h"
#include "kernels/cpu/registry.h"

namespace dovetail::cpu {
namespace {

constexpr int64_t kStrip = 1024;  // vectors that are worth a call

// `n` vectors; `at` is how far to the next, and `part` to the next element of one, of a, b and the result.
template <class T>
void cross_run(const T* a, const T* b, T* out, const int64_t (&at)[3], const int64_t (&part)[3], int64_t n) {
  for (int64_t i = 0; i < n; ++i, a += at[0], b += at[1], out += at[2]) {
    const T a0 = a[0], a1 = a[part[0]], a2 = a[2 * part[0]], b0 = b[0], b1 = b[part[1]], b2 = b[2 * part[1]];
    out[0] = a1 * b2 - a2 * b1;
    out[part[2]] = a2 * b0 - a0 * b2;
    out[2 * part[2]] = a0 * b1 - a1 * b0;
  }
}

template <class T>
dt_status cross_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                       const dt_value* args, int32_t) {
  const dt_array &a = ins[0], &b = ins[1], &out = outs[0];
  bool fits = a.ndim == b.ndim && a.ndim > 0;
  for (int i = 0; fits && i < a.ndim; ++i) fits = a.sizes[i] == b.sizes[i];
  const int64_t dim = args[2].as.i;
  if (!fits || dim < 0 || dim >= a.ndim || a.sizes[dim] != 3)
    return ctx->fail(ctx, DT_ERR_VALUE, "cross_product: expected two tensors of one shape, of size 3 in dim");
  if (numel(a) == 0) return DT_OK;
  Walk<3> vectors;
  for (int i = 0; i < a.ndim; ++i)
    if (i != dim) vectors.add(a.sizes[i], {a.strides[i], b.strides[i], out.strides[i]});
  const int64_t part[3] = {a.strides[dim], b.strides[dim], out.strides[dim]};
  int64_t at[3];
  const int64_t width = vectors.pop(at), strips = ceil_div(width, kStrip);
  parallel(ctx, vectors.count() * strips, grain_for(std::min(width, kStrip) * 3), [&](int64_t begin, int64_t end) {
    Walk<3> w = vectors;
    for (int64_t u = begin; u < end; ++u) {
      const int64_t from = u % strips * kStrip;
      w.seek(u / strips);
      cross_run(static_cast<const T*>(a.data) + w.offset[0] + from * at[0],
                static_cast<const T*>(b.data) + w.offset[1] + from * at[1],
                static_cast<T*>(out.data) + w.offset[2] + from * at[2], at, part, std::min(kStrip, width - from));
    }
  });
  return DT_OK;
}

}  // namespace

void register_cross(KernelTable& table) {
  table.add("cross_product", DT_FLOAT32, DT_FLOAT32, cross_kernel<float>);
  table.add("cross_product", DT_FLOAT64, DT_FLOAT64, cross_kernel<double>);
}

}  // namespace dovetail::cpu
