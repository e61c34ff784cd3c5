// Convolution, and the gradient of its input: both are products of the filters with frames.
#include <algorithm>
#include <type_traits>

#include "kernels/cpu/conv_depthwise.h"
#include "kernels/cpu/conv_job.h"
#include "kernels/cpu/shared_tasks.h"
#include "kernels/cpu/winograd.h"

namespace dovetail::cpu {
namespace {

constexpr int64_t kRowBlock = 96;        // filters at a time: their part of the weights stays in the second-level cache
constexpr int64_t kDepth = 320;          // of a sum: a strip of its operands stays in the first-level cache
constexpr int64_t kDepthInPlace = 8192;  // where weights are read once: long runs of each filter

template <typename T>
void plan_passes(ConvJob<T>& job) {
  int64_t packed = 0;
  for (const Residue& z : job.plan.residues[0]) {
    for (const Residue& y : job.plan.residues[1]) {
      for (const Residue& x : job.plan.residues[2]) {
        const int64_t taps = static_cast<int64_t>(z.taps.size() * y.taps.size() * x.taps.size());
        job.passes.push_back({{&z, &y, &x}, taps, packed});
        packed += job.channels * taps;
      }
    }
  }
}

// Weights of a group, a pass and a block of channels from c0 on: for each block of rows, panels.
template <typename T>
void pack_weights(const ConvJob<T>& job, int64_t group, const Pass& pass, int64_t c0, int64_t* depths) {
  T* out = job.packed + job.rows * (group * job.weights_of_row() + pass.packed + c0 * pass.taps);
  int64_t depth = 0;
  for (int64_t c = c0; c < std::min(job.channels, c0 + job.cut.channels); ++c) {
    each_tap(pass, [&](const Tap& z, const Tap& y, const Tap& x) {
      depths[depth++] = c * job.w_channel + job.taps.tap(z.kernel, y.kernel, x.kernel);
    });
  }
  const T* from = job.taps.data + group * job.w_group;
  for (int64_t block = 0; block < job.row_blocks; ++block) {
    const int64_t rows = job.block_rows(block);
    pack_rows(from + job.block_start(block) * job.w_row, job.w_row, depths, rows, depth, out);
    out += rows * depth;
  }
}

// What one thread works with.
template <typename T>
class Worker {
 public:
  static int64_t bytes(const ConvJob<T>& job) {
    Worker sizing(job, nullptr);
    return sizing.used_;
  }
  Worker(const ConvJob<T>& job, char* scratch)
      : job_(job), carver_(scratch), framer_(job.plan, job.cut, job.source, carver_) {
    const Cut& cut = job.cut;
    const int64_t depth = cut.channels * job.plan.most_taps();
    offsets_ = carver_.take<int64_t>(depth);
    spans_ = carver_.take<LaneSpan>(cut.images * cut.size[0] * cut.size[1] * (cut.size[2] / kLanes<T> + 1));
    used_ = carver_.used();
  }

  void run(int64_t task) {
    const Cut& cut = job_.cut;
    const auto [part, group, row_task] = job_.place_of(task, job_.row_tasks);
    part_ = part, group_ = group;
    if (framer_.turn_to(part_)) ready_channels_ = -1;
    const int64_t first = job_.row_tasks == 1 ? 0 : row_task,
                  last = job_.row_tasks == 1 ? job_.row_blocks : row_task + 1;
    for (int64_t c0 = 0; c0 < job_.channels; c0 += cut.channels) {
      channel_ = c0, channels_ = std::min(cut.channels, job_.channels - c0);
      framer_.fill(group_ * job_.channels + c0, channels_);
      for (const Pass& pass : job_.passes) run_pass(pass, first, last);
    }
  }

 private:
  void run_pass(const Pass& pass, int64_t first_block, int64_t last_block) {
    T* out = job_.out.data + part_.image * job_.out.batch + group_ * job_.rows * job_.out.channel;
    for (int d = 0; d < 3; ++d) {
      const Residue& along = *pass.along[d];
      count_[d] = std::min(part_.count[d], along.count - part_.origin[d]);
      if (count_[d] <= 0) return;
      step_[d] = along.step * job_.out.step[d];
      out += (along.start + part_.origin[d] * along.step) * job_.out.step[d];
    }
    // The tables hold for every task of this shape, unless several passes take turns.
    if (job_.passes.size() > 1 || ready_channels_ != channels_) make_tables(pass);
    TileProduct<T> p;
    p.packed = job_.packed != nullptr, p.depth = channels_ * pass.taps, p.accumulate = channel_ > 0, p.spans = spans_;
    const T* weights =
        p.packed ? job_.packed + job_.rows * (group_ * job_.weights_of_row() + pass.packed + channel_ * pass.taps)
                 : job_.taps.data + group_ * job_.w_group + channel_ * job_.w_channel;
    p.a_row = job_.w_row, p.a_depth = 1;
    p.b = framer_.frame(), p.offsets = offsets_, p.n_spans = n_spans_;
    p.c_row = job_.out.channel, p.c_lane = step_[2];
    for (int64_t block = first_block; block < last_block; ++block) {
      set_rows(p, weights, block);
      p.c = out + job_.block_start(block) * job_.out.channel;
      tile_product(p);
    }
  }

