// Convolution, and the gradient of its input, by the products of large matrices: of the filters, and of columns that
// hold the operands of a result one above the other.
//
// Both are in panels (panel_kernels.h). The filters' are made once; a task makes the columns of some results after
// those of others, which stay in the second-level cache, from frames.
#include <algorithm>

#include "kernels/cpu/conv_job.h"
#include "kernels/cpu/conv_pieces.h"
#include "kernels/cpu/conv_turns.h"
#include "kernels/cpu/panel_kernels.h"
#include "kernels/cpu/shared_tasks.h"

namespace dovetail::cpu {
namespace {

constexpr int64_t kDepth = 320;             // of a panel
constexpr int64_t kPixels = 128;            // results whose columns are there at a time
constexpr int64_t kResults = 64 << 10;      // of a task, where they are put in their places at its end
constexpr int64_t kTasks = 8, kPanels = 4;  // tasks wanted, and panels of rows of each
constexpr int64_t kParts = 4;               // of the panels whose filters are laid out together
constexpr int64_t kPackedBytes = 8 << 20;   // of filters at a time
constexpr int64_t kScratch = 6 << 20;       // of all threads

// How the rows are spread over panels and tasks.
template <typename T>
struct Plan {
  const ConvJob<T>& job;
  const PanelKernels<T, T, T, 1>& kernels = panel_kernels<T>();
  int64_t height, panels;        // rows of a panel, and all panels
  int64_t together;              // whose filters are there at a time
  int64_t first = 0, count = 0;  // those that are there
  int64_t row_tasks = 1;         // among which they are shared
  bool direct = false;           // results lie where panels can write them
  T* packed = nullptr;           // [group][pass][block of channels][panel][depth][lane]

  explicit Plan(const ConvJob<T>& job) : job(job) {
    panels = ceil_div(job.rows, kernels.shape.rows), height = ceil_div(job.rows, panels);
    panels = ceil_div(job.rows, height);
    const int64_t bytes = job.groups * panel_size() * job.weights_of_row() * static_cast<int64_t>(sizeof(T));
    together = std::max<int64_t>(1, std::min(panels, kPackedBytes / std::max<int64_t>(bytes, 1)));
  }
  int64_t panel_size() const { return kernels.shape.row_step; }  // of one depth
  int64_t packed_size() const { return job.groups * together * panel_size() * job.weights_of_row(); }
  int64_t rows(int64_t panel) const { return std::min(height, job.rows - panel * height); }
  // The filters of the first panel that is there, for a block of channels from c0 on.
  T* filters(int64_t group, const Pass& pass, int64_t c0) const {
    return packed + count * panel_size() * (group * job.weights_of_row() + pass.packed + c0 * pass.taps);
  }
  int64_t results(int64_t images) const {  // of one row
    return images * job.cut.size[0] * job.cut.size[1] * job.cut.size[2] * static_cast<int64_t>(job.passes.size());
  }
};

// The filters of a group for a block of channels from c0 on, and for some panels of those that are there.
template <typename T>
class FilterPacker {
 public:
  FilterPacker(const Plan<T>& plan, int64_t group, int64_t c0) : plan_(plan), job_(plan.job), c0_(c0) {
    channels_ = std::min(job_.cut.channels, job_.channels - c0);
    from_ = job_.taps.data + group * job_.w_group + c0 * job_.w_channel;
    int64_t next = 0;
    dense_ = job_.passes.size() == 1 && job_.w_channel == job_.passes[0].taps;  // the depths lie side by side
    for (const Pass& pass : job_.passes) {
      T* const to = plan.filters(group, pass, c0);
      int64_t k = 0;
      each_tap(pass, [&](const Tap& z, const Tap& y, const Tap& x) {
        taps_.push_back({job_.taps.tap(z.kernel, y.kernel, x.kernel), to + k++ * plan.panel_size(), pass.taps});
        dense_ &= taps_.back().from == next++;
      });
    }
  }

  void pack(int64_t first, int64_t last) const {
    if (dense_) {
      const int64_t depth = channels_ * job_.passes[0].taps, step = plan_.panel_size();
      for (int64_t i = first; i < last; ++i) {
        const int64_t rows = plan_.rows(plan_.first + i);
        plan_.kernels.pack(row(i), job_.w_row, 1, rows, rows, step, depth, taps_[0].to + i * depth * step);
      }
      return;
    }
    // In the order of memory, where filters of one channel lie side by side.
    for (int64_t c = 0; c < channels_; ++c) {
      for (int64_t i = first; i < last; ++i) pack_channel(c, i);
    }
  }

