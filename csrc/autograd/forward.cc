// The level of a jvp: tangents travel with the tensors, and every op's forward derivative gives those of its results.
#include <algorithm>

#include "autograd/engine.h"
#include "autograd/levels.h"
#include "autograd/op_node.h"
#include "autograd/strided.h"

namespace dovetail::autograd {

namespace {

const dt::Op add_op{"add"}, cast_op{"cast"}, copy_op{"copy"}, expand_op{"expand"};

bool takes_tangent(int32_t dtype) { return dt::is_floating(dtype) || dt::is_complex(dtype); }

// A tangent in the shape and dtype of its tensor.
Tensor fitting(Tensor tangent, const dt_tensor_info& of) {
  if (!tangent) return tangent;
  const Ints sizes(of.sizes, of.ndim);
  if (tangent.sizes() != sizes) tangent = expand_op(tangent, sizes);
  if (tangent.dtype() != of.dtype) tangent = cast_op(tangent, dt::DType{of.dtype});
  return tangent;
}

Tensor zero_of(dt_tensor* t) {
  if (dt::api().bits(t) & DT_BIT_WRAPPED) return dt::number(0);
  const dt_tensor_info info = Tensor::borrow(t).info();
  return zeros(shape_of(info));
}

Tensor added(const Tensor& a, const Tensor& b) { return a ? b ? add_op(a, b) : a : b; }

// Outputs of one call, released with it.
class Outs {
 public:
  Outs(const Entry& entry, int n) : list_(entry.returns_list), values_(n) {}
  ~Outs() {
    for (dt_value& v : values_) dt::api().release_value(&v);
  }
  Outs(const Outs&) = delete;
  dt_value* data() { return values_.data(); }
  int count() const { return static_cast<int>(values_.size()); }
  std::vector<Tensor> tensors() const {
    std::vector<Tensor> all;
    if (list_) {
      for (int i = 0; i < values_[0].count; ++i) all.push_back(Tensor::borrow(values_[0].as.tensors[i]));
    } else {
      for (const dt_value& v : values_) all.push_back(Tensor::borrow(v.as.tensor));
    }
    return all;
  }
  // Hand the values over.
  void move_to(dt_value* outs) {
    std::copy(values_.begin(), values_.end(), outs);
    std::fill(values_.begin(), values_.end(), dt_value{});
  }

 private:
  bool list_;
  std::vector<dt_value> values_;
};

// A call's arguments in which tensors can be replaced.
class Args {
 public:
  Args(const dt_value* args, int n) : values_(args, args + n) {}
  const dt_value* data() const { return values_.data(); }
  void set(int arg, int k, const Tensor& t) {
    kept_.push_back(t);
    dt_value& v = values_[arg];
    if (v.tag != DT_TENSORS) {
      v = dt::box(t);
      return;
    }
    if (lists_.size() <= static_cast<size_t>(arg)) lists_.resize(arg + 1);
    auto& list = lists_[arg];
    if (list.empty()) list.assign(v.as.tensors, v.as.tensors + v.count);
    list[k] = t.get();
    v = dt::box_list(list.data(), static_cast<int32_t>(list.size()));
  }

 private:
  std::vector<dt_value> values_;
  std::vector<std::vector<dt_tensor*>> lists_;
  std::vector<Tensor> kept_;
};

class ForwardCall {
 public:
  ForwardCall(const Entry& entry, const dt_value* args, int n_args, dt_value* outs, int n_outs, const Level& level)
      : entry_(entry), args_(args), n_args_(n_args), outs_(outs), n_outs_(n_outs), level_(level) {
    for (int i = 0; i < n_args; ++i) {
      if (args[i].tag == DT_TENSORS) {
        for (int k = 0; k < args[i].count; ++k) add(args[i].as.tensors[k], i, k);
      } else if (args[i].tag == DT_TENSOR || (args[i].tag == DT_NONE && entry.kinds[i] == ArgKind::tensor)) {
        add(args[i].tag == DT_TENSOR ? args[i].as.tensor : nullptr, i, 0);
      }
    }
    const bool writes = n_outs > 0 && outs[0].tag == DT_TENSOR && n_args > 0 && args[0].tag == DT_TENSOR;
    if (writes && args[0].as.tensor == outs[0].as.tensor) self_ = outs[0].as.tensor;
  }

  void run() {
    refuse_destinations();
    if (!any_) return pass_on();
    if (!entry_.differentiable) return run_constant();
    const Rule* rule = entry_.rule.load(std::memory_order_acquire);
    const ForwardBy by = forward_by(entry_, rule);
    if (by == ForwardBy::refused) no_derivative(entry_);
    if (by == ForwardBy::none)
      dt::fail(DT_ERR_NOT_IMPLEMENTED, entry_.name, ": no forward derivative for ", entry_.name,
               "; call it on detach()ed tensors, or add one with dovetail.autograd.register_jvp");
    Outs fresh(entry_, n_outs_);
    std::vector<Tensor> found;
    if (by == ForwardBy::decomposition) {
      dt::check(dt::api().decompose(entry_.op, args_, n_args_, fresh.data(), n_outs_));
      for (const Tensor& t : fresh.tensors()) found.push_back(tangent_of(t.get(), level_.id()));
    } else if (by == ForwardBy::double_vjp) {
      found = by_double_vjp(fresh);
    } else {
      dt::check(dt::api().call(entry_.op, args_, n_args_, fresh.data(), n_outs_));
      found = derivative(by, *rule, fresh.tensors());
    }
    finish(fresh, found);
  }

