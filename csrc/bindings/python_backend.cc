// Backends that are Python objects: their memory is the host's, their kernels are callables over arrays.
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "bindings/construct.h"
#include "bindings/errors.h"
#include "bindings/python_ops.h"
#include "bindings/types.h"
#include "bindings/values.h"

namespace dovetail::py {

namespace {

// ---- what a kernel sees of a tensor ---------------------------------------------------------------------

// Borrowed memory, with the __array_interface__ that numpy.asarray reads. Valid while the kernel runs.
struct HostArray {
  PyObject_HEAD PyObject* interface;
};
PyTypeObject* host_array_type = nullptr;

void host_array_dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  Py_XDECREF(reinterpret_cast<HostArray*>(self)->interface);
  type->tp_free(self);
  Py_DECREF(type);
}
PyObject* get_interface(PyObject* self, void*) { return Py_NewRef(reinterpret_cast<HostArray*>(self)->interface); }
PyObject* get_shape(PyObject* self, void*) {
  return Py_XNewRef(PyDict_GetItemString(reinterpret_cast<HostArray*>(self)->interface, "shape"));
}

PyGetSetDef host_array_getset[] = {
    {"__array_interface__", get_interface, nullptr, nullptr, nullptr},
    {"shape", get_shape, nullptr, "The sizes of the dims.", nullptr},
    {},
};
PyType_Slot host_array_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(host_array_dealloc)},
    {Py_tp_getset, host_array_getset},
    {Py_tp_doc,
     const_cast<char*>("A kernel's argument: numpy.asarray(x) is a strided view. Valid while the kernel runs.")},
    {0, nullptr},
};
PyType_Spec host_array_spec = {"dovetail.HostArray", sizeof(HostArray), 0,
                               Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, host_array_slots};

// NumPy's name of a dtype: "<f4". For bfloat16, which NumPy does not have, that of its bits.
std::string type_string(DType dtype) {
  const char* kinds = "biufc";
  char kind = 0;
  switch (category(dtype)) {
    case Category::boolean:
      kind = 'b';
      break;
    case Category::integral:
      kind = kDTypes[dtype].is_signed ? kinds[1] : kinds[2];
      break;
    case Category::floating:
      kind = dtype == DT_BFLOAT16 ? 'u' : 'f';
      break;
    case Category::complex:
      kind = 'c';
      break;
  }
  return std::string(itemsize(dtype) == 1 ? "|" : "<") + kind + std::to_string(itemsize(dtype));
}

Ref ints_tuple(const int64_t* values, int count, int64_t scale) {
  Ref tuple = checked(PyTuple_New(count));
  for (int i = 0; i < count; ++i) {
    PyTuple_SET_ITEM(tuple.get(), i, checked(PyLong_FromLongLong(values[i] * scale)).release());
  }
  return tuple;
}

Ref host_array(const dt_array& array) {
  if (array.ndim < 0) return Ref::borrow(Py_None);
  // NumPy refuses a null pointer even where there are no elements.
  static char nothing[16];
  void* data = array.data ? array.data : nothing;
  Ref shape = ints_tuple(array.sizes, array.ndim, 1);
  Ref strides = ints_tuple(array.strides, array.ndim, itemsize(array.dtype));
  Ref interface = checked(Py_BuildValue("{s:O,s:O,s:s,s:(NO),s:i}", "shape", shape.get(), "strides", strides.get(),
                                        "typestr", type_string(array.dtype).c_str(), "data", PyLong_FromVoidPtr(data),
                                        Py_False, "version", 3));
  Ref self = checked(host_array_type->tp_alloc(host_array_type, 0));
  reinterpret_cast<HostArray*>(self.get())->interface = interface.release();
  if (array.dtype != DT_BFLOAT16) return self;
  Ref numpy = checked(PyImport_ImportModule("numpy"));
  return as_bfloat16(checked(PyObject_CallMethod(numpy.get(), "asarray", "O", self.get())), "a backend in Python");
}

Ref arrays_tuple(const dt_array* arrays, int count) {
  Ref tuple = checked(PyTuple_New(count));
  for (int i = 0; i < count; ++i) PyTuple_SET_ITEM(tuple.get(), i, host_array(arrays[i]).release());
  return tuple;
}

// A reduction has a result even where it reduces nothing: a reduced dim (stride 0) of size 0 counts as one of size 1,
// or NumPy would see no place to write.
Ref outputs_tuple(const dt_array* arrays, int count) {
  Ref tuple = checked(PyTuple_New(count));
  for (int i = 0; i < count; ++i) {
    dt_array array = arrays[i];
    int64_t sizes[DT_MAX_DIMS];
    for (int k = 0; k < array.ndim; ++k) sizes[k] = array.strides[k] == 0 && array.sizes[k] == 0 ? 1 : array.sizes[k];
    array.sizes = sizes;
    PyTuple_SET_ITEM(tuple.get(), i, host_array(array).release());
  }
  return tuple;
}

