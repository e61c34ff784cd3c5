// What the three convolution kernels share: the shapes, and frames.
//
// A frame is a small padded copy of a part of an image, laid out so that every tap of the filter finds its operand at a
// fixed offset from the result's position: source = frame + offset(tap) + position. With a stride, each residue of the
// coordinates has its own plane (a phase), so neighbouring results read neighbouring elements for any stride. That is
// the form that TileProduct and DotProduct take, and neither stride, dilation nor padding costs anything in them.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "kernels/cpu/gemm.h"
#include "kernels/cpu/rounding.h"

namespace dovetail::cpu {

// A convolution in three spatial dims (missing ones lead, with size 1). Channels are those of one group.
struct ConvShape {
  int64_t batch = 1, groups = 1, in_channels = 1, out_channels = 1;
  int64_t in[3] = {1, 1, 1}, out[3] = {1, 1, 1}, kernel[3] = {1, 1, 1};
  int64_t stride[3] = {1, 1, 1}, padding[3] = {0, 0, 0}, dilation[3] = {1, 1, 1};

  int64_t taps() const { return kernel[0] * kernel[1] * kernel[2]; }
  int64_t out_pixels() const { return out[0] * out[1] * out[2]; }
  int64_t in_pixels() const { return in[0] * in[1] * in[2]; }
  bool pointwise() const {
    for (int d = 0; d < 3; ++d) {
      if (kernel[d] != 1 || stride[d] != 1 || padding[d] != 0) return false;
    }
    return true;
  }
};

// (N, C, *spatial) in memory.
template <typename T>
struct Images {
  T* data;
  int64_t batch, channel, step[3];  // strides
  int64_t size[3];
};

// (O, C, *kernel) in memory, C per group.
template <typename T>
struct Filters {
  T* data;
  int64_t out, in, step[3];
  int64_t tap(int64_t z, int64_t y, int64_t x) const { return z * step[0] + y * step[1] + x * step[2]; }
};

// One tap along one dim: which phase it reads, how far on, and its place in the filter.
struct Tap {
  int64_t phase, shift, kernel;
};

// How one dim of the source is framed.
struct FrameDim {
  int64_t step = 1;            // source coordinates between neighbours in the frame
  std::vector<int64_t> first;  // per phase, the source coordinate of the frame's element 0 for results from 0
  int64_t reach = 0;           // elements that the taps read beyond the last result
};

// Results that have the same taps: all of them, or of an input gradient those of one residue modulo the stride.
struct Residue {
  int64_t start = 0;  // the result's first coordinate; the next is `step` on
  int64_t step = 1;
  int64_t count = 0;
  std::vector<Tap> taps;
};

struct FramePlan {
  FrameDim dim[3];
  std::vector<Residue> residues[3];

  // Offsets of a frame with `count` results a dim: pitch of rows and of the whole channel, in elements.
  struct Layout {
    int64_t count[3];
    int64_t pitch[3];  // of a step in z, y, x
    int64_t phase;     // elements of one phase
    int64_t channel;   // and of all, padded so that channels do not meet in the same cache sets
  };
  Layout layout(const int64_t (&count)[3], int64_t element_size) const;
  // The largest number of results along each dim.
  int64_t results(int d) const;
  int64_t phases() const;
  int64_t most_taps() const;  // of any combination of residues
  // Give every tap along x a phase of its own. A frame's rows are then as long as the results' and follow one another,
  // so that vectors run on from row to row.
  void unroll_rows();
  bool unrolled = false;
};

// Frames of the input, for convolution and for the weight's gradient.
FramePlan frame_input(const ConvShape& shape);
// Frames of the output's gradient, for the input's gradient.
FramePlan frame_gradient(const ConvShape& shape);

// How vectors of results run. Along lines: rows of the image, the last vector overlapping; wasteful where rows are
// short. Flat: over all rows, which takes unrolled frames. Columns: over anything, each operand copied out for each
// tap.
enum class Walk { lines, flat, columns };
// The cheapest, by an estimate; `rows`: how often an operand is used. Columns only for lines shorter than
// `columns_below`. Unrolls the plan for `flat`.
Walk choose_walk(FramePlan& plan, int64_t rows, int64_t lanes, bool flat_allowed, int64_t columns_below);

// Offset of a tap (one per dim) in a channel of a frame.
inline int64_t tap_offset(const FramePlan& plan, const FramePlan::Layout& layout, const Tap& z, const Tap& y,
                          const Tap& x) {
  const int64_t py = static_cast<int64_t>(plan.dim[1].first.size()),
                px = static_cast<int64_t>(plan.dim[2].first.size());
  return ((z.phase * py + y.phase) * px + x.phase) * layout.phase + z.shift * layout.pitch[0] +
         y.shift * layout.pitch[1] + x.shift * layout.pitch[2];
}

// How a grid of results is cut into tasks, from its shape alone.
struct Cut {
  int64_t images = 1;       // of the batch, together
  int64_t size[3];          // results a dim
  int64_t count[3], tiles;  // tiles a dim, and in all
  int64_t image_groups;
  int64_t channels, channel_blocks;  // source channels a frame
};
// The part of the results that a task computes.
struct Part {
  int64_t image = 0, images = 0;
  int64_t origin[3] = {0, 0, 0}, count[3] = {0, 0, 0};
};

// Hands out pieces of one block of scratch memory.
class Carver {
 public:
  explicit Carver(char* base) : base_(base) {}
  template <typename T>
  T* take(int64_t n) {
    T* out = base_ ? reinterpret_cast<T*>(base_ + used_) : nullptr;
    used_ += (n * static_cast<int64_t>(sizeof(T)) + 63) / 64 * 64;
    return out;
  }
  int64_t used() const { return used_; }

