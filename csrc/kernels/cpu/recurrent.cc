// Recurrent layers, one direction of one layer at a time, over all time steps, and their gradients.
#include <cstring>

#include "kernels/cpu/recurrent_layer.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/sixteen.h"

namespace dovetail::cpu {

namespace {

constexpr int64_t kSumRows = 32;  // rows summed in the element's own precision

// Nothing goes through the layer: its results are 0.
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

template <class T>
const T* offset(const T* data, int64_t by) {
  return data ? data + by : nullptr;
}

// ---- LSTM ---------------------------------------------------------------------------------------------------------

// (input, w_ih, bias, h0, c0, w_hh, w_hr, reverse, batch_sizes) -> (output, cells, gates)
template <class T>
dt_status lstm_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t n_outs, const dt_array* ins,
                      int32_t, const dt_value* args, int32_t) {
  const Steps steps(ctx, ins[4], args + 7);
  if (!steps.first) return out_of_memory(ctx, "lstm_sequence");
  const int64_t w = steps.width, p = ins[3].sizes[1];
  if (steps.rows() * w == 0) return clear(ctx, outs, n_outs), DT_OK;
  Layer<T> layer(ctx, steps);
  const T *h0 = layer.in(ins[3]), *c0 = layer.in(ins[4]), *w_hh = layer.in(ins[5]), *w_hr = layer.in(ins[6]);
  T *output = layer.out(outs[0]), *cells = layer.out(outs[1]), *gates = layer.out(outs[2]);
  T* from_state = layer.workspace(steps.batch * 4 * w);
  T* wide = w_hr ? layer.workspace(steps.batch * w) : nullptr;  // a step's h before its projection
  if (!layer.failed()) layer.project(ins, 4 * w);
  if (layer.failed()) return out_of_memory(ctx, "lstm_sequence");
  const int64_t tiles = w_hr ? 1 : layer.tiles(4, p);
  const Right<T> hidden = layer.right({w_hh, p, 4 * w, 1, p}, tiles > 1 ? 4 : 1);
  const Right<T> projection = w_hr ? layer.right({w_hr, w, p, 1, w}) : Right<T>{};
  if (layer.failed()) return out_of_memory(ctx, "lstm_sequence");
  // Rows [i, end) of a run, of the units from `unit` on.
  const auto gate = [&](const Run& u, const T* x, const T* h, int64_t i, int64_t end, int64_t unit, int64_t units) {
    const int64_t at = (u.row + i) * w + unit;
    T* out = w_hr ? wide + (u.batch + i) * w : output + at;
    layer.gates().lstm({end - i, units, w, x + i * 4 * w + unit, h + i * 4 * w + 4 * unit,
                        u.previous<T>(cells, c0, w) + i * w + unit, gates + 4 * (at - unit) + unit, cells + at, out});
  };
  const auto step = [&](const Run& u) {
    const T* x = layer.given(u, 4 * w);
    T* h = from_state + u.batch * 4 * w;
    layer.multiply(u.previous<T>(output, h0, p), p, u.rows, hidden, nullptr, 0, h, 4 * w);
    layer.over_rows(u, [&](int64_t i, int64_t end) { gate(u, x, h, i, end, 0, w); });
    if (w_hr) layer.multiply(wide + u.batch * w, w, u.rows, projection, nullptr, 0, output + u.row * p, p);
  };
  const auto tile = [&](const Run& u, int64_t begin, int64_t end) {
    constexpr int64_t kUnits = kPanel<T>;
    T* h = from_state + u.batch * 4 * w;
    row_product({u.previous<T>(output, h0, p), p, u.rows, p, hidden.panels + begin * 4 * kUnits * p,
                 (end - begin) * 4 * kUnits, nullptr, 0, h + begin * 4 * kUnits, 4 * w});
    const T* x = layer.given(u, 4 * w);
    for (int64_t block = begin; block < end; ++block) gate(u, x, h, 0, u.rows, block * kUnits, kUnits);
  };
  tiles > 1 ? layer.forwards_in_tiles(tiles, tile) : layer.forwards(4, step);
  if (layer.failed()) return out_of_memory(ctx, "lstm_sequence");
  deliver(ctx, outs[0], output);
  deliver(ctx, outs[1], cells);
  deliver(ctx, outs[2], gates);
  return DT_OK;
}

// (grad_output, grad_cells, grad_gates, h0, c0, w_hh, w_hr, output, cells, gates, reverse, batch_sizes) ->
// (grad_x, grad_h0, grad_c0, grad_weights)
template <class T>
dt_status lstm_grad_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t n_outs,
                           const dt_array* ins, int32_t, const dt_value* args, int32_t) {
  const Steps steps(ctx, ins[4], args + 10);
  if (!steps.first) return out_of_memory(ctx, "lstm_sequence_grad");
  const int64_t w = steps.width, p = ins[3].sizes[1], rows = steps.rows();
  if (rows * w == 0) return clear(ctx, outs, n_outs), DT_OK;
  Layer<T> layer(ctx, steps);
  const T *d_output = layer.in(ins[0]), *d_cells = layer.in(ins[1]), *d_gates = layer.in(ins[2]);
  const T *h0 = layer.in(ins[3]), *c0 = layer.in(ins[4]), *w_hh = layer.in(ins[5]), *w_hr = layer.in(ins[6]);
  const T *output = layer.in(ins[7]), *cells = layer.in(ins[8]), *gates = layer.in(ins[9]);
  T *dx = layer.out(outs[0]), *dh = layer.zeros(outs[1]), *dc = layer.zeros(outs[2]), *dw = layer.out(outs[3]);
  // With a projection: all h before it, all gradients after it, and a step's gradients before it.
  T *wide = nullptr, *d_narrow = nullptr, *d_wide = nullptr;
  if (w_hr) wide = layer.workspace(rows * w), d_narrow = layer.workspace(rows * p);
  if (w_hr) d_wide = layer.workspace(steps.batch * w);
  if (layer.failed()) return out_of_memory(ctx, "lstm_sequence_grad");
  const Right<T> hidden = layer.right({w_hh, 4 * w, p, p, 1});
  const Right<T> projection = w_hr ? layer.right({w_hr, p, w, w, 1}) : Right<T>{};
  if (layer.failed()) return out_of_memory(ctx, "lstm_sequence_grad");
  layer.backwards(4, [&](const Run& u) {
    const T* c_prev = u.previous(cells, c0, w);
    T *h_to = dh + u.batch * p, *c_to = dc + u.batch * w, *x_to = dx + u.row * 4 * w, *d_h = h_to;
    if (w_hr) {
      T* narrow = d_narrow + u.row * p;
      for (int64_t k = 0; k < u.rows * p; ++k) narrow[k] = h_to[k] + (d_output ? d_output[u.row * p + k] : T{0});
      d_h = d_wide + u.batch * w;
      layer.multiply(narrow, p, u.rows, projection, nullptr, 0, d_h, w);
    }
    layer.over_rows(u, [&](int64_t i, int64_t end) {
      const int64_t at = (u.row + i) * w;
      layer.gates().lstm_grad({end - i, w, w_hr ? nullptr : offset(d_output, at), offset(d_cells, at),
                               offset(d_gates, 4 * at), gates + 4 * at, cells + at, c_prev + i * w, d_h + i * w,
                               c_to + i * w, x_to + i * 4 * w, w_hr ? wide + at : nullptr});
    });
    layer.multiply(x_to, 4 * w, u.rows, hidden, nullptr, 0, h_to, p);
  });
  layer.weight_grad(dx, 4 * w, output, h0, p, dw);
  if (w_hr) layer.turned(wide, w, d_narrow, p, rows, dw + 4 * w * p);
  if (layer.failed()) return out_of_memory(ctx, "lstm_sequence_grad");
  deliver(ctx, outs[0], dx);
  deliver(ctx, outs[1], dh);
  deliver(ctx, outs[2], dc);
  deliver(ctx, outs[3], dw);
  return DT_OK;
}

