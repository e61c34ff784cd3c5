// Work captured into graphs: which streams record, and what a random kernel reads when its graph is launched.
#pragma once

#include <cuda_runtime.h>

#include "kernels/common/philox.h"
#include "kernels/cuda/call.h"

namespace dovetail::cuda {

// Whether any stream of the process records.
bool capture_under_way();
// Whether what the stream is given now is recorded. Never fails: a stream that can't be asked is not recorded.
bool is_capturing(cudaStream_t stream);

// While one lives, the thread may call what CUDA holds unsafe beside a capture (to allocate, to ask an event): the
// backend knows that it never does so on a stream that records.
class Unrecorded {
 public:
  Unrecorded() { cudaThreadExchangeStreamCaptureMode(&mode_); }
  ~Unrecorded() { cudaThreadExchangeStreamCaptureMode(&mode_); }
  Unrecorded(const Unrecorded&) = delete;

 private:
  cudaStreamCaptureMode mode_ = cudaStreamCaptureModeRelaxed;
};

// Where a random kernel's numbers begin. `state`: in a graph, the generator as it stands for this launch.
struct Drawn {
  const dt_draw* state;
  uint64_t key, offset;

  DOVETAIL_HD philox::Words block(uint64_t i) const {
    return state ? philox::block(state->key, state->offset + offset + i) : philox::block(key, offset + i);
  }
};
// For a kernel that was given this key and offset. False: the error is set.
bool find_drawn(const Call& call, uint64_t key, uint64_t offset, Drawn& drawn);

// A number, of at most 16 bytes, from the host: part of the work itself.
constexpr size_t kLargestNumber = 16;
void write_number(cudaStream_t stream, void* to, const void* from, size_t bytes);

// The slots of the backend's table.
void add_graph_slots(dt_backend& table);

}  // namespace dovetail::cuda
