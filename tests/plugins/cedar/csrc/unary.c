/* Functions of one element. */
#include <math.h>

#include "cedar.h"

/* ---- reals -------------------------------------------------------------------------------------------- */

/* The inverse of erf by Halley's method on erfc(y) = 1 - |x|, from Winitzki's approximation. */
static double erfinv(double x) {
  const double size = fabs(x), rest = 1 - size;
  if (!(size < 1)) return size == 1 ? copysign(INFINITY, x) : NAN;
  if (size < 1e-8) return x * 0.88622692545275801365; /* sqrt(pi) / 2 */
  const double a = 0.147, l = log1p(-x * x), b = 2 / (3.14159265358979323846 * a) + l / 2;
  double y = sqrt(sqrt(b * b - l / a) - b);
  for (int i = 0; i < 4; ++i) {
    const double error = size < 0.5 ? erf(y) - size : rest - erfc(y);
    const double step = error * 0.88622692545275801365 * exp(y * y);
    y -= step / (1 + y * step);
  }
  return copysign(y, x);
}

static double sign_of(double x) { return (x > 0) - (x < 0); }

/* name, what it makes of x */
/* clang-format off */
#define REAL_FUNCTIONS(X)                                                       \
  X(neg, -x)          X(abs, fabs(x))         X(sign, sign_of(x))               \
  X(floor, floor(x))  X(ceil, ceil(x))        X(trunc, trunc(x))                \
  X(exp, exp(x))      X(expm1, expm1(x))      X(log, log(x))                    \
  X(log1p, log1p(x))  X(sqrt, sqrt(x))                                          \
  X(sin, sin(x))      X(cos, cos(x))          X(tan, tan(x))                    \
  X(asin, asin(x))    X(acos, acos(x))        X(atan, atan(x))                  \
  X(sinh, sinh(x))    X(cosh, cosh(x))        X(tanh, tanh(x))                  \
  X(asinh, asinh(x))  X(acosh, acosh(x))      X(atanh, atanh(x))                \
  X(erf, erf(x))      X(erfinv, erfinv(x))    X(lgamma, lgamma(x))
/* clang-format on */

#define DEFINE_REAL(name, expression)                                                    \
  static const char* real_##name(const call* c, cell* out, cell* const* in, int64_t n) { \
    (void)c;                                                                             \
    for (int64_t i = 0; i < n; ++i) {                                                    \
      const double x = in[0][i].real;                                                    \
      out[i].real = expression;                                                          \
    }                                                                                    \
    return NULL;                                                                         \
  }
REAL_FUNCTIONS(DEFINE_REAL)

/* ---- complex numbers ---------------------------------------------------------------------------------- */

/* Without the cancellation of exp(z) - 1: e^a cos b - 1 = (e^a - 1) cos b - 2 sin^2(b / 2). */
static double _Complex number_expm1(double _Complex z) {
  const double a = creal(z), b = cimag(z), s = sin(b / 2);
  return CMPLX(expm1(a) * cos(b) - 2 * s * s, exp(a) * sin(b));
}

static double _Complex number_log1p(double _Complex z) {
  const double a = creal(z), b = cimag(z);
  return fabs(a) < 0.5 && fabs(b) < 0.5 ? CMPLX(log1p(a * (2 + a) + b * b) / 2, atan2(b, 1 + a)) : clog(1 + z);
}

/* clang-format off */
#define NUMBER_FUNCTIONS(X)                                                     \
  X(neg, -z)            X(exp, cexp(z))             X(expm1, number_expm1(z))   \
  X(log, clog(z))       X(log1p, number_log1p(z))   X(sqrt, csqrt(z))           \
  X(sin, csin(z))       X(cos, ccos(z))             X(tan, ctan(z))             \
  X(asin, casin(z))     X(acos, cacos(z))           X(atan, catan(z))           \
  X(sinh, csinh(z))     X(cosh, ccosh(z))           X(tanh, ctanh(z))           \
  X(asinh, casinh(z))   X(acosh, cacosh(z))         X(atanh, catanh(z))
/* clang-format on */

#define DEFINE_NUMBER(name, expression)                                                   \
  static const char* block_##name(const call* c, cell* out, cell* const* in, int64_t n) { \
    (void)c;                                                                              \
    for (int64_t i = 0; i < n; ++i) {                                                     \
      const double _Complex z = in[0][i].number;                                          \
      out[i].number = expression;                                                         \
    }                                                                                     \
    return NULL;                                                                          \
  }
NUMBER_FUNCTIONS(DEFINE_NUMBER)

/* The absolute value is real. */
static const char* number_abs(const call* c, cell* out, cell* const* in, int64_t n) {
  (void)c;
  for (int64_t i = 0; i < n; ++i) out[i].real = cabs(in[0][i].number);
  return NULL;
}

static const char* number_isnan(const call* c, cell* out, cell* const* in, int64_t n) {
  (void)c;
  for (int64_t i = 0; i < n; ++i) out[i].natural = isnan(creal(in[0][i].number)) || isnan(cimag(in[0][i].number));
  return NULL;
}

