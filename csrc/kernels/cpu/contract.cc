// Products of matrices and vectors: bmm, mm, addmm, mv, dot, linear.
//
// Every one becomes a batch of matrix products, cut into tiles whose shape follows from the product's shape alone, so
// that the bits do not depend on the number of threads. A tile goes to OpenBLAS (on the calling thread) or, if it is
// small or narrow, to our own loops. Large products of float and double share packed panels instead (gemm_packed.h).
#include <cblas.h>

#include <algorithm>
#include <climits>
#include <type_traits>

#include "kernels/cpu/contract.h"
#include "kernels/cpu/contract_choice.h"
#include "kernels/cpu/element.h"
#include "kernels/cpu/few_rows.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/gemm_packed.h"
#include "kernels/cpu/integer_product.h"
#include "kernels/cpu/matrix_product.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/row_product.h"
#include "kernels/cpu/sixteen.h"

namespace dovetail::cpu {
namespace {

void blas(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, float alpha, const float* a, int lda,
          const float* b, int ldb, float beta, float* c, int ldc) {
  scipy_cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
void blas(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, double alpha, const double* a, int lda,
          const double* b, int ldb, double beta, double* c, int ldc) {
  scipy_cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
void blas(CBLAS_TRANSPOSE t, int m, int n, float alpha, const float* a, int lda, const float* x, int incx, float beta,
          float* y, int incy) {
  scipy_cblas_sgemv(CblasRowMajor, t, m, n, alpha, a, lda, x, incx, beta, y, incy);
}
void blas(CBLAS_TRANSPOSE t, int m, int n, double alpha, const double* a, int lda, const double* x, int incx,
          double beta, double* y, int incy) {
  scipy_cblas_dgemv(CblasRowMajor, t, m, n, alpha, a, lda, x, incx, beta, y, incy);
}

// The complex ones take their numbers by address.
void blas(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, Complex<float> alpha, const Complex<float>* a,
          int lda, const Complex<float>* b, int ldb, Complex<float> beta, Complex<float>* c, int ldc) {
  scipy_cblas_cgemm(CblasRowMajor, ta, tb, m, n, k, &alpha, a, lda, b, ldb, &beta, c, ldc);
}
void blas(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, Complex<double> alpha, const Complex<double>* a,
          int lda, const Complex<double>* b, int ldb, Complex<double> beta, Complex<double>* c, int ldc) {
  scipy_cblas_zgemm(CblasRowMajor, ta, tb, m, n, k, &alpha, a, lda, b, ldb, &beta, c, ldc);
}
void blas(CBLAS_TRANSPOSE t, int m, int n, Complex<float> alpha, const Complex<float>* a, int lda,
          const Complex<float>* x, int incx, Complex<float> beta, Complex<float>* y, int incy) {
  scipy_cblas_cgemv(CblasRowMajor, t, m, n, &alpha, a, lda, x, incx, &beta, y, incy);
}
void blas(CBLAS_TRANSPOSE t, int m, int n, Complex<double> alpha, const Complex<double>* a, int lda,
          const Complex<double>* x, int incx, Complex<double> beta, Complex<double>* y, int incy) {
  scipy_cblas_zgemv(CblasRowMajor, t, m, n, &alpha, a, lda, x, incx, &beta, y, incy);
}

template <typename T>
void fill_start(const Start<T>& start, const T* from, Matrix<T> c) {
  const bool repeats = start.row == 0 && c.col == 1 && c.row == c.cols;  // a bias: one row, again and again
  const auto scale = modular(start.scale);
  for (int64_t i = 0; i < (repeats ? 1 : c.rows); ++i) {
    T* out = c.data + i * c.row;
    const T* in = from + i * start.row;
    for (int64_t j = 0; j < c.cols; ++j) out[j * c.col] = static_cast<T>(scale * modular(in[j * start.col]));
  }
  for (int64_t done = 1; repeats && done < c.rows; done *= 2)
    std::copy_n(c.data, std::min(done, c.rows - done) * c.cols, c.data + done * c.cols);
}

// ---- floating point and complex -------------------------------------------------------------------------------------

// BLAS wants one unit stride and a leading dimension of at least a row that fits its int.
bool blas_can(int64_t rows, int64_t cols, int64_t row, int64_t col) {
  return (col == 1 && row >= std::max<int64_t>(cols, 1) && row <= INT_MAX) ||
         (row == 1 && col >= std::max<int64_t>(rows, 1) && col <= INT_MAX);
}
template <typename T>
bool blas_can(const Matrix<T>& m) {
  return blas_can(m.rows, m.cols, m.row, m.col);
}

// The strides of a dimension of one element mean nothing: make them those of a dense matrix.
template <typename T>
void tidy(Matrix<T>& m) {
  if (m.rows == 1) m.row = m.col == 1 ? m.cols : 1;
  if (m.cols == 1) m.col = m.row == 1 ? m.rows : 1;
}

constexpr int64_t kTileWork = 1024 * 1024;  // a tile worth a thread of its own
constexpr int64_t kTile = 256;

// One unit stride each, but for a vector's, which may be any. (With one row or column gemm takes 3 times gemv's time.)
template <typename T>
void blas_tile(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, T alpha, bool accumulate) {
  if (c.cols == 1 && c.rows != 1) return blas_tile(b.transposed(), a.transposed(), c.transposed(), alpha, accumulate);
  if (c.rows != 1 && c.col != 1) return blas_tile(b.transposed(), a.transposed(), c.transposed(), alpha, accumulate);
  const auto plain = [](const Matrix<const T>& m) { return m.col == 1 && m.row >= m.cols; };
  const auto flag = [&](const Matrix<const T>& m) { return plain(m) ? CblasNoTrans : CblasTrans; };
  const auto lead = [&](const Matrix<const T>& m) { return static_cast<int>(plain(m) ? m.row : m.col); };
  const int m = static_cast<int>(c.rows), n = static_cast<int>(c.cols);
  for (int64_t k = 0; k < a.cols; k += 1 << 30) {
    const int depth = static_cast<int>(std::min<int64_t>(a.cols - k, 1 << 30));
    const T* left = a.data + k * a.col;
    const T* right = b.data + k * b.row;
    const T beta = accumulate || k > 0 ? T(1) : T(0);
    if (m == 1) {
      blas(plain(b) ? CblasTrans : CblasNoTrans, plain(b) ? depth : n, plain(b) ? n : depth, alpha, right, lead(b),
           left, static_cast<int>(a.col), beta, c.data, static_cast<int>(c.col));
    } else {
      blas(flag(a), flag(b), m, n, depth, alpha, left, lead(a), right, lead(b), beta, c.data, static_cast<int>(c.row));
    }
  }
}

// How a product is cut: by its shape alone.
struct Tiling {
  int64_t rows, cols, across, per_product;
  Tiling(int64_t m, int64_t n, int64_t k, int64_t batch) : rows(kTile), cols(kTile) {
    const auto shrink = [](int64_t& tile, int64_t size) { tile = std::min(tile, std::max<int64_t>(size, 1)); };
    // A vector times a matrix reads long runs of it.
    if (m == 1) cols *= 4;
    if (n == 1) rows *= 4;
    shrink(rows, m), shrink(cols, n);
    while (count(m, n) * batch < 8 && rows * cols * k > kTileWork && std::max(rows, cols) >= 32) {
      int64_t& larger = rows >= cols ? rows : cols;
      larger = (larger / 2 + 15) / 16 * 16;
    }
    across = ceil_div(n, cols);
    per_product = count(m, n);
  }
  int64_t count(int64_t m, int64_t n) const { return ceil_div(m, rows) * ceil_div(n, cols); }
};

// A dense copy of the matrices of a batch (one, if they are all the same).
template <typename T>
bool densify(dt_kernel_context* ctx, int64_t count, Matrix<const T>& m, int64_t& step) {
  const int64_t copies = step == 0 ? 1 : count, size = m.rows * m.cols;
  T* dense = static_cast<T*>(ctx->workspace(ctx, static_cast<size_t>(copies * size) * sizeof(T)));
  if (!dense) return false;
  parallel(ctx, copies * m.rows, std::max<int64_t>(1, 32768 / m.cols), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const T* from = m.data + i / m.rows * step + i % m.rows * m.row;
      for (int64_t j = 0; j < m.cols; ++j) dense[i * m.cols + j] = from[j * m.col];
    }
  });
  if (step != 0) step = size;
  m.data = dense, m.row = m.cols, m.col = 1;
  return true;
}

template <typename T>
void run_tiles(dt_kernel_context* ctx, const Batch<T>& p, const Tiling& tiling) {
  const int64_t m = p.c.rows, n = p.c.cols, k = p.a.cols;
  const bool started = p.start.data != nullptr;
  const int64_t work = std::max<int64_t>(1, tiling.rows * tiling.cols * k);
  parallel(ctx, p.count * tiling.per_product, std::max<int64_t>(1, kTileWork / 4 / work),
           [&](int64_t begin, int64_t end) {
             for (int64_t task = begin; task < end; ++task) {
               // Divisions would take an eighth of the smallest products' time.
               const int64_t item = tiling.per_product == 1 ? task : task / tiling.per_product;
               const int64_t tile = task - item * tiling.per_product, down = tile ? tile / tiling.across : 0;
               const int64_t i = down * tiling.rows, j = (tile - down * tiling.across) * tiling.cols;
               const int64_t tm = std::min(tiling.rows, m - i), tn = std::min(tiling.cols, n - j);
               Matrix<const T> a = p.a.block(i, 0, tm, k), b = p.b.block(0, j, k, tn);
               Matrix<T> c = p.c.block(i, j, tm, tn);
               a.data += item * p.a_step, b.data += item * p.b_step, c.data += item * p.c_step;
               if (started) {
                 fill_start(p.start, p.start.data + item * p.start.batch + i * p.start.row + j * p.start.col, c);
               }
               if constexpr (std::is_floating_point_v<T>) {
                 if (is_small(tm, tn, k)) {
                   small_product<T>(a, b, c, p.alpha, started);
                   continue;
                 }
               }
               blas_tile<T>(a, b, c, p.alpha, started);
             }
           });
}

// A sum of nothing.
template <typename T>
void empty_product(const Batch<T>& p) {
  const T zero = 0;
  for (int64_t item = 0; item < p.count; ++item) {
    Matrix<T> c = p.c;
    c.data += item * p.c_step;
    fill_start(p.start, p.start.data ? p.start.data + item * p.start.batch : &zero, c);
  }
}

template <typename T>
bool multiply_packed(dt_kernel_context* ctx, Batch<T> p) {
  if (p.c.col != 1) p = p.transposed();
  const bool bias = p.start.data && p.start.row == 0 && p.start.col == 1 && p.start.scale == T(1);
  for (int64_t item = 0; item < p.count; ++item) {
    PackedProduct<T> product{p.a, p.b, p.c, p.alpha};
    product.a.data += item * p.a_step, product.b.data += item * p.b_step, product.c.data += item * p.c_step;
    const T* start = p.start.data ? p.start.data + item * p.start.batch : nullptr;
    if (bias) {
      product.bias = start;
    } else if (start) {
      parallel(ctx, p.c.rows, std::max<int64_t>(1, 32768 / p.c.cols), [&](int64_t begin, int64_t end) {
        fill_start(p.start, start + begin * p.start.row, product.c.block(begin, 0, end - begin, p.c.cols));
      });
      product.accumulate = true;
      product.symmetric_start = starts_symmetric(ctx, p, start);
    }
    if (!packed_product(ctx, product)) return false;
  }
  return true;
}

template <typename T>
std::enable_if_t<!std::is_integral_v<T>, bool> multiply(dt_kernel_context* ctx, Batch<T> p) {
  const int64_t m = p.c.rows, n = p.c.cols, k = p.a.cols;
  if (p.count == 0 || m == 0 || n == 0) return true;
  if (k == 0) return empty_product(p), true;
  tidy(p.a), tidy(p.b), tidy(p.c);
  if constexpr (std::is_floating_point_v<T>) {
    if (few_rows_pay(p)) return few_rows_product(ctx, p), true;
    if (packs_pay(p)) {
      if (place_pays(p)) return placed_product<T>(ctx, p.a, p.b, p.c, p.start.data);
      return multiply_packed(ctx, p);
    }
  }
  const Tiling tiling(m, n, k, p.count);
  if (std::is_floating_point_v<T> && is_small(tiling.rows, tiling.cols, k)) {
    run_tiles(ctx, p, tiling);  // our own loops take any strides
    return true;
  }
  if (!blas_can(p.a) && !densify(ctx, p.count, p.a, p.a_step)) return false;
  if (!blas_can(p.b) && !densify(ctx, p.count, p.b, p.b_step)) return false;
  if (blas_can(p.c)) {
    run_tiles(ctx, p, tiling);
    return true;
  }
  const Batch<T> wanted = p;
  T* dense = static_cast<T*>(ctx->workspace(ctx, static_cast<size_t>(p.count * m * n) * sizeof(T)));
  if (!dense) return false;
  p.c = {dense, m, n, n, 1}, p.c_step = m * n;
  run_tiles(ctx, p, tiling);
  for (int64_t item = 0; item < p.count; ++item) {
    Matrix<T> c = wanted.c;
    c.data += item * wanted.c_step;
    fill_start<T>({nullptr, 0, n, 1, T(1)}, dense + item * m * n, c);
  }
  return true;
}

// ---- integers: wrap around, as in PyTorch ---------------------------------------------------------------

constexpr int64_t kIntegerWork = 65536, kIntegerRows = 64;

// c = alpha * made + start, of what was made of c in scratch memory: c may be the start's memory.
template <typename U>
void finish(const Batch<U>& p, const U* start, const U* made, Matrix<U> c) {
  for (int64_t i = 0; i < c.rows; ++i) {
    for (int64_t j = 0; j < c.cols; ++j) {
      const U init =
          start ? static_cast<U>(modular(p.start.scale) * modular(start[i * p.start.row + j * p.start.col])) : U(0);
      c.data[i * c.row + j * c.col] = static_cast<U>(modular(p.alpha) * modular(made[i * c.cols + j]) + modular(init));
    }
  }
}

// One row times a matrix: by the matrix's columns or its rows, whichever lie together.
template <typename U>
void integer_row(const Matrix<const U>& a, const Matrix<const U>& b, U* out) {
  if (b.col != 1) {
    for (int64_t j = 0; j < b.cols; ++j) out[j] = integer_dot<U>(a.data, b.data + j * b.col, b.rows);
    return;
  }
  std::fill(out, out + b.cols, U(0));
  for (int64_t k = 0; k < b.rows; ++k) integer_axpy<U>(out, b.data + k * b.row, a.data[k], b.cols);
}

template <typename T>
std::enable_if_t<std::is_integral_v<T>, bool> multiply(dt_kernel_context* ctx, Batch<T> p) {
  if (p.count == 0 || p.c.rows == 0 || p.c.cols == 0) return true;
  if (p.a.cols == 0) return empty_product(p), true;
  if (p.c.cols == 1 && p.c.rows > 1) p = p.transposed();
  const bool row = p.c.rows == 1 && (p.b.col == 1 || p.b.row == 1);
  if (row && p.a.col != 1 && !densify(ctx, p.count, p.a, p.a_step)) return false;
  constexpr int64_t kScratch = 8192 / sizeof(T);
  const int64_t m = p.c.rows, n = p.c.cols, k = p.a.cols;
  const int64_t cols = std::min(n, row ? kScratch : integer_columns(sizeof(T))), across = ceil_div(n, cols);
  const int64_t rows = std::min(m, kIntegerRows), blocks = across * ceil_div(m, rows);
  const bool plain = !p.start.data && p.alpha == T(1);
  parallel(ctx, p.count * blocks, std::max<int64_t>(1, kIntegerWork / (rows * cols * k)),
           [&](int64_t begin, int64_t end) {
             alignas(64) T made[kScratch];
             for (int64_t task = begin; task < end; ++task) {
               const int64_t item = task / blocks, at = task % blocks, i = at / across * rows, j = at % across * cols;
               const int64_t tm = std::min(rows, m - i), tn = std::min(cols, n - j);
               Matrix<const T> a = p.a.block(i, 0, tm, k), b = p.b.block(0, j, k, tn);
               Matrix<T> c = p.c.block(i, j, tm, tn);
               a.data += item * p.a_step, b.data += item * p.b_step, c.data += item * p.c_step;
               if (row) {
                 integer_row<T>(a, b, made);
               } else {
                 integer_block<T>(a, b, plain ? c : Matrix<T>{made, tm, tn, tn, 1});
                 if (plain) continue;
               }
               const int64_t from = item * p.start.batch + i * p.start.row + j * p.start.col;
               finish<T>(p, p.start.data ? p.start.data + from : nullptr, made, c);
             }
           });
  return true;
}

// ---- the ops --------------------------------------------------------------------------------------------

dt_status out_of_memory(dt_kernel_context* ctx, const char* message) { return ctx->fail(ctx, DT_ERR_MEMORY, message); }

template <typename T>
dt_status bmm(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
              const dt_value*, int32_t) {
  return multiply<T>(ctx, bmm_batch<T>(outs[0], ins[0], ins[1]))
             ? DT_OK
             : out_of_memory(ctx, "bmm: out of memory for a dense copy of an argument");
}

template <typename T>
dt_status mm(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
             const dt_value*, int32_t) {
  return multiply<T>(ctx, mm_batch<T>(outs[0], ins[0], ins[1]))
             ? DT_OK
             : out_of_memory(ctx, "mm: out of memory for a dense copy of an argument");
}

template <typename T>
dt_status addmm(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                const dt_value* args, int32_t) {
  return multiply<T>(ctx, addmm_batch<T>(outs[0], ins, args))
             ? DT_OK
             : out_of_memory(ctx, "addmm: out of memory for a dense copy of an argument");
}

template <typename T>
dt_status mv(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
             const dt_value*, int32_t) {
  const Batch<T> p{1, matrix<const T>(ins[0]), column<const T>(ins[1]), column<T>(outs[0])};
  return multiply<T>(ctx, p) ? DT_OK : out_of_memory(ctx, "mv: out of memory for a dense copy of an argument");
}

void blas_dot(int n, const Complex<float>* x, const Complex<float>* y, Complex<float>* out) {
  scipy_cblas_cdotu_sub(n, x, 1, y, 1, out);
}
void blas_dot(int n, const Complex<double>* x, const Complex<double>* y, Complex<double>* out) {
  scipy_cblas_zdotu_sub(n, x, 1, y, 1, out);
}

template <typename T>
T dot_range(const dt_array& x, const dt_array& y, int64_t begin, int64_t end) {
  const int64_t xs = x.strides[0], ys = y.strides[0];
  const T* a = static_cast<const T*>(x.data) + begin * xs;
  const T* b = static_cast<const T*>(y.data) + begin * ys;
  if constexpr (std::is_floating_point_v<T>) {
    if (xs == 1 && ys == 1) return dovetail::cpu::dot(a, b, end - begin);
  } else if constexpr (std::is_integral_v<T>) {
    if (xs == 1 && ys == 1) return integer_dot<T>(a, b, end - begin);
  } else if (xs == 1 && ys == 1) {
    T sum = 0;
    blas_dot(static_cast<int>(end - begin), a, b, &sum);
    return sum;
  }
  T sum = 0;
  for (int64_t i = 0; i < end - begin; ++i)
    sum = static_cast<T>(modular(sum) + modular(a[i * xs]) * modular(b[i * ys]));
  return sum;
}

// Blocks of a fixed length, whose sums are then added in order.
template <typename T>
dt_status dot_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                     const dt_value*, int32_t) {
  constexpr int64_t kBlock = 8192;
  const int64_t n = ins[0].sizes[0], blocks = ceil_div(n, kBlock);
  T total = 0;
  if (blocks <= 1) {
    if (n > 0) total = dot_range<T>(ins[0], ins[1], 0, n);
  } else {
    T* sums = static_cast<T*>(ctx->workspace(ctx, static_cast<size_t>(blocks) * sizeof(T)));
    if (!sums) return out_of_memory(ctx, "dot: out of memory for partial sums");
    parallel(ctx, blocks, 4, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        sums[i] = dot_range<T>(ins[0], ins[1], i * kBlock, std::min(n, (i + 1) * kBlock));
      }
    });
    for (int64_t i = 0; i < blocks; ++i) total = static_cast<T>(modular(total) + modular(sums[i]));
  }
  *static_cast<T*>(outs[0].data) = total;
  return DT_OK;
}

