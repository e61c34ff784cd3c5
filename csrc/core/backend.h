// Backends: registered tables, by kind. Kind 0 is the CPU.
#pragma once

#include <string>

#include "core/op.h"

namespace dovetail {

int16_t register_backend(const dt_backend* table);  // throws Error: ABI mismatch, name taken, missing slots
const dt_backend& backend(int kind);                // throws Error for an unknown kind
int backend_count();
int backend_by_name(std::string_view name);    // -1: none
std::string device_text(Device device);        // "cpu", "reference:0"
Device parse_device(const std::string& text);  // throws Error, naming the devices there are
Device resolve_device(Device device);          // fills in index -1
// Where this thread makes tensors that are given no device and are made of none. Null: on the CPU, none was chosen.
const Device* default_device();
void set_default_device(const Device* device);
// Throws Error saying why there is none ("no CUDA device: ...").
void check_device(const char* who, Device device);

// The kernel for (op, dtypes) on a device kind; fn is null where the backend has none. Cached.
dt_kernel find_kernel(const Op& op, int kind, const DType* dtypes, int n_dtypes);

// The context handed to kernels; made on the stack of the call.
struct KernelCall;

// The CPU's table; defined by kernels/cpu/backend.cc.
}  // namespace dovetail

extern "C" const dt_backend* dovetail_cpu_backend(void* (*alloc)(size_t), void (*free)(void*, size_t),
                                                  void (*stats)(dt_memory_stats*, int));
