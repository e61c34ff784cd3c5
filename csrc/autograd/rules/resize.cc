// Resizing a dim: a linear map, and its transpose.
#include <cstring>

#include "autograd/rules/ops.h"

namespace dovetail::autograd::rules {

namespace {

enum { self, dim, size };

const Op resize_grad{"resize_grad"}, nearest{"resize_nearest"}, straight{"resize_linear"}, cubic{"resize_cubic"};

template <class Mode>
void resize(const char* op, Mode mode) {
  linear(op, saves(self));
  vjp(op, self, mode);
}

Tensor shares(Ctx& c, const char* mode) {
  return resize_grad(c.g(), c.value(dim), c.size(self, c.dim(dim, c.ndim(self))), mode, c.value(3), c.value(4));
}

}  // namespace

void declare_resize() {
  resize("resize_nearest", [](Ctx& c) { return shares(c, "nearest"); });
  resize("resize_linear", [](Ctx& c) { return shares(c, "linear"); });
  resize("resize_cubic", [](Ctx& c) { return shares(c, "cubic"); });
  resize("resize_grad", [](Ctx& c) {
    const char* mode = c.string(3);
    const Op& op = *mode == 'n' ? nearest : *mode == 'l' ? straight : cubic;
    return Tensor(op(c.g(), c.value(dim), c.size(self, c.dim(dim, c.ndim(self))), c.value(4), c.value(5)));
  });
}

}  // namespace dovetail::autograd::rules
