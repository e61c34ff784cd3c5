// The lines along one dim of arrays of the same number of dims: what scans, sorts and scatters work along.
#pragma once

#include "kernels/cuda/elementwise.h"

namespace dovetail::cuda {

template <int N>
struct Lines {
  Layout<N> starts;    // of every line, in each array
  int64_t length = 1;  // of a line of the first array
  int64_t step[N];     // along the line

  // Sizes are those of the first array. False: too many dims.
  bool find(const dt_array* const (&arrays)[N], int dim) {
    Space<N> space;
    length = arrays[0]->ndim ? arrays[0]->sizes[dim] : 1;
    for (int k = 0; k < N; ++k) step[k] = arrays[k]->ndim ? arrays[k]->strides[dim] : 0;
    for (int d = 0; d < arrays[0]->ndim; ++d) {
      if (d == dim) continue;
      int64_t strides[N];
      for (int k = 0; k < N; ++k) strides[k] = arrays[k]->ndim ? arrays[k]->strides[d] : 0;
      space.add(arrays[0]->sizes[d], strides);
    }
    return single_layout(space, starts);
  }
};

inline dt_status too_many_dims(const Call& call) {
  return call.fail(DT_ERR_NOT_IMPLEMENTED, "more than 12 dims that do not merge, on CUDA; reshape() the tensor first");
}

}  // namespace dovetail::cuda
