// Scalar special functions that neither the compiler's library nor vecmath.inc brings.
#pragma once

namespace dovetail::cpu {

// The inverse of the error function: erf(erfinv(y)) = y; infinite at -1 and 1, NaN beyond. Within 2 ulp.
double inverse_erf(double y);

// log |gamma(x)|. (The C library's writes a global sign.)
double log_gamma(double x);

}  // namespace dovetail::cpu
