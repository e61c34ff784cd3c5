// Counts drawn by inversion and rejection. Compiled with -ffp-contract=off: the same counts on every machine.
#include <algorithm>

#include "kernels/common/samplers.h"
#include "kernels/cpu/families.h"
#include "kernels/cpu/philox_range.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/room.h"

namespace dovetail::cpu {
namespace {

using samplers::Stream;

constexpr int64_t kSampleGrain = 512;  // elements that are worth a thread

// draw(i, stream) for every element, each with its stream.
template <class T, class Draw>
dt_status draw_each(dt_kernel_context* ctx, const dt_array& out, const dt_value* key, const Draw& draw) {
  const int64_t n = numel(out);
  T* to = room<T>(ctx, out);
  if (!to) return out_of_memory(ctx, "random");
  const uint64_t seed = static_cast<uint64_t>(key[0].as.i), offset = static_cast<uint64_t>(key[1].as.i);
  parallel(ctx, n, kSampleGrain, [&](int64_t begin, int64_t end) {
    uint32_t words[4][kPhiloxBlocks];
    for (int64_t i = begin; i < end; i += kPhiloxBlocks) {
      const uint64_t counter = offset + static_cast<uint64_t>(i);
      philox_blocks(seed, counter, words);
      for (int64_t b = 0; b < std::min(kPhiloxBlocks, end - i); ++b) {
        const philox::Words first{{words[0][b], words[1][b], words[2][b], words[3][b]}};
        to[i + b] = static_cast<T>(draw(i + b, Stream(seed, counter + static_cast<uint64_t>(b), first)));
      }
    }
  });
  deliver(ctx, out, to);
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
