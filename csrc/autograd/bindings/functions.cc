// Function: operations whose forward and backward are Python. The Python side is dovetail/autograd/function.py.
#include "autograd/bindings/collecting.h"
#include "autograd/engine.h"
#include "autograd/levels.h"
#include "autograd/saved.h"
#include "autograd/views.h"
#include "autograd/watch.h"

namespace dovetail::autograd {

namespace {

// The tensors that a Function saved. Its context owns them; the node is told when the graph is freed.
class SavedList {
 public:
  void add(SavedTensor saved) { saved_.push_back(std::move(saved)); }
  void release() {
    if (saved_.empty()) return;
    saved_.clear();
    freed_ = true;
  }
  void set_owner(Node* owner) { owner_ = owner; }
  // Whether this is the handle of an output, which shares memory with what the user holds.
  bool is_output(const Tensor& t) const {
    for (const SavedTensor& saved : saved_)
      if (saved.output_nr >= 0 && saved.tensor.get() == t.get() && t) return true;
    return false;
  }

  py::tuple unpack(const std::string& name) const {
    if (freed_) already_freed(name);
    py::tuple all(saved_.size());
    for (size_t i = 0; i < saved_.size(); ++i) all[i] = py::cast(unpack_one(i, name));
    return all;
  }

 private:
  Tensor unpack_one(size_t i, const std::string& name) const {
    const SavedTensor& saved = saved_[i];
    if (!saved || !owner_) return saved.tensor;
    return autograd::unpack(saved, *owner_, [&] { return "saved tensor " + std::to_string(i) + " of " + name; });
  }

  std::vector<SavedTensor> saved_;
  Node* owner_ = nullptr;
  bool freed_ = false;
};

// The node of a Function. Its edges are those of the tensors among the arguments.
class FunctionNode final : public Node {
 public:
  FunctionNode(char*, std::string name, py::object context, std::shared_ptr<SavedList> saved,
               std::vector<int> positions, int n_arguments, bool materialize)
      : name_(std::move(name)),
        context_(std::move(context)),
        saved_(std::move(saved)),
        positions_(std::move(positions)),
        n_arguments_(n_arguments),
        materialize_(materialize) {
    saved_->set_owner(this);
  }
  ~FunctionNode() override { saved_->set_owner(nullptr); }

  std::string name() const override { return name_; }
  void release_saved() override { saved_->release(); }
  py::object context() const { return py::reinterpret_borrow<py::object>(context_.get()); }
  int traverse(Visit visit, void* arg) const override {
    if (int result = Node::traverse(visit, arg)) return result;
    return context_.traverse(visit, arg);
  }

  void connect(const std::vector<Tensor>& inputs, LevelId level) {
    for (int i = 0; i < n_edges(); ++i)
      if (requires_grad(inputs[i].get(), level)) edges_[i] = gradient_edge(inputs[i].get(), level);
    number();
  }
  void describe_output(int nr, const Tensor& t) {
    const dt_tensor_info info = t.info();
    shapes_.emplace_back(new int64_t[info.ndim + 1]);
    set_output(nr, info, shapes_.back().get());
    outputs_given_.resize(n_outputs(), false);
    outputs_given_[nr] = true;
  }

  void apply(Task&, Tensor* grads, Tensor* results) override {
    const py::gil_scoped_acquire gil;
    py::tuple given(n_outputs());
    for (int i = 0; i < n_outputs(); ++i) {
      if (!grads[i] && materialize_ && outputs_given_[i]) grads[i] = zeros(output(i));
      given[i] = py::cast(grads[i]);
    }
    const py::tuple returned = as_tuple(context().attr("_run_backward")(*given));
    check_count(returned);
    int edge = 0;
    for (int i = 0; i < n_arguments_; ++i) {
      const bool is_tensor = edge < n_edges() && positions_[edge] == i;
      const bool has_value = i < static_cast<int>(returned.size()) && !returned[i].is_none();
      if (is_tensor && has_value) results[edge] = gradient(returned[i], i, edges_[edge]);
      if (!is_tensor && has_value)
        dt::runtime_error("function ", name_, " returned a gradient different from None at position ", i + 1,
                          ", but the corresponding forward input was not a Variable");
      edge += is_tensor;
    }
  }

 private:
  void check_count(const py::tuple& returned) const {
    const int n = static_cast<int>(returned.size());
    bool right = n == n_arguments_;
    if (n > n_arguments_) {  // more are allowed if they are None
      right = true;
      for (int i = n_arguments_; i < n; ++i) right &= returned[i].is_none();
    }
    if (!right)
      dt::runtime_error("function ", name_, " returned an incorrect number of gradients (expected ", n_arguments_,
                        ", got ", n, ")");
  }

