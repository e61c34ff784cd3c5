// dovetail.Size: a shape, a tuple of ints with numel().
#include "bindings/types.h"

namespace dovetail::py {

PyTypeObject* size_type = nullptr;

namespace {

PyObject* numel(PyObject* self, PyObject*) {
  Ref product = Ref::steal(PyLong_FromLong(1));
  for (Py_ssize_t i = 0; product && i < PyTuple_GET_SIZE(self); ++i) {
    product = Ref::steal(PyNumber_Multiply(product.get(), PyTuple_GET_ITEM(self, i)));
  }
  return product.release();
}

PyObject* repr(PyObject* self) {
  Ref plain = Ref::steal(PySequence_List(self));
  return plain ? PyUnicode_FromFormat("dovetail.Size(%R)", plain.get()) : nullptr;
}

// A result of tuple's own slots as a Size again: slices, sums and products of shapes are shapes.
PyObject* as_size(PyObject* tuple) {
  Ref plain = Ref::steal(tuple);
  if (!plain || !PyTuple_CheckExact(plain.get())) return plain.release();
  return PyObject_CallOneArg(reinterpret_cast<PyObject*>(size_type), plain.get());
}
PyObject* concat(PyObject* a, PyObject* b) {
  PyObject* sum = PyTuple_Type.tp_as_sequence->sq_concat(a, b);
  return PyTuple_Check(b) ? as_size(sum) : sum;
}
PyObject* repeat(PyObject* self, Py_ssize_t times) {
  return as_size(PyTuple_Type.tp_as_sequence->sq_repeat(self, times));
}
PyObject* subscript(PyObject* self, PyObject* index) {
  PyObject* result = PyTuple_Type.tp_as_mapping->mp_subscript(self, index);
  return PySlice_Check(index) ? as_size(result) : result;
}

PyObject* made(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  Ref self = Ref::steal(PyTuple_Type.tp_new(type, args, kwargs));
  if (!self && PyErr_ExceptionMatches(PyExc_TypeError)) {
    PyErr_Format(PyExc_TypeError, "Size: expected one iterable of ints, got %.200R", args);
  }
  if (!self) return nullptr;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(self.get()); ++i) {
    PyObject* entry = PyTuple_GET_ITEM(self.get(), i);
    if (PyLong_Check(entry)) continue;
    PyObject* index = PyNumber_Index(entry);
    if (!index) {
      PyErr_Format(PyExc_TypeError, "Size: every entry must be an int, got %s at %zd", Py_TYPE(entry)->tp_name, i);
      return nullptr;
    }
    PyTuple_SET_ITEM(self.get(), i, index);
    Py_DECREF(entry);
  }
  return self.release();
}
PyObject* make(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  return entry_as("Size", [&] { return made(type, args, kwargs); });
}

PyObject* reduce(PyObject* self, PyObject*) {
  Ref plain = Ref::steal(
      PyTuple_Type.tp_as_mapping->mp_subscript(self, Ref::steal(PySlice_New(nullptr, nullptr, nullptr)).get()));
  if (!plain) return nullptr;
  if (plain.get() == self) plain = Ref::steal(PySequence_List(self));
  return plain ? Py_BuildValue("O(O)", reinterpret_cast<PyObject*>(size_type), plain.get()) : nullptr;
}

PyMethodDef methods[] = {
    {"numel", numel, METH_NOARGS, "The number of elements of a tensor of this shape."},
    {"__reduce__", reduce, METH_NOARGS, nullptr},
    {},
};
PyType_Slot slots[] = {
    {Py_tp_repr, reinterpret_cast<void*>(repr)},
    {Py_tp_new, reinterpret_cast<void*>(make)},
    {Py_tp_methods, methods},
    {Py_sq_concat, reinterpret_cast<void*>(concat)},
    {Py_sq_repeat, reinterpret_cast<void*>(repeat)},
    {Py_mp_subscript, reinterpret_cast<void*>(subscript)},
    {Py_tp_doc, const_cast<char*>("Size(iterable=()): the shape of a tensor, a tuple of ints.")},
    {0, nullptr},
};
PyType_Spec spec = {"dovetail.Size", 0, 0, Py_TPFLAGS_DEFAULT, slots};

}  // namespace

PyObject* size_object(int count, const int64_t* sizes) {
  Ref self = checked(size_type->tp_alloc(size_type, count));
  for (int i = 0; i < count; ++i) {
    PyTuple_SET_ITEM(self.get(), i, checked(PyLong_FromLongLong(sizes[i])).release());
  }
  return self.release();
}

PyTypeObject* add_type(PyObject* module, PyType_Spec* spec, PyObject* bases) {
  Ref type = checked(PyType_FromSpecWithBases(spec, bases));
  check(PyModule_AddType(module, reinterpret_cast<PyTypeObject*>(type.get())));
  return reinterpret_cast<PyTypeObject*>(type.release());
}

void init_size(PyObject* module) { size_type = add_type(module, &spec, reinterpret_cast<PyObject*>(&PyTuple_Type)); }

}  // namespace dovetail::py
