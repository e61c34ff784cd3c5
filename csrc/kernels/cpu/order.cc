// Orders of which only a part is wanted: sort_first, the first few of the sorted elements, and select_rank, the one of
// a rank (medians). Both give what the stable sort would.
#include "kernels/cpu/registry.h"
#include "kernels/cpu/sort_items.h"

namespace dovetail::cpu {

namespace {

// ---- the key of a rank ---------------------------------------------------------------------------------------

constexpr int64_t kShort = 24;  // keys that are compared each with each

template <class K>
DOVETAIL_CLONES int64_t count_equal(const K* keys, int64_t n, K key) {
  int64_t total = 0;
  for (int64_t i = 0; i < n;) {
    const int64_t stop = std::min(n, i + 4096);
    uint32_t count = 0;
    for (; i < stop; ++i) count += keys[i] == key;
    total += count;
  }
  return total;
}

// Where, among equal keys, the one that `rank` others come before lies.
template <class K>
int64_t place_of(const K* keys, int64_t n, K key, int64_t rank) {
  constexpr int64_t kBlock = 256;
  int64_t i = 0;
  for (; i + kBlock <= n; i += kBlock) {
    const int64_t here = count_equal(keys + i, kBlock, key);
    if (rank < here) break;
    rank -= here;
  }
  while (keys[i] != key || rank-- > 0) ++i;
  return i;
}

// Of few keys the one of a rank, which becomes its rank among equal ones.
template <class K>
K nth_of_few(const K* keys, int64_t n, int64_t& rank) {
  for (int64_t i = 0;; ++i) {
    int64_t below = 0, equal = 0;
    for (int64_t j = 0; j < n; ++j) {
      below += keys[j] < keys[i];
      equal += keys[j] == keys[i];
    }
    if (below <= rank && rank < below + equal) {
      rank -= below;
      return keys[i];
    }
  }
}

// The same of many: by the most significant digit first, of the keys that share the digits found so far. rest: space
// for n keys.
template <int kDigit, class K>
K nth_key(const K* keys, K* rest, int64_t n, int64_t& rank, uint32_t* counts) {
  int shift = sizeof(K) * 8;
  K found = 0;
  while (shift > 0) {
    if (n <= kShort) return nth_of_few(keys, n, rank);
    const int digit = std::min(kDigit, shift);
    const uint32_t mask = (1u << digit) - 1;
    shift -= digit;
    std::memset(counts, 0, sizeof(uint32_t) * 2 << digit);
    uint32_t* const odd = counts + (int64_t{1} << digit);  // neighbours often have one digit: two tallies, in turns
    int64_t i = 0;
    for (; i + 2 <= n; i += 2) {
      ++counts[keys[i] >> shift & mask];
      ++odd[keys[i + 1] >> shift & mask];
    }
    if (i < n) ++counts[keys[i] >> shift & mask];
    uint32_t bucket = 0;
    int64_t here = 0;
    for (;; ++bucket) {
      here = int64_t{counts[bucket]} + odd[bucket];
      if (rank < here) break;
      rank -= here;
    }
    found = static_cast<K>(found | static_cast<K>(bucket) << shift);
    if (here == n) continue;
    int64_t kept = 0;
    for (int64_t j = 0; kept < here; ++j) {
      rest[kept] = keys[j];
      kept += (keys[j] >> shift & mask) == bucket;
    }
    keys = rest;
    n = here;
  }
  return found;
}

constexpr int64_t kTallies = 2 * 2048;

template <class K>
K key_of_rank(const K* keys, K* rest, int64_t n, int64_t& rank, uint32_t* counts) {
  return n >= kMany ? nth_key<11>(keys, rest, n, rank, counts) : nth_key<8>(keys, rest, n, rank, counts);
}

// ---- lines ---------------------------------------------------------------------------------------------------

template <class T>
dt_status of_a_number(const dt_array* outs, const dt_array& in) {
  *static_cast<T*>(outs[0].data) = *static_cast<const T*>(in.data);
  *static_cast<int64_t*>(outs[1].data) = 0;
  return DT_OK;
}

dt_status too_long(dt_kernel_context* ctx) {
  return ctx->fail(ctx, DT_ERR_VALUE, "sort: a dim of 2^32 elements or more cannot be sorted; split it first");
}

// ---- the element of a rank -----------------------------------------------------------------------------------

enum class Which { kRank, kMedian, kNanMedian };

// Which rank that is, in a line with so many NaNs, all of them last: the median is the first NaN where there is one.
int64_t rank_of(Which which, int64_t k, int64_t n, int64_t nans) {
  if (which == Which::kRank) return k;
  if (which == Which::kMedian) return nans > 0 ? n - nans : (n - 1) / 2;
  return std::max<int64_t>(0, n - nans - 1) / 2;
}

template <class T>
dt_status select_rank_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                             int32_t, const dt_value* args, int32_t) {
  using K = Key<T>;
  if (ins[0].ndim == 0) return of_a_number<T>(outs, ins[0]);
  const int dim = static_cast<int>(args[1].as.i);
  const Which which = args[2].as.string[0] == 'r'   ? Which::kRank
                      : args[2].as.string[0] == 'm' ? Which::kMedian
                                                    : Which::kNanMedian;
  const Line line = line_of(outs, ins[0], dim);
  const int64_t n = line.n, k = args[3].as.i;
  if (n >= int64_t{1} << 32) return too_long(ctx);
  const int64_t bytes = 2 * Space::bytes<K>(n) + Space::bytes<uint32_t>(kTallies);
  return for_lines<T>(ctx, "select_rank", outs, ins[0], dim, bytes,
                      [&](const T* in, T* values, int64_t* indices, Space space) {
                        K* const keys = space.take<K>(n);
                        K* const rest = space.take<K>(n);
                        make_keys(in, line.in, n, K{0}, keys);
                        const bool asks = kIsReal<T> && which != Which::kRank;
                        int64_t rank = rank_of(which, k, n, asks ? count_equal(keys, n, kNanKey<T>) : 0);
                        const K key = key_of_rank(keys, rest, n, rank, space.take<uint32_t>(kTallies));
                        const int64_t at = place_of(keys, n, key, rank);
                        *indices = at;
                        *values = in[at * line.in];
                      });
}

// ---- the first few -------------------------------------------------------------------------------------------

constexpr int64_t kBlock = 64;

// Whether one of a block's keys is below the limit.
template <class K>
DOVETAIL_CLONES bool any_below(const K* keys, K limit) {
  K any = 0;
  for (int64_t i = 0; i < kBlock; ++i) any = static_cast<K>(any | static_cast<K>(keys[i] < limit));
  return any != 0;
}

inline int64_t candidates(int64_t k) { return 4 * k + 2 * kBlock; }

// The first k of a long line, where they were one after another: one pass over blocks, most of which hold nothing below
// the k-th so far. Of equal keys the earlier one is kept, which a later one is not below. spare: as many as candidates.
template <class T, class Item>
void keep_first(const T* in, const Line& line, Key<T> flip, int64_t k, Item* items, Item* spare) {
  using K = Key<T>;
  const int64_t most = candidates(k);
  int64_t held = 0;
  bool limited = false;
  K limit = 0;
  auto shrink = [&] {
    std::copy_n(items, held, spare);
    std::nth_element(spare, spare + k - 1, spare + held);
    const Item last = spare[k - 1];
    int64_t kept = 0;
    for (int64_t i = 0; i < held; ++i) {
      items[kept] = items[i];
      kept += !(last < items[i]);
    }
    held = k;
    limit = static_cast<K>(last.key());
    limited = true;
  };
  K keys[kBlock];
  for (int64_t i = 0; i < line.n; i += kBlock) {
    const int64_t count = std::min(kBlock, line.n - i);
    make_keys(in + i * line.in, line.in, count, flip, keys);
    if (limited && count == kBlock && !any_below(keys, limit)) continue;
    if (held + count > most) shrink();
    for (int64_t j = 0; j < count; ++j) {
      items[held] = Item::make(keys[j], i + j);
      held += !limited | (keys[j] < limit);
    }
  }
  if (held > k) shrink();
}

// The same where k is a good part of the line: what is below the key of that rank, and the first of those equal to it.
template <class T, class Item>
void keep_below(const T* in, const Line& line, Key<T> flip, int64_t k, Item* items, Space space) {
  using K = Key<T>;
  K* const keys = space.take<K>(line.n);
  make_keys(in, line.in, line.n, flip, keys);
  if (k == line.n) {
    for (int64_t i = 0; i < k; ++i) items[i] = Item::make(keys[i], i);
    return;
  }
  K* const rest = space.take<K>(line.n);
  int64_t equal = k - 1;  // how many of those equal to the last come before it
  const K last = key_of_rank(keys, rest, line.n, equal, space.take<uint32_t>(kTallies));
  for (int64_t i = 0, held = 0; held < k; ++i) {
    items[held] = Item::make(keys[i], i);
    const bool ties = keys[i] == last;
    held += (keys[i] < last) | (ties & (equal >= 0));
    equal -= ties;
  }
}

template <class T>
dt_status sort_first_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                            int32_t, const dt_value* args, int32_t) {
  using K = Key<T>;
  using Item = std::conditional_t<sizeof(T) == 8, Wide, Narrow>;
  if (ins[0].ndim == 0) return numel(outs[0]) ? of_a_number<T>(outs, ins[0]) : DT_OK;
  const int dim = static_cast<int>(args[1].as.i);
  const Line line = line_of(outs, ins[0], dim);
  const int64_t n = line.n, k = args[2].as.i;
  const K flip = args[3].as.i ? static_cast<K>(~K{0}) : K{0};
  if (k == 0) return DT_OK;
  if (n >= int64_t{1} << 32) return too_long(ctx);
  const bool few = k <= n / 16;
  const int64_t held = few ? candidates(k) : k;
  const int64_t bytes = 2 * Space::bytes<Item>(held) + Space::bytes<uint32_t>(kCounts) +
                        (few ? 0 : 2 * Space::bytes<K>(n) + Space::bytes<uint32_t>(kTallies));
  return for_lines<T>(ctx, "sort_first", outs, ins[0], dim, bytes,
                      [&](const T* in, T* values, int64_t* indices, Space space) {
                        Item* const items = space.take<Item>(held);
                        Item* const spare = space.take<Item>(held);
                        uint32_t* const counts = space.take<uint32_t>(kCounts);
                        if (few)
                          keep_first(in, line, flip, k, items, spare);
                        else
                          keep_below(in, line, flip, k, items, space);
                        const Item* sorted = sort_items(items, spare, k, counts, sizeof(T) * 8);
                        for (int64_t i = 0; i < k; ++i) {
                          const int64_t from = sorted[i].index();
                          indices[i * line.indices] = from;
                          values[i * line.values] = in[from * line.in];
                        }
                      });
}

template <class T>
void add(KernelTable& table, int32_t dtype) {
  table.add("sort_first", dtype, sort_first_kernel<T>);
  table.add("select_rank", dtype, select_rank_kernel<T>);
}

}  // namespace

void register_order(KernelTable& table) {
  for (int32_t dtype : kDTypes) visit_dtype(dtype, [&](auto zero) { add<decltype(zero)>(table, dtype); });
  add<Half>(table, DT_FLOAT16);
  add<BFloat16>(table, DT_BFLOAT16);
}

}  // namespace dovetail::cpu
