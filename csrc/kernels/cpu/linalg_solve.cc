// Triangular systems and least squares.
#include <cblas.h>

#include <cstring>
#include <limits>

#include "kernels/cpu/linalg.h"
#include "kernels/cpu/linalg_blocks.h"
#include "kernels/cpu/matrix.h"

namespace dovetail::cpu {
namespace {

// ---- triangular systems -------------------------------------------------------------------------------------

// A row-major call; a matrix of columns is the transpose of one of rows.
template <class T>
struct Trsm {
  CBLAS_SIDE side;
  CBLAS_UPLO uplo;
  CBLAS_TRANSPOSE turned;
  CBLAS_DIAG diag;
  int m, n, a_lead, b_lead;

  void run(const T* a, T* b) const {
    if constexpr (std::is_same_v<T, Complex<float>>)
      scipy_cblas_ctrsm(CblasRowMajor, side, uplo, turned, diag, m, n, &kOne, a, a_lead, b, b_lead);
    else
      scipy_cblas_ztrsm(CblasRowMajor, side, uplo, turned, diag, m, n, &kOne, a, a_lead, b, b_lead);
  }
  static constexpr T kOne = T(1);
};

// Whether BLAS can take matrices as they are: elements of a row (or of a column) side by side.
bool side_by_side(const Parts& p, int along) {
  const int64_t lead = p.stride(1 - along);
  return p.stride(along) == 1 && lead >= std::max(p.size(along), 1) && lead <= INT_MAX;
}

// B is copied to the result and solved there; A is read where it is.
template <class T>
dt_status complex_trsm(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                       const dt_value* args, int32_t) {
  const Parts triangles(ins[0], 2), from(ins[1], 2), to(outs[0], 2);
  if (!fits_lapack(ins[0], 2) || !fits_lapack(ins[1], 2)) return too_large(ctx, "linalg_solve_triangular");
  const int order = triangles.size(0), m = from.size(0), n = from.size(1);
  if (m == 0 || n == 0) return DT_OK;
  const bool upper = args[2].as.i != 0, rows = side_by_side(triangles, 1), columns = side_by_side(triangles, 0);
  const bool copies = !rows && !columns, there = side_by_side(to, 1);
  Trsm<T> call{args[3].as.i ? CblasLeft : CblasRight,
               upper ? CblasUpper : CblasLower,
               CblasNoTrans,
               args[4].as.i ? CblasUnit : CblasNonUnit,
               m,
               n,
               order,
               n};
  if (rows) {
    call.a_lead = static_cast<int>(triangles.stride(0));
  } else {  // A's columns, or a copy of them
    call.turned = CblasTrans, call.uplo = upper ? CblasLower : CblasUpper;
    if (columns) call.a_lead = static_cast<int>(triangles.stride(1));
  }
  if (there) call.b_lead = static_cast<int>(to.stride(0));
  struct Scratch {
    T *a, *b;
  };
  const auto plan = [&](Arena& arena) {
    return Scratch{arena.take<T>(copies ? int64_t{order} * order : 0), arena.take<T>(there ? 0 : int64_t{m} * n)};
  };
  return each_part(ctx, "linalg_solve_triangular", from.count(), cube(m, n, order), plan,
                   [&](int64_t part, const Scratch& s) {
                     const T* a = triangles.data<const T>(part);
                     if (copies) load(triangles, part, s.a, order), a = s.a;
                     T* b = there ? to.data<T>(part) : s.b;
                     const T* right = from.data<const T>(part);
                     by_tiles(m, n, [&](int i, int j) {
                       b[int64_t{i} * call.b_lead + j] = right[i * from.stride(0) + j * from.stride(1)];
                     });
                     call.run(a, b);
                     if (!there) store_each<T>(to, part, [&](int i, int j) { return b[int64_t{i} * n + j]; });
                   });
}

constexpr int kSmall = 24;  // the order up to which BLAS's calls take longer than the work

template <class T>
struct Triangle {
  const T* data;
  int64_t row, col;
  int order;
  bool upper, unit;
};

// A X = B for at most kWide columns, in place of B, whose rows lie `lead` apart.
template <class T, int kWide>
DOVETAIL_INLINE void solve_columns(const Triangle<T>& a, T* b, int64_t lead, int count) {
  T x[kSmall][kWide] = {};
  for (int i = 0; i < a.order; ++i)
    for (int j = 0; j < count; ++j) x[i][j] = b[i * lead + j];
  for (int step = 0; step < a.order; ++step) {
    const int i = a.upper ? a.order - 1 - step : step, from = a.upper ? i + 1 : 0, to = a.upper ? a.order : i;
    const T* line = a.data + i * a.row;
    T out[kWide];
    for (int j = 0; j < kWide; ++j) out[j] = x[i][j];
    for (int k = from; k < to; ++k)
      for (int j = 0; j < kWide; ++j) out[j] -= line[k * a.col] * x[k][j];
    const T divisor = a.unit ? T(1) : line[i * a.col];
    for (int j = 0; j < kWide; ++j) x[i][j] = out[j] / divisor;
    for (int j = 0; j < count; ++j) b[i * lead + j] = x[i][j];
  }
}
template <class T>
DOVETAIL_CLONES void small_solve(const Triangle<T>& a, T* b, int columns, int64_t lead) {
  int j = 0;
  for (; j + 4 < columns; j += 8) solve_columns<T, 8>(a, b + j, lead, std::min(8, columns - j));
  if (j < columns) solve_columns<T, 4>(a, b + j, lead, columns - j);
}

// A lower triangle L and the sides of L X = B. X A = B is A' X' = B', and an upper triangle is a lower one from its
// end.
template <class T>
struct LowerSystem {
  Matrix<const T> l, from;
  Matrix<T> to;

