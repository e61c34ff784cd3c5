// Cholesky's factorisation, of real matrices in blocks: A = U' U, row by row as in linalg_lu.cc.
//
// U's block row is U' solved for the columns after it, and U' times it is what leaves the rest: both are those of a
// lower strip, whose triangle is U read by columns. Of the rest no more than what lies above the diagonal is made. L
// is the transpose. (OpenBLAS's potrf takes about twice the time at 256 x 256.) Complex matrices go to LAPACK.
#include <algorithm>
#include <cmath>
#include <type_traits>

#include "kernels/cpu/linalg.h"
#include "kernels/cpu/linalg_blocks.h"

namespace dovetail::cpu {
namespace {

constexpr int kWide = 32;  // rows of U that are made one by one

// The first `count` rows of a square of kWide columns, of which the upper triangle counts. The first row whose
// diagonal is not positive, counted from 1, or 0.
template <class T>
DOVETAIL_CLONES int factor_square(T* a, int64_t lead, int count) {
  for (int k = 0; k < count; ++k) {
    T* __restrict const row = a + k * lead;
    if (!(row[k] > 0)) return k + 1;
    const T root = std::sqrt(row[k]);
    for (int j = 0; j < kWide; ++j) row[j] /= root;
    row[k] = root;
    for (int i = k + 1; i < count; ++i) {
      T* __restrict const below = a + i * lead;
      const T factor = row[i];
      for (int j = 0; j < kWide; ++j) below[j] -= factor * row[j];
    }
  }
  return 0;
}

// A real matrix.
template <class T>
struct BlockCholesky {
  int n;
  bool upper;
  T* a;

  int64_t lead() const { return padded_row<T>(round_up(n, kWide)); }
  T* at(int64_t i, int64_t j) const { return a + i * lead() + j; }

  static BlockCholesky plan(Arena& arena, int n, bool upper) {
    BlockCholesky whole{n, upper, nullptr};
    whole.a = arena.take<T>((int64_t{n} + kStripRows) * whole.lead());
    return whole;
  }

  int factor(dt_kernel_context* ctx, const Parts& from, const Parts& to, int64_t part) const {
    load_rows(from, part);
    const int info = factor_rows(ctx, 0, n);
    store_rows(to, part);
    return info;
  }

 private:
  // What lies above the diagonal in the tile at (i0, j0), and on it.
  template <class Visit>
  void each_above(int i0, int j0, const Visit& visit) const {
    for (int j = j0; j < std::min(n, j0 + kCopyTile); ++j)
      for (int i = i0; i < std::min(j + 1, i0 + kCopyTile); ++i) visit(i, j);
  }
  template <class Visit>
  void each_tile(const Visit& visit) const {
    for (int i0 = 0; i0 < n; i0 += kCopyTile)
      for (int j0 = i0; j0 < n; j0 += kCopyTile) visit(i0, j0, j0 + kCopyTile <= n);
  }
  void load_rows(const Parts& from, int64_t part) const {
    const T* data = from.data<const T>(part);
    const int64_t row = from.stride(upper ? 0 : 1), col = from.stride(upper ? 1 : 0), stride = lead();
    std::fill(a, a + (n + kStripRows) * stride, T(0));
    each_tile([&](int i0, int j0, bool whole) {
      if (whole && row == 1) return turn(data + i0 + j0 * col, col, kCopyTile, kCopyTile, at(i0, j0), stride);
      each_above(i0, j0, [&](int i, int j) { a[i * stride + j] = data[i * row + j * col]; });
    });
  }
  void store_rows(const Parts& to, int64_t part) const {
    T* data = to.data<T>(part);
    const int64_t row = to.stride(upper ? 0 : 1), col = to.stride(upper ? 1 : 0), stride = lead();
    each_tile([&](int i0, int j0, bool whole) {
      if (whole && row == 1 && i0 < j0) {
        turn(at(i0, j0), stride, kCopyTile, kCopyTile, data + i0 + j0 * col, col);
        for (int i = i0; i < i0 + kCopyTile; ++i) std::fill_n(data + i * col + j0, kCopyTile, T(0));
        return;
      }
      each_above(i0, j0, [&](int i, int j) {
        data[j * row + i * col] = T(0);
        data[i * row + j * col] = a[i * stride + j];
      });
    });
  }

