// Tensors over the memory of other Python objects.
#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

#include "bindings/construct.h"
#include "bindings/types.h"
#include "bindings/values.h"
#include "bindings/wrapper.h"

namespace dovetail::py {

namespace {

// Gives the buffer back when the last tensor over it goes, on whatever thread that is.
void release_foreign(Storage* storage) {
  auto* view = static_cast<Py_buffer*>(storage->context);
  Gil gil;
  if (!gil.held()) return;  // the interpreter is gone, and the buffer's owner with it
  PyBuffer_Release(view);
  delete view;
}

struct ReleaseView {
  void operator()(Py_buffer* view) const {
    PyBuffer_Release(view);
    delete view;
  }
};
using View = std::unique_ptr<Py_buffer, ReleaseView>;

// A writable buffer where the object has one, else a read-only one; null, with an exception set, if neither.
View get_view(PyObject* object, int flags) {
  auto view = std::make_unique<Py_buffer>();
  if (PyObject_GetBuffer(object, view.get(), flags | PyBUF_WRITABLE) == 0) return View(view.release());
  PyErr_Clear();
  if (PyObject_GetBuffer(object, view.get(), flags) == 0) return View(view.release());
  return nullptr;
}
View get_checked_view(PyObject* object, int flags) {
  View view = get_view(object, flags);
  if (!view) throw PythonError{};
  return view;
}

// A storage over [start, start + bytes), which owns the view from here on.
Storage* adopt(View view, void* start, size_t bytes) {
  Storage* storage = new_storage(kCpu, 0);
  storage->data = start;
  storage->bytes = bytes;
  storage->read_only = view->readonly;
  storage->context = view.release();
  storage->release = release_foreign;
  return storage;
}

Tensor over_view(const char* who, View view, DType dtype) {
  const int64_t item = itemsize(dtype);
  if (view->ndim > DT_MAX_DIMS)
    value_error(who, ": ", view->ndim, " dims are more than the ", DT_MAX_DIMS, " there may be");
  int64_t sizes[DT_MAX_DIMS], strides[DT_MAX_DIMS];
  int64_t lowest = 0, highest = 0;
  bool empty_view = false;
  for (int i = 0; i < view->ndim; ++i) {
    sizes[i] = view->shape[i];
    if (view->strides[i] % item != 0) {
      value_error(who, ": the array's stride ", view->strides[i], " is no multiple of its item size ", item,
                  "; copy it first");
    }
    strides[i] = view->strides[i] / item;
    const int64_t reach = (sizes[i] - 1) * strides[i];
    (reach < 0 ? lowest : highest) += reach;
    empty_view |= sizes[i] == 0;
  }
  if (empty_view) lowest = 0, highest = -1;
  if (reinterpret_cast<uintptr_t>(view->buf) % std::min<int64_t>(item, 8) != 0) {
    value_error(who, ": the array's memory at ", view->buf, " is not aligned to its items of ", item,
                " bytes; copy it first");
  }
  const int ndim = view->ndim;
  char* start = static_cast<char*>(view->buf) + lowest * item;
  Storage* storage = adopt(std::move(view), start, static_cast<size_t>((highest - lowest + 1) * item));
  struct Drop {
    Storage* storage;
    ~Drop() { release(storage); }
  } drop{storage};
  return over_storage(storage, ndim, sizes, strides, -lowest, dtype);
}

bool has_buffer(PyObject* object) {
  return PyObject_CheckBuffer(object) && !PyBytes_Check(object) && !PyByteArray_Check(object);
}

// The object as a NumPy array that our buffers can read: native byte order, whole strides.
Ref plain_array(const char* who, PyObject* object, bool* is_bfloat16) {
  Ref numpy = checked(PyImport_ImportModule("numpy"));
  Ref array = checked(PyObject_CallMethod(numpy.get(), "asarray", "O", object));
  Ref dtype = checked(PyObject_GetAttrString(array.get(), "dtype"));
  DType found;
  if (!to_dtype(dtype.get(), &found)) {
    raise(PyExc_TypeError, "%s: there is no dtype for NumPy's %S; the dtypes are float, int, bool and complex ones",
          who, dtype.get());
  }
  Ref order = checked(PyObject_GetAttrString(dtype.get(), "byteorder"));
  if (PyUnicode_CompareWithASCIIString(order.get(), ">") == 0) {
    value_error(who, ": the array's byte order is not this machine's; use array.astype(array.dtype.newbyteorder('='))");
  }
  *is_bfloat16 = found == DT_BFLOAT16;
  if (!*is_bfloat16) return array;
  return checked(PyObject_CallMethod(array.get(), "view", "s", "uint16"));
}

}  // namespace

bool has_array(PyObject* object) {
  if (has_buffer(object)) return true;
  return !PyType_Check(object) && PyObject_HasAttrString(reinterpret_cast<PyObject*>(Py_TYPE(object)), "__array__");
}

Tensor tensor_from_buffer(PyObject* object, const char* who) {
  constexpr int kFlags = PyBUF_STRIDES | PyBUF_FORMAT;
  if (has_buffer(object)) {
    if (View view = get_view(object, kFlags)) {
      const DType dtype = dtype_of_format(view->format);
      if (dtype >= 0) return over_view(who, std::move(view), dtype);
    }
    PyErr_Clear();
  }
  bool is_bfloat16;
  Ref array = plain_array(who, object, &is_bfloat16);
  View view = get_checked_view(array.get(), kFlags);
  const DType dtype = is_bfloat16 ? DT_BFLOAT16 : dtype_of_format(view->format);
  if (dtype < 0) type_error(who, ": there is no dtype for the buffer format '", view->format, "'");
  return over_view(who, std::move(view), dtype);
}

PyObject* storage_owner(const Storage& storage) {
  if (storage.release != release_foreign) return nullptr;
  return static_cast<Py_buffer*>(storage.context)->obj;
}

Tensor tensor_from_bytes(PyObject* object, DType dtype, int64_t count, int64_t offset) {
  if (!PyObject_CheckBuffer(object)) {
    type_error("frombuffer: buffer must be an object with bytes such as a bytearray, got ", given_text(object));
  }
  View view = get_checked_view(object, PyBUF_SIMPLE);
  const int64_t item = itemsize(dtype), bytes = view->len;
  if (offset < 0 || offset > bytes) {
    value_error("frombuffer: offset ", offset, " is outside of the buffer of ", bytes, " bytes");
  }
  if (count < -1) value_error("frombuffer: count must be -1 (all) or not negative, got ", count);
  if (count == -1) {
    if ((bytes - offset) % item != 0) {
      value_error("frombuffer: ", bytes - offset, " bytes are no whole number of ", dtype_name(dtype), " elements");
    }
    count = (bytes - offset) / item;
  }
  if (count > (bytes - offset) / item) {
    value_error("frombuffer: ", count, " elements of ", dtype_name(dtype), " need more than the ", bytes - offset,
                " bytes there are");
  }
  char* start = static_cast<char*>(view->buf) + offset;
  if (reinterpret_cast<uintptr_t>(start) % std::min<int64_t>(item, 8) != 0) {
    value_error("frombuffer: offset ", offset, " is not aligned to elements of ", dtype_name(dtype));
  }
  Storage* storage = adopt(std::move(view), start, static_cast<size_t>(count * item));
  struct Drop {
    Storage* storage;
    ~Drop() { release(storage); }
  } drop{storage};
  const int64_t stride = 1;
  return over_storage(storage, 1, &count, &stride, 0, dtype);
}

}  // namespace dovetail::py
