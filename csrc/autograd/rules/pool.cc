// Pooling over windows.
#include "autograd/rules/ops.h"

namespace dovetail::autograd::rules {

namespace {

const Op max_pool_grad{"max_pool_grad"}, avg_pool{"avg_pool"}, avg_pool_grad{"avg_pool_grad"};

enum { self };

// The elements that were taken; their places are in indices, counted over a plane.
Tensor read_at(const Tensor& from, const Tensor& indices) {
  const Ints sizes = from.sizes();
  const auto planes = [&](const Tensor& t) {
    std::vector<int64_t> folded = {sizes[0], sizes[1], 1};
    for (int i = 2; i < t.ndim(); ++i) folded[2] *= t.size(i);
    return reshape(t, folded);
  };
  return reshape(gather(planes(from), 2, planes(indices)), indices.sizes());
}

Tensor max_pool_grad_grad(Ctx& c) {
  enum { grad, indices };
  return read_at(c.g(), c[indices]);
}

}  // namespace

void declare_pool() {
  vjp("max_pool", self, saves(result_at(1)),
      [](Ctx& c) { return max_pool_grad(c.g(), c[result_at(1)], c.sizes(self)); });
  vjp("max_pool_grad", self, saves(1), max_pool_grad_grad);
  jvp("max_pool", [](Ctx& c) { return tangents(read_at(c.t(self), c[result_at(1)])); });
  for (const char* op : {"max_pool_grad", "avg_pool", "avg_pool_grad"}) linear(op, saves(self));
  vjp("avg_pool", self, [](Ctx& c) {
    return avg_pool_grad(c.g(), c.sizes(self), c.value(1), c.value(2), c.value(3), c.value(4), c.value(5), c.value(6));
  });
  vjp("avg_pool_grad", self,
      [](Ctx& c) { return avg_pool(c.g(), c.value(2), c.value(3), c.value(4), c.value(5), c.value(6), c.value(7)); });
}

}  // namespace dovetail::autograd::rules