 private:
  void add(dt_tensor* t, int arg, int k) {
    Tensor tangent = t ? tangent_of(t, level_.id()) : Tensor();
    any_ |= static_cast<bool>(tangent);
    inputs_.push_back({t, arg, false});
    places_.push_back(k);
    tangents_.push_back(std::move(tangent));
  }

  void pass_on() { dt::check(dt::api().call(entry_.op, args_, n_args_, outs_, n_outs_)); }

  // out= takes no part in derivatives.
  void refuse_destinations() const {
    for (int i = 0; i < n_outs_; ++i) {
      if (outs_[i].tag != DT_TENSOR || (i == 0 && self_)) continue;
      if ((any_ && entry_.differentiable) || tangent_of(outs_[i].as.tensor, level_.id()))
        dt::runtime_error(entry_.name,
                          "(): functions with out=... arguments don't support automatic differentiation, but "
                          "one of the arguments has a tangent.");
    }
  }

  void run_constant() {
    pass_on();
    if (self_ && tangent_of(self_, level_.id())) write_tangent(zero_of(self_));
  }

  std::vector<Tensor> derivative(ForwardBy by, const Rule& rule, const std::vector<Tensor>& results) {
    if (by == ForwardBy::linear) return rule.linear == Rule::Linear::jointly ? jointly(rule) : in_each(rule);
    std::vector<dt_tensor_info> infos;
    for (const Tensor& t : results) infos.push_back(t.info());
    const Saves everything{~uint64_t{0}};
    const NodePtr owner =
        OpNode::record({entry_, rule, everything, args_, n_args_, inputs_.data(), static_cast<int>(inputs_.size()),
                        reinterpret_cast<dt_tensor* const*>(results.data()), infos.data(),
                        static_cast<int>(results.size()), nullptr, level_.id(), true});
    auto& node = static_cast<OpNode&>(*owner);
    if (by == ForwardBy::diagonal) return {diagonal(rule, node, infos[0])};
    Ctx c(node, tangents_.data(), nullptr);
    return rule.forward ? rule.forward(c) : rule.foreign_forward->apply(c);
  }

  // The Jacobian by each argument is diagonal, and so its own transpose: the vjp line serves.
  Tensor diagonal(const Rule& rule, OpNode& node, const dt_tensor_info& info) {
    Tensor sum;
    for (size_t i = 0; i < inputs_.size(); ++i) {
      if (!tangents_[i]) continue;
      const size_t arg = inputs_[i].arg;
      const PartFn fn = rule.part(static_cast<int>(arg)).fn;
      if (!fn) no_derivative(entry_, static_cast<int>(arg));
      Tensor tangent = fitting(tangents_[i], info);
      Ctx c(node, tangents_.data(), &tangent);
      sum = added(sum, fn(c));
    }
    return sum;
  }

  std::vector<Tensor> call(const Args& args) const {
    Outs outs(entry_, n_outs_);
    dt::check(dt::api().call(entry_.op, args.data(), n_args_, outs.data(), n_outs_));
    return outs.tensors();
  }

  std::vector<Tensor> jointly(const Rule& rule) const {
    Args args(args_, n_args_);
    for (size_t i = 0; i < inputs_.size(); ++i) {
      if (!inputs_[i].tensor || !rule.linear_in.has(inputs_[i].arg)) continue;
      args.set(inputs_[i].arg, places_[i], tangents_[i] ? tangents_[i] : zero_of(inputs_[i].tensor));
    }
    return call(args);
  }

  std::vector<Tensor> in_each(const Rule& rule) const {
    std::vector<Tensor> sums;
    for (size_t i = 0; i < inputs_.size(); ++i) {
      if (!tangents_[i] || !rule.linear_in.has(inputs_[i].arg)) continue;
      Args args(args_, n_args_);
      args.set(inputs_[i].arg, places_[i], tangents_[i]);
      const std::vector<Tensor> part = call(args);
      sums.resize(part.size());
      for (size_t k = 0; k < part.size(); ++k) sums[k] = added(sums[k], part[k]);
    }
    return sums;
  }

