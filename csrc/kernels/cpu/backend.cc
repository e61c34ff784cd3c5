// The CPU as a backend: its table of functions for core. It includes nothing of core; the allocator is handed in.
#include <cstdio>
#include <cstring>
#include <new>

#include "kernels/cpu/families.h"
#include "kernels/cpu/registry.h"

namespace dovetail::cpu {
namespace {

void* (*host_alloc)(size_t) = nullptr;
void (*host_free)(void*, size_t) = nullptr;
void (*host_stats)(dt_memory_stats*, int) = nullptr;

// Built once; kept for the life of the process.
const KernelTable& kernels() {
  static const KernelTable* const table = [] {
    auto* made = new KernelTable;
#define DOVETAIL_REGISTER(family) register_##family(*made);
    DOVETAIL_CPU_FAMILIES(DOVETAIL_REGISTER)
#undef DOVETAIL_REGISTER
    return made;
  }();
  return *table;
}

int32_t device_count(void*) { return 1; }

dt_status get_kernel(void*, const char* op, const int32_t* dtypes, int32_t n_dtypes, dt_kernel* kernel) {
  try {
    *kernel = kernels().find(op, dtypes, n_dtypes);
    return DT_OK;
  } catch (const std::bad_alloc&) {
    return DT_ERR_MEMORY;
  }
}

dt_status alloc(void*, int32_t, size_t bytes, void*, void** out) {
  try {
    *out = host_alloc(bytes);
    return DT_OK;
  } catch (const std::bad_alloc&) {
    *out = nullptr;
    return DT_ERR_MEMORY;
  }
}

void free_memory(void*, int32_t, void* data, size_t bytes, void*) { host_free(data, bytes); }

dt_status copy(void*, int32_t, void* dst, const void* src, size_t bytes, int32_t, void*) {
  std::memmove(dst, src, bytes);
  return DT_OK;
}

dt_status device_name(void*, int32_t, char* out, size_t capacity) {
  if (capacity) std::snprintf(out, capacity, "CPU");
  return DT_OK;
}

dt_status memory_stats(void*, int32_t, dt_memory_stats* out, int32_t reset_peaks) {
  host_stats(out, reset_peaks);
  return DT_OK;
}

int32_t current_device(void*) { return 0; }
dt_status set_current_device(void*, int32_t index) { return index <= 0 ? DT_OK : DT_ERR_VALUE; }
dt_status synchronize(void*, int32_t, void*) { return DT_OK; }  // work is done when a call returns

dt_backend make_table() {
  dt_backend table{};
  table.abi_major = DT_ABI_MAJOR;
  table.abi_minor = DT_ABI_MINOR;
  table.struct_size = sizeof(dt_backend);
  table.flags = DT_BACKEND_HOST_MEMORY;
  table.name = "cpu";
  table.device_count = device_count;
  table.get_kernel = get_kernel;
  table.alloc = alloc;
  table.free = free_memory;
  table.copy = copy;
  table.device_name = device_name;
  table.memory_stats = memory_stats;
  table.current_device = current_device;
  table.set_current_device = set_current_device;
  table.synchronize = synchronize;
  return table;
}

}  // namespace
}  // namespace dovetail::cpu

extern "C" const dt_backend* dovetail_cpu_backend(void* (*alloc)(size_t), void (*free)(void*, size_t),
                                                  void (*stats)(dt_memory_stats*, int)) {
  dovetail::cpu::host_alloc = alloc;
  dovetail::cpu::host_free = free;
  dovetail::cpu::host_stats = stats;
  static const dt_backend table = dovetail::cpu::make_table();
  return &table;
}
