// The choice of an instruction set for softmax_lines.inc.
#include "kernels/cpu/softmax_lines.h"

#include "kernels/cpu/loops.h"
#include "kernels/cpu/registry.h"

// GCC's own header, where an intrinsic has no mask: within lambdas, it says so by this name.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"

#define DOVETAIL_KERNELS "kernels/cpu/softmax_lines.inc"
#define DOVETAIL_KERNELS_V4
#include "kernels/cpu/foreach_isa.h"

namespace dovetail::cpu {

template <>
const SoftmaxLines<float>& softmax_lines<float>() {
  return DOVETAIL_BEST_ISA_TO_V4(lines_f32)();
}
template <>
const SoftmaxLines<double>& softmax_lines<double>() {
  return DOVETAIL_BEST_ISA_TO_V4(lines_f64)();
}

}  // namespace dovetail::cpu
