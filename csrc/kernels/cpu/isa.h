// The instruction sets for which kernels are compiled, and the choice among them.
//
//   base  what every machine of the architecture has (SSE2, NEON)
//   v3    x86-64-v3: AVX2, FMA and F16C
//
// DOVETAIL_ISA=base in the environment makes a machine use the base kernels, for tests.
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

inline bool use_v3() {
#if DOVETAIL_HAS_V3
  static const bool use = [] {
    const char* asked = std::getenv("DOVETAIL_ISA");
    if (asked && std::strcmp(asked, "base") == 0) return false;
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2") &&
           __builtin_cpu_supports("f16c");
  }();
  return use;
#else
  return false;
#endif
}

}  // namespace dovetail::cpu

#if DOVETAIL_HAS_V3
#define DOVETAIL_BEST_ISA(name) (::dovetail::cpu::use_v3() ? ::dovetail::cpu::v3::name : ::dovetail::cpu::base::name)
#else
#define DOVETAIL_BEST_ISA(name) (::dovetail::cpu::base::name)
#endif
