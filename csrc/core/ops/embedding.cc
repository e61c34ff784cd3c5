// Rows of a table: looked up one by one, or added up in bags; and the gradients.
#include <limits>

#include "core/execute.h"
#include "core/ops/compose.h"

namespace dovetail {

namespace {

Declare op(const char* schema) { return Declare("embedding", schema); }

const Callee index_select("index_select"), index_add("index_add"), new_zeros("new_zeros"), ones_like("ones_like"),
    cumsum("cumsum"), slice("slice"), unsqueeze("unsqueeze"), detach_("detach"), where("where"), eq("eq"), ne("ne"),
    add("add"), sub("sub"), mul("mul"), div_("div"), sum("sum"), maximum("maximum"), expand("expand"), arange("arange"),
    scatter_reduce("scatter_reduce"), gather("gather"), isnan_("isnan"), logical_or("logical_or"),
    logical_and("logical_and");

// ---- checks and inference -------------------------------------------------------------------------------

void check_table(const char* who, const TensorImpl& weight) {
  if (weight.ndim != 2) value_error(who, ": expected a table of shape (rows, dim), got shape ", shape_text(weight));
}

void check_padding(const char* who, const dt_value& padding, int64_t rows) {
  if (given(padding) && (padding.as.i < 0 || padding.as.i >= rows))
    value_error(who, ": padding_idx ", padding.as.i, " is out of range for a table of ", rows, " rows");
}

void infer_rows(Inference& call) {  // (weight, input, padding_idx, scale_grad_by_freq)
  const TensorImpl& weight = call.tensor(0);
  check_table(call.name(), weight);
  check_padding(call.name(), call.args[2], weight.size(0));
  normalise_index(call, 1);
  const TensorImpl& input = call.tensor(1);
  call.outs[0].like(input);
  call.outs[0].push(weight.size(1));
  call.outs[0].dtype = weight.dtype;
}

void infer_rows_grad(Inference& call) {  // (grad, input, rows, padding_idx, scale_grad_by_freq)
  normalise_index(call, 1);
  const TensorImpl &grad = call.tensor(0), &input = call.tensor(1);
  check_floating(call.name(), "grad", grad);
  check_padding(call.name(), call.args[3], call.integer(2));
  if (grad.ndim != input.ndim + 1 || !std::equal(input.sizes(), input.sizes() + input.ndim, grad.sizes()))
    value_error(call.name(), ": grad of shape ", shape_text(grad), " does not fit indices of shape ",
                shape_text(input));
  call.outs[0].push(call.integer(2));
  call.outs[0].push(grad.size(input.ndim));
  call.outs[0].dtype = grad.dtype;
}

// Checks arguments (weight, input, offsets, ..., padding_idx) that begin at `first`.
void check_lookups(Inference& call, int first, int padding) {
  const TensorImpl& weight = call.tensor(first);
  check_table(call.name(), weight);
  check_floating(call.name(), "weight", weight);
  normalise_index(call, first + 1);
  normalise_index(call, first + 2);
  check_ndim(call.name(), "input", call.tensor(first + 1), 1);
  check_ndim(call.name(), "offsets", call.tensor(first + 2), 1);
  check_padding(call.name(), call.args[padding], weight.size(0));
}

// The same, where per_sample_weights follow the offsets.
void check_bags(Inference& call, int first, int padding) {
  check_lookups(call, first, padding);
  if (!call.given(first + 3)) return;
  const TensorImpl &weight = call.tensor(first), &input = call.tensor(first + 1), &samples = call.tensor(first + 3);
  check_same_dtype(call.name(), "weight", weight, "per_sample_weights", samples);
  if (samples.ndim != 1 || samples.size(0) != input.size(0))
    value_error(call.name(), ": per_sample_weights and input must have one shape, got ", shape_text(samples), " and ",
                shape_text(input));
}

void infer_bags(Inference& call) {  // (weight, input, offsets, per_sample_weights, mean, padding_idx, by_freq)
  check_bags(call, 0, 5);
  call.outs[0].push(call.tensor(2).size(0));
  call.outs[0].push(call.tensor(0).size(1));
  call.outs[0].dtype = call.tensor(0).dtype;
}

void infer_bags_max(Inference& call) {  // (weight, input, offsets, padding_idx)
  check_lookups(call, 0, 3);
  for (OutputSpec* out : {&call.outs[0], &call.outs[1]}) {
    out->push(call.tensor(2).size(0));
    out->push(call.tensor(0).size(1));
  }
  call.outs[0].dtype = call.tensor(0).dtype;
  call.outs[1].dtype = DT_INT64;
}

void infer_bags_grad(Inference& call) {  // (grad, then as above)
  check_bags(call, 1, 6);
  const TensorImpl &grad = call.tensor(0), &weight = call.tensor(1);
  check_same_dtype(call.name(), "grad", grad, "weight", weight);
  if (grad.ndim != 2 || grad.size(0) != call.tensor(3).size(0) || grad.size(1) != weight.size(1))
    value_error(call.name(), ": grad of shape ", shape_text(grad), " does not fit ", call.tensor(3).size(0),
                " bags of a table of shape ", shape_text(weight));
  call.outs[0].like(weight);
  call.outs[1].push(call.given(4) ? call.tensor(2).size(0) : 0);
  call.outs[1].dtype = weight.dtype;
}

// ---- decompositions -------------------------------------------------------------------------------------

Tensor column(const Tensor& t) { return unsqueeze(t, 1); }

Tensor zeros_of(const Tensor& like, std::vector<int64_t> sizes) { return new_zeros(like, sizes); }

// How often each row is looked up, at least 1.
Tensor frequencies(const Tensor& like, const Tensor& flat, int64_t rows) {
  const Tensor ones = add(zeros_of(like, {flat->size(0)}), number(1));
  return maximum(index_add(zeros_of(like, {rows}), 0, flat, ones), number(1));
}

void rows_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Tensor weight = tensor(args[0]), input = tensor(args[1]);
  check_table(op.name().c_str(), *weight);
  check_padding(op.name().c_str(), args[2], weight->size(0));
  const Tensor flat = view_as(input, {input->numel});
  Tensor rows = index_select(weight, 0, flat);
  if (given(args[2])) rows = where(column(eq(flat, number(static_cast<double>(args[2].as.i)))), detach_(rows), rows);
  if (args[3].as.i && !is_exact(weight->dtype)) {  // the same value, and a part of the gradient
    const Tensor values = detach_(rows);
    const Tensor often = index_select(frequencies(values, flat, weight->size(0)), 0, flat);
    rows = add(values, div_(sub(rows, values), column(often)));
  }
  std::vector<int64_t> sizes = sizes_of(*input);
  sizes.push_back(weight->size(1));
  give(outs[0], view_as(rows, sizes));
}

void rows_grad_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Tensor grad = tensor(args[0]), input = tensor(args[1]);
  const int64_t rows = args[2].as.i, dim = grad->size(grad->ndim - 1);
  check_padding(op.name().c_str(), args[3], rows);
  const Tensor flat = view_as(input, {input->numel});
  Tensor each = view_as(grad, {input->numel, dim});
  if (given(args[3])) each = where(column(ne(flat, number(static_cast<double>(args[3].as.i)))), each, number(0));
  Tensor result = index_add(zeros_of(grad, {rows, dim}), 0, flat, each);
  if (args[4].as.i) result = div_(result, column(frequencies(grad, flat, rows)));
  give(outs[0], result);
}

