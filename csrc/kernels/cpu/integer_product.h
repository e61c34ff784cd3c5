// Products of integer matrices, which wrap around: any order of the sums gives the same bits.
#pragma once

#include <cstdint>

#include "kernels/cpu/matrix.h"

namespace dovetail::cpu {

// c = a b for c of at most integer_columns(sizeof(T)) columns, on the calling thread. T is unsigned.
template <typename T>
void integer_block(const Matrix<const T>& a, const Matrix<const T>& b, const Matrix<T>& c);

// How many columns are made at once: by the element's size and the machine.
int64_t integer_columns(int64_t size);

// The sum of x[i] * y[i] over contiguous memory.
template <typename T>
T integer_dot(const T* x, const T* y, int64_t n);

// out[i] += factor * x[i]
template <typename T>
void integer_axpy(T* out, const T* x, T factor, int64_t n);

}  // namespace dovetail::cpu
