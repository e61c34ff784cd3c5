// The choice of an instruction set for bag_rows.inc.
#include "kernels/cpu/bag_rows.h"

#include "kernels/cpu/loops.h"
#include "kernels/cpu/registry.h"

// Of stores of part of a vector, which are never longer than it.
#pragma GCC diagnostic ignored "-Warray-bounds"

#define DOVETAIL_KERNELS "kernels/cpu/bag_rows.inc"
#define DOVETAIL_KERNELS_V4
#include "kernels/cpu/foreach_isa.h"

namespace dovetail::cpu {

template <>
const BagFolds<float>& bag_folds<float>() {
  return DOVETAIL_BEST_ISA_TO_V4(folds_f32)();
}
template <>
const BagFolds<double>& bag_folds<double>() {
  return DOVETAIL_BEST_ISA_TO_V4(folds_f64)();
}

}  // namespace dovetail::cpu
