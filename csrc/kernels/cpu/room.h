// Results that a kernel writes one element after the other, wherever they then belong.
#pragma once

#include "kernels/cpu/index_copy.h"

namespace dovetail::cpu {

// Memory for a contiguous result: the array's own, or scratch that `deliver` copies from.
template <class T>
T* room(dt_kernel_context* ctx, const dt_array& out) {
  if (is_contiguous(out)) return static_cast<T*>(out.data);
  return static_cast<T*>(ctx->workspace(ctx, static_cast<size_t>(numel(out)) * sizeof(T) + 1));
}
template <class T>
void deliver(dt_kernel_context* ctx, const dt_array& out, const T* from) {
  if (!is_contiguous(out)) copy_from_contiguous(ctx, out, from);
}

}  // namespace dovetail::cpu
