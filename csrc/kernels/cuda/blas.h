// Matrix products by cuBLAS, which is found and loaded when the first one is asked for.
#pragma once

#include "kernels/cuda/call.h"

namespace dovetail::cuda {

// A batch of row-major products c = a b of one floating or complex dtype.
struct Product {
  struct Operand {
    const void* data;
    int64_t leading, batch;  // strides, in elements
    bool transposed;         // stored by columns
  };
  int32_t dtype;
  int64_t count, m, n, k;
  Operand a, b;
  void* c;
  int64_t c_leading, c_batch;
};

dt_status multiply(const Call& call, const Product& product);

// Before a capture: what the first product of a thread makes can't be made during one.
void prepare_products(int device);

}  // namespace dovetail::cuda
