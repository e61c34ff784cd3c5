// Eigenvalues and eigenvectors of real symmetric matrices.
#pragma once

#include "dovetail/abi.h"

namespace dovetail::cpu {

// Of smaller matrices LAPACK's take no longer.
constexpr int least_symmetric(bool vectors) { return vectors ? 8 : 32; }

// outs: eigenvalues, eigenvectors, info, as linalg_heevd has them.
template <class T>
dt_status symmetric_eigen(dt_kernel_context* ctx, const dt_array* outs, const dt_array& in, bool upper, bool vectors);

}  // namespace dovetail::cpu
