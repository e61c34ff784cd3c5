#include "autograd/autocast.h"

#include <atomic>
#include <map>
#include <mutex>
#include <unordered_map>

#include "autograd/levels.h"
#include "autograd/rule.h"

namespace dovetail::autograd {

namespace {

const dt::Op cast_op{"cast"};

// ---- the policies ---------------------------------------------------------------------------------------

struct Policies {
  std::mutex mutex;
  std::map<std::pair<std::string, std::string>, CastPolicy> by_name;  // by device type and op
  std::atomic<uint64_t> generation{1};                                // counts changes
};

Policies& policies() {
  static auto* table = new Policies;
  return *table;
}

// An op's policy as a thread remembers it.
struct Resolved {
  CastPolicy policy = CastPolicy::none;
  bool known = false;
  int8_t dtype_arg = -1;  // which argument says in what dtype to compute
};

// ---- the thread's state ---------------------------------------------------------------------------------

struct Region : AutocastRegion {
  std::vector<Resolved> resolved;  // by op id
  uint64_t generation = 0;
};

// A parameter's cast. It is right as long as the parameter is what it was.
struct CachedCast {
  Tensor source, cast;
  int64_t version = 0;
  void* data = nullptr;
  int32_t dtype = 0;
};

struct State {
  std::vector<Region> regions;  // by device kind
  bool on = false;              // some region is enabled
  int nesting = 0;
  int pushed = 0;  // how many entries of ours a call from here would meet
  bool pushed_by_setter = false;
  bool cache_enabled = true;
  std::unordered_map<dt_tensor*, CachedCast> cache;
  size_t sweep_at = 64;

  Region& region(int16_t kind) {
    if (kind >= static_cast<int>(regions.size())) {
      const size_t old = regions.size();
      regions.resize(kind + 1);
      for (size_t k = old; k < regions.size(); ++k) regions[k].dtype = k == 0 ? DT_BFLOAT16 : DT_FLOAT16;
    }
    return regions[kind];
  }
  void refresh() {
    on = false;
    for (const Region& each : regions) on |= each.enabled;
  }
};

State& state() {
  static thread_local State of_thread;
  return of_thread;
}

// ---- casting --------------------------------------------------------------------------------------------

dt_tensor_info info_of(const dt_tensor* t) {
  dt_tensor_info info;
  info.struct_size = sizeof info;
  dt::api().tensor_info(t, &info);
  return info;
}

Tensor cast_to(dt_tensor* t, int32_t dtype) {
  const dt_value args[] = {dt::box(t), dt::box(dt::DType{dtype})};
  dt_value out{};
  dt::check(dt::api().call(cast_op.handle(), args, 2, &out, 1));
  return Tensor::steal(out.as.tensor);
}

// Entries whose parameter nobody else holds go. (The graph of a recorded cast holds it once.)
void sweep(State& s) {
  if (s.cache.size() < s.sweep_at) return;
  for (auto at = s.cache.begin(); at != s.cache.end();) {
    const int64_t own = at->second.cast.requires_grad() ? 2 : 1;
    at = dt::api().use_count(at->first) <= own ? s.cache.erase(at) : std::next(at);
  }
  s.sweep_at = std::max<size_t>(64, 2 * s.cache.size());
}

// Parameters are cast once a region; everything else each time.
bool may_cache(const State& s, dt_tensor* t, const dt_tensor_info& info) {
  return s.cache_enabled && s.nesting > 0 && info.dtype == DT_FLOAT32 && info.bits & DT_BIT_GRAD &&
         !dt::api().base(t) && !any_level() && is_leaf(t);
}

Tensor cached_cast(State& s, dt_tensor* t, const dt_tensor_info& info, int32_t dtype) {
  if (!may_cache(s, t, info)) return cast_to(t, dtype);
  const int64_t version = dt::api().version(t);
  const auto found = s.cache.find(t);
  if (found != s.cache.end()) {
    const CachedCast& c = found->second;
    const bool same = c.version == version && c.data == info.data && c.dtype == dtype;
    // A cast that was not recorded is of no use where gradients are wanted.
    if (same && (c.cast.requires_grad() || !dt::api().grad_mode())) return c.cast;
  }
  Tensor cast = cast_to(t, dtype);
  sweep(s);
  s.cache[t] = {Tensor::borrow(t), cast, version, info.data, dtype};
  return cast;
}

// ---- a call ---------------------------------------------------------------------------------------------

// What is below the layer does not meet it.
class BelowLayer {
 public:
  explicit BelowLayer(State& s) : state_(s), pushed_(s.pushed) { s.pushed = 0; }
  ~BelowLayer() { state_.pushed = pushed_; }
  BelowLayer(const BelowLayer&) = delete;