// Refuses offsets that mark no bags. (Those that a transform maps have no value yet.)
void check_offsets(const char* who, const Tensor& given, int64_t n) {
  if (given->bits & DT_BIT_SHELL) return;
  const Tensor offsets = cast_to(on_device(who, given.get(), kCpu), DT_INT64);
  const int64_t bags = offsets->size(0), step = offsets->stride(0);
  const int64_t* at = reinterpret_cast<const int64_t*>(offsets->data);
  bool good = bags == 0 ? n == 0 : at[0] == 0 && at[(bags - 1) * step] <= n;
  for (int64_t i = 1; i < bags; ++i) good = good && at[(i - 1) * step] <= at[i * step];
  if (!good) value_error(who, ": offsets must begin with 0, not fall, and stay within the ", n, " indices");
}

// The bag of each of n indices.
Tensor bag_of_each(const Tensor& offsets, int64_t n) {
  const Tensor begins = index_add(zeros_of(offsets, {n + 1}), 0, offsets, ones_like(offsets));
  return sub(slice(cumsum(begins, 0), 0, int64_t{0}, n), number(1));
}

// What a bag's sum is made of: (weight, input, offsets, per_sample_weights, mean, padding_idx).
struct Bags {
  Tensor weight, input, offsets, samples;
  Tensor bag;    // of each index
  Tensor scale;  // of each index; null: 1

