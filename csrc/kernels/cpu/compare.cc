// Comparisons and logic: two tensors of one dtype to bool.
#include "kernels/cpu/families.h"
#include "kernels/cpu/loops.h"
#include "kernels/cpu/registry.h"

#define DOVETAIL_KERNELS "kernels/cpu/compare.inc"
#include "kernels/cpu/foreach_isa.h"

namespace dovetail::cpu {

void register_compare(KernelTable& table) { DOVETAIL_BEST_ISA(register_compare)(table); }

}  // namespace dovetail::cpu
