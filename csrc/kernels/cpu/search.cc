// Places in sorted sequences, and the order of random numbers.
#include <algorithm>
#include <cstdio>

#include "kernels/cpu/element.h"
#include "kernels/cpu/families.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/room.h"

namespace dovetail::cpu {
namespace {

// ---- bisection ----------------------------------------------------------------------------------------------

// Whether an element of the sequence stands before a value; NaN sorts last.
template <bool kRight, class T>
inline bool stands_before(T element, T value) {
  if constexpr (kRight)
    return (element <= value) | (value != value);
  else
    return (element < value) | ((value != value) & (element == element));
}

constexpr int64_t kTogether = 8;  // searches whose steps do not wait for each other

template <bool kRight, int kCount, class T>
inline void search_some(const T* sequence, int64_t n, const T* values, int64_t* places) {
  int64_t at[kCount] = {};
  int64_t left = n;
  for (; left > 1; left -= left / 2) {
    const int64_t half = left / 2;
    for (int j = 0; j < kCount; ++j)
      at[j] += half & -static_cast<int64_t>(stands_before<kRight>(sequence[at[j] + half - 1], values[j]));
  }
  for (int j = 0; j < kCount; ++j) places[j] = at[j] + (left == 1 && stands_before<kRight>(sequence[at[j]], values[j]));
}

template <bool kRight, class T>
void search_run(const T* sequence, int64_t n, const T* values, int64_t* places, int64_t count) {
  int64_t i = 0;
  for (; i + kTogether <= count; i += kTogether) search_some<kRight, kTogether>(sequence, n, values + i, places + i);
  for (; i < count; ++i) search_some<kRight, 1>(sequence, n, values + i, places + i);
}

bool suits(const dt_array& sequence, const dt_array& values) {
  bool same = sequence.ndim == values.ndim && sequence.ndim > 0;
  for (int i = 0; same && i < values.ndim - 1; ++i) same = sequence.sizes[i] == values.sizes[i];
  return same || sequence.ndim == 1;
}

// (values, sequence, right): the sequence is one for all, or one for each row of values.
template <class T>
dt_status places_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                        int32_t, const dt_value* args, int32_t) {
  const dt_array &values = ins[0], &sequence = ins[1];
  const int64_t count = numel(values);
  if (!suits(sequence, values)) {
    char text[160];
    std::snprintf(
        text, sizeof text,
        "insertion_places: expected a sequence of one dim, or of the values' dims but for the last; got %d dims "
        "for values of %d",
        sequence.ndim, values.ndim);
    return ctx->fail(ctx, DT_ERR_VALUE, text);
  }
  if (count == 0) return DT_OK;
  const int64_t n = sequence.sizes[sequence.ndim - 1], rows = n > 0 ? numel(sequence) / n : 1, each = count / rows;
  const T *from = contiguous_data<T>(ctx, values), *in = contiguous_data<T>(ctx, sequence);
  int64_t* to = room<int64_t>(ctx, outs[0]);
  if (!from || (n > 0 && !in) || !to) return out_of_memory(ctx, "insertion_places");
  const bool right = args[2].as.i != 0;
  parallel(ctx, count, 1024, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end;) {
      const int64_t row = i / each, until = std::min(end, (row + 1) * each);
      (right ? search_run<true, T> : search_run<false, T>)(in + row * n, n, from + i, to + i, until - i);
      i = until;
    }
  });
  deliver(ctx, outs[0], to);
  return DT_OK;
}

// ---- the order of random numbers ------------------------------------------------------------------------------

struct Keyed {
  uint64_t key;
  int64_t index;
};

constexpr int kMostBits = 14;                // of a distribution
constexpr int64_t kFew = 2, kInserted = 48;  // how many are wanted in a run, and up to how many are sorted by insertion
constexpr int64_t kRoom = 2048;              // for what is distributed again

