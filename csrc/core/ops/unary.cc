// Elementwise functions of one tensor.
#include <limits>

#include "core/ops/compose.h"
#include "core/ops/docs.h"

namespace dovetail {

namespace {

constexpr const char* kSameDtype = "self: a tensor of any shape; the result has its shape and dtype.";
constexpr const char* kFloatDtype =
    "self: a tensor of any shape; integers and bool compute in the default float dtype.";
constexpr const char* kBoolDtype = "self: a tensor of any shape and dtype; the result is bool.";

const char* args_of(Result result) {
  if (result == Result::same) return kSameDtype;
  return result == Result::floating ? kFloatDtype : kBoolDtype;
}

// What all ops here have in common. `name` is repeated for the example: `dt.name(dt.tensor(input))`.
struct Row {
  const char* schema;
  Result result;
  const char* summary;
  const char* formula;
  const char* input;
  const char* output;
};

Declare op(const char* schema) { return Declare("unary", schema); }

std::string row_doc(const Row& row) {
  const std::string schema = row.schema;
  const std::string name = schema.substr(0, schema.find('('));
  return doc_text(row.summary, row.formula, args_of(row.result),
                  example_line("dt." + name + "(dt.tensor(" + row.input + "))", row.output));
}

const Callee add("add"), sub("sub"), mul("mul"), div_("div"), exp_("exp"), log_("log"), sqrt_("sqrt"), erf_("erf"),
    neg("neg"), abs_("abs"), eq("eq"), lt("lt"), maximum("maximum"), zeros_like("zeros_like"), ones_like("ones_like");

constexpr double kLn2 = 0.69314718055994530942, kLn10 = 2.30258509299404568402;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// ---- decompositions -------------------------------------------------------------------------------------

void exp2_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  give(outs[0], exp_(mul(tensor(args[0]), number(kLn2))));
}

void log2_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  give(outs[0], mul(log_(tensor(args[0])), number(1 / kLn2)));
}

void log10_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  give(outs[0], mul(log_(tensor(args[0])), number(1 / kLn10)));
}

void rsqrt_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  give(outs[0], div_(number(1.0), sqrt_(tensor(args[0]))));
}

void reciprocal_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  give(outs[0], div_(number(1.0), tensor(args[0])));
}

void square_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  const Tensor self = tensor(args[0]);
  // An integer one, so that bool becomes int64 as in PyTorch.
  give(outs[0], self->dtype == DT_BOOL ? mul(self, number(1)) : mul(self, self));
}

void sigmoid_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  give(outs[0], div_(number(1.0), add(exp_(neg(cast_to(tensor(args[0]), floating_of(args[0])))), number(1.0))));
}

void erfc_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  give(outs[0], sub(number(1.0), erf_(tensor(args[0]))));
}

void isinf_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  const Tensor self = tensor(args[0]);
  if (is_exact(self->dtype)) return give(outs[0], zeros_like(self, box_dtype(DT_BOOL)));
  give(outs[0], eq(abs_(self), number(kInfinity)));
}

void isfinite_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  const Tensor self = tensor(args[0]);
  if (is_exact(self->dtype)) return give(outs[0], ones_like(self, box_dtype(DT_BOOL)));
  give(outs[0], lt(abs_(self), number(kInfinity)));  // NaN is less than nothing
}

void positive_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  if (args[0].as.tensor->dtype == DT_BOOL) type_error(op.name(), ": not defined for dtype bool");
  give(outs[0], tensor(args[0]));
}

void relu_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  if (args[0].as.tensor->dtype == DT_BOOL) type_error(op.name(), ": not defined for dtype bool");
  give(outs[0], maximum(tensor(args[0]), number(0)));
}

// ---- declarations ---------------------------------------------------------------------------------------

void primitive(const Row& row, std::initializer_list<const char*> aliases = {}, uint32_t except = 0,
               const char* instead = "") {
  Declare declaration("unary", row.schema);
  declaration.elementwise(row.result).required().method().inplace().out().doc(row_doc(row).c_str());
  declaration.except(except, instead);
  for (const char* alias : aliases) declaration.alias(alias);
  if (row.result == Result::boolean || row.result == Result::predicate) declaration.non_differentiable();
}

void fused(const Row& row, CompositeFn composite, uint32_t except = 0) {
  Declare declaration("unary", row.schema);
  declaration.elementwise(row.result).composite(composite).method().inplace().out().doc(row_doc(row).c_str());
  declaration.except(except);
  if (row.result == Result::boolean) declaration.non_differentiable();
}

