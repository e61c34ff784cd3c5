// attention and its gradient: blocks of queries against blocks of keys, so that of the scores there is one block a
// worker at a time. The forward pass keeps each query's largest score and the sum of its exponentials as it goes
// (Milakov and Gimelshein, arXiv:1805.02867); the backward pass computes the weights again from their logarithm.
#include <cblas.h>

#include <cmath>
#include <limits>

#include "kernels/cpu/index_copy.h"
#include "kernels/cpu/matrix.h"
#include "kernels/cpu/philox_range.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/room.h"
#include "kernels/cpu/softmax_exp.h"

namespace dovetail::cpu {

namespace {

constexpr int64_t kQueries = 64, kKeys = 128;  // of a block
constexpr int64_t kWorkers = 16;               // each with a share of the blocks, by shape alone
constexpr int64_t kFewRows = 4;                // below, OpenBLAS is slow
constexpr int64_t kDropout = kQueries * kKeys + kKeys + kUniformsBefore;  // elements of a worker's scratch

void gemm(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int64_t m, int64_t n, int64_t k, float alpha, const float* a,
          int64_t lda, const float* b, int64_t ldb, float beta, float* c, int64_t ldc) {
  scipy_cblas_sgemm(CblasRowMajor, ta, tb, static_cast<int>(m), static_cast<int>(n), static_cast<int>(k), alpha, a,
                    static_cast<int>(lda), b, static_cast<int>(ldb), beta, c, static_cast<int>(ldc));
}
void gemm(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int64_t m, int64_t n, int64_t k, double alpha, const double* a,
          int64_t lda, const double* b, int64_t ldb, double beta, double* c, int64_t ldc) {
  scipy_cblas_dgemm(CblasRowMajor, ta, tb, static_cast<int>(m), static_cast<int>(n), static_cast<int>(k), alpha, a,
                    static_cast<int>(lda), b, static_cast<int>(ldb), beta, c, static_cast<int>(ldc));
}

// c = alpha * op(a) op(b), plus c with `accumulate`; rows of c are `ldc` apart, and so on.
template <class T>
void product(bool turn_a, bool turn_b, int64_t m, int64_t n, int64_t k, T alpha, const T* a, int64_t lda, const T* b,
             int64_t ldb, bool accumulate, T* c, int64_t ldc) {
  if (m == 0 || n == 0) return;
  if (m < kFewRows || k == 0) {
    const Matrix<const T> left = turn_a ? Matrix<const T>{a, m, k, 1, lda} : Matrix<const T>{a, m, k, lda, 1};
    const Matrix<const T> right = turn_b ? Matrix<const T>{b, k, n, 1, ldb} : Matrix<const T>{b, k, n, ldb, 1};
    return small_product(left, right, Matrix<T>{c, m, n, ldc, 1}, alpha, accumulate);
  }
  gemm(turn_a ? CblasTrans : CblasNoTrans, turn_b ? CblasTrans : CblasNoTrans, m, n, k, alpha, a, lda, b, ldb,
       accumulate ? T{1} : T{0}, c, ldc);
}

// A (B, H, rows, cols) array whose rows lie in a row.
template <class T>
struct Heads {
  T* data = nullptr;
  int64_t batch = 0, head = 0, row = 0;  // strides
  T* at(int64_t b, int64_t h, int64_t i = 0) const { return data + b * batch + h * head + i * row; }
};

template <class T>
Heads<const T> heads(dt_kernel_context* ctx, const dt_array& a, bool* failed) {
  const int64_t rows = a.sizes[2], cols = a.sizes[3];
  const bool dense = (cols <= 1 || a.strides[3] == 1) && a.strides[2] >= cols && a.strides[2] >= 1;
  if (dense) return {static_cast<const T*>(a.data), a.strides[0], a.strides[1], a.strides[2]};
  const T* copy = contiguous_data<T>(ctx, a);
  *failed |= !copy;
  return {copy, a.sizes[1] * rows * cols, rows * cols, std::max<int64_t>(cols, 1)};
}

// What is added to the scores, or leaves keys out.
struct Mask {
  const char* data = nullptr;  // none
  bool keeps = false;          // bool: True where a key takes part
  int64_t batch = 0, head = 0, row = 0, col = 0;

