// The random primitives, pure in (key, offset). Compiled with -ffp-contract=off: the same bits on every machine.
#include "kernels/common/philox.h"
#include "kernels/cpu/as_real.h"
#include "kernels/cpu/philox_range.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/room.h"
#include "kernels/cpu/sixteen.h"

namespace dovetail::cpu {

namespace {

constexpr int kBlocks = kPhiloxBlocks;  // blocks made side by side: 4 x 32 words

// words[j][b]: word j of block `counter + b`.
struct Batch {
  uint32_t words[4][kBlocks];
};

}  // namespace
}  // namespace dovetail::cpu

#define DOVETAIL_KERNELS "kernels/cpu/philox_batch.inc"
#define DOVETAIL_KERNELS_V4
#include "kernels/cpu/foreach_isa.h"

namespace dovetail::cpu {
namespace {

// The first `blocks` of a batch, and more where that is faster.
inline void make_blocks(uint64_t key, uint64_t counter, int64_t blocks, Batch& batch) {
  if (blocks > 4) return DOVETAIL_BEST_ISA_TO_V4(make_batch)(key, counter, batch);
  for (int b = 0; b < blocks; ++b) {
    const philox::Words x = philox::block(key, counter + static_cast<uint64_t>(b));
    for (int j = 0; j < 4; ++j) batch.words[j][b] = x.w[j];
  }
}

// A filler makes kPerBlock elements of every block of a batch.
template <class T>
struct Uniform;

template <>
struct Uniform<float> {
  using Out = float;
  static constexpr int kPerBlock = 4;
  DOVETAIL_INLINE void fill(const Batch& x, int blocks, float* out) const {
    for (int b = 0; b < blocks; ++b)
      for (int j = 0; j < 4; ++j) out[4 * b + j] = philox::uniform32(x.words[j][b]);
  }
};

template <>
struct Uniform<double> {
  using Out = double;
  static constexpr int kPerBlock = 2;
  DOVETAIL_INLINE void fill(const Batch& x, int blocks, double* out) const {
    for (int b = 0; b < blocks; ++b)
      for (int j = 0; j < 2; ++j) out[2 * b + j] = philox::uniform64(x.words[2 * j][b], x.words[2 * j + 1][b]);
  }
};

template <class T>
struct Normal;

template <>
struct Normal<float> {
  using Out = float;
  static constexpr int kPerBlock = 4;
  DOVETAIL_INLINE void fill(const Batch& x, int blocks, float* out) const {
    float even[2][kBlocks], odd[2][kBlocks];
    for (int j = 0; j < 2; ++j)
      for (int b = 0; b < blocks; ++b) {
        const philox::Pair<float> pair = philox::normal32(x.words[2 * j][b], x.words[2 * j + 1][b]);
        even[j][b] = pair.even;
        odd[j][b] = pair.odd;
      }
    for (int b = 0; b < blocks; ++b)
      for (int j = 0; j < 2; ++j) {
        out[4 * b + 2 * j] = even[j][b];
        out[4 * b + 2 * j + 1] = odd[j][b];
      }
  }
};

template <>
struct Normal<double> {
  using Out = double;
  static constexpr int kPerBlock = 2;
  DOVETAIL_INLINE void fill(const Batch& x, int blocks, double* out) const {
    for (int b = 0; b < blocks; ++b) {
      const philox::Pair<double> pair =
          philox::normal64({{x.words[0][b], x.words[1][b], x.words[2][b], x.words[3][b]}});
      out[2 * b] = pair.even;
      out[2 * b + 1] = pair.odd;
    }
  }
};

struct Bits {
  using Out = int64_t;
  static constexpr int kPerBlock = 2;
  DOVETAIL_INLINE void fill(const Batch& x, int blocks, int64_t* out) const {
    for (int b = 0; b < blocks; ++b)
      for (int j = 0; j < 2; ++j)
        out[2 * b + j] = static_cast<int64_t>(philox::word64(x.words[2 * j][b], x.words[2 * j + 1][b]));
  }
};

// The remainder by a fixed divisor, without dividing: the quotient by the reciprocal is at most one too small.
struct Remainder {
  uint64_t divisor, reciprocal;  // divisor 0 stands for 2^64
  explicit Remainder(uint64_t divisor) : divisor(divisor), reciprocal(divisor ? ~uint64_t{0} / divisor : 0) {}
  DOVETAIL_INLINE uint64_t operator()(uint64_t x) const {
    const uint64_t quotient = static_cast<uint64_t>(static_cast<unsigned __int128>(x) * reciprocal >> 64);
    const uint64_t rest = x - quotient * divisor;
    return divisor != 0 && rest >= divisor ? rest - divisor : rest;
  }
};

template <class T>
struct Randint {
  using Out = T;
  static constexpr int kPerBlock = 2;
  int64_t low;
  Remainder remainder;
  DOVETAIL_INLINE void fill(const Batch& x, int blocks, T* out) const {
    int64_t words[2 * kBlocks];
    Bits{}.fill(x, blocks, words);
    for (int i = 0; i < 2 * blocks; ++i) {
      const uint64_t rest = remainder(static_cast<uint64_t>(words[i]));
      out[i] = static_cast<T>(static_cast<int64_t>(static_cast<uint64_t>(low) + rest));
    }
  }
};

// Elements [begin, end), which start at a whole batch, to `out`.
template <class Filler>
DOVETAIL_CLONES void fill_range(const Filler& filler, uint64_t key, uint64_t offset, int64_t begin, int64_t end,
                                typename Filler::Out* out) {
  constexpr int64_t kEach = kBlocks * Filler::kPerBlock;
  Batch batch = {};
  uint64_t counter = offset + static_cast<uint64_t>(begin / Filler::kPerBlock);
  for (int64_t i = begin; i < end; i += kEach, counter += kBlocks) {
    make_blocks(key, counter, ceil_div(end - i, Filler::kPerBlock), batch);
    if (end - i >= kEach) {
      filler.fill(batch, kBlocks, out + (i - begin));
    } else {
      typename Filler::Out part[kEach];
      filler.fill(batch, static_cast<int>(ceil_div(end - i, Filler::kPerBlock)), part);
      std::copy_n(part, end - i, out + (i - begin));
    }
  }
}

// Uniform numbers [first, first + n), wherever they start; `room` takes them and those of the first block before them.
template <class T>
const T* uniforms_from(uint64_t key, uint64_t offset, int64_t first, int64_t n, T* room) {
  const int64_t skipped = first % Uniform<T>::kPerBlock;
  fill_range(Uniform<T>{}, key, offset, first - skipped, first + n, room);
  return room + skipped;
}

template <class Filler>
dt_status fill(dt_kernel_context* ctx, const dt_array& array, const dt_value* args, const Filler& filler) {
  using T = typename Filler::Out;
  const int64_t n = numel(array);
  if (n == 0) return DT_OK;
  const uint64_t key = static_cast<uint64_t>(args[1].as.i), offset = static_cast<uint64_t>(args[2].as.i);
  constexpr int64_t kEach = kBlocks * Filler::kPerBlock;
  T* out = room<T>(ctx, array);
  if (!out) return out_of_memory(ctx, "random");
  parallel(ctx, ceil_div(n, kEach), 64, [&](int64_t begin, int64_t end) {
    fill_range(filler, key, offset, begin * kEach, std::min(n, end * kEach), out + begin * kEach);
  });
  deliver(ctx, array, out);
  return DT_OK;
}

// Fillers without settings.
template <class Filler>
dt_status fill_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array*, int32_t,
                      const dt_value* args, int32_t) {
  return fill(ctx, outs[0], args, Filler{});
}

// 16-bit uniforms: the float ones cut off after as many digits as the dtype holds below 1, so that none becomes 1.
dt_status uniform_sixteen(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array*, int32_t,
                          const dt_value* args, int32_t) {
  const dt_array& out = outs[0];
  const int64_t n = numel(out);
  if (n == 0) return DT_OK;
  float* drawn = static_cast<float*>(ctx->workspace(ctx, static_cast<size_t>(n) * sizeof(float)));
  uint16_t* rounded = static_cast<uint16_t*>(ctx->workspace(ctx, static_cast<size_t>(n) * sizeof(uint16_t)));
  if (!drawn || !rounded) return out_of_memory(ctx, "random");
  int64_t strides[DT_MAX_DIMS];
  contiguous_strides(out, strides);
  const dt_status status = fill(ctx, {drawn, out.sizes, strides, out.ndim, DT_FLOAT32}, args, Uniform<float>{});
  if (status != DT_OK) return status;
  const float steps = out.dtype == DT_FLOAT16 ? 2048.0f : 256.0f;
  parallel(ctx, n, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) drawn[i] = static_cast<float>(static_cast<int32_t>(drawn[i] * steps)) / steps;
    narrow(out.dtype, drawn + begin, rounded + begin, 1, end - begin);
  });
  copy_from_contiguous(ctx, out, rounded);
  return DT_OK;
}

