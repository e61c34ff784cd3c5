// The cross-entropy of scores and classes, and its gradient, which makes the exponentials again: nothing but the scores
// is kept between them. Scores lie along a line, or in many columns side by side, as softmax's do.
#include <cmath>
#include <cstring>

#include "kernels/cpu/registry.h"
#include "kernels/cpu/room.h"
#include "kernels/cpu/sixteen.h"
#include "kernels/cpu/softmax_lines.h"

namespace dovetail::cpu {

namespace {

using namespace lanes;

constexpr int64_t kCost = 4;  // of an element, beside that of an addition

// The scores of `outer` x `inner` rows of n classes, and what is asked of them.
template <class T>
struct Problem {
  const T* scores;
  const int64_t* target;
  const T* weight;  // null: 1 each
  int64_t outer, n, inner, ignored;
  bool mean, reduced;
  double hard, spread;  // how much of a target is on its class, and on each class beside
  double weights = 0;   // of all classes
  double total = 0;     // of the targets that count

  int64_t rows() const { return outer * inner; }
  bool counts(int64_t row) const { return target[row] != ignored; }
  double weight_of(int64_t row) const { return weight ? static_cast<double>(weight[target[row]]) : 1; }
  // A row's loss, of its largest score, the sum of its exponentials, the target's score and the sum of all weighted
  // ones; scores are counted from the largest.
  double loss(int64_t row, double exponentials, T picked, double all) const {
    const double log_total = std::log(exponentials);
    const double loss = hard * weight_of(row) * (log_total - static_cast<double>(picked));
    return spread == 0 ? loss : loss + spread * (weights * log_total - all);
  }
  // What the gradient multiplies the softmax by.
  double pull(int64_t row) const { return hard * weight_of(row) + spread * weights; }
};

// ---- a row ---------------------------------------------------------------------------------------------------

// The sum of weighted scores, counted from `top`.
template <class T>
DOVETAIL_INLINE double sum_of_scores(const T* in, const T* weight, T top, int64_t n) {
  if (weight) return sum_terms<T>(n, [=](int64_t i) { return weight[i] * (in[i] - top); });
  return sum_terms<T>(n, [=](int64_t i) { return in[i] - top; });
}

template <class T>
void loss_rows(const Problem<T>& p, int64_t begin, int64_t end, T* out) {
  const auto line = softmax_lines<T>().line;
  for (int64_t r = begin; r < end; ++r) {
    if (!p.counts(r)) {
      out[r] = 0;
      continue;
    }
    const T* in = p.scores + r * p.n;
    T top;
    const double total = line(in, p.n, nullptr, &top);
    const double all = p.spread != 0 ? sum_of_scores(in, p.weight, top, p.n) : 0;
    out[r] = static_cast<T>(p.loss(r, total, in[p.target[r]] - top, all));
  }
}

// out *= scale, less `each` times the weights
template <class T>
DOVETAIL_CLONES void scale_line(T* __restrict out, const T* __restrict weight, T scale, T each, int64_t n) {
  if (each == 0) {
    for (int64_t i = 0; i < n; ++i) out[i] *= scale;
  } else if (weight) {
    for (int64_t i = 0; i < n; ++i) out[i] = out[i] * scale - each * weight[i];
  } else {
    for (int64_t i = 0; i < n; ++i) out[i] = out[i] * scale - each;
  }
}

// pull / total * exponentials - (what the target has of each class), times the row's gradient
template <class T>
void grad_rows(const Problem<T>& p, const T* grad, int64_t begin, int64_t end, T* to) {
  const auto line = softmax_lines<T>().line;
  for (int64_t r = begin; r < end; ++r) {
    T* out = to + r * p.n;
    if (!p.counts(r)) {
      std::fill_n(out, p.n, T{0});
      continue;
    }
    T top;
    const double total = line(p.scores + r * p.n, p.n, out, &top), g = static_cast<double>(grad[r]);
    scale_line(out, p.weight, static_cast<T>(g * p.pull(r) / total), static_cast<T>(g * p.spread), p.n);
    out[p.target[r]] -= static_cast<T>(g * p.hard * p.weight_of(r));
  }
}

// ---- columns -------------------------------------------------------------------------------------------------

template <class T>
DOVETAIL_CLONES void sums_of_scores(const Problem<T>& p, const T* in, const T* top, int64_t width, double* all) {
  const int64_t step = p.inner;
  if (const T* weight = p.weight)
    sum_columns<T>(p.n, static_cast<int>(width), all,
                   [=](int64_t i, int l) { return weight[i] * (in[i * step + l] - top[l]); });
  else
    sum_columns<T>(p.n, static_cast<int>(width), all, [=](int64_t i, int l) { return in[i * step + l] - top[l]; });
}

// Up to kLanes rows whose scores lie side by side, a class `inner` behind the one before.
template <class T>
void loss_strip(const Problem<T>& p, const T* in, int64_t row, int64_t width, T* out) {
  T top[kLanes<T>];
  double total[kLanes<T>], all[kLanes<T>] = {};
  softmax_lines<T>().columns(in, p.n, p.inner, width, nullptr, top, total);
  if (p.spread != 0) sums_of_scores(p, in, top, width, all);
  for (int64_t l = 0; l < width; ++l) {
    const int64_t r = row + l;
    out[r] = p.counts(r) ? static_cast<T>(p.loss(r, total[l], in[p.target[r] * p.inner + l] - top[l], all[l])) : T{0};
  }
}

// scale_line for columns, each with numbers of its own.
template <class T>
DOVETAIL_CLONES void scale_columns(T* __restrict out, const T* weight, const T* scale, const T* each, int64_t n,
                                   int64_t step, int64_t width) {
  for (int64_t i = 0; i < n; ++i, out += step) {
    const T share = weight ? weight[i] : T{1};
    if (width == kLanes<T>)
      for (int l = 0; l < kLanes<T>; ++l) out[l] = out[l] * scale[l] - each[l] * share;
    else
      for (int64_t l = 0; l < width; ++l) out[l] = out[l] * scale[l] - each[l] * share;
  }
}

template <class T>
void grad_strip(const Problem<T>& p, const T* grad, const T* in, int64_t row, int64_t width, T* out) {
  T top[kLanes<T>], scale[kLanes<T>], each[kLanes<T>];
  double total[kLanes<T>];
  softmax_lines<T>().columns(in, p.n, p.inner, width, out, top, total);
  for (int64_t l = 0; l < width; ++l) {
    const double g = p.counts(row + l) ? static_cast<double>(grad[row + l]) : 0;
    scale[l] = p.counts(row + l) ? static_cast<T>(g * p.pull(row + l) / total[l]) : T{0};
    each[l] = static_cast<T>(g * p.spread);
  }
  scale_columns(out, p.weight, scale, each, p.n, p.inner, width);
  for (int64_t l = 0; l < width; ++l) {
    const int64_t r = row + l;
    if (p.counts(r))
      out[p.target[r] * p.inner + l] -= static_cast<T>(static_cast<double>(grad[r]) * p.hard * p.weight_of(r));
    else  // also where its scores are no numbers
      for (int64_t i = 0; i < p.n; ++i) out[i * p.inner + l] = 0;
  }
}

// body(where the strip's scores begin, its first row, how many rows) for every strip of columns.
template <class T, class Body>
void for_strips(dt_kernel_context* ctx, const Problem<T>& p, const Body& body) {
  const int64_t strips = ceil_div(p.inner, kLanes<T>);
  parallel(ctx, p.outer * strips, grain_for(kCost * p.n * kLanes<T>), [&](int64_t begin, int64_t end) {
    for (int64_t u = begin; u < end; ++u) {
      const int64_t column = u % strips * kLanes<T>, line = u / strips;
      body(line * p.n * p.inner + column, line * p.inner + column, std::min<int64_t>(kLanes<T>, p.inner - column));
    }
  });
}

// ---- the whole -----------------------------------------------------------------------------------------------

// Adds up the weights of the targets that count. False where one is outside of the classes: then it is in `bad`.
template <class T>
DOVETAIL_CLONES bool total_weight(Problem<T>& p, int64_t* bad) {
  const int64_t rows = p.rows();
  bool good = true;
  int64_t count = 0;
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t t = p.target[r];
    good &= (t >= 0 && t < p.n) || t == p.ignored;
    count += t != p.ignored;
  }
  if (!good) {
    for (int64_t r = 0; r < rows; ++r)
      if (*bad = p.target[r]; (*bad < 0 || *bad >= p.n) && *bad != p.ignored) return false;
  }
  p.total = static_cast<double>(count);
  if (!p.weight) return true;
  p.total = 0;
  for (int64_t r = 0; r < rows; ++r)
    if (p.counts(r)) p.total += p.weight_of(r);
  return true;
}

// The arguments (input, target, weight, ignore_index, reduction, label_smoothing).
template <class T>
dt_status read(dt_kernel_context* ctx, const char* op, const dt_array* ins, const dt_value* args, Problem<T>& p) {
  const dt_array& in = ins[0];
  const int dim = in.ndim == 1 ? 0 : 1;
  p.outer = dim ? in.sizes[0] : 1;
  p.n = in.sizes[dim];
  p.inner = 1;
  for (int i = dim + 1; i < in.ndim; ++i) p.inner *= in.sizes[i];
  p.scores = contiguous_data<T>(ctx, in);
  p.target = contiguous_data<int64_t>(ctx, ins[1]);
  p.weight = ins[2].ndim < 0 ? nullptr : contiguous_data<T>(ctx, ins[2]);
  if ((numel(in) && !p.scores) || (p.rows() && !p.target) || (ins[2].ndim >= 0 && p.n && !p.weight))
    return out_of_memory(ctx, op);
  p.ignored = args[3].as.i;
  p.mean = std::strcmp(args[4].as.string, "mean") == 0;
  p.reduced = std::strcmp(args[4].as.string, "none") != 0;
  const double smoothing = as_double(args[5]);
  p.hard = 1 - smoothing;
  p.spread = smoothing / static_cast<double>(std::max<int64_t>(1, p.n));
  const T* weight = p.weight;
  p.weights = weight ? sum_terms<T>(p.n, [weight](int64_t i) { return weight[i]; }) : static_cast<double>(p.n);
  int64_t bad = 0;
  if (total_weight(p, &bad)) return DT_OK;
  char text[160];
  std::snprintf(text, sizeof text, "%s: index %lld is out of range for dim %d of size %lld", op,
                static_cast<long long>(bad), dim, static_cast<long long>(p.n));
  return ctx->fail(ctx, DT_ERR_INDEX, text);
}

template <class T>
dt_status loss_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                      const dt_value* args, int32_t) {
  Problem<T> p;
  const dt_status status = read(ctx, "softmax_cross_entropy", ins, args, p);
  const int64_t rows = p.rows();
  if (status != DT_OK || (!p.reduced && rows == 0)) return status;
  T* losses = p.reduced ? static_cast<T*>(ctx->workspace(ctx, static_cast<size_t>(rows) * sizeof(T) + 1))
                        : room<T>(ctx, outs[0]);
  if (!losses) return out_of_memory(ctx, "softmax_cross_entropy");
  if (p.n == 0) {
    std::fill_n(losses, rows, T{0});
  } else if (p.inner == 1) {
    parallel(ctx, rows, grain_for(kCost * p.n), [&](int64_t begin, int64_t end) { loss_rows(p, begin, end, losses); });
  } else {
    for_strips(ctx, p,
               [&](int64_t at, int64_t row, int64_t width) { loss_strip(p, p.scores + at, row, width, losses); });
  }
  if (p.reduced) {
    const double sum = sum_terms<T>(rows, [losses](int64_t i) { return losses[i]; });
    *static_cast<T*>(outs[0].data) = static_cast<T>(p.mean ? sum / p.total : sum);
  } else {
    deliver(ctx, outs[0], losses);
  }
  return DT_OK;
}

