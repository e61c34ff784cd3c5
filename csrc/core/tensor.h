// TensorImpl and Storage: what a tensor is.
//
// A tensor is geometry (sizes, strides, offset, dtype) over a reference-counted storage. It is usable without the
// GIL; its one Python wrapper, its gradient and its extension slot hang on it as opaque pointers.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <utility>
#include <vector>

#include "core/dtype.h"
#include "core/error.h"
#include "dovetail/abi.h"

struct _object;

namespace dovetail {

using Device = dt_device;
inline bool operator==(Device a, Device b) { return a.kind == b.kind && a.index == b.index; }
inline bool operator!=(Device a, Device b) { return !(a == b); }
constexpr Device kCpu{0, 0};

// A block of memory that tensors share. Versions count writes (see TensorImpl::version).
struct Storage {
  std::atomic<int32_t> refs{1};
  Device device{};
  void* data = nullptr;
  size_t bytes = 0;
  std::atomic<int64_t> version{0};
  std::atomic<int32_t> exports{0};   // live buffers, NumPy arrays and DLPack capsules: no resizing while there are any
  bool read_only = false;            // borrowed from a read-only buffer
  std::atomic<bool> watched{false};  // someone wants to know who writes next (see kWatched)
  void (*release)(Storage*) = nullptr;  // for foreign memory; null: the device's allocator
  void* context = nullptr;              // release's own
};

Storage* new_storage(Device device, size_t bytes);  // uninitialised; throws
inline void retain(Storage* storage) { storage->refs.fetch_add(1, std::memory_order_relaxed); }
void release(Storage* storage) noexcept;

constexpr int kInlineDims = 6;

// What a tensor is marked with. Threads may look while one changes it.
class Bits {
 public:
  operator uint32_t() const { return value_.load(std::memory_order_relaxed); }
  Bits& operator=(uint32_t value) {  // of a tensor that nobody else has yet
    value_.store(value, std::memory_order_relaxed);
    return *this;
  }
  Bits& operator=(const Bits&) = delete;
  void change(uint32_t set, uint32_t clear) {
    uint32_t old = *this;
    while (!value_.compare_exchange_weak(old, (old & ~clear) | set, std::memory_order_relaxed)) {
    }
  }

 private:
  std::atomic<uint32_t> value_{0};
};

}  // namespace dovetail

struct dt_tensor {
  std::atomic<int32_t> refs{1};
  dovetail::Bits bits;
  int32_t dtype = DT_FLOAT32;
  dt_device device{};
  int32_t ndim = 0;
  bool contiguous = true;
  bool own_version = false;  // `.data`: writes through it are not seen by those who watch the storage's version
  bool owns_pyobj = false;   // the wrapper lives because the impl does (Python dropped it first)
  int64_t numel = 1;
  int64_t offset = 0;  // in elements
  dovetail::Storage* storage = nullptr;
  char* data = nullptr;     // storage->data + offset * itemsize
  int64_t* dims = nullptr;  // sizes, then strides; inline_dims unless there are many
  int64_t inline_dims[2 * dovetail::kInlineDims];
  dt_tensor* base = nullptr;  // the non-view tensor this is a view of, owned
  std::atomic<int64_t> private_version{0};
  _object* pyobj = nullptr;
  dt_tensor* grad = nullptr;
  std::atomic<dt_slot*> slot{nullptr};  // made while others may look

  const int64_t* sizes() const { return dims; }
  const int64_t* strides() const { return dims + ndim; }
  int64_t size(int i) const { return dims[i]; }
  int64_t stride(int i) const { return dims[ndim + i]; }
  dovetail::Device dev() const { return device; }
  std::atomic<int64_t>& version() {
    if (!own_version) return storage->version;
    return base && base->own_version ? base->private_version : private_version;
  }
};

namespace dovetail {

using TensorImpl = dt_tensor;

// An owning pointer to a tensor.
class Tensor {
 public:
  Tensor() = default;
  Tensor(std::nullptr_t) {}
  static Tensor steal(TensorImpl* impl) {
    Tensor t;
    t.impl_ = impl;
    return t;
  }
  static Tensor borrow(TensorImpl* impl) {
    if (impl) impl->refs.fetch_add(1, std::memory_order_relaxed);
    return steal(impl);
  }
  Tensor(const Tensor& other) : Tensor(borrow(other.impl_)) {}
  Tensor(Tensor&& other) noexcept : impl_(std::exchange(other.impl_, nullptr)) {}
  Tensor& operator=(Tensor other) noexcept {
    std::swap(impl_, other.impl_);
    return *this;
  }
  ~Tensor();
  TensorImpl* get() const { return impl_; }
  TensorImpl* release() { return std::exchange(impl_, nullptr); }
  TensorImpl* operator->() const { return impl_; }
  TensorImpl& operator*() const { return *impl_; }
  explicit operator bool() const { return impl_ != nullptr; }

