// Elementwise functions of one tensor, and the fused activations and their derivatives.
#include <cmath>

#include "kernels/cpu/element.h"
#include "kernels/cpu/families.h"
#include "kernels/cpu/loops.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/sixteen.h"
#include "kernels/cpu/special.h"

#define DOVETAIL_KERNELS "kernels/cpu/unary.inc"
#include "kernels/cpu/foreach_isa.h"

namespace dovetail::cpu {

void register_unary(KernelTable& table) {
  KernelTable own;
  DOVETAIL_BEST_ISA(register_unary)(own);
  base::register_unary_rare(own);
  add_sixteen_by_blocks(own);
  table.add_all(own);
}

}  // namespace dovetail::cpu
