// attention's gradient: the weights are computed again from their logarithm.
#include "kernels/cpu/attention.h"
#include "kernels/cpu/softmax_exp.h"
#include "kernels/cpu/sum_lanes.h"

namespace dovetail::cpu::attention {

namespace {

// weights: scores become e^(score - lse); toward: becomes weights * (toward - centre) * scale.
template <class T>
DOVETAIL_CLONES_TO_V4 void score_grads(T* __restrict weights, T* __restrict toward, int64_t n, T lse, T centre,
                                       T scale) {
  for (int64_t c = 0; c < n; ++c) {
    const T above = weights[c] - lse;  // of 0 or less, but for rounding
    const T p = exp_nonpositive(above > T{80} ? T{80} : above);
    weights[c] = p;
    toward[c] = p * (toward[c] - centre) * scale;
  }
}

template <class T>
DOVETAIL_CLONES T row_dot(const T* x, const T* y, int64_t n) {
  constexpr int L = 16;
  T lane[L], total = 0;
  for (int l = 0; l < L; ++l) lane[l] = T{0};
  int64_t i = 0;
  for (; i + L <= n; i += L)
    for (int l = 0; l < L; ++l) lane[l] += x[i + l] * y[i + l];
  for (; i < n; ++i) total += x[i] * y[i];
  return total + lanes::sum_lanes<L>(lane);
}

// All queries of the heads that share a group's keys, and so the whole gradient of those.
template <class T>
class Group {
 public:
  struct Arrays {
    Heads<const T> grad, out;
    const T *lse, *grad_lse;                // grad_lse: or none
    T *grad_query, *grad_key, *grad_value;  // contiguous
  };

  static int64_t scratch_size(const Job<T>& job) {
    return job.heads / job.groups * job.queries + kSome * job.width + 2 * kSome * kKeys +
           panels_size<T>(job.width, kKeys) + panels_size<T>(job.out_width, kKeys) + panels_size<T>(kKeys, job.width) +
           panels_size<T>(kSome, job.width) + panels_size<T>(kSome, job.out_width) +
           (job.dropout.on() ? Dropout::kScratch : 0);
  }

  Group(const Job<T>& job, const Arrays& arrays, int64_t task, T* scratch)
      : job_(job),
        arrays_(arrays),
        each_(job.heads / job.groups),
        b_(task / job.groups),
        g_(task % job.groups),
        grad_key_(arrays.grad_key + task * job.keys * job.width),
        grad_value_(arrays.grad_value + task * job.keys * job.out_width) {
    const auto take = [&](int64_t n) { return std::exchange(scratch, scratch + n); };
    centre_ = take(each_ * job.queries), queries_ = take(kSome * job.width);
    weights_ = take(kSome * kKeys), toward_ = take(kSome * kKeys);
    keys_across_ = take(panels_size<T>(job.width, kKeys)), values_across_ = take(panels_size<T>(job.out_width, kKeys));
    keys_ = take(panels_size<T>(kKeys, job.width)), query_panels_ = take(panels_size<T>(kSome, job.width));
    grad_panels_ = take(panels_size<T>(kSome, job.out_width)), factors_ = scratch;
  }

  void run() {
    std::fill_n(grad_key_, job_.keys * job_.width, T{0});
    std::fill_n(grad_value_, job_.keys * job_.out_width, T{0});
    for (int64_t k = 0; k < each_; ++k) {
      const int64_t h = g_ * each_ + k, bh = b_ * job_.heads + h;
      for (int64_t i = 0; i < job_.queries; ++i) {
        T& centre = centre_[k * job_.queries + i];
        centre = row_dot(arrays_.grad.at(b_, h, i), arrays_.out.at(b_, h, i), job_.out_width);
        if (arrays_.grad_lse) centre -= arrays_.grad_lse[bh * job_.queries + i];
      }
      if (job_.keys == 0)
        std::fill_n(arrays_.grad_query + bh * job_.queries * job_.width, job_.queries * job_.width, T{0});
    }
    for (int64_t j = 0; j < job_.keys; j += kKeys) with_keys(j, std::min(kKeys, job_.keys - j));
  }

 private:
  void with_keys(int64_t j, int64_t cols) {
    const T *key = job_.key.at(b_, g_, j), *value = job_.value.at(b_, g_, j);
    fill_panels<T>({key, job_.width, cols, 1, job_.key.row}, keys_across_);
    fill_panels<T>({key, cols, job_.width, job_.key.row, 1}, keys_);
    fill_panels<T>({value, job_.out_width, cols, 1, job_.value.row}, values_across_);
    for (int64_t k = 0; k < each_; ++k)
      for (int64_t i = 0; i < job_.queries; i += kSome) {
        const int64_t rows = std::min(kSome, job_.queries - i), seen = job_.visible(i + rows, j, cols);
        if (seen > 0) with_queries(k, i, rows, j, cols, seen);
      }
  }

