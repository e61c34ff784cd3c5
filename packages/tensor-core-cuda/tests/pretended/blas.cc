// cuBLAS pretended: the same product, from the same description, by three loops.
#include "kernels/cuda/blas.h"

#include "kernels/cuda/elementwise.h"

namespace dovetail::cuda {
namespace {

template <class T>
dt_status multiplied(const Call& call, const Product& p) {
  using A = Compute<T>;
  const auto element = [](const Product::Operand& o, int64_t item, int64_t row, int64_t col) {
    const int64_t at = o.transposed ? col * o.leading + row : row * o.leading + col;
    return load(static_cast<const T*>(o.data) + item * o.batch + at);
  };
  call.for_each(p.count * p.m * p.n, [=](int64_t i) {
    const int64_t col = i % p.n, row = i / p.n % p.m, item = i / p.n / p.m;
    A sum = A(0);
    for (int64_t k = 0; k < p.k; ++k) sum = sum + element(p.a, item, row, k) * element(p.b, item, k, col);
    static_cast<T*>(p.c)[item * p.c_batch + row * p.c_leading + col] = static_cast<T>(sum);
  });
  return DT_OK;
}

}  // namespace

void prepare_products(int) {}

dt_status multiply(const Call& call, const Product& product) {
  switch (product.dtype) {
#define DOVETAIL_CASE(T, dtype) \
  case dtype:                   \
    return multiplied<T>(call, product);
    DOVETAIL_FLOATS(DOVETAIL_CASE)
    DOVETAIL_SIXTEENS(DOVETAIL_CASE)
    DOVETAIL_COMPLEXES(DOVETAIL_CASE)
#undef DOVETAIL_CASE
    default:
      return call.fail(DT_ERR_RUNTIME, "cuBLAS was asked for a dtype that it does not have");
  }
}

}  // namespace dovetail::cuda