/* ---- integers: they wrap ------------------------------------------------------------------------------ */

/* name, the kinds, the field, what it makes of x */
#define EXACT_FUNCTIONS(X)                    \
  X(neg, EXACT, natural, 0 - x)               \
  X(abs, WHOLE, natural, x >> 63 ? 0 - x : x) \
  X(sign, WHOLE, whole, (x > 0) - (x < 0))    \
  X(positive_sign, NATURAL, natural, x > 0)   \
  X(same, EXACT, natural, x)

#define DEFINE_EXACT(name, kinds, field, expression)                                      \
  static const char* exact_##name(const call* c, cell* out, cell* const* in, int64_t n) { \
    (void)c;                                                                              \
    for (int64_t i = 0; i < n; ++i) {                                                     \
      const __typeof__(out->field) x = in[0][i].field;                                    \
      out[i].field = expression;                                                          \
    }                                                                                     \
    return NULL;                                                                          \
  }
EXACT_FUNCTIONS(DEFINE_EXACT)

/* The complement; that of a bool is the other one. */
static const char* bitwise_not(const call* c, cell* out, cell* const* in, int64_t n) {
  const bool truth = c->ins[0].dtype == DT_BOOL;
  for (int64_t i = 0; i < n; ++i) out[i].natural = truth ? !in[0][i].natural : ~in[0][i].natural;
  return NULL;
}

/* ---- rounding to decimals: half to even --------------------------------------------------------------- */

static const char* real_round(const call* c, cell* out, cell* const* in, int64_t n) {
  const int64_t decimals = c->args[1].as.i;
  const double scale = pow(10, fabs((double)decimals));
  for (int64_t i = 0; i < n; ++i) {
    const double x = in[0][i].real;
    out[i].real = decimals == 0 ? rint(x) : decimals > 0 ? rint(x * scale) / scale : rint(x / scale) * scale;
  }
  return NULL;
}

/* An integer is changed by negative decimals alone. */
static const char* exact_round(const call* c, cell* out, cell* const* in, int64_t n) {
  const int64_t places = -c->args[1].as.i;
  const bool is_signed = dtype_of(c->ins[0].dtype)->kind == WHOLE;
  uint64_t scale = 1;
  for (int64_t k = 0; k < places && k < 19; ++k) scale *= 10;
  for (int64_t i = 0; i < n; ++i) {
    const bool negative = is_signed && in[0][i].whole < 0;
    const uint64_t size = negative ? 0 - in[0][i].natural : in[0][i].natural;
    uint64_t whole = size / scale;
    const uint64_t rest = size % scale, half = scale - rest;
    if (rest > half || (rest == half && whole % 2)) ++whole;
    const uint64_t rounded = places > 19 ? 0 : whole * scale;
    out[i].natural = negative ? 0 - rounded : rounded;
  }
  return NULL;
}

/* ---- questions ---------------------------------------------------------------------------------------- */

static const char* real_isnan(const call* c, cell* out, cell* const* in, int64_t n) {
  (void)c;
  for (int64_t i = 0; i < n; ++i) out[i].natural = isnan(in[0][i].real) != 0;
  return NULL;
}

static const char* never(const call* c, cell* out, cell* const* in, int64_t n) {
  (void)c, (void)in;
  for (int64_t i = 0; i < n; ++i) out[i].natural = 0;
  return NULL;
}

static const char* logical_not(const call* c, cell* out, cell* const* in, int64_t n) {
  const int kind = dtype_of(c->ins[0].dtype)->kind;
  for (int64_t i = 0; i < n; ++i) out[i].natural = is_zero(kind, in[0][i]);
  return NULL;
}

#define REAL_ROW(name, expression) {#name, REAL, elementwise, real_##name, NULL, {0}},
#define NUMBER_ROW(name, expression) {#name, COMPLEX, elementwise, block_##name, NULL, {0}},
#define ROW(op, kinds, block) {op, kinds, elementwise, block, NULL, {0}}

const kernel unary_kernels[] = {
    REAL_FUNCTIONS(REAL_ROW) NUMBER_FUNCTIONS(NUMBER_ROW) ROW("abs", COMPLEX, number_abs),
    ROW("isnan", COMPLEX, number_isnan),
    ROW("round", REAL, real_round),
    ROW("isnan", REAL, real_isnan),
    ROW("logical_not", ANY, logical_not),
    ROW("neg", EXACT, exact_neg),
    ROW("abs", WHOLE, exact_abs),
    ROW("abs", NATURAL, exact_same),
    ROW("sign", WHOLE, exact_sign),
    ROW("sign", NATURAL, exact_positive_sign),
    ROW("floor", EXACT, exact_same),
    ROW("ceil", EXACT, exact_same),
    ROW("trunc", EXACT, exact_same),
    ROW("round", EXACT, exact_round),
    ROW("isnan", EXACT, never),
    ROW("bitwise_not", EXACT, bitwise_not),
    {0},
};
