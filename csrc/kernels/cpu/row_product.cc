// The choice of an instruction set for row_product.inc, and the products that are made of it.
#include "kernels/cpu/row_product.h"

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

namespace {

constexpr int64_t kRowsTogether = 32;  // of a product whose rows are read in place

// A product whose rows are read in place, with the other matrix in panels.
template <class T>
class PlacedProduct {
 public:
  PlacedProduct(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, const T* bias)
      : a_(a),
        b_(b),
        c_(c),
        bias_(bias),
        step_(equal_part(b.rows, kPackedDepth)),  // the same cuts as packed_product's
        panels_(ceil_div(c.cols, kPanel<T>)) {}

  bool run(dt_kernel_context* ctx) const {
    if (ceil_div(c_.rows, kRowsTogether) > std::max(panels_, kFewChunks)) return by_rows(ctx);
    by_panels(ctx);
    return true;
  }

 private:
  static constexpr int64_t kFewChunks = 8;

  // Each panel is laid out where the one before it was, in the first-level cache, and multiplied at once; by two
  // threads for half of the rows each, so that no line of a and c goes from one core to the other, unless b has more
  // lines.
  void by_panels(dt_kernel_context* ctx) const {
    const bool halves = c_.rows * (a_.cols + c_.cols) >= b_.rows * b_.cols;
    const int64_t half = halves ? std::min(c_.rows, round_up(ceil_div(c_.rows, 2), 8)) : c_.rows;
    const int64_t tasks = (halves ? 2 : 1) * panels_;
    parallel(ctx, tasks, 1, [&](int64_t begin, int64_t end) {
      alignas(64) T laid[kPackedDepth * kPanel<T>];
      const auto has = [=](int64_t task) { return begin <= task && task < end; };
      for (int64_t k = 0; k < b_.rows; k += step_) {
        for (int64_t j = 0; j < panels_; ++j) {
          const int64_t first = has(j) ? 0 : half, last = halves && has(panels_ + j) ? c_.rows : half;
          if (first >= last) continue;
          fill_panel(block(k), j * kPanel<T>, laid);
          multiply(k, first, last - first, j, j + 1, laid);
        }
      }
    });
  }

  // All panels are laid out first. False: out of memory.
  bool by_rows(dt_kernel_context* ctx) const {
    T* laid =
        static_cast<T*>(ctx->workspace(ctx, static_cast<size_t>(panels_size<T>(b_.rows, c_.cols)) * sizeof(T) + 1));
    if (!laid) return false;
    const auto panel = [&](int64_t k, int64_t j) { return laid + (k * panels_ + j * depth(k)) * kPanel<T>; };
    parallel(ctx, panels_, grain_for(4 * b_.rows * kPanel<T>), [&](int64_t begin, int64_t end) {
      for (int64_t k = 0; k < b_.rows; k += step_)
        for (int64_t j = begin; j < end; ++j) fill_panel(block(k), j * kPanel<T>, panel(k, j));
    });
    parallel(ctx, ceil_div(c_.rows, kRowsTogether), 1, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin * kRowsTogether; row < std::min(end * kRowsTogether, c_.rows); row += kRowsTogether)
        for (int64_t k = 0; k < b_.rows; k += step_)
          multiply(k, row, std::min(kRowsTogether, c_.rows - row), 0, panels_, panel(k, 0));
    });
    return true;
  }

  int64_t depth(int64_t k) const { return std::min(step_, b_.rows - k); }
  Matrix<const T> block(int64_t k) const { return b_.block(k, 0, depth(k), b_.cols); }

  // `rows` rows from `row` on, for the depths from k on, times the panels [j, end), of which the first is at `laid`.
  void multiply(int64_t k, int64_t row, int64_t rows, int64_t j, int64_t end, const T* laid) const {
    const int64_t col = j * kPanel<T>;
    T* to = c_.data + row * c_.row + col;
    const T* init = k ? to : bias_ ? bias_ + col : nullptr;
    row_product({a_.data + row * a_.row + k, a_.row, rows, depth(k), laid, std::min(end * kPanel<T>, c_.cols) - col,
                 init, k ? c_.row : 0, to, c_.row});
  }

  const Matrix<const T> a_, b_;
  const Matrix<T> c_;
  const T* const bias_;
  const int64_t step_, panels_;
};

}  // namespace

template <class T>
bool placed_product(dt_kernel_context* ctx, Matrix<const T> a, Matrix<const T> b, Matrix<T> c, const T* bias) {
  return PlacedProduct<T>(a, b, c, bias).run(ctx);
}
template bool placed_product(dt_kernel_context*, Matrix<const float>, Matrix<const float>, Matrix<float>, const float*);
template bool placed_product(dt_kernel_context*, Matrix<const double>, Matrix<const double>, Matrix<double>,
                             const double*);

}  // namespace dovetail::cpu
