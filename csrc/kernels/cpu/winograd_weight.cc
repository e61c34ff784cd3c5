// The gradient of the weight by Winograd's filtering: for each of the 36 points the product of the gradient's tiles
// with the source's, summed over all tiles.
//
// The tiles are cut into a number of chunks that depends on the shape alone; each has a partial result, and these are
// added in order.
#include <algorithm>
#include <atomic>

#include "kernels/cpu/rounding.h"
#include "kernels/cpu/shared_tasks.h"
#include "kernels/cpu/winograd.h"

namespace dovetail::cpu::winograd {
namespace {

constexpr int64_t kRows = 64, kChannels = 64;  // of the weight, in a task
constexpr int64_t kTiles = 24;                 // transformed together
// Where these are all, sums are written once, and stay in the second-level cache.
constexpr int64_t kFewRows = 64, kFewChannels = 32;
constexpr int64_t kPartialBytes = 4 << 20, kScratch = 5 << 20;
constexpr int64_t kSkew = 16;  // elements between planes, which would meet in the same cache sets
constexpr int64_t kTaps = 9;

// Parts of nearly equal size, of whole blocks of 16.
struct Parts {
  int64_t size, count, blocks;
  Parts(int64_t n, int64_t most) : size(n), count(ceil_div(n, most)), blocks(ceil_div(n, kBlock)) {}
  int64_t start(int64_t part) const { return std::min(size, blocks * part / count * kBlock); }
  int64_t length(int64_t part) const { return start(part + 1) - start(part); }
  int64_t longest() const { return ceil_div(blocks, count) * kBlock; }
};

struct Job {
  int64_t pad_y, pad_x;
  Images<const float> grad, input;
  Parts rows, channels;
  Grid grid;
  int64_t chunks;
  Filters<float> out;
  float* partial = nullptr;  // [chunk][row][channel][tap], where there are several chunks

  int64_t weights() const { return rows.size * channels.size * kTaps; }
  int64_t tasks() const { return rows.count * channels.count * chunks; }
  int64_t grad_plane() const { return rows.longest() * kTiles + kSkew; }
  int64_t source_plane() const { return channels.longest() * kTiles + kSkew; }
  int64_t sum_plane() const { return rows.longest() * channels.longest() + kSkew; }
  int64_t patch_size() const { return kReach * (kTile * std::min(grid.across, kTiles) + 2) * kBlock; }
  int64_t slot() const { return kPoints * (grad_plane() + source_plane() + sum_plane()) + patch_size(); }
};

// Tiles [begin, end) of some channels of images, transformed: [point][block of channels][tile][lane].
struct Tiles {
  const Job& job;
  float* patch;

  void of_input(int64_t begin, int64_t end, int64_t channel, int64_t channels, float* out) const {
    make(job.input, begin, end, channel, channels, out, [&](Patch& p, int64_t tiles, float* to) {
      p.y -= job.pad_y, p.x -= job.pad_x, p.rows = kReach, p.cols = kTile * tiles + 2;
      load_patch(p, patch);
      transform_source(patch, p.cols, tiles, to, job.source_plane());
    });
  }
  void of_gradient(int64_t begin, int64_t end, int64_t row, int64_t rows, float* out) const {
    make(job.grad, begin, end, row, rows, out, [&](Patch& p, int64_t tiles, float* to) {
      p.rows = kTile, p.cols = kTile * tiles;
      load_patch(p, patch);
      transform_gradient(patch, p.cols, tiles, to, job.grad_plane());
    });
  }

 private:
  template <typename F>
  void make(const Images<const float>& x, int64_t begin, int64_t end, int64_t channel, int64_t channels, float* out,
            const F& use) const {
    Patch p;
    p.channel = x.channel, p.row = x.step[1], p.col = x.step[2], p.height = x.size[1], p.width = x.size[2];
    for (int64_t c = 0; c < channels; c += kBlock, out += (end - begin) * kBlock) {
      p.channels = std::min(kBlock, channels - c);
      job.grid.each_row(begin, end, [&](int64_t image, int64_t y, int64_t col, int64_t tiles, int64_t before) {
        p.data = const_cast<float*>(x.data) + image * x.batch + (channel + c) * x.channel;
        p.y = y * kTile, p.x = col * kTile;
        use(p, tiles, out + before * kBlock);
      });
    }
  }
};

// Sums [point][channel][row] to taps, at `to`. Whether all are finite.
bool make_taps(const Job& job, const float* sums, int64_t rows, int64_t channels, const Filters<float>& to) {
  alignas(64) float taps[kTaps * kBlock];
  const bool dense = to.step[2] == 1 && to.step[1] == 3;
  bool finite = true;
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t r = 0; r < rows; r += kBlock) {
      finite &= transform_taps(sums + c * job.rows.longest() + r, job.sum_plane(), taps);
      Patch p;
      p.data = to.data + r * to.out + c * to.in;
      p.channel = to.out, p.channels = std::min(kBlock, rows - r);
      p.row = to.step[1], p.col = to.step[2];
      p.height = p.rows = dense ? 1 : 3, p.width = p.cols = dense ? kTaps : 3;
      store_patch(p, taps);
    }
  }
  return finite;
}

