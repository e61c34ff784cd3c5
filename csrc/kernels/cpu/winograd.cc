// Winograd's convolution and the gradient of its input: transforms, products of matrices, and transforms back.
#include "kernels/cpu/winograd.h"

#include <algorithm>
#include <atomic>

#include "kernels/cpu/rounding.h"
#include "kernels/cpu/shared_tasks.h"

namespace dovetail::cpu::winograd {
namespace {

constexpr int64_t kFilterBytes = 10 << 20;  // of transformed filters at a time
constexpr int64_t kScratch = 5 << 20;       // of all threads
constexpr int64_t kSourceBytes = 4 << 20;   // transformed sources of this size are made once, for all results
constexpr int64_t kSkew = 16;               // elements between planes, which would meet in the same cache sets
constexpr int64_t kMostChannels = 1024;
constexpr int64_t kSourceSlots = 16, kLeastTasks = 32;
constexpr int64_t kTaps = 9;
constexpr int64_t kFewTiles = 64, kFewChannels = 64;  // their filters, for 32 rows, stay in the second-level cache
constexpr int64_t kFewPlane = kFewChannels * kWide + kSkew;

// One group's convolution, or gradient of its input.
struct Job {
  int64_t rows, channels;  // channels of the results and of the source
  int64_t pad_y, pad_x;
  Images<const float> source;
  Images<float> out;
  const float* filters;
  int64_t filter_row, filter_channel, filter_group;  // strides
  const Filters<const float>* taps;
  bool flipped;
  const float* bias;  // dense, or NULL

  Grid grid;
  int64_t tile_blocks, tiles;  // blocks of tiles, each a task's, and tiles of a block at most

