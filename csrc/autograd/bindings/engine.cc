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

std::vector<Tensor> tensors_in(const py::tuple& tuple) {
  std::vector<Tensor> tensors;
  for (py::handle item : tuple) {
    dt_tensor* t = dt::api().tensor_from_py(item.ptr());
    if (!t) throw py::type_error("expected Tensors, got " + std::string(py::str(py::type::of(item).attr("__name__"))));
    tensors.push_back(Tensor::borrow(t));
  }
  return tensors;
}

// The gradient that output `i` begins with: the one given, or 1 for an output of one element.
Tensor start_of(size_t i, const Tensor& output, const Edge& root, py::handle given) {
  static const dt::Op ones{"ones"};
  const Shape shape = root.node->output(root.nr);
  if (given.is_none()) {
    if (output.numel() != 1)
      dt::runtime_error("grad can be implicitly created only for scalar outputs, got a ",
                        describe(shape_of(output.info())));
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
  const std::vector<Tensor> outputs = tensors_in(tensors), wanted = tensors_in(inputs);
  if (gradients.size() != outputs.size())
    dt::runtime_error("got ", outputs.size(), " tensors and ", gradients.size(), " gradients");
  for (size_t i = 0; i < outputs.size(); ++i) {
    roots.push_back(gradient_edge(outputs[i].get()));
    if (!roots.back())
      dt::runtime_error("element ", i, " of tensors does not require grad and does not have a grad_fn; it is a ",
                        describe(shape_of(outputs[i].info())));
    starts.push_back(start_of(i, outputs[i], roots.back(), gradients[i]));
  }
  for (const Tensor& t : wanted) {
    targets.push_back(gradient_edge(t.get()));
    if (!targets.back())
      dt::runtime_error("One of the differentiated Tensors does not require grad, a ", describe(shape_of(t.info())));
  }
  const std::vector<Tensor> found = run_backward(roots, std::move(starts), options, targets, wanted);
  return to_tuple(found.data(), static_cast<int>(found.size()));
}

}  // namespace

void bind_engine(py::module_& m) {
  interpreter = {let_go, take};
  m.def("run_backward", run, py::arg("tensors"), py::arg("gradients"), py::arg("keep_graph"), py::arg("create_graph"),
        py::arg("inputs"), py::arg("accumulate"));
}

}  // namespace dovetail::autograd
