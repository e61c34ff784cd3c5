#include "core/dtype.h"

#include <atomic>

#include "core/error.h"

namespace dovetail {

const DTypeInfo kDTypes[DT_DTYPE_COUNT] = {
    {"float32", 4, Category::floating, true},    {"float64", 8, Category::floating, true},
    {"float16", 2, Category::floating, true},    {"bfloat16", 2, Category::floating, true},
    {"int8", 1, Category::integral, true},       {"int16", 2, Category::integral, true},
    {"int32", 4, Category::integral, true},      {"int64", 8, Category::integral, true},
    {"uint8", 1, Category::integral, false},     {"uint16", 2, Category::integral, false},
    {"uint32", 4, Category::integral, false},    {"uint64", 8, Category::integral, false},
    {"bool", 1, Category::boolean, false},       {"complex64", 8, Category::complex, true},
    {"complex128", 16, Category::complex, true},
};

namespace {

std::atomic<DType> default_float{DT_FLOAT32};

DType promote_floats(DType a, DType b) {
  const bool sixteen_a = itemsize(a) == 2, sixteen_b = itemsize(b) == 2;
  if (sixteen_a && sixteen_b) return DT_FLOAT32;  // float16 with bfloat16: neither holds the other
  return itemsize(a) >= itemsize(b) ? a : b;
}

DType promote_integers(DType a, DType b) {
  const DTypeInfo &x = kDTypes[a], &y = kDTypes[b];
  if (x.is_signed == y.is_signed) return x.itemsize >= y.itemsize ? a : b;
  const DType with_sign = x.is_signed ? a : b, without = x.is_signed ? b : a;
  if (kDTypes[with_sign].itemsize > kDTypes[without].itemsize) return with_sign;
  switch (kDTypes[without].itemsize) {
    case 1:
      return DT_INT16;
    case 2:
      return DT_INT32;
    case 4:
      return DT_INT64;
    default:
      type_error("no dtype holds both ", x.name, " and ", y.name, "; convert one with .to(dtype)");
  }
}

DType complex_over(DType complex, DType other) {
  if (other == DT_COMPLEX128 || complex == DT_COMPLEX128 || other == DT_FLOAT64) return DT_COMPLEX128;
  return DT_COMPLEX64;
}

}  // namespace

void check_dtype(DType dtype) {
  if (dtype < 0 || dtype >= DT_DTYPE_COUNT) value_error("dtype: there is none with number ", dtype);
}

DType promote(DType a, DType b) {
  if (a == b) return a;
  const Category ca = category(a), cb = category(b);
  if (ca == Category::complex) return complex_over(a, b);
  if (cb == Category::complex) return complex_over(b, a);
  if (ca != cb) return ca > cb ? a : b;
  return ca == Category::floating ? promote_floats(a, b) : promote_integers(a, b);
}

bool can_cast(DType from, DType to) {
  const Category a = category(from), b = category(to);
  if (a == Category::complex) return b == Category::complex;
  if (a == Category::floating) return b >= Category::floating;
  if (b == Category::boolean) return a == Category::boolean;
  return true;
}

DType dtype_by_name(std::string_view name) {
  for (DType d = 0; d < DT_DTYPE_COUNT; ++d)
    if (name == kDTypes[d].name) return d;
  return -1;
}

DType default_dtype() { return default_float.load(std::memory_order_relaxed); }

void set_default_dtype(DType dtype) {
  if (!is_floating(dtype)) type_error("set_default_dtype: expected a floating-point dtype, got ", dtype_name(dtype));
  default_float.store(dtype);
}

}  // namespace dovetail
