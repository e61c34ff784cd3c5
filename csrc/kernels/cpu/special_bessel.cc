// Bessel functions of orders 0 and 1; the modified ones are in special_vector_bessel.inc.
#include "kernels/cpu/special.h"

namespace dovetail::cpu {

// The C library's, but at the ends, where libraries differ.
double bessel_j0(double x) { return std::isinf(x) ? 0 : ::j0(x); }
double bessel_j1(double x) { return std::isinf(x) ? 0 : ::j1(x); }
double bessel_y0(double x) { return x > 0 ? (x == kInf ? 0 : ::y0(x)) : x == 0 ? -kInf : kNan; }
double bessel_y1(double x) {
  if (!(x > 0)) return x == 0 ? -kInf : kNan;
  if (x < 1e-200) return -0.63661977236758134308 / x;
  return x == kInf ? 0 : ::y1(x);
}

}  // namespace dovetail::cpu
