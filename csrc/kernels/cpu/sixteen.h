// Kernels of 16-bit floats, made of the float ones: inputs are widened, the float kernel runs, results are rounded.
//
//   void register_unary(KernelTable& table) {
//     KernelTable own;
//     DOVETAIL_BEST_ISA(register_unary)(own);
//     add_sixteen_by_blocks(own);
//     table.add_all(own);
//   }
#pragma once

#include "kernels/cpu/registry.h"

namespace dovetail::cpu {

// For every float32 kernel of the table that has none for a 16-bit float. Of elementwise ops, by blocks that stay in
// the first cache: every element is the result of its inputs alone.
void add_sixteen_by_blocks(KernelTable& table);
dt_kernel sixteen_by_blocks(const dt_kernel& kernel);  // one of them
// Of plain and reduction ops, with whole tensors: inputs become float tensors of the same sizes, in scratch memory.
// Dims of stride 0 keep it (a reduction knows its dims by that). Not for ops that write their arguments, nor for
// dynamic ones that make a result of the input's dtype.
void add_sixteen_whole(KernelTable& table);
// A family of floats: what both functions add, and the 16-bit floats' kernels of them.
using AddKernels = void (*)(KernelTable& table, int32_t dtype);
void add_floats_whole(KernelTable& table, AddKernels of_float, AddKernels of_double);

// n elements, `step` apart, of a 16-bit float (dtype DT_FLOAT16 or DT_BFLOAT16) to floats in a row, and back, rounded.
void widen(int32_t dtype, const uint16_t* from, int64_t step, int64_t n, float* to);
void narrow(int32_t dtype, const float* from, uint16_t* to, int64_t step, int64_t n);
// The same from and to rows, stored past the cache: whole lines of 64 bytes.
void widen_past(int32_t dtype, const uint16_t* from, int64_t n, float* to);
void narrow_past(int32_t dtype, const float* from, uint16_t* to, int64_t n);

inline bool is_sixteen(int32_t dtype) { return dtype == DT_FLOAT16 || dtype == DT_BFLOAT16; }

}  // namespace dovetail::cpu