// ---- gated recurrent units ----------------------------------------------------------------------------------------

// (input, w_ih, b_ih, h0, w_hh, b_hh, reverse, batch_sizes) -> (output, gates)
template <class T>
dt_status gru_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                     const dt_value* args, int32_t) {
  const Steps steps(ctx, ins[3], args + 6);
  if (!steps.first) return out_of_memory(ctx, "gru_sequence");
  const int64_t w = steps.width;
  if (steps.rows() * w == 0) return DT_OK;
  Layer<T> layer(ctx, steps);
  const T *h0 = layer.in(ins[3]), *w_hh = layer.in(ins[4]), *bias = layer.in(ins[5]);
  T *output = layer.out(outs[0]), *gates = layer.out(outs[1]), *from_state = layer.workspace(steps.batch * 3 * w);
  if (!layer.failed()) layer.project(ins, 3 * w);
  if (layer.failed()) return out_of_memory(ctx, "gru_sequence");
  const Right<T> hidden = layer.right({w_hh, w, 3 * w, 1, w});
  if (layer.failed()) return out_of_memory(ctx, "gru_sequence");
  layer.forwards(3, [&](const Run& u) {
    const T *x = layer.given(u, 3 * w), *h_prev = u.previous<T>(output, h0, w);
    T* s = from_state + u.batch * 3 * w;
    layer.multiply(h_prev, w, u.rows, hidden, nullptr, 0, s, 3 * w);
    layer.over_rows(u, [&](int64_t i, int64_t end) {
      const int64_t row = u.row + i;
      layer.gates().gru(
          {end - i, w, x + i * 3 * w, s + i * 3 * w, bias, h_prev + i * w, gates + row * 4 * w, output + row * w});
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
  const Steps steps(ctx, ins[2], args + 6);
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
  layer.weight_grad(hidden, 3 * w, output, h0, w, dw);
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

// (input, w_ih, bias, h0, w_hh, nonlinearity, reverse, batch_sizes) -> output
template <class T>
dt_status rnn_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                     const dt_value* args, int32_t) {
  const Steps steps(ctx, ins[3], args + 6);
  if (!steps.first) return out_of_memory(ctx, "rnn_sequence");
  const int64_t w = steps.width;
  const bool relu = is_relu(args[5]);
  if (steps.rows() * w == 0) return DT_OK;
  Layer<T> layer(ctx, steps);
  const T *h0 = layer.in(ins[3]), *w_hh = layer.in(ins[4]);
  T *output = layer.out(outs[0]), *from_state = layer.workspace(steps.batch * w);
  if (!layer.failed()) layer.project(ins, w);
  if (layer.failed()) return out_of_memory(ctx, "rnn_sequence");
  const Right<T> hidden = layer.right({w_hh, w, w, 1, w});
  if (layer.failed()) return out_of_memory(ctx, "rnn_sequence");
  layer.forwards(1, [&](const Run& u) {
    const T* x = layer.given(u, w);
    T *s = from_state + u.batch * w, *to = output + u.row * w;
    layer.multiply(u.previous<T>(output, h0, w), w, u.rows, hidden, nullptr, 0, s, w);
    layer.over_rows(
        u, [&](int64_t i, int64_t end) { layer.gates().rnn({(end - i) * w, relu, x + i * w, s + i * w, to + i * w}); });
  });
  if (layer.failed()) return out_of_memory(ctx, "rnn_sequence");
  deliver(ctx, outs[0], output);
  return DT_OK;
}

// (grad_output, h0, w_hh, output, nonlinearity, reverse, batch_sizes) -> (grad_x, grad_h0, grad_w_hh)
template <class T>
dt_status rnn_grad_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t n_outs,
                          const dt_array* ins, int32_t, const dt_value* args, int32_t) {
  const Steps steps(ctx, ins[1], args + 5);
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
  layer.weight_grad(dx, w, output, h0, w, dw);
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

void register_recurrent(KernelTable& table) { add_floats_whole(table, add_all<float>, add_all<double>); }

}  // namespace dovetail::cpu
