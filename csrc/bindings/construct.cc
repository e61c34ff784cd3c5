// The functions that make tensors of Python data: tensor, as_tensor, from_numpy, frombuffer.
#include "bindings/construct.h"
#include "bindings/keywords.h"

#include "bindings/requires_grad.h"
#include "bindings/tensor_type.h"
#include "bindings/types.h"
#include "bindings/values.h"
#include "bindings/wrapper.h"

namespace dovetail::py {

namespace {

DType dtype_argument(const char* who, PyObject* object) {
  if (!object || object == Py_None) return -1;
  DType dtype;
  if (PyUnicode_Check(object) || !to_dtype(object, &dtype)) {
    type_error(who, ": dtype must be a dtype such as dovetail.float32, got ", given_text(object));
  }
  return dtype;
}

// False where none was asked for, nor chosen for all that is made.
bool device_argument(const char* who, PyObject* object, Device* device) {
  if (!object || object == Py_None) {
    const Device* chosen = default_device();
    if (chosen) *device = resolve_device(*chosen);
    return chosen != nullptr;
  }
  if (!to_device(object, device)) {
    type_error(who, ": device must be a device or a str such as 'cpu', got ", given_text(object));
  }
  *device = resolve_device(*device);
  return true;
}

PyObject* finish(Tensor t, PyObject* requires_grad) {
  Ref result = Ref::steal(wrap(std::move(t)));
  if (requires_grad) set_requires_grad(result.get(), requires_grad);
  return result.release();
}

PyObject* tensor(PyObject*, PyObject* args, PyObject* kwargs) {
  static const char* keywords[] = {"data", "dtype", "device", "requires_grad", nullptr};
  PyObject *data, *dtype = nullptr, *device = nullptr, *requires_grad = nullptr;
  if (!parse_keywords(args, kwargs, "O|$OOO:tensor", keywords, &data, &dtype, &device, &requires_grad)) {
    return nullptr;
  }
  return entry_as("tensor", [&] {
    Device where;
    const bool moves = device_argument("tensor", device, &where);
    Tensor t = tensor_from_data(data, dtype_argument("tensor", dtype));
    if (moves) t = converted(t, t->dtype, where);
    return finish(std::move(t), requires_grad);
  });
}

PyObject* as_tensor(PyObject*, PyObject* args, PyObject* kwargs) {
  static const char* keywords[] = {"data", "dtype", "device", nullptr};
  PyObject *data, *dtype = nullptr, *device = nullptr;
  if (!parse_keywords(args, kwargs, "O|OO:as_tensor", keywords, &data, &dtype, &device)) {
    return nullptr;
  }
  return entry_as("as_tensor", [&] {
    Device where;
    const DType wanted = dtype_argument("as_tensor", dtype);
    const bool moves = device_argument("as_tensor", device, &where);
    Tensor t;
    if (is_tensor(data)) {
      t = Tensor::borrow(impl_of(data));
    } else if (has_array(data) && !PyFloat_CheckExact(data)) {
      t = tensor_from_buffer(data, "as_tensor");
      // A NumPy scalar: its memory can't be written, and nobody else sees it.
      if (t->ndim == 0 && t->storage->read_only) t = call1(*fast.clone, {box(t)});
    } else {
      t = tensor_from_data(data, wanted);
    }
    return wrap(converted(t, wanted < 0 ? t->dtype : wanted, moves ? where : t->device));
  });
}

PyObject* from_numpy(PyObject*, PyObject* array) {
  return entry_as("from_numpy", [&] {
    if (!has_array(array) || is_tensor(array)) {
      type_error("from_numpy: expected a numpy.ndarray, got ", given_text(array));
    }
    return wrap(tensor_from_buffer(array, "from_numpy"));
  });
}

PyObject* frombuffer(PyObject*, PyObject* args, PyObject* kwargs) {
  static const char* keywords[] = {"buffer", "dtype", "count", "offset", "requires_grad", nullptr};
  PyObject *buffer, *dtype = nullptr, *requires_grad = nullptr;
  long long count = -1, offset = 0;
  return entry_as("frombuffer", [&] {
    if (!parse_keywords(args, kwargs, "O|$OLLO:frombuffer", keywords, &buffer, &dtype, &count, &offset,
                        &requires_grad)) {
      throw PythonError{};
    }
    const DType wanted = dtype_argument("frombuffer", dtype);
    if (wanted < 0) type_error("frombuffer: dtype must be given");
    return finish(tensor_from_bytes(buffer, wanted, count, offset), requires_grad);
  });
}

PyMethodDef functions[] = {
    {"tensor", as_method(tensor), METH_VARARGS | METH_KEYWORDS,
     "tensor(data, *, dtype=None, device=None, requires_grad=False)\n--\n\n"
     "A new tensor of a copy of the data.\n\n"
     "data: a number, nested sequences of numbers, a Tensor, or anything with the buffer protocol or __array__.\n"
     "The dtype follows from the data (float, int and bool become the default float, int64 and bool) unless given.\n\n"
     "Raises ValueError for ragged sequences and TypeError for what holds no numbers.\n\n"
     ">>> dovetail.tensor([[1, 2], [3, 4]]).shape\n"
     "dovetail.Size([2, 2])"},
    {"as_tensor", as_method(as_tensor), METH_VARARGS | METH_KEYWORDS,
     "as_tensor(data, dtype=None, device=None)\n--\n\n"
     "The data as a tensor, without a copy where that is possible.\n\n"
     "A Tensor of the right dtype and device is returned itself; arrays and buffers are shared."},
    {"from_numpy", from_numpy, METH_O,
     "from_numpy(ndarray)\n--\n\nA tensor that shares the array's memory: writes to either are seen in both."},
    {"frombuffer", as_method(frombuffer), METH_VARARGS | METH_KEYWORDS,
     "frombuffer(buffer, *, dtype, count=-1, offset=0, requires_grad=False)\n--\n\n"
     "A tensor of one dim over an object's bytes, without a copy."},
    {},
};

}  // namespace

PyMethodDef* construct_functions() { return functions; }

}  // namespace dovetail::py
