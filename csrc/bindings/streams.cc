// Devices, streams and events of backends, for the Python classes that wrap them. Streams and events are plain numbers
// here: the addresses that the backend gave.
#include "bindings/streams.h"

#include <cstring>

#include "bindings/device_functions.h"
#include "bindings/values.h"
#include "bindings/wrapper.h"

namespace dovetail::py {

namespace {

// A slot that waits lets other Python threads run.
template <class Wait>
void wait_without_gil(const Wait& wait) {
  dt_status status;
  Py_BEGIN_ALLOW_THREADS;
  status = wait();
  Py_END_ALLOW_THREADS;
  check_status(status);
}

PyObject* device_name(PyObject*, PyObject* object) {
  return entry([&] {
    const Where where("get_device_name", object);
    char text[256] = "";
    check_status(SLOT("get_device_name", device_name)(where.table->self, where.device.index, text, sizeof text));
    return PyUnicode_FromString(text);
  });
}

// The backend tells each property to this: into a dict, until one fails.
struct Properties {
  Ref dict = checked(PyDict_New());
  bool failed = false;

  static void add(void* self, const char* name, const dt_value* value) {
    auto& properties = *static_cast<Properties*>(self);
    if (properties.failed) return;
    const Ref object = Ref::steal(value->tag == DT_STRING
                                      ? PyUnicode_DecodeUTF8(value->as.string, std::strlen(value->as.string), "replace")
                                      : number_object(*value));
    properties.failed = !object || PyDict_SetItemString(properties.dict.get(), name, object.get()) < 0;
  }
};

PyObject* device_properties(PyObject*, PyObject* object) {
  return entry([&] {
    const Where where("get_device_properties", object);
    Properties properties;
    const auto slot = SLOT("get_device_properties", device_properties);
    check_status(slot(where.table->self, where.device.index, Properties::add, &properties));
    if (properties.failed) throw PythonError{};
    return properties.dict.release();
  });
}

PyObject* current_device(PyObject*, PyObject* object) {
  return entry([&] {
    const Where where("current_device", object);
    return PyLong_FromLong(where.table->current_device ? where.table->current_device(where.table->self) : 0);
  });
}

PyObject* set_current_device(PyObject*, PyObject* object) {
  return entry([&] {
    const Where where("set_device", object);
    check_status(SLOT("set_device", set_current_device)(where.table->self, where.device.index));
    Py_RETURN_NONE;
  });
}

// ---- streams --------------------------------------------------------------------------------------------

PyObject* stream_create(PyObject*, PyObject* args) {
  PyObject* object;
  int priority = 0;
  if (!PyArg_ParseTuple(args, "O|i:_stream_create", &object, &priority)) return nullptr;
  return entry([&] {
    const Where where("Stream", object);
    void* stream = nullptr;
    check_status(SLOT("Stream", stream_create)(where.table->self, where.device.index, priority, &stream));
    return number_of(stream);
  });
}

PyObject* stream_destroy(PyObject*, PyObject* args) {
  DeviceArguments a;
  if (!a.parse(args, "OK:_stream_destroy")) return nullptr;
  return entry([&] {
    const Where where("Stream", a.device);
    SLOT("Stream", stream_destroy)(where.table->self, where.device.index, pointer_of(a.first));
    Py_RETURN_NONE;
  });
}

PyObject* current_stream(PyObject*, PyObject* object) {
  return entry([&] {
    const Where where("current_stream", object);
    return number_of(SLOT("current_stream", current_stream)(where.table->self, where.device.index));
  });
}

PyObject* set_current_stream(PyObject*, PyObject* args) {
  DeviceArguments a;
  if (!a.parse(args, "OK:_set_current_stream")) return nullptr;
  return entry([&] {
    const Where where("set_stream", a.device);
    check_status(SLOT("set_stream", set_current_stream)(where.table->self, where.device.index, pointer_of(a.first)));
    Py_RETURN_NONE;
  });
}

PyObject* stream_query(PyObject*, PyObject* args) {
  DeviceArguments a;
  if (!a.parse(args, "OK:_stream_query")) return nullptr;
  return entry([&] {
    const Where where("query", a.device);
    int32_t done = 0;
    check_status(SLOT("query", stream_query)(where.table->self, where.device.index, pointer_of(a.first), &done));
    return PyBool_FromLong(done);
  });
}

PyObject* stream_synchronize(PyObject*, PyObject* args) {
  DeviceArguments a;
  if (!a.parse(args, "OK:_stream_synchronize")) return nullptr;
  return entry([&] {
    const Where where("synchronize", a.device);
    const auto slot = SLOT("synchronize", synchronize);
    wait_without_gil([&] { return slot(where.table->self, where.device.index, pointer_of(a.first)); });
    Py_RETURN_NONE;
  });
}

// ---- events ---------------------------------------------------------------------------------------------

PyObject* event_create(PyObject*, PyObject* object) {
  return entry([&] {
    const Where where("Event", object);
    void* event = nullptr;
    check_status(SLOT("Event", event_create)(where.table->self, where.device.index, &event));
    return number_of(event);
  });
}

PyObject* event_destroy(PyObject*, PyObject* args) {
  DeviceArguments a;
  if (!a.parse(args, "OK:_event_destroy")) return nullptr;
  return entry([&] {
    const Where where("Event", a.device);
    SLOT("Event", event_destroy)(where.table->self, where.device.index, pointer_of(a.first));
    Py_RETURN_NONE;
  });
}

PyObject* event_record(PyObject*, PyObject* args) {
  DeviceArguments a;
  if (!a.parse(args, "OKK:_event_record")) return nullptr;
  return entry([&] {
    const Where where("record", a.device);
    const auto slot = SLOT("record", event_record);
    check_status(slot(where.table->self, where.device.index, pointer_of(a.first), pointer_of(a.second)));
    Py_RETURN_NONE;
  });
}

PyObject* event_wait(PyObject*, PyObject* args) {
  DeviceArguments a;
  if (!a.parse(args, "OKK:_event_wait")) return nullptr;
  return entry([&] {
    const Where where("wait_event", a.device);
    const auto slot = SLOT("wait_event", event_wait);
    check_status(slot(where.table->self, where.device.index, pointer_of(a.first), pointer_of(a.second)));
    Py_RETURN_NONE;
  });
}

PyObject* event_query(PyObject*, PyObject* args) {
  DeviceArguments a;
  if (!a.parse(args, "OK:_event_query")) return nullptr;
  return entry([&] {
    const Where where("query", a.device);
    int32_t done = 0;
    check_status(SLOT("query", event_query)(where.table->self, where.device.index, pointer_of(a.first), &done));
    return PyBool_FromLong(done);
  });
}

PyObject* event_synchronize(PyObject*, PyObject* args) {
  DeviceArguments a;
  if (!a.parse(args, "OK:_event_synchronize")) return nullptr;
  return entry([&] {
    const Where where("synchronize", a.device);
    const auto slot = SLOT("synchronize", event_synchronize);
    wait_without_gil([&] { return slot(where.table->self, where.device.index, pointer_of(a.first)); });
    Py_RETURN_NONE;
  });
}

PyObject* event_elapsed(PyObject*, PyObject* args) {
  DeviceArguments a;
  if (!a.parse(args, "OKK:_event_elapsed")) return nullptr;
  return entry([&] {
    const Where where("elapsed_time", a.device);
    const auto slot = SLOT("elapsed_time", event_elapsed);
    double milliseconds = 0;
    check_status(slot(where.table->self, where.device.index, pointer_of(a.first), pointer_of(a.second), &milliseconds));
    return PyFloat_FromDouble(milliseconds);
  });
}

PyObject* record_stream(PyObject*, PyObject* args) {
  DeviceArguments a;
  if (!a.parse(args, "OK:_record_stream")) return nullptr;
  return entry([&] {
    if (!is_tensor(a.device)) type_error("record_stream: expected a Tensor, got ", given_text(a.device));
    const TensorImpl& t = *impl_of(a.device);
    const dt_backend& table = backend(t.device.kind);
    if (table.record_stream && t.storage && t.storage->data)
      check_status(table.record_stream(table.self, t.device.index, t.storage->data, pointer_of(a.first)));
    Py_RETURN_NONE;
  });
}

PyMethodDef functions[] = {
    {"_device_name", device_name, METH_O, "_device_name(device): what the device calls itself."},
    {"_device_properties", device_properties, METH_O, "_device_properties(device): what there is to know of it."},
    {"_current_device", current_device, METH_O,
     "_current_device(device): the index that a device without one has now."},
    {"_set_current_device", set_current_device, METH_O, "_set_current_device(device): for this thread."},
    {"_stream_create", stream_create, METH_VARARGS, "_stream_create(device, priority=0): a new stream."},
    {"_stream_destroy", stream_destroy, METH_VARARGS, "_stream_destroy(device, stream): wait for it and end it."},
    {"_current_stream", current_stream, METH_O, "_current_stream(device): this thread's; 0 is the default one."},
    {"_set_current_stream", set_current_stream, METH_VARARGS, "_set_current_stream(device, stream): for this thread."},
    {"_stream_query", stream_query, METH_VARARGS, "_stream_query(device, stream): whether its work is done."},
    {"_stream_synchronize", stream_synchronize, METH_VARARGS, "_stream_synchronize(device, stream): wait for it."},
    {"_event_create", event_create, METH_O, "_event_create(device): a new event."},
    {"_event_destroy", event_destroy, METH_VARARGS, "_event_destroy(device, event): end it."},
    {"_event_record", event_record, METH_VARARGS, "_event_record(device, event, stream): after what it was given."},
    {"_event_wait", event_wait, METH_VARARGS, "_event_wait(device, event, stream): the stream waits for the event."},
    {"_event_query", event_query, METH_VARARGS, "_event_query(device, event): whether it has come."},
    {"_event_synchronize", event_synchronize, METH_VARARGS, "_event_synchronize(device, event): wait for it."},
    {"_event_elapsed", event_elapsed, METH_VARARGS, "_event_elapsed(device, start, end): milliseconds between them."},
    {"_record_stream", record_stream, METH_VARARGS, "_record_stream(tensor, stream): its memory is used there too."},
    {},
};

}  // namespace

PyMethodDef* stream_functions() { return functions; }

}  // namespace dovetail::py
