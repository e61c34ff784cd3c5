/* Arithmetic on two elements. Integers wrap; dividing one by zero is an error. */
#include <math.h>
#include <string.h>

#include "cedar.h"

#define DIVISION_BY_ZERO "division by zero"

/* A block function over elements a and b of a field, with `prepare` before its loop. */
#define BINARY(name, field, prepare, expression)                                  \
  static const char* name(const call* c, cell* out, cell* const* in, int64_t n) { \
    (void)c;                                                                      \
    prepare;                                                                      \
    for (int64_t i = 0; i < n; ++i) {                                             \
      const __typeof__(out->field) a = in[0][i].field, b = in[1][i].field;        \
      out[i].field = expression;                                                  \
    }                                                                             \
    return NULL;                                                                  \
  }

/* ---- sums and products -------------------------------------------------------------------------------- */

#define ALPHA(field) const __typeof__(out->field) alpha = cell_of_number(&c->args[2], c->ins[0].dtype).field
/* Of bools: or, where alpha is true. The cell counts, and is stored as whether it is zero. */

BINARY(real_add, real, ALPHA(real), a + alpha * b)
BINARY(exact_add, natural, ALPHA(natural), a + alpha * b)
BINARY(real_sub, real, ALPHA(real), a - alpha * b)
BINARY(exact_sub, natural, ALPHA(natural), a - alpha * b)
BINARY(real_mul, real, , a* b)
BINARY(exact_mul, natural, , a* b)

BINARY(number_add, number, ALPHA(number), a + alpha * b)
BINARY(number_sub, number, ALPHA(number), a - alpha * b)
BINARY(number_mul, number, , a* b)
BINARY(number_div, number, , a / b)
BINARY(number_pow, number, , b == 0 ? 1 : cpow(a, b))

/* complex(real, imag) */
static const char* number_of_parts(const call* c, cell* out, cell* const* in, int64_t n) {
  (void)c;
  for (int64_t i = 0; i < n; ++i) out[i].number = CMPLX(in[0][i].real, in[1][i].real);
  return NULL;
}

/* ---- quotients ---------------------------------------------------------------------------------------- */

/* In float32 the quotient itself is rounded before it is made whole. */
static double quotient(const call* c, double a, double b) {
  return c->outs[0].dtype == DT_FLOAT32 ? (double)((float)a / (float)b) : a / b;
}

static double floor_quotient(const call* c, double a, double b) {
  if (b == 0) return a / b;
  const double rest = fmod(a, b);
  double whole = quotient(c, a - rest, b);
  if (rest != 0 && (rest < 0) != (b < 0)) whole -= 1;
  if (whole == 0) return copysign(0, a / b);
  const double down = floor(whole);
  return whole - down > 0.5 ? down + 1 : down;
}

static double floor_rest(double a, double b) {
  const double rest = fmod(a, b);
  if (rest == 0) return copysign(0, b);
  return (rest < 0) != (b < 0) ? rest + b : rest;
}

BINARY(real_div, real, , a / b)
BINARY(real_div_floor, real, , floor_quotient(c, a, b))
BINARY(real_div_trunc, real, , trunc(quotient(c, a, b)))
BINARY(real_remainder, real, , b == 0 ? NAN : floor_rest(a, b))
BINARY(real_fmod, real, , fmod(a, b))

/* The least integer divided by -1 wraps, as its negation does. */
static int64_t negated(int64_t a) { return (int64_t)(0 - (uint64_t)a); }

#define REFUSE_ZERO               \
  for (int64_t i = 0; i < n; ++i) \
    if (in[1][i].natural == 0) return DIVISION_BY_ZERO

BINARY(whole_div_trunc, whole, REFUSE_ZERO, b == -1 ? negated(a) : a / b)
BINARY(whole_div_floor, whole, REFUSE_ZERO, b == -1 ? negated(a) : a / b - (a % b != 0 && (a % b < 0) != (b < 0)))
BINARY(whole_remainder, whole, REFUSE_ZERO, b == -1 ? 0 : a % b + (a % b != 0 && (a % b < 0) != (b < 0) ? b : 0))
BINARY(whole_fmod, whole, REFUSE_ZERO, b == -1 ? 0 : a % b)
BINARY(natural_div, natural, REFUSE_ZERO, a / b)
BINARY(natural_rest, natural, REFUSE_ZERO, a % b)