  Tensor gradient(py::handle value, int position, const Edge& edge) const {
    dt_tensor* t = dt::api().tensor_from_py(value.ptr());
    if (!t)
      throw py::type_error("function " + name_ + " must return a Tensor or None as gradient " +
                           std::to_string(position) + ", got " +
                           std::string(py::str(py::type::of(value).attr("__name__"))));
    Tensor gradient = Tensor::borrow(t);
    if (edge && dt::is_complex(gradient.dtype()) && !dt::is_complex(edge.node->output(edge.nr).dtype))
      dt::runtime_error("function ", name_, " returned a complex gradient at position ", position,
                        ", whose input is a ", autograd::describe(edge.node->output(edge.nr)),
                        "; take the real part of it");
    static const dt::Op clone{"clone"};
    return saved_->is_output(gradient) ? clone(gradient) : gradient;
  }

  std::string name_;
  Held context_;
  std::shared_ptr<SavedList> saved_;
  std::vector<int> positions_;  // of the tensors among the arguments
  int n_arguments_;
  bool materialize_;
  std::vector<bool> outputs_given_;  // which outputs are tensors
  std::vector<std::unique_ptr<int64_t[]>> shapes_;
};

// What forward() told about its tensors.
struct Marks {
  py::tuple dirty, constant, saved;

  static bool has(const py::tuple& objects, py::handle object) {
    for (py::handle candidate : objects)
      if (candidate.is(object)) return true;
    return false;
  }
};

// One call of a Function, turned into a node.
class FunctionCall {
 public:
  FunctionCall(const py::tuple& arguments, const py::tuple& outputs, Marks marks, LevelId level)
      : arguments_(arguments), outputs_(outputs), marks_(std::move(marks)), level_(level) {
    for (size_t i = 0; i < arguments.size(); ++i) {
      dt_tensor* t = dt::api().tensor_from_py(py::handle(arguments[i]).ptr());
      if (!t) continue;
      inputs_.push_back(Tensor::borrow(t));
      positions_.push_back(static_cast<int>(i));
    }
  }

  py::tuple record(const std::string& name, py::object context, std::shared_ptr<SavedList> saved, bool materialize) {
    check_dirty(name);
    auto* node = make_node<FunctionNode>(static_cast<int>(inputs_.size()), static_cast<int>(outputs_.size()), 0, name,
                                         std::move(context), saved, positions_, static_cast<int>(arguments_.size()),
                                         materialize);
    const NodePtr owner = NodePtr::steal(node);
    node->connect(inputs_, level_);
    py::tuple results(outputs_.size());
    for (size_t i = 0; i < outputs_.size(); ++i) results[i] = output(*node, owner, static_cast<int>(i));
    save(results, *saved);
    node->note_place();
    if (Watcher* watching = current_watcher(); watching && !any_level()) show(*watching, *node, results);
    return results;
  }

 private:
  void check_dirty(const std::string& name) {
    for (py::handle object : marks_.dirty) {
      dt_tensor* t = dt::api().tensor_from_py(object.ptr());
      if (!t) throw py::type_error("mark_dirty: expected Tensors, got " + std::string(py::str(py::type::of(object))));
      if (input_of(t) < 0) dt::runtime_error(name, ": mark_dirty: only inputs can be marked as dirty");
      if (!Marks::has(outputs_, object))
        dt::runtime_error(name,
                          ": Some elements marked as dirty during the forward method were not returned as output. "
                          "The inputs that are modified inplace must all be outputs of the Function.");
      check_inplace(name, t, level_);
      if (dt::api().base(t) && outputs_.size() > 1)
        dt::runtime_error(name,
                          ": If your Function modifies Tensors that are views inplace, it must return a single one.");
    }
  }

  int input_of(const dt_tensor* t) const {
    for (size_t i = 0; i < inputs_.size(); ++i)
      if (inputs_[i].get() == t) return static_cast<int>(i);
    return -1;
  }

  py::object output(FunctionNode& node, const NodePtr& owner, int nr) {
    const py::object object = outputs_[nr];
    dt_tensor* t = dt::api().tensor_from_py(object.ptr());
    if (!t) return object;
    Tensor tensor = Tensor::borrow(t);
    node.describe_output(nr, tensor);
    const int32_t dtype = tensor.dtype();
    const bool constant = (!dt::is_floating(dtype) && !dt::is_complex(dtype)) || Marks::has(marks_.constant, object);
    const int input = input_of(t);
    if (Marks::has(marks_.dirty, object)) {
      dt::api().bump_version(t);
      if (!constant) written(owner, t, nr, input);
      return object;
    }
    if (constant) return requires_grad(t, level_) ? py::cast(detached(tensor)) : object;
    if (input >= 0) tensor = alias(tensor);
    if (dt_tensor* made = tensor.get(); input < 0) forget_hidden_base(&made, 1);
    set_history(tensor.get(), owner, nr, true, level_);
    if (dt::api().base(tensor.get())) meta(tensor.get()).history.made_in_function = true;
    return input >= 0 ? py::cast(tensor) : object;
  }

  void written(const NodePtr& owner, dt_tensor* t, int nr, int input) const {
    dt_tensor* base = dt::api().base(t);
    if (base)
      rewrite_base(base, t, owner, input, level_);
    else
      rewrite_history(t, owner, nr, level_);
    for (const Tensor& other : inputs_)
      if (other.get() != t && dt::api().base(other.get()) == (base ? base : t) && requires_grad(other.get(), level_))
        expire_view(other.get(), level_);
  }

