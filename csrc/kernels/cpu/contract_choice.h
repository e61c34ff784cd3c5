// Which loops a product goes to, by its shape and layout alone, so that its bits depend on nothing else.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/cpu/contract.h"
#include "kernels/cpu/isa.h"

namespace dovetail::cpu {

constexpr int64_t kSmallWork = 16 * 1024;          // multiplications; below, our own loops are faster
constexpr int64_t kNarrow = 12;                    // and for so few rows or columns
constexpr int64_t kFewRowsMost = 16;               // but so few rows are multiplied with a matrix as it lies
constexpr int64_t kFewOthers = 64;                 // if it has at least so many columns
constexpr int64_t kFewDepths = 8;                  // and rows
constexpr int64_t kFewWork = 2048;                 // and elements,
constexpr int64_t kFewWorkMany = 16 * 1024;        // of more than four rows
constexpr int64_t kWideForTiles = 128;             // two dimensions of bfloat16 numbers, whatever the third one is;
constexpr int64_t kFewBesideTiles = 2;             // but so few rows take no longer without tiles
constexpr int64_t kPackedWork = 1024 * 1024;       // a product worth its panels (below, OpenBLAS does without any),
constexpr int64_t kPackedBatch = 4 * 1024 * 1024;  // one of several that are made one by one,
constexpr int64_t kPackedSide = 48;                // and its fewest rows and columns
constexpr int64_t kPanelBytes = 512 * 1024;        // of a right matrix for which the left one is not laid out,
constexpr int64_t kFewRows = 128;                  // twice that for so few rows
constexpr int64_t kSameSet = 4096;                 // bytes after which lines share a set of the first-level cache

inline bool is_small(int64_t m, int64_t n, int64_t k) {
  if (k == 1) return true;
  const int64_t narrow = std::min(m, n), limit = narrow > 1 && narrow <= kNarrow ? 64 * kSmallWork : kSmallWork;
  return m * n <= limit / std::max<int64_t>(k, 1);
}

// Whether a product has so few rows or columns that the other matrix had better pass by as it lies.
template <typename W, typename T>
bool few_rows_pay(const Batch<W, T>& p) {
  const int64_t m = p.c.rows, n = p.c.cols, k = p.a.cols, rows = std::min(m, n), longer = std::max(m, n);
  const Matrix<const W>& passing = n < m ? p.a : p.b;
  return rows <= kFewRowsMost && longer >= kFewOthers && k >= kFewDepths &&
         longer * k >= (rows <= 4 ? kFewWork : kFewWorkMany) && (passing.col == 1 || passing.row == 1);
}

// Whether a product is worth panels of its own, and c can take whole rows.
template <typename T>
bool packs_pay(const Batch<T>& p) {
  const int64_t m = p.c.rows, n = p.c.cols, k = p.a.cols, work = p.count == 1 ? kPackedWork : kPackedBatch;
  return best_isa() != Isa::kBase && std::min(m, n) >= kPackedSide && k >= 16 && m * n >= work / k &&
         (p.c.col == 1 || p.c.row == 1);
}

// Whether the rows of the left matrix are better read where they are: the right one's panels fit the second-level
// cache, and the rows are not so far apart that they would take each other's place in the first. (A matrix times its
// own transpose is made by halves, which the panels of both allow.)
template <typename T>
bool place_pays(const Batch<T>& p) {
  const bool bias = !p.start.data || (p.start.row == 0 && p.start.col == 1 && p.start.scale == T(1));
  const int64_t size = sizeof(T), bytes = p.b.rows * p.b.cols * size;
  return p.count == 1 && !is_gram(p.a, p.b) && p.a.col == 1 && p.c.col == 1 && bias && p.alpha == T(1) &&
         p.a.row * size % kSameSet != 0 && bytes <= (p.c.rows <= kFewRows ? 2 * kPanelBytes : kPanelBytes);
}

}  // namespace dovetail::cpu
