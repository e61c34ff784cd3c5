// Dropout: random numbers, factors and products in one pass, a block at a time that stays in the first cache.
#include "kernels/cpu/philox_range.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/room.h"
#include "kernels/cpu/sixteen.h"

namespace dovetail::cpu {

namespace {

constexpr int64_t kBlock = 1024;

template <class T>
DOVETAIL_CLONES void apply(const T* __restrict drawn, const T* __restrict in, T p, T scale, T* __restrict factor,
                           T* __restrict out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    factor[i] = drawn[i] >= p ? scale : T{0};
    out[i] = in[i] * factor[i];
  }
}

// (input, p, key, offset) -> (out, factor)
template <class T>
dt_status dropout_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                         int32_t, const dt_value* args, int32_t) {
  const int64_t n = numel(outs[0]);
  if (n == 0) return DT_OK;
  const double p = as_double(args[1]);
  const uint64_t key = static_cast<uint64_t>(args[2].as.i), offset = static_cast<uint64_t>(args[3].as.i);
  const T* in = contiguous_data<T>(ctx, ins[0]);
  T* const made[] = {room<T>(ctx, outs[0]), room<T>(ctx, outs[1])};
  if (!in || !made[0] || !made[1]) return out_of_memory(ctx, "philox_dropout");
  const T scale = static_cast<T>(p < 1 ? 1 / (1 - p) : 0.0);
  parallel(ctx, ceil_div(n, kBlock), 8, [&](int64_t begin, int64_t end) {
    T uniforms[kBlock + kUniformsBefore];
    for (int64_t b = begin; b < end; ++b) {
      const int64_t first = b * kBlock, count = std::min(kBlock, n - first);
      const T* drawn = philox_uniforms(key, offset, first, count, uniforms);
      apply(drawn, in + first, static_cast<T>(p), scale, made[1] + first, made[0] + first, count);
    }
  });
  for (int k = 0; k < 2; ++k) deliver(ctx, outs[k], made[k]);
  return DT_OK;
}

template <class T>
void add(KernelTable& table, int32_t dtype) {
  table.add("philox_dropout", dtype, dropout_kernel<T>);
}

}  // namespace

void register_dropout(KernelTable& table) { add_floats_whole(table, add<float>, add<double>); }

}  // namespace dovetail::cpu
