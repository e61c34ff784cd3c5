// Convolution with 3 x 3 filters in float32 by Winograd's minimal filtering: 36 products instead of 144 for each 4 x 4
// results, and the same bits for any number of threads.
//
// With tiles of 6 x 6 elements of the source, that overlap by two, and Hadamard products summed over channels,
//
//   results = A4 [ sum (G3 filter G3') * (B tile B') ] A4'          4 x 4
//   weight's gradient = A3 [ sum (G4 gradient G4') * (B tile B') ] A3'  3 x 3, sums over images and tiles
//
// where the transforms evaluate and interpolate polynomials at 0, +-11/16, +-11/8 and infinity. These points are exact
// in float32, as are all entries of A and B, and they have the smallest errors of those tried (a fifth of those of
// 0, +-1, +-2). Each of the 36 sums is a matrix product.
//
// Error: |result - exact| <= 64 eps |filter| |tile| with eps = 2^-24, |filter| the Euclidean norm of the result's
// filter over all channels, and |tile| that of the 6 x 6 tiles of the source that its tile of results reads. The
// weight's gradient: (128 + tiles / 4) eps |gradient| |source|, norms over the images of its channels. Of normal
// numbers the mean square error's root is at most 16 eps of the results' own (of direct sums, about 3), whatever the
// number of channels; a weight's gradient over many large images may have a little more. The tests hold these.
//
// Channels are lanes: blocks of 16 of them are kept together as the source and the results come and go, so that images
// of any size fill the vectors.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/cpu/conv_plan.h"

namespace dovetail::cpu::winograd {

constexpr int64_t kBlock = 16;  // channels of a block
constexpr int64_t kWide = 32;   // results of a product's row
constexpr int64_t kPoints = 36;
constexpr int64_t kTile = 4, kReach = 6;  // elements of a tile along a side, of results and of the source

// A part of an image with up to 16 channels: rows [y, y + rows) and columns [x, x + cols), which may lie outside.
struct Patch {
  float* data = nullptr;
  int64_t channel = 0, row = 0, col = 1;  // strides
  int64_t height = 0, width = 0, channels = 0;
  int64_t y = 0, x = 0, rows = 0, cols = 0;
};

// out[row][col][lane] of a patch, zero outside of the image, and back. Lanes past the last channel repeat it.
void load_patch(const Patch& patch, float* out);
void store_patch(const Patch& patch, const float* in);

// Transforms of a row of tiles between patches and [point][tile][lane], whose points are `plane` elements apart and
// whose tiles are `step` apart. Those that make results say whether all are finite.
void transform_source(const float* patch, int64_t cols, int64_t tiles, float* out, int64_t plane);
void transform_gradient(const float* patch, int64_t cols, int64_t tiles, float* out, int64_t plane);
bool transform_results(const float* in, int64_t plane, int64_t step, int64_t tiles, const float* bias, float* patch,
                       int64_t cols);
// taps[9][lane] to [point][lane] and back; `flipped`: from the last tap to the first.
void transform_filter(const float* taps, bool flipped, float* out, int64_t plane);
bool transform_taps(const float* in, int64_t plane, float* taps);

// out[tile][32] (+)= sum over c of left[c / 16][tile][c % 16] * right[c][32]; blocks of `left` are `block` apart. The
// results from `results` on need not be made.
void multiply(const float* left, int64_t block, int64_t tiles, const float* right, int64_t channels, int64_t results,
              bool accumulate, float* out);
// out[c][lane of rows] (+)= sum over tiles of left[tile][c] * right[tile][lane], one block of 16 each way, and for two
// blocks of `right`, `block` apart, where `pair`. Rows of `out` are `row` apart.
void add_products(const float* left, const float* right, int64_t block, bool pair, int64_t tiles, bool accumulate,
                  float* out, int64_t row);

// The tiles of all images, in order.
struct Grid {
  int64_t across, down, count;
  Grid(int64_t batch, int64_t height, int64_t width)
      : across((width + kTile - 1) / kTile), down((height + kTile - 1) / kTile), count(batch * across * down) {}
  // use(image, row of tiles, first column of tiles, tiles, how many came before) for each row's part of [begin, end)
  template <typename F>
  void each_row(int64_t begin, int64_t end, const F& use) const {
    for (int64_t t = begin; t < end;) {
      const int64_t first = t % across, n = first + (end - t) < across ? end - t : across - first;
      use(t / (across * down), t / across % down, first, n, t - begin);
      t += n;
    }
  }
};

// How many threads have scratch memory, of which there is enough for `fit`.
inline int64_t slots_for(int64_t tasks, int64_t fit) {
  return std::max<int64_t>(1, std::min({tasks, fit, int64_t{64}}));
}

// Whether a convolution, and its gradients, gain by this: decided by the shape alone.
bool suits(const ConvShape& shape);
bool suits_input_grad(const ConvShape& shape);
bool suits_weight_grad(const ConvShape& shape);

// `not_finite`: some result is infinite or no number. Through the transforms that reaches a whole tile, so the plain
// sums have to tell which results are.
enum class Outcome { done, not_finite, no_memory };
Outcome convolve(dt_kernel_context* ctx, const ConvShape& shape, Images<const float> input, Filters<const float> weight,
                 const float* bias, Images<float> out);
Outcome convolve_input_grad(dt_kernel_context* ctx, const ConvShape& shape, Images<const float> grad,
                            Filters<const float> weight, Images<float> out);
Outcome convolve_weight_grad(dt_kernel_context* ctx, const ConvShape& shape, Images<const float> grad,
                             Images<const float> input, Filters<float> out);

}  // namespace dovetail::cpu::winograd
