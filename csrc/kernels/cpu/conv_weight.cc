// The gradient of a convolution's weight: dot products of the output's gradient with frames of the input.
//
//   out[o, c, tap] = sum over images and positions of grad[image, o, position] * frame[image, c, tap + position]
//
// The sum runs over the whole batch, so the batch is cut into a number of chunks that depends on the shape alone; each
// has a partial result, and these are added in order.
#include <algorithm>
#include <limits>
#include <type_traits>

#include "kernels/cpu/conv_depthwise.h"
#include "kernels/cpu/conv_pieces.h"
#include "kernels/cpu/panel_kernels.h"
#include "kernels/cpu/shared_tasks.h"
#include "kernels/cpu/winograd.h"

namespace dovetail::cpu {
namespace {

constexpr int64_t kRowBlock = 32;       // rows of the gradient that are laid out at a time
constexpr int64_t kDepth = 320;         // operands for each result in a task's frames
constexpr int64_t kPixels = 2048;       // results of a task
constexpr int64_t kChunk = 512;         // and at least, where there are several and the weight has more than
constexpr int64_t kSmall = 128 << 10;   // bytes
constexpr int64_t kColumnPixels = 256;  // and of a block of written-out columns
constexpr int64_t kVectors = 128;       // vectors of a dot product: its operands stay in the first-level cache

template <typename T>
struct Job {
  FramePlan plan;
  Cut cut;
  const ConvShape* shape;
  Images<const T> grad, input;
  T* partial;  // [chunk][group][row][channel][tap]
  int64_t units, chunks, row_tasks;
  Walk walk;

  int64_t weights() const { return shape->groups * shape->out_channels * shape->in_channels * shape->taps(); }
  int64_t tasks() const { return shape->groups * row_tasks * cut.channel_blocks * chunks; }
};

template <typename T>
class Worker {
 public:
  static int64_t bytes(const Job<T>& job) {
    Worker sizing(job, nullptr);
    return sizing.used_;
  }
  Worker(const Job<T>& job, char* scratch)
      : job_(job), carver_(scratch), framer_(job.plan, job.cut, job.input, carver_) {
    const Cut& cut = job.cut;
    const int64_t depth = cut.channels * job.shape->taps(), lanes = kLanes<T>;
    offsets_ = carver_.take<int64_t>(depth);
    if (job.walk == Walk::columns) {
      const PanelShape& shape = kernels_.shape;
      const int64_t image = cut.size[0] * cut.size[1] * cut.size[2];
      const int64_t pixels = image > kColumnPixels ? kColumnPixels : kColumnPixels / image * image;
      pieces_ = Pieces(carver_, cut.images * cut.size[0] * cut.size[1], cut.size[2], pixels);
      pitch_ = (pixels + 15) / 16 * 16 + 16;
      columns_ = carver_.take<T>(shape.cols * pitch_);
      right_ = carver_.take<T>(round_up(depth, shape.cols) * pixels);
      left_ = carver_.take<T>(shape.row_step * pixels);
    } else {
      pitch_ = cut.images * cut.size[0] * cut.size[1] * (cut.size[2] / lanes + 1) * lanes;
      sources_ = carver_.take<int64_t>(pitch_ / lanes);
    }
    grad_ = carver_.take<T>(std::min(kRowBlock, job.shape->out_channels) * pitch_ + kFrameSlack);
    used_ = carver_.used();
  }

  void run(int64_t task) {
    const ConvShape& s = *job_.shape;
    const int64_t chunk = task % job_.chunks;
    task /= job_.chunks;
    const int64_t block = task % job_.cut.channel_blocks;
    task /= job_.cut.channel_blocks;
    const int64_t row_task = task % job_.row_tasks;
    group_ = task / job_.row_tasks;
    channel_ = block * job_.cut.channels;
    channels_ = std::min(job_.cut.channels, s.in_channels - channel_);
    first_row_ = s.out_channels * row_task / job_.row_tasks;
    last_row_ = s.out_channels * (row_task + 1) / job_.row_tasks;
    product_.c_row = s.in_channels * s.taps(), product_.cols = channels_ * s.taps();
    out_ = job_.partial + chunk * job_.weights() + group_ * s.out_channels * product_.c_row + channel_ * s.taps();
    fresh_ = true;
    for (int64_t unit = job_.units * chunk / job_.chunks; unit < job_.units * (chunk + 1) / job_.chunks; ++unit) {
      part_ = part_of(job_.cut, job_.plan, s.batch, unit / job_.cut.tiles, unit % job_.cut.tiles);
      run_part();
    }
  }

