// Elementwise arithmetic of two tensors.
#include <cmath>

#include "kernels/cpu/families.h"
#include "kernels/cpu/loops.h"
#include "kernels/cpu/registry.h"

#define DOVETAIL_KERNELS "kernels/cpu/binary.inc"
#include "kernels/cpu/foreach_isa.h"

namespace dovetail::cpu {

void register_binary(KernelTable& table) { DOVETAIL_BEST_ISA(register_binary)(table); }

}  // namespace dovetail::cpu
