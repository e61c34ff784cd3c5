// Matrix products.
#include "autograd/rules/ops.h"

namespace dovetail::autograd::rules {

namespace {

enum { self, other };

const Op linear_op{"linear"};

// The transpose of the last two dims.
Tensor t(const Tensor& x) { return transpose(x, -2, -1); }
// The rows of a matrix product as one matrix, whatever batch dims they had.
Tensor rows(const Tensor& x) {
  const Ints sizes = x.sizes();
  if (sizes.count == 2) return x;
  const int64_t columns = sizes.count ? sizes[sizes.count - 1] : 1;
  const std::vector<int64_t> folded = {columns ? x.numel() / columns : 0, columns};
  return reshape(x, folded);
}

Tensor outer(const Tensor& a, const Tensor& b) { return unsqueeze(a, 1) * unsqueeze(b, 0); }

void declare_products() {
  vjp("bmm", self, saves(other), [](Ctx& c) { return bmm(c.g(), t(c[other])); });
  vjp("bmm", other, saves(self), [](Ctx& c) { return bmm(t(c[self]), c.g()); });
  vjp("mm", self, saves(other), [](Ctx& c) { return mm(c.g(), t(c[other])); });
  vjp("mm", other, saves(self), [](Ctx& c) { return mm(t(c[self]), c.g()); });
  vjp("mv", self, saves(other), [](Ctx& c) { return outer(c.g(), c[other]); });
  vjp("mv", other, saves(self), [](Ctx& c) { return mv(t(c[self]), c.g()); });
  vjp("dot", self, saves(other), [](Ctx& c) { return c.g() * c[other]; });
  vjp("dot", other, saves(self), [](Ctx& c) { return c.g() * c[self]; });
  for (const char* op : {"bmm", "mm", "mv", "dot"}) multilinear(op, saves(self, other));
}

// The sum of the terms that there are.
void add_to(Tensor& sum, Tensor term) { sum = sum ? sum + term : std::move(term); }

void declare_addmm() {
  enum { self, mat1, mat2, beta, alpha };
  vjp("addmm", self, [](Ctx& c) { return scaled(c, c.g(), beta); });
  vjp("addmm", mat1, saves(mat2), [](Ctx& c) { return scaled(c, mm(c.g(), t(c[mat2])), alpha); });
  vjp("addmm", mat2, saves(mat1), [](Ctx& c) { return scaled(c, mm(t(c[mat1]), c.g()), alpha); });
  jvp("addmm", [](Ctx& c) {
    Tensor sum;
    if (c.t(self)) add_to(sum, scaled(c, c.t(self), beta));
    if (c.t(mat1)) add_to(sum, scaled(c, mm(c.t(mat1), c[mat2]), alpha));
    if (c.t(mat2)) add_to(sum, scaled(c, mm(c[mat1], c.t(mat2)), alpha));
    return tangents(sum);
  });
}

// A weight without rows stands for one row, which the result then has no dim for.
bool is_row(Ctx& c, int weight) { return c.ndim(weight) == 1; }

void declare_linear() {
  enum { input, weight, bias };
  vjp("linear", input, saves(weight), [](Ctx& c) {
    if (is_row(c, weight)) return unsqueeze(c.g(), -1) * c[weight];
    const Tensor grad = mm(rows(c.g()), c[weight]);
    return c.ndim(input) == 2 ? grad : reshape(grad, c.sizes(input));
  });
  vjp("linear", weight, saves(input), [](Ctx& c) {
    if (is_row(c, weight)) return mv(t(rows(c[input])), reshape(c.g(), std::vector<int64_t>{-1}));
    return mm(t(rows(c.g())), rows(c[input]));
  });
  vjp("linear", bias, same);  // the engine sums
  jvp("linear", [](Ctx& c) {
    Tensor sum;
    if (c.t(input)) add_to(sum, linear_op(c.t(input), c[weight]));
    if (c.t(weight)) add_to(sum, linear_op(c[input], c.t(weight)));
    if (c.t(bias)) add_to(sum, c.t(bias));
    return tangents(sum);
  });
}

}  // namespace

void declare_contract() {
  declare_products();
  declare_addmm();
  declare_linear();
}

}  // namespace dovetail::autograd::rules