// (grad, then as above)
template <class T>
dt_status grad_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                      const dt_value* args, int32_t) {
  const char* op = "softmax_cross_entropy_grad";
  Problem<T> p;
  const dt_status status = read(ctx, op, ins + 1, args + 1, p);
  const int64_t rows = p.rows();
  if (status != DT_OK || numel(outs[0]) == 0) return status;
  T* out = room<T>(ctx, outs[0]);
  const T* grad = p.reduced ? static_cast<T*>(ctx->workspace(ctx, static_cast<size_t>(rows) * sizeof(T)))
                            : contiguous_data<T>(ctx, ins[0]);
  if (!out || !grad) return out_of_memory(ctx, op);
  if (p.reduced) {
    const double g = static_cast<double>(*static_cast<const T*>(ins[0].data));
    std::fill_n(const_cast<T*>(grad), rows, static_cast<T>(p.mean ? g / p.total : g));
  }
  if (p.inner == 1) {
    parallel(ctx, rows, grain_for(kCost * p.n),
             [&](int64_t begin, int64_t end) { grad_rows(p, grad, begin, end, out); });
  } else {
    for_strips(ctx, p, [&](int64_t at, int64_t row, int64_t width) {
      grad_strip(p, grad, p.scores + at, row, width, out + at);
    });
  }
  deliver(ctx, outs[0], out);
  return DT_OK;
}

template <class T>
void add(KernelTable& table, int32_t dtype) {
  table.add("softmax_cross_entropy", dtype, loss_kernel<T>);
  table.add("softmax_cross_entropy_grad", dtype, grad_kernel<T>);
}

}  // namespace

void register_cross_entropy(KernelTable& table) { add_floats_whole(table, add<float>, add<double>); }

}  // namespace dovetail::cpu
