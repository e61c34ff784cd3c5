// Autograd is another distribution: it is loaded when a tensor is first asked to require grad.
#pragma once

#include "bindings/py.h"

namespace dovetail::py {

// Import dovetail.autograd; throws an ImportError that names the distribution where it is missing.
void load_autograd();
// tensor.requires_grad = value. Throws PythonError or Error.
void set_requires_grad(PyObject* tensor, PyObject* value);

}  // namespace dovetail::py
