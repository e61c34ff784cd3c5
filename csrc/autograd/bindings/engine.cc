// Backward, from Python.
#include "autograd/bindings/python.h"
#include "autograd/engine.h"

namespace dovetail::autograd {

namespace {

std::vector<Tensor> tensors_in(const py::tuple& tuple) {
  std::vector<Tensor> tensors;
  for (py::handle item : tuple) tensors.push_back(item.cast<Tensor>());
  return tensors;
}

// Gradients that arrive at `inputs` from `tensors`, each given its gradient.
py::tuple run(const py::tuple& tensors, const py::tuple& gradients, bool keep_graph, bool create_graph,
              const py::tuple& inputs, bool accumulate) {
  BackwardOptions options;
  options.keep_graph = keep_graph;
  options.create_graph = create_graph;
  options.accumulate = accumulate;
  std::vector<Edge> roots, targets;
  const std::vector<Tensor> outputs = tensors_in(tensors), wanted = tensors_in(inputs);
  std::vector<Tensor> given = tensors_in(gradients);
  for (size_t i = 0; i < outputs.size(); ++i) {
    roots.push_back(gradient_edge(outputs[i].get()));
    const Edge& root = roots.back();
    if (!root) dt::runtime_error("element ", i, " of tensors does not require grad and does not have a grad_fn");
    given[i] = fitted(std::move(given[i]), root.node->output(root.nr), *root.node, root.nr);
  }
  for (const Tensor& t : wanted) {
    targets.push_back(gradient_edge(t.get()));
    if (!targets.back()) dt::runtime_error("One of the differentiated Tensors does not require grad");
  }
  const std::vector<Tensor> found =
      run_backward(roots, std::move(given), options, targets, wanted);
  return to_tuple(found.data(), static_cast<int>(found.size()));
}

}  // namespace

void bind_engine(py::module_& m) {
  m.def("run_backward", run, py::arg("tensors"), py::arg("gradients"), py::arg("keep_graph"), py::arg("create_graph"),
        py::arg("inputs"), py::arg("accumulate"));
}

}  // namespace dovetail::autograd
