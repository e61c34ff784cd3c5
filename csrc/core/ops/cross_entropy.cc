// The cross-entropy of scores and classes, from softmax to the mean, and its gradient.
#include <cstring>

#include "core/ops/compose.h"

namespace dovetail {

namespace {

Declare op(const char* schema) { return Declare("cross_entropy", schema); }

const Callee log_softmax("log_softmax"), softmax("softmax"), gather("gather"), index_select("index_select"),
    scatter("scatter"), where_("where"), ne("ne"), add("add"), sub("sub"), mul("mul"), div_("div"), neg("neg"),
    sum("sum"), unsqueeze("unsqueeze"), squeeze("squeeze"), ones_like("ones_like"), zeros_like("zeros_like");

// ---- checks and inference -------------------------------------------------------------------------------

int class_dim(const TensorImpl& input) { return input.ndim == 1 ? 0 : 1; }

bool is(const dt_value& reduction, const char* name) { return std::strcmp(reduction.as.string, name) == 0; }

// (input, target, weight, ignore_index, reduction, label_smoothing)
void check_scores(const char* who, const dt_value* args) {
  const TensorImpl &input = *args[0].as.tensor, &target = *args[1].as.tensor;
  check_floating(who, "input", input);
  if (input.ndim == 0) value_error(who, ": expected scores of at least 1 dim, got a zero-dim input");
  const int dim = class_dim(input);
  std::vector<int64_t> sizes = sizes_of(input);
  sizes.erase(sizes.begin() + dim);
  if (sizes_of(target) != sizes)
    value_error(who, ": input ", shape_text(input), " wants targets of shape ", ints_text(as_value(sizes)), ", got ",
                shape_text(target));
  if (given(args[2])) {
    const TensorImpl& weight = *args[2].as.tensor;
    check_same_dtype(who, "input", input, "weight", weight);
    if (weight.ndim != 1 || weight.size(0) != input.size(dim))
      value_error(who, ": expected ", input.size(dim), " class weights, got shape ", shape_text(weight));
  }
  if (!is(args[4], "mean") && !is(args[4], "sum") && !is(args[4], "none"))
    value_error(who, ": reduction must be 'mean', 'sum' or 'none', got '", args[4].as.string, "'");
  const double smoothing = real_number(args[5]);
  if (!(smoothing >= 0 && smoothing <= 1)) value_error(who, ": label_smoothing must be in [0, 1], got ", smoothing);
}

void infer_loss(Inference& call) {
  check_scores(call.name(), call.args);
  normalise_index(call, 1);
  if (is(call.args[4], "none")) call.outs[0].like(call.tensor(1));
  call.outs[0].dtype = call.tensor(0).dtype;
}

void infer_grad(Inference& call) {  // (grad, then as above)
  check_scores(call.name(), call.args + 1);
  normalise_index(call, 2);
  const TensorImpl& grad = call.tensor(0);
  check_same_dtype(call.name(), "grad", grad, "input", call.tensor(1));
  const std::vector<int64_t> sizes = is(call.args[5], "none") ? sizes_of(call.tensor(2)) : std::vector<int64_t>{};
  if (sizes_of(grad) != sizes) value_error(call.name(), ": grad must have the loss's shape, got ", shape_text(grad));
  call.outs[0].like(call.tensor(1));
}

// ---- decompositions -------------------------------------------------------------------------------------

struct Classes {
  Tensor input, weight;
  int dim;
  int64_t count;
  Tensor kept, index;   // of each target: whether it counts, and its class (0 where not)
  Tensor scale;         // its weight, 0 where it does not count
  double hard, spread;  // how much of a target is on its class, and on each class beside

