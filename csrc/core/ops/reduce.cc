// Reductions: one or more dims folded into one element each.
#include "core/ops/compose.h"
#include "core/ops/docs.h"

namespace dovetail {

namespace {

Declare op(const char* schema) { return Declare("reduce", schema); }

constexpr const char* kArgs =
    "self: a tensor of any shape.\n"
    "dim: the dim, or dims, to fold; None folds all.\n"
    "keepdim: whether the folded dims stay, with size 1.";
constexpr const char* kDTypeArg = "\ndtype: what to convert to first.";

std::string reduction_doc(const char* summary, const char* formula, const std::string& more_args, const char* call,
                          const char* result) {
  return doc_text(summary, formula, kArgs + more_args, example_line(call, result));
}

const Callee sum("sum"), div_("div"), mean("mean"), sub("sub"), mul("mul"), square("square"), abs("abs"),
    isnan("isnan"), where("where");

// ---- decompositions -------------------------------------------------------------------------------------

void check_averaged(const Op& op, DType dtype) {
  if (is_exact(dtype))
    type_error(op.name(), ": self must have a floating-point dtype, got ", dtype_name(dtype),
               "; convert it with .to(dt.float32)");
}

void mean_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Tensor self = tensor(args[0]);
  check_averaged(op, dtype_or(args[3], self->dtype));
  const int64_t count = extent(*self, dims_of(op.name().c_str(), args[1], self->ndim));
  const Tensor total = sum(self, args[1], args[2], args[3]);
  give(outs[0], div_(total, number(static_cast<double>(count))));
}

// Two passes: the squares are of what differs from the mean. Of complex numbers it is the distance that is squared.
void var_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Tensor self = tensor(args[0]);
  check_averaged(op, self->dtype);
  const int64_t count = extent(*self, dims_of(op.name().c_str(), args[1], self->ndim));
  double correction = 1;
  if (given(args[2])) correction = real_number(args[2]);
  Tensor differences = sub(self, mean(self, args[1], true));
  if (is_complex(self->dtype)) differences = abs(differences);
  const double divisor = std::max(0.0, static_cast<double>(count) - correction);
  give(outs[0], div_(sum(square(differences), args[1], args[3]), number(divisor)));
}

void sum_of_squares_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Tensor self = tensor(args[0]);
  check_averaged(op, self->dtype);
  give(outs[0], sum(mul(self, self), args[1], args[2]));
}

void sum_of_numbers_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  Tensor self = tensor(args[0]);
  if (is_floating(self->dtype)) self = where(isnan(self), number(0), self);
  give(outs[0], sum(self, args[1], args[2], args[3]));
}

// ---- inference ------------------------------------------------------------------------------------------

// argmax and argmin keep the dims as they are, so that the index means something.
void infer_arg(Inference& call) {
  const TensorImpl& self = call.tensor(0);
  const bool keepdim = call.boolean(2);
  OutputSpec& out = call.outs[0];
  out.dtype = DT_INT64;
  if (self.dtype == DT_BOOL || is_complex(self.dtype))
    type_error(call.name(), ": not defined for dtype ", dtype_name(self.dtype));
  const int dim = call.given(1) ? call.dim(1, self.ndim) : -1;
  if (dim < 0 && self.numel == 0)
    index_error(call.name(), ": an empty tensor has no such element, got shape ", shape_text(self),
                "; give a dim whose size is not 0");
  if (dim >= 0 && self.ndim > 0 && self.size(dim) == 0)
    index_error(call.name(), ": dim ", dim, " has size 0, got shape ", shape_text(self));
  for (int i = 0; i < self.ndim; ++i) {
    const bool folded = dim < 0 || i == dim;
    if (!folded || keepdim) out.push(folded ? 1 : self.size(i));
  }
}

// ---- declarations ---------------------------------------------------------------------------------------

