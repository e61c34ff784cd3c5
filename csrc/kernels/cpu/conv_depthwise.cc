#include "kernels/cpu/conv_depthwise.h"

#include <algorithm>

#include "kernels/cpu/shared_tasks.h"

#define DOVETAIL_KERNELS "kernels/cpu/conv_depthwise.inc"
#include "kernels/cpu/foreach_isa.h"

namespace dovetail::cpu::depthwise {

template <>
void filter_plane(const Frame<float>& frame, int kernel, const float* taps, float bias, int64_t height, int64_t width,
                  float* out, int64_t out_row) {
  DOVETAIL_BEST_ISA(depth::filter_f32)(frame, kernel, taps, bias, height, width, out, out_row);
}
template <>
void filter_plane(const Frame<double>& frame, int kernel, const double* taps, double bias, int64_t height,
                  int64_t width, double* out, int64_t out_row) {
  DOVETAIL_BEST_ISA(depth::filter_f64)(frame, kernel, taps, bias, height, width, out, out_row);
}
template <>
void add_tap_sums(const Frame<float>& frame, int kernel, const Frame<float>& grad, int64_t height, int64_t width,
                  float* sums) {
  DOVETAIL_BEST_ISA(depth::sums_f32)(frame, kernel, grad, height, width, sums);
}
template <>
void add_tap_sums(const Frame<double>& frame, int kernel, const Frame<double>& grad, int64_t height, int64_t width,
                  double* sums) {
  DOVETAIL_BEST_ISA(depth::sums_f64)(frame, kernel, grad, height, width, sums);
}

namespace {

constexpr int64_t kMostPixels = 128 * 128;  // of a plane: its frame stays in the second-level cache
constexpr int64_t kMostTaps = 25;
constexpr int64_t kSlots = 64;

// A zero-padded copy of planes that all have the same size, read by vectors.
template <typename T>
class Padded {
 public:
  // For `height` rows of `width` elements at (top, left), read up to `rows` rows of `cols` elements.
  Padded(const Images<const T>& x, int64_t top, int64_t left, int64_t rows, int64_t cols, int64_t reach)
      : x_(x), top_(top), left_(left) {
    pitch_ = round_up(cols, kLanes<T>) + reach;
    height_ = std::min(x.size[1], rows + reach - top), width_ = std::min(x.size[2], cols + reach - left);
    size_ = pitch_ * (rows + reach) + kLanes<T>;
  }
  int64_t size() const { return size_; }
  void clear(T* memory) const { std::fill(memory, memory + size_, T(0)); }
  Frame<T> fill(int64_t image, int64_t channel, T* memory) const {
    const T* in = x_.data + image * x_.batch + channel * x_.channel;
    for (int64_t y = 0; y < height_; ++y, in += x_.step[1]) {
      T* out = memory + (top_ + y) * pitch_ + left_;
      if (x_.step[2] == 1) {
        copy_run(out, in, width_);
      } else {
        for (int64_t x = 0; x < width_; ++x) out[x] = in[x * x_.step[2]];
      }
    }
    return {memory, pitch_};
  }

