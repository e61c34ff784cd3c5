// What sorting is made of: keys, unsigned integers that order as the elements do; items, a key and where it was; and
// two stable sorts of items, by merging and by radix; lines, each with scratch.
#pragma once

#include <cstring>
#include <type_traits>

#include "kernels/cpu/index_copy.h"

namespace dovetail::cpu {

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

// The element that a key was made of. A float's sign of zero and what a NaN says are not in the key.
template <class T>
DOVETAIL_INLINE T from_key(Key<T> key) {
  using K = Key<T>;
  constexpr K kSign = K{1} << (sizeof(K) * 8 - 1);
  if constexpr (kInfinity<T> != 0) {
    T x;
    x.bits = static_cast<K>(key & kSign ? key ^ kSign : ~key);
    return x;
  } else if constexpr (std::is_floating_point_v<T>) {
    const K bits = key & kSign ? key ^ kSign : ~key;
    T x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
  } else if constexpr (std::is_signed_v<T>) {
    return static_cast<T>(key ^ kSign);
  } else {
    return key;
  }
}

template <class T>
constexpr bool kIsReal = std::is_floating_point_v<T> || kInfinity<T> != 0;
template <class T>
constexpr Key<T> kNanKey = static_cast<Key<T>>(~Key<T>{0});

// Whether from_key gives the element itself.
template <class T>
DOVETAIL_INLINE bool is_whole(Key<T> key) {
  if constexpr (!kIsReal<T>) return true;
  return key != kNanKey<T> && key != Key<T>{1} << (sizeof(T) * 8 - 1);
}

template <class T>
DOVETAIL_CLONES void make_keys(const T* in, int64_t stride, int64_t n, Key<T> flip, Key<T>* keys) {
  if (stride == 1) {
    for (int64_t i = 0; i < n; ++i) keys[i] = static_cast<Key<T>>(to_key(in[i]) ^ flip);
  } else {
    for (int64_t i = 0; i < n; ++i) keys[i] = static_cast<Key<T>>(to_key(in[i * stride]) ^ flip);
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
template <class Item>
constexpr int64_t kFew = sizeof(Item) > 8 ? 1024 : 256;

// How often each value of each digit occurs.
template <int kDigit, int kPasses, class Item>
void count_digits(const Item* items, int64_t n, uint32_t* counts) {
  constexpr uint64_t kMask = (1 << kDigit) - 1;
  std::memset(counts, 0, sizeof(uint32_t) * kPasses << kDigit);
  for (int64_t i = 0; i < n; ++i) {
    uint64_t key = items[i].key();
    for (int p = 0; p < kPasses; ++p, key >>= kDigit) ++counts[(p << kDigit) + (key & kMask)];
  }
}

// Calls it for as many passes as the keys' bits take.
template <int kDigit, int kPasses, class Item>
int count_passes(const Item* items, int64_t n, uint32_t* counts, int bits) {
  if constexpr (kPasses * kDigit < static_cast<int>(sizeof(Item)) * 4) {
    if (bits > kPasses * kDigit) return count_passes<kDigit, kPasses + 1>(items, n, counts, bits);
  }
  count_digits<kDigit, kPasses>(items, n, counts);
  return kPasses;
}

// Least significant digit first, kDigit bits at a time; a digit that all keys share is skipped. No key has more than
// `bits` bits. Returns where the sorted items are: `items` or `spare`.
template <int kDigit, class Item>
Item* radix_sort(Item* items, Item* spare, int64_t n, uint32_t* counts, int bits) {
  constexpr int kBuckets = 1 << kDigit;
  constexpr uint64_t kMask = kBuckets - 1;
  const int passes = count_passes<kDigit, 1>(items, n, counts, bits);
  for (int p = 0; p < passes; ++p) {
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

// Sorts items whose keys have no more than `bits` bits; the result is in either place. counts: kCounts of them, which
// few items do without.
template <class Item>
Item* sort_items(Item* items, Item* spare, int64_t n, uint32_t* counts, int bits) {
  if (n <= kFew<Item>) {
    merge_sort(items, spare, n, false);
    return items;
  }
  return n >= kMany && bits > 16 ? radix_sort<11>(items, spare, n, counts, bits)
                                 : radix_sort<8>(items, spare, n, counts, bits);
}

// ---- lines ---------------------------------------------------------------------------------------------------

struct Line {
  int64_t n, in, values, indices;  // length and the three strides
};

// Scratch of one line, cut into what it needs.
class Space {
 public:
  explicit Space(char* from) : next_(from) {}
  template <class U>
  U* take(int64_t count) {
    U* const taken = reinterpret_cast<U*>(next_);
    next_ += bytes<U>(count);
    return taken;
  }
  template <class U>
  static int64_t bytes(int64_t count) {
    return (count * static_cast<int64_t>(sizeof(U)) + 63) / 64 * 64;
  }

 private:
  char* next_;
};

// body(in, values, indices, space) for every line, ranges of which run at once; each has `bytes` of scratch.
template <class T, class Body>
dt_status for_lines(dt_kernel_context* ctx, const char* op, const dt_array* outs, const dt_array& in, int dim,
                    int64_t bytes, const Body& body) {
  Walk<3> lines;
  for (int i = 0; i < in.ndim; ++i)
    if (i != dim) lines.add(in.sizes[i], {in.strides[i], outs[0].strides[i], outs[1].strides[i]});
  const int64_t count = lines.count(), n = in.sizes[dim];
  const int64_t ranges = std::min<int64_t>(count, std::max<int64_t>(1, std::min<int64_t>(64, count * n / kGrain)));
  if (count == 0) return DT_OK;
  Scratch<char, 4096> space(ctx, ranges * bytes + 64);
  if (!space) return out_of_memory(ctx, op);
  char* const aligned = space.get() + (-reinterpret_cast<uintptr_t>(space.get()) & 63);
  const T* from = static_cast<const T*>(in.data);
  T* values = static_cast<T*>(outs[0].data);
  int64_t* indices = static_cast<int64_t*>(outs[1].data);
  parallel(ctx, ranges, 1, [&](int64_t begin, int64_t end) {
    Walk<3> w = lines;
    for (int64_t r = begin; r < end; ++r) {
      const int64_t first = count * r / ranges, last = count * (r + 1) / ranges;
      w.seek(first);
      for (int64_t k = first; k < last; ++k, w.next())
        body(from + w.offset[0], values + w.offset[1], indices + w.offset[2], Space(aligned + r * bytes));
    }
  });
  return DT_OK;
}

inline Line line_of(const dt_array* outs, const dt_array& in, int dim) {
  return {in.sizes[dim], in.strides[dim], outs[0].strides[dim], outs[1].strides[dim]};
}

}  // namespace dovetail::cpu