  // Without a history at this level; the levels below keep theirs.
  Tensor detached(const Tensor& t) const {
    if (level_ != kAutograd) return handle_of(t.get(), level_);
    dt_tensor* out = nullptr;
    dt::check(dt::api().detach(t.get(), &out));
    return Tensor::steal(out);
  }

  void show(Watcher& watching, Node& node, const py::tuple& results) const {
    std::vector<Tensor> out;
    for (py::handle object : results)
      if (dt_tensor* t = dt::api().tensor_from_py(object.ptr())) out.push_back(Tensor::borrow(t));
    watching.recorded(node, inputs_, out);
  }

  // An argument returned as it is gets a tensor of its own, so that its own history stays.
  Tensor alias(const Tensor& t) const {
    if (level_ != kAutograd) return handle_of(t.get(), level_);
    static const dt::Op op{"alias"};
    dt::GradMode off(false);
    return op(t);
  }

  // Outputs are saved without their history, which leads to the node itself.
  void save(const py::tuple& results, SavedList& list) {
    int position = -1;
    for (py::handle object : marks_.saved) {
      ++position;
      if (object.is_none()) {
        list.add({});
        continue;
      }
      dt_tensor* t = dt::api().tensor_from_py(object.ptr());
      if (!t)
        throw py::type_error("save_for_backward can only save variables, but argument " + std::to_string(position) +
                             " is of type " + std::string(py::str(py::type::of(object).attr("__name__"))));
      int nr = -1;
      for (size_t i = 0; i < outputs_.size(); ++i)
        if (py::handle(outputs_[i]).is(object)) nr = static_cast<int>(i);
      if (nr >= 0) {
        dt_tensor* out = dt::api().tensor_from_py(py::handle(results[nr]).ptr());
        if (grad_fn(out, level_)) {
          list.add(level_ == kAutograd ? save_output(out, nr, nr) : save_at_level(handle_of(out, level_), nr));
          continue;
        }
      }
      list.add(level_ == kAutograd ? save_input(t, -1) : save_at_level(Tensor::borrow(t), -1));
    }
  }

  const py::tuple& arguments_;
  const py::tuple& outputs_;
  Marks marks_;
  LevelId level_;
  std::vector<Tensor> inputs_;
  std::vector<int> positions_;
};

// Makes results whose own backward is refused.
class Refuses final : public Node {
 public:
  Refuses(char*, std::string message) : message_(std::move(message)) {}
  std::string name() const override { return "DelayedError"; }
  void apply(Task&, Tensor*, Tensor*) override { dt::runtime_error(message_); }
  void describe(const Tensor& t) {
    const dt_tensor_info info = t.info();
    sizes_.assign(info.sizes, info.sizes + info.ndim);
    set_output(0, info, sizes_.data());
    number();
  }

 private:
  std::string message_;
  std::vector<int64_t> sizes_;
};

Tensor refuse_backward(const Tensor& t, const std::string& message) {
  dt_tensor* out = nullptr;
  dt::check(dt::api().detach(t.get(), &out));
  Tensor result = Tensor::steal(out);
  auto* node = make_node<Refuses>(0, 1, 0, message);
  const NodePtr owner = NodePtr::steal(node);
  node->describe(result);
  set_history(out, owner, 0);
  return result;
}

py::tuple record_function(const std::string& name, py::object context, std::shared_ptr<SavedList> saved,
                          const py::tuple& arguments, const py::tuple& outputs, const py::tuple& to_save,
                          const py::tuple& dirty, const py::tuple& constant, bool materialize, const Level* level) {
  return FunctionCall(arguments, outputs, {dirty, constant, to_save}, level ? level->id() : kAutograd)
      .record(name, std::move(context), std::move(saved), materialize);
}

}  // namespace

void bind_functions(py::module_& m) {
  py::class_<SavedList, std::shared_ptr<SavedList>>(m, "SavedList")
      .def(py::init<>())
      .def("unpack", &SavedList::unpack, py::arg("name"))
      .def("release", &SavedList::release);
  py::class_<FunctionNode, Node, Ref<FunctionNode>>(m, "FunctionNode", "The node of a Function.", collected())
      .def_property_readonly("_context", &FunctionNode::context)
      // What the Function put on its context can be read here, as in `y.grad_fn.saved_tensors`.
      .def("__getattr__", [](FunctionNode& self, const std::string& name) {
        try {
          return py::object(self.context().attr(name.c_str()));
        } catch (py::error_already_set& error) {
          if (!error.matches(PyExc_AttributeError)) throw;
          throw py::attribute_error("'" + self.name() + "' object has no attribute '" + name + "'");
        }
      });
  m.def("record_function", record_function, py::arg("name"), py::arg("context"), py::arg("saved"), py::arg("arguments"),
        py::arg("outputs"), py::arg("to_save"), py::arg("dirty"), py::arg("constant"), py::arg("materialize"),
        py::arg("level") = py::none());
  m.def("refuse_backward", refuse_backward, py::arg("tensor"), py::arg("message"));
}

}  // namespace dovetail::autograd
