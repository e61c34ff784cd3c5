// Whole values and results, from and to Python.
#include "bindings/values.h"

#include <new>

#include <string>

#include "bindings/types.h"
#include "bindings/wrapper.h"
#include "core/api.h"

namespace dovetail::py {

namespace {

template <class MakeItem>
Ref make_tuple(int count, MakeItem make_item) {
  Ref tuple = checked(PyTuple_New(count));
  for (int i = 0; i < count; ++i) PyTuple_SET_ITEM(tuple.get(), i, make_item(i).release());
  return tuple;
}

Ref tensor_object(TensorImpl* t) { return Ref::steal(wrap(Tensor::borrow(t))); }

// The schema that value_from_python tries on an object, in this order.
Arg untyped(ArgType kind) {
  Arg arg;
  arg.kind = kind;
  return arg;
}

}  // namespace

Ref value_to_python(const dt_value& value) {
  switch (value.tag) {
    case DT_TENSOR:
      return tensor_object(value.as.tensor);
    case DT_TENSORS:
      return make_tuple(value.count, [&](int i) { return tensor_object(value.as.tensors[i]); });
    case DT_INTS:
      return make_tuple(value.count, [&](int i) { return checked(PyLong_FromLongLong(value.as.ints[i])); });
    case DT_FLOATS:
      return make_tuple(value.count, [&](int i) { return checked(PyFloat_FromDouble(value.as.floats[i])); });
    case DT_SCALARS:
      return make_tuple(value.count, [&](int i) { return value_to_python(value.as.values[i]); });
    case DT_DTYPE:
      return Ref::borrow(dtype_object(static_cast<DType>(value.as.i)));
    case DT_DEVICE:
      return Ref::steal(device_object(value.as.device));
    case DT_GENERATOR:
      return Ref::steal(generator_object(value.as.generator));
    case DT_STRING:
      return checked(PyUnicode_FromString(value.as.string));
    default:
      return checked(number_object(value));
  }
}

bool value_from_python(PyObject* object, Arena& arena, dt_value* out) {
  if (object == Py_None) return *out = box_none(), true;
  if (is_tensor(object)) return *out = box(impl_of(object)), true;
  if (to_number(object, out)) return true;
  if (Py_TYPE(object) == dtype_type) {
    return *out = box_dtype(reinterpret_cast<DTypeObject*>(object)->dtype), true;
  }
  if (Py_TYPE(object) == device_type) {
    return *out = box_device(reinterpret_cast<DeviceObject*>(object)->device), true;
  }
  if (PyTuple_Check(object) || PyList_Check(object)) {
    static const Arg lists[] = {untyped(ArgType::int_list), untyped(ArgType::tensor_list), untyped(ArgType::float_list),
                                untyped(ArgType::scalar_list)};
    for (const Arg& list : lists) {
      if (convert_argument(list, object, false, arena, out)) return true;
    }
    return false;
  }
  static const Arg others[] = {untyped(ArgType::generator), untyped(ArgType::string)};
  for (const Arg& other : others) {
    if (convert_argument(other, object, false, arena, out)) return true;
  }
  return false;
}

Ref results_to_python(const Op& op, dt_value* outs, PyTypeObject* named) {
  const int count = op.n_outputs();
  if (count == 0) return Ref::borrow(Py_None);
  if (count == 1 && outs[0].tag == DT_TENSOR) return Ref::steal(wrap(Tensor::steal(outs[0].as.tensor)));
  // Whatever happens on the way, what the outs own is released.
  struct Release {
    dt_value* outs;
    int count;
    ~Release() {
      for (int i = 0; i < count; ++i) release_value(&outs[i]);
    }
  } release{outs, count};
  if (count == 1) return value_to_python(outs[0]);
  if (!named) return make_tuple(count, [&](int i) { return value_to_python(outs[i]); });
  Ref result = checked(PyStructSequence_New(named));
  for (int i = 0; i < count; ++i) PyStructSequence_SetItem(result.get(), i, value_to_python(outs[i]).release());
  return result;
}

PyTypeObject* named_results(const Op& op) {
  const auto& names = op.schema.returns;
  if (op.returns_list() || names.size() < 2) return nullptr;
  std::vector<PyStructSequence_Field> fields;
  for (const std::string& name : names) {
    if (name.empty()) return nullptr;
    fields.push_back({name.c_str(), nullptr});
  }
  fields.push_back({nullptr, nullptr});
  // The type keeps the pointer to its name.
  auto* type_name = new std::string("dovetail.return_types." + op.name());
  PyStructSequence_Desc description = {type_name->c_str(), nullptr, fields.data(), static_cast<int>(names.size())};
  PyTypeObject* type = PyStructSequence_NewType(&description);
  if (!type) throw PythonError{};
  return type;
}

namespace {

dt_value owned_tensor(const Op& op, PyObject* object) {
  if (!is_tensor(object)) type_error(op.name(), ": expected a Tensor as result, got ", given_text(object));
  return box(Tensor::borrow(impl_of(object)).release());
}

void list_from_python(const Op& op, PyObject* result, dt_value* out) {
  Ref items = checked(PySequence_Fast(result, (op.name() + ": expected a list of Tensors as result").c_str()));
  const int count = static_cast<int>(PySequence_Fast_GET_SIZE(items.get()));
  std::vector<Tensor> tensors;
  for (int i = 0; i < count; ++i) {
    tensors.push_back(Tensor::steal(owned_tensor(op, PySequence_Fast_GET_ITEM(items.get(), i)).as.tensor));
  }
  *out = dt_value{};
  out->as.tensors = api_table().new_tensor_list(count);
  if (!out->as.tensors) throw std::bad_alloc();
  out->tag = DT_TENSORS;
  out->count = count;
  for (int i = 0; i < count; ++i) out->as.tensors[i] = tensors[i].release();
}

}  // namespace

void results_from_python(const Op& op, PyObject* result, dt_value* outs, int n_outs) {
  if (op.returns_list()) return list_from_python(op, result, &outs[0]);
  if (n_outs == 0) return;
  if (n_outs == 1) {
    outs[0] = owned_tensor(op, result);
    return;
  }
  if (!PyTuple_Check(result) && !PyList_Check(result)) {
    type_error(op.name(), ": expected a tuple of ", n_outs, " Tensors as result, got ", given_text(result));
  }
  if (PySequence_Fast_GET_SIZE(result) != n_outs) {
    type_error(op.name(), ": expected ", n_outs, " results, got ", PySequence_Fast_GET_SIZE(result));
  }
  dt_value made[kMaxOutputs] = {};
  try {
    for (int i = 0; i < n_outs; ++i) made[i] = owned_tensor(op, PySequence_Fast_GET_ITEM(result, i));
  } catch (...) {
    for (dt_value& value : made) release_value(&value);
    throw;
  }
  std::copy_n(made, n_outs, outs);
}

}  // namespace dovetail::py
