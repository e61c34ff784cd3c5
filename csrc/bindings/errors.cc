#include "bindings/errors.h"

#include <unistd.h>

#include <cstdarg>
#include <new>
#include <string>

#include "core/dispatch.h"

namespace dovetail::py {

namespace {

PyObject* exception_type(dt_status status) {
  switch (status) {
    case DT_ERR_TYPE:
      return PyExc_TypeError;
    case DT_ERR_VALUE:
      return PyExc_ValueError;
    case DT_ERR_INDEX:
      return PyExc_IndexError;
    case DT_ERR_NOT_IMPLEMENTED:
      return PyExc_NotImplementedError;
    case DT_ERR_MEMORY:
      return PyExc_MemoryError;
    default:
      return PyExc_RuntimeError;
  }
}

void drop_payload(void* payload) {
  Gil gil;
  if (gil.held()) Py_XDECREF(static_cast<PyObject*>(payload));
}

// "ValueError: message", for those who read the slot without Python.
std::string exception_text(PyObject* exception) {
  Ref text = Ref::steal(PyObject_Str(exception));
  const char* utf8 = text ? PyUnicode_AsUTF8(text.get()) : nullptr;
  std::string message = Py_TYPE(exception)->tp_name;
  if (utf8 && *utf8) message += std::string(": ") + utf8;
  PyErr_Clear();
  return message;
}

}  // namespace

void raise(PyObject* type, const char* format, ...) {
  va_list args;
  va_start(args, format);
  PyErr_FormatV(type, format, args);
  va_end(args);
  throw PythonError{};
}

void set_python_error() {
  try {
    throw;
  } catch (const Error& error) {
    PyErr_SetString(exception_type(error.status()), error.what());
  } catch (const SlotError& error) {
    python_from_slot(error.status());
  } catch (const std::bad_alloc&) {
    PyErr_SetString(PyExc_MemoryError, "out of memory");
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  }
}

void python_from_slot(dt_status status) noexcept {
  dt_error& slot = error_slot();
  if (slot.payload) {
    PyObject* exception = static_cast<PyObject*>(std::exchange(slot.payload, nullptr));
    PyErr_Restore(Py_NewRef(reinterpret_cast<PyObject*>(Py_TYPE(exception))), exception,
                  PyException_GetTraceback(exception));
  } else if (slot.status != DT_OK) {
    PyErr_SetString(exception_type(slot.status), slot.message.c_str());
  } else {
    PyErr_SetString(exception_type(status), "an operation failed without saying why");
  }
  clear_error();
}

dt_status error_from_python() noexcept {
  PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  if (!type) return set_error(DT_ERR_RUNTIME, "Python reported an error without an exception");
  PyErr_NormalizeException(&type, &value, &traceback);
  if (traceback) PyException_SetTraceback(value, traceback);
  set_error(DT_ERR_PYTHON, exception_text(value));
  error_slot().payload = value;
  Py_XDECREF(type);
  Py_XDECREF(traceback);
  return DT_ERR_PYTHON;
}

bool python_alive() {
  if (!Py_IsInitialized()) return false;
  return !_Py_IsFinalizing() || PyGILState_Check();
}

Gil::Gil() {
  if (!python_alive()) return;
  state_ = PyGILState_Ensure();
  held_ = true;
}

Gil::~Gil() {
  if (held_) PyGILState_Release(state_);
}

WithoutGil::~WithoutGil() {
  if (!saved_) return;
  // Taking the GIL of a finished interpreter would end this thread by unwinding through C++; it waits for the
  // process to end instead.
  while (_Py_IsFinalizing()) pause();
  PyEval_RestoreThread(saved_);
}

void reword(const std::function<std::string(const std::string&)>& words, bool of_python_code) noexcept {
  PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  for (PyObject* kind : {PyExc_TypeError, PyExc_ValueError, PyExc_IndexError, PyExc_RuntimeError, PyExc_MemoryError,
                         PyExc_OverflowError, PyExc_NotImplementedError, PyExc_BufferError}) {
    if (type != kind || (traceback && !of_python_code)) continue;
    Ref text = Ref::steal(PyObject_Str(value));
    const char* utf8 = text ? PyUnicode_AsUTF8(text.get()) : nullptr;
    if (utf8 && !*utf8 && kind == PyExc_MemoryError) utf8 = "there is not enough memory";  // Python's own has no text
    Ref args = utf8 ? Ref::steal(Py_BuildValue("(s)", words(utf8).c_str())) : Ref();
    if (args) PyObject_SetAttrString(value, "args", args.get());
    PyErr_Clear();
  }
  PyErr_Restore(type, value, traceback);
}

void speak_as(const char* who) noexcept {
  reword([who](const std::string& message) { return in_name_of(who, message); }, false);
}

void init_errors() { drop_error_payload = drop_payload; }

}  // namespace dovetail::py
