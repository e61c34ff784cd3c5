// How a large product is cut into panels, blocks and tasks, whatever its panels hold.
#pragma once

#include <algorithm>
#include <type_traits>

#include "kernels/cpu/gemm.h"
#include "kernels/cpu/gemm_packed.h"
#include "kernels/cpu/panel_kernels.h"
#include "kernels/cpu/shared_tasks.h"

namespace dovetail::cpu {

// Pairs of depths of a panel at most: going through c once more would cost more than the first-level cache gains.
constexpr int64_t kPackedPairs = 512;
constexpr int64_t kPacked = int64_t{1} << 19;          // elements laid out at a time, to stay in a second-level cache
constexpr int64_t kWidest = 4096;                      // rows and columns laid out at a time
constexpr int64_t kBlockRows = 126, kBlockCols = 128;  // of c, in a task: their panels fit the second-level cache

// A product whose panels are laid out at once.
template <typename T, typename Panel, typename Sum, int kTogether>
class Group {
 public:
  using Kernels = PanelKernels<T, Panel, Sum, kTogether>;
  Group(dt_kernel_context* ctx, const Kernels& kernels, const PackedProduct<T, Sum>& p, int64_t depth_step, bool upper,
        Panel* memory)
      : ctx_(ctx), kernels_(kernels), p_(p), depth_step_(depth_step), upper_(upper) {
    const PanelShape& shape = kernels.shape;
    height_ = static_cast<int>(equal_part(p.c.rows, shape.rows));
    row_panels_ = ceil_div(p.c.rows, height_), col_panels_ = ceil_div(p.c.cols, shape.cols);
    a_ = memory, b_ = memory + row_panels_ * shape.row_step * units(p.a.cols);
  }

  static int64_t elements(const PanelShape& shape, int64_t rows, int64_t cols) {  // for one depth
    return ceil_div(rows, equal_part(rows, shape.rows)) * shape.row_step + round_up(cols, shape.cols);
  }

  static int64_t units(int64_t depth) { return ceil_div(depth, kTogether); }

  void run() {
    const int64_t work = kernels_.shape.cols * p_.a.cols;
    parallel(ctx_, row_panels_ + col_panels_, std::max<int64_t>(1, 32768 / work), [this](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) i < row_panels_ ? pack_rows(i) : pack_cols(i - row_panels_);
    });
    const int64_t tall = equal_part(row_panels_, std::max<int64_t>(1, kBlockRows / height_));
    const int64_t wide = equal_part(col_panels_, std::max<int64_t>(1, kBlockCols / kernels_.shape.cols));
    const int64_t across = ceil_div(col_panels_, wide);
    const int64_t blocks = ceil_div(row_panels_, tall) * across;
    parallel_tasks(ctx_, blocks, blocks, 1, [&](int64_t) {
      return [&](int64_t i) { block(i / across * tall, i % across * wide, tall, wide); };
    });
  }

 private:
  // Blocks of the depth follow one another, in each of them the panels.
  template <typename F>
  void each_depth(const F& body) const {
    for (int64_t k = 0; k < p_.a.cols; k += depth_step_) body(k, std::min(depth_step_, p_.a.cols - k));
  }
  Panel* row_panel(int64_t i, int64_t k, int64_t depth) const {
    return a_ + (row_panels_ * units(k) + i * units(depth)) * kernels_.shape.row_step;
  }
  Panel* col_panel(int64_t j, int64_t k, int64_t depth) const {
    return b_ + (col_panels_ * units(k) + j * units(depth)) * kernels_.shape.cols;
  }
  int64_t rows(int64_t panel) const { return std::min<int64_t>(height_, p_.c.rows - panel * height_); }
  int64_t cols(int64_t panel) const {
    return std::min<int64_t>(kernels_.shape.cols, p_.c.cols - panel * kernels_.shape.cols);
  }

  void pack_rows(int64_t i) const {
    each_depth([&](int64_t k, int64_t depth) {
      const Matrix<const T>& a = p_.a;
      kernels_.pack(a.data + i * height_ * a.row + k * a.col, a.row, a.col, rows(i), a.rows - i * height_,
                    kernels_.shape.row_step, depth, row_panel(i, k, depth));
    });
  }
  void pack_cols(int64_t j) const {
    each_depth([&](int64_t k, int64_t depth) {
      const Matrix<const T>& b = p_.b;
      kernels_.pack(b.data + j * kernels_.shape.cols * b.col + k * b.row, b.col, b.row, cols(j),
                    b.cols - j * kernels_.shape.cols, kernels_.shape.cols, depth, col_panel(j, k, depth));
    });
  }

