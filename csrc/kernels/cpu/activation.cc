// Activation functions and their gradients.
#include <cstdio>
#include <limits>

#include "kernels/cpu/element.h"
#include "kernels/cpu/families.h"
#include "kernels/cpu/loops.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/sixteen.h"

#define DOVETAIL_KERNELS "kernels/cpu/activation.inc"
#define DOVETAIL_KERNELS_V4
#include "kernels/cpu/foreach_isa.h"

namespace dovetail::cpu {

void register_activation(KernelTable& table) {
  KernelTable own;
  DOVETAIL_BEST_ISA_TO_V4(register_activation)(own);
  add_sixteen_by_blocks(own);
  table.add_all(own);
}

}  // namespace dovetail::cpu
