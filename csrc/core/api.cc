#include "core/api.h"

#include "core/backend.h"
#include "core/capture.h"
#include "core/dispatch.h"
#include "core/pool.h"

namespace dovetail {

namespace {

// Everything here is a client's way in: nothing throws across, and what it was given is checked.
namespace slots {

dt_status set_error(dt_status status, const char* message) {
  return dovetail::set_error(status, message ? message : "");
}
const char* error_message() { return error_slot().message.c_str(); }

dt_error* take_error() {
  dt_error& slot = error_slot();
  if (slot.status == DT_OK) return nullptr;
  auto* taken = new dt_error(std::move(slot));
  slot = dt_error{};
  return taken;
}

dt_status restore_error(dt_error* error) {
  if (!error) return DT_OK;
  dovetail::clear_error();
  error_slot() = std::move(*error);
  delete error;
  return error_slot().status;
}

const dt_op* find_op(const char* name) { return dovetail::find_op(name); }
const dt_op* op_at(int32_t id) { return dovetail::op_at(id); }

void op_info(const dt_op* op, dt_op_info* out) {
  dt_op_info info{};
  info.id = op->id;
  info.name = op->name().c_str();
  info.schema = op->schema.text.c_str();
  info.form = op->form;
  info.flags = (op->differentiable ? DT_OP_DIFFERENTIABLE : 0) | (op->decomposes() ? DT_OP_DECOMPOSES : 0) |
               (op->schema.returns_view ? DT_OP_VIEW : 0) | (op->random ? DT_OP_RANDOM : 0);
  info.n_args = static_cast<int32_t>(op->schema.args.size());
  info.n_returns = op->returns_list() ? -1 : op->n_outputs();
  const uint32_t size = out->struct_size;
  info.struct_size = size;
  std::memcpy(static_cast<void*>(out), &info, std::min<size_t>(size, sizeof info));
}

const char* op_arg_name(const dt_op* op, int32_t index) {
  return index >= 0 && index < static_cast<int32_t>(op->schema.args.size()) ? op->schema.args[index].name.c_str()
                                                                            : nullptr;
}

bool fits(const Arg& arg, const dt_value& value) {
  const int32_t tag = value.tag;
  if (tag == DT_NONE)
    return arg.optional || (arg.has_default && arg.default_value.tag == DT_NONE) || arg.kind == ArgType::generator;
  switch (arg.kind) {
    case ArgType::tensor:
      return tag == DT_TENSOR;
    case ArgType::tensor_list:
      return tag == DT_TENSORS;
    case ArgType::scalar:
      return tag == DT_INT || tag == DT_FLOAT || tag == DT_BOOLEAN || tag == DT_COMPLEX || tag == DT_UINT;
    case ArgType::integer:
      return tag == DT_INT || tag == DT_BOOLEAN;
    case ArgType::floating:
      return tag == DT_FLOAT;
    case ArgType::boolean:
      return tag == DT_BOOLEAN;
    case ArgType::complex:
      return tag == DT_COMPLEX;
    case ArgType::int_list:
    case ArgType::bool_list:
      return tag == DT_INTS;
    case ArgType::float_list:
      return tag == DT_FLOATS;
    case ArgType::scalar_list:
      return tag == DT_SCALARS;
    case ArgType::dtype:
      return tag == DT_DTYPE && value.as.i >= 0 && value.as.i < DT_DTYPE_COUNT;
    case ArgType::device:
      return tag == DT_DEVICE;
    case ArgType::generator:
      return tag == DT_GENERATOR;
    case ArgType::string:
      return tag == DT_STRING;
  }
  return false;
}

void check_boxed(const Op& op, const dt_value* args, int n_args, int n_outs) {
  const Schema& schema = op.schema;
  if (n_args > static_cast<int>(schema.args.size()))
    type_error(op.name(), ": takes ", schema.args.size(), " arguments, got ", n_args, "; signature: ", schema.text);
  for (int i = 0; i < n_args; ++i)
    if (__builtin_expect(!fits(schema.args[i], args[i]), 0))
      type_error(op.name(), ": argument ", schema.args[i].name, " is a boxed value of tag ", args[i].tag,
                 "; signature: ", schema.text);
  if (n_outs != op.n_outputs()) type_error(op.name(), ": gives ", op.n_outputs(), " results, asked for ", n_outs);
}

dt_status call(const dt_op* op, const dt_value* args, int32_t n_args, dt_value* outs, int32_t n_outs) {
  return guarded([&] {
    check_boxed(*op, args, n_args, n_outs);
    dovetail::call(*op, args, n_args, outs, n_outs);
  });
}

dt_status decompose(const dt_op* op, const dt_value* args, int32_t n_args, dt_value* outs, int32_t n_outs) {
  return guarded([&] {
    check_boxed(*op, args, n_args, n_outs);
    dovetail::decompose(*op, args, n_args, outs, n_outs);
  });
}

dt_tensor** new_tensor_list(int32_t count) { return new (std::nothrow) dt_tensor*[count > 0 ? count : 1](); }
void release_value(dt_value* value) { dovetail::release_value(value); }

void retain(dt_tensor* t) { dovetail::retain(t); }
void release(dt_tensor* t) { dovetail::release(t); }
int64_t use_count(const dt_tensor* t) { return t->refs.load(std::memory_order_acquire); }

// All but the caller's size.
void fill_info(const dt_tensor& t, dt_tensor_info& info) {
  info.dtype = t.dtype;
  info.device = t.device;
  info.ndim = t.ndim;
  info.bits = t.bits;
  info.sizes = t.sizes();
  info.strides = t.strides();
  info.numel = t.numel;
  info.offset = t.offset;
  info.data = t.numel ? t.data : nullptr;
}

// Written where it belongs for callers who know all of it: a copy would wait for the stores that it reads.
void tensor_info(const dt_tensor* t, dt_tensor_info* out) {
  if (out->struct_size >= sizeof *out) return fill_info(*t, *out);
  dt_tensor_info info{};
  info.struct_size = out->struct_size;
  fill_info(*t, info);
  std::memcpy(static_cast<void*>(out), &info, info.struct_size);
}

dt_status empty(int32_t ndim, const int64_t* sizes, int32_t dtype, dt_device device, dt_tensor** out) {
  return guarded([&] {
    check_dtype(dtype);
    *out = dovetail::empty(ndim, sizes, dtype, device).release();
  });
}
dt_status wrap_number(const dt_value* number, dt_tensor** out) {
  return guarded([&] { *out = dovetail::wrap_number(*number).release(); });
}
dt_status item(const dt_tensor* t, dt_value* out) {
  return guarded([&] { *out = dovetail::item(*t); });
}

// Comes with kViewWithoutGrad where the memory was written after the view was made.
constexpr uint32_t kWrittenSince = uint32_t{1} << 29;
uint32_t bits(const dt_tensor* t) {
  if (__builtin_expect(!(t->bits & kViewWithoutGrad) || t->own_version, 1)) return t->bits;
  const bool written = t->private_version.load(std::memory_order_relaxed) != t->storage->version;
  return written ? t->bits | kWrittenSince : t->bits;
}
// Never found on a tensor: setting it makes a view a tensor of its own, over the same memory (see autograd/views.cc).
constexpr uint32_t kNoView = uint32_t{1} << 28;
void set_bits(dt_tensor* t, uint32_t set, uint32_t clear) {
  if (set == kNoView) {
    if (t->base && !t->own_version) dovetail::release(std::exchange(t->base, nullptr));
    return;
  }
  if (set == kWatched) return t->storage->watched.store(true, std::memory_order_relaxed);
  if (t->refs.load(std::memory_order_relaxed) == 1) {  // the caller's alone: what every recorded result is
    t->bits = (t->bits & ~clear) | set;
  } else {
    t->bits.change(set, clear);
  }
}
int64_t version(const dt_tensor* t) { return const_cast<dt_tensor*>(t)->version().load(std::memory_order_relaxed); }
void bump_version(dt_tensor* t) { dovetail::bump_version(t); }
dt_tensor* base(const dt_tensor* t) { return t->base; }
dt_status detach(dt_tensor* t, dt_tensor** out) {
  return guarded([&] { *out = dovetail::detach(t).release(); });
}
dt_tensor* grad(const dt_tensor* t) { return t->grad; }
void set_grad(dt_tensor* t, dt_tensor* grad) { dovetail::set_grad(t, grad); }
dt_slot* slot(const dt_tensor* t) { return t->slot.load(std::memory_order_acquire); }
void set_slot(dt_tensor* t, dt_slot* slot) { dovetail::set_slot(t, slot); }

int32_t grad_mode() { return thread_state().grad_mode; }
int32_t set_grad_mode(int32_t enabled) {
  ThreadState& state = thread_state();
  const bool old = state.grad_mode;
  state.grad_mode = enabled != 0;
  update_active_bits(state);
  return old;
}

dt_status set_autograd_layer(dt_layer_fn fn, void* self) {
  dovetail::set_autograd_layer(fn, self);
  return DT_OK;
}
dt_status push_layer(int32_t position, dt_layer_fn fn, void* self) {
  return guarded([&] { dovetail::push_layer(position, fn, self); });
}
dt_status pop_layer(int32_t position) {
  return guarded([&] { dovetail::pop_layer(position); });
}

dt_status register_backend(const dt_backend* table, int16_t* kind) {
  return guarded([&] { *kind = dovetail::register_backend(table); });
}

dt_status shell(int32_t ndim, const int64_t* sizes, const int64_t* strides, int64_t offset, int32_t dtype,
                dt_device device, dt_tensor** out) {
  return guarded([&] {
    check_dtype(dtype);
    *out = dovetail::shell(ndim, sizes, strides, offset, dtype, device).release();
  });
}
dt_status shell_view(const dt_op* op, const dt_value* args, int32_t n_args, dt_tensor** out) {
  return guarded([&] {
    check_boxed(*op, args, n_args, 1);
    *out = dovetail::shell_view(*op, args, n_args).release();
  });
}

dt_status captured_draw(uint64_t key, uint64_t offset, int32_t* draw, uint64_t* distance) {
  return guarded([&] { find_draw(key, offset, draw, distance); });
}

void clear_error() { dovetail::clear_error(); }
int32_t op_count() { return dovetail::op_count(); }
int32_t num_threads() { return dovetail::num_threads(); }
void parallel_for(int64_t n, int64_t grain, void (*body)(void*, int64_t, int64_t), void* arg) {
  dovetail::parallel_for(n, grain, body, arg);
}

}  // namespace slots

dt_api make_table() {
  dt_api t{};
  t.abi_major = DT_ABI_MAJOR;
  t.abi_minor = DT_ABI_MINOR;
  t.struct_size = sizeof(dt_api);
#define SLOT(name) t.name = &slots::name
  SLOT(set_error);
  SLOT(error_message);
  SLOT(take_error);
  SLOT(restore_error);
  SLOT(clear_error);
  SLOT(find_op);
  SLOT(op_info);
  SLOT(op_count);
  SLOT(op_at);
  SLOT(op_arg_name);
  SLOT(call);
  SLOT(decompose);
  SLOT(release_value);
  SLOT(new_tensor_list);
  SLOT(retain);
  SLOT(release);
  SLOT(use_count);
  SLOT(tensor_info);
  SLOT(empty);
  SLOT(wrap_number);
  SLOT(item);
  SLOT(bits);
  SLOT(set_bits);
  SLOT(version);
  SLOT(bump_version);
  SLOT(base);
  SLOT(detach);
  SLOT(grad);
  SLOT(set_grad);
  SLOT(slot);
  SLOT(set_slot);
  SLOT(grad_mode);
  SLOT(set_grad_mode);
  SLOT(set_autograd_layer);
  SLOT(push_layer);
  SLOT(pop_layer);
  SLOT(register_backend);
  SLOT(parallel_for);
  SLOT(num_threads);
  SLOT(shell);
  SLOT(shell_view);
  SLOT(captured_draw);
#undef SLOT
  return t;
}

}  // namespace

dt_api& api_table() {
  static dt_api table = make_table();
  return table;
}

void initialize() {
  op_count();       // declares the families
  backend_count();  // registers the CPU
}

}  // namespace dovetail
