#include "core/dispatch.h"

#include <new>

#include "core/execute.h"

namespace dovetail {

// ---- the thread's state ---------------------------------------------------------------------------------

__thread ThreadState this_thread;

void update_active_bits(ThreadState& state) noexcept {
  const uint32_t grad = state.grad_mode && !state.below_autograd ? uint32_t{DT_BIT_GRAD} : 0u;
  state.active_bits = grad | DT_BIT_SHELL;
}

namespace {

struct LayerEntry {
  int32_t position;
  dt_layer_fn fn;
  void* self;
};

// Those pushed on this thread, innermost first: sorted by position, later ones of a position above earlier ones.
thread_local std::vector<LayerEntry> layers;
LayerEntry autograd_layer{DT_LAYER_AUTOGRAD, nullptr, nullptr};

// Narrows the thread to what is below a layer, and puts it back.
class Narrow {
 public:
  Narrow(ThreadState& state, int entered, int visible, bool below_autograd)
      : state_(state), entered_(state.entered), visible_(state.visible), below_(state.below_autograd) {
    state.entered = entered;
    state.visible = visible;
    state.below_autograd = below_autograd;
    update_active_bits(state);
  }
  ~Narrow() {
    state_.entered = entered_;
    state_.visible = visible_;
    state_.below_autograd = below_;
    update_active_bits(state_);
  }
  Narrow(const Narrow&) = delete;

