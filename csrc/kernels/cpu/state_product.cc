// The choice of an instruction set for state_product.inc.
#include "kernels/cpu/loops.h"
#include "kernels/cpu/recurrent.h"
#include "kernels/cpu/registry.h"

#define DOVETAIL_KERNELS "kernels/cpu/state_product.inc"
#define DOVETAIL_KERNELS_V4
#include "kernels/cpu/foreach_isa.h"

namespace dovetail::cpu {

void state_product(const StateProduct<float>& p) { DOVETAIL_BEST_ISA_TO_V4(state_product_f32)(p); }
void state_product(const StateProduct<double>& p) { DOVETAIL_BEST_ISA_TO_V4(state_product_f64)(p); }

}  // namespace dovetail::cpu
