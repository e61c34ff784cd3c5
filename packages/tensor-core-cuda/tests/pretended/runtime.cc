// See cuda_runtime.h beside this. DOVETAIL_PRETENDED_DEVICES says how many devices there are (2 by default), and
// DOVETAIL_PRETENDED_FAILURE=n that the n-th launch fails and everything after it, as on a real device.
#include "cuda_runtime.h"

#include <sys/mman.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

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

struct Event {
  std::chrono::steady_clock::time_point time;
};
Event* event_of(cudaEvent_t event) { return reinterpret_cast<Event*>(event); }

}  // namespace

pretended::KernelRuns::KernelRuns() {
  mutex.lock();
  if (open_count++ == 0) protect(PROT_READ | PROT_WRITE);
  static const int failure = number_of("DOVETAIL_PRETENDED_FAILURE", 0);
  if (++launches == failure) sticky = cudaErrorIllegalAddress;
}
pretended::KernelRuns::~KernelRuns() {
  if (--open_count == 0) protect(PROT_NONE);
  mutex.unlock();
}

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorNoDevice:
      return "no CUDA-capable device is detected";
    case cudaErrorIllegalAddress:
      return "an illegal memory access was encountered";
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
cudaError_t cudaDeviceSynchronize() { return result(cudaSuccess); }

cudaError_t cudaMalloc(void** out, size_t bytes) {
  std::lock_guard lock(mutex);
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
cudaError_t cudaMemcpyAsync(void* dst, const void* src, size_t bytes, cudaMemcpyKind, cudaStream_t) {
  if (sticky != cudaSuccess) return result(sticky);
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
  *out = reinterpret_cast<cudaStream_t>(new char);
  return result(cudaSuccess);
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  delete reinterpret_cast<char*>(stream);
  return result(cudaSuccess);
}
cudaError_t cudaStreamSynchronize(cudaStream_t) { return result(cudaSuccess); }
cudaError_t cudaStreamQuery(cudaStream_t) { return result(cudaSuccess); }
cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned) { return result(cudaSuccess); }
cudaError_t cudaEventCreate(cudaEvent_t* out) {
  *out = reinterpret_cast<cudaEvent_t>(new Event);
  return result(cudaSuccess);
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* out, unsigned) { return cudaEventCreate(out); }
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event_of(event);
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t) {
  event_of(event)->time = std::chrono::steady_clock::now();
  return result(cudaSuccess);
}
cudaError_t cudaEventQuery(cudaEvent_t) { return result(cudaSuccess); }
cudaError_t cudaEventSynchronize(cudaEvent_t) { return result(cudaSuccess); }
cudaError_t cudaEventElapsedTime(float* out, cudaEvent_t start, cudaEvent_t end) {
  *out = std::chrono::duration<float, std::milli>(event_of(end)->time - event_of(start)->time).count();
  return result(cudaSuccess);
}
