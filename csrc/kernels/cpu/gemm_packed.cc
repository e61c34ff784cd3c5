// How a large product is cut into panels, blocks and tasks.
#include "kernels/cpu/gemm_packed.h"

#include <algorithm>

#include "kernels/cpu/gemm.h"

namespace dovetail::cpu {
namespace {

// How many rows a panel of a has, how far its depths are apart, and how many columns one of b has.
struct PanelShape {
  int rows, row_step, cols;
};

template <typename T>
struct PanelProduct {
  const T *a, *b;  // panels
  int64_t depth;
  T* c;
  int64_t c_row, rows, cols;
  T alpha;
  const T* bias;
  bool accumulate;
};

}  // namespace
}  // namespace dovetail::cpu

#define DOVETAIL_KERNELS_V4
#define DOVETAIL_KERNELS "kernels/cpu/gemm_packed.inc"
#include "kernels/cpu/foreach_isa.h"

namespace dovetail::cpu {
namespace {

// The best instruction set's functions for an element type.
template <typename T>
struct Kernels {
  using Pack = void (*)(const T*, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, T*);
  using Product = void (*)(const PanelProduct<T>&, int);
  PanelShape shape;
  Pack pack;
  Product product;
};
const Kernels<float>& kernels(float) {
  static const Kernels<float> best = {DOVETAIL_BEST_ISA_TO_V4(shape_f32)(), DOVETAIL_BEST_ISA_TO_V4(pack_f32),
                                      DOVETAIL_BEST_ISA_TO_V4(panel_product_f32)};
  return best;
}
const Kernels<double>& kernels(double) {
  static const Kernels<double> best = {DOVETAIL_BEST_ISA_TO_V4(shape_f64)(), DOVETAIL_BEST_ISA_TO_V4(pack_f64),
                                       DOVETAIL_BEST_ISA_TO_V4(panel_product_f64)};
  return best;
}

int64_t divided(int64_t n, int64_t by) { return (n + by - 1) / by; }

// The largest part of n, none above `most`, when n is cut into equal parts.
int64_t equal_part(int64_t n, int64_t most) { return divided(n, divided(n, most)); }

constexpr int64_t kDepth = 320;                       // a panel of this depth fits the first-level cache
constexpr int64_t kPacked = int64_t{1} << 21;         // elements laid out at a time
constexpr int64_t kWidest = 4096;                     // rows and columns laid out at a time
constexpr int64_t kBlockRows = 96, kBlockCols = 128;  // of c, in a task: their panels fit the second-level cache

// A product whose panels are laid out at once.
template <typename T>
class Group {
 public:
  Group(dt_kernel_context* ctx, const Kernels<T>& kernels, const PackedProduct<T>& p, int64_t depth_step, T* memory)
      : ctx_(ctx), kernels_(kernels), p_(p), depth_step_(depth_step) {
    const PanelShape& shape = kernels.shape;
    height_ = static_cast<int>(equal_part(p.c.rows, shape.rows));
    row_panels_ = divided(p.c.rows, height_), col_panels_ = divided(p.c.cols, shape.cols);
    a_ = memory, b_ = memory + row_panels_ * shape.row_step * p.a.cols;
  }

  static int64_t elements(const PanelShape& shape, int64_t rows, int64_t cols) {  // for one depth
    return divided(rows, equal_part(rows, shape.rows)) * shape.row_step + divided(cols, shape.cols) * shape.cols;
  }

  void run() {
    const int64_t work = kernels_.shape.cols * p_.a.cols;
    parallel(ctx_, row_panels_ + col_panels_, std::max<int64_t>(1, 32768 / work), [this](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) i < row_panels_ ? pack_rows(i) : pack_cols(i - row_panels_);
    });
    const int64_t tall = equal_part(row_panels_, std::max<int64_t>(1, kBlockRows / height_));
    const int64_t wide = equal_part(col_panels_, std::max<int64_t>(1, kBlockCols / kernels_.shape.cols));
    const int64_t across = divided(col_panels_, wide);
    parallel(ctx_, divided(row_panels_, tall) * across, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) block(i / across * tall, i % across * wide, tall, wide);
    });
  }

 private:
  // Blocks of the depth follow one another, in each of them the panels.
  template <typename F>
  void each_depth(const F& body) const {
    for (int64_t k = 0; k < p_.a.cols; k += depth_step_) body(k, std::min(depth_step_, p_.a.cols - k));
  }
  T* row_panel(int64_t i, int64_t k, int64_t depth) const {
    return a_ + (row_panels_ * k + i * depth) * kernels_.shape.row_step;
  }
  T* col_panel(int64_t j, int64_t k, int64_t depth) const {
    return b_ + (col_panels_ * k + j * depth) * kernels_.shape.cols;
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
          T* c = p_.c.data + i * height_ * p_.c.row + left;
          kernels_.product({row_panel(i, k, depth), col_panel(j, k, depth), depth, c, p_.c.row, rows(i), cols(j),
                            p_.alpha, k == 0 && p_.bias ? p_.bias + left : nullptr, k > 0 || p_.accumulate},
                           height_);
        }
      }
    });
  }

  dt_kernel_context* ctx_;
  const Kernels<T>& kernels_;
  const PackedProduct<T>& p_;
  const int64_t depth_step_;
  int height_;
  int64_t row_panels_, col_panels_;
  T *a_, *b_;
};

template <typename T>
bool run(dt_kernel_context* ctx, const PackedProduct<T>& p) {
  const Kernels<T>& best = kernels(T());
  const int64_t m = equal_part(p.c.rows, kWidest), n = equal_part(p.c.cols, kWidest);
  const int64_t depth_step = equal_part(p.a.cols, kDepth), per_depth = Group<T>::elements(best.shape, m, n);
  const int64_t depth = std::min(p.a.cols, std::max<int64_t>(1, kPacked / (per_depth * depth_step)) * depth_step);
  T* memory = static_cast<T*>(ctx->workspace(ctx, static_cast<size_t>(per_depth * depth) * sizeof(T)));
  if (!memory) return false;
  for (int64_t i = 0; i < p.c.rows; i += m) {
    for (int64_t j = 0; j < p.c.cols; j += n) {
      const int64_t tall = std::min(m, p.c.rows - i), wide = std::min(n, p.c.cols - j);
      for (int64_t k = 0; k < p.a.cols; k += depth) {
        const int64_t deep = std::min(depth, p.a.cols - k);
        const PackedProduct<T> part = {p.a.block(i, k, tall, deep),
                                       p.b.block(k, j, deep, wide),
                                       p.c.block(i, j, tall, wide),
                                       p.alpha,
                                       k == 0 && p.bias ? p.bias + j : nullptr,
                                       k > 0 || p.accumulate};
        Group<T>(ctx, best, part, depth_step, memory).run();
      }
    }
  }
  return true;
}

}  // namespace

bool packed_product(dt_kernel_context* ctx, const PackedProduct<float>& p) { return run(ctx, p); }
bool packed_product(dt_kernel_context* ctx, const PackedProduct<double>& p) { return run(ctx, p); }

}  // namespace dovetail::cpu
