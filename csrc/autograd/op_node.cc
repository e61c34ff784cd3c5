#include "autograd/op_node.h"

#include <cstring>

#include "autograd/engine.h"
#include "autograd/levels.h"

namespace dovetail::autograd {

namespace {

// Hands out pieces of a node's tail; without memory it only measures.
class Tail {
 public:
  explicit Tail(char* memory) : memory_(memory) {}
  // `count` objects, null when measuring. The bytes are not initialised.
  template <class T>
  T* take(size_t count) {
    char* at = memory_ ? memory_ + used_ : nullptr;
    used_ += (sizeof(T) * count + 7) & ~size_t{7};
    return reinterpret_cast<T*>(at);
  }
  template <class T>
  const T* copy(const T* from, size_t count) {
    T* to = take<T>(count);
    if (to && count) std::memcpy(static_cast<void*>(to), from, sizeof(T) * count);
    return to;
  }
  size_t used() const { return used_; }

 private:
  char* memory_;
  size_t used_ = 0;
};

// An attribute with what it points to. Tensors leave only their tag and count: they are kept as saved tensors.
dt_value keep_value(Tail& tail, const dt_value& v) {
  dt_value kept = v;
  const size_t count = static_cast<size_t>(v.count);
  switch (v.tag) {
    case DT_TENSOR:
      kept.as.tensor = nullptr;
      break;
    case DT_TENSORS:
      kept.as.tensors = nullptr;
      break;
    case DT_GENERATOR:
      kept = dt_value{};
      break;
    case DT_INTS:
      kept.as.ints = tail.copy(v.as.ints, count);
      break;
    case DT_FLOATS:
      kept.as.floats = tail.copy(v.as.floats, count);
      break;
    case DT_SCALARS:
      kept.as.values = tail.copy(v.as.values, count);
      break;
    case DT_STRING:
      kept.as.string = tail.copy(v.as.string, std::strlen(v.as.string) + 1);
      break;
    default:
      break;
  }
  return kept;
}

bool keeps_args(const Entry& entry) { return entry.has_attributes || entry.has_lists; }

int count_saved(const Recording& call) {
  if (!call.saves.mask) return 0;
  int count = 0;
  for (int i = 0; i < call.n_inputs; ++i) count += call.inputs[i].tensor && call.saves.has(call.inputs[i].arg);
  for (int i = 0; i < call.n_results; ++i) count += call.saves.has(result_at(i));
  return count;
}

const Tensor* replacement(const Recording& call, int input) {
  if (!call.replaced) return nullptr;
  for (const Replaced& replaced : *call.replaced)
    if (replaced.input == input) return &replaced.copy;
  return nullptr;
}

}  // namespace

Saves needed_saves(const Rule& rule, const Input* inputs, int n_inputs) {
  if (rule.is_joint()) return rule.joint_saves;
  Saves saves;
  for (int i = 0; i < n_inputs; ++i)
    if (inputs[i].grad) saves.mask |= rule.part(inputs[i].arg).saves.mask;
  return saves;
}

// ---- recording ------------------------------------------------------------------------------------------

size_t OpNode::tail_bytes(const Recording& call, int n_saved) {
  Tail tail(nullptr);
  tail.take<SavedTensor>(n_saved);
  for (int i = 0; i < call.n_results; ++i) tail.take<int64_t>(call.infos[i].ndim);
  if (call.rule.keeps_geometry || call.transient) {
    tail.take<Geometry>(call.n_inputs);
    for (int i = 0; i < call.n_inputs; ++i)
      if (call.inputs[i].tensor) tail.take<int64_t>(2 * Tensor::borrow(call.inputs[i].tensor).ndim());
  }
  if (keeps_args(call.entry)) {
    tail.take<dt_value>(call.n_args);
    for (int i = 0; i < call.n_args; ++i) keep_value(tail, call.args[i]);
  }
  return tail.used();
}

OpNode::OpNode(char* tail, const Recording& call, int n_saved)
    : entry_(call.entry), rule_(call.rule), n_saved_(n_saved), saved_(reinterpret_cast<SavedTensor*>(tail)) {
  for (int i = 0; i < n_saved; ++i) new (&saved_[i]) SavedTensor();
}

OpNode::~OpNode() {
  for (int i = 0; i < n_saved_; ++i) saved_[i].~SavedTensor();
}

NodePtr OpNode::record(const Recording& call) {
  const int n_saved = count_saved(call);
  OpNode* node = make_node<OpNode>(call.n_inputs, call.n_results, tail_bytes(call, n_saved), call, n_saved);
  NodePtr owner = NodePtr::steal(node);
  node->fill(call);
  if (n_saved) {
    node->save(call);
    node->note_place();
  }
  for (int i = 0; i < call.n_inputs; ++i)
    if (call.inputs[i].grad) node->edges_[i] = gradient_edge(call.inputs[i].tensor, call.level);
  node->number();
  return owner;
}

// In the order of tail_bytes.
void OpNode::fill(const Recording& call) {
  Tail tail(reinterpret_cast<char*>(saved_));
  tail.take<SavedTensor>(n_saved_);
  for (int i = 0; i < call.n_results; ++i) set_output(i, call.infos[i], tail.take<int64_t>(call.infos[i].ndim));
  if (rule_.keeps_geometry || call.transient) keep_geometry(call, tail.take<Geometry>(call.n_inputs), tail);
  if (keeps_args(entry_)) {
    args_ = tail.take<dt_value>(call.n_args);
    for (int i = 0; i < call.n_args; ++i) new (&args_[i]) dt_value(keep_value(tail, call.args[i]));
  }
}

template <class Tail>
void OpNode::keep_geometry(const Recording& call, Geometry* geometry, Tail& tail) {
  geometry_ = geometry;
  dt_tensor_info info;
  info.struct_size = sizeof info;
  for (int i = 0; i < call.n_inputs; ++i) {
    geometry[i] = Geometry{};
    if (!call.inputs[i].tensor) continue;
    dt::api().tensor_info(call.inputs[i].tensor, &info);
    const int64_t* sizes = tail.copy(info.sizes, info.ndim);
    geometry[i] = {{info.dtype, info.device, info.ndim, sizes}, info.offset, tail.copy(info.strides, info.ndim)};
  }
}

void OpNode::save(const Recording& call) {
  int k = 0;
  for (int i = 0; i < call.n_inputs; ++i) {
    const Input& input = call.inputs[i];
    if (!input.tensor || !call.saves.has(input.arg)) continue;
    const Tensor* copy = replacement(call, i);
    dt_tensor* kept = copy ? copy->get() : input.tensor;
    saved_[k++] = call.level == kAutograd ? save_input(kept, i) : save_at_level(Tensor::borrow(kept), i);
  }
  for (int i = 0; i < call.n_results; ++i) {
    if (!call.saves.has(result_at(i))) continue;
    if (call.transient) {
      saved_[k++] = save_at_level(Tensor::borrow(call.results[i]), result_at(i));
      continue;
    }
    if (call.level != kAutograd) {  // a handle without this level's history, which leads here
      saved_[k++] = save_at_level(handle_of(call.results[i], call.level), result_at(i));
      continue;
    }
    const int32_t dtype = outputs_[i].dtype;
    const bool has_grad = dt::is_floating(dtype) || dt::is_complex(dtype);
    saved_[k++] = has_grad ? save_output(call.results[i], i, result_at(i)) : save_input(call.results[i], result_at(i));
  }
}

// ---- arguments ------------------------------------------------------------------------------------------

int OpNode::flat_of(int arg) const {
  if (!entry_.has_lists) return entry_.flat[arg];
  int flat = 0;
  for (int i = 0; i < arg; ++i) {
    if (entry_.kinds[i] == ArgKind::tensor) ++flat;
    if (entry_.kinds[i] == ArgKind::tensors) flat += args_[i].count;
  }
  return flat;
}

int OpNode::count_of(int arg) const { return entry_.kinds[arg] == ArgKind::tensors ? args_[arg].count : 1; }

int OpNode::arg_of(int flat) const {
  const int n = static_cast<int>(entry_.kinds.size());
  for (int i = 0, next = 0; i < n; ++i) {
    if (entry_.kinds[i] == ArgKind::attribute) continue;
    next += count_of(i);
    if (flat < next) return i;
  }
  return -1;
}

Shape OpNode::input_shape(int flat) const {
  if (geometry_) return geometry_[flat].shape;
  if (const Edge& e = edges_[flat]; e) return e.node->output(e.nr);
  for (int i = 0; i < n_saved_; ++i)
    if (saved_[i].which == flat && saved_[i]) return saved_[i].shape();
  dt::runtime_error(entry_.node_name, ": the rule asks for the shape of ", entry_.arg_names[arg_of(flat)],
                    ", which it does not keep");
}

Tensor OpNode::unpacked(const SavedTensor& saved) {
  if (__builtin_expect(freed_, 0)) already_freed(entry_.node_name);
  return unpack(saved, *this, [&] {
    if (saved.which >= result) return "output " + std::to_string(saved.which - result) + " of " + entry_.node_name;
    return "argument " + entry_.arg_names[arg_of(saved.which)] + " of " + entry_.name;
  });
}

// ---- running --------------------------------------------------------------------------------------------

void OpNode::apply(Task& task, Tensor* grads, Tensor* results) {
  if (__builtin_expect(freed_, 0)) already_freed(entry_.node_name);
  if (__builtin_expect(rule_.foreign != nullptr, 0)) {
    Ctx c(task, *this, grads, results);
    return rule_.foreign->apply(c);
  }
  bool complex = false;
  for (int i = 0; i < n_outputs_; ++i) complex |= dt::is_complex(outputs_[i].dtype);
  if (__builtin_expect(complex, 0)) return apply_conjugated(task, grads, results);
  apply_rule(task, grads, results);
}

// The gradient of a real loss by a complex number is its derivative by the real part plus i times that by the
// imaginary part. Where an output depends on the arguments as analytic functions do, that gradient passes through the
// conjugate of the derivative; the rules say the derivative.
void OpNode::apply_conjugated(Task& task, Tensor* grads, Tensor* results) {
  static const dt::Op conj{"conj_physical"};
  const auto conjugate = [](Tensor* tensors, int count) {
    for (int i = 0; i < count; ++i)
      if (tensors[i] && dt::is_complex(tensors[i].dtype())) tensors[i] = conj(tensors[i]);
  };
  conjugate(grads, n_outputs_);
  apply_rule(task, grads, results);
  conjugate(results, n_edges_);
}

void OpNode::apply_rule(Task& task, Tensor* grads, Tensor* results) {
  Ctx c(task, *this, grads, results);
  if (rule_.joint) return rule_.joint(c);
  if (__builtin_expect(rule_.refuses, 0)) no_derivative(entry_);
  const auto run = [&](int arg) {
    const PartFn fn = rule_.part(arg).fn;
    if (__builtin_expect(!fn, 0)) no_derivative(entry_, arg);
    return fn(c);
  };
  if (entry_.has_lists) {
    for (int i = 0; i < n_edges_; ++i)
      if (wanted(task, *this, i)) results[i] = run(arg_of(i));
    return;
  }
  const int n = static_cast<int>(entry_.kinds.size());
  for (int arg = 0, i = 0; arg < n; ++arg) {
    if (entry_.kinds[arg] != ArgKind::tensor) continue;
    if (wanted(task, *this, i)) results[i] = run(arg);
    ++i;
  }
}

void OpNode::release_saved() {
  if (!n_saved_) return;
  freed_ = true;
  for (int i = 0; i < n_saved_; ++i) saved_[i].release();
}

// ---- what rules see -------------------------------------------------------------------------------------

Tensor Ctx::g(int output) {
  if (!grads_[output]) grads_[output] = zeros(node_.output(output));
  return grads_[output];
}

Tensor Ctx::operator[](int which) {
  const int name = which >= result ? which : node_.flat_of(which);
  for (int i = 0; i < node_.n_saved_; ++i)
    if (node_.saved_[i].which == name) return node_.unpacked(node_.saved_[i]);
  return nullptr;  // an optional argument that was not given
}

std::vector<Tensor> Ctx::list(int arg) {
  const int flat = node_.flat_of(arg);
  std::vector<Tensor> tensors(node_.count_of(arg));
  for (int i = 0; i < node_.n_saved_; ++i) {
    const int k = node_.saved_[i].which - flat;
    if (k >= 0 && k < static_cast<int>(tensors.size())) tensors[k] = node_.unpacked(node_.saved_[i]);
  }
  return tensors;
}

Ints Ctx::strides(int arg) const {
  const OpNode::Geometry& geometry = node_.geometry_[node_.flat_of(arg)];
  return {geometry.strides, geometry.shape.ndim};
}

int64_t Ctx::offset(int arg) const { return node_.geometry_[node_.flat_of(arg)].offset; }

double Ctx::number(int arg) const {
  const dt_value& v = value(arg);
  return v.tag == DT_FLOAT ? v.as.f : static_cast<double>(v.as.i);
}

int Ctx::dim(int arg, int ndim) const {
  const int64_t d = integer(arg);
  return static_cast<int>(d < 0 ? d + (ndim ? ndim : 1) : d);
}

std::vector<int64_t> Ctx::dims(int arg, int ndim) const {
  const dt_value& v = value(arg);
  std::vector<int64_t> dims;
  if (v.tag == DT_INT) dims.push_back(v.as.i);
  if (v.tag == DT_INTS) dims.assign(v.as.ints, v.as.ints + v.count);
  if (dims.empty())
    for (int i = 0; i < ndim; ++i) dims.push_back(i);
  for (int64_t& d : dims)
    if (d < 0) d += ndim ? ndim : 1;
  return dims;
}

bool Ctx::needs(int arg, int k) const {
  const int flat = node_.flat_of(arg) + k;
  return task_ ? wanted(*task_, node_, flat) : static_cast<bool>(tangents_[flat]);
}

}  // namespace dovetail::autograd
