// The stack of transforms. Every active transform is one level: a layer of its own at the position of transforms, the
// newest on top, below all of them ordinary autograd. A level's rule runs with the thread narrowed to what is below.
//
// What a level knows of a tensor is an entry in the tensor's slot (meta.h) under the level's number, which is never
// used again, so that entries of levels that are over mean nothing. A tensor without an entry is a constant there.
#pragma once

#include <string>
#include <vector>

#include "autograd/meta.h"

namespace dovetail::autograd {

enum class LevelKind : uint8_t { grad, jvp, vmap };

class Level : public std::enable_shared_from_this<Level> {
 public:
  explicit Level(LevelKind kind);
  virtual ~Level() = default;
  Level(const Level&) = delete;
  Level& operator=(const Level&) = delete;

  LevelId id() const { return id_; }
  LevelKind kind() const { return kind_; }
  // Grad mode outside of the level: what is below it records only where that was on too.
  bool outer_grad_mode() const { return outer_grad_mode_; }

  // Put the level on top of this thread's stack, below the layer that is running; take it off again.
  void push();
  void pop();

 private:
  const LevelId id_;
  const LevelKind kind_;
  bool outer_grad_mode_ = true;
};

// A level for a scope of C++.
class LevelScope {
 public:
  explicit LevelScope(Level& level) : level_(level) { level.push(); }
  ~LevelScope() { level_.pop(); }
  LevelScope(const LevelScope&) = delete;

 private:
  Level& level_;
};

// This thread's levels, outermost first.
const std::vector<Level*>& levels();
inline bool any_level() { return !levels().empty(); }
// Whether what runs now may be recorded, differentiated or mapped, so that nothing may be written in place.
inline bool may_be_followed() { return dt::api().grad_mode() || any_level(); }

// Takes this thread's levels from `level` on upward off for a scope.
class Below {
 public:
  explicit Below(const Level& level);
  ~Below();
  Below(const Below&) = delete;

 private:
  std::vector<Level*> taken_;
};

// Another tensor with the same elements that every active level, and autograd, knows as it knows this one; it is no
// view. `except`: a level that does not know it.
Tensor handle_of(dt_tensor* t, LevelId except = kAutograd);

// grad: a handle by which the level differentiates.
Tensor tracked(dt_tensor* t, const Level& level);
// jvp: a handle with this tangent.
Tensor dual(dt_tensor* t, const Tensor& tangent, const Level& level);
// The tangent of a tensor; null for a constant.
Tensor tangent_of(dt_tensor* t, LevelId level);
void set_tangent(dt_tensor* t, Tensor tangent, LevelId level);
// vmap: the shell of which `inner` holds the values, one for every index of `dim`.
Tensor batched(const Tensor& inner, int32_t dim, const Level& level);
// Make the shell `t` that of `inner`.
void set_inner(dt_tensor* t, Tensor inner, int32_t dim, const Level& level);
// The entry that holds inner and dim; null if the level does not map the tensor.
const LevelEntry* batch_of(const dt_tensor* t, LevelId level);

// The layer functions; self is the Level.
dt_status grad_layer(void* self, const dt_op* op, const dt_value* args, int32_t n_args, dt_value* outs, int32_t n_outs);
dt_status jvp_layer(void* self, const dt_op* op, const dt_value* args, int32_t n_args, dt_value* outs, int32_t n_outs);
dt_status vmap_layer(void* self, const dt_op* op, const dt_value* args, int32_t n_args, dt_value* outs, int32_t n_outs);

// A vmap level: how a call with mapped arguments is run is the bindings' business.
class VmapLevel : public Level {
 public:
  VmapLevel() : Level(LevelKind::vmap) {}
  // Every random op, also one without mapped arguments, comes here.
  virtual void call(const dt_op* op, const dt_value* args, int n_args, dt_value* outs, int n_outs) = 0;
};

}  // namespace dovetail::autograd
