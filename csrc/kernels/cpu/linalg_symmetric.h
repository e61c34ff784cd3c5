// Eigenvalues and eigenvectors of real symmetric matrices.
#pragma once

#include "dovetail/abi.h"

namespace dovetail::cpu {

constexpr int kLeastSymmetric = 48;  // below, LAPACK's take no longer

// outs: eigenvalues, eigenvectors, info, as linalg_heevd has them.
template <class T>
dt_status symmetric_eigen(dt_kernel_context* ctx, const dt_array* outs, const dt_array& in, bool upper, bool vectors);

}  // namespace dovetail::cpu
