// The slots of the ABI table that touch Python objects, and the capsule.
#include <algorithm>
#include <new>

#include "bindings/errors.h"
#include "bindings/op_type.h"
#include "bindings/python_ops.h"
#include "bindings/wrapper.h"
#include "core/api.h"

namespace dovetail::py {

namespace {

dt_tensor* tensor_from_py(PyObject* object) { return object && is_tensor(object) ? impl_of(object) : nullptr; }

PyObject* tensor_to_py(dt_tensor* t) {
  return entry([&] { return wrap(Tensor::borrow(t)); });
}

void raise_py(dt_status status) {
  if (status != DT_OK) python_from_slot(status);
}

// Make a value that borrows from its object own what it holds.
void own(PyObject* object, dt_value* value) {
  if (value->tag == DT_TENSOR) {
    retain(value->as.tensor);
  } else if (value->tag == DT_TENSORS) {
    dt_tensor** list = api_table().new_tensor_list(value->count);
    if (!list) throw std::bad_alloc();
    for (int i = 0; i < value->count; ++i) list[i] = Tensor::borrow(value->as.tensors[i]).release();
    value->as.tensors = list;
  } else if (value->tag == DT_INTS || value->tag == DT_FLOATS || value->tag == DT_SCALARS) {
    // A value does not own such lists, and the Python object has no C array to borrow.
    *value = dt_value{};
    type_error("value_from_py: a list of numbers can only be passed as an argument, got ", given_text(object));
  }
}

// A string stays valid as long as the str it was read from.
dt_status value_from_py(PyObject* object, dt_value* out) {
  return guarded_python([&] {
    Arena arena;
    dt_value value;
    if (!value_from_python(object, arena, &value)) {
      type_error("value_from_py: no value can hold ", given_text(object));
    }
    own(object, &value);
    *out = value;
  });
}

PyObject* value_to_py(const dt_value* value) {
  return entry([&] { return value_to_python(*value).release(); });
}

const dt_op* op_from_py(PyObject* object) {
  return object && is_op(object) ? reinterpret_cast<OpObject*>(object)->op : nullptr;
}

}  // namespace

void publish_api(PyObject* module) {
  dt_api& table = api_table();
  table.tensor_from_py = tensor_from_py;
  table.tensor_to_py = tensor_to_py;
  table.raise_py = raise_py;
  table.error_from_py = error_from_python;
  table.value_from_py = value_from_py;
  table.value_to_py = value_to_py;
  table.op_from_py = op_from_py;
  Ref capsule = checked(PyCapsule_New(&table, DT_API_CAPSULE, nullptr));
  check(PyModule_AddObjectRef(module, "_api", capsule.get()));
}

}  // namespace dovetail::py
