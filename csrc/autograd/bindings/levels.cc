// Levels, from Python. The transforms themselves are dovetail/autograd/func.py, vmap.py and forward_ad.py.
#include "autograd/levels.h"

#include <pybind11/stl.h>

#include "autograd/bindings/python.h"
#include "autograd/engine.h"
#include "autograd/rule.h"

namespace dovetail::autograd {

namespace {

[[noreturn]] void throw_python(py::error_already_set& error) {
  error.restore();
  throw dt::Error::from_slot(dt::api().error_from_py());
}

// Calls handler(op's name, args, destinations or None), which returns the results.
class PythonVmap final : public VmapLevel {
 public:
  explicit PythonVmap(py::object handler) : handler_(std::move(handler)) {}

  void call(const dt_op* op, const dt_value* args, int n_args, dt_value* outs, int n_outs) override {
    py::gil_scoped_acquire gil;
    try {
      dt_op_info info;
      info.struct_size = sizeof info;
      dt::api().op_info(op, &info);
      const py::object destinations = n_outs > 0 && outs[0].tag == DT_TENSOR ? values(outs, n_outs) : py::none();
      const py::object returned = handler_.get()(py::str(info.name), values(args, n_args), destinations);
      take(returned, info.n_returns < 0, outs, n_outs);
    } catch (py::error_already_set& error) {
      throw_python(error);
    }
  }

 private:
  static py::object values(const dt_value* values, int n) {
    py::tuple tuple(n);
    for (int i = 0; i < n; ++i) {
      PyObject* object = dt::api().value_to_py(&values[i]);
      if (!object) throw py::error_already_set();
      tuple[i] = py::reinterpret_steal<py::object>(object);
    }
    return tuple;
  }

  static void take(const py::object& returned, bool list, dt_value* outs, int n_outs) {
    if (n_outs == 0) return;
    std::vector<Tensor> tensors;
    if (n_outs == 1 && !list)
      tensors.push_back(returned.cast<Tensor>());
    else
      for (py::handle item : returned) tensors.push_back(item.cast<Tensor>());
    if (!list) {
      for (int i = 0; i < n_outs; ++i) outs[i] = dt::box(tensors.at(i).release());
      return;
    }
    dt_tensor** items = dt::api().new_tensor_list(static_cast<int32_t>(tensors.size()));
    for (size_t i = 0; i < tensors.size(); ++i) items[i] = tensors[i].release();
    outs[0] = dt::box_list(items, static_cast<int32_t>(tensors.size()));
  }

  Held handler_;
};

// The way from a function's outputs back to what was tracked. It outlives the level.
class Pullback {
 public:
  Pullback(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs, const Level& level) {
    for (const Tensor& t : outputs) roots_.push_back(gradient_edge(t.get(), level.id()));
    for (const Tensor& t : inputs) inputs_.push_back(gradient_edge(t.get(), level.id()));
  }

  // Gradients for the inputs; None where none arrives. Recorded by what is active now.
  py::tuple run(const std::vector<Tensor>& gradients, bool keep_graph) const {
    std::vector<Edge> roots;
    std::vector<Tensor> starts;
    for (size_t i = 0; i < roots_.size(); ++i) {
      if (!roots_[i] || !gradients.at(i)) continue;
      const Node& node = *roots_[i].node;
      starts.push_back(fitted(gradients[i], node.output(roots_[i].nr), node, roots_[i].nr));
      roots.push_back(roots_[i]);
    }
    std::vector<Tensor> found(inputs_.size());
    if (!roots.empty() && !inputs_.empty()) {
      BackwardOptions options;
      options.keep_graph = keep_graph;
      options.create_graph = dt::api().grad_mode();
      options.accumulate = false;
      options.poll = between_nodes;
      found = run_backward(roots, std::move(starts), options, inputs_);
    }
    return to_tuple(found.data(), static_cast<int>(found.size()));
  }

 private:
  std::vector<Edge> roots_, inputs_;
};

class PythonBelow {
 public:
  explicit PythonBelow(std::shared_ptr<Level> level) : level_(std::move(level)) {}
  void enter() { below_ = std::make_unique<Below>(*level_); }
  void exit() { below_.reset(); }

