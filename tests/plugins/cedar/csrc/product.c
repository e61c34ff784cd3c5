/* bmm(self, mat2): batches of matrix products, (B, M, K) with (B, K, N). Reals are summed in double. */
#include "cedar.h"

#define BMM(name, field)                                                                         \
  static void name(const cell* a, const cell* b, cell* out, int64_t m, int64_t k, int64_t n) {   \
    for (int64_t row = 0; row < m; ++row) {                                                      \
      for (int64_t column = 0; column < n; ++column) out[row * n + column].field = 0;            \
      for (int64_t inner = 0; inner < k; ++inner)                                                \
        for (int64_t column = 0; column < n; ++column)                                           \
          out[row * n + column].field += a[row * k + inner].field * b[inner * n + column].field; \
    }                                                                                            \
  }
BMM(real_product, real)
BMM(exact_product, natural)
BMM(number_product, number)

static dt_status bmm(const call* c) {
  const int64_t batches = c->ins[0].sizes[0], m = c->ins[0].sizes[1], k = c->ins[0].sizes[2], n = c->ins[1].sizes[2];
  const cell *a = load_input(c, 0), *b = load_input(c, 1);
  cell* out = new_cells(c, batches * m * n);
  if (!a || !b || !out) return DT_ERR_MEMORY;
  const int kind = dtype_of(c->ins[0].dtype)->kind;
  for (int64_t i = 0; i < batches; ++i)
    (kind == COMPLEX ? number_product
     : kind == REAL  ? real_product
                     : exact_product)(a + i * m * k, b + i * k * n, out + i * m * n, m, k, n);
  store_output(c, 0, out);
  return DT_OK;
}

const kernel product_kernels[] = {
    {"bmm", ANY, bmm, NULL, NULL, {0}},
    {0},
};
