// Sorting: each gradient goes back to where its element came from.
#include "autograd/rules/ops.h"

namespace dovetail::autograd::rules {

void declare_sort() {
  enum { self, dim };
  vjp("sort", self, saves(result_at(1)),
      [](Ctx& c) { return scatter(zeros(c.shape(self)), c.value(dim), c[result_at(1)], c.g()); });
}

}  // namespace dovetail::autograd::rules
