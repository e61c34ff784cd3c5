#include "autograd/meta.h"

#include "autograd/views.h"

namespace dovetail::autograd {

namespace {

void forget_retained(Meta& m) {
  Extra* extra = m.retains_grad && m.grad_fn ? m.grad_fn->extra_if_any() : nullptr;
  if (!extra) return;
  auto& retained = extra->retained;
  for (size_t i = 0; i < retained.size(); ++i) {
    if (retained[i].tensor != m.tensor) continue;
    retained.erase(retained.begin() + static_cast<std::ptrdiff_t>(i));
    return;
  }
}

void remember_retained(Meta& m) { m.grad_fn->extra().retained.push_back({m.output_nr, m.tensor}); }

void destroy(dt_slot* slot) {
  Meta* m = static_cast<Meta*>(slot);
  forget_retained(*m);
  m->~Meta();
  pool_give(m, sizeof(Meta));
}

int traverse(dt_slot* slot, Visit visit, void* arg) {
  Meta* m = static_cast<Meta*>(slot);
  if (m->accumulate)
    if (int result = m->accumulate->traverse(visit, arg)) return result;
  // What the node owns is reachable through this tensor alone only while nobody else holds the node.
  if (m->grad_fn && m->grad_fn->sole_owner()) return m->grad_fn->traverse(visit, arg);
  return 0;
}

void clear(dt_slot* slot) {
  Meta* m = static_cast<Meta*>(slot);
  if (m->accumulate) m->accumulate->clear_python();
  if (m->grad_fn && m->grad_fn->sole_owner()) m->grad_fn->clear_python();
}

// A view made before its base's history was rewritten: its own history is out of date, or it has none at all.
bool is_stale_view(dt_tensor* t, Meta* m) {
  dt_tensor* base = dt::api().base(t);
  if (!base) return false;
  Meta* of_base = meta_if_any(base);
  if (!of_base || !of_base->rewritten) return false;
  return !m || m->version != dt::api().version(t);
}

void assign(Meta& m, NodePtr node, int32_t nr) {
  if (m.retains_grad) forget_retained(m);
  m.grad_fn = std::move(node);
  m.output_nr = nr;
  if (m.retains_grad) remember_retained(m);
}

Meta* refreshed(dt_tensor* t) {
  Meta* m = meta_if_any(t);
  if (__builtin_expect(!is_stale_view(t, m), 1)) return m;
  if (m && m->made_in_function)
    dt::runtime_error(
        "the tensor is a view made inside a custom Function, and its base was written in place since; "
        "clone() it in the Function");
  dt_tensor* base = dt::api().base(t);
  NodePtr node = view_of_base(base, t);
  Meta& fresh = meta(t);
  assign(fresh, std::move(node), 0);
  fresh.version = dt::api().version(t);
  dt::api().set_bits(t, DT_BIT_GRAD, 0);
  return &fresh;
}

}  // namespace

Accumulate::Accumulate(dt_tensor* leaf) {
  leaf_ = leaf;
  n_outputs_ = 1;
  sequence_ = kLeafSequence;
}

Meta& meta(dt_tensor* t) {
  if (Meta* m = meta_if_any(t)) return *m;
  Meta* m = new (pool_take(sizeof(Meta))) Meta();
  m->struct_size = sizeof(dt_slot);
  m->destroy = destroy;
  m->traverse = traverse;
  m->clear = clear;
  m->tensor = t;
  dt::api().set_slot(t, m);
  return *m;
}

bool requires_grad(dt_tensor* t) { return dt::api().bits(t) & DT_BIT_GRAD || is_stale_view(t, meta_if_any(t)); }

Edge gradient_edge(dt_tensor* t) {
  Meta* m = refreshed(t);
  if (m && m->grad_fn) return {m->grad_fn, m->output_nr};
  if (!(dt::api().bits(t) & DT_BIT_GRAD)) return {};
  if (!m) m = &meta(t);
  if (!m->accumulate) m->accumulate = std::make_unique<Accumulate>(t);
  return {NodePtr(m->accumulate.get()), 0};
}

NodePtr grad_fn(dt_tensor* t) {
  Meta* m = refreshed(t);
  return m ? m->grad_fn : NodePtr();
}

bool is_leaf(dt_tensor* t) { return !grad_fn(t); }

void set_history(dt_tensor* t, NodePtr node, int32_t nr, bool may_view) {
  Meta& m = meta(t);
  assign(m, std::move(node), nr);
  if (may_view) m.version = dt::api().version(t);
  dt::api().set_bits(t, DT_BIT_GRAD, 0);
}

void rewrite_history(dt_tensor* t, NodePtr node, int32_t nr) {
  set_history(t, std::move(node), nr);
  meta(t).rewritten = true;
}

void cut_history(dt_tensor* t) {
  dt::api().set_bits(t, 0, DT_BIT_GRAD);
  Meta* m = meta_if_any(t);
  if (!m) return;
  if (m->retains_grad) forget_retained(*m);
  m->retains_grad = m->rewritten = false;
  m->output_nr = 0;
  m->grad_fn = nullptr;
}

void retain_grad(dt_tensor* t) {
  if (!requires_grad(t)) dt::runtime_error("retain_grad: can't retain_grad on Tensor that has requires_grad=False");
  if (is_leaf(t)) return;  // its gradient is kept anyway
  Meta& m = meta(t);
  if (m.retains_grad) return;
  m.retains_grad = true;
  remember_retained(m);
}

Tensor with_history(const Tensor& t, Node* node, int32_t nr) {
  dt_tensor* handle = nullptr;
  dt::check(dt::api().detach(t.get(), &handle));
  Tensor result = Tensor::steal(handle);
  set_history(handle, NodePtr(node), nr);
  return result;
}

}  // namespace dovetail::autograd
