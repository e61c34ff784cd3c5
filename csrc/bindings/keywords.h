// Arguments of functions that are no ops, read by Python's own parser.
#pragma once

#include "bindings/py.h"

namespace dovetail::py {

// As PyArg_ParseTupleAndKeywords, whose refusals do not all begin with the function's name (which follows the colon in
// the format): here they do. False with the exception set.
bool parse_keywords(PyObject* args, PyObject* kwargs, const char* format, const char** keywords, ...);

}  // namespace dovetail::py
