// The random primitives, pure in (key, offset). Compiled with -ffp-contract=off: the same bits on every machine.
#include "kernels/common/philox.h"
#include "kernels/cpu/index_copy.h"
#include "kernels/cpu/registry.h"

namespace dovetail::cpu {

namespace {

constexpr int kBlocks = 32;  // blocks made side by side: 4 x 32 words

// words[j][b]: word j of block `counter + b`.
struct Batch {
  uint32_t words[4][kBlocks];
};

DOVETAIL_INLINE void make_batch(uint64_t key, uint64_t counter, Batch& batch) {
  for (int b = 0; b < kBlocks; ++b) {
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
  DOVETAIL_INLINE void fill(const Batch& x, float* out) const {
    for (int b = 0; b < kBlocks; ++b)
      for (int j = 0; j < 4; ++j) out[4 * b + j] = philox::uniform32(x.words[j][b]);
  }
};

template <>
struct Uniform<double> {
  using Out = double;
  static constexpr int kPerBlock = 2;
  DOVETAIL_INLINE void fill(const Batch& x, double* out) const {
    for (int b = 0; b < kBlocks; ++b)
      for (int j = 0; j < 2; ++j) out[2 * b + j] = philox::uniform64(x.words[2 * j][b], x.words[2 * j + 1][b]);
  }
};

template <class T>
struct Normal;

template <>
struct Normal<float> {
  using Out = float;
  static constexpr int kPerBlock = 4;
  DOVETAIL_INLINE void fill(const Batch& x, float* out) const {
    float even[2][kBlocks], odd[2][kBlocks];
    for (int j = 0; j < 2; ++j)
      for (int b = 0; b < kBlocks; ++b) {
        const philox::Pair<float> pair = philox::normal32(x.words[2 * j][b], x.words[2 * j + 1][b]);
        even[j][b] = pair.even;
        odd[j][b] = pair.odd;
      }
    for (int b = 0; b < kBlocks; ++b)
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
  DOVETAIL_INLINE void fill(const Batch& x, double* out) const {
    for (int b = 0; b < kBlocks; ++b) {
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
  DOVETAIL_INLINE void fill(const Batch& x, int64_t* out) const {
    for (int b = 0; b < kBlocks; ++b)
      for (int j = 0; j < 2; ++j)
        out[2 * b + j] = static_cast<int64_t>(philox::word64(x.words[2 * j][b], x.words[2 * j + 1][b]));
  }
};

template <class T>
struct Randint {
  using Out = T;
  static constexpr int kPerBlock = 2;
  int64_t low;
  uint64_t span;  // 0 stands for 2^64
  DOVETAIL_INLINE void fill(const Batch& x, T* out) const {
    for (int b = 0; b < kBlocks; ++b)
      for (int j = 0; j < 2; ++j) {
        uint64_t word = philox::word64(x.words[2 * j][b], x.words[2 * j + 1][b]);
        if (span) word %= span;
        const int64_t value = static_cast<int64_t>(static_cast<uint64_t>(low) + word);
        out[2 * b + j] = static_cast<T>(value);
      }
  }
};

// Elements [begin, end), which start at a whole batch, to `out`.
template <class Filler>
DOVETAIL_CLONES void fill_range(const Filler& filler, uint64_t key, uint64_t offset, int64_t begin, int64_t end,
                                typename Filler::Out* out) {
  constexpr int64_t kEach = kBlocks * Filler::kPerBlock;
  Batch batch;
  uint64_t counter = offset + static_cast<uint64_t>(begin / Filler::kPerBlock);
  for (int64_t i = begin; i < end; i += kEach, counter += kBlocks) {
    make_batch(key, counter, batch);
    if (end - i >= kEach) {
      filler.fill(batch, out + (i - begin));
    } else {
      typename Filler::Out part[kEach];
      filler.fill(batch, part);
      std::copy_n(part, end - i, out + (i - begin));
    }
  }
}

template <class Filler>
dt_status fill(dt_kernel_context* ctx, const dt_array& array, const dt_value* args, const Filler& filler) {
  using T = typename Filler::Out;
  const int64_t n = numel(array);
  if (n == 0) return DT_OK;
  const uint64_t key = static_cast<uint64_t>(args[1].as.i), offset = static_cast<uint64_t>(args[2].as.i);
  constexpr int64_t kEach = kBlocks * Filler::kPerBlock;
  const bool direct = is_contiguous(array);
  T* out = direct ? static_cast<T*>(array.data) : static_cast<T*>(ctx->workspace(ctx, static_cast<size_t>(n) * sizeof(T)));
  if (!out) return out_of_memory(ctx, "random");
  parallel(ctx, ceil_div(n, kEach), 64, [&](int64_t begin, int64_t end) {
    fill_range(filler, key, offset, begin * kEach, std::min(n, end * kEach), out + begin * kEach);
  });
  if (!direct) copy_from_contiguous(ctx, array, out);
  return DT_OK;
}

// Fillers without settings.
template <class Filler>
dt_status fill_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array*, int32_t,
                      const dt_value* args, int32_t) {
  return fill(ctx, outs[0], args, Filler{});
}

template <class T>
dt_status randint_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array*, int32_t,
                         const dt_value* args, int32_t) {
  const int64_t low = args[3].as.i, high = args[4].as.i;
  if (low >= high) return ctx->fail(ctx, DT_ERR_VALUE, "philox_randint: low must be less than high");
  return fill(ctx, outs[0], args, Randint<T>{low, static_cast<uint64_t>(high) - static_cast<uint64_t>(low)});
}

}  // namespace

void register_random(KernelTable& table) {
  table.add("philox_uniform", DT_FLOAT32, fill_kernel<Uniform<float>>);
  table.add("philox_uniform", DT_FLOAT64, fill_kernel<Uniform<double>>);
  table.add("philox_normal", DT_FLOAT32, fill_kernel<Normal<float>>);
  table.add("philox_normal", DT_FLOAT64, fill_kernel<Normal<double>>);
  table.add("philox_bits", DT_INT64, fill_kernel<Bits>);
  for (int32_t dtype : kDTypes)
    visit_dtype(dtype, [&](auto zero) { table.add("philox_randint", dtype, randint_kernel<decltype(zero)>); });
}

}  // namespace dovetail::cpu
