// Python callables as hooks.
#include "autograd/bindings/python.h"
#include "autograd/saved.h"

namespace dovetail::autograd {

Held::~Held() {
  if (!object_ || !Py_IsInitialized()) return;
  if (_Py_IsFinalizing() && !PyGILState_Check()) return;
  const PyGILState_STATE state = PyGILState_Ensure();
  Py_DECREF(object_);
  PyGILState_Release(state);
}

namespace {

std::string name_of(py::handle function) { return py::str(py::getattr(function, "__name__", py::repr(function))); }

// What a hook on a tensor returned in place of the gradient.
Tensor checked_gradient(py::handle function, py::handle returned, const Tensor& gradient) {
  dt_tensor* t = dt::api().tensor_from_py(returned.ptr());
  if (!t)
    throw py::type_error("register_hook: hook '" + name_of(function) + "' must return a Tensor or None, got " +
                         std::string(py::str(py::type::of(returned).attr("__name__"))));
  Tensor replaced = Tensor::borrow(t);
  if (replaced.sizes() != gradient.sizes())
    dt::runtime_error("register_hook: hook '", name_of(function),
                      "' has changed the size of value: the gradient has shape ", dt::text(gradient.sizes()),
                      ", the hook returned one of ", dt::text(replaced.sizes()));
  const Shape now = shape_of(replaced.info()), before = shape_of(gradient.info());
  if (now.dtype != before.dtype || !dt::same(now.device, before.device))
    dt::runtime_error("register_hook: hook '", name_of(function), "' has changed the type of value: the gradient is a ",
                      describe(before), ", the hook returned a ", describe(now),
                      now.dtype == before.dtype ? " on another device" : "");
  return replaced;
}

// What a hook on a node returned in place of a tuple of gradients.
void replace_all(py::handle function, py::handle returned, Tensor* values, int n) {
  const py::tuple given = as_tuple(returned);
  if (static_cast<int>(given.size()) != n)
    dt::runtime_error("hook '", name_of(function), "' has returned an incorrect number of values (got ", given.size(),
                      ", but expected ", n, ")");
  for (int i = 0; i < n; ++i) values[i] = given[i].cast<Tensor>();
}

}  // namespace

py::tuple to_tuple(const Tensor* tensors, int count) {
  py::tuple tuple(count);
  for (int i = 0; i < count; ++i) tuple[i] = py::cast(tensors[i]);
  return tuple;
}

py::tuple as_tuple(py::handle object) {
  if (py::isinstance<py::tuple>(object) || py::isinstance<py::list>(object))
    return py::tuple(py::reinterpret_borrow<py::object>(object));
  return py::make_tuple(py::reinterpret_borrow<py::object>(object));
}

void PythonHook::call(Tensor* values, int n_values, const Tensor* others, int n_others) {
  const py::handle function = function_.get();
  switch (kind_) {
    case HookKind::tensor: {
      const py::object returned = function(values[0]);
      if (!returned.is_none()) values[0] = checked_gradient(function, returned, values[0]);
      return;
    }
    case HookKind::accumulated: {
      const py::object returned = function(values[0]);
      if (!returned.is_none())
        dt::runtime_error("register_post_accumulate_grad_hook: hook '", name_of(function), "' must return None");
      return;
    }
    case HookKind::before_node: {
      const py::object returned = function(to_tuple(values, n_values));
      if (!returned.is_none()) replace_all(function, returned, values, n_values);
      return;
    }
    case HookKind::after_node: {
      const py::object returned = function(to_tuple(values, n_values), to_tuple(others, n_others));
      if (!returned.is_none()) replace_all(function, returned, values, n_values);
      return;
    }
  }
}

HookHandle add_hook(std::shared_ptr<HookList>& hooks, HookKind kind, py::object function) {
  if (!PyCallable_Check(function.ptr()))
    throw py::type_error("a hook must be callable, got " +
                         std::string(py::str(py::type::of(function).attr("__name__"))));
  if (!hooks) hooks = std::make_shared<HookList>();
  return {hooks, hooks->add(std::make_unique<PythonHook>(kind, std::move(function)))};
}

}  // namespace dovetail::autograd