bool run_task(const Job& job, int64_t task, float* scratch) {
  const int64_t chunk = task % job.chunks, channel_part = task / job.chunks % job.channels.count;
  const int64_t row_part = task / job.chunks / job.channels.count;
  const int64_t row = job.rows.start(row_part), rows = job.rows.length(row_part);
  const int64_t channel = job.channels.start(channel_part), channels = job.channels.length(channel_part);
  float* const gradient = scratch;
  float* const source = gradient + kPoints * job.grad_plane();
  float* const sums = source + kPoints * job.source_plane();
  const Tiles tiles{job, sums + kPoints * job.sum_plane()};
  const int64_t first = job.grid.count * chunk / job.chunks, last = job.grid.count * (chunk + 1) / job.chunks;
  for (int64_t begin = first; begin < last; begin += kTiles) {
    const int64_t end = std::min(last, begin + kTiles), block = (end - begin) * kBlock;
    tiles.of_gradient(begin, end, row, rows, gradient);
    tiles.of_input(begin, end, channel, channels, source);
    for (int64_t point = 0; point < kPoints; ++point) {
      const float* left = source + point * job.source_plane();
      for (int64_t c = 0; c < channels; c += kBlock, left += block) {
        const float* right = gradient + point * job.grad_plane();
        float* const out = sums + point * job.sum_plane() + c * job.rows.longest();
        for (int64_t r = 0; r < rows; r += 2 * kBlock, right += 2 * block) {
          add_products(left, right, block, r + kBlock<rows, end - begin, begin> first, out + r, job.rows.longest());
        }
      }
    }
  }
  Filters<float> to = job.out;
  if (job.partial) to = {job.partial + chunk * job.weights(), job.channels.size * kTaps, kTaps, {kTaps, 3, 1}};
  to.data += row * to.out + channel * to.in;
  return make_taps(job, sums, rows, channels, to);
}

// The partial results' sum, at its place in the weight's gradient.
void add_partials(dt_kernel_context* ctx, const Job& job) {
  const Filters<float>& out = job.out;
  const int64_t line = job.channels.size * kTaps;
  const bool dense = out.step[2] == 1 && out.step[1] == 3 && out.in == kTaps;
  parallel(ctx, job.rows.size, std::max<int64_t>(1, 32768 / (line * job.chunks)), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      float* sums = job.partial + row * line;
      for (int64_t chunk = 1; chunk < job.chunks; ++chunk) {
        for (int64_t i = 0; i < line; ++i) sums[i] += sums[chunk * job.weights() + i];
      }
      float* to = out.data + row * out.out;
      if (dense) {
        copy_run(to, sums, line);
        continue;
      }
      for (int64_t i = 0; i < line; ++i) to[i / kTaps * out.in + out.tap(0, i % kTaps / 3, i % 3)] = sums[i];
    }
  });
}

}  // namespace

Outcome convolve_weight_grad(dt_kernel_context* ctx, const ConvShape& s, Images<const float> grad,
                             Images<const float> input, Filters<float> out) {
  const bool few = Grid(s.batch, s.out[1], s.out[2]).count <= kTiles;
  Job job{s.padding[1],
          s.padding[2],
          grad,
          input,
          Parts(s.out_channels, few ? kFewRows : kRows),
          Parts(s.in_channels, few ? kFewChannels : kChannels),
          Grid(s.batch, s.out[1], s.out[2]),
          1,
          out};
  const int64_t blocks = job.rows.count * job.channels.count;
  const int64_t fit = std::max<int64_t>(1, kPartialBytes / 4 / job.weights());
  job.chunks = std::max<int64_t>(1, std::min({ceil_div(job.grid.count, 2 * kTiles), fit, ceil_div(8, blocks)}));
  const int64_t tasks = job.tasks();
  const int64_t slots = slots_for(tasks, kScratch / 4 / job.slot());
  if (job.chunks > 1) {
    job.partial = static_cast<float*>(ctx->workspace(ctx, static_cast<size_t>(job.chunks * job.weights()) * 4));
    if (!job.partial) return Outcome::no_memory;
  }
  float* scratch = static_cast<float*>(ctx->workspace(ctx, static_cast<size_t>(slots * job.slot()) * 4));
  if (!scratch) return Outcome::no_memory;
  std::atomic<bool> finite{true};
  const int64_t work = kPoints * s.out_channels * s.in_channels * job.grid.count;
  const int64_t grain = std::max<int64_t>(1, (slots << 18) / std::max<int64_t>(1, work));
  for (int64_t group = 0; group < s.groups; ++group) {
    parallel_tasks(ctx, tasks, slots, grain, [&](int64_t slot) {
      return [&, memory = scratch + slot * job.slot()](int64_t task) {
        if (!run_task(job, task, memory)) finite.store(false, std::memory_order_relaxed);
      };
    });
    if (!finite) return Outcome::not_finite;
    if (job.partial) add_partials(ctx, job);
    job.grad.data += s.out_channels * grad.channel, job.input.data += s.in_channels * input.channel;
    job.out.data += s.out_channels * out.out;
  }
  return Outcome::done;
}

}  // namespace dovetail::cpu::winograd
