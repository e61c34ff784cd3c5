// Pooling over windows.
#include "autograd/rules/ops.h"

namespace dovetail::autograd::rules {

namespace {

const Op max_pool_grad{"max_pool_grad"}, avg_pool{"avg_pool"}, avg_pool_grad{"avg_pool_grad"},
    adaptive_avg_pool_grad{"adaptive_avg_pool_grad"};

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

// With a batch dim before the channels, where a tensor of pooled planes has none.
Tensor batched(const Tensor& t, int spatial) { return t.ndim() > spatial + 1 ? t : Tensor(unsqueeze(t, 0)); }

Tensor largest_grad(Ctx& c, int spatial) {
  const Ints sizes = c.sizes(self);
  std::vector<int64_t> whole = sizes.vector();
  if (sizes.count == spatial + 1) whole.insert(whole.begin(), 1);
  const Tensor grad = max_pool_grad(batched(c.g(), spatial), batched(c[result_at(1)], spatial), whole);
  return sizes.count == spatial + 1 ? Tensor(reshape(grad, sizes)) : grad;
}

Tensor largest_tangent(Ctx& c, int spatial) {
  const Tensor indices = c[result_at(1)];
  return reshape(read_at(batched(c.t(self), spatial), batched(indices, spatial)), indices.sizes());
}

template <int kSpatial>
void adaptive(const char* avg, const char* max) {
  linear(avg, saves(self));
  vjp(avg, self, [](Ctx& c) {
    const Ints sizes = c.sizes(self);
    return adaptive_avg_pool_grad(c.g(), Ints(sizes.data + sizes.count - kSpatial, kSpatial));
  });
  vjp(max, self, saves(result_at(1)), [](Ctx& c) { return largest_grad(c, kSpatial); });
  jvp(max, [](Ctx& c) { return tangents(largest_tangent(c, kSpatial)); });
}

// Pools of 1 to 3 spatial dims, back to the result's sizes.
Tensor averaged_again(Ctx& c) {
  static const Op pools[] = {Op{"adaptive_avg_pool1d"}, Op{"adaptive_avg_pool2d"}, Op{"adaptive_avg_pool3d"}};
  const int spatial = c.ints(1).count;
  const Ints sizes = c.sizes(self);
  return pools[spatial - 1](c.g(), Ints(sizes.data + sizes.count - spatial, spatial));
}

void declare_adaptive() {
  adaptive<1>("adaptive_avg_pool1d", "adaptive_max_pool1d");
  adaptive<2>("adaptive_avg_pool2d", "adaptive_max_pool2d");
  adaptive<3>("adaptive_avg_pool3d", "adaptive_max_pool3d");
  linear("adaptive_avg_pool_grad", saves(self));
  vjp("adaptive_avg_pool_grad", self, averaged_again);
  vjp_joint("fractional_max_pool", saves(result_at(1)), [](Ctx& c) {  // the samples only choose
    if (c.needs(self)) c.give(self, largest_grad(c, c.ints(1).count));
  });
  jvp("fractional_max_pool",
      [](Ctx& c) { return tangents(c.t(self) ? largest_tangent(c, c.ints(1).count) : Tensor(zeros(c.output()))); });
}

}  // namespace

void declare_pool() {
  declare_adaptive();
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
