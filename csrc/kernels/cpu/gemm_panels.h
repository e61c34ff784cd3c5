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
constexpr int64_t kBlockRows = 56, kBlockCols = 1024;  // of c, in a task: panels of the rows stay in the caches
constexpr int64_t kHalvesFrom = 128;                   // rows or columns, for which both halves' panels pay
constexpr int64_t kFewCols = 512;                      // their panels are too wide for nearly equal halves
constexpr int64_t kSlots = 64;                         // threads that have panels of their own

// One matrix of a product in panels of its rows; of the right one these are columns. In memory, blocks of depths follow
// one another, and in each of them the panels.
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
  int64_t size(int64_t k) const { return step * units(depth(k)); }  // of a panel
  Panel* end() const { return memory_ + panels * step * units(matrix.cols); }
  int64_t rows(int64_t panel) const { return std::min(height, matrix.rows - panel * height); }
  // Of the block of depths from k on.
  int64_t depth(int64_t k) const { return std::min(depth_of_blocks, matrix.cols - k); }
  Panel* panel(int64_t i, int64_t k) const { return memory_ + panels * units(k) * step + i * size(k); }
  void lay_out_at(int64_t i, int64_t k, Panel* out) const { lay_out(i, k, k + depth(k), out); }

  // What is laid out at a time: a panel, or where rows lie side by side some depths of all panels, as memory has them.
  int64_t pieces() const { return by_depths() ? ceil_div(matrix.cols, kDepthsTogether) : panels; }
  void lay_out(int64_t piece) const {
    const int64_t begin = by_depths() ? piece * kDepthsTogether : 0;
    const int64_t end = by_depths() ? std::min(matrix.cols, begin + kDepthsTogether) : matrix.cols;
    for (int64_t k = begin, next; k < end; k = next) {
      const int64_t block = k / depth_of_blocks * depth_of_blocks;
      next = std::min(end, block + depth_of_blocks);
      if (!by_depths()) {
        lay_out_at(piece, block, panel(piece, block));
      } else {
        for (int64_t i = 0; i < panels; ++i) lay_out(i, k, next, panel(i, block) + units(k - block) * step);
      }
    }
  }

 private:
  bool by_depths() const { return matrix.row == 1; }
  void lay_out(int64_t i, int64_t begin, int64_t end, Panel* out) const {
    pack_(matrix.data + i * height * matrix.row + begin * matrix.col, matrix.row, matrix.col, rows(i),
          matrix.rows - i * height, step, end - begin, out);
  }

  const typename Kernels::Pack pack_;
  Panel* const memory_;
};

// How a product is cut, from its shape and layout alone.
template <typename T, typename Panel, typename Sum, int kTogether>
struct Cut {
  int64_t rows, cols, depth, depth_step;  // depth is laid out at a time, by steps
  bool halves, by_rows;                   // what is laid out at a time, in two
  int64_t own, slots;                     // elements that a task lays out, and threads that have room for so many
  size_t bytes;

  Cut(const PanelShape& shape, const PackedProduct<T, Sum>& p)
      : Cut(shape, p.c.rows, p.c.cols, p.a.cols, own_rows(p), !is_symmetric(p), kSlots) {}
  Cut(const PanelShape& shape, int64_t m, int64_t n, int64_t k, bool own_rows, bool may_halve, int64_t threads)
      : rows(equal_part(m, kWidest)),
        cols(equal_part(n, kWidest)),
        halves(may_halve && std::max(rows, cols) >= kHalvesFrom),
        by_rows(rows > cols || (cols < kFewCols && 2 * rows > cols)) {
    const int64_t all = ceil_div(k, kTogether), panels = ceil_div(rows, equal_part(rows, shape.rows));
    depth_step = equal_part(all, kTogether == 1 ? kPackedDepth : kPackedPairs);
    const int64_t left = panels * shape.row_step, right = round_up(cols, shape.cols);  // elements for a unit of depths
    const int64_t units = std::min(all, std::max<int64_t>(1, kPacked / ((left + right) * depth_step)) * depth_step);
    own = own_rows ? round_up(block_panels(shape) * shape.row_step * depth_step, 64) : 0;
    slots = std::min(threads, (ceil_div(panels, block_panels(shape)) + 1) * (ceil_div(cols, kBlockCols) + 1));
    const int64_t shared = right + (own_rows ? 0 : left);
    const int64_t twice = !halves ? 0 : by_rows ? right : own_rows ? 0 : left;
    bytes = static_cast<size_t>((shared + twice) * units + own * slots) * sizeof(Panel);
    depth_step *= kTogether, depth = units * kTogether;
  }

  // Whether the rows of a are laid out by the tasks, when they are needed.
  static bool own_rows(const PackedProduct<T, Sum>& p) { return p.a.col == 1; }
  static int64_t block_panels(const PanelShape& shape) { return std::max<int64_t>(1, kBlockRows / shape.rows); }
};

