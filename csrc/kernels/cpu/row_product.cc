// The choice of an instruction set for row_product.inc, and the products that are made of it.
#include "kernels/cpu/row_product.h"

#include "kernels/cpu/index_common.h"
#include "kernels/cpu/loops.h"
#include "kernels/cpu/registry.h"

#define DOVETAIL_KERNELS "kernels/cpu/row_product.inc"
#define DOVETAIL_KERNELS_V4
#include "kernels/cpu/foreach_isa.h"

namespace dovetail::cpu {

void row_product(const RowProduct<float>& p) { DOVETAIL_BEST_ISA_TO_V4(row_product_f32)(p); }
void row_product(const RowProduct<double>& p) { DOVETAIL_BEST_ISA_TO_V4(row_product_f64)(p); }

void fill_panel(const Matrix<const float>& m, int64_t col, float* out) {
  DOVETAIL_BEST_ISA_TO_V4(fill_panel_f32)(m, col, out);
}
void fill_panel(const Matrix<const double>& m, int64_t col, double* out) {
  DOVETAIL_BEST_ISA_TO_V4(fill_panel_f64)(m, col, out);
}

template <class T>
bool turned_product(dt_kernel_context* ctx, Matrix<const T> a, Matrix<const T> b, Matrix<T> c) {
  constexpr int64_t kDepth = 128;  // of a block: a panel of it stays in the first-level cache
  constexpr int64_t kRows = 16;    // of a, moved together at a time: far apart they would take each other's place there
  const int64_t width = panels_size<T>(1, c.cols), blocks = ceil_div(b.rows, kDepth);
  T* laid = static_cast<T*>(ctx->workspace(ctx, static_cast<size_t>(b.rows * width) * sizeof(T) + 1));
  if (!laid) return false;
  const auto depth_of = [&](int64_t block) { return std::min(kDepth, b.rows - block * kDepth); };
  parallel(ctx, blocks, grain_for(kDepth * width), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      fill_panels(b.block(i * kDepth, 0, depth_of(i), b.cols), laid + i * kDepth * width);
  });
  parallel(ctx, ceil_div(c.rows, kRows), 2, [&](int64_t begin, int64_t end) {
    alignas(64) T part[kDepth * kRows];
    for (int64_t i = 0; i < blocks; ++i) {
      for (int64_t row = begin * kRows; row < std::min(end * kRows, c.rows); row += kRows) {
        const int64_t rows = std::min(kRows, c.rows - row);
        const T* from = a.data + i * kDepth * a.col + row;
        const bool ahead = row + 2 * kRows <= c.rows;  // the processor does not see such far steps coming
        for (int64_t k = 0; k < depth_of(i); ++k) {
          std::copy_n(from + k * a.col, rows, part + k * kRows);
          if (ahead) __builtin_prefetch(from + k * a.col + kRows, 0, 2);
        }
        T* to = c.data + row * c.row;
        row_product({part, kRows, rows, depth_of(i), laid + i * kDepth * width, c.cols, i ? to : nullptr, c.row, to,
                     c.row, true});
      }
    }
  });
  return true;
}
template bool turned_product(dt_kernel_context*, Matrix<const float>, Matrix<const float>, Matrix<float>);
template bool turned_product(dt_kernel_context*, Matrix<const double>, Matrix<const double>, Matrix<double>);

}  // namespace dovetail::cpu
