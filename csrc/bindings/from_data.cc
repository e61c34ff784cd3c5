// dovetail.tensor(data): nested sequences and numbers into a fresh tensor.
#include <cmath>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#include "bindings/construct.h"
#include "bindings/tensor_type.h"
#include "bindings/types.h"
#include "bindings/values.h"
#include "bindings/wrapper.h"

namespace dovetail::py {

namespace {

bool is_text(PyObject* object) { return PyUnicode_Check(object) || PyBytes_Check(object) || PyByteArray_Check(object); }

// The items of a sequence level; a null Ref for a leaf.
Ref items_of(PyObject* object) {
  if (PyList_Check(object) || PyTuple_Check(object)) return Ref::borrow(object);
  if (PyFloat_Check(object) || PyLong_Check(object) || PyComplex_Check(object) || is_text(object)) return {};
  if (is_tensor(object)) {
    if (impl_of(object)->ndim == 0) return {};
    return checked(PyObject_CallMethod(object, "tolist", nullptr));
  }
  if (PyObject_HasAttrString(object, "__array__") && PyObject_HasAttrString(object, "tolist")) {
    Ref list = checked(PyObject_CallMethod(object, "tolist", nullptr));
    return PyList_Check(list.get()) ? list : Ref();
  }
  if (PyDict_Check(object) || PyAnySet_Check(object) || !PySequence_Check(object)) return {};
  return checked(PySequence_Tuple(object));
}

// A leaf's value: a number, or the item of a zero-dim tensor.
dt_value leaf_value(PyObject* object) {
  dt_value value;
  if (to_number(object, &value)) return value;
  if (is_tensor(object)) {
    concretize(object, "tensor()");
    return item(*impl_of(object));
  }
  if (is_text(object)) type_error("tensor: cannot make a tensor of ", given_text(object));
  type_error("tensor: expected numbers or nested sequences of numbers, got ", given_text(object));
}

// First walk: the shape, from the first item of every level, and the widest kind of number.
struct Survey {
  std::vector<int64_t> shape;
  Category widest = Category::boolean;
  bool any = false;

  void visit_leaf(PyObject* object) {
    Category found = Category::complex;
    if (PyFloat_Check(object)) {
      found = Category::floating;
    } else if (PyBool_Check(object)) {
      found = Category::boolean;
    } else if (PyLong_Check(object)) {
      found = Category::integral;
    } else {
      switch (leaf_value(object).tag) {
        case DT_BOOLEAN:
          found = Category::boolean;
          break;
        case DT_INT:
        case DT_UINT:
          found = Category::integral;
          break;
        case DT_FLOAT:
          found = Category::floating;
          break;
        default:
          break;
      }
    }
    any = true;
    if (found > widest) widest = found;
  }

  // Levels that hold no leaf (an empty list) leave the shape as the first branch found it.
  void visit(PyObject* object, size_t level, bool first) {
    Ref items = items_of(object);
    if (!items) {
      if (level != shape.size()) ragged(level, Py_TYPE(object)->tp_name, "a sequence");
      return visit_leaf(object);
    }
    if (level >= DT_MAX_DIMS) value_error("tensor: the data is nested more than ", DT_MAX_DIMS, " levels deep");
    const Py_ssize_t count = PySequence_Fast_GET_SIZE(items.get());
    if (first && level == shape.size()) shape.push_back(count);
    if (level >= shape.size()) ragged(level, Py_TYPE(object)->tp_name, "a number");
    if (shape[level] != count) {
      value_error("tensor: the data is ragged: at dim ", level, " expected a sequence of length ", shape[level],
                  ", got one of length ", count);
    }
    for (Py_ssize_t i = 0; i < count; ++i) visit(PySequence_Fast_GET_ITEM(items.get(), i), level + 1, first && i == 0);
  }

