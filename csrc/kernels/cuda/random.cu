// The random primitives, pure in (key, offset): the same numbers as on the CPU. Compiled with -fmad=false, so that the
// normals have the same bits too.
#include "kernels/common/philox.h"
#include "kernels/cuda/elementwise.h"
#include "kernels/cuda/graph.h"

namespace dovetail::cuda {
namespace {

// A filler makes the kEach elements of one block of four words.
struct Uniform32 {
  using Out = float;
  static constexpr int kEach = 4;
  DOVETAIL_HD void fill(const philox::Words& x, float* out) const {
    for (int j = 0; j < 4; ++j) out[j] = philox::uniform32(x.w[j]);
  }
};
struct Uniform64 {
  using Out = double;
  static constexpr int kEach = 2;
  DOVETAIL_HD void fill(const philox::Words& x, double* out) const {
    for (int j = 0; j < 2; ++j) out[j] = philox::uniform64(x.w[2 * j], x.w[2 * j + 1]);
  }
};
struct Normal32 {
  using Out = float;
  static constexpr int kEach = 4;
  DOVETAIL_HD void fill(const philox::Words& x, float* out) const {
    for (int j = 0; j < 2; ++j) {
      const philox::Pair<float> pair = philox::normal32(x.w[2 * j], x.w[2 * j + 1]);
      out[2 * j] = pair.even;
      out[2 * j + 1] = pair.odd;
    }
  }
};
struct Normal64 {
  using Out = double;
  static constexpr int kEach = 2;
  DOVETAIL_HD void fill(const philox::Words& x, double* out) const {
    const philox::Pair<double> pair = philox::normal64(x);
    out[0] = pair.even;
    out[1] = pair.odd;
  }
};
// 16-bit uniforms: the float ones cut off after as many digits as the dtype holds below 1, so that none becomes 1.
template <class T>
struct UniformSixteen {
  using Out = T;
  static constexpr int kEach = 4;
  DOVETAIL_HD void fill(const philox::Words& x, T* out) const {
    constexpr float kSteps = std::is_same_v<T, cpu::Half> ? 2048.0f : 256.0f;
    for (int j = 0; j < 4; ++j)
      out[j] = T(static_cast<float>(static_cast<int32_t>(philox::uniform32(x.w[j]) * kSteps)) / kSteps);
  }
};
template <class T>
struct NormalSixteen {
  using Out = T;
  static constexpr int kEach = 4;
  DOVETAIL_HD void fill(const philox::Words& x, T* out) const {
    float made[4];
    Normal32().fill(x, made);
    for (int j = 0; j < 4; ++j) out[j] = T(made[j]);
  }
};
// Both parts of a complex number, one after the other.
template <class Filler>
struct Parts {
  using Out = cpu::Complex<typename Filler::Out>;
  static constexpr int kEach = Filler::kEach / 2;
  DOVETAIL_HD void fill(const philox::Words& x, Out* out) const {
    typename Filler::Out made[Filler::kEach];
    Filler().fill(x, made);
    for (int j = 0; j < kEach; ++j) out[j] = Out(made[2 * j], made[2 * j + 1]);
  }
};
struct Bits {
  using Out = int64_t;
  static constexpr int kEach = 2;
  DOVETAIL_HD void fill(const philox::Words& x, int64_t* out) const {
    for (int j = 0; j < 2; ++j) out[j] = static_cast<int64_t>(philox::word64(x.w[2 * j], x.w[2 * j + 1]));
  }
};
template <class T>
struct Randint {
  using Out = T;
  static constexpr int kEach = 2;
  uint64_t low, span;  // span 0 stands for 2^64
  DOVETAIL_HD void fill(const philox::Words& x, T* out) const {
    for (int j = 0; j < 2; ++j) {
      const uint64_t word = philox::word64(x.w[2 * j], x.w[2 * j + 1]);
      out[j] = convert<T>(static_cast<int64_t>(low + (span ? word % span : word)));
    }
  }
};

// (size, key, offset, ...)
template <class Filler>
dt_status fill(const Call& call, Filler filler) {
  using T = typename Filler::Out;
  constexpr int kEach = Filler::kEach;
  const dt_array& out = call.outs[0];
  Layout<1> layout;
  if (!single_layout(common_space<1>({&out}), layout))
    return call.fail(DT_ERR_NOT_IMPLEMENTED, "an output of more than 12 dims that do not merge, on CUDA");
  const int64_t n = layout.count;
  if (n == 0) return DT_OK;
  Drawn drawn;
  if (!find_drawn(call, static_cast<uint64_t>(call.args[1].as.i), static_cast<uint64_t>(call.args[2].as.i), drawn))
    return DT_ERR_RUNTIME;
  T* o = static_cast<T*>(out.data);
  call.for_each(ceil_div(n, kEach), [=] DOVETAIL_DEVICE(int64_t b) {
    T made[kEach];
    filler.fill(drawn.block(static_cast<uint64_t>(b)), made);
    for (int j = 0; j < kEach; ++j)
      if (b * kEach + j < n) o[layout.at(b * kEach + j).of[0]] = made[j];
  });
  return DT_OK;
}

template <class Filler>
dt_status fill_kernel(const Call& call) {
  return fill(call, Filler{});
}

template <class T>
dt_status randint_kernel(const Call& call) {
  const int64_t low = call.args[3].as.i, high = call.args[4].as.i;
  if (low >= high) return call.fail(DT_ERR_VALUE, "low must be less than high");
  return fill(call, Randint<T>{static_cast<uint64_t>(low), static_cast<uint64_t>(high) - static_cast<uint64_t>(low)});
}

#define DOVETAIL_ADD_SIXTEEN(T, dtype)                                \
  table.add("philox_uniform", dtype, fill_kernel<UniformSixteen<T>>); \
  table.add("philox_normal", dtype, fill_kernel<NormalSixteen<T>>);
#define DOVETAIL_ADD_RANDINT(T, dtype) table.add("philox_randint", dtype, randint_kernel<T>);

}  // namespace

void register_random(KernelTable& table) {
  table.add("philox_uniform", DT_FLOAT32, fill_kernel<Uniform32>);
  table.add("philox_uniform", DT_FLOAT64, fill_kernel<Uniform64>);
  table.add("philox_normal", DT_FLOAT32, fill_kernel<Normal32>);
  table.add("philox_normal", DT_FLOAT64, fill_kernel<Normal64>);
  DOVETAIL_SIXTEENS(DOVETAIL_ADD_SIXTEEN)
  table.add("philox_uniform", DT_COMPLEX64, fill_kernel<Parts<Uniform32>>);
  table.add("philox_uniform", DT_COMPLEX128, fill_kernel<Parts<Uniform64>>);
  table.add("philox_normal", DT_COMPLEX64, fill_kernel<Parts<Normal32>>);
  table.add("philox_normal", DT_COMPLEX128, fill_kernel<Parts<Normal64>>);
  table.add("philox_bits", DT_INT64, fill_kernel<Bits>);
  DOVETAIL_FLOATS(DOVETAIL_ADD_RANDINT)
  DOVETAIL_SIXTEENS(DOVETAIL_ADD_RANDINT)
  DOVETAIL_INTS(DOVETAIL_ADD_RANDINT)
  DOVETAIL_ADD_RANDINT(bool, DT_BOOL)
}

}  // namespace dovetail::cuda
