// Anomaly mode: Python follows what is recorded and run. Its side is dovetail/autograd/anomaly.py.
#include "autograd/watch.h"
#include "autograd/bindings/python.h"

namespace dovetail::autograd {

namespace {

class PythonWatcher final : public Watcher {
 public:
  PythonWatcher(py::object recorded, py::object ran, py::object failed)
      : recorded_(std::move(recorded)), ran_(std::move(ran)), failed_(std::move(failed)) {}

  void recorded(Node& node, const std::vector<Tensor>& inputs, const std::vector<Tensor>& outputs) override {
    call([&] {
      recorded_.get()(NodePtr(&node), to_tuple(inputs.data(), static_cast<int>(inputs.size())),
                      to_tuple(outputs.data(), static_cast<int>(outputs.size())));
    });
  }
  void ran(Node& node, const Tensor* gradients, int n_gradients) override {
    call([&] { ran_.get()(NodePtr(&node), to_tuple(gradients, n_gradients)); });
  }
  void failed(Node& node) noexcept override {
    try {
      call([&] { failed_.get()(NodePtr(&node)); });
    } catch (const std::exception&) {
      // The error that is on its way matters more.
    }
  }

 private:
  // What Python raises crosses the library as one of its errors, and comes out unchanged.
  template <class Call>
  static void call(Call&& call) {
    py::gil_scoped_acquire gil;
    try {
      call();
    } catch (py::error_already_set& error) {
      error.restore();
      dt::check(dt::api().error_from_py());
    }
  }

  Held recorded_, ran_, failed_;
};

// The one watcher there is; it lives on when it does not watch, as another thread may be inside it.
Watcher* installed = nullptr;

void install_watcher(py::object recorded, py::object ran, py::object failed) {
  if (!installed) installed = new PythonWatcher(std::move(recorded), std::move(ran), std::move(failed));
}

// Returns whether it watched before.
bool watch(bool on) { return watcher.exchange(on ? installed : nullptr) != nullptr; }

}  // namespace

void bind_watch(py::module_& m) {
  m.def("install_watcher", install_watcher, py::arg("recorded"), py::arg("ran"), py::arg("failed"));
  m.def("watch", watch, py::arg("on"));
}

}  // namespace dovetail::autograd
