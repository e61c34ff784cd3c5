// where and clamp.
#include "kernels/cpu/families.h"
#include "kernels/cpu/loops.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/sixteen.h"

#define DOVETAIL_KERNELS "kernels/cpu/select.inc"
#include "kernels/cpu/foreach_isa.h"

namespace dovetail::cpu {

void register_select(KernelTable& table) {
  KernelTable own;
  DOVETAIL_BEST_ISA(register_select)(own);
  base::register_select_rare(own);
  add_sixteen_by_blocks(own);
  table.add_all(own);
}

}  // namespace dovetail::cpu
