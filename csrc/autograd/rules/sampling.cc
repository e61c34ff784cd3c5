// Sampling images at points.
#include "autograd/rules/ops.h"

namespace dovetail::autograd::rules {

void declare_sampling() {
  static const Op grid_sample{"grid_sample"}, input_grad{"grid_sample_input_grad"}, grid_grad{"grid_sample_grid_grad"};
  enum { input, grid, mode, padding_mode, align_corners };
  vjp("grid_sample", input, saves(grid), [](Ctx& c) {
    const Ints sizes = c.sizes(input);
    return input_grad(c.g(), c[grid], Ints(sizes.data + 2, sizes.count - 2), c.value(mode), c.value(padding_mode),
                      c.value(align_corners));
  });
  vjp("grid_sample", grid, saves(input, grid), [](Ctx& c) {
    return grid_grad(c.g(), c[input], c[grid], c.value(mode), c.value(padding_mode), c.value(align_corners));
  });
}

}  // namespace dovetail::autograd::rules
