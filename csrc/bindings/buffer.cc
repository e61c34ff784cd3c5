// A tensor's memory for others: the buffer protocol and NumPy.
#include <cstring>
#include <memory>
#include <string>

#include "bindings/construct.h"
#include "bindings/tensor_type.h"
#include "bindings/types.h"
#include "bindings/values.h"
#include "bindings/wrapper.h"

namespace dovetail::py {

namespace {

constexpr const char* kFormats[DT_DTYPE_COUNT] = {"f", "d", "e", nullptr, "b", "h",  "i", "q",
                                                  "B", "H", "I", "Q",     "?", "Zf", "Zd"};

// What a live buffer holds on to: the storage outlives the tensor, and `t.data = ...` does not pull it away.
struct Export {
  Storage* storage;
  Py_ssize_t shape[DT_MAX_DIMS];
  Py_ssize_t strides[DT_MAX_DIMS];
};

[[noreturn]] void refuse(const std::string& message) {
  PyErr_SetString(PyExc_BufferError, message.c_str());
  throw PythonError{};
}

bool row_major(const TensorImpl& t) { return t.contiguous; }

bool column_major(const TensorImpl& t) {
  int64_t step = 1;
  for (int i = 0; i < t.ndim; ++i) {
    if (t.size(i) != 1 && t.stride(i) != step) return false;
    step *= t.size(i);
  }
  return true;
}

void check_buffer(const TensorImpl& t, int flags) {
  check_value("buffer", t);
  if (t.device.kind != 0) refuse("buffer: the tensor is on " + device_text(t.device) + "; use .cpu() first");
  if (t.bits & DT_BIT_GRAD) refuse("buffer: the tensor requires grad; use .detach() first");
  if (!kFormats[t.dtype])
    refuse(std::string("buffer: no format for ") + dtype_name(t.dtype) + "; cast to float32 first");
  if ((flags & PyBUF_WRITABLE) && t.storage->read_only) refuse("buffer: the tensor's memory is read-only");
  const bool plain = (flags & PyBUF_STRIDES) != PyBUF_STRIDES || (flags & PyBUF_C_CONTIGUOUS) == PyBUF_C_CONTIGUOUS;
  if (plain && !row_major(t)) refuse("buffer: the tensor is not contiguous; use .contiguous() first");
  if ((flags & PyBUF_F_CONTIGUOUS) == PyBUF_F_CONTIGUOUS && !column_major(t)) {
    refuse("buffer: the tensor is not column-major");
  }
  if ((flags & PyBUF_ANY_CONTIGUOUS) == PyBUF_ANY_CONTIGUOUS && !row_major(t) && !column_major(t)) {
    refuse("buffer: the tensor is not contiguous; use .contiguous() first");
  }
}

Ref numpy_module() { return checked(PyImport_ImportModule("numpy")); }

// The array of a detached CPU tensor, without a copy.
Ref share_with_numpy(TensorImpl* t) {
  if (kFormats[t->dtype]) {
    Ref view = checked(PyMemoryView_FromObject(Ref::steal(wrap(Tensor::borrow(t))).get()));
    return checked(PyObject_CallMethod(numpy_module().get(), "asarray", "O", view.get()));
  }
  // bfloat16 has no format letter: hand over its bits and let ml_dtypes name them.
  Tensor bits = over_storage(t->storage, t->ndim, t->sizes(), t->strides(), t->offset, DT_UINT16);
  return as_bfloat16(share_with_numpy(bits.get()), "numpy");
}

Ref to_numpy(PyObject* self, bool force) {
  concretize(self, "numpy()");
  Tensor t = Tensor::borrow(impl_of(self));
  if ((t->bits & DT_BIT_GRAD) && !force) {
    runtime_error("numpy: the tensor requires grad; use .detach().numpy()");
  }
  if (t->device.kind != 0 && !force) {
    type_error("numpy: the tensor is on ", device_text(t->device), "; use .cpu().numpy()");
  }
  t = detach(t.get());
  if (t->device.kind != 0) t = call1(*fast.to_device, {box(t), box_device(kCpu)});
  return share_with_numpy(t.get());
}

}  // namespace

const char* format_of_dtype(DType dtype) { return kFormats[dtype]; }

Ref as_bfloat16(const Ref& bits, const char* who) {
  PyObject* types = PyImport_ImportModule("ml_dtypes");
  if (!types && PyErr_ExceptionMatches(PyExc_ImportError)) {
    PyErr_Clear();
    raise(PyExc_ImportError, "%s: NumPy has bfloat16 by ml_dtypes, which is not installed: pip install ml_dtypes", who);
  }
  Ref bfloat16 = checked(PyObject_GetAttrString(checked(types).get(), "bfloat16"));
  return checked(PyObject_CallMethod(bits.get(), "view", "O", bfloat16.get()));
}

DType dtype_of_format(const char* format) {
  if (!format) return DT_UINT8;
  if (*format == '@' || *format == '=' || *format == '<') ++format;
  for (DType dtype = 0; dtype < DT_DTYPE_COUNT; ++dtype) {
    if (kFormats[dtype] && std::strcmp(kFormats[dtype], format) == 0) return dtype;
  }
  // C's long and long long, which are 64 bits where we run, and single bytes.
  if (std::strcmp(format, "l") == 0) return sizeof(long) == 8 ? DT_INT64 : DT_INT32;
  if (std::strcmp(format, "L") == 0) return sizeof(long) == 8 ? DT_UINT64 : DT_UINT32;
  if (std::strcmp(format, "c") == 0) return DT_UINT8;
  return -1;
}

int get_buffer(PyObject* self, Py_buffer* view, int flags) {
  view->obj = nullptr;
  return entry_int([&] {
    const TensorImpl& t = *impl_of(self);
    check_buffer(t, flags);
    auto exported = std::make_unique<Export>();
    const int64_t item = itemsize(t.dtype);
    for (int i = 0; i < t.ndim; ++i) {
      exported->shape[i] = t.size(i);
      exported->strides[i] = t.stride(i) * item;
    }
    exported->storage = t.storage;
    retain(t.storage);
    t.storage->exports.fetch_add(1, std::memory_order_relaxed);
    view->buf = t.data;
    view->len = t.numel * item;
    view->itemsize = item;
    view->readonly = t.storage->read_only;
    view->ndim = t.ndim;
    view->format = (flags & PyBUF_FORMAT) ? const_cast<char*>(kFormats[t.dtype]) : nullptr;
    view->shape = (flags & PyBUF_ND) ? exported->shape : nullptr;
    view->strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? exported->strides : nullptr;
    view->suboffsets = nullptr;
    view->internal = exported.release();
    view->obj = Py_NewRef(self);
    return 0;
  });
}

void release_buffer(PyObject*, Py_buffer* view) {
  std::unique_ptr<Export> exported(static_cast<Export*>(view->internal));
  if (!exported) return;
  exported->storage->exports.fetch_sub(1, std::memory_order_relaxed);
  release(exported->storage);
  view->internal = nullptr;
}

PyObject* tensor_numpy(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  return entry([&] {
    const Py_ssize_t named = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
    const bool known =
        named == 0 || (named == 1 && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(kwnames, 0), "force") == 0);
    if (nargs > 0 || !known) type_error("numpy: takes no arguments but force=");
    const int force = named ? PyObject_IsTrue(args[0]) : 0;
    check(force);
    return to_numpy(self, force != 0).release();
  });
}

