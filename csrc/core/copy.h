// Composites that make tensors and move their elements; declared in ops/copy.cc and ops/create.cc.
#pragma once

#include "core/op.h"

namespace dovetail {

void clone_op(const Op& op, const dt_value* args, int n_args, dt_value* outs, int n_outs);
void cast_op(const Op& op, const dt_value* args, int n_args, dt_value* outs, int n_outs);
void to_device_op(const Op& op, const dt_value* args, int n_args, dt_value* outs, int n_outs);
void contiguous_op(const Op& op, const dt_value* args, int n_args, dt_value* outs, int n_outs);
void empty_op(const Op& op, const dt_value* args, int n_args, dt_value* outs, int n_outs);

}  // namespace dovetail
