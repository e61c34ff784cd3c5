// Recurrent layers; their gradient ops record their decompositions.
#include "autograd/rules/ops.h"

namespace dovetail::autograd::rules {

namespace {

// The gradient of an output, null if none arrived: the gradient ops leave out what is 0.
Tensor arrived(Ctx& c, int output) { return c.has_g(output) ? c.g(output) : Tensor(); }

// From the gradient of what the input gives to the gates: those of the input, its weight and its bias, args 0 to 2.
void give_input(Ctx& c, const Tensor& grad_x) {
  enum { input, w_ih, bias };
  if (c.needs(input)) c.give(input, mm(grad_x, c[w_ih]));
  if (c.needs(w_ih)) c.give(w_ih, mm(transpose(grad_x, 0, 1), c[input]));
  if (c.needs(bias)) c.give(bias, sum(grad_x, std::vector<int64_t>{0}));
}

void lstm() {
  enum { input, w_ih, bias, h0, c0, w_hh, w_hr, reverse, batch_sizes };
  vjp_joint("lstm_sequence", saves(input, w_ih, h0, c0, w_hh, w_hr, result_at(0), result_at(1), result_at(2)),
            [](Ctx& c) {
              static const Op lstm_sequence_grad{"lstm_sequence_grad"};
              auto grads = lstm_sequence_grad.many<4>(arrived(c, 0), arrived(c, 1), arrived(c, 2), c[h0], c[c0],
                                                      c[w_hh], c[w_hr], c[result_at(0)], c[result_at(1)],
                                                      c[result_at(2)], c.value(reverse), c.value(batch_sizes));
              give_input(c, grads[0]);
              for (int i : {h0, c0}) c.give(i, std::move(grads[1 + i - h0]));
              if (!c[w_hr]) return c.give(w_hh, std::move(grads[3]));
              const int64_t gates = 4 * c.size(c0, 1);  // w_hr's gradient is below w_hh's, transposed
              if (c.needs(w_hh)) c.give(w_hh, slice(grads[3], 0, 0, gates));
              if (c.needs(w_hr)) c.give(w_hr, transpose(slice(grads[3], 0, gates), 0, 1));
            });
}

void gru() {
  enum { input, w_ih, b_ih, h0, w_hh, b_hh, reverse, batch_sizes };
  vjp_joint("gru_sequence", saves(input, w_ih, h0, w_hh, result_at(0), result_at(1)), [](Ctx& c) {
    static const Op gru_sequence_grad{"gru_sequence_grad"};
    auto grads = gru_sequence_grad.many<4>(arrived(c, 0), arrived(c, 1), c[h0], c[w_hh], c[result_at(0)],
                                           c[result_at(1)], c.value(reverse), c.value(batch_sizes));
    give_input(c, grads[0]);
    for (int i : {h0, w_hh, b_hh}) c.give(i, std::move(grads[1 + i - h0]));
  });
}

void rnn() {
  enum { input, w_ih, bias, h0, w_hh, nonlinearity, reverse, batch_sizes };
  vjp_joint("rnn_sequence", saves(input, w_ih, h0, w_hh, result), [](Ctx& c) {
    static const Op rnn_sequence_grad{"rnn_sequence_grad"};
    auto grads = rnn_sequence_grad.many<3>(c.g(), c[h0], c[w_hh], c[result], c.value(nonlinearity), c.value(reverse),
                                           c.value(batch_sizes));
    give_input(c, grads[0]);
    for (int i : {h0, w_hh}) c.give(i, std::move(grads[1 + i - h0]));
  });
}

}  // namespace

void declare_recurrent() {
  lstm();
  gru();
  rnn();
}

}  // namespace dovetail::autograd::rules
