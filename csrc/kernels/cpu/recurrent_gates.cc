// The choice of an instruction set for recurrent_gates.inc.
#include "kernels/cpu/loops.h"
#include "kernels/cpu/recurrent.h"
#include "kernels/cpu/registry.h"

// GCC's own header, where an intrinsic has no mask: within lambdas, it says so by this name.
#pragma GCC diagnostic ignored "-Wuninitialized"

#define DOVETAIL_KERNELS "kernels/cpu/recurrent_gates.inc"
#define DOVETAIL_KERNELS_V4
#include "kernels/cpu/foreach_isa.h"

namespace dovetail::cpu {

template <>
const RecurrentGates<float>& recurrent_gates<float>() {
  return DOVETAIL_BEST_ISA_TO_V4(gates_f32)();
}
template <>
const RecurrentGates<double>& recurrent_gates<double>() {
  return DOVETAIL_BEST_ISA_TO_V4(gates_f64)();
}

}  // namespace dovetail::cpu
