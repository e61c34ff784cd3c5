// In-place writes on views. A view knows its base; a write through it becomes part of the base's history, and the views
// of that base get a new history when they are next looked at.
#pragma once

#include "autograd/meta.h"

namespace dovetail::autograd {

// The node by which `view` follows from its base as the base is now.
NodePtr view_of_base(dt_tensor* base, dt_tensor* view, LevelId level = kAutograd);

// Results of a call that are views of a tensor that nobody else has (of a copy that the op made) become tensors of
// their own: a write to them is then one to what the op returned, not to a base without a history.
void forget_hidden_base(dt_tensor* const* results, int count);

// Record that `view`, a view of `base`, was written in place by the op (or Function) recorded as `write`, whose edge
// `self` is that of the view. `write` itself makes output 0.
void rewrite_base(dt_tensor* base, dt_tensor* view, NodePtr write, int self, LevelId level = kAutograd);

// Throws if a tensor must not be written in place now. `who`: the op.
void check_inplace(const std::string& who, dt_tensor* t, LevelId level = kAutograd);

}  // namespace dovetail::autograd