 private:
  struct PackedTap {
    int64_t from;   // in a filter
    T* to;          // in the first channel of the first panel
    int64_t apart;  // depths of a channel
  };

  const T* row(int64_t panel) const { return from_ + (plan_.first + panel) * plan_.height * job_.w_row; }

  void pack_channel(int64_t c, int64_t panel) const {
    const int64_t rows = plan_.rows(plan_.first + panel), step = plan_.panel_size(), w_row = job_.w_row;
    const T* const filters = row(panel) + c * job_.w_channel;
    for (const PackedTap& tap : taps_) {
      const T* const from = filters + tap.from;
      T* const to = tap.to + (panel * channels_ + c) * tap.apart * step;
      for (int64_t i = 0; i < rows; ++i) to[i] = from[i * w_row];
    }
  }

  const Plan<T>& plan_;
  const ConvJob<T>& job_;
  int64_t c0_, channels_;
  const T* from_;
  std::vector<PackedTap> taps_;
  bool dense_;
};

template <typename T>
void pack_all_filters(dt_kernel_context* ctx, const Plan<T>& plan) {
  const ConvJob<T>& job = plan.job;
  const int64_t blocks = ceil_div(job.channels, job.cut.channels), parts = std::min(kParts, plan.count);
  const int64_t items = job.groups * blocks * parts;
  const int64_t grain = std::max<int64_t>(1, 65536 * items / std::max<int64_t>(1, plan.packed_size()));
  parallel_tasks(ctx, items, items, grain, [&](int64_t) {
    return [&](int64_t item) {
      const int64_t part = item % parts, block = item / parts % blocks;
      const FilterPacker<T> packer(plan, item / parts / blocks, block * job.cut.channels);
      packer.pack(plan.count * part / parts, plan.count * (part + 1) / parts);
    };
  });
}

// What one thread works with.
template <typename T>
class ColumnWorker {
 public:
  static int64_t bytes(const Plan<T>& plan) {
    ColumnWorker sizing(plan, nullptr);
    return sizing.used_;
  }
  ColumnWorker(const Plan<T>& plan, char* scratch)
      : plan_(plan), job_(plan.job), carver_(scratch), framer_(job_.plan, job_.cut, job_.source, carver_) {
    const Cut& cut = job_.cut;
    const int64_t depth = cut.channels * job_.plan.most_taps(), width = plan.kernels.shape.cols;
    const int64_t all = plan.results(cut.images);
    offsets_ = carver_.take<int64_t>(depth);
    pieces_ = Pieces(carver_, cut.images * cut.size[0] * cut.size[1], cut.size[2], width);
    columns_ = carver_.take<T>(depth * kPixels);
    pitch_ = (all + 15) / 16 * 16 + 16;  // no power of two: its rows would share cache sets
    if (!plan.direct) results_ = carver_.take<T>(pitch_ * std::min(job_.rows, plan.height * most_panels()));
    used_ = carver_.used();
  }

  void run(int64_t task) {
    const Cut& cut = job_.cut;
    const auto [part, group, row_task] = job_.place_of(task, plan_.row_tasks);
    part_ = part, group_ = group;
    framer_.turn_to(part_);
    first_ = plan_.first + plan_.count * row_task / plan_.row_tasks;
    last_ = plan_.first + plan_.count * (row_task + 1) / plan_.row_tasks;
    for (int64_t c0 = 0; c0 < job_.channels; c0 += cut.channels) {
      channel_ = c0, channels_ = std::min(cut.channels, job_.channels - c0);
      framer_.fill(group_ * job_.channels + c0, channels_);
      each_pass([&](const Pass& pass, T* out, int64_t before, const Lines& lines, int64_t step) {
        pieces_.cover(lines, step);
        multiply(pass, out, before);
      });
    }
    if (!plan_.direct) place_all();
  }

 private:
  int64_t most_panels() const { return ceil_div(plan_.together, plan_.row_tasks); }

