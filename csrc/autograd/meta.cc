#include "autograd/meta.h"

#include "autograd/saved.h"
#include "autograd/views.h"

namespace dovetail::autograd {

namespace {

void forget_retained(Meta& m) {
  Extra* extra = m.retains_grad && m.history.grad_fn ? m.history.grad_fn->extra_if_any() : nullptr;
  if (!extra) return;
  auto& retained = extra->retained;
  for (size_t i = 0; i < retained.size(); ++i) {
    if (retained[i].tensor != m.tensor) continue;
    retained.erase(retained.begin() + static_cast<std::ptrdiff_t>(i));
    return;
  }
}

void remember_retained(Meta& m) { m.history.grad_fn->extra().retained.push_back({m.history.output_nr, m.tensor}); }

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
  // What a node owns is reachable through this tensor alone only while nobody else holds the node.
  const auto visit_node = [&](const NodePtr& node) {
    return node && node->sole_owner() ? node->traverse(visit, arg) : 0;
  };
  for (const LevelEntry* entry = m->levels.get(); entry; entry = entry->next.get())
    if (int result = visit_node(entry->history.grad_fn)) return result;
  return visit_node(m->history.grad_fn);
}

void clear(dt_slot* slot) {
  Meta* m = static_cast<Meta*>(slot);
  if (m->accumulate) m->accumulate->clear_python();
  for (LevelEntry* entry = m->levels.get(); entry; entry = entry->next.get())
    if (entry->history.grad_fn && entry->history.grad_fn->sole_owner()) entry->history.grad_fn->clear_python();
  if (m->history.grad_fn && m->history.grad_fn->sole_owner()) m->history.grad_fn->clear_python();
}

inline History* history_if_any(const dt_tensor* t, LevelId level) {
  if (__builtin_expect(level != kAutograd, 0)) {
    LevelEntry* entry = entry_if_any(t, level);
    return entry ? &entry->history : nullptr;
  }
  Meta* m = meta_if_any(t);
  return m ? &m->history : nullptr;
}

// A view made before its base's history was rewritten: its own history is out of date, or it has none at all.
inline bool is_stale_view(dt_tensor* t, const History* h, LevelId level) {
  dt_tensor* base = dt::api().base(t);
  if (!base) return false;
  const History* of_base = history_if_any(base, level);
  if (!of_base || !of_base->rewritten) return false;
  return !h || h->version != dt::api().version(t);
}

// The history of a tensor at a level, to be replaced.
__attribute__((always_inline)) inline History& assign(dt_tensor* t, NodePtr&& node, int32_t nr, LevelId level) {
  if (__builtin_expect(level != kAutograd, 0)) {
    LevelEntry& entry = level_entry(t, level);
    entry.leaf = false;
    entry.history.grad_fn = std::move(node);
    entry.history.output_nr = nr;
    return entry.history;
  }
  Meta& m = meta(t);
  if (m.retains_grad) forget_retained(m);
  m.history.grad_fn = std::move(node);
  m.history.output_nr = nr;
  if (m.retains_grad) remember_retained(m);
  dt::api().set_bits(t, DT_BIT_GRAD, 0);
  return m.history;
}

History* refreshed(dt_tensor* t, LevelId level) {
  History* h = history_if_any(t, level);
  if (__builtin_expect(!is_stale_view(t, h, level), 1)) return h;
  if (h && h->made_in_function)
    dt::runtime_error(
        "the tensor is a view made inside a custom Function, and its base was written in place since; "
        "clone() it in the Function");
  NodePtr node = view_of_base(dt::api().base(t), t, level);
  History& fresh = assign(t, std::move(node), 0, level);
  fresh.version = dt::api().version(t);
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

LevelEntry* entry_if_any(const dt_tensor* t, LevelId level) {
  Meta* m = meta_if_any(t);
  LevelEntry* entry = m ? m->levels.get() : nullptr;
  while (entry && entry->level != level) entry = entry->next.get();
  return entry;
}

LevelEntry& level_entry(dt_tensor* t, LevelId level) {
  if (LevelEntry* found = entry_if_any(t, level)) return *found;
  auto entry = std::make_unique<LevelEntry>();
  entry->level = level;
  Meta& m = meta(t);
  entry->next = std::move(m.levels);
  m.levels = std::move(entry);
  return *m.levels;
}

void drop_entry(dt_tensor* t, LevelId level) {
  Meta* m = meta_if_any(t);
  if (!m) return;
  for (std::unique_ptr<LevelEntry>* at = &m->levels; *at; at = &(*at)->next) {
    if ((*at)->level != level) continue;
    const std::unique_ptr<LevelEntry> dropped = std::exchange(*at, std::move((*at)->next));
    return;
  }
}

bool may_require_grad(dt_tensor* t, LevelId level) {
  const History* h = history_if_any(t, level);
  return (level != kAutograd && h && h->grad_fn) || is_stale_view(t, h, level);
}

Edge gradient_edge(dt_tensor* t, LevelId level) {
  History* h = refreshed(t, level);
  if (h && h->grad_fn) return {h->grad_fn, h->output_nr};
  if (level != kAutograd || !(dt::api().bits(t) & DT_BIT_GRAD)) return {};
  Meta& m = meta(t);
  if (!m.accumulate) m.accumulate = std::make_unique<Accumulate>(t);
  return {NodePtr(m.accumulate.get()), 0};
}

NodePtr grad_fn(dt_tensor* t, LevelId level) {
  History* h = refreshed(t, level);
  return h ? h->grad_fn : NodePtr();
}

bool is_leaf(dt_tensor* t, LevelId level) {
  if (level == kAutograd) return !grad_fn(t);
  const LevelEntry* entry = entry_if_any(t, level);
  return entry && entry->leaf;
}

void set_history(dt_tensor* t, NodePtr node, int32_t nr, bool may_view, LevelId level) {
  History& h = assign(t, std::move(node), nr, level);
  if (may_view) h.version = dt::api().version(t);
}

void rewrite_history(dt_tensor* t, NodePtr node, int32_t nr, LevelId level) {
  History& h = assign(t, std::move(node), nr, level);
  h.version = dt::api().version(t);
  h.rewritten = true;
}

void expire_view(dt_tensor* view, LevelId level) {
  if (level != kAutograd) {
    level_entry(view, level).history.version = -1;
    return;
  }
  meta(view).history.version = -1;
  dt::api().set_bits(view, DT_BIT_GRAD, 0);
}

void cut_history(dt_tensor* t) {
  dt::api().set_bits(t, 0, DT_BIT_GRAD);
  Meta* m = meta_if_any(t);
  if (!m) return;
  if (m->retains_grad) forget_retained(*m);
  m->retains_grad = m->history.rewritten = false;
  m->history.output_nr = 0;
  m->history.grad_fn = nullptr;
}

void retain_grad(dt_tensor* t) {
  if (!requires_grad(t)) {
    dt_tensor_info info;
    info.struct_size = sizeof info;
    dt::api().tensor_info(t, &info);
    dt::runtime_error("retain_grad: can't retain_grad on Tensor that has requires_grad=False, a ",
                      describe(shape_of(info)));
  }
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
