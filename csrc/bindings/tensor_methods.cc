// Tensor's methods that are no ops: geometry, Python values, NumPy.
#include <algorithm>
#include <cstring>
#include <string>
#include <type_traits>

#include "bindings/construct.h"
#include "bindings/op_type.h"
#include "bindings/requires_grad.h"
#include "bindings/tensor_type.h"
#include "bindings/types.h"
#include "bindings/wrapper.h"

namespace dovetail::py {

namespace {

PyObject* stride_tuple(int count, const int64_t* strides) {
  Ref tuple = checked(PyTuple_New(count));
  for (int i = 0; i < count; ++i) PyTuple_SET_ITEM(tuple.get(), i, checked(PyLong_FromLongLong(strides[i])).release());
  return tuple.release();
}
PyObject* stride(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  return entry_as("stride", [&] {
    const TensorImpl* t = impl_of(self);
    return geometry("stride", t->ndim, t->strides(), stride_tuple, args, nargs, kwnames);
  });
}

PyObject* dim(PyObject* self, PyObject*) { return PyLong_FromLong(impl_of(self)->ndim); }
PyObject* numel(PyObject* self, PyObject*) { return PyLong_FromLongLong(impl_of(self)->numel); }
PyObject* storage_offset(PyObject* self, PyObject*) { return PyLong_FromLongLong(impl_of(self)->offset); }
PyObject* data_ptr(PyObject* self, PyObject*) {
  return entry([&] {
    const TensorImpl* t = impl_of(self);
    check_value("data_ptr", *t);
    return PyLong_FromVoidPtr(t->numel ? t->data : nullptr);
  });
}
PyObject* storage_ptr(PyObject* self, PyObject*) { return PyLong_FromVoidPtr(impl_of(self)->storage->data); }
PyObject* storage_nbytes(PyObject* self, PyObject*) { return PyLong_FromSize_t(impl_of(self)->storage->bytes); }
PyObject* storage_exports(PyObject* self, PyObject*) {
  return PyLong_FromLong(impl_of(self)->storage->exports.load(std::memory_order_relaxed));
}
// A base that lives for this view alone is not counted.
PyObject* storage_uses(PyObject* self, PyObject*) {
  const TensorImpl* t = impl_of(self);
  const bool own_base = t->base && t->base->storage == t->storage && t->base->refs.load() == 1;
  return PyLong_FromLong(t->storage->refs.load() - own_base);
}
PyObject* storage_owner_method(PyObject* self, PyObject*) {
  PyObject* owner = storage_owner(*impl_of(self)->storage);
  return Py_NewRef(owner ? owner : Py_None);
}
// With a memory format the answer is Python's.
PyObject* is_contiguous(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  if (nargs == 0 && !kwnames) return PyBool_FromLong(impl_of(self)->contiguous);
  return entry_as("is_contiguous", [&] {
    const bool named = kwnames && PyTuple_GET_SIZE(kwnames) == 1 &&
                       PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(kwnames, 0), "memory_format") == 0;
    if (nargs + (kwnames ? PyTuple_GET_SIZE(kwnames) : 0) != 1 || (kwnames && !named))
      type_error("is_contiguous: takes memory_format only");
    Ref formats = checked(PyImport_ImportModule("dovetail.formats"));
    return checked(PyObject_CallMethod(formats.get(), "is_in_format", "OO", self, args[0])).release();
  });
}
PyObject* element_size(PyObject* self, PyObject*) { return PyLong_FromLongLong(itemsize(impl_of(self)->dtype)); }
PyObject* is_floating_point(PyObject* self, PyObject*) { return PyBool_FromLong(is_floating(impl_of(self)->dtype)); }
PyObject* is_complex_method(PyObject* self, PyObject*) { return PyBool_FromLong(is_complex(impl_of(self)->dtype)); }
PyObject* is_signed(PyObject* self, PyObject*) { return PyBool_FromLong(kDTypes[impl_of(self)->dtype].is_signed); }

PyObject* is_set_to(PyObject* self, PyObject* other) {
  return entry([&] {
    if (!is_tensor(other)) type_error("is_set_to: expected a Tensor, got ", given_text(other));
    const TensorImpl *a = impl_of(self), *b = impl_of(other);
    const bool same = a->storage == b->storage && a->offset == b->offset && a->ndim == b->ndim &&
                      std::equal(a->dims, a->dims + 2 * a->ndim, b->dims);
    return PyBool_FromLong(same);
  });
}

PyObject* requires_grad_(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  return entry([&] {
    const Py_ssize_t given = nargs + (kwnames ? PyTuple_GET_SIZE(kwnames) : 0);
    if (given > 1) type_error("requires_grad_: takes one argument, requires_grad");
    set_requires_grad(self, given ? args[0] : Py_True);
    return Py_NewRef(self);
  });
}

// ---- values ---------------------------------------------------------------------------------------------

PyObject* item_method(PyObject* self, PyObject*) {
  return entry_as("item", [&] {
    const TensorImpl* t = impl_of(self);
    if (t->numel != 1) {
      runtime_error("item: only a tensor of one element can be converted to a Python number, this one has shape ",
                    shape_text(*t), "; use tolist()");
    }
    concretize(self, "item()");
    return number_object(item(*t));
  });
}

template <class T>
PyObject* python_value(const char* data) {
  T value;
  std::memcpy(&value, data, sizeof value);
  if constexpr (std::is_floating_point_v<T>) return PyFloat_FromDouble(value);
  if constexpr (std::is_signed_v<T>) return PyLong_FromLongLong(static_cast<long long>(value));
  return PyLong_FromUnsignedLongLong(static_cast<unsigned long long>(value));
}
template <class T>
PyObject* python_complex(const char* data) {
  T parts[2];
  std::memcpy(parts, data, sizeof parts);
  return PyComplex_FromDoubles(parts[0], parts[1]);
}
PyObject* python_bool(const char* data) { return PyBool_FromLong(*data != 0); }

// How one element becomes a Python number; null for the 16-bit floats, which are cast first.
using ToPython = PyObject* (*)(const char*);
ToPython element_reader(DType dtype) {
  switch (dtype) {
    case DT_FLOAT32:
      return python_value<float>;
    case DT_FLOAT64:
      return python_value<double>;
    case DT_INT8:
      return python_value<int8_t>;
    case DT_INT16:
      return python_value<int16_t>;
    case DT_INT32:
      return python_value<int32_t>;
    case DT_INT64:
      return python_value<int64_t>;
    case DT_UINT8:
      return python_value<uint8_t>;
    case DT_UINT16:
      return python_value<uint16_t>;
    case DT_UINT32:
      return python_value<uint32_t>;
    case DT_UINT64:
      return python_value<uint64_t>;
    case DT_BOOL:
      return python_bool;
    case DT_COMPLEX64:
      return python_complex<float>;
    case DT_COMPLEX128:
      return python_complex<double>;
    default:
      return nullptr;
  }
}

Ref nested_list(const TensorImpl& t, int level, const char* data, ToPython read) {
  if (level == t.ndim) return checked(read(data));
  Ref list = Ref::steal(PyList_New(t.size(level)));
  if (!list) {
    PyErr_Clear();
    raise(PyExc_MemoryError, "tolist: there is no memory for the lists of a tensor of shape %s", shape_text(t).c_str());
  }
  const int64_t step = t.stride(level) * itemsize(t.dtype);
  for (int64_t i = 0; i < t.size(level); ++i) {
    PyList_SET_ITEM(list.get(), i, nested_list(t, level + 1, data + i * step, read).release());
  }
  return list;
}

PyObject* tolist(PyObject* self, PyObject*) {
  return entry_as("tolist", [&] {
    concretize(self, "tolist()");
    Tensor t = detach(impl_of(self));
    if (t->device.kind != 0) t = call1(*fast.to_device, {box(t), box_device(kCpu)});
    if (!element_reader(t->dtype)) t = call1(*fast.cast, {box(t), box_dtype(DT_FLOAT32)});
    return nested_list(*t, 0, t->data, element_reader(t->dtype)).release();
  });
}

PyObject* to_python_complex(PyObject* self, PyObject*) {
  return entry([&] {
    concretize(self, "complex()");
    const dt_value value = item(*impl_of(self));
    if (value.tag == DT_COMPLEX) return PyComplex_FromDoubles(value.as.complex.re, value.as.complex.im);
    return PyComplex_FromDoubles(real_number(value), 0);
  });
}

// Tensor._make_subclass(cls, data, requires_grad=False): the same data as an object of a subclass.
PyObject* make_subclass(PyObject* cls, PyObject* const* args, Py_ssize_t nargs) {
  return entry([&] {
    // As a static method: (cls, data, requires_grad); as a class method: (data, requires_grad).
    if (nargs > 0 && PyType_Check(args[0])) cls = *args++, --nargs;
    if (nargs < 1 || nargs > 2 || !is_tensor(args[0])) {
      type_error("Tensor._make_subclass: expected (cls, data, requires_grad=False) with a Tensor as data");
    }
    if (!PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(cls), tensor_type)) {
      type_error("Tensor._make_subclass: cls must be a subclass of Tensor");
    }
    Ref self = Ref::steal(wrap_as(reinterpret_cast<PyTypeObject*>(cls), detach(impl_of(args[0]))));
    if (nargs == 2) set_requires_grad(self.get(), args[1]);
    return self.release();
  });
}

