#pragma once

#include "bindings/py.h"

namespace dovetail::py {

PyMethodDef* stream_functions();

// Tensor.record_stream(stream)
PyObject* record_stream(PyObject* self, PyObject* stream);

}  // namespace dovetail::py
