// The small value types: dtype, device, Size, Generator.
#pragma once

#include "bindings/py.h"
#include "core/backend.h"
#include "core/generator.h"
#include "core/tensor.h"

namespace dovetail::py {

struct DTypeObject {
  PyObject_HEAD DType dtype;
};
struct DeviceObject {
  PyObject_HEAD Device device;
};
struct GeneratorObject {
  PyObject_HEAD Generator* generator;
};

extern PyTypeObject *dtype_type, *device_type, *generator_type, *size_type;

// Borrowed; the dtype objects are singletons.
PyObject* dtype_object(DType dtype);
// The dtype that an object stands for: a dtype, float, int, bool, complex, a NumPy dtype or scalar type, or its name.
// False (without an exception) if it stands for none.
bool to_dtype(PyObject* object, DType* out);

PyObject* device_object(Device device);
// A device or its text. False (without an exception) for other types; throws for a text that names none.
bool to_device(PyObject* object, Device* out);

PyObject* generator_object(Generator* generator);  // takes a reference of its own

// A Size of these ints.
PyObject* size_object(int count, const int64_t* sizes);

void init_dtype(PyObject* module);
void init_device(PyObject* module);
void init_generator(PyObject* module);
void init_size(PyObject* module);

// Make a type from its spec and put it into the module under its short name.
PyTypeObject* add_type(PyObject* module, PyType_Spec* spec, PyObject* bases = nullptr);

}  // namespace dovetail::py
