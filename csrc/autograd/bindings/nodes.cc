// grad_fn objects, and the handles of hooks.
#include <cstdio>
#include <unordered_set>

#include <pybind11/stl.h>

#include "autograd/bindings/collecting.h"
#include "autograd/engine.h"
#include "autograd/op_node.h"

namespace dovetail::autograd {

namespace {

class Notes final : public Attachment {
 public:
  Notes() : dict_(py::dict()) {}
  py::object dict() const { return py::reinterpret_borrow<py::object>(dict_.get()); }
  int traverse(Visit visit, void* arg) const override { return dict_.traverse(visit, arg); }

 private:
  Held dict_;
};

py::object notes_on(std::unique_ptr<Attachment>& attachment) {
  if (!attachment) attachment = std::make_unique<Notes>();
  return static_cast<Notes&>(*attachment).dict();
}

// The gradients that a node makes of those of its outputs, outside of any backward.
py::tuple call_node(Node& node, const py::args& gradients) {
  if (static_cast<int>(gradients.size()) != node.n_outputs())
    throw py::type_error(node.name() + ": expected " + std::to_string(node.n_outputs()) +
                         " gradients, one for every output, got " + std::to_string(gradients.size()));
  std::vector<Tensor> given;
  for (int i = 0; i < node.n_outputs(); ++i) {
    given.push_back(gradients[i].cast<Tensor>());
    if (given.back()) given.back() = fitted(given.back(), node.output(i), node, i);
  }
  const std::vector<Tensor> found = run_node(node, std::move(given));
  return to_tuple(found.data(), static_cast<int>(found.size()));
}

py::tuple next_functions(Node& node) {
  py::tuple all(node.n_edges());
  for (int i = 0; i < node.n_edges(); ++i) {
    const Edge& edge = node.edge(i);
    all[i] = py::make_tuple(edge ? as_python(edge.node) : py::none(), edge.nr);
  }
  return all;
}

// The shape of every output; none where the output is not recorded.
py::tuple output_shapes(Node& node) {
  py::tuple all(node.n_outputs());
  for (int i = 0; i < node.n_outputs(); ++i) {
    const Shape shape = node.output(i);
    if (!shape.sizes && shape.ndim > 0) {
      all[i] = py::none();
      continue;
    }
    py::tuple sizes(shape.ndim);
    for (int dim = 0; dim < shape.ndim; ++dim) sizes[dim] = shape.sizes[dim];
    all[i] = std::move(sizes);
  }
  return all;
}

// "mul" for the node named MulBackward0; a node that no op made has only its own name.
std::string op_name(Node& node) {
  const auto* of_op = dynamic_cast<const OpNode*>(&node);
  return of_op ? of_op->entry().name : node.name();
}

py::tuple edge_of(const Tensor& tensor) {
  const Edge edge = gradient_edge(tensor.get());
  return py::make_tuple(edge ? as_python(edge.node) : py::none(), edge.nr);
}

std::string text(Node& node) {
  char address[32];
  std::snprintf(address, sizeof address, "%p", static_cast<void*>(&node));
  return "<" + node.name() + " object at " + address + ">";
}

// The leaves that gradients of these tensors go to.
py::list leaves_of(const py::tuple& tensors) {
  std::unordered_set<Node*> seen;
  std::vector<Node*> open;
  py::list leaves;
  const auto meet = [&](Node* node) {
    if (!seen.insert(node).second) return;
    if (node->leaf())
      leaves.append(Tensor::borrow(node->leaf()));
    else
      open.push_back(node);
  };
  std::vector<Edge> roots;  // a look at a stale view makes a node
  for (py::handle object : tensors) {
    roots.push_back(gradient_edge(object.cast<Tensor>().get()));
    if (roots.back()) meet(roots.back().node.get());
  }
  while (!open.empty()) {
    Node* node = open.back();
    open.pop_back();
    for (int i = 0; i < node->n_edges(); ++i)
      if (const Edge& edge = node->edge(i); edge) meet(edge.node.get());
  }
  return leaves;
}

void bind_handles(py::module_& m) {
  py::class_<HookHandle>(m, "RemovableHandle", "Removes the hook that it came from. A context manager too.")
      .def_readonly("id", &HookHandle::id)
      .def_property_readonly("_list", [](HookHandle& self) { return self.hooks->serial(); })
      .def(
          "remove", [](HookHandle& self) { self.hooks->remove(self.id); }, "Remove the hook; again does nothing.")
      .def("__enter__", [](py::object self) { return self; })
      .def("__exit__", [](HookHandle& self, const py::args&) { self.hooks->remove(self.id); });
}

}  // namespace

py::object as_python(const NodePtr& node) {
  py::object object = py::cast(node);
  keep(*node, object);
  const py::handle type = py::type::handle_of(object);
  const py::str name(node->name());
  if (py::object(type.attr("__name__")).equal(name)) return object;
  static auto* const classes = new py::dict;  // by name
  const py::tuple key = py::make_tuple(type, name);
  if (!classes->contains(key)) {
    py::dict members;
    members["__slots__"] = py::tuple();
    members["__module__"] = type.attr("__module__");
    (*classes)[key] = py::type::of(type)(name, py::make_tuple(type), members);
  }
  object.attr("__class__") = (*classes)[key];
  return object;
}

py::object metadata(Node& node) { return notes_on(node.extra().attachment); }

void bind_nodes(py::module_& m) {
  bind_handles(m);
  m.def("leaves_of", leaves_of, py::arg("tensors"));
  m.def("gradient_edge", edge_of, py::arg("tensor"));
  m.def("run_notes", [] { return notes_on(run_attachment()); }, "A dict that lasts as long as this thread's backward.");
  m.def("run_is_whole", run_is_whole, "Whether this thread's backward goes to all leaves.");
  m.def("lists_to_call", lists_to_call, py::arg("serials"),
        "How many of these lists of hooks the backward that runs on this thread is going to call.");
  py::class_<Node, Ref<Node>>(m, "Node", "A recorded operation: what `Tensor.grad_fn` is.", py::dynamic_attr(),
                              collected())
      .def("name", &Node::name, "The operation's name, as in 'MulBackward0'.")
      .def_property_readonly(
          "next_functions", next_functions,
          "For every tensor argument the node its gradient goes to, and which of that node's outputs "
          "it is; (None, 0) where no gradient is needed.")
      .def_property_readonly("metadata", metadata, "A dict for the user's own notes on this node.")
      .def(
          "register_hook",
          [](Node& self, py::object fn) { return add_hook(self.extra().after, HookKind::after_node, std::move(fn)); },
          py::arg("fn"),
          "Call fn(grad_inputs, grad_outputs) when this node has run; what it returns, if not None, replaces "
          "grad_inputs.")
      .def(
          "register_prehook",
          [](Node& self, py::object fn) { return add_hook(self.extra().before, HookKind::before_node, std::move(fn)); },
          py::arg("fn"),
          "Call fn(grad_outputs) before this node runs; what it returns, if not None, replaces grad_outputs.")
      .def("__call__", call_node)
      .def("_sequence_nr", &Node::sequence)
      .def("_op_name", op_name)
      .def("_output_shapes", output_shapes)
      .def("__repr__", text);
  py::class_<Accumulate, Node, Ref<Accumulate>>(m, "AccumulateGrad", "Where the gradient of a leaf arrives.",
                                                collected())
      .def_property_readonly(
          "variable", [](Accumulate& self) { return Tensor::borrow(self.leaf()); }, "The leaf tensor.");
}

}  // namespace dovetail::autograd
