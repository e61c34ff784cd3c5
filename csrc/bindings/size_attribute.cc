// Tensor.size, which is two things: the number of elements, as the array API standard has it, and PyTorch's size().
//
// x.size is an int that can be called. x.size() does not make that int: the descriptor bears the mark of methods, so
// that the interpreter calls it with x at once.
#include "bindings/py.h"
// after Python.h
#include <structmember.h>

#include <algorithm>
#include <cstring>

#include "bindings/tensor_type.h"
#include "bindings/types.h"
#include "bindings/values.h"
#include "bindings/wrapper.h"

namespace dovetail::py {

namespace {

const char doc[] =
    "size(dim=None): the shape, or the size of one dim.\n\n"
    "Without a call, `x.size` is the number of elements: an int that gives the shape when it is called.";

// ---- the number of elements -----------------------------------------------------------------------------

// An int, and behind its digits the shape: not the tensor, whose memory a kept number would hold.
struct ElementCount {
  PyVarObject head;
  char digits[12];
  int ndim;
  vectorcallfunc call;
  int64_t sizes[1];
};
constexpr size_t kDigitsOffset = sizeof(PyVarObject);
static_assert(offsetof(ElementCount, digits) == kDigitsOffset && kDigitsOffset == offsetof(PyLongObject, ob_digit));
static_assert(PYLONG_BITS_IN_DIGIT * (sizeof(ElementCount::digits) / sizeof(digit)) >= 63);

PyTypeObject* element_count_type = nullptr;

PyObject* call_count(PyObject* self, PyObject* const* args, size_t nargsf, PyObject* kwnames) {
  const auto* count = reinterpret_cast<ElementCount*>(self);
  const Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
  return entry_as("size",
                  [&] { return geometry("size", count->ndim, count->sizes, size_object, args, nargs, kwnames); });
}

PyObject* element_count(const TensorImpl& t) {
  Ref plain = checked(PyLong_FromLongLong(t.numel));
  // The type's items are an int's digits, two of which are as long as a size.
  static_assert(2 * sizeof(digit) <= sizeof(int64_t) && sizeof(digit) >= 2);
  const Py_ssize_t items = t.ndim * static_cast<Py_ssize_t>(sizeof(int64_t) / sizeof(digit));
  Ref self = checked(element_count_type->tp_alloc(element_count_type, items));
  size_t bytes = 0;  // those of the digits in use
  for (int64_t rest = t.numel; rest; rest >>= PYLONG_BITS_IN_DIGIT) bytes += sizeof(digit);
  // What follows an object's header is the number itself: its count of digits with the sign, and the digits.
  char* number = reinterpret_cast<char*>(self.get()) + sizeof(PyObject);
  const char* source = reinterpret_cast<const char*>(plain.get()) + sizeof(PyObject);
  std::memcpy(number, source, kDigitsOffset - sizeof(PyObject) + bytes);
  auto* count = reinterpret_cast<ElementCount*>(self.get());
  count->ndim = t.ndim;
  count->call = call_count;
  std::copy(t.sizes(), t.sizes() + t.ndim, count->sizes);
  return self.release();
}

void free_count(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

// Copied and pickled, it is a plain int.
PyObject* reduce_count(PyObject* self, PyObject*) {
  Ref plain = Ref::steal(PyNumber_Long(self));
  return plain ? Py_BuildValue("O(O)", reinterpret_cast<PyObject*>(&PyLong_Type), plain.get()) : nullptr;
}

PyMethodDef count_methods[] = {{"__reduce__", reduce_count, METH_NOARGS, nullptr}, {}};
PyMemberDef count_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(ElementCount, call), READONLY, nullptr},
    {},
};
PyType_Slot count_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(free_count)},
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_methods, count_methods},
    {Py_tp_members, count_members},
    {Py_tp_doc, const_cast<char*>("The number of a tensor's elements, an int; called, the tensor's shape.")},
    {0, nullptr},
};
PyType_Spec count_spec = {"dovetail.ElementCount", offsetof(ElementCount, sizes), 0,
                          Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                          count_slots};

// ---- the attribute --------------------------------------------------------------------------------------

struct SizeAttribute {
  PyObject_HEAD vectorcallfunc call;
};

PyObject* call_size(PyObject*, PyObject* const* args, size_t nargsf, PyObject* kwnames) {
  const Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
  return entry_as("size", [&] {
    if (nargs < 1) type_error("size: expected a Tensor, got no argument");
    if (!is_tensor(args[0])) type_error("size: expected a Tensor, got ", given_text(args[0]));
    const TensorImpl* t = impl_of(args[0]);
    return geometry("size", t->ndim, t->sizes(), size_object, args + 1, nargs - 1, kwnames);
  });
}

PyObject* get_size(PyObject* self, PyObject* tensor, PyObject*) {
  if (!tensor) return Py_NewRef(self);  // Tensor.size
  return entry_as("size", [&] {
    if (!is_tensor(tensor)) type_error("size: expected a Tensor, got ", given_text(tensor));
    return element_count(*impl_of(tensor));
  });
}

PyObject* size_repr(PyObject*) { return PyUnicode_FromString("<method 'size' of 'dovetail.Tensor' objects>"); }

template <char const* text>
PyObject* constant(PyObject*, void*) {
  return PyUnicode_FromString(text);
}
const char name[] = "size";
const char qualified_name[] = "Tensor.size";
const char signature[] = "($self, dim=None)";
PyGetSetDef size_getset[] = {
    {"__name__", constant<name>, nullptr, nullptr, nullptr},
    {"__qualname__", constant<qualified_name>, nullptr, nullptr, nullptr},
    {"__text_signature__", constant<signature>, nullptr, nullptr, nullptr},
    {},
};
PyMemberDef size_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(SizeAttribute, call), READONLY, nullptr},
    {},
};
PyType_Slot size_slots[] = {
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_descr_get, reinterpret_cast<void*>(get_size)},
    {Py_tp_repr, reinterpret_cast<void*>(size_repr)},
    {Py_tp_getset, size_getset},
    {Py_tp_members, size_members},
    {Py_tp_doc, const_cast<char*>(doc)},
    {0, nullptr},
};
PyType_Spec size_spec = {
    "dovetail.SizeAttribute", sizeof(SizeAttribute), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    size_slots};

}  // namespace

void init_size_attribute(PyObject* module) {
  element_count_type = add_type(module, &count_spec, reinterpret_cast<PyObject*>(&PyLong_Type));
  PyTypeObject* type = add_type(module, &size_spec);
  Ref attribute = checked(type->tp_alloc(type, 0));
  reinterpret_cast<SizeAttribute*>(attribute.get())->call = call_size;
  check(PyObject_SetAttrString(reinterpret_cast<PyObject*>(tensor_type), "size", attribute.get()));
}

}  // namespace dovetail::py
