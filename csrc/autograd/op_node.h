// The node of a recorded op, and what its rule sees of it.
#pragma once

#include "autograd/meta.h"
#include "autograd/rule.h"
#include "autograd/saved.h"

namespace dovetail::autograd {

// A tensor argument of a call; the tensors of a list are laid flat.
struct Input {
  dt_tensor* tensor;  // null: an optional one that was not given
  int32_t arg;
  bool grad;  // a gradient can flow to it
};

// What is to be saved in place of an argument that an in-place call wrote over.
struct Replaced {
  int input;
  Tensor copy;
};

// A call that has run, ready to be recorded.
struct Recording {
  const Entry& entry;
  const Rule& rule;
  Saves saves;  // what the rule wants kept, for the inputs that need a gradient
  const dt_value* args;
  int n_args;
  const Input* inputs;
  int n_inputs;
  dt_tensor* const* results;
  const dt_tensor_info* infos;  // of the results
  int n_results;
  const std::vector<Replaced>* replaced;  // may be null
  LevelId level = kAutograd;
  // The node only serves a forward rule: it keeps all geometry, and the results as they are.
  bool transient = false;
};

Saves needed_saves(const Rule& rule, const Input* inputs, int n_inputs);

class OpNode final : public Node {
 public:
  // Ready, but not yet in any tensor's history.
  static NodePtr record(const Recording& call);

  OpNode(char* tail, const Recording& call, int n_saved);
  ~OpNode() override;
  std::string name() const override { return entry_.node_name; }
  void apply(Task& task, Tensor* grads, Tensor* results) override;
  void release_saved() override;

  const Entry& entry() const { return entry_; }

  // For those who look at what it keeps.
  int n_saved() const { return n_saved_; }
  SavedTensor& saved(int i) { return saved_[i]; }
  Tensor unpacked(const SavedTensor& saved);
  int arg_of(int flat) const;
  const dt_value* arguments() const { return args_; }  // may be null

 private:
  friend class Ctx;
  struct Geometry {
    Shape shape;
    int64_t offset;
    const int64_t* strides;
  };

  void apply_rule(Task& task, Tensor* grads, Tensor* results);
  void apply_conjugated(Task& task, Tensor* grads, Tensor* results);
  static size_t tail_bytes(const Recording& call, int n_saved);
  void fill(const Recording& call);
  template <class Tail>
  void keep_geometry(const Recording& call, Geometry* geometry, Tail& tail);
  void save(const Recording& call);
  int flat_of(int arg) const;
  int count_of(int arg) const;
  Shape input_shape(int flat) const;

  const Entry& entry_;
  const Rule& rule_;
  int32_t n_saved_;
  bool freed_ = false;
  SavedTensor* saved_;
  Geometry* geometry_ = nullptr;  // of the inputs, where the rule asks for it
  dt_value* args_ = nullptr;      // where there are attributes or lists
};

// What a rule works with. Arguments are named by their position in the schema.
class Ctx {
 public:
  Ctx(Task& task, OpNode& node, Tensor* grads, Tensor* results)
      : task_(&task), node_(node), grads_(grads), results_(results) {}
  // For a forward rule: tangents of the tensor arguments, laid flat. `grads` are those that a vjp line is asked with.
  Ctx(OpNode& node, const Tensor* tangents, Tensor* grads) : node_(node), grads_(grads), tangents_(tangents) {}

  // The gradient of an output; zeros if none arrived.
  Tensor g(int output = 0);
  bool has_g(int output) const { return static_cast<bool>(grads_[output]); }
  // The tangent of an argument; null for a constant.
  const Tensor& t(int arg, int k = 0) const { return tangents_[node_.flat_of(arg) + k]; }
  // A saved argument, or output (result, result_at(1)).
  Tensor operator[](int which);
  std::vector<Tensor> list(int arg);  // a saved list; entries that were None are null

  // Of any tensor argument that needs a gradient or was saved; of all with keeps_geometry.
  Shape shape(int arg) const { return node_.input_shape(node_.flat_of(arg)); }
  Ints sizes(int arg) const { return shape(arg).ints(); }
  int ndim(int arg) const { return shape(arg).ndim; }
  int64_t size(int arg, int dim) const { return shape(arg).sizes[dim]; }
  Shape output(int nr = 0) const { return node_.output(nr); }
  Ints strides(int arg) const;                              // with keeps_geometry
  int64_t offset(int arg) const;                            // with keeps_geometry
  int count(int arg) const { return node_.count_of(arg); }  // of a list
  Shape shape_in_list(int arg, int k) const { return node_.input_shape(node_.flat_of(arg) + k); }

  // Attributes.
  const dt_value& value(int arg) const { return node_.args_[arg]; }
  bool given(int arg) const { return value(arg).tag != DT_NONE; }
  int64_t integer(int arg) const { return value(arg).as.i; }
  bool flag(int arg) const { return value(arg).as.i != 0; }
  double number(int arg) const;
  const char* string(int arg) const { return value(arg).as.string; }
  Ints ints(int arg) const { return {value(arg).as.ints, value(arg).count}; }
  // A dim, wrapped against `ndim` (zero-dim counts as one).
  int dim(int arg, int ndim) const;
  // A list of dims, wrapped; None, a missing one and an empty one mean all.
  std::vector<int64_t> dims(int arg, int ndim) const;

  // For joint rules: whether an argument needs its gradient, and handing it over.
  bool needs(int arg, int k = 0) const;
  void give(int arg, Tensor gradient) { give(arg, 0, std::move(gradient)); }
  void give(int arg, int k, Tensor gradient) { results_[node_.flat_of(arg) + k] = std::move(gradient); }

  OpNode& node() { return node_; }

 private:
  Task* task_ = nullptr;
  OpNode& node_;
  Tensor* grads_ = nullptr;
  Tensor* results_ = nullptr;
  const Tensor* tangents_ = nullptr;
};

}  // namespace dovetail::autograd