PyObject* refuse_pickle(PyObject*, PyObject*) {
  PyErr_SetString(
      PyExc_TypeError,
      "Tensor: tensors are not pickled; use dovetail.save() and dovetail.load(), which store safetensors, or "
      "share_memory_() for another process");
  return nullptr;
}

// Subclasses that must be pickled or copied define __reduce_ex__ themselves.
PyMethodDef methods[] = {
    {"stride", as_method(stride), METH_FASTCALL | METH_KEYWORDS,
     "stride(dim=None): the steps between elements, in elements, or that of one dim."},
    {"dim", dim, METH_NOARGS, "The number of dims."},
    {"ndimension", dim, METH_NOARGS, "The number of dims."},
    {"numel", numel, METH_NOARGS, "The number of elements."},
    {"nelement", numel, METH_NOARGS, "The number of elements."},
    {"storage_offset", storage_offset, METH_NOARGS, "Where the first element is in the storage, in elements."},
    {"data_ptr", data_ptr, METH_NOARGS, "The address of the first element; 0 where there is none."},
    {"_storage_ptr", storage_ptr, METH_NOARGS, "The address of the storage, which views share."},
    {"_storage_nbytes", storage_nbytes, METH_NOARGS, "Bytes of the storage."},
    {"_storage_uses", storage_uses, METH_NOARGS, "How many tensors share the storage."},
    {"_storage_owner", storage_owner_method, METH_NOARGS,
     "The Python object whose buffer the storage is; None where it is the library's own."},
    {"_storage_exports", storage_exports, METH_NOARGS, "How many arrays and buffers share the storage."},
    {"is_contiguous", as_method(is_contiguous), METH_FASTCALL | METH_KEYWORDS,
     "is_contiguous(memory_format=contiguous_format)\n--\n\n"
     "Whether the elements lie in row-major order, or that of a memory format, without gaps."},
    {"element_size", element_size, METH_NOARGS, "Bytes of one element."},
    {"is_floating_point", is_floating_point, METH_NOARGS, "Whether the dtype is a real floating-point one."},
    {"is_complex", is_complex_method, METH_NOARGS, "Whether the dtype is complex."},
    {"is_signed", is_signed, METH_NOARGS, "Whether the dtype has negative values."},
    {"is_set_to", is_set_to, METH_O, "is_set_to(other): whether both are the same view of the same storage."},
    {"requires_grad_", as_method(requires_grad_), METH_FASTCALL | METH_KEYWORDS,
     "requires_grad_(requires_grad=True): set requires_grad; returns self."},
    {"item", item_method, METH_NOARGS, "The one element as a Python number."},
    {"tolist", tolist, METH_NOARGS, "The elements as nested lists; a number for a zero-dim tensor."},
    {"numpy", as_method(tensor_numpy), METH_FASTCALL | METH_KEYWORDS,
     "numpy(*, force=False): a NumPy array of the same memory.\n\n"
     "force=True detaches and copies to the CPU first where that is needed."},
    {"__array__", as_method(tensor_array), METH_FASTCALL | METH_KEYWORDS, nullptr},
    {"__complex__", to_python_complex, METH_NOARGS, nullptr},
    {"__reduce_ex__", refuse_pickle, METH_O, nullptr},
    {"_make_subclass", as_method(make_subclass), METH_FASTCALL | METH_CLASS, nullptr},
    {},
};

}  // namespace

PyObject* geometry(const char* who, int ndim, const int64_t* values, PyObject* (*whole)(int, const int64_t*),
                   PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  const Py_ssize_t named = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
  const bool dim_named = named == 1 && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(kwnames, 0), "dim") == 0;
  if (nargs + named > 1 || (named && !dim_named)) type_error(who, ": takes one argument, dim");
  if (nargs + named == 0 || args[0] == Py_None) return whole(ndim, values);
  int64_t dim;
  if (!to_int(args[0], &dim)) type_error(who, ": dim must be an int, got ", given_text(args[0]));
  if (ndim == 0) index_error(who, ": a zero-dim tensor has no dim ", dim);
  return PyLong_FromLongLong(values[wrap_dim(who, dim, ndim)]);
}

PyMethodDef* tensor_methods() { return methods; }

}  // namespace dovetail::py
