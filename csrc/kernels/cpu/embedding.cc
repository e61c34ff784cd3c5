// Rows of a table, looked up and summed in bags, and the gradients. Of a table's gradient each piece of rows goes over
// all indices, in order, so that the sums are the same for any number of threads.
#include "kernels/cpu/bag_rows.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/room.h"
#include "kernels/cpu/sixteen.h"

namespace dovetail::cpu {

namespace {

constexpr int64_t kPieces = 8;  // of a table

template <class T>
DOVETAIL_CLONES void add_scaled(T* __restrict to, const T* __restrict from, T scale, int64_t n) {
  for (int64_t i = 0; i < n; ++i) to[i] += scale * from[i];
}
template <class T>
DOVETAIL_CLONES void divide(T* to, T by, int64_t n) {
  for (int64_t i = 0; i < n; ++i) to[i] /= by;
}
template <class T>
DOVETAIL_CLONES double dot(const T* a, const T* b, int64_t n) {
  double total = 0;
  for (int64_t i = 0; i < n; ++i) total += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return total;
}

int64_t padding_of(const dt_value& v) { return v.tag == DT_NONE ? -1 : v.as.i; }

// ---- rows ----------------------------------------------------------------------------------------------------

// (weight, input, padding_idx, scale_grad_by_freq), of any dtype
dt_status rows_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                      const dt_value*, int32_t) {
  const dt_array &weight = ins[0], &input = ins[1];
  const int64_t n = numel(input), dim = weight.sizes[1];
  const dt_status status = check_indices(ctx, "embedding_rows", input, 0, weight.sizes[0], 0);
  if (status != DT_OK || n * dim == 0) return status;
  const int64_t* index = contiguous_data<int64_t>(ctx, input);
  const size_t bytes = static_cast<size_t>(numel(outs[0]) * item_bytes(weight.dtype));
  const bool direct = is_contiguous(outs[0]);
  void* made = direct ? outs[0].data : ctx->workspace(ctx, bytes);
  if (!index || !made) return out_of_memory(ctx, "embedding_rows");
  visit_size(item_bytes(weight.dtype), [&](auto unit) {
    using U = decltype(unit);
    const U* table = static_cast<const U*>(weight.data);
    U* to = static_cast<U*>(made);
    parallel(ctx, n, grain_for(dim), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        copy_run(to + i * dim, 1, table + index[i] * weight.strides[0], weight.strides[1], dim);
    });
  });
  if (!direct) copy_from_contiguous(ctx, outs[0], made);
  return DT_OK;
}

// ---- the gradient of a table ---------------------------------------------------------------------------------

// Indices in bags, whose gradient each of them gets.
template <class T>
struct Lookups {
  const T* grad;
  const int64_t *index, *offsets;  // without offsets, every index has a gradient of its own
  const T* samples;
  int64_t n, bags, rows, dim, padding;
  bool mean, by_frequency;

  int64_t begin(int64_t bag) const { return offsets ? offsets[bag] : bag; }
  int64_t end(int64_t bag) const { return !offsets ? bag + 1 : bag + 1 < bags ? offsets[bag + 1] : n; }
  double share(int64_t bag) const {  // what the mean multiplies by
    if (!mean) return 1;
    int64_t count = 0;
    for (int64_t i = begin(bag); i < end(bag); ++i) count += index[i] != padding;
    return count ? 1 / static_cast<double>(count) : 1;
  }
  T scale(int64_t i, double share) const {
    return static_cast<T>(samples ? share * static_cast<double>(samples[i]) : share);
  }

  // The gradient of rows [first, last); counts: scratch for them.
  void accumulate(int64_t first, int64_t last, T* out, int64_t* counts) const {
    std::fill_n(out + first * dim, (last - first) * dim, T{0});
    if (by_frequency) std::fill(counts + first, counts + last, 0);
    for (int64_t bag = 0; bag < bags; ++bag) {
      const double part = share(bag);
      for (int64_t i = begin(bag); i < end(bag); ++i) {
        const int64_t row = index[i];
        if (row < first || row >= last) continue;
        if (by_frequency) ++counts[row];
        if (row != padding) add_scaled(out + row * dim, grad + bag * dim, scale(i, part), dim);
      }
    }
    if (!by_frequency) return;
    for (int64_t row = first; row < last; ++row)
      if (counts[row] > 1) divide(out + row * dim, static_cast<T>(counts[row]), dim);
  }