  // use(pass, its first result, how many results of a row came before, their lines)
  template <typename F>
  void each_pass(const F& use) {
    const FramePlan::Layout& layout = framer_.layout();
    int64_t before = 0;
    for (const Pass& pass : job_.passes) {
      T* out = job_.out.data + part_.image * job_.out.batch +
               (group_ * job_.rows + first_ * plan_.height) * job_.out.channel;
      int64_t count[3], step[3];
      for (int d = 0; d < 3; ++d) {
        const Residue& along = *pass.along[d];
        count[d] = std::max<int64_t>(0, std::min(part_.count[d], along.count - part_.origin[d]));
        step[d] = along.step * job_.out.step[d];
        out += (along.start + part_.origin[d] * along.step) * job_.out.step[d];
      }
      const Lines lines = {part_.images,
                           count[0],
                           count[1],
                           count[2],
                           {channels_ * layout.channel, layout.pitch[0], layout.pitch[1]},
                           {job_.out.batch, step[0], step[1]}};
      use(pass, out, before, lines, step[2]);
      before += lines.count() * lines.width;
    }
  }

  // The products of all results of a pass with a block of channels.
  void multiply(const Pass& pass, T* out, int64_t before) {
    const FramePlan::Layout& layout = framer_.layout();
    const int64_t depth = channels_ * pass.taps, width = plan_.kernels.shape.cols;
    int64_t k = 0;
    for (int64_t c = 0; c < channels_; ++c) {
      each_tap(pass, [&](const Tap& z, const Tap& y, const Tap& x) {
        offsets_[k++] = c * layout.channel + tap_offset(job_.plan, layout, z, y, x);
      });
    }
    const T* filters = plan_.filters(group_, pass, channel_) + (first_ - plan_.first) * depth * plan_.panel_size();
    for (int64_t first = 0; first < pieces_.panels(); first += kPixels / width) {
      const int64_t last = std::min(pieces_.panels(), first + kPixels / width);
      for (int64_t j = first; j < last; ++j) {
        pieces_.write(j, framer_.frame(), offsets_, depth, columns_ + (j - first) * depth * width, width);
      }
      for (int64_t j = first; j < last; ++j) {
        PanelProduct<T, T> p{};
        p.b = columns_ + (j - first) * depth * width, p.depth = depth, p.alpha = 1;
        p.cols = std::min(width, pieces_.results() - j * width);
        p.c_row = plan_.direct ? job_.out.channel : pitch_;
        T* const c = plan_.direct ? out + pieces_.target(j) : results_ + before + j * width;
        for (int64_t i = first_; i < last_; ++i) {
          p.a = filters + (i - first_) * depth * plan_.panel_size(), p.rows = plan_.rows(i);
          p.c = c + (i - first_) * plan_.height * p.c_row;
          p.accumulate = channel_ > 0 || (plan_.direct && job_.bias);
          if (channel_ == 0 && p.accumulate) start_from_bias(p, i);
          plan_.kernels.product(p, static_cast<int>(plan_.height));
        }
      }
    }
  }

  void start_from_bias(const PanelProduct<T, T>& p, int64_t panel) const {
    const T* bias = job_.bias + group_ * job_.rows + panel * plan_.height;
    for (int64_t row = 0; row < p.rows; ++row) std::fill_n(p.c + row * p.c_row, p.cols, bias[row]);
  }

  void place_all() {
    const int64_t rows = std::min(job_.rows, last_ * plan_.height) - first_ * plan_.height;
    if (job_.bias) add_bias(rows);
    const std::vector<Residue>& along = job_.plan.residues[2];
    Placed even;  // results that take turns with others along a line go there with these
    each_pass([&](const Pass& pass, T* out, int64_t before, const Lines& lines, int64_t step) {
      const Placed here{out, results_ + before, lines};
      if (along.size() != 2 || job_.out.step[2] != 1) {
        place(rows, here, step);
      } else if (pass.along[2] == &along[0]) {
        even = here;
      } else {
        place_by_turns(rows, even, here);
      }
    });
  }

  struct Placed {
    T* out;
    const T* results;
    Lines lines;
  };

  void place(int64_t rows, Placed p, int64_t step) const {
    Lines& lines = p.lines;
    if (step == 1 && lines.target[2] == lines.width) lines.width *= lines.y, lines.y = 1;
    for (int64_t row = 0; row < rows; ++row, p.out += job_.out.channel, p.results += pitch_) {
      const T* from = p.results;
      lines.each(0, lines.count(), [&](int64_t, int64_t target) {
        T* const to = p.out + target;
        if (step == 1) {
          copy_run(to, from, lines.width);
        } else {
          for (int64_t x = 0; x < lines.width; ++x) to[x * step] = from[x];
        }
        from += lines.width;
      });
    }
  }

