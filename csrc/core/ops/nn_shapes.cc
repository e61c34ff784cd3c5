// What a few ops of nn give that are written in Python and have kernels: distances and label sequences.
#include "core/ops/compose.h"

namespace dovetail {

namespace {

// ---- distances ------------------------------------------------------------------------------------------

void check_order(const char* who, double p) {
  if (!(p >= 0)) value_error(who, ": p must not be negative, got ", p);
}

// Two stacks of rows, (B, P, M) and (B, R, M).
void check_rows(Inference& call, const TensorImpl& x1, const TensorImpl& x2) {
  check_floating(call.name(), "x1", x1);
  check_same_dtype(call.name(), "x1", x1, "x2", x2);
  if (x1.ndim != 3 || x2.ndim != 3 || x1.size(0) != x2.size(0) || x1.size(2) != x2.size(2))
    value_error(call.name(), ": expected rows (B, P, M) and (B, R, M), got shapes ", shape_text(x1), " and ",
                shape_text(x2));
}

void infer_pairs(Inference& call) {  // (x1, x2, p)
  const TensorImpl &x1 = call.tensor(0), &x2 = call.tensor(1);
  check_rows(call, x1, x2);
  check_order(call.name(), call.number(2));
  call.outs[0].like(x1);
  call.outs[0].sizes[2] = x2.size(1);
}

void infer_pairs_grad(Inference& call) {  // (grad, x1, x2, distances, p)
  const TensorImpl &grad = call.tensor(0), &x1 = call.tensor(1), &x2 = call.tensor(2), &distances = call.tensor(3);
  check_rows(call, x1, x2);
  check_order(call.name(), call.number(4));
  for (const TensorImpl* each : {&grad, &distances}) {
    check_same_dtype(call.name(), "x1", x1, "grad and distances", *each);
    if (each->ndim != 3 || each->size(0) != x1.size(0) || each->size(1) != x1.size(1) || each->size(2) != x2.size(1))
      value_error(call.name(), ": grad and distances must have the shape of the distances, got ", shape_text(grad),
                  " and ", shape_text(distances));
  }
  call.outs[0].like(x1);
}

void check_points(Inference& call, const TensorImpl& input) {
  check_floating(call.name(), "input", input);
  if (input.ndim != 2) value_error(call.name(), ": expected a matrix (N, D), got shape ", shape_text(input));
}

void infer_pdist(Inference& call) {  // (input, p)
  const TensorImpl& input = call.tensor(0);
  check_points(call, input);
  check_order(call.name(), call.number(1));
  const int64_t n = input.size(0);
  call.outs[0].push(n > 1 ? n * (n - 1) / 2 : 0);
  call.outs[0].dtype = input.dtype;
}

void infer_pdist_grad(Inference& call) {  // (grad, input, distances, p)
  const TensorImpl &grad = call.tensor(0), &input = call.tensor(1), &distances = call.tensor(2);
  check_points(call, input);
  check_order(call.name(), call.number(3));
  const int64_t n = input.size(0), pairs = n > 1 ? n * (n - 1) / 2 : 0;
  for (const TensorImpl* each : {&grad, &distances}) {
    check_same_dtype(call.name(), "input", input, "grad and distances", *each);
    if (each->ndim != 1 || each->size(0) != pairs)
      value_error(call.name(), ": grad and distances must have the shape of the distances, (", pairs, "), got ",
                  shape_text(grad), " and ", shape_text(distances));
  }
  call.outs[0].like(input);
}

// ---- label sequences ------------------------------------------------------------------------------------

// (log_probs, labels, input_lengths, target_lengths, blank) from argument `first` on
void check_sequences(Inference& call, int first) {
  const TensorImpl& log_probs = call.tensor(first);
  check_floating(call.name(), "log_probs", log_probs);
  for (int i = 1; i <= 3; ++i) normalise_index(call, first + i);
  const TensorImpl &labels = call.tensor(first + 1), &lengths = call.tensor(first + 2), &sizes = call.tensor(first + 3);
  const bool fits = log_probs.ndim == 3 && labels.ndim == 2 && lengths.ndim == 1 && sizes.ndim == 1 &&
                    labels.size(0) == log_probs.size(1) && lengths.size(0) == log_probs.size(1) &&
                    sizes.size(0) == log_probs.size(1);
  if (!fits)
    value_error(call.name(), ": expected log_probs (T, N, C), labels (N, S) and lengths (N,), got shapes ",
                shape_text(log_probs), ", ", shape_text(labels), ", ", shape_text(lengths), " and ", shape_text(sizes));
  const int64_t blank = call.integer(first + 4);
  if (blank < 0 || blank >= log_probs.size(2))
    index_error(call.name(), ": blank ", blank, " is out of range for ", log_probs.size(2), " classes");
}

void infer_likelihood(Inference& call) {
  check_sequences(call, 0);
  call.outs[0].push(call.tensor(0).size(1));
  call.outs[0].dtype = call.tensor(0).dtype;
}

void infer_likelihood_grad(Inference& call) {  // (grad, then as above)
  check_sequences(call, 1);
  const TensorImpl &grad = call.tensor(0), &log_probs = call.tensor(1);
  check_same_dtype(call.name(), "log_probs", log_probs, "grad", grad);
  if (grad.ndim != 1 || grad.size(0) != log_probs.size(1))
    value_error(call.name(), ": grad must have the shape of the losses, got ", shape_text(grad));
  call.outs[0].like(log_probs);
}

}  // namespace

void declare_nn_shapes() {
  infer_by("distances", infer_pairs);
  infer_by("distances_grad", infer_pairs_grad);
  infer_by("pdist_of", infer_pdist);
  infer_by("pdist_grad", infer_pdist_grad);
  infer_by("ctc_losses", infer_likelihood);
  infer_by("ctc_losses_grad", infer_likelihood_grad);
}

}  // namespace dovetail
