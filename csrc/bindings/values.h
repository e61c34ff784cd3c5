// Boxed values and Python objects, one into the other.
#pragma once

#include <memory>
#include <vector>

#include "bindings/py.h"
#include "core/dispatch.h"

namespace dovetail::py {

// What the values of one call point to: lists, and tensors made on the way. Lives on the stack of the call.
class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() {
    for (int i = 0; i < n_owned_; ++i) release(owned_[i]);
  }
  // Room for `count` items of eight bytes.
  template <class T>
  T* room(size_t count) {
    static_assert(alignof(T) <= 8);
    const size_t words = (count * sizeof(T) + 7) / 8;
    if (used_ + words <= kWords) {
      T* room = reinterpret_cast<T*>(words_ + used_);
      used_ += words;
      return room;
    }
    more().blocks.emplace_back(new int64_t[words]);
    return reinterpret_cast<T*>(more_->blocks.back().get());
  }
  TensorImpl* keep(Tensor tensor) {
    if (n_owned_ < kOwned) return owned_[n_owned_++] = tensor.release();
    more().tensors.push_back(std::move(tensor));
    return more_->tensors.back().get();
  }
  void keep(Ref object) { more().objects.push_back(std::move(object)); }

 private:
  static constexpr size_t kWords = 32;
  static constexpr int kOwned = 4;
  int64_t words_[kWords];
  size_t used_ = 0;
  TensorImpl* owned_[kOwned];
  int n_owned_ = 0;
  struct More {
    std::vector<Tensor> tensors;
    std::vector<std::unique_ptr<int64_t[]>> blocks;
    std::vector<Ref> objects;
  };
  More& more() {
    if (!more_) more_ = std::make_unique<More>();
    return *more_;
  }
  std::unique_ptr<More> more_;  // few calls need any
};

// ---- numbers --------------------------------------------------------------------------------------------

// A bool, int, float or complex value for a Python or NumPy number (Tensors are none). False if it is none.
bool to_number(PyObject* object, dt_value* out);
// An int; zero-dim integer tensors and objects with __index__ are ints, bools are not.
bool to_int(PyObject* object, int64_t* out);
// A new reference to the Python number of a scalar value.
PyObject* number_object(const dt_value& value);
// Python is about to read a tensor's values: a tracer may refuse (see set_concretize_hook). Throws PythonError.
void concretize(PyObject* tensor, const char* what);
extern PyObject* concretize_hook;

// ---- whole values ---------------------------------------------------------------------------------------

// A new reference. Throws PythonError.
Ref value_to_python(const dt_value& value);
// Any Python object that a value can hold, by its own type; lists by their first element. The value borrows from the
// object and the arena. False if nothing fits.
bool value_from_python(PyObject* object, Arena& arena, dt_value* out);

// One argument against its type in the schema. False where the object does not fit; `number` allows Python numbers
// where a Tensor is expected.
bool convert_argument(const Arg& arg, PyObject* object, bool number, Arena& arena, dt_value* out);
// "an int", "a Tensor or None": what the argument takes.
std::string expected_text(const Arg& arg);
// "str 'a'", "Tensor float32 (2, 3) on cpu": what was given instead.
std::string given_text(PyObject* object);

// The results of an op for Python: one tensor, a named tuple, a tuple for a list, or None. Consumes the outs.
Ref results_to_python(const Op& op, dt_value* outs, PyTypeObject* named);
// The type of an op's named results; null where they have no names. A new reference.
PyTypeObject* named_results(const Op& op);
// What Python returned for an op's results, into owned outs.
void results_from_python(const Op& op, PyObject* result, dt_value* outs, int n_outs);

}  // namespace dovetail::py
