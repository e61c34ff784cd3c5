// LU with partial pivoting, and the permutation that its pivots stand for.
//
// A real matrix is kept row by row, so that rows are exchanged and updated in vectors. A panel of 32 columns is
// transposed, factored, and transposed back; its block row and what follows from it are found strip by strip of the
// columns after it, shared out over the threads. Halves are factored one after the other (Toledo's recursion), so that
// most of the work is sums of many terms. (OpenBLAS's getrf takes about twice the time at 256 x 256.) Complex matrices
// go to LAPACK.
#include <algorithm>
#include <cstring>
#include <type_traits>

#include "kernels/cpu/linalg.h"
#include "kernels/cpu/linalg_blocks.h"

#define DOVETAIL_KERNELS_V4
#define DOVETAIL_KERNELS "kernels/cpu/linalg_lu.inc"
#include "kernels/cpu/foreach_isa.h"

namespace dovetail::cpu {
namespace {

constexpr int kWide = 32;   // columns of a panel
constexpr int kSmall = 24;  // rows and columns up to which all of that takes longer than the work

int lu_panel(float* panel, int64_t lead, int rows, int count, int width, int* pivots) {
  return DOVETAIL_BEST_ISA_TO_V4(factor_panel_f32)(panel, lead, rows, count, width, pivots);
}
int lu_panel(double* panel, int64_t lead, int rows, int count, int width, int* pivots) {
  return DOVETAIL_BEST_ISA_TO_V4(factor_panel_f64)(panel, lead, rows, count, width, pivots);
}

// A few rows and columns, column by column; they lie m apart. `pivots` are counted from 0; the first step without one
// is returned, counted from 1, or 0.
template <class T>
DOVETAIL_CLONES int small_lu(T* a, int m, int n, int* pivots) {
  int info = 0;
  for (int k = 0; k < std::min(m, n); ++k) {
    T* column = a + int64_t{k} * m;
    int best = k;
    for (int i = k + 1; i < m; ++i)
      if (std::fabs(column[i]) > std::fabs(column[best])) best = i;
    pivots[k] = best;
    if (best != k)
      for (int j = 0; j < n; ++j) std::swap(a[k + int64_t{j} * m], a[best + int64_t{j} * m]);
    if (column[k] == 0) {
      if (info == 0) info = k + 1;
      continue;
    }
    for (int i = k + 1; i < m; ++i) column[i] /= column[k];
    for (int j = k + 1; j < n; ++j) {
      T* other = a + int64_t{j} * m;
      const T factor = other[k];
      for (int i = k + 1; i < m; ++i) other[i] -= factor * column[i];
    }
  }
  return info;
}

// A real matrix.
template <class T>
struct BlockLu {
  int m, n;
  T *a, *panel;
  int* pivots;   // counted from 0 until all are there
  int info = 0;  // the first step without a pivot, counted from 1

  // Whole vectors and tiles are read and written: rows and columns are added up to the next one's end.
  int64_t high() const { return round_up(m, kWide); }
  int64_t lead() const { return padded_row<T>(round_up(n, kWide)); }
  int64_t panel_lead() const { return padded_row<T>(high()); }
  int steps() const { return std::min(m, n); }
  T* at(int64_t i, int64_t j) const { return a + i * lead() + j; }

  static BlockLu plan(Arena& arena, int m, int n) {
    BlockLu lu{m, n, nullptr, nullptr, nullptr};
    lu.a = arena.take<T>(lu.high() * lu.lead()), lu.panel = arena.take<T>(kWide * lu.panel_lead());
    lu.pivots = arena.take<int>(lu.steps());
    return lu;
  }

  void factor(dt_kernel_context* ctx, const Parts& from, const Parts& to, int64_t part) {
    if (m <= kSmall && n <= kSmall) {
      load(from, part, a, m);
      info = small_lu(a, m, n, pivots);
      store(to, part, a, m);
    } else {
      load_rows(from, part);
      factor_rows(ctx);
      store_rows(to, part);
    }
    for (int i = 0; i < steps(); ++i) ++pivots[i];
  }

 private:
  void load_rows(const Parts& from, int64_t part) const {
    const T* data = from.data<const T>(part);
    const int64_t row = from.stride(0), col = from.stride(1), stride = lead();
    if (col == 1) {
      for (int i = 0; i < m; ++i) std::memcpy(a + i * stride, data + i * row, sizeof(T) * static_cast<size_t>(n));
    } else {
      by_tiles(m, n, [&](int i, int j) { a[i * stride + j] = data[i * row + j * col]; });
    }
    for (int i = 0; i < m; ++i) std::fill(a + i * stride + n, a + (i + 1) * stride, T(0));
    std::fill(a + m * stride, a + high() * stride, T(0));
  }
  void store_rows(const Parts& to, int64_t part) const {
    T* data = to.data<T>(part);
    const int64_t row = to.stride(0), stride = lead();
    if (to.stride(1) != 1) return store_each<T>(to, part, [&](int i, int j) { return a[i * stride + j]; });
    for (int i = 0; i < m; ++i) std::memcpy(data + i * row, a + i * stride, sizeof(T) * static_cast<size_t>(n));
  }

  void factor_rows(dt_kernel_context* ctx) {
    const int covered = std::min<int>(n, static_cast<int>(round_up(steps(), kWide)));
    factor_columns(ctx, 0, covered);
    if (covered < n) follow(ctx, 0, covered, n);
  }

