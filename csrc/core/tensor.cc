#include "core/tensor.h"

#include <algorithm>

#include "core/backend.h"
#include "core/dispatch.h"
#include "core/freelist.h"

namespace dovetail {

void (*release_pyobj)(TensorImpl* t) = nullptr;

// ---- making and destroying ------------------------------------------------------------------------------

namespace {

// The bits that this thread's new tensors begin with.
__thread uint32_t fresh_bits = 0;

}  // namespace

void mark_fresh_tensors(uint32_t bits) noexcept { fresh_bits = bits; }

namespace {

inline TensorImpl* take_impl(int ndim) {
  if (ndim > DT_MAX_DIMS) value_error("tensor: ", ndim, " dims are more than the ", DT_MAX_DIMS, " there may be");
  TensorImpl* t = thread_free_list<TensorImpl>().take();
  t->ndim = ndim;
  t->bits = fresh_bits;
  t->dims = ndim <= kInlineDims ? t->inline_dims : new int64_t[2 * ndim];
  return t;
}

// Writes sizes and strides, and what follows from them. Sizes of 0 count as 1 here: no product of some of a tensor's
// sizes overflows, whichever a loop takes.
inline void set_geometry(TensorImpl* t, const int64_t* sizes, const int64_t* strides) {
  const int ndim = t->ndim;
  int64_t* const dims = t->dims;
  int64_t span = 1;
  bool contiguous = true, overflow = false, empty = false;
  for (int i = ndim - 1; i >= 0; --i) {
    const int64_t size = dims[i] = sizes[i], stride = dims[ndim + i] = strides[i];
    contiguous &= size == 1 || stride == span;
    empty |= size == 0;
    overflow |= __builtin_mul_overflow(span, size + (size == 0), &span);
  }
  if (__builtin_expect(overflow, 0))
    value_error("view: a tensor of shape ", shape_text(ndim, dims), " has more elements than can be counted");
  t->numel = empty ? 0 : span;
  t->contiguous = contiguous || empty;
}

inline Tensor over(Storage* storage, int ndim, const int64_t* sizes, const int64_t* strides, int64_t offset,
                   DType dtype) {
  Tensor result = Tensor::steal(take_impl(ndim));
  TensorImpl* t = result.get();
  t->dtype = dtype;
  t->device = storage->device;
  t->offset = offset;
  t->storage = storage;
  retain(storage);
  t->data = storage->data ? static_cast<char*>(storage->data) + offset * itemsize(dtype) : nullptr;
  set_geometry(t, sizes, strides);
  return result;
}

}  // namespace

TensorImpl* new_impl(int ndim) { return take_impl(ndim); }

void destroy(TensorImpl* t) noexcept {
  if (t->owns_pyobj && release_pyobj) {
    release_pyobj(t);
    if (t->refs.load(std::memory_order_acquire) > 0) return;  // a weak reference took the wrapper up again
  }
  // A base is never itself a view, so this recurses once at most.
  if (dt_slot* slot = t->slot.load(std::memory_order_acquire)) {
    t->slot.store(nullptr, std::memory_order_relaxed);
    slot->destroy(slot);
  }
  if (t->grad) release(t->grad);
  if (t->base) release(t->base);
  release(t->storage);
  if (t->dims != t->inline_dims) delete[] t->dims;
  thread_free_list<TensorImpl>().give(t);
}

Tensor empty(int ndim, const int64_t* sizes, DType dtype, Device device) {
  const int64_t item = itemsize(dtype);
  if (device.kind != 0) check_device("empty", device = resolve_device(device));
  Tensor result = Tensor::steal(take_impl(ndim));
  TensorImpl* t = result.get();
  int64_t* const dims = t->dims;
  int64_t span = 1, bytes, signs = 0;
  bool overflow = false, empty = false;
  for (int i = ndim - 1; i >= 0; --i) {
    const int64_t size = dims[i] = sizes[i];
    dims[ndim + i] = span;
    signs |= size;
    empty |= size == 0;
    overflow |= __builtin_mul_overflow(span, size + (size == 0), &span);
  }
  if (__builtin_expect(overflow | (signs < 0) | __builtin_mul_overflow(span, item, &bytes), 0))
    checked_numel("empty", ndim, sizes, item);  // says what is wrong
  const int64_t numel = empty ? 0 : span;
  t->dtype = dtype;
  t->device = device;
  t->numel = numel;
  t->storage = new_storage(device, static_cast<size_t>(numel * item));
  t->data = static_cast<char*>(t->storage->data);
  return result;
}

Tensor empty_same_shape(const TensorImpl& like, DType dtype) {
  Tensor result = Tensor::steal(take_impl(like.ndim));
  TensorImpl* t = result.get();
  copy_dims(like.dims, 2 * like.ndim, t->dims);
  t->dtype = dtype;
  t->numel = like.numel;
  t->storage = new_storage(kCpu, static_cast<size_t>(like.numel * itemsize(dtype)));
  t->data = static_cast<char*>(t->storage->data);
  return result;
}

Tensor over_storage(Storage* storage, int ndim, const int64_t* sizes, const int64_t* strides, int64_t offset,
                    DType dtype) {
  return over(storage, ndim, sizes, strides, offset, dtype);
}

Tensor make_view_as(TensorImpl* of, DType dtype, int ndim, const int64_t* sizes, const int64_t* strides,
                    int64_t offset) {
  Tensor view = over(of->storage, ndim, sizes, strides, offset, dtype);
  const uint32_t kept = of->bits & (DT_BIT_INFERENCE | DT_BIT_SHELL | kViewWithoutGrad);
  view->bits = thread_state().grad_mode ? kept : kept | kViewWithoutGrad;
  view->base = of->base ? of->base : of;
  retain(view->base);
  view->own_version = of->own_version;
  if (view->bits & kViewWithoutGrad && !view->own_version)  // when it was made; see api.cc
    view->private_version.store(view->version().load(std::memory_order_relaxed), std::memory_order_relaxed);
  return view;
}

Tensor detach(TensorImpl* of) {
  Tensor result = over_storage(of->storage, of->ndim, of->sizes(), of->strides(), of->offset, of->dtype);
  result->bits = of->bits & (DT_BIT_INFERENCE | DT_BIT_SHELL);
  if (of->own_version) {  // the counter lives in `of`
    result->own_version = true;
    result->base = of->base ? of->base : of;
    retain(result->base);
  }
  return result;
}

Tensor detach_private(TensorImpl* of) {
  Tensor result = over_storage(of->storage, of->ndim, of->sizes(), of->strides(), of->offset, of->dtype);
  result->bits = of->bits & (DT_BIT_INFERENCE | DT_BIT_SHELL);
  result->own_version = true;
  return result;
}

Tensor shell(int ndim, const int64_t* sizes, const int64_t* strides, int64_t offset, DType dtype, Device device) {
  checked_numel("shell", ndim, sizes, itemsize(dtype));
  Storage* storage = new_storage(device, 0);
  Tensor result = over_storage(storage, ndim, sizes, strides, offset, dtype);
  release(storage);
  result->bits = DT_BIT_SHELL;
  return result;
}

void no_value(const std::string& who) {
  runtime_error(
      who,
      ": a tensor of vmap has no value of its own: inside the function that vmap maps its value can't be read "
      "as Python numbers or memory, and outside of it the tensor means nothing; return it from the function");
}

void set_data(TensorImpl* t, TensorImpl* from) {
  if (t == from) return;
  check_value("data", *t);
  check_value("data", *from);
  int64_t* dims = from->ndim <= kInlineDims ? t->inline_dims : new int64_t[2 * from->ndim];
  retain(from->storage);
  release(t->storage);
  if (t->dims != t->inline_dims && t->dims != dims) delete[] t->dims;
  t->dims = dims;
  copy_dims(from->dims, 2 * from->ndim, dims);
  t->ndim = from->ndim;
  t->dtype = from->dtype;
  t->device = from->device;
  t->contiguous = from->contiguous;
  t->numel = from->numel;
  t->offset = from->offset;
  t->storage = from->storage;
  t->data = from->data;
}

void set_grad(TensorImpl* t, TensorImpl* grad) {
  if (grad) retain(grad);
  TensorImpl* old = std::exchange(t->grad, grad);
  if (old) release(old);
}

void set_slot(TensorImpl* t, dt_slot* slot) {
  dt_slot* old = t->slot.load(std::memory_order_relaxed);
  t->slot.store(slot, std::memory_order_release);
  if (old) old->destroy(old);
}

// ---- versions -------------------------------------------------------------------------------------------

namespace {
std::atomic<WriteObserver> write_observer{nullptr};
}

bool tell_of_write(TensorImpl* t, int64_t version, bool again) {
  const WriteObserver observer = write_observer.load(std::memory_order_acquire);
  if (!observer || t->own_version || !t->storage->watched.exchange(false, std::memory_order_relaxed)) return again;
  observer(t->storage, version, again);
  return true;
}

void set_write_observer(WriteObserver observer) { write_observer.store(observer, std::memory_order_release); }

// ---- geometry -------------------------------------------------------------------------------------------

void update_contiguous(TensorImpl* t) { set_geometry(t, t->sizes(), t->strides()); }

void contiguous_strides(int ndim, const int64_t* sizes, int64_t* strides) {
  int64_t step = 1;
  for (int i = ndim - 1; i >= 0; --i) {
    strides[i] = step;
    __builtin_mul_overflow(step, std::max<int64_t>(sizes[i], 1), &step);  // too many are refused elsewhere
  }
}

int64_t checked_numel(const char* who, int ndim, const int64_t* sizes, int64_t itemsize) {
  int64_t span = itemsize;
  bool overflow = false, empty = false;
  for (int i = 0; i < ndim; ++i) {
    if (__builtin_expect(sizes[i] < 0, 0))
      value_error(who, ": sizes must not be negative, got ", shape_text(ndim, sizes));
    empty |= sizes[i] == 0;
    overflow |= __builtin_mul_overflow(span, sizes[i] + (sizes[i] == 0), &span);
  }
  if (overflow)
    fail(DT_ERR_MEMORY, who, ": a tensor of shape ", shape_text(ndim, sizes), " has more bytes than can be addressed");
  return empty ? 0 : span / itemsize;
}

std::string shape_text(int ndim, const int64_t* sizes) {
  std::string text = "(";
  for (int i = 0; i < ndim; ++i) {
    if (i) text += ", ";
    text += std::to_string(sizes[i]);
  }
  return text + (ndim == 1 ? ",)" : ")");
}

std::string describe(const TensorImpl& t) {
  return std::string(dtype_name(t.dtype)) + " " + shape_text(t) + " on " + device_text(t.device);
}

void dim_out_of_range(const char* who, int64_t dim, int ndim) {
  const int64_t range = std::max(ndim, 1);
  index_error(who, ": dim ", dim, " is out of range for a tensor of ", ndim, " dims (expected ", -range, " to ",
              range - 1, ")");
}

}  // namespace dovetail
