// dovetail.Tensor, in pieces: one file for each group of slots.
#pragma once

#include "bindings/py.h"
#include "core/op.h"

namespace dovetail::py {

// The ops that operators and indexing call, looked up once at import; null where core does not declare one.
struct FastOps {
  const Op *add, *sub, *mul, *div, *floor_divide, *remainder, *pow, *matmul, *neg, *abs, *bitwise_not, *bitwise_and,
      *bitwise_or, *bitwise_xor, *bitwise_left_shift, *bitwise_right_shift, *eq, *ne, *lt, *le, *gt, *ge, *select,
      *slice, *unsqueeze, *expand, *index, *index_put, *copy, *fill, *cast, *to_device, *unbind, *transpose, *permute,
      *clone, *contiguous, *detach, *alias, *any;
};
extern FastOps fast;

struct TypeSlots {
  PyType_Slot* slots;
  int count;
};
TypeSlots number_slots();  // tensor_number.cc
PyObject* rich_compare(PyObject*, PyObject*, int);
PyGetSetDef* tensor_getset();   // tensor_attributes.cc
PyMethodDef* tensor_methods();  // tensor_methods.cc
// size(dim=None) and stride(dim=None): all of these values, or that of one dim.
PyObject* geometry(const char* who, int ndim, const int64_t* values, PyObject* (*whole)(int, const int64_t*),
                   PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames);
void init_size_attribute(PyObject* module);  // size_attribute.cc
int get_buffer(PyObject*, Py_buffer*, int);  // buffer.cc
void release_buffer(PyObject*, Py_buffer*);
PyObject* subscript(PyObject*, PyObject*);  // index.cc
int assign_subscript(PyObject*, PyObject*, PyObject*);
PyObject* sequence_item(PyObject*, Py_ssize_t);

PyObject* tensor_numpy(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames);  // buffer.cc
PyObject* tensor_array(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames);

void init_fast_ops();
void init_tensor(PyObject* module);

}  // namespace dovetail::py
