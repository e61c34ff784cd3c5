// Rows of a table, one by one and in bags; the gradient ops record their decompositions.
#include "autograd/rules/ops.h"

namespace dovetail::autograd::rules {

void declare_embedding() {
  {
    enum { weight, input, padding_idx, scale_grad_by_freq };
    vjp("embedding_rows", weight, saves(input), [](Ctx& c) {
      static const Op grad{"embedding_rows_grad"};
      return grad(c.g(), c[input], c.size(weight, 0), c.value(padding_idx), c.value(scale_grad_by_freq));
    });
  }
  {
    enum { weight };
    vjp("embedding_bag_max", weight, saves(result_at(1)), [](Ctx& c) {
      const Tensor rows = c[result_at(1)], none = lt(rows, number(0));
      const Tensor shares = where(none, number(0), c.g());
      return scatter_add(zeros(c.shape(weight)), 0, where(none, number(0), rows), shares);
    });
  }
  enum { weight, input, offsets, per_sample_weights, mean, padding_idx, scale_grad_by_freq };
  vjp_joint("embedding_bag_sum", saves(weight, input, offsets, per_sample_weights), [](Ctx& c) {
    static const Op grad{"embedding_bag_sum_grad"};
    auto grads = grad.many<2>(c.g(), c[weight], c[input], c[offsets], c[per_sample_weights], c.value(mean),
                              c.value(padding_idx), c.value(scale_grad_by_freq));
    c.give(weight, std::move(grads[0]));
    c.give(per_sample_weights, std::move(grads[1]));
  });
}

}  // namespace dovetail::autograd::rules
