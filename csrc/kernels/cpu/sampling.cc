// Images at points between their pixels, and the gradients. Points come in blocks: where each takes its value from and
// how much of it is found once for all channels.
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/cpu/families.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/room.h"
#include "kernels/cpu/sixteen.h"

namespace dovetail::cpu {
namespace {

constexpr int kBlock = 64, kMostTaps = 4, kMostCorners = 16;
constexpr int64_t kChannels = 16;  // that share a block's taps in the gradient of the image

enum class Mode { linear, nearest, cubic };
enum class Outside { zeros, border, reflection };

// How one dim of an image is sampled.
template <class T>
struct Axis {
  int64_t size, step;  // step: of the image, in elements
  T scale, shift;      // from [-1, 1] to pixels: (x + 1) * scale + shift
  T low, span;         // what is reflected: from low, so long
  T last;              // the last pixel
};

// The taps of a block along one dim: pixels, how much of each, and how that changes along the grid.
template <class T>
struct Taps {
  T place[kMostTaps][kBlock], weight[kMostTaps][kBlock], slope[kMostTaps][kBlock];
};

template <class T>
DOVETAIL_INLINE T reflected(T x, const Axis<T>& axis, T& slope) {
  const T from = x - axis.low, away = from < 0 ? -from : from;
  if (axis.span == 0) {
    slope = 0;
    return x * 0;
  }
  const T flips = std::floor(away / axis.span), extra = away - flips * axis.span;
  const bool even = flips - 2 * std::floor(flips / 2) == 0;
  slope = (from < 0) == even ? -slope : slope;
  return even ? extra + axis.low : axis.span - extra + axis.low;
}

// Where a place outside takes its value from; a NaN stays one.
template <class T>
DOVETAIL_INLINE T within(T x, const Axis<T>& axis, Outside outside, T& slope) {
  if (outside == Outside::reflection) x = reflected(x, axis, slope);
  if (outside == Outside::zeros) return x;
  slope = (x <= 0) | (x >= axis.last) ? T(0) : slope;
  x = x < 0 ? T(0) : x;
  return x > axis.last ? axis.last : x;
}

// A pixel that may lie outside: then it is any other, with nothing of it.
template <class T>
DOVETAIL_INLINE void set_tap(Taps<T>& taps, int k, int i, T place, T weight, T slope, T last) {
  const bool inside = (place >= 0) & (place <= last);
  const T kept = inside ? T(1) : T(0);
  taps.place[k][i] = inside ? place : T(0);
  taps.weight[k][i] = weight * kept;
  taps.slope[k][i] = slope * kept;
}

template <class T>
DOVETAIL_CLONES void linear_taps(const T* grid, int64_t step, int n, const Axis<T>& axis, Outside outside,
                                 Taps<T>& taps) {
  for (int i = 0; i < n; ++i) {
    T slope = axis.scale;
    const T x = within((grid[i * step] + 1) * axis.scale + axis.shift, axis, outside, slope);
    const T low = std::floor(x), part = x - low;
    set_tap(taps, 0, i, low, 1 - part, -slope, axis.last);
    set_tap(taps, 1, i, low + 1, part, slope, axis.last);
  }
}

template <class T>
DOVETAIL_CLONES void nearest_taps(const T* grid, int64_t step, int n, const Axis<T>& axis, Outside outside,
                                  Taps<T>& taps) {
  for (int i = 0; i < n; ++i) {
    T slope = 0;
    const T x = within((grid[i * step] + 1) * axis.scale + axis.shift, axis, outside, slope);
    set_tap(taps, 0, i, std::nearbyint(x), T(1), T(0), axis.last);
  }
}

// The cubic convolution's weight of a pixel at distance d (Keys, 1981), up to 1 away and from there to 2; and how it
// changes.
constexpr double kCubic = -0.75;
template <class T>
DOVETAIL_INLINE T near_weight(T d) {
  constexpr T a = kCubic;
  return ((a + 2) * d - (a + 3)) * d * d + 1;
}
template <class T>
DOVETAIL_INLINE T far_weight(T d) {
  constexpr T a = kCubic;
  return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
}
template <class T>
DOVETAIL_INLINE T near_slope(T d) {
  constexpr T a = kCubic;
  return (3 * (a + 2) * d - 2 * (a + 3)) * d;
}
template <class T>
DOVETAIL_INLINE T far_slope(T d) {
  constexpr T a = kCubic;
  return (3 * a * d - 10 * a) * d + 8 * a;
}

template <class T>
DOVETAIL_CLONES void cubic_taps(const T* grid, int64_t step, int n, const Axis<T>& axis, Outside outside,
                                Taps<T>& taps) {
  for (int i = 0; i < n; ++i) {
    const T x = (grid[i * step] + 1) * axis.scale + axis.shift, low = std::floor(x), t = x - low;
    const T weights[] = {far_weight(t + 1), near_weight(t), near_weight(1 - t), far_weight(2 - t)};
    const T slopes[] = {far_slope(t + 1), near_slope(t), -near_slope(1 - t), -far_slope(2 - t)};
    for (int k = 0; k < 4; ++k) {
      T ignored = 0;
      const T place = std::floor(within(low + static_cast<T>(k - 1), axis, outside, ignored));
      set_tap(taps, k, i, place, weights[k], slopes[k] * axis.scale, axis.last);
    }
  }
}

// ---- a block of points ---------------------------------------------------------------------------------------

template <class T>
struct Image {
  int dims;
  Mode mode;
  Outside outside;
  Axis<T> axes[3];
  int taps() const { return mode == Mode::linear ? 2 : mode == Mode::nearest ? 1 : 4; }
  int corners() const {
    int n = 1;
    for (int d = 0; d < dims; ++d) n *= taps();
    return n;
  }