  Job(int64_t batch, int64_t height, int64_t width, int64_t source_channels)
      : channels(source_channels), grid(batch, height, width) {
    tile_blocks = ceil_div(grid.count, channels > 256 ? 12 : 24);
    tiles = ceil_div(grid.count, tile_blocks);
  }
  int64_t channel_blocks() const { return ceil_div(channels, kBlock); }
  // Of `n` pieces of the whole work, so many are worth a thread.
  int64_t worth_a_thread(int64_t n) const {
    const int64_t work = kPoints * rows * channels * grid.count;
    return std::max<int64_t>(1, (n << 18) / std::max<int64_t>(1, work));
  }
  int64_t block_start(int64_t block) const { return grid.count * block / tile_blocks; }
  int64_t block_tiles(int64_t block) const { return block_start(block + 1) - block_start(block); }
  int64_t source_plane(int64_t n) const { return channel_blocks() * n * kBlock + kSkew; }
  int64_t filter_plane() const { return channels * kWide + kSkew; }
  int64_t product_plane(int64_t n) const { return n * kWide + kSkew; }
  int64_t patch_size() const { return kReach * (kTile * std::min(grid.across, tiles) + 2) * kBlock; }
};

// Block `block` of tiles and `cb` of channels, at its place in `out`.
void make_source(const Job& job, int64_t block, int64_t cb, float* patch, float* out) {
  const int64_t n = job.block_tiles(block), plane = job.source_plane(n);
  out += cb * n * kBlock;
  job.grid.each_row(job.block_start(block), job.block_start(block + 1),
                    [&](int64_t image, int64_t y, int64_t x, int64_t tiles, int64_t before) {
                      Patch p;
                      p.data = const_cast<float*>(job.source.data) + image * job.source.batch +
                               cb * kBlock * job.source.channel;
                      p.channel = job.source.channel, p.row = job.source.step[1], p.col = job.source.step[2];
                      p.height = job.source.size[1], p.width = job.source.size[2];
                      p.channels = std::min(kBlock, job.channels - cb * kBlock);
                      p.y = y * kTile - job.pad_y, p.x = x * kTile - job.pad_x;
                      p.rows = kReach, p.cols = kTile * tiles + 2;
                      load_patch(p, patch);
                      transform_source(patch, p.cols, tiles, out + before * kBlock, plane);
                    });
}

// Filters of 32 rows from `row` on, for up to 16 channels from `begin` on, as [point][channel][32].
void make_filters(const Job& job, int64_t row, int64_t begin, int64_t end, float* out, int64_t plane) {
  const Filters<const float>& taps = *job.taps;
  const bool dense = taps.step[2] == 1 && taps.step[1] == 3;
  const bool together = dense && job.filter_channel == kTaps;  // one line holds the filters of all channels
  alignas(64) float lanes[kBlock * kTaps * kBlock];
  for (int64_t half = 0; half < kWide && row + half < job.rows; half += kBlock, out += kBlock) {
    Patch p;
    p.channel = job.filter_row, p.channels = std::min(kBlock, job.rows - row - half);
    p.row = taps.step[1], p.col = taps.step[2];
    p.height = p.rows = dense ? 1 : 3, p.width = p.cols = dense ? kTaps : 3;
    if (together) p.width = p.cols = (end - begin) * kTaps;
    for (int64_t c = begin; c < end; ++c) {
      float* const here = together ? lanes + (c - begin) * kTaps * kBlock : lanes;
      p.data = const_cast<float*>(job.filters) + (row + half) * job.filter_row + c * job.filter_channel;
      if (!together || c == begin) load_patch(p, lanes);
      transform_filter(here, job.flipped, out + (c - begin) * kWide, plane);
    }
  }
}

// The products of a block of tiles for 32 rows, transformed and put in their places. Whether all are finite.
bool make_results(const Job& job, int64_t block, int64_t row, const float* products, float* patch) {
  const int64_t plane = job.product_plane(job.block_tiles(block));
  bool finite = true;
  for (int64_t half = 0; half < kWide && row + half < job.rows; half += kBlock) {
    const int64_t first = row + half;
    alignas(64) float bias[kBlock] = {};
    Patch p;
    p.channels = std::min(kBlock, job.rows - first);
    if (job.bias) std::copy(job.bias + first, job.bias + first + p.channels, bias);
    p.channel = job.out.channel, p.row = job.out.step[1], p.col = job.out.step[2];
    p.height = job.out.size[1], p.width = job.out.size[2], p.rows = kTile;
    job.grid.each_row(job.block_start(block), job.block_start(block + 1),
                      [&](int64_t image, int64_t y, int64_t x, int64_t tiles, int64_t before) {
                        p.data = job.out.data + image * job.out.batch + first * job.out.channel;
                        p.y = y * kTile, p.x = x * kTile, p.cols = kTile * tiles;
                        finite &= transform_results(products + before * kWide + half, plane, kWide, tiles,
                                                    job.bias ? bias : nullptr, patch, p.cols);
                        store_patch(p, patch);
                      });
  }
  return finite;
}

// For 32 rows from `row` on: products of a block of tiles with the filters of channels [begin, end), which are added
// to those of the channels before.
void make_products(const Job& job, int64_t block, int64_t row, int64_t begin, int64_t end, const float* source,
                   const float* filters, int64_t filter_plane, float* products) {
  const int64_t n = job.block_tiles(block), results = std::min(kWide, round_up(job.rows - row, kBlock));
  for (int64_t point = 0; point < kPoints; ++point) {
    multiply(source + point * job.source_plane(n) + begin * n, n * kBlock, n, filters + point * filter_plane,
             end - begin, results, begin > 0, products + point * job.product_plane(n));
  }
}

// One call's memory, and how its work is spread.
struct Plan {
  int64_t row_blocks, together;      // blocks of 32 rows: all, and those whose filters are there at a time
  int64_t filter_size, source_size;  // elements of a block's filters, and of a task's source
  bool once;                         // the source is made once: [block of tiles][point][block of channels][tile][lane]
  bool few;                          // few tiles: their products are all there, while filters come and go in the cache
  int64_t parts = 1;                 // of the rows, each its own task
  int64_t products, slot, slots;     // elements of a task's products, and of all it has; how many there are
  float *filters = nullptr, *scratch = nullptr, *source = nullptr;
};

bool make_plan(dt_kernel_context* ctx, const Job& job, Plan& plan) {
  plan.row_blocks = ceil_div(job.rows, kWide), plan.filter_size = kPoints * job.filter_plane();
  plan.together = std::min(plan.row_blocks, std::max<int64_t>(1, kFilterBytes / 4 / plan.filter_size));
  plan.source_size = kPoints * job.source_plane(job.tiles);
  plan.once = job.tile_blocks * plan.source_size * 4 <= kSourceBytes;
  plan.products = kPoints * job.product_plane(job.tiles);
  plan.few = plan.once && job.grid.count <= kFewTiles && plan.row_blocks >= 4;
  int64_t tasks;
  if (plan.few) {
    plan.slot = job.tile_blocks * plan.products + job.patch_size() + kPoints * kFewPlane;
    tasks = plan.row_blocks;
  } else {
    if (plan.once) plan.parts = std::min(plan.together, std::max<int64_t>(1, kLeastTasks / job.tile_blocks));
    plan.slot = plan.products + job.patch_size() + (plan.once ? 0 : plan.source_size);
    tasks = job.tile_blocks * plan.parts;
  }
  plan.slots = slots_for(tasks, kScratch / 4 / plan.slot);
  const int64_t scratch = std::max(plan.slots * plan.slot, plan.once ? kSourceSlots * job.patch_size() : 0);
  const auto take = [&](int64_t n) { return static_cast<float*>(ctx->workspace(ctx, static_cast<size_t>(n) * 4)); };
  plan.scratch = take(scratch);
  if (!plan.few) plan.filters = take(plan.together * plan.filter_size);
  if (plan.once) plan.source = take(job.tile_blocks * plan.source_size);
  return plan.scratch && (plan.filters || plan.few) && (plan.source || !plan.once);
}

void make_all_sources(dt_kernel_context* ctx, const Job& job, const Plan& plan) {
  const int64_t blocks = job.channel_blocks(), tasks = job.tile_blocks * blocks, slots = std::min(tasks, kSourceSlots);
  const int64_t grain = std::max<int64_t>(1, 128 * slots / (job.grid.count * blocks));
  parallel_tasks(ctx, tasks, slots, grain, [&](int64_t slot) {
    return [&, patch = plan.scratch + slot * job.patch_size()](int64_t task) {
      make_source(job, task / blocks, task % blocks, patch, plan.source + task / blocks * plan.source_size);
    };
  });
}

// The filters of blocks [first, first + blocks) of rows.
void make_all_filters(dt_kernel_context* ctx, const Job& job, const Plan& plan, int64_t first, int64_t blocks) {
  const int64_t channel_blocks = job.channel_blocks();
  parallel(ctx, blocks * channel_blocks, 4, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t block = i / channel_blocks, c = i % channel_blocks * kBlock;
      make_filters(job, (first + block) * kWide, c, std::min(job.channels, c + kBlock),
                   plan.filters + block * plan.filter_size + c * kWide, job.filter_plane());
    }
  });
}

