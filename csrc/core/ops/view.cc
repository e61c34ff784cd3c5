// Views: other geometry over the same memory. Strides follow PyTorch's rules; those of slices may be negative.
#include <algorithm>

#include "core/ops/compose.h"
#include "core/ops/geometry.h"

namespace dovetail {

namespace {

void check_dims(const char* who, int ndim) {
  if (ndim > DT_MAX_DIMS) value_error(who, ": ", ndim, " dims are more than the ", DT_MAX_DIMS, " there may be");
}

// ---- shape ----------------------------------------------------------------------------------------------

Tensor view_view(const Arguments& call) {
  TensorImpl& self = call.tensor(0);
  const dt_value& size = call.args[1];
  check_dims(call.name(), size.count);
  ViewGeometry g;
  g.ndim = size.count;
  g.offset = self.offset;
  resolve_sizes(call.name(), self, size.count, size.as.ints, g.sizes);
  if (!view_strides(self, g.ndim, g.sizes, g.strides))
    value_error(call.name(), ": a tensor of shape ", shape_text(self), " and strides ",
                shape_text(self.ndim, self.strides()), " can't be viewed as ", shape_text(g.ndim, g.sizes),
                " without a copy; use reshape()");
  return g.over(self);
}

Tensor as_strided_view(const Arguments& call) {
  TensorImpl& self = call.tensor(0);
  const dt_value &size = call.args[1], &stride = call.args[2];
  if (size.count != stride.count)
    value_error(call.name(), ": size and stride must have the same length, got ", ints_text(size), " and ",
                ints_text(stride));
  check_dims(call.name(), size.count);
  ViewGeometry g;
  g.offset = call.given(3) ? call.integer(3) : self.offset;
  int64_t low = g.offset, high = g.offset, numel = 1;
  bool overflow = false;
  for (int i = 0; i < size.count; ++i) {
    if (size.as.ints[i] < 0) value_error(call.name(), ": size must not be negative, got ", ints_text(size));
    g.push(size.as.ints[i], stride.as.ints[i]);
    overflow |= __builtin_mul_overflow(numel, g.sizes[i], &numel);
    int64_t span = 0;
    overflow |= __builtin_mul_overflow(g.sizes[i] - 1, g.strides[i], &span);
    int64_t& end = span < 0 ? low : high;
    overflow |= __builtin_add_overflow(end, span, &end);
  }
  const int64_t room = static_cast<int64_t>(self.storage->bytes) / itemsize(self.dtype);
  const bool empty = std::find(g.sizes, g.sizes + g.ndim, 0) != g.sizes + g.ndim;
  const bool shell = self.bits & DT_BIT_SHELL;  // has no storage to leave; the layer that has its value checks
  if (!shell && (empty ? g.offset < 0 || g.offset > room : overflow || low < 0 || high >= room))
    value_error(call.name(), ": size ", ints_text(size), " with stride ", ints_text(stride), " from offset ", g.offset,
                " reaches out of the storage, which holds ", room, " elements");
  return g.over(self);
}

Tensor expand_view(const Arguments& call) {
  TensorImpl& self = call.tensor(0);
  const dt_value& size = call.args[1];
  const auto refuse = [&](const char* why) {
    value_error(call.name(), ": a tensor of shape ", shape_text(self), " can't be expanded to ", ints_text(size), ": ",
                why);
  };
  check_dims(call.name(), size.count);
  const int added = size.count - self.ndim;
  if (added < 0) refuse("it has more dims than that");
  ViewGeometry g;
  g.offset = self.offset;
  for (int i = 0; i < size.count; ++i) {
    const int64_t wanted = size.as.ints[i];
    if (i < added) {
      if (wanted < 0) refuse("a new dim needs a size");
      g.push(wanted, 0);
      continue;
    }
    const int64_t had = self.size(i - added);
    if (wanted == -1 || wanted == had) {
      g.push(had, self.stride(i - added));
    } else {
      if (wanted < 0) refuse("sizes must not be negative");
      if (had != 1) refuse("only dims of size 1 grow");
      g.push(wanted, 0);
    }
  }
  return g.over(self);
}

static_assert(DT_MAX_DIMS <= 64, "dims are the bits of a word");
[[noreturn]] void appears_twice(const Arguments& call, int dim) {
  value_error(call.name(), ": dim ", dim, " appears twice in ", ints_text(call.args[1]));
}

// The i-th of the dims that are given; those seen before must not be there again.
inline int distinct_dim(const Arguments& call, int i, uint64_t* seen) {
  const dt_value& dims = call.args[1];
  const int dim = wrap_dim(call.name(), dims.as.ints[i], call.tensor(0).ndim);
  const uint64_t bit = uint64_t{1} << dim;
  if (__builtin_expect(*seen & bit, 0)) appears_twice(call, dim);
  *seen |= bit;
  return dim;
}

Tensor squeeze_view(const Arguments& call) {
  TensorImpl& self = call.tensor(0);
  uint64_t chosen = call.given(1) ? 0 : ~uint64_t{0};
  if (call.given(1))
    for (int i = 0; i < call.args[1].count; ++i) distinct_dim(call, i, &chosen);
  ViewGeometry g;
  g.offset = self.offset;
  for (int i = 0; i < self.ndim; ++i)
    if (!(chosen >> i & 1) || self.size(i) != 1) g.push(self.size(i), self.stride(i));
  return g.over(self);
}

Tensor unsqueeze_view(const Arguments& call) {
  TensorImpl& self = call.tensor(0);
  check_dims(call.name(), self.ndim + 1);
  const int dim = call.dim(1, self.ndim + 1);
  ViewGeometry g(self);
  g.insert(dim, 1, dim < self.ndim ? self.size(dim) * self.stride(dim) : 1);
  return g.over(self);
}

// ---- order of dims --------------------------------------------------------------------------------------

Tensor transpose_view(const Arguments& call) {
  TensorImpl& self = call.tensor(0);
  const int a = call.dim(1, self.ndim), b = call.dim(2, self.ndim);
  ViewGeometry g(self);
  if (self.ndim > 0) {
    std::swap(g.sizes[a], g.sizes[b]);
    std::swap(g.strides[a], g.strides[b]);
  }
  return g.over(self);
}

Tensor permute_view(const Arguments& call) {
  TensorImpl& self = call.tensor(0);
  const dt_value& dims = call.args[1];
  if (dims.count != self.ndim)
    value_error(call.name(), ": dims must name each of the ", self.ndim, " dims of shape ", shape_text(self), ", got ",
                ints_text(dims));
  uint64_t seen = 0;
  ViewGeometry g;
  g.offset = self.offset;
  for (int i = 0; i < dims.count; ++i) {
    const int dim = distinct_dim(call, i, &seen);
    g.push(self.size(dim), self.stride(dim));
  }
  return g.over(self);
}

// ---- parts ----------------------------------------------------------------------------------------------

Tensor select_view(const Arguments& call) {
  TensorImpl& self = call.tensor(0);
  if (self.ndim == 0) index_error(call.name(), ": a zero-dim tensor can't be indexed; use item() for its value");
  const int dim = call.dim(1, self.ndim);
  const int64_t index = call.integer(2), size = self.size(dim);
  if (index < -size || index >= size)
    index_error(call.name(), ": index ", index, " is out of range for dim ", dim, " of shape ", shape_text(self));
  ViewGeometry g(self);
  g.offset += (index < 0 ? index + size : index) * self.stride(dim);
  g.erase(dim);
  return g.over(self);
}

// Python's rule for a bound of a slice.
int64_t slice_bound(int64_t bound, int64_t size, bool backwards) {
  if (bound < 0) bound += size;
  if (bound < 0) return backwards ? -1 : 0;
  return std::min(bound, backwards ? size - 1 : size);
}

Tensor slice_view(const Arguments& call) {
  TensorImpl& self = call.tensor(0);
  if (self.ndim == 0) index_error(call.name(), ": a zero-dim tensor can't be sliced");
  const int dim = call.dim(1, self.ndim);
  const int64_t size = self.size(dim), step = call.integer(4);
  if (step == 0) value_error(call.name(), ": step must not be zero, got 0");
  const bool back = step < 0;
  const int64_t start = call.given(2) ? slice_bound(call.integer(2), size, back) : back ? size - 1 : 0;
  const int64_t end = call.given(3) ? slice_bound(call.integer(3), size, back) : back ? -1 : size;
  const int64_t span = back ? start - end : end - start;
  // step may be the smallest integer, whose negation there is not.
  const uint64_t pace = back ? 0 - static_cast<uint64_t>(step) : static_cast<uint64_t>(step);
  ViewGeometry g(self);
  const uint64_t last = static_cast<uint64_t>(span) - 1;  // a division takes as long as all the rest
  g.sizes[dim] = span <= 0 ? 0 : static_cast<int64_t>((pace == 1 ? last : last / pace) + 1);
  if (g.sizes[dim] > 0) g.offset += start * self.stride(dim);
  g.strides[dim] = g.sizes[dim] > 1 || pace <= static_cast<uint64_t>(size) ? self.stride(dim) * step : self.stride(dim);
  return g.over(self);
}

Tensor diagonal_view(const Arguments& call) {
  TensorImpl& self = call.tensor(0);
  if (self.ndim < 2) value_error(call.name(), ": self must have at least 2 dims, got shape ", shape_text(self));
  const int64_t offset = call.integer(1);
  const int dim1 = call.dim(2, self.ndim), dim2 = call.dim(3, self.ndim);
  if (dim1 == dim2) value_error(call.name(), ": dim1 and dim2 must differ, both are ", dim1);
  const int64_t rows = self.size(dim1), columns = self.size(dim2);
  // An offset beyond the tensor leaves nothing; clipping it keeps the sums below in range.
  const int64_t down = offset < 0 ? (offset < -rows ? rows : -offset) : 0,
                right = offset > 0 ? std::min(offset, columns) : 0;
  const int64_t size = std::max<int64_t>(std::min(rows - down, columns - right), 0);
  ViewGeometry g(self);
  if (size > 0) g.offset += down * self.stride(dim1) + right * self.stride(dim2);
  g.erase(std::max(dim1, dim2));
  g.erase(std::min(dim1, dim2));
  g.push(size, self.stride(dim1) + self.stride(dim2));
  return g.over(self);
}

Tensor unfold_view(const Arguments& call) {
  TensorImpl& self = call.tensor(0);
  check_dims(call.name(), self.ndim + 1);
  const int dim = call.dim(1, self.ndim);
  const int64_t size = call.integer(2), step = call.integer(3), had = self.ndim ? self.size(dim) : 1;
  if (size < 0 || size > had)
    value_error(call.name(), ": size must be from 0 to ", had, ", the size of dim ", dim, " of shape ",
                shape_text(self), ", got ", size);
  if (step <= 0) value_error(call.name(), ": step must be positive, got ", step);
  ViewGeometry g(self);
  const int64_t stride = self.ndim ? self.stride(dim) : 1;
  if (self.ndim > 0) {
    g.sizes[dim] = (had - size) / step + 1;
    g.strides[dim] = g.sizes[dim] > 1 ? stride * step : stride;
  }
  g.push(size, stride);
  return g.over(self);
}

Tensor flip_view(const Arguments& call) {
  TensorImpl& self = call.tensor(0);
  const dt_value& dims = call.args[1];
  uint64_t seen = 0;
  ViewGeometry g(self);
  for (int i = 0; i < dims.count; ++i) {
    const int dim = distinct_dim(call, i, &seen);
    if (self.ndim == 0 || self.numel == 0) continue;
    g.offset += (self.size(dim) - 1) * self.stride(dim);
    g.strides[dim] = -self.stride(dim);
  }
  return g.over(self);
}

Tensor detach_view(const Arguments& call) { return detach(&call.tensor(0)); }
Tensor alias_view(const Arguments& call) { return ViewGeometry(call.tensor(0)).over(call.tensor(0)); }

// ---- declarations ---------------------------------------------------------------------------------------

Declare op(const char* schema) { return Declare("view", schema); }

void declare_shape_views() {
  op("view(Tensor(a) self, int[] size) -> Tensor(a)")
      .view(view_view)
      .method()
      .internal()
      .doc(R"(The same elements in another shape, over the same memory.

Args:
    self: a tensor of any shape.
    size: the new shape, of as many elements; one size may be -1 and is then computed.

Raises ValueError where the strides don't allow it; reshape() then copies.

Example:
    >>> dt.arange(6).view(2, -1).tolist()
    [[0, 1, 2], [3, 4, 5]]
)");
  op("as_strided(Tensor(a) self, int[] size, int[] stride, int? storage_offset=None) -> Tensor(a)")
      .view(as_strided_view)
      .method()
      .doc(R"(A view of the tensor's storage with any sizes and strides.

    out[i, j, ...] = storage[storage_offset + i * stride[0] + j * stride[1] + ...]

Args:
    self: a tensor of any shape.
    size, stride: the sizes and strides, in elements.
    storage_offset: where to begin; by default where `self` begins.

Raises ValueError where an element would be outside the storage.

Example:
    >>> dt.as_strided(dt.arange(4), (3, 2), (1, 1)).tolist()
    [[0, 1], [1, 2], [2, 3]]
)");
  op("expand(Tensor(a) self, int[] size) -> Tensor(a)")
      .view(expand_view)
      .method()
      .internal()
      .doc(R"(Dims of size 1 repeated to larger ones, and new dims in front, without a copy.

Args:
    self: a tensor of any shape.
    size: the new shape; -1 keeps a size.

Example:
    >>> dt.tensor([[1], [2]]).expand(-1, 3).tolist()
    [[1, 1, 1], [2, 2, 2]]
)");
  op("squeeze(Tensor(a) self, int[]? dim=None) -> Tensor(a)")
      .view(squeeze_view)
      .method()
      .doc(R"(The tensor without its dims of size 1.

Args:
    self: a tensor of any shape.
    dim: the dim, or dims, to drop where they have size 1; None drops all such.

Example:
    >>> dt.squeeze(dt.tensor([[[1, 2]]])).tolist()
    [1, 2]
)");
  op("unsqueeze(Tensor(a) self, int dim) -> Tensor(a)")
      .view(unsqueeze_view)
      .method()
      .doc(R"(The tensor with a new dim of size 1.

Args:
    self: a tensor of any shape.
    dim: where the new dim shall be, in the result.

Example:
    >>> dt.unsqueeze(dt.tensor([1, 2]), 1).tolist()
    [[1], [2]]
)");
}

void declare_orders() {
  op("transpose(Tensor(a) self, int dim0, int dim1) -> Tensor(a)")
      .view(transpose_view)
      .method()
      .doc(R"(The tensor with two dims swapped.

Args:
    self: a tensor of any shape.
    dim0, dim1: the dims.

Example:
    >>> dt.transpose(dt.tensor([[1, 2], [3, 4]]), 0, 1).tolist()
    [[1, 3], [2, 4]]
)");
  op("permute(Tensor(a) self, int[] dims) -> Tensor(a)")
      .view(permute_view)
      .method()
      .doc(R"(The tensor with its dims in another order.

Args:
    self: a tensor of any shape.
    dims: every dim once, in the new order.

Example:
    >>> dt.permute(dt.zeros((2, 3, 4)), (2, 0, 1)).shape
    dovetail.Size([4, 2, 3])
)");
  op("flip_view(Tensor(a) self, int[] dims) -> Tensor(a)")
      .view(flip_view)
      .internal()
      .doc(R"(The tensor with some dims reversed, as a view with negative strides. `flip` is a copy of it.

Args:
    self: a tensor of any shape.
    dims: the dims to reverse.

Example:
    >>> dt._core.get_op("flip_view")(dt.tensor([1, 2, 3]), (0,)).tolist()
    [3, 2, 1]
)");
}

void declare_parts() {
  op("select(Tensor(a) self, int dim, int index) -> Tensor(a)")
      .view(select_view)
      .method()
      .doc(R"(One place along a dim, which falls away: `tensor[index]` for the first dim.

Args:
    self: a tensor of at least one dim.
    dim: the dim.
    index: the place; negative ones count from the end.

Example:
    >>> dt.select(dt.tensor([[1, 2], [3, 4]]), 1, 0).tolist()
    [1, 3]
)");
  op("slice(Tensor(a) self, int dim=0, int? start=None, int? end=None, int step=1) -> Tensor(a)")
      .view(slice_view)
      .method()
      .internal()
      .doc(R"(Every `step`-th place along a dim from `start` up to, and without, `end`, by Python's rules for slices.

Args:
    self: a tensor of at least one dim.
    dim: the dim.
    start, end: the bounds; negative ones count from the end, and those out of range are clipped.
    step: the distance; a negative one goes backwards.

Example:
    >>> dt.arange(5)[::-2].tolist()
    [4, 2, 0]
)");
  op("diagonal(Tensor(a) self, int offset=0, int dim1=0, int dim2=1) -> Tensor(a)")
      .view(diagonal_view)
      .method()
      .doc(R"(A diagonal of two dims, which becomes the last dim.

    out[..., i] = self[..., i, ..., i + offset, ...]

Args:
    self: a tensor of at least two dims.
    offset: which diagonal: 0 is the main one, positive ones are above it and negative ones below.
    dim1, dim2: the dims.

Example:
    >>> dt.diagonal(dt.tensor([[1, 2], [3, 4]])).tolist()
    [1, 4]
)");
  op("unfold(Tensor(a) self, int dimension, int size, int step) -> Tensor(a)")
      .view(unfold_view)
      .method()
      .internal()
      .doc(R"(Windows along a dim, which overlap where `step` is below `size`.

    out[..., i, ..., j] = self[..., i * step + j, ...]

Args:
    self: a tensor of any shape.
    dimension: the dim to slide along; it then counts the windows.
    size: the windows' size, which becomes the last dim.
    step: the distance between two windows.

Example:
    >>> dt.arange(4).unfold(0, 2, 1).tolist()
    [[0, 1], [1, 2], [2, 3]]
)");
}

void declare_same() {
  op("detach(Tensor(a) self) -> Tensor(a)")
      .view(detach_view)
      .method()
      .non_differentiable()
      .doc(R"(The same tensor, of which autograd knows nothing.

Args:
    self: a tensor of any shape; the result shares its memory.

Example:
    >>> dt.detach(dt.tensor([1.0])).tolist()
    [1.0]
)");
  op("alias(Tensor(a) self) -> Tensor(a)").view(alias_view).internal().doc(R"(A view of the whole tensor.

Args:
    self: a tensor of any shape.

Example:
    >>> dt._core.get_op("alias")(dt.tensor([1, 2])).tolist()
    [1, 2]
)");
}

}  // namespace

void declare_view() {
  declare_shape_views();
  declare_orders();
  declare_parts();
  declare_same();
}

}  // namespace dovetail
