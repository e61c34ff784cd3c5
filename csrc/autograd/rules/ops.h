// The ops that rules are written with, as function objects of their names, and what several families share.
#pragma once

#include "autograd/levels.h"
#include "autograd/op_node.h"

namespace dovetail::autograd::rules {

using dt::DType;
using dt::number;
using dt::Op;

// elementwise
inline const Op abs{"abs"}, atan{"atan"}, ceil{"ceil"}, cos{"cos"}, cosh{"cosh"}, exp{"exp"}, floor{"floor"},
    log{"log"}, reciprocal{"reciprocal"}, rsqrt{"rsqrt"}, sign{"sign"}, sin{"sin"}, sinh{"sinh"}, sqrt{"sqrt"},
    square{"square"}, tan{"tan"};
inline const Op add{"add"}, div{"div"}, mul{"mul"}, pow{"pow"}, sub{"sub"};
inline const Op eq{"eq"}, ge{"ge"}, gt{"gt"}, le{"le"}, lt{"lt"}, ne{"ne"}, isnan{"isnan"};
inline const Op logical_and{"logical_and"}, logical_not{"logical_not"}, logical_or{"logical_or"};
inline const Op complex{"complex"}, conj_physical{"conj_physical"}, imag{"imag"}, real{"real"};
inline const Op masked_fill{"masked_fill"}, where{"where"};
// reductions and scans
inline const Op any{"any"}, cumprod{"cumprod"}, cumsum{"cumsum"}, mean{"mean"}, sum{"sum"};
// making and moving
inline const Op arange{"arange"}, cast{"cast"}, clone{"clone"}, contiguous{"contiguous"}, copy{"copy"}, full{"full"},
    ones_like{"ones_like"}, zeros_like{"zeros_like"};
// shape
inline const Op as_strided{"as_strided"}, diagonal{"diagonal"}, expand{"expand"}, flip_view{"flip_view"},
    permute{"permute"}, reshape{"reshape"}, select{"select"}, slice{"slice"}, transpose{"transpose"}, unfold{"unfold"},
    unsqueeze{"unsqueeze"}, unbind{"unbind"};
inline const Op as_strided_scatter{"as_strided_scatter"}, diagonal_scatter{"diagonal_scatter"},
    select_scatter{"select_scatter"}, slice_scatter{"slice_scatter"};
// indexing
inline const Op cat{"cat"}, constant_pad_nd{"constant_pad_nd"}, gather{"gather"}, index{"index"},
    index_add{"index_add"}, index_put{"index_put"}, index_select{"index_select"}, scatter{"scatter"},
    scatter_add{"scatter_add"};
// contraction
inline const Op bmm{"bmm"}, matmul{"matmul"}, mm{"mm"}, mv{"mv"};

constexpr double kPi = 3.14159265358979323846;
constexpr double kLn2 = 0.69314718055994530942;
constexpr double kLn10 = 2.30258509299404568402;
constexpr double kTwoOverSqrtPi = 1.12837916709551257390;

// The gradient where a condition holds, else zero.
inline Tensor only_where(const Tensor& condition, const Tensor& g) { return where(condition, g, number(0)); }

// A gradient of exactly zero, where the op's derivative is that (and not missing).
inline Tensor zero(Ctx& c) { return zeros_like(c.g()); }
// The gradient as it is.
inline Tensor same(Ctx& c) { return c.g(); }

// An argument in the result's dtype, as the op computed with it: an integer, or a narrower float, has other functions.
inline Tensor in_result(Ctx& c, int arg) {
  const Tensor t = c[arg];
  const int32_t dtype = c.output().dtype;
  return t.dtype() == dtype ? t : Tensor(cast(t, DType{dtype}));
}

// g times a number that is usually 1.
inline Tensor scaled(const Tensor& g, double factor) { return factor == 1 ? g : g * factor; }
// g times the number that is argument i, which may be complex.
Tensor scaled(Ctx& c, const Tensor& g, int i);

// The gradient of a reduction, brought back to the reduced argument's shape, so that it broadcasts against it.
Tensor spread(const Tensor& g, Ints sizes, const std::vector<int64_t>& dims, bool keepdim);

// Zeros of a shape, of which one part is `g`. `part` views the part of a tensor, `scattered` is the op that replaces
// the part in a copy: that is needed only where this is recorded itself.
template <class Part, class Scattered>
Tensor placed(const Shape& shape, const Tensor& g, Part&& part, Scattered&& scattered) {
  Tensor whole = zeros(shape);
  if (may_be_followed()) return scattered(whole);
  copy.inplace(part(whole), g);
  return whole;
}

}  // namespace dovetail::autograd::rules
