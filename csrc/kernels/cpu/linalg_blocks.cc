// The choice of an instruction set for linalg_blocks.inc.
#include "kernels/cpu/linalg_blocks.h"

#define DOVETAIL_KERNELS_V4
#define DOVETAIL_KERNELS "kernels/cpu/linalg_blocks.inc"
#include "kernels/cpu/foreach_isa.h"

namespace dovetail::cpu {

void lower_strip(const LowerStrip<float>& p) { DOVETAIL_BEST_ISA_TO_V4(lower_strip_f32)(p); }
void lower_strip(const LowerStrip<double>& p) { DOVETAIL_BEST_ISA_TO_V4(lower_strip_f64)(p); }

void turn(const float* from, int64_t from_row, int64_t rows, int64_t cols, float* to, int64_t to_row) {
  DOVETAIL_BEST_ISA_TO_V4(turn_f32)(from, from_row, rows, cols, to, to_row);
}
void turn(const double* from, int64_t from_row, int64_t rows, int64_t cols, double* to, int64_t to_row) {
  DOVETAIL_BEST_ISA_TO_V4(turn_f64)(from, from_row, rows, cols, to, to_row);
}

}  // namespace dovetail::cpu