  void make_tables(const Pass& pass) {
    const FramePlan::Layout& layout = framer_.layout();
    int64_t depth = 0;
    for (int64_t c = 0; c < channels_; ++c) {
      each_tap(pass, [&](const Tap& z, const Tap& y, const Tap& x) {
        offsets_[depth++] = c * layout.channel + tap_offset(job_.plan, layout, z, y, x);
      });
    }
    lines_ = {part_.images,
              count_[0],
              count_[1],
              count_[2],
              {channels_ * layout.channel, layout.pitch[0], layout.pitch[1]},
              {job_.out.batch, step_[0], step_[1]}};
    if (job_.walk == Walk::flat) lines_.y = 1, lines_.width = count_[1] * count_[2];
    cover_lines();
    ready_channels_ = channels_;
  }

  // Vectors along the lines of results. The last of a line overlaps its neighbour where the line is long enough.
  void cover_lines() {
    constexpr int kWidth = kLanes<T>;
    LaneSpan* span = spans_;
    const int64_t width = lines_.width;
    const int rest = static_cast<int>(width % kWidth);
    lines_.each(0, lines_.count(), [&](int64_t source, int64_t target) {
      int64_t x = 0;
      for (; x + kWidth <= width; x += kWidth) *span++ = {source + x, target + x * step_[2], 0, kWidth};
      if (rest && x == 0) *span++ = {source, target, 0, rest};
      if (rest && x > 0) {
        x = width - kWidth;
        *span++ = {source + x, target + x * step_[2], kWidth - rest, kWidth};
      }
    });
    n_spans_ = span - spans_;
  }

  void set_rows(TileProduct<T>& p, const T* weights, int64_t block) {
    const int64_t start = job_.block_start(block);
    p.rows = job_.block_rows(block), p.a = weights + start * (p.packed ? p.depth : job_.w_row);
    p.bias = job_.bias && channel_ == 0 ? job_.bias + group_ * job_.rows + start : nullptr;
  }