 private:
  Images<const T> x_;
  int64_t top_, left_, pitch_, height_, width_, size_;
};

// Every plane of `source` with its filter.
template <typename T>
bool filter_all(dt_kernel_context* ctx, const ConvShape& s, const Padded<T>& padded, Filters<const T> weight,
                bool flipped, const T* bias, Images<T> out) {
  const int64_t kernel = s.kernel[1], height = out.size[1], width = out.size[2], planes = s.batch * s.groups;
  const bool dense = out.step[2] == 1;
  const int64_t slots = std::min(planes, kSlots), slot = padded.size() + (dense ? 0 : height * width);
  T* const scratch = static_cast<T*>(ctx->workspace(ctx, static_cast<size_t>(slots * slot) * sizeof(T)));
  if (!scratch) return false;
  const int64_t work = std::max<int64_t>(1, height * width * kernel);
  const int64_t grain = std::max<int64_t>(1, 32768 * slots / (work * planes));
  parallel_tasks(ctx, planes, slots, grain, [&](int64_t i) {
    T* const memory = scratch + i * slot;
    T* const results = memory + padded.size();
    padded.clear(memory);
    return [&, memory, results](int64_t plane) {
      const int64_t image = plane / s.groups, channel = plane % s.groups;
      T taps[kMostTaps];
      for (int64_t i = 0; i < kernel * kernel; ++i) {
        const int64_t from = flipped ? kernel * kernel - 1 - i : i;
        taps[i] = weight.data[channel * weight.out + weight.tap(0, from / kernel, from % kernel)];
      }
      const Frame<T> frame = padded.fill(image, channel, memory);
      T* const to = out.data + image * out.batch + channel * out.channel;
      const T start = bias ? bias[channel] : T(0);
      filter_plane(frame, static_cast<int>(kernel), taps, start, height, width, dense ? to : results,
                   dense ? out.step[1] : width);
      for (int64_t i = 0; !dense && i < height * width; ++i) {
        to[i / width * out.step[1] + i % width * out.step[2]] = results[i];
      }
    };
  });
  return true;
}

}  // namespace

bool suits(const ConvShape& s) {
  if (s.in_channels != 1 || s.out_channels != 1 || s.groups < 8) return false;
  if (s.kernel[0] != 1 || s.in[0] != 1 || s.stride[0] != 1 || s.padding[0] != 0) return false;
  const int64_t kernel = s.kernel[1];
  if ((kernel != 3 && kernel != 5) || s.kernel[2] != kernel) return false;
  for (int d = 1; d < 3; ++d) {
    if (s.stride[d] != 1 || s.dilation[d] != 1 || s.padding[d] >= kernel) return false;
  }
  return std::max(s.in_pixels(), s.out_pixels()) <= kMostPixels;
}

template <typename T>
bool convolve(dt_kernel_context* ctx, const ConvShape& s, Images<const T> input, Filters<const T> weight, const T* bias,
              Images<T> out) {
  const Padded<T> padded(input, s.padding[1], s.padding[2], s.out[1], s.out[2], s.kernel[1] - 1);
  return filter_all(ctx, s, padded, weight, false, bias, out);
}

// The convolution of the output's gradient with the filters turned about.
template <typename T>
bool convolve_input_grad(dt_kernel_context* ctx, const ConvShape& s, Images<const T> grad, Filters<const T> weight,
                         Images<T> out) {
  const int64_t reach = s.kernel[1] - 1;
  const Padded<T> padded(grad, reach - s.padding[1], reach - s.padding[2], s.in[1], s.in[2], reach);
  return filter_all<T>(ctx, s, padded, weight, true, nullptr, out);
}

template <typename T>
bool convolve_weight_grad(dt_kernel_context* ctx, const ConvShape& s, Images<const T> grad, Images<const T> input,
                          Filters<T> out) {
  const int64_t kernel = s.kernel[1], height = s.out[1], width = s.out[2];
  const Padded<T> padded(input, s.padding[1], s.padding[2], height, width, kernel - 1);
  const Padded<T> grads(grad, 0, 0, height, width, 0);
  const int64_t slots = std::min(s.groups, kSlots), slot = padded.size() + grads.size();
  T* const scratch = static_cast<T*>(ctx->workspace(ctx, static_cast<size_t>(slots * slot) * sizeof(T)));
  if (!scratch) return false;
  const int64_t work = std::max<int64_t>(1, s.batch * height * width * kernel);
  const int64_t grain = std::max<int64_t>(1, 32768 * slots / (work * s.groups));
  parallel_tasks(ctx, s.groups, slots, grain, [&](int64_t i) {
    T* const memory = scratch + i * slot;
    padded.clear(memory);
    grads.clear(memory + padded.size());
    return [&, memory](int64_t channel) {
      T sums[kMostTaps] = {};
      for (int64_t image = 0; image < s.batch; ++image) {
        const Frame<T> frame = padded.fill(image, channel, memory);
        add_tap_sums(frame, static_cast<int>(kernel), grads.fill(image, channel, memory + padded.size()), height, width,
                     sums);
      }
      for (int64_t i = 0; i < kernel * kernel; ++i) {
        out.data[channel * out.out + out.tap(0, i / kernel, i % kernel)] = sums[i];
      }
    };
  });
  return true;
}

#define INSTANTIATE(T)                                                                                       \
  template bool convolve(dt_kernel_context*, const ConvShape&, Images<const T>, Filters<const T>, const T*,  \
                         Images<T>);                                                                         \
  template bool convolve_input_grad(dt_kernel_context*, const ConvShape&, Images<const T>, Filters<const T>, \
                                    Images<T>);                                                              \
  template bool convolve_weight_grad(dt_kernel_context*, const ConvShape&, Images<const T>, Images<const T>, \
                                     Filters<T>);
INSTANTIATE(float)
INSTANTIATE(double)

}  // namespace dovetail::cpu::depthwise
