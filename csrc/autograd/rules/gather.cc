// Reading from and writing to places that an index names; joining and padding.
#include <cstring>

#include "autograd/rules/ops.h"

namespace dovetail::autograd::rules {

namespace {

// ---- along a dim ----------------------------------------------------------------------------------------

void declare_reads() {
  enum { self, dim, index };
  vjp("gather", self, saves(index),
      [](Ctx& c) { return scatter_add(zeros(c.shape(self)), c.value(dim), c[index], c.g()); });
  vjp("index_select", self, saves(index),
      [](Ctx& c) { return index_add(zeros(c.shape(self)), c.value(dim), c[index], c.g()); });
  linear("gather", saves(self));
  linear("index_select", saves(self));
}

enum { self, dim, index_at, src };

// A gradient of index's shape, for src, which may be larger: the rest of it was not used.
Tensor padded(Ctx& c, const Tensor& g) {
  const Ints had = c.sizes(src), has = g.sizes();
  if (had == has || had.count != has.count) return g;
  std::vector<int64_t> pad;
  for (int i = had.count - 1; i >= 0; --i) {
    pad.push_back(0);
    pad.push_back(had[i] - has[i]);
  }
  return constant_pad_nd(g, pad);
}

// What g holds at the places that were written from src.
Tensor taken_from(Ctx& c, const Tensor& g) { return padded(c, gather(g, c.value(dim), c[index_at])); }

// g with zeros where the index writes.
Tensor erased(Ctx& c, const Tensor& g) { return scatter(g, c.value(dim), c[index_at], number(0)); }

void declare_writes() {
  vjp("scatter", self, saves(index_at), [](Ctx& c) { return erased(c, c.g()); });
  vjp("scatter", src, saves(index_at), [](Ctx& c) { return taken_from(c, c.g()); });
  vjp("scatter_add", self, same);
  vjp("scatter_add", src, saves(index_at), [](Ctx& c) { return taken_from(c, c.g()); });
  for (const char* op : {"scatter", "scatter_add", "index_add"}) linear(op, saves(self, src));
  constexpr int alpha = src + 1;
  vjp("index_add", self, same);
  vjp("index_add", src, saves(index_at), [](Ctx& c) {
    const Tensor g = scaled(c, index_select(c.g(), c.value(dim), c[index_at]), alpha);
    return reshape(g, c.sizes(src));
  });
}

// ---- scatter_reduce -------------------------------------------------------------------------------------

constexpr int reduce = src + 1, include_self = src + 2;

// The part of src that is written: its leading corner of index's shape.
Tensor written(Ctx& c) {
  Tensor part = c[src];
  const Ints had = part.sizes();
  const Tensor index = c[index_at];
  const Ints wanted = index.sizes();
  for (int i = 0; i < wanted.count && i < had.count; ++i)
    if (had[i] != wanted[i]) part = slice(part, i, 0, wanted[i]);
  return part;
}

// self without what the reduction leaves out of account.
void give_self(Ctx& c, const Tensor& g) {
  if (c.needs(self)) c.give(self, c.flag(include_self) ? g : erased(c, g));
}

void mean_shares(Ctx& c) {
  const Tensor ones = ones_like(c[index_at], DType{c.shape(self).dtype});
  const Tensor start = c.flag(include_self) ? ones_like(c.g()) : zeros_like(c.g());
  const Tensor count = scatter_add(start, c.value(dim), c[index_at], ones);
  const Tensor share = c.g() / masked_fill(count, eq(count, number(0)), number(1));
  give_self(c, share);
  if (c.needs(src)) c.give(src, taken_from(c, share));
}

// All that equal the extreme share its gradient.
void extreme_shares(Ctx& c) {
  const DType dtype{c.shape(self).dtype};
  const Tensor d = c[index_at];
  Tensor self_is = cast(eq(c[self], c[result]), dtype);
  if (!c.flag(include_self)) self_is = erased(c, self_is);
  const Tensor src_is = cast(eq(written(c), gather(c[result], c.value(dim), d)), dtype);
  const Tensor count = scatter_add(self_is, c.value(dim), d, src_is);
  const Tensor share = c.g() / masked_fill(count, eq(count, number(0)), number(1));
  // What the index does not touch is its own extreme.
  if (c.needs(self)) c.give(self, share * self_is);
  if (c.needs(src)) c.give(src, padded(c, src_is * gather(share, c.value(dim), d)));
}

// d prod / d x is the product of the others: the product over x, or, for the only zero, that with one in its place.
void product_shares(Ctx& c) {
  const Tensor x = c[self], d = c[index_at], s = written(c);
  const bool with_self = c.flag(include_self);
  static const Op scatter_reduce{"scatter_reduce"};
  const auto product = [&](const Tensor& into, const Tensor& from) {
    return scatter_reduce(into, c.value(dim), d, from, "prod", with_self);
  };
  if (c.needs(self)) {
    const Tensor nonzero = masked_fill(x, eq(x, number(0)), number(1));
    give_self(c, c.g() * product(nonzero, s) / nonzero);
  }
  if (!c.needs(src)) return;
  const Tensor is_zero = eq(s, number(0));
  const Tensor zeros_there = scatter_add(zeros_like(x), c.value(dim), d, cast(is_zero, DType{c.shape(self).dtype}));
  const Tensor only_zero = logical_and(is_zero, eq(gather(zeros_there, c.value(dim), d), number(1)));
  const Tensor rest = gather(c.g() * product(x, masked_fill(s, only_zero, number(1))), c.value(dim), d);
  const Tensor usual = gather(c.g() * c[result], c.value(dim), d) / masked_fill(s, is_zero, number(1));
  c.give(src, padded(c, where(only_zero, rest, usual)));
}

void scatter_reduce_all(Ctx& c) {
  const char* how = c.string(reduce);
  if (std::strcmp(how, "sum") == 0) {
    give_self(c, c.g());
    if (c.needs(src)) c.give(src, taken_from(c, c.g()));
  } else if (std::strcmp(how, "mean") == 0) {
    mean_shares(c);
  } else if (std::strcmp(how, "prod") == 0) {
    product_shares(c);
  } else {
    extreme_shares(c);
  }
}

// ---- several dims ---------------------------------------------------------------------------------------

void declare_index() {
  enum { self, indices, values, accumulate };
  vjp("index", self, saves(indices),
      [](Ctx& c) { return index_put(zeros(c.shape(self)), c.list(indices), c.g(), true); });
  vjp("index_put", self, saves(indices), [](Ctx& c) {
    if (c.flag(accumulate)) return c.g();
    const int64_t* no_sizes = nullptr;
    return index_put(c.g(), c.list(indices), zeros({c.output().dtype, c.output().device, 0, no_sizes}));
  });
  linear("index", saves(self));
  linear("index_put", saves(self, values));
  vjp("index_put", values, saves(indices), [](Ctx& c) { return index(c.g(), c.list(indices)); });
}

// ---- joining and padding --------------------------------------------------------------------------------

void cat_all(Ctx& c) {
  enum { tensors, dim };
  const int d = c.dim(dim, c.output().ndim);
  int64_t at = 0;
  for (int k = 0; k < c.count(tensors); ++k) {
    const Shape shape = c.shape_in_list(tensors, k);
    if (shape.ndim != c.output().ndim) continue;  // an empty vector, which cat ignores
    const int64_t end = at + shape.sizes[d];
    if (c.needs(tensors, k)) c.give(tensors, k, slice(c.g(), d, at, end));
    at = end;
  }
}

// Taking the padding away is padding with the negative.
Tensor pad_self(Ctx& c) {
  std::vector<int64_t> back = c.ints(1).vector();
  for (int64_t& n : back) n = -n;
  return constant_pad_nd(c.g(), back);
}

}  // namespace

void declare_gather() {
  declare_reads();
  declare_writes();
  vjp_joint("scatter_reduce", saves(self, index_at, src, result), scatter_reduce_all);
  declare_index();
  vjp_joint("cat", saves(), cat_all);
  keeps_geometry("cat");
  linear("cat", saves(0));
  vjp("constant_pad_nd", self, pad_self);
  jvp("constant_pad_nd", [](Ctx& c) { return tangents(constant_pad_nd(c.t(self), c.value(1))); });
}

}  // namespace dovetail::autograd::rules
