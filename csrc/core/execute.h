// Below the layers: run an op on its backend, by its form.
#pragma once

#include "core/backend.h"
#include "core/dispatch.h"

namespace dovetail {

// args are complete (one for every argument of the schema). Throws.
void execute(const Op& op, const dt_value* args, int n_args, dt_value* outs, int n_outs);
// The op's own decomposition, results written to destinations where outs has any.
void run_decomposition(const Op& op, const dt_value* args, int n_args, dt_value* outs, int n_outs);

void run_elementwise(const Op& op, const dt_value* args, int n_args, dt_value* outs);
void run_copy_form(const Op& op, const dt_value* args, dt_value* outs);
// The result of a plain op that takes numbers alone, made on the CPU. Null where it belongs on another device, or where
// there is no kernel.
Tensor make_from_numbers(const Op& op, const dt_value* args, int n_args);
// False: the backend has no kernel for these dtypes.
bool try_elementwise(const Op& op, const dt_value* args, int n_args, dt_value* outs);
bool try_reduction(const Op& op, const dt_value* args, int n_args, dt_value* outs);
bool try_plain(const Op& op, const dt_value* args, int n_args, dt_value* outs);

// ---- shared by the forms --------------------------------------------------------------------------------

// One device for all: that of the tensors that have dims; zero-dim CPU tensors may join any. Throws Error.
struct TensorArgs {
  static constexpr int kInline = 8;
  TensorImpl* inline_items[kInline];
  std::vector<TensorImpl*> more;
  TensorImpl** items = inline_items;  // in schema order, lists laid out flat; null for None
  int count = 0;
  Device device = kCpu;
};
void collect_tensors(const Op& op, const dt_value* args, int n_args, TensorArgs& out);

// The dtype in which these tensors meet (wrapped numbers, then zero-dim tensors, count less). -1 for none.
DType promoted(TensorImpl* const* tensors, int count);
void check_allowed(const Op& op, DType compute);
[[noreturn]] void no_kernel(const Op& op, Device device, const DType* dtypes, int n);

// The tensor in another dtype and on another device: itself where it is so already.
Tensor as_dtype(TensorImpl* t, DType dtype);
// `who` moves it; is_number: a zero-dim tensor of the CPU that joins others stands for a number, as one does that is
// wrapped.
Tensor on_device(const char* who, TensorImpl* t, Device device, bool is_number = false);
Tensor cast_copy(TensorImpl* t, DType dtype);      // always fresh and contiguous
void copy_into(TensorImpl* dst, TensorImpl* src);  // broadcast and cast, through the copy kernel; no layers
// Write a finished result into an out= or in-place destination: checks shape and dtype, bumps the version.
void write_result(const Op& op, TensorImpl* destination, TensorImpl* result);
// Check a destination's shape and dtype; an empty out= tensor is resized.
void check_destination(const Op& op, TensorImpl* destination, int ndim, const int64_t* sizes, DType dtype,
                       Device device);
bool memory_overlaps(const TensorImpl& a, const TensorImpl& b);
bool overlaps_itself(const TensorImpl& t);

// ---- kernel invocation ----------------------------------------------------------------------------------

// A kernel's context; lives on the stack of one call and frees the kernel's scratch.
class KernelRun : public dt_kernel_context {
 public:
  KernelRun(const Op& op, Device device);
  ~KernelRun() {
    if (scratch_) free_scratch();
  }
  KernelRun(const KernelRun&) = delete;
  // Throws what the kernel failed with.
  void run(const dt_kernel& kernel, const dt_array* outs, int n_outs, const dt_array* ins, int n_ins,
           const dt_value* args, int n_args) {
    check_status(kernel.fn(kernel.self, this, outs, n_outs, ins, n_ins, args, n_args));
  }

  const Op& op;
  Tensor* dynamic_outs = nullptr;  // where allocate_output puts what it makes
  const DType* dynamic_dtypes = nullptr;
  int n_dynamic = 0;

 private:
  friend struct KernelCallbacks;
  struct Scratch {
    Storage* storage;
    Scratch* next;
  };
  void free_scratch();
  Scratch* scratch_ = nullptr;
};

inline dt_array array_of(const TensorImpl& t) { return {t.data, t.sizes(), t.strides(), t.ndim, t.dtype}; }
inline dt_array no_array() { return {nullptr, nullptr, nullptr, -1, -1}; }

}  // namespace dovetail