 private:
  State& state_;
  int pushed_;
};

class CastCall {
 public:
  CastCall(State& s, const dt_op* op, const dt_value* args, int n_args, dt_value* outs, int n_outs)
      : state_(s), op_(op), args_(args), n_args_(n_args), outs_(outs), n_outs_(n_outs) {}

  void run() {
    // In place and with out= the caller has said in which dtype.
    if (!state_.on || n_outs_ == 0 || outs_[0].tag != DT_NONE) return pass_on(args_);
    kind_ = kind();
    if (kind_ < 0 || kind_ >= static_cast<int>(state_.regions.size())) return pass_on(args_);
    Region& region = state_.regions[kind_];
    if (!region.enabled) return pass_on(args_);
    const Resolved resolved = resolve(region);
    switch (resolved.policy) {
      case CastPolicy::none:
        return pass_on(args_);
      case CastPolicy::lower_precision:
        return call_in(region.dtype);
      case CastPolicy::float32:
        return resolved.dtype_arg >= 0 ? call_with_dtype(resolved.dtype_arg) : call_in(DT_FLOAT32);
      case CastPolicy::promote:
        return differ() ? call_in(widest_) : pass_on(args_);
      case CastPolicy::input_dtype:
        return differ() ? call_like_first() : pass_on(args_);
      case CastPolicy::decompose:
        return dt::check(dt::api().decompose(op_, args_, n_args_, outs_, n_outs_));
      case CastPolicy::banned:
        return refuse();
    }
  }

 private:
  // The device type that decides: that of the first tensor that is not on the CPU. -1: there is no tensor.
  int kind() const {
    int found = -1;
    for_tensors([&](dt_tensor* t) {
      if (found <= 0) found = info_of(t).device.kind;
    });
    return found;
  }

  template <class Body>
  void for_tensors(const Body& body) const {
    for (int i = 0; i < n_args_; ++i) {
      if (args_[i].tag == DT_TENSOR) body(args_[i].as.tensor);
      if (args_[i].tag != DT_TENSORS) continue;
      for (int k = 0; k < args_[i].count; ++k)
        if (args_[i].as.tensors[k]) body(args_[i].as.tensors[k]);
    }
  }

  Resolved resolve(Region& region) const {
    const uint64_t now = policies().generation.load(std::memory_order_acquire);
    if (region.generation != now) {
      region.resolved.clear();
      region.generation = now;
    }
    dt_op_info info;
    info.struct_size = sizeof info;
    dt::api().op_info(op_, &info);
    if (info.id >= static_cast<int32_t>(region.resolved.size())) region.resolved.resize(info.id + 64);
    Resolved& known = region.resolved[info.id];
    if (known.known) return known;
    known = {cast_policy(region.device_type, info.name), true, -1};
    for (int i = 0; i < info.n_args; ++i)
      if (std::string(dt::api().op_arg_name(op_, i)) == "dtype") known.dtype_arg = static_cast<int8_t>(i);
    return known;
  }

  bool eligible(const dt_tensor_info& info) const {
    return dt::is_floating(info.dtype) && info.dtype != DT_FLOAT64 && info.device.kind == kind_ &&
           !(info.bits & DT_BIT_WRAPPED);
  }

  // Whether the tensors that may be cast have several dtypes; notes the widest.
  bool differ() {
    bool first = true, several = false;
    for_tensors([&](dt_tensor* t) {
      const dt_tensor_info info = info_of(t);
      if (!eligible(info)) return;
      if (first) widest_ = info.dtype;
      if (info.dtype != widest_) {
        several = true;
        widest_ = DT_FLOAT32;  // also of float16 and bfloat16
      }
      first = false;
    });
    return several;
  }

