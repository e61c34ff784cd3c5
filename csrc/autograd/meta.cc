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
  const HistoryLock lock(shared_history());
  if (Accumulate* accumulate = m->accumulate.load(std::memory_order_acquire))
    if (int result = accumulate->traverse(visit, arg)) return result;
  // What a node owns is reachable through this tensor alone only while nobody else holds the node.
  const auto visit_node = [&](const NodePtr& node) {
    if (!node) return 0;
    const Extra* const extra = node->extra_if_any();
    if (extra && extra->keeper) return node->owners() == 2 ? visit(extra->keeper, arg) : 0;
    return node->sole_owner() ? node->traverse(visit, arg) : 0;
  };
  for (const LevelEntry* entry = m->levels.get(); entry; entry = entry->next.get())
    if (int result = visit_node(entry->history.grad_fn)) return result;
  return visit_node(m->history.grad_fn);
}

void clear(dt_slot* slot) {
  Meta* m = static_cast<Meta*>(slot);
  if (Accumulate* accumulate = m->accumulate.load(std::memory_order_acquire)) accumulate->clear_python();
  std::vector<NodePtr> owned;  // cleared when the lock is gone, as that runs Python
  {
    const HistoryLock lock(shared_history());
    const auto take = [&](const NodePtr& node) {
      if (node && node->sole_owner()) owned.push_back(node);
    };
    for (LevelEntry* entry = m->levels.get(); entry; entry = entry->next.get()) take(entry->history.grad_fn);
    take(m->history.grad_fn);
  }
  for (const NodePtr& node : owned) node->clear_python();
}

inline History* history_if_any(const dt_tensor* t, LevelId level) {
  if (__builtin_expect(level != kAutograd, 0)) {
    LevelEntry* entry = entry_if_any(t, level);
    return entry ? &entry->history : nullptr;
  }
  Meta* m = meta_if_any(t);
  return m ? &m->history : nullptr;
}

// A view whose base's history was rewritten: it looks at the base when it is asked, maybe on several threads at once.
inline bool follows_base(dt_tensor* t, LevelId level) {
  dt_tensor* base = dt::api().base(t);
  if (__builtin_expect(!base, 1)) return false;
  if (level == kAutograd) {  // a view made in no_grad is a constant; that of a tensor written since is refused
    const uint32_t bits = dt::api().bits(t);
    if (__builtin_expect(bits & dt::kViewWithoutGrad && !(bits & dt::kWrittenSince), 0)) return false;
  }
  const History* of_base = history_if_any(base, level);
  return of_base && of_base->rewritten;
}

// Its own history is out of date, or it has none at all.
bool is_stale(dt_tensor* t, const History* h) { return !h || h->version != dt::api().version(t); }

Meta& make_meta(dt_tensor* t) {
  Meta* m = new (pool_take(sizeof(Meta))) Meta;
  m->struct_size = sizeof(dt_slot);
  m->destroy = destroy;
  m->traverse = traverse;
  m->clear = clear;
  m->tensor = t;
  dt::api().set_slot(t, m);
  return *m;
}

// Give a tensor another history at a level: a fresh tensor, or one whose histories are locked. `node` is left with the
// one that it had.
__attribute__((always_inline)) inline History& assign(dt_tensor* t, NodePtr&& node, int32_t nr, LevelId level) {
  if (__builtin_expect(level != kAutograd, 0)) {
    LevelEntry& entry = level_entry(t, level);
    entry.leaf = false;
    std::swap(entry.history.grad_fn, node);
    entry.history.output_nr = nr;
    return entry.history;
  }
  Meta* const there = meta_if_any(t);
  Meta& m = there ? *there : make_meta(t);
  if (m.retains_grad) forget_retained(m);
  std::swap(m.history.grad_fn, node);
  m.history.output_nr = nr;
  if (m.retains_grad) remember_retained(m);
  // (Not where it is set: other threads may look at the bits of a view whose history is brought up to date.)
  if (!(dt::api().bits(t) & DT_BIT_GRAD)) dt::api().set_bits(t, DT_BIT_GRAD, 0);
  return m.history;
}

inline Edge edge_in(const History* h) { return h && h->grad_fn ? Edge{h->grad_fn, h->output_nr} : Edge(); }

Edge refreshed(dt_tensor* t, LevelId level) {
  NodePtr before;  // let go of when the lock is gone, as that may run Python
  const HistoryLock lock(shared_history());
  const History* h = history_if_any(t, level);
  if (!is_stale(t, h)) return edge_in(h);
  if (h && h->made_in_function)
    dt::runtime_error(
        "the tensor is a view made inside a custom Function, and its base was written in place since; "
        "clone() it in the Function");
  before = view_of_base(dt::api().base(t), t, level);
  History& fresh = assign(t, std::move(before), 0, level);
  fresh.version = dt::api().version(t);
  return edge_in(&fresh);
}

// How a tensor was made, brought up to date; none for a leaf.
inline Edge made_by(dt_tensor* t, LevelId level) {
  if (__builtin_expect(follows_base(t, level), 0)) return refreshed(t, level);
  return edge_in(history_if_any(t, level));
}

}  // namespace

Accumulate::Accumulate(dt_tensor* leaf) {
  leaf_ = leaf;
  n_outputs_ = 1;
  sequence_ = kLeafSequence;
}

Meta& meta(dt_tensor* t) {
  if (Meta* m = meta_if_any(t)) return *m;
  const HistoryLock lock(shared_history());
  Meta* m = meta_if_any(t);
  return m ? *m : make_meta(t);
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
  if (level != kAutograd && h && h->grad_fn) return true;
  if (!follows_base(t, level)) return false;
  const HistoryLock lock(shared_history());
  return is_stale(t, history_if_any(t, level));
}

Edge gradient_edge(dt_tensor* t, LevelId level) {
  if (Edge edge = made_by(t, level)) return edge;
  if (level != kAutograd || !(dt::api().bits(t) & DT_BIT_GRAD)) return {};
  Meta& m = meta(t);
  Accumulate* accumulate = m.accumulate.load(std::memory_order_acquire);
  if (__builtin_expect(!accumulate, 0)) {
    const HistoryLock lock(shared_history());
    accumulate = m.accumulate.load(std::memory_order_relaxed);
    if (!accumulate) m.accumulate.store(accumulate = new Accumulate(t), std::memory_order_release);
  }
  return {NodePtr(accumulate), 0};
}

NodePtr grad_fn(dt_tensor* t, LevelId level) { return made_by(t, level).node; }

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
  const HistoryLock lock(shared_history());  // gone before what `node` is left with
  History& h = assign(t, std::move(node), nr, level);
  h.version = dt::api().version(t);
  h.rewritten = true;
}

void expire_view(dt_tensor* view, LevelId level) {
  const HistoryLock lock(shared_history());
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
  NodePtr before;
  const HistoryLock lock(shared_history());
  if (m->retains_grad) forget_retained(*m);
  m->retains_grad = m->history.rewritten = false;
  m->history.output_nr = 0;
  std::swap(m->history.grad_fn, before);
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
