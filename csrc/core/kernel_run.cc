// The context a kernel gets.
#include "core/execute.h"
#include "core/pool.h"

namespace dovetail {

struct KernelCallbacks {
  static void parallel_for(dt_kernel_context*, int64_t n, int64_t grain, void (*body)(void*, int64_t, int64_t),
                           void* arg) {
    dovetail::parallel_for(n, grain, body, arg);
  }

  static void* workspace(dt_kernel_context* context, size_t bytes) {
    auto* run = static_cast<KernelRun*>(context);
    Storage* storage = nullptr;
    if (guarded([&] { storage = new_storage(run->device, bytes ? bytes : 1); }) != DT_OK) return nullptr;
    run->scratch_ = new KernelRun::Scratch{storage, run->scratch_};
    return storage->data;
  }

  static void* allocate_output(dt_kernel_context* context, int32_t index, int32_t ndim, const int64_t* sizes) {
    auto* run = static_cast<KernelRun*>(context);
    if (index < 0 || index >= run->n_dynamic) return nullptr;
    const dt_status status =
        guarded([&] { run->dynamic_outs[index] = empty(ndim, sizes, run->dynamic_dtypes[index], run->device); });
    if (status != DT_OK) return nullptr;
    TensorImpl* t = run->dynamic_outs[index].get();
    return t->data ? t->data : static_cast<void*>(&run->stream);  // an empty one: any address but NULL
  }

  static dt_status fail(dt_kernel_context*, dt_status status, const char* message) {
    return set_error(status, message);
  }
};

KernelRun::KernelRun(const Op& op, Device device) : op(op) {
  struct_size = sizeof(dt_kernel_context);
  this->device = device;
  stream = nullptr;
  if (device.kind != 0) {
    const dt_backend& table = backend(device.kind);
    if (table.current_stream) stream = table.current_stream(table.self, device.index);
  }
  state = nullptr;
  parallel_for = &KernelCallbacks::parallel_for;
  workspace = &KernelCallbacks::workspace;
  allocate_output = &KernelCallbacks::allocate_output;
  dt_kernel_context::fail = &KernelCallbacks::fail;
}

void KernelRun::free_scratch() {
  while (scratch_) {
    Scratch* next = scratch_->next;
    release(scratch_->storage);
    delete scratch_;
    scratch_ = next;
  }
}

}  // namespace dovetail