  void pass_on(const dt_value* args) {
    const BelowLayer below(state_);
    dt::check(dt::api().call(op_, args, n_args_, outs_, n_outs_));
  }

  // The tensor as `dtype`; itself where it is not to be cast. What is made is kept until the call is over.
  dt_tensor* ready(dt_tensor* t, int32_t dtype) {
    const dt_tensor_info info = info_of(t);
    if (info.dtype == dtype || !eligible(info)) return t;
    made_.push_back(cached_cast(state_, t, info, dtype));
    return made_.back().get();
  }

  void call_in(int32_t dtype) {
    const BelowLayer below(state_);
    std::vector<dt_value> args(args_, args_ + n_args_);
    std::vector<std::vector<dt_tensor*>> lists;
    lists.reserve(n_args_);
    made_.reserve(4);
    for (dt_value& arg : args) {
      if (arg.tag == DT_TENSOR) arg.as.tensor = ready(arg.as.tensor, dtype);
      if (arg.tag != DT_TENSORS) continue;
      std::vector<dt_tensor*> list(arg.as.tensors, arg.as.tensors + arg.count);
      for (dt_tensor*& t : list)
        if (t) t = ready(t, dtype);
      lists.push_back(std::move(list));
      arg.as.tensors = lists.back().data();
    }
    dt::check(dt::api().call(op_, args.data(), n_args_, outs_, n_outs_));
  }

  // The op casts on its way, where it was not told to what.
  void call_with_dtype(int dtype_arg) {
    const bool cast =
        args_[dtype_arg].tag == DT_NONE && args_[0].tag == DT_TENSOR && eligible(info_of(args_[0].as.tensor));
    if (!cast) return pass_on(args_);
    std::vector<dt_value> args(args_, args_ + n_args_);
    args[dtype_arg] = dt::box(dt::DType{DT_FLOAT32});
    pass_on(args.data());
  }

  void call_like_first() {
    int32_t like = DT_FLOAT32;
    if (args_[0].tag == DT_TENSOR) {
      const dt_tensor_info info = info_of(args_[0].as.tensor);
      if (eligible(info)) like = info.dtype;
    }
    call_in(DT_FLOAT32);
    if (like == DT_FLOAT32) return;
    const BelowLayer below(state_);
    for (int i = 0; i < n_outs_; ++i) {
      if (outs_[i].tag != DT_TENSOR || info_of(outs_[i].as.tensor).dtype != DT_FLOAT32) continue;
      const Tensor wide = Tensor::steal(outs_[i].as.tensor);
      outs_[i] = dt_value{};
      try {
        outs_[i] = dt::box(cast_to(wide.get(), like).release());
      } catch (...) {
        for (int k = 0; k < n_outs_; ++k) dt::api().release_value(&outs_[k]);
        throw;
      }
    }
  }

  [[noreturn]] void refuse() const {
    const std::string name = entry_of(op_).name;
    if (name == "binary_cross_entropy")
      dt::runtime_error(name,
                        ": unsafe under autocast, as probabilities in 16 bits are 0 or 1 too soon; leave out the "
                        "sigmoid and call binary_cross_entropy_with_logits (BCEWithLogitsLoss), which is safe");
    dt::runtime_error(name, ": banned under autocast; call it inside autocast(..., enabled=False) on float32 tensors");
  }

