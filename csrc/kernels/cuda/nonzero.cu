// nonzero: chunks are counted, the counts added up, and every chunk writes from where it starts. The result's size must
// be known to the host, so this op waits for the device.
#include "kernels/cuda/elementwise.h"

namespace dovetail::cuda {
namespace {

constexpr int64_t kChunk = 256;

struct Sizes {
  int64_t of[kLayoutDims];
};

template <class T>
dt_status nonzero_kernel(const Call& call) {
  const dt_array& in = call.ins[0];
  if (in.ndim > kLayoutDims) return call.fail(DT_ERR_NOT_IMPLEMENTED, "more than 12 dims on CUDA; flatten() first");
  Space<1> space;
  Sizes sizes;
  for (int d = 0; d < in.ndim; ++d) {
    space.add(in.sizes[d], {in.strides[d]});
    sizes.of[d] = in.sizes[d];
  }
  Layout<1> layout;
  single_layout(space, layout);
  const int64_t n = layout.count, chunks = ceil_div(n, kChunk);
  const T* x = static_cast<const T*>(in.data);
  int64_t* counts = call.workspace<int64_t>(chunks + 1);
  if (!counts) return call.out_of_memory();
  call.for_each(chunks, [=] DOVETAIL_DEVICE(int64_t c) {
    int64_t count = 0;
    for (int64_t i = c * kChunk; i < n && i < (c + 1) * kChunk; ++i) count += x[layout.at(i).of[0]] != T(0);
    counts[c] = count;
  });
  call.for_each(1, [=] DOVETAIL_DEVICE(int64_t) {
    int64_t total = 0;
    for (int64_t c = 0; c <= chunks; ++c) {
      const int64_t count = c < chunks ? counts[c] : 0;
      counts[c] = total;
      total += count;
    }
  });
  int64_t total = 0;
  cudaMemcpyAsync(&total, counts + chunks, sizeof total, cudaMemcpyDeviceToHost, call.stream);
  if (cudaStreamSynchronize(call.stream) != cudaSuccess) return DT_OK;  // reported by who called
  const int64_t shape[2] = {total, in.ndim};
  const int32_t ndim = in.ndim;
  auto* out = static_cast<int64_t*>(call.context->allocate_output(call.context, 0, 2, shape));
  if (!out) return DT_ERR_MEMORY;
  if (ndim == 0) return DT_OK;
  call.for_each(chunks, [=] DOVETAIL_DEVICE(int64_t c) {
    int64_t* to = out + counts[c] * ndim;
    for (int64_t i = c * kChunk; i < n && i < (c + 1) * kChunk; ++i) {
      if (!(x[layout.at(i).of[0]] != T(0))) continue;
      int64_t left = i;
      for (int d = ndim - 1; d >= 0; --d) {
        to[d] = left % sizes.of[d];
        left /= sizes.of[d];
      }
      to += ndim;
    }
  });
  return DT_OK;
}

#define DOVETAIL_ADD(T, dtype) table.add("nonzero", dtype, nonzero_kernel<T>);

}  // namespace

void register_nonzero(KernelTable& table) {
  DOVETAIL_FLOATS(DOVETAIL_ADD)
  DOVETAIL_SIXTEENS(DOVETAIL_ADD)
  DOVETAIL_INTS(DOVETAIL_ADD)
  DOVETAIL_COMPLEXES(DOVETAIL_ADD)
  DOVETAIL_ADD(bool, DT_BOOL)
}

}  // namespace dovetail::cuda
