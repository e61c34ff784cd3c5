// Recurrent layers, one direction of one layer at a time, over all time steps, and their gradients.
//
// The rows of all steps lie one after the other; batch_sizes says how many each step has, the longest sequences first.
// A row's sums do not depend on which rows are beside it, so that threads share out the batch, each going through all
// steps of its rows.
#include "kernels/cpu/recurrent.h"

#include <cstring>

#include "kernels/cpu/matrix_product.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/room.h"
#include "kernels/cpu/row_product.h"
#include "kernels/cpu/sixteen.h"

namespace dovetail::cpu {

namespace {

constexpr int64_t kRows = 8;        // of a range of the batch that a thread takes
constexpr int64_t kWork = 1 << 20;  // multiplications worth a thread
constexpr int64_t kFewSteps = 2;    // up to so many, the weight is not worth laying out anew
constexpr int64_t kSumRows = 32;    // rows summed in the element's own precision

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

  Steps(dt_kernel_context* ctx, const dt_array& start, const dt_value& reverse, const dt_value& sizes)
      : reverse(reverse.as.i != 0),
        sizes(sizes.as.ints),
        count(sizes.count),
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

  Right<T> right(const Matrix<const T>& m) {
    Right<T> made{m};
    if (few_) return made;
    const int64_t panels = ceil_div(m.cols, kPanel<T>), size = m.rows * kPanel<T>;
    T* out = workspace(panels * size);
    if (!out) return made;
    parallel(ctx_, panels, grain_for(4 * size), [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) fill_panel(m, p * kPanel<T>, out + p * size);
    });
    made.panels = out;
    return made;
  }
  // c = init + a right, rows of which are `c_row` apart, and so on; init may be NULL, or c.
  void multiply(const T* a, int64_t a_row, int64_t rows, const Right<T>& right, const T* init, int64_t init_row, T* c,
                int64_t c_row) {
    const int64_t depth = right.matrix.rows, cols = right.matrix.cols;
    if (right.panels) return row_product({a, a_row, rows, depth, right.panels, cols, init, init_row, c, c_row});
    const Matrix<const T> left{a, rows, depth, a_row, 1};
    if (!matrix_product<T>(ctx_, left, right.matrix, {c, rows, cols, c_row, 1}, init, init_row)) failed_ = true;
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

  // The gradient of the weight that the states before are multiplied with: grad.T states, `grad` of this many columns.
  void weight_grad(const T* grad, int64_t cols, const T* output, const T* h0, T* out) {
    const int64_t w = steps_.width, rows = steps_.rows();
    T* before = workspace(rows * w);
    if (!before) return;
    for (int64_t s = 0; s < steps_.count; ++s)
      steps_.for_runs(s, 0, steps_.batch,
                      [&](const Run& u) { std::copy_n(u.previous(output, h0, w), u.rows * w, before + u.row * w); });
    if (!matrix_product<T>(ctx_, {grad, cols, rows, 1, cols}, {before, rows, w, w, 1}, {out, cols, w, w, 1}, nullptr,
                           0))
      failed_ = true;
  }

  // Elements of an argument one after the other; of an optional one NULL.
  const T* in(const dt_array& a) {
    if (a.ndim < 0) return nullptr;
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
};

// Nothing goes through the layer: its gradients are 0.
void clear(dt_kernel_context* ctx, const dt_array* outs, int32_t n) {
  for (int32_t k = 0; k < n; ++k) {
    if (numel(outs[k]) == 0) continue;
    visit_dtype(outs[k].dtype, [&](auto zero) {
      using T = decltype(zero);
      if (T* data = room<T>(ctx, outs[k])) {
        std::fill_n(data, numel(outs[k]), zero);
        deliver(ctx, outs[k], data);
      }
    });
  }
}

// ---- LSTM ---------------------------------------------------------------------------------------------------------

// (x, h0, c0, w_hh, reverse, batch_sizes) -> (output, cells, gates)
template <class T>
dt_status lstm_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                      const dt_value* args, int32_t) {
  const Steps steps(ctx, ins[1], args[4], args[5]);
  if (!steps.first) return out_of_memory(ctx, "lstm_sequence");
  const int64_t w = steps.width;
  if (steps.rows() * w == 0) return DT_OK;
  Layer<T> layer(ctx, steps);
  const T *x = layer.in(ins[0]), *h0 = layer.in(ins[1]), *c0 = layer.in(ins[2]), *weight = layer.in(ins[3]);
  T *output = layer.out(outs[0]), *cells = layer.out(outs[1]), *gates = layer.out(outs[2]);
  if (layer.failed()) return out_of_memory(ctx, "lstm_sequence");
  const Right<T> right = layer.right({weight, w, 4 * w, 1, w});
  if (layer.failed()) return out_of_memory(ctx, "lstm_sequence");
  layer.forwards(4, [&](const Run& u) {
    T* to = gates + u.row * 4 * w;
    const T* c_prev = u.previous<T>(cells, c0, w);
    layer.multiply(u.previous<T>(output, h0, w), w, u.rows, right, x + u.row * 4 * w, 4 * w, to, 4 * w);
    layer.over_rows(u, [&](int64_t i, int64_t end) {
      const int64_t at = (u.row + i) * w;
      layer.gates().lstm({end - i, w, to + i * 4 * w, c_prev + i * w, cells + at, output + at});
    });
  });
  if (layer.failed()) return out_of_memory(ctx, "lstm_sequence");
  deliver(ctx, outs[0], output);
  deliver(ctx, outs[1], cells);
  deliver(ctx, outs[2], gates);
  return DT_OK;
}

template <class T>
const T* offset(const T* data, int64_t by) {
  return data ? data + by : nullptr;
}

// (grad_output, grad_cells, grad_gates, h0, c0, w_hh, output, cells, gates, reverse, batch_sizes) ->
// (grad_x, grad_h0, grad_c0, grad_w_hh)
template <class T>
dt_status lstm_grad_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t n_outs,
                           const dt_array* ins, int32_t, const dt_value* args, int32_t) {
  const Steps steps(ctx, ins[3], args[9], args[10]);
  if (!steps.first) return out_of_memory(ctx, "lstm_sequence_grad");
  const int64_t w = steps.width;
  if (steps.rows() * w == 0) return clear(ctx, outs, n_outs), DT_OK;
  Layer<T> layer(ctx, steps);
  const T *d_output = layer.in(ins[0]), *d_cells = layer.in(ins[1]), *d_gates = layer.in(ins[2]);
  const T *h0 = layer.in(ins[3]), *c0 = layer.in(ins[4]), *weight = layer.in(ins[5]);
  const T *output = layer.in(ins[6]), *cells = layer.in(ins[7]), *gates = layer.in(ins[8]);
  T *dx = layer.out(outs[0]), *dh = layer.zeros(outs[1]), *dc = layer.zeros(outs[2]), *dw = layer.out(outs[3]);
  if (layer.failed()) return out_of_memory(ctx, "lstm_sequence_grad");
  const Right<T> right = layer.right({weight, 4 * w, w, w, 1});
  if (layer.failed()) return out_of_memory(ctx, "lstm_sequence_grad");
  layer.backwards(4, [&](const Run& u) {
    const T* c_prev = u.previous(cells, c0, w);
    T *h_to = dh + u.batch * w, *c_to = dc + u.batch * w, *x_to = dx + u.row * 4 * w;
    layer.over_rows(u, [&](int64_t i, int64_t end) {
      const int64_t at = (u.row + i) * w;
      layer.gates().lstm_grad({end - i, w, offset(d_output, at), offset(d_cells, at), offset(d_gates, 4 * at),
                               gates + 4 * at, cells + at, c_prev + i * w, h_to + i * w, c_to + i * w,
                               x_to + i * 4 * w});
    });
    layer.multiply(x_to, 4 * w, u.rows, right, nullptr, 0, h_to, w);
  });
  layer.weight_grad(dx, 4 * w, output, h0, dw);
  if (layer.failed()) return out_of_memory(ctx, "lstm_sequence_grad");
  deliver(ctx, outs[0], dx);
  deliver(ctx, outs[1], dh);
  deliver(ctx, outs[2], dc);
  deliver(ctx, outs[3], dw);
  return DT_OK;
}

