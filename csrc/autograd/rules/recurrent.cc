// Recurrent layers; their gradient ops record their decompositions.
#include "autograd/rules/ops.h"

namespace dovetail::autograd::rules {

namespace {

// The gradient of an output, null if none arrived: the gradient ops leave out what is 0.
Tensor arrived(Ctx& c, int output) { return c.has_g(output) ? c.g(output) : Tensor(); }

void lstm() {
  enum { x, h0, c0, w_hh, reverse, batch_sizes };
  vjp_joint("lstm_sequence", saves(h0, c0, w_hh, result_at(0), result_at(1), result_at(2)), [](Ctx& c) {
    static const Op lstm_sequence_grad{"lstm_sequence_grad"};
    auto grads =
        lstm_sequence_grad.many<4>(arrived(c, 0), arrived(c, 1), arrived(c, 2), c[h0], c[c0], c[w_hh], c[result_at(0)],
                                   c[result_at(1)], c[result_at(2)], c.value(reverse), c.value(batch_sizes));
    for (int i : {x, h0, c0, w_hh}) c.give(i, std::move(grads[i]));
  });
}

void gru() {
  enum { x, h0, w_hh, b_hh, reverse, batch_sizes };
  vjp_joint("gru_sequence", saves(h0, w_hh, result_at(0), result_at(1)), [](Ctx& c) {
    static const Op gru_sequence_grad{"gru_sequence_grad"};
    auto grads = gru_sequence_grad.many<4>(arrived(c, 0), arrived(c, 1), c[h0], c[w_hh], c[result_at(0)],
                                           c[result_at(1)], c.value(reverse), c.value(batch_sizes));
    for (int i : {x, h0, w_hh, b_hh}) c.give(i, std::move(grads[i]));
  });
}

void rnn() {
  enum { x, h0, w_hh, nonlinearity, reverse, batch_sizes };
  vjp_joint("rnn_sequence", saves(h0, w_hh, result), [](Ctx& c) {
    static const Op rnn_sequence_grad{"rnn_sequence_grad"};
    auto grads = rnn_sequence_grad.many<3>(c.g(), c[h0], c[w_hh], c[result], c.value(nonlinearity), c.value(reverse),
                                           c.value(batch_sizes));
    for (int i : {x, h0, w_hh}) c.give(i, std::move(grads[i]));
  });
}

}  // namespace

void declare_recurrent() {
  lstm();
  gru();
  rnn();
}

}  // namespace dovetail::autograd::rules