template <class T>
dt_status randint_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array*, int32_t,
                         const dt_value* args, int32_t) {
  const int64_t low = args[3].as.i, high = args[4].as.i;
  if (low >= high) return ctx->fail(ctx, DT_ERR_VALUE, "philox_randint: low must be less than high");
  return fill(ctx, outs[0], args, Randint<T>{low, Remainder(static_cast<uint64_t>(high) - static_cast<uint64_t>(low))});
}

}  // namespace

void philox_blocks(uint64_t key, uint64_t counter, uint32_t (&words)[4][kPhiloxBlocks]) {
  Batch batch;
  make_blocks(key, counter, kBlocks, batch);
  std::memcpy(words, batch.words, sizeof words);
}

const float* philox_uniforms(uint64_t key, uint64_t offset, int64_t first, int64_t n, float* room) {
  return uniforms_from(key, offset, first, n, room);
}
const double* philox_uniforms(uint64_t key, uint64_t offset, int64_t first, int64_t n, double* room) {
  return uniforms_from(key, offset, first, n, room);
}

void register_random(KernelTable& table) {
  table.add("philox_uniform", DT_FLOAT32, fill_kernel<Uniform<float>>);
  table.add("philox_uniform", DT_FLOAT64, fill_kernel<Uniform<double>>);
  table.add("philox_normal", DT_FLOAT32, fill_kernel<Normal<float>>);
  table.add("philox_normal", DT_FLOAT64, fill_kernel<Normal<double>>);
  table.add("philox_bits", DT_INT64, fill_kernel<Bits>);
  add_as_real(table, "philox_uniform");
  add_as_real(table, "philox_normal");
  for (int32_t dtype : {DT_FLOAT16, DT_BFLOAT16}) table.add("philox_uniform", dtype, uniform_sixteen);
  KernelTable rounded;
  rounded.add("philox_normal", DT_FLOAT32, fill_kernel<Normal<float>>);
  visit_modular(
      [&](auto zero, int32_t dtype) { rounded.add("philox_randint", dtype, randint_kernel<decltype(zero)>); });
  rounded.add("philox_randint", DT_BOOL, randint_kernel<uint8_t>);
  add_sixteen_whole(rounded);
  table.add_all(rounded);
}

}  // namespace dovetail::cpu
