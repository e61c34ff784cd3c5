// Backward, from Python.
#include "autograd/engine.h"

#include <unistd.h>

#include <chrono>

#include "autograd/bindings/python.h"
#include "autograd/saved.h"

namespace dovetail::autograd {

namespace {

void* let_go() { return PyGILState_Check() ? PyEval_SaveThread() : nullptr; }

void take(void* state) {
  // Taking the lock of a finished interpreter would end this thread by unwinding through C++; it waits for the process
  // to end instead.
  while (_Py_IsFinalizing()) pause();
  PyEval_RestoreThread(static_cast<PyThreadState*>(state));
}

// The interpreter asks a thread for its lock between two instructions; nodes are what there is here. Where nobody
// waits for it, letting go costs little.
void give_turns() {
  using Clock = std::chrono::steady_clock;
  constexpr auto kTurn = std::chrono::milliseconds(1);
  static thread_local Clock::time_point last;
  const Clock::time_point now = Clock::now();
  if (now - last < kTurn) return;
  last = now;
  const Unlocked turn(true);
}

}  // namespace

void between_nodes() {
  give_turns();
  if (PyErr_CheckSignals() != 0) dt::check(dt::api().error_from_py());
}

namespace {

// What a gradient begins or ends at: a tensor, or only where its gradient goes (graph.GradientEdge).
struct End {
  Edge edge;
  Tensor tensor;

  std::string told() const { return describe(tensor ? shape_of(tensor.info()) : edge.node->output(edge.nr)); }
};

End end_of(py::handle item) {
  if (dt_tensor* t = dt::api().tensor_from_py(item.ptr())) return {gradient_edge(t), Tensor::borrow(t)};
  if (!py::isinstance<py::tuple>(item) || py::len(item) < 2 || !py::isinstance<Node>(item[py::int_(0)]))
    throw py::type_error("expected Tensors, got " + std::string(py::str(py::type::of(item).attr("__name__"))));
  Edge edge{item[py::int_(0)].cast<NodePtr>(), item[py::int_(1)].cast<int32_t>()};
  if (edge.nr < 0 || edge.nr >= edge.node->n_outputs())
    dt::runtime_error("a GradientEdge names output ", edge.nr, " of ", edge.node->name(), ", which has ",
                      edge.node->n_outputs());
  if (edge.node->leaf()) return {edge, Tensor::borrow(edge.node->leaf())};
  return {edge, Tensor()};
}

std::vector<End> ends_in(const py::tuple& tuple) {
  std::vector<End> ends;
  for (py::handle item : tuple) ends.push_back(end_of(item));
  return ends;
}

int64_t count_of(Ints sizes) {
  int64_t count = 1;
  for (int64_t size : sizes) count *= size;
  return count;
}

// The gradient that output `i` begins with: the one given, or 1 for an output of one element.
Tensor start_of(size_t i, const End& output, py::handle given) {
  const Edge& root = output.edge;
  static const dt::Op ones{"ones"};
  const Shape shape = root.node->output(root.nr);
  if (given.is_none()) {
    if (count_of(shape.ints()) != 1)
      dt::runtime_error("grad can be implicitly created only for scalar outputs, got a ", output.told());
    if (dt::is_complex(shape.dtype))
      dt::runtime_error("grad can be implicitly created only for real scalar outputs, got a ", describe(shape));
    return ones(shape.ints(), dt::DType{shape.dtype}, shape.device);
  }
  dt_tensor* t = dt::api().tensor_from_py(given.ptr());
  if (!t)
    throw py::type_error("gradients can be either Tensors or None, but got " +
                         std::string(py::str(py::type::of(given).attr("__name__"))));
  Tensor gradient = Tensor::borrow(t);
  const dt_tensor_info info = gradient.info();
  if (gradient.sizes() != shape.ints())
    dt::runtime_error("Mismatch in shape: grad_output[", i, "] has a shape of ", dt::text(gradient.sizes()),
                      " and output[", i, "] has a shape of ", dt::text(shape.ints()), ".");
  const Shape of_gradient = shape_of(info);
  if (dt::is_complex(info.dtype) != dt::is_complex(shape.dtype))
    dt::runtime_error("Mismatch in dtype: grad_output[", i, "] is a ", describe(of_gradient), " and output[", i,
                      "] is a ", describe(shape), "; both must be complex or neither");
  if (!dt::same(info.device, shape.device))
    dt::runtime_error("Mismatch in device: grad_output[", i, "] and output[", i,
                      "] are on different devices; move the gradient there by .to(output.device)");
  return fitted(std::move(gradient), shape, *root.node, root.nr);
}

// Gradients that arrive at `inputs` from `tensors`, each of which begins with its gradient.
py::tuple run(const py::tuple& tensors, const py::tuple& gradients, bool keep_graph, bool create_graph,
              const py::tuple& inputs, bool accumulate) {
  BackwardOptions options;
  options.keep_graph = keep_graph;
  options.create_graph = create_graph;
  options.accumulate = accumulate;
  options.poll = between_nodes;
  std::vector<Edge> roots, targets;
  std::vector<Tensor> starts;
  const std::vector<End> outputs = ends_in(tensors), wanted = ends_in(inputs);
  std::vector<Tensor> leaves;
  if (gradients.size() != outputs.size())
    dt::runtime_error("got ", outputs.size(), " tensors and ", gradients.size(), " gradients");
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (!outputs[i].edge)
      dt::runtime_error("element ", i, " of tensors does not require grad and does not have a grad_fn; it is a ",
                        outputs[i].told());
    roots.push_back(outputs[i].edge);
    starts.push_back(start_of(i, outputs[i], gradients[i]));
  }
  for (const End& end : wanted) {
    if (!end.edge) dt::runtime_error("One of the differentiated Tensors does not require grad, a ", end.told());
    if (accumulate && !end.tensor)
      dt::runtime_error("inputs: a GradientEdge into ", end.edge.node->name(),
                        " has no tensor whose .grad could be added to; give the tensor, or use grad");
    targets.push_back(end.edge);
    leaves.push_back(end.tensor);
  }
  const std::vector<Tensor> found = run_backward(roots, std::move(starts), options, targets, leaves);
  return to_tuple(found.data(), static_cast<int>(found.size()));
}

}  // namespace

void bind_engine(py::module_& m) {
  interpreter.let_go = let_go;
  interpreter.take = take;
  m.def("run_backward", run, py::arg("tensors"), py::arg("gradients"), py::arg("keep_graph"), py::arg("create_graph"),
        py::arg("inputs"), py::arg("accumulate"));
}

}  // namespace dovetail::autograd
