// A C++17 wrapper over the C table in abi.h, for everything that is compiled against Dovetail: autograd, backends,
// third-party plug-ins. Header only; nothing of tensor-core is linked.
//
//   dt::init(table);                       // once, with what the capsule holds (abi_python.hpp fetches it)
//   const dt::Op tanh{"tanh"};             // an op by name, looked up on its first call
//   dt::Tensor y = 1.0 - tanh(x) * tanh(x);
//
// A failing call throws dt::Error, which carries the library's error, a Python exception included, unchanged. A
// function that the library calls returns `dt::guarded([&] { ... })`, which turns an exception back into a dt_status.
#pragma once

#include <array>
#include <atomic>
#include <exception>
#include <initializer_list>
#include <memory>
#include <new>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "dovetail/abi.h"

namespace dt {

// ---- the table ------------------------------------------------------------------------------------------

// Variables of this header are hidden, so that two clients in one process never share one.
#define DT_HIDDEN __attribute__((visibility("hidden")))

namespace detail {
DT_HIDDEN inline const dt_api* table = nullptr;
}
inline void init(const dt_api* table) { detail::table = table; }
inline const dt_api& api() { return *detail::table; }

// ---- errors ---------------------------------------------------------------------------------------------

class Error : public std::exception {
 public:
  Error(dt_status status, std::string message) : status_(status), message_(std::move(message)) {}

  // What a failed call left in the thread's slot. It is taken out, so that code which runs while the exception unwinds
  // (a Python destructor, say) can't overwrite it.
  static Error from_slot(dt_status status) {
    const char* message = api().error_message();
    Error error(status, message ? message : "");
    error.taken_ = std::make_shared<Taken>(api().take_error());
    return error;
  }

  const char* what() const noexcept override { return message_.c_str(); }
  dt_status status() const { return status_; }

  // Put it into the thread's slot: what a function that the library called does before it returns the status.
  dt_status restore() const noexcept {
    if (taken_ && taken_->error) return api().restore_error(std::exchange(taken_->error, nullptr));
    return api().set_error(status_, message_.c_str());
  }

 private:
  struct Taken {
    explicit Taken(dt_error* error) : error(error) {}
    ~Taken() {
      if (!error) return;
      api().restore_error(error);
      api().clear_error();
    }
    dt_error* error;
  };

  dt_status status_;
  std::string message_;
  std::shared_ptr<Taken> taken_;
};

// Throw what a status says went wrong.
inline void check(dt_status status) {
  if (__builtin_expect(status != DT_OK, 0)) throw Error::from_slot(status);
}

template <class... Parts>
[[noreturn]] void fail(dt_status status, const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  throw Error(status, text.str());
}
template <class... Parts>
[[noreturn]] void runtime_error(const Parts&... parts) {
  fail(DT_ERR_RUNTIME, parts...);
}

// Run `body`; turn what it throws into a status. Every function that the library calls is one of these.
template <class Body>
dt_status guarded(Body&& body) noexcept {
  try {
    body();
    return DT_OK;
  } catch (const Error& error) {
    return error.restore();
  } catch (const std::bad_alloc&) {
    return api().set_error(DT_ERR_MEMORY, "out of memory");
  } catch (const std::exception& error) {
    return api().set_error(DT_ERR_RUNTIME, error.what());
  }
}

// ---- tensors --------------------------------------------------------------------------------------------

// A list of ints that lives elsewhere: sizes, strides, dims.
struct Ints {
  const int64_t* data = nullptr;
  int32_t count = 0;

  Ints() = default;
  Ints(const int64_t* data, int32_t count) : data(data), count(count) {}
  Ints(const std::vector<int64_t>& ints) : data(ints.data()), count(static_cast<int32_t>(ints.size())) {}
  int64_t operator[](int i) const { return data[i]; }
  const int64_t* begin() const { return data; }
  const int64_t* end() const { return data + count; }
  std::vector<int64_t> vector() const { return {begin(), end()}; }
};
inline bool operator==(Ints a, Ints b) {
  if (a.count != b.count) return false;
  for (int i = 0; i < a.count; ++i)
    if (a.data[i] != b.data[i]) return false;
  return true;
}
inline bool operator!=(Ints a, Ints b) { return !(a == b); }
// "(2, 3)", "(4,)", "()", for messages.
inline std::string text(Ints ints) {
  std::string out = "(";
  for (int i = 0; i < ints.count; ++i) out += (i ? ", " : "") + std::to_string(ints[i]);
  return out + (ints.count == 1 ? ",)" : ")");
}

inline bool same(dt_device a, dt_device b) { return a.kind == b.kind && a.index == b.index; }

inline bool is_floating(int32_t dtype) { return dtype >= DT_FLOAT32 && dtype <= DT_BFLOAT16; }
inline bool is_complex(int32_t dtype) { return dtype == DT_COMPLEX64 || dtype == DT_COMPLEX128; }

// An owning pointer to a tensor. Exactly one pointer wide, so that an array of them is a dt_tensor* array.
class Tensor {
 public:
  Tensor() = default;
  Tensor(std::nullptr_t) {}
  static Tensor steal(dt_tensor* t) {
    Tensor result;
    result.t_ = t;
    return result;
  }
  static Tensor borrow(dt_tensor* t) {
    if (t) api().retain(t);
    return steal(t);
  }
  Tensor(const Tensor& other) : Tensor(borrow(other.t_)) {}
  Tensor(Tensor&& other) noexcept : t_(std::exchange(other.t_, nullptr)) {}
  Tensor& operator=(Tensor other) noexcept {
    std::swap(t_, other.t_);
    return *this;
  }
  ~Tensor() {
    if (t_) api().release(t_);
  }

