// Complex numbers: their parts as views, and what is theirs alone. Of real numbers, all of it has the plain meaning.
#include "core/ops/compose.h"
#include "core/ops/docs.h"

namespace dovetail {

namespace {

Declare op(const char* schema) { return Declare("complex", schema); }

const Callee abs_("abs"), arange("arange"), contiguous("contiguous"), unsqueeze("unsqueeze"),
    view_as_complex("view_as_complex"), conj_physical("conj_physical"), cos_("cos"), complex_("complex"), div_("div"),
    eq("eq"), imag("imag"), isnan_("isnan"), lt("lt"), mul("mul"), neg("neg"), real("real"), sign("sign"), sin_("sin"),
    where("where"), zeros_like("zeros_like"), atan2_("atan2");

constexpr double kPi = 3.14159265358979323846;

// ---- views ----------------------------------------------------------------------------------------------

// One part of every number, `part` parts from its beginning.
Tensor part_of(TensorImpl& t, int64_t part) {
  int64_t strides[DT_MAX_DIMS];
  for (int i = 0; i < t.ndim; ++i) strides[i] = 2 * t.stride(i);
  return make_view_as(&t, real_of(t.dtype), t.ndim, t.sizes(), strides, 2 * t.offset + part);
}

Tensor real_view(const Arguments& call) {
  TensorImpl& self = call.tensor(0);
  return is_complex(self.dtype) ? part_of(self, 0) : Tensor::borrow(&self);
}

Tensor imag_view(const Arguments& call) {
  TensorImpl& self = call.tensor(0);
  if (!is_complex(self.dtype))
    type_error(call.name(), ": expected a complex dtype, got ", dtype_name(self.dtype),
               "; the imaginary part of real numbers is zeros_like() them");
  return part_of(self, 1);
}

Tensor view_as_real_view(const Arguments& call) {
  TensorImpl& self = call.tensor(0);
  if (!is_complex(self.dtype)) type_error(call.name(), ": expected a complex dtype, got ", dtype_name(self.dtype));
  if (self.ndim == DT_MAX_DIMS) value_error(call.name(), ": there may be no more than ", DT_MAX_DIMS, " dims");
  int64_t sizes[DT_MAX_DIMS], strides[DT_MAX_DIMS];
  for (int i = 0; i < self.ndim; ++i) {
    sizes[i] = self.size(i);
    strides[i] = 2 * self.stride(i);
  }
  sizes[self.ndim] = 2;
  strides[self.ndim] = 1;
  return make_view_as(&self, real_of(self.dtype), self.ndim + 1, sizes, strides, 2 * self.offset);
}

Tensor view_as_complex_view(const Arguments& call) {
  TensorImpl& self = call.tensor(0);
  if (self.dtype != DT_FLOAT32 && self.dtype != DT_FLOAT64)
    type_error(call.name(), ": expected dtype float32 or float64, got ", dtype_name(self.dtype));
  const int last = self.ndim - 1;
  if (self.ndim == 0 || self.size(last) != 2)
    value_error(call.name(), ": the last dim must have size 2 (real and imaginary part), got shape ", shape_text(self));
  bool pairs = self.stride(last) == 1 && self.offset % 2 == 0;
  int64_t strides[DT_MAX_DIMS];
  for (int i = 0; i < last; ++i) {
    pairs &= self.stride(i) % 2 == 0 || self.size(i) <= 1;
    strides[i] = self.stride(i) / 2;
  }
  if (!pairs)
    value_error(call.name(), ": the parts of a number must lie side by side, got strides ",
                shape_text(self.ndim, self.strides()), " and offset ", self.offset, "; use .contiguous() first");
  return make_view_as(&self, complex_of(self.dtype), last, self.sizes(), strides, self.offset / 2);
}

// ---- decompositions -------------------------------------------------------------------------------------

void conj_physical_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  const Tensor self = tensor(args[0]);
  give(outs[0], is_complex(self->dtype) ? complex_(real(self), neg(imag(self))) : self);
}

void conj_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  const Tensor self = tensor(args[0]);
  give(outs[0], is_complex(self->dtype) ? conj_physical(self) : self);
}

// 0, or pi for negative numbers; NaN stays.
void angle_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  const Tensor self = tensor(args[0]);
  if (is_complex(self->dtype)) return give(outs[0], atan2_(imag(self), real(self)));
  const Tensor x = cast_to(self, floating_of(args[0]));
  give(outs[0], where(isnan_(x), x, where(lt(x, number(0)), number(kPi), zeros_like(x))));
}

void sgn_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  const Tensor self = tensor(args[0]);
  if (!is_complex(self->dtype)) return give(outs[0], sign(self));
  const Tensor length = abs_(self), zero = eq(length, number(0));
  give(outs[0], where(zero, number(0), div_(self, where(zero, number(1), length))));
}

// The parts side by side, seen as numbers.
void complex_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  const Tensor re = tensor(args[0]), im = tensor(args[1]);
  const Tensor first = eq(arange(0, 2, 1, box_dtype(DT_INT64), box_device(re->device)), number(0));
  give(outs[0], view_as_complex(contiguous(where(first, unsqueeze(re, -1), unsqueeze(im, -1)))));
}

void polar_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  const Tensor length = tensor(args[0]), direction = tensor(args[1]);
  give(outs[0], complex_(mul(length, cos_(direction)), mul(length, sin_(direction))));
}

// ---- declarations ---------------------------------------------------------------------------------------

Result angle_result(const dt_value* args) {
  return is_complex(args[0].as.tensor->dtype) ? Result::real : Result::floating;
}

