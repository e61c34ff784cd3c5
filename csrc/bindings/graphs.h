#pragma once

#include "bindings/py.h"

namespace dovetail::py {

PyMethodDef* graph_functions();

}  // namespace dovetail::py