 private:
  void run_part() {
    if (framer_.turn_to(part_)) ready_channels_ = -1;
    framer_.fill(group_ * job_.shape->in_channels + channel_, channels_);
    if (ready_channels_ != channels_) make_tables();
    if (job_.walk != Walk::columns) {
      product_.b = framer_.frame(), product_.offsets = offsets_;
      multiply();
    } else {
      for (int64_t block = 0; block < pieces_.panels(); ++block) {
        multiply_columns(block);
        fresh_ = false;
      }
    }
    fresh_ = false;
  }

  void make_tables() {
    const FramePlan::Layout& layout = framer_.layout();
    int64_t depth = 0;
    for (int64_t c = 0; c < channels_; ++c) {
      for (const Tap& z : job_.plan.residues[0][0].taps) {
        for (const Tap& y : job_.plan.residues[1][0].taps) {
          for (const Tap& x : job_.plan.residues[2][0].taps) {
            offsets_[depth++] = c * layout.channel + tap_offset(job_.plan, layout, z, y, x);
          }
        }
      }
    }
    lines_ = {part_.images,
              part_.count[0],
              part_.count[1],
              part_.count[2],
              {channels_ * layout.channel, layout.pitch[0], layout.pitch[1]},
              {job_.grad.batch, job_.grad.step[0], job_.grad.step[1]}};
    if (job_.walk == Walk::flat) lines_.y = 1, lines_.width = part_.count[1] * part_.count[2];
    if (job_.walk == Walk::columns) {
      pieces_.cover(lines_, job_.grad.step[2]);
    } else {
      find_sources();
    }
    ready_channels_ = channels_;
  }

  // Add the products of all lines.
  void multiply() {
    const int64_t lanes = kLanes<T>, vectors = lines_.count() * ceil_div(lines_.width, lanes);
    const int64_t stretch = equal_part(vectors, kVectors);
    for (int64_t row = first_row_; row < last_row_; row += kRowBlock) {
      const int64_t rows = std::min(kRowBlock, last_row_ - row);
      for (int64_t i = 0; i < rows; ++i) lay_out_grad(row + i, grad_ + i * pitch_);
      product_.a_row = pitch_, product_.rows = rows;
      product_.c = out_ + row * product_.c_row;
      for (int64_t v = 0; v < vectors; v += stretch) {
        product_.a = grad_ + v * lanes;
        product_.n_vectors = std::min(stretch, vectors - v);
        product_.sources = sources_ + v;
        product_.accumulate = !fresh_ || v > 0;
        dot_product(product_);
      }
    }
  }

  // Add the products of a block of results, by those of large matrices.
  void multiply_columns(int64_t block) {
    const PanelShape& shape = kernels_.shape;
    const int64_t pixels = std::min(pieces_.width(), pieces_.results() - block * pieces_.width());
    const int64_t cols = product_.cols, wide = shape.cols;
    for (int64_t col = 0; col < cols; col += wide) {
      const int64_t n = std::min(wide, cols - col);
      pieces_.write(block, framer_.frame(), offsets_ + col, n, columns_, pitch_);
      kernels_.pack(columns_, pitch_, 1, n, n, wide, pixels, right_ + col * pixels);
    }
    const int64_t height = equal_part(last_row_ - first_row_, shape.rows);
    for (int64_t row = first_row_; row < last_row_; row += height) {
      PanelProduct<T, T> p{};
      p.rows = std::min(height, last_row_ - row), p.depth = pixels, p.alpha = 1, p.accumulate = !fresh_;
      pack_grad(block, row, p.rows, pixels);
      p.a = left_, p.c_row = product_.c_row;
      for (int64_t col = 0; col < cols; col += wide) {
        p.b = right_ + col * pixels, p.cols = std::min(wide, cols - col);
        p.c = out_ + row * p.c_row + col;
        kernels_.product(p, static_cast<int>(height));
      }
    }
  }

  // Rows of the gradient at a block of results, as a panel.
  void pack_grad(int64_t block, int64_t row, int64_t rows, int64_t pixels) {
    const T* from = first_of(row);
    int64_t apart = job_.grad.channel;
    if (job_.grad.step[2] == 1 && pieces_.together(block)) {
      from += pieces_.target(block);
    } else {
      for (int64_t i = 0; i < rows; ++i, from += apart) {
        pieces_.gather(block, from, job_.grad.step[2], grad_ + i * pitch_);
      }
      from = grad_, apart = pitch_;
    }
    kernels_.pack(from, apart, 1, rows, rows, kernels_.shape.row_step, pixels, left_);
  }

