// Errors that a kernel finds while it runs: it notes the first one in a record that the host can read, and goes on with
// a harmless value. The host looks before the next kernel and whenever it waits for the device (see device.h).
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace dovetail::cuda {

enum class Trouble : int { none = 0, index = 1, division = 2 };

struct ErrorRecord {
  int claimed, trouble;  // by the first thread; once the rest is written
  const char* op;
  int64_t value, dim, size;  // of a wrong index
};

struct ErrorSink {
  ErrorRecord* record;
  const char* op;

  __device__ void report(Trouble trouble, int64_t value, int64_t dim, int64_t size) const {
    if (atomicCAS(&record->claimed, 0, 1) != 0) return;
    record->op = op;
    record->value = value;
    record->dim = dim;
    record->size = size;
    __threadfence_system();
    *static_cast<volatile int*>(&record->trouble) = static_cast<int>(trouble);
  }
  // The index, or 0 where it is out of range.
  __device__ int64_t checked(int64_t index, int64_t dim, int64_t size) const {
    if (index >= 0 && index < size) return index;
    report(Trouble::index, index, dim, size);
    return 0;
  }
};

}  // namespace dovetail::cuda