  explicit Bags(const dt_value* args)
      : weight(tensor(args[0])), input(tensor(args[1])), offsets(tensor(args[2])), samples(tensor(args[3])) {
    const int64_t n = input->size(0);
    bag = bag_of_each(offsets, n);
    scale = samples;
    if (!given(args[5]) && !args[4].as.i) return;
    Tensor counted = add(zeros_of(weight, {n}), number(1));
    if (given(args[5])) counted = where(ne(input, number(static_cast<double>(args[5].as.i))), counted, number(0));
    if (args[4].as.i) {
      const Tensor counts = index_add(zeros_of(weight, {offsets->size(0)}), 0, bag, counted);
      counted = div_(counted, index_select(maximum(counts, number(1)), 0, bag));
    }
    scale = scale ? mul(scale, counted) : counted;
  }
};

void bags_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  check_table(op.name().c_str(), *tensor(args[0]));
  check_offsets(op.name().c_str(), tensor(args[2]), tensor(args[1])->size(0));
  const Bags b(args);
  const dt_value looked_up[] = {box(b.weight), box(b.input), box_none(), args[6]};
  static const Callee embedding_rows("embedding_rows");
  Tensor rows = embedding_rows(looked_up[0], looked_up[1], looked_up[2], looked_up[3]);
  if (b.scale) rows = where(column(eq(b.scale, number(0))), number(0), mul(rows, column(b.scale)));
  give(outs[0], index_add(zeros_of(rows, {b.offsets->size(0), b.weight->size(1)}), 0, b.bag, rows));
}

// Of equal elements, and of several NaNs, the first.
void bags_max_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Tensor weight = tensor(args[0]), input = cast_to(tensor(args[1]), DT_INT64);
  const Tensor offsets = cast_to(tensor(args[2]), DT_INT64);
  const int64_t n = input->size(0), dim = weight->size(1);
  check_offsets(op.name().c_str(), offsets, n);
  const std::vector<int64_t> shape{offsets->size(0), dim}, each{n, dim};
  const Tensor nothing = zeros_of(weight, shape), nowhere = zeros_of(input, shape);
  if (n == 0) {
    give(outs[0], nothing);
    return give(outs[1], sub(nowhere, number(1)));
  }
  const Tensor rows = index_select(weight, 0, input), bag = bag_of_each(offsets, n);
  const Tensor spread = expand(column(bag), each), values = detach_(rows);
  const Tensor numbers = expand(column(arange(0, n, 1, box_dtype(DT_INT64), box_device(input->device))), each);
  const Tensor counted = given(args[3]) ? ne(input, number(static_cast<double>(args[3].as.i))) : Tensor();
  const double lowest = -std::numeric_limits<double>::infinity();
  const Tensor shown = counted ? where(column(counted), values, number(lowest)) : values;
  const Tensor most = scatter_reduce(nothing, 0, spread, shown, "amax", false);
  Tensor reached = logical_or(eq(shown, index_select(most, 0, bag)), isnan_(shown));
  if (counted) reached = logical_and(reached, column(counted));
  const Tensor last = wrap_number(box_int(n)), end = add(nowhere, last);
  const Tensor first = scatter_reduce(end, 0, spread, where(reached, numbers, last), "amin", true);
  const Tensor none = eq(first, last), at = where(none, number(0), first);
  give(outs[0], where(none, number(0), gather(rows, 0, at)));
  give(outs[1], where(none, number(-1), gather(expand(column(input), each), 0, at)));
}

void bags_grad_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  const Bags b(args + 1);
  const Tensor grad = tensor(args[0]), each = index_select(grad, 0, b.bag);
  Tensor result =
      index_add(zeros_of(b.weight, sizes_of(*b.weight)), 0, b.input, b.scale ? mul(each, column(b.scale)) : each);
  if (args[7].as.i) result = div_(result, column(frequencies(grad, b.input, b.weight->size(0))));
  give(outs[0], result);
  if (!b.samples) return give(outs[1], zeros_of(grad, {0}));
  std::vector<dt_value> unweighted(args + 1, args + 7);
  unweighted[3] = box_none();
  const Bags plain(unweighted.data());
  const Tensor dots = sum(mul(each, index_select(b.weight, 0, b.input)), std::vector<int64_t>{1});
  give(outs[1], plain.scale ? mul(dots, plain.scale) : dots);
}

// ---- declarations ---------------------------------------------------------------------------------------

