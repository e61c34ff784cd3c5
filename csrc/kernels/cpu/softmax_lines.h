// The exponentials of scores, counted from the largest, and their sum: of a line, or of columns that lie side by side.
// What softmax and cross-entropy begin with. The additions happen in one order whatever the instruction set.
#pragma once

#include "kernels/cpu/sum_lanes.h"

namespace dovetail::cpu {

template <class T>
struct SoftmaxLines {
  // Of n >= 1 elements: the largest to *top; returns the sum of e^(x - top). `out`, unless null, gets the summands.
  double (*line)(const T* in, int64_t n, T* out, T* top);
  // The same of `width` <= lanes::kLanes<T> columns, whose elements are `step` apart.
  void (*columns)(const T* in, int64_t n, int64_t step, int64_t width, T* out, T* top, double* total);
};

// That of the machine's instruction set; for float and double.
template <class T>
const SoftmaxLines<T>& softmax_lines();

}  // namespace dovetail::cpu