void declare_rounding() {
  primitive({"neg(Tensor self) -> Tensor", Result::same, "The negative of every element.", "out = -self", "[1.0, -2.0]",
             "[-1.0, 2.0]"},
            {"negative"}, kBool, "use logical_not() or ~ on bool");
  primitive({"abs(Tensor self) -> Tensor", Result::real,
             "The absolute value of every element, which is real where the element is complex.", "out = |self|",
             "[1.0, -2.0]", "[1.0, 2.0]"},
            {"absolute"}, kBool);
  primitive({"sign(Tensor self) -> Tensor", Result::same, "The sign of every element: -1, 0 or 1.",
             "out = (self > 0) - (self < 0)", "[3.0, 0.0, -2.0]", "[1.0, 0.0, -1.0]"},
            {}, kComplexes, "use sgn() on complex numbers");
  primitive({"floor(Tensor self) -> Tensor", Result::same, "The largest whole number not above every element.",
             "out = floor(self)", "[1.5, -1.5]", "[1.0, -2.0]"},
            {}, kBool | kComplexes);
  primitive({"ceil(Tensor self) -> Tensor", Result::same, "The smallest whole number not below every element.",
             "out = ceil(self)", "[1.5, -1.5]", "[2.0, -1.0]"},
            {}, kBool | kComplexes);
  primitive({"trunc(Tensor self) -> Tensor", Result::same, "Every element without its fraction: rounded towards zero.",
             "out = sign(self) * floor(|self|)", "[1.5, -1.5]", "[1.0, -1.0]"},
            {"fix"}, kBool | kComplexes);
  op("round(Tensor self, *, int decimals=0) -> Tensor")
      .elementwise(Result::same)
      .required()
      .method()
      .inplace()
      .out()
      .except(kBool | kComplexes)
      .doc(doc_text("Every element rounded to the nearest number with `decimals` decimals; halves go to the even one.",
                    "out = round(self * 10 ** decimals) / 10 ** decimals",
                    "self: a tensor of any shape; the result has its shape and dtype.\n"
                    "decimals: how many decimals to keep; a negative number rounds before the point.",
                    example_line("dt.round(dt.tensor([0.5, 1.5, -2.3]))", "[0.0, 2.0, -2.0]"))
               .c_str());
}

void declare_exponentials() {
  primitive({"exp(Tensor self) -> Tensor", Result::floating, "The exponential of every element.", "out = e ** self",
             "[0.0]", "[1.0]"});
  primitive({"expm1(Tensor self) -> Tensor", Result::floating,
             "The exponential of every element less one, exact for small ones.", "out = e ** self - 1", "[0.0]",
             "[0.0]"});
  primitive({"log(Tensor self) -> Tensor", Result::floating, "The natural logarithm of every element.",
             "out = log_e(self)", "[1.0, 0.0]", "[0.0, -inf]"});
  primitive({"log1p(Tensor self) -> Tensor", Result::floating,
             "The natural logarithm of one plus every element, exact for small ones.", "out = log_e(1 + self)", "[0.0]",
             "[0.0]"});
  primitive({"sqrt(Tensor self) -> Tensor", Result::floating, "The square root of every element.", "out = self ** 0.5",
             "[4.0, 9.0]", "[2.0, 3.0]"});
  fused({"exp2(Tensor self) -> Tensor", Result::floating, "Two to the power of every element.", "out = 2 ** self",
         "[0.0, 3.0]", "[1.0, 8.0]"},
        exp2_op);
  fused({"log2(Tensor self) -> Tensor", Result::floating, "The base-2 logarithm of every element.", "out = log_2(self)",
         "[1.0, 8.0]", "[0.0, 3.0]"},
        log2_op);
  fused({"log10(Tensor self) -> Tensor", Result::floating, "The base-10 logarithm of every element.",
         "out = log_10(self)", "[1.0, 100.0]", "[0.0, 2.0]"},
        log10_op);
  fused({"rsqrt(Tensor self) -> Tensor", Result::floating, "One over the square root of every element.",
         "out = 1 / sqrt(self)", "[4.0, 16.0]", "[0.5, 0.25]"},
        rsqrt_op);
  fused({"reciprocal(Tensor self) -> Tensor", Result::floating, "One over every element.", "out = 1 / self",
         "[2.0, 4.0]", "[0.5, 0.25]"},
        reciprocal_op);
}