 private:
  TensorImpl* impl_ = nullptr;
};

// Reference counting. release_tensor destroys at zero, without recursion through `base`.
inline void retain(TensorImpl* t) { t->refs.fetch_add(1, std::memory_order_relaxed); }
void destroy(TensorImpl* t) noexcept;
// Takes one away; whether it was the last. The only reference has nobody to race with, and needs no locked instruction.
inline bool drop_reference(std::atomic<int32_t>& refs) noexcept {
  if (refs.load(std::memory_order_acquire) != 1) return refs.fetch_sub(1, std::memory_order_acq_rel) == 1;
  refs.store(0, std::memory_order_relaxed);
  return true;
}
inline void release(TensorImpl* t) noexcept {
  if (t && drop_reference(t->refs)) destroy(t);
}
inline Tensor::~Tensor() { dovetail::release(impl_); }

// Bindings hook: drop the wrapper that the impl owns (takes the GIL).
extern void (*release_pyobj)(TensorImpl* t);

// From now on this thread's new tensors have these bits (DT_BIT_INFERENCE in inference mode).
void mark_fresh_tensors(uint32_t bits) noexcept;
// New tensors. Throw Error (negative sizes, overflow) also for want of memory.
TensorImpl* new_impl(int ndim);  // geometry unset; dims points to room for it
Tensor empty(int ndim, const int64_t* sizes, DType dtype, Device device);
inline Tensor empty(std::initializer_list<int64_t> sizes, DType dtype, Device device = kCpu) {
  return empty(static_cast<int>(sizes.size()), sizes.begin(), dtype, device);
}
// A fresh contiguous CPU tensor with the sizes of a contiguous one; what every small op makes.
Tensor empty_same_shape(const TensorImpl& like, DType dtype);
// A view of `of` with other geometry: shares storage and version; its base is of's base, or `of`.
// Elements of another dtype are those that sizes, strides and offset count.
Tensor make_view_as(TensorImpl* of, DType dtype, int ndim, const int64_t* sizes, const int64_t* strides,
                    int64_t offset);
inline Tensor make_view(TensorImpl* of, int ndim, const int64_t* sizes, const int64_t* strides, int64_t offset) {
  return make_view_as(of, of->dtype, ndim, sizes, strides, offset);
}
Tensor detach(TensorImpl* of);          // shares the version
Tensor detach_private(TensorImpl* of);  // `.data`: its own version
Tensor over_storage(Storage* storage, int ndim, const int64_t* sizes, const int64_t* strides, int64_t offset,
                    DType dtype);
// Geometry without memory, for a layer that keeps the value elsewhere.
Tensor shell(int ndim, const int64_t* sizes, const int64_t* strides, int64_t offset, DType dtype, Device device);
// For those who need a tensor's memory. Throws Error, `who` first.
[[noreturn]] void no_value(const std::string& who);
inline void check_value(const char* who, const TensorImpl& t) {
  if (__builtin_expect(t.bits & DT_BIT_SHELL, 0)) no_value(who);
}
// `t.data = from`: t takes over from's storage and geometry.
void set_data(TensorImpl* t, TensorImpl* from);
void set_grad(TensorImpl* t, TensorImpl* grad);
void set_slot(TensorImpl* t, dt_slot* slot);

// Geometry.
// Sizes or strides from one place to another. They are few: a call of memmove would take longer.
inline void copy_dims(const int64_t* from, int count, int64_t* to) {
  for (int i = 0; i < count; ++i) to[i] = from[i];
}
void update_contiguous(TensorImpl* t);
void contiguous_strides(int ndim, const int64_t* sizes, int64_t* strides);
int64_t checked_numel(const char* who, int ndim, const int64_t* sizes, int64_t itemsize);  // throws Error
std::string shape_text(int ndim, const int64_t* sizes);                                    // "(2, 3)", "(4,)", "()"
inline std::string shape_text(const TensorImpl& t) { return shape_text(t.ndim, t.sizes()); }
std::string describe(const TensorImpl& t);  // "float32 (2, 3) on cpu"
[[noreturn]] void dim_out_of_range(const char* who, int64_t dim, int ndim);
inline int wrap_dim(const char* who, int64_t dim, int ndim) {  // -1 -> ndim-1; throws IndexError
  const int64_t range = ndim > 0 ? ndim : 1;
  if (__builtin_expect(dim < -range || dim >= range, 0)) dim_out_of_range(who, dim, ndim);
  return static_cast<int>(dim < 0 ? dim + range : dim);
}

// Bits that core and autograd share beyond those of the C header; abi.hpp has them for autograd.
// A view made while grad mode was off.
constexpr uint32_t kViewWithoutGrad = uint32_t{1} << 30;
// Never found on a tensor: setting it has the next write to the tensor's memory told to the observer.
constexpr uint32_t kWatched = uint32_t{1} << 31;

// Tells the observer if the write was waited for. `again`: it was told of the same write, of another tensor; returned
// is whether it has been by now.
bool tell_of_write(TensorImpl* t, int64_t version, bool again);
inline bool bump_version(TensorImpl* t, bool again = false) {
  const int64_t before = t->version().fetch_add(1, std::memory_order_relaxed);
  if (__builtin_expect(t->storage->watched.load(std::memory_order_relaxed), 0)) return tell_of_write(t, before, again);
  return again;
}
using WriteObserver = void (*)(const void* memory, int64_t version, int32_t again);
void set_write_observer(WriteObserver observer);

}  // namespace dovetail
