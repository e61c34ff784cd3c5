// Running sums and products.
#include "autograd/rules/ops.h"

namespace dovetail::autograd::rules {

namespace {

enum { self, dim };

// Sums of each element and all after it.
Tensor cumsum_reversed(const Tensor& g, int d) {
  const std::vector<int64_t> dims = {d};
  return flip_view(cumsum(flip_view(g, dims), d), dims);
}

Tensor cumsum_self(Ctx& c) {
  if (c.ndim(self) == 0) return c.g();
  return cumsum_reversed(c.g(), c.dim(dim, c.ndim(self)));
}

bool has_zero(const Tensor& x) {
  dt_value v;
  dt::check(dt::api().item(any(eq(x, number(0))).get(), &v));
  return v.as.i != 0;
}

// out_i = x_0 ... x_i, so d out_i / d x_k = out_i / x_k for i >= k. Where some x_k is zero that quotient is the product
// without x_k, taken for each k in turn.
Tensor cumprod_self(Ctx& c) {
  const Tensor x = c[self], g = c.g();
  if (c.ndim(self) == 0) return g;
  const int d = c.dim(dim, c.ndim(self));
  if (!any_level() && !has_zero(x)) return cumsum_reversed(g * c[result], d) / x;
  const int64_t n = c.size(self, d);
  if (n == 0) return g;
  const std::vector<int64_t> along = {d};
  std::vector<Tensor> gradients;
  for (int64_t k = 0; k < n; ++k) {
    const Tensor one = ones_like(slice(x, d, k, k + 1));
    const std::vector<Tensor> parts = {slice(x, d, 0, k), one, slice(x, d, k + 1, n)};
    const Tensor without = slice(cumprod(cat(parts, d), d), d, k, n);
    gradients.push_back(sum(slice(g, d, k, n) * without, along, true));
  }
  return cat(gradients, d);
}

}  // namespace

void declare_scan() {
  vjp("cumsum", self, cumsum_self);
  linear("cumsum", saves(self));
  vjp("cumprod", self, saves(self, result), cumprod_self);
}

}  // namespace dovetail::autograd::rules
