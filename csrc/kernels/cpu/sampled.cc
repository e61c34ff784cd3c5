// Counts drawn by rejection. Compiled with -ffp-contract=off: the same counts on every machine.
#include "kernels/common/samplers.h"
#include "kernels/cpu/families.h"
#include "kernels/cpu/index_copy.h"
#include "kernels/cpu/registry.h"

namespace dovetail::cpu {
namespace {

using samplers::Stream;

constexpr int64_t kSampleGrain = 512;  // elements that are worth a thread

// draw(i, stream) for every element, each with its stream.
template <class T, class Draw>
dt_status draw_each(dt_kernel_context* ctx, const dt_array& out, const dt_value* key, const Draw& draw) {
  const int64_t n = numel(out);
  const bool direct = is_contiguous(out);
  T* to = direct ? static_cast<T*>(out.data) : static_cast<T*>(ctx->workspace(ctx, static_cast<size_t>(n) * sizeof(T)));
  if (!to) return out_of_memory(ctx, "random");
  const uint64_t seed = static_cast<uint64_t>(key[0].as.i), offset = static_cast<uint64_t>(key[1].as.i);
  parallel(ctx, n, kSampleGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      to[i] = static_cast<T>(draw(i, Stream(seed, offset + static_cast<uint64_t>(i))));
  });
  if (!direct) copy_from_contiguous(ctx, out, to);
  return DT_OK;
}

template <class T>
dt_status poisson_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                         int32_t, const dt_value* args, int32_t) {
  if (numel(outs[0]) == 0) return DT_OK;
  const T* rate = contiguous_data<T>(ctx, ins[0]);
  if (!rate) return out_of_memory(ctx, "philox_poisson");
  return draw_each<T>(ctx, outs[0], args + 1,
                      [&](int64_t i, const Stream& stream) { return samplers::poisson(rate[i], stream); });
}

template <class T>
dt_status binomial_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                          int32_t, const dt_value* args, int32_t) {
  if (numel(outs[0]) == 0) return DT_OK;
  const T *count = contiguous_data<T>(ctx, ins[0]), *prob = contiguous_data<T>(ctx, ins[1]);
  if (!count || !prob) return out_of_memory(ctx, "philox_binomial");
  return draw_each<T>(ctx, outs[0], args + 2,
                      [&](int64_t i, const Stream& stream) { return samplers::binomial(count[i], prob[i], stream); });
}

}  // namespace

void register_sampled(KernelTable& table) {
  table.add("philox_poisson", DT_FLOAT32, poisson_kernel<float>);
  table.add("philox_poisson", DT_FLOAT64, poisson_kernel<double>);
  table.add("philox_binomial", DT_FLOAT32, binomial_kernel<float>);
  table.add("philox_binomial", DT_FLOAT64, binomial_kernel<double>);
}

}  // namespace dovetail::cpu
