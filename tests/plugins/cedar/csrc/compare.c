/* Comparisons, logic and bits. */
#include "cedar.h"

/* A block function over elements a and b of a field, whose result is a natural number. */
#define BINARY(name, field, expression)                                           \
  static const char* name(const call* c, cell* out, cell* const* in, int64_t n) { \
    (void)c;                                                                      \
    for (int64_t i = 0; i < n; ++i) {                                             \
      const __typeof__(out->field) a = in[0][i].field, b = in[1][i].field;        \
      out[i].natural = (uint64_t)(expression);                                    \
    }                                                                             \
    return NULL;                                                                  \
  }

#define COMPARISON(name, operator)          \
  BINARY(real_##name, real, a operator b)   \
  BINARY(whole_##name, whole, a operator b) \
  BINARY(natural_##name, natural, a operator b)
COMPARISON(eq, ==)
COMPARISON(ne, !=)
COMPARISON(lt, <)
COMPARISON(le, <=)
COMPARISON(gt, >)
COMPARISON(ge, >=)

BINARY(number_eq, number, a == b)
BINARY(number_ne, number, a != b)

#define LOGIC(name, operator)                                                                                    \
  static const char* name(const call* c, cell* out, cell* const* in, int64_t n) {                                \
    const int kind = dtype_of(c->ins[0].dtype)->kind;                                                            \
    for (int64_t i = 0; i < n; ++i) out[i].natural = !is_zero(kind, in[0][i]) operator !is_zero(kind, in[1][i]); \
    return NULL;                                                                                                 \
  }
LOGIC(logical_and, &)
LOGIC(logical_or, |)
LOGIC(logical_xor, ^)

BINARY(bitwise_and, natural, a& b)
BINARY(bitwise_or, natural, a | b)
BINARY(bitwise_xor, natural, a ^ b)

/* A shift by no number of the dtype's bits moves every one of them out. */
static bool shifts_all(const call* c, uint64_t places) { return places >= 8 * dtype_of(c->ins[0].dtype)->size; }

BINARY(left_shift, natural, shifts_all(c, b) ? 0 : a << b)
BINARY(natural_right_shift, natural, shifts_all(c, b) ? 0 : a >> b)
BINARY(whole_right_shift, whole, shifts_all(c, (uint64_t)b) ? -(a < 0) : a >> b)

#define ROW(op, kinds, block) {op, kinds, elementwise, block, NULL, {0}}
#define COMPARISON_ROWS(name) \
  ROW(#name, REAL, real_##name), ROW(#name, WHOLE, whole_##name), ROW(#name, NATURAL, natural_##name)

const kernel compare_kernels[] = {
    COMPARISON_ROWS(eq),
    COMPARISON_ROWS(ne),
    ROW("eq", COMPLEX, number_eq),
    ROW("ne", COMPLEX, number_ne),
    COMPARISON_ROWS(lt),
    COMPARISON_ROWS(le),
    COMPARISON_ROWS(gt),
    COMPARISON_ROWS(ge),
    ROW("logical_and", ANY, logical_and),
    ROW("logical_or", ANY, logical_or),
    ROW("logical_xor", ANY, logical_xor),
    ROW("bitwise_and", EXACT, bitwise_and),
    ROW("bitwise_or", EXACT, bitwise_or),
    ROW("bitwise_xor", EXACT, bitwise_xor),
    ROW("bitwise_left_shift", EXACT, left_shift),
    ROW("bitwise_right_shift", WHOLE, whole_right_shift),
    ROW("bitwise_right_shift", NATURAL, natural_right_shift),
    {0},
};
