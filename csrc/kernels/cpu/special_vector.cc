// Special functions of vectors of doubles, and the loops that run them for float32 and float64.
#include "kernels/cpu/families.h"
#include "kernels/cpu/loops.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/sixteen.h"
#include "kernels/cpu/special.h"
#include "kernels/cpu/special_tables.h"

#define DOVETAIL_KERNELS "kernels/cpu/special_vector.inc"
#define DOVETAIL_KERNELS_V4
#include "kernels/cpu/foreach_isa.h"

namespace dovetail::cpu {

void register_special_vector(KernelTable& table) {
  KernelTable own;
  DOVETAIL_BEST_ISA_TO_V4(register_special_vector)(own);
  add_sixteen_by_blocks(own);
  table.add_all(own);
}

}  // namespace dovetail::cpu
