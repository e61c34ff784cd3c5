// The reduction form: dims and dtypes from the op's rule, dims collapsed, one kernel.
#include <algorithm>

#include "core/execute.h"
#include "core/layout.h"

namespace dovetail {

namespace {

struct Types {
  DType compute, result;
};

Types infer_types(const Op& op, const dt_value* args, DType dtype) {
  const int at = op.schema.find_arg("dtype");
  const bool asked = at >= 0 && args[at].tag == DT_DTYPE;
  if (asked) dtype = static_cast<DType>(args[at].as.i);
  switch (op.reduced) {
    case Reduced::sum:
      if (!asked) dtype = summed_dtype(dtype);
      return {dtype, dtype};
    case Reduced::floating:
      if (is_exact(dtype))
        type_error(op.name(), ": expected a floating-point dtype, got ", dtype_name(dtype),
                   at >= 0 ? "; pass dtype=dt.float32 or cast first" : "; cast the input first");
      return {dtype, dtype};
    case Reduced::boolean:  // PyTorch's bool was once uint8: what is asked in it is answered in it
      return {dtype, dtype == DT_UINT8 ? DT_UINT8 : DT_BOOL};
    case Reduced::index:
      return {dtype, DT_INT64};
    default:
      return {dtype, dtype};
  }
}

// Which dims are reduced. None given means all, and so does an empty list, but in `any` and `all`, which take it at its
// word: every element by itself.
void reduced_dims(const Op& op, const dt_value* args, int ndim, bool* reduced) {
  const int at = op.schema.find_arg("dim");
  const dt_value dims = at >= 0 ? args[at] : box_none();
  if (dims.tag == DT_INT) {
    std::fill_n(reduced, ndim, false);
    const int d = wrap_dim(op.name().c_str(), dims.as.i, ndim);
    if (ndim) reduced[d] = true;
    return;
  }
  const bool all = dims.tag == DT_NONE || (dims.count == 0 && op.reduced != Reduced::boolean);
  std::fill_n(reduced, ndim, all);
  if (all) return;
  for (int i = 0; i < dims.count; ++i) {
    const int d = wrap_dim(op.name().c_str(), dims.as.ints[i], ndim);
    if (ndim == 0) continue;
    if (reduced[d]) value_error(op.name(), ": dim ", d, " appears twice in the dims to reduce");
    reduced[d] = true;
  }
}

// The input's dims, largest stride first (and before all what is broadcast: it is read again and again), neighbours of
// one kind merged; the output has stride 0 where reduced.
struct Collapsed {
  int ndim = 0;
  int64_t sizes[DT_MAX_DIMS], in[DT_MAX_DIMS], out[DT_MAX_DIMS];

  void add(int64_t size, int64_t in_stride, int64_t out_stride, bool is_reduced) {
    if (ndim > 0 && is_reduced == kind_[ndim - 1] && in[ndim - 1] == in_stride * size &&
        (is_reduced || out[ndim - 1] == out_stride * size)) {
      sizes[ndim - 1] *= size;
      in[ndim - 1] = in_stride;
      out[ndim - 1] = out_stride;
      return;
    }
    sizes[ndim] = size;
    in[ndim] = in_stride;
    out[ndim] = out_stride;
    kind_[ndim++] = is_reduced;
  }

 private:
  bool kind_[DT_MAX_DIMS];
};

int64_t reach(const TensorImpl& t, int d) { return t.stride(d) == 0 ? INT64_MAX : std::abs(t.stride(d)); }

void collapse(const TensorImpl& t, const bool* reduced, const int64_t* out_strides, Collapsed& c) {
  int order[DT_MAX_DIMS];
  for (int i = 0; i < t.ndim; ++i) order[i] = i;
  if (!t.contiguous) std::stable_sort(order, order + t.ndim, [&](int a, int b) { return reach(t, a) > reach(t, b); });
  for (int k = 0; k < t.ndim; ++k) {
    const int i = order[k];
    if (t.size(i) != 1) c.add(t.size(i), t.stride(i), reduced[i] ? 0 : out_strides[i], reduced[i]);
  }
}

// Whether the CPU has a kernel that reads this dtype without a copy in the one to compute in (sums of bools).
bool reads(const Op& op, const TensorImpl& self, DType compute, dt_kernel& kernel) {
  if (self.device != kCpu) return false;
  const DType pair[2] = {compute, self.dtype};
  const dt_kernel own = find_kernel(op, 0, pair, 2);
  return own.fn != kernel.fn && (kernel = own, true);
}

}  // namespace

bool try_reduction(const Op& op, const dt_value* args, int n_args, dt_value* outs) {
  TensorImpl* self = args[0].as.tensor;
  Types types = infer_types(op, args, self->dtype);
  check_allowed(op, types.compute);
  bool reduced[DT_MAX_DIMS];
  reduced_dims(op, args, self->ndim, reduced);
  const int keep_at = op.schema.find_arg("keepdim");
  const bool keepdim = keep_at >= 0 && args[keep_at].as.i;

  int64_t sizes[DT_MAX_DIMS];
  int ndim = 0;
  bool empty_extent = false;
  for (int i = 0; i < self->ndim; ++i) {
    if (!reduced[i])
      sizes[ndim++] = self->size(i);
    else if (keepdim)
      sizes[ndim++] = 1;
    empty_extent |= reduced[i] && self->size(i) == 0;
  }
  if (empty_extent && op.reduced == Reduced::same)
    index_error(op.name(), ": an empty extent of a tensor of shape ", shape_text(*self), " has no ", op.name(),
                "; reduce a dim that is not empty");

  dt_kernel kernel = find_kernel(op, self->device.kind, &types.compute, 1);
  if (!kernel.fn) return false;
  const bool reads_as_is = self->dtype != types.compute && reads(op, *self, types.compute, kernel);

  TensorImpl* destination = outs[0].tag == DT_TENSOR ? outs[0].as.tensor : nullptr;
  if (destination && destination->dtype == DT_BOOL && op.reduced == Reduced::boolean) types.result = DT_BOOL;
  if (destination) check_destination(op, destination, ndim, sizes, types.result, self->device);
  const bool direct = destination && destination->dtype == types.result && !memory_overlaps(*destination, *self);
  Tensor out = direct ? Tensor::borrow(destination) : empty(ndim, sizes, types.result, self->device);
  Tensor in = reads_as_is || self->dtype == types.compute ? Tensor::borrow(self) : cast_as_laid(self, types.compute);

  if (out->numel > 0) {
    int64_t out_strides[DT_MAX_DIMS];
    for (int i = 0, j = 0; i < self->ndim; ++i) {
      out_strides[i] = reduced[i] ? 0 : out->stride(j);
      j += !reduced[i] || keepdim;
    }
    Collapsed c;
    collapse(*in, reduced, out_strides, c);
    const DType written = op.reduced == Reduced::boolean ? DT_BOOL : out->dtype;  // of the same bytes as uint8
    const dt_array arrays[2] = {{out->data, c.sizes, c.out, c.ndim, written},
                                {in->data, c.sizes, c.in, c.ndim, in->dtype}};
    KernelRun run(op, self->device);
    run.run(kernel, arrays, 1, arrays + 1, 1, args, n_args);
  }
  if (destination) {
    if (!direct) copy_into(destination, out.get());
    bump_version(destination);
    out = Tensor::borrow(destination);
  }
  put(outs[0], out.release());
  return true;
}

}  // namespace dovetail
