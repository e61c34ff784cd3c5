// Triangular factorisations: Cholesky and LU of complex matrices, LDL, and the permutation that LU's pivots stand for.
#include <atomic>
#include <cstdlib>

#include "kernels/cpu/linalg.h"

namespace dovetail::cpu {
namespace {

template <class T>
struct Square {
  T* a;
  int* pivots;
  T* work;
  int lwork;
};

// ---- Cholesky -----------------------------------------------------------------------------------------------

// The first diagonal element that is not a number, which OpenBLAS lets pass; 0: none.
template <class T>
int nan_in_diagonal(const T* a, int n) {
  for (int i = 0; i < n; ++i)
    if (std::isnan(real_of(a[i + int64_t{i} * n]))) return i + 1;
  return 0;
}

template <class T>
dt_status potrf(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                const dt_value* args, int32_t) {
  const Parts from(ins[0], 2), to(outs[0], 2), infos(outs[1], 0);
  if (!fits_lapack(ins[0], 2)) return too_large(ctx, "linalg_potrf");
  const int n = from.size(0);
  const bool upper = args[1].as.i != 0;
  const auto plan = [&](Arena& arena) { return Square<T>{arena.take<T>(int64_t{n} * n), nullptr, nullptr, 0}; };
  return each_part(ctx, "linalg_potrf", from.count(), cube(n, n, n) / 3, plan, [&](int64_t part, const Square<T>& s) {
    int info = 0;
    if (n > 0) {
      load(from, part, s.a, n);
      info = Lapack<T>::potrf(LAPACK_COL_MAJOR, upper ? 'U' : 'L', n, s.a, n);
      if (info == 0) info = nan_in_diagonal(s.a, n);
      store_each<T>(to, part, [&](int i, int j) { return (upper ? i <= j : i >= j) ? s.a[i + int64_t{j} * n] : T(0); });
    }
    *infos.data<int32_t>(part) = info;
  });
}

// ---- LU -----------------------------------------------------------------------------------------------------

template <class T>
dt_status getrf(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                const dt_value*, int32_t) {
  const Parts from(ins[0], 2), to(outs[0], 2), pivots(outs[1], 1), infos(outs[2], 0);
  if (!fits_lapack(ins[0], 2)) return too_large(ctx, "linalg_getrf");
  const int m = from.size(0), n = from.size(1), k = std::min(m, n);
  const auto plan = [&](Arena& arena) {
    return Square<T>{arena.take<T>(int64_t{m} * n), arena.take<int>(k), nullptr, 0};
  };
  return each_part(ctx, "linalg_getrf", from.count(), cube(m, n, k), plan, [&](int64_t part, const Square<T>& s) {
    int info = 0;
    if (k > 0) {
      load(from, part, s.a, m);
      info = Lapack<T>::getrf(LAPACK_COL_MAJOR, m, n, s.a, m, s.pivots);
      // A matrix with NaN may leave a pivot that is no row.
      for (int i = 0; i < k; ++i)
        if (s.pivots[i] <= i || s.pivots[i] > m) s.pivots[i] = i + 1;
      store(to, part, s.a, m);
      store_vector(pivots, part, s.pivots);
    }
    *infos.data<int32_t>(part) = info;
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

// ---- LDL ----------------------------------------------------------------------------------------------------

template <class T>
dt_status hetrf(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                const dt_value* args, int32_t) {
  const Parts from(ins[0], 2), to(outs[0], 2), pivots(outs[1], 1), infos(outs[2], 0);
  if (!fits_lapack(ins[0], 2)) return too_large(ctx, "linalg_hetrf");
  const int n = from.size(0);
  const auto factor = args[1].as.i ? Lapack<T>::hetrf : Lapack<T>::sytrf;
  T wanted{};
  if (n > 0) factor(LAPACK_COL_MAJOR, 'L', n, nullptr, n, nullptr, &wanted, -1);
  const int lwork = scratch_size(wanted);
  const auto plan = [&](Arena& arena) {
    return Square<T>{arena.take<T>(int64_t{n} * n), arena.take<int>(n), arena.take<T>(lwork), lwork};
  };
  return each_part(ctx, "linalg_hetrf", from.count(), cube(n, n, n) / 3, plan, [&](int64_t part, const Square<T>& s) {
    int info = 0;
    if (n > 0) {
      load(from, part, s.a, n);
      std::fill_n(s.pivots, n, 0);
      info = factor(LAPACK_COL_MAJOR, 'L', n, s.a, n, s.pivots, s.work, s.lwork);
      store_each<T>(to, part, [&](int i, int j) { return i >= j ? s.a[i + int64_t{j} * n] : T(0); });
      store_vector(pivots, part, s.pivots);
    }
    *infos.data<int32_t>(part) = info;
  });
}

// Whether LAPACK can follow these pivots: rows, or two equal negative ones for a block of two.
bool are_pivots(const int* pivots, int n) {
  for (int i = 0; i < n; ++i) {
    if (pivots[i] == 0 || std::abs(static_cast<double>(pivots[i])) > n) return false;
    if (pivots[i] < 0 && (i + 1 == n || pivots[i + 1] != pivots[i])) return false;
    if (pivots[i] < 0) ++i;
  }
  return true;
}

template <class T>
dt_status hetrs(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                const dt_value* args, int32_t) {
  const Parts factors(ins[0], 2), pivots(ins[1], 1), from(ins[2], 2), to(outs[0], 2);
  if (!fits_lapack(ins[0], 2) || !fits_lapack(ins[2], 2)) return too_large(ctx, "linalg_hetrs");
  const int n = from.size(0), columns = from.size(1);
  if (n == 0 || columns == 0) return DT_OK;
  const auto solve = args[3].as.i ? Lapack<T>::hetrs : Lapack<T>::sytrs;
  struct Scratch {
    T *a, *b;
    int* pivots;
  };
  const auto plan = [&](Arena& arena) {
    return Scratch{arena.take<T>(int64_t{n} * n), arena.take<T>(int64_t{n} * columns), arena.take<int>(n)};
  };
  std::atomic<bool> wrong{false};
  const dt_status status =
      each_part(ctx, "linalg_hetrs", from.count(), cube(n, n, columns), plan, [&](int64_t part, const Scratch& s) {
        load(factors, part, s.a, n);
        load(from, part, s.b, n);
        load_vector(pivots, part, s.pivots);
        if (!are_pivots(s.pivots, n)) return wrong.store(true);
        solve(LAPACK_COL_MAJOR, 'L', n, columns, s.a, n, s.pivots, s.b, n);
        store(to, part, s.b, n);
      });
  if (status == DT_OK && wrong) {
    char text[160];
    std::snprintf(text, sizeof text,
                  "linalg_hetrs: pivots are not those of an LDL factorisation of matrices of shape (%d, %d); pass what "
                  "ldl_factor gave",
                  n, n);
    return ctx->fail(ctx, DT_ERR_VALUE, text);
  }
  return status;
}

}  // namespace

void register_linalg_factor(KernelTable& table) {
  for_lapack_types([&](auto zero, int32_t dtype) {
    using T = decltype(zero);
    if constexpr (is_complex_type<T>) {  // real ones: linalg_cholesky.cc, linalg_lu.cc
      table.add("linalg_potrf", dtype, potrf<T>);
      table.add("linalg_getrf", dtype, getrf<T>);
    }
    table.add("linalg_hetrf", dtype, hetrf<T>);
    table.add("linalg_hetrs", dtype, hetrs<T>);
  });
  table.add("linalg_pivots_to_order", DT_INT32, pivots_to_order);
}

}  // namespace dovetail::cpu
