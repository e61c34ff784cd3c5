// What autograd adds to Tensor, as functions; dovetail/autograd/_tensor.py hangs them on the type.
#include "autograd/bindings/python.h"
#include "autograd/saved.h"

namespace dovetail::autograd {

namespace {

void require(const Tensor& t) {
  if (!t) throw py::type_error("expected a Tensor, got None");
}

std::string told(const Tensor& t) { return describe(shape_of(t.info())); }

py::object grad_fn_of(const Tensor& t) {
  require(t);
  const NodePtr node = grad_fn(t.get());
  return node ? as_python(node) : py::none();
}

HookHandle register_hook(const Tensor& t, py::object hook) {
  require(t);
  if (!requires_grad(t.get()))
    dt::runtime_error("register_hook: cannot register a hook on a tensor that doesn't require gradient, a ", told(t));
  const Edge edge = gradient_edge(t.get());
  return add_hook(edge.node->tensor_hooks(edge.nr), HookKind::tensor, std::move(hook));
}

HookHandle register_post_accumulate_grad_hook(const Tensor& t, py::object hook) {
  require(t);
  if (!requires_grad(t.get()))
    dt::runtime_error(
        "register_post_accumulate_grad_hook: cannot register a hook on a tensor that doesn't require gradient, a ",
        told(t));
  if (!is_leaf(t.get()))
    dt::runtime_error(
        "register_post_accumulate_grad_hook: post accumulate grad hooks cannot be registered on non-leaf tensors, this "
        "is a ",
        told(t));
  return add_hook(gradient_edge(t.get()).node->extra().after_accumulate, HookKind::accumulated, std::move(hook));
}

Tensor requires_grad_(const Tensor& t, bool flag) {
  require(t);
  const int32_t dtype = t.dtype();
  if (flag && !dt::is_floating(dtype) && !dt::is_complex(dtype))
    dt::runtime_error(
        "requires_grad_: only Tensors of floating point and complex dtype can require gradients, this is a ", told(t));
  if (!flag && !is_leaf(t.get()))
    dt::runtime_error(
        "requires_grad_: you can only change requires_grad flags of leaf variables. If you want to use a computed "
        "variable in a subgraph that doesn't require differentiation use var_no_grad = var.detach().");
  if (flag && !requires_grad(t.get())) dt::api().set_bits(t.get(), DT_BIT_GRAD, 0);
  if (!flag) dt::api().set_bits(t.get(), 0, DT_BIT_GRAD);
  return t;
}

Tensor detach_(const Tensor& t) {
  require(t);
  if (dt::api().base(t.get()))
    dt::runtime_error("detach_: Can't detach views in-place, this is one of ", told(t), ". Use detach() instead.");
  cut_history(t.get());
  return t;
}

}  // namespace

void bind_tensors(py::module_& m) {
  m.def("grad_fn", grad_fn_of, py::arg("tensor"));
  m.def("is_leaf", [](const Tensor& t) { return require(t), is_leaf(t.get()); }, py::arg("tensor"));
  m.def("requires_grad", [](const Tensor& t) { return require(t), requires_grad(t.get()); }, py::arg("tensor"));
  m.def("requires_grad_", requires_grad_, py::arg("tensor"), py::arg("requires_grad") = true);
  m.def("detach_", detach_, py::arg("tensor"));
  m.def("register_hook", register_hook, py::arg("tensor"), py::arg("hook"));
  m.def("register_post_accumulate_grad_hook", register_post_accumulate_grad_hook, py::arg("tensor"), py::arg("hook"));
  m.def("retain_grad", [](const Tensor& t) { require(t), retain_grad(t.get()); }, py::arg("tensor"));
  m.def(
      "retains_grad",
      [](const Tensor& t) {
        require(t);
        const Meta* m = meta_if_any(t.get());
        return m && m->retains_grad;
      },
      py::arg("tensor"));
  m.def(
      "output_nr",
      [](const Tensor& t) {
        require(t);
        return gradient_edge(t.get()).nr;
      },
      py::arg("tensor"));
}

}  // namespace dovetail::autograd
