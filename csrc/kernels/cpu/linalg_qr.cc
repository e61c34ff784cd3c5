// QR of real matrices by Householder reflections in blocks, and the product of such reflections.
//
// A matrix is kept in blocks of 32 columns, each with its rows one after the other: a row of a block is a few vectors,
// a panel (one block) is factored in the cache, and its reflections I - V T V' are applied to every other block by
// small products, shared out over the threads. (OpenBLAS's geqrf and orgqr take twice the time at 256 x 256, most of
// it for calls of level 2; complex matrices still go there.)
#include <algorithm>
#include <cstring>

#include "kernels/cpu/linalg.h"
#include "kernels/cpu/matrix.h"
#include "kernels/cpu/reflection.h"

namespace dovetail::cpu {
namespace {

constexpr int kWide = 32;  // columns of a block, and reflections that are applied together

int64_t blocks_of(int64_t columns) { return (columns + kWide - 1) / kWide; }

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

template <class T>
struct Scratch {
  Blocks<T> a;
  T *v, *taus;
};

template <class T>
auto plan_for(int rows, int columns, int reflections) {
  return [=](Arena& arena) {
    const Blocks<T> a{arena.take<T>(Blocks<T>::size(rows, columns)), rows, columns};
    return Scratch<T>{a, arena.take<T>(int64_t{rows} * kWide), arena.take<T>(reflections)};
  };
}

// ---- the kernels ----------------------------------------------------------------------------------------------

template <class T>
dt_status geqrf(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                const dt_value*, int32_t) {
  const Parts from(ins[0], 2), to(outs[0], 2), taus(outs[1], 1);
  if (!fits_lapack(ins[0], 2)) return too_large(ctx, "geqrf");
  const int m = from.size(0), n = from.size(1), k = std::min(m, n);
  if (k == 0) return DT_OK;
  return each_part(
      ctx, "geqrf", from.count(), 2 * cube(m, n, k), plan_for<T>(m, n, k), [&](int64_t part, const Scratch<T>& s) {
        const int64_t count = s.a.count();
        each_block(ctx, 0, count, int64_t{m} * kWide, [&](int64_t block) { s.a.load(from, part, block); });
        Reflections<T> together{s.v, 0, 0, {}};
        for (int first = 0; first < k; first += kWide) {
          T* const panel = s.a.at(first / kWide, first);
          const int these = std::min(kWide, k - first);
          T largest[kWide];
          largest_above(s.a.at(first / kWide, 0), first, largest);
          for (int j = 0; j < these; ++j) {
            T* const diagonal = panel + j * kWide;
            for (int i = 0; i <= j; ++i) largest[j] = std::max(largest[j], std::abs(panel[i * kWide + j]));
            const double least = std::isinf(largest[j]) ? 0 : static_cast<double>(largest[j]) * kNothing<T>;
            s.taus[first + j] = make_reflection<kWide>(diagonal + j, m - first - j - 1, least);
            if (s.taus[first + j] != T(0)) reflect(diagonal, m - first - j, j, s.taus[first + j]);
          }
          if (first / kWide + 1 == count) break;
          together.take(panel, m - first, these, s.taus + first);
          each_block(ctx, first / kWide + 1, count, together.work(),
                     [&](int64_t block) { together.apply(s.a.at(block, first), true); });
        }
        each_block(ctx, 0, count, int64_t{m} * kWide, [&](int64_t block) { s.a.store(to, part, block); });
        store_vector(taus, part, s.taus);
      });
}

// The product of the reflections, from the last to the first on the columns of an identity: a panel leaves those before
// it as they are.
template <class T>
dt_status orgqr(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                const dt_value*, int32_t) {
  const Parts from(ins[0], 2), taus(ins[1], 1), to(outs[0], 2);
  if (!fits_lapack(ins[0], 2)) return too_large(ctx, "linalg_householder_product");
  const int m = from.size(0), n = from.size(1), k = taus.size(0);
  if (m == 0 || n == 0) return DT_OK;
  return each_part(ctx, "linalg_householder_product", from.count(), 2 * cube(m, n, k), plan_for<T>(m, n, k),
                   [&](int64_t part, const Scratch<T>& s) {
                     const int64_t count = s.a.count();
                     load_vector(taus, part, s.taus);
                     each_block(ctx, 0, count, int64_t{m} * kWide, [&](int64_t b) { s.a.load(from, part, b); });
                     Reflections<T> together{s.v, 0, 0, {}};
                     for (int64_t b = count; b-- > 0;) {
                       const int first = static_cast<int>(b) * kWide, these = std::min(kWide, k - first);
                       if (these > 0) together.take(s.a.at(b, first), m - first, these, s.taus + first);
                       T* const block = s.a.at(b, 0);
                       std::fill_n(block, int64_t{m} * kWide, T(0));
                       for (int j = 0; j < s.a.width(b); ++j) block[int64_t{first + j} * kWide + j] = T(1);
                       if (these <= 0) continue;
                       each_block(ctx, b, count, together.work(),
                                  [&](int64_t other) { together.apply(s.a.at(other, first), false); });
                     }
                     each_block(ctx, 0, count, int64_t{m} * kWide, [&](int64_t b) { s.a.store(to, part, b); });
                   });
}

}  // namespace

void register_linalg_qr(KernelTable& table) {
  table.add("geqrf", DT_FLOAT32, geqrf<float>);
  table.add("geqrf", DT_FLOAT64, geqrf<double>);
  table.add("linalg_householder_product", DT_FLOAT32, orgqr<float>);
  table.add("linalg_householder_product", DT_FLOAT64, orgqr<double>);
}

}  // namespace dovetail::cpu
