// The choice of an instruction set for panel_product.inc.
#include "kernels/cpu/loops.h"
#include "kernels/cpu/recurrent.h"
#include "kernels/cpu/registry.h"

#define DOVETAIL_KERNELS "kernels/cpu/panel_product.inc"
#define DOVETAIL_KERNELS_V4
#include "kernels/cpu/foreach_isa.h"

namespace dovetail::cpu {

void panel_product(const PanelProduct<float>& p) { DOVETAIL_BEST_ISA_TO_V4(panel_product_f32)(p); }
void panel_product(const PanelProduct<double>& p) { DOVETAIL_BEST_ISA_TO_V4(panel_product_f64)(p); }

}  // namespace dovetail::cpu