  State& state_;
  const dt_op* op_;
  const dt_value* args_;
  int n_args_;
  dt_value* outs_;
  int n_outs_;
  int kind_ = -1;
  int32_t widest_ = DT_FLOAT32;
  std::vector<Tensor> made_;
};

dt_status autocast_layer(void*, const dt_op* op, const dt_value* args, int32_t n_args, dt_value* outs, int32_t n_outs) {
  return dt::guarded([&] { CastCall(state(), op, args, n_args, outs, n_outs).run(); });
}

// Put the layer on the stack where a call from here would not meet it.
bool push_if_absent(State& s) {
  if (s.pushed > 0) return false;
  dt::check(dt::api().push_layer(DT_LAYER_AUTOCAST, autocast_layer, nullptr));
  s.pushed = 1;
  return true;
}

void pop(State& s) {
  dt::check(dt::api().pop_layer(DT_LAYER_AUTOCAST));
  s.pushed = 0;
}

// A layer that no scope pushed goes when nothing is enabled any more.
void drop_setters_layer(State& s) {
  if (s.on || !s.pushed_by_setter || s.nesting > 0 || s.pushed == 0) return;
  pop(s);
  s.pushed_by_setter = false;
}

void change(State& s, int16_t kind, const AutocastRegion& to) {
  Region& region = s.region(kind);
  region.device_type = to.device_type;
  region.enabled = to.enabled;
  region.dtype = to.dtype;
  s.refresh();
}

}  // namespace

// ---- policies -------------------------------------------------------------------------------------------

void set_cast_policy(const std::string& device_type, const std::string& op, CastPolicy policy) {
  Policies& table = policies();
  const std::lock_guard lock(table.mutex);
  table.by_name[{device_type, op}] = policy;
  table.generation.fetch_add(1, std::memory_order_acq_rel);
}

CastPolicy cast_policy(const std::string& device_type, const std::string& op) {
  Policies& table = policies();
  const std::lock_guard lock(table.mutex);
  auto found = table.by_name.find({device_type, op});
  if (found == table.by_name.end() && device_type != "cpu") found = table.by_name.find({"", op});
  return found == table.by_name.end() ? CastPolicy::none : found->second;
}

// ---- regions --------------------------------------------------------------------------------------------

AutocastRegion autocast_region(int16_t kind) { return state().region(kind); }

// Outside of any scope the layer stays as long as something is enabled.
void set_autocast_region(int16_t kind, const AutocastRegion& region) {
  State& s = state();
  change(s, kind, region);
  if (region.enabled && push_if_absent(s)) s.pushed_by_setter = true;
  drop_setters_layer(s);
}

std::vector<int16_t> autocast_kinds() {
  std::vector<int16_t> kinds;
  const State& s = state();
  for (size_t kind = 0; kind < s.regions.size(); ++kind)
    if (s.regions[kind].enabled) kinds.push_back(static_cast<int16_t>(kind));
  return kinds;
}

AutocastScope enter_autocast(int16_t kind, const AutocastRegion& region, bool cache_enabled) {
  State& s = state();
  const bool pushed = region.enabled && push_if_absent(s);
  AutocastScope scope{kind, s.region(kind), s.cache_enabled, pushed};
  change(s, kind, region);
  s.cache_enabled = cache_enabled;
  ++s.nesting;
  return scope;
}

void leave_autocast(const AutocastScope& scope) {
  State& s = state();
  change(s, scope.kind, scope.before);
  s.cache_enabled = scope.cache_before;
  if (scope.pushed) pop(s);
  if (s.nesting > 0 && --s.nesting == 0) {
    clear_autocast_cache();
    drop_setters_layer(s);
  }
}

// ---- the cache ------------------------------------------------------------------------------------------

bool autocast_cache_enabled() { return state().cache_enabled; }
void set_autocast_cache_enabled(bool enabled) { state().cache_enabled = enabled; }
size_t autocast_cache_size() { return state().cache.size(); }

void clear_autocast_cache() {
  std::unordered_map<dt_tensor*, CachedCast> dropped;  // what dies with a tensor may call us
  dropped.swap(state().cache);
}

// ---- backward -------------------------------------------------------------------------------------------

AutocastOff::AutocastOff() {
  State& s = state();
  if (!s.on) return;
  kinds_ = autocast_kinds();
  for (Region& each : s.regions) each.enabled = false;
  s.on = false;
}

AutocastOff::~AutocastOff() {
  if (kinds_.empty()) return;
  State& s = state();
  for (const int16_t kind : kinds_) s.regions[kind].enabled = true;
  s.on = true;
}

}  // namespace dovetail::autograd
