// Views, and copies in which a view is replaced.
#include <algorithm>

#include "autograd/rules/ops.h"
#include "autograd/strided.h"

namespace dovetail::autograd::rules {

namespace {

enum { self };

Tensor reshaped_back(Ctx& c) { return reshape(c.g(), c.sizes(self)); }

// ---- order of dims --------------------------------------------------------------------------------------

Tensor permute_self(Ctx& c) {
  const Ints dims = c.ints(1);
  std::vector<int64_t> inverse(dims.count);
  for (int i = 0; i < dims.count; ++i) inverse[dims[i] < 0 ? dims[i] + dims.count : dims[i]] = i;
  return permute(c.g(), inverse);
}

void declare_orders() {
  for (const char* op : {"view", "reshape", "flatten", "squeeze", "unsqueeze"}) vjp(op, self, reshaped_back);
  vjp("alias", self, same);
  vjp("expand", self, same);  // the engine sums
  vjp("permute", self, permute_self);
  vjp("transpose", self, [](Ctx& c) { return transpose(c.g(), c.integer(1), c.integer(2)); });
  vjp("flip_view", self, [](Ctx& c) { return flip_view(c.g(), c.ints(1)); });
  for (const char* op :
       {"view", "reshape", "flatten", "squeeze", "unsqueeze", "alias", "expand", "permute", "transpose", "flip_view"})
    linear(op, saves(self));
}

// ---- parts ----------------------------------------------------------------------------------------------

Tensor select_self(Ctx& c) {
  const int64_t dim = c.integer(1), index = c.integer(2);
  return placed(
      c.shape(self), c.g(), [&](const Tensor& t) { return select(t, dim, index); },
      [&](const Tensor& t) { return select_scatter(t, c.g(), dim, index); });
}

Tensor slice_self(Ctx& c) {
  return placed(
      c.shape(self), c.g(), [&](const Tensor& t) { return slice(t, c.value(1), c.value(2), c.value(3), c.value(4)); },
      [&](const Tensor& t) { return slice_scatter(t, c.g(), c.value(1), c.value(2), c.value(3), c.value(4)); });
}

Tensor diagonal_self(Ctx& c) {
  return placed(
      c.shape(self), c.g(), [&](const Tensor& t) { return diagonal(t, c.value(1), c.value(2), c.value(3)); },
      [&](const Tensor& t) { return diagonal_scatter(t, c.g(), c.value(1), c.value(2), c.value(3)); });
}

// Windows overlap, so each element's gradients are added up at its place along the dim.
Tensor unfold_self(Ctx& c) {
  const int ndim = c.ndim(self), dim = c.dim(1, ndim);
  const int64_t size = c.integer(2), step = c.integer(3);
  if (ndim == 0) return size ? reshape(c.g(), c.sizes(self)) : zeros(c.shape(self));
  const Tensor places = arange(0, c.size(self, dim), 1, DType{DT_INT64}, c.shape(self).device);
  const std::vector<int64_t> all = {-1};
  const Tensor index = reshape(unfold(places, 0, size, step), all);
  // (..., windows, ..., size) -> (..., windows * size, ...)
  std::vector<int64_t> order;
  for (int i = 0; i < ndim; ++i) {
    order.push_back(i);
    if (i == dim) order.push_back(ndim);
  }
  std::vector<int64_t> sizes = c.sizes(self).vector();
  sizes[dim] = index.numel();
  return index_add(zeros(c.shape(self)), dim, index, reshape(permute(c.g(), order), sizes));
}

// Where the elements of self are, which the node keeps, and those of the view that arguments `at` and following give.
Geometry own_geometry(Ctx& c) { return {c.sizes(self).vector(), c.strides(self).vector(), c.offset(self)}; }
Geometry part_geometry(Ctx& c, int at) {
  return {c.ints(at).vector(), c.ints(at + 1).vector(), c.given(at + 2) ? c.integer(at + 2) : c.offset(self)};
}

// Gradients go to their places in memory, and those of self are read there.
Tensor as_strided_self(Ctx& c) {
  const Geometry in = own_geometry(c), out = part_geometry(c, 1);
  if (in.numel() == 0) return zeros(c.shape(self));
  const Memory memory(c.g(), out, in);
  if (!in.overlaps_itself()) return memory.read(in);
  // Elements of self that share a place share its gradient.
  const Tensor shared = Memory(ones_like(memory.read(in)), in, out).read(in);
  return memory.read(in) / shared;
}

void declare_parts() {
  vjp("select", self, select_self);
  vjp("slice", self, slice_self);
  vjp("diagonal", self, diagonal_self);
  vjp("unfold", self, unfold_self);
  vjp("as_strided", self, as_strided_self);
  keeps_geometry("as_strided");
  for (const char* op : {"select", "slice", "diagonal", "unfold"}) linear(op, saves(self));
  // The tangent need not lie in memory as its tensor does.
  jvp("as_strided", [](Ctx& c) {
    const Geometry in = own_geometry(c), out = part_geometry(c, 1);
    return tangents(Memory(c.t(self), in, out).read(out));
  });
}

// ---- lists ----------------------------------------------------------------------------------------------

void split_all(Ctx& c) {
  const int n = c.node().n_outputs();
  if (n == 0) return;
  std::vector<Tensor> parts;
  for (int i = 0; i < n; ++i) parts.push_back(c.g(i));
  c.give(self, cat(parts, c.dim(2, c.ndim(self))));
}

void unbind_all(Ctx& c) {
  const int n = c.node().n_outputs(), dim = c.dim(1, c.ndim(self));
  if (n == 0) return;
  std::vector<Tensor> parts;
  for (int i = 0; i < n; ++i) parts.push_back(unsqueeze(c.g(i), dim));
  c.give(self, cat(parts, dim));
}

// ---- replaced parts -------------------------------------------------------------------------------------

void declare_scatters() {
  enum { self, src };
  vjp("select_scatter", self, [](Ctx& c) {
    return select_scatter(c.g(), zeros_like(select(c.g(), c.value(2), c.value(3))), c.value(2), c.value(3));
  });
  vjp("select_scatter", src, [](Ctx& c) { return select(c.g(), c.value(2), c.value(3)); });
  vjp("slice_scatter", self, [](Ctx& c) {
    const Tensor part = slice(c.g(), c.value(2), c.value(3), c.value(4), c.value(5));
    return slice_scatter(c.g(), zeros_like(part), c.value(2), c.value(3), c.value(4), c.value(5));
  });
  vjp("slice_scatter", src, [](Ctx& c) { return slice(c.g(), c.value(2), c.value(3), c.value(4), c.value(5)); });
  vjp("diagonal_scatter", self, [](Ctx& c) {
    const Tensor part = diagonal(c.g(), c.value(2), c.value(3), c.value(4));
    return diagonal_scatter(c.g(), zeros_like(part), c.value(2), c.value(3), c.value(4));
  });
  vjp("diagonal_scatter", src, [](Ctx& c) { return diagonal(c.g(), c.value(2), c.value(3), c.value(4)); });
  // The result is laid out like self; a part may also reach memory that self does not show.
  vjp("as_strided_scatter", self, [](Ctx& c) {
    const Geometry in = own_geometry(c), part = part_geometry(c, 2);
    Memory memory(c.g(), in, part);
    memory.write(part, zeros_like(memory.read(part)), false);
    return memory.read(in);
  });
  vjp("as_strided_scatter", src, [](Ctx& c) {
    const Geometry part = part_geometry(c, 2);
    return Memory(c.g(), own_geometry(c), part).read(part);
  });
  keeps_geometry("as_strided_scatter");
  jvp("as_strided_scatter", [](Ctx& c) {
    const Geometry in = own_geometry(c), part = part_geometry(c, 2);
    Memory memory(c.t(self) ? c.t(self) : zeros(c.shape(self)), in, part);
    memory.write(part, c.t(src) ? c.t(src) : zeros(c.shape(src)), false);
    return tangents(memory.read(in));
  });
  for (const char* op : {"select_scatter", "slice_scatter", "diagonal_scatter"}) linear(op, saves(self, src));
}

}  // namespace

void declare_view() {
  declare_orders();
  declare_parts();
  for (const char* op : {"split", "chunk", "split_with_sizes"}) vjp_joint(op, saves(), split_all);
  vjp_joint("unbind", saves(), unbind_all);
  for (const char* op : {"split", "chunk", "split_with_sizes", "unbind"}) linear(op, saves(self));
  declare_scatters();
}

}  // namespace dovetail::autograd::rules
