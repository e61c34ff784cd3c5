// copy: every pair of dtypes, every layout.
#include "kernels/cpu/families.h"
#include "kernels/cpu/loops.h"
#include "kernels/cpu/registry.h"

#define DOVETAIL_KERNELS "kernels/cpu/copy.inc"
#include "kernels/cpu/foreach_isa.h"

namespace dovetail::cpu {

void register_copy(KernelTable& table) { DOVETAIL_BEST_ISA(register_copy)(table); }

}  // namespace dovetail::cpu
