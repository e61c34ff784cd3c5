// The module dovetail.autograd._engine.
#include <pybind11/stl.h>

#include "autograd/bindings/python.h"
#include "autograd/layer.h"
#include "autograd/rule.h"
#include "dovetail/abi_python.hpp"

namespace py = pybind11;

PYBIND11_MODULE(_engine, m) {
  const dt_api* table = dt::import_api("dovetail.autograd", "dovetail-autograd");
  if (!table) throw py::error_already_set();
  dt::init(table);

  // The library's errors as the exceptions that they are; those that came from Python are raised again unchanged.
  py::register_local_exception_translator([](std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const dt::Error& error) {
      dt::api().raise_py(error.restore());
    }
  });

  using namespace dovetail::autograd;
  declare_rules();
  bind_nodes(m);
  bind_tensors(m);
  bind_functions(m);
  bind_rules(m);
  bind_engine(m);
  bind_watch(m);
  bind_packing(m);
  bind_levels(m);
  bind_saved(m);
  bind_autocast(m);
  bind_lines();
  dt::check(dt::api().set_autograd_layer(autograd_layer, nullptr));
}
