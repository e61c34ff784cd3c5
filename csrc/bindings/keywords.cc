#include "bindings/keywords.h"

#include <cstdarg>
#include <cstring>

namespace dovetail::py {

bool parse_keywords(PyObject* args, PyObject* kwargs, const char* format, const char** keywords, ...) {
  va_list targets;
  va_start(targets, keywords);
  const bool parsed = PyArg_VaParseTupleAndKeywords(args, kwargs, format, const_cast<char**>(keywords), targets);
  va_end(targets);
  if (parsed) return true;
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  const char* name = std::strchr(format, ':') + 1;
  const Ref text = Ref::steal(value ? PyObject_Str(value) : nullptr);
  const char* said = text ? PyUnicode_AsUTF8(text.get()) : nullptr;
  if (!said || std::strncmp(said, name, std::strlen(name)) == 0) {
    PyErr_Restore(type, value, traceback);
    return false;
  }
  PyErr_Format(type, "%s: %s", name, said);
  Py_XDECREF(type);
  Py_XDECREF(value);
  Py_XDECREF(traceback);
  return false;
}

}  // namespace dovetail::py