// The attributes: tensors are None, lists of them their length.
Ref attributes_tuple(const dt_value* args, int count) {
  Ref tuple = checked(PyTuple_New(count));
  for (int i = 0; i < count; ++i) {
    Ref value;
    if (args[i].tag == DT_TENSOR) {
      value = Ref::borrow(Py_None);
    } else if (args[i].tag == DT_TENSORS) {
      value = checked(PyLong_FromLong(args[i].count));
    } else {
      value = value_to_python(args[i]);
    }
    PyTuple_SET_ITEM(tuple.get(), i, value.release());
  }
  return tuple;
}

// ---- outputs of dynamic size ----------------------------------------------------------------------------

// allocate(index, shape) -> array, for kernels that find their result's size themselves.

PyObject* allocate(PyObject* capsule, PyObject* args) {
  int index;
  PyObject* shape;
  if (!PyArg_ParseTuple(args, "iO:allocate", &index, &shape)) return nullptr;
  return entry([&] {
    auto* context = static_cast<dt_kernel_context*>(PyCapsule_GetPointer(capsule, "dovetail.kernel_context"));
    if (!context) throw PythonError{};
    Arg sizes;
    sizes.kind = ArgType::int_list;
    Arena arena;
    dt_value value;
    if (!convert_argument(sizes, shape, false, arena, &value)) {
      type_error("allocate: shape must be ints, got ", given_text(shape));
    }
    void* data = context->allocate_output(context, index, value.count, value.as.ints);
    if (!data) runtime_error("allocate: output ", index, " could not be allocated");
    // Dynamic results are places, which are int64.
    int64_t strides[DT_MAX_DIMS];
    contiguous_strides(value.count, value.as.ints, strides);
    return host_array({data, value.as.ints, strides, value.count, DT_INT64}).release();
  });
}
PyMethodDef allocate_definition = {"allocate", allocate, METH_VARARGS,
                                   "allocate(index, shape): output `index`, contiguous, as an array."};

// ---- the backend's table --------------------------------------------------------------------------------

struct PythonBackend {
  dt_backend table{};
  std::string name;
  PyObject* object = nullptr;
};

struct PythonKernel {
  PyObject* function;
  bool dynamic;
};

dt_status run_kernel(const void* self, dt_kernel_context* context, const dt_array* outs, int32_t n_outs,
                     const dt_array* ins, int32_t n_ins, const dt_value* args, int32_t n_args) {
  Gil gil;
  if (!gil.held()) return context->fail(context, DT_ERR_RUNTIME, "the Python interpreter is shutting down");
  const auto* kernel = static_cast<const PythonKernel*>(self);
  return guarded_python([&] {
    Ref capsule;
    Ref out_arrays;
    if (kernel->dynamic) {
      capsule = checked(PyCapsule_New(context, "dovetail.kernel_context", nullptr));
      out_arrays = checked(PyCFunction_New(&allocate_definition, capsule.get()));
    } else {
      out_arrays = outputs_tuple(outs, n_outs);
    }
    Ref in_arrays = arrays_tuple(ins, n_ins);
    Ref attributes = attributes_tuple(args, n_args);
    checked(
        PyObject_CallFunctionObjArgs(kernel->function, out_arrays.get(), in_arrays.get(), attributes.get(), nullptr));
    // The context dies with the kernel, whoever kept the allocator.
    if (capsule) check(PyCapsule_SetName(capsule.get(), "dovetail.finished_kernel"));
  });
}

dt_status get_kernel(void* self, const char* op, const int32_t* dtypes, int32_t n_dtypes, dt_kernel* out) {
  out->fn = nullptr;
  Gil gil;
  if (!gil.held()) return DT_OK;
  return guarded_python([&] {
    Ref names = checked(PyTuple_New(n_dtypes));
    for (int i = 0; i < n_dtypes; ++i) {
      PyTuple_SET_ITEM(names.get(), i, checked(PyUnicode_FromString(dtype_name(dtypes[i]))).release());
    }
    Ref function =
        checked(PyObject_CallMethod(static_cast<PythonBackend*>(self)->object, "get_kernel", "sO", op, names.get()));
    if (function.get() == Py_None) return;
    if (!PyCallable_Check(function.get())) {
      type_error("get_kernel: expected a callable or None for ", op, ", got ", given_text(function.get()));
    }
    // Kernels are kept by core's table for as long as the process.
    out->self = new PythonKernel{function.release(), get_op(op).form == DT_FORM_DYNAMIC};
    out->fn = run_kernel;
  });
}

