// The squared difference. (The absolute one records its decomposition.)
#include <cstring>

#include "autograd/rules/ops.h"

namespace dovetail::autograd::rules {

namespace {

enum { input, target, reduction, weight };

// As the loss was computed: in float32 where it has 16 bits.
Tensor wide(Ctx& c, const Tensor& t) {
  const int32_t dtype = c.output().dtype;
  return t && (dtype == DT_FLOAT16 || dtype == DT_BFLOAT16) ? Tensor(cast(t, DType{DT_FLOAT32})) : t;
}

Tensor difference(Ctx& c) { return wide(c, c[input]) - wide(c, c[target]); }
bool is_mean(Ctx& c) { return std::strcmp(c.string(reduction), "mean") == 0; }

// With l = w d²: 2 w d, times the gradient of each l.
Tensor by_difference(Ctx& c) {
  const Tensor d = difference(c), w = wide(c, c[weight]), g = wide(c, c.g());
  const auto twice = [&]() -> Tensor {
    if (!is_mean(c)) return g * 2.0;
    return w ? g / (sum(w) * 0.5) : g / (static_cast<double>(d.numel()) * 0.5);
  };
  return (w ? twice() * w : twice()) * d;
}

Tensor by_weight(Ctx& c) {
  const Tensor squares = square(difference(c)), g = wide(c, c.g());
  if (!is_mean(c)) return g * squares;
  const Tensor w = wide(c, c[weight]), total = sum(w);
  return g / total * (squares - sum(squares * w) / total);
}

}  // namespace

void declare_loss() {
  vjp("mse_loss", input, saves(input, target, weight), by_difference);
  vjp("mse_loss", target, saves(input, target, weight), [](Ctx& c) { return -by_difference(c); });
  vjp("mse_loss", weight, saves(input, target, weight), by_weight);
}

}  // namespace dovetail::autograd::rules