  explicit Mask(const dt_array& a) {
    if (a.ndim < 0) return;
    data = static_cast<const char*>(a.data);
    keeps = a.dtype == DT_BOOL;
    batch = a.strides[0], head = a.strides[1], row = a.strides[2], col = a.strides[3];
  }
};

template <class T>
constexpr T kLowest = -std::numeric_limits<T>::infinity();

// Which weights are dropped: the same in both directions, as each is a function of its place.
struct Dropout {
  double p;
  uint64_t key, offset;

  explicit Dropout(const dt_value* args)  // dropout_p, random_key, random_offset
      : p(as_double(args[0])), key(static_cast<uint64_t>(args[1].as.i)), offset(static_cast<uint64_t>(args[2].as.i)) {}
  bool on() const { return p > 0; }
};

template <class T>
DOVETAIL_CLONES void drop_row(const T* __restrict drawn, int64_t n, T p, T kept, T* __restrict factors) {
  for (int64_t c = 0; c < n; ++c) factors[c] = drawn[c] >= p ? kept : T{0};
}
template <class T>
DOVETAIL_CLONES void scale_row(const T* __restrict factors, int64_t n, T* __restrict row) {
  for (int64_t c = 0; c < n; ++c) row[c] *= factors[c];
}

// What both directions know of a call.
template <class T>
struct Job {
  Heads<const T> query, key, value;
  Mask mask;
  bool causal;
  T scale;
  Dropout dropout;
  int64_t batches, heads, groups, queries, keys, width, out_width;

  // options: is_causal, scale, dropout_p, random_key, random_offset
  Job(dt_kernel_context* ctx, const dt_array* ins, const dt_value* options, bool* failed)
      : query(cpu::heads<T>(ctx, ins[0], failed)),
        key(cpu::heads<T>(ctx, ins[1], failed)),
        value(cpu::heads<T>(ctx, ins[2], failed)),
        mask(ins[3]),
        causal(options[0].as.i != 0),
        scale(static_cast<T>(as_double(options[1]))),
        dropout(options + 2),
        batches(ins[0].sizes[0]),
        heads(ins[0].sizes[1]),
        groups(ins[1].sizes[1]),
        queries(ins[0].sizes[2]),
        keys(ins[1].sizes[2]),
        width(ins[0].sizes[3]),
        out_width(ins[2].sizes[3]) {}

  int64_t group_of(int64_t h) const { return h / (heads / groups); }
  // How many keys the queries before `end` can see.
  int64_t keys_for(int64_t end) const { return causal ? std::min(keys, end) : keys; }

