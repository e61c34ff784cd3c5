#include "autograd/layer.h"

#include <algorithm>

#include "autograd/levels.h"
#include "autograd/op_node.h"
#include "autograd/views.h"
#include "autograd/watch.h"

namespace dovetail::autograd {

namespace {

const dt::Op clone_op{"clone"}, copy_op{"copy"};

// Inlined where ordinary autograd records, as the time of every small op is spent there.
#define DOVETAIL_HOT __attribute__((always_inline)) inline

// Record a call at a level; null is ordinary autograd.
void run_at(const Level* level, const dt_op* op, const dt_value* args, int n_args, dt_value* outs, int n_outs);

// The tensor arguments of a call, lists laid flat.
class Inputs {
 public:
  DOVETAIL_HOT Inputs(const Entry& entry, const dt_value* args, int n_args, LevelId level) : level_(level) {
    for (int i = 0; i < n_args; ++i) {
      if (args[i].tag == DT_TENSOR) {
        add(args[i].as.tensor, i);
      } else if (args[i].tag == DT_TENSORS) {
        for (int k = 0; k < args[i].count; ++k) add(args[i].as.tensors[k], i);
      } else if (args[i].tag == DT_NONE && entry.kinds[i] == ArgKind::tensor) {
        add(nullptr, i);
      }
    }
  }
  Inputs(const Inputs&) = delete;

  Input* begin() { return items_; }
  Input* end() { return items_ + count_; }
  int count() const { return count_; }
  bool any_grad() const { return any_grad_; }

 private:
  void add(dt_tensor* t, int arg) {
    if (__builtin_expect(count_ == capacity_, 0)) grow();
    const bool grad = t && requires_grad(t, level_);
    items_[count_++] = {t, arg, grad};
    any_grad_ |= grad;
  }
  void grow() {
    std::vector<Input> more(static_cast<size_t>(capacity_) * 4);
    std::copy(items_, items_ + count_, more.begin());
    more_.swap(more);
    items_ = more_.data();
    capacity_ *= 4;
  }

  static constexpr int kInline = 8;
  LevelId level_;
  Input inline_[kInline];
  std::vector<Input> more_;
  Input* items_ = inline_;
  int count_ = 0, capacity_ = kInline;
  bool any_grad_ = false;
};

// The results of a call with what is known of each.
struct Results {
  dt_tensor* one;
  dt_tensor_info one_info;
  std::vector<dt_tensor_info> infos_of_many;
  std::vector<dt_tensor*> many;
  dt_tensor** tensors = &one;
  dt_tensor_info* infos = &one_info;
  int count = 1;

  DOVETAIL_HOT Results(const dt_value* outs, int n_outs, bool returns_list) {
    if (n_outs == 1 && !returns_list) {
      one = outs[0].as.tensor;
    } else if (returns_list) {
      tensors = outs[0].as.tensors;
      count = outs[0].count;
    } else {
      for (int i = 0; i < n_outs; ++i) many.push_back(outs[i].as.tensor);
      tensors = many.data();
      count = n_outs;
    }
    if (count != 1) {
      infos_of_many.resize(count);
      infos = infos_of_many.data();
    }
    for (int i = 0; i < count; ++i) {
      infos[i].struct_size = sizeof(dt_tensor_info);
      dt::api().tensor_info(tensors[i], &infos[i]);
    }
  }
  Results(const Results&) = delete;
};

bool takes_gradient(int32_t dtype) { return dt::is_floating(dtype) || dt::is_complex(dtype); }

dt_tensor* root(dt_tensor* t) {
  dt_tensor* base = dt::api().base(t);
  return base ? base : t;
}

// A call that has to be recorded, or refused.
class LayerCall {
 public:
  // `level`: null for ordinary autograd.
  DOVETAIL_HOT LayerCall(const Entry& entry, const dt_value* args, int n_args, dt_value* outs, int n_outs,
                         const Level* level)
      : entry_(entry),
        args_(args),
        n_args_(n_args),
        outs_(outs),
        n_outs_(n_outs),
        level_(level),
        id_(level ? level->id() : kAutograd),
        inputs_(entry, args, n_args, id_) {
    const bool writes = n_outs > 0 && outs[0].tag == DT_TENSOR;
    if (writes && n_args > 0 && args[0].tag == DT_TENSOR && args[0].as.tensor == outs[0].as.tensor)
      self_ = outs[0].as.tensor;
  }

