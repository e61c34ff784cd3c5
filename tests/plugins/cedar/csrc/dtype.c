/* The dtypes: how their elements become cells, and cells their elements. */
#include "cedar.h"

#include <math.h>
#include <string.h>

/* ---- the sixteen-bit floats --------------------------------------------------------------------------- */

static float float_of_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static uint32_t bits_of_float(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

/* The nearest multiple of `unit`, ties to even: adding and taking away a number whose last bit is worth a unit. */
static double rounded_to(double value, double unit) {
  const double shift = 0x1.8p52 * unit;
  return value + shift - shift;
}

/* A double to a float of `digits` binary digits whose least normal exponent is `least`, rounded once. */
static double rounded_float(double value, int digits, int least) {
  if (value == 0 || !isfinite(value)) return value;
  const int exponent = ilogb(value);
  return copysign(rounded_to(fabs(value), ldexp(1, (exponent < least ? least : exponent) - digits + 1)), value);
}

static double bfloat16_value(uint16_t bits) { return float_of_bits((uint32_t)bits << 16); }

static uint16_t bfloat16_bits(double value) {
  if (isnan(value)) return 0x7fc0;
  return (uint16_t)(bits_of_float((float)rounded_float(value, 8, -126)) >> 16);
}

static double float16_value(uint16_t bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  double value;
  if (exponent == 31)
    value = fraction ? NAN : INFINITY;
  else
    value = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
  return bits & 0x8000 ? -value : value;
}

static uint16_t float16_bits(double value) {
  const uint16_t sign = signbit(value) ? 0x8000 : 0;
  if (isnan(value)) return 0x7e00;
  const double size = fabs(rounded_float(value, 11, -14));
  if (size >= 65536) return sign | 0x7c00;
  if (size < 0x1p-14) return sign | (uint16_t)(size * 0x1p24);
  const int exponent = ilogb(size);
  return sign | (uint16_t)((exponent + 15) << 10 | ((int)ldexp(size, 10 - exponent) & 1023));
}

/* ---- loading and storing ------------------------------------------------------------------------------ */

/* name, type in memory, the cell's field, from memory, to memory */
#define TYPES(X)                                                   \
  X(float32, float, real, x, (float)x)                             \
  X(float64, double, real, x, x)                                   \
  X(float16, uint16_t, real, float16_value(x), float16_bits(x))    \
  X(bfloat16, uint16_t, real, bfloat16_value(x), bfloat16_bits(x)) \
  X(int8, int8_t, whole, x, (int8_t)x)                             \
  X(int16, int16_t, whole, x, (int16_t)x)                          \
  X(int32, int32_t, whole, x, (int32_t)x)                          \
  X(int64, int64_t, whole, x, x)                                   \
  X(uint8, uint8_t, natural, x, (uint8_t)x)                        \
  X(uint16, uint16_t, natural, x, (uint16_t)x)                     \
  X(uint32, uint32_t, natural, x, (uint32_t)x)                     \
  X(uint64, uint64_t, natural, x, x)                               \
  X(complex64, float _Complex, number, x, (float _Complex)x)       \
  X(complex128, double _Complex, number, x, x)                     \
  X(truth, uint8_t, natural, x != 0, x != 0)

#define LOAD_AND_STORE(name, type, field, from_memory, to_memory)                 \
  static void load_##name(cell* to, const char* from, int64_t step, int64_t n) {  \
    for (int64_t i = 0; i < n; ++i) {                                             \
      const type x = *(const type*)(from + i * step);                             \
      to[i].field = from_memory;                                                  \
    }                                                                             \
  }                                                                               \
  static void store_##name(char* to, int64_t step, const cell* from, int64_t n) { \
    for (int64_t i = 0; i < n; ++i) {                                             \
      const __typeof__(from->field) x = from[i].field;                            \
      *(type*)(to + i * step) = to_memory;                                        \
    }                                                                             \
  }
TYPES(LOAD_AND_STORE)

#define ENTRY(name, kind, type) {kind, sizeof(type), load_##name, store_##name}

