// Comparisons and logic: two tensors of one dtype to bool.
#include "kernels/cpu/families.h"
#include "kernels/cpu/loops.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/sixteen.h"

#define DOVETAIL_KERNELS "kernels/cpu/compare.inc"
#include "kernels/cpu/foreach_isa.h"

namespace dovetail::cpu {

void register_compare(KernelTable& table) {
  KernelTable own;
  DOVETAIL_BEST_ISA(register_compare)(own);
  base::register_compare_rare(own);
  add_sixteen_by_blocks(own);
  table.add_all(own);
}

}  // namespace dovetail::cpu
