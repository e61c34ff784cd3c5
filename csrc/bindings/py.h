// What every file of the bindings starts from: Python.h, an owning reference, and the guard around entries.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstdint>
#include <utility>

#include "core/error.h"

namespace dovetail::py {

// An owning reference to a Python object; the GIL is held wherever one lives or dies.
class Ref {
 public:
  Ref() = default;
  static Ref steal(PyObject* object) {
    Ref ref;
    ref.object_ = object;
    return ref;
  }
  static Ref borrow(PyObject* object) {
    Py_XINCREF(object);
    return steal(object);
  }
  Ref(const Ref& other) : Ref(borrow(other.object_)) {}
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() { Py_XDECREF(object_); }
  PyObject* get() const { return object_; }
  PyObject* release() { return std::exchange(object_, nullptr); }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  PyObject* object_ = nullptr;
};

// Thrown where a Python exception is already set.
struct PythonError {};

// Own a new reference, or throw the exception that came instead of it.
inline Ref checked(PyObject* object) {
  if (!object) throw PythonError{};
  return Ref::steal(object);
}
inline void check(int result) {
  if (result < 0) throw PythonError{};
}
// Set a Python exception with a formatted message and throw it.
[[noreturn]] void raise(PyObject* type, const char* format, ...);

// Turn the C++ exception in flight into a Python exception (errors.cc).
void set_python_error();

// Every entry from Python runs in one of these: no C++ exception leaves it.
template <class Body>
PyObject* entry(Body&& body) {
  try {
    return body();
  } catch (const std::exception&) {
    set_python_error();
  } catch (const PythonError&) {
  }
  return nullptr;
}
// Let the current Python exception's message begin with this name, if it is of one of Python's own kinds (errors.cc).
void speak_as(const char* who) noexcept;
// An entry whose refusals begin with its name, whatever part of it refuses.
template <class Body>
PyObject* entry_as(const char* who, Body&& body) {
  PyObject* result = entry(std::forward<Body>(body));
  if (!result) speak_as(who);
  return result;
}
template <class Body>
int entry_int(Body&& body) {
  try {
    return body();
  } catch (const std::exception&) {
    set_python_error();
  } catch (const PythonError&) {
  }
  return -1;
}

// An int of a single digit of Python's, as most are. False for any other object.
inline bool small_int(PyObject* object, int64_t* out) {
  if (!PyLong_CheckExact(object)) return false;
  const auto* number = reinterpret_cast<PyLongObject*>(object);
#if PY_VERSION_HEX >= 0x030C0000
  if (!PyUnstable_Long_IsCompact(number)) return false;
  *out = PyUnstable_Long_CompactValue(number);
#else
  const Py_ssize_t digits = Py_SIZE(object);  // negative where the number is
  if (digits < -1 || digits > 1) return false;
  *out = digits * static_cast<int64_t>(number->ob_digit[0]);
#endif
  return true;
}

inline PyCFunction as_method(PyObject* (*fn)(PyObject*, PyObject* const*, Py_ssize_t)) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(fn));
}
inline PyCFunction as_method(PyObject* (*fn)(PyObject*, PyObject* const*, Py_ssize_t, PyObject*)) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(fn));
}
inline PyCFunction as_method(PyObject* (*fn)(PyObject*, PyObject*, PyObject*)) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(fn));
}

// Whether Python can still be entered from this thread; false once the interpreter is going away.
bool python_alive();

// The GIL, for code that may run on any thread. Test `held()`: it is false when the interpreter is going away.
class Gil {
 public:
  Gil();
  ~Gil();
  Gil(const Gil&) = delete;
  Gil& operator=(const Gil&) = delete;
  bool held() const { return held_; }

 private:
  PyGILState_STATE state_{};
  bool held_ = false;
};

// Lets other threads run Python meanwhile, when `release` says that it is worth it.
class WithoutGil {
 public:
  explicit WithoutGil(bool release) : saved_(release ? PyEval_SaveThread() : nullptr) {}
  ~WithoutGil();
  WithoutGil(const WithoutGil&) = delete;
  WithoutGil& operator=(const WithoutGil&) = delete;

 private:
  PyThreadState* saved_;
};

}  // namespace dovetail::py