int32_t device_count(void* self) {
  Gil gil;
  if (!gil.held()) return 0;
  Ref count = Ref::steal(PyObject_CallMethod(static_cast<PythonBackend*>(self)->object, "device_count", nullptr));
  const long value = count ? PyLong_AsLong(count.get()) : -1;
  if (value < 0) PyErr_WriteUnraisable(static_cast<PythonBackend*>(self)->object);
  return value < 0 ? 0 : static_cast<int32_t>(value);
}

dt_status allocate_memory(void*, int32_t, size_t bytes, void*, void** out) {
  *out = std::aligned_alloc(64, (bytes + 63) / 64 * 64);
  return *out ? DT_OK : set_error(DT_ERR_MEMORY, "out of memory for " + std::to_string(bytes) + " bytes");
}
void free_memory(void*, int32_t, void* data, size_t, void*) { std::free(data); }
dt_status copy_memory(void*, int32_t, void* dst, const void* src, size_t bytes, int32_t, void*) {
  std::memmove(dst, src, bytes);
  return DT_OK;
}

PyObject* register_backend_function(PyObject*, PyObject* args) {
  const char* name;
  PyObject* object;
  if (!PyArg_ParseTuple(args, "sO:register_backend", &name, &object)) return nullptr;
  return entry([&] {
    for (const char* method : {"device_count", "get_kernel"}) {
      if (!PyObject_HasAttrString(object, method)) {
        type_error("backends.register: the backend '", name, "' has no method ", method, "()");
      }
    }
    auto backend = std::make_unique<PythonBackend>();
    backend->name = name;
    dt_backend& table = backend->table;
    table.abi_major = DT_ABI_MAJOR;
    table.abi_minor = DT_ABI_MINOR;
    table.struct_size = sizeof table;
    table.flags = DT_BACKEND_HOST_MEMORY;
    table.self = backend.get();
    table.name = backend->name.c_str();
    table.device_count = device_count;
    table.get_kernel = get_kernel;
    table.alloc = allocate_memory;
    table.free = free_memory;
    table.copy = copy_memory;
    const int16_t kind = register_backend(&table);
    backend.release()->object = Py_NewRef(object);  // a registered backend lives as long as the process
    return PyLong_FromLong(kind);
  });
}

PyObject* backend_names(PyObject*, PyObject*) {
  return entry([&] {
    Ref list = checked(PyList_New(0));
    for (int kind = 0; kind < backend_count(); ++kind) {
      Ref name = checked(PyUnicode_FromString(kind == 0 ? "cpu" : backend(kind).name));
      check(PyList_Append(list.get(), name.get()));
    }
    return list.release();
  });
}

PyObject* backend_device_count(PyObject*, PyObject* name) {
  return entry([&] {
    const char* text = PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : nullptr;
    const int kind = text ? backend_by_name(text) : -1;
    if (kind < 0) value_error("device_count: there is no backend named ", given_text(name));
    const dt_backend& table = backend(kind);
    return PyLong_FromLong(table.device_count(table.self));
  });
}

PyObject* has_kernel(PyObject*, PyObject* args) {
  const char *op, *device;
  PyObject* names;
  if (!PyArg_ParseTuple(args, "ssO!:has_kernel", &op, &device, &PyTuple_Type, &names)) return nullptr;
  return entry([&] {
    const int kind = backend_by_name(device);
    if (kind < 0) value_error("has_kernel: there is no backend named ", device);
    DType dtypes[16];
    const Py_ssize_t count = PyTuple_GET_SIZE(names);
    if (count > 16) value_error("has_kernel: at most 16 dtypes, got ", count);
    for (Py_ssize_t i = 0; i < count; ++i) {
      PyObject* name = PyTuple_GET_ITEM(names, i);
      if (!to_dtype(name, &dtypes[i])) type_error("has_kernel: expected dtypes, got ", given_text(name));
    }
    return PyBool_FromLong(find_kernel(get_op(op), kind, dtypes, static_cast<int>(count)).fn != nullptr);
  });
}

PyMethodDef functions[] = {
    {"has_kernel", has_kernel, METH_VARARGS,
     "has_kernel(op_name, device_type, dtypes): whether a backend brings a kernel for the op and a tuple of dtypes."},
    {"register_backend", register_backend_function, METH_VARARGS,
     "register_backend(name, obj): let obj run ops on devices of type `name`.\n\n"
     "obj has device_count() and get_kernel(op_name, dtypes), which returns kernel(outs, ins, args) or None."},
    {"backend_names", backend_names, METH_NOARGS, "The device types there are."},
    {"backend_device_count", backend_device_count, METH_O, "backend_device_count(name): how many devices it has now."},
    {},
};

}  // namespace

PyMethodDef* python_backend_functions() { return functions; }

void init_python_backend(PyObject* module) { host_array_type = add_type(module, &host_array_spec); }

}  // namespace dovetail::py