  const ConvJob<T>& job_;
  Carver carver_;
  Framer<T> framer_;
  int64_t used_ = 0, n_spans_ = 0;
  int64_t* offsets_ = nullptr;
  LaneSpan* spans_ = nullptr;
  Part part_;
  Lines lines_;
  int64_t group_ = 0, channel_ = 0, channels_ = 0, ready_channels_ = -1;
  int64_t count_[3], step_[3];  // of the pass in this part: results, and their strides
};

template <typename T>
bool pack_all(dt_kernel_context* ctx, ConvJob<T>& job) {
  const int64_t total = std::max<int64_t>(1, job.groups * job.rows * job.weights_of_row());
  const int64_t blocks = ceil_div(job.channels, job.cut.channels);
  const int64_t per_group = static_cast<int64_t>(job.passes.size()) * blocks, items = job.groups * per_group;
  const int64_t depth = job.cut.channels * job.plan.most_taps(), slots = std::min<int64_t>(items, 64);
  job.packed = static_cast<T*>(ctx->workspace(ctx, static_cast<size_t>(total) * sizeof(T)));
  int64_t* depths = static_cast<int64_t*>(ctx->workspace(ctx, static_cast<size_t>(slots * depth) * sizeof(int64_t)));
  if (!job.packed || !depths) return false;
  parallel_tasks(ctx, items, slots, std::max<int64_t>(1, 65536 * slots / total), [&](int64_t slot) {
    return [&, depths = depths + slot * depth](int64_t item) {
      const Pass& pass = job.passes[static_cast<size_t>(item % per_group / blocks)];
      pack_weights(job, item / per_group, pass, item % blocks * job.cut.channels, depths);
    };
  });
  return true;
}

// Whether weights are used so few times that they are not worth packing, and lie in the order of the sums.
template <typename T>
bool reads_in_place(const ConvJob<T>& job) {
  const int64_t results = job.plan.results(0) * job.plan.results(1) * job.plan.results(2);
  if (job.passes.size() != 1 || job.batch * results > kReadInPlace) return false;
  int64_t next = 0;
  bool dense = true;
  each_tap(job.passes[0], [&](const Tap& z, const Tap& y, const Tap& x) {
    dense &= job.taps.tap(z.kernel, y.kernel, x.kernel) == next++;
  });
  return dense && job.w_channel == next;
}

template <typename T>
bool run(dt_kernel_context* ctx, ConvJob<T>& job) {
  // Vectors may run on from row to row where the results do too.
  const bool dense = job.plan.residues[1].size() == 1 && job.plan.residues[2].size() == 1 && job.out.step[2] == 1 &&
                     (job.out.size[1] == 1 || job.out.step[1] == job.out.size[2]);
  plan_passes(job);
  const bool in_place = reads_in_place(job);
  job.walk = choose_walk(job.plan, job.rows, kLanes<T>, dense, in_place ? 0 : 128);
  if (job.walk == Walk::columns) return convolve_columns(ctx, job);
  const int64_t all_taps = job.weights_of_row() / job.channels;
  const int64_t depth = in_place ? kDepthInPlace : kDepth;
  job.cut = cut_results(job.plan, job.batch, job.channels, job.rows * all_taps, depth, 0, int64_t{1} << 20, sizeof(T));
  job.row_blocks = ceil_div(job.rows, kRowBlock);
  int64_t tasks = job.groups * job.cut.image_groups * job.cut.tiles;
  if (tasks < 8 && job.rows >= 32)
    job.row_blocks = std::max(job.row_blocks, std::min<int64_t>(job.rows / 16, 8 / std::max<int64_t>(tasks, 1)));
  job.row_tasks = tasks < 8 ? job.row_blocks : 1;
  tasks *= job.row_tasks;
  if (tasks == 0) return true;
  if (!in_place && !pack_all(ctx, job)) return false;

  constexpr int64_t kScratch = 16 << 20;
  const int64_t bytes = Worker<T>::bytes(job);
  const int64_t slots = std::max<int64_t>(1, std::min({tasks, int64_t{64}, kScratch / bytes}));
  char* scratch = static_cast<char*>(ctx->workspace(ctx, static_cast<size_t>(slots * bytes)));
  if (!scratch) return false;
  const int64_t work = job.batch * job.groups * job.rows * job.weights_of_row() *
                       std::max<int64_t>(1, job.plan.results(0) * job.plan.results(1) * job.plan.results(2));
  const int64_t grain = std::max<int64_t>(1, 65536 * slots / std::max<int64_t>(1, work));
  parallel_tasks(ctx, tasks, slots, grain, [&](int64_t slot) {
    return [worker = Worker<T>(job, scratch + slot * bytes)](int64_t task) mutable { worker.run(task); };
  });
  return true;
}

}  // namespace

template <typename T>
bool convolve(dt_kernel_context* ctx, const ConvShape& shape, Images<const T> input, Filters<const T> weight,
              const T* bias, int64_t bias_step, Images<T> out) {
  ConvJob<T> job;
  job.plan = frame_input(shape);
  job.batch = shape.batch, job.groups = shape.groups;
  job.rows = shape.out_channels, job.channels = shape.in_channels;
  job.source = input, job.out = out, job.taps = weight;
  job.w_group = shape.out_channels * weight.out, job.w_row = weight.out, job.w_channel = weight.in;
  if (bias) {
    const int64_t n = shape.groups * shape.out_channels;
    T* dense = static_cast<T*>(ctx->workspace(ctx, static_cast<size_t>(n) * sizeof(T)));
    if (!dense) return false;
    for (int64_t i = 0; i < n; ++i) dense[i] = bias[i * bias_step];
    job.bias = dense;
  }
  if (depthwise::suits(shape)) return depthwise::convolve(ctx, shape, input, weight, job.bias, out);
  if constexpr (std::is_same_v<T, float>) {
    if (winograd::suits(shape)) {
      const winograd::Outcome outcome = winograd::convolve(ctx, shape, input, weight, job.bias, out);
      if (outcome != winograd::Outcome::not_finite) return outcome == winograd::Outcome::done;
    }
  }
  return run(ctx, job);
}

template <typename T>
bool convolve_input_grad(dt_kernel_context* ctx, const ConvShape& shape, Images<const T> grad, Filters<const T> weight,
                         Images<T> out) {
  if (depthwise::suits(shape)) return depthwise::convolve_input_grad(ctx, shape, grad, weight, out);
  if constexpr (std::is_same_v<T, float>) {
    if (winograd::suits_input_grad(shape)) {
      const winograd::Outcome outcome = winograd::convolve_input_grad(ctx, shape, grad, weight, out);
      if (outcome != winograd::Outcome::not_finite) return outcome == winograd::Outcome::done;
    }
  }
  ConvJob<T> job;
  job.plan = frame_gradient(shape);
  job.batch = shape.batch, job.groups = shape.groups;
  job.rows = shape.in_channels, job.channels = shape.out_channels;
  job.source = grad, job.out = out, job.taps = weight;
  job.w_group = shape.out_channels * weight.out, job.w_row = weight.in, job.w_channel = weight.out;
  return run(ctx, job);
}

#define INSTANTIATE(T)                                                                                               \
  template bool convolve(dt_kernel_context*, const ConvShape&, Images<const T>, Filters<const T>, const T*, int64_t, \
                         Images<T>);                                                                                 \
  template bool convolve_input_grad(dt_kernel_context*, const ConvShape&, Images<const T>, Filters<const T>, Images<T>);
INSTANTIATE(float)
INSTANTIATE(double)

}  // namespace dovetail::cpu