  explicit Classes(const dt_value* args)
      : input(tensor(args[0])), weight(tensor(args[2])), dim(class_dim(*input)), count(input->size(dim)) {
    const Tensor target = cast_to(tensor(args[1]), DT_INT64);
    kept = ne(target, number(static_cast<double>(args[3].as.i)));
    index = where_(kept, target, number(0));
    const Tensor each = weight ? view_as(index_select(weight, 0, view_as(index, {index->numel})), sizes_of(*index))
                               : cast_to(ones_like(index), input->dtype);
    scale = where_(kept, each, number(0));
    const double smoothing = real_number(args[5]);
    hard = 1 - smoothing;
    spread = smoothing / static_cast<double>(std::max<int64_t>(1, count));
  }
  // A vector over the classes, or a row's value, in a shape that broadcasts against the scores.
  Tensor along(const Tensor& vector) const {
    std::vector<int64_t> sizes(input->ndim, 1);
    sizes[dim] = count;
    return view_as(vector, sizes);
  }
  Tensor across(const Tensor& row) const { return unsqueeze(row, dim); }
};

void loss_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  check_scores(op.name().c_str(), args);
  const Classes c(args);
  const std::vector<int64_t> dim{c.dim};
  const Tensor log_p = log_softmax(c.input, c.dim);
  const Tensor picked = squeeze(gather(log_p, c.dim, c.across(c.index)), dim);
  Tensor loss = mul(neg(picked), c.scale);
  if (c.spread > 0) {
    const Tensor all = neg(sum(c.weight ? mul(log_p, c.along(c.weight)) : log_p, dim));
    loss = add(mul(loss, number(c.hard)), mul(all, number(c.spread)));
  }
  loss = where_(c.kept, loss, number(0));
  if (is(args[4], "none")) return give(outs[0], loss);
  const Tensor total = sum(loss);
  give(outs[0], is(args[4], "sum") ? total : div_(total, sum(c.scale)));
}

void grad_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  check_scores(op.name().c_str(), args + 1);
  const Classes c(args + 1);
  Tensor grad = tensor(args[0]);
  if (is(args[5], "mean")) grad = div_(grad, sum(c.scale));
  grad = where_(c.kept, grad, number(0));
  const Tensor pull = c.across(mul(mul(grad, c.scale), number(c.hard)));
  Tensor pulls = pull, pushes = scatter(zeros_like(c.input), c.dim, c.across(c.index), pull);
  if (c.spread > 0) {
    const Tensor rest = mul(c.across(grad), number(c.spread));
    pulls = add(pulls, mul(rest, c.weight ? sum(c.weight) : number(static_cast<double>(c.count))));
    pushes = add(pushes, c.weight ? mul(rest, c.along(c.weight)) : rest);
  }
  const Tensor result = sub(mul(softmax(c.input, c.dim), pulls), pushes);
  give(outs[0], where_(c.across(c.kept), result, number(0)));
}

}  // namespace

void declare_cross_entropy() {
  op("softmax_cross_entropy(Tensor input, Tensor target, Tensor? weight=None, int ignore_index=-100, "
     "str reduction='mean', float label_smoothing=0.0) -> Tensor")
      .plain(infer_loss)
      .composite(in_float<loss_op>)
      .internal()
      .doc(R"(The negative logarithm of what softmax gives for the right classes; behind `nn.functional.cross_entropy`.

    l = -log softmax(input)[target] * weight[target]

Args:
    input: scores (N, C, *) or (C,), of a floating-point dtype.
    target: classes (N, *) or (), int64.
    weight: of the classes, (C,), of input's dtype.
    ignore_index: a target that does not count.
    reduction: "mean" (over the weights of the targets that count), "sum" or "none".
    label_smoothing: how much of each target is spread over all classes.

Example:
    >>> loss = dt._core.get_op("softmax_cross_entropy")
    >>> round(loss(dt.zeros(2, 4), dt.tensor([0, 3])).item(), 4)
    1.3863
)");
  op("softmax_cross_entropy_grad(Tensor grad, Tensor input, Tensor target, Tensor? weight, int ignore_index, "
     "str reduction, float label_smoothing) -> Tensor")
      .plain(infer_grad)
      .composite(in_float<grad_op>)
      .internal()
      .doc(R"(The gradient of `softmax_cross_entropy` with respect to its input.

    out = grad * weight[target] * (softmax(input) - onehot(target))

Args:
    grad: the gradient of the loss, of its shape.
    others: as for `softmax_cross_entropy`.

Example:
    >>> grad = dt._core.get_op("softmax_cross_entropy_grad")
    >>> grad(dt.tensor(1.0), dt.zeros(1, 2), dt.tensor([0]), None, -100, "mean", 0.0).tolist()
    [[-0.5, 0.5]]
)");
}

}  // namespace dovetail
