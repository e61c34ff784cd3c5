// Moving elements about: strided copies of any element size, and index checks.
#pragma once

#include <cstring>

#include "kernels/cpu/index_common.h"
#include "kernels/cpu/loops.h"

namespace dovetail::cpu {

// Calls f with a value of an unsigned type as large as an element, for kernels that only move elements.
template <class F>
void visit_size(int64_t bytes, F&& f) {
  switch (bytes) {
    case 1:
      f(uint8_t{});
      break;
    case 2:
      f(uint16_t{});
      break;
    case 4:
      f(uint32_t{});
      break;
    case 8:
      f(uint64_t{});
      break;
    default:
      f(Bits128{});
      break;
  }
}

template <class T>
inline void copy_run(T* to, int64_t to_step, const T* from, int64_t from_step, int64_t n) {
  if (to_step == 1 && from_step == 1) {
    std::memcpy(to, from, static_cast<size_t>(n) * sizeof(T));
  } else {
    for (int64_t i = 0; i < n; ++i) to[i * to_step] = from[i * from_step];
  }
}

// to = from, of one dtype and shape; nothing where they are the same memory (copy.cc).
void copy_array(dt_kernel_context* ctx, const dt_array& to, const dt_array& from);

// Row-major strides for a's sizes.
inline void contiguous_strides(const dt_array& a, int64_t* strides) {
  int64_t step = 1;
  for (int i = a.ndim - 1; i >= 0; --i) {
    strides[i] = step;
    step *= a.sizes[i];
  }
}

// The array's elements in row-major order: the array itself, or a contiguous copy in the kernel's scratch memory.
// NULL: out of memory.
template <class T>
const T* contiguous_data(dt_kernel_context* ctx, const dt_array& a) {
  if (is_contiguous(a)) return static_cast<const T*>(a.data);
  T* copy = static_cast<T*>(ctx->workspace(ctx, static_cast<size_t>(numel(a)) * sizeof(T)));
  if (!copy) return nullptr;
  int64_t strides[DT_MAX_DIMS];
  contiguous_strides(a, strides);
  copy_array(ctx, {copy, a.sizes, strides, a.ndim, a.dtype}, a);
  return copy;
}

inline void copy_from_contiguous(dt_kernel_context* ctx, const dt_array& to, const void* from) {
  int64_t strides[DT_MAX_DIMS];
  contiguous_strides(to, strides);
  copy_array(ctx, to, {const_cast<void*>(from), to.sizes, strides, to.ndim, to.dtype});
}

// ---- checks ----------------------------------------------------------------------------------------------

// Refuse an index outside [low, size), low being 0 or -size. All of them are looked at before anything is written
// (index_check.cc).
dt_status check_indices(dt_kernel_context* ctx, const char* op, const dt_array& index, int64_t low, int64_t size,
                        int dim);

// A zero-dim array as one dim of size 1, so that dim 0 exists.
struct AtLeast1d {
  int64_t one = 1, step = 1;
  dt_array array;
  explicit AtLeast1d(const dt_array& a) : array(a) {
    if (a.ndim == 0) array = {a.data, &one, &step, 1, a.dtype};
  }
  AtLeast1d(const AtLeast1d&) = delete;
};

}  // namespace dovetail::cpu