/* div(self, other, rounding_mode): integers come here with a mode alone. */
static bool rounds_down(const call* c) { return strcmp(c->args[2].as.string, "floor") == 0; }

static const char* real_div_by_mode(const call* c, cell* out, cell* const* in, int64_t n) {
  if (c->args[2].tag == DT_NONE) return real_div(c, out, in, n);
  return rounds_down(c) ? real_div_floor(c, out, in, n) : real_div_trunc(c, out, in, n);
}

static const char* whole_div_by_mode(const call* c, cell* out, cell* const* in, int64_t n) {
  return rounds_down(c) ? whole_div_floor(c, out, in, n) : whole_div_trunc(c, out, in, n);
}

/* ---- powers and the rest ------------------------------------------------------------------------------ */

static uint64_t natural_power(uint64_t base, uint64_t exponent) {
  uint64_t result = 1;
  for (; exponent; exponent >>= 1, base *= base)
    if (exponent & 1) result *= base;
  return result;
}

/* An integer to a negative power is 0, unless its absolute value is 1. */
static int64_t whole_power(int64_t base, int64_t exponent) {
  if (exponent >= 0) return (int64_t)natural_power((uint64_t)base, (uint64_t)exponent);
  return base == 1 ? 1 : base == -1 ? 1 - 2 * (exponent & 1) : 0;
}

BINARY(real_pow, real, , pow(a, b))
BINARY(whole_pow, whole, , whole_power(a, b))
BINARY(natural_pow, natural, , natural_power(a, b))
BINARY(real_atan2, real, , atan2(a, b))

/* Where either is NaN, that is the result. */
BINARY(real_maximum, real, , a > b || isnan(a) ? a : b)
BINARY(real_minimum, real, , a < b || isnan(a) ? a : b)
BINARY(whole_maximum, whole, , a > b ? a : b)
BINARY(whole_minimum, whole, , a < b ? a : b)
BINARY(natural_maximum, natural, , a > b ? a : b)
BINARY(natural_minimum, natural, , a < b ? a : b)

#define ROW(op, kinds, block) {op, kinds, elementwise, block, NULL, {0}}

const kernel binary_kernels[] = {
    ROW("add", COMPLEX, number_add),
    ROW("add", REAL, real_add),
    ROW("add", EXACT, exact_add),
    ROW("sub", COMPLEX, number_sub),
    ROW("sub", REAL, real_sub),
    ROW("sub", EXACT, exact_sub),
    ROW("mul", COMPLEX, number_mul),
    ROW("mul", REAL, real_mul),
    ROW("mul", EXACT, exact_mul),
    ROW("div", COMPLEX, number_div),
    ROW("div", REAL, real_div_by_mode),
    ROW("div", WHOLE, whole_div_by_mode),
    ROW("div", NATURAL, natural_div),
    ROW("floor_divide", REAL, real_div_floor),
    ROW("floor_divide", WHOLE, whole_div_floor),
    ROW("floor_divide", NATURAL, natural_div),
    ROW("remainder", REAL, real_remainder),
    ROW("remainder", WHOLE, whole_remainder),
    ROW("remainder", NATURAL, natural_rest),
    ROW("fmod", REAL, real_fmod),
    ROW("fmod", WHOLE, whole_fmod),
    ROW("fmod", NATURAL, natural_rest),
    ROW("pow", COMPLEX, number_pow),
    ROW("pow", REAL, real_pow),
    ROW("pow", WHOLE, whole_pow),
    ROW("pow", NATURAL, natural_pow),
    ROW("complex", REAL, number_of_parts),
    ROW("atan2", REAL, real_atan2),
    ROW("maximum", REAL, real_maximum),
    ROW("maximum", WHOLE, whole_maximum),
    ROW("maximum", NATURAL, natural_maximum),
    ROW("minimum", REAL, real_minimum),
    ROW("minimum", WHOLE, whole_minimum),
    ROW("minimum", NATURAL, natural_minimum),
    {0},
};
