// dovetail.device: where a tensor lives.
#include <string>
#include <vector>

#include "bindings/keywords.h"
#include "bindings/types.h"

namespace dovetail::py {

PyTypeObject* device_type = nullptr;

namespace {

Device device_of(PyObject* self) { return reinterpret_cast<DeviceObject*>(self)->device; }
const char* kind_name(PyObject* self) { return device_of(self).kind == 0 ? "cpu" : backend(device_of(self).kind).name; }
// The CPU is one device, and its index goes unsaid.
bool shows_index(PyObject* self) { return device_of(self).kind != 0 && device_of(self).index >= 0; }

PyObject* repr(PyObject* self) {
  return entry([&] {
    if (!shows_index(self)) return PyUnicode_FromFormat("device(type='%s')", kind_name(self));
    return PyUnicode_FromFormat("device(type='%s', index=%d)", kind_name(self), device_of(self).index);
  });
}

PyObject* str(PyObject* self) {
  return entry([&] {
    if (!shows_index(self)) return PyUnicode_FromString(kind_name(self));
    return PyUnicode_FromFormat("%s:%d", kind_name(self), device_of(self).index);
  });
}

Py_hash_t hash(PyObject* self) { return device_of(self).kind * 1000003 + device_of(self).index + 7; }

PyObject* compare(PyObject* self, PyObject* other, int op) {
  if (Py_TYPE(other) != device_type || (op != Py_EQ && op != Py_NE)) Py_RETURN_NOTIMPLEMENTED;
  return PyBool_FromLong((device_of(self) == device_of(other)) == (op == Py_EQ));
}

PyObject* get_type(PyObject* self, void*) {
  return entry([&] { return PyUnicode_FromString(kind_name(self)); });
}
PyObject* get_index(PyObject* self, void*) {
  if (!shows_index(self)) Py_RETURN_NONE;
  return PyLong_FromLong(device_of(self).index);
}

PyObject* reduce(PyObject* self, PyObject*) {
  Ref text = Ref::steal(str(self));
  return text ? Py_BuildValue("O(O)", reinterpret_cast<PyObject*>(device_type), text.get()) : nullptr;
}

PyObject* make(PyTypeObject*, PyObject* args, PyObject* kwargs) {
  static const char* keywords[] = {"type", "index", nullptr};
  PyObject *type = nullptr, *index = Py_None;
  if (!parse_keywords(args, kwargs, "O|O:device", keywords, &type, &index)) {
    return nullptr;
  }
  return entry([&]() -> PyObject* {
    Device device;
    Ref text = Ref::borrow(type);
    if (index != Py_None) {
      if (!PyUnicode_Check(type))
        raise(PyExc_TypeError, "device: type must be a str where index is given, got %s", Py_TYPE(type)->tp_name);
      text = checked(PyUnicode_FromFormat("%U:%S", type, index));
    }
    if (!to_device(text.get(), &device)) {
      raise(PyExc_TypeError, "device: expected a str such as 'cpu' or a device, got %s", Py_TYPE(type)->tp_name);
    }
    return device_object(device);
  });
}

// with dt.device("x"): what was chosen before comes back at the end. Each `with` keeps it here, innermost last.
struct Kept {
  bool chosen;
  Device device;
};
thread_local std::vector<Kept> kept_devices;

PyObject* enter(PyObject* self, PyObject*) {
  return entry_as("device", [&] {
    check_device("device", resolve_device(device_of(self)));
    const Device *before = default_device(), device = device_of(self);
    kept_devices.push_back({before != nullptr, before ? *before : kCpu});
    set_default_device(&device);
    return Py_NewRef(self);
  });
}
PyObject* leave(PyObject*, PyObject*) {
  if (!kept_devices.empty()) {
    const Kept kept = kept_devices.back();
    kept_devices.pop_back();
    set_default_device(kept.chosen ? &kept.device : nullptr);
  }
  Py_RETURN_NONE;
}

PyGetSetDef getset[] = {
    {"type", get_type, nullptr, "The device's type: 'cpu'.", nullptr},
    {"index", get_index, nullptr, "Which of the devices of this type; None for the CPU and for the current one.",
     nullptr},
    {},
};
PyMethodDef methods[] = {
    {"__reduce__", reduce, METH_NOARGS, nullptr},
    {"__enter__", enter, METH_NOARGS, "Make tensors that are given no device here until the `with` ends."},
    {"__exit__", leave, METH_VARARGS, nullptr},
    {},
};
PyType_Slot slots[] = {
    {Py_tp_repr, reinterpret_cast<void*>(repr)},
    {Py_tp_str, reinterpret_cast<void*>(str)},
    {Py_tp_hash, reinterpret_cast<void*>(hash)},
    {Py_tp_richcompare, reinterpret_cast<void*>(compare)},
    {Py_tp_new, reinterpret_cast<void*>(make)},
    {Py_tp_getset, getset},
    {Py_tp_methods, methods},
    {Py_tp_doc, const_cast<char*>("device(type, index=None): where a tensor lives: device('cpu').")},
    {0, nullptr},
};
PyType_Spec spec = {"dovetail.device", sizeof(DeviceObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots};

// An unknown device type may belong to an installed backend that nobody has loaded yet.
void load_backend(const std::string& kind) {
  if (kind.empty() || backend_by_name(kind) >= 0) return;
  Ref modules = Ref::borrow(PyImport_GetModuleDict());
  PyObject* loader_module = PyDict_GetItemString(modules.get(), "dovetail.backends");
  Ref loader;
  if (loader_module) {
    loader = Ref::borrow(loader_module);
  } else {
    loader = Ref::steal(PyImport_ImportModule("dovetail.backends"));
    if (!loader) {
      if (!PyErr_ExceptionMatches(PyExc_ModuleNotFoundError)) throw PythonError{};
      PyErr_Clear();  // the core alone, without the Python package around it
      return;
    }
  }
  Ref load = Ref::steal(PyObject_GetAttrString(loader.get(), "load"));
  if (!load) return PyErr_Clear();
  checked(PyObject_CallFunction(load.get(), "s", kind.c_str()));
}

}  // namespace

PyObject* device_object(Device device) {
  Ref object = checked(device_type->tp_alloc(device_type, 0));
  reinterpret_cast<DeviceObject*>(object.get())->device = device;
  return object.release();
}

bool to_device(PyObject* object, Device* out) {
  if (Py_TYPE(object) == device_type) {
    *out = device_of(object);
    return true;
  }
  if (!PyUnicode_Check(object)) return false;
  const char* utf8 = PyUnicode_AsUTF8(object);
  if (!utf8) return PyErr_Clear(), false;  // lone surrogates
  const std::string text = utf8;
  if (text == "cpu") return *out = kCpu, true;
  load_backend(text.substr(0, text.find(':')));
  *out = parse_device(text);
  return true;
}

void init_device(PyObject* module) { device_type = add_type(module, &spec); }

}  // namespace dovetail::py