  DOVETAIL_HOT void run() {
    refuse_destinations();
    if (!inputs_.any_grad()) {
      // A view that is no part of the graph may be one of a tensor that is.
      dt_tensor* base = self_ && !level_ ? dt::api().base(self_) : nullptr;
      if (base && dt::api().bits(base) & DT_BIT_GRAD) check_inplace(entry_.name + "_", self_, id_);
      return pass_on();
    }
    if (self_) check_inplace(entry_.name + "_", self_, id_);
    if (!entry_.differentiable) return run_constant();
    const Rule* rule = entry_.rule.load(std::memory_order_acquire);
    if (!rule || !rule->has_vjp()) {
      if (backward_by(entry_, rule) == BackwardBy::decomposition) return run_decomposed();
      rule = &refusing();
    }
    const Saves saves = needed_saves(*rule, inputs_.begin(), inputs_.count());
    if (self_) keep_what_is_overwritten(saves);
    pass_on();
    try {
      record(*rule, saves);
    } catch (...) {
      release_outputs();
      throw;
    }
  }

 private:
  void pass_on() { dt::check(dt::api().call(entry_.op, args_, n_args_, outs_, n_outs_)); }

  void release_outputs() {
    for (int i = 0; i < n_outs_; ++i) dt::api().release_value(&outs_[i]);
  }

  // out= takes no part in the graph.
  DOVETAIL_HOT void refuse_destinations() {
    for (int i = 0; i < n_outs_; ++i) {
      if (outs_[i].tag != DT_TENSOR || (i == 0 && self_)) continue;
      if ((inputs_.any_grad() && entry_.differentiable) || requires_grad(outs_[i].as.tensor, id_))
        dt::runtime_error(entry_.name,
                          "(): functions with out=... arguments don't support automatic differentiation, but "
                          "one of the arguments requires grad.");
    }
  }

  // An op without a derivative. Its results are constants, also where one is written over a tensor with a history.
  void run_constant() {
    pass_on();
    if (!self_ || !requires_grad(self_, id_)) return;
    const Entry& copy = entry_of(copy_op.handle());
    const dt_value args[] = {dt::box(self_), dt::box(self_)};
    const Input inputs[] = {{self_, 0, true}, {self_, 1, false}};
    const dt_tensor_info info = Tensor::borrow(self_).info();
    append(OpNode::record({copy, *copy.rule.load(), {}, args, 2, inputs, 2, &self_, &info, 1, nullptr, id_}),
           info.dtype);
  }

  // Record the ops that the op is made of. In place, they work on a copy, which they may save, and the result is then
  // copied into self, as an op of its own.
  void run_decomposed() {
    if (!self_) return decompose(args_, outs_, n_outs_);
    const Tensor before = recorded_clone(*inputs_.begin());
    std::vector<dt_value> args(args_, args_ + n_args_);
    args[0] = dt::box(before);
    dt_value fresh{};
    decompose(args.data(), &fresh, 1);
    const dt_value copied[] = {dt::box(self_), fresh};
    try {
      again(copy_op, copied, 2, outs_);
    } catch (...) {
      dt::api().release_value(&fresh);
      throw;
    }
    dt::api().release_value(&fresh);
  }

  // Below a level grad mode may be off, but the ops that come back to the level are to be recorded.
  void decompose(const dt_value* args, dt_value* outs, int n_outs) const {
    const dt::GradMode recording(true);
    dt::check(dt::api().decompose(entry_.op, args, n_args_, outs, n_outs));
  }

  // Of an op without a derivative. The result remembers that: the error comes with the backward that needs it.
  static const Rule& refusing() {
    static const Rule rule = [] {
      Rule made;
      made.refuses = true;
      return made;
    }();
    return rule;
  }

  // An in-place op writes over its first argument and whatever shares its memory: where the rule looks at such a
  // tensor, it gets a copy, with the history that the tensor has now.
  void keep_what_is_overwritten(Saves saves) {
    if (!saves.mask) return;
    dt_tensor* memory = root(self_);
    for (int i = 0; i < inputs_.count(); ++i) {
      const Input& input = inputs_.begin()[i];
      if (input.tensor && saves.has(input.arg) && root(input.tensor) == memory)
        replaced_.push_back({i, recorded_clone(input)});
    }
  }

