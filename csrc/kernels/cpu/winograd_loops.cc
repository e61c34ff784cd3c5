// The choice of an instruction set for the loops of winograd.inc.
#include "kernels/cpu/winograd.h"

#define DOVETAIL_KERNELS "kernels/cpu/winograd.inc"
#define DOVETAIL_KERNELS_V4
#include "kernels/cpu/foreach_isa.h"

namespace dovetail::cpu::winograd {

void load_patch(const Patch& patch, float* out) { DOVETAIL_BEST_ISA_TO_V4(wino::load_patch)(patch, out); }
void store_patch(const Patch& patch, const float* in) { DOVETAIL_BEST_ISA_TO_V4(wino::store_patch)(patch, in); }
void transform_source(const float* patch, int64_t cols, int64_t tiles, float* out, int64_t plane) {
  DOVETAIL_BEST_ISA_TO_V4(wino::transform_source)(patch, cols, tiles, out, plane);
}
void transform_gradient(const float* patch, int64_t cols, int64_t tiles, float* out, int64_t plane) {
  DOVETAIL_BEST_ISA_TO_V4(wino::transform_gradient)(patch, cols, tiles, out, plane);
}
bool transform_results(const float* in, int64_t plane, int64_t step, int64_t tiles, const float* bias, float* patch,
                       int64_t cols) {
  return DOVETAIL_BEST_ISA_TO_V4(wino::transform_results)(in, plane, step, tiles, bias, patch, cols);
}
void transform_filter(const float* taps, bool flipped, float* out, int64_t plane) {
  DOVETAIL_BEST_ISA_TO_V4(wino::transform_filter)(taps, flipped, out, plane);
}
bool transform_taps(const float* in, int64_t plane, float* taps) {
  return DOVETAIL_BEST_ISA_TO_V4(wino::transform_taps)(in, plane, taps);
}
void multiply(const float* left, int64_t block, int64_t tiles, const float* right, int64_t channels, int64_t results,
              bool accumulate, float* out) {
  DOVETAIL_BEST_ISA_TO_V4(wino::multiply)(left, block, tiles, right, channels, results, accumulate, out);
}
void add_products(const float* left, const float* right, int64_t block, bool pair, int64_t tiles, bool accumulate,
                  float* out, int64_t row) {
  DOVETAIL_BEST_ISA_TO_V4(wino::add_products)(left, right, block, pair, tiles, accumulate, out, row);
}

}  // namespace dovetail::cpu::winograd
