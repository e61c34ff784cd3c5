// The losses that look at the difference of two tensors.
#include <algorithm>
#include <cstring>

#include "core/execute.h"
#include "core/ops/compose.h"

namespace dovetail {

namespace {

const Callee sub("sub"), square("square"), abs_("abs"), mul("mul"), div_("div"), sum("sum"), mean("mean");

// ---- decompositions -------------------------------------------------------------------------------------

enum { kInput, kTarget, kReduction, kWeight, kBroadcast };

bool same_shape(const TensorImpl& a, const TensorImpl& b) {
  return a.ndim == b.ndim && std::equal(a.sizes(), a.sizes() + a.ndim, b.sizes());
}

void check_arguments(const char* who, const dt_value* args) {
  const TensorImpl &input = *args[kInput].as.tensor, &target = *args[kTarget].as.tensor;
  check_floating(who, "input", input);
  if (!args[kBroadcast].as.i && !same_shape(input, target))
    value_error(who, ": input ", shape_text(input), " and target ", shape_text(target),
                " must have one shape; reshape one, or say broadcast=True where broadcasting is meant");
}

// The mean is over the weights, where there are any.
Tensor reduced(const char* who, const Tensor& values, const Tensor& weight, const char* reduction) {
  if (weight && !same_shape(*weight, *values))
    value_error(who, ": expected weights of shape ", shape_text(*values), ", got ", shape_text(*weight));
  const Tensor each = weight ? mul(values, weight) : values;
  if (!std::strcmp(reduction, "none")) return each;
  if (!std::strcmp(reduction, "sum")) return sum(each);
  if (std::strcmp(reduction, "mean"))
    value_error(who, ": reduction must be 'mean', 'sum' or 'none', got '", reduction, "'");
  return weight ? div_(sum(each), sum(weight)) : mean(each);
}

void loss_of(const Callee& of_difference, const Op& op, const dt_value* args, dt_value* outs) {
  const Tensor values = of_difference(sub(tensor(args[kInput]), tensor(args[kTarget])));
  give(outs[0], reduced(op.name().c_str(), values, tensor(args[kWeight]), args[kReduction].as.string));
}
void squared(const Op& op, const dt_value* args, int, dt_value* outs, int) { loss_of(square, op, args, outs); }
void absolute(const Op& op, const dt_value* args, int, dt_value* outs, int) { loss_of(abs_, op, args, outs); }

// In float32 where all are of 16 bits.
void run_loss(CompositeFn loss, const Op& op, const dt_value* args, int n_args, dt_value* outs, int n_outs) {
  check_arguments(op.name().c_str(), args);
  TensorImpl* tensors[] = {args[kInput].as.tensor, args[kTarget].as.tensor, args[kWeight].as.tensor};
  const DType dtype = promoted(tensors, given(args[kWeight]) ? 3 : 2);
  if (dtype == DT_FLOAT16 || dtype == DT_BFLOAT16) return run_in_float(loss, op, args, n_args, outs, n_outs);
  loss(op, args, n_args, outs, n_outs);
}
template <CompositeFn loss>
void loss_op(const Op& op, const dt_value* args, int n_args, dt_value* outs, int n_outs) {
  run_loss(loss, op, args, n_args, outs, n_outs);
}

}  // namespace

// ---- declarations ---------------------------------------------------------------------------------------

void declare_loss() {
  Declare("loss",
          "mse_loss(Tensor input, Tensor target, str reduction='mean', Tensor? weight=None, *, bool broadcast=False) "
          "-> Tensor")
      .composite(loss_op<squared>)
      .doc(R"(The squared difference.

    l = weight · (input - target)²

Args:
    input, target: of one shape.
    reduction: "mean" (over the weights' sum), "sum" or "none".
    weight: of the elements, of the input's shape.
    broadcast: let input and target be broadcast.

Example:
    >>> dt.mse_loss(dt.tensor([1.0, 2.0]), dt.tensor([1.0, 4.0])).item()
    2.0
)");
  Declare("loss",
          "l1_loss(Tensor input, Tensor target, str reduction='mean', Tensor? weight=None, *, bool broadcast=False) "
          "-> Tensor")
      .composite(loss_op<absolute>)
      .doc(R"(The absolute difference: `weight · |input - target|`; arguments as mse_loss's.

Example:
    >>> dt.l1_loss(dt.tensor([1.0, 2.0]), dt.tensor([1.0, 4.0])).item()
    1.0
)");
}

}  // namespace dovetail
