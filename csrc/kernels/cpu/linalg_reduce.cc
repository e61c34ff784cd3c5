// Symmetric matrices to tridiagonal form by blocked Householder reflections, and vectors back.
//
// Of 32 columns at a time only what each needs is computed from the matrix as it was and from the reflections since:
// A - V W' - W V', where w = tau (A v - tau/2 (v' A v) v). Then the rest is updated by a product. Half of the work is
// A v, which reads what is left of A once a column.
#include <cstring>

#include "kernels/cpu/matrix.h"
#include "kernels/cpu/reflection.h"
#include "kernels/cpu/tridiagonal.h"

namespace dovetail::cpu {

template <class T>
void Reduction<T>::take(Arena& arena) {
  const int64_t groups = keep ? group_count() : 1;
  diagonal = arena.take<double>(n), beside = arena.take<double>(n), taus = arena.take<T>(n);
  panels = arena.take<T>(padded() * n);
  columns = arena.take<T>(groups * n * kTogether), others = arena.take<T>(int64_t{n} * kTogether);
  updates = arena.take<T>(padded() * kLaid), undone = arena.take<T>(padded() * kLaid);
  lines = arena.take<T>(2 * padded());
  rows = arena.take<T>(keep ? groups * padded() * kTogether : 0);
  triangles = arena.take<T>(keep ? groups * kTogether * kTogether : 0);
}

namespace {

// y = tau (y - tau/2 (y' v) v), all from what y = A v is at first
template <class T>
DOVETAIL_CLONES void finish(T* __restrict y, const T* __restrict v, int64_t n, T tau, T half_product) {
  for (int64_t i = 0; i < n; ++i) y[i] = tau * (y[i] - half_product * v[i]);
}

// Column k of some panels of `rows` rows.
template <class T>
DOVETAIL_CLONES void write_column(T* panels, int64_t rows, int64_t k, const T* x, int64_t begin, int64_t end) {
  T* const to = panels + k / kPanel<T> * rows * kPanel<T> + k % kPanel<T>;
  for (int64_t i = begin; i < end; ++i) to[i * kPanel<T>] = x[i];
}

// Row k of panels of `laid` rows.
template <class T>
DOVETAIL_CLONES void write_row(T* panels, int64_t laid, int64_t k, const T* x, T by, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; i += kPanel<T>) {
    T* const to = panels + (i * laid + k * kPanel<T>);
    for (int64_t lane = 0; lane < kPanel<T>; ++lane) to[lane] = by * x[i + lane];
  }
}

// A product whose sums are long: in runs of its depth, as equal terms one after another lose a bit for each doubling.
template <class T>
void deep_product(RowProduct<T> p) {
  constexpr int64_t kRun = 64;
  const int64_t depth = p.depth;
  for (int64_t k = 0; k < depth; k += kRun) {
    p.depth = std::min(kRun, depth - k);
    row_product(p);
    p.a += kRun * (p.turned ? p.a_step : 1), p.panels += kRun * kPanel<T>;
    p.init = p.c, p.init_row = p.c_row;
  }
}

}  // namespace

// Column c of the matrix as it is by now, its reflection v, and w.
template <class T>
void Reduction<T>::make_column(int64_t first, int64_t c) const {
  constexpr int64_t kLine = kPanel<T>;
  const int64_t j = c - first, from = c / kLine * kLine, end = panel_count() * kLine;
  T* const v = lines;
  T* const w = lines + padded();
  T* const group = columns_of(first / kTogether);
  T pairs[2 * kTogether];
  const auto undo = [&](T* x, int64_t begin) {
    row_product({pairs, 0, 1, 2 * j, undone + begin * kLaid, n - begin, x + begin, 0, x + begin, 0, false, kLaid});
  };
  for (int64_t i = from; i < end; i += kLine) std::memcpy(v + i, at(i / kLine, c), sizeof(T) * kLine);
  for (int64_t k = 0; k < j; ++k) {
    pairs[2 * k] = group[(k / kLine * n + c) * kLine + k % kLine];
    pairs[2 * k + 1] = others[(k / kLine * n + c) * kLine + k % kLine];
  }
  if (j > 0) undo(v, from);
  diagonal[c] = static_cast<double>(v[c]);
  if (c == n - 1) return;
  const int64_t next = c + 1, aligned = next / kLine * kLine;
  const T tau = make_reflection<1>(v + next, n - next - 1, kNothing<T>);  // of a matrix of about 1
  beside[c] = static_cast<double>(v[next]), taus[c] = tau;
  v[next] = T(1);
  std::fill(v + from, v + next, T(0));
  std::fill(w + aligned, w + end, T(0));
  if (tau != T(0)) {
    deep_product<T>(
        {v + next, 0, 1, n - next, at(aligned / kLine, next), n - aligned, nullptr, 0, w + aligned, 0, false, n});
    if (j > 0) {
      T seen[2][kTogether];
      deep_product<T>({v + next, 0, 1, n - next, group + next * kLine, kTogether, nullptr, 0, seen[0], 0, false, n});
      deep_product<T>({v + next, 0, 1, n - next, others + next * kLine, kTogether, nullptr, 0, seen[1], 0, false, n});
      for (int64_t k = 0; k < j; ++k) pairs[2 * k] = seen[0][k], pairs[2 * k + 1] = seen[1][k];
      undo(w, aligned);
    }
    std::fill(w + aligned, w + next, T(0));
    finish(w + next, v + next, n - next, tau, tau * dot(w + next, v + next, n - next) / 2);
  }
  write_column(group, n, j, v, next, n);
  write_column(others, n, j, w, next, n);
  write_row(updates, kLaid, 2 * j, v, T(1), aligned, end);
  write_row(updates, kLaid, 2 * j + 1, w, T(1), aligned, end);
  write_row(undone, kLaid, 2 * j, w, T(-1), aligned, end);
  write_row(undone, kLaid, 2 * j + 1, v, T(-1), aligned, end);
}

