// In-place writes on views. A view knows its base; a write through it becomes part of the base's history, and the views
// of that base get a new history when they are next looked at.
#pragma once

#include "autograd/meta.h"

namespace dovetail::autograd {

// The node by which `view` follows from its base as the base is now.
NodePtr view_of_base(dt_tensor* base, dt_tensor* view, LevelId level = kAutograd);

// Record that `view`, a view of `base`, was written in place by the op (or Function) recorded as `write`, whose edge
// `self` is that of the view. `write` itself makes output 0.
void rewrite_base(dt_tensor* base, dt_tensor* view, NodePtr write, int self, LevelId level = kAutograd);

// Throws if a tensor must not be written in place now. `who`: the op.
void check_inplace(const std::string& who, dt_tensor* t, LevelId level = kAutograd);

}  // namespace dovetail::autograd
