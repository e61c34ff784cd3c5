// What autograd knows of a tensor. It hangs in the tensor's extension slot.
#pragma once

#include "autograd/interpreter.h"
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

// A level of the stack of transforms (levels.h), by its number. Ordinary autograd is the lowest.
using LevelId = uint64_t;
constexpr LevelId kAutograd = 0;

// How a tensor was made, as one level sees it.
struct History {
  NodePtr grad_fn;  // null for a leaf
  int32_t output_nr = 0;
  // The history was replaced by an in-place write, so that views of this tensor must look at it anew.
  bool rewritten = false;
  // A view made inside a Function: it can't be written in place.
  bool made_in_function = false;
  // For a view: the version of the storage for which this is right.
  int64_t version = 0;
};

// What a level above autograd knows of a tensor.
struct LevelEntry {
  LevelId level;
  History history;    // grad: how it was made. jvp: whether the tangent is that of now
  Tensor value;       // jvp: the tangent. vmap: the tensor that holds all values
  int32_t dim = 0;    // vmap: which dim of `value` is mapped
  bool leaf = false;  // grad: the level differentiates by this tensor
  std::unique_ptr<LevelEntry> next;
};

struct Meta : dt_slot {
  dt_tensor* tensor = nullptr;  // whose slot this is
  History history;
  bool retains_grad = false;
  std::atomic<Accumulate*> accumulate{nullptr};  // owned; several threads may be the first to need it
  std::unique_ptr<LevelEntry> levels;
  ~Meta() { delete accumulate.load(std::memory_order_relaxed); }
};

inline Meta* meta_if_any(const dt_tensor* t) { return static_cast<Meta*>(dt::api().slot(t)); }
Meta& meta(dt_tensor* t);  // made if there is none
LevelEntry* entry_if_any(const dt_tensor* t, LevelId level);
LevelEntry& level_entry(dt_tensor* t, LevelId level);  // made if there is none
void drop_entry(dt_tensor* t, LevelId level);

// Whether a gradient can flow to the tensor.
bool may_require_grad(dt_tensor* t, LevelId level);
inline bool requires_grad(dt_tensor* t, LevelId level = kAutograd) {
  if (__builtin_expect(level == kAutograd && dt::api().bits(t) & DT_BIT_GRAD, 1)) return true;
  return may_require_grad(t, level);
}
// Where the gradient of a tensor goes.
Edge gradient_edge(dt_tensor* t, LevelId level = kAutograd);
// The node that made a tensor; null for a leaf. Brings the history of a view up to date.
NodePtr grad_fn(dt_tensor* t, LevelId level = kAutograd);
bool is_leaf(dt_tensor* t, LevelId level = kAutograd);

// Say that output `nr` of `node` is this tensor, which may be a view.
void set_history(dt_tensor* t, NodePtr node, int32_t nr, bool may_view = true, LevelId level = kAutograd);
// The same for a tensor that was written in place.
void rewrite_history(dt_tensor* t, NodePtr node, int32_t nr, LevelId level = kAutograd);
// The same for the view through which a base was written: it looks at the base again when it is next asked.
void expire_view(dt_tensor* view, LevelId level = kAutograd);
// Make a tensor a leaf that requires no gradient.
void cut_history(dt_tensor* t);

void retain_grad(dt_tensor* t);

// A saved tensor as the node saw it, to compute with again: a handle of its own where `nr` >= 0, output nr of `node`.
Tensor with_history(const Tensor& t, Node* node, int32_t nr);

}  // namespace dovetail::autograd
