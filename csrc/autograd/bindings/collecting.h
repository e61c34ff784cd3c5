// grad_fn objects and Python's garbage collector.
#pragma once

#include "autograd/bindings/python.h"

namespace dovetail::autograd {

// For the classes of nodes: their objects take part in the search for cycles.
py::custom_type_setup collected();
// To be called when a node has got its Python object.
void keep(Node& node, py::handle object);

}  // namespace dovetail::autograd
