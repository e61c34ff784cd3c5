#include "bindings/tensor_type.h"

#include <structmember.h>

#include <vector>

#include "bindings/construct.h"
#include "bindings/op_type.h"
#include "bindings/requires_grad.h"
#include "bindings/types.h"
#include "bindings/wrapper.h"

namespace dovetail::py {

FastOps fast{};

namespace {

// Whether all of these are ints, and no bools: sizes.
bool are_sizes(PyObject* args) {
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args); ++i) {
    PyObject* each = PyTuple_GET_ITEM(args, i);
    if (!PyLong_Check(each) || PyBool_Check(each)) return false;
  }
  return true;
}

PyObject* empty_of(PyTypeObject* type, PyObject* sizes) {
  const Py_ssize_t count = PyTuple_GET_SIZE(sizes);
  if (count > DT_MAX_DIMS)
    value_error(type->tp_name, ": ", count, " dims are more than the ", DT_MAX_DIMS, " there may be");
  int64_t shape[DT_MAX_DIMS];
  for (Py_ssize_t i = 0; i < count; ++i) {
    shape[i] = PyLong_AsLongLong(PyTuple_GET_ITEM(sizes, i));
    if (shape[i] == -1 && PyErr_Occurred()) throw PythonError{};
    if (shape[i] < 0) value_error(type->tp_name, ": sizes must not be negative, got ", shape[i]);
  }
  return wrap_as(type, empty(static_cast<int>(count), shape, default_dtype(), kCpu));
}

// Tensor(data=()) makes a float tensor of the data; of a subclass too. Tensor(2, 3), and a Size, give the shape alone.
PyObject* make(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  return entry([&] {
    PyObject* data = nullptr;
    // Subclasses take what arguments they like and hand __new__ the data.
    const Py_ssize_t count = PyTuple_GET_SIZE(args);
    if (count >= 1 && are_sizes(args) && !(kwargs && PyDict_GET_SIZE(kwargs) > 0)) return empty_of(type, args);
    if (count > 1 || (kwargs && PyDict_GET_SIZE(kwargs) > 0)) {
      type_error(type->tp_name, ": Tensor takes one argument, data; use dovetail.tensor() and its keywords");
    }
    if (count == 1) data = PyTuple_GET_ITEM(args, 0);
    if (!data) return wrap_as(type, empty({0}, default_dtype()));
    if (is_tensor(data)) return wrap_as(type, detach(impl_of(data)));
    if (PyObject_TypeCheck(data, size_type)) return empty_of(type, data);
    return wrap_as(type, tensor_from_data(data, default_dtype()));
  });
}

Py_ssize_t length(PyObject* self) {
  const TensorImpl* t = impl_of(self);
  if (t->ndim == 0) {
    PyErr_SetString(PyExc_TypeError, "len: a zero-dim tensor has no length");
    return -1;
  }
  return t->size(0);
}

// x in t: whether any element equals x.
int contains(PyObject* self, PyObject* value) {
  return entry_int([&] {
    dt_value number;
    if (!is_tensor(value) && !to_number(value, &number)) {
      type_error("in: expected a number or a Tensor, got ", given_text(value));
    }
    Tensor other = is_tensor(value) ? Tensor::borrow(impl_of(value)) : wrap_number(number);
    Tensor equal = call1(*fast.eq, {box(impl_of(self)), box(other)});
    concretize(self, "in");
    return item(*call1(*fast.any, {box(equal)})).as.i != 0 ? 1 : 0;
  });
}

PyObject* iterate(PyObject* self) {
  return entry([&]() -> PyObject* {
    TensorImpl* t = impl_of(self);
    if (t->ndim == 0) type_error("iter: a zero-dim tensor cannot be iterated over");
    const dt_value args[2] = {box(t), box_int(0)};
    dt_value out{};
    call(*fast.unbind, args, 2, &out, 1);
    Ref rows = results_to_python(*fast.unbind, &out, nullptr);
    return PyObject_GetIter(rows.get());
  });
}

Py_hash_t hash(PyObject* self) { return _Py_HashPointer(self); }

// Shown where the Python package, which brings the full text, is not there.
PyObject* repr(PyObject* self) {
  return entry([&] { return PyUnicode_FromFormat("<Tensor of %s>", describe(*impl_of(self)).c_str()); });
}

PyMemberDef members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(TensorObject, dict), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(TensorObject, weakrefs), READONLY, nullptr},
    {},
};

template <class Fn>
void* slot(Fn* fn) {
  return reinterpret_cast<void*>(fn);
}

const char doc[] =
    "A multi-dimensional array of elements of one dtype.\n\nMade by dovetail.tensor(), zeros() and so on.";

}  // namespace

void init_fast_ops() {
#define FIND(name) fast.name = &get_op(#name)
  FIND(add);
  FIND(sub);
  FIND(mul);
  FIND(div);
  FIND(floor_divide);
  FIND(remainder);
  FIND(pow);
  FIND(matmul);
  FIND(neg);
  FIND(abs);
  FIND(bitwise_not);
  FIND(bitwise_and);
  FIND(bitwise_or);
  FIND(bitwise_xor);
  FIND(bitwise_left_shift);
  FIND(bitwise_right_shift);
  FIND(eq);
  FIND(ne);
  FIND(lt);
  FIND(le);
  FIND(gt);
  FIND(ge);
  FIND(select);
  FIND(slice);
  FIND(unsqueeze);
  FIND(expand);
  FIND(index);
  FIND(index_put);
  FIND(copy);
  FIND(fill);
  FIND(cast);
  FIND(to_device);
  FIND(unbind);
  FIND(transpose);
  FIND(permute);
  FIND(clone);
  FIND(contiguous);
  FIND(detach);
  FIND(alias);
  FIND(any);
#undef FIND
}

void init_tensor(PyObject* module) {
  const TypeSlots numbers = number_slots();
  std::vector<PyType_Slot> slots(numbers.slots, numbers.slots + numbers.count);
  const PyType_Slot rest[] = {
      {Py_tp_new, slot(make)},
      {Py_tp_dealloc, slot(tensor_dealloc)},
      {Py_tp_traverse, slot(tensor_traverse)},
      {Py_tp_clear, slot(tensor_clear)},
      {Py_tp_hash, slot(hash)},
      {Py_tp_repr, slot(repr)},
      {Py_tp_iter, slot(iterate)},
      {Py_tp_richcompare, slot(rich_compare)},
      {Py_tp_getset, tensor_getset()},
      {Py_tp_methods, tensor_methods()},
      {Py_tp_members, members},
      {Py_tp_doc, const_cast<char*>(doc)},
      {Py_mp_length, slot(length)},
      {Py_mp_subscript, slot(subscript)},
      {Py_mp_ass_subscript, slot(assign_subscript)},
      {Py_sq_length, slot(length)},
      {Py_sq_item, slot(sequence_item)},
      {Py_sq_contains, slot(contains)},
      {Py_bf_getbuffer, slot(get_buffer)},
      {Py_bf_releasebuffer, slot(release_buffer)},
      {0, nullptr},
  };
  slots.insert(slots.end(), std::begin(rest), std::end(rest));
  PyType_Spec spec = {"dovetail.Tensor", sizeof(TensorObject), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots.data()};
  tensor_type = add_type(module, &spec);
  init_size_attribute(module);
  // NumPy leaves operators between an array and a tensor to us.
  Ref priority = checked(PyLong_FromLong(1000));
  check(PyObject_SetAttrString(reinterpret_cast<PyObject*>(tensor_type), "__array_priority__", priority.get()));
}

}  // namespace dovetail::py
