// The dtypes: sizes, names, categories and promotion (PyTorch's rules).
#pragma once

#include <cstdint>
#include <string_view>

#include "dovetail/abi.h"

namespace dovetail {

using DType = int32_t;  // DT_FLOAT32...

enum class Category : uint8_t { boolean, integral, floating, complex };

struct DTypeInfo {
  const char* name;
  int32_t itemsize;
  Category category;
  bool is_signed;
};

extern const DTypeInfo kDTypes[DT_DTYPE_COUNT];
inline const DTypeInfo& dtype_info(DType dtype) { return kDTypes[dtype]; }
inline int64_t itemsize(DType dtype) { return kDTypes[dtype].itemsize; }
inline const char* dtype_name(DType dtype) { return kDTypes[dtype].name; }
inline Category category(DType dtype) { return kDTypes[dtype].category; }
void check_dtype(DType dtype);  // throws Error: a number from outside that is none
inline bool is_floating(DType dtype) { return category(dtype) == Category::floating; }
inline bool is_complex(DType dtype) { return category(dtype) == Category::complex; }
// Of a complex number's parts; any other dtype is its own.
inline DType real_of(DType dtype) {
  return dtype == DT_COMPLEX64 ? DType{DT_FLOAT32} : dtype == DT_COMPLEX128 ? DType{DT_FLOAT64} : dtype;
}
// Of complex numbers with parts of a floating-point dtype.
inline DType complex_of(DType dtype) { return dtype == DT_FLOAT64 ? DType{DT_COMPLEX128} : DType{DT_COMPLEX64}; }
// bool counts as integral where a rule says "integers become floats".
inline bool is_exact(DType dtype) { return category(dtype) <= Category::integral; }

// The dtype in which elements are added up: integers and bool in int64, but uint64, which that could not hold, in
// itself.
inline DType summed_dtype(DType dtype) { return is_exact(dtype) && dtype != DT_UINT64 ? DT_INT64 : dtype; }

// The dtype in which two tensors of these dtypes meet.
DType promote(DType a, DType b);
// Whether a result of one dtype may be written into a tensor of another (no category is lost).
bool can_cast(DType from, DType to);
DType dtype_by_name(std::string_view name);  // -1: none

DType default_dtype();
void set_default_dtype(DType dtype);

}  // namespace dovetail
