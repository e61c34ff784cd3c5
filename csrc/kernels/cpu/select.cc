// where and clamp.
#include "kernels/cpu/families.h"
#include "kernels/cpu/loops.h"
#include "kernels/cpu/registry.h"

#define DOVETAIL_KERNELS "kernels/cpu/select.inc"
#include "kernels/cpu/foreach_isa.h"

namespace dovetail::cpu {

void register_select(KernelTable& table) { DOVETAIL_BEST_ISA(register_select)(table); }

}  // namespace dovetail::cpu