  LowerSystem(Matrix<const T> a, Matrix<const T> b, Matrix<T> x, bool upper, bool left) : l(a), from(b), to(x) {
    if (!left) l = l.transposed(), from = from.transposed(), to = to.transposed();
    if (upper != left) return;
    l = {l.data + (l.rows - 1) * (l.row + l.col), l.rows, l.cols, -l.row, -l.col};
    from = {from.data + (from.rows - 1) * from.row, from.rows, from.cols, -from.row, from.col};
    to = {to.data + (to.rows - 1) * to.row, to.rows, to.cols, -to.row, to.col};
  }

  // Puts the triangle into `memory`, row by row: by columns, every step is far from the last one, and that counts for
  // more than the copy where many columns are solved.
  void turn_triangle(T* memory, int64_t lead) {
    const int n = static_cast<int>(l.rows);
    by_tiles(n, n, [&](int i, int k) {
      if (k <= i) memory[i * lead + k] = l.data[i * l.row + k * l.col];
    });
    l = {memory, l.rows, l.cols, lead, 1};
  }

  // `x` has whole tiles of rows, `lead` apart, and `last` the rows of the triangle that do not fill one.
  void solve(dt_kernel_context* ctx, bool unit, T* x, int64_t lead, T* last) const {
    const int64_t order = l.rows, whole = order / kStripRows * kStripRows;
    const auto each = [](const auto& m, const auto& visit) {
      if (m.col == 1) {
        for (int64_t i = 0; i < m.rows; ++i)
          for (int64_t j = 0; j < m.cols; ++j) visit(i, j, j);
      } else {
        by_tiles(static_cast<int>(m.rows), static_cast<int>(m.cols), [&](int i, int j) { visit(i, j, j * m.col); });
      }
    };
    each(from, [&](int64_t i, int64_t j, int64_t at) { x[i * lead + j] = from.data[i * from.row + at]; });
    for (int64_t i = 0; i < order; ++i) std::fill(x + i * lead + from.cols, x + (i + 1) * lead, T(0));
    std::fill(x + order * lead, x + (order + kStripRows) * lead, T(0));
    std::fill(last, last + kStripRows * (order + kStripRows), T(0));
    for (int64_t i = whole; i < order; ++i)
      for (int64_t k = 0; k <= i; ++k) last[(i - whole) * (order + kStripRows) + k] = l.data[i * l.row + k * l.col];
    each_strip(ctx, from.cols, order * order / 2, [&](int64_t begin, int64_t columns) {
      lower_strip(LowerStrip<T>{l.data, l.row, l.col, x + begin, lead, columns, 0, whole, whole, !unit});
      const int64_t rest = order - whole;
      lower_strip(LowerStrip<T>{last, order + kStripRows, 1, x + begin, lead, columns, whole, rest, rest, !unit});
    });
    each(to, [&](int64_t i, int64_t j, int64_t at) { to.data[i * to.row + at] = x[i * lead + j]; });
  }
};

template <class T>
Matrix<T> matrix_of(const Parts& parts, int64_t part) {
  return {parts.data<T>(part), parts.size(0), parts.size(1), parts.stride(0), parts.stride(1)};
}

// (A, B, *, upper, left, unitriangular).
template <class T>
dt_status trsm(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
               const dt_value* args, int32_t) {
  const Parts triangles(ins[0], 2), from(ins[1], 2), to(outs[0], 2);
  if (!fits_lapack(ins[0], 2) || !fits_lapack(ins[1], 2)) return too_large(ctx, "linalg_solve_triangular");
  const int order = triangles.size(0), m = from.size(0), n = from.size(1);
  if (m == 0 || n == 0) return DT_OK;
  const bool upper = args[2].as.i != 0, left = args[3].as.i != 0, unit = args[4].as.i != 0;
  const bool small = left && order <= kSmall && n <= 4 * kSmall && to.stride(1) == 1;
  const bool by_columns = std::abs(triangles.stride(left ? 1 : 0)) != 1, turns = by_columns && (left ? n : m) >= 128;
  const int64_t lead = padded_row<T>(left ? n : m), turned_lead = padded_row<T>(order);
  struct Scratch {
    T *x, *last, *turned;
  };
  const auto plan = [&](Arena& arena) {
    return Scratch{arena.take<T>(small ? 0 : (int64_t{order} + kStripRows) * lead),
                   arena.take<T>(small ? 0 : kStripRows * (int64_t{order} + kStripRows)),
                   arena.take<T>(turns ? order * turned_lead : 0)};
  };
  return each_part(ctx, "linalg_solve_triangular", from.count(), cube(m, n, order), plan,
                   [&](int64_t part, const Scratch& s) {
                     const Matrix<const T> a = matrix_of<const T>(triangles, part), b = matrix_of<const T>(from, part);
                     const Matrix<T> x = matrix_of<T>(to, part);
                     if (!small) {
                       LowerSystem<T> system(a, b, x, upper, left);
                       if (turns) system.turn_triangle(s.turned, turned_lead);
                       return system.solve(ctx, unit, s.x, lead, s.last);
                     }
                     by_tiles(m, n, [&](int i, int j) { x.data[i * x.row + j] = b.data[i * b.row + j * b.col]; });
                     small_solve<T>({a.data, a.row, a.col, order, upper, unit}, x.data, n, x.row);
                   });
}

// ---- least squares ------------------------------------------------------------------------------------------

enum class Driver { gels, gelsy, gelsd, gelss };

Driver driver_of(const char* name) {
  if (std::strcmp(name, "gels") == 0) return Driver::gels;
  if (std::strcmp(name, "gelsy") == 0) return Driver::gelsy;
  return std::strcmp(name, "gelsd") == 0 ? Driver::gelsd : Driver::gelss;
}

template <class T>
struct LeastSquares {
  using R = RealOf<T>;
  Driver driver;
  int m, n, columns;
  R rcond;
  T *a, *b, *work = nullptr;
  R *s, *rwork = nullptr;
  int* iwork = nullptr;  // pivots, for gelsy
  int lwork = 0;
  T wanted{};
  R rwanted{};
  int iwanted = 0;