 private:
  std::shared_ptr<Level> level_;
  std::unique_ptr<Below> below_;
};

bool knows(const Level& level, dt_tensor* t) {
  if (level.kind() == LevelKind::grad) return requires_grad(t, level.id());
  if (level.kind() == LevelKind::jvp) return static_cast<bool>(tangent_of(t, level.id()));
  return batch_of(t, level.id()) != nullptr;
}

std::shared_ptr<Level> make_level(const std::string& kind) {
  if (kind == "grad") return std::make_shared<Level>(LevelKind::grad);
  if (kind == "jvp") return std::make_shared<Level>(LevelKind::jvp);
  throw py::value_error("Level: the kind must be 'grad' or 'jvp', got '" + kind + "'");
}

const char* kind_name(const Level& level) {
  static constexpr const char* kNames[] = {"grad", "jvp", "vmap"};
  return kNames[static_cast<int>(level.kind())];
}

py::object inner_of(const Tensor& t, const Level& level) {
  const LevelEntry* entry = t ? batch_of(t.get(), level.id()) : nullptr;
  return entry ? py::object(py::make_tuple(entry->value, entry->dim)) : py::none();
}

// The view of a shell, without values yet.
Tensor view_shell(const std::string& op, const Tensor& shell, const py::tuple& args) {
  const dt_op* handle = dt::api().find_op(op.c_str());
  std::vector<std::vector<int64_t>> lists(args.size());  // no value owns a list of ints
  std::vector<dt_value> values = {dt::box(shell)};
  for (size_t i = 0; i < args.size(); ++i) {
    const py::handle arg = args[i];
    if (py::isinstance<py::tuple>(arg) || py::isinstance<py::list>(arg)) {
      lists[i] = arg.cast<std::vector<int64_t>>();
      values.push_back(dt::box(lists[i]));
      continue;
    }
    dt_value v{};
    dt::check(dt::api().value_from_py(arg.ptr(), &v));
    values.push_back(v);
  }
  dt_tensor* view = nullptr;
  dt::check(dt::api().shell_view(handle, values.data(), static_cast<int32_t>(values.size()), &view));
  return Tensor::steal(view);
}

}  // namespace

void bind_levels(py::module_& m) {
  py::class_<Level, std::shared_ptr<Level>>(m, "Level")
      .def(py::init(&make_level), py::arg("kind"))
      .def_property_readonly("id", &Level::id)
      .def_property_readonly("kind", kind_name)
      .def("push", &Level::push)
      .def("pop", &Level::pop);
  py::class_<VmapLevel, Level, std::shared_ptr<VmapLevel>>(m, "VmapLevel")
      .def(py::init([](py::object handler) -> std::shared_ptr<VmapLevel> {
             return std::make_shared<PythonVmap>(std::move(handler));
           }),
           py::arg("handler"));
  py::class_<Pullback>(m, "Pullback")
      .def(py::init<const std::vector<Tensor>&, const std::vector<Tensor>&, const Level&>(), py::arg("outputs"),
           py::arg("inputs"), py::arg("level"))
      .def("run", &Pullback::run, py::arg("gradients"), py::arg("keep_graph"));
  py::class_<PythonBelow>(m, "Below")
      .def(py::init<std::shared_ptr<Level>>(), py::arg("level"))
      .def("__enter__", &PythonBelow::enter)
      .def("__exit__", [](PythonBelow& self, const py::args&) { self.exit(); });
  m.def(
      "own_batching",
      [](const std::string& op) {
        if (const dt_op* handle = dt::api().find_op(op.c_str())) entry_of(handle).own_batching = true;
      },
      py::arg("op"));
  m.def("any_level", any_level);
  m.def("level_count", [] { return levels().size(); });
  m.def(
      "top_level",
      [](const std::vector<Tensor>& tensors) -> std::shared_ptr<Level> {
        for (auto at = levels().rbegin(); at != levels().rend(); ++at)
          for (const Tensor& t : tensors)
            if (knows(**at, t.get())) return (*at)->shared_from_this();
        return nullptr;
      },
      py::arg("tensors"));
  m.def(
      "knows", [](const Level& level, const Tensor& t) { return knows(level, t.get()); }, py::arg("level"),
      py::arg("tensor"));
  m.def("handle", [](const Tensor& t) { return handle_of(t.get()); }, py::arg("tensor"));
  m.def(
      "tracked", [](const Tensor& t, const Level& level) { return tracked(t.get(), level); }, py::arg("tensor"),
      py::arg("level"));
  m.def(
      "dual", [](const Tensor& t, const Tensor& tangent, const Level& level) { return dual(t.get(), tangent, level); },
      py::arg("tensor"), py::arg("tangent"), py::arg("level"));
  m.def(
      "tangent", [](const Tensor& t, const Level& level) { return tangent_of(t.get(), level.id()); }, py::arg("tensor"),
      py::arg("level"));
  m.def(
      "set_tangent",
      [](const Tensor& t, const Tensor& tangent, const Level& level) { set_tangent(t.get(), tangent, level.id()); },
      py::arg("tensor"), py::arg("tangent"), py::arg("level"));
  m.def(
      "forget", [](const Tensor& t, const Level& level) { drop_entry(t.get(), level.id()); }, py::arg("tensor"),
      py::arg("level"));
  m.def(
      "batched", [](const Tensor& t, int dim, const Level& level) { return batched(t, dim, level); }, py::arg("tensor"),
      py::arg("dim"), py::arg("level"));
  m.def("inner", inner_of, py::arg("tensor"), py::arg("level"));
  m.def("view_shell", view_shell, py::arg("op"), py::arg("shell"), py::arg("args"));
  m.def(
      "set_inner",
      [](const Tensor& shell, const Tensor& t, const Level& level) {
        set_inner(shell.get(), t, 0, level);
        return shell;
      },
      py::arg("shell"), py::arg("tensor"), py::arg("level"));
  m.def("bump_version", [](const Tensor& t) { dt::api().bump_version(t.get()); }, py::arg("tensor"));
}

}  // namespace dovetail::autograd