void order_few(Keyed* items, int64_t n) {
  if (n > kInserted) {  // not evenly distributed, then
    std::stable_sort(items, items + n, [](const Keyed& a, const Keyed& b) { return a.key < b.key; });
    return;
  }
  for (int64_t i = 1; i < n; ++i) {
    const Keyed item = items[i];
    int64_t j = i;
    for (; j > 0 && item.key < items[j - 1].key; --j) items[j] = items[j - 1];
    items[j] = item;
  }
}

// How many leading bits leave no more than `wanted` of n items for each of their values.
int bits_for(int64_t n, int64_t wanted) {
  int bits = 0;
  while (bits < kMostBits && (n >> bits) > wanted) ++bits;
  return bits;
}

// Into runs by `bits` bits of the keys after the first `skip`; ends[r] is where run r ends.
template <class Item>
void distribute(const Item& item, int64_t n, int skip, int bits, Keyed* to, int64_t* ends) {
  const int64_t runs = int64_t{1} << bits;
  const auto run_of = [&](uint64_t key) { return bits ? key << skip >> (64 - bits) : 0; };
  std::fill(ends, ends + runs, 0);
  for (int64_t i = 0; i < n; ++i) ++ends[run_of(item(i).key)];
  int64_t at = 0;
  for (int64_t r = 0; r < runs; ++r) {
    const int64_t count = ends[r];
    ends[r] = at;
    at += count;
  }
  for (int64_t i = 0; i < n; ++i) {
    const Keyed moved = item(i);
    to[ends[run_of(moved.key)]++] = moved;
  }
}

// Distributes twice where there are many, so that what is sorted lies in the cache.
dt_status order_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                       const dt_value*, int32_t) {
  const int64_t n = numel(ins[0]);
  if (ins[0].ndim != 1) return ctx->fail(ctx, DT_ERR_VALUE, "random_order: expected a vector of int64");
  if (n == 0) return DT_OK;
  const int64_t* bits = contiguous_data<int64_t>(ctx, ins[0]);
  int64_t* to = room<int64_t>(ctx, outs[0]);
  auto* items = static_cast<Keyed*>(ctx->workspace(ctx, static_cast<size_t>(n) * sizeof(Keyed)));
  auto* ends = static_cast<int64_t*>(ctx->workspace(ctx, sizeof(int64_t) << kMostBits));
  if (!bits || !to || !items || !ends) return out_of_memory(ctx, "random_order");
  const auto given = [&](int64_t i) {
    return Keyed{static_cast<uint64_t>(bits[i]) ^ uint64_t{1} << 63, i};  // signed numbers in order
  };
  const int wide = bits_for(n, n <= 8192 ? kFew : kRoom / 2);
  distribute(given, n, 0, wide, items, ends);
  parallel(ctx, int64_t{1} << wide, std::max<int64_t>(1, (int64_t{8192} << wide) / n), [&](int64_t begin, int64_t end) {
    Keyed room[kRoom];
    int64_t inner[kRoom];
    for (int64_t r = begin; r < end; ++r) {
      const int64_t from = r > 0 ? ends[r - 1] : 0, count = ends[r] - from;
      Keyed* run = items + from;
      if (count > kInserted && count <= kRoom) {
        const int narrow = bits_for(count, kFew);
        distribute([&](int64_t i) { return run[i]; }, count, wide, narrow, room, inner);
        for (int64_t k = 0, done = 0; k < int64_t{1} << narrow; done = inner[k++])
          order_few(room + done, inner[k] - done);
        for (int64_t i = 0; i < count; ++i) to[from + i] = room[i].index;
      } else {
        order_few(run, count);
        for (int64_t i = 0; i < count; ++i) to[from + i] = run[i].index;
      }
    }
  });
  deliver(ctx, outs[0], to);
  return DT_OK;
}

}  // namespace

void register_search(KernelTable& table) {
  for (int32_t dtype : kDTypes)
    visit_dtype(dtype, [&](auto zero) { table.add("insertion_places", dtype, dtype, places_kernel<decltype(zero)>); });
  table.add("random_order", DT_INT64, order_kernel);
}

}  // namespace dovetail::cpu
