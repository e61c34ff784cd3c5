// Advanced indexing: a tensor of places, or a mask, for some of the dims.
//
// Before a kernel runs, masks have become places, all index tensors are int64 and have one shape (expanded, not
// copied), and the list has an entry for every indexed dim up to the last, null where a dim is taken whole.
#include "core/ops/compose.h"

namespace dovetail {

namespace {

const Callee nonzero("nonzero"), select("select"), expand("expand"), to_device("to_device"), permute("permute"),
    arange("arange"), index_select("index_select"), where("where"), lt("lt"), add("add"), mul("mul"),
    scatter("scatter"), scatter_add("scatter_add"), contiguous("contiguous");

// ---- what the indices mean ------------------------------------------------------------------------------

struct Indices {
  std::vector<Tensor> of_dim;  // up to the last indexed dim; null: the dim is taken whole
  std::vector<int64_t> shape;  // of every index
  int first = 0;               // the first indexed dim
  int count = 0;               // how many dims are indexed
  bool adjacent = true;        // they follow one another, and the result has the index's dims in their place
};

void add_mask(const char* who, const TensorImpl& self, const Tensor& mask, Indices& indices) {
  const int at = static_cast<int>(indices.of_dim.size());
  if (mask->ndim == 0) index_error(who, ": a zero-dim bool is no mask of places; use where() or masked_fill()");
  bool fits = at + mask->ndim <= self.ndim;
  for (int i = 0; fits && i < mask->ndim; ++i) fits = mask->size(i) == self.size(at + i);
  if (!fits)
    index_error(who, ": a mask of shape ", shape_text(*mask), " does not match the dims from ", at,
                " on of a tensor of shape ", shape_text(self));
  const Tensor places = nonzero(mask);
  for (int i = 0; i < mask->ndim; ++i) indices.of_dim.push_back(select(places, 1, i));
}

void add_index(const char* who, const TensorImpl& self, const Tensor& index, Indices& indices) {
  if (!index) {
    indices.of_dim.emplace_back();
    return;
  }
  const Tensor local = index->device == self.device ? index : to_device(index, box_device(self.device));
  if (index->dtype == DT_BOOL) return add_mask(who, self, local, indices);
  if (index->dtype != DT_INT64 && index->dtype != DT_INT32)
    index_error(who, ": an index must have dtype int64, int32 or bool, got ", dtype_name(index->dtype));
  indices.of_dim.push_back(cast_to(local, DT_INT64));
}

// The shape that the indices broadcast to.
std::vector<int64_t> common_shape(const char* who, const std::vector<Tensor>& of_dim) {
  std::vector<int64_t> shape;
  for (const Tensor& t : of_dim) {
    if (!t) continue;
    if (t->ndim > static_cast<int>(shape.size())) shape.insert(shape.begin(), t->ndim - shape.size(), 1);
    const size_t lead = shape.size() - t->ndim;
    for (int i = 0; i < t->ndim; ++i) {
      int64_t& size = shape[lead + i];
      if (size == 1)
        size = t->size(i);
      else if (t->size(i) != 1 && t->size(i) != size)
        index_error(who, ": index tensors of shapes ", shape_text(static_cast<int>(shape.size()), shape.data()),
                    " and ", shape_text(*t), " don't broadcast");
    }
  }
  return shape;
}

Indices resolve(const char* who, const TensorImpl& self, const dt_value& list) {
  Indices indices;
  for (int i = 0; i < list.count; ++i) add_index(who, self, Tensor::borrow(list.as.tensors[i]), indices);
  while (!indices.of_dim.empty() && !indices.of_dim.back()) indices.of_dim.pop_back();
  const int dims = static_cast<int>(indices.of_dim.size());
  if (dims > self.ndim) index_error(who, ": ", dims, " indices are too many for a tensor of shape ", shape_text(self));
  if (dims == 0) index_error(who, ": at least one index must be given, got none");
  indices.shape = common_shape(who, indices.of_dim);
  int last = -1;
  for (int dim = 0; dim < dims; ++dim) {
    Tensor& index = indices.of_dim[dim];
    if (!index) continue;
    index = expand(index, indices.shape);
    if (indices.count++ == 0)
      indices.first = dim;
    else
      indices.adjacent &= dim == last + 1;
    last = dim;
  }
  return indices;
}

// ---- inference ------------------------------------------------------------------------------------------

void infer_result(const TensorImpl& self, const Indices& indices, OutputSpec& out) {
  const auto push_index = [&] {
    for (int64_t size : indices.shape) out.push(size);
  };
  const int dims = static_cast<int>(indices.of_dim.size());
  out.dtype = self.dtype;
  if (!indices.adjacent) push_index();
  for (int dim = 0; dim < self.ndim; ++dim) {
    const bool indexed = dim < dims && indices.of_dim[dim];
    if (!indexed)
      out.push(self.size(dim));
    else if (dim == indices.first && indices.adjacent)
      push_index();
  }
}

void infer_index(Inference& call) {
  const TensorImpl& self = call.tensor(0);
  Indices indices = resolve(call.name(), self, call.args[1]);
  infer_result(self, indices, call.outs[0]);
  call.replace(1, std::move(indices.of_dim));
}

// The values as they are written: in self's dtype where they are a number, and expanded.
Tensor spread_values(const char* who, const TensorImpl& self, const Tensor& values, const OutputSpec& shape) {
  Tensor local = values;
  if (values->bits & DT_BIT_WRAPPED) {
    check_fits(item(*values), self.dtype);
    local = cast_to(values, self.dtype);
  }
  check_same_dtype(who, "self", self, "values", *local);
  if (local->device != self.device) local = to_device(local, box_device(self.device));
  bool fits = local->ndim <= shape.ndim;
  const int lead = shape.ndim - local->ndim;
  for (int i = 0; fits && i < local->ndim; ++i) fits = local->size(i) == 1 || local->size(i) == shape.sizes[lead + i];
  if (!fits)
    value_error(who, ": values of shape ", shape_text(*local), " don't broadcast to ",
                shape_text(shape.ndim, shape.sizes), ", the shape of what is indexed");
  return expand(local, box_ints(shape.sizes, shape.ndim));
}

void infer_index_put(Inference& call) {
  const TensorImpl& self = call.tensor(0);
  Indices indices = resolve(call.name(), self, call.args[1]);
  OutputSpec part;
  infer_result(self, indices, part);
  call.replace(2, spread_values(call.name(), self, tensor(call.args[2]), part));
  call.replace(1, std::move(indices.of_dim));
  call.outs[0].like(self);
}

// ---- decompositions: one index into a tensor whose indexed dims are folded into its first ---------------

struct Folded {
  Indices indices;
  std::vector<int64_t> order;  // self's dims, the indexed ones first
  std::vector<int64_t> sizes;  // in that order
  std::vector<int64_t> rest;   // sizes of the others
  Tensor flat;                 // self as (places, *rest)
  Tensor places;               // the index, of one dim
};

// Every place wrapped; index_select raises for one that is out of range.
Tensor checked_places(const Tensor& index, int64_t size) {
  const Tensor row = view_as(index, {-1});
  const Tensor wrapped = where(lt(row, number(0)), add(row, wrap_number(box_int(size))), row);
  return index_select(arange(0, size, 1, box_none(), box_device(index->device)), 0, wrapped);
}

Folded fold(const char* who, const Tensor& self, const dt_value& list) {
  Folded f;
  f.indices = resolve(who, *self, list);
  const std::vector<Tensor>& of_dim = f.indices.of_dim;
  std::vector<int64_t> others;
  int64_t folded = 1;
  const bool none = std::find(f.indices.shape.begin(), f.indices.shape.end(), 0) != f.indices.shape.end();
  for (int dim = 0; dim < self->ndim; ++dim) {
    if (dim >= static_cast<int>(of_dim.size()) || !of_dim[dim]) {
      others.push_back(dim);
      f.rest.push_back(self->size(dim));
      continue;
    }
    f.order.push_back(dim);
    folded *= self->size(dim);
    const Tensor places = none ? view_as(of_dim[dim], {0}) : checked_places(of_dim[dim], self->size(dim));
    f.places = f.places ? add(mul(f.places, wrap_number(box_int(self->size(dim)))), places) : places;
  }
  f.order.insert(f.order.end(), others.begin(), others.end());
  for (int64_t dim : f.order) f.sizes.push_back(self->size(static_cast<int>(dim)));
  std::vector<int64_t> flat_sizes{folded};
  flat_sizes.insert(flat_sizes.end(), f.rest.begin(), f.rest.end());
  f.flat = view_as(permute(self, f.order), flat_sizes);
  return f;
}

// Where the dims of (*index shape, *rest) go in the result.
std::vector<int64_t> result_order(const Folded& f) {
  const int64_t n = static_cast<int64_t>(f.indices.shape.size()), total = n + static_cast<int64_t>(f.rest.size());
  const int64_t lead = f.indices.adjacent ? f.indices.first : 0;
  std::vector<int64_t> order;
  for (int64_t i = 0; i < lead; ++i) order.push_back(n + i);
  for (int64_t i = 0; i < n; ++i) order.push_back(i);
  for (int64_t i = n + lead; i < total; ++i) order.push_back(i);
  return order;
}

std::vector<int64_t> inverse(const std::vector<int64_t>& order) {
  std::vector<int64_t> result(order.size());
  for (size_t i = 0; i < order.size(); ++i) result[order[i]] = static_cast<int64_t>(i);
  return result;
}

void index_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Folded f = fold(op.name().c_str(), tensor(args[0]), args[1]);
  std::vector<int64_t> sizes = f.indices.shape;
  sizes.insert(sizes.end(), f.rest.begin(), f.rest.end());
  give(outs[0], permute(view_as(index_select(f.flat, 0, f.places), sizes), result_order(f)));
}

void index_put_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const char* who = op.name().c_str();
  const Tensor self = tensor(args[0]);
  const Folded f = fold(who, self, args[1]);
  OutputSpec part;
  infer_result(*self, f.indices, part);
  const Tensor values = spread_values(who, *self, tensor(args[2]), part);
  int64_t width = 1;
  for (int64_t size : f.rest) width *= size;
  const Tensor rows = view_as(permute(values, inverse(result_order(f))), {f.places->numel, width});
  const std::vector<int64_t> spread{f.places->numel, width};
  const Tensor places = expand(view_as(f.places, {f.places->numel, 1}), spread);
  const Tensor flat = view_as(f.flat, {f.flat->size(0), width});
  const Callee& write = args[3].as.i ? scatter_add : scatter;
  const Tensor written = view_as(write(flat, 0, places, rows), f.sizes);
  give(outs[0], contiguous(permute(written, inverse(f.order))));
}

