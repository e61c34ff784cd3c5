// See cuda_runtime.h beside this. DOVETAIL_PRETENDED_DEVICES says how many devices there are (2 by default), and
// DOVETAIL_PRETENDED_FAILURE=n that the n-th launch fails and everything after it, as on a real device.
#include "cuda_runtime.h"

#include <sys/mman.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace {

constexpr size_t kArena = size_t{16} << 30, kPage = 4096;

std::recursive_mutex mutex;
char* arena = nullptr;
size_t used = 0;
int open_count = 0;
std::multimap<size_t, char*> freed;
std::map<char*, size_t> sizes;
thread_local int device = 0;
thread_local cudaError_t last_error = cudaSuccess;
cudaError_t sticky = cudaSuccess;
int64_t launches = 0;

cudaError_t result(cudaError_t error) {
  if (sticky != cudaSuccess) error = sticky;
  if (error != cudaSuccess) last_error = error;
  return error;
}

int number_of(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text ? std::atoi(text) : otherwise;
}

void protect(int protection) {
  if (used) mprotect(arena, used, protection);
}

// Device memory is open while one of these lives.
struct KernelRuns {
  KernelRuns() {
    mutex.lock();
    if (open_count++ == 0) protect(PROT_READ | PROT_WRITE);
    static const int failure = number_of("DOVETAIL_PRETENDED_FAILURE", 0);
    if (++launches == failure) sticky = cudaErrorIllegalAddress;
  }
  ~KernelRuns() {
    if (--open_count == 0) protect(PROT_NONE);
    mutex.unlock();
  }
  KernelRuns(const KernelRuns&) = delete;
};

// ---- streams and what is captured from them ----

using Work = std::vector<std::function<void()>>;

struct Stream;
struct Capture {
  Work work;
  cudaStreamCaptureMode mode;
  std::vector<Stream*> streams;  // the first one, and those that have joined
  bool spoiled = false;
};
struct Stream {
  std::shared_ptr<Capture> capture;
  int given = 0;    // while it is captured
  int awaited = 0;  // of that, how much another stream of the capture waits for
};
struct Event {
  std::chrono::steady_clock::time_point time;
  std::shared_ptr<Capture> capture;
  Stream* stream = nullptr;
  int given = 0;
};

Stream default_stream;
std::shared_ptr<Capture> under_way;  // one at a time is enough
thread_local cudaStreamCaptureMode thread_mode = cudaStreamCaptureModeGlobal;

Event* event_of(cudaEvent_t event) { return reinterpret_cast<Event*>(event); }
Stream* stream_of(cudaStream_t stream) { return stream ? reinterpret_cast<Stream*>(stream) : &default_stream; }

// What may not be done beside a capture spoils it.
cudaError_t unless(bool forbidden) {
  std::lock_guard lock(mutex);
  if (!under_way || !forbidden) return result(cudaSuccess);
  under_way->spoiled = true;
  return result(cudaErrorStreamCaptureUnsupported);
}
cudaError_t unless_recorded(cudaStream_t stream) { return unless(stream_of(stream)->capture != nullptr); }
bool is_unsafe() {
  return thread_mode != cudaStreamCaptureModeRelaxed && under_way && under_way->mode != cudaStreamCaptureModeRelaxed;
}

// Recorded, where the stream is captured; false where it is to be done now.
bool record(cudaStream_t stream, std::function<void()> work) {
  std::lock_guard lock(mutex);
  Stream& s = *stream_of(stream);
  if (!s.capture) return false;
  ++s.given;
  s.capture->work.push_back(std::move(work));
  return true;
}

}  // namespace

void pretended::launch(cudaStream_t stream, std::function<void()> kernel) {
  if (record(stream, kernel)) return;
  const KernelRuns running;
  kernel();
}

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorNoDevice:
      return "no CUDA-capable device is detected";
    case cudaErrorIllegalAddress:
      return "an illegal memory access was encountered";
    case cudaErrorStreamCaptureUnsupported:
      return "operation not permitted when stream is capturing";
    case cudaErrorStreamCaptureInvalidated:
      return "operation failed due to a previous error during capture";
    default:
      return "another error";
  }
}
const char* cudaGetErrorName(cudaError_t error) {
  return error == cudaErrorIllegalAddress ? "cudaErrorIllegalAddress" : "cudaErrorOther";
}
cudaError_t cudaGetLastError() {
  const cudaError_t error = sticky != cudaSuccess ? sticky : last_error;
  last_error = cudaSuccess;
  return error;
}
cudaError_t cudaGetDeviceCount(int* count) {
  *count = number_of("DOVETAIL_PRETENDED_DEVICES", 2);
  return *count ? cudaSuccess : result(cudaErrorNoDevice);
}
cudaError_t cudaGetDevice(int* index) {
  *index = device;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int index) {
  device = index;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int index) {
  *properties = {};
  std::strcpy(properties->name, "Pretended");
  properties->uuid.bytes[15] = static_cast<char>(index);
  properties->totalGlobalMem = kArena;
  properties->major = 9;
  properties->multiProcessorCount = properties->maxThreadsPerMultiProcessor = properties->maxThreadsPerBlock = 1;
  properties->warpSize = 1;
  return cudaSuccess;
}
cudaError_t cudaDeviceSynchronize() { return unless(true); }

