// Tensors from Python data.
#pragma once

#include "bindings/py.h"
#include "core/tensor.h"

namespace dovetail::py {

// dovetail.tensor(data): always a copy. dtype -1: from the data.
Tensor tensor_from_data(PyObject* data, DType dtype);
// A tensor that shares the memory of an object with the buffer protocol or __array__. Throws.
Tensor tensor_from_buffer(PyObject* object, const char* who = "from_numpy");
// dovetail.frombuffer: elements one after another in an object's bytes.
// The object that owns a storage's memory, borrowed; null where that is no Python object's.
PyObject* storage_owner(const Storage& storage);
Tensor tensor_from_bytes(PyObject* object, DType dtype, int64_t count, int64_t offset);
// Whether tensor_from_buffer can take the object: it has a buffer (and is no bytes-like text) or __array__.
bool has_array(PyObject* object);
// The dtype that a buffer's format letter stands for; -1: none. And the other way.
DType dtype_of_format(const char* format);
const char* format_of_dtype(DType dtype);  // null: none
// bits, an array of uint16, as one of NumPy's bfloat16, which is ml_dtypes'. Throws where that is missing.
Ref as_bfloat16(const Ref& bits, const char* who);
// t in another dtype and on another device; itself where it is so already.
Tensor converted(Tensor t, DType dtype, Device device);

PyMethodDef* construct_functions();

}  // namespace dovetail::py
