// The choice of an instruction set for the loops of gemm.inc, and the layout of packed rows.
#include "kernels/cpu/gemm.h"

#include <algorithm>

#include "kernels/cpu/rounding.h"

namespace dovetail::cpu {
namespace {

// Rows are split into equal panels (16 rows: 6, 5, 5 where six are the most), so that the last one is not a sliver.
struct Panels {
  int64_t count, low, high;  // `high` panels have low + 1 rows
  Panels(int64_t rows, int most)
      : count(ceil_div(rows, most)), low(rows / std::max<int64_t>(count, 1)), high(rows - low * count) {}
  int height(int64_t panel) const { return static_cast<int>(low + (panel < high)); }
  int tallest() const { return static_cast<int>(low + (high > 0)); }
};

}  // namespace
}  // namespace dovetail::cpu

#define DOVETAIL_KERNELS "kernels/cpu/gemm.inc"
#define DOVETAIL_KERNELS_V4
#include "kernels/cpu/foreach_isa.h"

namespace dovetail::cpu {

void tile_product(const TileProduct<float>& p) { DOVETAIL_BEST_ISA_TO_V4(tiles_f32)(p); }
void tile_product(const TileProduct<double>& p) { DOVETAIL_BEST_ISA_TO_V4(tiles_f64)(p); }
void dot_product(const DotProduct<float>& p) { DOVETAIL_BEST_ISA(dots_f32)(p); }
void dot_product(const DotProduct<double>& p) { DOVETAIL_BEST_ISA(dots_f64)(p); }
float dot(const float* x, const float* y, int64_t n) { return DOVETAIL_BEST_ISA(line_f32)(x, y, n); }
double dot(const double* x, const double* y, int64_t n) { return DOVETAIL_BEST_ISA(line_f64)(x, y, n); }
void scaled(const float* x, float factor, float alpha, float* out, int64_t n) {
  DOVETAIL_BEST_ISA(scaled_f32)(x, factor, alpha, out, n);
}
void scaled(const double* x, double factor, double alpha, double* out, int64_t n) {
  DOVETAIL_BEST_ISA(scaled_f64)(x, factor, alpha, out, n);
}

template <typename T>
void pack_rows(const T* a, int64_t a_row, const int64_t* depths, int64_t rows, int64_t depth, T* out) {
  const Panels panels(rows, DOVETAIL_BEST_ISA_TO_V4(kTallest));
  for (int64_t i = 0; i < panels.count; ++i) {
    const int height = panels.height(i);
    for (int64_t k = 0; k < depth; ++k) {
      for (int r = 0; r < height; ++r) *out++ = a[r * a_row + depths[k]];
    }
    a += height * a_row;
  }
}
template void pack_rows(const float*, int64_t, const int64_t*, int64_t, int64_t, float*);
template void pack_rows(const double*, int64_t, const int64_t*, int64_t, int64_t, double*);

}  // namespace dovetail::cpu
