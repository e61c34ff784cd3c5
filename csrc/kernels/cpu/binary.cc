// Elementwise arithmetic of two tensors.
#include <cmath>

#include "kernels/cpu/element.h"
#include "kernels/cpu/families.h"
#include "kernels/cpu/loops.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/sixteen.h"

#define DOVETAIL_KERNELS "kernels/cpu/binary.inc"
#include "kernels/cpu/foreach_isa.h"

namespace dovetail::cpu {

void register_binary(KernelTable& table) {
  KernelTable own;
  DOVETAIL_BEST_ISA(register_binary)(own);
  base::register_binary_rare(own);
  add_sixteen_by_blocks(own);
  table.add_all(own);
}

}  // namespace dovetail::cpu
