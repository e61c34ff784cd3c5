// Orthogonal polynomials, by their recurrences.
#include <cmath>
#include <cstdio>

#include "kernels/cpu/families.h"
#include "kernels/cpu/loops.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/sixteen.h"

namespace dovetail::cpu {
namespace {

enum class Kind { kChebyshevT, kChebyshevU, kChebyshevV, kChebyshevW, kHermiteH, kHermiteHe, kLaguerre, kLegendre };

constexpr double kTrigonometric = 8;  // the degree beyond which Chebyshev's are computed in closed form
constexpr double kMostOfHermite = 512, kMost = 131072;

// Chebyshev's of |x| < 1 by sines and cosines, and of others by the hyperbolic ones.
double closed(Kind kind, double x, double n) {
  if (kind == Kind::kChebyshevW) return (std::fmod(n, 2) == 1 ? -1 : 1) * closed(Kind::kChebyshevV, -x, n);
  const double a = std::fabs(x), sign = x < 0 && std::fmod(n, 2) == 1 ? -1 : 1;
  if (a < 1) {
    const double angle = std::acos(x);
    if (kind == Kind::kChebyshevT) return std::cos(n * angle);
    if (kind == Kind::kChebyshevU) return std::sin((n + 1) * angle) / std::sin(angle);
    return std::cos((n + 0.5) * angle) / std::cos(angle / 2);
  }
  const double growth = std::acosh(a);
  if (kind == Kind::kChebyshevT) return sign * std::cosh(n * growth);
  if (kind == Kind::kChebyshevU) return sign * (growth == 0 ? n + 1 : std::sinh((n + 1) * growth) / std::sinh(growth));
  const double k = n + 0.5;
  if (x >= 0) return std::cosh(k * growth) / std::cosh(growth / 2);
  return sign * (growth == 0 ? k * 2 : std::sinh(k * growth) / std::sinh(growth / 2));
}

}  // namespace
}  // namespace dovetail::cpu

#define DOVETAIL_KERNELS "kernels/cpu/polynomial.inc"
#include "kernels/cpu/foreach_isa.h"

namespace dovetail::cpu {

void register_polynomial(KernelTable& table) {
  KernelTable own;
  DOVETAIL_BEST_ISA(register_polynomial)(own);
  add_sixteen_by_blocks(own);
  table.add_all(own);
}

}  // namespace dovetail::cpu