void declare_sums() {
  op("sum(Tensor self, int[]? dim=None, bool keepdim=False, *, DType? dtype=None) -> Tensor")
      .reduction(Reduced::sum)
      .required()
      .method()
      .out()
      .doc(reduction_doc("The sum of elements. Integers and bool are summed as int64, uint64 as itself.",
                         "out = sum_i self_i", kDTypeArg, "dt.sum(dt.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=0)",
                         "[4.0, 6.0]")
               .c_str());
  op("prod(Tensor self, int[]? dim=None, bool keepdim=False, *, DType? dtype=None) -> Tensor")
      .reduction(Reduced::sum)
      .required()
      .method()
      .out()
      .doc(reduction_doc("The product of elements. Integers and bool are multiplied as int64, uint64 as itself.",
                         "out = prod_i self_i", kDTypeArg, "dt.prod(dt.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=0)",
                         "[3.0, 8.0]")
               .c_str());
  op("mean(Tensor self, int[]? dim=None, bool keepdim=False, *, DType? dtype=None) -> Tensor")
      .reduction(Reduced::floating)
      .composite(in_float<mean_op>)
      .method()
      .out()
      .doc(reduction_doc("The mean of elements; NaN of none.", "out = sum_i self_i / n", kDTypeArg,
                         "dt.mean(dt.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=0)", "[2.0, 3.0]")
               .c_str());
  op("sum_of_numbers(Tensor self, int[]? dim=None, bool keepdim=False, *, DType? dtype=None) -> Tensor")
      .reduction(Reduced::sum)
      .composite(sum_of_numbers_op)
      .internal()
      .doc(reduction_doc("The sum with NaN counted as zero.", "out = sum_i (0 where self_i is NaN, else self_i)",
                         kDTypeArg, "dt.nansum(dt.tensor([1.0, float('nan'), 2.0]))", "3.0")
               .c_str());
  op("sum_of_squares(Tensor self, int[]? dim=None, bool keepdim=False) -> Tensor")
      .reduction(Reduced::floating)
      .composite(in_float<sum_of_squares_op>)
      .internal()
      .doc(reduction_doc("The sum of squares of elements.", "out = sum_i self_i^2", "",
                         "dt.norm(dt.tensor([3.0, 4.0]))", "5.0")
               .c_str());
  op("var(Tensor self, int[]? dim=None, *, Scalar? correction=1, bool keepdim=False) -> Tensor")
      .reduction(Reduced::floating)
      .composite(in_float<var_op>)
      .method()
      .out()
      .doc(reduction_doc("The variance of elements.", "out = sum_i (self_i - mean)^2 / max(0, n - correction)",
                         "\ncorrection: what to take from the count: 1 is Bessel's, 0 gives the population's variance.",
                         "dt.var(dt.tensor([[1.0, 2.0], [3.0, 6.0]]), dim=0)", "[2.0, 8.0]")
               .c_str());
}

void declare_extremes() {
  op("amax(Tensor self, int[]? dim=None, bool keepdim=False) -> Tensor")
      .reduction(Reduced::same)
      .except(kComplexes, "complex numbers have no order")
      .required()
      .method()
      .out()
      .doc(reduction_doc("The largest element; NaN if there is one.", "out = max_i self_i",
                         "\nRaises IndexError where a folded dim has size 0.",
                         "dt.amax(dt.tensor([[1.0, 2.0], [3.0, 0.0]]), dim=0)", "[3.0, 2.0]")
               .c_str());
  op("amin(Tensor self, int[]? dim=None, bool keepdim=False) -> Tensor")
      .reduction(Reduced::same)
      .except(kComplexes, "complex numbers have no order")
      .required()
      .method()
      .out()
      .doc(reduction_doc("The smallest element; NaN if there is one.", "out = min_i self_i",
                         "\nRaises IndexError where a folded dim has size 0.",
                         "dt.amin(dt.tensor([[1.0, 2.0], [3.0, 0.0]]), dim=0)", "[1.0, 0.0]")
               .c_str());
  op("argmax(Tensor self, int? dim=None, bool keepdim=False) -> Tensor")
      .plain(infer_arg)
      .required()
      .method()
      .out()
      .non_differentiable()
      .doc(R"(The index of the largest element, the first of equal ones; that of the first NaN if there is one.

    out = argmax_i self_i

Args:
    self: a tensor of any shape, not of dtype bool.
    dim: the dim to search along; None searches the whole tensor, laid out flat.
    keepdim: whether the searched dim stays, with size 1.

Raises IndexError where there is nothing to search.

Example:
    >>> dt.argmax(dt.tensor([[1.0, 2.0], [3.0, 0.0]]), dim=1).tolist()
    [1, 0]
)");
  op("argmin(Tensor self, int? dim=None, bool keepdim=False) -> Tensor")
      .plain(infer_arg)
      .required()
      .method()
      .out()
      .non_differentiable()
      .doc(R"(The index of the smallest element, the first of equal ones; that of the first NaN if there is one.

    out = argmin_i self_i

Args:
    self: a tensor of any shape, not of dtype bool.
    dim: the dim to search along; None searches the whole tensor, laid out flat.
    keepdim: whether the searched dim stays, with size 1.

Raises IndexError where there is nothing to search.

Example:
    >>> dt.argmin(dt.tensor([[1.0, 2.0], [3.0, 0.0]]), dim=1).tolist()
    [0, 1]
)");
}

constexpr const char* kTruthArgs =
    "\nAn empty list of dims folds none: every element is taken by itself. The result is bool, of uint8 it is uint8.";

void declare_truth() {
  op("any(Tensor self, int[]? dim=None, bool keepdim=False) -> Tensor")
      .reduction(Reduced::boolean)
      .required()
      .method()
      .out()
      .non_differentiable()
      .doc(reduction_doc("Whether some element is other than zero.", "out = or_i (self_i != 0)", kTruthArgs,
                         "dt.any(dt.tensor([[True, False], [False, False]]), dim=1)", "[True, False]")
               .c_str());
  op("all(Tensor self, int[]? dim=None, bool keepdim=False) -> Tensor")
      .reduction(Reduced::boolean)
      .required()
      .method()
      .out()
      .non_differentiable()
      .doc(reduction_doc("Whether every element is other than zero.", "out = and_i (self_i != 0)", kTruthArgs,
                         "dt.all(dt.tensor([[True, True], [True, False]]), dim=1)", "[True, False]")
               .c_str());
}

}  // namespace

void declare_reduce() {
  declare_sums();
  declare_extremes();
  declare_truth();
}

}  // namespace dovetail