cudaError_t cudaMalloc(void** out, size_t bytes) {
  std::lock_guard lock(mutex);
  if (is_unsafe()) return unless(true);
  if (!arena)
    arena = static_cast<char*>(mmap(nullptr, kArena, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  const size_t size = (bytes + kPage - 1) / kPage * kPage;
  const auto found = freed.find(size);
  if (found != freed.end()) {
    *out = found->second;
    freed.erase(found);
  } else {
    if (size > kArena - used) return result(cudaErrorMemoryAllocation);
    *out = arena + used;
    used += size;
  }
  sizes[static_cast<char*>(*out)] = size;
  return result(cudaSuccess);
}
cudaError_t cudaFree(void* data) {
  std::lock_guard lock(mutex);
  if (is_unsafe()) return unless(true);
  const auto found = sizes.find(static_cast<char*>(data));
  freed.emplace(found->second, found->first);
  sizes.erase(found);
  return result(cudaSuccess);
}
cudaError_t cudaHostAlloc(void** out, size_t bytes, unsigned) {
  *out = std::calloc(1, bytes);
  return cudaSuccess;
}
cudaError_t cudaMemGetInfo(size_t* left, size_t* total) {
  *left = kArena - used;
  *total = kArena;
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* dst, const void* src, size_t bytes, cudaMemcpyKind, cudaStream_t stream) {
  if (sticky != cudaSuccess) return result(sticky);
  if (record(stream, [=] { std::memmove(dst, src, bytes); })) return cudaSuccess;
  std::lock_guard lock(mutex);
  if (open_count == 0) protect(PROT_READ | PROT_WRITE);
  std::memmove(dst, src, bytes);
  if (open_count == 0) protect(PROT_NONE);
  return cudaSuccess;
}
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* out, const void*) {
  out->type = cudaMemoryTypeUnregistered;
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t* out, unsigned, int) {
  *out = reinterpret_cast<cudaStream_t>(new Stream);
  return result(cudaSuccess);
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  delete stream_of(stream);
  return result(cudaSuccess);
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) { return unless_recorded(stream); }
cudaError_t cudaStreamQuery(cudaStream_t stream) { return unless_recorded(stream); }
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  std::lock_guard lock(mutex);
  Stream& s = *stream_of(stream);
  const Event& e = *event_of(event);
  if (!e.capture || e.capture != under_way) return unless_recorded(stream);  // from outside the capture
  if (!s.capture) {
    s.capture = e.capture;
    s.capture->streams.push_back(&s);
    s.given = 1;  // even to wait has to be waited for
    s.awaited = 0;
  }
  if (e.stream != &s) e.stream->awaited = e.given;
  return result(cudaSuccess);
}
cudaError_t cudaEventCreate(cudaEvent_t* out) {
  *out = reinterpret_cast<cudaEvent_t>(new Event);
  return result(cudaSuccess);
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* out, unsigned) { return cudaEventCreate(out); }
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event_of(event);
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  std::lock_guard lock(mutex);
  Stream& s = *stream_of(stream);
  *event_of(event) = {std::chrono::steady_clock::now(), s.capture, &s, s.given};
  return result(cudaSuccess);
}
cudaError_t cudaEventQuery(cudaEvent_t event) {
  if (event_of(event)->capture) return result(cudaErrorCapturedEvent);
  return unless(is_unsafe());
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return result(event_of(event)->capture ? cudaErrorCapturedEvent : cudaSuccess);
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  std::lock_guard lock(mutex);
  if (!stream || under_way) return result(cudaErrorStreamCaptureUnsupported);
  under_way = std::make_shared<Capture>();
  under_way->mode = mode;
  under_way->streams = {stream_of(stream)};
  stream_of(stream)->capture = under_way;
  return result(cudaSuccess);
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* out) {
  std::lock_guard lock(mutex);
  *out = nullptr;
  if (!under_way || under_way->streams[0] != stream_of(stream)) return result(cudaErrorStreamCaptureInvalidated);
  const std::shared_ptr<Capture> ended = std::exchange(under_way, nullptr);
  bool joined = true;
  for (Stream* each : ended->streams) {
    joined = joined && (each == ended->streams[0] || each->awaited == each->given);
    each->capture = nullptr;
  }
  if (ended->spoiled) return result(cudaErrorStreamCaptureInvalidated);
  if (!joined) return result(cudaErrorStreamCaptureUnjoined);
  *out = reinterpret_cast<cudaGraph_t>(new Work(std::move(ended->work)));
  return result(cudaSuccess);
}
cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  std::lock_guard lock(mutex);
  *status = stream_of(stream)->capture ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
  return result(cudaSuccess);
}
cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* mode) {
  std::swap(*mode, thread_mode);
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* out, cudaGraph_t graph, unsigned long long) {
  *out = reinterpret_cast<cudaGraphExec_t>(new Work(*reinterpret_cast<Work*>(graph)));
  return result(cudaSuccess);
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t stream) {
  if (stream_of(stream)->capture) return unless_recorded(stream);
  for (const auto& work : *reinterpret_cast<Work*>(graph)) {
    const KernelRuns running;
    work();
  }
  return result(cudaSuccess);
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete reinterpret_cast<Work*>(graph);
  return result(cudaSuccess);
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph) {
  delete reinterpret_cast<Work*>(graph);
  return result(cudaSuccess);
}

cudaError_t cudaEventElapsedTime(float* out, cudaEvent_t start, cudaEvent_t end) {
  *out = std::chrono::duration<float, std::milli>(event_of(end)->time - event_of(start)->time).count();
  return result(cudaSuccess);
}
