// What every index and reduction kernel starts from: the clones macro, descriptors, walking, typed parallel loops.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <type_traits>

#include "dovetail/abi.h"
#include "kernels/cpu/element.h"
#include "kernels/cpu/rounding.h"

// A hot loop compiled once per instruction set and chosen when the library loads. The lanes of an accumulator are fixed
// by the source, so the additions happen in one order whatever the width. To v4: for AVX-512 as well, where a line of
// the cache is one load, or there is much to be computed with each element.
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(DOVETAIL_NO_CLONES)
#define DOVETAIL_CLONES __attribute__((target_clones("arch=x86-64-v3", "default")))
#define DOVETAIL_CLONES_TO_V4 __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define DOVETAIL_CLONES
#define DOVETAIL_CLONES_TO_V4
#endif
#define DOVETAIL_INLINE inline __attribute__((always_inline))

namespace dovetail::cpu {

// Work of about this many simple elements is worth handing to a thread.
constexpr int64_t kGrain = 32768;

inline int64_t numel(const dt_array& a) {
  int64_t n = 1;
  for (int i = 0; i < a.ndim; ++i) n *= a.sizes[i];
  return n;
}

inline bool is_contiguous(const dt_array& a) {
  int64_t step = 1;
  for (int i = a.ndim - 1; i >= 0; --i) {
    if (a.sizes[i] != 1 && a.strides[i] != step) return false;
    step *= a.sizes[i];
  }
  return true;
}

inline int64_t grain_for(int64_t elements_each) {
  return std::max<int64_t>(1, kGrain / std::max<int64_t>(1, elements_each));
}

// body(begin, end) over ranges of [0, n).
template <class Body>
void parallel(dt_kernel_context* ctx, int64_t n, int64_t grain, const Body& body) {
  if (n <= 0) return;
  if (n <= grain) {
    body(int64_t{0}, n);
    return;
  }
  ctx->parallel_for(
      ctx, n, grain, [](void* arg, int64_t begin, int64_t end) { (*static_cast<const Body*>(arg))(begin, end); },
      const_cast<void*>(static_cast<const void*>(&body)));
}

// Scratch for n values: on the stack when they are few.
template <class T, int kStack = 64>
class Scratch {
 public:
  Scratch(dt_kernel_context* ctx, int64_t n)
      : data_(n <= kStack ? stack_ : static_cast<T*>(ctx->workspace(ctx, static_cast<size_t>(n) * sizeof(T)))) {}
  Scratch(const Scratch&) = delete;
  T* get() const { return data_; }
  T& operator[](int64_t i) const { return data_[i]; }
  explicit operator bool() const { return data_ != nullptr; }

 private:
  T stack_[kStack];
  T* data_;
};

inline dt_status out_of_memory(dt_kernel_context* ctx, const char* op) {
  char text[128];
  std::snprintf(text, sizeof text, "%s: not enough memory for the kernel's scratch space", op);
  return ctx->fail(ctx, DT_ERR_MEMORY, text);
}

// The common index space of N strided arrays, walked in row-major order. Dims of size 1 are dropped and neighbours that
// lie in line in every array are merged.
template <int N>
struct Walk {
  int ndim = 0;
  int64_t sizes[DT_MAX_DIMS];
  int64_t strides[N][DT_MAX_DIMS];
  int64_t index[DT_MAX_DIMS];
  int64_t offset[N] = {};

  void add(int64_t size, const int64_t (&steps)[N]) {
    if (size == 1) return;
    if (ndim > 0) {
      bool merges = true;
      for (int k = 0; k < N; ++k) merges = merges && strides[k][ndim - 1] == steps[k] * size;
      if (merges) {
        sizes[ndim - 1] *= size;
        for (int k = 0; k < N; ++k) strides[k][ndim - 1] = steps[k];
        return;
      }
    }
    sizes[ndim] = size;
    for (int k = 0; k < N; ++k) strides[k][ndim] = steps[k];
    ++ndim;
  }
  // Take the innermost dim out, for an inner loop; 1 and strides 0 if there is none.
  int64_t pop(int64_t (&steps)[N]) {
    for (int k = 0; k < N; ++k) steps[k] = ndim > 0 ? strides[k][ndim - 1] : 0;
    return ndim > 0 ? sizes[--ndim] : 1;
  }
  int64_t count() const {
    int64_t n = 1;
    for (int i = 0; i < ndim; ++i) n *= sizes[i];
    return n;
  }
  void seek(int64_t position) {
    for (int k = 0; k < N; ++k) offset[k] = 0;
    for (int i = ndim - 1; i >= 0; --i) {
      index[i] = position % sizes[i];
      position /= sizes[i];
      for (int k = 0; k < N; ++k) offset[k] += index[i] * strides[k][i];
    }
  }
  void next() {
    for (int i = ndim - 1; i >= 0; --i) {
      for (int k = 0; k < N; ++k) offset[k] += strides[k][i];
      if (++index[i] < sizes[i]) return;
      for (int k = 0; k < N; ++k) offset[k] -= sizes[i] * strides[k][i];
      index[i] = 0;
    }
  }
};

}  // namespace dovetail::cpu
