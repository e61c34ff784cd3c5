// Tensor's attributes.
#include <algorithm>
#include <cstring>
#include <string>

#include "bindings/op_type.h"
#include "bindings/requires_grad.h"
#include "bindings/tensor_type.h"
#include "bindings/types.h"
#include "bindings/wrapper.h"

namespace dovetail::py {

namespace {

PyObject* get_shape(PyObject* self, void*) {
  return entry([&] { return size_object(impl_of(self)->ndim, impl_of(self)->sizes()); });
}
PyObject* get_dtype(PyObject* self, void*) { return Py_NewRef(dtype_object(impl_of(self)->dtype)); }
PyObject* get_device(PyObject* self, void*) {
  return entry([&] {
    static PyObject* const cpu = device_object(kCpu);
    const Device device = impl_of(self)->device;
    return device.kind == 0 ? Py_NewRef(cpu) : device_object(device);
  });
}
PyObject* get_ndim(PyObject* self, void*) { return PyLong_FromLong(impl_of(self)->ndim); }
PyObject* get_itemsize(PyObject* self, void*) { return PyLong_FromLongLong(itemsize(impl_of(self)->dtype)); }
PyObject* get_nbytes(PyObject* self, void*) {
  return PyLong_FromLongLong(itemsize(impl_of(self)->dtype) * impl_of(self)->numel);
}
PyObject* get_version(PyObject* self, void*) {
  return PyLong_FromLongLong(impl_of(self)->version().load(std::memory_order_relaxed));
}
PyObject* get_is_inference(PyObject* self, void*) {
  return PyBool_FromLong((impl_of(self)->bits & DT_BIT_INFERENCE) != 0);
}
PyObject* get_base(PyObject* self, void*) {
  return entry([&] { return wrap(Tensor::borrow(impl_of(self)->base)); });
}
PyObject* get_is_cuda(PyObject* self, void*) {
  return entry([&] {
    const int kind = impl_of(self)->device.kind;
    return PyBool_FromLong(kind != 0 && std::strcmp(backend(kind).name, "cuda") == 0);
  });
}
PyObject* get_is_cpu(PyObject* self, void*) { return PyBool_FromLong(impl_of(self)->device.kind == 0); }
// Autograd replaces it; without autograd every tensor is a leaf.
PyObject* get_is_leaf(PyObject*, void*) { Py_RETURN_TRUE; }

// ---- gradients ------------------------------------------------------------------------------------------

PyObject* get_requires_grad(PyObject* self, void*) {
  return entry([&] {
    const TensorImpl* t = impl_of(self);
    // A view may be older than a recorded write to its base; asking for its history brings it up to date.
    if (!(t->bits & DT_BIT_GRAD) && t->base && (t->base->bits & DT_BIT_GRAD)) {
      checked(PyObject_GetAttrString(self, "grad_fn"));
    }
    return PyBool_FromLong((t->bits & DT_BIT_GRAD) != 0);
  });
}
int put_requires_grad(PyObject* self, PyObject* value, void*) {
  return entry_int([&] {
    if (!value) type_error("requires_grad: it cannot be deleted");
    if (!PyBool_Check(value)) type_error("requires_grad: must be a bool, got ", given_text(value));
    set_requires_grad(self, value);
    return 0;
  });
}

// Autograd knows what is to be said of a gradient that is not there.
void ask_for_missing(PyObject* self) {
  if (!PyObject_HasAttrString(self, "_missing_grad")) return;
  checked(PyObject_CallMethod(self, "_missing_grad", nullptr));
}

PyObject* get_grad(PyObject* self, void*) {
  return entry([&] {
    const TensorImpl* t = impl_of(self);
    if (!t->grad && t->bits & DT_BIT_GRAD && t->slot.load(std::memory_order_relaxed)) ask_for_missing(self);
    return wrap(Tensor::borrow(t->grad));
  });
}

void check_grad(const TensorImpl& t, const TensorImpl& grad) {
  if (&t == &grad) runtime_error("grad: a tensor cannot be its own gradient");
  const bool same_shape = t.ndim == grad.ndim && std::equal(t.sizes(), t.sizes() + t.ndim, grad.sizes());
  if (same_shape && t.dtype == grad.dtype && t.device == grad.device) return;
  runtime_error("grad: must match the tensor, which is ", describe(t), ", got ", describe(grad));
}

int put_grad(PyObject* self, PyObject* value, void*) {
  return entry_int([&] {
    if (!value || value == Py_None) {
      set_grad(impl_of(self), nullptr);
      return 0;
    }
    if (!is_tensor(value)) type_error("grad: must be a Tensor or None, got ", given_text(value));
    check_grad(*impl_of(self), *impl_of(value));
    set_grad(impl_of(self), impl_of(value));
    return 0;
  });
}

PyObject* get_data(PyObject* self, void*) {
  return entry([&] { return wrap(detach_private(impl_of(self))); });
}
int put_data(PyObject* self, PyObject* value, void*) {
  return entry_int([&] {
    if (!value || !is_tensor(value)) {
      type_error("data: must be a Tensor, got ", value ? given_text(value) : std::string("a deletion"));
    }
    set_data(impl_of(self), impl_of(value));
    return 0;
  });
}

// ---- parts of complex numbers -------------------------------------------------------------------------------

template <const char* const& kName>
PyObject* get_part(PyObject* self, void*) {
  return entry([&] {
    static const Op& op = get_op(kName);
    TensorImpl* t = impl_of(self);
    Tensor part = call1(op, {box(t)});
    return part.get() == t ? Py_NewRef(self) : wrap(std::move(part));
  });
}
template <const char* const& kName>
int put_part(PyObject* self, PyObject* value, void*) {
  return entry_int([&] {
    if (!value) type_error(kName, ": it cannot be deleted");
    Ref part = Ref::steal(get_part<kName>(self, nullptr));
    if (!part) throw PythonError{};
    checked(PyObject_CallMethod(part.get(), "copy_", "O", value));
    return 0;
  });
}
constexpr const char* kReal = "real";
constexpr const char* kImag = "imag";

// ---- transposes -----------------------------------------------------------------------------------------

PyObject* swap_last(PyObject* self, const char* who) {
  return entry([&] {
    TensorImpl* t = impl_of(self);
    if (t->ndim < 2) runtime_error(who, ": the tensor must have at least 2 dims, got ", describe(*t));
    dt_value args[3] = {box(t), box_int(-2), box_int(-1)};
    return wrap(call_view(*fast.transpose, args, 3));
  });
}
PyObject* get_mT(PyObject* self, void*) { return swap_last(self, "mT"); }

PyObject* get_T(PyObject* self, void*) {
  return entry([&] {
    TensorImpl* t = impl_of(self);
    if (t->ndim != 2) {
      const std::string warning = "T: for a tensor of 2 dims, got " + describe(*t) +
                                  "; reversing other numbers of dims is deprecated, as in PyTorch: use mT for the last "
                                  "two, permute(*reversed(range(x.ndim))) for all";
      check(PyErr_WarnEx(PyExc_UserWarning, warning.c_str(), 1));
    }
    int64_t dims[DT_MAX_DIMS];
    for (int i = 0; i < t->ndim; ++i) dims[i] = t->ndim - 1 - i;
    dt_value args[2] = {box(t), box_ints(dims, t->ndim)};
    return wrap(call_view(*fast.permute, args, 2));
  });
}

// The conjugate transpose: for real tensors the transpose.
PyObject* conjugate_transpose(PyObject* self, const char* who) {
  Ref swapped = Ref::steal(swap_last(self, who));
  if (!swapped || !is_complex(impl_of(self)->dtype)) return swapped.release();
  return PyObject_CallMethod(swapped.get(), "conj", nullptr);
}
PyObject* get_mH(PyObject* self, void*) { return conjugate_transpose(self, "mH"); }
PyObject* get_H(PyObject* self, void*) {
  if (impl_of(self)->ndim != 2) {
    return entry([&]() -> PyObject* {
      runtime_error("H: the tensor must have 2 dims, got ", describe(*impl_of(self)), "; use mH for batches");
    });
  }
  return conjugate_transpose(self, "H");
}

PyGetSetDef getset[] = {
    {"shape", get_shape, nullptr, "The sizes of the dims, as a Size.", nullptr},
    {"dtype", get_dtype, nullptr, "The type of the elements.", nullptr},
    {"device", get_device, nullptr, "Where the data is.", nullptr},
    {"ndim", get_ndim, nullptr, "The number of dims.", nullptr},
    {"itemsize", get_itemsize, nullptr, "Bytes of one element.", nullptr},
    {"nbytes", get_nbytes, nullptr, "Bytes of all elements.", nullptr},
    {"is_cuda", get_is_cuda, nullptr, "Whether the data is on a CUDA device.", nullptr},
    {"is_cpu", get_is_cpu, nullptr, "Whether the data is on the CPU.", nullptr},
    {"is_leaf", get_is_leaf, nullptr, "Whether no recorded op made this tensor.", nullptr},
    {"requires_grad", get_requires_grad, put_requires_grad, "Whether gradients are recorded for this tensor.", nullptr},
    {"grad", get_grad, put_grad, "The gradient that backward() left here, or None.", nullptr},
    {"data", get_data, put_data, "The same data, apart from autograd and its version counter.", nullptr},
    {"real", get_part<kReal>, put_part<kReal>, "The real part: a view of complex numbers.", nullptr},
    {"imag", get_part<kImag>, put_part<kImag>, "The imaginary part of complex numbers, as a view.", nullptr},
    {"T", get_T, nullptr, "The transpose of a matrix, a view; of other numbers of dims, with a warning, all reversed.",
     nullptr},
    {"mT", get_mT, nullptr, "The view with the last two dims swapped.", nullptr},
    {"H", get_H, nullptr, "The conjugate transpose of a matrix.", nullptr},
    {"mH", get_mH, nullptr, "The conjugate transpose of the last two dims.", nullptr},
    {"_version", get_version, nullptr, "How often the storage was written.", nullptr},
    {"_is_inference", get_is_inference, nullptr, "Whether the tensor was made in inference mode.", nullptr},
    {"_base", get_base, nullptr, "The tensor that this is a view of, or None.", nullptr},
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
    {},
};

}  // namespace

PyGetSetDef* tensor_getset() { return getset; }

}  // namespace dovetail::py