// The rest of the matrix after a group: tiles below the diagonal, each with its mirror image.
template <class T>
void Reduction<T>::update(dt_kernel_context* ctx, int64_t first) const {
  constexpr int64_t kLine = kPanel<T>;
  const int64_t begin = (first + kTogether) / kLine, count = panel_count() - begin;
  const int64_t work = count * kLine * kLine * kTogether / 8;
  parallel(ctx, count, std::max<int64_t>(1, kGrain / std::max<int64_t>(work, 1)), [&](int64_t from, int64_t to) {
    for (int64_t turn = from; turn < to; ++turn) {
      const int64_t p = turn % 2 ? begin + count - 1 - turn / 2 : begin + turn / 2;  // a long one, a short one
      for (int64_t q = p; q < panel_count(); ++q) {
        T* const tile = at(p, q * kLine);
        const int64_t rows = std::min<int64_t>(kLine, n - q * kLine);
        row_product({updates + q * kLine * kLaid, kLine, rows, 2 * kTogether, undone + p * kLine * kLaid, kLine, tile,
                     kLine, tile, kLine, true, kLaid});
        if (q > p) fill_panel(Matrix<const T>{tile, kLine, rows, 1, kLine}, 0, at(q, p * kLine));
      }
    }
  });
}

template <class T>
void Reduction<T>::reduce(dt_kernel_context* ctx) const {
  std::fill_n(lines, 2 * padded(), T(0));
  std::fill_n(others, int64_t{n} * kTogether, T(0));
  std::fill_n(updates, padded() * kLaid, T(0));
  std::fill_n(undone, padded() * kLaid, T(0));
  for (int64_t first = 0; first < n; first += kTogether) {
    std::fill_n(columns_of(first / kTogether), int64_t{n} * kTogether, T(0));
    for (int64_t c = first; c < std::min<int64_t>(first + kTogether, n); ++c) make_column(first, c);
    if (first + kTogether < n) update(ctx, first);
  }
  taus[n - 1] = T(0);
}

// ---- back -----------------------------------------------------------------------------------------------------

template <class T>
void Reduction<T>::collect(dt_kernel_context* ctx) const {
  constexpr int64_t kLine = kPanel<T>;
  const int64_t work = int64_t{n} * kTogether * kTogether / 8;
  parallel(ctx, group_count(), std::max<int64_t>(1, kGrain / work), [&](int64_t begin, int64_t end) {
    for (int64_t g = begin; g < end; ++g) {
      const int64_t first = g * kTogether, count = std::min<int64_t>(kTogether, n - first);
      T products[kTogether][kTogether], t[kTogether][kTogether] = {};
      for (int64_t k = 0; k < kTogether; k += kLine) {
        const T* const these = columns_of(g) + (k * n + first * kLine);
        deep_product<T>({these, kLine, kLine, n - first, columns_of(g) + first * kLine, kTogether, nullptr, 0,
                         products[k], kTogether, true, n});
        for (int64_t i = first; i < n; i += kLine) {
          const Matrix<const T> turned{these + (i - first) * kLine, kLine, std::min(kLine, n - i), 1, kLine};
          fill_panel(turned, 0, rows_of(g) + (i * kTogether + k * kLine));
        }
      }
      for (int64_t j = 0; j < count; ++j) {
        t[j][j] = taus[first + j];
        for (int64_t i = 0; i < j; ++i) {
          T sum = 0;
          for (int64_t l = i; l < j; ++l) sum += t[i][l] * products[l][j];
          t[i][j] = -taus[first + j] * sum;
        }
      }
      std::fill_n(triangle_of(g), kTogether * kTogether, T(0));
      for (int64_t j = 0; j < count; ++j)
        for (int64_t k = 0; k <= j; ++k) triangle_of(g)[(k / kLine * kTogether + j) * kLine + k % kLine] = -t[k][j];
    }
  });
}

template <class T>
void Reduction<T>::turn_back(T* vectors, int64_t lead, int64_t count) const {
  constexpr int64_t kLine = kPanel<T>;
  T seen[kChunk * kTogether], mixed[kChunk * kTogether];
  for (int64_t g = group_count(); g-- > 0;) {
    const int64_t first = g * kTogether;
    T* const x = vectors + first;
    deep_product<T>(
        {x, lead, count, n - first, columns_of(g) + first * kLine, kTogether, nullptr, 0, seen, kTogether, false, n});
    row_product({seen, kTogether, count, kTogether, triangle_of(g), kTogether, nullptr, 0, mixed, kTogether});
    row_product({mixed, kTogether, count, kTogether, rows_of(g) + first * kTogether, n - first, x, lead, x, lead});
  }
}

template struct Reduction<float>;
template struct Reduction<double>;

}  // namespace dovetail::cpu
