// Convolutions in which every channel has one filter of its own, 3 x 3 or 5 x 5 with stride 1, plane by plane: products
// are few, so what counts is that each element is read and written once.
#pragma once

#include "kernels/cpu/conv_plan.h"

namespace dovetail::cpu::depthwise {

// Decided by the shape alone.
bool suits(const ConvShape& shape);

// False: out of memory.
template <typename T>
bool convolve(dt_kernel_context* ctx, const ConvShape& shape, Images<const T> input, Filters<const T> weight,
              const T* bias, Images<T> out);
template <typename T>
bool convolve_input_grad(dt_kernel_context* ctx, const ConvShape& shape, Images<const T> grad, Filters<const T> weight,
                         Images<T> out);
template <typename T>
bool convolve_weight_grad(dt_kernel_context* ctx, const ConvShape& shape, Images<const T> grad, Images<const T> input,
                          Filters<T> out);

// A padded plane: the element that the first tap of result (y, x) reads is at data[y * pitch + x].
template <typename T>
struct Frame {
  const T* data;
  int64_t pitch;
};
// Results of a plane, dense. `taps`: kernel * kernel of them.
template <typename T>
void filter_plane(const Frame<T>& frame, int kernel, const T* taps, T bias, int64_t height, int64_t width, T* out,
                  int64_t out_row);
// sums[tap] += sum over (y, x) of grad[y][x] * frame[tap][y][x]. Rows of both are zero up to whole vectors.
template <typename T>
void add_tap_sums(const Frame<T>& frame, int kernel, const Frame<T>& grad, int64_t height, int64_t width, T* sums);

}  // namespace dovetail::cpu::depthwise