  void factor_columns(dt_kernel_context* ctx, int first, int end) {
    if (end - first <= kWide) return factor_panel(first);
    const int middle = first + static_cast<int>(round_up((end - first) / 2, kWide));
    factor_columns(ctx, first, middle);
    follow(ctx, first, middle, end);
    factor_columns(ctx, middle, end);
  }

  // `kWide` columns, of which the last ones may be no pivots'.
  void factor_panel(int first) {
    const int64_t below = round_up(m - first, kWide);
    const int count = std::min(kWide, steps() - first), width = std::min(kWide, n - first);
    turn(at(first, first), lead(), below, kWide, panel, panel_lead());
    const int without = lu_panel(panel, panel_lead(), m - first, count, width, pivots + first);
    if (without && !info) info = first + without;
    turn(panel, panel_lead(), kWide, below, at(first, first), lead());
    for (int i = first; i < first + count; ++i) {
      pivots[i] += first;
      if (pivots[i] == i) continue;
      swap_rows(i, pivots[i], 0, first);
      swap_rows(i, pivots[i], std::min<int64_t>(first + kWide, lead()), lead());
    }
  }
  void swap_rows(int64_t i, int64_t j, int64_t from, int64_t to) const {
    std::swap_ranges(at(i, from), at(i, to), at(j, from));
  }

  // Columns [begin, end) after those of [first, begin), which are factored: their block row and what is left below.
  void follow(dt_kernel_context* ctx, int first, int begin, int end) const {
    const int64_t solved = std::min(begin, steps()) - first, rows = m - first;
    each_strip(ctx, end - begin, solved * rows, [&](int64_t from, int64_t columns) {
      lower_strip(
          LowerStrip<T>{at(first, first), lead(), 1, at(first, begin + from), lead(), columns, 0, solved, rows, false});
    });
  }
};

// A complex matrix.
template <class T>
struct LapackLu {
  int m, n;
  T* a;
  int* pivots;
  int info = 0;

  static LapackLu plan(Arena& arena, int m, int n) {
    return {m, n, arena.take<T>(int64_t{m} * n), arena.take<int>(std::min(m, n))};
  }

  void factor(dt_kernel_context*, const Parts& from, const Parts& to, int64_t part) {
    load(from, part, a, m);
    info = Lapack<T>::getrf(LAPACK_COL_MAJOR, m, n, a, m, pivots);
    // A matrix with NaN may leave a pivot that is no row.
    for (int i = 0; i < std::min(m, n); ++i)
      if (pivots[i] <= i || pivots[i] > m) pivots[i] = i + 1;
    store(to, part, a, m);
  }
};

template <class T>
dt_status getrf(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                const dt_value*, int32_t) {
  using Lu = std::conditional_t<is_complex_type<T>, LapackLu<T>, BlockLu<T>>;
  const Parts from(ins[0], 2), to(outs[0], 2), pivots(outs[1], 1), infos(outs[2], 0);
  if (!fits_lapack(ins[0], 2)) return too_large(ctx, "linalg_getrf");
  const int m = from.size(0), n = from.size(1), k = std::min(m, n);
  const auto plan = [&](Arena& arena) { return Lu::plan(arena, m, n); };
  return each_part(ctx, "linalg_getrf", from.count(), cube(m, n, k), plan, [&](int64_t part, Lu lu) {
    if (k > 0) {
      lu.factor(ctx, from, to, part);
      store_vector(pivots, part, lu.pivots);
    }
    *infos.data<int32_t>(part) = lu.info;
  });
}

// The rows' order after the exchanges that pivots (counted from 1) say: row i of P^T A is row order[i] of A.
dt_status pivots_to_order(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                          int32_t, const dt_value*, int32_t) {
  const Parts pivots(ins[0], 1), orders(outs[0], 1);
  const int64_t k = pivots.array.sizes[pivots.outer], n = orders.array.sizes[orders.outer];
  int64_t bad = 0;
  for (int64_t part = 0; part < pivots.count() && !bad; ++part) {
    const int32_t* pivot = pivots.data<const int32_t>(part);
    int64_t* order = orders.data<int64_t>(part);
    const int64_t step = orders.stride(0);
    for (int64_t i = 0; i < n; ++i) order[i * step] = i;
    for (int64_t i = 0; i < k && !bad; ++i) {
      const int64_t other = int64_t{pivot[i * pivots.stride(0)]} - 1;
      if (other < 0 || other >= n)
        bad = i + 1;
      else
        std::swap(order[i * step], order[other * step]);
    }
  }
  if (bad == 0) return DT_OK;
  char text[160];
  std::snprintf(text, sizeof text, "linalg_pivots_to_order: pivot %lld is no row: expected 1 to %lld",
                static_cast<long long>(bad), static_cast<long long>(n));
  return ctx->fail(ctx, DT_ERR_VALUE, text);
}

}  // namespace

void register_linalg_lu(KernelTable& table) {
  for_lapack_types([&](auto zero, int32_t dtype) { table.add("linalg_getrf", dtype, getrf<decltype(zero)>); });
  table.add("linalg_pivots_to_order", DT_INT32, pivots_to_order);
}

}  // namespace dovetail::cpu
