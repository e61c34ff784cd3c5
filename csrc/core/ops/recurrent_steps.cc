// What recurrent layers decompose into: ops on the rows of each step.
#include <cstring>

#include "core/ops/recurrent.h"

namespace dovetail {

namespace {

const Callee add("add"), sub("sub"), mul("mul"), sigmoid_("sigmoid"), tanh_("tanh"), relu("relu"), linear("linear"),
    matmul("matmul"), mm("mm"), slice("slice"), cat("cat"), transpose("transpose"), where_("where"), gt("gt"),
    sum("sum"), zeros("zeros"), split_with_sizes("split_with_sizes");

using Tensors = std::vector<Tensor>;

Tensor joined(const Tensors& parts, int64_t dim = 0) {
  std::vector<TensorImpl*> each;
  for (const Tensor& t : parts) each.push_back(t.get());
  dt_value list{};
  list.tag = DT_TENSORS;
  list.count = static_cast<int32_t>(each.size());
  list.as.tensors = each.data();
  return cat(list, dim);
}

Tensors parted(const Tensor& t, const dt_value& sizes, int64_t dim = 0) {
  const dt_value args[] = {box(t), sizes, box_int(dim)};
  dt_value list{};
  call(split_with_sizes.op(), args, 3, &list, 1);
  Tensors parts;
  for (int i = 0; i < list.count; ++i) parts.push_back(Tensor::borrow(list.as.tensors[i]));
  release_value(&list);
  return parts;
}
// Those of an optional tensor: null for each step.
Tensors parted_or_none(const dt_value& t, const dt_value& sizes) {
  return given(t) ? parted(tensor(t), sizes) : Tensors(static_cast<size_t>(sizes.count));
}

// What the input (args 0 to 2: itself, its weight and bias) gives to the gates of each step.
Tensors given_by_input(const dt_value* args, const dt_value& sizes) {
  return parted(linear(tensor(args[0]), tensor(args[1]), tensor(args[2])), sizes);
}

Tensors gates_of(const Tensor& t, int count, int64_t width) {
  const std::vector<int64_t> sizes(static_cast<size_t>(count), width);
  return parted(t, box_ints(sizes.data(), count), -1);
}
// What gates_of gives of an optional tensor: nulls.
Tensors gates_or_none(const Tensor& t, int count, int64_t width) {
  return t ? gates_of(t, count, width) : Tensors(static_cast<size_t>(count));
}

Tensor plus(const Tensor& a, const Tensor& b) { return !b ? a : !a ? b : add(a, b); }
// 1 - x
Tensor rest(const Tensor& x) { return sub(number(1), x); }
Tensor first_rows(const Tensor& t, int64_t n) { return t->sizes()[0] == n ? t : slice(t, 0, 0, n); }
Tensor empty_like(const Tensor& t, int64_t rows, int64_t width) {
  return zeros(std::vector<int64_t>{rows, width}, box_dtype(t->dtype), box_device(t->device));
}

// The steps of a call, in their order.
struct Steps {
  const dt_value& sizes;
  bool reverse;

  int count() const { return sizes.count; }
  int time(int step) const { return reverse ? count() - 1 - step : step; }
  int64_t size(int step) const { return sizes.as.ints[time(step)]; }
  // How many rows a step has from the step before it; the others are at their start.
  int64_t carried(int step) const { return step == 0 ? 0 : std::min(size(step - 1), size(step)); }
  // The state that a step begins with.
  Tensor before(int step, const Tensor& last, const Tensor& start) const {
    const int64_t n = carried(step);
    if (n == size(step)) return n == 0 && step == 0 ? first_rows(start, 0) : first_rows(last, n);
    const Tensor begins = slice(start, 0, n, size(step));
    return n == 0 ? begins : joined({first_rows(last, n), begins});
  }
  // What all steps gave, in the order of time.
  Tensor all(Tensors given, const Tensor& like, int64_t width) const {
    if (given.empty()) return empty_like(like, 0, width);
    if (reverse) std::reverse(given.begin(), given.end());
    return joined(given);
  }
};

// A state's gradient, going back through the steps.
class Back {
 public:
  Back(const Steps& steps, const Tensor& start) : steps_(steps), start_(start) {}

  // That of the state after a step, as the next step gave it; null for zeros.
  Tensor after(int step) const {
    if (!next_) return next_;
    const int64_t lacks = steps_.size(step) - next_->sizes()[0];
    return lacks == 0 ? next_ : joined({next_, empty_like(next_, lacks, next_->sizes()[1])});
  }
  // That of the state before a step.
  void before(int step, const Tensor& gradient) {
    const int64_t n = steps_.carried(step), rows = steps_.size(step);
    next_ = first_rows(gradient, n);
    if (n < rows) started_.push_back(slice(gradient, 0, n, rows));
  }
  Tensor of_start() {
    if (started_.empty()) return empty_like(start_, start_->sizes()[0], start_->sizes()[1]);
    std::reverse(started_.begin(), started_.end());
    return joined(started_);
  }

