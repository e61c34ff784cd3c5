// What every form needs of an op's tensor arguments: one device, one dtype, destinations.
#include <algorithm>

#include "core/copy.h"
#include "core/dispatch.h"
#include "core/execute.h"

namespace dovetail {

namespace {

void add_tensor(TensorArgs& out, TensorImpl* t) {
  if (out.count < TensorArgs::kInline) {
    out.inline_items[out.count++] = t;
    return;
  }
  if (out.more.empty()) out.more.assign(out.inline_items, out.inline_items + out.count);
  out.more.push_back(t);
  out.items = out.more.data();
  ++out.count;
}

bool joins_any_device(const TensorImpl& t) { return t.ndim == 0 && t.device.kind == 0; }

[[noreturn]] void two_devices(const Op& op, Device a, Device b) {
  runtime_error(op.name(), ": expected all tensors on one device, got ", device_text(a), " and ", device_text(b),
                "; move one with .to()");
}

}  // namespace

void collect_tensors(const Op& op, const dt_value* args, int n_args, TensorArgs& out) {
  const Schema& schema = op.schema;
  bool settled = false, named = false;
  auto see = [&](TensorImpl* t) {
    add_tensor(out, t);
    if (!t) return;
    if (!settled) {
      out.device = t->device;
      settled = !joins_any_device(*t);
    } else if (__builtin_expect(t->device != out.device, 0) && !joins_any_device(*t)) {
      two_devices(op, out.device, t->device);
    }
  };
  for (int i = 0; i < n_args; ++i) {
    if (args[i].tag == DT_TENSOR) {
      see(args[i].as.tensor);
    } else if (args[i].tag == DT_TENSORS) {
      for (int j = 0; j < args[i].count; ++j) see(args[i].as.tensors[j]);
    } else if (args[i].tag == DT_NONE && schema.args[i].kind == ArgType::tensor) {
      add_tensor(out, nullptr);
    } else if (args[i].tag == DT_DEVICE && out.count == 0) {
      out.device = resolve_device(args[i].as.device);
      check_device(op.name().c_str(), out.device);
      named = true;
    }
  }
  if (out.count == 0 && !named) {
    if (const Device* chosen = default_device()) out.device = resolve_device(*chosen);
  }
}

namespace {

// Higher-ranking tensors keep their dtype unless the other has a higher category.
DType combine(DType high, DType low) {
  if (high < 0) return low;
  if (low < 0 || category(high) >= category(low)) {
    // A complex partner of a float keeps the float's width.
    return high;
  }
  if (is_complex(low) && is_floating(high)) return high == DT_FLOAT64 ? DT_COMPLEX128 : DT_COMPLEX64;
  return promote(high, low);
}

}  // namespace

DType promoted(TensorImpl* const* tensors, int count) {
  DType dims = -1, zero = -1, wrapped = -1;
  for (int i = 0; i < count; ++i) {
    const TensorImpl* t = tensors[i];
    if (!t) continue;
    DType dtype = t->dtype;
    DType* rank = &dims;
    if (t->bits & DT_BIT_WRAPPED) {
      if (is_floating(dtype)) dtype = default_dtype();
      if (is_complex(dtype)) dtype = default_dtype() == DT_FLOAT64 ? DT_COMPLEX128 : DT_COMPLEX64;
      rank = &wrapped;
    } else if (t->ndim == 0) {
      rank = &zero;
    }
    if (rank == &wrapped && dtype == DT_INT64 && wrapped == DT_UINT64) continue;  // numbers of one kind
    if (rank == &wrapped && dtype == DT_UINT64 && wrapped == DT_INT64) wrapped = dtype;
    *rank = *rank < 0 ? dtype : promote(*rank, dtype);
  }
  return combine(dims, combine(zero, wrapped));
}

void check_allowed(const Op& op, DType compute) {
  if (__builtin_expect(op.allowed >> compute & 1, 1)) return;
  type_error(op.name(), ": not defined for dtype ", dtype_name(compute), *op.refuses ? "; " : "", op.refuses);
}

void no_kernel(const Op& op, Device device, const DType* dtypes, int n) {
  std::string text;
  for (int i = 0; i < n; ++i) text += std::string(i ? ", " : "") + dtype_name(dtypes[i]);
  fail(DT_ERR_NOT_IMPLEMENTED, op.name(), ": backend '", backend(device.kind).name, "' has no kernel",
       n ? " for dtype " : "", text, "; cast the inputs, or move them to the CPU with .cpu()");
}

// ---- moving and casting ---------------------------------------------------------------------------------

Tensor as_dtype(TensorImpl* t, DType dtype) { return t->dtype == dtype ? Tensor::borrow(t) : cast_copy(t, dtype); }

Tensor cast_copy(TensorImpl* t, DType dtype) {
  Tensor result = empty(t->ndim, t->sizes(), dtype, t->device);
  copy_into(result.get(), t);
  return result;
}

// ---- destinations ---------------------------------------------------------------------------------------

bool memory_overlaps(const TensorImpl& a, const TensorImpl& b) {
  if (a.storage != b.storage || a.numel == 0 || b.numel == 0) return false;
  auto range = [](const TensorImpl& t, int64_t& low, int64_t& high) {
    low = high = t.offset * itemsize(t.dtype);
    for (int i = 0; i < t.ndim; ++i) {
      const int64_t span = (t.size(i) - 1) * t.stride(i) * itemsize(t.dtype);
      (span < 0 ? low : high) += span;
    }
    high += itemsize(t.dtype);
  };
  int64_t a_low, a_high, b_low, b_high;
  range(a, a_low, a_high);
  range(b, b_low, b_high);
  return a_low < b_high && b_low < a_high;
}

bool overlaps_itself(const TensorImpl& t) {
  if (t.contiguous || t.numel <= 1) return false;
  // Sorted by stride, every dim must step over all that the smaller ones reach.
  std::pair<int64_t, int64_t> dims[DT_MAX_DIMS];
  int n = 0;
  for (int i = 0; i < t.ndim; ++i)
    if (t.size(i) > 1) dims[n++] = {std::abs(t.stride(i)), t.size(i)};
  std::sort(dims, dims + n);
  int64_t reach = 0;
  for (int i = 0; i < n; ++i) {
    if (dims[i].first <= reach) return true;
    reach += dims[i].first * (dims[i].second - 1);
  }
  return false;
}

void check_destination(const Op& op, TensorImpl* destination, int ndim, const int64_t* sizes, DType dtype,
                       Device device) {
  if (destination->device != device)
    runtime_error(op.name(), ": the result is on ", device_text(device), " but the tensor to write is on ",
                  device_text(destination->device), "; give one on ", device_text(device));
  if (!can_cast(dtype, destination->dtype))
    runtime_error(op.name(), ": a result of dtype ", dtype_name(dtype), " can't be written into a tensor of dtype ",
                  dtype_name(destination->dtype), "; cast it first");
  if (destination->bits & DT_BIT_INFERENCE && !thread_state().inference_mode)
    runtime_error(op.name(),
                  ": the tensor to write was made in inference mode and can't be written outside of it; "
                  "clone() it first");
  if (destination->storage->read_only)
    runtime_error(op.name(), ": the tensor to write is over a read-only buffer; clone() it first");
  if (destination->ndim == ndim && std::equal(sizes, sizes + ndim, destination->sizes())) {
    if (overlaps_itself(*destination))
      runtime_error(op.name(), ": several elements of the tensor to write, of shape ", shape_text(*destination),
                    ", share one memory location (an expanded tensor?); clone() it first");
    return;
  }
  if (destination->numel == 0 && destination->ndim == 1 && !destination->base) {  // out=dt.empty(0)
    Tensor fresh = empty(ndim, sizes, destination->dtype, device);
    set_data(destination, fresh.get());
    return;
  }
  value_error(op.name(), ": the result has shape ", shape_text(ndim, sizes), " but the tensor to write has shape ",
              shape_text(*destination));
}

void write_result(const Op& op, TensorImpl* destination, TensorImpl* result) {
  if (destination == result) return;
  check_destination(op, destination, result->ndim, result->sizes(), result->dtype, result->device);
  copy_into(destination, result);
  bump_version(destination);
}

}  // namespace dovetail
