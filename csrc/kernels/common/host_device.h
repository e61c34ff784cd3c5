// Marks a function that the CPU's and CUDA's kernels share.
#pragma once

#ifdef __CUDACC__
#define DOVETAIL_HD __host__ __device__ __forceinline__
#else
#define DOVETAIL_HD inline __attribute__((always_inline))
#endif
