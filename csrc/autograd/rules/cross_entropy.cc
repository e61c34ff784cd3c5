// Cross-entropy; its gradient op records its decomposition.
#include <cstring>

#include "autograd/rules/ops.h"

namespace dovetail::autograd::rules {

namespace {

enum { input, target, weight, ignore_index, reduction, label_smoothing };

const Op softmax_cross_entropy_grad{"softmax_cross_entropy_grad"}, softmax_cross_entropy{"softmax_cross_entropy"},
    log_softmax{"log_softmax"};

// The loss is the sum over classes of weight times parts that do not hold it, divided by the targets' weights.
Tensor weight_grad(Ctx& c) {
  const Tensor x = c[input], t = c[target], g = c.g();
  const int dim = x.ndim() == 1 ? 0 : 1;
  std::vector<int64_t> classes(x.ndim(), 1), rows;
  classes[dim] = x.size(dim);
  for (int i = 0; i < x.ndim(); ++i)
    if (i != dim) rows.push_back(i);
  const auto over_rows = [&](const Tensor& all) { return rows.empty() ? all : Tensor(sum(all, rows)); };
  const Tensor range = arange(0, x.size(dim), 1, DType{DT_INT64}, c.shape(input).device);
  const Tensor hit = eq(reshape(range, classes), unsqueeze(t, dim));
  const Tensor kept = unsqueeze(ne(t, number(static_cast<double>(c.integer(ignore_index)))), dim);
  const Tensor counted = cast(logical_and(hit, kept), DType{x.dtype()});
  const double smoothing = c.number(label_smoothing), spread = smoothing / static_cast<double>(x.size(dim));
  const Tensor parts = -log_softmax(x, dim) * (counted * (1 - smoothing) + spread);
  const bool unreduced = std::strcmp(c.string(reduction), "none") == 0;
  const Tensor each = over_rows(only_where(kept, unreduced ? Tensor(parts * unsqueeze(g, dim)) : parts));
  if (unreduced) return each;
  if (std::strcmp(c.string(reduction), "sum") == 0) return g * each;
  const Tensor loss =
      softmax_cross_entropy(x, t, c[weight], c.value(ignore_index), c.value(reduction), c.value(label_smoothing));
  return g * (each - over_rows(counted) * loss) / sum(counted * reshape(c[weight], classes));
}

}  // namespace

void declare_cross_entropy() {
  vjp_joint("softmax_cross_entropy", saves(input, target, weight), [](Ctx& c) {
    if (c.needs(weight)) c.give(weight, weight_grad(c));
    if (c.needs(input))
      c.give(input, softmax_cross_entropy_grad(c.g(), c[input], c[target], c[weight], c.value(ignore_index),
                                               c.value(reduction), c.value(label_smoothing)));
  });
}

}  // namespace dovetail::autograd::rules
