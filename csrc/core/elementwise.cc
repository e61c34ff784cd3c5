// The elementwise form: promote, broadcast, collapse, run one kernel.
#include <algorithm>

#include "core/execute.h"
#include "core/layout.h"

namespace dovetail {

namespace {

constexpr int kMostOperands = 10;

Result result_rule(const Op& op, const dt_value* args) { return op.result_by ? op.result_by(args) : op.result; }

struct Types {
  DType compute, result;
};

Types infer_types(const Op& op, const dt_value* args, DType meet) {
  switch (result_rule(op, args)) {
    case Result::floating:
      if (is_exact(meet)) meet = default_dtype();
      return {meet, meet};
    case Result::boolean:
    case Result::predicate:
      return {meet, DT_BOOL};
    case Result::real:
      return {meet, real_of(meet)};
    case Result::complex:
      return {meet, complex_of(meet)};
    default:
      return {meet, meet};
  }
}

// An input as the kernel will read it: in the compute dtype, on the call's device.
struct Operand {
  Tensor owned;  // a copy, where one was needed
  TensorImpl* t = nullptr;
};

void prepare(const Op& op, Operand& operand, TensorImpl* t, DType compute, Device device) {
  operand.t = t;
  if (t->dtype != compute) {  // a number on the host is cast there
    operand.owned = cast_as_laid(operand.t, compute);
    operand.t = operand.owned.get();
  }
  if (__builtin_expect(t->device != device, 0)) {
    operand.owned = on_device(op.name().c_str(), operand.t, device, true);
    operand.t = operand.owned.get();
  }
}

struct Shape {
  int ndim = 0;
  int64_t sizes[DT_MAX_DIMS];
};

void broadcast_shape(const Op& op, TensorImpl* const* tensors, int count, Shape& shape) {
  for (int k = 0; k < count; ++k)
    if (tensors[k]) shape.ndim = std::max(shape.ndim, tensors[k]->ndim);
  std::fill_n(shape.sizes, shape.ndim, 1);
  for (int k = 0; k < count; ++k) {
    const TensorImpl* t = tensors[k];
    if (!t) continue;
    for (int i = 0; i < t->ndim; ++i) {
      int64_t& size = shape.sizes[shape.ndim - t->ndim + i];
      if (size == t->size(i) || t->size(i) == 1) continue;
      if (size == 1) {
        size = t->size(i);
        continue;
      }
      std::string shapes;
      for (int j = 0; j < count; ++j)
        if (tensors[j]) shapes += (shapes.empty() ? "" : " and ") + shape_text(*tensors[j]);
      value_error(op.name(), ": shapes ", shapes, " do not broadcast (dim ", shape.ndim - t->ndim + i, ": ", size,
                  " against ", t->size(i), ")");
    }
  }
}

bool same_sizes(const TensorImpl& t, int ndim, const int64_t* sizes) {
  return t.ndim == ndim && std::equal(sizes, sizes + ndim, t.sizes());
}

// The iteration space of one call: operands' strides over common sizes, sorted so that the output is walked in memory
// order, neighbours merged.
struct Iteration {
  int ndim = 0;
  int64_t sizes[DT_MAX_DIMS];
  int64_t strides[kMostOperands][DT_MAX_DIMS];
};

void set_strides(Iteration& it, int k, const TensorImpl& t, int ndim) {
  const int lead = ndim - t.ndim;
  for (int i = 0; i < ndim; ++i) it.strides[k][i] = i < lead || t.size(i - lead) == 1 ? 0 : t.stride(i - lead);
}

void swap_dims(Iteration& it, int operands, int a, int b) {
  std::swap(it.sizes[a], it.sizes[b]);
  for (int k = 0; k < operands; ++k) std::swap(it.strides[k][a], it.strides[k][b]);
}

void collapse(Iteration& it, int operands) {
  for (int i = 1; i < it.ndim; ++i)  // insertion sort by the output's stride, largest first
    for (int j = i; j > 0 && std::abs(it.strides[0][j - 1]) < std::abs(it.strides[0][j]); --j)
      swap_dims(it, operands, j - 1, j);
  int last = 0;
  for (int i = 1; i < it.ndim; ++i) {
    bool merges = true;
    for (int k = 0; k < operands && merges; ++k) merges = it.strides[k][last] == it.strides[k][i] * it.sizes[i];
    if (it.sizes[last] == 1 || merges) {
      it.sizes[last] = it.sizes[last] == 1 ? it.sizes[i] : it.sizes[last] * it.sizes[i];
      for (int k = 0; k < operands; ++k) it.strides[k][last] = it.strides[k][i];
    } else if (it.sizes[i] != 1) {
      ++last;
      it.sizes[last] = it.sizes[i];
      for (int k = 0; k < operands; ++k) it.strides[k][last] = it.strides[k][i];
    }
  }
  it.ndim = std::min(it.ndim, last + 1);
}

void run_kernel(const Op& op, const dt_kernel& kernel, TensorImpl* out, Operand* operands, int n_ins, Device device,
                const dt_value* args, int n_args) {
  if (out->numel == 0) return;
  dt_array arrays[kMostOperands];
  Iteration it;
  bool flat = out->contiguous;
  for (int k = 0; k < n_ins && flat; ++k) {
    const TensorImpl* t = operands[k].t;
    flat = !t || t->numel == 1 || (t->contiguous && t->numel == out->numel);
  }
  if (flat) {  // everything lies in order, or is one value: one dim
    it.ndim = out->numel == 1 ? 0 : 1;
    it.sizes[0] = out->numel;
    it.strides[0][0] = 1;
    for (int k = 0; k < n_ins; ++k) it.strides[k + 1][0] = operands[k].t && operands[k].t->numel != 1;
  } else {
    it.ndim = out->ndim;
    std::copy_n(out->sizes(), out->ndim, it.sizes);
    set_strides(it, 0, *out, out->ndim);
    for (int k = 0; k < n_ins; ++k) {
      if (operands[k].t)
        set_strides(it, k + 1, *operands[k].t, out->ndim);
      else
        std::copy_n(it.strides[0], it.ndim, it.strides[k + 1]);  // absent: never in the way
    }
    collapse(it, n_ins + 1);
  }
  arrays[0] = {out->data, it.sizes, it.strides[0], it.ndim, out->dtype};
  for (int k = 0; k < n_ins; ++k) {
    const TensorImpl* t = operands[k].t;
    arrays[k + 1] = t ? dt_array{t->data, it.sizes, it.strides[k + 1], it.ndim, t->dtype} : no_array();
  }
  KernelRun run(op, device);
  run.run(kernel, arrays, 1, arrays + 1, n_ins, args, n_args);
}

// Writing while reading: safe only when an input is the very same elements as the output, or shares none with it.
bool reads_what_it_writes(const TensorImpl& out, TensorImpl* const* tensors, int count) {
  for (int k = 0; k < count; ++k) {
    const TensorImpl* t = tensors[k];
    if (!t || t == &out || t->storage != out.storage || !memory_overlaps(out, *t)) continue;
    const bool same = t->offset == out.offset && same_sizes(*t, out.ndim, out.sizes()) && t->dtype == out.dtype &&
                      std::equal(t->strides(), t->strides() + t->ndim, out.strides());
    if (!same) return true;
  }
  return false;
}

bool all_plain(TensorImpl* const* tensors, int count, const TensorImpl& first) {
  for (int k = 1; k < count; ++k)
    if (!tensors[k] || tensors[k]->dtype != first.dtype || !same_sizes(*tensors[k], first.ndim, first.sizes()))
      return false;
  return true;
}

// ---- small calls ----------------------------------------------------------------------------------------
// The commonest call: one or two contiguous CPU tensors of one shape and dtype, the second perhaps a number, and as
// output a fresh one or one that is like them. Nothing to promote, broadcast, collapse or allocate but the output.

// Whether a destination is written as a fresh output would be.
bool takes_all(const TensorImpl& destination, const TensorImpl& like, DType dtype) {
  return destination.dtype == dtype && destination.contiguous && destination.device.kind == 0 &&
         same_sizes(destination, like.ndim, like.sizes());
}

// A Python number in the dtype of its partner; false where that is another category's business.
bool number_as(const TensorImpl& number, DType dtype, char* out) {
  double value;
  switch (number.dtype) {
    case DT_FLOAT64:
      value = *reinterpret_cast<const double*>(number.data);
      break;
    case DT_INT64:
      value = static_cast<double>(*reinterpret_cast<const int64_t*>(number.data));
      break;
    default:
      return false;
  }
  switch (dtype) {
    case DT_FLOAT32:
      *reinterpret_cast<float*>(out) = static_cast<float>(value);
      return true;
    case DT_FLOAT64:
      *reinterpret_cast<double*>(out) = value;
      return true;
    case DT_INT64:
      if (number.dtype != DT_INT64) return false;
      *reinterpret_cast<int64_t*>(out) = *reinterpret_cast<const int64_t*>(number.data);
      return true;
    default:
      return false;
  }
}

bool try_small(const Op& op, const dt_value* args, int n_args, dt_value* outs) {
  const int n = op.plain_operands;
  TensorImpl* destination = outs[0].tag == DT_TENSOR ? outs[0].as.tensor : nullptr;
  const TensorImpl& a = *args[0].as.tensor;
  if (!a.contiguous || a.device.kind != 0 || a.numel == 0 || a.ndim > kInlineDims || a.bits & DT_BIT_WRAPPED)
    return false;
  alignas(8) char number[8];
  const int64_t one = 1, zero = 0;
  dt_array arrays[3] = {{nullptr, &a.numel, &one, 1, a.dtype}, {a.data, &a.numel, &one, 1, a.dtype}, no_array()};
  if (n == 2) {
    const TensorImpl& b = *args[1].as.tensor;
    arrays[2] = {b.data, &a.numel, &one, 1, a.dtype};
    if (b.bits & DT_BIT_WRAPPED) {
      if (!number_as(b, a.dtype, number)) return false;
      arrays[2].data = number;
      arrays[2].strides = &zero;
    } else if (b.dtype != a.dtype || !b.contiguous || !same_sizes(b, a.ndim, a.sizes()) || b.device.kind != 0) {
      return false;
    }
  }
  const Result rule = result_rule(op, args);
  if (!(op.allowed >> a.dtype & 1) || (rule == Result::floating && is_exact(a.dtype))) return false;
  const dt_kernel kernel = find_kernel(op, 0, &a.dtype, 1);
  if (!kernel.fn) return false;
  DType result = a.dtype;
  if (rule == Result::boolean || rule == Result::predicate)
    result = DT_BOOL;
  else if (__builtin_expect(rule == Result::real || rule == Result::complex, 0))
    result = rule == Result::real ? real_of(a.dtype) : complex_of(a.dtype);
  if (destination) {
    TensorImpl* const inputs[2] = {args[0].as.tensor, n == 2 ? args[1].as.tensor : nullptr};
    if (!takes_all(*destination, a, result) || reads_what_it_writes(*destination, inputs, n)) return false;
    check_destination(op, destination, a.ndim, a.sizes(), result, kCpu);
  }
  Tensor out = destination ? Tensor::borrow(destination) : empty_same_shape(a, result);
  arrays[0].data = out->data;
  arrays[0].dtype = out->dtype;
  KernelRun run(op, kCpu);
  run.run(kernel, arrays, 1, arrays + 1, n, args, n_args);
  if (destination) bump_version(destination);
  put(outs[0], out.release());
  return true;
}

// Numbers aside.
bool of_one_dtype(const TensorArgs& tensors) {
  DType dtype = -1;
  for (int k = 0; k < tensors.count; ++k) {
    const TensorImpl* t = tensors.items[k];
    if (!t || t->bits & DT_BIT_WRAPPED) continue;
    if (dtype >= 0 && t->dtype != dtype) return false;
    dtype = t->dtype;
  }
  return dtype >= 0;
}

}  // namespace

bool try_elementwise(const Op& op, const dt_value* args, int n_args, dt_value* outs) {
  if (op.plain_operands && try_small(op, args, n_args, outs)) return true;
  TensorArgs tensors;
  collect_tensors(op, args, n_args, tensors);
  const int n = tensors.count;
  if (n >= kMostOperands) runtime_error(op.name(), ": too many operands");

  // dtypes
  if (op.foreign && !of_one_dtype(tensors)) return false;  // whether others may meet is the decomposition's business
  const int first = op.condition_first ? 1 : 0;
  DType meet = promoted(tensors.items + first, n - first);
  if (n == 0) {  // a creation op: its dtype argument, else the default
    const int at = op.schema.find_arg("dtype");
    meet = at >= 0 && args[at].tag == DT_DTYPE ? static_cast<DType>(args[at].as.i) : default_dtype();
  }
  check_allowed(op, meet);
  const Types types = infer_types(op, args, meet);
  const dt_kernel kernel = find_kernel(op, tensors.device.kind, &types.compute, 1);
  if (!kernel.fn) return false;

  // shape
  Shape shape;
  if (n == 0) {
    const dt_value& size = args[op.schema.find_arg("size")];
    shape.ndim = size.count;
    checked_numel(op.name().c_str(), size.count, size.as.ints, itemsize(types.result));
    std::copy_n(size.as.ints, size.count, shape.sizes);
  } else if (tensors.items[0] && all_plain(tensors.items, n, *tensors.items[0])) {
    shape.ndim = tensors.items[0]->ndim;
    std::copy_n(tensors.items[0]->sizes(), shape.ndim, shape.sizes);
  } else {
    broadcast_shape(op, tensors.items, n, shape);
  }

  // output
  TensorImpl* destination = outs[0].tag == DT_TENSOR ? outs[0].as.tensor : nullptr;
  if (destination) check_destination(op, destination, shape.ndim, shape.sizes, types.result, tensors.device);
  const bool direct =
      destination && destination->dtype == types.result && !reads_what_it_writes(*destination, tensors.items, n);
  Tensor out = direct ? Tensor::borrow(destination)
                      : empty_in_order_of(tensors.items, n, shape.ndim, shape.sizes, types.result, tensors.device);

  // inputs
  const bool sixteen = types.compute == DT_FLOAT16 || types.compute == DT_BFLOAT16;
  const bool float_number = op.number_in_float && sixteen && tensors.device.kind == 0;  // our kernels compute in float
  Operand operands[kMostOperands];
  for (int k = 0; k < n; ++k) {
    if (!tensors.items[k]) continue;
    DType dtype = types.compute;
    if (op.condition_first && k == 0)
      dtype = DT_BOOL;
    else if (float_number && tensors.items[k]->bits & DT_BIT_WRAPPED)
      dtype = DT_FLOAT32;
    prepare(op, operands[k], tensors.items[k], dtype, tensors.device);
  }

  run_kernel(op, kernel, out.get(), operands, n, tensors.device, args, n_args);
  if (destination) {
    if (!direct) copy_into(destination, out.get());
    bump_version(destination);
    out = Tensor::borrow(destination);
  }
  put(outs[0], out.release());
  return true;
}

// ---- copies ---------------------------------------------------------------------------------------------

namespace {

// Whether elements would be converted again and again: what is broadcast is cast first, and then moved.
bool casts_repeatedly(const TensorImpl& dst, const TensorImpl& src) {
  if (dst.dtype == src.dtype || dst.numel < 1024 || src.numel > dst.numel) return false;
  bool repeats = src.numel < dst.numel;
  for (int i = 0; i < src.ndim && !repeats; ++i) repeats = src.stride(i) == 0 && src.size(i) > 1;
  return repeats;
}

}  // namespace

void copy_into(TensorImpl* dst, TensorImpl* src) {
  static const Op& copy = get_op("copy");
  if (dst->numel == 0) return;
  if (src->bits & DT_BIT_WRAPPED && src->dtype == DT_UINT64) check_fits(item(*src), dst->dtype);
  Tensor moved = on_device("copy", src, dst->device);
  if (casts_repeatedly(*dst, *moved)) moved = cast_as_laid(moved.get(), dst->dtype);
  const DType dtypes[2] = {dst->dtype, moved->dtype};
  const dt_kernel kernel = find_kernel(copy, dst->device.kind, dtypes, 2);
  if (!kernel.fn) no_kernel(copy, dst->device, dtypes, 2);
  Operand operand;
  operand.t = moved.get();
  if (dst->storage == operand.t->storage && dst != operand.t && memory_overlaps(*dst, *operand.t)) {
    operand.owned = empty(operand.t->ndim, operand.t->sizes(), operand.t->dtype, dst->device);
    copy_into(operand.owned.get(), operand.t);
    operand.t = operand.owned.get();
  }
  run_kernel(copy, kernel, dst, &operand, 1, dst->device, nullptr, 0);
}

void run_copy_form(const Op& op, const dt_value* args, dt_value* outs) {
  TensorImpl* self = args[0].as.tensor;
  TensorImpl* src = args[1].as.tensor;
  TensorImpl* destination = outs[0].tag == DT_TENSOR ? outs[0].as.tensor : nullptr;
  if (op.result_by) op.result_by(args);  // it may refuse the arguments
  Shape shape;
  TensorImpl* both[2] = {self, src};
  broadcast_shape(op, both, 2, shape);
  if (!same_sizes(*self, shape.ndim, shape.sizes))
    value_error(op.name(), ": a source of shape ", shape_text(*src), " does not broadcast to shape ",
                shape_text(*self));
  Tensor out;
  if (destination) {
    if (destination->storage->read_only || destination->bits & DT_BIT_INFERENCE || overlaps_itself(*destination) ||
        destination != self)
      check_destination(op, destination, self->ndim, self->sizes(), self->dtype, self->device);
    out = Tensor::borrow(destination);
  } else {
    out = empty_in_order_of(both, 1, shape.ndim, shape.sizes, self->dtype, self->device);
  }
  copy_into(out.get(), src);
  if (destination) bump_version(destination);
  put(outs[0], out.release());
}

}  // namespace dovetail
