// LDL factorisations of symmetric and Hermitian matrices, and the systems that they solve.
#include <atomic>
#include <cstdlib>

#include "kernels/cpu/linalg.h"

namespace dovetail::cpu {
namespace {

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
  struct Scratch {
    T* a;
    int* pivots;
    T* work;
  };
  const auto plan = [&](Arena& arena) {
    return Scratch{arena.take<T>(int64_t{n} * n), arena.take<int>(n), arena.take<T>(lwork)};
  };
  return each_part(ctx, "linalg_hetrf", from.count(), cube(n, n, n) / 3, plan, [&](int64_t part, const Scratch& s) {
    int info = 0;
    if (n > 0) {
      load(from, part, s.a, n);
      std::fill_n(s.pivots, n, 0);
      info = factor(LAPACK_COL_MAJOR, 'L', n, s.a, n, s.pivots, s.work, lwork);
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

void register_linalg_ldl(KernelTable& table) {
  for_lapack_types([&](auto zero, int32_t dtype) {
    using T = decltype(zero);
    table.add("linalg_hetrf", dtype, hetrf<T>);
    table.add("linalg_hetrs", dtype, hetrs<T>);
  });
}

}  // namespace dovetail::cpu
