// Convolution. Its three forms are each other's derivatives.
#include "autograd/rules/ops.h"

namespace dovetail::autograd::rules {

namespace {

const Op convolution{"convolution"}, input_grad{"convolution_input_grad"}, weight_grad{"convolution_weight_grad"};

// stride, padding, dilation and groups are arguments 3 to 6 of all three.
template <class Call>
Tensor with_attributes(Ctx& c, Call&& call) {
  return call(c.value(3), c.value(4), c.value(5), c.value(6));
}

Tensor to_input(Ctx& c, const Tensor& g, const Tensor& weight, Ints input_size) {
  return with_attributes(c, [&](auto&... a) { return input_grad(g, weight, input_size, a...); });
}
Tensor to_weight(Ctx& c, const Tensor& g, const Tensor& input, Ints weight_size) {
  return with_attributes(c, [&](auto&... a) { return weight_grad(g, input, weight_size, a...); });
}
Tensor forward(Ctx& c, const Tensor& input, const Tensor& weight) {
  return with_attributes(c, [&](auto&... a) { return convolution(input, weight, nullptr, a...); });
}

Tensor over_all_but_channels(const Tensor& g) {
  std::vector<int64_t> dims = {0};
  for (int i = 2; i < g.ndim(); ++i) dims.push_back(i);
  return sum(g, dims);
}

}  // namespace

void declare_conv() {
  {
    enum { input, weight, bias };
    vjp("convolution", input, saves(weight), [](Ctx& c) { return to_input(c, c.g(), c[weight], c.sizes(input)); });
    vjp("convolution", weight, saves(input), [](Ctx& c) { return to_weight(c, c.g(), c[input], c.sizes(weight)); });
    vjp("convolution", bias, [](Ctx& c) { return over_all_but_channels(c.g()); });
    jvp("convolution", [](Ctx& c) {
      Tensor sum;
      if (c.t(input)) sum = forward(c, c.t(input), c[weight]);
      if (c.t(weight)) {
        Tensor term = forward(c, c[input], c.t(weight));
        sum = sum ? sum + term : term;
      }
      if (!c.t(bias)) return tangents(sum);
      std::vector<int64_t> channels(c.ndim(weight) - 1, 1);
      channels[0] = c.size(weight, 0);
      const Tensor term = reshape(c.t(bias), channels);
      return tangents(sum ? sum + term : term);
    });
  }
  {
    enum { grad, weight };
    multilinear("convolution_input_grad", saves(grad, weight));
    vjp("convolution_input_grad", grad, saves(weight), [](Ctx& c) { return forward(c, c.g(), c[weight]); });
    vjp("convolution_input_grad", weight, saves(grad),
        [](Ctx& c) { return to_weight(c, c[grad], c.g(), c.sizes(weight)); });
  }
  {
    enum { grad, input };
    multilinear("convolution_weight_grad", saves(grad, input));
    vjp("convolution_weight_grad", grad, saves(input), [](Ctx& c) { return forward(c, c[input], c.g()); });
    vjp("convolution_weight_grad", input, saves(grad),
        [](Ctx& c) { return to_input(c, c[grad], c.g(), c.sizes(input)); });
  }
}

}  // namespace dovetail::autograd::rules
