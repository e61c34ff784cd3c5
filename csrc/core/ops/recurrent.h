// The decompositions of recurrent layers: ops on the rows of each step.
#pragma once

#include "core/ops/compose.h"

namespace dovetail {

void lstm_sequence_op(const Op& op, const dt_value* args, int n_args, dt_value* outs, int n_outs);
void lstm_sequence_grad_op(const Op& op, const dt_value* args, int n_args, dt_value* outs, int n_outs);
void gru_sequence_op(const Op& op, const dt_value* args, int n_args, dt_value* outs, int n_outs);
void gru_sequence_grad_op(const Op& op, const dt_value* args, int n_args, dt_value* outs, int n_outs);
void rnn_sequence_op(const Op& op, const dt_value* args, int n_args, dt_value* outs, int n_outs);
void rnn_sequence_grad_op(const Op& op, const dt_value* args, int n_args, dt_value* outs, int n_outs);

}  // namespace dovetail
