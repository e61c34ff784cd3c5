// A Python extension that is compiled against the installed headers and refuses to load where they don't fit.
#include "dovetail/abi_python.hpp"

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "extension", nullptr, -1, nullptr, nullptr, nullptr, nullptr, nullptr};

PyMODINIT_FUNC PyInit_extension() {
  try {
    if (!dt::import_api("extension", "dovetail-extension")) return nullptr;
  } catch (const std::runtime_error& error) {
    PyErr_SetString(PyExc_ImportError, error.what());
    return nullptr;
  }
  return PyModule_Create(&definition);
}
