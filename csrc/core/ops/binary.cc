// Elementwise functions of two tensors: broadcast, and computed in the dtype in which the two meet.
#include <cstring>

#include "core/ops/compose.h"
#include "core/ops/docs.h"

namespace dovetail {

namespace {

constexpr const char* kOperands =
    "self, other: tensors that broadcast against each other, or a number for `other`; computed in the dtype in which\n"
    "    they meet.";

struct Row {
  const char* schema;
  const char* summary;
  const char* formula;
  const char* a;
  const char* b;
  const char* output;
};

Declare op(const char* schema) { return Declare("binary", schema); }

std::string row_doc(const Row& row, const char* more_args = "") {
  const std::string schema = row.schema;
  const std::string name = schema.substr(0, schema.find('('));
  const std::string call = "dt." + name + "(dt.tensor(" + row.a + "), dt.tensor(" + row.b + "))";
  return doc_text(row.summary, row.formula, std::string(kOperands) + more_args, example_line(call, row.output));
}

// ---- checks that look at more than dtypes ---------------------------------------------------------------

bool exact(const dt_value& v) { return is_exact(v.as.tensor->dtype); }

bool complex(const dt_value& v) { return is_complex(v.as.tensor->dtype); }

// alpha must not lose its fraction in an integer sum, nor its imaginary part in a real one.
template <const char* const& kName>
Result with_alpha(const dt_value* args) {
  if (__builtin_expect(args[2].tag == DT_FLOAT, 0) && exact(args[0]) && exact(args[1]))
    type_error(kName, ": alpha must be an integer for integer tensors, got ", args[2].as.f);
  if (__builtin_expect(args[2].tag == DT_UINT, 0)) {
    const DType dtype = args[0].as.tensor->dtype;
    check_fits(args[2], dtype == args[1].as.tensor->dtype && dtype == DT_UINT64 ? dtype : DT_INT64);
  }
  if (__builtin_expect(args[2].tag == DT_COMPLEX, 0) && !complex(args[0]) && !complex(args[1]))
    type_error(kName, ": alpha must be real for real tensors, got a complex number");
  return Result::same;
}
constexpr const char* kAdd = "add";
constexpr const char* kSub = "sub";

Result div_result(const dt_value* args) {
  if (args[2].tag == DT_NONE) return Result::floating;
  const char* mode = args[2].as.string;
  if (std::strcmp(mode, "trunc") != 0 && std::strcmp(mode, "floor") != 0)
    value_error("div: rounding_mode must be None, 'trunc' or 'floor', got '", mode, "'");
  if (complex(args[0]) || complex(args[1]))
    type_error("div: rounding_mode is not defined for complex numbers, which have no order; leave it out");
  return Result::same;
}

// An integer to a negative power has no integer result; a tensor of exponents is the kernel's business.
Result pow_result(const dt_value* args) {
  const TensorImpl& exponent = *args[1].as.tensor;
  if ((exponent.bits & DT_BIT_WRAPPED) && exponent.dtype == DT_INT64 && exact(args[0]) && item(exponent).as.i < 0)
    value_error("pow: integers to negative integer powers are not allowed, got ", item(exponent).as.i,
                "; convert the base with .to(dt.float32)");
  return Result::same;
}

// ---- declarations ---------------------------------------------------------------------------------------

void declare_arithmetic() {
  op("add(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor")
      .elementwise(Result::same)
      .result_by(with_alpha<kAdd>)
      .number_in_float()
      .required()
      .method()
      .inplace()
      .out()
      .doc(row_doc({"add(", "The sum of two tensors.", "out = self + alpha * other", "[1.0, 2.0]", "[10.0, 20.0]",
                    "[11.0, 22.0]"},
                   "\nalpha: a number that multiplies `other`.")
               .c_str());
  op("sub(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor")
      .elementwise(Result::same)
      .result_by(with_alpha<kSub>)
      .number_in_float()
      .required()
      .method()
      .inplace()
      .out()
      .alias("subtract")
      .except(kBool, "use ^ or logical_xor() on bool")
      .doc(row_doc({"sub(", "The difference of two tensors.", "out = self - alpha * other", "[1.0, 2.0]",
                    "[10.0, 20.0]", "[-9.0, -18.0]"},
                   "\nalpha: a number that multiplies `other`.")
               .c_str());
  op("mul(Tensor self, Tensor other) -> Tensor")
      .elementwise(Result::same)
      .number_in_float()
      .required()
      .method()
      .inplace()
      .out()
      .alias("multiply")
      .doc(row_doc({"mul(", "The product of two tensors, element by element.", "out = self * other", "[1.0, 2.0]",
                    "[10.0, 20.0]", "[10.0, 40.0]"})
               .c_str());
  op("div(Tensor self, Tensor other, *, str? rounding_mode=None) -> Tensor")
      .elementwise(Result::floating)
      .result_by(div_result)
      .number_in_float()
      .required()
      .method()
      .inplace()
      .out()
      .alias("divide")
      .doc(row_doc(
               {"div(", "The quotient of two tensors, element by element. Integers are divided as floats.",
                "out = self / other", "[3.0, 8.0]", "[2.0, 4.0]", "[1.5, 2.0]"},
               "\nrounding_mode: None; 'trunc' rounds the quotient towards zero and 'floor' down, and then integers\n"
               "    stay integers.")
               .c_str());
}

void primitive(const Row& row, Result result, uint32_t except = 0, const char* instead = "",
               const char* alias = nullptr) {
  Declare declaration("binary", row.schema);
  declaration.elementwise(result).required().method().inplace().out().doc(row_doc(row).c_str());
  if (except) declaration.except(except, instead);
  if (alias) declaration.alias(alias);
  if (result == Result::boolean || result == Result::predicate) declaration.non_differentiable();
}

void declare_more_arithmetic() {
  op("floor_divide(Tensor self, Tensor other) -> Tensor")
      .elementwise(Result::same)
      .number_in_float()
      .required()
      .method()
      .inplace()
      .out()
      .except(kBool | kComplexes)
      .doc(row_doc({"floor_divide(", "The quotient of two tensors, rounded down.", "out = floor(self / other)",
                    "[7, -7]", "[2, 2]", "[3, -4]"})
               .c_str());
  primitive({"remainder(Tensor self, Tensor other) -> Tensor",
             "What is left of a division rounded down; it has the divisor's sign.",
             "out = self - other * floor(self / other)", "[7, -7]", "[3, 3]", "[1, 2]"},
            Result::same, kBool | kComplexes);
  primitive({"fmod(Tensor self, Tensor other) -> Tensor",
             "What is left of a division rounded towards zero; it has the dividend's sign.",
             "out = self - other * trunc(self / other)", "[7, -7]", "[3, 3]", "[1, -1]"},
            Result::same, kBool | kComplexes);
  op("pow(Tensor self, Tensor exponent) -> Tensor")
      .elementwise(Result::same)
      .result_by(pow_result)
      .required()
      .method()
      .inplace()
      .out()
      .except(kBool)
      .doc(doc_text("Every element raised to a power.", "out = self ** exponent",
                    "self, exponent: tensors that broadcast against each other, or a number for either; computed in\n"
                    "    the dtype in which they meet. An integer can't be raised to a negative integer number.",
                    example_line("dt.pow(dt.tensor([2.0, 3.0]), 2)", "[4.0, 9.0]"))
               .c_str());
  primitive({"atan2(Tensor self, Tensor other) -> Tensor",
             "The angle, in radians, between the x axis and the point (other, self).",
             "out = arctan(self / other), in the quadrant of the point", "[0.0]", "[1.0]", "[0.0]"},
            Result::floating, kComplexes, "use angle() on complex numbers", "arctan2");
  primitive(
      {"maximum(Tensor self, Tensor other) -> Tensor", "The larger of two tensors' elements; NaN where either is.",
       "out = max(self, other)", "[1.0, 5.0]", "[3.0, 2.0]", "[3.0, 5.0]"},
      Result::same, kComplexes, "complex numbers have no order");
  primitive(
      {"minimum(Tensor self, Tensor other) -> Tensor", "The smaller of two tensors' elements; NaN where either is.",
       "out = min(self, other)", "[1.0, 5.0]", "[3.0, 2.0]", "[1.0, 2.0]"},
      Result::same, kComplexes, "complex numbers have no order");
}

void declare_comparisons() {
  primitive({"eq(Tensor self, Tensor other) -> Tensor", "Whether two tensors' elements are equal.",
             "out = self == other", "[1, 2]", "[1, 3]", "[True, False]"},
            Result::boolean);
  primitive({"ne(Tensor self, Tensor other) -> Tensor", "Whether two tensors' elements differ.", "out = self != other",
             "[1, 2]", "[1, 3]", "[False, True]"},
            Result::boolean, 0, "", "not_equal");
  primitive({"lt(Tensor self, Tensor other) -> Tensor", "Whether the first tensor's elements are smaller.",
             "out = self < other", "[1, 2]", "[1, 3]", "[False, True]"},
            Result::boolean, kComplexes, "complex numbers have no order", "less");
  primitive({"le(Tensor self, Tensor other) -> Tensor", "Whether the first tensor's elements are smaller or equal.",
             "out = self <= other", "[1, 4]", "[1, 3]", "[True, False]"},
            Result::boolean, kComplexes, "complex numbers have no order", "less_equal");
  primitive({"gt(Tensor self, Tensor other) -> Tensor", "Whether the first tensor's elements are larger.",
             "out = self > other", "[1, 4]", "[1, 3]", "[False, True]"},
            Result::boolean, kComplexes, "complex numbers have no order", "greater");
  primitive({"ge(Tensor self, Tensor other) -> Tensor", "Whether the first tensor's elements are larger or equal.",
             "out = self >= other", "[1, 2]", "[1, 3]", "[True, False]"},
            Result::boolean, kComplexes, "complex numbers have no order", "greater_equal");
  primitive({"logical_and(Tensor self, Tensor other) -> Tensor", "Whether both elements are other than zero.",
             "out = self != 0 and other != 0", "[1, 2, 0]", "[1, 0, 0]", "[True, False, False]"},
            Result::predicate);
  primitive({"logical_or(Tensor self, Tensor other) -> Tensor", "Whether either element is other than zero.",
             "out = self != 0 or other != 0", "[1, 2, 0]", "[1, 0, 0]", "[True, True, False]"},
            Result::predicate);
  primitive({"logical_xor(Tensor self, Tensor other) -> Tensor", "Whether exactly one element is other than zero.",
             "out = (self != 0) != (other != 0)", "[1, 2, 0]", "[1, 0, 0]", "[False, True, False]"},
            Result::predicate);
}

void bitwise(const Row& row, uint32_t only) {
  Declare declaration("binary", row.schema);
  declaration.elementwise(Result::same).required().method().inplace().out().non_differentiable();
  declaration.only(only, only & kBool ? "it is defined for integers and bool" : "it is defined for integers");
  declaration.doc(row_doc(row).c_str());
}

void declare_bitwise() {
  bitwise({"bitwise_and(Tensor self, Tensor other) -> Tensor", "The bits that both elements have; on bool, both.",
           "out = self & other", "[6, 3]", "[3, 1]", "[2, 1]"},
          kIntegers | kBool);
  bitwise({"bitwise_or(Tensor self, Tensor other) -> Tensor", "The bits that either element has; on bool, either.",
           "out = self | other", "[6, 3]", "[3, 1]", "[7, 3]"},
          kIntegers | kBool);
  bitwise({"bitwise_xor(Tensor self, Tensor other) -> Tensor",
           "The bits that exactly one element has; on bool, whether they differ.", "out = self ^ other", "[6, 3]",
           "[3, 1]", "[5, 2]"},
          kIntegers | kBool);
  bitwise({"bitwise_left_shift(Tensor self, Tensor other) -> Tensor",
           "Every element's bits moved up by `other` places.", "out = self << other", "[1, 3]", "[2, 1]", "[4, 6]"},
          kIntegers);
  bitwise({"bitwise_right_shift(Tensor self, Tensor other) -> Tensor",
           "Every element's bits moved down by `other` places, its sign kept.", "out = self >> other", "[8, -8]",
           "[2, 1]", "[2, -4]"},
          kIntegers);
}

void declare_divisors() {
  Declare("binary", "gcd(Tensor self, Tensor other) -> Tensor")
      .elementwise(Result::same)
      .host()
      .method()
      .inplace()
      .out()
      .non_differentiable()
      .only(kIntegers, "it is defined for integers")
      .doc(row_doc({"gcd(", "The greatest common divisor of integers; 0 of two zeros.",
                    "out = max(d), with d dividing self and other", "[12, 0, -8]", "[18, 5, 12]", "[6, 5, 4]"})
               .c_str());
}

}  // namespace

void declare_binary() {
  declare_arithmetic();
  declare_more_arithmetic();
  declare_comparisons();
  declare_bitwise();
  declare_divisors();
}

}  // namespace dovetail
