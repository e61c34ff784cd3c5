// A convolution, or the gradient of its input, as products of the filters with frames.
#pragma once

#include <vector>

#include "kernels/cpu/conv_plan.h"

namespace dovetail::cpu {

// The results that share their taps, and where their packed weights are.
struct Pass {
  const Residue* along[3];
  int64_t taps;
  int64_t packed;  // offset in a row's packed weights
};

// A task: a part of the images of a group, for one of the shares of the rows.
struct TaskPlace {
  Part part;
  int64_t group, row_task;
};

// One kernel call: source channels become result rows.
template <typename T>
struct ConvJob {
  FramePlan plan;
  std::vector<Pass> passes;
  Cut cut;
  int64_t batch, groups, rows, channels;  // rows and channels of one group
  Images<const T> source;
  Images<T> out;
  // Filter of row m and source channel c: weights + g * group + m * row + c * channel + tap.
  Filters<const T> taps;
  int64_t w_group, w_row, w_channel;
  const T* bias = nullptr;  // dense
  T* packed = nullptr;      // NULL: too few results to be worth it, and the weights are read where they are
  Walk walk = Walk::lines;
  int64_t row_blocks, row_tasks;

  int64_t weights_of_row() const { return passes.empty() ? 0 : passes.back().packed + channels * passes.back().taps; }

  int64_t block_rows(int64_t block) const { return rows * (block + 1) / row_blocks - rows * block / row_blocks; }
  int64_t block_start(int64_t block) const { return rows * block / row_blocks; }

  // Of `shares` of the rows for each part.
  TaskPlace place_of(int64_t task, int64_t shares) const {
    const int64_t unit = task / shares, images = unit / cut.tiles;
    return {part_of(cut, plan, batch, images % cut.image_groups, unit % cut.tiles), images / cut.image_groups,
            task % shares};
  }
};

template <typename F>
void each_tap(const Pass& pass, const F& use) {
  for (const Tap& z : pass.along[0]->taps) {
    for (const Tap& y : pass.along[1]->taps) {
      for (const Tap& x : pass.along[2]->taps) use(z, y, x);
    }
  }
}

// The same by columns: the operands of all taps are written out in the panels that the products of large matrices take.
// False: out of memory.
template <typename T>
bool convolve_columns(dt_kernel_context* ctx, ConvJob<T>& job);

}  // namespace dovetail::cpu