  void block(int64_t row, int64_t col, int64_t tall, int64_t wide) const {
    each_depth([&](int64_t k, int64_t depth) {
      for (int64_t j = col; j < std::min(col + wide, col_panels_); ++j) {
        const int64_t left = j * kernels_.shape.cols;
        for (int64_t i = row; i < std::min(row + tall, row_panels_); ++i) {
          if (upper_ && i * height_ >= left + kernels_.shape.cols) break;
          Sum* c = p_.c.data + i * height_ * p_.c.row + left;
          PanelProduct<Panel, Sum> product{row_panel(i, k, depth),
                                           col_panel(j, k, depth),
                                           units(depth),
                                           c,
                                           p_.c.row,
                                           rows(i),
                                           cols(j),
                                           p_.alpha,
                                           k == 0 && p_.bias ? p_.bias + left : nullptr,
                                           k > 0 || p_.accumulate};
          if constexpr (std::is_same_v<T, BFloat16>) {
            if (p_.rounded.data && k + depth == p_.a.cols) {
              product.rounded = &p_.rounded.data[i * height_ * p_.rounded.row + left].bits;
              product.rounded_row = p_.rounded.row;
            }
          }
          kernels_.product(product, height_);
        }
      }
    });
  }

  dt_kernel_context* ctx_;
  const Kernels& kernels_;
  const PackedProduct<T, Sum>& p_;
  const int64_t depth_step_;
  const bool upper_;  // only the panels that reach above the diagonal
  int height_;
  int64_t row_panels_, col_panels_;
  Panel *a_, *b_;
};

// How a product is cut, from its shape alone.
template <typename T, typename Panel, typename Sum, int kTogether>
struct Cut {
  using Parts = Group<T, Panel, Sum, kTogether>;
  int64_t rows, cols, depth, depth_step;  // depth is laid out at a time, by steps
  size_t bytes;
  Cut(const PanelShape& shape, int64_t m, int64_t n, int64_t k)
      : rows(equal_part(m, kWidest)), cols(equal_part(n, kWidest)) {
    depth_step = equal_part(Parts::units(k), kTogether == 1 ? kPackedDepth : kPackedPairs);
    const int64_t per_unit = Parts::elements(shape, rows, cols);
    const int64_t units =
        std::min(Parts::units(k), std::max<int64_t>(1, kPacked / (per_unit * depth_step)) * depth_step);
    depth_step *= kTogether, depth = units * kTogether;
    bytes = static_cast<size_t>(per_unit * units) * sizeof(Panel);
  }
};

// What lies above the diagonal to below it, by tiles that stay in the cache with their mirror images.
template <typename T>
void mirror(dt_kernel_context* ctx, const Matrix<T>& c) {
  constexpr int64_t kSide = 32;
  const int64_t bands = ceil_div(c.rows, kSide);
  parallel(ctx, bands, std::max<int64_t>(1, 32768 / (kSide * c.rows)), [&](int64_t begin, int64_t end) {
    for (int64_t low = begin * kSide; low < std::min(end * kSide, c.rows); low += kSide) {
      for (int64_t left = 0; left <= low; left += kSide) {
        for (int64_t i = low; i < std::min(low + kSide, c.rows); ++i) {
          T* const row = c.data + i * c.row;
          for (int64_t j = left; j < std::min(left + kSide, i); ++j) row[j] = c.data[j * c.row + i];
        }
      }
    }
  });
}

template <typename T, typename Panel, typename Sum, int kTogether>
void run(dt_kernel_context* ctx, const PanelKernels<T, Panel, Sum, kTogether>& best, const PackedProduct<T, Sum>& p,
         const Cut<T, Panel, Sum, kTogether>& cut, void* memory) {
  const bool half = is_symmetric(p) && p.c.rows <= cut.rows;
  for (int64_t i = 0; i < p.c.rows; i += cut.rows) {
    for (int64_t j = 0; j < p.c.cols; j += cut.cols) {
      const int64_t tall = std::min(cut.rows, p.c.rows - i), wide = std::min(cut.cols, p.c.cols - j);
      for (int64_t k = 0; k < p.a.cols; k += cut.depth) {
        const int64_t deep = std::min(cut.depth, p.a.cols - k);
        const PackedProduct<T, Sum> part = p.part(i, tall, j, wide, k, deep);
        Group<T, Panel, Sum, kTogether>(ctx, best, part, cut.depth_step, half, static_cast<Panel*>(memory)).run();
      }
    }
  }
  if (half) mirror(ctx, p.c);
}

template <typename T, typename Panel, typename Sum, int kTogether>
bool run(dt_kernel_context* ctx, const PanelKernels<T, Panel, Sum, kTogether>& best, const PackedProduct<T, Sum>& p) {
  const Cut<T, Panel, Sum, kTogether> cut(best.shape, p.c.rows, p.c.cols, p.a.cols);
  void* memory = ctx->workspace(ctx, cut.bytes);
  if (memory) run(ctx, best, p, cut, memory);
  return memory != nullptr;
}

}  // namespace dovetail::cpu
