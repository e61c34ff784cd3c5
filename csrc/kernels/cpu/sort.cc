// sort, always stable: elements become unsigned keys that order as they do, and keys are sorted by radix.
#include "kernels/cpu/registry.h"
#include "kernels/cpu/sort_items.h"

namespace dovetail::cpu {

namespace {

// ---- lines ---------------------------------------------------------------------------------------------------

// The least key and the greatest.
template <class T>
DOVETAIL_CLONES void key_range(const T* in, int64_t stride, int64_t n, Key<T> flip, Key<T>* least, Key<T>* most) {
  Key<T> low = static_cast<Key<T>>(to_key(in[0]) ^ flip), high = low;
  for (int64_t i = 1; i < n; ++i) {
    const Key<T> key = static_cast<Key<T>>(to_key(in[i * stride]) ^ flip);
    low = key < low ? key : low;
    high = key > high ? key : high;
  }
  *least = low;
  *most = high;
}

inline int bit_length(uint64_t x) { return x ? 64 - __builtin_clzll(x) : 0; }

// Sorts by keys from which `least` has been taken, so that those of integers that lie close are short. What is no
// longer in a key comes from where it was.
template <class Item, class T>
void sort_by(const T* in, T* values, int64_t* indices, const Line& line, Key<T> flip, Key<T> least, int bits,
             void* space, uint32_t* counts) {
  using K = Key<T>;
  Item* items = static_cast<Item*>(space);
  for (int64_t i = 0; i < line.n; ++i)
    items[i] = Item::make(static_cast<K>((to_key(in[i * line.in]) ^ flip) - least), i);
  const Item* sorted = sort_items(items, items + line.n, line.n, counts, bits);
  for (int64_t i = 0; i < line.n; ++i) {
    const int64_t from = sorted[i].index();
    const K key = static_cast<K>((static_cast<K>(sorted[i].key()) + least) ^ flip);
    indices[i * line.indices] = from;
    values[i * line.values] = is_whole<T>(key) ? from_key<T>(key) : in[from * line.in];
  }
}

template <class T>
void sort_line(const T* in, T* values, int64_t* indices, const Line& line, bool descending, void* space,
               uint32_t* counts) {
  using K = Key<T>;
  const K flip = descending ? static_cast<K>(~K{0}) : K{0};
  if constexpr (sizeof(T) <= 2 || std::is_same_v<T, float>) {
    sort_by<Narrow>(in, values, indices, line, flip, K{0}, sizeof(T) * 8, space, counts);
  } else {
    K least, most;
    key_range(in, line.in, line.n, flip, &least, &most);
    const int bits = bit_length(most - least);
    if (bits <= 32)
      sort_by<Narrow>(in, values, indices, line, flip, least, bits, space, counts);
    else
      sort_by<Wide>(in, values, indices, line, flip, least, bits, space, counts);
  }
}

template <class T>
dt_status sort_lines(dt_kernel_context* ctx, const dt_array* outs, const dt_array& in, int dim, bool descending) {
  using Item = std::conditional_t<sizeof(T) == 8, Wide, Narrow>;
  const Line line = line_of(outs, in, dim);
  if (line.n == 0) return DT_OK;
  const int64_t tallies = line.n > kFew<Narrow> ? kCounts : 0;
  const int64_t bytes = Space::bytes<Item>(2 * line.n) + Space::bytes<uint32_t>(tallies);
  return for_lines<T>(ctx, "sort", outs, in, dim, bytes, [&](const T* from, T* values, int64_t* indices, Space space) {
    Item* const items = space.take<Item>(2 * line.n);
    sort_line(from, values, indices, line, descending, items, space.take<uint32_t>(tallies));
  });
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
  return sort_lines<T>(ctx, outs, ins[0], dim, descending);
}

}  // namespace

void register_sort(KernelTable& table) {
  for (int32_t dtype : kDTypes)
    visit_dtype(dtype, [&](auto zero) { table.add("sort", dtype, sort_kernel<decltype(zero)>); });
  table.add("sort", DT_FLOAT16, sort_kernel<Half>);
  table.add("sort", DT_BFLOAT16, sort_kernel<BFloat16>);
}

}  // namespace dovetail::cpu