  // A row of the gradient, at the part's first result.
  const T* first_of(int64_t row) const {
    const T* start =
        job_.grad.data + part_.image * job_.grad.batch + (group_ * job_.shape->out_channels + row) * job_.grad.channel;
    for (int d = 0; d < 3; ++d) start += part_.origin[d] * job_.grad.step[d];
    return start;
  }

  // One row of the gradient in the vectors of its positions; lanes that are no position of their own are zero.
  void lay_out_grad(int64_t row, T* out) const {
    const int64_t lanes = kLanes<T>, width = lines_.width, step = job_.grad.step[2], rest = width % lanes;
    const T* start = first_of(row);
    lines_.each(0, lines_.count(), [&](int64_t, int64_t position) {
      copy_line(start + position, step, out);
      if (rest && width > lanes) {  // the last vector overlaps its neighbour: its first lanes are counted there
        const int64_t gap = lanes - rest;
        for (int64_t x = rest - 1; x >= 0; --x) out[width + gap - rest + x] = out[width - rest + x];
        std::fill(out + width - rest, out + width - rest + gap, T(0));
        out += width + gap;
      } else if (rest) {
        std::fill(out + width, out + lanes, T(0));
        out += lanes;
      } else {
        out += width;
      }
    });
  }

  // One line of the gradient: a row, or all rows of a plane.
  void copy_line(const T* in, int64_t step, T* out) const {
    const int64_t width = part_.count[2], rows = lines_.width / width;
    for (int64_t y = 0; y < rows; ++y, out += width, in += job_.grad.step[1]) {
      if (step == 1) {
        copy_run(out, in, width);
      } else {
        for (int64_t x = 0; x < width; ++x) out[x] = in[x * step];
      }
    }
  }

  void find_sources() {
    const int64_t width = lines_.width, lanes = kLanes<T>;
    int64_t* next = sources_;
    lines_.each(0, lines_.count(), [&](int64_t source, int64_t) {
      int64_t x = 0;
      for (; x + lanes <= width; x += lanes) *next++ = source + x;
      if (x < width) *next++ = source + std::max<int64_t>(0, width - lanes);
    });
  }

  const PanelKernels<T, T, T, 1>& kernels_ = panel_kernels<T>();
  const Job<T>& job_;
  Carver carver_;
  Framer<T> framer_;
  int64_t used_ = 0, pitch_ = 0;  // of a row of the laid-out gradient, and of a column
  T *columns_ = nullptr, *right_ = nullptr, *left_ = nullptr, *grad_ = nullptr;
  int64_t *offsets_ = nullptr, *sources_ = nullptr;
  Pieces pieces_;
  Part part_;
  Lines lines_;
  int64_t group_ = 0, channel_ = 0, channels_ = 0, ready_channels_ = -1, first_row_ = 0, last_row_ = 0;
  DotProduct<T> product_;
  T* out_ = nullptr;
  bool fresh_ = true;  // nothing has been added to the partial result
};

// Enough chunks for the threads; of kChunk results at least where adding partial results would take a while. These have
// 8 MB at most.
template <typename T>
void plan_chunks(Job<T>& job) {
  const ConvShape& s = *job.shape;
  const int64_t bytes = std::max<int64_t>(1, job.weights() * static_cast<int64_t>(sizeof(T)));
  const int64_t fit = std::max<int64_t>(1, (int64_t{8} << 20) / bytes);
  const int64_t worth = bytes <= kSmall ? job.units : std::max<int64_t>(1, s.batch * s.out_pixels() / kChunk);
  const auto blocks = [&] { return s.groups * job.cut.channel_blocks; };
  job.chunks = std::max<int64_t>(1, std::min({job.units, fit, worth, std::max<int64_t>(1, 16 / blocks())}));
  while (blocks() * job.chunks < 8 && job.cut.channels * s.taps() >= 128) {
    job.cut.channels = (job.cut.channels + 1) / 2;
    job.cut.channel_blocks = ceil_div(s.in_channels, job.cut.channels);
  }
  const int64_t parallel = blocks() * job.chunks;
  job.row_tasks = parallel >= 8 ? 1 : std::max<int64_t>(1, std::min(8 / parallel, s.out_channels / 8));
}

// Whether the filters of all channels lie side by side.
template <typename T>
bool is_dense(const ConvShape& s, const Filters<T>& out) {
  return out.step[2] == 1 && out.step[1] == s.kernel[2] && out.step[0] == s.kernel[1] * s.kernel[2] &&
         out.in == s.taps();
}

template <typename T>
void add_partials(dt_kernel_context* ctx, const Job<T>& job, Filters<T> out) {
  const ConvShape& s = *job.shape;
  const int64_t all = job.weights(), taps = s.taps(), rows = s.groups * s.out_channels;
  const int64_t grain = std::max<int64_t>(1, 32768 * rows / std::max<int64_t>(1, all * job.chunks));
  const bool dense = is_dense(s, out);
  parallel(ctx, rows, grain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      T* sums = job.partial + row * s.in_channels * taps;
      for (int64_t chunk = 1; chunk < job.chunks; ++chunk) {
        for (int64_t i = 0; i < s.in_channels * taps; ++i) sums[i] += sums[chunk * all + i];
      }
      T* to = out.data + row * out.out;
      if (dense) {
        copy_run(to, sums, s.in_channels * taps);
        continue;
      }
      for (int64_t i = 0; i < s.in_channels * taps; ++i) {
        const int64_t c = i / taps, z = i % taps / (s.kernel[1] * s.kernel[2]);
        to[c * out.in + out.tap(z, i / s.kernel[2] % s.kernel[1], i % s.kernel[2])] = sums[i];
      }
    }
  });
}

}  // namespace

