// LU of real matrices with partial pivoting, in blocks.
//
// A matrix is kept row by row, so that rows are exchanged and updated in vectors. A panel of 32 columns is transposed,
// factored, and transposed back; its block row and what follows from it are found strip by strip of the columns after
// it, shared out over the threads. Halves are factored one after the other (Toledo's recursion), so that most of the
// work is sums of many terms. (OpenBLAS's getrf takes about twice the time at 256 x 256; complex matrices still go
// there.)
#include <algorithm>
#include <cstring>

#include "kernels/cpu/linalg.h"
#include "kernels/cpu/lower_strip.h"

namespace dovetail::cpu {
template <class T>
struct LuKernels {
  int (*panel)(T*, int64_t, int, int, int, int*);
  void (*turn)(const T*, int64_t, int64_t, int64_t, T*, int64_t);
  void (*lower_strip)(const LowerStrip<T>&);
};
}  // namespace dovetail::cpu

#define DOVETAIL_KERNELS_V4
#define DOVETAIL_KERNELS "kernels/cpu/linalg_lu.inc"
#include "kernels/cpu/foreach_isa.h"

namespace dovetail::cpu {
namespace {

constexpr int kWide = 32;   // columns of a panel
constexpr int kSmall = 24;  // rows and columns up to which all of that takes longer than the work

template <class T>
const LuKernels<T>& lu_kernels();
template <>
const LuKernels<float>& lu_kernels<float>() {
  static const LuKernels<float> best = DOVETAIL_BEST_ISA_TO_V4(lu_kernels_f32)();
  return best;
}
template <>
const LuKernels<double>& lu_kernels<double>() {
  static const LuKernels<double> best = DOVETAIL_BEST_ISA_TO_V4(lu_kernels_f64)();
  return best;
}

int64_t rounded_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

template <class T>
struct Lu {
  int m, n;
  T *a, *panel;
  int* pivots;  // counted from 0
  int info = 0;

  // Whole vectors and tiles are read and written: rows and columns are added up to the next one's end.
  int64_t high() const { return rounded_up(m, kWide); }
  int64_t lead() const { return padded_row<T>(rounded_up(n, kWide)); }
  int64_t panel_lead() const { return padded_row<T>(high()); }
  int steps() const { return std::min(m, n); }
  T* at(int64_t i, int64_t j) const { return a + i * lead() + j; }

  static Lu plan(Arena& arena, int m, int n) {
    Lu lu{m, n, nullptr, nullptr, nullptr};
    lu.a = arena.take<T>(lu.high() * lu.lead()), lu.panel = arena.take<T>(kWide * lu.panel_lead());
    lu.pivots = arena.take<int>(lu.steps());
    return lu;
  }

  void load(const Parts& from, int64_t part) const {
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
  void store(const Parts& to, int64_t part) const {
    T* data = to.data<T>(part);
    const int64_t row = to.stride(0), stride = lead();
    if (to.stride(1) != 1) return store_each<T>(to, part, [&](int i, int j) { return a[i * stride + j]; });
    for (int i = 0; i < m; ++i) std::memcpy(data + i * row, a + i * stride, sizeof(T) * static_cast<size_t>(n));
  }

  void swap_rows(int64_t i, int64_t j, int64_t from, int64_t to) const {
    std::swap_ranges(at(i, from), at(i, to), at(j, from));
  }

  // `kWide` columns, of which the last ones may be no pivots'.
  void factor_panel(int first) {
    const int64_t below = rounded_up(m - first, kWide);
    const int count = std::min(kWide, steps() - first), width = std::min(kWide, n - first);
    const LuKernels<T>& best = lu_kernels<T>();
    best.turn(at(first, first), lead(), below, kWide, panel, panel_lead());
    const int without = best.panel(panel, panel_lead(), m - first, count, width, pivots + first);
    if (without && !info) info = first + without;
    best.turn(panel, panel_lead(), kWide, below, at(first, first), lead());
    for (int i = first; i < first + count; ++i) {
      pivots[i] += first;
      if (pivots[i] == i) continue;
      swap_rows(i, pivots[i], 0, first);
      swap_rows(i, pivots[i], std::min<int64_t>(first + kWide, lead()), lead());
    }
  }

  // Columns [begin, end) after those of [first, begin), which are factored: their block row and what is left below.
  void follow(dt_kernel_context* ctx, int first, int begin, int end) const {
    const int64_t solved = std::min(begin, steps()) - first, rows = m - first;
    each_strip(ctx, end - begin, solved * rows, [&](int64_t from, int64_t columns) {
      lower_strip(
          LowerStrip<T>{at(first, first), lead(), 1, at(first, begin + from), lead(), columns, 0, solved, rows, false});
    });
  }

  void factor(dt_kernel_context* ctx, int first, int end) {
    if (end - first <= kWide) return factor_panel(first);
    const int middle = first + static_cast<int>(rounded_up((end - first) / 2, kWide));
    factor(ctx, first, middle);
    follow(ctx, first, middle, end);
    factor(ctx, middle, end);
  }

  void run(dt_kernel_context* ctx) {
    const int covered = std::min<int>(n, static_cast<int>(rounded_up(steps(), kWide)));
    factor(ctx, 0, covered);
    if (covered < n) follow(ctx, 0, covered, n);
  }
};

// As above for a few columns, column by column; they lie m apart.
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

template <class T>
dt_status getrf(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                const dt_value*, int32_t) {
  const Parts from(ins[0], 2), to(outs[0], 2), pivots(outs[1], 1), infos(outs[2], 0);
  if (!fits_lapack(ins[0], 2)) return too_large(ctx, "linalg_getrf");
  const int m = from.size(0), n = from.size(1), k = std::min(m, n);
  const auto plan = [&](Arena& arena) { return Lu<T>::plan(arena, m, n); };
  return each_part(ctx, "linalg_getrf", from.count(), cube(m, n, k), plan, [&](int64_t part, Lu<T> lu) {
    if (k > 0 && m <= kSmall && n <= kSmall) {
      load(from, part, lu.a, m);
      lu.info = small_lu(lu.a, m, n, lu.pivots);
      store(to, part, lu.a, m);
    } else if (k > 0) {
      lu.load(from, part);
      lu.run(ctx);
      lu.store(to, part);
    }
    for (int i = 0; i < k; ++i) ++lu.pivots[i];
    if (k > 0) store_vector(pivots, part, lu.pivots);
    *infos.data<int32_t>(part) = lu.info;
  });
}

}  // namespace

void lower_strip(const LowerStrip<float>& p) { lu_kernels<float>().lower_strip(p); }
void lower_strip(const LowerStrip<double>& p) { lu_kernels<double>().lower_strip(p); }

void turn(const float* from, int64_t from_row, int64_t rows, int64_t cols, float* to, int64_t to_row) {
  lu_kernels<float>().turn(from, from_row, rows, cols, to, to_row);
}
void turn(const double* from, int64_t from_row, int64_t rows, int64_t cols, double* to, int64_t to_row) {
  lu_kernels<double>().turn(from, from_row, rows, cols, to, to_row);
}

void register_linalg_lu(KernelTable& table) {
  table.add("linalg_getrf", DT_FLOAT32, getrf<float>);
  table.add("linalg_getrf", DT_FLOAT64, getrf<double>);
}

}  // namespace dovetail::cpu
