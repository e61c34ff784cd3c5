// What the kernels of recurrent layers share: the rows of each step, products with a weight, and threads.
//
// The rows of all steps lie one after the other; batch_sizes says how many each step has, the longest sequences first.
// A row's sums do not depend on which rows are beside it, so that threads share out the batch, each going through all
// steps of its rows.
#pragma once

#include <algorithm>
#include <atomic>
#include <thread>

#include "kernels/cpu/matrix_product.h"
#include "kernels/cpu/recurrent.h"
#include "kernels/cpu/room.h"
#include "kernels/cpu/row_product.h"

namespace dovetail::cpu {

constexpr int64_t kRows = 8;        // of a range of the batch that a thread takes
constexpr int64_t kWork = 1 << 20;  // multiplications worth a thread
constexpr int64_t kFewSteps = 2;    // up to so many, the weight is not worth laying out anew
// Weights of up to so many bytes stay in the second-level cache together, where rows of the input and of the state
// before are multiplied in turns: what the input gives is then never written to memory.
constexpr int64_t kTogether = 640 << 10;
constexpr int64_t kTile = 128 << 10;  // bytes of a weight that are worth a thread's part in a step

constexpr int64_t kCalls = 16;  // so many ranges wake sleeping threads
constexpr int kSpins = 1000;    // before the core is left to others, some 30 us

inline void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// ---- the steps of a call ------------------------------------------------------------------------------------------

// Rows of a step whose states before are in a row, too: those of the step before, or of the start.
struct Run {
  int64_t row, rows;  // among the rows of all steps
  int64_t batch;      // among the batch
  int64_t before;     // the rows of the step before, or -1: of the start
  template <class T>
  const T* previous(const T* all, const T* start, int64_t width) const {
    return before >= 0 ? all + before * width : start + batch * width;
  }
};

struct Steps {
  bool reverse;
  const int64_t* sizes;
  int64_t count, batch, width;
  Scratch<int64_t, 256> first;  // row of each step

  Steps(dt_kernel_context* ctx, const dt_array& start, const dt_value* reverse_and_sizes)
      : reverse(reverse_and_sizes[0].as.i != 0),
        sizes(reverse_and_sizes[1].as.ints),
        count(reverse_and_sizes[1].count),
        batch(start.sizes[0]),
        width(start.sizes[1]),
        first(ctx, count + 1) {
    if (!first) return;
    first[0] = 0;
    for (int64_t t = 0; t < count; ++t) first[t + 1] = first[t] + this->sizes[t];
  }
  int64_t rows() const { return first[count]; }
  int64_t time(int64_t step) const { return reverse ? count - 1 - step : step; }

  // body(Run) for the rows of [begin, end) of the batch that have this step.
  template <class Body>
  void for_runs(int64_t step, int64_t begin, int64_t end, const Body& body) const {
    const int64_t t = time(step);
    end = std::min(end, sizes[t]);
    if (begin >= end) return;
    const int64_t before = step > 0 ? time(step - 1) : -1;
    const int64_t split = step > 0 ? std::min(std::max(sizes[before], begin), end) : begin;
    if (begin < split) body(Run{first[t] + begin, split - begin, begin, first[before] + begin});
    if (split < end) body(Run{first[t] + split, end - split, split, -1});
  }
};

// ---- products -----------------------------------------------------------------------------------------------------

// The right-hand side of a product: laid out in panels, or as it is.
template <class T>
struct Right {
  Matrix<const T> matrix;  // (depth, cols)
  const T* panels = nullptr;
};

// What one call of a kernel works with.
template <class T>
class Layer {
 public:
  Layer(dt_kernel_context* ctx, const Steps& steps) : ctx_(ctx), steps_(steps), few_(steps.count <= kFewSteps) {}

  const Steps& steps() const { return steps_; }
  const RecurrentGates<T>& gates() const { return gates_; }

