// One Python argument against its type in the schema.
#include <string>

#include "bindings/types.h"
#include "bindings/values.h"
#include "bindings/wrapper.h"

namespace dovetail::py {

namespace {

// A list or tuple of any iterable but text; throws PythonError if iterating fails.
Ref as_fast_sequence(PyObject* object) {
  if (PyTuple_Check(object) || PyList_Check(object)) return Ref::borrow(object);
  if (PyUnicode_Check(object) || PyBytes_Check(object) || !Py_TYPE(object)->tp_iter) {
    const auto* sequence = Py_TYPE(object)->tp_as_sequence;
    if (PyUnicode_Check(object) || PyBytes_Check(object) || !sequence || !sequence->sq_item) return {};
  }
  if (is_tensor(object) && impl_of(object)->ndim == 0) return {};
  return checked(PySequence_Tuple(object));
}

bool convert_tensor(PyObject* object, bool number, Arena& arena, dt_value* out) {
  if (is_tensor(object)) return put(*out, impl_of(object)), true;
  dt_value value;
  if (!number || !to_number(object, &value)) return false;
  put(*out, arena.keep(wrap_number(value)));
  return true;
}

// Tensors of a list are retained: another thread may change the list while the call runs without the GIL.
bool convert_tensor_list(const Arg& arg, PyObject* object, Arena& arena, dt_value* out) {
  if (!PyTuple_Check(object) && !PyList_Check(object)) return false;
  const Py_ssize_t count = PySequence_Fast_GET_SIZE(object);
  TensorImpl** tensors = arena.room<TensorImpl*>(count);
  for (Py_ssize_t i = 0; i < count; ++i) {
    PyObject* entry = PySequence_Fast_GET_ITEM(object, i);
    if (is_tensor(entry)) {
      tensors[i] = arena.keep(Tensor::borrow(impl_of(entry)));
    } else if (entry == Py_None && arg.optional_elements) {
      tensors[i] = nullptr;
    } else {
      return false;
    }
  }
  *out = dt_value{};
  out->tag = DT_TENSORS;
  out->count = static_cast<int32_t>(count);
  out->as.tensors = tensors;
  return true;
}

// Fill a list argument from a sequence, or from one element where the schema repeats it.
template <class T, class ToElement>
bool convert_list(const Arg& arg, int32_t tag, PyObject* object, Arena& arena, dt_value* out, ToElement to_element) {
  T single{};
  if (to_element(object, &single)) {
    const int count = arg.fixed_count > 0 ? arg.fixed_count : 1;
    T* items = arena.room<T>(count);
    std::fill_n(items, count, single);
    put_word(*out, tag, count, reinterpret_cast<int64_t>(items));
    return true;
  }
  Ref sequence = as_fast_sequence(object);
  if (!sequence) return false;
  const Py_ssize_t count = PySequence_Fast_GET_SIZE(sequence.get());
  T* items = arena.room<T>(count);
  for (Py_ssize_t i = 0; i < count; ++i) {
    if (!to_element(PySequence_Fast_GET_ITEM(sequence.get(), i), &items[i])) return false;
  }
  put_word(*out, tag, static_cast<int32_t>(count), reinterpret_cast<int64_t>(items));
  return true;
}

bool to_bool(PyObject* object, int64_t* out) {
  if (PyBool_Check(object)) return *out = object == Py_True, true;
  dt_value value;
  if (PyLong_Check(object) || !to_number(object, &value) || value.tag != DT_BOOLEAN) return false;
  return *out = value.as.i, true;
}

bool to_scalar(PyObject* object, dt_value* out) {
  if (to_number(object, out)) return true;
  if (!is_tensor(object) || impl_of(object)->ndim != 0) return false;
  concretize(object, "item()");
  return *out = item(*impl_of(object)), true;
}

bool to_double(PyObject* object, double* out) {
  dt_value value;
  if (!to_scalar(object, &value) || value.tag == DT_COMPLEX) return false;
  return *out = real_number(value), true;
}

bool to_complex(PyObject* object, dt_value* out) {
  if (!to_scalar(object, out)) return false;
  if (out->tag == DT_COMPLEX) return true;
  const double real = real_number(*out);
  out->tag = DT_COMPLEX;
  out->as.complex = {real, 0};
  return true;
}

bool convert_string(PyObject* object, dt_value* out) {
  if (!PyUnicode_Check(object)) return false;
  *out = dt_value{};
  out->tag = DT_STRING;
  out->as.string = PyUnicode_AsUTF8(object);
  if (!out->as.string) PyErr_Clear();  // lone surrogates
  return out->as.string != nullptr;
}

bool convert_generator(PyObject* object, dt_value* out) {
  if (!PyObject_TypeCheck(object, generator_type)) return false;
  *out = dt_value{};
  out->tag = DT_GENERATOR;
  out->as.generator = reinterpret_cast<GeneratorObject*>(object)->generator;
  return true;
}

const char* kind_text(const Arg& arg) {
  switch (arg.kind) {
    case ArgType::tensor:
      return "a Tensor";
    case ArgType::tensor_list:
      return arg.optional_elements ? "a list of Tensors and None" : "a list of Tensors";
    case ArgType::scalar:
      return "a number";
    case ArgType::integer:
      return "an int";
    case ArgType::floating:
      return "a float";
    case ArgType::boolean:
      return "a bool";
    case ArgType::complex:
      return "a complex number";
    case ArgType::int_list:
      return "ints";
    case ArgType::float_list:
      return "floats";
    case ArgType::bool_list:
      return "bools";
    case ArgType::scalar_list:
      return "numbers";
    case ArgType::dtype:
      return "a dtype such as dovetail.float32";
    case ArgType::device:
      return "a device or a str such as 'cpu'";
    case ArgType::generator:
      return "a Generator";
    case ArgType::string:
      return "a str";
  }
  return "something else";
}

}  // namespace

bool convert_argument(const Arg& arg, PyObject* object, bool number, Arena& arena, dt_value* out) {
  if (object == Py_None) return *out = box_none(), arg.optional;
  switch (arg.kind) {
    case ArgType::tensor:
      return convert_tensor(object, number, arena, out);
    case ArgType::tensor_list:
      return convert_tensor_list(arg, object, arena, out);
    case ArgType::scalar:
      return to_scalar(object, out);
    case ArgType::integer:
      return put_int(*out, 0), to_int(object, &out->as.i);
    case ArgType::floating:
      return *out = box_float(0), to_double(object, &out->as.f);
    case ArgType::boolean:
      return *out = box_bool(false), to_bool(object, &out->as.i);
    case ArgType::complex:
      return to_complex(object, out);
    case ArgType::int_list:
      return convert_list<int64_t>(arg, DT_INTS, object, arena, out, to_int);
    case ArgType::bool_list:
      return convert_list<int64_t>(arg, DT_INTS, object, arena, out, to_bool);
    case ArgType::float_list:
      return convert_list<double>(arg, DT_FLOATS, object, arena, out, to_double);
    case ArgType::scalar_list:
      return convert_list<dt_value>(arg, DT_SCALARS, object, arena, out, to_scalar);
    case ArgType::dtype: {
      DType dtype;
      if (PyUnicode_Check(object) || !to_dtype(object, &dtype)) return false;
      return *out = box_dtype(dtype), true;
    }
    case ArgType::device: {
      Device device;
      if (!to_device(object, &device)) return false;
      return *out = box_device(device), true;
    }
    case ArgType::generator:
      return convert_generator(object, out);
    case ArgType::string:
      return convert_string(object, out);
  }
  return false;
}

std::string expected_text(const Arg& arg) {
  const std::string text = kind_text(arg);
  return arg.optional ? text + " or None" : text;
}

std::string given_text(PyObject* object) {
  if (is_tensor(object)) return "a Tensor of " + describe(*impl_of(object));
  if (object == Py_None) return "None";
  const char* full = Py_TYPE(object)->tp_name;
  const std::string type = full;
  Ref text = Ref::steal(PyObject_Repr(object));
  const char* utf8 = text ? PyUnicode_AsUTF8(text.get()) : nullptr;
  if (!utf8) return PyErr_Clear(), type;
  std::string shown = utf8;
  if (shown.size() > 60) shown = shown.substr(0, 57) + "...";
  if (type == "numpy.ndarray") return "a numpy.ndarray (dovetail.as_tensor makes a Tensor of it)";
  return type + " " + shown;
}

}  // namespace dovetail::py
