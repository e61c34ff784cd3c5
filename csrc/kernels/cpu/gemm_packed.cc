// Large products of float and double: the choice of an instruction set.
#include "kernels/cpu/gemm_packed.h"

#include "kernels/cpu/gemm_panels.h"

#define DOVETAIL_KERNELS_V4
#define DOVETAIL_KERNELS "kernels/cpu/gemm_packed.inc"
#include "kernels/cpu/foreach_isa.h"

namespace dovetail::cpu {

template <>
const PanelKernels<float, float, float, 1>& panel_kernels<float>() {
  static const PanelKernels<float, float, float, 1> best = {DOVETAIL_BEST_ISA_TO_V4(shape_f32)(),
                                                            DOVETAIL_BEST_ISA_TO_V4(pack_f32),
                                                            DOVETAIL_BEST_ISA_TO_V4(panel_product_f32)};
  return best;
}
template <>
const PanelKernels<double, double, double, 1>& panel_kernels<double>() {
  static const PanelKernels<double, double, double, 1> best = {DOVETAIL_BEST_ISA_TO_V4(shape_f64)(),
                                                               DOVETAIL_BEST_ISA_TO_V4(pack_f64),
                                                               DOVETAIL_BEST_ISA_TO_V4(panel_product_f64)};
  return best;
}

bool packed_product(dt_kernel_context* ctx, const PackedProduct<float>& p) {
  return run(ctx, panel_kernels<float>(), p);
}
bool packed_product(dt_kernel_context* ctx, const PackedProduct<double>& p) {
  return run(ctx, panel_kernels<double>(), p);
}

}  // namespace dovetail::cpu