  // With `gates`, which are of whole panels, the panels for some units lie side by side: of each gate one.
  Right<T> right(const Matrix<const T>& m, int64_t gates = 1) {
    Right<T> made{m};
    if (few_) return made;
    const int64_t panels = ceil_div(m.cols, kPanel<T>), size = m.rows * kPanel<T>;
    T* out = workspace(panels * size);
    if (!out) return made;
    parallel(ctx_, panels, grain_for(4 * size), [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p)
        fill_panel(m, p % gates * (m.cols / gates) + p / gates * kPanel<T>, out + p * size);
    });
    made.panels = out;
    return made;
  }
  // c = init + a right, rows of which are `c_row` apart, and so on; init may be NULL, or c.
  void multiply(const T* a, int64_t a_row, int64_t rows, const Right<T>& right, const T* init, int64_t init_row, T* c,
                int64_t c_row) {
    const int64_t depth = right.matrix.rows, cols = right.matrix.cols;
    if (cols == 0) return;
    if (right.panels) return row_product({a, a_row, rows, depth, right.panels, cols, init, init_row, c, c_row});
    const Matrix<const T> left{a, rows, depth, a_row, 1};
    if (!matrix_product<T>(ctx_, left, right.matrix, {c, rows, cols, c_row, 1}, init, init_row)) failed_ = true;
  }

  // What the input, w_ih and bias, ins[0] to ins[2], give to the gates, to be asked for run by run.
  void project(const dt_array* ins, int64_t cols) {
    const int64_t inputs = ins[0].sizes[1], rows = steps_.rows();
    const T *input = in(ins[0]), *weight = in(ins[1]), *bias = in(ins[2]);
    if (failed_) return;
    const Matrix<const T> w_ih{weight, inputs, cols, 1, inputs};
    const int64_t bytes = (inputs + steps_.width) * cols * static_cast<int64_t>(sizeof(T));
    together_ = !few_ && inputs > 0 && steps_.batch >= 2 * kRows && bytes <= kTogether;
    given_ = workspace((together_ ? steps_.batch : rows) * cols);
    if (failed_) return;
    if (together_) {
      input_ = input, bias_ = bias, w_ih_ = right(w_ih);
    } else if (!matrix_product<T>(ctx_, {input, rows, inputs, inputs, 1}, w_ih, {given_, rows, cols, cols, 1}, bias,
                                  0)) {
      failed_ = true;
    }
  }
  const T* given(const Run& u, int64_t cols) {
    if (!together_) return given_ + u.row * cols;
    const int64_t inputs = w_ih_.matrix.rows;
    multiply(input_ + u.row * inputs, inputs, u.rows, w_ih_, bias_, 0, given_ + u.batch * cols, cols);
    return given_ + u.batch * cols;
  }

  // body(begin, end) for ranges of the batch, to go through all steps of.
  template <class Body>
  void share(int64_t gates, const Body& body) {
    const int64_t work = std::max<int64_t>(1, steps_.count * gates * steps_.width * steps_.width);
    if (few_) return body(int64_t{0}, steps_.batch);  // a thread has its part in each product
    parallel(ctx_, steps_.batch, std::max(kRows, kWork / work), body);
  }
  // body(begin, end) for ranges of a run's rows.
  template <class Body>
  void over_rows(const Run& run, const Body& body) {
    if (!few_) return body(int64_t{0}, run.rows);
    parallel(ctx_, run.rows, grain_for(32 * steps_.width), body);
  }
  template <class Body>
  void forwards(int64_t gates, const Body& body) {
    share(gates, [&](int64_t begin, int64_t end) {
      for (int64_t s = 0; s < steps_.count; ++s) steps_.for_runs(s, begin, end, body);
    });
  }
  template <class Body>
  void backwards(int64_t gates, const Body& body) {
    share(gates, [&](int64_t begin, int64_t end) {
      for (int64_t s = steps_.count - 1; s >= 0; --s) steps_.for_runs(s, begin, end, body);
    });
  }

