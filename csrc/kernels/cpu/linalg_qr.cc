// QR by Householder reflections, and the product of such reflections.
//
// A real matrix is kept in blocks of 32 columns, each with its rows one after the other: a row of a block is a few
// vectors, a panel (one block) is factored in the cache, and its reflections I - V T V' are applied to every other
// block by small products, shared out over the threads. (OpenBLAS's geqrf and orgqr take twice the time at 256 x 256,
// most of it for calls of level 2.) Complex matrices go to LAPACK.
#include <algorithm>
#include <cstring>
#include <type_traits>

#include "kernels/cpu/linalg.h"
#include "kernels/cpu/matrix.h"
#include "kernels/cpu/reflection.h"

namespace dovetail::cpu {
namespace {

constexpr int kWide = 32;  // columns of a block, and reflections that are applied together

int64_t blocks_of(int64_t columns) { return ceil_div(columns, kWide); }

// [block][row][32]; columns past the last hold zeros.
template <class T>
struct Blocks {
  T* data;
  int rows, columns;

  static int64_t size(int rows, int columns) { return blocks_of(columns) * rows * kWide; }
  int64_t count() const { return blocks_of(columns); }
  T* at(int64_t block, int row) const { return data + (block * rows + row) * kWide; }
  int width(int64_t block) const { return static_cast<int>(std::min<int64_t>(kWide, columns - block * kWide)); }

  void load(const Parts& from, int64_t part, int64_t block) const {
    const T* source = from.data<const T>(part) + block * kWide * from.stride(1);
    for (int i = 0; i < rows; ++i) {
      T* const to = at(block, i);
      const T* line = source + i * from.stride(0);
      if (from.stride(1) == 1)
        std::memcpy(to, line, sizeof(T) * width(block));
      else
        for (int j = 0; j < width(block); ++j) to[j] = line[j * from.stride(1)];
      std::fill(to + width(block), to + kWide, T(0));
    }
  }
  void store(const Parts& to, int64_t part, int64_t block) const {
    T* const target = to.data<T>(part) + block * kWide * to.stride(1);
    for (int i = 0; i < rows; ++i) {
      const T* const from = at(block, i);
      T* line = target + i * to.stride(0);
      if (to.stride(1) == 1)
        std::memcpy(line, from, sizeof(T) * width(block));
      else
        for (int j = 0; j < width(block); ++j) line[j * to.stride(1)] = from[j];
    }
  }
};

// Runs body(block) for blocks [first, count), each of which is worth so many simple elements.
template <class Body>
void each_block(dt_kernel_context* ctx, int64_t first, int64_t count, int64_t work, const Body& body) {
  parallel(ctx, count - first, std::max<int64_t>(1, kGrain / std::max<int64_t>(work, 1)),
           [&](int64_t begin, int64_t end) {
             for (int64_t block = first + begin; block < first + end; ++block) body(block);
           });
}

// ---- one reflection -------------------------------------------------------------------------------------------

// (I - tau v v') on the columns from `first` on of a panel's rows, the first of which is v's 1.
template <class T>
DOVETAIL_CLONES void reflect(T* __restrict panel, int rows, int column, T tau) {
  T line[kWide];
  for (int j = 0; j < kWide; ++j) line[j] = j > column ? panel[j] : T(0);
  for (int i = 1; i < rows; ++i) {
    const T* row = panel + int64_t{i} * kWide;
    const T v = row[column];
    for (int j = 0; j < kWide; ++j) line[j] += v * row[j];
  }
  for (int j = 0; j < kWide; ++j) line[j] = j > column ? line[j] * tau : T(0);
  for (int j = 0; j < kWide; ++j) panel[j] -= line[j];
  for (int i = 1; i < rows; ++i) {
    T* const row = panel + int64_t{i} * kWide;
    const T v = row[column];
    for (int j = 0; j < kWide; ++j) row[j] = j > column ? row[j] - v * line[j] : row[j];
  }
}

// The largest magnitude in each column of the rows above a panel.
template <class T>
DOVETAIL_CLONES void largest_above(const T* __restrict block, int rows, T* __restrict largest) {
  std::fill_n(largest, kWide, T(0));
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < kWide; ++j) largest[j] = std::max(largest[j], std::abs(block[int64_t{i} * kWide + j]));
}

// ---- reflections together -------------------------------------------------------------------------------------

// I - V T V' of up to 32 reflections: V as [row][32], from its first one's row on, T upper triangular.
template <class T>
struct Reflections {
  T* v;
  int rows, count;
  T t[kWide * kWide];

