// Derivative rules written in Python.
#include <pybind11/stl.h>

#include "autograd/bindings/python.h"
#include "autograd/op_node.h"

namespace dovetail::autograd {

namespace {

py::object argument_of(Ctx& c, const Entry& entry, int i) {
  if (entry.kinds[i] == ArgKind::tensor) return py::cast(c[i]);
  if (entry.kinds[i] == ArgKind::tensors) {
    py::list list;
    for (const Tensor& t : c.list(i)) list.append(t);
    return list;
  }
  PyObject* object = dt::api().value_to_py(&c.value(i));
  if (!object) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(object);
}

// What a rule returned, as a tensor, or null for None.
Tensor tensor_in(py::handle returned, const Entry& entry, const std::string& what) {
  if (returned.is_none()) return Tensor();
  dt_tensor* t = dt::api().tensor_from_py(returned.ptr());
  if (!t) {
    PyErr_Format(PyExc_TypeError, "the derivative of %s must return a Tensor or None as %s, got %s", entry.name.c_str(),
                 what.c_str(), Py_TYPE(returned.ptr())->tp_name);
    throw py::error_already_set();
  }
  return Tensor::borrow(t);
}

// Calls function(args, outputs, needs, grads), all tuples, and takes a sequence with a gradient for every argument.
class PythonRule final : public ForeignRule {
 public:
  explicit PythonRule(py::object function) : function_(std::move(function)) {}

  void apply(Ctx& c) override {
    const py::gil_scoped_acquire gil;
    const Entry& entry = c.node().entry();
    const int n_args = static_cast<int>(entry.kinds.size()), n_outputs = c.node().n_outputs();
    py::tuple args(n_args), needs(n_args), outputs(n_outputs), grads(n_outputs);
    for (int i = 0; i < n_args; ++i) {
      args[i] = argument_of(c, entry, i);
      bool needed = false;
      if (entry.kinds[i] != ArgKind::attribute)
        for (int k = 0; k < c.count(i); ++k) needed |= c.needs(i, k);
      needs[i] = py::bool_(needed);
    }
    for (int i = 0; i < n_outputs; ++i) {
      outputs[i] = py::cast(c[result_at(i)]);
      grads[i] = py::cast(c.g(i));
    }
    take(c, entry, py::tuple(function_.get()(args, outputs, needs, grads)));
  }

 private:
  static void take(Ctx& c, const Entry& entry, const py::tuple& returned) {
    const int n_args = static_cast<int>(entry.kinds.size());
    for (int i = 0; i < static_cast<int>(returned.size()); ++i) {
      if (returned[i].is_none()) continue;
      if (i >= n_args)
        dt::runtime_error("the derivative of ", entry.name, " returned ", returned.size(), " gradients for ", n_args,
                          " arguments");
      const std::string whose = "a gradient for " + entry.arg_names[i];
      if (entry.kinds[i] == ArgKind::attribute)
        dt::runtime_error("the derivative of ", entry.name, " returned ", whose,
                          ", which is no tensor; return None there");
      if (entry.kinds[i] == ArgKind::tensor) {
        if (c.needs(i)) c.give(i, tensor_in(returned[i], entry, whose));
        continue;
      }
      const py::tuple list = as_tuple(returned[i]);
      if (static_cast<int>(list.size()) > c.count(i))
        dt::runtime_error("the derivative of ", entry.name, " returned ", list.size(), " gradients for the ",
                          c.count(i), " tensors of ", entry.arg_names[i]);
      for (int k = 0; k < static_cast<int>(list.size()); ++k)
        if (c.needs(i, k)) c.give(i, k, tensor_in(list[k], entry, whose));
    }
  }

  Held function_;
};

// Calls function(args, outputs, tangents), all tuples, and takes a sequence with a tangent for every output.
class PythonForward final : public ForeignForward {
 public:
  explicit PythonForward(py::object function) : function_(std::move(function)) {}

  Tangents apply(Ctx& c) override {
    py::gil_scoped_acquire gil;
    try {
      return call(c);
    } catch (py::error_already_set& error) {
      error.restore();
      throw dt::Error::from_slot(dt::api().error_from_py());
    }
  }

 private:
  Tangents call(Ctx& c) const {
    const Entry& entry = c.node().entry();
    const int n_args = static_cast<int>(entry.kinds.size()), n_outputs = c.node().n_outputs();
    py::tuple args(n_args), given(n_args), outputs(n_outputs);
    for (int i = 0; i < n_args; ++i) {
      args[i] = argument_of(c, entry, i);
      given[i] = tangent_of(c, entry, i);
    }
    for (int i = 0; i < n_outputs; ++i) outputs[i] = py::cast(c[result_at(i)]);
    Tangents found;
    const py::tuple returned = as_tuple(function_.get()(args, outputs, given));
    if (static_cast<int>(returned.size()) > n_outputs)
      dt::runtime_error("the forward derivative of ", entry.name, " returned ", returned.size(), " tangents for ",
                        n_outputs, n_outputs == 1 ? " result" : " results");
    for (py::handle t : returned) found.push_back(tensor_in(t, entry, "a tangent"));
    return found;
  }

  static py::object tangent_of(Ctx& c, const Entry& entry, int i) {
    if (entry.kinds[i] == ArgKind::attribute) return py::none();
    if (entry.kinds[i] == ArgKind::tensor) return py::cast(c.t(i));
    py::list list;
    for (int k = 0; k < c.count(i); ++k) list.append(c.t(i, k));
    return list;
  }

  Held function_;
};

void register_forward(const std::string& op, py::object function) {
  set_forward(op, std::make_shared<PythonForward>(std::move(function)));
}

const Entry& entry_named(const std::string& op) {
  const dt_op* handle = dt::api().find_op(op.c_str());
  if (!handle) dt::fail(DT_ERR_VALUE, "there is no op named ", op);
  return entry_of(handle);
}

const char* backward_name(const std::string& op) {
  const Entry& entry = entry_named(op);
  if (!entry.differentiable) return "non_differentiable";
  switch (backward_by(entry, entry.rule.load())) {
    case BackwardBy::own:
      return "rule";
    case BackwardBy::decomposition:
      return "decomposition";
    case BackwardBy::refused:
      return "refused";
    default:
      return "none";
  }
}

const char* forward_name(const std::string& op) {
  const Entry& entry = entry_named(op);
  switch (forward_by(entry, entry.rule.load())) {
    case ForwardBy::own:
      return "rule";
    case ForwardBy::linear:
      return "linear";
    case ForwardBy::diagonal:
      return "diagonal";
    case ForwardBy::decomposition:
      return "decomposition";
    case ForwardBy::double_vjp:
      return "double vjp";
    case ForwardBy::refused:
      return "refused";
    default:
      return "none";
  }
}

void register_rule(const std::string& op, py::object function, uint64_t saved) {
  auto rule = std::make_unique<Rule>();
  rule->foreign = std::make_shared<PythonRule>(std::move(function));
  rule->joint_saves.mask = saved;
  set_rule(op, std::move(rule));
}

}  // namespace

void bind_rules(py::module_& m) {
  m.attr("RESULT") = result;
  m.def("register_rule", register_rule, py::arg("op"), py::arg("function"), py::arg("saved"));
  m.def("register_forward", register_forward, py::arg("op"), py::arg("function"));
  m.def("refuse", refuse, py::arg("op"));
  m.def("backward_by", backward_name, py::arg("op"));
  m.def("forward_by", forward_name, py::arg("op"));
  m.def("has_rule", has_rule, py::arg("op"));
  m.def("rule_names", rule_names);
}

}  // namespace dovetail::autograd