  // Record another op at this level.
  void again(const dt::Op& op, const dt_value* args, int n_args, dt_value* out) const {
    run_at(level_, op.handle(), args, n_args, out, 1);
  }

  Tensor recorded_clone(const Input& input) const {
    const dt_value arg = dt::box(input.tensor);
    dt_value out{};
    if (input.grad)
      again(clone_op, &arg, 1, &out);
    else
      dt::check(dt::api().call(clone_op.handle(), &arg, 1, &out, 1));
    return Tensor::steal(out.as.tensor);
  }

  DOVETAIL_HOT void record(const Rule& rule, Saves saves) {
    const Results results(outs_, n_outs_, entry_.returns_list);
    bool any = false;
    for (int i = 0; i < results.count; ++i) any |= becomes_output(results, i);
    if (!any) return;
    if (entry_.may_view && !self_) forget_hidden_base(results.tensors, results.count);
    NodePtr node = OpNode::record({entry_, rule, saves, args_, n_args_, inputs_.begin(), inputs_.count(),
                                   results.tensors, results.infos, results.count, &replaced_, id_});
    if (Watcher* watching = current_watcher(); __builtin_expect(watching && !any_level(), 0))
      show(*watching, *node, results);
    if (self_) return append(std::move(node), results.infos[0].dtype);
    if (results.count == 1) return set_history(results.tensors[0], std::move(node), 0, entry_.may_view, id_);
    for (int i = 0; i < results.count; ++i)
      if (becomes_output(results, i)) set_history(results.tensors[i], node, i, entry_.may_view, id_);
  }

  void show(Watcher& watching, Node& node, const Results& results) {
    std::vector<Tensor> in, out;
    for (const Input& input : inputs_)
      if (input.tensor) in.push_back(Tensor::borrow(input.tensor));
    for (int i = 0; i < results.count; ++i) out.push_back(Tensor::borrow(results.tensors[i]));
    watching.recorded(node, in, out);
  }

  // Results without a derivative are constants; an op may also return an argument as it is.
  DOVETAIL_HOT bool becomes_output(const Results& results, int i) {
    if (!takes_gradient(results.infos[i].dtype)) return false;
    if (self_) return true;
    for (const Input& input : inputs_)
      if (input.tensor == results.tensors[i]) return false;
    return true;
  }

  // Put a write into the history of self.
  void append(NodePtr node, int32_t dtype) {
    if (!takes_gradient(dtype)) return;
    if (dt_tensor* base = dt::api().base(self_))
      rewrite_base(base, self_, std::move(node), 0, id_);
    else
      rewrite_history(self_, std::move(node), 0, id_);
    // The edges were found after the write, and are those of before it: other views among the arguments look again.
    for (const Input& input : inputs_)
      if (input.grad && input.tensor != self_ && dt::api().base(input.tensor) == root(self_))
        expire_view(input.tensor, id_);
  }

  const Entry& entry_;
  const dt_value* args_;
  int n_args_;
  dt_value* outs_;
  int n_outs_;
  const Level* level_;
  LevelId id_;
  Inputs inputs_;
  dt_tensor* self_ = nullptr;  // written in place
  std::vector<Replaced> replaced_;
};

__attribute__((noinline)) void run_at(const Level* level, const dt_op* op, const dt_value* args, int n_args,
                                      dt_value* outs, int n_outs) {
  LayerCall(entry_of(op), args, n_args, outs, n_outs, level).run();
}

}  // namespace

dt_status autograd_layer(void*, const dt_op* op, const dt_value* args, int32_t n_args, dt_value* outs, int32_t n_outs) {
  return dt::guarded([&] { LayerCall(entry_of(op), args, n_args, outs, n_outs, nullptr).run(); });
}

dt_status grad_layer(void* self, const dt_op* op, const dt_value* args, int32_t n_args, dt_value* outs,
                     int32_t n_outs) {
  const Level& level = *static_cast<Level*>(self);
  const bool recording = dt::api().grad_mode();
  const dt::GradMode below(recording && level.outer_grad_mode());
  if (!recording) return dt::api().call(op, args, n_args, outs, n_outs);
  return dt::guarded([&] { run_at(&level, op, args, n_args, outs, n_outs); });
}

}  // namespace dovetail::autograd