  Matrix<const T> whole() const { return {v, rows, count, kWide, 1}; }

  // From a panel, below whose diagonal they stand, and their taus.
  void take(const T* panel, int panel_rows, int reflections, const T* taus) {
    rows = panel_rows, count = reflections;
    std::memcpy(v, panel, sizeof(T) * static_cast<size_t>(rows) * kWide);
    for (int i = 0; i < std::min(rows, kWide); ++i)
      for (int j = i; j < kWide; ++j) v[i * kWide + j] = T(i == j);
    T products[kWide * kWide];
    small_product<T>(whole().transposed(), whole(), {products, count, count, kWide, 1}, T(1), false);
    std::fill_n(t, kWide * kWide, T(0));
    for (int j = 0; j < count; ++j) {
      t[j * kWide + j] = taus[j];
      for (int i = 0; i < j; ++i) {
        T sum = 0;
        for (int l = i; l < j; ++l) sum += t[i * kWide + l] * products[l * kWide + j];
        t[i * kWide + j] = -taus[j] * sum;
      }
    }
  }

  // Their product, or with `turned` its transpose, times a block's rows.
  void apply(T* rows_of_block, bool turned) const {
    T seen[kWide * kWide], mixed[kWide * kWide];
    const Matrix<T> target{rows_of_block, rows, kWide, kWide, 1}, first{seen, count, kWide, kWide, 1},
        second{mixed, count, kWide, kWide, 1};
    const Matrix<const T> triangle{t, count, count, kWide, 1};
    small_product<T>(whole().transposed(), target, first, T(1), false);
    small_product<T>(turned ? triangle.transposed() : triangle, first, second, T(1), false);
    small_product<T>(whole(), second, target, T(-1), true);
  }
  int64_t work() const { return int64_t{rows} * count * kWide / 8; }
};

// A real matrix.
template <class T>
struct BlockQr {
  int m, n, k;
  Blocks<T> a;
  T *v, *taus;

  // For product(), or else for factor().
  static auto plan(int m, int n, int k, bool /*product*/) {
    return [=](Arena& arena) {
      const Blocks<T> a{arena.take<T>(Blocks<T>::size(m, n)), m, n};
      return BlockQr{m, n, k, a, arena.take<T>(int64_t{m} * kWide), arena.take<T>(k)};
    };
  }

  void factor(dt_kernel_context* ctx, const Parts& from, const Parts& to, int64_t part) const {
    const int64_t count = a.count();
    each_block(ctx, 0, count, int64_t{m} * kWide, [&](int64_t block) { a.load(from, part, block); });
    Reflections<T> together{v, 0, 0, {}};
    for (int first = 0; first < k; first += kWide) {
      factor_panel(first);
      if (first / kWide + 1 == count) break;
      together.take(a.at(first / kWide, first), m - first, std::min(kWide, k - first), taus + first);
      each_block(ctx, first / kWide + 1, count, together.work(),
                 [&](int64_t block) { together.apply(a.at(block, first), true); });
    }
    each_block(ctx, 0, count, int64_t{m} * kWide, [&](int64_t block) { a.store(to, part, block); });
  }

  // From the last reflection to the first on the columns of an identity: a panel leaves those before it as they are.
  void product(dt_kernel_context* ctx, const Parts& from, const Parts& to, int64_t part) const {
    const int64_t count = a.count();
    each_block(ctx, 0, count, int64_t{m} * kWide, [&](int64_t block) { a.load(from, part, block); });
    Reflections<T> together{v, 0, 0, {}};
    for (int64_t block = count; block-- > 0;) {
      const int first = static_cast<int>(block) * kWide, these = std::min(kWide, k - first);
      if (these > 0) together.take(a.at(block, first), m - first, these, taus + first);
      std::fill_n(a.at(block, 0), int64_t{m} * kWide, T(0));
      for (int j = 0; j < a.width(block); ++j) a.at(block, first + j)[j] = T(1);
      if (these <= 0) continue;
      each_block(ctx, block, count, together.work(), [&](int64_t other) { together.apply(a.at(other, first), false); });
    }
    each_block(ctx, 0, count, int64_t{m} * kWide, [&](int64_t block) { a.store(to, part, block); });
  }

