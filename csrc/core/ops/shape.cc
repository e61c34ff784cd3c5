// Ops over views: reshape, splitting, and writing into a part of a copy.
#include "core/ops/compose.h"
#include "core/ops/geometry.h"

namespace dovetail {

namespace {

Declare op(const char* schema) { return Declare("shape", schema); }

const Callee view("view"), clone("clone"), contiguous("contiguous"), slice("slice"), select("select"),
    diagonal("diagonal"), as_strided("as_strided");

// ---- reshape --------------------------------------------------------------------------------------------

Tensor reshaped(const char* who, const Tensor& self, int ndim, const int64_t* shape) {
  if (ndim > DT_MAX_DIMS) value_error(who, ": ", ndim, " dims are more than the ", DT_MAX_DIMS, " there may be");
  int64_t sizes[DT_MAX_DIMS], strides[DT_MAX_DIMS];
  resolve_sizes(who, *self, ndim, shape, sizes);
  const dt_value size = box_ints(sizes, ndim);
  if (!view_strides(*self, ndim, sizes, strides)) return view(contiguous(self), size);
  return no_layer_acts(*self) ? make_view(self.get(), ndim, sizes, strides, self->offset) : view(self, size);
}

void reshape_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  give(outs[0], reshaped(op.name().c_str(), tensor(args[0]), args[1].count, args[1].as.ints));
}

void flatten_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Tensor self = tensor(args[0]);
  const char* who = op.name().c_str();
  const int start = wrap_dim(who, args[1].as.i, self->ndim), end = wrap_dim(who, args[2].as.i, self->ndim);
  if (start > end) value_error(who, ": start_dim ", start, " comes after end_dim ", end);
  if (self->ndim > 0 && start == end) return give(outs[0], self);
  std::vector<int64_t> shape(self->sizes(), self->sizes() + std::min(start, self->ndim));
  int64_t folded = 1;
  for (int i = start; i <= end && i < self->ndim; ++i) folded *= self->size(i);
  shape.push_back(folded);
  for (int i = end + 1; i < self->ndim; ++i) shape.push_back(self->size(i));
  give(outs[0], reshaped(who, self, static_cast<int>(shape.size()), shape.data()));
}

void unflatten_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Tensor self = tensor(args[0]);
  const char* who = op.name().c_str();
  if (self->ndim == 0) value_error(who, ": a zero-dim tensor has no dim to split");
  const int dim = wrap_dim(who, args[1].as.i, self->ndim);
  const int64_t size = self->size(dim), *sizes = args[2].as.ints, count = args[2].count;
  if (count == 0) value_error(who, ": sizes must not be empty");
  std::vector<int64_t> shape(self->sizes(), self->sizes() + dim);
  int64_t known = 1, *missing = nullptr;
  bool fits = true;
  shape.reserve(static_cast<size_t>(self->ndim + count));
  for (int64_t i = 0; i < count && fits; ++i) {
    shape.push_back(sizes[i]);
    if (sizes[i] == -1) {
      fits = !missing;
      missing = &shape.back();
    } else {
      fits = sizes[i] >= 0 && !__builtin_mul_overflow(known, sizes[i], &known);
    }
  }
  if (fits && missing) fits = known != 0 && size % known == 0;
  if (fits && missing) *missing = size / known;
  if (!fits || (!missing && known != size))
    value_error(who, ": sizes ", ints_text(args[2]), " do not multiply to ", size, ", the size of dim ", dim,
                " of shape ", shape_text(*self));
  shape.insert(shape.end(), self->sizes() + dim + 1, self->sizes() + self->ndim);
  give(outs[0], reshaped(who, self, static_cast<int>(shape.size()), shape.data()));
}

// ---- splitting ------------------------------------------------------------------------------------------

void split_with_sizes_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Tensor self = tensor(args[0]);
  const char* who = op.name().c_str();
  if (self->ndim == 0) value_error(who, ": a zero-dim tensor can't be split");
  const int dim = wrap_dim(who, args[2].as.i, self->ndim);
  const dt_value& sizes = args[1];
  int64_t left = self->size(dim);
  for (int i = 0; i < sizes.count; ++i) {
    if (sizes.as.ints[i] < 0) value_error(who, ": split_sizes must not be negative, got ", ints_text(sizes));
    left -= std::min(sizes.as.ints[i], left + 1);  // never far below zero: no overflow
    if (left < 0) break;
  }
  if (left != 0)
    value_error(who, ": split_sizes must add up to ", self->size(dim), ", the size of dim ", dim, " of shape ",
                shape_text(*self), ", got ", ints_text(sizes));
  std::vector<Tensor> parts;
  int64_t at = 0;
  for (int i = 0; i < sizes.count; ++i) {
    parts.push_back(slice(self, dim, at, at + sizes.as.ints[i]));
    at += sizes.as.ints[i];
  }
  give_list(outs[0], std::move(parts));
}

constexpr int64_t kMostParts = 1 << 24;  // more views than anyone means