// ---- gated recurrent units ----------------------------------------------------------------------------------------

// (x, h0, w_hh, b_hh, reverse, batch_sizes) -> (output, gates)
template <class T>
dt_status gru_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                     const dt_value* args, int32_t) {
  const Steps steps(ctx, ins[1], args[4], args[5]);
  if (!steps.first) return out_of_memory(ctx, "gru_sequence");
  const int64_t w = steps.width;
  if (steps.rows() * w == 0) return DT_OK;
  Layer<T> layer(ctx, steps);
  const T *x = layer.in(ins[0]), *h0 = layer.in(ins[1]), *weight = layer.in(ins[2]), *bias = layer.in(ins[3]);
  T *output = layer.out(outs[0]), *gates = layer.out(outs[1]);
  if (layer.failed()) return out_of_memory(ctx, "gru_sequence");
  const Right<T> both = layer.right({weight, w, 2 * w, 1, w}), share = layer.right({weight + 2 * w * w, w, w, 1, w});
  if (layer.failed()) return out_of_memory(ctx, "gru_sequence");
  layer.forwards(3, [&](const Run& u) {
    const T* h_prev = u.previous<T>(output, h0, w);
    T* to = gates + u.row * 4 * w;
    layer.multiply(h_prev, w, u.rows, both, x + u.row * 3 * w, 3 * w, to, 4 * w);
    layer.multiply(h_prev, w, u.rows, share, offset(bias, 2 * w), 0, to + 3 * w, 4 * w);
    layer.over_rows(u, [&](int64_t i, int64_t end) {
      const int64_t row = u.row + i;
      layer.gates().gru({end - i, w, x + row * 3 * w, bias, gates + row * 4 * w, h_prev + i * w, output + row * w});
    });
  });
  if (layer.failed()) return out_of_memory(ctx, "gru_sequence");
  deliver(ctx, outs[0], output);
  deliver(ctx, outs[1], gates);
  return DT_OK;
}

