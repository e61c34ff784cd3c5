// Larger tensors made of smaller ones: concatenation and padding.
#include "core/ops/compose.h"

namespace dovetail {

namespace {

Declare op(const char* schema) { return Declare("concat", schema); }

// An empty tensor of shape (0,) fits anything, as in PyTorch.
bool fits_anything(const TensorImpl& t) { return t.ndim == 1 && t.size(0) == 0; }

DType common_dtype(const dt_value& list) {
  DType dtype = list.as.tensors[0]->dtype;
  for (int i = 1; i < list.count; ++i) dtype = promote(dtype, list.as.tensors[i]->dtype);
  return dtype;
}

// cat(tensors, dim). The kernel is handed the tensors that have a shape to keep to.
void infer_cat(Inference& call) {
  const dt_value list = call.args[0];
  if (list.count == 0) value_error(call.name(), ": expected at least one tensor, got an empty list");
  call.compute = common_dtype(list);
  OutputSpec& out = call.outs[0];
  const TensorImpl* model = nullptr;
  int dim = 0, skipped = 0;
  for (int i = 0; i < list.count; ++i) {
    TensorImpl& t = *list.as.tensors[i];
    if (t.ndim == 0) value_error(call.name(), ": zero-dim tensors can't be concatenated (tensor ", i, "); use stack()");
    if (fits_anything(t)) {
      ++skipped;
      continue;
    }
    if (!model) {
      model = &t;
      out.like(t);
      dim = call.dim(1, t.ndim);
      continue;
    }
    bool fits = t.ndim == model->ndim;
    for (int k = 0; fits && k < t.ndim; ++k) fits = k == dim || t.size(k) == model->size(k);
    if (!fits)
      value_error(call.name(), ": tensors must have one shape but for dim ", dim, ", got ", shape_text(*model), " and ",
                  shape_text(t), " (tensor ", i, ")");
    out.sizes[dim] += t.size(dim);
  }
  if (!model) {
    out.like(*list.as.tensors[0]);
    call.dim(1, 1);
  }
  out.dtype = call.compute;
  if (skipped == 0) return;
  std::vector<Tensor> parts;
  for (int i = 0; i < list.count; ++i)
    if (model ? !fits_anything(*list.as.tensors[i]) : i == 0) parts.push_back(Tensor::borrow(list.as.tensors[i]));
  call.replace(0, std::move(parts));
}

// constant_pad_nd(self, pad, value): pad holds (before, after) of the last dim, then of the one before it, ...
void infer_pad(Inference& call) {
  const TensorImpl& self = call.tensor(0);
  const dt_value& pad = call.args[1];
  if (pad.count % 2 != 0 || pad.count > 2 * self.ndim)
    value_error(call.name(), ": pad must hold two numbers for each of at most ", self.ndim, " dims, got ",
                ints_text(pad), " for a tensor of shape ", shape_text(self));
  settle_element(call, 2, self.dtype);
  OutputSpec& out = call.outs[0];
  out.like(self);
  for (int k = 0; k < pad.count / 2; ++k) {
    const int dim = self.ndim - 1 - k;
    const int64_t before = pad.as.ints[2 * k], after = pad.as.ints[2 * k + 1];
    int64_t size;
    if (__builtin_add_overflow(out.sizes[dim], before, &size) || __builtin_add_overflow(size, after, &size))
      value_error(call.name(), ": pad ", ints_text(pad), " is too large");
    // Cropping never reaches past the other end.
    if (size < 0 || out.sizes[dim] + std::min<int64_t>(before, 0) + std::min<int64_t>(after, 0) < 0)
      value_error(call.name(), ": pad ", ints_text(pad), " crops more than the ", out.sizes[dim], " places of dim ",
                  dim, " of shape ", shape_text(self));
    out.sizes[dim] = size;
  }
}

}  // namespace

void declare_concat() {
  op("cat(Tensor[] tensors, int dim=0) -> Tensor")
      .plain(infer_cat)
      .required()
      .out()
      .alias("concat")
      .alias("concatenate")
      .doc(R"(Tensors joined along a dim.

Args:
    tensors: tensors of one shape but for that dim; their dtypes are promoted. Those of shape (0,) are passed over.
    dim: the dim to join along.

Example:
    >>> dt.cat([dt.tensor([[1, 2]]), dt.tensor([[3, 4]])]).tolist()
    [[1, 2], [3, 4]]
)");
  op("constant_pad_nd(Tensor self, int[] pad, Scalar value=0) -> Tensor")
      .plain(infer_pad)
      .required()
      .doc(R"(The tensor with a number before and after its places.

Args:
    self: a tensor of any shape.
    pad: how many places to add before and after the last dim, then the dim before it, and so on; negative numbers crop.
    value: the number.

Example:
    >>> dt.constant_pad_nd(dt.tensor([1, 2]), (1, 2)).tolist()
    [0, 1, 2, 0, 0]
)");
}

}  // namespace dovetail
