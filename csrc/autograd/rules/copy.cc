// Copies and fills. A dtype or device that changed is changed back by the engine.
#include "autograd/rules/ops.h"

namespace dovetail::autograd::rules {

void declare_copy() {
  enum { self, src };
  vjp("copy", self, zero);
  vjp("copy", src, same);
  vjp("fill", self, zero);
  vjp("fill", src, [](Ctx& c) { return sum(c.g()); });
  linear("fill", saves(src));
  for (const char* op : {"clone", "cast", "to_device", "contiguous"}) {
    vjp(op, self, same);
    linear(op, saves(self));
  }
}

}  // namespace dovetail::autograd::rules
