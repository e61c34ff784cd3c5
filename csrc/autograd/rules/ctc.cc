// Label sequences; the gradient op records its decomposition.
#include "autograd/rules/ops.h"

namespace dovetail::autograd::rules {

void declare_ctc() {
  static const Op grad{"ctc_losses_grad"};
  enum { log_probs, labels, input_lengths, target_lengths, blank };
  vjp("ctc_losses", log_probs, saves(log_probs, labels, input_lengths, target_lengths),
      [](Ctx& c) { return grad(c.g(), c[log_probs], c[labels], c[input_lengths], c[target_lengths], c.value(blank)); });
}

}  // namespace dovetail::autograd::rules
