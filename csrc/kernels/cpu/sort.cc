// sort, always stable: elements become unsigned keys that order as they do, and keys are sorted by radix.
#include "kernels/cpu/registry.h"
#include "kernels/cpu/sort_items.h"

namespace dovetail::cpu {

namespace {

// ---- lines ---------------------------------------------------------------------------------------------------

struct Line {
  int64_t n, in, values, indices;  // length and the three strides
};

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
  Walk<3> lines;
  for (int i = 0; i < in.ndim; ++i)
    if (i != dim) lines.add(in.sizes[i], {in.strides[i], outs[0].strides[i], outs[1].strides[i]});
  const Line line{in.sizes[dim], in.strides[dim], outs[0].strides[dim], outs[1].strides[dim]};
  const int64_t count = lines.count();
  if (count == 0 || line.n == 0) return DT_OK;
  // Scratch for as many lines as may run at once: ranges of lines are cut here, by shape.
  const int64_t ranges = std::min<int64_t>(count, std::max<int64_t>(1, std::min<int64_t>(64, count * line.n / kGrain)));
  const int64_t each = 2 * line.n;
  const bool tallies = line.n > kFew<Narrow>;
  Scratch<Item, 512> items(ctx, ranges * each);
  Scratch<uint32_t, 1> counts(ctx, tallies ? ranges * kCounts : 0);
  if (!items || !counts) return out_of_memory(ctx, "sort");
  const T* from = static_cast<const T*>(in.data);
  T* values = static_cast<T*>(outs[0].data);
  int64_t* indices = static_cast<int64_t*>(outs[1].data);
  parallel(ctx, ranges, 1, [&](int64_t begin, int64_t end) {
    Walk<3> w = lines;
    for (int64_t r = begin; r < end; ++r) {
      const int64_t first = count * r / ranges, last = count * (r + 1) / ranges;
      uint32_t* tally = tallies ? counts.get() + r * kCounts : nullptr;
      w.seek(first);
      for (int64_t k = first; k < last; ++k, w.next())
        sort_line(from + w.offset[0], values + w.offset[1], indices + w.offset[2], line, descending,
                  items.get() + r * each, tally);
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