  dt_status run(dt_kernel_context* ctx, const char* op, const dt_array& to) const {
    T* out = room<T>(ctx, to);
    int64_t* counts = static_cast<int64_t*>(ctx->workspace(ctx, by_frequency ? rows * sizeof(int64_t) + 1 : 1));
    if ((!out && rows * dim > 0) || !counts) return out_of_memory(ctx, op);
    const int64_t pieces = std::max<int64_t>(1, std::min({rows, kPieces, (n + rows) * dim / kGrain}));
    parallel(ctx, pieces, 1, [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) accumulate(rows * p / pieces, rows * (p + 1) / pieces, out, counts);
    });
    deliver(ctx, to, out);
    return DT_OK;
  }
};

// (grad, input, rows, padding_idx, scale_grad_by_freq)
template <class T>
dt_status rows_grad_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                           int32_t, const dt_value* args, int32_t) {
  const int64_t n = numel(ins[1]), rows = args[2].as.i;
  const dt_status status = check_indices(ctx, "embedding_rows_grad", ins[1], 0, rows, 0);
  if (status != DT_OK) return status;
  const T* grad = contiguous_data<T>(ctx, ins[0]);
  const int64_t* index = contiguous_data<int64_t>(ctx, ins[1]);
  if (n && (!grad || !index)) return out_of_memory(ctx, "embedding_rows_grad");
  const Lookups<T> lookups{
      grad, index, nullptr, nullptr, n, n, rows, outs[0].sizes[1], padding_of(args[3]), false, args[4].as.i != 0};
  return lookups.run(ctx, "embedding_rows_grad", outs[0]);
}

// ---- bags ----------------------------------------------------------------------------------------------------

// Refuses indices and offsets that reach outside.
dt_status check_bags(dt_kernel_context* ctx, const char* op, const dt_array& index, const int64_t* offsets,
                     int64_t bags, int64_t rows) {
  const int64_t n = index.sizes[0];
  bool good = bags == 0 ? n == 0 : offsets[0] == 0 && offsets[bags - 1] <= n;
  for (int64_t b = 1; b < bags; ++b) good = good && offsets[b - 1] <= offsets[b];
  if (good) return check_indices(ctx, op, index, 0, rows, 0);
  char text[160];
  std::snprintf(text, sizeof text, "%s: offsets must begin with 0, not fall, and stay within the %lld indices", op,
                static_cast<long long>(n));
  return ctx->fail(ctx, DT_ERR_VALUE, text);
}

// The arguments (weight, input, offsets, per_sample_weights, mean, padding_idx, scale_grad_by_freq).
template <class T>
struct Bags {
  const T* weight;
  Lookups<T> lookups;
  dt_status status;

  Bags(dt_kernel_context* ctx, const char* op, const dt_array* ins, const dt_value* args)
      : weight(contiguous_data<T>(ctx, ins[0])) {
    const int64_t bags = ins[2].sizes[0], n = ins[1].sizes[0];
    const int64_t* index = contiguous_data<int64_t>(ctx, ins[1]);
    const int64_t* offsets = contiguous_data<int64_t>(ctx, ins[2]);
    const T* samples = ins[3].ndim < 0 ? nullptr : contiguous_data<T>(ctx, ins[3]);
    lookups = {nullptr,
               index,
               offsets,
               samples,
               n,
               bags,
               ins[0].sizes[0],
               ins[0].sizes[1],
               padding_of(args[5]),
               args[4].as.i != 0,
               args[6].as.i != 0};
    const bool missing =
        (numel(ins[0]) && !weight) || (n && !index) || (bags && !offsets) || (n && ins[3].ndim >= 0 && !samples);
    status = missing ? out_of_memory(ctx, op) : check_bags(ctx, op, ins[1], offsets, bags, ins[0].sizes[0]);
  }