template <const char* const& kName>
Result parts_result(const dt_value* args) {
  const TensorImpl &a = *args[0].as.tensor, &b = *args[1].as.tensor;
  if (a.dtype != b.dtype)
    type_error(kName, ": both tensors must have the same dtype, got ", dtype_name(a.dtype), " and ",
               dtype_name(b.dtype), "; convert one with .to(dtype)");
  return Result::complex;
}
constexpr const char* kComplex = "complex";
constexpr const char* kPolar = "polar";
constexpr const char* kRealOnly = "the parts of complex64 and complex128 are float32 and float64";

void declare_views() {
  op("real(Tensor(a) self) -> Tensor(a)")
      .view(real_view)
      .doc(R"(The real part: a view of complex numbers, real ones as they are.

    out = Re(self)

Args:
    self: a tensor of any shape and dtype.

Example:
    >>> dt.real(dt.tensor([1 + 2j, 3 - 4j])).tolist()
    [1.0, 3.0]
)");
  op("imag(Tensor(a) self) -> Tensor(a)").view(imag_view).doc(R"(The imaginary part, as a view.

    out = Im(self)

Args:
    self: a tensor of any shape and a complex dtype.

Example:
    >>> dt.imag(dt.tensor([1 + 2j, 3 - 4j])).tolist()
    [2.0, -4.0]
)");
  op("view_as_real(Tensor(a) self) -> Tensor(a)")
      .view(view_as_real_view)
      .doc(R"(Complex numbers as pairs of real ones, as a view.

    out[..., 0] = Re(self),  out[..., 1] = Im(self)

Args:
    self: a tensor of any shape and a complex dtype.

Example:
    >>> dt.view_as_real(dt.tensor([1 + 2j])).tolist()
    [[1.0, 2.0]]
)");
  op("view_as_complex(Tensor(a) self) -> Tensor(a)")
      .view(view_as_complex_view)
      .doc(R"(Pairs of real numbers as complex ones, as a view.

    out = self[..., 0] + i * self[..., 1]

Args:
    self: a float32 or float64 tensor whose last dim has size 2, the two side by side in memory.

Example:
    >>> dt.view_as_complex(dt.tensor([[1.0, 2.0]])).tolist()
    [(1+2j)]
)");
}

void declare_parts() {
  op("complex(Tensor real, Tensor imag) -> Tensor")
      .elementwise(Result::complex)
      .result_by(parts_result<kComplex>)
      .composite(complex_op)
      .out()
      .only(bit(DT_FLOAT32) | bit(DT_FLOAT64), kRealOnly)
      .doc(R"(Complex numbers from their parts.

    out = real + i * imag

Args:
    real, imag: tensors that broadcast against each other, both float32 or both float64.

Example:
    >>> dt.complex(dt.tensor([1.0]), dt.tensor([2.0])).tolist()
    [(1+2j)]
)");
  op("polar(Tensor abs, Tensor angle) -> Tensor")
      .elementwise(Result::complex)
      .result_by(parts_result<kPolar>)
      .composite(polar_op)
      .out()
      .only(bit(DT_FLOAT32) | bit(DT_FLOAT64), kRealOnly)
      .doc(R"(Complex numbers from their absolute values and angles.

    out = abs * (cos(angle) + i * sin(angle))

Args:
    abs, angle: tensors that broadcast against each other, both float32 or both float64.

Example:
    >>> dt.polar(dt.tensor([2.0]), dt.tensor([0.0])).tolist()
    [(2+0j)]
)");
}

void declare_functions() {
  op("conj_physical(Tensor self) -> Tensor")
      .elementwise(Result::same)
      .composite(conj_physical_op)
      .method()
      .inplace()
      .out()
      .doc(R"(The complex conjugate of every element, in fresh memory where the dtype is complex.

    out = Re(self) - i * Im(self)

Args:
    self: a tensor of any shape and dtype.

Example:
    >>> dt.conj_physical(dt.tensor([1 + 2j])).tolist()
    [(1-2j)]
)");
  op("conj(Tensor self) -> Tensor")
      .composite(conj_op)
      .method()
      .doc(R"(The complex conjugate of every element; a real tensor as it is.

    out = Re(self) - i * Im(self)

Args:
    self: a tensor of any shape and dtype.

Example:
    >>> dt.conj(dt.tensor([1 + 2j])).tolist()
    [(1-2j)]
)");
  op("angle(Tensor self) -> Tensor")
      .elementwise(Result::floating)
      .result_by(angle_result)
      .composite(angle_op)
      .method()
      .out()
      .doc(R"(The angle of every element with the positive real axis, in radians: of real numbers 0 or pi.

    out = atan2(Im(self), Re(self))

Args:
    self: a tensor of any shape; integers and bool compute in the default float dtype.

Example:
    >>> dt.angle(dt.tensor([1 + 0j, 1j])).tolist()
    [0.0, 1.5708]
)");
  op("sgn(Tensor self) -> Tensor")
      .elementwise(Result::same)
      .composite(sgn_op)
      .method()
      .inplace()
      .out()
      .doc(
          R"(The direction of every element: a complex number of absolute value 1, of real numbers the sign; 0 where it is 0.

    out = self / |self|

Args:
    self: a tensor of any shape; the result has its dtype.

Example:
    >>> dt.sgn(dt.tensor([3 + 4j, 0j])).tolist()
    [(0.6+0.8j), 0j]
)");
}

}  // namespace

void declare_complex() {
  declare_views();
  declare_parts();
  declare_functions();
}

}  // namespace dovetail
