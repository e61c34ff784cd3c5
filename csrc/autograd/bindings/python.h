// What every file of the bindings starts from: tensors and nodes as Python sees them, errors, Python callables as
// hooks.
#pragma once

#include <pybind11/pybind11.h>

#include "autograd/meta.h"
#include "autograd/saved.h"

PYBIND11_DECLARE_HOLDER_TYPE(T, dovetail::autograd::Ref<T>, true)

namespace pybind11::detail {

// A tensor crosses through the table: core's own types are never registered here. None is a null tensor.
template <>
struct type_caster<dt::Tensor> {
  PYBIND11_TYPE_CASTER(dt::Tensor, const_name("dovetail.Tensor"));

  bool load(handle source, bool) {
    if (source.is_none()) return true;
    dt_tensor* t = dt::api().tensor_from_py(source.ptr());
    value = dt::Tensor::borrow(t);
    return t != nullptr;
  }
  static handle cast(const dt::Tensor& t, return_value_policy, handle) {
    if (!t) return none().release();
    PyObject* object = dt::api().tensor_to_py(t.get());
    if (!object) throw error_already_set();
    return object;
  }
};

}  // namespace pybind11::detail

namespace dovetail::autograd {

namespace py = pybind11;

// Owns a Python object from C++ that may be destroyed on any thread.
class Held {
 public:
  explicit Held(py::object object) : object_(object.release().ptr()) {}
  Held(const Held&) = delete;
  ~Held();
  py::handle get() const { return object_; }
  int traverse(Visit visit, void* arg) const { return object_ ? visit(object_, arg) : 0; }

 private:
  PyObject* object_;
};

enum class HookKind { tensor, accumulated, before_node, after_node };

class PythonHook final : public Hook {
 public:
  PythonHook(HookKind kind, py::object function) : kind_(kind), function_(std::move(function)) {}
  void call(Tensor* values, int n_values, const Tensor* others, int n_others) override;
  int traverse(Visit visit, void* arg) const override { return function_.traverse(visit, arg); }

 private:
  HookKind kind_;
  Held function_;
};

// What register_hook returns.
struct HookHandle {
  std::shared_ptr<HookList> hooks;
  int64_t id;
};
HookHandle add_hook(std::shared_ptr<HookList>& hooks, HookKind kind, py::object function);

// Where a long run may stop for a moment: other threads have their turn, and what a signal's handler raised is thrown
// (KeyboardInterrupt, when the user wants the run to end).
void between_nodes();

// Python callables as saved_tensors_hooks.
std::unique_ptr<SaveHooks> make_save_hooks(py::object pack, py::object unpack);

// A node, of a Python class of its own that is named like it: type(y.grad_fn).__name__ tells what made y.
py::object as_python(const NodePtr& node);

// The dict of a node for the user's own notes.
py::object metadata(Node& node);

py::tuple to_tuple(const Tensor* tensors, int count);
// A tuple, a list or a single item as a tuple.
py::tuple as_tuple(py::handle object);

// Parts of the module.
void bind_nodes(py::module_& m);
void bind_tensors(py::module_& m);
void bind_functions(py::module_& m);
void bind_rules(py::module_& m);
void bind_engine(py::module_& m);
void bind_watch(py::module_& m);
void bind_packing(py::module_& m);
void bind_levels(py::module_& m);
void bind_saved(py::module_& m);
void bind_autocast(py::module_& m);
void bind_lines();

}  // namespace dovetail::autograd
