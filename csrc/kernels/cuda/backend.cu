// CUDA as a backend: its table of functions for the core. Loaded by path and handed the core's table, so it is no
// Python extension, and one build serves every Python.
#include <cstdio>
#include <cstring>
#include <new>
#include <string>

#include "kernels/cuda/call.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/graph.h"

namespace dovetail::cuda {
namespace {

constexpr int32_t kDlpackCuda = 2;

const KernelTable& kernels() {
  static const KernelTable* const table = [] {
    auto* made = new KernelTable;
#define DOVETAIL_REGISTER(family) register_##family(*made);
    DOVETAIL_CUDA_FAMILIES(DOVETAIL_REGISTER)
#undef DOVETAIL_REGISTER
    return made;
  }();
  return *table;
}

cudaStream_t as_stream(void* stream) { return static_cast<cudaStream_t>(stream); }
cudaEvent_t as_event(void* event) { return static_cast<cudaEvent_t>(event); }

// use(device) with it as the thread's own; what it returns in a failure of CUDA's is told as one of `what`.
template <class Use>
dt_status on_device(int32_t index, const char* what, const Use& use) {
  Device* device = Device::get(index);
  if (!device) return DT_ERR_RUNTIME;
  const DeviceScope scope(index);
  if (scope.status() != DT_OK) return scope.status();
  const cudaError_t error = use(*device);
  return error == cudaSuccess ? DT_OK : device->failed(error, what);
}

// ---- kernels ----------------------------------------------------------------------------------------------------

// Before the kernel: what earlier ones noted is raised now. After it: whether it could be launched.
dt_status run(const void* self, dt_kernel_context* context, const dt_array* outs, int32_t n_outs, const dt_array* ins,
              int32_t n_ins, const dt_value* args, int32_t n_args) {
  const auto& entry = *static_cast<const Entry*>(self);
  Device* device = Device::get(context->device.index);
  if (!device) return DT_ERR_RUNTIME;
  const DeviceScope scope(context->device.index);
  if (scope.status() != DT_OK) return scope.status();
  dt_status status = device->noted();
  if (status != DT_OK) return status;
  const char* op = entry.op.c_str();
  device->last_op.store(op, std::memory_order_relaxed);
  const Call call{op,    context, as_stream(context->stream), {device->errors, op}, outs, ins, args, n_outs,
                  n_ins, n_args};
  status = entry.function(call);
  if (status != DT_OK) return status;
  cudaError_t error = cudaGetLastError();
  if (error == cudaSuccess && synchronous() && !is_capturing(call.stream)) {
    error = cudaStreamSynchronize(call.stream);
    if (error == cudaSuccess) return device->noted(op);
  }
  return error == cudaSuccess ? DT_OK : device->failed(error, op);
}

dt_status get_kernel(void*, const char* op, const int32_t* dtypes, int32_t n_dtypes, dt_kernel* kernel) {
  try {
    const Entry* entry = kernels().find(op, dtypes, n_dtypes);
    *kernel = {entry ? run : nullptr, entry};
    return DT_OK;
  } catch (const std::bad_alloc&) {
    return DT_ERR_MEMORY;
  }
}

// Whether the host may not wait for the stream (null: for the device), since a graph is being captured; in words.
bool capture_refuses(const char* who, bool whole_device, void* stream) {
  if (whole_device ? !capture_under_way() : !is_capturing(as_stream(stream))) return false;
  const std::string message = std::string(who) + ": the host would wait for " +
                              (whole_device ? "the device" : "a stream") +
                              " while a graph is being captured from it; do it before or after the capture";
  core->set_error(DT_ERR_RUNTIME, message.c_str());
  return true;
}

// ---- devices ----------------------------------------------------------------------------------------------------

int32_t count_devices(void*) { return device_count(); }
const char* explain(void*) { return why_none(); }

dt_status device_name(void*, int32_t index, char* out, size_t capacity) {
  return on_device(index, "device_name", [&](Device&) {
    cudaDeviceProp properties;
    const cudaError_t error = cudaGetDeviceProperties(&properties, index);
    if (error == cudaSuccess && capacity) std::snprintf(out, capacity, "%s", properties.name);
    return error;
  });
}

std::string uuid_text(const cudaUUID_t& uuid) {
  std::string text;
  for (int i = 0; i < 16; ++i) {
    char two[4];
    std::snprintf(two, sizeof two, "%02x", static_cast<unsigned char>(uuid.bytes[i]));
    text += std::string(i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "") + two;
  }
  return text;
}

dt_status device_properties(void*, int32_t index, void (*tell)(void*, const char*, const dt_value*), void* arg) {
  return on_device(index, "device_properties", [&](Device&) {
    cudaDeviceProp found;
    const cudaError_t error = cudaGetDeviceProperties(&found, index);
    if (error != cudaSuccess) return error;
    dt_value value{};
    const auto text = [&](const char* name, const char* content) {
      value.tag = DT_STRING;
      value.as.string = content;
      tell(arg, name, &value);
    };
    const auto whole = [&](const char* name, int64_t number, int32_t tag = DT_INT) {
      value.tag = tag;
      value.as.i = number;
      tell(arg, name, &value);
    };
    text("name", found.name);
    whole("major", found.major);
    whole("minor", found.minor);
    whole("total_memory", static_cast<int64_t>(found.totalGlobalMem));
    whole("multi_processor_count", found.multiProcessorCount);
    whole("max_threads_per_multi_processor", found.maxThreadsPerMultiProcessor);
    whole("max_threads_per_block", found.maxThreadsPerBlock);
    whole("warp_size", found.warpSize);
    whole("regs_per_multiprocessor", found.regsPerMultiprocessor);
    whole("shared_memory_per_block", static_cast<int64_t>(found.sharedMemPerBlock));
    whole("shared_memory_per_block_optin", static_cast<int64_t>(found.sharedMemPerBlockOptin));
    whole("shared_memory_per_multiprocessor", static_cast<int64_t>(found.sharedMemPerMultiprocessor));
    whole("L2_cache_size", found.l2CacheSize);
    whole("memory_bus_width", found.memoryBusWidth);
    whole("is_integrated", found.integrated != 0, DT_BOOLEAN);
    whole("is_multi_gpu_board", found.isMultiGpuBoard != 0, DT_BOOLEAN);
    whole("pci_bus_id", found.pciBusID);
    whole("pci_device_id", found.pciDeviceID);
    whole("pci_domain_id", found.pciDomainID);
    text("uuid", uuid_text(found.uuid).c_str());
    return cudaSuccess;
  });
}

int32_t current_device(void*) {
  int index = 0;
  return device_count() > 0 && cudaGetDevice(&index) == cudaSuccess ? index : 0;
}
dt_status set_current_device(void*, int32_t index) {
  Device* device = Device::get(index);
  if (!device) return DT_ERR_RUNTIME;
  const cudaError_t error = cudaSetDevice(index);
  return error == cudaSuccess ? DT_OK : device->failed(error, "set_device");
}

// ---- memory -----------------------------------------------------------------------------------------------------

dt_status alloc(void*, int32_t index, size_t bytes, void* stream, void** out) {
  *out = nullptr;
  Device* device = Device::get(index);
  if (!device) return DT_ERR_RUNTIME;
  const DeviceScope scope(index);
  if (scope.status() != DT_OK) return scope.status();
  *out = device->memory.allocate(bytes, stream);
  if (*out) return DT_OK;
  size_t left = 0, total = 0;
  cudaMemGetInfo(&left, &total);
  const dt_memory_stats stats = device->memory.stats(false);
  const std::string message = "cuda:" + std::to_string(index) + ": out of memory for " + std::to_string(bytes) +
                              " bytes; " + std::to_string(left) + " of " + std::to_string(total) +
                              " bytes are free, and tensors of this process hold " + std::to_string(stats.allocated);
  return core->set_error(DT_ERR_MEMORY, message.c_str());
}

void free_memory(void*, int32_t index, void* data, size_t, void* stream) {
  Device* device = Device::get(index);
  const DeviceScope scope(index);
  if (device) device->memory.free(data, stream);
}

dt_status record_stream(void*, int32_t index, void* data, void* stream) {
  return on_device(index, "record_stream", [&](Device& device) {
    device.memory.use_on(data, stream);
    return cudaSuccess;
  });
}

dt_status memory_stats(void*, int32_t index, dt_memory_stats* out, int32_t reset_peaks) {
  return on_device(index, "memory_stats", [&](Device& device) {
    dt_memory_stats stats = device.memory.stats(reset_peaks != 0);
    const uint32_t size = out->struct_size;
    std::memcpy(out, &stats, std::min<size_t>(size, sizeof stats));
    out->struct_size = size;
    return cudaSuccess;
  });
}

void empty_cache(void*, int32_t index) {
  on_device(index, "empty_cache", [](Device& device) {
    device.memory.empty_cache();
    return cudaSuccess;
  });
}

// Ordinary host memory is staged before the call returns; pinned memory is read by the device itself, later.
bool is_staged(const void* host) {
  cudaPointerAttributes attributes;
  const cudaError_t error = cudaPointerGetAttributes(&attributes, host);
  if (error != cudaSuccess) cudaGetLastError();
  return error == cudaSuccess && attributes.type == cudaMemoryTypeUnregistered;
}

dt_status copy(void*, int32_t index, void* dst, const void* src, size_t bytes, int32_t direction, void* stream) {
  static constexpr cudaMemcpyKind kKinds[] = {cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice};
  Device* device = Device::get(index);
  if (!device) return DT_ERR_RUNTIME;
  const bool captured = is_capturing(as_stream(stream));
  if (captured &&
      (direction == DT_COPY_DEVICE_TO_HOST || (direction == DT_COPY_HOST_TO_DEVICE && bytes > kLargestNumber)))
    return core->set_error(DT_ERR_RUNTIME, "copy: the host's memory can't be part of a graph");
  const dt_status status = on_device(index, "copy", [&](Device&) {
    if (captured && direction == DT_COPY_HOST_TO_DEVICE) {
      write_number(as_stream(stream), dst, src, bytes);
      return cudaGetLastError();
    }
    const cudaError_t error = cudaMemcpyAsync(dst, src, bytes, kKinds[direction], as_stream(stream));
    const bool waits = direction == DT_COPY_DEVICE_TO_HOST || (direction == DT_COPY_HOST_TO_DEVICE && !is_staged(src));
    return error == cudaSuccess && waits ? cudaStreamSynchronize(as_stream(stream)) : error;
  });
  // What the host is about to read may come from a kernel that noted an error.
  return status == DT_OK && direction == DT_COPY_DEVICE_TO_HOST ? device->noted() : status;
}

// ---- streams and events -----------------------------------------------------------------------------------------

void* get_current_stream(void*, int32_t index) {
  return index >= 0 && index < kMostDevices ? current_stream(index) : nullptr;
}
dt_status set_current_stream(void*, int32_t index, void* stream) {
  return on_device(index, "set_stream", [&](Device&) {
    current_stream(index) = as_stream(stream);
    return cudaSuccess;
  });
}

dt_status stream_create(void*, int32_t index, int32_t priority, void** stream) {
  return on_device(index, "Stream", [&](Device&) {
    cudaStream_t made = nullptr;
    // It need not wait for the default stream.
    const cudaError_t error = cudaStreamCreateWithPriority(&made, cudaStreamNonBlocking, priority);
    *stream = made;
    return error;
  });
}
void stream_destroy(void*, int32_t index, void* stream) {
  on_device(index, "Stream", [&](Device& device) {
    cudaStreamSynchronize(as_stream(stream));
    device.memory.forget_stream(stream);
    if (current_stream(index) == as_stream(stream)) current_stream(index) = nullptr;
    return cudaStreamDestroy(as_stream(stream));
  });
}

cudaError_t is_ready(cudaError_t error, int32_t* done) {
  *done = error != cudaErrorNotReady;
  if (error == cudaErrorNotReady) cudaGetLastError();
  return error == cudaErrorNotReady ? cudaSuccess : error;
}
dt_status stream_query(void*, int32_t index, void* stream, int32_t* done) {
  if (capture_refuses("query", false, stream)) return DT_ERR_RUNTIME;
  return on_device(index, "query", [&](Device&) {
    const Unrecorded guard;
    return is_ready(cudaStreamQuery(as_stream(stream)), done);
  });
}

// A null stream stands for all that the device was given.
dt_status synchronize(void*, int32_t index, void* stream) {
  Device* device = Device::get(index);
  if (!device || capture_refuses("synchronize", !stream, stream)) return DT_ERR_RUNTIME;
  const dt_status status = on_device(index, "synchronize", [&](Device&) {
    return stream ? cudaStreamSynchronize(as_stream(stream)) : cudaDeviceSynchronize();
  });
  return status == DT_OK ? device->noted() : status;
}

dt_status event_create(void*, int32_t index, void** event) {
  return on_device(index, "Event", [&](Device&) {
    cudaEvent_t made = nullptr;
    const cudaError_t error = cudaEventCreate(&made);
    *event = made;
    return error;
  });
}
void event_destroy(void*, int32_t, void* event) { cudaEventDestroy(as_event(event)); }
dt_status event_record(void*, int32_t index, void* event, void* stream) {
  return on_device(index, "record", [&](Device&) { return cudaEventRecord(as_event(event), as_stream(stream)); });
}
dt_status event_wait(void*, int32_t index, void* event, void* stream) {
  return on_device(index, "wait", [&](Device&) { return cudaStreamWaitEvent(as_stream(stream), as_event(event), 0); });
}
dt_status event_query(void*, int32_t index, void* event, int32_t* done) {
  return on_device(index, "query", [&](Device&) {
    const Unrecorded guard;
    return is_ready(cudaEventQuery(as_event(event)), done);
  });
}
dt_status event_synchronize(void*, int32_t index, void* event) {
  Device* device = Device::get(index);
  if (!device) return DT_ERR_RUNTIME;
  const dt_status status =
      on_device(index, "synchronize", [&](Device&) { return cudaEventSynchronize(as_event(event)); });
  return status == DT_OK ? device->noted() : status;
}
dt_status event_elapsed(void*, int32_t index, void* start, void* end, double* milliseconds) {
  return on_device(index, "elapsed_time", [&](Device&) {
    float elapsed = 0;
    const cudaError_t error = cudaEventElapsedTime(&elapsed, as_event(start), as_event(end));
    *milliseconds = elapsed;
    return error;
  });
}

int32_t dlpack_device_type(void*) { return kDlpackCuda; }

dt_backend make_table() {
  dt_backend table{};
  table.abi_major = DT_ABI_MAJOR;
  table.abi_minor = DT_ABI_MINOR;
  table.struct_size = sizeof(dt_backend);
  table.name = "cuda";
  table.device_count = count_devices;
  table.get_kernel = get_kernel;
  table.alloc = alloc;
  table.free = free_memory;
  table.copy = copy;
  table.explain = explain;
  table.device_name = device_name;
  table.memory_stats = memory_stats;
  table.empty_cache = empty_cache;
  table.current_device = current_device;
  table.set_current_device = set_current_device;
  table.current_stream = get_current_stream;
  table.synchronize = synchronize;
  table.event_create = event_create;
  table.event_destroy = event_destroy;
  table.event_record = event_record;
  table.event_wait = event_wait;
  table.dlpack_device_type = dlpack_device_type;
  table.stream_create = stream_create;
  table.stream_destroy = stream_destroy;
  table.set_current_stream = set_current_stream;
  table.stream_query = stream_query;
  table.event_query = event_query;
  table.event_synchronize = event_synchronize;
  table.event_elapsed = event_elapsed;
  table.record_stream = record_stream;
  table.device_properties = device_properties;
  add_graph_slots(table);
  return table;
}

}  // namespace
}  // namespace dovetail::cuda

// What the core asks the library for (DT_BACKEND_ENTRY).
extern "C" __attribute__((visibility("default"))) const dt_backend* dovetail_backend(const dt_api* api) {
  // Of a table of another major version nothing else may be read; register_backend refuses ours in words.
  if (api->abi_major == DT_ABI_MAJOR) dovetail::cuda::core = api;
  static const dt_backend table = dovetail::cuda::make_table();
  return &table;
}