 private:
  ThreadState& state_;
  int entered_, visible_;
  bool below_;
};

// A view counts with its base: it may be older than a recorded write to the base, and autograd then brings it up to
// date.
inline uint32_t bits_of(const TensorImpl* t) { return t->base ? t->bits | t->base->bits : t->bits; }

inline uint32_t bits_of(const dt_value& v) {
  if (v.tag == DT_TENSOR) return bits_of(v.as.tensor);
  if (v.tag != DT_TENSORS) return 0;
  uint32_t bits = 0;
  for (int i = 0; i < v.count; ++i)
    if (v.as.tensors[i]) bits |= bits_of(v.as.tensors[i]);
  return bits;
}

// Some layer acts on this call: enter the outermost.
void enter_layer(ThreadState& state, uint32_t acting, const Op& op, const dt_value* args, int n_args, dt_value* outs,
                 int n_outs) {
  const bool grad = acting & DT_BIT_GRAD;
  if (acting & DT_BIT_SHELL && !grad && !state.visible) no_value(op.name());
  const int top = state.visible - 1;
  const bool pushed = top >= 0 && (!grad || layers[top].position > DT_LAYER_AUTOGRAD);
  if (!pushed && !autograd_layer.fn)
    runtime_error(op.name(), ": an argument requires grad, but dovetail.autograd is not loaded");
  const LayerEntry entry = pushed ? layers[top] : autograd_layer;
  const bool below = state.below_autograd || entry.position <= DT_LAYER_AUTOGRAD;
  Narrow narrow(state, pushed ? top : ThreadState::kAutograd, pushed ? top : state.visible, below);
  check_status(entry.fn(entry.self, &op, args, n_args, outs, n_outs));
}

void call_layers(const Op& op, const dt_value* args, int n_args, dt_value* outs, int n_outs) {
  ThreadState& state = thread_state();
  uint32_t bits = 0;
  for (int i = 0; i < n_args; ++i) bits |= bits_of(args[i]);
  for (int i = 0; i < n_outs; ++i) bits |= bits_of(outs[i]);
  const uint32_t acting = bits & state.active_bits;
  if (__builtin_expect(state.visible | acting, 0))
    enter_layer(state, acting, op, args, n_args, outs, n_outs);
  else
    execute(op, args, n_args, outs, n_outs);
}

// What a part of an op refuses, the op itself refuses, under its name.
template <class F>
auto in_name(const Op& op, F&& body) {
  try {
    return body();
  } catch (const Error& error) {
    fail(error.status(), in_name_of(op, error.what()));
  } catch (const SlotError&) {
    dt_error& slot = error_slot();
    if (!slot.payload && slot.status != DT_OK) slot.message = in_name_of(op, slot.message);
    throw;
  } catch (const std::bad_alloc&) {
    fail(DT_ERR_MEMORY, op.name(), ": out of memory");
  }
}

void call_full(const Op& op, const dt_value* args, int n_args, dt_value* outs, int n_outs) {
  in_name(op, [&] { call_layers(op, args, n_args, outs, n_outs); });
}

// Append the schema's defaults to the arguments given.
void fill_defaults(const Op& op, dt_value* full, int given, int total) {
  for (int i = given; i < total; ++i) {
    const Arg& arg = op.schema.args[i];
    if (!arg.has_default) type_error(op.name(), ": missing argument ", arg.name, "; signature: ", op.schema.text);
    full[i] = arg.default_value;
  }
}

}  // namespace

bool no_layer_acts(const TensorImpl& t) noexcept {
  const ThreadState& state = thread_state();
  return !(state.visible | (bits_of(&t) & state.active_bits));
}

std::string in_name_of(const Op& op, const std::string& message) {
  const std::string who = message.substr(0, message.find_first_of(":( "));
  for (const std::string& alias : op.aliases)
    if (who == alias || who == alias + "_") return message;
  return in_name_of(op.name(), message);
}

std::string in_name_of(const std::string& name, const std::string& message) {
  const std::string who = message.substr(0, message.find_first_of(":( "));
  if (who == name || who == name + "_") return message;
  const bool other = message.compare(who.size(), 2, ": ") == 0 && (who == "device" || find_op(who));
  return name + ": " + (other ? message.substr(who.size() + 2) : message);
}

// ---- calls ----------------------------------------------------------------------------------------------

static void call_with_defaults(const Op& op, const dt_value* args, int n_args, dt_value* outs, int n_outs) {
  const int total = static_cast<int>(op.schema.args.size());
  if (n_args > total)
    type_error(op.name(), ": takes ", total, " arguments, got ", n_args, "; signature: ", op.schema.text);
  dt_value* full = static_cast<dt_value*>(__builtin_alloca(sizeof(dt_value) * total));
  std::copy_n(args, n_args, full);
  fill_defaults(op, full, n_args, total);
  call_full(op, full, total, outs, n_outs);
}

void call(const Op& op, const dt_value* args, int n_args, dt_value* outs, int n_outs) {
  const bool complete = n_args == static_cast<int>(op.schema.args.size());
  (__builtin_expect(complete, 1) ? call_full : call_with_defaults)(op, args, n_args, outs, n_outs);
}

void decompose(const Op& op, const dt_value* args, int n_args, dt_value* outs, int n_outs) {
  const int total = static_cast<int>(op.schema.args.size());
  dt_value* full = static_cast<dt_value*>(__builtin_alloca(sizeof(dt_value) * (total + 1)));
  std::copy_n(args, n_args, full);
  fill_defaults(op, full, n_args, total);
  ThreadState& state = thread_state();
  if (state.entered == ThreadState::kNone) return run_decomposition(op, full, total, outs, n_outs);
  const bool autograd = state.entered == ThreadState::kAutograd;
  const int visible = autograd ? state.visible : state.entered + 1;
  const bool below = !autograd && layers[state.entered].position < DT_LAYER_AUTOGRAD;
  Narrow narrow(state, ThreadState::kNone, visible, below);
  run_decomposition(op, full, total, outs, n_outs);
}

Tensor call_view(const Op& op, dt_value* args, int n_args) {
  if (__builtin_expect(args[0].tag == DT_TENSOR && no_layer_acts(*args[0].as.tensor), 1))
    return in_name(op, [&] { return op.view(Arguments{op, args, n_args}); });
  dt_value out{};
  call(op, args, n_args, &out, 1);
  return Tensor::steal(out.as.tensor);
}

Tensor call_numbers(const Op& op, const dt_value* args, int n_args) {
  if (__builtin_expect(!thread_state().visible, 1)) {  // a layer acts on tensors, or is visible
    Tensor made = in_name(op, [&] { return make_from_numbers(op, args, n_args); });
    if (made) return made;
  }
  dt_value out{};
  call(op, args, n_args, &out, 1);
  return Tensor::steal(out.as.tensor);
}

Tensor shell_view(const Op& op, const dt_value* args, int n_args) {
  if (op.form != DT_FORM_VIEW || n_args < 1 || args[0].tag != DT_TENSOR || !(args[0].as.tensor->bits & DT_BIT_SHELL))
    type_error(op.name(), ": shell_view takes a view op and a shell");
  const int total = static_cast<int>(op.schema.args.size());
  dt_value* full = static_cast<dt_value*>(__builtin_alloca(sizeof(dt_value) * (total + 1)));
  std::copy_n(args, n_args, full);
  fill_defaults(op, full, n_args, total);
  dt_value out{};
  execute(op, full, total, &out, 1);
  return Tensor::steal(out.as.tensor);
}

Tensor call1(const Op& op, std::initializer_list<dt_value> args) {
  dt_value out{};
  call(op, args.begin(), static_cast<int>(args.size()), &out, 1);
  return Tensor::steal(out.as.tensor);
}

// ---- layers ---------------------------------------------------------------------------------------------

void push_layer(int position, dt_layer_fn fn, void* self) {
  if (position <= DT_LAYER_BACKEND || position > DT_LAYER_PROFILER || position == DT_LAYER_AUTOGRAD)
    value_error("push_layer: there is no position ", position);
  ThreadState& state = thread_state();
  int at = state.visible;  // a layer pushed from inside another is below it
  while (at > 0 && layers[at - 1].position > position) --at;
  layers.insert(layers.begin() + at, LayerEntry{position, fn, self});
  ++state.visible;
}

void pop_layer(int position) {
  ThreadState& state = thread_state();
  for (int i = state.visible - 1; i >= 0; --i) {
    if (layers[i].position != position) continue;
    layers.erase(layers.begin() + i);
    --state.visible;
    return;
  }
  runtime_error("pop_layer: no layer is pushed at position ", position);
}

void set_autograd_layer(dt_layer_fn fn, void* self) { autograd_layer = {DT_LAYER_AUTOGRAD, fn, self}; }

// ---- values ---------------------------------------------------------------------------------------------

void release_value(dt_value* value) noexcept {
  if (value->tag == DT_TENSOR) {
    release(value->as.tensor);
  } else if (value->tag == DT_TENSORS) {
    for (int i = 0; i < value->count; ++i) release(value->as.tensors[i]);
    delete[] value->as.tensors;
  }
  *value = dt_value{};
}

}  // namespace dovetail
