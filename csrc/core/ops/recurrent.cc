// Recurrent layers, one direction of one layer at a time, and their gradients.
#include "core/ops/recurrent.h"

#include <cstring>

namespace dovetail {

namespace {

Declare op(const char* schema) { return Declare("recurrent", schema); }

// ---- checks ---------------------------------------------------------------------------------------------

std::string sizes_text(std::initializer_list<int64_t> sizes) {
  return shape_text(static_cast<int>(sizes.size()), sizes.begin());
}

// An argument, or one that is optional and not given, has a state's dtype and a shape.
void check_like(Inference& call, int i, int state, std::initializer_list<int64_t> sizes) {
  if (!call.given(i)) return;
  const auto name_of = [&](int k) { return call.op.schema.args[k].name.c_str(); };
  const TensorImpl& t = call.tensor(i);
  check_same_dtype(call.name(), name_of(state), call.tensor(state), name_of(i), t);
  if (t.ndim != static_cast<int>(sizes.size()) || !std::equal(sizes.begin(), sizes.end(), t.sizes()))
    value_error(call.name(), ": ", name_of(i), " must have shape ", sizes_text(sizes), ", got ", shape_text(t));
}

// What a call's state before the first step and its batch_sizes say of its other tensors.
struct Sizes {
  int64_t rows = 0, batch, width;

  Sizes(Inference& call, int start, int batch_sizes) {
    const TensorImpl& state = call.tensor(start);
    const dt_value& sizes = call.args[batch_sizes];
    const char* name = call.op.schema.args[start].name.c_str();
    check_floating(call.name(), name, state);
    check_ndim(call.name(), name, state, 2);
    batch = state.sizes()[0], width = state.sizes()[1];
    for (int t = 0; t < sizes.count; ++t) {
      const int64_t size = sizes.as.ints[t];
      if (size < 0 || (t == 0 ? size != batch : size > sizes.as.ints[t - 1]))
        value_error(call.name(), ": batch_sizes must begin with ", name, "'s ", batch, " rows and never rise, got ",
                    ints_text(sizes));
      rows += size;
    }
  }
};

void push(OutputSpec& out, const TensorImpl& like, std::initializer_list<int64_t> sizes) {
  out.dtype = like.dtype;
  for (int64_t size : sizes) out.push(size);
}

void check_nonlinearity(Inference& call, int i) {
  const char* name = call.args[i].as.string;
  if (std::strcmp(name, "tanh") != 0 && std::strcmp(name, "relu") != 0)
    value_error(call.name(), ": nonlinearity must be 'tanh' or 'relu', got '", name, "'");
}

// Of the input of all steps, and the weight and bias that bring it to the gates.
void check_input(Inference& call, int state, int64_t rows, int64_t gates) {  // (input, w_ih, bias, ...)
  check_ndim(call.name(), "input", call.tensor(0), 2);
  const int64_t inputs = call.tensor(0).sizes()[1];
  check_like(call, 0, state, {rows, inputs});
  check_like(call, 1, state, {gates, inputs});
  check_like(call, 2, state, {gates});
}

// The sizes of an LSTM's c, and of its h: that of its projection where there is one.
struct LstmSizes : Sizes {
  int64_t outputs;

