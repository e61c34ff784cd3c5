// dovetail.Op: an op as a Python callable, built from its schema.
#pragma once

#include "bindings/parse.h"

namespace dovetail::py {

// One object for each of an op's names: relu, Tensor.relu and Tensor.relu_.
struct OpObject {
  PyObject_HEAD vectorcallfunc vectorcall;
  const Op* op;
  const OpInfo* info;
  Variant variant;
  PyObject* dict;    // what Python hangs on it; null until then
  PyObject* module;  // __module__
};

extern PyTypeObject *op_type, *op_method_type;

// The Op object of a registered op, the same each time; borrowed. Throws.
PyObject* op_object(const Op& op);
const OpInfo& op_info(const Op& op);
bool is_op(PyObject* object);
// Put the op's methods on Tensor: name, name_ and the aliases, where marked. Names taken by hand-written ones stay.
void install_methods(const Op& op);

// Call with complete values, letting other threads run while large work is done. Throws.
void call_op(const Op& op, const dt_value* args, int n_args, dt_value* outs, int n_outs);

// out= into destinations: one Tensor, or a tuple of them. Throws Error.
void place_destinations(const Op& op, PyObject* out, dt_value* outs);

PyGetSetDef* op_getset();   // op_attributes.cc
PyMethodDef* op_methods();  // op_attributes.cc

void init_op(PyObject* module);

}  // namespace dovetail::py