 private:
  const Steps& steps_;
  Tensor start_, next_;
  Tensors started_;  // from the last step to the first
};

// All states before a step, in the order of time.
Tensor states_before(const Steps& steps, const Tensors& states, const Tensor& start) {
  Tensors all;
  for (int s = 0; s < steps.count(); ++s)
    all.push_back(steps.before(s, s ? states[steps.time(s - 1)] : Tensor(), start));
  return steps.all(all, start, start->sizes()[1]);
}

Tensor weight_grad(const Tensor& grad, const Tensor& before) { return mm(transpose(grad, 0, 1), before); }

Tensor derived(const Tensor& gradient, const Tensor& sigmoid) { return mul(mul(gradient, sigmoid), rest(sigmoid)); }
Tensor derived_tanh(const Tensor& gradient, const Tensor& tanh) { return mul(gradient, rest(mul(tanh, tanh))); }

bool is_relu(const dt_value& nonlinearity) { return std::strcmp(nonlinearity.as.string, "relu") == 0; }

Tensor or_zeros(const Tensor& t, const Tensor& like) {
  return t ? t : empty_like(like, like->sizes()[0], like->sizes()[1]);
}

}  // namespace

// ---- LSTM -----------------------------------------------------------------------------------------------

void lstm_sequence_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  const Tensor h0 = tensor(args[3]), c0 = tensor(args[4]), weight = tensor(args[5]), projection = tensor(args[6]);
  const Steps steps{args[8], args[7].as.i != 0};
  const int64_t width = c0->sizes()[1];
  const Tensors x = given_by_input(args, args[8]);
  Tensors output, cells, gates;
  Tensor h, c;
  for (int s = 0; s < steps.count(); ++s) {
    const Tensor z = add(x[steps.time(s)], linear(steps.before(s, h, h0), weight));
    const Tensors parts = gates_of(z, 4, width);
    const Tensor i = sigmoid_(parts[0]), f = sigmoid_(parts[1]), g = tanh_(parts[2]), o = sigmoid_(parts[3]);
    c = add(mul(f, steps.before(s, c, c0)), mul(i, g));
    h = mul(o, tanh_(c));
    if (projection) h = linear(h, projection);
    output.push_back(h), cells.push_back(c), gates.push_back(joined({i, f, g, o}, 1));
  }
  give(outs[0], steps.all(output, h0, h0->sizes()[1]));
  give(outs[1], steps.all(cells, h0, width));
  give(outs[2], steps.all(gates, h0, 4 * width));
}

void lstm_sequence_grad_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  const Tensor h0 = tensor(args[3]), c0 = tensor(args[4]), weight = tensor(args[5]), projection = tensor(args[6]);
  const dt_value& sizes = args[11];
  const Steps steps{sizes, args[10].as.i != 0};
  const int64_t width = c0->sizes()[1];
  const Tensors d_output = parted_or_none(args[0], sizes), d_cells = parted_or_none(args[1], sizes),
                d_gates = parted_or_none(args[2], sizes);
  const Tensors output = parted(tensor(args[7]), sizes), cells = parted(tensor(args[8]), sizes),
                gates = parted(tensor(args[9]), sizes);
  Back back_h(steps, h0), back_c(steps, c0);
  Tensors grads, projected, d_projected;
  for (int s = steps.count() - 1; s >= 0; --s) {
    const int t = steps.time(s);
    const Tensors gate = gates_of(gates[t], 4, width), more = gates_or_none(d_gates[t], 4, width);
    const Tensor &i = gate[0], &f = gate[1], &g = gate[2], &o = gate[3], tanh_c = tanh_(cells[t]);
    Tensor dh = or_zeros(plus(d_output[t], back_h.after(s)), output[t]);
    if (projection) {
      projected.push_back(mul(o, tanh_c)), d_projected.push_back(dh);
      dh = matmul(dh, projection);
    }
    const Tensor dc = plus(plus(d_cells[t], back_c.after(s)), derived_tanh(mul(dh, o), tanh_c));
    const Tensor c_prev = steps.before(s, s ? cells[steps.time(s - 1)] : Tensor(), c0);
    const Tensor di = plus(mul(dc, g), more[0]), df = plus(mul(dc, c_prev), more[1]);
    const Tensor dg = plus(mul(dc, i), more[2]), d_o = plus(mul(dh, tanh_c), more[3]);
    grads.push_back(joined({derived(di, i), derived(df, f), derived_tanh(dg, g), derived(d_o, o)}, 1));
    back_h.before(s, matmul(grads.back(), weight));
    back_c.before(s, mul(dc, f));
  }
  std::reverse(grads.begin(), grads.end());
  const Tensor grad = steps.all(grads, h0, 4 * width);
  give(outs[0], grad);
  give(outs[1], back_h.of_start());
  give(outs[2], back_c.of_start());
  const Tensor grad_w_hh = weight_grad(grad, states_before(steps, output, h0));
  if (!projection) return give(outs[3], grad_w_hh);
  const Tensor grad_w_hr =
      grads.empty() ? empty_like(c0, width, h0->sizes()[1]) : weight_grad(joined(projected), joined(d_projected));
  give(outs[3], joined({grad_w_hh, grad_w_hr}));
}

