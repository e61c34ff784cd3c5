// Normalisation; the gradient ops record their decompositions.
#include "autograd/rules/ops.h"

namespace dovetail::autograd::rules {

namespace {

const Op layer_norm_grad{"layer_norm_grad"}, rms_norm_grad{"rms_norm_grad"}, group_norm_grad{"group_norm_grad"},
    channel_norm_grad{"channel_norm_grad"};

// One entry a channel (dim 1) of a tensor of so many dims.
Tensor along_channels(const Tensor& vector, int ndim) {
  std::vector<int64_t> shape(ndim, 1);
  shape[1] = -1;
  return reshape(vector, shape);
}

// (input, normalized_shape or num_groups, weight, bias, eps)
template <const Op& kGrad>
void affine(Ctx& c) {
  enum { input, over, weight, bias, eps };
  auto grads = kGrad.template many<3>(c.g(), c[input], c.value(over), c[weight], c.value(eps));
  c.give(input, std::move(grads[0]));
  c.give(weight, std::move(grads[1]));
  c.give(bias, std::move(grads[2]));
}

void rms(Ctx& c) {
  enum { input, over, weight, eps };
  auto grads = rms_norm_grad.many<2>(c.g(), c[input], c.value(over), c[weight], c.value(eps));
  c.give(input, std::move(grads[0]));
  c.give(weight, std::move(grads[1]));
}

void channels(Ctx& c) {
  enum { input, mean, var, weight, bias, eps };
  auto grads = channel_norm_grad.many<3>(c.g(), c[input], c[mean], c[var], c[weight], c.value(eps), false);
  if (c.needs(mean) || c.needs(var)) {
    const Tensor scale = rsqrt(c[var] + c.number(eps));
    const Tensor factor = c[weight] ? Tensor(scale * c[weight]) : scale;
    if (c.needs(mean)) c.give(mean, -(factor * grads[2]));
    if (c.needs(var)) c.give(var, factor * scale * grads[1] * -0.5);
  }
  c.give(input, std::move(grads[0]));
  c.give(weight, std::move(grads[1]));
  c.give(bias, std::move(grads[2]));
}

// Mean and variance are results too, which double backward and whoever reads them may differentiate.
void batch(Ctx& c) {
  enum { input, weight, bias, eps };
  constexpr int kMean = 1, kVar = 2;
  const Tensor x = c[input], mean = c[result_at(kMean)];
  auto grads = channel_norm_grad.many<3>(c.g(), x, mean, c[result_at(kVar)], c[weight], c.value(eps), true);
  const int64_t channels = x.size(1), count = channels ? x.numel() / channels : 0;
  const double each = 1 / static_cast<double>(count);
  if (c.has_g(kMean)) grads[0] = grads[0] + along_channels(c.g(kMean) * each, x.ndim());
  if (c.has_g(kVar))
    grads[0] = grads[0] + (x - along_channels(mean, x.ndim())) * along_channels(c.g(kVar) * (2 * each), x.ndim());
  c.give(input, std::move(grads[0]));
  c.give(weight, std::move(grads[1]));
  c.give(bias, std::move(grads[2]));
}

}  // namespace

void declare_norm() {
  vjp_joint("layer_norm", saves(0, 2), affine<layer_norm_grad>);
  vjp_joint("group_norm", saves(0, 2), affine<group_norm_grad>);
  vjp_joint("rms_norm", saves(0, 2), rms);
  vjp_joint("channel_norm", saves(0, 1, 2, 3), channels);
  vjp_joint("batch_norm_train", saves(0, 1, result_at(1), result_at(2)), batch);
}

}  // namespace dovetail::autograd::rules