// A product whose panels are laid out at once, or a half of one.
template <typename T, typename Panel, typename Sum, int kTogether>
class Part {
 public:
  using Kernels = PanelKernels<T, Panel, Sum, kTogether>;
  Part(const Kernels& kernels, const PackedProduct<T, Sum>& p, int64_t depth_step, bool upper, Panel* memory)
      : kernels_(kernels),
        p_(p),
        upper_(upper),
        own_rows_(Cut<T, Panel, Sum, kTogether>::own_rows(p)),
        b_(kernels, p.b.transposed(), kernels.shape.cols, kernels.shape.cols, depth_step, memory),
        a_(kernels, p.a, equal_part(p.a.rows, kernels.shape.rows), kernels.shape.row_step, depth_step, b_.end()),
        tall_(equal_part(a_.panels, Cut<T, Panel, Sum, kTogether>::block_panels(kernels.shape))),
        wide_(equal_part(b_.panels, kBlockCols / kernels.shape.cols)),
        down_(ceil_div(a_.panels, tall_)) {}

  Panel* end() const { return own_rows_ ? b_.end() : a_.end(); }
  int64_t elements() const { return (p_.c.rows + p_.c.cols) * p_.a.cols; }

  // To lay out first, in any order.
  int64_t pieces() const { return b_.pieces() + (own_rows_ ? 0 : a_.pieces()); }
  void lay_out(int64_t piece) const { piece < b_.pieces() ? b_.lay_out(piece) : a_.lay_out(piece - b_.pieces()); }

  // To multiply then.
  int64_t blocks() const { return ceil_div(b_.panels, wide_) * down_; }
  void multiply(int64_t block, Panel* own) const {
    const int64_t top = block % down_ * tall_, bottom = std::min(top + tall_, a_.panels);
    const int64_t left = block / down_ * wide_, right = std::min(left + wide_, b_.panels);
    for (int64_t k = 0; k < p_.a.cols; k += a_.depth_of_blocks) {
      for (int64_t i = top; own_rows_ && i < bottom; ++i) a_.lay_out_at(i, k, own + (i - top) * a_.size(k));
      const Panel* const rows = own_rows_ ? own : a_.panel(top, k);
      for (int64_t j = left; j < right; ++j) {
        for (int64_t i = top; i < bottom; ++i) {
          if (upper_ && i * a_.height >= (j + 1) * b_.height) break;
          multiply(i, j, k, rows + (i - top) * a_.size(k), j + 1 < right ? ahead(j + 1, k, i - top) : nullptr);
        }
      }
    }
  }

 private:
  // What panel j's products with some rows fetch of the panel after it: a line for each unit of depths.
  const Panel* ahead(int64_t j, int64_t k, int64_t turn) const {
    const int64_t part = b_.size(k) / b_.step * (64 / static_cast<int64_t>(sizeof(Panel)));
    return (turn + 1) * part <= b_.size(k) ? b_.panel(j, k) + turn * part : nullptr;
  }

  // Panel i, which is at `rows`, times panel j over the block of depths from k on.
  void multiply(int64_t i, int64_t j, int64_t k, const Panel* rows, const Panel* ahead) const {
    const int64_t top = i * a_.height, left = j * b_.height;
    PanelProduct<Panel, Sum> product{rows,
                                     b_.panel(j, k),
                                     a_.units(a_.depth(k)),
                                     p_.c.data + top * p_.c.row + left,
                                     p_.c.row,
                                     a_.rows(i),
                                     b_.rows(j),
                                     p_.alpha,
                                     k == 0 && p_.bias ? p_.bias + left : nullptr,
                                     k > 0 || p_.accumulate};
    product.ahead = ahead;
    if constexpr (std::is_same_v<T, BFloat16>) {
      if (p_.rounded.data && k + a_.depth(k) == p_.a.cols) {
        product.rounded = &p_.rounded.data[top * p_.rounded.row + left].bits;
        product.rounded_row = p_.rounded.row;
      }
    }
    kernels_.product(product, static_cast<int>(a_.height));
  }

  const Kernels& kernels_;
  const PackedProduct<T, Sum> p_;
  const bool upper_;  // only the panels that reach above the diagonal
  const bool own_rows_;
  const Side<T, Panel, Sum, kTogether> b_, a_;
  const int64_t tall_, wide_;  // panels of a task
  const int64_t down_;         // tasks
};

// A product as a whole, or as two halves that share no panels: as the pool hands out ranges from both ends, two threads
// write and read their own and wait for no lines that the other core has. The last tasks are taken by whoever is free.
template <typename Part, typename Panel>
class Parts {
 public:
  Parts(dt_kernel_context* ctx, const Part& left, const Part* right) : ctx_(ctx), left_(left), right_(right) {}

