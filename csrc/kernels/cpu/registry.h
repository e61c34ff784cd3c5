// The CPU's kernel table. Each family file defines one function `void register_<family>(KernelTable&)`, listed in
// families.h, and calls add() for every (op, dtype) it brings.
#pragma once

#include "dovetail/abi.h"
#include "kernels/common/kernel_table.h"

namespace dovetail::cpu {

class KernelTable : public KernelMap<dt_kernel> {
 public:
  void add(const char* op, int32_t dtype, dt_kernel_fn fn, const void* self = nullptr) { add(op, dtype, -1, fn, self); }
  void add(const char* op, int32_t first, int32_t second, dt_kernel_fn fn, const void* self = nullptr) {
    KernelMap::add(op, first, second, {fn, self});
  }
  // A kernel whose `self` is the one that the table has for `inner`, which is kept for the life of the process.
  void add_over(const char* op, int32_t dtype, dt_kernel_fn fn, int32_t inner) {
    add(op, dtype, fn, new dt_kernel(find(op, &inner, 1)));
  }
  dt_kernel find(const char* op, const int32_t* dtypes, int32_t n) const {
    const dt_kernel* found = KernelMap::find(op, dtypes, n);
    return found ? *found : dt_kernel{nullptr, nullptr};
  }
};

// Runs the kernel that another one's `self` points to: see add_over().
inline dt_status run_inner(const void* self, dt_kernel_context* ctx, const dt_array* outs, int32_t n_outs,
                           const dt_array* ins, int32_t n_ins, const dt_value* args, int32_t n_args) {
  const dt_kernel& inner = *static_cast<const dt_kernel*>(self);
  return inner.fn(inner.self, ctx, outs, n_outs, ins, n_ins, args, n_args);
}

}  // namespace dovetail::cpu