// __array__(dtype=None, copy=None)
PyObject* tensor_array(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  return entry([&] {
    PyObject* dtype = nargs > 0 ? args[0] : Py_None;
    PyObject* copy = nargs > 1 ? args[1] : Py_None;
    for (Py_ssize_t k = 0; kwnames && k < PyTuple_GET_SIZE(kwnames); ++k) {
      PyObject* name = PyTuple_GET_ITEM(kwnames, k);
      if (PyUnicode_CompareWithASCIIString(name, "dtype") == 0)
        dtype = args[nargs + k];
      else if (PyUnicode_CompareWithASCIIString(name, "copy") == 0)
        copy = args[nargs + k];
      else
        type_error("__array__: takes dtype and copy only");
    }
    Ref array = to_numpy(self, false);
    if (dtype == Py_None && copy != Py_True) return array.release();
    Ref wanted = dtype == Py_None ? checked(PyObject_GetAttrString(array.get(), "dtype")) : Ref::borrow(dtype);
    Ref make = checked(PyObject_GetAttrString(numpy_module().get(), "array"));
    Ref none = checked(PyTuple_Pack(1, array.get()));
    // NumPy 1 has no copy=None: False means there what None means in NumPy 2, to copy where it is needed.
    Ref keywords = checked(Py_BuildValue("{sO}", "dtype", wanted.get()));
    if (copy != Py_None) check(PyDict_SetItemString(keywords.get(), "copy", copy));
    Ref as_array = copy == Py_None ? checked(PyObject_GetAttrString(numpy_module().get(), "asarray")) : make;
    return checked(PyObject_Call(as_array.get(), none.get(), keywords.get())).release();
  });
}

}  // namespace dovetail::py
