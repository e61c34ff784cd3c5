// attention: each query's largest score and the sum of its exponentials are kept while going through the keys (Milakov
// and Gimelshein, arXiv:1805.02867).
#include "kernels/cpu/attention.h"

#include <cmath>

#include "kernels/cpu/softmax_exp.h"
#include "kernels/cpu/sum_lanes.h"

namespace dovetail::cpu {

namespace attention {
namespace {

constexpr int64_t kFewRows = 4;      // below, panels do not pay
constexpr int64_t kManyBlocks = 16;  // so many blocks of twice the queries, which lay out the keys half as often

// By halves of a width that the compiler knows, as in sum_lanes.
template <int L, class T>
DOVETAIL_INLINE T largest_lane(T* lane) {
  if constexpr (L > 1) {
    for (int l = 0; l < L / 2; ++l) lane[l] = lane[l + L / 2] > lane[l] ? lane[l + L / 2] : lane[l];
    return largest_lane<L / 2>(lane);
  } else {
    return lane[0];
  }
}

// The largest of x that is not NaN.
template <class T>
DOVETAIL_CLONES_TO_V4 T largest(const T* x, int64_t n) {
  constexpr int L = 32;
  T lane[L], top = kLowest<T>;
  for (int l = 0; l < L; ++l) lane[l] = top;
  int64_t i = 0;
  for (; i + L <= n; i += L)
    for (int l = 0; l < L; ++l) lane[l] = x[i + l] > lane[l] ? x[i + l] : lane[l];
  for (; i < n; ++i) top = x[i] > top ? x[i] : top;
  const T widest = largest_lane<L>(lane);
  return widest > top ? widest : top;
}

// x becomes e^(x - shift), for no x above it; their sum.
template <class T>
DOVETAIL_CLONES_TO_V4 T exponentials(T* x, int64_t n, T shift) {
  constexpr int L = 16;
  T lane[L], total = 0;
  for (int l = 0; l < L; ++l) lane[l] = T{0};
  int64_t i = 0;
  for (; i + L <= n; i += L)
    for (int l = 0; l < L; ++l) {
      const T e = exp_nonpositive(x[i + l] - shift);
      x[i + l] = e;
      lane[l] += e;
    }
  for (; i < n; ++i) total += x[i] = exp_nonpositive(x[i] - shift);
  return total + lanes::sum_lanes<L>(lane);
}

template <class T>
DOVETAIL_CLONES void multiply_row(T* row, int64_t n, T factor) {
  for (int64_t c = 0; c < n; ++c) row[c] *= factor;
}

// A block of queries with all keys.
template <class T>
class Block {
 public:
  static int64_t scratch_size(const Job<T>& job) {
    return queries(job) * (job.width + 2) + panels_size<T>(job.width, kKeys) + panels_size<T>(kKeys, job.out_width) +
           kSome * kKeys + (job.dropout.on() ? Dropout::kScratch : 0);
  }

  Block(const Job<T>& job, int64_t task, T* scratch, const Heads<T>& out, T* lse)
      : job_(job),
        bh_(task / blocks(job)),
        b_(bh_ / job.heads),
        h_(bh_ % job.heads),
        first_(task % blocks(job) * queries(job)),
        rows_(std::min(queries(job), job.queries - first_)),
        queries_(scratch),
        top_(queries_ + queries(job) * job.width),
        total_(top_ + queries(job)),
        key_panels_(total_ + queries(job)),
        value_panels_(key_panels_ + panels_size<T>(job.width, kKeys)),
        scores_(value_panels_ + panels_size<T>(kKeys, job.out_width)),
        factors_(scores_ + kSome * kKeys),
        out_(out.at(b_, h_, first_)),
        out_row_(out.row),
        lse_(lse + bh_ * job.queries + first_) {}

  static int64_t queries(const Job<T>& job) {
    const int64_t twice = job.batches * job.heads * ceil_div(job.queries, 2 * kQueries);
    return twice >= kManyBlocks ? 2 * kQueries : kQueries;
  }
  static int64_t blocks(const Job<T>& job) { return ceil_div(job.queries, queries(job)); }

  void run() {
    const int64_t keys = job_.keys_for(first_ + rows_), n = job_.out_width;
    std::fill_n(top_, rows_, kLowest<T>);
    std::fill_n(total_, rows_, T{0});
    for (int64_t r = 0; keys == 0 && r < rows_; ++r) std::fill_n(out_ + r * out_row_, n, T{0});
    job_.scaled_queries(b_, h_, first_, rows_, queries_);
    for (int64_t j = 0; j < keys; j += kKeys) with_keys(j, std::min(kKeys, keys - j));
    for (int64_t r = 0; r < rows_; ++r) {
      multiply_row(out_ + r * out_row_, n, total_[r] == T{0} ? T{0} : T{1} / total_[r]);
      lse_[r] = total_[r] == T{0} ? kLowest<T> : top_[r] + std::log(total_[r]);
    }
  }

