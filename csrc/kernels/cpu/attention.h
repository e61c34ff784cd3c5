// What attention and its gradient share: blocks of queries against blocks of keys, so that a worker has the scores of a
// few queries with a block of keys at a time. The right-hand matrix of every product is laid out in panels.
#pragma once

#include <algorithm>
#include <limits>
#include <utility>

#include "kernels/cpu/index_copy.h"
#include "kernels/cpu/philox_range.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/room.h"
#include "kernels/cpu/row_product.h"

namespace dovetail::cpu::attention {

constexpr int64_t kQueries = 64, kKeys = 128;  // of a block
constexpr int64_t kSome = 32;                  // queries whose scores are worked on at a time
constexpr int64_t kWorkers = 16;               // each with a share of the blocks, by shape alone

// A (B, H, rows, cols) array whose rows lie in a row.
template <class T>
struct Heads {
  T* data = nullptr;
  int64_t batch = 0, head = 0, row = 0;  // strides
  T* at(int64_t b, int64_t h, int64_t i = 0) const { return data + b * batch + h * head + i * row; }
};

// Whether an array's elements of a row lie side by side, and its rows apart.
inline bool has_rows(const dt_array& a) {
  return (a.sizes[3] <= 1 || a.strides[3] == 1) && a.strides[2] >= a.sizes[3] && a.strides[2] >= 1;
}

// Those of an array that has rows, and of contiguous memory in its shape.
template <class T>
Heads<T> heads_of(T* data, const dt_array& a) {
  return {data, a.strides[0], a.strides[1], a.strides[2]};
}
template <class T>
Heads<T> contiguous_heads(T* data, const dt_array& a) {
  const int64_t rows = a.sizes[2], cols = a.sizes[3];
  return {data, a.sizes[1] * rows * cols, rows * cols, std::max<int64_t>(cols, 1)};
}

template <class T>
Heads<const T> heads(dt_kernel_context* ctx, const dt_array& a, bool* failed) {
  if (has_rows(a)) return heads_of(static_cast<const T*>(a.data), a);
  const T* copy = contiguous_data<T>(ctx, a);
  *failed |= !copy;
  return contiguous_heads(copy, a);
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
  static constexpr int64_t kScratch = kSome * kKeys + kKeys + kUniformsBefore;  // elements
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
      : query(attention::heads<T>(ctx, ins[0], failed)),
        key(attention::heads<T>(ctx, ins[1], failed)),
        value(attention::heads<T>(ctx, ins[2], failed)),
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
  // How many of the `cols` keys from j on they can see.
  int64_t visible(int64_t end, int64_t j, int64_t cols) const {
    return causal ? std::max<int64_t>(0, std::min(cols, end - j)) : cols;
  }

  // Queries times `scale`, one after the other.
  void scaled_queries(int64_t b, int64_t h, int64_t i, int64_t rows, T* out) const {
    for (int64_t r = 0; r < rows; ++r) {
      const T* from = query.at(b, h, i + r);
      for (int64_t c = 0; c < width; ++c) out[r * width + c] = scale * from[c];
    }
  }
  // What is added to scores or leaves keys out; rows kKeys apart.
  void apply_masks(int64_t b, int64_t h, int64_t i, int64_t rows, int64_t j, int64_t cols, T* out) const {
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
        if (const int64_t seen = std::max<int64_t>(0, i + r + 1 - j); seen < cols)
          std::fill_n(out + r * kKeys + seen, cols - seen, kLowest<T>);
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

void register_grad(KernelTable& table);

}  // namespace dovetail::cpu::attention
