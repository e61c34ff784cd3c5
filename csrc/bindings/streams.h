#pragma once

#include "bindings/py.h"

namespace dovetail::py {

PyMethodDef* stream_functions();

}  // namespace dovetail::py
