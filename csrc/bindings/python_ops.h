// Ops, layers and backends written in Python.
#pragma once

#include "bindings/py.h"
#include "core/op.h"

namespace dovetail::py {

// Import what brings a Python op's function and documentation, if it is not there yet. Throws.
void load_function(const Op& op);
PyMethodDef* python_op_functions();        // python_ops.cc
PyMethodDef* layer_functions();            // layers.cc
PyMethodDef* python_backend_functions();   // python_backend.cc
PyMethodDef* backend_library_functions();  // backend_library.cc
void init_python_backend(PyObject* module);
// Fill the slots of the ABI table that touch Python, and publish it as the capsule (api_slots.cc).
void publish_api(PyObject* module);

}  // namespace dovetail::py
