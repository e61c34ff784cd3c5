// Elementwise choice: where, clamp, masked_fill.
#include "core/execute.h"
#include "core/ops/compose.h"

namespace dovetail {

namespace {

Declare op(const char* schema) { return Declare("select", schema); }

// A number beside tensors of integers must be one of theirs.
void check_numbers(const dt_value* first, const dt_value* last) {
  TensorImpl* tensors[3];
  int n = 0;
  bool any = false;
  for (; first != last; ++first) {
    if (!given(*first)) continue;
    tensors[n++] = first->as.tensor;
    any |= (first->as.tensor->bits & DT_BIT_WRAPPED) != 0;
  }
  if (!any) return;
  const DType dtype = promoted(tensors, n);
  for (int i = 0; i < n && is_exact(dtype); ++i)
    if (tensors[i]->bits & DT_BIT_WRAPPED) check_fits(item(*tensors[i]), dtype);
}

Result where_result(const dt_value* args) {
  const TensorImpl& condition = *args[0].as.tensor;
  if (condition.dtype != DT_BOOL)
    type_error("where: condition must have dtype bool, got ", dtype_name(condition.dtype),
               "; compare it with something, as in `condition != 0`");
  check_numbers(args + 1, args + 3);
  return Result::same;
}

Result clamp_result(const dt_value* args) {
  if (!given(args[1]) && !given(args[2])) value_error("clamp: at least one of min and max must be given");
  check_numbers(args, args + 3);
  return Result::same;
}

const Callee where("where");

// The value is brought to the tensor's dtype first: filling never changes it.
void masked_fill_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Tensor self = tensor(args[0]), mask = tensor(args[1]), value = tensor(args[2]);
  if (mask->dtype != DT_BOOL)
    type_error(op.name(), ": mask must have dtype bool, got ", dtype_name(mask->dtype),
               "; compare it with something, as in `mask != 0`");
  if (value->ndim != 0)
    value_error(op.name(), ": value must be a number or a zero-dim tensor, got shape ", shape_text(*value));
  if (is_complex(value->dtype) && !is_complex(self->dtype))
    type_error(op.name(), ": a complex value can't fill a tensor of dtype ", dtype_name(self->dtype));
  if (value->bits & DT_BIT_WRAPPED) check_fits(item(*value), self->dtype);
  give(outs[0], where(mask, cast_to(value, self->dtype), self));
}

}  // namespace

void declare_select() {
  op("where(Tensor condition, Tensor self, Tensor other) -> Tensor")
      .elementwise(Result::same)
      .condition_first()
      .result_by(where_result)
      .required()
      .out()
      .doc(R"(Elements of one tensor where a condition holds, of another where it does not.

    out = self if condition else other

Args:
    condition: a bool tensor.
    self, other: tensors, or numbers; the three broadcast against each other.

Example:
    >>> dt.where(dt.tensor([True, False]), dt.tensor([1.0, 2.0]), 0.0).tolist()
    [1.0, 0.0]
)");
  op("clamp(Tensor self, Tensor? min=None, Tensor? max=None) -> Tensor")
      .elementwise(Result::same)
      .result_by(clamp_result)
      .required()
      .method()
      .inplace()
      .out()
      .except(kBool | kComplexes)
      .doc(R"(Every element brought into the range from `min` to `max`.

    out = min(max(self, min), max)

NaN stays NaN, and where `min` is above `max`, `max` is the result.

Args:
    self: a tensor of any shape.
    min, max: numbers, or tensors that broadcast against `self`; at least one of them.

Example:
    >>> dt.clamp(dt.tensor([-1.0, 0.5, 3.0]), 0.0, 1.0).tolist()
    [0.0, 0.5, 1.0]
)");
  op("masked_fill(Tensor self, Tensor mask, Tensor value) -> Tensor")
      .composite(masked_fill_op)
      .method()
      .inplace()
      .doc(R"(The tensor with a value where a mask holds.

    out = value if mask else self

Args:
    self: a tensor of any shape; the result has its dtype.
    mask: a bool tensor that broadcasts against `self`.
    value: a number, or a zero-dim tensor.

Example:
    >>> dt.masked_fill(dt.tensor([1.0, 2.0]), dt.tensor([True, False]), 9.0).tolist()
    [9.0, 2.0]
)");
}

}  // namespace dovetail
