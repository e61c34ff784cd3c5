// The boxed call: layers, then the backend.
#pragma once

#include <initializer_list>

#include "core/op.h"

namespace dovetail {

// Call an op. args: n_args values in schema order (the rest are defaults), borrowed. outs: on entry DT_NONE or a
// destination; on return owned. Throws; then no out is owned.
void call(const Op& op, const dt_value* args, int n_args, dt_value* outs, int n_outs);
// Run the decomposition; inside a layer its ops enter at that layer again.
void decompose(const Op& op, const dt_value* args, int n_args, dt_value* outs, int n_outs);
// An error's message beginning with the op's name, in place of that of an op it is made of.
std::string in_name_of(const Op& op, const std::string& message);
std::string in_name_of(const std::string& name, const std::string& message);

// The thread's state.
struct ThreadState {
  bool grad_mode = true;
  bool inference_mode = false;
  int visible = 0;  // of the layers pushed on this thread, those the current call may still meet: up to this index
  // Which layer's function is running: the index of a pushed one, or one of the constants below.
  static constexpr int kNone = -1, kAutograd = -2;
  int entered = kNone;
  bool below_autograd = false;  // inside the autograd layer or below it
  // Bits of a tensor that make a layer act; kept in step with grad_mode and below_autograd.
  uint32_t active_bits = DT_BIT_GRAD | DT_BIT_SHELL;
};
extern __thread ThreadState this_thread;  // (a thread_local might have to be made first, and is reached by a call)
inline ThreadState& thread_state() noexcept { return this_thread; }
// Whether no layer acts on a call whose one tensor is t: a composite may then make a view of it without a call.
bool no_layer_acts(const TensorImpl& t) noexcept;
void update_active_bits(ThreadState& state) noexcept;

// What call() returns for a view op and all of its arguments, which the op may change; where no layer acts, without the
// way through them.
Tensor call_view(const Op& op, dt_value* args, int n_args);
// What call() returns for an op of numbers (op.device_of_numbers) and all of its arguments, by the same shorter way.
Tensor call_numbers(const Op& op, const dt_value* args, int n_args);
// The view that a view op makes of a shell.
Tensor shell_view(const Op& op, const dt_value* args, int n_args);

void push_layer(int position, dt_layer_fn fn, void* self);
void pop_layer(int position);
void set_autograd_layer(dt_layer_fn fn, void* self);

// Boxing. None of these retains. `put` writes a value where it belongs: one that is copied right after it was built
// waits for its stores to reach the cache, which takes longer than all the rest of a call's boxing.
inline void put_word(dt_value& v, int32_t tag, int32_t count, int64_t word) {
  v.tag = tag;
  v.count = count;
  v.as.i = word;
}
inline void put(dt_value& v, TensorImpl* t) { put_word(v, t ? DT_TENSOR : DT_NONE, 0, reinterpret_cast<int64_t>(t)); }
inline void put_int(dt_value& v, int64_t i) { put_word(v, DT_INT, 0, i); }
inline void put_ints(dt_value& v, const int64_t* ints, int count) {
  put_word(v, DT_INTS, count, reinterpret_cast<int64_t>(ints));
}
// The arguments of a call, which are few and were written, word by word, just before.
inline void copy_values(const dt_value* from, int count, dt_value* to) {
  for (int i = 0; i < count; ++i) {
    to[i].tag = from[i].tag;
    to[i].count = from[i].count;
    to[i].as.c = from[i].as.c;
  }
}
inline dt_value box(TensorImpl* t) {
  dt_value v{};
  v.tag = t ? DT_TENSOR : DT_NONE;
  v.as.tensor = t;
  return v;
}
inline dt_value box(const Tensor& t) { return box(t.get()); }
inline dt_value box_int(int64_t i) {
  dt_value v{};
  v.tag = DT_INT;
  v.as.i = i;
  return v;
}
// Ints from 2**63 on have a tag of their own.
inline dt_value box_uint(uint64_t i) {
  dt_value v = box_int(static_cast<int64_t>(i));
  if (v.as.i < 0) v.tag = DT_UINT;
  return v;
}
inline dt_value box_bool(bool b) {
  dt_value v{};
  v.tag = DT_BOOLEAN;
  v.as.i = b;
  return v;
}
inline dt_value box_float(double f) {
  dt_value v{};
  v.tag = DT_FLOAT;
  v.as.f = f;
  return v;
}
inline dt_value box_ints(const int64_t* ints, int count) {
  dt_value v{};
  v.tag = DT_INTS;
  v.count = count;
  v.as.ints = ints;
  return v;
}
inline dt_value box_dtype(DType dtype) {
  dt_value v{};
  v.tag = DT_DTYPE;
  v.as.i = dtype;
  return v;
}
inline dt_value box_device(Device device) {
  dt_value v{};
  v.tag = DT_DEVICE;
  v.as.device = device;
  return v;
}
inline dt_value box_none() { return dt_value{}; }
void release_value(dt_value* value) noexcept;

// Call an op with one tensor result: `call1(op, {box(a), box_int(0)})`.
Tensor call1(const Op& op, std::initializer_list<dt_value> args);

// A Python number as a zero-dim CPU tensor that does not decide the dtype.
Tensor wrap_number(const dt_value& number);
// Refuses a number that an integer dtype does not hold; -n in an unsigned one is 2**bits - n.
void check_fits(const dt_value& number, DType dtype);
// The one element of a tensor, copied to the host.
dt_value item(const TensorImpl& t);

}  // namespace dovetail