  dt_tensor* get() const { return t_; }
  dt_tensor* release() { return std::exchange(t_, nullptr); }
  explicit operator bool() const { return t_ != nullptr; }

  dt_tensor_info info() const {
    dt_tensor_info info;
    info.struct_size = sizeof info;
    api().tensor_info(t_, &info);
    return info;
  }
  int32_t ndim() const { return info().ndim; }
  int32_t dtype() const { return info().dtype; }
  int64_t numel() const { return info().numel; }
  Ints sizes() const {  // valid while the tensor lives and is not resized
    const dt_tensor_info i = info();
    return {i.sizes, i.ndim};
  }
  Ints strides() const {
    const dt_tensor_info i = info();
    return {i.strides, i.ndim};
  }
  int64_t size(int dim) const {
    const dt_tensor_info i = info();
    return i.sizes[dim < 0 ? dim + i.ndim : dim];
  }
  uint32_t bits() const { return api().bits(t_); }
  bool requires_grad() const { return bits() & DT_BIT_GRAD; }

 private:
  dt_tensor* t_ = nullptr;
};
static_assert(sizeof(Tensor) == sizeof(dt_tensor*), "lists of Tensor are passed as dt_tensor* arrays");

// ---- boxing ---------------------------------------------------------------------------------------------

// A dtype as an argument (a bare int would be an int).
struct DType {
  int32_t value;
};

namespace detail {
inline dt_value tagged(int32_t tag) {
  dt_value v{};
  v.tag = tag;
  return v;
}
}  // namespace detail

// None of these retains; a list must outlive the call.
inline dt_value box(const dt_value& v) { return v; }
inline dt_value box(std::nullptr_t) { return dt_value{}; }
inline dt_value box(dt_tensor* t) {
  dt_value v = detail::tagged(t ? DT_TENSOR : DT_NONE);
  v.as.tensor = t;
  return v;
}
inline dt_value box(const Tensor& t) { return box(t.get()); }
inline dt_value box_list(dt_tensor* const* tensors, int32_t count) {
  dt_value v = detail::tagged(DT_TENSORS);
  v.count = count;
  v.as.tensors = const_cast<dt_tensor**>(tensors);
  return v;
}
inline dt_value box(const std::vector<Tensor>& tensors) {
  return box_list(reinterpret_cast<dt_tensor* const*>(tensors.data()), static_cast<int32_t>(tensors.size()));
}
inline dt_value box(bool b) {
  dt_value v = detail::tagged(DT_BOOLEAN);
  v.as.i = b;
  return v;
}
inline dt_value box(int64_t i) {
  dt_value v = detail::tagged(DT_INT);
  v.as.i = i;
  return v;
}
inline dt_value box(int i) { return box(static_cast<int64_t>(i)); }
inline dt_value box(double f) {
  dt_value v = detail::tagged(DT_FLOAT);
  v.as.f = f;
  return v;
}
inline dt_value box(const char* s) {
  dt_value v = detail::tagged(DT_STRING);
  v.as.string = s;
  return v;
}
inline dt_value box(Ints ints) {
  dt_value v = detail::tagged(DT_INTS);
  v.count = ints.count;
  v.as.ints = ints.data;
  return v;
}
inline dt_value box(const std::vector<int64_t>& ints) { return box(Ints(ints)); }
inline dt_value box(DType dtype) {
  dt_value v = detail::tagged(DT_DTYPE);
  v.as.i = dtype.value;
  return v;
}
inline dt_value box(dt_device device) {
  dt_value v = detail::tagged(DT_DEVICE);
  v.as.device = device;
  return v;
}

// A number where an op takes a tensor: zero-dim, and without a say in the dtype.
template <class Number>
Tensor number(Number value) {
  const dt_value boxed = box(value);
  dt_tensor* t = nullptr;
  check(api().wrap_number(&boxed, &t));
  return Tensor::steal(t);
}

// ---- ops ------------------------------------------------------------------------------------------------

// An op by name. Arguments that a call leaves out take their defaults.
// Bits of a tensor that core and autograd share; other clients have no use for them (core/tensor.h and core/api.cc say
// what they are).
constexpr uint32_t kWrittenSince = uint32_t{1} << 29;
constexpr uint32_t kViewWithoutGrad = uint32_t{1} << 30;
constexpr uint32_t kWatched = uint32_t{1} << 31;

class Op {
 public:
  constexpr explicit Op(const char* name) : name_(name) {}
  Op(const Op&) = delete;