  // options: mode, padding_mode, align_corners
  Image(int dims, const int64_t* sizes, const int64_t* steps, const dt_value* options) : dims(dims) {
    mode = options[0].as.string[0] == 'n' ? Mode::nearest : options[0].as.string[2] == 'l' ? Mode::linear : Mode::cubic;
    const char first = options[1].as.string[0];
    outside = first == 'z' ? Outside::zeros : first == 'b' ? Outside::border : Outside::reflection;
    const bool corners = options[2].tag != DT_NONE && options[2].as.i != 0;
    for (int d = 0; d < dims; ++d) {
      const T size = static_cast<T>(sizes[d]);
      axes[d] = {sizes[d],
                 steps[d],
                 (corners ? size - 1 : size) / 2,
                 corners ? T(0) : T(-0.5),
                 corners ? T(0) : T(-0.5),
                 corners ? size - 1 : size,
                 size - 1};
    }
  }
};

// Where the values of a block come from, in elements from a plane's first, and how much of each.
template <class T, class Index>
struct Block {
  Taps<T> taps[3];
  Index offset[kMostCorners][kBlock];
  T weight[kMostCorners][kBlock];

  // grid: the block's first point; its coordinates are those of the last dim first.
  void find(const Image<T>& image, const T* grid, int64_t step, int64_t coordinate, int n) {
    const auto taps_of = image.mode == Mode::linear    ? linear_taps<T>
                         : image.mode == Mode::nearest ? nearest_taps<T>
                                                       : cubic_taps<T>;
    for (int d = 0; d < image.dims; ++d)
      taps_of(grid + (image.dims - 1 - d) * coordinate, step, n, image.axes[d], image.outside, taps[d]);
    const int each = image.taps(), corners = image.corners();
    for (int c = 0; c < corners; ++c) {
      int rest = c;
      for (int d = image.dims - 1; d >= 0; --d, rest /= each)
        add(c, taps[d], rest % each, image.axes[d].step, n, d == image.dims - 1);
    }
  }
  void add(int c, const Taps<T>& taps, int k, int64_t step, int n, bool first) {
    for (int i = 0; i < n; ++i) {
      const Index at = static_cast<Index>(taps.place[k][i]) * static_cast<Index>(step);
      offset[c][i] = first ? at : offset[c][i] + at;
      weight[c][i] = first ? taps.weight[k][i] : weight[c][i] * taps.weight[k][i];
    }
  }
  // The product of the dims' weights, with the slope of dim `along`.
  T slope(const Image<T>& image, int along, int c, int i) const {
    const int each = image.taps();
    T product = 1;
    for (int d = image.dims - 1; d >= 0; --d, c /= each) {
      const auto* rows = d == along ? taps[d].slope : taps[d].weight;
      product *= rows[c % each][i];
    }
    return product;
  }
};

template <class T, class Index>
DOVETAIL_CLONES void gather_sum(const T* plane, const Block<T, Index>& block, int corners, int n, T* out,
                                int64_t step) {
  T sums[kBlock];
  for (int i = 0; i < n; ++i) sums[i] = block.weight[0][i] * plane[block.offset[0][i]];
  int c = 1;
  for (; c + 3 <= corners; c += 3)
    for (int i = 0; i < n; ++i)
      sums[i] += block.weight[c][i] * plane[block.offset[c][i]] +
                 block.weight[c + 1][i] * plane[block.offset[c + 1][i]] +
                 block.weight[c + 2][i] * plane[block.offset[c + 2][i]];
  for (; c < corners; ++c)
    for (int i = 0; i < n; ++i) sums[i] += block.weight[c][i] * plane[block.offset[c][i]];
  for (int i = 0; i < n; ++i) out[i * step] = sums[i];
}

template <class T, class Index>
DOVETAIL_CLONES void gather_dots(const T* plane, const Block<T, Index>& block, int corners, int n, const T* grad,
                                 int64_t step, T (*dots)[kBlock]) {
  for (int c = 0; c < corners; ++c)
    for (int i = 0; i < n; ++i) dots[c][i] += grad[i * step] * plane[block.offset[c][i]];
}

template <class T, class Index>
void scatter_sum(T* plane, const Block<T, Index>& block, int corners, int n, const T* grad, int64_t step) {
  for (int c = 0; c < corners; ++c)
    for (int i = 0; i < n; ++i) plane[block.offset[c][i]] += block.weight[c][i] * grad[i * step];
}

// Whether offsets within a plane of these sizes fit into 32 bits: then they are read faster.
bool is_narrow(int dims, const int64_t* sizes, const int64_t* steps) {
  int64_t most = 0;
  for (int d = 0; d < dims; ++d) most += (sizes[d] - 1) * std::abs(steps[d]);
  return most < (int64_t{1} << 31);
}

// ---- kernels -------------------------------------------------------------------------------------------------

// Samples (N, C, points) and a grid (N, points, dims), each laid out in a row.
struct Sizes {
  int64_t batch, channels, points;
  int dims;
  Sizes(const dt_array& samples, const dt_array& grid)
      : batch(samples.sizes[0]), channels(samples.sizes[1]), points(1), dims(grid.ndim - 2) {
    for (int d = 2; d < samples.ndim; ++d) points *= samples.sizes[d];
  }
  int64_t blocks() const { return ceil_div(points, kBlock); }
  int in_block(int64_t b) const { return static_cast<int>(std::min<int64_t>(kBlock, points - b * kBlock)); }
};

template <class T, class Index>
dt_status sample_by(dt_kernel_context* ctx, const dt_array* outs, const dt_array* ins, const dt_value* args) {
  if (numel(outs[0]) == 0) return DT_OK;
  const dt_array& input = ins[0];
  const Sizes sizes(outs[0], ins[1]);
  const T* grid = contiguous_data<T>(ctx, ins[1]);
  T* out = room<T>(ctx, outs[0]);
  if (!grid || !out) return out_of_memory(ctx, "grid_sample");
  const Image<T> image(sizes.dims, input.sizes + 2, input.strides + 2, args + 2);
  const int corners = image.corners();
  parallel(ctx, sizes.batch * sizes.blocks(), grain_for(kBlock * corners * (sizes.channels + 8)),
           [&](int64_t begin, int64_t end) {
             Block<T, Index> block;
             for (int64_t u = begin; u < end; ++u) {
               const int64_t sample = u / sizes.blocks(), b = u % sizes.blocks();
               const int n = sizes.in_block(b);
               block.find(image, grid + (sample * sizes.points + b * kBlock) * sizes.dims, sizes.dims, 1, n);
               for (int64_t c = 0; c < sizes.channels; ++c)
                 gather_sum(static_cast<const T*>(input.data) + sample * input.strides[0] + c * input.strides[1], block,
                            corners, n, out + (sample * sizes.channels + c) * sizes.points + b * kBlock, 1);
             }
           });
  deliver(ctx, outs[0], out);
  return DT_OK;
}

template <class T, class Index>
dt_status input_grad_by(dt_kernel_context* ctx, const dt_array* outs, const dt_array* ins, const dt_value* args) {
  if (numel(outs[0]) == 0) return DT_OK;
  const Sizes sizes(ins[0], ins[1]);
  const T *grad = contiguous_data<T>(ctx, ins[0]), *grid = contiguous_data<T>(ctx, ins[1]);
  T* out = room<T>(ctx, outs[0]);
  if ((sizes.points > 0 && (!grad || !grid)) || !out) return out_of_memory(ctx, "grid_sample_input_grad");
  int64_t steps[DT_MAX_DIMS], pixels = numel(outs[0]) / (sizes.batch * sizes.channels);
  contiguous_strides(outs[0], steps);
  const Image<T> image(sizes.dims, outs[0].sizes + 2, steps + 2, args + 3);
  const int corners = image.corners();
  const int64_t groups = ceil_div(sizes.channels, kChannels);
  parallel(ctx, sizes.batch * groups, 1, [&](int64_t begin, int64_t end) {
    Block<T, Index> block;
    for (int64_t u = begin; u < end; ++u) {
      const int64_t sample = u / groups, first = u % groups * kChannels;
      const int64_t last = std::min(sizes.channels, first + kChannels);
      const auto plane = [&](int64_t c) { return out + (sample * sizes.channels + c) * pixels; };
      std::fill(plane(first), plane(last), T(0));
      for (int64_t b = 0; b < sizes.blocks(); ++b) {
        const int n = sizes.in_block(b);
        block.find(image, grid + (sample * sizes.points + b * kBlock) * sizes.dims, sizes.dims, 1, n);
        for (int64_t c = first; c < last; ++c)
          scatter_sum(plane(c), block, corners, n, grad + (sample * sizes.channels + c) * sizes.points + b * kBlock, 1);
      }
    }
  });
  deliver(ctx, outs[0], out);
  return DT_OK;
}

template <class T, class Index>
dt_status grid_grad_by(dt_kernel_context* ctx, const dt_array* outs, const dt_array* ins, const dt_value* args) {
  if (numel(outs[0]) == 0) return DT_OK;
  const dt_array& input = ins[1];
  const Sizes sizes(ins[0], ins[2]);
  const T *grad = contiguous_data<T>(ctx, ins[0]), *grid = contiguous_data<T>(ctx, ins[2]);
  T* out = room<T>(ctx, outs[0]);
  if ((sizes.channels > 0 && !grad) || !grid || !out) return out_of_memory(ctx, "grid_sample_grid_grad");
  const Image<T> image(sizes.dims, input.sizes + 2, input.strides + 2, args + 3);
  const int corners = image.corners();
  parallel(ctx, sizes.batch * sizes.blocks(), grain_for(kBlock * corners * (sizes.channels + 8)),
           [&](int64_t begin, int64_t end) {
             Block<T, Index> block;
             T dots[kMostCorners][kBlock];
             for (int64_t u = begin; u < end; ++u) {
               const int64_t sample = u / sizes.blocks(), b = u % sizes.blocks();
               const int n = sizes.in_block(b);
               const int64_t from = sample * sizes.points + b * kBlock;
               block.find(image, grid + from * sizes.dims, sizes.dims, 1, n);
               std::fill_n(&dots[0][0], kMostCorners * kBlock, T(0));
               for (int64_t c = 0; c < sizes.channels; ++c)
                 gather_dots(static_cast<const T*>(input.data) + sample * input.strides[0] + c * input.strides[1],
                             block, corners, n, grad + (sample * sizes.channels + c) * sizes.points + b * kBlock, 1,
                             dots);
               for (int i = 0; i < n; ++i)
                 for (int d = 0; d < sizes.dims; ++d) {
                   T sum = 0;
                   for (int k = 0; k < corners; ++k) sum += block.slope(image, d, k, i) * dots[k][i];
                   out[(from + i) * sizes.dims + sizes.dims - 1 - d] = sum;
                 }
             }
           });
  deliver(ctx, outs[0], out);
  return DT_OK;
}

// (input, grid, mode, padding_mode, align_corners)
template <class T>
dt_status sample(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                 const dt_value* args, int32_t) {
  const bool narrow = is_narrow(ins[0].ndim - 2, ins[0].sizes + 2, ins[0].strides + 2);
  return (narrow ? sample_by<T, int32_t> : sample_by<T, int64_t>)(ctx, outs, ins, args);
}

// (grad, grid, input_size, mode, padding_mode, align_corners)
template <class T>
dt_status input_grad(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                     const dt_value* args, int32_t) {
  int64_t steps[DT_MAX_DIMS];
  contiguous_strides(outs[0], steps);
  const bool narrow = is_narrow(outs[0].ndim - 2, outs[0].sizes + 2, steps + 2);
  return (narrow ? input_grad_by<T, int32_t> : input_grad_by<T, int64_t>)(ctx, outs, ins, args);
}

// (grad, input, grid, mode, padding_mode, align_corners)
template <class T>
dt_status grid_grad(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                    const dt_value* args, int32_t) {
  const bool narrow = is_narrow(ins[1].ndim - 2, ins[1].sizes + 2, ins[1].strides + 2);
  return (narrow ? grid_grad_by<T, int32_t> : grid_grad_by<T, int64_t>)(ctx, outs, ins, args);
}

template <class T>
void add(KernelTable& table, int32_t dtype) {
  table.add("grid_sample", dtype, sample<T>);
  table.add("grid_sample_input_grad", dtype, input_grad<T>);
  table.add("grid_sample_grid_grad", dtype, grid_grad<T>);
}

}  // namespace

void register_sampling(KernelTable& table) { add_floats_whole(table, add<float>, add<double>); }

}  // namespace dovetail::cpu