  // How many tiles of a step, each for some blocks of kPanel units, threads take one by one where the batch is too
  // small to be shared out; 1: none. Of a weight's shape alone.
  int64_t tiles(int64_t gates, int64_t depth) const {
    const int64_t blocks = steps_.width / kPanel<T>, bytes = gates * steps_.width * depth * int64_t{sizeof(T)};
    if (few_ || steps_.batch >= 2 * kRows || steps_.width % kPanel<T> != 0) return 1;
    return std::max<int64_t>(1, std::min(blocks, bytes / kTile));
  }
  // body(Run, begin, end) for the blocks of each tile. A tile is begun when all of the step before are done; those who
  // come late, or not at all, keep nobody waiting.
  template <class Body>
  void forwards_in_tiles(int64_t tiles, const Body& body) {
    const int64_t blocks = steps_.width / kPanel<T>, all = steps_.count * tiles;
    alignas(64) std::atomic<int64_t> taken{0};
    alignas(64) std::atomic<int64_t> done{0};
    parallel(ctx_, kCalls, 1, [&](int64_t, int64_t) {
      for (int64_t at; (at = taken.fetch_add(1, std::memory_order_relaxed)) < all;) {
        const int64_t step = at / tiles, tile = at % tiles;
        for (int spins = 0; done.load(std::memory_order_acquire) < step * tiles; ++spins)
          spins < kSpins ? pause() : std::this_thread::yield();
        steps_.for_runs(step, 0, steps_.batch,
                        [&](const Run& u) { body(u, tile * blocks / tiles, (tile + 1) * blocks / tiles); });
        done.fetch_add(1, std::memory_order_release);
      }
    });
  }

  // out = a.T b, where `a` and `b` have a row for each of all steps' rows; or + out.
  void turned(const T* a, int64_t a_cols, const T* b, int64_t b_cols, int64_t rows, T* out, bool more = false) {
    if (a_cols * b_cols == 0) return;
    if (!matrix_product<T>(ctx_, {a, a_cols, rows, 1, a_cols}, {b, rows, b_cols, b_cols, 1},
                           {out, a_cols, b_cols, b_cols, 1}, more ? out : nullptr, more ? b_cols : 0))
      failed_ = true;
  }
  // The gradient of the weight that the states before, `width` wide, are multiplied with: grad.T states.
  void weight_grad(const T* grad, int64_t cols, const T* output, const T* h0, int64_t width, T* out) {
    const int64_t rows = steps_.rows(), batch = steps_.batch, others = rows - batch;
    if (others > 0 && steps_.sizes[steps_.count - 1] == batch) {  // the outputs of all steps but the last lie in a row
      const bool reverse = steps_.reverse;
      turned(grad + (reverse ? 0 : batch * cols), cols, output + (reverse ? batch * width : 0), width, others, out);
      return turned(grad + (reverse ? others * cols : 0), cols, h0, width, batch, out, true);
    }
    T* before = workspace(rows * width);
    if (!before) return;
    for (int64_t s = 0; s < steps_.count; ++s)
      steps_.for_runs(s, 0, batch, [&](const Run& u) {
        std::copy_n(u.previous(output, h0, width), u.rows * width, before + u.row * width);
      });
    turned(grad, cols, before, width, rows, out);
  }

  // Elements of an argument one after the other; of an optional one NULL.
  const T* in(const dt_array& a) {
    if (a.ndim < 0) return nullptr;
    static constexpr T kNone{};
    if (numel(a) == 0) return &kNone;
    const T* data = contiguous_data<T>(ctx_, a);
    if (!data) failed_ = true;
    return data;
  }
  T* out(const dt_array& a) {
    T* data = room<T>(ctx_, a);
    if (!data) failed_ = true;
    return data;
  }
  T* zeros(const dt_array& a) {
    T* data = out(a);
    if (data) std::fill_n(data, numel(a), T{0});
    return data;
  }
  T* workspace(int64_t n) {
    T* data = static_cast<T*>(ctx_->workspace(ctx_, static_cast<size_t>(n) * sizeof(T) + 1));
    if (!data) failed_ = true;
    return data;
  }
  bool failed() const { return failed_; }

 private:
  dt_kernel_context* ctx_;
  const Steps& steps_;
  const RecurrentGates<T>& gates_ = recurrent_gates<T>();
  const bool few_;
  bool failed_ = false;  // out of memory
  // What `project` found: all of `given_` is there, or it is room for a step's and made when it is asked for.
  bool together_ = false;
  T* given_ = nullptr;
  const T *input_ = nullptr, *bias_ = nullptr;
  Right<T> w_ih_{};
};

}  // namespace dovetail::cpu