  // Without scratch memory (lwork = -1) it asks how much it wants.
  int run(int* rank) {
    constexpr int layout = LAPACK_COL_MAJOR;
    const bool asks = lwork == -1;
    T* w = asks ? &wanted : work;
    [[maybe_unused]] R* r = asks ? &rwanted : rwork;
    int* i = asks ? &iwanted : iwork;
    const int rows = std::max(m, n);
    if (driver == Driver::gels) return Lapack<T>::gels(layout, 'N', m, n, columns, a, m, b, rows, w, lwork);
    if constexpr (is_complex_type<T>) {
      if (driver == Driver::gelsy)
        return Lapack<T>::gelsy(layout, m, n, columns, a, m, b, rows, i, rcond, rank, w, lwork, r);
      if (driver == Driver::gelsd)
        return Lapack<T>::gelsd(layout, m, n, columns, a, m, b, rows, s, rcond, rank, w, lwork, r, i);
      return Lapack<T>::gelss(layout, m, n, columns, a, m, b, rows, s, rcond, rank, w, lwork, r);
    } else {
      if (driver == Driver::gelsy)
        return Lapack<T>::gelsy(layout, m, n, columns, a, m, b, rows, i, rcond, rank, w, lwork);
      if (driver == Driver::gelsd)
        return Lapack<T>::gelsd(layout, m, n, columns, a, m, b, rows, s, rcond, rank, w, lwork, i);
      return Lapack<T>::gelss(layout, m, n, columns, a, m, b, rows, s, rcond, rank, w, lwork);
    }
  }
};

// (A, B, rcond, driver) -> (solution, rank, singular_values, info)
template <class T>
dt_status gels(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
               const dt_value* args, int32_t) {
  using R = RealOf<T>;
  const Parts from(ins[0], 2), right(ins[1], 2), to(outs[0], 2), ranks(outs[1], 0), values(outs[2], 1),
      infos(outs[3], 0);
  if (!fits_lapack(ins[0], 2) || !fits_lapack(ins[1], 2)) return too_large(ctx, "linalg_gels");
  const int m = from.size(0), n = from.size(1), columns = right.size(1), k = std::min(m, n), rows = std::max(m, n);
  LeastSquares<T> asked{
      driver_of(args[3].as.string), m, n, columns, static_cast<R>(as_double(args[2])), {}, {}, {}, {}};
  const bool empty = k == 0 || columns == 0;
  if (!empty) {
    asked.lwork = -1;
    int rank = 0;
    asked.run(&rank);
    asked.lwork = scratch_size(asked.wanted);
  }
  const int64_t reals = asked.driver == Driver::gelsd ? scratch_size(asked.rwanted) : int64_t{5} * k + 2 * int64_t{n};
  const int64_t ints = std::max<int64_t>(asked.iwanted, n);
  const auto plan = [&](Arena& arena) {
    LeastSquares<T> s = asked;
    s.a = arena.take<T>(int64_t{m} * n), s.b = arena.take<T>(int64_t{rows} * columns), s.work = arena.take<T>(s.lwork);
    s.s = arena.take<R>(k), s.rwork = arena.take<R>(reals), s.iwork = arena.take<int>(ints);
    return s;
  };
  return each_part(ctx, "linalg_gels", from.count(), 4 * cube(m, n, k), plan, [&](int64_t part, LeastSquares<T> s) {
    int info = 0, rank = 0;
    const bool finite = [&] {
      load(from, part, s.a, m);
      load(right, part, s.b, rows);
      bool all = all_finite(s.a, int64_t{m} * n);
      for (int j = 0; j < columns; ++j) all = all && all_finite(s.b + int64_t{j} * rows, m);
      return all;
    }();
    std::fill_n(s.s, k, R(0));
    if (empty) {
      std::fill_n(s.b, int64_t{rows} * columns, T(0));
    } else if (!finite) {
      info = kNotFinite;
      std::fill_n(s.b, int64_t{rows} * columns, T(std::numeric_limits<R>::quiet_NaN()));
      std::fill_n(s.s, k, std::numeric_limits<R>::quiet_NaN());
    } else {
      std::fill_n(s.iwork, n, 0);
      info = s.run(&rank);
      if (s.driver == Driver::gels) rank = k;
    }
    store(to, part, s.b, rows);
    *ranks.data<int64_t>(part) = rank;
    if (values.size(0) > 0) store_vector(values, part, s.s);
    *infos.data<int32_t>(part) = info;
  });
}

}  // namespace

void register_linalg_solve(KernelTable& table) {
  for_lapack_types([&](auto zero, int32_t dtype) {
    using T = decltype(zero);
    if constexpr (is_complex_type<T>)
      table.add("linalg_solve_triangular", dtype, complex_trsm<T>);
    else
      table.add("linalg_solve_triangular", dtype, trsm<T>);
    table.add("linalg_gels", dtype, gels<T>);
  });
}

}  // namespace dovetail::cpu