// Every row of input and out on its own: for layouts that are no single matrix.
template <typename T, typename F>
bool each_outer(const dt_array& x, const dt_array& out, const F& run) {
  const int lead = x.ndim - 2;  // dims before the matrix of the last two
  int64_t count = 1;
  for (int d = 0; d < lead; ++d) count *= x.sizes[d];
  for (int64_t i = 0; i < count; ++i) {
    int64_t from = 0, to = 0, rest = i;
    for (int d = lead - 1; d >= 0; --d) {
      from += rest % x.sizes[d] * x.strides[d];
      to += rest % x.sizes[d] * out.strides[d];
      rest /= x.sizes[d];
    }
    if (!run(from, to)) return false;
  }
  return true;
}

// input (..., K) times weight (N, K) transposed. A weight (K) gives (...).
template <typename T>
dt_status linear(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t n_ins,
                 const dt_value*, int32_t) {
  const dt_array &x = ins[0], &weight = ins[1];
  const bool vector = weight.ndim == 1;
  const int64_t k = x.sizes[x.ndim - 1], n = vector ? 1 : weight.sizes[0], x_col = x.strides[x.ndim - 1];
  const int64_t w_row = vector ? k : weight.strides[0], w_col = weight.strides[weight.ndim - 1];
  dt_array out = outs[0];
  if (std::count(out.sizes, out.sizes + out.ndim, 0) > 0) return DT_OK;
  int64_t sizes[DT_MAX_DIMS], strides[DT_MAX_DIMS];
  if (vector) {  // give out the dim of one that it lacks
    std::copy_n(out.sizes, out.ndim, sizes), std::copy_n(out.strides, out.ndim, strides);
    sizes[out.ndim] = 1, strides[out.ndim] = 1;
    out.sizes = sizes, out.strides = strides, ++out.ndim;
  }
  Batch<T> p;
  p.b = {static_cast<const T*>(weight.data), k, n, w_col, w_row};
  if (n_ins > 2 && ins[2].data) p.start = broadcast_start<T>(ins[2], T(1));
  p.start.row = p.start.batch = 0;
  const auto run = [&](int64_t rows, int64_t x_row, int64_t out_row, int64_t from, int64_t to) {
    p.a = {static_cast<const T*>(x.data) + (k > 0 ? from : 0), rows, k, x_row, x_col};
    p.c = {static_cast<T*>(out.data) + to, rows, n, out_row, out.strides[out.ndim - 1]};
    return multiply<T>(ctx, p);
  };
  int64_t rows, x_row, out_row;
  bool done;
  if (flatten_rows(x, rows, x_row) && flatten_rows(out, rows, out_row)) {
    done = run(rows, x_row, out_row, 0, 0);
  } else {
    done = each_outer<T>(x, out, [&](int64_t from, int64_t to) {
      return run(x.sizes[x.ndim - 2], x.strides[x.ndim - 2], out.strides[out.ndim - 2], from, to);
    });
  }
  return done ? DT_OK : out_of_memory(ctx, "linear: out of memory for a dense copy of an argument");
}