  void place_by_turns(int64_t rows, Placed even, Placed odd) const {
    for (int64_t row = 0; row < rows; ++row) {
      const T *left = even.results + row * pitch_, *right = odd.results + row * pitch_;
      even.lines.each(0, even.lines.count(), [&](int64_t, int64_t target) {
        T* const to = even.out + row * job_.out.channel + target;
        interleave(left, right, odd.lines.width, to);
        if (even.lines.width > odd.lines.width) to[2 * odd.lines.width] = left[odd.lines.width];
        left += even.lines.width, right += odd.lines.width;
      });
    }
  }

  void add_bias(int64_t rows) const {
    const T* bias = job_.bias + group_ * job_.rows + first_ * plan_.height;
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t i = 0; i < pitch_; ++i) results_[row * pitch_ + i] += bias[row];
    }
  }

  const Plan<T>& plan_;
  const ConvJob<T>& job_;
  Carver carver_;
  Framer<T> framer_;
  Pieces pieces_;
  int64_t used_ = 0, pitch_ = 0;  // of a row of the results
  int64_t* offsets_ = nullptr;
  T *columns_ = nullptr, *results_ = nullptr;
  Part part_;
  int64_t group_ = 0, channel_ = 0, channels_ = 0;
  int64_t first_ = 0, last_ = 0;  // panels of rows
};

// Whether each panel's results lie side by side, whatever the part.
template <typename T>
bool is_direct(const Plan<T>& plan) {
  const ConvJob<T>& job = plan.job;
  const int64_t (&size)[3] = job.cut.size;
  const int64_t (&step)[3] = job.out.step;
  return job.passes.size() == 1 && step[2] == 1 && (size[1] == 1 || step[1] == size[2]) &&
         (size[0] == 1 || step[0] == size[1] * size[2]) &&
         (job.cut.images == 1 || size[0] * size[1] * size[2] % plan.kernels.shape.cols == 0);
}

// Parts of some panels of results where the frames of so many images fit.
template <typename T>
void cut_parts(ConvJob<T>& job) {
  const bool dense = job.passes.size() == 1 && job.out.step[2] == 1;
  const int64_t passes = static_cast<int64_t>(job.passes.size());
  const int64_t most = dense ? int64_t{1} << 20 : std::max<int64_t>(kPixels / 2, kResults / (job.rows * passes));
  Cut& cut = job.cut;
  cut = cut_results(job.plan, job.batch, job.channels, job.rows * job.weights_of_row() / job.channels, kDepth, 0, most,
                    sizeof(T));
  take_images(cut, job.plan, job.batch, kPixels / 2, sizeof(T));
}

}  // namespace

template <typename T>
bool convolve_columns(dt_kernel_context* ctx, ConvJob<T>& job) {
  cut_parts(job);
  Plan<T> plan(job);
  plan.direct = is_direct(plan);
  const int64_t parts = job.groups * job.cut.image_groups * job.cut.tiles;
  if (parts == 0) return true;
  if (parts < kTasks) {
    plan.row_tasks = std::max<int64_t>(1, std::min(plan.together / kPanels, ceil_div(kTasks, parts)));
  }
  plan.packed = static_cast<T*>(ctx->workspace(ctx, static_cast<size_t>(plan.packed_size() + 1) * sizeof(T)));
  const int64_t bytes = ColumnWorker<T>::bytes(plan), tasks = parts * plan.row_tasks;
  const int64_t slots = std::max<int64_t>(1, std::min({tasks, int64_t{64}, kScratch / bytes}));
  char* scratch = static_cast<char*>(ctx->workspace(ctx, static_cast<size_t>(slots * bytes)));
  if (!plan.packed || !scratch) return false;
  const int64_t work = job.batch * job.groups * job.rows * job.weights_of_row() * job.plan.results(0) *
                       job.plan.results(1) * job.plan.results(2);
  const int64_t grain = std::max<int64_t>(1, 65536 * slots / std::max<int64_t>(1, work));
  for (plan.first = 0; plan.first < plan.panels; plan.first += plan.together) {
    plan.count = std::min(plan.together, plan.panels - plan.first);
    pack_all_filters(ctx, plan);
    parallel_tasks(ctx, tasks, slots, grain, [&](int64_t slot) {
      return [worker = ColumnWorker<T>(plan, scratch + slot * bytes)](int64_t task) mutable { worker.run(task); };
    });
  }
  return true;
}
template bool convolve_columns(dt_kernel_context*, ConvJob<float>&);
template bool convolve_columns(dt_kernel_context*, ConvJob<double>&);

}  // namespace dovetail::cpu
