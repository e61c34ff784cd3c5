// Reductions.
#include <algorithm>

#include "autograd/rules/ops.h"

namespace dovetail::autograd::rules {

namespace {

enum { self, dim, keepdim };

int64_t extent(Ints sizes, const std::vector<int64_t>& dims) {
  int64_t n = 1;
  for (int64_t d : dims)
    if (d < sizes.count) n *= sizes[static_cast<int>(d)];
  return n;
}

// Back to the argument's shape.
Tensor spread_back(Ctx& c, const Tensor& g) {
  return spread(g, c.sizes(self), c.dims(dim, c.ndim(self)), c.flag(keepdim));
}

Tensor mean_self(Ctx& c) {
  const int64_t n = extent(c.sizes(self), c.dims(dim, c.ndim(self)));
  return spread_back(c, c.g() / static_cast<double>(n));
}

// d var / d x = 2 (x - mean) / (n - correction)
Tensor var_self(Ctx& c) {
  enum { self, dim, correction, keepdim };
  const std::vector<int64_t> dims = c.dims(dim, c.ndim(self));
  const double used = c.given(correction) ? c.number(correction) : 1.0;
  const double n = static_cast<double>(extent(c.sizes(self), dims)) - used;
  const Tensor g = spread(c.g(), c.sizes(self), dims, c.flag(keepdim));
  const Tensor away = c[self] - mean(c[self], dims, true);
  return g * (away * (2.0 / std::max(n, 0.0)));
}

// Equal extremes share the gradient.
Tensor extreme_self(Ctx& c) {
  const std::vector<int64_t> dims = c.dims(dim, c.ndim(self));
  const Tensor taken = cast(eq(c[self], spread_back(c, c[result])), DType{c.shape(self).dtype});
  return spread_back(c, c.g()) * (taken / sum(taken, dims, true));
}

// The elements that equal the median of all, as ones and zeros; those that are NaN where it is.
Tensor at_median(Ctx& c) {
  const Tensor x = c[self], median = c[result];
  return cast(where(isnan(median), isnan(x), eq(x, median)), DType{c.shape(self).dtype});
}

// Equal ones share the gradient.
Tensor median_self(Ctx& c) {
  const Tensor taken = at_median(c);
  return c.g() * (taken / sum(taken));
}

Tangents median_forward(Ctx& c) {
  const Tensor taken = at_median(c);
  return tangents(sum(taken * c.t(self)) / sum(taken));
}

// ---- prod -----------------------------------------------------------------------------------------------

// The products of all elements before each, along dim 0.
Tensor product_before(const Tensor& x) {
  const int64_t n = x.size(0);
  const std::vector<Tensor> parts = {ones_like(slice(x, 0, 0, 1)), slice(x, 0, 0, n - 1)};
  return cumprod(cat(parts, 0), 0);
}

// The products of all other elements along dim 0; there may be zeros.
Tensor product_of_others(const Tensor& x) {
  const std::vector<int64_t> first = {0};
  const Tensor after = flip_view(product_before(contiguous(flip_view(x, first))), first);
  return product_before(x) * after;
}

bool has_zero(const Tensor& x) {
  dt_value v;
  dt::check(dt::api().item(any(eq(x, number(0))).get(), &v));
  return v.as.i != 0;
}

Tensor prod_self(Ctx& c) {
  const Tensor x = c[self];
  const int ndim = c.ndim(self);
  if (ndim == 0) return c.g();
  const Tensor g = spread_back(c, c.g());
  if (!may_be_followed() && !has_zero(x)) return g * (spread_back(c, c[result]) / x);
  // The reduced dims first, as one.
  const std::vector<int64_t> dims = c.dims(dim, ndim);
  std::vector<int64_t> order = dims, sizes, back(ndim);
  for (int64_t d = 0; d < ndim; ++d)
    if (std::find(dims.begin(), dims.end(), d) == dims.end()) order.push_back(d);
  for (int i = 0; i < ndim; ++i) back[order[i]] = i;
  const Tensor moved = permute(x, order);
  std::vector<int64_t> folded = {extent(c.sizes(self), dims)};
  for (size_t i = dims.size(); i < order.size(); ++i) folded.push_back(c.size(self, static_cast<int>(order[i])));
  if (x.numel() == 0) return g;
  const Tensor others = product_of_others(reshape(moved, folded));
  return g * permute(reshape(others, moved.sizes()), back);
}

Tangents var_forward(Ctx& c) {
  enum { self, dim, correction, keepdim };
  const std::vector<int64_t> dims = c.dims(dim, c.ndim(self));
  const double used = c.given(correction) ? c.number(correction) : 1.0;
  const double n = static_cast<double>(extent(c.sizes(self), dims)) - used;
  const Tensor away = c[self] - mean(c[self], dims, true);
  const Tensor growing =
      dt::is_complex(away.dtype()) ? real(conj_physical(away) * c.t(self)) : Tensor(c.t(self) * away);
  return tangents(sum(growing, dims, c.flag(keepdim)) * (2.0 / std::max(n, 0.0)));
}

// The mean over equal extremes.
Tangents extreme_forward(Ctx& c) {
  const std::vector<int64_t> dims = c.dims(dim, c.ndim(self));
  const Tensor taken = cast(eq(c[self], spread_back(c, c[result])), DType{c.shape(self).dtype});
  return tangents(sum(c.t(self) * taken, dims, c.flag(keepdim)) / sum(taken, dims, c.flag(keepdim)));
}

}  // namespace

void declare_reduce() {
  vjp("sum", self, [](Ctx& c) { return spread_back(c, c.g()); });
  vjp("mean", self, mean_self);
  vjp("var", self, saves(self), var_self);
  vjp("prod", self, saves(self, result), prod_self);
  vjp("amax", self, saves(self, result), extreme_self);
  vjp("amin", self, saves(self, result), extreme_self);
  for (const char* op : {"median", "nanmedian"}) {
    vjp(op, self, saves(self, result), median_self);
    jvp(op, median_forward);
  }
  linear("sum", saves(self));
  linear("mean", saves(self));
  jvp("var", var_forward);
  jvp("amax", extreme_forward);
  jvp("amin", extreme_forward);
}

}  // namespace dovetail::autograd::rules
