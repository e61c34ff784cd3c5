// sort, always stable: elements become unsigned keys that order as they do, and keys are sorted by radix.
#include <cstring>
#include <type_traits>

#include "kernels/cpu/index_copy.h"
#include "kernels/cpu/registry.h"

namespace dovetail::cpu {

namespace {

// ---- keys --------------------------------------------------------------------------------------------------

template <class T>
using Key = UintOf<sizeof(T)>;

// The bits of infinity; above them lie the NaNs.
template <class T>
constexpr uint16_t kInfinity = 0;
template <>
constexpr uint16_t kInfinity<Half> = 0x7c00;
template <>
constexpr uint16_t kInfinity<BFloat16> = 0x7f80;

// Order-preserving: all NaNs are one key above everything, both zeros are one key.
template <class T>
DOVETAIL_INLINE Key<T> to_key(T x) {
  using K = Key<T>;
  constexpr K kSign = K{1} << (sizeof(K) * 8 - 1);
  if constexpr (kInfinity<T> != 0) {
    const K magnitude = x.bits & static_cast<K>(~kSign);
    if (magnitude > kInfinity<T>) return static_cast<K>(~K{0});
    return static_cast<K>(magnitude == 0 ? kSign : x.bits & kSign ? ~x.bits : x.bits | kSign);
  } else if constexpr (std::is_floating_point_v<T>) {
    if (x != x) return ~K{0};
    x += T{0};  // -0 to +0
    K bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits & kSign ? ~bits : bits | kSign;
  } else if constexpr (std::is_signed_v<T>) {
    return static_cast<K>(x) ^ kSign;
  } else {
    return x;
  }
}

// One element on its way: its key (for a descending sort, inverted, which keeps equal elements in order) and where it
// was. For keys of up to 32 bits, both in one word.
struct Narrow {
  uint64_t word;
  template <class K>
  static Narrow make(K key, int64_t index) {
    return {static_cast<uint64_t>(key) << 32 | static_cast<uint32_t>(index)};
  }
  uint64_t key() const { return word >> 32; }
  int64_t index() const { return static_cast<uint32_t>(word); }
  bool operator<(const Narrow& o) const { return word < o.word; }
};

struct Wide {
  uint64_t bits;
  int64_t place;
  static Wide make(uint64_t key, int64_t index) { return {key, index}; }
  uint64_t key() const { return bits; }
  int64_t index() const { return place; }
  bool operator<(const Wide& o) const { return bits != o.bits ? bits < o.bits : place < o.place; }
};

// ---- merging, for few elements -------------------------------------------------------------------------------

// Merges the sorted halves of `from`: from both ends at once and without branches, which no predictor could guess.
// Neither end can run out, because each takes no more than a half.
template <class Item>
void merge_halves(const Item* from, int64_t n, Item* to) {
  const int64_t half = n / 2;
  const Item *a = from, *b = from + half;  // heads
  const Item *a_tail = from + half - 1, *b_tail = from + n - 1;
  Item *head = to, *tail = to + n - 1;
  for (int64_t i = 0; i < half; ++i) {
    const bool second = *b < *a;
    *head++ = second ? *b : *a;
    b += second;
    a += !second;
    const bool first = *b_tail < *a_tail;
    *tail-- = first ? *a_tail : *b_tail;
    a_tail -= first;
    b_tail -= !first;
  }
  if (n % 2) *head = a <= a_tail ? *a : *b;
}

// Sorts `items`; the result is in `spare` where asked for.
template <class Item>
void merge_sort(Item* items, Item* spare, int64_t n, bool to_spare) {
  if (n <= 8) {
    Item copy[8];  // every item goes where the number of smaller ones says: no two are equal
    std::copy_n(items, n, copy);
    Item* to = to_spare ? spare : items;
    for (int64_t i = 0; i < n; ++i) {
      int64_t smaller = 0;
      for (int64_t j = 0; j < n; ++j) smaller += copy[j] < copy[i];
      to[smaller] = copy[i];
    }
    return;
  }
  const int64_t half = n / 2;
  merge_sort(items, spare, half, !to_spare);
  merge_sort(items + half, spare + half, n - half, !to_spare);
  merge_halves(to_spare ? items : spare, n, to_spare ? spare : items);
}

// ---- radix ---------------------------------------------------------------------------------------------------

// Below, merging is faster.
template <class T>
constexpr int64_t kFew = sizeof(T) == 8 ? 1024 : 256;

// Least significant digit first, kDigit bits at a time; a digit that all keys share is skipped. Returns where the
// sorted items are: `items` or `spare`.
template <int kDigit, int kBits, class Item>
Item* radix_sort(Item* items, Item* spare, int64_t n, uint32_t* counts) {
  constexpr int kPasses = (kBits + kDigit - 1) / kDigit;
  constexpr int kBuckets = 1 << kDigit;
  constexpr uint64_t kMask = kBuckets - 1;
  std::memset(counts, 0, sizeof(uint32_t) * kPasses * kBuckets);
  for (int64_t i = 0; i < n; ++i) {
    uint64_t key = items[i].key();
    for (int p = 0; p < kPasses; ++p, key >>= kDigit) ++counts[p * kBuckets + (key & kMask)];
  }
  for (int p = 0; p < kPasses; ++p) {
    uint32_t* count = counts + p * kBuckets;
    const int shift = p * kDigit;
    if (count[items[0].key() >> shift & kMask] == n) continue;
    uint32_t total = 0;
    for (int b = 0; b < kBuckets; ++b) {
      const uint32_t here = count[b];
      count[b] = total;
      total += here;
    }
    for (int64_t i = 0; i < n; ++i) spare[count[items[i].key() >> shift & kMask]++] = items[i];
    std::swap(items, spare);
  }
  return items;
}

constexpr int64_t kMany = 16384;  // from here on fewer passes are worth larger digits
constexpr int64_t kCounts = 6 * 2048;

template <class T, class Item>
Item* sort_items(Item* items, Item* spare, int64_t n, uint32_t* counts) {
  constexpr int kBits = sizeof(T) * 8;
  if (n <= kFew<T>) {
    merge_sort(items, spare, n, false);
    return items;
  }
  if constexpr (kBits > 16) {
    if (n >= kMany) return radix_sort<11, kBits>(items, spare, n, counts);
  }
  return radix_sort<8, kBits>(items, spare, n, counts);
}

// ---- lines ---------------------------------------------------------------------------------------------------

struct Line {
  int64_t n, in, values, indices;  // length and the three strides
};

template <class T, class Item>
void sort_line(const T* in, T* values, int64_t* indices, const Line& line, bool descending, Item* items, Item* spare,
               uint32_t* counts) {
  using K = Key<T>;
  const K flip = descending ? static_cast<K>(~K{0}) : K{0};
  for (int64_t i = 0; i < line.n; ++i) items[i] = Item::make(static_cast<K>(to_key(in[i * line.in]) ^ flip), i);
  const Item* sorted = sort_items<T>(items, spare, line.n, counts);
  for (int64_t i = 0; i < line.n; ++i) {
    const int64_t from = sorted[i].index();
    indices[i * line.indices] = from;
    values[i * line.values] = in[from * line.in];
  }
}

template <class T, class Item>
dt_status sort_lines(dt_kernel_context* ctx, const dt_array* outs, const dt_array& in, int dim, bool descending) {
  Walk<3> lines;
  for (int i = 0; i < in.ndim; ++i)
    if (i != dim) lines.add(in.sizes[i], {in.strides[i], outs[0].strides[i], outs[1].strides[i]});
  const Line line{in.sizes[dim], in.strides[dim], outs[0].strides[dim], outs[1].strides[dim]};
  const int64_t count = lines.count();
  if (count == 0 || line.n == 0) return DT_OK;
  // Scratch for as many lines as may run at once: ranges of lines are cut here, by shape.
  const int64_t ranges = std::min<int64_t>(count, std::max<int64_t>(1, std::min<int64_t>(64, count * line.n / kGrain)));
  const int64_t each = 2 * line.n;
  Scratch<Item, 512> items(ctx, ranges * each);
  Scratch<uint32_t, 1> counts(ctx, line.n > kFew<T> ? ranges * kCounts : 0);
  if (!items || !counts) return out_of_memory(ctx, "sort");
  const T* from = static_cast<const T*>(in.data);
  T* values = static_cast<T*>(outs[0].data);
  int64_t* indices = static_cast<int64_t*>(outs[1].data);
  parallel(ctx, ranges, 1, [&](int64_t begin, int64_t end) {
    Walk<3> w = lines;
    for (int64_t r = begin; r < end; ++r) {
      const int64_t first = count * r / ranges, last = count * (r + 1) / ranges;
      Item* mine = items.get() + r * each;
      uint32_t* tally = line.n > kFew<T> ? counts.get() + r * kCounts : nullptr;
      w.seek(first);
      for (int64_t k = first; k < last; ++k, w.next())
        sort_line(from + w.offset[0], values + w.offset[1], indices + w.offset[2], line, descending, mine,
                  mine + line.n, tally);
    }
  });
  return DT_OK;
}

template <class T>
dt_status sort_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                      const dt_value* args, int32_t) {
  if (ins[0].ndim == 0) {
    *static_cast<T*>(outs[0].data) = *static_cast<const T*>(ins[0].data);
    *static_cast<int64_t*>(outs[1].data) = 0;
    return DT_OK;
  }
  const int dim = static_cast<int>(args[1].as.i);
  const bool descending = args[2].as.i != 0;
  if (ins[0].sizes[dim] >= int64_t{1} << 32)
    return ctx->fail(ctx, DT_ERR_VALUE, "sort: a dim of 2^32 elements or more cannot be sorted; split it first");
  if constexpr (sizeof(T) == 8)
    return sort_lines<T, Wide>(ctx, outs, ins[0], dim, descending);
  else
    return sort_lines<T, Narrow>(ctx, outs, ins[0], dim, descending);
}

}  // namespace

void register_sort(KernelTable& table) {
  for (int32_t dtype : kDTypes)
    visit_dtype(dtype, [&](auto zero) { table.add("sort", dtype, sort_kernel<decltype(zero)>); });
  table.add("sort", DT_FLOAT16, sort_kernel<Half>);
  table.add("sort", DT_BFLOAT16, sort_kernel<BFloat16>);
}

}  // namespace dovetail::cpu
