// The CPU's kernel table. Each family file defines one function `void register_<family>(KernelTable&)`, listed in
// families.h, and calls add() for every (op, dtype) it brings.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "dovetail/abi.h"

namespace dovetail::cpu {

class KernelTable {
 public:
  // A kernel for `op` when its first dtype (the compute dtype of elementwise and reduction ops, else that of the first
  // tensor argument) is `dtype`. The other dtypes are fixed by the op's inference.
  void add(const char* op, int32_t dtype, dt_kernel_fn fn, const void* self = nullptr) {
    kernels_[key(op, dtype, -1)] = {fn, self};
  }
  // A kernel for exactly this pair (copy: destination, source).
  void add(const char* op, int32_t first, int32_t second, dt_kernel_fn fn, const void* self = nullptr) {
    kernels_[key(op, first, second)] = {fn, self};
  }
  // All of another table; what is here already stays.
  void add_all(const KernelTable& other) { kernels_.insert(other.kernels_.begin(), other.kernels_.end()); }
  // dtypes may be empty (an op without tensor arguments: dtype -1).
  dt_kernel find(const char* op, const int32_t* dtypes, int32_t n) const {
    const int32_t first = n > 0 ? dtypes[0] : -1;
    if (n > 1) {
      auto exact = kernels_.find(key(op, first, dtypes[1]));
      if (exact != kernels_.end()) return exact->second;
    }
    auto found = kernels_.find(key(op, first, -1));
    return found == kernels_.end() ? dt_kernel{nullptr, nullptr} : found->second;
  }
  // Calls visit(op, kernel) for the kernels of this first dtype, whatever the second.
  template <class Visit>
  void for_each(int32_t dtype, Visit visit) const {
    const std::string middle = "/" + std::to_string(dtype) + "/-1";
    for (const auto& [name, kernel] : kernels_) {
      const size_t slash = name.find('/');
      if (name.compare(slash, std::string::npos, middle) == 0) visit(name.substr(0, slash), kernel);
    }
  }

 private:
  static std::string key(const char* op, int32_t first, int32_t second) {
    return std::string(op) + "/" + std::to_string(first) + "/" + std::to_string(second);
  }
  std::unordered_map<std::string, dt_kernel> kernels_;
};

}  // namespace dovetail::cpu