// Parts of one size along a dim, the last of what is left.
void give_parts(dt_value& out, const char* who, const Tensor& self, int dim, int64_t part) {
  const int64_t size = self->size(dim);
  if (part > 0 && size / part > kMostParts)
    value_error(who, ": parts of ", part, " along a dim of ", size, " are too many views to make");
  std::vector<Tensor> parts;
  int64_t at = 0;
  do {
    const int64_t end = at + std::min(part, size - at);
    parts.push_back(slice(self, dim, at, end));
    at = end;
  } while (at < size);
  give_list(out, std::move(parts));
}

void split_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Tensor self = tensor(args[0]);
  const char* who = op.name().c_str();
  const int64_t part = args[1].as.i;
  if (self->ndim == 0) value_error(who, ": a zero-dim tensor can't be split");
  const int dim = wrap_dim(who, args[2].as.i, self->ndim);
  if (part < 0 || (part == 0 && self->size(dim) > 0)) value_error(who, ": split_size must be positive, got ", part);
  give_parts(outs[0], who, self, dim, part);
}

void chunk_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Tensor self = tensor(args[0]);
  const char* who = op.name().c_str();
  const int64_t chunks = args[1].as.i;
  if (chunks < 1) value_error(who, ": chunks must be positive, got ", chunks);
  if (self->ndim == 0) value_error(who, ": a zero-dim tensor can't be split");
  const int dim = wrap_dim(who, args[2].as.i, self->ndim);
  const int64_t size = self->size(dim);
  if (size > 0) return give_parts(outs[0], who, self, dim, (size - 1) / chunks + 1);
  if (chunks > kMostParts) value_error(who, ": ", chunks, " chunks are too many views to make");
  std::vector<Tensor> parts;
  for (int64_t i = 0; i < chunks; ++i) parts.push_back(slice(self, dim, 0, 0));
  give_list(outs[0], std::move(parts));
}

void unbind_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Tensor self = tensor(args[0]);
  const char* who = op.name().c_str();
  if (self->ndim == 0) index_error(who, ": a zero-dim tensor has no dim to unbind");
  const int dim = wrap_dim(who, args[1].as.i, self->ndim);
  if (self->size(dim) > kMostParts)
    value_error(who, ": dim ", dim, " of shape ", shape_text(*self), " has too many places to make views of");
  std::vector<Tensor> parts;
  for (int64_t i = 0; i < self->size(dim); ++i) parts.push_back(select(self, dim, i));
  give_list(outs[0], std::move(parts));
}

// ---- writing into a part --------------------------------------------------------------------------------

// Write src into a view of the copy; no broadcasting, so that a wrong part is noticed.
void scatter_into(const Op& op, dt_value& out, const Tensor& copy, const Tensor& part, const Tensor& src) {
  if (src->ndim != part->ndim || !std::equal(src->sizes(), src->sizes() + src->ndim, part->sizes()))
    value_error(op.name(), ": src must have the shape of the part it replaces, ", shape_text(*part), ", got ",
                shape_text(*src));
  write_into(part, src);
  give(out, copy);
}

void slice_scatter_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Tensor copy = clone(tensor(args[0]));
  scatter_into(op, outs[0], copy, slice(copy, args[2], args[3], args[4], args[5]), tensor(args[1]));
}

void select_scatter_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Tensor copy = clone(tensor(args[0]));
  scatter_into(op, outs[0], copy, select(copy, args[2], args[3]), tensor(args[1]));
}

void diagonal_scatter_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Tensor copy = clone(tensor(args[0]));
  scatter_into(op, outs[0], copy, diagonal(copy, args[2], args[3], args[4]), tensor(args[1]));
}

// What as_strided() shows is a matter of the storage, so the copy is of all of it.
void as_strided_scatter_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Tensor self = tensor(args[0]);
  const std::vector<int64_t> room{static_cast<int64_t>(self->storage->bytes) / itemsize(self->dtype)}, step{1};
  const Tensor storage = clone(as_strided(self, room, step, 0));
  const Tensor copy =
      as_strided(storage, box_ints(self->sizes(), self->ndim), box_ints(self->strides(), self->ndim), self->offset);
  const dt_value offset = given(args[4]) ? args[4] : box_int(self->offset);
  scatter_into(op, outs[0], copy, as_strided(storage, args[2], args[3], offset), tensor(args[1]));
}

// ---- declarations ---------------------------------------------------------------------------------------

void declare_reshapes() {
  op("reshape(Tensor self, int[] shape) -> Tensor")
      .composite(reshape_op)
      .method()
      .doc(R"(The same elements in another shape: a view where the strides allow it, else a copy.

Args:
    self: a tensor of any shape.
    shape: the new shape, of as many elements; one size may be -1 and is then computed.

Example:
    >>> dt.reshape(dt.arange(4), (2, 2)).tolist()
    [[0, 1], [2, 3]]
)");
  op("flatten(Tensor self, int start_dim=0, int end_dim=-1) -> Tensor")
      .composite(flatten_op)
      .method()
      .doc(R"(A range of dims folded into one; a zero-dim tensor becomes one of shape (1,).

Args:
    self: a tensor of any shape.
    start_dim, end_dim: the first and the last dim of the range.

Example:
    >>> dt.flatten(dt.tensor([[1, 2], [3, 4]])).tolist()
    [1, 2, 3, 4]
)");
}

