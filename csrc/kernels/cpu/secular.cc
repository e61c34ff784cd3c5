// The choice of an instruction set for secular.inc.
#include "kernels/cpu/secular.h"

#define DOVETAIL_KERNELS "kernels/cpu/secular.inc"
#include "kernels/cpu/foreach_isa.h"

namespace dovetail::cpu {

void secular_roots(const Secular& s, int64_t first) { DOVETAIL_BEST_ISA(secular_roots)(s, first); }
void secular_weights(const Secular& s, int64_t first, double* weights) {
  DOVETAIL_BEST_ISA(secular_weights)(s, first, weights);
}
void secular_vector(const Secular& s, int64_t root, const double* poles, const double* weights, float* out) {
  DOVETAIL_BEST_ISA(secular_vector_f32)(s, root, poles, weights, out);
}
void secular_vector(const Secular& s, int64_t root, const double* poles, const double* weights, double* out) {
  DOVETAIL_BEST_ISA(secular_vector_f64)(s, root, poles, weights, out);
}

}  // namespace dovetail::cpu
