// Reading from, and writing to, places along a dim that an index tensor names.
#include <cstring>

#include "core/ops/compose.h"

namespace dovetail {

namespace {

Declare op(const char* schema) { return Declare("gather", schema); }

const Callee expand("expand"), scatter_add("scatter_add"), mul("mul"), to_device("to_device");

// ---- inference ------------------------------------------------------------------------------------------

// A zero-dim tensor counts as one of shape (1,).
int ndim_of(const TensorImpl& t) { return std::max(t.ndim, 1); }
int64_t size_of(const TensorImpl& t, int dim) { return t.ndim ? t.size(dim) : 1; }

// index must not be larger than `other`, except in dim `except`.
void check_fits(const char* who, const TensorImpl& index, const char* name, const TensorImpl& other, int except) {
  if (ndim_of(index) != ndim_of(other))
    value_error(who, ": index and ", name, " must have as many dims, got shapes ", shape_text(index), " and ",
                shape_text(other));
  for (int i = 0; i < ndim_of(index); ++i)
    if (i != except && size_of(index, i) > size_of(other, i))
      value_error(who, ": index of shape ", shape_text(index), " is larger than ", name, " of shape ",
                  shape_text(other), " in dim ", i);
}

// gather(self, dim, index)
void infer_gather(Inference& call) {
  const TensorImpl& self = call.tensor(0);
  const int dim = call.dim(1, self.ndim);
  normalise_index(call, 2);
  const TensorImpl& index = call.tensor(2);
  check_fits(call.name(), index, "self", self, dim);
  call.outs[0].like(index);
  call.outs[0].dtype = self.dtype;
}

// A number in place of a tensor: made to look like one of index's shape.
void spread_number(Inference& call, int i, const TensorImpl& shape_of) {
  const TensorImpl& self = call.tensor(0);
  if (!(call.tensor(i).bits & DT_BIT_WRAPPED)) return;
  dovetail::check_fits(item(call.tensor(i)), self.dtype);
  Tensor value = cast_to(tensor(call.args[i]), self.dtype);
  if (value->device != self.device) value = to_device(value, box_device(self.device));
  call.replace(i, expand(value, box_ints(shape_of.sizes(), shape_of.ndim)));
}

void infer_scatter(Inference& call) {  // (self, dim, index, src, ...)
  const TensorImpl& self = call.tensor(0);
  const int dim = call.dim(1, self.ndim);
  normalise_index(call, 2);
  const TensorImpl& index = call.tensor(2);
  check_fits(call.name(), index, "self", self, dim);
  spread_number(call, 3, index);
  const TensorImpl& src = call.tensor(3);
  check_same_dtype(call.name(), "self", self, "src", src);
  check_fits(call.name(), index, "src", src, -1);
  call.outs[0].like(self);
}

void infer_scatter_reduce(Inference& call) {
  const char* reduce = call.args[4].as.string;
  const DType dtype = call.tensor(0).dtype;
  if (is_complex(dtype) && (std::strcmp(reduce, "amax") == 0 || std::strcmp(reduce, "amin") == 0))
    type_error(call.name(), ": ", reduce, " is not defined for dtype ", dtype_name(dtype),
               "; complex numbers have no order");
  for (const char* known : {"sum", "prod", "mean", "amax", "amin"})
    if (std::strcmp(reduce, known) == 0) return infer_scatter(call);
  value_error(call.name(), ": reduce must be 'sum', 'prod', 'mean', 'amax' or 'amin', got '", reduce, "'");
}

// An index along one dim: a vector, or a zero-dim tensor, which counts as a vector of one.
void normalise_vector(Inference& call, int i) {
  normalise_index(call, i);
  const TensorImpl& index = call.tensor(i);
  if (index.ndim > 1)
    value_error(call.name(), ": index must have one dim, got shape ", shape_text(index),
                "; flatten() it, or use gather()");
  if (index.ndim == 0) call.replace(i, view_as(tensor(call.args[i]), {1}));
}

void infer_index_select(Inference& call) {
  const TensorImpl& self = call.tensor(0);
  const int dim = call.dim(1, self.ndim);
  normalise_vector(call, 2);
  const int64_t count = call.tensor(2).numel;
  if (self.ndim == 0 && count != 1) value_error(call.name(), ": a zero-dim self takes exactly one index, got ", count);
  call.outs[0].like(self);
  if (self.ndim > 0) call.outs[0].sizes[dim] = count;
}

void infer_index_add(Inference& call) {  // (self, dim, index, source, *, alpha)
  const TensorImpl &self = call.tensor(0), &source = call.tensor(3);
  const int dim = call.dim(1, self.ndim);
  normalise_vector(call, 2);
  const TensorImpl& index = call.tensor(2);
  check_same_dtype(call.name(), "self", self, "source", source);
  bool fits = ndim_of(self) == ndim_of(source) && size_of(source, dim) == index.numel;
  for (int i = 0; fits && i < ndim_of(self); ++i) fits = i == dim || size_of(self, i) == size_of(source, i);
  if (!fits)
    value_error(call.name(), ": source must have self's shape but for ", index.numel, " places in dim ", dim,
                ", one for every index, got source ", shape_text(source), " and self ", shape_text(self));
  if (call.args[4].tag == DT_FLOAT && is_exact(self.dtype))
    type_error(call.name(), ": alpha must be an integer for integer tensors, got ", call.number(4));
  settle_number(call, 4, self.dtype);
  call.outs[0].like(self);
}

void infer_nonzero(Inference& call) { call.outs[0].dtype = DT_INT64; }

// ---- decompositions -------------------------------------------------------------------------------------

void index_add_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Tensor self = tensor(args[0]), index = tensor(args[2]);
  Tensor source = tensor(args[3]);
  const int dim = wrap_dim(op.name().c_str(), args[1].as.i, self->ndim);
  std::vector<int64_t> column(static_cast<size_t>(ndim_of(*source)), 1);
  column[dim] = index->numel;
  if (source->ndim == 0) source = view_as(source, {1});
  const Tensor spread = expand(view_as(index, column), box_ints(source->sizes(), source->ndim));
  const bool plain = args[4].tag == DT_INT && args[4].as.i == 1;
  give(outs[0], scatter_add(self, dim, spread, plain ? source : mul(source, wrap_number(args[4]))));
}

// ---- declarations ---------------------------------------------------------------------------------------

void declare_reads() {
  op("gather(Tensor self, int dim, Tensor index) -> Tensor")
      .plain(infer_gather)
      .required()
      .method()
      .out()
      .doc(R"(Elements picked along a dim.

    out[i][j][k] = self[index[i][j][k]][j][k]   for dim=0

Args:
    self: a tensor of any shape.
    dim: the dim to pick along.
    index: places in that dim, int64; of as many dims as `self`, and not larger in the others. The result has its shape.

Raises IndexError for a place out of range.

Example:
    >>> dt.gather(dt.tensor([[1, 2], [3, 4]]), 1, dt.tensor([[0, 0], [1, 0]])).tolist()
    [[1, 1], [4, 3]]
)");
  op("index_select(Tensor self, int dim, Tensor index) -> Tensor")
      .plain(infer_index_select)
      .required()
      .method()
      .out()
      .doc(R"(Whole slices picked along a dim.

    out[i] = self[index[i]]   for dim=0

Args:
    self: a tensor of any shape.
    dim: the dim to pick along.
    index: places in that dim, int64, of one dim.

Raises IndexError for a place out of range.

Example:
    >>> dt.index_select(dt.tensor([[1, 2], [3, 4]]), 0, dt.tensor([1, 1])).tolist()
    [[3, 4], [3, 4]]
)");
  op("nonzero(Tensor self) -> Tensor")
      .dynamic(infer_nonzero)
      .required()
      .method()
      .non_differentiable()
      .doc(R"(The places of all elements other than zero, a row for each, in order.

Args:
    self: a tensor of any shape; the result has the shape (count, self.ndim).

Example:
    >>> dt.nonzero(dt.tensor([[0, 5], [6, 0]])).tolist()
    [[0, 1], [1, 0]]
)");
}

void declare_writes() {
  op("scatter(Tensor self, int dim, Tensor index, Tensor src) -> Tensor")
      .plain(infer_scatter)
      .required()
      .method()
      .inplace()
      .out()
      .doc(R"(A copy of the tensor with elements written to places along a dim.

    out[index[i][j][k]][j][k] = src[i][j][k]   for dim=0

Args:
    self: a tensor of any shape.
    dim: the dim to place along.
    index: places in that dim, int64, of as many dims as `self`. Where a place appears twice, either is written.
    src: what to write, of `self`'s dtype and at least `index`'s shape; or a number.

Raises IndexError for a place out of range.

Example:
    >>> dt.scatter(dt.zeros(3), 0, dt.tensor([2, 0]), dt.tensor([5.0, 6.0])).tolist()
    [6.0, 0.0, 5.0]
)");
  op("scatter_add(Tensor self, int dim, Tensor index, Tensor src) -> Tensor")
      .plain(infer_scatter)
      .required()
      .method()
      .inplace()
      .out()
      .doc(R"(A copy of the tensor with elements added at places along a dim.

    out[index[i][j][k]][j][k] += src[i][j][k]   for dim=0

Args:
    self: a tensor of any shape.
    dim: the dim to place along.
    index: places in that dim, int64, of as many dims as `self`.
    src: what to add, of `self`'s dtype and at least `index`'s shape.

Raises IndexError for a place out of range.

Example:
    >>> dt.scatter_add(dt.zeros(3), 0, dt.tensor([2, 2]), dt.tensor([5.0, 6.0])).tolist()
    [0.0, 0.0, 11.0]
)");
  op("scatter_reduce(Tensor self, int dim, Tensor index, Tensor src, str reduce, *, bool include_self=True) -> Tensor")
      .plain(infer_scatter_reduce)
      .required()
      .method()
      .inplace()
      .out()
      .doc(R"(A copy of the tensor in which the elements that meet at a place along a dim are folded into one.

    out[p] = reduce(self[p], src[i] for all i whose index is p)

Args:
    self: a tensor of any shape.
    dim: the dim to place along.
    index: places in that dim, int64, of as many dims as `self`.
    src: what to fold in, of `self`'s dtype and at least `index`'s shape.
    reduce: 'sum', 'prod', 'mean', 'amax' or 'amin'.
    include_self: whether `self`'s own element takes part at places that are written.

Raises IndexError for a place out of range.

Example:
    >>> dt.scatter_reduce(dt.zeros(2), 0, dt.tensor([1, 1]), dt.tensor([5.0, 6.0]), "amax").tolist()
    [0.0, 6.0]
)");
  op("index_add(Tensor self, int dim, Tensor index, Tensor source, *, Scalar alpha=1) -> Tensor")
      .plain(infer_index_add)
      .composite(index_add_op)
      .method()
      .inplace()
      .out()
      .doc(R"(A copy of the tensor with whole slices added at places along a dim.

    out[index[i]] += alpha * source[i]   for dim=0

Args:
    self: a tensor of any shape.
    dim: the dim to place along.
    index: places in that dim, int64, of one dim.
    source: the slices, of `self`'s dtype, one for every index.
    alpha: a number that multiplies `source`.

Raises IndexError for a place out of range.

Example:
    >>> dt.index_add(dt.zeros(2, 2), 0, dt.tensor([1, 1]), dt.ones(2, 2)).tolist()
    [[0.0, 0.0], [2.0, 2.0]]
)");
}

}  // namespace

void declare_gather() {
  declare_reads();
  declare_writes();
}

}  // namespace dovetail