// A task: a block of tiles, and a part of `blocks` blocks of 32 rows from `first` on. Whether all results are finite.
bool run_task(const Job& job, const Plan& plan, int64_t first, int64_t blocks, int64_t task, float* products) {
  const int64_t block = task / plan.parts, part = task % plan.parts;
  const int64_t low = blocks * part / plan.parts, high = blocks * (part + 1) / plan.parts;
  float* const patch = products + plan.products;
  const float* source = plan.once ? plan.source + block * plan.source_size : patch + job.patch_size();
  for (int64_t cb = 0; !plan.once && cb < job.channel_blocks(); ++cb) {
    make_source(job, block, cb, patch, patch + job.patch_size());
  }
  bool finite = true;
  for (int64_t rows = low; rows < high; ++rows) {
    make_products(job, block, (first + rows) * kWide, 0, job.channels, source, plan.filters + rows * plan.filter_size,
                  job.filter_plane(), products);
    finite &= make_results(job, block, (first + rows) * kWide, products, patch);
  }
  return finite;
}

// The same where there are few tiles: a task has 32 rows of all of them.
bool run_task_of_few(const Job& job, const Plan& plan, int64_t task, float* products) {
  const int64_t row = task * kWide;
  float* const patch = products + job.tile_blocks * plan.products;
  float* const filters = patch + job.patch_size();
  for (int64_t c0 = 0; c0 < job.channels; c0 += kFewChannels) {
    const int64_t c1 = std::min(job.channels, c0 + kFewChannels);
    for (int64_t c = c0; c < c1; c += kBlock) {
      make_filters(job, row, c, std::min(c1, c + kBlock), filters + (c - c0) * kWide, kFewPlane);
    }
    for (int64_t block = 0; block < job.tile_blocks; ++block) {
      make_products(job, block, row, c0, c1, plan.source + block * plan.source_size, filters, kFewPlane,
                    products + block * plan.products);
    }
  }
  bool finite = true;
  for (int64_t block = 0; block < job.tile_blocks; ++block) {
    finite &= make_results(job, block, row, products + block * plan.products, patch);
  }
  return finite;
}

// run(task, scratch) for all tasks. Whether all results are finite.
template <typename F>
bool run_tasks(dt_kernel_context* ctx, const Job& job, const Plan& plan, int64_t tasks, const F& run) {
  std::atomic<bool> finite{true};
  parallel_tasks(ctx, tasks, plan.slots, job.worth_a_thread(plan.slots), [&](int64_t slot) {
    return [&, scratch = plan.scratch + slot * plan.slot](int64_t task) {
      if (!run(task, scratch)) finite.store(false, std::memory_order_relaxed);
    };
  });
  return finite;
}