  // body(bag, its rows) for every bag.
  template <class Body>
  void for_each(dt_kernel_context* ctx, const Body& body) const {
    const Lookups<T>& l = lookups;
    parallel(ctx, l.bags, grain_for(ceil_div(l.n, l.bags) * l.dim), [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b)
        body(b, BagRows<T>{weight, l.dim, l.index + l.begin(b), l.end(b) - l.begin(b), l.padding});
    });
  }
};

template <class T>
dt_status bags_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                      const dt_value* args, int32_t) {
  const Bags<T> bags(ctx, "embedding_bag_sum", ins, args);
  const Lookups<T>& l = bags.lookups;
  if (bags.status != DT_OK || l.bags * l.dim == 0) return bags.status;
  T* out = room<T>(ctx, outs[0]);
  if (!out) return out_of_memory(ctx, "embedding_bag_sum");
  const BagFolds<T>& folds = bag_folds<T>();
  bags.for_each(ctx, [&](int64_t b, const BagRows<T>& rows) {
    folds.sum(rows, l.samples ? l.samples + l.begin(b) : nullptr, static_cast<T>(l.share(b)), out + b * l.dim);
  });
  deliver(ctx, outs[0], out);
  return DT_OK;
}

// (weight, input, offsets, padding_idx)
template <class T>
dt_status bags_max_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                          int32_t, const dt_value* args, int32_t) {
  const char* op = "embedding_bag_max";
  const dt_array given[] = {ins[0], ins[1], ins[2], {nullptr, nullptr, nullptr, -1, 0}};
  dt_value options[7] = {};
  options[5] = args[3];
  const Bags<T> bags(ctx, op, given, options);
  const Lookups<T>& l = bags.lookups;
  if (bags.status != DT_OK || l.bags * l.dim == 0) return bags.status;
  T* out = room<T>(ctx, outs[0]);
  int64_t* which = room<int64_t>(ctx, outs[1]);
  if (!out || !which) return out_of_memory(ctx, op);
  const BagFolds<T>& folds = bag_folds<T>();
  bags.for_each(ctx,
                [&](int64_t b, const BagRows<T>& rows) { folds.largest(rows, out + b * l.dim, which + b * l.dim); });
  deliver(ctx, outs[0], out);
  deliver(ctx, outs[1], which);
  return DT_OK;
}

template <class T>
dt_status bags_grad_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                           int32_t, const dt_value* args, int32_t) {
  const char* op = "embedding_bag_sum_grad";
  Bags<T> bags(ctx, op, ins + 1, args + 1);
  if (bags.status != DT_OK) return bags.status;
  Lookups<T>& l = bags.lookups;
  l.grad = contiguous_data<T>(ctx, ins[0]);
  if (numel(ins[0]) && !l.grad) return out_of_memory(ctx, op);
  const dt_status status = l.run(ctx, op, outs[0]);
  if (status != DT_OK || !l.samples || l.n == 0) return status;
  T* dots = room<T>(ctx, outs[1]);
  if (!dots) return out_of_memory(ctx, op);
  parallel(
      ctx, l.bags, grain_for(ceil_div(l.n, std::max<int64_t>(1, l.bags)) * l.dim), [&](int64_t begin, int64_t end) {
        for (int64_t b = begin; b < end; ++b) {
          const double part = l.share(b);
          for (int64_t i = l.begin(b); i < l.end(b); ++i)
            dots[i] = l.index[i] == l.padding
                          ? T{0}
                          : static_cast<T>(part * dot(l.grad + b * l.dim, bags.weight + l.index[i] * l.dim, l.dim));
        }
      });
  deliver(ctx, outs[1], dots);
  return DT_OK;
}

template <class T>
void add_sums(KernelTable& table, int32_t dtype) {
  table.add("embedding_rows_grad", dtype, rows_grad_kernel<T>);
  table.add("embedding_bag_sum", dtype, bags_kernel<T>);
  table.add("embedding_bag_max", dtype, bags_max_kernel<T>);
  table.add("embedding_bag_sum_grad", dtype, bags_grad_kernel<T>);
}

}  // namespace

void register_embedding(KernelTable& table) {
  add_floats_whole(table, add_sums<float>, add_sums<double>);
  for (int32_t dtype = 0; dtype < DT_DTYPE_COUNT; ++dtype) table.add("embedding_rows", dtype, rows_kernel);
}

}  // namespace dovetail::cpu
