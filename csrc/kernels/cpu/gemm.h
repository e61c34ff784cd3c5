// The inner loops that small matrix products and convolutions share.
//
// Both kinds read one operand through a table of offsets: row k of the right-hand matrix starts at b + offsets[k]. With
// offsets k * ld that is an ordinary matrix; with the offsets of a filter's taps in a padded image it is a convolution,
// and nothing like im2col has to be written out.
#pragma once

#include <cstdint>

#include "dovetail/abi.h"
#include "kernels/cpu/matrix.h"

namespace dovetail::cpu {

// Elements of one span: 32 bytes, a vector of AVX2 and half of one of AVX-512.
template <typename T>
constexpr int kLanes = 32 / static_cast<int>(sizeof(T));

// A span of results: where its lanes are read and written, and which of them are kept. All lanes are read, so the
// memory behind them must exist. Kept lanes begin at lane 0, or end at the last one; then the lanes before them belong
// to the neighbour that this span overlaps, and may be stored too, with the same values.
struct LaneSpan {
  int64_t source;       // lane 0, relative to TileProduct::b
  int64_t target;       // lane 0, relative to TileProduct::c (not touched unless lane 0 is kept)
  int32_t first, last;  // lanes [first, last) are kept
};

// c[i, lane] = init + alpha * sum over k of a[i, k] * b[offsets[k] + lane], for every span of lanes.
// init is bias[i], or 0 without a bias; with `accumulate` what c holds.
template <typename T>
struct TileProduct {
  const T* a = nullptr;
  int64_t a_row = 0, a_depth = 0;  // strides
  bool packed = false;             // instead of strides: `a` is what pack_rows made
  int64_t rows = 0, depth = 0;
  const T* b = nullptr;
  const int64_t* offsets = nullptr;
  const LaneSpan* spans = nullptr;
  int64_t n_spans = 0;
  T* c = nullptr;
  int64_t c_row = 0, c_lane = 1;
  const T* bias = nullptr;
  T alpha = 1;
  bool accumulate = false;
};

void tile_product(const TileProduct<float>& p);
void tile_product(const TileProduct<double>& p);

// Lay out a (rows, depth) matrix in the panels that tile_product reads fastest: panels of some rows, each stored depth
// first. Element (i, k) is a[i * a_row + depths[k]]. `out` has rows * depth elements.
template <typename T>
void pack_rows(const T* a, int64_t a_row, const int64_t* depths, int64_t rows, int64_t depth, T* out);

// c[i, k] (+)= alpha * sum over v, lane of a[i, v * lanes + lane] * b[offsets[k] + sources[v] + lane]
template <typename T>
struct DotProduct {
  const T* a = nullptr;
  int64_t a_row = 0;
  int64_t rows = 0;
  const T* b = nullptr;
  const int64_t* offsets = nullptr;
  int64_t cols = 0;
  const int64_t* sources = nullptr;  // NULL: vectors follow one another
  int64_t n_vectors = 0;
  T* c = nullptr;
  int64_t c_row = 0, c_col = 1;
  T alpha = 1;
  bool accumulate = false;
};

void dot_product(const DotProduct<float>& p);
void dot_product(const DotProduct<double>& p);

// out[i] = 0 + alpha * (factor * x[i]) over contiguous memory.
void scaled(const float* x, float factor, float alpha, float* out, int64_t n);
void scaled(const double* x, double factor, double alpha, double* out, int64_t n);

// Run body(begin, end) over [0, n) on the context's threads, or without a context on this one.
template <typename F>
void parallel(dt_kernel_context* ctx, int64_t n, int64_t grain, const F& body) {
  if (n <= 0) return;
  if (!ctx || n <= grain) return body(int64_t{0}, n);
  ctx->parallel_for(
      ctx, n, grain, [](void* arg, int64_t begin, int64_t end) { (*static_cast<const F*>(arg))(begin, end); },
      const_cast<F*>(&body));
}

}  // namespace dovetail::cpu
