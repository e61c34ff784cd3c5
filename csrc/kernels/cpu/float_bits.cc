// Floating-point numbers taken apart: neighbours, mantissas and exponents.
#include "kernels/cpu/families.h"
#include "kernels/cpu/loops.h"
#include "kernels/cpu/registry.h"

#define DOVETAIL_KERNELS "kernels/cpu/float_bits.inc"
#include "kernels/cpu/foreach_isa.h"

namespace dovetail::cpu {

void register_float_bits(KernelTable& table) { DOVETAIL_BEST_ISA(register_float_bits)(table); }

}  // namespace dovetail::cpu
