// What the node of an op keeps, from Python: dovetail/autograd/saved.py names it (_saved_self, _raw_saved_self).
#include "autograd/bindings/python.h"
#include "autograd/op_node.h"

namespace dovetail::autograd {

namespace {

// A tensor as the node keeps it.
class RawSaved {
 public:
  RawSaved(NodePtr owner, int index) : owner_(std::move(owner)), index_(index) {}

  void register_hooks(py::object pack, py::object unpack) {
    if (!PyCallable_Check(pack.ptr()) || !PyCallable_Check(unpack.ptr()))
      throw py::type_error("register_hooks: pack_hook and unpack_hook must be callable");
    OpNode& node = dynamic_cast<OpNode&>(*owner_);
    const Tensor now = node.unpacked(node.saved(index_));  // refuses what was freed or written
    if (node.saved(index_).packed)
      dt::runtime_error(node.name(),
                        ": register_hooks: this saved tensor has hooks already, of its own or of saved_tensors_hooks; "
                        "only one pair of hooks is allowed at a time");
    pack_saved(node.saved(index_), *make_save_hooks(std::move(pack), std::move(unpack)));
  }

 private:
  NodePtr owner_;
  int index_;
};

// (argument, or RESULT + output; the index for saved_tensor) for everything kept. Several with the same first number
// are the tensors of a list.
py::list saved_parts(Node& node) {
  py::list parts;
  if (auto* of_op = dynamic_cast<OpNode*>(&node))
    for (int i = 0; i < of_op->n_saved(); ++i) {
      const int which = of_op->saved(i).which;
      parts.append(py::make_tuple(which >= result ? which : of_op->arg_of(which), i));
    }
  return parts;
}

Tensor saved_tensor(Node& node, int index) {
  OpNode& of_op = dynamic_cast<OpNode&>(node);
  return of_op.unpacked(of_op.saved(index));
}

// The attributes that the node keeps, by argument; empty where it keeps none.
py::dict saved_attributes(Node& node) {
  py::dict found;
  auto* of_op = dynamic_cast<OpNode*>(&node);
  if (!of_op || !of_op->arguments()) return found;
  for (size_t i = 0; i < of_op->entry().kinds.size(); ++i) {
    if (of_op->entry().kinds[i] != ArgKind::attribute) continue;
    PyObject* value = dt::api().value_to_py(&of_op->arguments()[i]);
    if (!value) throw py::error_already_set();
    found[py::int_(i)] = py::reinterpret_steal<py::object>(value);
  }
  return found;
}

}  // namespace

void bind_saved(py::module_& m) {
  py::class_<RawSaved>(m, "SavedTensor", "A tensor as a node keeps it for its backward.")
      .def("register_hooks", &RawSaved::register_hooks, py::arg("pack_hook"), py::arg("unpack_hook"),
           "Keep pack_hook(tensor) in its place, from which unpack_hook makes the tensor again when it is needed.");
  m.def("saved_parts", saved_parts, py::arg("node"));
  m.def("saved_tensor", saved_tensor, py::arg("node"), py::arg("index"));
  m.def("saved_attributes", saved_attributes, py::arg("node"));
  m.def(
      "raw_saved", [](const NodePtr& node, int index) { return RawSaved(node, index); }, py::arg("node"),
      py::arg("index"));
}

}  // namespace dovetail::autograd
