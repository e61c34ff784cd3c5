// The one PyObject of a tensor.
//
// Who owns whom: normally the wrapper holds a reference on the impl. When Python drops its last reference while C++
// still holds the impl, the ownership flips: the impl keeps the wrapper (owns_pyobj), so that the subclass, the
// __dict__ and the identity are there when Python meets the tensor again.
#pragma once

#include "bindings/py.h"
#include "core/tensor.h"

namespace dovetail::py {

struct TensorObject {
  PyObject_HEAD TensorImpl* impl;  // null only while the object is being torn down
  PyObject* dict;
  PyObject* weakrefs;
};

extern PyTypeObject* tensor_type;  // set when the module is made

inline bool is_tensor_exact(PyObject* object) { return Py_TYPE(object) == tensor_type; }
inline bool is_tensor(PyObject* object) {
  return is_tensor_exact(object) || PyType_IsSubtype(Py_TYPE(object), tensor_type);
}
inline TensorImpl* impl_of(PyObject* object) { return reinterpret_cast<TensorObject*>(object)->impl; }

// A new reference to the tensor's wrapper, which is made if there is none. Throws PythonError.
PyObject* wrap(Tensor tensor);
// A wrapper of a subclass for a tensor that has none yet.
PyObject* wrap_as(PyTypeObject* type, Tensor tensor);

// Slots of the type.
void tensor_dealloc(PyObject* self);
int tensor_traverse(PyObject* self, visitproc visit, void* arg);
int tensor_clear(PyObject* self);

void init_wrapper();

}  // namespace dovetail::py