void declare_trigonometry() {
  const auto row = [](const char* schema, const char* summary, const char* formula, const char* input,
                      const char* output, std::initializer_list<const char*> aliases = {}) {
    primitive({schema, Result::floating, summary, formula, input, output}, aliases);
  };
  row("sin(Tensor self) -> Tensor", "The sine of every element, in radians.", "out = sin(self)", "[0.0]", "[0.0]");
  row("cos(Tensor self) -> Tensor", "The cosine of every element, in radians.", "out = cos(self)", "[0.0]", "[1.0]");
  row("tan(Tensor self) -> Tensor", "The tangent of every element, in radians.", "out = tan(self)", "[0.0]", "[0.0]");
  row("asin(Tensor self) -> Tensor", "The inverse sine of every element, NaN outside [-1, 1].", "out = arcsin(self)",
      "[0.0]", "[0.0]", {"arcsin"});
  row("acos(Tensor self) -> Tensor", "The inverse cosine of every element, NaN outside [-1, 1].", "out = arccos(self)",
      "[1.0]", "[0.0]", {"arccos"});
  row("atan(Tensor self) -> Tensor", "The inverse tangent of every element.", "out = arctan(self)", "[0.0]", "[0.0]",
      {"arctan"});
  row("sinh(Tensor self) -> Tensor", "The hyperbolic sine of every element.", "out = (e ** self - e ** -self) / 2",
      "[0.0]", "[0.0]");
  row("cosh(Tensor self) -> Tensor", "The hyperbolic cosine of every element.", "out = (e ** self + e ** -self) / 2",
      "[0.0]", "[1.0]");
  row("tanh(Tensor self) -> Tensor", "The hyperbolic tangent of every element.", "out = sinh(self) / cosh(self)",
      "[0.0]", "[0.0]");
  row("asinh(Tensor self) -> Tensor", "The inverse hyperbolic sine of every element.",
      "out = log(self + sqrt(self ** 2 + 1))", "[0.0]", "[0.0]", {"arcsinh"});
  row("acosh(Tensor self) -> Tensor", "The inverse hyperbolic cosine of every element, NaN below 1.",
      "out = log(self + sqrt(self ** 2 - 1))", "[1.0]", "[0.0]", {"arccosh"});
  row("atanh(Tensor self) -> Tensor", "The inverse hyperbolic tangent of every element, NaN outside [-1, 1].",
      "out = log((1 + self) / (1 - self)) / 2", "[0.0]", "[0.0]", {"arctanh"});
}

void declare_special() {
  primitive({"erf(Tensor self) -> Tensor", Result::floating, "The error function of every element.",
             "out = 2 / sqrt(pi) * integral of e ** (-t ** 2) from 0 to self", "[0.0]", "[0.0]"},
            {}, kComplexes);
  primitive({"erfinv(Tensor self) -> Tensor", Result::floating,
             "The inverse of the error function of every element, NaN outside [-1, 1].", "erf(out) = self",
             "[0.0, 1.0]", "[0.0, inf]"},
            {}, kComplexes);
  primitive({"lgamma(Tensor self) -> Tensor", Result::floating,
             "The logarithm of the absolute value of the gamma function of every element.", "out = log |gamma(self)|",
             "[1.0, 2.0]", "[0.0, 0.0]"},
            {}, kComplexes);
  fused({"erfc(Tensor self) -> Tensor", Result::floating, "The complementary error function of every element.",
         "out = 1 - erf(self)", "[0.0]", "[1.0]"},
        erfc_op, kComplexes);
  fused({"sigmoid(Tensor self) -> Tensor", Result::floating, "The logistic function of every element.",
         "out = 1 / (1 + e ** -self)", "[0.0]", "[0.5]"},
        sigmoid_op);
}

void declare_predicates() {
  primitive({"isnan(Tensor self) -> Tensor", Result::boolean, "Whether every element is NaN.", "out = self != self",
             "[1.0, float('nan')]", "[False, True]"});
  primitive({"logical_not(Tensor self) -> Tensor", Result::predicate, "Whether every element is zero.",
             "out = self == 0", "[0.0, 2.0]", "[True, False]"});
  fused({"isinf(Tensor self) -> Tensor", Result::boolean, "Whether every element is infinite, of either sign.",
         "out = |self| == inf", "[1.0, -float('inf')]", "[False, True]"},
        isinf_op);
  fused({"isfinite(Tensor self) -> Tensor", Result::boolean, "Whether every element is neither infinite nor NaN.",
         "out = |self| < inf", "[1.0, float('nan')]", "[True, False]"},
        isfinite_op);
}

void declare_plain_arithmetic() {
  op("bitwise_not(Tensor self) -> Tensor")
      .elementwise(Result::same)
      .required()
      .method()
      .inplace()
      .out()
      .non_differentiable()
      .only(kIntegers | kBool, "it is defined for integers and bool")
      .doc(doc_text("The bits of every element turned over; on bool, its negation.", "out = ~self",
                    "self: a tensor of any shape, of an integer dtype or bool.",
                    example_line("dt.bitwise_not(dt.tensor([0, 1]))", "[-1, -2]"))
               .c_str());
  fused({"square(Tensor self) -> Tensor", Result::same, "The square of every element.", "out = self * self",
         "[2.0, -3.0]", "[4.0, 9.0]"},
        square_op);
  fused({"relu(Tensor self) -> Tensor", Result::same, "Every element where it is positive, else zero.",
         "out = max(self, 0)", "[-1.0, 2.0]", "[0.0, 2.0]"},
        relu_op, kBool | kComplexes);
  op("positive(Tensor self) -> Tensor")
      .composite(positive_op)
      .method()
      .doc(doc_text("The tensor itself, as `+tensor`.", "out = self",
                    "self: a tensor of any shape, not of dtype bool; it is returned as it is.",
                    example_line("dt.positive(dt.tensor([1.0, -2.0]))", "[1.0, -2.0]"))
               .c_str());
}

}  // namespace

void declare_unary() {
  declare_rounding();
  declare_exponentials();
  declare_trigonometry();
  declare_special();
  declare_predicates();
  declare_plain_arithmetic();
}

}  // namespace dovetail
