#include "autograd/levels.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "autograd/rule.h"
#include "autograd/strided.h"

namespace dovetail::autograd {

namespace {

std::atomic<LevelId> last_id{kAutograd};

thread_local std::vector<Level*> stack __attribute__((tls_model("initial-exec")));  // spares a call at each use

dt_layer_fn layer_of(LevelKind kind) {
  switch (kind) {
    case LevelKind::grad:
      return grad_layer;
    case LevelKind::jvp:
      return jvp_layer;
    default:
      return vmap_layer;
  }
}

// Stands for a tensor that a level differentiates by.
class LevelInput final : public Node {
 public:
  explicit LevelInput(char* sizes) : sizes_(reinterpret_cast<int64_t*>(sizes)) {}
  std::string name() const override { return "TransformInput"; }
  void apply(Task&, Tensor*, Tensor*) override {}
  void describe(const dt_tensor_info& info) {
    set_output(0, info, sizes_);
    number();
  }

 private:
  int64_t* sizes_;
};

}  // namespace

// ---- the stack ------------------------------------------------------------------------------------------

Level::Level(LevelKind kind) : id_(last_id.fetch_add(1) + 1), kind_(kind) {}

void Level::push() {
  outer_grad_mode_ = dt::api().grad_mode();
  stack.reserve(stack.size() + 1);
  dt::check(dt::api().push_layer(DT_LAYER_TRANSFORM, layer_of(kind_), this));
  // Inside a layer's function a new level is below those that are entered; where it is in this list matters to no one.
  stack.push_back(this);
}

void Level::pop() {
  const auto at = std::find(stack.rbegin(), stack.rend(), this);
  if (at == stack.rend()) return;
  stack.erase(std::next(at).base());
  dt::api().pop_layer(DT_LAYER_TRANSFORM);
}

const std::vector<Level*>& levels() { return stack; }

Below::Below(const Level& level) {
  while (!stack.empty()) {
    Level* top = stack.back();
    taken_.push_back(top);
    stack.pop_back();
    dt::api().pop_layer(DT_LAYER_TRANSFORM);
    if (top == &level) break;
  }
}

Below::~Below() {
  for (; !taken_.empty(); taken_.pop_back()) {
    Level* level = taken_.back();
    dt::api().push_layer(DT_LAYER_TRANSFORM, layer_of(level->kind()), level);
    stack.push_back(level);
  }
}

// ---- entries --------------------------------------------------------------------------------------------

Tensor handle_of(dt_tensor* t, LevelId except) {
  dt_tensor* detached = nullptr;
  dt::check(dt::api().detach(t, &detached));
  const Tensor handle = Tensor::steal(detached);
  if (Edge edge = gradient_edge(t)) set_history(detached, edge.node, edge.nr);
  for (const Level* level : stack) {
    const LevelId id = level->id();
    if (id == except) continue;
    const LevelEntry* entry = entry_if_any(t, id);
    if (level->kind() == LevelKind::grad) {
      const bool leaf = entry && entry->leaf;
      if (Edge edge = gradient_edge(t, id)) {
        set_history(detached, edge.node, edge.nr, true, id);
        level_entry(detached, id).leaf = leaf;
      }
    } else if (level->kind() == LevelKind::jvp) {
      if (const Tensor tangent = tangent_of(t, id)) level_entry(detached, id).value = tangent;
    } else if (entry) {
      LevelEntry& copy = level_entry(detached, id);
      copy.value = entry->value;
      copy.dim = entry->dim;
    }
  }
  return handle;
}

Tensor tracked(dt_tensor* t, const Level& level) {
  Tensor handle = handle_of(t);
  const dt_tensor_info info = handle.info();
  auto* node = make_node<LevelInput>(0, 1, sizeof(int64_t) * info.ndim);
  NodePtr owner = NodePtr::steal(node);
  node->describe(info);
  set_history(handle.get(), std::move(owner), 0, true, level.id());
  level_entry(handle.get(), level.id()).leaf = true;
  return handle;
}

Tensor dual(dt_tensor* t, const Tensor& tangent, const Level& level) {
  Tensor handle = handle_of(t);
  level_entry(handle.get(), level.id()).value = tangent;
  return handle;
}

// Tangents are never written in place: a write makes a new one, and views of the tensor take theirs from it.
Tensor tangent_of(dt_tensor* t, LevelId level) {
  LevelEntry* entry = entry_if_any(t, level);
  dt_tensor* base = dt::api().base(t);
  const LevelEntry* of_base = base ? entry_if_any(base, level) : nullptr;
  if (!of_base || !of_base->history.rewritten || (entry && entry->history.version == dt::api().version(t)))
    return entry ? entry->value : Tensor();
  const Geometry whole = Geometry::of(base), part = Geometry::of(t);
  LevelEntry& fresh = level_entry(t, level);
  fresh.value = Memory(of_base->value, whole, part).read(part);
  fresh.history.version = dt::api().version(t);
  return fresh.value;
}

void set_tangent(dt_tensor* t, Tensor tangent, LevelId level) {
  LevelEntry& entry = level_entry(t, level);
  entry.value = std::move(tangent);
  entry.history.version = dt::api().version(t);
}

Tensor batched(const Tensor& inner, int32_t dim, const Level& level) {
  const dt_tensor_info info = inner.info();
  std::vector<int64_t> sizes, strides;
  for (int i = 0; i < info.ndim; ++i) {
    if (i == dim) continue;
    sizes.push_back(info.sizes[i]);
    strides.push_back(info.strides[i]);
  }
  dt_tensor* shell = nullptr;
  dt::check(dt::api().shell(info.ndim - 1, sizes.data(), strides.data(), info.offset, info.dtype, info.device, &shell));
  Tensor result = Tensor::steal(shell);
  set_inner(shell, inner, dim, level);
  return result;
}

void set_inner(dt_tensor* t, Tensor inner, int32_t dim, const Level& level) {
  LevelEntry& entry = level_entry(t, level.id());
  entry.value = std::move(inner);
  entry.dim = dim;
}

const LevelEntry* batch_of(const dt_tensor* t, LevelId level) { return entry_if_any(t, level); }

// ---- vmap -----------------------------------------------------------------------------------------------

namespace {

bool maps(const dt_value& v, LevelId level) {
  if (v.tag == DT_TENSOR) return batch_of(v.as.tensor, level);
  if (v.tag != DT_TENSORS) return false;
  for (int i = 0; i < v.count; ++i)
    if (v.as.tensors[i] && batch_of(v.as.tensors[i], level)) return true;
  return false;
}

const dt::Op reshape{"reshape"};

// The values of a mapped tensor, mapped in front and with `rank` dims behind that, so that they broadcast as they are.
Tensor with_rank(const LevelEntry& mapped, int rank) {
  const dt_tensor_info info = mapped.value.info();
  if (info.ndim == rank + 1) return mapped.value;
  std::vector<int64_t> sizes(rank + 1, 1);
  sizes[0] = info.sizes[0];
  std::copy(info.sizes + 1, info.sizes + info.ndim, sizes.end() - (info.ndim - 1));
  return reshape(mapped.value, sizes);
}

// The usual call of an elementwise op, without Python: what is mapped is mapped in front, and all have one dtype (truth
// values beside another decide nothing). False: leave it to the rules.
bool try_elementwise(const Level& level, const dt_op* op, const dt_value* args, int n_args, dt_value* outs,
                     int n_outs) {
  constexpr int kMost = 8;
  const Entry& entry = entry_of(op);
  if (!entry.elementwise || entry.has_lists) return false;
  if (n_args > kMost || n_outs != 1 || outs[0].tag != DT_NONE) return false;
  int rank = 0, dtype = -1;
  for (int i = 0; i < n_args; ++i) {
    if (args[i].tag != DT_TENSOR) continue;
    dt_tensor_info info;
    info.struct_size = sizeof info;
    dt::api().tensor_info(args[i].as.tensor, &info);
    rank = std::max(rank, info.ndim);
    if (info.bits & DT_BIT_WRAPPED || info.dtype == DT_BOOL) continue;
    if (dtype >= 0 && dtype != info.dtype) return false;
    dtype = info.dtype;
  }
  const LevelEntry* mapped[kMost];
  for (int i = 0; i < n_args; ++i) {
    mapped[i] = args[i].tag == DT_TENSOR ? batch_of(args[i].as.tensor, level.id()) : nullptr;
    if (mapped[i] && mapped[i]->dim != 0) return false;
  }
  dt_value given[kMost];
  Tensor held[kMost];
  for (int i = 0; i < n_args; ++i) {
    given[i] = args[i];
    if (!mapped[i]) continue;
    held[i] = with_rank(*mapped[i], rank);
    given[i] = dt::box(held[i]);
  }
  dt::check(dt::api().call(op, given, n_args, outs, 1));
  const Tensor result = Tensor::steal(outs[0].as.tensor);
  outs[0] = dt_value{};
  outs[0] = dt::box(batched(result, 0, level).release());
  return true;
}

// An op that has nothing but its decomposition, without Python. False: that wants a value, so leave it to the rules.
bool try_decomposed(const dt_op* op, const dt_value* args, int n_args, dt_value* outs, int n_outs) {
  const Entry& entry = entry_of(op);
  if (!entry.decomposes || entry.elementwise || (n_outs > 0 && outs[0].tag != DT_NONE)) return false;
  const dt_status status = dt::api().decompose(op, args, n_args, outs, n_outs);
  if (status != DT_OK && std::strstr(dt::api().error_message(), "a tensor of vmap has no value")) {
    dt::api().clear_error();
    return false;
  }
  dt::check(status);
  return true;
}

bool runs_natively(const Level& level, const dt_op* op, const dt_value* args, int n_args, dt_value* outs, int n_outs) {
  const Entry& entry = entry_of(op);
  if (entry.random || entry.own_batching.load(std::memory_order_relaxed)) return false;
  return try_elementwise(level, op, args, n_args, outs, n_outs) || try_decomposed(op, args, n_args, outs, n_outs);
}

}  // namespace

dt_status vmap_layer(void* self, const dt_op* op, const dt_value* args, int32_t n_args, dt_value* outs,
                     int32_t n_outs) {
  auto& level = *static_cast<VmapLevel*>(static_cast<Level*>(self));
  bool mapped = false;
  for (int i = 0; i < n_args && !mapped; ++i) mapped = maps(args[i], level.id());
  for (int i = 0; i < n_outs && !mapped; ++i) mapped = maps(outs[i], level.id());
  if (!mapped && !entry_of(op).random) return dt::api().call(op, args, n_args, outs, n_outs);
  return dt::guarded([&] {
    if (!mapped || !runs_natively(level, op, args, n_args, outs, n_outs)) level.call(op, args, n_args, outs, n_outs);
  });
}

}  // namespace dovetail::autograd