void declare_rows() {
  op("embedding_rows(Tensor weight, Tensor input, int? padding_idx=None, bool scale_grad_by_freq=False) -> Tensor")
      .plain(infer_rows)
      .composite(rows_op)
      .internal()
      .doc(R"(The rows of a table at these indices.

    out[*] = weight[input[*]]

Args:
    weight: the table, (rows, dim).
    input: indices of any shape, from 0 to rows - 1.
    padding_idx: a row that gets no gradient.
    scale_grad_by_freq: divide a row's gradient by how often it is looked up.

Example:
    >>> dt._core.get_op("embedding_rows")(dt.eye(2), dt.tensor([1])).tolist()
    [[0.0, 1.0]]
)");
  op("embedding_rows_grad(Tensor grad, Tensor input, int rows, int? padding_idx, bool scale_grad_by_freq) -> Tensor")
      .plain(infer_rows_grad)
      .composite(in_float<rows_grad_op>)
      .internal()
      .doc(R"(The gradient of `embedding_rows` with respect to the table.

    out[r] = sum of grad[*] where input[*] == r

Args:
    grad: of shape (*, dim), for indices of shape (*).
    input: the indices.
    rows: how many the table has.
    padding_idx, scale_grad_by_freq: as for `embedding_rows`.

Example:
    >>> dt._core.get_op("embedding_rows_grad")(dt.ones(2, 1), dt.tensor([1, 1]), 2, None, False).tolist()
    [[0.0], [2.0]]
)");
}

void declare_bags() {
  op("embedding_bag_sum(Tensor weight, Tensor input, Tensor offsets, Tensor? per_sample_weights=None, "
     "bool mean=False, int? padding_idx=None, bool scale_grad_by_freq=False) -> Tensor")
      .plain(infer_bags)
      .composite(in_float<bags_op>)
      .internal()
      .doc(R"(Sums, or means, of the rows of a table, bag by bag.

    out[b] = sum over i from offsets[b] to offsets[b + 1] - 1 of per_sample_weights[i] * weight[input[i]]

Args:
    weight: the table, (rows, dim).
    input: indices, one dim.
    offsets: where each bag begins; the first at 0, the last one ends where the input does.
    per_sample_weights: factors of the rows, or None.
    mean: divide by how many indices of the bag count; of an empty bag the result is 0.
    padding_idx: an index that does not count.
    scale_grad_by_freq: divide a row's gradient by how often it is looked up.

Example:
    >>> bags = dt._core.get_op("embedding_bag_sum")
    >>> bags(dt.arange(6.0).reshape(3, 2), dt.tensor([0, 1, 2]), dt.tensor([0, 2])).tolist()
    [[2.0, 4.0], [4.0, 5.0]]
)");
  op("embedding_bag_max(Tensor weight, Tensor input, Tensor offsets, int? padding_idx=None) -> "
     "(Tensor out, Tensor rows)")
      .plain(infer_bags_max)
      .composite(bags_max_op)
      .internal()
      .doc(R"(The largest elements of the rows of a table, bag by bag, and the rows that they are in.

    out[b, d] = max over i from offsets[b] to offsets[b + 1] - 1 of weight[input[i], d]

Args:
    weight, input, offsets, padding_idx: as for `embedding_bag_sum`.

Returns:
    The elements, and for each the row of the table; 0 and -1 of a bag in which no index counts.

Example:
    >>> bags = dt._core.get_op("embedding_bag_max")
    >>> bags(dt.arange(6.0).reshape(3, 2), dt.tensor([0, 1, 2]), dt.tensor([0, 2]))[0].tolist()
    [[2.0, 3.0], [4.0, 5.0]]
)");
  op("embedding_bag_sum_grad(Tensor grad, Tensor weight, Tensor input, Tensor offsets, Tensor? per_sample_weights, "
     "bool mean, int? padding_idx, bool scale_grad_by_freq) -> (Tensor grad_weight, Tensor grad_samples)")
      .plain(infer_bags_grad)
      .composite(in_float<bags_grad_op>)
      .internal()
      .doc(R"(The gradients of `embedding_bag_sum` with respect to the table and to the factors.

    grad_weight[r] = sum over i where input[i] == r of scale[i] * grad[bag of i]
    grad_samples[i] = sum of weight[input[i]] * grad[bag of i]

Args:
    grad: of shape (bags, dim).
    others: as for `embedding_bag_sum`.

Returns:
    Both gradients; the second is empty where no factors were given.

Example:
    >>> grads = dt._core.get_op("embedding_bag_sum_grad")
    >>> rest = (dt.tensor([1, 1]), dt.tensor([0]), None, False, None, False)
    >>> grads(dt.ones(1, 1), dt.ones(2, 1), *rest)[0].tolist()
    [[0.0], [2.0]]
)");
}

}  // namespace

void declare_embedding() {
  declare_rows();
  declare_bags();
}

}  // namespace dovetail