  // False, of halves: there is but one thread, which had better have it whole.
  bool lay_out() const {
    const int64_t first = left_.pieces(), pieces = first + (right_ ? right_->pieces() : 0);
    const int64_t elements = left_.elements() + (right_ ? right_->elements() : 0);
    const int64_t grain = std::max<int64_t>(1, std::min(32768 * pieces / elements, pieces / (right_ ? 2 : 1)));
    bool alone = false;
    parallel(ctx_, pieces, grain, [&](int64_t begin, int64_t end) {
      if (right_ && begin == 0 && end == pieces) {
        alone = true;
        return;
      }
      for (int64_t i = begin; i < end; ++i) i < first ? left_.lay_out(i) : right_->lay_out(i - first);
    });
    return !alone;
  }

  // A thread's slot has `own_elements`.
  void multiply(Panel* own, int64_t own_elements, int64_t most_slots) const {
    const int64_t split = left_.blocks(), blocks = split + (right_ ? right_->blocks() : 0);
    const int64_t slots = std::min(blocks, most_slots);
    TaskQueue lefts(split, blocks), rights(blocks - split, blocks);
    parallel(ctx_, slots, 1, [&](int64_t slot, int64_t slots_end) {
      // The first of several ends after one task: by how long that took, the pool wakes threads that sleep.
      const bool once = slot == 0 && slots_end < slots;
      const auto run = [&](const Part* part, TaskQueue& queue) {
        for (int64_t i, end; part && queue.take(i, end);) {
          for (; i < end; ++i) part->multiply(i, own + slot * own_elements);
          if (once) return false;
        }
        return true;
      };
      2 * slot < slots ? run(&left_, lefts) && run(right_, rights) : run(right_, rights) && run(&left_, lefts);
    });
  }

 private:
  dt_kernel_context* const ctx_;
  const Part& left_;
  const Part* const right_;
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

// What of a product is laid out at once.
template <typename T, typename Panel, typename Sum, int kTogether>
void run_group(dt_kernel_context* ctx, const PanelKernels<T, Panel, Sum, kTogether>& best,
               const PackedProduct<T, Sum>& p, const Cut<T, Panel, Sum, kTogether>& cut, bool upper, Panel* memory) {
  using Laid = Part<T, Panel, Sum, kTogether>;
  Panel *const own = memory, *const shared = memory + cut.own * cut.slots;
  const int64_t m = p.c.rows, n = p.c.cols, k = p.a.cols, all = cut.by_rows ? m : n;
  const int64_t panel = cut.by_rows ? equal_part(m, best.shape.rows) : best.shape.cols;
  const int64_t half = ceil_div(ceil_div(all, panel), 2) * panel;
  if (cut.halves && half < all) {
    const auto first = cut.by_rows ? p.part(0, half, 0, n, 0, k) : p.part(0, m, 0, half, 0, k);
    const auto second = cut.by_rows ? p.part(half, m - half, 0, n, 0, k) : p.part(0, m, half, n - half, 0, k);
    const Laid left(best, first, cut.depth_step, false, shared), right(best, second, cut.depth_step, false, left.end());
    const Parts<Laid, Panel> halves(ctx, left, &right);
    if (halves.lay_out()) return halves.multiply(own, cut.own, cut.slots);
  }
  const Laid all_of_it(best, p, cut.depth_step, upper, shared);
  const Parts<Laid, Panel> whole(ctx, all_of_it, nullptr);
  whole.lay_out();
  whole.multiply(own, cut.own, cut.slots);
}

template <typename T, typename Panel, typename Sum, int kTogether>
void run(dt_kernel_context* ctx, const PanelKernels<T, Panel, Sum, kTogether>& best, const PackedProduct<T, Sum>& p,
         const Cut<T, Panel, Sum, kTogether>& cut, void* memory) {
  const bool upper = is_symmetric(p) && p.c.rows <= cut.rows;
  for (int64_t i = 0; i < p.c.rows; i += cut.rows) {
    for (int64_t j = 0; j < p.c.cols; j += cut.cols) {
      const int64_t tall = std::min(cut.rows, p.c.rows - i), wide = std::min(cut.cols, p.c.cols - j);
      for (int64_t k = 0; k < p.a.cols; k += cut.depth) {
        const int64_t deep = std::min(cut.depth, p.a.cols - k);
        run_group(ctx, best, p.part(i, tall, j, wide, k, deep), cut, upper, static_cast<Panel*>(memory));
      }
    }
  }
  if (upper) mirror(ctx, p.c);
}

template <typename T, typename Panel, typename Sum, int kTogether>
bool run(dt_kernel_context* ctx, const PanelKernels<T, Panel, Sum, kTogether>& best, const PackedProduct<T, Sum>& p) {
  const Cut<T, Panel, Sum, kTogether> cut(best.shape, p);
  void* memory = ctx->workspace(ctx, cut.bytes);
  if (memory) run(ctx, best, p, cut, memory);
  return memory != nullptr;
}

}  // namespace dovetail::cpu
