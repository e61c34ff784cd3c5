// dovetail.dtype: one object for each dtype.
#include <cstring>

#include "bindings/keywords.h"
#include "bindings/types.h"

namespace dovetail::py {

PyTypeObject* dtype_type = nullptr;

namespace {

PyObject* singletons[DT_DTYPE_COUNT];

const DTypeInfo& info_of(PyObject* self) { return kDTypes[reinterpret_cast<DTypeObject*>(self)->dtype]; }

PyObject* repr(PyObject* self) { return PyUnicode_FromFormat("dovetail.%s", info_of(self).name); }
PyObject* get_name(PyObject* self, void*) { return PyUnicode_FromString(info_of(self).name); }
PyObject* get_itemsize(PyObject* self, void*) { return PyLong_FromLong(info_of(self).itemsize); }
PyObject* get_floating(PyObject* self, void*) { return PyBool_FromLong(info_of(self).category == Category::floating); }
PyObject* get_complex(PyObject* self, void*) { return PyBool_FromLong(info_of(self).category == Category::complex); }
PyObject* get_signed(PyObject* self, void*) { return PyBool_FromLong(info_of(self).is_signed); }

// The complex dtype of which this is a part's, or the part's of a complex one; others have none.
PyObject* partner(PyObject* self, bool complex) {
  const DType dtype = reinterpret_cast<DTypeObject*>(self)->dtype;
  if ((info_of(self).category == Category::complex) == complex) return Py_NewRef(self);
  switch (dtype) {
    case DT_FLOAT32:
      return Py_NewRef(dtype_object(DT_COMPLEX64));
    case DT_FLOAT64:
      return Py_NewRef(dtype_object(DT_COMPLEX128));
    case DT_COMPLEX64:
      return Py_NewRef(dtype_object(DT_FLOAT32));
    case DT_COMPLEX128:
      return Py_NewRef(dtype_object(DT_FLOAT64));
    default:
      return PyErr_Format(PyExc_TypeError, "dtype.to_complex: %s has no complex dtype; convert to float32 or float64",
                          info_of(self).name);
  }
}

PyObject* to_complex(PyObject* self, PyObject*) { return partner(self, true); }
PyObject* to_real(PyObject* self, PyObject*) { return partner(self, false); }

// A dtype is pickled and copied by its name.
PyObject* reduce(PyObject* self, PyObject*) {
  return Py_BuildValue("O(s)", reinterpret_cast<PyObject*>(dtype_type), info_of(self).name);
}

PyObject* make(PyTypeObject*, PyObject* args, PyObject* kwargs) {
  static const char* keywords[] = {"name", nullptr};
  PyObject* object = nullptr;
  if (!parse_keywords(args, kwargs, "O:dtype", keywords, &object)) return nullptr;
  return entry([&]() -> PyObject* {
    DType dtype;
    if (!to_dtype(object, &dtype)) {
      raise(PyExc_TypeError, "dtype: %R is no dtype; use one such as dovetail.float32 or its name 'float32'", object);
    }
    return Py_NewRef(dtype_object(dtype));
  });
}

PyGetSetDef getset[] = {
    {"name", get_name, nullptr, "The dtype's name: 'float32'.", nullptr},
    {"itemsize", get_itemsize, nullptr, "Bytes of one element.", nullptr},
    {"is_floating_point", get_floating, nullptr, "Whether this is a real floating-point dtype.", nullptr},
    {"is_complex", get_complex, nullptr, "Whether this is a complex dtype.", nullptr},
    {"is_signed", get_signed, nullptr, "Whether negative values can be represented.", nullptr},
    {},
};
PyMethodDef methods[] = {
    {"__reduce__", reduce, METH_NOARGS, nullptr},
    {"to_complex", to_complex, METH_NOARGS, "The dtype of complex numbers whose parts are of this one."},
    {"to_real", to_real, METH_NOARGS, "The dtype of a complex number's parts; a real one itself."},
    {},
};
PyType_Slot slots[] = {
    {Py_tp_repr, reinterpret_cast<void*>(repr)},
    {Py_tp_new, reinterpret_cast<void*>(make)},
    {Py_tp_getset, getset},
    {Py_tp_methods, methods},
    {Py_tp_doc, const_cast<char*>("The type of a tensor's elements: dovetail.float32, dovetail.int64, ...")},
    {0, nullptr},
};
PyType_Spec spec = {"dovetail.dtype", sizeof(DTypeObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots};

// The dtype with the name that a NumPy dtype or scalar type carries; NumPy itself is not needed for it.
bool dtype_from_numpy(PyObject* object, DType* out) {
  const char* module = nullptr;
  if (PyType_Check(object)) {
    module = reinterpret_cast<PyTypeObject*>(object)->tp_name;
  } else {
    module = Py_TYPE(object)->tp_name;
  }
  if (std::strncmp(module, "numpy", 5) != 0 && std::strcmp(module, "bfloat16") != 0 &&
      std::strncmp(module, "ml_dtypes", 9) != 0) {
    return false;
  }
  Ref name = Ref::steal(PyObject_GetAttrString(object, PyType_Check(object) ? "__name__" : "name"));
  const char* text = name && PyUnicode_Check(name.get()) ? PyUnicode_AsUTF8(name.get()) : nullptr;
  if (!text) {
    PyErr_Clear();
    return false;
  }
  *out = dtype_by_name(std::strcmp(text, "bool_") == 0 ? "bool" : text);
  return *out >= 0;
}

}  // namespace

PyObject* dtype_object(DType dtype) { return singletons[dtype]; }

bool to_dtype(PyObject* object, DType* out) {
  if (Py_TYPE(object) == dtype_type) {
    *out = reinterpret_cast<DTypeObject*>(object)->dtype;
    return true;
  }
  if (PyType_Check(object)) {
    const auto* type = reinterpret_cast<PyTypeObject*>(object);
    if (type == &PyFloat_Type) return *out = default_dtype(), true;
    if (type == &PyLong_Type) return *out = DT_INT64, true;
    if (type == &PyBool_Type) return *out = DT_BOOL, true;
    if (type == &PyComplex_Type) {
      return *out = default_dtype() == DT_FLOAT64 ? DT_COMPLEX128 : DT_COMPLEX64, true;
    }
  }
  if (PyUnicode_Check(object)) {
    const char* text = PyUnicode_AsUTF8(object);
    if (!text) return PyErr_Clear(), false;  // lone surrogates
    *out = dtype_by_name(text);
    return *out >= 0;
  }
  return dtype_from_numpy(object, out);
}

void init_dtype(PyObject* module) {
  dtype_type = add_type(module, &spec);
  for (DType dtype = 0; dtype < DT_DTYPE_COUNT; ++dtype) {
    Ref object = checked(dtype_type->tp_alloc(dtype_type, 0));
    reinterpret_cast<DTypeObject*>(object.get())->dtype = dtype;
    check(PyModule_AddObjectRef(module, dtype_name(dtype), object.get()));
    singletons[dtype] = object.release();
  }
}

}  // namespace dovetail::py