 private:
  char* base_;
  int64_t used_ = 0;
};

// Makes the frames of a part: those of all its images, and for each of some channels, one after the other.
template <typename T>
class Framer {
 public:
  // Scratch memory for frames of cut's size.
  Framer(const FramePlan& plan, const Cut& cut, const Images<const T>& source, Carver& carver);
  // Turn to another part. True: its layout differs from that of the last.
  bool turn_to(const Part& part);
  void fill(int64_t channel, int64_t channels);

  const T* frame() const { return frame_; }
  const FramePlan::Layout& layout() const { return layout_; }

 private:
  struct Box {  // what a phase takes from inside the image
    int64_t out, in, size[3];
  };
  const FramePlan& plan_;
  const Images<const T> source_;
  T* frame_;
  Box* boxes_;
  int64_t n_boxes_ = 0, capacity_, jump_ = 1;
  FramePlan::Layout layout_;
  Part part_;
};

// The lines of results along which vectors run, and where they are in the frame and in the results (or gradient).
struct Lines {
  int64_t images, z, y, width;
  int64_t source[3], target[3];  // steps: image, z, y

  int64_t count() const { return images * z * y; }
  // use(source, target) for lines [begin, end)
  template <typename F>
  void each(int64_t begin, int64_t end, const F& use) const {
    int64_t at_y = begin % y, at_z = begin / y % z, image = begin / (y * z);
    for (int64_t line = begin; line < end; ++line) {
      use(image * source[0] + at_z * source[1] + at_y * source[2],
          image * target[0] + at_z * target[1] + at_y * target[2]);
      if (++at_y < y) continue;
      at_y = 0;
      if (++at_z < z) continue;
      at_z = 0, ++image;
    }
  }
};

// For so few results in all, weights are read where they are: packing them would take longer than the products.
constexpr int64_t kReadInPlace = 32;

// Elements behind a frame that may be read (but do not count): a vector may start at any element.
constexpr int64_t kFrameSlack = 16;

// n elements by whole vectors where there is one; never reads or writes past n.
template <typename T>
inline void copy_run(T* out, const T* in, int64_t n) {
  constexpr int64_t kWidth = kLanes<T>;
  if (n < kWidth) {
    if (n >= kWidth / 2) {
      std::memcpy(out, in, 16);
      std::memcpy(out + n - kWidth / 2, in + n - kWidth / 2, 16);
    } else {
      for (int64_t i = 0; i < n; ++i) out[i] = in[i];
    }
    return;
  }
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) std::memcpy(out + i, in + i, 32);
  if (i < n) std::memcpy(out + n - kWidth, in + n - kWidth, 32);
}

// A run of n elements, copied as whole vectors: up to a vector beyond is read and written.
template <typename T>
inline void copy_loose(T* out, const T* in, int64_t n) {
  for (int64_t i = 0; i < n; i += kLanes<T>) std::memcpy(out + i, in + i, 32);
}

// `work`: multiplications a result and source channel. `depth`: operands of a result in the frames of a task. Results
// of one channel in a task: at least `least`, as far as that leaves work for the threads, and at most `most`.
Cut cut_results(const FramePlan& plan, int64_t batch, int64_t source_channels, int64_t work, int64_t depth,
                int64_t least, int64_t most, int64_t element_size);

// More images together, for this many results of one channel, as far as their frames fit.
void take_images(Cut& cut, const FramePlan& plan, int64_t batch, int64_t results, int64_t element_size);

Part part_of(const Cut& cut, const FramePlan& plan, int64_t batch, int64_t group, int64_t tile);

// The kernels behind the ops; false: out of memory.
template <typename T>
bool convolve(dt_kernel_context* ctx, const ConvShape& shape, Images<const T> input, Filters<const T> weight,
              const T* bias, int64_t bias_step, Images<T> out);
template <typename T>
bool convolve_input_grad(dt_kernel_context* ctx, const ConvShape& shape, Images<const T> grad, Filters<const T> weight,
                         Images<T> out);
template <typename T>
bool convolve_weight_grad(dt_kernel_context* ctx, const ConvShape& shape, Images<const T> grad, Images<const T> input,
                          Filters<T> out);

}  // namespace dovetail::cpu