  // One block of scores, rows kKeys apart.
  void scores(int64_t b, int64_t h, int64_t i, int64_t rows, int64_t j, int64_t cols, T* out) const {
    product<T>(false, true, rows, cols, width, scale, query.at(b, h, i), query.row, key.at(b, group_of(h), j), key.row,
               false, out, kKeys);
    if (mask.data) {
      for (int64_t r = 0; r < rows; ++r) {
        const int64_t from = b * mask.batch + h * mask.head + (i + r) * mask.row + j * mask.col;
        if (mask.keeps)
          leave_out(reinterpret_cast<const uint8_t*>(mask.data) + from, cols, out + r * kKeys);
        else
          add_row(reinterpret_cast<const T*>(mask.data) + from, cols, out + r * kKeys);
      }
    }
    if (causal)
      for (int64_t r = 0; r < rows; ++r)
        for (int64_t c = std::max<int64_t>(0, i + r + 1 - j); c < cols; ++c) out[r * kKeys + c] = kLowest<T>;
  }
  // What dropout multiplies a block of weights by, rows kKeys apart, as those are; `room` for a row of numbers.
  void factors(int64_t b, int64_t h, int64_t i, int64_t rows, int64_t j, int64_t cols, T* out, T* room) const {
    const T p = static_cast<T>(dropout.p), kept = static_cast<T>(dropout.p < 1 ? 1 / (1 - dropout.p) : 0);
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t first = ((b * heads + h) * queries + i + r) * keys + j;
      drop_row(philox_uniforms(dropout.key, dropout.offset, first, cols, room), cols, p, kept, out + r * kKeys);
    }
  }
  void leave_out(const uint8_t* keeps, int64_t cols, T* out) const {
    for (int64_t c = 0; c < cols; ++c)
      if (!keeps[c * mask.col]) out[c] = kLowest<T>;
  }
  void add_row(const T* added, int64_t cols, T* out) const {
    for (int64_t c = 0; c < cols; ++c) out[c] += added[c * mask.col];
  }
};

// Run body(task, scratch) for every task, each worker with scratch of `size` elements. False: out of memory.
template <class T, class Body>
bool share(dt_kernel_context* ctx, int64_t tasks, int64_t size, const Body& body) {
  const int64_t workers = std::min(tasks, kWorkers);
  T* scratch = static_cast<T*>(ctx->workspace(ctx, static_cast<size_t>(workers * size) * sizeof(T) + 1));
  if (!scratch) return false;
  parallel(ctx, workers, 1, [&](int64_t begin, int64_t end) {
    for (int64_t w = begin; w < end; ++w)
      for (int64_t task = tasks * w / workers; task < tasks * (w + 1) / workers; ++task) body(task, scratch + w * size);
  });
  return true;
}

// ---- forward --------------------------------------------------------------------------------------------------

template <class T>
DOVETAIL_CLONES T largest(const T* x, int64_t n) {
  constexpr int L = 16;
  T lane[L], top = kLowest<T>;
  bool nan = false;
  std::fill_n(lane, L, top);
  int64_t i = 0;
  for (; i + L <= n; i += L)
    for (int l = 0; l < L; ++l) {
      lane[l] = x[i + l] > lane[l] ? x[i + l] : lane[l];
      nan |= x[i + l] != x[i + l];
    }
  for (; i < n; ++i) {
    top = x[i] > top ? x[i] : top;
    nan |= x[i] != x[i];
  }
  for (int l = 0; l < L; ++l) top = lane[l] > top ? lane[l] : top;
  return nan ? std::numeric_limits<T>::quiet_NaN() : top;
}

// x becomes e^(x - shift), for no x above it; their sum.
template <class T>
DOVETAIL_CLONES T exponentials(T* x, int64_t n, T shift) {
  constexpr int L = 16;
  T lane[L] = {}, total = 0;
  int64_t i = 0;
  for (; i + L <= n; i += L)
    for (int l = 0; l < L; ++l) {
      const T e = exp_nonpositive(x[i + l] - shift);
      x[i + l] = e;
      lane[l] += e;
    }
  for (; i < n; ++i) total += x[i] = exp_nonpositive(x[i] - shift);
  for (int width = L / 2; width >= 1; width /= 2)
    for (int l = 0; l < width; ++l) lane[l] += lane[l + width];
  return total + lane[0];
}

template <class T>
void forward_block(const Job<T>& job, int64_t task, T* scratch, T* out, T* lse) {
  const int64_t blocks = (job.queries + kQueries - 1) / kQueries;
  const int64_t bh = task / blocks, b = bh / job.heads, h = bh % job.heads, i = task % blocks * kQueries;
  const int64_t rows = std::min(kQueries, job.queries - i), n = job.out_width;
  T *block = scratch, *top = block + kQueries * kKeys, *total = top + kQueries;
  T *factors = total + kQueries, *drawn = factors + kQueries * kKeys;  // where there is dropout
  T* to = out + (bh * job.queries + i) * n;
  std::fill_n(top, rows, kLowest<T>);
  std::fill_n(total, rows, T{0});
  std::fill_n(to, rows * n, T{0});
  const int64_t keys = job.keys_for(i + rows);
  for (int64_t j = 0; j < keys; j += kKeys) {
    const int64_t cols = std::min(kKeys, keys - j);
    job.scores(b, h, i, rows, j, cols, block);
    for (int64_t r = 0; r < rows; ++r) {
      T* s = block + r * kKeys;
      const T seen = largest(s, cols), next = seen > top[r] || seen != seen ? seen : top[r];
      if (next == kLowest<T>) {  // no key yet
        std::fill_n(s, cols, T{0});
        continue;
      }
      const T shrink = top[r] == next ? T{1} : std::exp(top[r] - next);
      total[r] = total[r] * shrink + exponentials(s, cols, next);
      if (shrink != T{1})
        for (int64_t c = 0; c < n; ++c) to[r * n + c] *= shrink;
      top[r] = next;
    }
    if (job.dropout.on()) {  // after the sums: they are of all weights
      job.factors(b, h, i, rows, j, cols, factors, drawn);
      for (int64_t r = 0; r < rows; ++r) scale_row(factors + r * kKeys, cols, block + r * kKeys);
    }
    product<T>(false, false, rows, n, cols, T{1}, block, kKeys, job.value.at(b, job.group_of(h), j), job.value.row,
               true, to, n);
  }
  for (int64_t r = 0; r < rows; ++r) {
    const T share = total[r] == T{0} ? T{0} : T{1} / total[r];
    for (int64_t c = 0; c < n; ++c) to[r * n + c] *= share;
    lse[bh * job.queries + i + r] = total[r] == T{0} ? kLowest<T> : top[r] + std::log(total[r]);
  }
}

template <class T>
dt_status attention_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                           int32_t, const dt_value* args, int32_t) {
  bool failed = false;
  if (numel(outs[1]) == 0) return DT_OK;
  const Job<T> job(ctx, ins, args + 4, &failed);
  T *out = room<T>(ctx, outs[0]), *lse = room<T>(ctx, outs[1]);
  if (failed || (!out && numel(outs[0])) || !lse) return out_of_memory(ctx, "attention");
  const int64_t blocks = (job.queries + kQueries - 1) / kQueries;
  const int64_t size = kQueries * (kKeys + 2) + (job.dropout.on() ? kDropout : 0);
  const bool done = share<T>(ctx, job.batches * job.heads * blocks, size,
                             [&](int64_t task, T* scratch) { forward_block(job, task, scratch, out, lse); });
  if (!done) return out_of_memory(ctx, "attention");
  deliver(ctx, outs[0], out);
  deliver(ctx, outs[1], lse);
  return DT_OK;
}

