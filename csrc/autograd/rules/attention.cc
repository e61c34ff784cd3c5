// Attention; its gradient op records its decomposition.
#include "autograd/rules/ops.h"

namespace dovetail::autograd::rules {

namespace {

enum { query, key, value, mask, is_causal, scale, dropout_p, random_key, random_offset };

const Op le{"le"}, philox_uniform{"philox_uniform"}, transpose{"transpose"};

// t where dropout kept a weight, scaled; the op draws these numbers too.
Tensor dropped(Ctx& c, const Tensor& t) {
  const double p = c.number(dropout_p);
  if (p == 0) return t;
  const Tensor drawn = philox_uniform(c.sizes(mask), c.value(random_key), c.value(random_offset), DType{t.dtype()},
                                      c.shape(query).device);
  const Tensor kept = reshape(ge(drawn, number(p)), t.sizes());
  return where(kept, t * number(p < 1 ? 1 / (1 - p) : 0.0), number(0.0));
}

// That of a mask which is added to the scores: as large as those, as the mask itself is.
Tensor mask_grad(Ctx& c, const Tensor& g) {
  const int64_t batch = c.size(query, 0), groups = c.size(key, 1), length = c.size(query, 2), keys = c.size(key, 2);
  const int64_t each = groups ? c.size(query, 1) / groups : 1;
  const auto parted = [&](const Tensor& t, int64_t n) {
    return reshape(t, std::vector<int64_t>{batch, groups, each, length, n});
  };
  const auto turned = [](const Tensor& t) { return transpose(unsqueeze(t, 2), -2, -1); };
  const double lowest = -std::numeric_limits<double>::infinity();
  Tensor scores = matmul(parted(c[query], c.size(query, 3)), turned(c[key])) * c.number(scale) + parted(c[mask], keys);
  if (c.flag(is_causal)) {
    const auto count_to = [&](int64_t n) { return arange(0, n, 1, DType{DT_INT64}, c.shape(query).device); };
    const Tensor seen = le(count_to(keys), unsqueeze(count_to(length), 1));
    scores = where(seen, scores, number(lowest));
  }
  const Tensor lse = parted(c[result_at(1)], 1);
  const Tensor weights = exp(scores - where(eq(lse, number(lowest)), number(0.0), lse));
  Tensor toward = dropped(c, matmul(parted(g, c.size(value, 3)), turned(c[value])));
  toward = toward - parted(sum(g * c[result_at(0)], std::vector<int64_t>{-1}, true), 1);
  if (c.has_g(1)) toward = toward + parted(c.g(1), 1);
  return reshape(weights * toward, c.sizes(mask));
}

}  // namespace

void declare_attention() {
  vjp_joint("attention", saves(query, key, value, mask, result_at(0), result_at(1)), [](Ctx& c) {
    static const Op attention_grad{"attention_grad"};
    const Tensor g = c.g();
    auto grads = attention_grad.many<3>(g, c[query], c[key], c[value], c[mask], c[result_at(0)], c[result_at(1)],
                                        c.has_g(1) ? c.g(1) : Tensor(), c.value(is_causal), c.value(scale),
                                        c.value(dropout_p), c.value(random_key), c.value(random_offset));
    c.give(query, std::move(grads[0]));
    c.give(key, std::move(grads[1]));
    c.give(value, std::move(grads[2]));
    if (c.needs(mask)) c.give(mask, mask_grad(c, g));
  });
}

}  // namespace dovetail::autograd::rules
