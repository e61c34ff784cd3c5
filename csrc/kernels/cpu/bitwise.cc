// Bits and shifts. bitwise_not is with the other functions of one tensor, in unary.cc.
#include "kernels/cpu/families.h"
#include "kernels/cpu/loops.h"
#include "kernels/cpu/registry.h"

#define DOVETAIL_KERNELS "kernels/cpu/bitwise.inc"
#include "kernels/cpu/foreach_isa.h"

namespace dovetail::cpu {

void register_bitwise(KernelTable& table) {
  DOVETAIL_BEST_ISA(register_bitwise)(table);
  base::register_bitwise_rare(table);
}

}  // namespace dovetail::cpu