// ---- backward -------------------------------------------------------------------------------------------------

// weights: scores become e^(score - lse); toward: becomes weights * (toward - centre) * scale.
template <class T>
DOVETAIL_CLONES void score_grads(T* __restrict weights, T* __restrict toward, int64_t n, T lse, T centre, T scale) {
  for (int64_t c = 0; c < n; ++c) {
    const T above = weights[c] - lse;  // of 0 or less, but for rounding
    const T p = exp_nonpositive(above > T{80} ? T{80} : above);
    weights[c] = p;
    toward[c] = p * (toward[c] - centre) * scale;
  }
}

template <class T>
struct Backward {
  const Job<T>& job;
  Heads<const T> grad, out;
  const T *lse, *grad_lse;                // grad_lse: or none
  T *grad_query, *grad_key, *grad_value;  // contiguous

  // All queries of the heads that share one key, and so the whole gradient of that.
  void operator()(int64_t task, T* scratch) const {
    const int64_t b = task / job.groups, g = task % job.groups, each = job.heads / job.groups;
    std::fill_n(grad_key + task * job.keys * job.width, job.keys * job.width, T{0});
    std::fill_n(grad_value + task * job.keys * job.out_width, job.keys * job.out_width, T{0});
    for (int64_t h = g * each; h < (g + 1) * each; ++h)
      for (int64_t i = 0; i < job.queries; i += kQueries) block(b, g, h, i, scratch);
  }