 private:
  void with_keys(int64_t j, int64_t cols) {
    const int64_t width = job_.width, n = job_.out_width, group = job_.group_of(h_);
    const Matrix<const T> keys{job_.key.at(b_, group, j), width, cols, 1, job_.key.row};
    const Matrix<const T> values{job_.value.at(b_, group, j), cols, n, job_.value.row, 1};
    const bool few = rows_ < kFewRows;
    if (!few) {
      fill_panels(keys, key_panels_);
      fill_panels(values, value_panels_);
    }
    for (int64_t i = 0; i < rows_; i += kSome) {
      const int64_t rows = std::min(kSome, rows_ - i), seen = job_.visible(first_ + i + rows, j, cols);
      if (seen == 0) continue;
      const T* queries = queries_ + i * width;
      T* to = out_ + i * out_row_;
      if (few)
        small_product<T>({queries, rows, width, width, 1}, keys.block(0, 0, width, seen),
                         {scores_, rows, seen, kKeys, 1}, T{1}, false);
      else
        row_product({queries, width, rows, width, key_panels_, seen, nullptr, 0, scores_, kKeys});
      job_.apply_masks(b_, h_, first_ + i, rows, j, seen, scores_);
      for (int64_t r = 0; r < rows; ++r) exponentiate(scores_ + r * kKeys, seen, j > 0, i + r);
      if (job_.dropout.on()) {  // after the sums: they are of all weights
        job_.factors(b_, h_, first_ + i, rows, j, seen, factors_, factors_ + kSome * kKeys);
        for (int64_t r = 0; r < rows; ++r) scale_row(factors_ + r * kKeys, seen, scores_ + r * kKeys);
      }
      if (few)
        small_product<T>({scores_, rows, seen, kKeys, 1}, values.block(0, 0, seen, n), {to, rows, n, out_row_, 1}, T{1},
                         j > 0);
      else
        row_product(
            {scores_, kKeys, rows, seen, value_panels_, n, j > 0 ? to : nullptr, out_row_, to, out_row_, false, cols});
    }
  }

  // A row of scores becomes their exponentials; what came before it, with `more`, is made to fit.
  void exponentiate(T* row, int64_t n, bool more, int64_t r) {
    const T seen = largest(row, n), next = seen > top_[r] ? seen : top_[r];
    if (next == kLowest<T> && std::none_of(row, row + n, [](T x) { return x != x; })) {  // no key yet
      std::fill_n(row, n, T{0});
      return;
    }
    if (more && top_[r] != next) {
      const T shrink = std::exp(top_[r] - next);
      total_[r] *= shrink;
      multiply_row(out_ + r * out_row_, job_.out_width, shrink);
    }
    total_[r] += exponentials(row, n, next);
    top_[r] = next;
  }

  const Job<T>& job_;
  const int64_t bh_, b_, h_, first_, rows_;  // of the batch, and of the queries
  T *queries_, *top_, *total_, *key_panels_, *value_panels_, *scores_, *factors_;
  T* out_;
  const int64_t out_row_;
  T* lse_;
};

template <class T>
dt_status forward(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                  const dt_value* args, int32_t) {
  bool failed = false;
  if (numel(outs[1]) == 0) return DT_OK;
  const Job<T> job(ctx, ins, args + 4, &failed);
  const bool direct = has_rows(outs[0]);
  T *data = direct ? static_cast<T*>(outs[0].data) : room<T>(ctx, outs[0]), *lse = room<T>(ctx, outs[1]);
  if (failed || (!data && numel(outs[0])) || !lse) return out_of_memory(ctx, "attention");
  const Heads<T> out = direct ? heads_of(data, outs[0]) : contiguous_heads(data, outs[0]);
  const bool done = share<T>(ctx, job.batches * job.heads * Block<T>::blocks(job), Block<T>::scratch_size(job),
                             [&](int64_t task, T* scratch) { Block<T>(job, task, scratch, out, lse).run(); });
  if (!done) return out_of_memory(ctx, "attention");
  if (!direct) deliver(ctx, outs[0], data);
  deliver(ctx, outs[1], lse);
  return DT_OK;
}

}  // namespace
}  // namespace attention

void register_attention(KernelTable& table) {
  table.add("attention", DT_FLOAT32, attention::forward<float>);
  table.add("attention", DT_FLOAT64, attention::forward<double>);
  attention::register_grad(table);
}

}  // namespace dovetail::cpu