// out[j] = sum over rows of in[row, j]
template <class T>
DOVETAIL_CLONES void column_sums(const T* in, int64_t rows, int64_t cols, int64_t begin, int64_t end, T* out) {
  constexpr int64_t kCols = 64;
  for (int64_t j = begin; j < end; j += kCols) {
    const int64_t n = std::min(kCols, end - j);
    double totals[kCols] = {};
    for (int64_t r = 0; r < rows; r += kSumRows) {
      T sums[kCols] = {};
      for (int64_t i = r; i < std::min(rows, r + kSumRows); ++i)
        for (int64_t c = 0; c < n; ++c) sums[c] += in[i * cols + j + c];
      for (int64_t c = 0; c < n; ++c) totals[c] += static_cast<double>(sums[c]);
    }
    for (int64_t c = 0; c < n; ++c) out[j + c] = static_cast<T>(totals[c]);
  }
}

// (grad_output, grad_gates, h0, w_hh, output, gates, reverse, batch_sizes) -> (grad_x, grad_h0, grad_w_hh, grad_b_hh)
template <class T>
dt_status gru_grad_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t n_outs,
                          const dt_array* ins, int32_t, const dt_value* args, int32_t) {
  const Steps steps(ctx, ins[2], args[6], args[7]);
  if (!steps.first) return out_of_memory(ctx, "gru_sequence_grad");
  const int64_t w = steps.width;
  if (steps.rows() * w == 0) return clear(ctx, outs, n_outs), DT_OK;
  Layer<T> layer(ctx, steps);
  const T *d_output = layer.in(ins[0]), *d_gates = layer.in(ins[1]), *h0 = layer.in(ins[2]), *weight = layer.in(ins[3]);
  const T *output = layer.in(ins[4]), *gates = layer.in(ins[5]);
  T *dx = layer.out(outs[0]), *dh = layer.zeros(outs[1]), *dw = layer.out(outs[2]), *db = layer.out(outs[3]);
  T* hidden = layer.workspace(steps.rows() * 3 * w);
  if (layer.failed()) return out_of_memory(ctx, "gru_sequence_grad");
  const Right<T> right = layer.right({weight, 3 * w, w, w, 1});
  if (layer.failed()) return out_of_memory(ctx, "gru_sequence_grad");
  layer.backwards(3, [&](const Run& u) {
    const T* h_prev = u.previous(output, h0, w);
    T *to = dh + u.batch * w, *hidden_to = hidden + u.row * 3 * w;
    layer.over_rows(u, [&](int64_t i, int64_t end) {
      const int64_t row = u.row + i;
      layer.gates().gru_grad({end - i, w, offset(d_output, row * w), offset(d_gates, row * 4 * w), gates + row * 4 * w,
                              h_prev + i * w, to + i * w, dx + row * 3 * w, hidden_to + i * 3 * w});
    });
    layer.multiply(hidden_to, 3 * w, u.rows, right, to, w, to, w);
  });
  layer.weight_grad(hidden, 3 * w, output, h0, dw);
  if (layer.failed()) return out_of_memory(ctx, "gru_sequence_grad");
  parallel(ctx, 3 * w, std::max<int64_t>(64, grain_for(steps.rows())),
           [&](int64_t begin, int64_t end) { column_sums(hidden, steps.rows(), 3 * w, begin, end, db); });
  deliver(ctx, outs[0], dx);
  deliver(ctx, outs[1], dh);
  deliver(ctx, outs[2], dw);
  deliver(ctx, outs[3], db);
  return DT_OK;
}

