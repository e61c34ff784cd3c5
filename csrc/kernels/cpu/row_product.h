// The product of some rows, which are read where they lie, with a matrix in panels.
#pragma once

#include <cstdint>

#include "dovetail/abi.h"
#include "kernels/cpu/matrix.h"
#include "kernels/cpu/rounding.h"

namespace dovetail::cpu {

// The right-hand matrix of a product, laid out in panels of this many columns, each stored depth first; what the
// last panel lacks is anything.
template <class T>
constexpr int64_t kPanel = 128 / sizeof(T);

// c = init + a b. A sum goes over its depth in order, whatever the other sizes.
template <class T>
struct RowProduct {
  const T* a;
  int64_t a_step;  // between its rows, or with `turned` between its depths; the other lie side by side
  int64_t rows, depth;
  const T* panels;
  int64_t cols;
  const T* init;  // or NULL: 0. May be c.
  int64_t init_row;
  T* c;
  int64_t c_row;
  bool turned = false;
  int64_t laid = 0;  // how deep the panels are, where that is not `depth`
};

void row_product(const RowProduct<float>& p);
void row_product(const RowProduct<double>& p);

// Columns [col, col + kPanel) of a matrix as a panel.
void fill_panel(const Matrix<const float>& m, int64_t col, float* out);
void fill_panel(const Matrix<const double>& m, int64_t col, double* out);

// A whole matrix in panels, and how many elements that takes.
template <class T>
constexpr int64_t panels_size(int64_t rows, int64_t cols) {
  return rows * round_up(cols, kPanel<T>);
}
template <class T>
void fill_panels(const Matrix<const T>& m, T* out) {
  for (int64_t col = 0; col < m.cols; col += kPanel<T>) fill_panel(m, col, out + col * m.rows);
}

// c = bias + a b, where the rows of a and of c lie side by side, and those of a are read where they are. `bias`, what
// every row starts from, may be NULL: 0. False: out of memory.
template <class T>
bool placed_product(dt_kernel_context* ctx, Matrix<const T> a, Matrix<const T> b, Matrix<T> c, const T* bias);

}  // namespace dovetail::cpu