  // Columns [begin, end) after those of [first, begin), of which all rows are made: first theirs, as what is left below
  // takes those of all columns up to its own.
  void follow(dt_kernel_context* ctx, int first, int begin, int end) const {
    const int64_t known = begin - first, columns = end - begin;
    each_strip(ctx, columns, known * known / 2, [&](int64_t from, int64_t count) {
      lower_strip(
          LowerStrip<T>{at(first, first), 1, lead(), at(first, begin + from), lead(), count, 0, known, known, true});
    });
    each_strip(ctx, columns, known * columns / 2, [&](int64_t from, int64_t count) {
      for (const int64_t stop = from + count; from < stop; from += kStripColumns) {
        const int64_t right = std::min(from + kStripColumns, stop);
        lower_strip(LowerStrip<T>{at(first, begin), 1, lead(), at(first, begin + from), lead(), right - from, known, 0,
                                  right, true});
      }
    });
  }

  // Rows [first, end). The first whose diagonal is not positive, counted from 1, or 0.
  int factor_rows(dt_kernel_context* ctx, int first, int end) const {
    if (end - first <= kWide) {
      const int info = factor_square(at(first, first), lead(), end - first);
      return info ? first + info : 0;
    }
    const int middle = first + static_cast<int>(round_up((end - first) / 2, kWide));
    if (const int info = factor_rows(ctx, first, middle)) return info;
    follow(ctx, first, middle, end);
    return factor_rows(ctx, middle, end);
  }
};

// A complex matrix.
template <class T>
struct LapackCholesky {
  int n;
  bool upper;
  T* a;

  static LapackCholesky plan(Arena& arena, int n, bool upper) { return {n, upper, arena.take<T>(int64_t{n} * n)}; }

  int factor(dt_kernel_context*, const Parts& from, const Parts& to, int64_t part) const {
    load(from, part, a, n);
    int info = Lapack<T>::potrf(LAPACK_COL_MAJOR, upper ? 'U' : 'L', n, a, n);
    if (info == 0) info = nan_in_diagonal();
    store_each<T>(to, part, [&](int i, int j) { return (upper ? i <= j : i >= j) ? a[i + int64_t{j} * n] : T(0); });
    return info;
  }

 private:
  // The first diagonal element that is not a number, which OpenBLAS lets pass, counted from 1; 0: none.
  int nan_in_diagonal() const {
    for (int i = 0; i < n; ++i)
      if (std::isnan(a[i + int64_t{i} * n].re)) return i + 1;
    return 0;
  }
};

template <class T>
dt_status potrf(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                const dt_value* args, int32_t) {
  using Cholesky = std::conditional_t<is_complex_type<T>, LapackCholesky<T>, BlockCholesky<T>>;
  const Parts from(ins[0], 2), to(outs[0], 2), infos(outs[1], 0);
  if (!fits_lapack(ins[0], 2)) return too_large(ctx, "linalg_potrf");
  const int n = from.size(0);
  const auto plan = [&](Arena& arena) { return Cholesky::plan(arena, n, args[1].as.i != 0); };
  return each_part(ctx, "linalg_potrf", from.count(), cube(n, n, n) / 3, plan, [&](int64_t part, const Cholesky& s) {
    *infos.data<int32_t>(part) = n > 0 ? s.factor(ctx, from, to, part) : 0;
  });
}

}  // namespace

void register_linalg_cholesky(KernelTable& table) {
  for_lapack_types([&](auto zero, int32_t dtype) { table.add("linalg_potrf", dtype, potrf<decltype(zero)>); });
}

}  // namespace dovetail::cpu