template <typename T>
void add_all(KernelTable& table, int32_t dtype) {
  table.add("bmm", dtype, bmm<T>);
  table.add("mm", dtype, mm<T>);
  table.add("addmm", dtype, addmm<T>);
  table.add("mv", dtype, mv<T>);
  table.add("dot", dtype, dot_kernel<T>);
  table.add("linear", dtype, linear<T>);
}

}  // namespace

template <typename T>
bool matrix_product(dt_kernel_context* ctx, Matrix<const T> a, Matrix<const T> b, Matrix<T> c, const T* start,
                    int64_t start_row) {
  Batch<T> p{1, a, b, c};
  p.start = {start, 0, start_row, 1, T(1)};
  return multiply<T>(ctx, p);
}
template bool matrix_product(dt_kernel_context*, Matrix<const float>, Matrix<const float>, Matrix<float>, const float*,
                             int64_t);
template bool matrix_product(dt_kernel_context*, Matrix<const double>, Matrix<const double>, Matrix<double>,
                             const double*, int64_t);

void register_contract(KernelTable& table) {
  scipy_openblas_set_num_threads(1);  // its own threads would change the bits with their number
  KernelTable own;
  visit_modular([&](auto zero, int32_t dtype) { add_all<decltype(zero)>(own, dtype); });
  add_all<Complex<float>>(own, DT_COMPLEX64);
  add_all<Complex<double>>(own, DT_COMPLEX128);
  add_sixteen_whole(own);
  add_bfloat16_products(own);
  add_few_rows_sixteen(own);
  table.add_all(own);
}

}  // namespace dovetail::cpu