  LstmSizes(Inference& call, int h0, int w_hr, int batch_sizes) : Sizes(call, h0 + 1, batch_sizes), outputs(width) {
    const int c0 = h0 + 1;
    if (call.given(w_hr)) {
      check_ndim(call.name(), "w_hr", call.tensor(w_hr), 2);
      outputs = call.tensor(w_hr).sizes()[0];
    }
    check_like(call, h0, c0, {batch, outputs});
    check_like(call, h0 + 2, c0, {4 * width, outputs});
    check_like(call, w_hr, c0, {outputs, width});
  }
};

void infer_lstm(Inference& call) {  // (input, w_ih, bias, h0, c0, w_hh, w_hr, reverse, batch_sizes)
  const LstmSizes n(call, 3, 6, 8);
  const TensorImpl& c0 = call.tensor(4);
  check_input(call, 4, n.rows, 4 * n.width);
  push(call.outs[0], c0, {n.rows, n.outputs});
  push(call.outs[1], c0, {n.rows, n.width});
  push(call.outs[2], c0, {n.rows, 4 * n.width});
}

// (grad_output, grad_cells, grad_gates, h0, c0, w_hh, w_hr, output, cells, gates, reverse, batch_sizes)
void infer_lstm_grad(Inference& call) {
  const LstmSizes n(call, 3, 6, 11);
  const TensorImpl& c0 = call.tensor(4);
  for (int i : {0, 7}) check_like(call, i, 4, {n.rows, n.outputs});
  for (int i : {1, 8}) check_like(call, i, 4, {n.rows, n.width});
  for (int i : {2, 9}) check_like(call, i, 4, {n.rows, 4 * n.width});
  push(call.outs[0], c0, {n.rows, 4 * n.width});
  push(call.outs[1], c0, {n.batch, n.outputs});
  push(call.outs[2], c0, {n.batch, n.width});
  push(call.outs[3], c0, {(call.given(6) ? 5 : 4) * n.width, n.outputs});
}

void infer_gru(Inference& call) {  // (input, w_ih, b_ih, h0, w_hh, b_hh, reverse, batch_sizes)
  const Sizes n(call, 3, 7);
  const TensorImpl& h0 = call.tensor(3);
  check_input(call, 3, n.rows, 3 * n.width);
  check_like(call, 4, 3, {3 * n.width, n.width});
  check_like(call, 5, 3, {3 * n.width});
  push(call.outs[0], h0, {n.rows, n.width});
  push(call.outs[1], h0, {n.rows, 4 * n.width});
}

void infer_gru_grad(Inference& call) {  // (grad_output, grad_gates, h0, w_hh, output, gates, reverse, batch_sizes)
  const Sizes n(call, 2, 7);
  const TensorImpl& h0 = call.tensor(2);
  for (int i : {0, 4}) check_like(call, i, 2, {n.rows, n.width});
  for (int i : {1, 5}) check_like(call, i, 2, {n.rows, 4 * n.width});
  check_like(call, 3, 2, {3 * n.width, n.width});
  push(call.outs[0], h0, {n.rows, 3 * n.width});
  push(call.outs[1], h0, {n.batch, n.width});
  push(call.outs[2], h0, {3 * n.width, n.width});
  push(call.outs[3], h0, {3 * n.width});
}

void infer_rnn(Inference& call) {  // (input, w_ih, bias, h0, w_hh, nonlinearity, reverse, batch_sizes)
  check_nonlinearity(call, 5);
  const Sizes n(call, 3, 7);
  const TensorImpl& h0 = call.tensor(3);
  check_input(call, 3, n.rows, n.width);
  check_like(call, 4, 3, {n.width, n.width});
  push(call.outs[0], h0, {n.rows, n.width});
}

void infer_rnn_grad(Inference& call) {  // (grad_output, h0, w_hh, output, nonlinearity, reverse, batch_sizes)
  check_nonlinearity(call, 4);
  const Sizes n(call, 1, 6);
  const TensorImpl& h0 = call.tensor(1);
  for (int i : {0, 3}) check_like(call, i, 1, {n.rows, n.width});
  check_like(call, 2, 1, {n.width, n.width});
  push(call.outs[0], h0, {n.rows, n.width});
  push(call.outs[1], h0, {n.batch, n.width});
  push(call.outs[2], h0, {n.width, n.width});
}

// ---- declarations ---------------------------------------------------------------------------------------

void declare_lstm() {
  op("lstm_sequence(Tensor input, Tensor w_ih, Tensor? bias, Tensor h0, Tensor c0, Tensor w_hh, Tensor? w_hr, "
     "bool reverse, int[] batch_sizes) -> (Tensor output, Tensor cells, Tensor gates)")
      .plain(infer_lstm)
      .composite(in_float<lstm_sequence_op>)
      .internal()
      .doc(R"(An LSTM over all time steps; behind `nn.LSTM`.

    i, f, g, o = w_ih x_t + bias + w_hh h_(t-1)
    c_t = sigmoid(f) c_(t-1) + sigmoid(i) tanh(g),  h_t = w_hr (sigmoid(o) tanh(c_t))

The rows of all steps lie one after the other.

Args:
    input: (rows, inputs).
    w_ih, bias: (4 hidden, inputs) and (4 hidden,), both biases in one.
    h0, c0: the states before the first step, (batch, outputs) and (batch, hidden).
    w_hh: (4 hidden, outputs).
    w_hr: a projection, (outputs, hidden); None: outputs = hidden.
    reverse: from the last step to the first.
    batch_sizes: how many rows each step has, the longest sequences first.

Returns:
    all h, (rows, outputs), all c, (rows, hidden), and the gates after their activations, (rows, 4 hidden).

Example:
    >>> w, one = dt.zeros(4, 1), dt.ones(1, 1)
    >>> dt._core.get_op("lstm_sequence")(dt.ones(2, 1), w, None, one, one, w, None, False, [1, 1])[1].tolist()
    [[0.5], [0.25]]
)");
  op("lstm_sequence_grad(Tensor? grad_output, Tensor? grad_cells, Tensor? grad_gates, Tensor h0, Tensor c0, "
     "Tensor w_hh, Tensor? w_hr, Tensor output, Tensor cells, Tensor gates, bool reverse, int[] batch_sizes) -> "
     "(Tensor grad_x, Tensor grad_h0, Tensor grad_c0, Tensor grad_weights)")
      .plain(infer_lstm_grad)
      .composite(in_float<lstm_sequence_grad_op>)
      .internal()
      .doc(R"(The gradients of `lstm_sequence`, from the last step back.

    dm_t = dh_t w_hr,  dc_t = f_(t+1) dc_(t+1) + dm_t o_t (1 - tanh(c_t)^2)
    dx_t = (g dc i (1 - i), c_(t-1) dc f (1 - f), i dc (1 - g^2), tanh(c) dm o (1 - o)),  dh_(t-1) = dx_t w_hh

Args:
    grad_output, grad_cells, grad_gates: the gradients of its results; none counts as zeros.
    output, cells, gates: its results.
    h0, c0, w_hh, w_hr, reverse, batch_sizes: as for `lstm_sequence`.

Returns:
    the gradients of what the input gives to the gates, of h0, of c0, and of the weights: below w_hh's the transposed
    one of w_hr, if there is a w_hr.

Example:
    >>> get, w, h, c = dt._core.get_op, dt.zeros(4, 1), dt.zeros(1, 1), dt.ones(1, 1)
    >>> results = get("lstm_sequence")(h, w, None, h, c, w, None, False, [1])
    >>> get("lstm_sequence_grad")(None, dt.ones(1, 1), None, h, c, w, None, *results, False, [1])[2].tolist()
    [[0.5]]
)");
}

void declare_gru() {
  op("gru_sequence(Tensor input, Tensor w_ih, Tensor? b_ih, Tensor h0, Tensor w_hh, Tensor? b_hh, bool reverse, "
     "int[] batch_sizes) -> (Tensor output, Tensor gates)")
      .plain(infer_gru)
      .composite(in_float<gru_sequence_op>)
      .internal()
      .doc(R"(Gated recurrent units over all time steps; behind `nn.GRU`.

    x = w_ih input_t + b_ih,  s = w_hh h_(t-1) + b_hh,  r = sigmoid(x_r + s_r),  z = sigmoid(x_z + s_z)
    n = tanh(x_n + r s_n),  h_t = (1 - z) n + z h_(t-1)

The rows of all steps lie one after the other.

Args:
    input: (rows, inputs).
    w_ih, b_ih: (3 hidden, inputs) and (3 hidden,), with the parts for r, z and n one after the other.
    h0: the state before the first step, (batch, hidden).
    w_hh, b_hh: (3 hidden, hidden) and (3 hidden,).
    reverse: from the last step to the first.
    batch_sizes: how many rows each step has, the longest sequences first.

Returns:
    all h, (rows, hidden), and r, z, n and s_n side by side, (rows, 4 hidden).

Example:
    >>> w, one = dt.zeros(3, 1), dt.ones(1, 1)
    >>> dt._core.get_op("gru_sequence")(dt.ones(2, 1), w, None, one, w, None, False, [1, 1])[0].tolist()
    [[0.5], [0.25]]
)");
  op("gru_sequence_grad(Tensor? grad_output, Tensor? grad_gates, Tensor h0, Tensor w_hh, Tensor output, Tensor gates, "
     "bool reverse, int[] batch_sizes) -> (Tensor grad_x, Tensor grad_h0, Tensor grad_w_hh, Tensor grad_b_hh)")
      .plain(infer_gru_grad)
      .composite(in_float<gru_sequence_grad_op>)
      .internal()
      .doc(R"(The gradients of `gru_sequence`, from the last step back.

    dn = dh (1 - z) (1 - n^2),  dr = dn s_n r (1 - r),  dz = dh (h_(t-1) - n) z (1 - z)
    dx_t = (dr, dz, dn),  ds_t = (dr, dz, r dn),  dh_(t-1) = z dh + ds_t w_hh

Args:
    grad_output, grad_gates: the gradients of its results; none counts as zeros.
    output, gates: its results.
    h0, w_hh, reverse, batch_sizes: as for `gru_sequence`.

Returns:
    the gradients of what the input gives to the gates, of h0, w_hh and b_hh.

Example:
    >>> get, w, h = dt._core.get_op, dt.zeros(3, 1), dt.ones(1, 1)
    >>> results = get("gru_sequence")(h, w, None, h, w, None, False, [1])
    >>> get("gru_sequence_grad")(dt.ones(1, 1), None, h, w, *results, False, [1])[1].tolist()
    [[0.5]]
)");
}

void declare_rnn() {
  op("rnn_sequence(Tensor input, Tensor w_ih, Tensor? bias, Tensor h0, Tensor w_hh, str nonlinearity, bool reverse, "
     "int[] batch_sizes) -> Tensor")
      .plain(infer_rnn)
      .composite(in_float<rnn_sequence_op>)
      .internal()
      .doc(R"(A plain recurrent network over all time steps; behind `nn.RNN`.

    h_t = tanh(w_ih x_t + bias + w_hh h_(t-1))

The rows of all steps lie one after the other.

Args:
    input: (rows, inputs).
    w_ih, bias: (hidden, inputs) and (hidden,), both biases in one.
    h0: the state before the first step, (batch, hidden).
    w_hh: (hidden, hidden).
    nonlinearity: "tanh" or "relu".
    reverse: from the last step to the first.
    batch_sizes: how many rows each step has, the longest sequences first.

Example:
    >>> one = dt.ones(1, 1)
    >>> dt._core.get_op("rnn_sequence")(dt.ones(2, 1), one, None, one, one, "relu", False, [1, 1]).tolist()
    [[2.0], [3.0]]
)");
  op("rnn_sequence_grad(Tensor? grad_output, Tensor h0, Tensor w_hh, Tensor output, str nonlinearity, bool reverse, "
     "int[] batch_sizes) -> (Tensor grad_x, Tensor grad_h0, Tensor grad_w_hh)")
      .plain(infer_rnn_grad)
      .composite(in_float<rnn_sequence_grad_op>)
      .internal()
      .doc(R"(The gradients of `rnn_sequence`, from the last step back.

    dx_t = dh_t (1 - h_t^2),  dh_(t-1) = dx_t w_hh

Args:
    grad_output: the gradient of its result; none counts as zeros.
    output: its result.
    h0, w_hh, nonlinearity, reverse, batch_sizes: as for `rnn_sequence`.

Returns:
    the gradients of what the input gives, of h0 and w_hh.

Example:
    >>> one = dt.ones(1, 1)
    >>> grads = dt._core.get_op("rnn_sequence_grad")(one, one, one, one, "relu", False, [1])
    >>> [grad.item() for grad in grads]
    [1.0, 1.0, 1.0]
)");
}

}  // namespace

void declare_recurrent() {
  declare_lstm();
  declare_gru();
  declare_rnn();
}

}  // namespace dovetail
