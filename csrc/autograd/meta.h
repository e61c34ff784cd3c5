// What autograd knows of a tensor. It hangs in the tensor's extension slot.
#pragma once

#include "autograd/node.h"

namespace dovetail::autograd {

// Stands for a leaf tensor in the graph: the gradient that reaches it goes into the tensor's .grad. It lives in the
// leaf's slot, and who owns it owns the leaf, so that neither a cycle nor a dangling pointer can arise.
class Accumulate final : public Node {
 public:
  explicit Accumulate(dt_tensor* leaf);
  std::string name() const override { return "AccumulateGrad"; }
  void apply(Task& task, Tensor* grads, Tensor* results) override;
};

struct Meta : dt_slot {
  dt_tensor* tensor = nullptr;  // whose slot this is
  NodePtr grad_fn;              // null for a leaf
  int32_t output_nr = 0;
  bool retains_grad = false;
  // The history was replaced by an in-place write, so that views of this tensor must look at it anew.
  bool rewritten = false;
  // A view made inside a Function: it can't be written in place.
  bool made_in_function = false;
  // For a view: the version of the storage for which grad_fn is right.
  int64_t version = 0;
  std::unique_ptr<Accumulate> accumulate;
};

inline Meta* meta_if_any(const dt_tensor* t) { return static_cast<Meta*>(dt::api().slot(t)); }
Meta& meta(dt_tensor* t);  // made if there is none

// Whether a gradient can flow to the tensor. Brings the history of a view up to date.
bool requires_grad(dt_tensor* t);
// Where the gradient of a tensor goes.
Edge gradient_edge(dt_tensor* t);
// The node that made a tensor; null for a leaf. Brings the history of a view up to date.
NodePtr grad_fn(dt_tensor* t);
bool is_leaf(dt_tensor* t);

// Say that output `nr` of `node` is this tensor, which may be a view.
void set_history(dt_tensor* t, NodePtr node, int32_t nr, bool may_view = true);
// The same for a tensor that was written in place.
void rewrite_history(dt_tensor* t, NodePtr node, int32_t nr);
// Make a tensor a leaf that requires no gradient.
void cut_history(dt_tensor* t);

void retain_grad(dt_tensor* t);

// A saved tensor as the node saw it, to compute with again: a handle of its own where `nr` >= 0, output nr of `node`.
Tensor with_history(const Tensor& t, Node* node, int32_t nr);

}  // namespace dovetail::autograd
