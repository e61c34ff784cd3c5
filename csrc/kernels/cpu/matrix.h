// Matrices in memory, and the products of small ones.
#pragma once

#include <cstdint>

namespace dovetail::cpu {

// The sum of x[i] * y[i] over contiguous memory.
float dot(const float* x, const float* y, int64_t n);
double dot(const double* x, const double* y, int64_t n);

// A matrix in memory, of any strides.
template <typename T>
struct Matrix {
  T* data;
  int64_t rows, cols;
  int64_t row, col;  // strides in elements

  Matrix transposed() const { return {data, cols, rows, col, row}; }
  Matrix block(int64_t i, int64_t j, int64_t m, int64_t n) const { return {data + i * row + j * col, m, n, row, col}; }
  operator Matrix<const T>() const { return {data, rows, cols, row, col}; }
};

// Whether b is the transpose of a, in the same memory.
template <typename T>
bool is_gram(const Matrix<T>& a, const Matrix<T>& b) {
  return a.data == b.data && a.rows == b.cols && a.cols == b.rows && a.row == b.col && a.col == b.row;
}

// c = alpha * a b, plus c with `accumulate`, on the calling thread by the loops above: for small matrices, of any
// strides. Needs no scratch memory.
template <typename T>
void small_product(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, T alpha, bool accumulate);

}  // namespace dovetail::cpu