// ---- gated recurrent units ------------------------------------------------------------------------------

void gru_sequence_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  const Tensor h0 = tensor(args[3]), weight = tensor(args[4]), bias = tensor(args[5]);
  const Steps steps{args[7], args[6].as.i != 0};
  const int64_t width = h0->sizes()[1];
  const Tensors x = given_by_input(args, args[7]);
  Tensors output, gates;
  Tensor h;
  for (int s = 0; s < steps.count(); ++s) {
    const Tensor before = steps.before(s, h, h0);
    const Tensors from_x = gates_of(x[steps.time(s)], 3, width),
                  from_h = gates_of(linear(before, weight, bias), 3, width);
    const Tensor r = sigmoid_(add(from_x[0], from_h[0])), z = sigmoid_(add(from_x[1], from_h[1]));
    const Tensor n = tanh_(add(from_x[2], mul(r, from_h[2])));
    h = add(n, mul(z, sub(before, n)));
    output.push_back(h), gates.push_back(joined({r, z, n, from_h[2]}, 1));
  }
  give(outs[0], steps.all(output, h0, width));
  give(outs[1], steps.all(gates, h0, 4 * width));
}

void gru_sequence_grad_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  const Tensor h0 = tensor(args[2]), weight = tensor(args[3]);
  const dt_value& sizes = args[7];
  const Steps steps{sizes, args[6].as.i != 0};
  const int64_t width = h0->sizes()[1];
  const Tensors d_output = parted_or_none(args[0], sizes), d_gates = parted_or_none(args[1], sizes);
  const Tensors output = parted(tensor(args[4]), sizes), gates = parted(tensor(args[5]), sizes);
  Back back(steps, h0);
  Tensors grads, hidden;
  for (int s = steps.count() - 1; s >= 0; --s) {
    const int t = steps.time(s);
    const Tensors gate = gates_of(gates[t], 4, width), more = gates_or_none(d_gates[t], 4, width);
    const Tensor &r = gate[0], &z = gate[1], &n = gate[2], &share = gate[3];
    const Tensor dh = or_zeros(plus(d_output[t], back.after(s)), output[t]);
    const Tensor before = steps.before(s, s ? output[steps.time(s - 1)] : Tensor(), h0);
    const Tensor dn = derived_tanh(plus(mul(dh, rest(z)), more[2]), n);
    const Tensor dr = derived(plus(mul(dn, share), more[0]), r);
    const Tensor dz = derived(plus(mul(dh, sub(before, n)), more[1]), z);
    grads.push_back(joined({dr, dz, dn}, 1));
    hidden.push_back(joined({dr, dz, plus(mul(dn, r), more[3])}, 1));
    back.before(s, add(mul(dh, z), matmul(hidden.back(), weight)));
  }
  std::reverse(grads.begin(), grads.end());
  std::reverse(hidden.begin(), hidden.end());
  const Tensor from_h = steps.all(hidden, h0, 3 * width);
  give(outs[0], steps.all(grads, h0, 3 * width));
  give(outs[1], back.of_start());
  give(outs[2], weight_grad(from_h, states_before(steps, output, h0)));
  give(outs[3], sum(from_h, std::vector<int64_t>{0}));
}

// ---- plain ----------------------------------------------------------------------------------------------

void rnn_sequence_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  const Tensor h0 = tensor(args[3]), weight = tensor(args[4]);
  const Steps steps{args[7], args[6].as.i != 0};
  const Tensors x = given_by_input(args, args[7]);
  Tensors output;
  Tensor h;
  for (int s = 0; s < steps.count(); ++s) {
    const Tensor z = add(x[steps.time(s)], linear(steps.before(s, h, h0), weight));
    output.push_back(h = is_relu(args[5]) ? relu(z) : tanh_(z));
  }
  give(outs[0], steps.all(output, h0, h0->sizes()[1]));
}

void rnn_sequence_grad_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  const Tensor h0 = tensor(args[1]), weight = tensor(args[2]);
  const dt_value& sizes = args[6];
  const Steps steps{sizes, args[5].as.i != 0};
  const Tensors d_output = parted_or_none(args[0], sizes), output = parted(tensor(args[3]), sizes);
  Back back(steps, h0);
  Tensors grads;
  for (int s = steps.count() - 1; s >= 0; --s) {
    const Tensor& h = output[steps.time(s)];
    const Tensor dh = or_zeros(plus(d_output[steps.time(s)], back.after(s)), h);
    grads.push_back(is_relu(args[4]) ? where_(gt(h, number(0)), dh, number(0)) : derived_tanh(dh, h));
    back.before(s, matmul(grads.back(), weight));
  }
  std::reverse(grads.begin(), grads.end());
  const Tensor grad = steps.all(grads, h0, h0->sizes()[1]);
  give(outs[0], grad);
  give(outs[1], back.of_start());
  give(outs[2], weight_grad(grad, states_before(steps, output, h0)));
}

}  // namespace dovetail
