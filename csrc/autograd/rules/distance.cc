// Distances between rows; the gradient ops record their decompositions.
#include "autograd/rules/ops.h"

namespace dovetail::autograd::rules {

void declare_distance() {
  static const Op pairs_grad{"distances_grad"}, points_grad{"pdist_grad"};
  {
    enum { x1, x2, p };
    vjp("distances", x1, saves(x1, x2, result),
        [](Ctx& c) { return pairs_grad(c.g(), c[x1], c[x2], c[result], c.value(p)); });
    vjp("distances", x2, saves(x1, x2, result), [](Ctx& c) {
      return pairs_grad(transpose(c.g(), 1, 2), c[x2], c[x1], transpose(c[result], 1, 2), c.value(p));
    });
  }
  enum { input, p };
  vjp("pdist_of", input, saves(input, result),
      [](Ctx& c) { return points_grad(c.g(), c[input], c[result], c.value(p)); });
}

}  // namespace dovetail::autograd::rules
