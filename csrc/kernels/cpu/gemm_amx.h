// Products of bfloat16 matrices by tiles (AMX-BF16), where the processor has them and the system lets a process use
// them.
#pragma once

#include "kernels/cpu/gemm_packed.h"

namespace dovetail::cpu {

// DOVETAIL_ISA=v4 in the environment, or less, does without. The first call asks the system, for the whole process.
bool has_tiles();
// As packed_product and packed_bfloat16_bytes, on such a machine.
bool tiles_product(dt_kernel_context* ctx, const PackedProduct<BFloat16, float>& p, void* memory);
size_t tiles_bytes(int64_t m, int64_t n, int64_t k);

}  // namespace dovetail::cpu
