// Devices as this process sees them: memory, streams, and the errors of what they have been given to do.
#pragma once

#include <cuda_runtime.h>

#include <atomic>

#include "dovetail/abi.h"
#include "kernels/cuda/allocator.h"
#include "kernels/cuda/errors.h"

namespace dovetail::cuda {

constexpr int kMostDevices = 32;

// The core's table, for the error slot.
extern const dt_api* core;

// How many there are; with 0, why.
int device_count();
const char* why_none();

// Whether every kernel is waited for, so that an error names the op that caused it: DOVETAIL_CUDA_SYNC=1.
bool synchronous();

// The thread's device for the length of a scope.
class DeviceScope {
 public:
  explicit DeviceScope(int index);
  ~DeviceScope();
  DeviceScope(const DeviceScope&) = delete;
  dt_status status() const { return status_; }

 private:
  int before_ = -1;
  dt_status status_ = DT_OK;
};

struct Driver {
  bool allocate(size_t bytes, void** out);
  void release(void* data);
  void wait_for_all();
  void* record(void* stream);
  bool finished(void* event);
  void wait(void* event);
  bool is_capturing(void* stream);
};

class Device {
 public:
  // Made on first use; kept for the life of the process. Null, with the error set, where the device is unusable.
  static Device* get(int index);

  CachingAllocator<Driver> memory{Driver()};
  ErrorRecord* errors = nullptr;  // host memory that kernels write to
  std::atomic<const char*> last_op{nullptr};

  // An error that kernels noted, as this call's; it is then forgotten. `running`: the op that has just been waited for.
  dt_status noted(const char* running = nullptr);
  // A failure of CUDA itself, in words: `what` was being done.
  dt_status failed(cudaError_t error, const char* what) const;
};

// The calling thread's stream of a device.
cudaStream_t& current_stream(int index);

}  // namespace dovetail::cuda
