// Reductions as fixed trees: every result is reduced by `width` threads, each taking every width-th element in order,
// and their partial results again, until one is left. The width follows from the sizes alone, so the same input gives
// the same bits on every device.
//
// A reducer has: type Acc; identity(); take(Acc, element, index), the index counting the reduced elements of one
// result; merge(Acc, Acc); finish(Acc).
#pragma once

#include "kernels/cuda/elementwise.h"

namespace dovetail::cuda {

struct ReducePlan {
  Space<2> kept;     // strides of the input, of the output
  Space<1> reduced;  // strides of the input
  int64_t results = 1, each = 1;
  bool along_rows = true;  // neighbouring elements of the input go into one result

  void keep(int64_t size, int64_t in, int64_t out) {
    kept.add(size, {in, out});
    results *= size;
  }
  void reduce(int64_t size, int64_t in) {
    reduced.add(size, {in});
    each *= size;
  }
  void settle() {
    const int64_t least_kept = kept.ndim ? std::llabs(kept.strides[kept.ndim - 1][0]) : INT64_MAX;
    const int64_t least_reduced = reduced.ndim ? std::llabs(reduced.strides[reduced.ndim - 1][0]) : INT64_MAX;
    along_rows = least_reduced <= least_kept;
  }
};

constexpr int64_t kSerial = 32;  // elements that one thread takes at least, where there are as many
constexpr int64_t kWidest = 1 << 12;

inline int64_t reduce_width(int64_t each) {
  int64_t width = 1;
  while (width < kWidest && each / width > kSerial) width *= 2;
  return width;
}

template <class T, class Out, class R>
void reduce_pass(const Call& call, const Layout<2>& kept, const Layout<1>& reduced, bool along_rows, int64_t width,
                 const T* in, Out* out, typename R::Acc* partial, R r) {
  const int64_t results = kept.count, each = reduced.count;
  call.for_each(results * width, [=] DOVETAIL_DEVICE(int64_t i) {
    const int64_t result = along_rows ? i / width : i % results, lane = along_rows ? i % width : i / results;
    const Offsets<2> at = kept.at(result);
    typename R::Acc acc = r.identity();
    for (int64_t k = lane; k < each; k += width) acc = r.take(acc, load(in + at.of[0] + reduced.at(k).of[0]), k);
    if (width == 1)
      out[at.of[1]] = static_cast<Out>(r.finish(acc));
    else
      partial[result * width + lane] = acc;
  });
}

template <class Out, class R>
void merge_pass(const Call& call, const Layout<2>& kept, int64_t width, int64_t narrower,
                const typename R::Acc* partial, typename R::Acc* next, Out* out, R r) {
  call.for_each(kept.count * narrower, [=] DOVETAIL_DEVICE(int64_t i) {
    const int64_t result = i / narrower, lane = i % narrower;
    typename R::Acc acc = partial[result * width + lane];
    for (int64_t k = lane + narrower; k < width; k += narrower) acc = r.merge(acc, partial[result * width + k]);
    if (narrower == 1)
      out[kept.at(result).of[1]] = static_cast<Out>(r.finish(acc));
    else
      next[i] = acc;
  });
}

template <class T, class Out, class R>
dt_status reduce(const Call& call, ReducePlan& plan, const void* in, void* out, R r) {
  using Acc = typename R::Acc;
  plan.settle();
  Layout<2> kept;
  Layout<1> reduced;
  if (!single_layout(plan.kept, kept) || !single_layout(plan.reduced, reduced))
    return call.fail(DT_ERR_NOT_IMPLEMENTED, "a tensor that needs more than 12 strides on CUDA; make it contiguous()");
  if (kept.count == 0) return DT_OK;
  int64_t width = reduce_width(reduced.count);
  Acc *partial = nullptr, *next = nullptr;
  if (width > 1) {
    partial = call.workspace<Acc>(kept.count * width);
    next = call.workspace<Acc>(kept.count * ceil_div(width, kSerial));
    if (!partial || !next) return call.out_of_memory();
  }
  Out* result = static_cast<Out*>(out);
  reduce_pass(call, kept, reduced, plan.along_rows, width, static_cast<const T*>(in), result, partial, r);
  while (width > 1) {
    const int64_t narrower = width > kSerial ? width / kSerial : 1;
    merge_pass(call, kept, width, narrower, partial, next, result, r);
    std::swap(partial, next);
    width = narrower;
  }
  return DT_OK;
}

// A kernel function: one input; the output has its dims, with stride 0 on those that are reduced.
template <class T, class Out, class R>
dt_status reduce_kernel(const Call& call) {
  const dt_array &out = call.outs[0], &in = call.ins[0];
  ReducePlan plan;
  for (int d = 0; d < in.ndim; ++d) {
    if (out.strides[d] == 0)
      plan.reduce(in.sizes[d], in.strides[d]);
    else
      plan.keep(in.sizes[d], in.strides[d], out.strides[d]);
  }
  return reduce<T, Out>(call, plan, in.data, out.data, R());
}

}  // namespace dovetail::cuda
