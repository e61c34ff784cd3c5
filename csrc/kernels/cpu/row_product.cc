// The choice of an instruction set for row_product.inc, and the products that are made of it.
#include "kernels/cpu/row_product.h"

#include <cstring>

#include "kernels/cpu/gemm_packed.h"
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
  constexpr int64_t kRows = 32;    // of a, moved together at a time: far apart they would take each other's place there
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
      const int64_t depth = depth_of(i), panels = ceil_div(c.cols, kPanel<T>);
      for (int64_t row = begin * kRows; row < std::min(end * kRows, c.rows); row += kRows) {
        const int64_t rows = std::min(kRows, c.rows - row);
        const T* from = a.data + i * kDepth * a.col + row;
        for (int64_t k = 0; k < depth; ++k) {
          if (rows == kRows)
            std::memcpy(part + k * kRows, from + k * a.col, kRows * sizeof(T));  // of a size known here: no call
          else
            std::copy_n(from + k * a.col, rows, part + k * kRows);
        }
        const bool ahead = row + 2 * kRows <= c.rows;  // the processor does not see such far steps coming
        for (int64_t j = 0; j < panels; ++j) {
          // A few at a time: the processor waits for no more lines at once.
          for (int64_t k = depth * j / panels; ahead && k < depth * (j + 1) / panels; ++k)
            __builtin_prefetch(from + k * a.col + kRows, 0, 2);
          T* to = c.data + row * c.row + j * kPanel<T>;
          const T* panel = laid + (i * kDepth * panels + j * depth) * kPanel<T>;
          const int64_t cols = std::min(kPanel<T>, c.cols - j * kPanel<T>);
          row_product({part, kRows, rows, depth, panel, cols, i ? to : nullptr, c.row, to, c.row, true});
        }
      }
    }
  });
  return true;
}
template bool turned_product(dt_kernel_context*, Matrix<const float>, Matrix<const float>, Matrix<float>);
template bool turned_product(dt_kernel_context*, Matrix<const double>, Matrix<const double>, Matrix<double>);

namespace {

constexpr int64_t kRowsTogether = 32;  // of a product whose rows are read in place

// The lines of columns [col, col + kPanel) of m that the part `index` of `parts` has, on their way into the cache.
template <class T>
void prefetch_part(const Matrix<const T>& m, int64_t col, int64_t index, int64_t parts) {
  constexpr int64_t kLine = 64 / sizeof(T);
  const int64_t cols = std::min(kPanel<T>, m.cols - col);
  if (cols <= 0 || m.row != 1) return;
  const int64_t lines = ceil_div(m.rows, kLine), all = lines * cols;
  for (int64_t i = all * index / parts; i < all * (index + 1) / parts; ++i)
    __builtin_prefetch(m.data + (col + i / lines) * m.col + i % lines * kLine, 0, 2);
}

}  // namespace

template <class T>
bool placed_product(dt_kernel_context* ctx, Matrix<const T> a, Matrix<const T> b, Matrix<T> c, const T* bias) {
  const int64_t step = equal_part(b.rows, kPackedDepth),
                blocks = ceil_div(b.rows, step);  // the same cuts as packed_product's
  const int64_t panels = ceil_div(c.cols, kPanel<T>), chunks = ceil_div(c.rows, kRowsTogether);
  T* laid = static_cast<T*>(ctx->workspace(ctx, static_cast<size_t>(panels_size<T>(b.rows, c.cols)) * sizeof(T) + 1));
  if (!laid) return false;
  const auto depth = [&](int64_t block) { return std::min(step, b.rows - block * step); };
  const auto panel = [&](int64_t block, int64_t j) {
    return laid + (block * step * panels + j * depth(block)) * kPanel<T>;
  };
  const auto lay_out = [&](int64_t block, int64_t j) {
    fill_panel(b.block(block * step, 0, depth(block), b.cols), j * kPanel<T>, panel(block, j));
  };
  const auto multiply = [&](int64_t block, int64_t chunk, int64_t j, int64_t end) {
    const int64_t row = chunk * kRowsTogether, col = j * kPanel<T>;
    T* to = c.data + row * c.row + col;
    row_product({a.data + row * a.row + block * step, a.row, std::min(kRowsTogether, c.rows - row), depth(block),
                 panel(block, j), std::min(end * kPanel<T>, c.cols) - col,
                 block  ? to
                 : bias ? bias + col
                        : nullptr,
                 block ? c.row : 0, to, c.row});
  };
  if (chunks <= panels) {
    parallel(ctx, panels, 1, [&](int64_t begin, int64_t end) {
      for (int64_t block = 0; block < blocks; ++block)
        for (int64_t j = begin; j < end; ++j) {
          lay_out(block, j);
          for (int64_t i = 0; i < chunks; ++i) {
            if (j + 1 < end)
              prefetch_part(b.block(block * step, 0, depth(block), b.cols), (j + 1) * kPanel<T>, i, chunks);
            multiply(block, i, j, j + 1);
          }
        }
    });
    return true;
  }
  parallel(ctx, panels, grain_for(4 * b.rows * kPanel<T>), [&](int64_t begin, int64_t end) {
    for (int64_t block = 0; block < blocks; ++block)
      for (int64_t j = begin; j < end; ++j) lay_out(block, j);
  });
  parallel(ctx, chunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      for (int64_t block = 0; block < blocks; ++block) multiply(block, i, 0, panels);
  });
  return true;
}
template bool placed_product(dt_kernel_context*, Matrix<const float>, Matrix<const float>, Matrix<float>, const float*);
template bool placed_product(dt_kernel_context*, Matrix<const double>, Matrix<const double>, Matrix<double>,
                             const double*);

}  // namespace dovetail::cpu
