// Eigenvalues and singular values.
#include <limits>

#include "kernels/cpu/linalg.h"
#include "kernels/cpu/linalg_symmetric.h"

namespace dovetail::cpu {
namespace {

template <class R>
constexpr R kNaN = std::numeric_limits<R>::quiet_NaN();

// ---- Hermitian matrices ---------------------------------------------------------------------------------------

template <class T>
struct Hermitian {
  using R = RealOf<T>;
  char job, triangle;
  int n, lwork = -1, lrwork = -1, liwork = -1;
  T *a = nullptr, *work = nullptr;
  R *values = nullptr, *rwork = nullptr;
  int* iwork = nullptr;

  int run() {
    if constexpr (is_complex_type<T>)
      return Lapack<T>::heevd(LAPACK_COL_MAJOR, job, triangle, n, a, n, values, work, lwork, rwork, lrwork, iwork,
                              liwork);
    else
      return Lapack<T>::heevd(LAPACK_COL_MAJOR, job, triangle, n, a, n, values, work, lwork, iwork, liwork);
  }
  void ask() {
    T wanted{};
    R rwanted{};
    int iwanted = 0;
    work = &wanted, rwork = &rwanted, iwork = &iwanted;
    run();
    lwork = scratch_size(wanted), lrwork = scratch_size(rwanted), liwork = std::max(1, iwanted);
  }
  void take(Arena& arena) {
    a = arena.take<T>(int64_t{n} * n), values = arena.take<R>(n);
    work = arena.take<T>(lwork), rwork = arena.take<R>(lrwork), iwork = arena.take<int>(liwork);
  }
};

// (A, upper, vectors) -> (eigenvalues, eigenvectors, info)
template <class T>
dt_status heevd(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                const dt_value* args, int32_t) {
  using R = RealOf<T>;
  const Parts from(ins[0], 2), values(outs[0], 1), vectors(outs[1], 2), infos(outs[2], 0);
  if (!fits_lapack(ins[0], 2)) return too_large(ctx, "linalg_heevd");
  const bool with_vectors = args[2].as.i != 0;
  if constexpr (!is_complex_type<T>)
    if (from.size(0) >= least_symmetric(with_vectors))
      return symmetric_eigen<T>(ctx, outs, ins[0], args[1].as.i != 0, with_vectors);
  Hermitian<T> asked{with_vectors ? 'V' : 'N', args[1].as.i ? 'U' : 'L', from.size(0)};
  const int n = asked.n;
  if (n > 0) asked.ask();
  const auto plan = [&](Arena& arena) {
    Hermitian<T> s = asked;
    if (n > 0) s.take(arena);
    return s;
  };
  return each_part(ctx, "linalg_heevd", from.count(), 4 * cube(n, n, n), plan, [&](int64_t part, Hermitian<T> s) {
    int info = 0;
    if (n > 0) {
      load(from, part, s.a, n);
      for (int j = 0; j < n && info == 0; ++j)  // only one triangle counts
        for (int i = s.triangle == 'U' ? 0 : j; i < (s.triangle == 'U' ? j + 1 : n); ++i)
          if (!is_finite(s.a[i + int64_t{j} * n])) info = kNotFinite;
      if (info == kNotFinite)
        std::fill_n(s.values, n, kNaN<R>), std::fill_n(s.a, int64_t{n} * n, T(kNaN<R>));
      else
        info = s.run();
      store_vector(values, part, s.values);
      if (with_vectors) store(vectors, part, s.a, n);
    }
    *infos.data<int32_t>(part) = info;
  });
}

// ---- general matrices -----------------------------------------------------------------------------------------

template <class T>
struct General {
  using R = RealOf<T>;
  char job;
  int n, lwork = -1;
  T *a = nullptr, *vectors = nullptr, *work = nullptr;
  R *re = nullptr, *im = nullptr, *rwork = nullptr;  // eigenvalues of real matrices, in two parts
  T* values = nullptr;                               // of complex ones

