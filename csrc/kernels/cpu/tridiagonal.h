// Real symmetric matrices: to tridiagonal form by reflections and back, and the eigenvectors of tridiagonal ones.
//
// A matrix lies in panels of kPanel columns, each with its rows one after the other, which is how row_product wants its
// right operand. What is done depends on sizes alone, so any number of threads gives the same bits.
#pragma once

#include "kernels/cpu/linalg.h"
#include "kernels/cpu/row_product.h"

namespace dovetail::cpu {

constexpr int kTogether = 32;  // reflections that are applied at once

// A = Q T Q', Q = H_0 H_1 ..., where H_c = I - tau v v' and v has its first element, 1, in row c + 1.
template <class T>
struct Reduction {
  int n;
  bool keep;                  // the reflections, for `turn_back`
  double *diagonal, *beside;  // of T
  T* panels;                  // A; free once it is reduced
  T* taus;
  T* columns;    // of each group of reflections, v as columns: panels of n rows
  T* rows;       // and as rows: panels of kTogether rows
  T* others;     // of the group that is being made, w as `columns` has v
  T* updates;    // and both as rows in turns, in panels: v, w, ...
  T* undone;     // and -w, -v, ...
  T* triangles;  // of each group, its -T' in panels (H_0 H_1 ... = I - V T V')
  T* lines;      // scratch for a few vectors

  static constexpr int kLaid = 2 * kTogether + 2;  // rows of a panel of `updates`: not a multiple of 4 KB apart
  int64_t panel_count() const { return ceil_div(n, kPanel<T>); }
  int64_t group_count() const { return ceil_div(n, kTogether); }
  int64_t padded() const { return panel_count() * kPanel<T> + kPanel<T>; }
  T* at(int64_t panel, int64_t row) const { return panels + (panel * n + row) * kPanel<T>; }
  T* columns_of(int64_t group) const { return columns + (keep ? group : 0) * n * kTogether; }
  T* rows_of(int64_t group) const { return rows + group * padded() * kTogether; }
  T* triangle_of(int64_t group) const { return triangles + group * kTogether * kTogether; }

  void take(Arena& arena);
  // Needs A in the panels; only that is read.
  void reduce(dt_kernel_context* ctx) const;
  // Lays out what turn_back needs.
  void collect(dt_kernel_context* ctx) const;
  // Q x for up to kChunk vectors x, `lead` apart, in place.
  static constexpr int kChunk = 32;
  void turn_back(T* vectors, int64_t lead, int64_t count) const;

 private:
  void panel(int64_t first, int64_t end) const;
  void make_column(int64_t first, int64_t c) const;
  void update(dt_kernel_context* ctx, int64_t first) const;
};

// The eigenvalues of a symmetric tridiagonal matrix, ascending, and its eigenvectors: each a row of `vectors`.
template <class T>
struct Divided {
  int64_t n, lead;
  double *diagonal, *beside;  // T; the first has the eigenvalues then
  T* vectors;
  T* fresh;    // n * lead, as `vectors` has
  T* factors;  // n * factor_lead()
  T* panels;   // twice panels_size(n, n)
  double* numbers;
  int64_t* places;

  static constexpr int kNumbers = 7, kPlaces = 4;
  int64_t factor_lead() const { return (n + 15) / 16 * 16 + 16; }
  void take(Arena& arena);
  bool solve(dt_kernel_context* ctx) const;
};

}  // namespace dovetail::cpu
