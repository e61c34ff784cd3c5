/* Choosing between elements: where and clamp. */
#include <math.h>

#include "cedar.h"

static const char* where(const call* c, cell* out, cell* const* in, int64_t n) {
  (void)c;
  for (int64_t i = 0; i < n; ++i) out[i] = in[0][i].natural ? in[1][i] : in[2][i];
  return NULL;
}

/* clamp(self, min, max): either bound may be absent; where one is NaN, so is the result. */
#define CLAMP(name, field, is_nan)                                                     \
  static const char* name(const call* c, cell* out, cell* const* in, int64_t n) {      \
    (void)c;                                                                           \
    for (int64_t i = 0; i < n; ++i) {                                                  \
      __typeof__(out->field) x = in[0][i].field;                                       \
      if (in[1] && (in[1][i].field > x || is_nan(in[1][i].field))) x = in[1][i].field; \
      if (in[2] && (in[2][i].field < x || is_nan(in[2][i].field))) x = in[2][i].field; \
      out[i].field = x;                                                                \
    }                                                                                  \
    return NULL;                                                                       \
  }
#define NEVER(x) false
CLAMP(real_clamp, real, isnan)
CLAMP(whole_clamp, whole, NEVER)
CLAMP(natural_clamp, natural, NEVER)

#define ROW(op, kinds, block) {op, kinds, elementwise, block, NULL, {0}}

const kernel select_kernels[] = {
    ROW("where", ANY, where),
    ROW("clamp", REAL, real_clamp),
    ROW("clamp", WHOLE, whole_clamp),
    ROW("clamp", NATURAL, natural_clamp),
    {0},
};
