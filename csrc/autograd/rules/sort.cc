// Sorting: each gradient goes back to where its element came from.
#include "autograd/rules/ops.h"

namespace dovetail::autograd::rules {

void declare_sort() {
  enum { self, dim };
  for (const char* op : {"sort", "sort_first", "select_rank"}) {
    vjp(op, self, saves(result_at(1)),
        [](Ctx& c) { return scatter(zeros(c.shape(self)), c.value(dim), c[result_at(1)], c.g()); });
    jvp(op, [](Ctx& c) {
      if (c.ndim(self) == 0) return tangents(c.t(self));
      return tangents(gather(c.t(self), c.value(dim), c[result_at(1)]));
    });
  }
}

}  // namespace dovetail::autograd::rules
