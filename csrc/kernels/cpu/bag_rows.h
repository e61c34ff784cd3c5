// Rows of a table folded into one: the inner loops of embedding bags.
#pragma once

#include <cstdint>

namespace dovetail::cpu {

// The rows `index` [0, n) of a table of rows of `dim` elements, without those that are `padding`.
template <class T>
struct BagRows {
  const T* table;
  int64_t dim;
  const int64_t* index;
  int64_t n, padding;
  const T* row(int64_t i) const { return table + index[i] * dim; }
  bool counts(int64_t i) const { return index[i] != padding; }
};

template <class T>
struct BagFolds {
  // out = by * the sum of the rows, each times its entry of `samples` unless that is null.
  void (*sum)(const BagRows<T>& rows, const T* samples, T by, T* out);
  // The largest of each column, the first NaN among them, and which row it was in: 0 and -1 of no rows.
  void (*largest)(const BagRows<T>& rows, T* out, int64_t* which);
};

// Those of the machine's instruction set; for float and double.
template <class T>
const BagFolds<T>& bag_folds();

}  // namespace dovetail::cpu
