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

// to[...] = from[...] over walk's space (offset 0: to, offset 1: from), of which the innermost dim is taken out.
template <class T>
void copy_walk(dt_kernel_context* ctx, T* to, const T* from, Walk<2>& walk) {
  int64_t step[2];
  const int64_t n = walk.pop(step), rows = walk.count();
  if (n == 0 || rows == 0) return;
  if (rows == 1) {
    parallel(ctx, n, 2 * kGrain, [&](int64_t begin, int64_t end) {
      copy_run(to + begin * step[0], step[0], from + begin * step[1], step[1], end - begin);
    });
    return;
  }
  parallel(ctx, rows, grain_for(n), [&](int64_t begin, int64_t end) {
    Walk<2> w = walk;
    w.seek(begin);
    for (int64_t r = begin; r < end; ++r, w.next()) copy_run(to + w.offset[0], step[0], from + w.offset[1], step[1], n);
  });
}

inline void copy_array(dt_kernel_context* ctx, const dt_array& to, const dt_array& from) {
  if (to.data == from.data) return;  // in place
  Walk<2> walk;
  for (int i = 0; i < to.ndim; ++i) walk.add(to.sizes[i], {to.strides[i], from.strides[i]});
  visit_size(item_bytes(to.dtype), [&](auto unit) {
    using T = decltype(unit);
    copy_walk(ctx, static_cast<T*>(to.data), static_cast<const T*>(from.data), walk);
  });
}

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

DOVETAIL_CLONES inline void index_range(const int64_t* p, int64_t n, int64_t* least, int64_t* most) {
  int64_t low[8], high[8];
  for (int l = 0; l < 8; ++l) low[l] = *least, high[l] = *most;
  int64_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (int l = 0; l < 8; ++l) {
      low[l] = p[i + l] < low[l] ? p[i + l] : low[l];
      high[l] = p[i + l] > high[l] ? p[i + l] : high[l];
    }
  for (; i < n; ++i) low[0] = std::min(low[0], p[i]), high[0] = std::max(high[0], p[i]);
  for (int l = 0; l < 8; ++l) *least = std::min(*least, low[l]), *most = std::max(*most, high[l]);
}

// Refuse an index outside [low, size). All of them are looked at before anything is written.
inline dt_status check_indices(dt_kernel_context* ctx, const char* op, const dt_array& index, int64_t low, int64_t size,
                               int dim) {
  if (numel(index) == 0) return DT_OK;
  const int64_t* p = static_cast<const int64_t*>(index.data);
  Walk<1> walk;
  for (int i = 0; i < index.ndim; ++i)
    if (index.strides[i] != 0) walk.add(index.sizes[i], {index.strides[i]});
  int64_t step[1];
  const int64_t n = walk.pop(step), rows = walk.count();
  int64_t bad = 0;
  bool found = false;
  walk.seek(0);
  for (int64_t r = 0; r < rows && !found; ++r, walk.next()) {
    const int64_t* row = p + walk.offset[0];
    if (step[0] == 1) {
      int64_t least = row[0], most = row[0];
      index_range(row, n, &least, &most);
      if (least >= low && most < size) continue;
    }
    for (int64_t i = 0; i < n && !found; ++i) {
      bad = row[i * step[0]];
      found = bad < low || bad >= size;
    }
  }
  if (!found) return DT_OK;
  char text[160];
  std::snprintf(text, sizeof text, "%s: index %lld is out of range for dim %d of size %lld", op,
                static_cast<long long>(bad), dim, static_cast<long long>(size));
  return ctx->fail(ctx, DT_ERR_INDEX, text);
}

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
