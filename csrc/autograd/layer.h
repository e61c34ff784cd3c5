// The layer between a call and the backend that records what has to be differentiated.
#pragma once

#include "dovetail/abi.hpp"

namespace dovetail::autograd {

// A dt_layer_fn; the module installs it with dt_api.set_autograd_layer.
dt_status autograd_layer(void* self, const dt_op* op, const dt_value* args, int32_t n_args, dt_value* outs,
                         int32_t n_outs);

}  // namespace dovetail::autograd
