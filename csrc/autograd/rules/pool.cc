// Pooling over windows.
#include "autograd/rules/ops.h"

namespace dovetail::autograd::rules {

namespace {

const Op max_pool_grad{"max_pool_grad"}, avg_pool{"avg_pool"}, avg_pool_grad{"avg_pool_grad"};

enum { self };

// The gradients of the elements that were taken; their places are in indices, counted over a plane.
Tensor max_pool_grad_grad(Ctx& c) {
  enum { grad, indices };
  const Ints sizes = c.g().sizes();
  const std::vector<int64_t> planes = {sizes[0], sizes[1], -1};
  const Tensor taken = c[indices];
  const Tensor read = gather(reshape(c.g(), planes), 2, reshape(taken, planes));
  return reshape(read, taken.sizes());
}

}  // namespace

void declare_pool() {
  vjp("max_pool", self, saves(result_at(1)),
      [](Ctx& c) { return max_pool_grad(c.g(), c[result_at(1)], c.sizes(self)); });
  vjp("max_pool_grad", self, saves(1), max_pool_grad_grad);
  vjp("avg_pool", self, [](Ctx& c) {
    return avg_pool_grad(c.g(), c.sizes(self), c.value(1), c.value(2), c.value(3), c.value(4), c.value(5), c.value(6));
  });
  vjp("avg_pool_grad", self,
      [](Ctx& c) { return avg_pool(c.g(), c.value(2), c.value(3), c.value(4), c.value(5), c.value(6), c.value(7)); });
}

}  // namespace dovetail::autograd::rules