  // Null: the library has no op of this name.
  const dt_op* find() const {
    const dt_op* found = op_.load(std::memory_order_acquire);
    if (!found) op_.store(found = api().find_op(name_), std::memory_order_release);
    return found;
  }
  const dt_op* handle() const {
    const dt_op* found = find();
    if (__builtin_expect(!found, 0)) fail(DT_ERR_NOT_IMPLEMENTED, "there is no op named ", name_);
    return found;
  }
  const char* name() const { return name_; }

  // The one tensor that the op returns.
  template <class... Args>
  Tensor operator()(const Args&... args) const {
    return std::move(many<1>(args...)[0]);
  }
  // All N tensors that it returns.
  template <int N, class... Args>
  std::array<Tensor, N> many(const Args&... args) const {
    const dt_value values[sizeof...(Args) + 1] = {box(args)...};
    dt_value outs[N] = {};
    check(api().call(handle(), values, sizeof...(Args), outs, N));
    std::array<Tensor, N> results;
    for (int i = 0; i < N; ++i) results[i] = Tensor::steal(outs[i].as.tensor);
    return results;
  }
  // The list of tensors that it returns.
  template <class... Args>
  std::vector<Tensor> list(const Args&... args) const {
    const dt_value values[] = {box(args)...};
    dt_value out{};
    check(api().call(handle(), values, sizeof...(Args), &out, 1));
    std::vector<Tensor> results(out.count);
    for (int i = 0; i < out.count; ++i) results[i] = Tensor::borrow(out.as.tensors[i]);
    api().release_value(&out);
    return results;
  }
  // In place: the result is written into the first argument.
  template <class... Args>
  void inplace(const Tensor& self, const Args&... args) const {
    const dt_value values[] = {box(self), box(args)...};
    dt_value out = box(self);
    check(api().call(handle(), values, 1 + sizeof...(Args), &out, 1));
    api().release_value(&out);
  }

 private:
  const char* name_;
  mutable std::atomic<const dt_op*> op_{nullptr};
};

namespace detail {
DT_HIDDEN inline const Op add{"add"}, sub{"sub"}, mul{"mul"}, div{"div"}, neg{"neg"};
template <class T>
constexpr bool is_number = std::is_arithmetic_v<T>;
}  // namespace detail

inline Tensor operator+(const Tensor& a, const Tensor& b) { return detail::add(a, b); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return detail::sub(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return detail::mul(a, b); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return detail::div(a, b); }
inline Tensor operator-(const Tensor& a) { return detail::neg(a); }

template <class N, class = std::enable_if_t<detail::is_number<N>>>
Tensor operator+(const Tensor& a, N b) {
  return a + number(b);
}
template <class N, class = std::enable_if_t<detail::is_number<N>>>
Tensor operator-(const Tensor& a, N b) {
  return a - number(b);
}
template <class N, class = std::enable_if_t<detail::is_number<N>>>
Tensor operator*(const Tensor& a, N b) {
  return a * number(b);
}
template <class N, class = std::enable_if_t<detail::is_number<N>>>
Tensor operator/(const Tensor& a, N b) {
  return a / number(b);
}
template <class N, class = std::enable_if_t<detail::is_number<N>>>
Tensor operator+(N a, const Tensor& b) {
  return number(a) + b;
}
template <class N, class = std::enable_if_t<detail::is_number<N>>>
Tensor operator-(N a, const Tensor& b) {
  return number(a) - b;
}
template <class N, class = std::enable_if_t<detail::is_number<N>>>
Tensor operator*(N a, const Tensor& b) {
  return number(a) * b;
}
template <class N, class = std::enable_if_t<detail::is_number<N>>>
Tensor operator/(N a, const Tensor& b) {
  return number(a) / b;
}

// ---- thread state ---------------------------------------------------------------------------------------

// Switches grad mode for a scope.
class GradMode {
 public:
  explicit GradMode(bool enabled) : old_(api().set_grad_mode(enabled)) {}
  ~GradMode() { api().set_grad_mode(old_); }
  GradMode(const GradMode&) = delete;
  GradMode& operator=(const GradMode&) = delete;

 private:
  int32_t old_;
};

}  // namespace dt