// ---- plain --------------------------------------------------------------------------------------------------------

bool is_relu(const dt_value& nonlinearity) { return std::strcmp(nonlinearity.as.string, "relu") == 0; }

// (x, h0, w_hh, nonlinearity, reverse, batch_sizes) -> output
template <class T>
dt_status rnn_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                     const dt_value* args, int32_t) {
  const Steps steps(ctx, ins[1], args[4], args[5]);
  if (!steps.first) return out_of_memory(ctx, "rnn_sequence");
  const int64_t w = steps.width;
  const bool relu = is_relu(args[3]);
  if (steps.rows() * w == 0) return DT_OK;
  Layer<T> layer(ctx, steps);
  const T *x = layer.in(ins[0]), *h0 = layer.in(ins[1]), *weight = layer.in(ins[2]);
  T* output = layer.out(outs[0]);
  if (layer.failed()) return out_of_memory(ctx, "rnn_sequence");
  const Right<T> right = layer.right({weight, w, w, 1, w});
  if (layer.failed()) return out_of_memory(ctx, "rnn_sequence");
  layer.forwards(1, [&](const Run& u) {
    T* to = output + u.row * w;
    layer.multiply(u.previous<T>(output, h0, w), w, u.rows, right, x + u.row * w, w, to, w);
    layer.over_rows(u, [&](int64_t i, int64_t end) { layer.gates().rnn({(end - i) * w, relu, to + i * w}); });
  });
  if (layer.failed()) return out_of_memory(ctx, "rnn_sequence");
  deliver(ctx, outs[0], output);
  return DT_OK;
}

// (grad_output, h0, w_hh, output, nonlinearity, reverse, batch_sizes) -> (grad_x, grad_h0, grad_w_hh)
template <class T>
dt_status rnn_grad_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t n_outs,
                          const dt_array* ins, int32_t, const dt_value* args, int32_t) {
  const Steps steps(ctx, ins[1], args[5], args[6]);
  if (!steps.first) return out_of_memory(ctx, "rnn_sequence_grad");
  const int64_t w = steps.width;
  const bool relu = is_relu(args[4]);
  if (steps.rows() * w == 0) return clear(ctx, outs, n_outs), DT_OK;
  Layer<T> layer(ctx, steps);
  const T *d_output = layer.in(ins[0]), *h0 = layer.in(ins[1]), *weight = layer.in(ins[2]), *output = layer.in(ins[3]);
  T *dx = layer.out(outs[0]), *dh = layer.zeros(outs[1]), *dw = layer.out(outs[2]);
  if (layer.failed()) return out_of_memory(ctx, "rnn_sequence_grad");
  const Right<T> right = layer.right({weight, w, w, w, 1});
  if (layer.failed()) return out_of_memory(ctx, "rnn_sequence_grad");
  layer.backwards(1, [&](const Run& u) {
    T *to = dh + u.batch * w, *x_to = dx + u.row * w;
    layer.over_rows(u, [&](int64_t i, int64_t end) {
      const int64_t at = (u.row + i) * w;
      layer.gates().rnn_grad({(end - i) * w, relu, offset(d_output, at), output + at, to + i * w, x_to + i * w});
    });
    layer.multiply(x_to, w, u.rows, right, nullptr, 0, to, w);
  });
  layer.weight_grad(dx, w, output, h0, dw);
  if (layer.failed()) return out_of_memory(ctx, "rnn_sequence_grad");
  deliver(ctx, outs[0], dx);
  deliver(ctx, outs[1], dh);
  deliver(ctx, outs[2], dw);
  return DT_OK;
}

template <class T>
void add_all(KernelTable& table, int32_t dtype) {
  table.add("lstm_sequence", dtype, lstm_kernel<T>);
  table.add("lstm_sequence_grad", dtype, lstm_grad_kernel<T>);
  table.add("gru_sequence", dtype, gru_kernel<T>);
  table.add("gru_sequence_grad", dtype, gru_grad_kernel<T>);
  table.add("rnn_sequence", dtype, rnn_kernel<T>);
  table.add("rnn_sequence_grad", dtype, rnn_grad_kernel<T>);
}

}  // namespace

void register_recurrent(KernelTable& table) {
  KernelTable own;
  add_all<float>(own, DT_FLOAT32);
  add_all<double>(own, DT_FLOAT64);
  add_sixteen_whole(own);
  table.add_all(own);
}

}  // namespace dovetail::cpu
