// Tensor's operators. Each calls its op directly, with boxed values on the stack.
#include <cstring>

#include "bindings/construct.h"
#include "bindings/op_type.h"
#include "bindings/tensor_type.h"
#include "bindings/wrapper.h"

namespace dovetail::py {

namespace {

bool is_ndarray(PyObject* object) {
  return Py_TYPE(object)->tp_name[0] == 'n' && std::strcmp(Py_TYPE(object)->tp_name, "numpy.ndarray") == 0;
}

// An int that no boxed value holds, beside a tensor of floats.
Tensor wrap_big_int(const Op& op, PyObject* object, const TensorImpl& other) {
  PyErr_Clear();
  if (is_exact(other.dtype)) {
    raise(PyExc_OverflowError, "%s: %R does not fit in %s", op.name().c_str(), object, dtype_name(other.dtype));
  }
  Tensor number = tensor_from_data(object, DT_FLOAT64);
  number->bits = number->bits | DT_BIT_WRAPPED;
  return number;
}

// An operand: a Tensor, or a number beside one, which `holder` then keeps as a wrapped tensor. False for foreign types.
bool operand(const Op& op, PyObject* object, PyObject* beside, dt_value* out, Tensor* holder) {
  if (is_tensor(object)) return put(*out, impl_of(object)), true;
  dt_value number;
  bool is_number;
  try {
    is_number = to_number(object, &number);
    if (is_number) *holder = wrap_number(number);
  } catch (const PythonError&) {
    if (!PyErr_ExceptionMatches(PyExc_OverflowError) || !is_tensor(beside)) throw;
    *holder = wrap_big_int(op, object, *impl_of(beside));
    is_number = true;
  }
  if (!is_number) {
    if (!is_ndarray(object)) return false;
    *holder = tensor_from_buffer(object);
  }
  put(*out, holder->get());
  return true;
}

// args[0] and args[1] are the operands; the op's other arguments are its defaults.
PyObject* call_binary(const Op& op, dt_value* args, TensorImpl* destination) {
  const auto& schema = op.schema.args;
  const int count = static_cast<int>(schema.size());
  for (int i = 2; i < count; ++i) args[i] = schema[i].default_value;
  dt_value out;
  put(out, destination);
  const int64_t work = args[0].as.tensor->numel + args[1].as.tensor->numel;
  if (__builtin_expect(work > 65536, 0)) {
    call_op(op, args, count, &out, 1);
  } else {
    call(op, args, count, &out, 1);
  }
  return wrap(Tensor::steal(out.as.tensor));
}

PyObject* binary(const Op* op, PyObject* a, PyObject* b) {
  return entry([&]() -> PyObject* {
    dt_value args[4];
    if (is_tensor(a) && is_tensor(b)) {
      put(args[0], impl_of(a));
      put(args[1], impl_of(b));
      return call_binary(*op, args, nullptr);
    }
    Tensor left, right;
    if (!operand(*op, a, b, &args[0], &left) || !operand(*op, b, a, &args[1], &right)) Py_RETURN_NOTIMPLEMENTED;
    return call_binary(*op, args, nullptr);
  });
}

PyObject* inplace(const Op* op, PyObject* self, PyObject* other) {
  return entry([&]() -> PyObject* {
    dt_value args[4];
    put(args[0], impl_of(self));
    Tensor holder;
    if (!operand(*op, other, self, &args[1], &holder)) Py_RETURN_NOTIMPLEMENTED;
    return call_binary(*op, args, args[0].as.tensor);
  });
}

PyObject* unary(const Op* op, PyObject* a) {
  return entry([&] {
    const dt_value arg = box(impl_of(a));
    dt_value out{};
    call_op(*op, &arg, 1, &out, 1);
    return wrap(Tensor::steal(out.as.tensor));
  });
}

template <const Op* FastOps::* op>
PyObject* binary_slot(PyObject* a, PyObject* b) {
  return binary(fast.*op, a, b);
}
template <const Op* FastOps::* op>
PyObject* inplace_slot(PyObject* a, PyObject* b) {
  return inplace(fast.*op, a, b);
}
template <const Op* FastOps::* op>
PyObject* unary_slot(PyObject* a) {
  return unary(fast.*op, a);
}

// Python has no three-argument power of tensors.
PyObject* power_slot(PyObject* a, PyObject* b, PyObject* modulus) {
  if (modulus != Py_None) Py_RETURN_NOTIMPLEMENTED;
  return binary(fast.pow, a, b);
}
PyObject* inplace_power_slot(PyObject* a, PyObject* b, PyObject* modulus) {
  if (modulus != Py_None) Py_RETURN_NOTIMPLEMENTED;
  return inplace(fast.pow, a, b);
}

PyObject* positive(PyObject* self) { return Py_NewRef(self); }

// ---- one element as a Python number ---------------------------------------------------------------------

dt_value single_item(PyObject* self, const char* what) {
  const TensorImpl* impl = impl_of(self);
  if (impl->numel != 1) {
    value_error(what, ": only a tensor of one element can be converted to a Python number, this one has shape ",
                shape_text(*impl));
  }
  concretize(self, what);
  return item(*impl);
}

int truth(PyObject* self) {
  return entry_int([&] {
    const TensorImpl* impl = impl_of(self);
    if (impl->numel == 0)
      runtime_error("bool: the truth of a tensor without elements is ambiguous, its shape is ", shape_text(*impl));
    if (impl->numel > 1) {
      runtime_error("bool: the truth of a tensor of more than one element is ambiguous, its shape is ",
                    shape_text(*impl), "; use any() or all()");
    }
    const dt_value value = single_item(self, "bool");
    if (value.tag == DT_FLOAT) return static_cast<int>(value.as.f != 0);
    if (value.tag == DT_COMPLEX) return static_cast<int>(value.as.complex.re != 0 || value.as.complex.im != 0);
    return static_cast<int>(value.as.i != 0);
  });
}

PyObject* to_python_float(PyObject* self) {
  return entry([&] {
    const dt_value value = single_item(self, "float");
    if (value.tag == DT_COMPLEX) type_error("float: a complex tensor is no real number; use .real or abs()");
    return PyNumber_Float(checked(number_object(value)).get());
  });
}

PyObject* to_python_int(PyObject* self) {
  return entry([&] {
    const dt_value value = single_item(self, "int");
    if (value.tag == DT_COMPLEX) type_error("int: a complex tensor is no real number; use .real or abs()");
    return PyNumber_Long(checked(number_object(value)).get());
  });
}

PyObject* to_python_index(PyObject* self) {
  return entry([&] {
    const TensorImpl* impl = impl_of(self);
    if (impl->numel != 1 || !is_exact(impl->dtype)) {
      type_error("index: only integer tensors of one element can be an index, got ", describe(*impl));
    }
    return PyNumber_Long(checked(number_object(single_item(self, "index"))).get());
  });
}

template <class Fn>
void* slot(Fn* fn) {
  return reinterpret_cast<void*>(fn);
}

PyType_Slot slots[] = {
    {Py_nb_add, slot(binary_slot<&FastOps::add>)},
    {Py_nb_subtract, slot(binary_slot<&FastOps::sub>)},
    {Py_nb_multiply, slot(binary_slot<&FastOps::mul>)},
    {Py_nb_true_divide, slot(binary_slot<&FastOps::div>)},
    {Py_nb_floor_divide, slot(binary_slot<&FastOps::floor_divide>)},
    {Py_nb_remainder, slot(binary_slot<&FastOps::remainder>)},
    {Py_nb_power, slot(power_slot)},
    {Py_nb_matrix_multiply, slot(binary_slot<&FastOps::matmul>)},
    {Py_nb_and, slot(binary_slot<&FastOps::bitwise_and>)},
    {Py_nb_or, slot(binary_slot<&FastOps::bitwise_or>)},
    {Py_nb_xor, slot(binary_slot<&FastOps::bitwise_xor>)},
    {Py_nb_lshift, slot(binary_slot<&FastOps::bitwise_left_shift>)},
    {Py_nb_rshift, slot(binary_slot<&FastOps::bitwise_right_shift>)},
    {Py_nb_inplace_add, slot(inplace_slot<&FastOps::add>)},
    {Py_nb_inplace_subtract, slot(inplace_slot<&FastOps::sub>)},
    {Py_nb_inplace_multiply, slot(inplace_slot<&FastOps::mul>)},
    {Py_nb_inplace_true_divide, slot(inplace_slot<&FastOps::div>)},
    {Py_nb_inplace_floor_divide, slot(inplace_slot<&FastOps::floor_divide>)},
    {Py_nb_inplace_remainder, slot(inplace_slot<&FastOps::remainder>)},
    {Py_nb_inplace_power, slot(inplace_power_slot)},
    {Py_nb_inplace_and, slot(inplace_slot<&FastOps::bitwise_and>)},
    {Py_nb_inplace_or, slot(inplace_slot<&FastOps::bitwise_or>)},
    {Py_nb_inplace_xor, slot(inplace_slot<&FastOps::bitwise_xor>)},
    {Py_nb_inplace_lshift, slot(inplace_slot<&FastOps::bitwise_left_shift>)},
    {Py_nb_inplace_rshift, slot(inplace_slot<&FastOps::bitwise_right_shift>)},
    {Py_nb_negative, slot(unary_slot<&FastOps::neg>)},
    {Py_nb_positive, slot(positive)},
    {Py_nb_absolute, slot(unary_slot<&FastOps::abs>)},
    {Py_nb_invert, slot(unary_slot<&FastOps::bitwise_not>)},
    {Py_nb_bool, slot(truth)},
    {Py_nb_float, slot(to_python_float)},
    {Py_nb_int, slot(to_python_int)},
    {Py_nb_index, slot(to_python_index)},
};

const Op* comparison(int op) {
  switch (op) {
    case Py_LT:
      return fast.lt;
    case Py_LE:
      return fast.le;
    case Py_EQ:
      return fast.eq;
    case Py_NE:
      return fast.ne;
    case Py_GT:
      return fast.gt;
    default:
      return fast.ge;
  }
}

}  // namespace

PyObject* rich_compare(PyObject* a, PyObject* b, int op) { return binary(comparison(op), a, b); }

TypeSlots number_slots() { return {slots, static_cast<int>(sizeof slots / sizeof *slots)}; }

}  // namespace dovetail::py