Declare op(const char* schema) { return Declare("index", schema); }

}  // namespace

void declare_index() {
  op("index(Tensor self, Tensor?[] indices) -> Tensor")
      .plain(infer_index)
      .composite(index_op)
      .method()
      .internal()
      .doc(R"(Elements at places that index tensors name, as `self[indices]`.

    out[i] = self[indices[0][i], indices[1][i], ...]

Args:
    self: a tensor of at least one dim.
    indices: for each of the first dims a tensor of places (int64 or int32; negative ones count from the end), a bool
        mask, which stands for as many dims as it has, or None, which takes the dim whole. They broadcast against each
        other, and their shape stands in the result where the indexed dims were, or in front if these are not adjacent.

Raises IndexError for a place out of range.

Example:
    >>> dt.tensor([[1, 2], [3, 4]])[dt.tensor([0, 1]), dt.tensor([1, 0])].tolist()
    [2, 3]
)");
  op("index_put(Tensor self, Tensor?[] indices, Tensor values, bool accumulate=False) -> Tensor")
      .plain(infer_index_put)
      .composite(index_put_op)
      .method()
      .inplace()
      .doc(R"(A copy of the tensor with values written at places that index tensors name; see `index`.

    out[indices[0][i], indices[1][i], ...] = values[i]

Args:
    self: a tensor of at least one dim.
    indices: the places, as for `index`.
    values: what to write, of `self`'s dtype; broadcasts to the shape of `self[indices]`.
    accumulate: add the values to what is there; else, where a place appears twice, either value is written.

Raises IndexError for a place out of range.

Example:
    >>> dt.index_put(dt.zeros(3), (dt.tensor([0, 2]),), dt.tensor([5.0, 6.0])).tolist()
    [5.0, 0.0, 6.0]
)");
}

}  // namespace dovetail
