// LAPACK by element type: `Lapack<T>::potrf(...)`, on column-major matrices, as the *_work functions of OpenBLAS's
// LAPACKE take them. Where the real and the complex routine have names of their own (syevd, heevd), the complex one's
// stands for both; where they take other scratch memory, the functions below hide it.
#pragma once

#include "kernels/common/dtypes.h"

#define lapack_complex_float dovetail::cpu::Complex<float>
#define lapack_complex_double dovetail::cpu::Complex<double>
#include <lapacke.h>

namespace dovetail::cpu {

template <class T>
struct Lapack;

#define DOVETAIL_LAPACK(T, p, un, he)                              \
  template <>                                                      \
  struct Lapack<T> {                                               \
    static constexpr auto potrf = scipy_LAPACKE_##p##potrf_work;   \
    static constexpr auto getrf = scipy_LAPACKE_##p##getrf_work;   \
    static constexpr auto geqrf = scipy_LAPACKE_##p##geqrf_work;   \
    static constexpr auto ungqr = scipy_LAPACKE_##p##un##gqr_work; \
    static constexpr auto heevd = scipy_LAPACKE_##p##he##evd_work; \
    static constexpr auto geev = scipy_LAPACKE_##p##geev_work;     \
    static constexpr auto gesdd = scipy_LAPACKE_##p##gesdd_work;   \
    static constexpr auto sytrf = scipy_LAPACKE_##p##sytrf_work;   \
    static constexpr auto hetrf = scipy_LAPACKE_##p##he##trf_work; \
    static constexpr auto sytrs = scipy_LAPACKE_##p##sytrs_work;   \
    static constexpr auto hetrs = scipy_LAPACKE_##p##he##trs_work; \
    static constexpr auto gels = scipy_LAPACKE_##p##gels_work;     \
    static constexpr auto gelsy = scipy_LAPACKE_##p##gelsy_work;   \
    static constexpr auto gelsd = scipy_LAPACKE_##p##gelsd_work;   \
    static constexpr auto gelss = scipy_LAPACKE_##p##gelss_work;   \
  };
DOVETAIL_LAPACK(float, s, or, sy)
DOVETAIL_LAPACK(double, d, or, sy)
DOVETAIL_LAPACK(Complex<float>, c, un, he)
DOVETAIL_LAPACK(Complex<double>, z, un, he)
#undef DOVETAIL_LAPACK

inline int sterf(int n, float* d, float* e) { return scipy_LAPACKE_ssterf_work(n, d, e); }
inline int sterf(int n, double* d, double* e) { return scipy_LAPACKE_dsterf_work(n, d, e); }

}  // namespace dovetail::cpu
