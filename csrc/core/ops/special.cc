// Special functions. Other backends need not bring them: where one does not, the CPU's kernel does the work.
#include <cstdint>

#include "core/ops/compose.h"
#include "core/ops/docs.h"

namespace dovetail {

namespace {

constexpr const char* kFloatDtype =
    "self: a tensor of any shape; integers and bool compute in the default float dtype.";
constexpr const char* kOperands =
    "self, other: tensors that broadcast against each other, or a number for `other`; integers and bool compute\n"
    "    in the default float dtype.";

// What all ops here have in common. `error` is the largest that was found beside 50-digit arithmetic, rounded up.
struct Row {
  const char* schema;
  const char* summary;
  const char* formula;
  const char* error;
  const char* example;  // a call, and what `.tolist()` then gives
  const char* output;
};

std::string row_doc(const Row& row, const char* args) {
  const std::string accuracy =
      std::string("Accuracy: ") + row.error + "\nIn float32 within 0.51 ulp, being computed in double and rounded.";
  std::string text = row.summary;
  text += "\n\n" + indented(row.formula) + "\n\n" + accuracy + "\n\nArgs:\n" + indented(args) + "\n\n";
  return text + "Example:\n" + indented(example_line(row.example, row.output)) + "\n";
}

// dt.<name>, or dt.special.<name> alone.
enum class Where { everywhere, special };

void declare(const Row& row, Where where, const char* args, CompositeFn decomposition = nullptr) {
  Declare declaration("special", row.schema);
  declaration.elementwise(Result::floating).out().except(kComplexes).doc(row_doc(row, args).c_str());
  if (decomposition)
    declaration.composite(decomposition);
  else
    declaration.host();
  if (where == Where::everywhere)
    declaration.method().inplace();
  else
    declaration.internal();
}

void unary(const Row& row, Where where = Where::special) { declare(row, where, kFloatDtype); }

void binary(const Row& row, Where where = Where::special) { declare(row, where, kOperands); }

// ---- the gamma function's family ------------------------------------------------------------------------

Result polygamma_result(const dt_value* args) {
  if (args[1].as.i < 0) value_error("polygamma: n must not be negative, got ", args[1].as.i);
  if (args[1].as.i > INT32_MAX) value_error("polygamma: n must be at most ", INT32_MAX, ", got ", args[1].as.i);
  return Result::floating;
}

void declare_gamma() {
  unary({"digamma(Tensor self) -> Tensor", "The logarithmic derivative of the gamma function.",
         "out = d/dself log |gamma(self)|, NaN at the negative integers, -inf at 0 and inf at -0",
         "within 3 ulp in float64 or, for negative arguments, 1e-14 where that is more.",
         "dt.digamma(dt.tensor([1.0, 2.0]))", "[-0.57721567, 0.42278433]"},
        Where::everywhere);
  Declare("special", "polygamma(Tensor self, int n) -> Tensor")
      .elementwise(Result::floating)
      .result_by(polygamma_result)
      .host()
      .method()
      .inplace()
      .internal()  // dt.polygamma takes n first
      .out()
      .except(kComplexes)
      .doc(row_doc(
               {"", "The n-th derivative of digamma.",
                "out = d^n/dself^n digamma(self) = (-1)^(n + 1) n! zeta(n + 1, self)",
                "within 5 ulp in float64 for positive arguments and n <= 170. (For larger n within 2000, for negative\n"
                "arguments within 10 of the sizes of the terms.)",
                "dt.tensor([1.0, 2.0]).polygamma(1)", "[1.6449341, 0.6449341]"},
               "self: a tensor of any shape; integers and bool compute in the default float dtype.\n"
               "n: which derivative, not negative.")
               .c_str());
  binary({"special_zeta(Tensor self, Tensor other) -> Tensor", "Hurwitz's zeta function.",
          "out = sum of (other + k) ** -self over k = 0, 1, ...; NaN where self < 1, and where other < 0 and self\n"
          "    is no integer",
          "within 7 ulp in float64.", "dt.special.zeta(dt.tensor([2.0]), 1)", "[1.6449341]"});
  binary({"igamma(Tensor self, Tensor other) -> Tensor", "The lower incomplete gamma function, regularised.",
          "out = integral of t ** (self - 1) * e ** -t from 0 to other, over gamma(self)",
          "within 20 ulp in float64, where the result is below 1e-50 within 200.",
          "dt.igamma(dt.tensor([1.0, 2.0]), dt.tensor([1.0, 1.0]))", "[0.63212055, 0.26424113]"},
         Where::everywhere);
  binary({"igammac(Tensor self, Tensor other) -> Tensor", "The upper incomplete gamma function, regularised.",
          "out = integral of t ** (self - 1) * e ** -t from other to infinity, over gamma(self)",
          "within 20 ulp in float64, where the result is below 1e-50 within 200.",
          "dt.igammac(dt.tensor([1.0, 2.0]), dt.tensor([1.0, 1.0]))", "[0.36787945, 0.7357589]"},
         Where::everywhere);
}

// ---- the error function's family ------------------------------------------------------------------------

const Callee erfc_("erfc"), mul("mul");

void ndtr_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  const Tensor x = cast_to(tensor(args[0]), floating_of(args[0]));
  give(outs[0], mul(erfc_(mul(x, number(-0.70710678118654752440))), number(0.5)));
}

void declare_normal() {
  unary({"special_erfcx(Tensor self) -> Tensor", "The scaled complementary error function.",
         "out = e ** (self ** 2) * erfc(self)", "within 4 ulp in float64.", "dt.special.erfcx(dt.tensor([0.0, 10.0]))",
         "[1.0, 0.05614099]"});
  declare({"special_ndtr(Tensor self) -> Tensor", "The distribution function of the standard normal distribution.",
           "out = erfc(-self / sqrt(2)) / 2", "within 3 ulp in float64.", "dt.special.ndtr(dt.tensor([0.0, 1.0]))",
           "[0.5, 0.8413447]"},
          Where::special, kFloatDtype, ndtr_op);
  unary({"special_log_ndtr(Tensor self) -> Tensor", "The logarithm of the standard normal distribution function.",
         "out = log(ndtr(self)), also where ndtr(self) is no number any more", "within 3 ulp in float64.",
         "dt.special.log_ndtr(dt.tensor([0.0, -100.0]))", "[-0.6931472, -5005.524]"});
  unary({"special_ndtri(Tensor self) -> Tensor", "The inverse of the standard normal distribution function.",
         "ndtr(out) = self, NaN outside [0, 1]", "within 6 ulp in float64.",
         "dt.special.ndtri(dt.tensor([0.5, 0.975]))", "[0.0, 1.959964]"});
}

// ---- Bessel and Airy functions --------------------------------------------------------------------------

void declare_bessel() {
  constexpr const char* kWaves =
      "with glibc, whose function it is, within 4 ulp in float64 or, near zeros, 4e-16 where that is more.";
  unary({"special_bessel_j0(Tensor self) -> Tensor", "The Bessel function of the first kind of order 0.",
         "out = sum of (-1) ** k * (self / 2) ** (2 k) / k! ** 2 over k = 0, 1, ...", kWaves,
         "dt.special.bessel_j0(dt.tensor([0.0, 1.0]))", "[1.0, 0.7651977]"});
  unary({"special_bessel_j1(Tensor self) -> Tensor", "The Bessel function of the first kind of order 1.",
         "out = sum of (-1) ** k * (self / 2) ** (2 k + 1) / (k! (k + 1)!) over k = 0, 1, ...", kWaves,
         "dt.special.bessel_j1(dt.tensor([0.0, 1.0]))", "[0.0, 0.4400506]"});
  unary({"special_bessel_y0(Tensor self) -> Tensor", "The Bessel function of the second kind of order 0.",
         "the solution of x^2 y'' + x y' + x^2 y = 0 that is -inf at 0; NaN for negative arguments", kWaves,
         "dt.special.bessel_y0(dt.tensor([0.0, 1.0]))", "[-inf, 0.08825696]"});
  unary({"special_bessel_y1(Tensor self) -> Tensor", "The Bessel function of the second kind of order 1.",
         "the solution of x^2 y'' + x y' + (x^2 - 1) y = 0 that is -inf at 0; NaN for negative arguments", kWaves,
         "dt.special.bessel_y1(dt.tensor([0.0, 1.0]))", "[-inf, -0.7812128]"});
}

void declare_modified_bessel() {
  unary({"i0(Tensor self) -> Tensor", "The modified Bessel function of the first kind of order 0.",
         "out = sum of (self / 2) ** (2 k) / k! ** 2 over k = 0, 1, ...", "within 3 ulp in float64.",
         "dt.i0(dt.tensor([0.0, 1.0]))", "[1.0, 1.2660658]"},
        Where::everywhere);
  unary({"special_i0e(Tensor self) -> Tensor", "The exponentially scaled modified Bessel function I0.",
         "out = e ** -|self| * i0(self)", "within 2 ulp in float64.", "dt.special.i0e(dt.tensor([0.0, 1.0]))",
         "[1.0, 0.4657596]"});
  unary({"special_i1(Tensor self) -> Tensor", "The modified Bessel function of the first kind of order 1.",
         "out = sum of (self / 2) ** (2 k + 1) / (k! (k + 1)!) over k = 0, 1, ...", "within 5 ulp in float64.",
         "dt.special.i1(dt.tensor([0.0, 1.0]))", "[0.0, 0.5651591]"});
  unary({"special_i1e(Tensor self) -> Tensor", "The exponentially scaled modified Bessel function I1.",
         "out = e ** -|self| * i1(self)", "within 3 ulp in float64.", "dt.special.i1e(dt.tensor([0.0, 1.0]))",
         "[0.0, 0.20791042]"});
  unary({"special_modified_bessel_k0(Tensor self) -> Tensor",
         "The modified Bessel function of the second kind of order 0.",
         "out = integral of e ** (-self * cosh(t)) from 0 to infinity; NaN for negative arguments",
         "within 10 ulp in float64.", "dt.special.modified_bessel_k0(dt.tensor([0.0, 1.0]))", "[inf, 0.42102444]"});
  unary({"special_modified_bessel_k1(Tensor self) -> Tensor",
         "The modified Bessel function of the second kind of order 1.",
         "out = integral of e ** (-self * cosh(t)) * cosh(t) from 0 to infinity; NaN for negative arguments",
         "within 4 ulp in float64.", "dt.special.modified_bessel_k1(dt.tensor([0.0, 1.0]))", "[inf, 0.6019072]"});
  unary({"special_scaled_modified_bessel_k0(Tensor self) -> Tensor",
         "The exponentially scaled modified Bessel function K0.", "out = e ** self * modified_bessel_k0(self)",
         "within 10 ulp in float64.", "dt.special.scaled_modified_bessel_k0(dt.tensor([0.0, 1.0]))",
         "[inf, 1.1444631]"});
  unary({"special_scaled_modified_bessel_k1(Tensor self) -> Tensor",
         "The exponentially scaled modified Bessel function K1.", "out = e ** self * modified_bessel_k1(self)",
         "within 4 ulp in float64.", "dt.special.scaled_modified_bessel_k1(dt.tensor([0.0, 1.0]))",
         "[inf, 1.6361535]"});
}

void declare_airy() {
  unary({"special_airy_ai(Tensor self) -> Tensor", "Airy's function Ai.",
         "out = integral of cos(t ** 3 / 3 + self * t) from 0 to infinity, over pi",
         "within 4 ulp in float64 or, for negative arguments, 2e-16 where that is more.",
         "dt.special.airy_ai(dt.tensor([0.0, 1.0]))", "[0.35502806, 0.13529242]"});
  unary({"airy_ai_slope(Tensor self) -> Tensor", "The derivative of Airy's function Ai.", "out = d/dself airy_ai(self)",
         "within 3 ulp in float64 or, for arguments from -1e4 to 0, 2e-15 where that is more.",
         "dt._core.get_op(\"airy_ai_slope\")(dt.tensor([0.0, 1.0]))", "[-0.25881940, -0.15914744]"});
}

}  // namespace

void declare_special() {
  declare_gamma();
  declare_normal();
  declare_bessel();
  declare_modified_bessel();
  declare_airy();
}

}  // namespace dovetail
