#include "kernels/cuda/device.h"

#include <cstdlib>
#include <mutex>
#include <string>

#include "kernels/cuda/graph.h"

namespace dovetail::cuda {

const dt_api* core = nullptr;

namespace {

struct Presence {
  int count = 0;
  std::string why;

  Presence() {
    const cudaError_t error = cudaGetDeviceCount(&count);
    if (error == cudaSuccess && count > 0) {
      if (count > kMostDevices) count = kMostDevices;
      return;
    }
    count = 0;
    cudaGetLastError();  // it is told below, not again by the next call
    why = "no CUDA device: ";
    if (error == cudaErrorInsufficientDriver)
      why += "there is no NVIDIA driver, or one that is older than CUDA " + std::to_string(CUDART_VERSION / 1000) +
             " needs; nvidia-smi shows what is installed";
    else
      why += error == cudaSuccess ? "the driver reports none" : cudaGetErrorString(error);
    const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
    if (visible) why += std::string(" (CUDA_VISIBLE_DEVICES is '") + visible + "')";
  }
};

// Asked once: devices do not come and go under a process.
const Presence& presence() {
  static const Presence* const found = new Presence;
  return *found;
}

Device* devices[kMostDevices];
std::once_flag made[kMostDevices];

}  // namespace

int device_count() { return presence().count; }
const char* why_none() { return presence().why.c_str(); }

bool synchronous() {
  static const bool wanted = [] {
    const char* text = std::getenv("DOVETAIL_CUDA_SYNC");
    return text && *text && *text != '0';
  }();
  return wanted;
}

cudaStream_t& current_stream(int index) {
  thread_local cudaStream_t streams[kMostDevices] = {};
  return streams[index];
}

// ---- the thread's device ----------------------------------------------------------------------------------------

DeviceScope::DeviceScope(int index) {
  int now = -1;
  cudaError_t error = cudaGetDevice(&now);
  if (error == cudaSuccess && now != index) {
    error = cudaSetDevice(index);
    if (error == cudaSuccess) before_ = now;
  }
  if (error != cudaSuccess) {
    const std::string message = "cuda:" + std::to_string(index) + " can't be used: " + cudaGetErrorString(error);
    status_ = core->set_error(DT_ERR_RUNTIME, message.c_str());
  }
}

DeviceScope::~DeviceScope() {
  if (before_ >= 0) cudaSetDevice(before_);
}

// ---- memory -----------------------------------------------------------------------------------------------------

bool Driver::allocate(size_t bytes, void** out) {
  const Unrecorded guard;
  if (cudaMalloc(out, bytes) == cudaSuccess) return true;
  cudaGetLastError();
  *out = nullptr;
  return false;
}

void Driver::release(void* data) { cudaFree(data); }
void Driver::wait_for_all() { cudaDeviceSynchronize(); }
bool Driver::is_capturing(void* stream) { return cuda::is_capturing(static_cast<cudaStream_t>(stream)); }

void* Driver::record(void* stream) {
  cudaEvent_t event = nullptr;
  if (cudaEventCreateWithFlags(&event, cudaEventDisableTiming) == cudaSuccess &&
      cudaEventRecord(event, static_cast<cudaStream_t>(stream)) == cudaSuccess)
    return event;
  cudaDeviceSynchronize();  // no event to be had: then at once
  if (event) cudaEventDestroy(event);
  return nullptr;
}

bool Driver::finished(void* event) {
  if (!event) return true;
  if (cudaEventQuery(static_cast<cudaEvent_t>(event)) == cudaErrorNotReady) {
    cudaGetLastError();
    return false;
  }
  cudaEventDestroy(static_cast<cudaEvent_t>(event));
  return true;
}

void Driver::wait(void* event) {
  if (!event) return;
  cudaEventSynchronize(static_cast<cudaEvent_t>(event));
  cudaEventDestroy(static_cast<cudaEvent_t>(event));
}

// ---- devices ----------------------------------------------------------------------------------------------------

Device* Device::get(int index) {
  if (index < 0 || index >= device_count()) {
    const std::string message =
        "device cuda:" + std::to_string(index) + " is absent" +
        (device_count() == 0 ? std::string(": ") + why_none()
                             : "; there are " + std::to_string(device_count()) + " CUDA devices");
    core->set_error(DT_ERR_RUNTIME, message.c_str());
    return nullptr;
  }
  std::call_once(made[index], [index] {
    const DeviceScope scope(index);
    if (scope.status() != DT_OK) return;
    const Unrecorded guard;
    auto* device = new Device;
    void* record = nullptr;
    if (cudaHostAlloc(&record, sizeof(ErrorRecord), cudaHostAllocPortable | cudaHostAllocMapped) == cudaSuccess) {
      device->errors = new (record) ErrorRecord{};
      devices[index] = device;
    } else {
      delete device;
    }
  });
  if (!devices[index]) {
    const cudaError_t error = cudaGetLastError();
    const std::string message =
        "cuda:" + std::to_string(index) +
        " can't be used: " + (error == cudaSuccess ? "it failed when it was first tried" : cudaGetErrorString(error));
    core->set_error(DT_ERR_RUNTIME, message.c_str());
  }
  return devices[index];
}

dt_status Device::noted(const char* running) {
  if (__builtin_expect(*static_cast<volatile int*>(&errors->trouble) == 0, 1)) return DT_OK;
  const ErrorRecord found = *errors;
  *errors = ErrorRecord{};
  const std::string op = found.op;
  const std::string who = running && op == running ? op + ": " : "cuda: an earlier " + op + " failed: ";
  if (found.trouble == static_cast<int>(Trouble::division)) {
    const std::string why = "division by zero: an element of the integer divisor is 0; mask it or divide floats";
    return core->set_error(DT_ERR_RUNTIME, (who + why).c_str());
  }
  const std::string why = "index " + std::to_string(found.value) + " is out of range for dim " +
                          std::to_string(found.dim) + " of size " + std::to_string(found.size);
  return core->set_error(DT_ERR_INDEX, (who + why).c_str());
}

dt_status Device::failed(cudaError_t error, const char* what) const {
  cudaGetLastError();
  std::string message =
      std::string(what) + ": CUDA failed: " + cudaGetErrorString(error) + " (" + cudaGetErrorName(error) + ")";
  const char* last = last_op.load();
  if (!synchronous() && last)
    message += std::string("; this may be the failure of an earlier op (the last one started was ") + last +
               "): run again with DOVETAIL_CUDA_SYNC=1 to see which";
  return core->set_error(error == cudaErrorMemoryAllocation ? DT_ERR_MEMORY : DT_ERR_RUNTIME, message.c_str());
}

}  // namespace dovetail::cuda
