// Attributes that a class's __getattr__ finds in dicts of the instance: a module's parameters, buffers and children.
//
// Before 3.12 Python calls __getattr__ only after it made, worded and dropped an AttributeError, which takes ten times
// as long as looking into the dicts. So they are looked into first, wherever that comes to the same.
#include "bindings/members.h"

namespace dovetail::py {

namespace {

#if PY_VERSION_HEX < 0x030C0000

getattrofunc pythons = nullptr;  // what Python does for a class with __getattr__
PyObject* kinds = nullptr;       // the names of the dicts

// A new reference; null, with or without an exception, where it is not there.
PyObject* found_in(PyObject* dict, PyObject* name) { return Py_XNewRef(PyDict_GetItemWithError(dict, name)); }

PyObject* found_in_instance(PyObject* self, PyObject* name) {
  const Ref own = Ref::steal(PyObject_GenericGetDict(self, nullptr));
  if (!own) return nullptr;
  PyObject* found = found_in(own.get(), name);
  for (Py_ssize_t i = 0; !found && !PyErr_Occurred() && i < PyTuple_GET_SIZE(kinds); ++i) {
    PyObject* const members = PyDict_GetItemWithError(own.get(), PyTuple_GET_ITEM(kinds, i));
    if (!members) continue;
    if (!PyDict_CheckExact(members)) break;  // its own way to look something up is Python's to call
    found = found_in(members, name);
  }
  return found;
}

// What the class has may come first, and its __getattr__ has the last word.
PyObject* get_attribute(PyObject* self, PyObject* name) {
  if (!_PyType_Lookup(Py_TYPE(self), name)) {
    PyObject* const found = found_in_instance(self, name);
    if (found || PyErr_Occurred()) return found;
  }
  return pythons(self, name);
}

// Python puts its own function back where the class, or one that it inherits from, gets another __getattr__.
void find_members(PyTypeObject* type, PyObject* names) {
  if (!pythons) {
    pythons = type->tp_getattro;
    kinds = Py_NewRef(names);
  }
  if (type->tp_getattro != pythons) return;
  type->tp_getattro = get_attribute;
  PyType_Modified(type);
}

#else

void find_members(PyTypeObject*, PyObject*) {}

#endif

PyObject* find_members_function(PyObject*, PyObject* args) {
  PyObject *type, *names;
  if (!PyArg_ParseTuple(args, "O!O!:find_members", &PyType_Type, &type, &PyTuple_Type, &names)) return nullptr;
  find_members(reinterpret_cast<PyTypeObject*>(type), names);
  Py_RETURN_NONE;
}

PyMethodDef functions[] = {
    {"find_members", find_members_function, METH_VARARGS,
     "find_members(cls, names): look attributes up in the dicts of these names, which the instances of cls have, "
     "before its __getattr__ is called, which does no more than that. The names are the same for all classes."},
    {},
};

}  // namespace

PyMethodDef* member_functions() { return functions; }

}  // namespace dovetail::py
