// The one way in which kernels start: a body run once for every index. Threads never talk to each other, so a body is
// plain C++, and every result depends on shapes and values alone, never on the order in which threads run.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>

// In front of the lambdas that are bodies: [=] DOVETAIL_DEVICE(int64_t i) {...}
#define DOVETAIL_DEVICE __device__

namespace dovetail::cuda {

#ifdef __CUDACC__
constexpr int kThreads = 256;

template <class Body>
__global__ void __launch_bounds__(kThreads) run_body(int64_t n, Body body) {
  const int64_t step = static_cast<int64_t>(gridDim.x) * kThreads;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x; i < n; i += step) body(i);
}

template <class Body>
void for_each(cudaStream_t stream, int64_t n, const Body& body) {
  if (n <= 0) return;
  const int64_t blocks = std::min<int64_t>((n + kThreads - 1) / kThreads, int64_t{1} << 20);
  run_body<<<static_cast<unsigned>(blocks), kThreads, 0, stream>>>(n, body);
}
#else
// Compiled as plain C++ for the tests on machines without a GPU: the header found as cuda_runtime.h is their own, and
// opens the memory of its pretended device while a kernel runs: now, or when the graph is launched that records it.
template <class Body>
void for_each(cudaStream_t stream, int64_t n, const Body& body) {
  if (n <= 0) return;
  pretended::launch(stream, [=] {
    for (int64_t i = 0; i < n; ++i) body(i);
  });
}
#endif

}  // namespace dovetail::cuda
