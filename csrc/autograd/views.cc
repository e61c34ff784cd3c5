#include "autograd/views.h"

#include "autograd/engine.h"
#include "autograd/op_node.h"
#include "autograd/strided.h"

namespace dovetail::autograd {

namespace {

const dt::Op as_strided{"as_strided"}, clone{"clone"};

// Passes the gradient of a base on to what the base was before the write, and to what was written.
class CopySlices final : public Node {
 public:
  CopySlices(char*, dt_tensor* base, dt_tensor* view, NodePtr write, int self)
      : base_(Geometry::of(base)), view_(Geometry::of(view)), write_(std::move(write)), self_(self) {
    write_->set_always_wanted(self);  // that edge is not followed from here; edge 0 stands for it
  }

  void connect(dt_tensor* base, LevelId level) {
    set_output(0, Tensor::borrow(base).info(), base_.sizes.data());
    edges_[0] = gradient_edge(base, level);
    for (int i = 0, k = 1; i < write_->n_edges(); ++i)
      if (i != self_) edges_[k++] = write_->edge(i);
    number();
  }

  std::string name() const override { return "CopySlices"; }

  void apply(Task& task, Tensor* grads, Tensor* results) override {
    if (!grads[0]) return;
    const bool overwrite = may_overwrite(grads[0]);
    Memory memory(grads[0], base_, view_);
    grads[0] = nullptr;
    Tensor slice = memory.read(view_);
    if (overwrite) slice = clone(slice);
    std::vector<Tensor> inner(write_->n_edges());
    write_->apply(task, &slice, inner.data());
    if (wanted(task, *this, 0)) {
      const Tensor before =
          inner[self_] ? fitted(std::move(inner[self_]), view_shape(), *this, 0) : zeros(view_shape());
      memory.write(view_, before, overwrite);
      results[0] = memory.read(base_);
    }
    for (int i = 0, k = 1; i < write_->n_edges(); ++i)
      if (i != self_) results[k++] = std::move(inner[i]);
  }

  void release_saved() override { write_->release_saved(); }
  int traverse(Visit visit, void* arg) const override {
    if (int result = Node::traverse(visit, arg)) return result;
    return write_->sole_owner() ? write_->traverse(visit, arg) : 0;
  }

 private:
  Shape view_shape() const {
    return {outputs_[0].dtype, outputs_[0].device, static_cast<int32_t>(view_.sizes.size()), view_.sizes.data()};
  }

  Geometry base_, view_;
  NodePtr write_;
  int self_;
};

constexpr const char* kAmbiguous =
    ". Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving "
    "both "
    "the view and the inplace either both inside the no_grad block (if you don't want the inplace to be tracked) or "
    "both outside (if you want the inplace to be tracked).";

}  // namespace

NodePtr view_of_base(dt_tensor* base, dt_tensor* view, LevelId level) {
  if (level == kAutograd && dt::api().bits(view) & dt::kViewWithoutGrad)
    dt::runtime_error(
        "grad_fn: A view was created in no_grad mode and its base or another view of its base has been modified "
        "inplace with grad mode enabled",
        kAmbiguous);
  if (Tensor::borrow(view).dtype() != Tensor::borrow(base).dtype())
    dt::runtime_error(
        "grad_fn: the complex tensor, of which this is a real view, or the other way round, was written "
        "in place after the view was taken; take the view again");
  const Geometry geometry = Geometry::of(view);
  const dt_value args[] = {dt::box(base), dt::box(geometry.sizes), dt::box(geometry.strides), dt::box(geometry.offset)};
  const Entry& entry = entry_of(as_strided.handle());
  const Input input{base, 0, true};
  const dt_tensor_info info = Tensor::borrow(view).info();
  return OpNode::record({entry, *entry.rule.load(), {}, args, 4, &input, 1, &view, &info, 1, nullptr, level});
}

void forget_hidden_base(dt_tensor* const* results, int count) {
  constexpr uint32_t kNoView = uint32_t{1} << 28;  // core/api.cc says what it is
  const dt_api& api = dt::api();
  dt_tensor* base = count ? api.base(results[0]) : nullptr;
  if (!base) return;
  for (int i = 1; i < count; ++i)
    if (api.base(results[i]) != base) return;
  if (api.use_count(base) != count) return;
  for (int i = 0; i < count; ++i) api.set_bits(results[i], kNoView, 0);
}

void rewrite_base(dt_tensor* base, dt_tensor* view, NodePtr write, int self, LevelId level) {
  const int n_edges = write->n_edges();
  auto* node = make_node<CopySlices>(n_edges, 1, 0, base, view, std::move(write), self);
  NodePtr owner = NodePtr::steal(node);
  node->connect(base, level);
  rewrite_history(base, std::move(owner), 0, level);
  expire_view(view, level);
}

void check_inplace(const std::string& who, dt_tensor* t, LevelId level) {
  const bool has_grad = requires_grad(t, level);
  dt_tensor* base = dt::api().base(t);
  if (base && (has_grad || requires_grad(base, level)) && Tensor::borrow(t).dtype() != Tensor::borrow(base).dtype())
    dt::runtime_error(who,
                      ": a real view of a complex tensor, or the other way round, can't be written in place while "
                      "gradients are recorded; write to the tensor itself");
  if (base) {
    Meta* m = meta_if_any(t);
    if (m && m->history.made_in_function)
      dt::runtime_error(who,
                        ": the output of a custom Function that returns a view is being modified inplace. This is "
                        "forbidden; clone() the output of the Function first.");
    const bool base_has_grad = level == kAutograd ? dt::api().bits(base) & DT_BIT_GRAD : requires_grad(base, level);
    if ((base_has_grad && !has_grad) || (level == kAutograd && dt::api().bits(t) & dt::kViewWithoutGrad))
      dt::runtime_error(
          who, ": A view was created in no_grad mode and is being modified inplace with grad mode enabled", kAmbiguous);
    if (base_has_grad && is_leaf(base, level))
      dt::runtime_error(who, ": a view of a leaf Variable that requires grad is being used in an in-place operation.");
  }
  if (has_grad && is_leaf(t, level))
    dt::runtime_error(who, ": a leaf Variable that requires grad is being used in an in-place operation.");
}

}  // namespace dovetail::autograd
