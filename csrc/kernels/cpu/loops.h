// The machinery of elementwise kernels: from a call's descriptors to inner loops over one or two dims.
//
// An inner loop is a typed function, compiled per instruction set (inner.inc). Here is what surrounds it and does not
// depend on types: the short way for small calls, threads, more dims, and tiles for transposed operands.
//
// An element's value depends on its inputs alone, never on where a range begins: any split gives the same bits.
#pragma once

#include <cstdint>
#include <cstring>

#include "dovetail/abi.h"
#include "kernels/common/dtypes.h"

namespace dovetail::cpu {

// data: the output, then the inputs. step and row_step: how far to the next element and to the next row, in elements
// of each. params: the op's attributes, as the loop knows them.
using InnerFn = void (*)(char* const* data, const int64_t* step, const int64_t* row_step, int64_t n, int64_t rows,
                         const void* params);

// The part of a matrix that a call gets where an operand runs across the output: its lines then are used up while they
// are in the cache.
struct Tile {
  int64_t rows = 32, columns = 32;
};

// An elementwise kernel: what KernelTable's `self` points to.
struct Loop {
  InnerFn fn;
  int64_t grain;           // elements that are worth a thread; half of it is, where two threads halve the work
  InnerFn past = nullptr;  // the same, storing past the cache: whole lines of 64 bytes, in one row
  Tile tile = {};
};

constexpr int64_t kCheapGrain = 32768;  // adds and copies
constexpr int64_t kMathGrain = 20480;   // exp, tanh
constexpr int64_t kScalarGrain = 2048;  // lgamma
constexpr int kMostArrays = 5;

inline int64_t item_bytes(int32_t dtype) {
  static constexpr int8_t bytes[DT_DTYPE_COUNT] = {4, 8, 2, 2, 1, 2, 4, 8, 1, 2, 4, 8, 1, 8, 16};
  return bytes[dtype];
}

// The general way, in loops.cc: any number of dims, in parallel.
void run_loop(dt_kernel_context* ctx, const Loop& loop, const dt_array* const* arrays, int count, const void* params);

// Run a loop over an output and its inputs.
template <int kCount>
inline dt_status elementwise(dt_kernel_context* ctx, const Loop& loop, const dt_array* const (&arrays)[kCount],
                             const void* params = nullptr) {
  static_assert(kCount <= kMostArrays);
  const dt_array& out = *arrays[0];
  const int64_t n = out.ndim == 0 ? 1 : out.sizes[0];
  if (__builtin_expect(out.ndim <= 1 && n < loop.grain / 2, 1)) {
    if (__builtin_expect(n == 0, 0)) return DT_OK;
    char* data[kCount];
    int64_t step[kCount];
    for (int k = 0; k < kCount; ++k) {
      data[k] = static_cast<char*>(arrays[k]->data);
      step[k] = out.ndim == 0 ? 1 : arrays[k]->strides[0];
    }
    loop.fn(data, step, step, n, 1, params);
    return DT_OK;
  }
  run_loop(ctx, loop, arrays, kCount, params);
  return DT_OK;
}

// Kernels of ops without attributes; self is a Loop.
inline dt_status nullary_kernel(const void* self, dt_kernel_context* ctx, const dt_array* outs, int32_t,
                                const dt_array*, int32_t, const dt_value*, int32_t) {
  return elementwise<1>(ctx, *static_cast<const Loop*>(self), {&outs[0]});
}
inline dt_status unary_kernel(const void* self, dt_kernel_context* ctx, const dt_array* outs, int32_t,
                              const dt_array* ins, int32_t, const dt_value*, int32_t) {
  return elementwise<2>(ctx, *static_cast<const Loop*>(self), {&outs[0], &ins[0]});
}
inline dt_status binary_kernel(const void* self, dt_kernel_context* ctx, const dt_array* outs, int32_t,
                               const dt_array* ins, int32_t, const dt_value*, int32_t) {
  return elementwise<3>(ctx, *static_cast<const Loop*>(self), {&outs[0], &ins[0], &ins[1]});
}
inline dt_status ternary_kernel(const void* self, dt_kernel_context* ctx, const dt_array* outs, int32_t,
                                const dt_array* ins, int32_t, const dt_value*, int32_t) {
  return elementwise<4>(ctx, *static_cast<const Loop*>(self), {&outs[0], &ins[0], &ins[1], &ins[2]});
}

}  // namespace dovetail::cpu
