#include "kernels/cuda/graph.h"

#include <cstring>
#include <memory>
#include <vector>

#include "kernels/cuda/blas.h"
#include "kernels/cuda/device.h"

namespace dovetail::cuda {
namespace {

// A place in the graph's memory at which its kernels find what dt_api.captured_draw numbered.
struct State {
  int32_t draw;
  dt_draw* place;
};

struct Number {
  char byte[kLargestNumber];
};

struct Graph {
  cudaGraphExec_t work = nullptr;
  uint64_t pool = 0;
  std::vector<State> states;
};

// The graph of the capture that is under way; core sees to it that there is one at most.
std::unique_ptr<Graph> current;
std::atomic<bool> under_way{false};

cudaStream_t as_stream(void* stream) { return static_cast<cudaStream_t>(stream); }

dt_status refuse(const char* message) { return core->set_error(DT_ERR_RUNTIME, message); }

void give_up(Device& device, const Graph& graph) {
  // A launch may be reading them. During a capture nobody may wait for that, and they are not used again.
  if (!graph.states.empty() && !capture_under_way()) {
    cudaDeviceSynchronize();
    for (const State& state : graph.states) device.memory.give_back(state.place);
  }
  device.memory.release_pool(graph.pool);
}

dt_status capture_begin(void*, int32_t index, void* stream, uint64_t pool, int32_t mode) {
  static constexpr cudaStreamCaptureMode kModes[] = {cudaStreamCaptureModeGlobal, cudaStreamCaptureModeThreadLocal,
                                                     cudaStreamCaptureModeRelaxed};
  if (!stream) return refuse("capture_begin: the default stream can't be captured; make another one current");
  Device* device = Device::get(index);
  if (!device) return DT_ERR_RUNTIME;
  const DeviceScope scope(index);
  if (scope.status() != DT_OK) return scope.status();
  prepare_products(index);
  const cudaError_t error = cudaStreamBeginCapture(as_stream(stream), kModes[mode]);
  if (error != cudaSuccess) return device->failed(error, "capture_begin");
  current = std::make_unique<Graph>();
  current->pool = pool;
  device->memory.begin_capture(pool);
  under_way = true;
  return DT_OK;
}

dt_status capture_end(void*, int32_t index, void* stream, void** out) {
  Device* device = Device::get(index);
  if (!device || !current) return refuse("capture_end: no stream is being captured");
  const DeviceScope scope(index);
  std::unique_ptr<Graph> graph = std::move(current);
  under_way = false;
  cudaGraph_t recorded = nullptr;
  cudaError_t error = cudaStreamEndCapture(as_stream(stream), &recorded);
  device->memory.end_capture();
  if (error == cudaSuccess && out) error = cudaGraphInstantiate(&graph->work, recorded, 0);
  if (recorded) cudaGraphDestroy(recorded);
  if (error == cudaSuccess && out) {
    *out = graph.release();
    return DT_OK;
  }
  give_up(*device, *graph);
  cudaGetLastError();  // it is told here
  if (error == cudaSuccess || !out) return DT_OK;
  if (error == cudaErrorStreamCaptureUnjoined)
    return refuse(
        "capture_end: another stream joined the capture and still has work of its own; let this stream wait "
        "for it: current_stream().wait_stream(side)");
  return device->failed(error, "capture_end");
}

dt_status capture_query(void*, int32_t, void* stream, int32_t* capturing) {
  *capturing = is_capturing(as_stream(stream));
  return DT_OK;
}

dt_status graph_launch(void*, int32_t index, void* handle, void* stream, const dt_draw* draws, int32_t n_draws) {
  const Graph& graph = *static_cast<Graph*>(handle);
  Device* device = Device::get(index);
  if (!device) return DT_ERR_RUNTIME;
  const DeviceScope scope(index);
  dt_status status = scope.status();
  if (status == DT_OK) status = device->noted();
  if (status != DT_OK) return status;
  for (const State& state : graph.states)
    if (state.draw < n_draws) write_number(as_stream(stream), state.place, &draws[state.draw], sizeof(dt_draw));
  device->last_op.store("replay", std::memory_order_relaxed);
  cudaError_t error = cudaGraphLaunch(graph.work, as_stream(stream));
  if (error == cudaSuccess && synchronous()) {
    error = cudaStreamSynchronize(as_stream(stream));
    if (error == cudaSuccess) return device->noted();
  }
  return error == cudaSuccess ? DT_OK : device->failed(error, "replay");
}

void graph_destroy(void*, int32_t index, void* handle) {
  const std::unique_ptr<Graph> graph(static_cast<Graph*>(handle));
  Device* device = Device::get(index);
  if (!device) return;
  const DeviceScope scope(index);
  const Unrecorded guard;
  cudaGraphExecDestroy(graph->work);  // one that runs is run to its end first
  give_up(*device, *graph);
}

}  // namespace

bool capture_under_way() { return under_way.load(std::memory_order_relaxed); }

bool is_capturing(cudaStream_t stream) {
  if (!capture_under_way()) return false;
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  if (cudaStreamIsCapturing(stream, &status) == cudaSuccess) return status != cudaStreamCaptureStatusNone;
  cudaGetLastError();  // of the default stream, while one that waits for it records
  return false;
}

bool find_drawn(const Call& call, uint64_t key, uint64_t offset, Drawn& drawn) {
  drawn = {nullptr, key, offset};
  if (!is_capturing(call.stream)) return true;
  int32_t draw;
  uint64_t distance;
  if (core->captured_draw(key, offset, &draw, &distance) != DT_OK) return false;
  if (draw < 0) return true;
  dt_draw* place = nullptr;
  for (const State& state : current->states)
    if (state.draw == draw) place = state.place;
  if (!place) {
    Device* device = Device::get(call.context->device.index);
    // Not of the graph's pool: there it could be what a kernel before this one writes.
    place = device ? static_cast<dt_draw*>(device->memory.allocate(sizeof(dt_draw), nullptr)) : nullptr;
    if (!place) return call.out_of_memory(), false;
    current->states.push_back({draw, place});
  }
  drawn = {place, 0, distance};
  return true;
}

void write_number(cudaStream_t stream, void* to, const void* from, size_t bytes) {
  Number number;
  std::memcpy(number.byte, from, bytes);
  char* out = static_cast<char*>(to);
  for_each(stream, static_cast<int64_t>(bytes), [=] DOVETAIL_DEVICE(int64_t i) { out[i] = number.byte[i]; });
}

void add_graph_slots(dt_backend& table) {
  table.capture_begin = capture_begin;
  table.capture_end = capture_end;
  table.capture_query = capture_query;
  table.graph_launch = graph_launch;
  table.graph_destroy = graph_destroy;
}

}  // namespace dovetail::cuda
