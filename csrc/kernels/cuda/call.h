// What a kernel function gets, and the table in which it is found.
#pragma once

#include <cuda_runtime.h>

#include <cstdio>
#include <string>

#include "dovetail/abi.h"
#include "kernels/common/kernel_table.h"
#include "kernels/cuda/errors.h"
#include "kernels/cuda/launch.h"

namespace dovetail::cuda {

struct Call {
  const char* op;
  dt_kernel_context* context;
  cudaStream_t stream;
  ErrorSink errors;
  const dt_array* outs;
  const dt_array* ins;
  const dt_value* args;
  int32_t n_outs, n_ins, n_args;

  template <class Body>
  void for_each(int64_t n, const Body& body) const {
    cuda::for_each(stream, n, body);
  }
  // Device memory until the kernel function returns; null when there is none left.
  template <class T>
  T* workspace(int64_t n) const {
    return static_cast<T*>(context->workspace(context, static_cast<size_t>(n < 1 ? 1 : n) * sizeof(T)));
  }
  dt_status fail(dt_status status, const char* what) const {
    const std::string message = std::string(op) + ": " + what;
    return context->fail(context, status, message.c_str());
  }
  dt_status out_of_memory() const {
    return fail(DT_ERR_MEMORY, "not enough device memory for the kernel's scratch space");
  }
};

using KernelFunction = dt_status (*)(const Call&);

struct Entry {
  std::string op;
  KernelFunction function;
};

class KernelTable : public KernelMap<Entry> {
 public:
  void add(const char* op, int32_t dtype, KernelFunction function) { add(op, dtype, -1, function); }
  void add(const char* op, int32_t first, int32_t second, KernelFunction function) {
    KernelMap::add(op, first, second, {op, function});
  }
};

// Each family file defines register_<family>(KernelTable&).
// clang-format off
#define DOVETAIL_CUDA_FAMILIES(X)                                                                            \
  X(unary) X(unary_more) X(exact) X(binary) X(binary_integer) X(compare) X(bitwise) X(select) X(copy) X(create) \
  X(random) X(reduce) X(reduce_truth) X(arg_reduce) X(scan) X(sort) X(nonzero) X(gather) X(scatter) X(concat)   \
  X(contract) X(conv) X(pool) X(complex)
// clang-format on
#define DOVETAIL_DECLARE(family) void register_##family(KernelTable& table);
DOVETAIL_CUDA_FAMILIES(DOVETAIL_DECLARE)
#undef DOVETAIL_DECLARE

}  // namespace dovetail::cuda
