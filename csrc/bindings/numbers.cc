// Python and NumPy numbers as values, and back.
#include <cstring>

#include "bindings/values.h"
#include "bindings/wrapper.h"

namespace dovetail::py {

PyObject* concretize_hook = nullptr;

namespace {

bool named(PyObject* object, const char* prefix) {
  return std::strncmp(Py_TYPE(object)->tp_name, prefix, std::strlen(prefix)) == 0;
}

// A number by its slots alone (NumPy's scalars, fractions): containers such as ndarray have a length as well.
bool is_foreign_number(PyObject* object) {
  const PyTypeObject* type = Py_TYPE(object);
  if (type->tp_as_mapping && type->tp_as_mapping->mp_length) return false;
  if (type->tp_as_sequence && type->tp_as_sequence->sq_length) return false;
  return type->tp_as_number && (type->tp_as_number->nb_index || type->tp_as_number->nb_float);
}

int64_t long_to_int64(PyObject* number) {
  int overflow = 0;
  const long long value = PyLong_AsLongLongAndOverflow(number, &overflow);
  if (overflow) raise(PyExc_OverflowError, "the int %S does not fit in 64 bits", number);
  if (value == -1 && PyErr_Occurred()) throw PythonError{};
  return value;
}

// An int of 64 bits, with or without a sign.
dt_value boxed_long(PyObject* number) {
  int overflow = 0;
  const long long value = PyLong_AsLongLongAndOverflow(number, &overflow);
  if (overflow > 0) {
    const unsigned long long large = PyLong_AsUnsignedLongLong(number);
    if (!PyErr_Occurred()) return box_uint(large);
    PyErr_Clear();
  }
  if (overflow) raise(PyExc_OverflowError, "the int %S does not fit in 64 bits", number);
  if (value == -1 && PyErr_Occurred()) throw PythonError{};
  return box_int(value);
}

bool foreign_number(PyObject* object, dt_value* out) {
  if (!is_foreign_number(object)) return false;
  if (named(object, "numpy.bool")) {
    const int truth = PyObject_IsTrue(object);
    check(truth);
    *out = box_bool(truth);
  } else if (named(object, "numpy.complex")) {
    const Py_complex value = PyComplex_AsCComplex(object);
    if (PyErr_Occurred()) throw PythonError{};
    *out = dt_value{};
    out->tag = DT_COMPLEX;
    out->as.complex = {value.real, value.imag};
  } else if (PyIndex_Check(object)) {
    *out = boxed_long(checked(PyNumber_Index(object)).get());
  } else {
    *out = box_float(PyFloat_AsDouble(object));
    if (PyErr_Occurred()) throw PythonError{};
  }
  return true;
}

}  // namespace

bool to_number(PyObject* object, dt_value* out) {
  if (PyFloat_Check(object)) return *out = box_float(PyFloat_AS_DOUBLE(object)), true;
  if (PyBool_Check(object)) return *out = box_bool(object == Py_True), true;
  if (PyLong_Check(object)) return *out = boxed_long(object), true;
  if (PyComplex_Check(object)) {
    const Py_complex value = PyComplex_AsCComplex(object);
    *out = dt_value{};
    out->tag = DT_COMPLEX;
    out->as.complex = {value.real, value.imag};
    return true;
  }
  if (is_tensor(object)) return false;
  return foreign_number(object, out);
}

bool to_int(PyObject* object, int64_t* out) {
  if (small_int(object, out)) return true;
  if (PyLong_Check(object)) {
    if (PyBool_Check(object)) return false;
    return *out = long_to_int64(object), true;
  }
  if (is_tensor(object)) {
    const TensorImpl* t = impl_of(object);
    if (t->ndim != 0 || category(t->dtype) != Category::integral) return false;
    concretize(object, "int()");
    const dt_value value = item(*t);
    if (value.tag == DT_UINT) raise(PyExc_OverflowError, "the int %S does not fit in 64 bits", object);
    return *out = value.as.i, true;
  }
  if (!PyIndex_Check(object) || !is_foreign_number(object) || named(object, "numpy.bool")) return false;
  return *out = long_to_int64(checked(PyNumber_Index(object)).get()), true;
}

PyObject* number_object(const dt_value& value) {
  switch (value.tag) {
    case DT_BOOLEAN:
      return PyBool_FromLong(value.as.i != 0);
    case DT_INT:
      return PyLong_FromLongLong(value.as.i);
    case DT_UINT:
      return PyLong_FromUnsignedLongLong(static_cast<unsigned long long>(value.as.i));
    case DT_FLOAT:
      return PyFloat_FromDouble(value.as.f);
    case DT_COMPLEX:
      return PyComplex_FromDoubles(value.as.complex.re, value.as.complex.im);
    default:
      Py_RETURN_NONE;
  }
}

void concretize(PyObject* tensor, const char* what) {
  check_value(what, *impl_of(tensor));
  if (__builtin_expect(concretize_hook != nullptr, 0)) {
    checked(PyObject_CallFunction(concretize_hook, "Os", tensor, what));
  }
}

}  // namespace dovetail::py
