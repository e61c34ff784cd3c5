// What decompositions and infer functions are written with: ops as C++ functions, and small checks.
//
//   const Callee mul("mul"), sigmoid("sigmoid");
//   void silu(const Op&, const dt_value* args, int, dt_value* outs, int) {
//     Tensor self = tensor(args[0]);
//     give(outs[0], mul(self, sigmoid(self)));
//   }
#pragma once

#include <atomic>
#include <initializer_list>
#include <vector>

#include "core/dispatch.h"
#include "core/op.h"

namespace dovetail {

// ---- boxing --------------------------------------------------------------------------------------------

inline dt_value as_value(const Tensor& t) { return box(t); }
inline dt_value as_value(TensorImpl* t) { return box(t); }
inline dt_value as_value(const dt_value& v) { return v; }
inline dt_value as_value(bool b) { return box_bool(b); }
inline dt_value as_value(int i) { return box_int(i); }
inline dt_value as_value(int64_t i) { return box_int(i); }
inline dt_value as_value(double f) { return box_float(f); }
inline dt_value as_value(const char* text) {  // of static life
  dt_value v{};
  v.tag = DT_STRING;
  v.as.string = text;
  return v;
}
inline dt_value as_value(std::nullptr_t) { return box_none(); }
// The list must outlive the call.
inline dt_value as_value(const std::vector<int64_t>& ints) {
  return box_ints(ints.data(), static_cast<int>(ints.size()));
}

// ---- calling -------------------------------------------------------------------------------------------

// An op by name, looked up on the first call: `const Callee exp("exp"); Tensor e = exp(x);`. Arguments that the call
// leaves out take their defaults. Only for ops with one tensor as their result.
class Callee {
 public:
  constexpr explicit Callee(const char* name) : name_(name) {}
  template <class... Args>
  Tensor operator()(const Args&... args) const {
    return call1(op(), {as_value(args)...});
  }
  const Op& op() const {
    const Op* found = op_.load(std::memory_order_acquire);
    if (!found) op_.store(found = &get_op(name_), std::memory_order_release);
    return *found;
  }

 private:
  const char* name_;
  mutable std::atomic<const Op*> op_{nullptr};
};

// A number in place of a tensor; it does not decide the dtype.
inline Tensor number(double f) { return wrap_number(box_float(f)); }
inline Tensor number(int i) { return wrap_number(box_int(i)); }

inline Tensor tensor(const dt_value& v) { return v.tag == DT_TENSOR ? Tensor::borrow(v.as.tensor) : Tensor(); }
inline void give(dt_value& out, Tensor result) { put(out, result.release()); }
inline bool given(const dt_value& v) { return v.tag != DT_NONE; }

// The decomposition `fn` on float32 copies of 16-bit tensors, its results rounded once: what lies in between would lose
// digits in 16 bits, or overflow. As a decomposition itself: `.composite(in_float<mean_op>)`.
void run_in_float(CompositeFn fn, const Op& op, const dt_value* args, int n_args, dt_value* outs, int n_outs);
template <CompositeFn fn>
void in_float(const Op& op, const dt_value* args, int n_args, dt_value* outs, int n_outs) {
  run_in_float(fn, op, args, n_args, outs, n_outs);
}

// `dst.copy_(src)`: writes through the layers, so that they see it.
void write_into(const Tensor& dst, const Tensor& src);
// Hand over a list as an op's one result.
void give_list(dt_value& out, std::vector<Tensor> results);
Tensor cast_to(const Tensor& t, DType dtype);                        // t itself where it has the dtype
Tensor view_as(const Tensor& t, const std::vector<int64_t>& sizes);  // reshape

// The dtype in which a function of floats computes on this tensor.
inline DType floating_of(const dt_value& v) {
  const DType dtype = v.as.tensor->dtype;
  return is_exact(dtype) ? default_dtype() : dtype;
}

inline std::vector<int64_t> sizes_of(const TensorImpl& t) { return {t.sizes(), t.sizes() + t.ndim}; }

// The wrapped dims of a value that holds a list, one int or none (all dims, as does an empty list).
std::vector<int64_t> dims_of(const char* who, const dt_value& dim, int ndim);
// The number of elements that a reduction over these dims folds into one.
int64_t extent(const TensorImpl& t, const std::vector<int64_t>& dims);

// ---- checks for infer functions ------------------------------------------------------------------------

// "got (2, 3)" lists: the text of an int list.
std::string ints_text(const dt_value& v);
void check_ndim(const char* who, const char* arg, const TensorImpl& t, int ndim);
// All floating or integral tensors of a contraction must agree: nothing is promoted there.
void check_same_dtype(const char* who, const char* a_name, const TensorImpl& a, const char* b_name,
                      const TensorImpl& b);
void check_floating(const char* who, const char* arg, const TensorImpl& t);
// The number that argument i is, for tensors of a dtype, as a kernel reads it: a complex one has a meaning only where
// they are complex, an int from 2**63 on only where they are uint64 or no integers.
void settle_number(Inference& call, int i, DType dtype);
// The same for a number that becomes elements: -n in an unsigned dtype is the number that it wraps around to.
void settle_element(Inference& call, int i, DType dtype);
// Argument i is an index: int64 as it is, int32 is cast in place. Throws TypeError for other dtypes.
void normalise_index(Inference& call, int i);
// An int list of argument i with `count` entries (one entry is repeated), each at least `least`.
const int64_t* normalise_list(Inference& call, int i, int count, int64_t least);

// The dtype that a factory's `dtype` argument asks for.
inline DType dtype_or(const dt_value& v, DType otherwise) {
  return v.tag == DT_DTYPE ? static_cast<DType>(v.as.i) : otherwise;
}

}  // namespace dovetail
