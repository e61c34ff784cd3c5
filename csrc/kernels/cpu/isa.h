// The instruction sets for which kernels are compiled, and the choice among them.
//
//   base  what every machine of the architecture has (SSE2, NEON)
//   v3    x86-64-v3: AVX2, FMA and F16C
//   v4    x86-64-v4: AVX-512, for the few kernels that gain by it and ask for it; the same bits as v3
//
// DOVETAIL_ISA=base, v3 or v4 in the environment makes a machine use no more than that, for tests.
#pragma once

#include <cstdlib>
#include <cstring>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define DOVETAIL_HAS_V3 1
#else
#define DOVETAIL_HAS_V3 0
#endif

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace dovetail::cpu {

enum class Isa { kBase, kV3, kV4 };

// Whether DOVETAIL_ISA says so.
inline bool is_isa_asked(const char* name) {
  const char* asked = std::getenv("DOVETAIL_ISA");
  return asked && std::strcmp(asked, name) == 0;
}

inline Isa best_isa() {
#if DOVETAIL_HAS_V3
  static const Isa best = [] {
    __builtin_cpu_init();
    const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2") &&
                    __builtin_cpu_supports("f16c");
    if (!v3 || is_isa_asked("base")) return Isa::kBase;
    const bool v4 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                    __builtin_cpu_supports("avx512vl");
    return !v4 || is_isa_asked("v3") ? Isa::kV3 : Isa::kV4;
  }();
  return best;
#else
  return Isa::kBase;
#endif
}

}  // namespace dovetail::cpu

// The best version of a function that was compiled for base and v3, and of one that was compiled for v4 too.
#if DOVETAIL_HAS_V3
#define DOVETAIL_BEST_ISA(name) \
  (::dovetail::cpu::best_isa() == ::dovetail::cpu::Isa::kBase ? ::dovetail::cpu::base::name : ::dovetail::cpu::v3::name)
#define DOVETAIL_BEST_ISA_TO_V4(name) \
  (::dovetail::cpu::best_isa() == ::dovetail::cpu::Isa::kV4 ? ::dovetail::cpu::v4::name : DOVETAIL_BEST_ISA(name))
#else
#define DOVETAIL_BEST_ISA(name) (::dovetail::cpu::base::name)
#define DOVETAIL_BEST_ISA_TO_V4(name) DOVETAIL_BEST_ISA(name)
#endif
