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
constexpr int64_t kDepthsTogether = 16;                // laid out at a time where lanes lie side by side
constexpr int64_t kBlockRows = 126, kBlockCols = 128;  // of c, in a task: their panels fit the second-level cache

// One matrix of a product in panels of its rows; of the right one these are columns. Blocks of depths follow one
// another, in each of them the panels.
template <typename T, typename Panel, typename Sum, int kTogether>
class Side {
 public:
  using Kernels = PanelKernels<T, Panel, Sum, kTogether>;
  const Matrix<const T> matrix;
  const int64_t height, panels;   // rows of a panel, and all panels
  const int64_t step;             // elements of a panel for one unit of depths
  const int64_t depth_of_blocks;  // but of the last one, which may have less

  Side(const Kernels& kernels, Matrix<const T> matrix, int64_t height, int64_t step, int64_t depth_of_blocks,
       Panel* memory)
      : matrix(matrix),
        height(height),
        panels(ceil_div(matrix.rows, height)),
        step(step),
        depth_of_blocks(depth_of_blocks),
        pack_(kernels.pack),
        memory_(memory) {}

  static int64_t units(int64_t depth) { return ceil_div(depth, kTogether); }
  Panel* end() const { return memory_ + panels * step * units(matrix.cols); }
  int64_t rows(int64_t panel) const { return std::min(height, matrix.rows - panel * height); }
  // Of the block from depth k on.
  int64_t depth(int64_t k) const { return std::min(depth_of_blocks, matrix.cols - k); }
  Panel* panel(int64_t i, int64_t k) const { return memory_ + (panels * units(k) + i * units(depth(k))) * step; }

  // What is laid out at a time: a panel, or where rows lie side by side some depths of all panels, as memory has them.
  int64_t pieces() const { return by_depths() ? ceil_div(matrix.cols, kDepthsTogether) : panels; }
  void lay_out(int64_t piece) const {
    const int64_t begin = by_depths() ? piece * kDepthsTogether : 0;
    const int64_t end = by_depths() ? std::min(matrix.cols, begin + kDepthsTogether) : matrix.cols;
    for (int64_t k = begin, next; k < end; k = next) {
      const int64_t block = k / depth_of_blocks * depth_of_blocks;
      next = std::min(end, block + depth_of_blocks);
      if (!by_depths()) {
        lay_out(piece, block, k, next);
      } else {
        for (int64_t i = 0; i < panels; ++i) lay_out(i, block, k, next);
      }
    }
  }

 private:
  bool by_depths() const { return matrix.row == 1; }
  void lay_out(int64_t i, int64_t block, int64_t begin, int64_t end) const {
    pack_(matrix.data + i * height * matrix.row + begin * matrix.col, matrix.row, matrix.col, rows(i),
          matrix.rows - i * height, step, end - begin, panel(i, block) + units(begin - block) * step);
  }

  const typename Kernels::Pack pack_;
  Panel* const memory_;
};

// A product whose panels are laid out at once.
template <typename T, typename Panel, typename Sum, int kTogether>
class Group {
 public:
  using Kernels = PanelKernels<T, Panel, Sum, kTogether>;
  Group(dt_kernel_context* ctx, const Kernels& kernels, const PackedProduct<T, Sum>& p, int64_t depth_step, bool upper,
        Panel* memory)
      : ctx_(ctx),
        kernels_(kernels),
        p_(p),
        upper_(upper),
        a_(kernels, p.a, equal_part(p.a.rows, kernels.shape.rows), kernels.shape.row_step, depth_step, memory),
        b_(kernels, p.b.transposed(), kernels.shape.cols, kernels.shape.cols, depth_step, a_.end()) {}

  static int64_t elements(const PanelShape& shape, int64_t rows, int64_t cols) {  // for one depth
    return ceil_div(rows, equal_part(rows, shape.rows)) * shape.row_step + round_up(cols, shape.cols);
  }

  static int64_t units(int64_t depth) { return Side<T, Panel, Sum, kTogether>::units(depth); }

  void run() {
    const int64_t pieces = a_.pieces() + b_.pieces(), elements = (p_.c.rows + p_.c.cols) * p_.a.cols;
    parallel(ctx_, pieces, std::max<int64_t>(1, 32768 * pieces / elements), [this](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) i < a_.pieces() ? a_.lay_out(i) : b_.lay_out(i - a_.pieces());
    });
    const int64_t tall = equal_part(a_.panels, std::max<int64_t>(1, kBlockRows / a_.height));
    const int64_t wide = equal_part(b_.panels, std::max<int64_t>(1, kBlockCols / b_.height));
    const int64_t across = ceil_div(b_.panels, wide);
    const int64_t blocks = ceil_div(a_.panels, tall) * across;
    parallel_tasks(ctx_, blocks, blocks, 1, [&](int64_t) {
      return [&](int64_t i) { block(i / across * tall, i % across * wide, tall, wide); };
    });
  }

 private:
  void block(int64_t row, int64_t col, int64_t tall, int64_t wide) const {
    for (int64_t k = 0; k < p_.a.cols; k += a_.depth_of_blocks) {
      for (int64_t j = col; j < std::min(col + wide, b_.panels); ++j) {
        const int64_t left = j * b_.height;
        for (int64_t i = row; i < std::min(row + tall, a_.panels); ++i) {
          const int64_t top = i * a_.height;
          if (upper_ && top >= left + b_.height) break;
          PanelProduct<Panel, Sum> product{a_.panel(i, k),
                                           b_.panel(j, k),
                                           units(a_.depth(k)),
                                           p_.c.data + top * p_.c.row + left,
                                           p_.c.row,
                                           a_.rows(i),
                                           b_.rows(j),
                                           p_.alpha,
                                           k == 0 && p_.bias ? p_.bias + left : nullptr,
                                           k > 0 || p_.accumulate};
          if constexpr (std::is_same_v<T, BFloat16>) {
            if (p_.rounded.data && k + a_.depth(k) == p_.a.cols) {
              product.rounded = &p_.rounded.data[top * p_.rounded.row + left].bits;
              product.rounded_row = p_.rounded.row;
            }
          }
          kernels_.product(product, static_cast<int>(a_.height));
        }
      }
    }
  }

  dt_kernel_context* ctx_;
  const Kernels& kernels_;
  const PackedProduct<T, Sum>& p_;
  const bool upper_;  // only the panels that reach above the diagonal
  Side<T, Panel, Sum, kTogether> a_, b_;
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