  void block(int64_t b, int64_t g, int64_t h, int64_t i, T* scratch) const {
    const int64_t rows = std::min(kQueries, job.queries - i), keys = job.keys_for(i + rows);
    const int64_t width = job.width, n = job.out_width, bh = b * job.heads + h, bg = b * job.groups + g;
    T *weights = scratch, *toward = weights + kQueries * kKeys, *centre = toward + kQueries * kKeys;
    T *factors = centre + kQueries, *drawn = factors + kQueries * kKeys;  // where there is dropout
    for (int64_t r = 0; r < rows; ++r) {
      centre[r] = dot(grad.at(b, h, i + r), out.at(b, h, i + r), n);
      if (grad_lse) centre[r] -= grad_lse[bh * job.queries + i + r];
    }
    T* to = grad_query + (bh * job.queries + i) * width;
    std::fill_n(to, rows * width, T{0});
    for (int64_t j = 0; j < keys; j += kKeys) {
      const int64_t cols = std::min(kKeys, keys - j);
      job.scores(b, h, i, rows, j, cols, weights);
      product<T>(false, true, rows, cols, n, T{1}, grad.at(b, h, i), grad.row, job.value.at(b, g, j), job.value.row,
                 false, toward, kKeys);
      if (job.dropout.on()) job.factors(b, h, i, rows, j, cols, factors, drawn);
      for (int64_t r = 0; r < rows; ++r) {
        if (job.dropout.on()) scale_row(factors + r * kKeys, cols, toward + r * kKeys);
        const T total = lse[bh * job.queries + i + r];
        if (total == kLowest<T>) {  // no key
          std::fill_n(weights + r * kKeys, cols, T{0});
          std::fill_n(toward + r * kKeys, cols, T{0});
        } else {
          score_grads(weights + r * kKeys, toward + r * kKeys, cols, total, centre[r], job.scale);
        }
        if (job.dropout.on()) scale_row(factors + r * kKeys, cols, weights + r * kKeys);
      }
      product<T>(true, false, cols, n, rows, T{1}, weights, kKeys, grad.at(b, h, i), grad.row, true,
                 grad_value + (bg * job.keys + j) * n, n);
      product<T>(false, false, rows, width, cols, T{1}, toward, kKeys, job.key.at(b, g, j), job.key.row, true, to,
                 width);
      product<T>(true, false, cols, width, rows, T{1}, toward, kKeys, job.query.at(b, h, i), job.query.row, true,
                 grad_key + (bg * job.keys + j) * width, width);
    }
  }
};

template <class T>
dt_status attention_grad_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                                int32_t, const dt_value* args, int32_t) {
  bool failed = false;
  T *query = room<T>(ctx, outs[0]), *key = room<T>(ctx, outs[1]), *value = room<T>(ctx, outs[2]);
  if (ins[1].sizes[0] == 0 || ins[2].sizes[1] == 0) return DT_OK;
  const Job<T> job(ctx, ins + 1, args + 8, &failed);
  const Backward<T> backward{job,
                             heads<T>(ctx, ins[0], &failed),
                             heads<T>(ctx, ins[5], &failed),
                             contiguous_data<T>(ctx, ins[6]),
                             ins[7].ndim < 0 ? nullptr : contiguous_data<T>(ctx, ins[7]),
                             query,
                             key,
                             value};
  const bool all = (query || !numel(outs[0])) && (key || !numel(outs[1])) && (value || !numel(outs[2])) &&
                   (!numel(ins[6]) || (backward.lse && (ins[7].ndim < 0 || backward.grad_lse)));
  const int64_t size = kQueries * (2 * kKeys + 1) + (job.dropout.on() ? kDropout : 0);
  if (failed || !all || !share<T>(ctx, job.batches * job.groups, size, backward))
    return out_of_memory(ctx, "attention_grad");
  deliver(ctx, outs[0], query);
  deliver(ctx, outs[1], key);
  deliver(ctx, outs[2], value);
  return DT_OK;
}

}  // namespace

void register_attention(KernelTable& table) {
  table.add("attention", DT_FLOAT32, attention_kernel<float>);
  table.add("attention", DT_FLOAT64, attention_kernel<double>);
  table.add("attention_grad", DT_FLOAT32, attention_grad_kernel<float>);
  table.add("attention_grad", DT_FLOAT64, attention_grad_kernel<double>);
}

}  // namespace dovetail::cpu