  // A vjp is linear in its gradients; its own vjp with respect to them is the product wanted.
  std::vector<Tensor> by_double_vjp(Outs& fresh) const {
    Level inner(LevelKind::grad), outer(LevelKind::grad);
    Args args(args_, n_args_);
    std::vector<Edge> inputs, roots, starts, ends;
    std::vector<Tensor> directions;
    {
      const LevelScope scope(inner);
      const dt::GradMode recording(true);
      for (size_t i = 0; i < inputs_.size(); ++i) {
        if (!tangents_[i]) continue;
        const Tensor input = tracked(inputs_[i].tensor, inner);
        inputs.push_back(gradient_edge(input.get(), inner.id()));
        directions.push_back(tangents_[i]);
        args.set(inputs_[i].arg, places_[i], input);
      }
      dt::check(dt::api().call(entry_.op, args.data(), n_args_, fresh.data(), n_outs_));
    }
    const std::vector<Tensor> results = fresh.tensors();
    std::vector<int> recorded;
    BackwardOptions options;
    options.keep_graph = options.create_graph = true;
    options.accumulate = false;
    std::vector<Tensor> gradients;
    {
      const LevelScope scope(outer);
      const dt::GradMode recording(true);
      std::vector<Tensor> weights;
      for (size_t k = 0; k < results.size(); ++k) {
        Edge edge = gradient_edge(results[k].get(), inner.id());
        drop_entry(results[k].get(), inner.id());
        if (!edge) continue;
        weights.push_back(tracked(zeros(edge.node->output(edge.nr)).get(), outer));
        starts.push_back(gradient_edge(weights.back().get(), outer.id()));
        roots.push_back(std::move(edge));
        recorded.push_back(static_cast<int>(k));
      }
      gradients = run_backward(roots, std::move(weights), options, inputs);
    }
    std::vector<Tensor> given;
    for (size_t i = 0; i < gradients.size(); ++i) {
      Edge end = gradients[i] ? gradient_edge(gradients[i].get(), outer.id()) : Edge();
      if (!end) continue;
      given.push_back(directions[i]);
      ends.push_back(std::move(end));
    }
    std::vector<Tensor> found(results.size());
    if (ends.empty()) return found;
    options.keep_graph = false;
    options.create_graph = dt::api().grad_mode();
    const std::vector<Tensor> products = run_backward(ends, std::move(given), options, starts);
    for (size_t i = 0; i < recorded.size(); ++i) found[recorded[i]] = products[i];
    return found;
  }

  // ---- results ----

  void finish(Outs& fresh, const std::vector<Tensor>& found) {
    const std::vector<Tensor> results = fresh.tensors();
    if (self_) return write(results[0], found.empty() ? Tensor() : found[0]);
    for (size_t k = 0; k < results.size() && k < found.size(); ++k) {
      const dt_tensor_info info = results[k].info();
      if (!found[k] || !takes_tangent(info.dtype) || is_argument(results[k].get())) continue;
      set_tangent(results[k].get(), fitting(found[k], info), level_.id());
    }
    fresh.move_to(outs_);
  }

  // An op may return an argument as it is.
  bool is_argument(const dt_tensor* t) const {
    return std::any_of(inputs_.begin(), inputs_.end(), [&](const Input& input) { return input.tensor == t; });
  }

  void write(const Tensor& result, Tensor tangent) {
    const dt_tensor_info info = Tensor::borrow(self_).info();
    if (result.sizes() != Ints(info.sizes, info.ndim))
      dt::runtime_error(entry_.name, "_: the result has shape ", dt::text(result.sizes()),
                        ", and the tensor to be written in place has shape ", dt::text({info.sizes, info.ndim}));
    const dt_value args[] = {dt::box(self_), dt::box(result)};
    dt_value out = dt::box(self_);
    dt::check(dt::api().call(copy_op.handle(), args, 2, &out, 1));
    if (takes_tangent(info.dtype)) write_tangent(tangent ? fitting(tangent, info) : zero_of(self_));
    outs_[0] = out;
  }

  void write_tangent(const Tensor& tangent) {
    const LevelId id = level_.id();
    if (dt_tensor* base = dt::api().base(self_)) {
      const Geometry whole = Geometry::of(base), part = Geometry::of(self_);
      const Tensor before = tangent_of(base, id);
      Memory memory(before ? before : zero_of(base), whole, part);
      memory.write(part, tangent, false);
      set_tangent(base, memory.read(whole), id);
      level_entry(base, id).history.rewritten = true;
    }
    set_tangent(self_, tangent, id);
    level_entry(self_, id).history.rewritten = true;
  }

  const Entry& entry_;
  const dt_value* args_;
  int n_args_;
  dt_value* outs_;
  int n_outs_;
  const Level& level_;
  std::vector<Input> inputs_;
  std::vector<int> places_;  // in their lists
  std::vector<Tensor> tangents_;
  dt_tensor* self_ = nullptr;  // written in place
  bool any_ = false;
};

}  // namespace

dt_status jvp_layer(void* self, const dt_op* op, const dt_value* args, int32_t n_args, dt_value* outs, int32_t n_outs) {
  const Level& level = *static_cast<Level*>(self);
  return dt::guarded([&] { ForwardCall(entry_of(op), args, n_args, outs, n_outs, level).run(); });
}

}  // namespace dovetail::autograd
