// Layers whose handler is a Python callable: handler(op, args, out) -> result.
#include <string>
#include <vector>

#include "bindings/errors.h"
#include "bindings/op_type.h"
#include "bindings/python_ops.h"
#include "bindings/wrapper.h"

namespace dovetail::py {

namespace {

struct Handler {
  int position;
  PyObject* function;
};

// The handlers pushed on this thread, to be released when they are popped.
thread_local std::vector<Handler> handlers;

Ref arguments_tuple(const Op& op, const dt_value* args, int n_args) {
  const auto& schema = op.schema.args;
  Ref tuple = checked(PyTuple_New(static_cast<Py_ssize_t>(schema.size())));
  for (int i = 0; i < static_cast<int>(schema.size()); ++i) {
    PyTuple_SET_ITEM(tuple.get(), i, value_to_python(i < n_args ? args[i] : schema[i].default_value).release());
  }
  return tuple;
}

Ref destinations_tuple(const dt_value* outs, int n_outs) {
  bool any = false;
  for (int i = 0; i < n_outs; ++i) any |= outs[i].tag != DT_NONE;
  if (!any) return Ref::borrow(Py_None);
  Ref tuple = checked(PyTuple_New(n_outs));
  for (int i = 0; i < n_outs; ++i) PyTuple_SET_ITEM(tuple.get(), i, value_to_python(outs[i]).release());
  return tuple;
}

// A handler that made new tensors where destinations were given has its results written there.
void fill_destinations(const dt_value* destinations, dt_value* results, int n_outs) {
  static const Op& copy = get_op("copy");
  for (int i = 0; i < n_outs; ++i) {
    if (destinations[i].tag != DT_TENSOR || destinations[i].as.tensor == results[i].as.tensor) continue;
    const dt_value args[2] = {destinations[i], results[i]};
    dt_value out = destinations[i];
    call(copy, args, 2, &out, 1);
    release_value(&results[i]);
    results[i] = out;
  }
}

dt_status run_handler(void* self, const dt_op* op, const dt_value* args, int32_t n_args, dt_value* outs,
                      int32_t n_outs) {
  Gil gil;
  if (!gil.held()) return set_error(DT_ERR_RUNTIME, op->name() + ": the Python interpreter is shutting down");
  return guarded_python([&] {
    Ref function = Ref::borrow(static_cast<PyObject*>(self));
    Ref tuple = arguments_tuple(*op, args, n_args);
    Ref out = destinations_tuple(outs, n_outs);
    Ref result = checked(PyObject_CallFunctionObjArgs(function.get(), op_object(*op), tuple.get(), out.get(), nullptr));
    dt_value results[kMaxOutputs] = {};
    results_from_python(*op, result.get(), results, n_outs);
    try {
      fill_destinations(outs, results, n_outs);
    } catch (...) {
      for (int i = 0; i < n_outs; ++i) release_value(&results[i]);
      throw;
    }
    std::copy_n(results, n_outs, outs);
  });
}

int position_of(PyObject* object) {
  static const struct {
    const char* name;
    int position;
  } names[] = {{"trace", DT_LAYER_TRACE},
               {"transform", DT_LAYER_TRANSFORM},
               {"autocast", DT_LAYER_AUTOCAST},
               {"profiler", DT_LAYER_PROFILER}};
  const char* text = PyUnicode_Check(object) ? PyUnicode_AsUTF8(object) : nullptr;
  for (const auto& known : names) {
    if (text && std::string(known.name) == text) return known.position;
  }
  value_error("layers: the position must be 'profiler', 'autocast', 'transform' or 'trace', got ", given_text(object));
}

PyObject* push(PyObject*, PyObject* args) {
  PyObject *handler, *at;
  if (!PyArg_ParseTuple(args, "OO:push_layer", &handler, &at)) return nullptr;
  return entry([&] {
    if (!PyCallable_Check(handler)) type_error("layers: the handler must be callable, got ", given_text(handler));
    const int position = position_of(at);
    handlers.reserve(handlers.size() + 1);
    push_layer(position, run_handler, handler);
    handlers.push_back({position, Py_NewRef(handler)});
    Py_RETURN_NONE;
  });
}

PyObject* pop(PyObject*, PyObject* at) {
  return entry([&] {
    const int position = position_of(at);
    for (size_t i = handlers.size(); i-- > 0;) {
      if (handlers[i].position != position) continue;
      pop_layer(position);
      Ref dropped = Ref::steal(handlers[i].function);
      handlers.erase(handlers.begin() + static_cast<std::ptrdiff_t>(i));
      Py_RETURN_NONE;
    }
    runtime_error("layers: no Python layer is pushed at this position on this thread");
  });
}

PyMethodDef functions[] = {
    {"push_layer", push, METH_VARARGS,
     "push_layer(handler, at): let handler(op, args, out) see this thread's calls, at 'profiler', 'autocast', "
     "'transform' or 'trace'."},
    {"pop_layer", pop, METH_O, "pop_layer(at): take the last layer pushed at this position off again."},
    {},
};

}  // namespace

PyMethodDef* layer_functions() { return functions; }

}  // namespace dovetail::py