  int run() {
    if constexpr (is_complex_type<T>)
      return Lapack<T>::geev(LAPACK_COL_MAJOR, 'N', job, n, a, n, values, nullptr, n, vectors, n, work, lwork, rwork);
    else
      return Lapack<T>::geev(LAPACK_COL_MAJOR, 'N', job, n, a, n, re, im, nullptr, n, vectors, n, work, lwork);
  }
  void ask() {
    T wanted{};
    R rwanted{};
    work = &wanted, rwork = &rwanted;
    run();
    lwork = scratch_size(wanted);
  }
  void take(Arena& arena) {
    a = arena.take<T>(int64_t{n} * n), vectors = arena.take<T>(job == 'V' ? int64_t{n} * n : 0);
    work = arena.take<T>(lwork);
    if constexpr (is_complex_type<T>)
      values = arena.take<T>(n), rwork = arena.take<R>(int64_t{2} * n);
    else
      re = arena.take<R>(n), im = arena.take<R>(n);
  }
  Complex<R> value(int i) const {
    if constexpr (is_complex_type<T>)
      return values[i];
    else
      return {re[i], im[i]};
  }
  // A pair of conjugate eigenvectors of a real matrix stands in two columns, their real and imaginary parts.
  Complex<R> vector(int i, int j) const {
    const T* row = vectors + i;
    if constexpr (is_complex_type<T>) {
      return row[int64_t{j} * n];
    } else {
      if (im[j] == 0) return row[int64_t{j} * n];
      if (im[j] > 0) return {row[int64_t{j} * n], row[int64_t{j + 1} * n]};
      return {row[int64_t{j - 1} * n], -row[int64_t{j} * n]};
    }
  }
};

// (A, vectors) -> (eigenvalues, eigenvectors, info)
template <class T>
dt_status geev(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
               const dt_value* args, int32_t) {
  using C = Complex<RealOf<T>>;
  const Parts from(ins[0], 2), values(outs[0], 1), vectors(outs[1], 2), infos(outs[2], 0);
  if (!fits_lapack(ins[0], 2)) return too_large(ctx, "linalg_geev");
  General<T> asked{args[1].as.i ? 'V' : 'N', from.size(0)};
  const int n = asked.n;
  if (n > 0) asked.ask();
  const auto plan = [&](Arena& arena) {
    General<T> s = asked;
    if (n > 0) s.take(arena);
    return s;
  };
  return each_part(ctx, "linalg_geev", from.count(), 20 * cube(n, n, n), plan, [&](int64_t part, General<T> s) {
    int info = 0;
    if (n > 0) {
      load(from, part, s.a, n);
      const bool finite = all_finite(s.a, int64_t{n} * n);
      info = finite ? s.run() : kNotFinite;
      const C nan(kNaN<RealOf<T>>);
      C* value = values.data<C>(part);
      for (int i = 0; i < n; ++i) value[i * values.stride(0)] = finite ? s.value(i) : nan;
      if (s.job == 'V') store_each<C>(vectors, part, [&](int i, int j) { return finite ? s.vector(i, j) : nan; });
    }
    *infos.data<int32_t>(part) = info;
  });
}

// ---- singular values ------------------------------------------------------------------------------------------

template <class T>
struct Singular {
  using R = RealOf<T>;
  char job;
  int m, n, left, right, lwork = -1;  // columns of U and rows of Vh
  T *a = nullptr, *u = nullptr, *vh = nullptr, *work = nullptr;
  R *s = nullptr, *rwork = nullptr;
  int* iwork = nullptr;

  int run() {
    if constexpr (is_complex_type<T>)
      return Lapack<T>::gesdd(LAPACK_COL_MAJOR, job, m, n, a, m, s, u, m, vh, right, work, lwork, rwork, iwork);
    else
      return Lapack<T>::gesdd(LAPACK_COL_MAJOR, job, m, n, a, m, s, u, m, vh, right, work, lwork, iwork);
  }
  void ask() {
    T wanted{};
    work = &wanted;
    run();
    lwork = scratch_size(wanted);
  }
  void take(Arena& arena) {
    const int64_t least = std::min(m, n), most = std::max(m, n);
    a = arena.take<T>(int64_t{m} * n), s = arena.take<R>(least), work = arena.take<T>(lwork);
    u = arena.take<T>(job == 'N' ? 0 : int64_t{m} * left), vh = arena.take<T>(job == 'N' ? 0 : int64_t{right} * n);
    iwork = arena.take<int>(8 * least);
    if constexpr (is_complex_type<T>)
      rwork = arena.take<R>(
          job == 'N' ? 7 * least
                     : std::max(5 * least * least + 5 * least, 2 * most * least + 2 * least * least + least));
  }
};

// (A, full_matrices, vectors) -> (U, S, Vh, info)
template <class T>
dt_status gesdd(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                const dt_value* args, int32_t) {
  using R = RealOf<T>;
  const Parts from(ins[0], 2), us(outs[0], 2), values(outs[1], 1), vhs(outs[2], 2), infos(outs[3], 0);
  if (!fits_lapack(ins[0], 2)) return too_large(ctx, "linalg_gesdd");
  const int m = from.size(0), n = from.size(1), k = std::min(m, n);
  const bool full = args[1].as.i != 0, vectors = args[2].as.i != 0;
  Singular<T> asked{vectors ? (full ? 'A' : 'S') : 'N', m, n, full ? m : k, std::max(1, full ? n : k)};
  if (k > 0) asked.ask();
  const auto plan = [&](Arena& arena) {
    Singular<T> s = asked;
    if (k > 0) s.take(arena);
    return s;
  };
  return each_part(ctx, "linalg_gesdd", from.count(), 10 * cube(m, n, k), plan, [&](int64_t part, Singular<T> s) {
    int info = 0;
    if (k > 0) {
      load(from, part, s.a, m);
      const bool finite = all_finite(s.a, int64_t{m} * n);
      info = finite ? s.run() : kNotFinite;
      if (!finite) {
        std::fill_n(s.s, k, kNaN<R>);
        if (vectors) std::fill_n(s.u, int64_t{m} * s.left, T(kNaN<R>));
        if (vectors) std::fill_n(s.vh, int64_t{s.right} * n, T(kNaN<R>));
      }
      store_vector(values, part, s.s);
      if (vectors) store(us, part, s.u, m), store(vhs, part, s.vh, s.right);
    } else if (vectors && full) {  // nothing but a basis of each side
      const auto unit = [](int i, int j) { return T(static_cast<R>(i == j)); };
      store_each<T>(us, part, unit), store_each<T>(vhs, part, unit);
    }
    *infos.data<int32_t>(part) = info;
  });
}

}  // namespace

void register_linalg_eigen(KernelTable& table) {
  for_lapack_types([&](auto zero, int32_t dtype) {
    using T = decltype(zero);
    table.add("linalg_heevd", dtype, heevd<T>);
    table.add("linalg_geev", dtype, geev<T>);
    table.add("linalg_gesdd", dtype, gesdd<T>);
  });
}

}  // namespace dovetail::cpu