 private:
  void factor_panel(int first) const {
    T* const panel = a.at(first / kWide, first);
    T largest[kWide];
    largest_above(a.at(first / kWide, 0), first, largest);
    for (int j = 0; j < std::min(kWide, k - first); ++j) {
      T* const diagonal = panel + j * kWide;
      for (int i = 0; i <= j; ++i) largest[j] = std::max(largest[j], std::abs(panel[i * kWide + j]));
      const double least = std::isinf(largest[j]) ? 0 : static_cast<double>(largest[j]) * kNothing<T>;
      taus[first + j] = make_reflection<kWide>(diagonal + j, m - first - j - 1, least);
      if (taus[first + j] != T(0)) reflect(diagonal, m - first - j, j, taus[first + j]);
    }
  }
};

// A complex matrix.
template <class T>
struct LapackQr {
  int m, n, k, lwork;
  T *a, *taus, *work;

  static auto plan(int m, int n, int k, bool product) {
    T wanted{};
    if (product)
      Lapack<T>::ungqr(LAPACK_COL_MAJOR, m, n, k, nullptr, m, nullptr, &wanted, -1);
    else
      Lapack<T>::geqrf(LAPACK_COL_MAJOR, m, n, nullptr, m, nullptr, &wanted, -1);
    return [=, lwork = scratch_size(wanted)](Arena& arena) {
      return LapackQr{m, n, k, lwork, arena.take<T>(int64_t{m} * n), arena.take<T>(k), arena.take<T>(lwork)};
    };
  }

  void factor(dt_kernel_context*, const Parts& from, const Parts& to, int64_t part) const {
    load(from, part, a, m);
    Lapack<T>::geqrf(LAPACK_COL_MAJOR, m, n, a, m, taus, work, lwork);
    store(to, part, a, m);
  }
  void product(dt_kernel_context*, const Parts& from, const Parts& to, int64_t part) const {
    load(from, part, a, m);
    Lapack<T>::ungqr(LAPACK_COL_MAJOR, m, n, k, a, m, taus, work, lwork);
    store(to, part, a, m);
  }
};

template <class T>
using Qr = std::conditional_t<is_complex_type<T>, LapackQr<T>, BlockQr<T>>;

// ---- the kernels ----------------------------------------------------------------------------------------------

template <class T>
dt_status geqrf(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                const dt_value*, int32_t) {
  const Parts from(ins[0], 2), to(outs[0], 2), taus(outs[1], 1);
  if (!fits_lapack(ins[0], 2)) return too_large(ctx, "geqrf");
  const int m = from.size(0), n = from.size(1), k = std::min(m, n);
  if (k == 0) return DT_OK;
  const auto plan = Qr<T>::plan(m, n, k, false);
  return each_part(ctx, "geqrf", from.count(), 2 * cube(m, n, k), plan, [&](int64_t part, const Qr<T>& s) {
    s.factor(ctx, from, to, part);
    store_vector(taus, part, s.taus);
  });
}

template <class T>
dt_status ungqr(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                const dt_value*, int32_t) {
  const Parts from(ins[0], 2), taus(ins[1], 1), to(outs[0], 2);
  if (!fits_lapack(ins[0], 2)) return too_large(ctx, "linalg_householder_product");
  const int m = from.size(0), n = from.size(1), k = taus.size(0);
  if (m == 0 || n == 0) return DT_OK;
  const auto plan = Qr<T>::plan(m, n, k, true);
  return each_part(ctx, "linalg_householder_product", from.count(), 2 * cube(m, n, k), plan,
                   [&](int64_t part, const Qr<T>& s) {
                     load_vector(taus, part, s.taus);
                     s.product(ctx, from, to, part);
                   });
}

}  // namespace

void register_linalg_qr(KernelTable& table) {
  for_lapack_types([&](auto zero, int32_t dtype) {
    using T = decltype(zero);
    table.add("geqrf", dtype, geqrf<T>);
    table.add("linalg_householder_product", dtype, ungqr<T>);
  });
}

}  // namespace dovetail::cpu