  [[noreturn]] static void ragged(size_t level, const char* got, const char* expected) {
    value_error("tensor: the data is ragged: at dim ", level, " expected ", expected, ", got ", got);
  }
};

[[noreturn]] void does_not_fit(PyObject* object, DType dtype) {
  Ref text = checked(PyObject_Str(object));
  const char* utf8 = PyUnicode_AsUTF8(text.get());
  raise(PyExc_OverflowError, "tensor: %s does not fit in %s", utf8 ? utf8 : "a value", dtype_name(dtype));
}

template <class T>
void store_integer(PyObject* object, const dt_value& value, DType dtype, char* to) {
  int64_t integer = value.as.i;
  if (value.tag == DT_UINT) {
    if (dtype != DT_UINT64) does_not_fit(object, dtype);
    std::memcpy(to, &integer, sizeof integer);
    return;
  }
  if (value.tag == DT_FLOAT) {
    if (!(value.as.f >= -9.2233720368547758e18 && value.as.f < 9.2233720368547758e18)) does_not_fit(object, dtype);
    integer = static_cast<int64_t>(value.as.f);
  }
  // -n wraps around in an unsigned dtype that holds n, as PyTorch has it.
  const bool wraps =
      std::is_unsigned_v<T> && integer < 0 && static_cast<uint64_t>(-(integer + 1)) < std::numeric_limits<T>::max();
  const T stored = static_cast<T>(integer);
  if (!wraps && (static_cast<int64_t>(stored) != integer || (stored < 0) != (integer < 0))) does_not_fit(object, dtype);
  std::memcpy(to, &stored, sizeof stored);
}

template <class T>
void store_float(const dt_value& value, char* to) {
  const T stored = static_cast<T>(real_number(value));
  std::memcpy(to, &stored, sizeof stored);
}

template <class T>
void store_complex(const dt_value& value, char* to) {
  T parts[2] = {0, 0};
  if (value.tag == DT_COMPLEX) {
    parts[0] = static_cast<T>(value.as.complex.re);
    parts[1] = static_cast<T>(value.as.complex.im);
  } else {
    store_float<T>(value, reinterpret_cast<char*>(parts));
  }
  std::memcpy(to, parts, sizeof parts);
}

// Ints beyond 64 bits are fine where floats are stored.
dt_value stored_value(PyObject* object, DType dtype) {
  if (PyLong_Check(object) && !is_exact(dtype)) {
    const double value = PyLong_AsDouble(object);
    if (value == -1.0 && PyErr_Occurred()) throw PythonError{};
    return box_float(value);
  }
  return leaf_value(object);
}

void store(PyObject* object, DType dtype, char* to) {
  const dt_value value = stored_value(object, dtype);
  if (value.tag == DT_COMPLEX && !is_complex(dtype)) {
    type_error("tensor: ", given_text(object), " is complex and does not fit in ", dtype_name(dtype));
  }
  switch (dtype) {
    case DT_FLOAT32:
      return store_float<float>(value, to);
    case DT_FLOAT64:
      return store_float<double>(value, to);
    case DT_INT8:
      return store_integer<int8_t>(object, value, dtype, to);
    case DT_INT16:
      return store_integer<int16_t>(object, value, dtype, to);
    case DT_INT32:
      return store_integer<int32_t>(object, value, dtype, to);
    case DT_INT64:
      return store_integer<int64_t>(object, value, dtype, to);
    case DT_UINT8:
      return store_integer<uint8_t>(object, value, dtype, to);
    case DT_UINT16:
      return store_integer<uint16_t>(object, value, dtype, to);
    case DT_UINT32:
      return store_integer<uint32_t>(object, value, dtype, to);
    case DT_UINT64:
      return store_integer<uint64_t>(object, value, dtype, to);
    case DT_BOOL:
      *to = value.tag == DT_FLOAT ? value.as.f != 0 : value.as.i != 0;
      return;
    case DT_COMPLEX64:
      return store_complex<float>(value, to);
    case DT_COMPLEX128:
      return store_complex<double>(value, to);
    default:
      type_error("tensor: numbers cannot be stored in this dtype");  // 16-bit floats are cast afterwards
  }
}

// Second walk: store the leaves. The shape is known to hold, but the sequences may have changed under us.
void fill(PyObject* object, const std::vector<int64_t>& shape, size_t level, DType dtype, char*& to) {
  if (level == shape.size()) {
    store(object, dtype, to);
    to += itemsize(dtype);
    return;
  }
  Ref items = items_of(object);
  if (!items || PySequence_Fast_GET_SIZE(items.get()) != shape[level]) {
    runtime_error("tensor: the data changed while it was read");
  }
  for (int64_t i = 0; i < shape[level]; ++i) {
    if (i >= PySequence_Fast_GET_SIZE(items.get())) runtime_error("tensor: the data changed while it was read");
    fill(PySequence_Fast_GET_ITEM(items.get(), i), shape, level + 1, dtype, to);
  }
}

DType natural_dtype(Category category) {
  switch (category) {
    case Category::boolean:
      return DT_BOOL;
    case Category::integral:
      return DT_INT64;
    case Category::floating:
      return default_dtype();
    default:
      return default_dtype() == DT_FLOAT64 ? DT_COMPLEX128 : DT_COMPLEX64;
  }
}

// A sequence of zero-dim or larger tensors keeps their dtype.
DType dtype_of_tensors(PyObject* data) {
  if (!PyList_Check(data) && !PyTuple_Check(data)) return -1;
  DType dtype = -1;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(data); ++i) {
    PyObject* entry = PySequence_Fast_GET_ITEM(data, i);
    if (!is_tensor(entry)) return -1;
    dtype = dtype < 0 ? impl_of(entry)->dtype : promote(dtype, impl_of(entry)->dtype);
  }
  return dtype;
}

}  // namespace

Tensor converted(Tensor t, DType dtype, Device device) {
  if (t->dtype != dtype) t = call1(*fast.cast, {box(t), box_dtype(dtype)});
  device = resolve_device(device);
  if (t->device != device) t = call1(*fast.to_device, {box(t), box_device(device)});
  return t;
}

Tensor tensor_from_data(PyObject* data, DType dtype) {
  if (is_tensor(data)) {
    Tensor source = detach(impl_of(data));
    const DType wanted = dtype < 0 ? source->dtype : dtype;
    if (wanted != source->dtype) return converted(source, wanted, source->device);
    return call1(*fast.clone, {box(source)});
  }
  const bool plain = PyList_Check(data) || PyTuple_Check(data) || PyFloat_CheckExact(data) || PyLong_Check(data) ||
                     PyComplex_CheckExact(data) || is_text(data);
  if (!plain && has_array(data)) {
    Tensor source = tensor_from_buffer(data, "tensor");
    if (dtype >= 0 && dtype != source->dtype) return converted(source, dtype, kCpu);
    return call1(*fast.clone, {box(source)});
  }
  Survey survey;
  survey.visit(data, 0, true);
  DType found = dtype >= 0 ? dtype : dtype_of_tensors(data);
  if (found < 0) found = survey.any ? natural_dtype(survey.widest) : default_dtype();
  // Sixteen-bit floats are rounded once, by the cast.
  const DType stored = found == DT_FLOAT16 || found == DT_BFLOAT16 ? DT_FLOAT64 : found;
  Tensor result = empty(static_cast<int>(survey.shape.size()), survey.shape.data(), stored, kCpu);
  char* to = result->data;
  if (result->numel > 0) fill(data, survey.shape, 0, stored, to);
  return stored == found ? result : converted(result, found, kCpu);
}

}  // namespace dovetail::py