bool make_results_of_few(dt_kernel_context* ctx, const Job& job, const Plan& plan) {
  return run_tasks(ctx, job, plan, plan.row_blocks,
                   [&](int64_t task, float* scratch) { return run_task_of_few(job, plan, task, scratch); });
}

bool make_all_results(dt_kernel_context* ctx, const Job& job, const Plan& plan, int64_t first, int64_t blocks) {
  return run_tasks(ctx, job, plan, job.tile_blocks * plan.parts,
                   [&](int64_t task, float* scratch) { return run_task(job, plan, first, blocks, task, scratch); });
}

Outcome run(dt_kernel_context* ctx, Job job, int64_t groups) {
  Plan plan;
  if (!make_plan(ctx, job, plan)) return Outcome::no_memory;
  for (int64_t group = 0; group < groups; ++group) {
    if (plan.once) make_all_sources(ctx, job, plan);
    if (plan.few && !make_results_of_few(ctx, job, plan)) return Outcome::not_finite;
    for (int64_t first = 0; !plan.few && first < plan.row_blocks; first += plan.together) {
      const int64_t blocks = std::min(plan.together, plan.row_blocks - first);
      make_all_filters(ctx, job, plan, first, blocks);
      if (!make_all_results(ctx, job, plan, first, blocks)) return Outcome::not_finite;
    }
    job.source.data += job.channels * job.source.channel, job.out.data += job.rows * job.out.channel;
    job.filters += job.filter_group;
    if (job.bias) job.bias += job.rows;
  }
  return Outcome::done;
}

// By an estimate of the cycles: 16 products each, and what the transforms take. `beside`: what the direct way takes for
// each filter of a channel beside its products.
bool gains(const ConvShape& s, int64_t height, int64_t width, double beside) {
  for (int d = 1; d < 3; ++d) {
    if (s.kernel[d] != 3 || s.stride[d] != 1 || s.dilation[d] != 1) return false;
  }
  if (s.kernel[0] != 1 || s.in[0] != 1 || s.stride[0] != 1 || s.padding[0] != 0) return false;
  const int64_t most = std::max(s.in_channels, s.out_channels), least = std::min(s.in_channels, s.out_channels);
  if (least < kBlock || most > kMostChannels) return false;
  const double pairs = static_cast<double>(round_up(s.in_channels, kBlock) * round_up(s.out_channels, kBlock));
  const double tiles = static_cast<double>(Grid(s.batch, height, width).count);
  const double direct = 9 * static_cast<double>(s.in_channels * s.out_channels * s.batch * height * width) / 16;
  const double products = kPoints * pairs * tiles / 16;
  const double transforms = 15 * tiles * static_cast<double>(s.in_channels + s.out_channels) + 25 * pairs;
  return products + transforms < 1.1 * direct + beside * pairs;
}

}  // namespace

bool suits(const ConvShape& s) {
  return gains(s, s.out[1], s.out[2], s.batch * s.out_pixels() <= kReadInPlace ? 0 : 20);
}
bool suits_input_grad(const ConvShape& s) { return gains(s, s.in[1], s.in[2], 20); }
bool suits_weight_grad(const ConvShape& s) { return gains(s, s.out[1], s.out[2], 60); }

Outcome convolve(dt_kernel_context* ctx, const ConvShape& s, Images<const float> input, Filters<const float> weight,
                 const float* bias, Images<float> out) {
  Job job(s.batch, s.out[1], s.out[2], s.in_channels);
  job.rows = s.out_channels, job.pad_y = s.padding[1], job.pad_x = s.padding[2];
  job.source = input, job.out = out, job.bias = bias;
  job.filters = weight.data, job.taps = &weight, job.flipped = false;
  job.filter_row = weight.out, job.filter_channel = weight.in, job.filter_group = s.out_channels * weight.out;
  return run(ctx, job, s.groups);
}

// The convolution of the output's gradient with the filters turned about.
Outcome convolve_input_grad(dt_kernel_context* ctx, const ConvShape& s, Images<const float> grad,
                            Filters<const float> weight, Images<float> out) {
  Job job(s.batch, s.in[1], s.in[2], s.out_channels);
  job.rows = s.in_channels, job.pad_y = 2 - s.padding[1], job.pad_x = 2 - s.padding[2];
  job.source = grad, job.out = out, job.bias = nullptr;
  job.filters = weight.data, job.taps = &weight, job.flipped = true;
  job.filter_row = weight.in, job.filter_channel = weight.out, job.filter_group = s.out_channels * weight.out;
  return run(ctx, job, s.groups);
}

}  // namespace dovetail::cpu::winograd
