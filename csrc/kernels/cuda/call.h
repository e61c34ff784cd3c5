// What a kernel function gets, and the table in which it is found.
#pragma once

#include <cuda_runtime.h>

#include <cstdio>
#include <string>
#include <unordered_map>

#include "dovetail/abi.h"
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

class KernelTable {
 public:
  struct Entry {
    std::string op;
    KernelFunction function;
  };
  // A kernel for `op` when its first dtype (the compute dtype of elementwise and reduction ops, else that of the first
  // tensor argument, or the result's) is `dtype`.
  void add(const char* op, int32_t dtype, KernelFunction function) { add(op, dtype, -1, function); }
  // For exactly this pair (copy: destination, source).
  void add(const char* op, int32_t first, int32_t second, KernelFunction function) {
    entries_[key(op, first, second)] = {op, function};
  }
  const Entry* find(const char* op, const int32_t* dtypes, int32_t n) const {
    const int32_t first = n > 0 ? dtypes[0] : -1;
    if (n > 1) {
      const auto exact = entries_.find(key(op, first, dtypes[1]));
      if (exact != entries_.end()) return &exact->second;
    }
    const auto found = entries_.find(key(op, first, -1));
    return found == entries_.end() ? nullptr : &found->second;
  }

 private:
  static std::string key(const char* op, int32_t first, int32_t second) {
    return std::string(op) + '/' + std::to_string(first) + '/' + std::to_string(second);
  }
  std::unordered_map<std::string, Entry> entries_;
};

// Each family file defines register_<family>(KernelTable&).
// clang-format off
#define DOVETAIL_CUDA_FAMILIES(X)                                                                            \
  X(unary) X(unary_more) X(exact) X(binary) X(binary_integer) X(compare) X(bitwise) X(select) X(copy) X(create) \
  X(random) X(reduce) X(arg_reduce) X(scan) X(sort) X(nonzero) X(gather) X(scatter) X(concat) X(contract)       \
  X(conv) X(pool)
// clang-format on
#define DOVETAIL_DECLARE(family) void register_##family(KernelTable& table);
DOVETAIL_CUDA_FAMILIES(DOVETAIL_DECLARE)
#undef DOVETAIL_DECLARE

}  // namespace dovetail::cuda