template <typename T>
bool convolve_weight_grad(dt_kernel_context* ctx, const ConvShape& shape, Images<const T> grad, Images<const T> input,
                          Filters<T> out) {
  if (depthwise::suits(shape)) return depthwise::convolve_weight_grad(ctx, shape, grad, input, out);
  if constexpr (std::is_same_v<T, float>) {
    if (winograd::suits_weight_grad(shape)) {
      const winograd::Outcome outcome = winograd::convolve_weight_grad(ctx, shape, grad, input, out);
      if (outcome != winograd::Outcome::not_finite) return outcome == winograd::Outcome::done;
    }
  }
  Job<T> job;
  job.shape = &shape, job.grad = grad, job.input = input;
  job.plan = frame_input(shape);
  job.walk = choose_walk(job.plan, shape.out_channels, kLanes<T>, true, std::numeric_limits<int64_t>::max());
  job.cut = cut_results(job.plan, shape.batch, shape.in_channels, shape.out_channels * shape.taps(), kDepth,
                        kPixels / 4, kPixels, sizeof(T));
  if (job.walk == Walk::columns) take_images(job.cut, job.plan, shape.batch, kColumnPixels, sizeof(T));
  job.units = job.cut.image_groups * job.cut.tiles;
  plan_chunks(job);
  const bool whole = job.chunks == 1 && is_dense(shape, out) && out.out == shape.in_channels * shape.taps();
  job.partial = whole
                    ? out.data
                    : static_cast<T*>(ctx->workspace(ctx, static_cast<size_t>(job.weights() * job.chunks) * sizeof(T)));
  constexpr int64_t kScratch = 8 << 20;
  const int64_t tasks = job.tasks(), bytes = Worker<T>::bytes(job);
  const int64_t slots = std::max<int64_t>(1, std::min({tasks, int64_t{64}, kScratch / bytes}));
  char* scratch = static_cast<char*>(ctx->workspace(ctx, static_cast<size_t>(slots * bytes)));
  if (!scratch || !job.partial) return false;
  const int64_t work = shape.batch * shape.out_pixels() * job.weights();
  const int64_t grain = std::max<int64_t>(1, 65536 * slots / std::max<int64_t>(1, work));
  parallel_tasks(ctx, tasks, slots, grain, [&](int64_t slot) {
    return [worker = Worker<T>(job, scratch + slot * bytes)](int64_t task) mutable { worker.run(task); };
  });
  if (!whole) add_partials(ctx, job, out);
  return true;
}
template bool convolve_weight_grad(dt_kernel_context*, const ConvShape&, Images<const float>, Images<const float>,
                                   Filters<float>);
template bool convolve_weight_grad(dt_kernel_context*, const ConvShape&, Images<const double>, Images<const double>,
                                   Filters<double>);

}  // namespace dovetail::cpu