void declare_unflatten() {
  op("unflatten(Tensor self, int dim, int[] sizes) -> Tensor")
      .composite(unflatten_op)
      .method()
      .doc(R"(Split a dim into several. The inverse of `dt.flatten`.

Args:
    self: a tensor of at least one dim.
    dim: the dim.
    sizes: those of the new dims, which multiply to the dim's; one may be -1 and is then computed.

Raises:
    ValueError: the sizes do not multiply to the dim's.

Example:
    >>> dt.unflatten(dt.zeros(2, 6), 1, (2, -1)).shape
    dovetail.Size([2, 2, 3])
)");
}

void declare_splits() {
  op("split_with_sizes(Tensor self, int[] split_sizes, int dim=0) -> Tensor[]")
      .composite(split_with_sizes_op)
      .method()
      .doc(R"(Views of consecutive parts of a dim.

Args:
    self: a tensor of at least one dim.
    split_sizes: the parts' sizes, which add up to the dim's.
    dim: the dim.

Example:
    >>> [part.tolist() for part in dt.split_with_sizes(dt.arange(4), (1, 3))]
    [[0], [1, 2, 3]]
)");
  op("split(Tensor(a) self, int split_size, int dim=0) -> Tensor(a)[]")
      .composite(split_op)
      .doc(R"(Views of consecutive parts along a dim, each of `split_size`, the last of what is left.

Args:
    self: a tensor of at least one dim.
    split_size: the size of each part.
    dim: the dim.

Example:
    >>> [part.tolist() for part in dt.split(dt.arange(5), 2)]
    [[0, 1], [2, 3], [4]]
)");
  op("chunk(Tensor(a) self, int chunks, int dim=0) -> Tensor(a)[]")
      .composite(chunk_op)
      .method()
      .doc(R"(Views of up to `chunks` consecutive parts along a dim, all of one size but the last.

There may be fewer; `dt.tensor_split` always gives as many as asked.

Args:
    self: a tensor of at least one dim.
    chunks: how many parts there are at most.
    dim: the dim.

Example:
    >>> [part.tolist() for part in dt.chunk(dt.arange(5), 3)]
    [[0, 1], [2, 3], [4]]
)");
  op("unbind(Tensor self, int dim=0) -> Tensor[]")
      .composite(unbind_op)
      .method()
      .doc(R"(Views of every place along a dim, which falls away.

Args:
    self: a tensor of at least one dim.
    dim: the dim.

Example:
    >>> [part.tolist() for part in dt.unbind(dt.tensor([[1, 2], [3, 4]]))]
    [[1, 2], [3, 4]]
)");
}

void declare_scatters() {
  op("slice_scatter(Tensor self, Tensor src, int dim=0, int? start=None, int? end=None, int step=1) -> Tensor")
      .composite(slice_scatter_op)
      .method()
      .out()
      .doc(R"(A copy of the tensor in which a slice is replaced.

Args:
    self: a tensor of at least one dim.
    src: what to put there, of the slice's shape.
    dim, start, end, step: the slice, by Python's rules.

Example:
    >>> dt.slice_scatter(dt.zeros(4), dt.ones(2), 0, 1, 3).tolist()
    [0.0, 1.0, 1.0, 0.0]
)");
  op("select_scatter(Tensor self, Tensor src, int dim, int index) -> Tensor")
      .composite(select_scatter_op)
      .method()
      .doc(R"(A copy of the tensor in which one place along a dim is replaced.

Args:
    self: a tensor of at least one dim.
    src: what to put there, of `self`'s shape without the dim.
    dim, index: the place.

Example:
    >>> dt.select_scatter(dt.zeros(2, 2), dt.ones(2), 0, 1).tolist()
    [[0.0, 0.0], [1.0, 1.0]]
)");
  op("diagonal_scatter(Tensor self, Tensor src, int offset=0, int dim1=0, int dim2=1) -> Tensor")
      .composite(diagonal_scatter_op)
      .method()
      .doc(R"(A copy of the tensor in which a diagonal is replaced.

Args:
    self: a tensor of at least two dims.
    src: what to put there, of the diagonal's shape.
    offset, dim1, dim2: which diagonal; see `diagonal`.

Example:
    >>> dt.diagonal_scatter(dt.zeros(2, 2), dt.ones(2)).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
)");
  op("as_strided_scatter(Tensor self, Tensor src, int[] size, int[] stride, int? storage_offset=None) -> Tensor")
      .composite(as_strided_scatter_op)
      .method()
      .doc(R"(A copy of the tensor, laid out like it, in which what as_strided() shows is replaced.

Args:
    self: a tensor of any shape.
    src: what to put there, of shape `size`.
    size, stride, storage_offset: the part; see `as_strided`.

Example:
    >>> dt.as_strided_scatter(dt.zeros(4), dt.ones(2), (2,), (3,)).tolist()
    [1.0, 0.0, 0.0, 1.0]
)");
}

}  // namespace

void declare_shape() {
  declare_reshapes();
  declare_unflatten();
  declare_splits();
  declare_scatters();
}

}  // namespace dovetail
