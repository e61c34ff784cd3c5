// Large products of float and double: the choice of an instruction set.
#include "kernels/cpu/gemm_packed.h"

#include "kernels/cpu/gemm_panels.h"

#define DOVETAIL_KERNELS_V4
#define DOVETAIL_KERNELS "kernels/cpu/gemm_packed.inc"
#include "kernels/cpu/foreach_isa.h"

namespace dovetail::cpu {

bool packed_product(dt_kernel_context* ctx, const PackedProduct<float>& p) {
  static const PanelKernels<float, float, float, 1> best = {DOVETAIL_BEST_ISA_TO_V4(shape_f32)(),
                                                            DOVETAIL_BEST_ISA_TO_V4(pack_f32),
                                                            DOVETAIL_BEST_ISA_TO_V4(panel_product_f32)};
  return run(ctx, best, p);
}
bool packed_product(dt_kernel_context* ctx, const PackedProduct<double>& p) {
  static const PanelKernels<double, double, double, 1> best = {DOVETAIL_BEST_ISA_TO_V4(shape_f64)(),
                                                               DOVETAIL_BEST_ISA_TO_V4(pack_f64),
                                                               DOVETAIL_BEST_ISA_TO_V4(panel_product_f64)};
  return run(ctx, best, p);
}

}  // namespace dovetail::cpu