static const dtype dtypes[] = {
    [DT_FLOAT32] = ENTRY(float32, REAL, float),
    [DT_FLOAT64] = ENTRY(float64, REAL, double),
    [DT_FLOAT16] = ENTRY(float16, REAL, uint16_t),
    [DT_BFLOAT16] = ENTRY(bfloat16, REAL, uint16_t),
    [DT_INT8] = ENTRY(int8, WHOLE, int8_t),
    [DT_INT16] = ENTRY(int16, WHOLE, int16_t),
    [DT_INT32] = ENTRY(int32, WHOLE, int32_t),
    [DT_INT64] = ENTRY(int64, WHOLE, int64_t),
    [DT_UINT8] = ENTRY(uint8, NATURAL, uint8_t),
    [DT_UINT16] = ENTRY(uint16, NATURAL, uint16_t),
    [DT_UINT32] = ENTRY(uint32, NATURAL, uint32_t),
    [DT_UINT64] = ENTRY(uint64, NATURAL, uint64_t),
    [DT_BOOL] = ENTRY(truth, NATURAL, uint8_t),
    [DT_COMPLEX64] = ENTRY(complex64, COMPLEX, float _Complex),
    [DT_COMPLEX128] = ENTRY(complex128, COMPLEX, double _Complex),
};

const dtype* dtype_of(int32_t code) {
  const int32_t known = (int32_t)(sizeof dtypes / sizeof *dtypes);
  return code >= 0 && code < known && dtypes[code].load ? &dtypes[code] : NULL;
}

/* ---- conversions -------------------------------------------------------------------------------------- */

/* Towards zero. What a signed integer of 32 or 64 bits can't hold becomes the least one, as machines have it. */
static int64_t whole_of_real(double x, int32_t to) {
  if (to == DT_INT32) return x > -0x1p31 - 1 && x < 0x1p31 ? (int64_t)x : INT32_MIN;
  return x >= -0x1p63 && x < 0x1p63 ? (int64_t)x : INT64_MIN;
}

static uint64_t natural_of_real(double x) {
  return x >= 0x1p63 && x < 0x1p64 ? (uint64_t)x : (uint64_t)whole_of_real(x, DT_INT64);
}

/* An integer as the nearest float32 at once, not by way of the nearest double. */
static double real_of_exact(cell value, int from_kind, int32_t to) {
  if (to == DT_FLOAT32) return from_kind == WHOLE ? (float)value.whole : (float)value.natural;
  return from_kind == WHOLE ? (double)value.whole : (double)value.natural;
}

bool is_zero(int kind, cell value) {
  if (kind == COMPLEX) return value.number == 0;
  return kind == REAL ? value.real == 0 : value.natural == 0;
}

/* A complex number leaves its imaginary part behind, unless the question is whether it is zero. */
cell convert(cell value, int from_kind, int32_t to) {
  const int to_kind = dtype_of(to)->kind;
  if (to == DT_BOOL) return (cell){.natural = !is_zero(from_kind, value)};
  if (from_kind == to_kind) return value;
  if (from_kind == COMPLEX) return convert((cell){.real = creal(value.number)}, REAL, to);
  if (to_kind == COMPLEX)
    return (cell){.number = from_kind == REAL ? value.real : real_of_exact(value, from_kind, DT_FLOAT64)};
  if (to_kind == REAL) return (cell){.real = real_of_exact(value, from_kind, to)};
  if (from_kind != REAL) return value; /* between integers the bits are the same */
  return to_kind == WHOLE ? (cell){.whole = whole_of_real(value.real, to)}
                          : (cell){.natural = natural_of_real(value.real)};
}

cell cell_of_number(const dt_value* number, int32_t to) {
  switch (number->tag) {
    case DT_FLOAT:
      return convert((cell){.real = number->as.f}, REAL, to);
    case DT_COMPLEX:
      return convert((cell){.number = CMPLX(number->as.complex.re, number->as.complex.im)}, COMPLEX, to);
    default:
      return convert((cell){.whole = number->as.i}, WHOLE, to);
  }
}
