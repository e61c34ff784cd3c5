// Complex numbers and their parts. A rule whose output is complex gets the conjugate of the gradient and gives
// conjugates (see OpNode::apply_conjugated); parts are no analytic functions, so these say what follows from it.
#include "autograd/rules/ops.h"

namespace dovetail::autograd::rules {

namespace {

enum { self, other };

const Op view_as_real{"view_as_real"}, view_as_complex{"view_as_complex"};

bool of_complex(Ctx& c) { return dt::is_complex(c.shape(self).dtype); }

}  // namespace

void declare_complex() {
  vjp("conj_physical", self, [](Ctx& c) { return conj_physical(c.g()); });
  vjp("real", self, [](Ctx& c) { return of_complex(c) ? complex(c.g(), zeros_like(c.g())) : c.g(); });
  vjp("imag", self, [](Ctx& c) { return complex(zeros_like(c.g()), c.g()); });
  vjp("view_as_real", self, [](Ctx& c) { return view_as_complex(contiguous(c.g())); });
  vjp("view_as_complex", self, [](Ctx& c) { return view_as_real(conj_physical(c.g())); });
  vjp("complex", self, [](Ctx& c) { return real(c.g()); });
  vjp("complex", other, [](Ctx& c) { return -imag(c.g()); });
  for (const char* op : {"conj_physical", "real", "imag", "view_as_real", "view_as_complex"}) linear(op, saves(self));
  linear("complex", saves(self, other));
}

}  // namespace dovetail::autograd::rules
