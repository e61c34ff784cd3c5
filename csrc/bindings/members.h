#pragma once

#include "bindings/py.h"

namespace dovetail::py {

PyMethodDef* member_functions();

}  // namespace dovetail::py
