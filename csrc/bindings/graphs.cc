// Graphs of captured work, for the Python class that wraps them: here they are plain numbers.
#include "bindings/graphs.h"

#include "bindings/device_functions.h"
#include "core/capture.h"

namespace dovetail::py {

namespace {

Graph* graph_of(PyObject* number) {
  const unsigned long long address = PyLong_AsUnsignedLongLong(number);
  if (PyErr_Occurred()) throw PythonError{};
  return static_cast<Graph*>(pointer_of(address));
}

PyObject* capture_begin(PyObject*, PyObject* args) {
  PyObject* device;
  unsigned long long stream, pool;
  int mode;
  if (!PyArg_ParseTuple(args, "OKKi:_capture_begin", &device, &stream, &pool, &mode)) return nullptr;
  return entry([&] {
    const Where where("capture_begin", device);
    if (!where.table->capture_begin)
      runtime_error("capture_begin: the backend '", where.table->name, "' can't capture work into graphs");
    begin_capture(where.device, pointer_of(stream), pool, mode);
    Py_RETURN_NONE;
  });
}

PyObject* capture_end(PyObject*, PyObject*) {
  return entry([] { return number_of(end_capture()); });
}

PyObject* capture_drop(PyObject*, PyObject*) {
  drop_capture();
  Py_RETURN_NONE;
}

PyObject* stream_is_capturing(PyObject*, PyObject* args) {
  DeviceArguments a;
  if (!a.parse(args, "OK:_stream_is_capturing")) return nullptr;
  return entry([&] {
    const Where where("is_current_stream_capturing", a.device);
    return PyBool_FromLong(is_capturing(where.device, pointer_of(a.first)));
  });
}

PyObject* graph_launch(PyObject*, PyObject* args) {
  PyObject* number;
  unsigned long long stream;
  if (!PyArg_ParseTuple(args, "OK:_graph_launch", &number, &stream)) return nullptr;
  return entry([&] {
    launch(*graph_of(number), pointer_of(stream));
    Py_RETURN_NONE;
  });
}

PyObject* graph_destroy(PyObject*, PyObject* number) {
  return entry([&] {
    destroy(graph_of(number));
    Py_RETURN_NONE;
  });
}

PyMethodDef functions[] = {
    {"_capture_begin", capture_begin, METH_VARARGS, "_capture_begin(device, stream, pool, mode): record the stream."},
    {"_capture_end", capture_end, METH_NOARGS, "_capture_end(): the graph of what was recorded."},
    {"_capture_drop", capture_drop, METH_NOARGS, "_capture_drop(): end the capture, if one is under way; no graph."},
    {"_stream_is_capturing", stream_is_capturing, METH_VARARGS,
     "_stream_is_capturing(device, stream): whether it records."},
    {"_graph_launch", graph_launch, METH_VARARGS, "_graph_launch(graph, stream): run it behind what the stream has."},
    {"_graph_destroy", graph_destroy, METH_O, "_graph_destroy(graph): end it."},
    {},
};

}  // namespace

PyMethodDef* graph_functions() { return functions; }

}  // namespace dovetail::py
