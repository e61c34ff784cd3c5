// Backends in shared libraries of their own: neither linked against the core nor Python extensions. Such a library
// exports `const dt_backend* dovetail_backend(const dt_api*)` (see abi.h), which is asked for its table.
#include <dlfcn.h>

#include "bindings/errors.h"
#include "bindings/python_ops.h"
#include "bindings/types.h"
#include "bindings/values.h"
#include "core/api.h"
#include "core/backend.h"

namespace dovetail::py {

namespace {

// What the last dl function says, without the path that its caller knows.
std::string loader_error(const std::string& path) {
  const char* text = dlerror();
  std::string error = text ? text : "unknown error";
  if (error.rfind(path + ": ", 0) == 0) error.erase(0, path.size() + 2);
  return error;
}

const dt_backend* table_of(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);  // for good: its kernels are code in it
  if (!library) runtime_error(path, ": ", loader_error(path));
  const auto entry = reinterpret_cast<dt_backend_entry>(dlsym(library, DT_BACKEND_ENTRY));
  if (!entry) runtime_error(path, ": it exports no function ", DT_BACKEND_ENTRY, "(), as a backend's library does");
  clear_error();
  const dt_backend* table = entry(&api_table());
  if (table) return table;
  const dt_error& error = error_slot();
  runtime_error(path, ": ", error.status != DT_OK ? error.message : DT_BACKEND_ENTRY "() gave no backend");
}

PyObject* load_backend_library(PyObject*, PyObject* path) {
  return entry([&] {
    const char* text = PyUnicode_Check(path) ? PyUnicode_AsUTF8(path) : nullptr;
    if (!text) type_error("load_backend_library: expected a str, got ", given_text(path));
    const dt_backend* table = table_of(text);
    register_backend(table);
    return PyUnicode_FromString(table->name);
  });
}

PyMethodDef functions[] = {
    {"load_backend_library", load_backend_library, METH_O,
     "load_backend_library(path): register the backend of a shared library; returns its device type."},
    {},
};

}  // namespace

PyMethodDef* backend_library_functions() { return functions; }

}  // namespace dovetail::py