  // The products of some queries with `seen` of a block's `cols` keys.
  void with_queries(int64_t k, int64_t i, int64_t rows, int64_t j, int64_t cols, int64_t seen) {
    const int64_t h = g_ * each_ + k, bh = b_ * job_.heads + h, width = job_.width, n = job_.out_width;
    const T* grad = arrays_.grad.at(b_, h, i);
    T* to = arrays_.grad_query + (bh * job_.queries + i) * width;
    T *to_key = grad_key_ + j * width, *to_value = grad_value_ + j * n;
    job_.scaled_queries(b_, h, i, rows, queries_);
    fill_panels<T>({job_.query.at(b_, h, i), rows, width, job_.query.row, 1}, query_panels_);
    fill_panels<T>({grad, rows, n, arrays_.grad.row, 1}, grad_panels_);

    row_product({queries_, width, rows, width, keys_across_, seen, nullptr, 0, weights_, kKeys});
    job_.apply_masks(b_, h, i, rows, j, seen, weights_);
    row_product({grad, arrays_.grad.row, rows, n, values_across_, seen, nullptr, 0, toward_, kKeys});
    if (job_.dropout.on()) job_.factors(b_, h, i, rows, j, seen, factors_, factors_ + kSome * kKeys);
    for (int64_t r = 0; r < rows; ++r)
      row_grads(r, seen, arrays_.lse[bh * job_.queries + i + r], centre_[k * job_.queries + i + r]);

    row_product({toward_, kKeys, rows, seen, keys_, width, j > 0 ? to : nullptr, width, to, width, false, cols});
    row_product({toward_, kKeys, seen, rows, query_panels_, width, to_key, width, to_key, width, true});
    row_product({weights_, kKeys, seen, rows, grad_panels_, n, to_value, n, to_value, n, true});
  }

  void row_grads(int64_t r, int64_t n, T lse, T centre) {
    T *weights = weights_ + r * kKeys, *toward = toward_ + r * kKeys, *factors = factors_ + r * kKeys;
    if (job_.dropout.on()) scale_row(factors, n, toward);
    if (lse == kLowest<T>) {  // no key
      std::fill_n(weights, n, T{0});
      std::fill_n(toward, n, T{0});
    } else {
      score_grads(weights, toward, n, lse, centre, job_.scale);
    }
    if (job_.dropout.on()) scale_row(factors, n, weights);
  }

  const Job<T>& job_;
  const Arrays& arrays_;
  const int64_t each_, b_, g_;  // heads of the group
  T *grad_key_, *grad_value_;
  T *centre_, *queries_, *weights_, *toward_, *keys_across_, *values_across_, *keys_, *query_panels_, *grad_panels_;
  T* factors_;
};

template <class T>
dt_status backward(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                   const dt_value* args, int32_t) {
  bool failed = false;
  T *query = room<T>(ctx, outs[0]), *key = room<T>(ctx, outs[1]), *value = room<T>(ctx, outs[2]);
  if (ins[1].sizes[0] == 0 || ins[2].sizes[1] == 0) return DT_OK;
  const Job<T> job(ctx, ins + 1, args + 8, &failed);
  const typename Group<T>::Arrays arrays{heads<T>(ctx, ins[0], &failed),
                                         heads<T>(ctx, ins[5], &failed),
                                         contiguous_data<T>(ctx, ins[6]),
                                         ins[7].ndim < 0 ? nullptr : contiguous_data<T>(ctx, ins[7]),
                                         query,
                                         key,
                                         value};
  const bool all = (query || !numel(outs[0])) && (key || !numel(outs[1])) && (value || !numel(outs[2])) &&
                   (!numel(ins[6]) || (arrays.lse && (ins[7].ndim < 0 || arrays.grad_lse)));
  if (failed || !all ||
      !share<T>(ctx, job.batches * job.groups, Group<T>::scratch_size(job),
                [&](int64_t task, T* scratch) { Group<T>(job, arrays, task, scratch).run(); }))
    return out_of_memory(ctx, "attention_grad");
  deliver(ctx, outs[0], query);
  deliver(ctx, outs[1], key);
  deliver(ctx, outs[2], value);
  return DT_OK;
}

}  // namespace

void register_grad(KernelTable& table) {
  table.add("attention_grad", DT_FLOAT32, backward<float>);
  table.add("attention_grad", DT_FLOAT64, backward<double>);
}

}  // namespace dovetail::cpu::attention
