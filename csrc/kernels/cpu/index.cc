// Whole slices picked by indices: index_select, index_add, index, index_put. All of them come down to two tables of
// offsets, one entry for every position of the broadcast indices, and a block of elements that each position moves.
#include "kernels/cpu/gather_run.h"
#include "kernels/cpu/index_copy.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/sixteen.h"

namespace dovetail::cpu {

void register_index(KernelTable& table);

namespace {

// For every position b of the indices: at[b] in the indexed tensor, other[b] in the result (or the values).
struct Positions {
  int64_t count = 0;
  int64_t* at = nullptr;
  int64_t* other = nullptr;

  bool allocate(dt_kernel_context* ctx, int64_t n) {
    count = n;
    at = static_cast<int64_t*>(ctx->workspace(ctx, static_cast<size_t>(2 * n) * sizeof(int64_t)));
    other = at + n;
    return at != nullptr;
  }
};

// Which elements move: `outer` walks the dims before the indexed ones, then come the positions, then `block` walks the
// dims after them. Offset 0 is the indexed tensor, offset 1 the other one.
struct Slices {
  Walk<2> outer, block;
  Positions positions;
  bool empty() const { return outer.count() == 0 || block.count() == 0 || positions.count == 0; }
};

// op(indexed element, other element), in an order that threads do not change: where `kOrdered`, the positions of one
// element of the block go one after another, because they may meet.
template <bool kOrdered, class A, class B, class Op>
void move_slices(dt_kernel_context* ctx, A* indexed, B* other, const Slices& slices, const Op& op) {
  Walk<2> block = slices.block;
  int64_t step[2];
  const int64_t width = block.pop(step), rows = block.count(), n = slices.positions.count;
  const int64_t* at = slices.positions.at;
  const int64_t* to = slices.positions.other;
  if (width == 1 && rows == 1) {  // single elements
    const int64_t outers = slices.outer.count();
    const int64_t cuts = kOrdered ? 1 : ceil_div(n, kGrain);
    parallel(ctx, outers * cuts, grain_for(n / cuts), [&](int64_t begin, int64_t end) {
      Walk<2> w = slices.outer;
      for (int64_t u = begin; u < end; ++u) {
        w.seek(u / cuts);
        A* a = indexed + w.offset[0];
        B* b = other + w.offset[1];
        const int64_t first = n * (u % cuts) / cuts, last = n * (u % cuts + 1) / cuts;
        for (int64_t i = first; i < last; ++i) op(a + at[i], 1, b + to[i], 1, 1);
      }
    });
    return;
  }
  // Ordered: split the block's columns; else: split the positions.
  const int64_t strip = kOrdered ? std::min<int64_t>(width, 512) : width;
  const int64_t strips = ceil_div(width, strip), cuts = kOrdered ? 1 : n;
  const int64_t work = strip * rows * (kOrdered ? n : 1);
  parallel(ctx, slices.outer.count() * cuts * strips, grain_for(work), [&](int64_t begin, int64_t end) {
    Walk<2> w = slices.outer, inner = block;
    w.seek(begin / strips / cuts);
    for (int64_t u = begin; u < end; ++u) {
      const int64_t column = u % strips * strip, wide = std::min(strip, width - column), cut = u / strips % cuts;
      if (u > begin && u % (strips * cuts) == 0) w.next();
      const int64_t first = kOrdered ? 0 : cut, last = kOrdered ? n : cut + 1;
      for (int64_t i = first; i < last; ++i) {
        A* a = indexed + w.offset[0] + at[i] + column * step[0];
        B* b = other + w.offset[1] + to[i] + column * step[1];
        if (rows == 1) {
          op(a, step[0], b, step[1], wide);
          continue;
        }
        inner.seek(0);
        for (int64_t r = 0; r < rows; ++r, inner.next())
          op(a + inner.offset[0], step[0], b + inner.offset[1], step[1], wide);
      }
    }
  });
}

template <class T>
void read_slices(dt_kernel_context* ctx, const T* indexed, T* result, const Slices& slices) {
  move_slices<false>(ctx, indexed, result, slices, [](const T* a, int64_t a_step, T* b, int64_t b_step, int64_t n) {
    if (n == 1)
      *b = *a;
    else
      copy_run(b, b_step, a, a_step, n);
  });
}

// The last of equal indices wins.
template <class T>
void write_slices(dt_kernel_context* ctx, T* indexed, const T* values, const Slices& slices) {
  move_slices<true>(ctx, indexed, values, slices, [](T* a, int64_t a_step, const T* b, int64_t b_step, int64_t n) {
    copy_run(a, a_step, b, b_step, n);
  });
}

template <class T>
void add_slices(dt_kernel_context* ctx, T* indexed, const T* values, const Slices& slices, T alpha) {
  move_slices<true>(ctx, indexed, values, slices, [alpha](T* a, int64_t a_step, const T* b, int64_t b_step, int64_t n) {
    auto sum = [alpha](T x, T y) { return static_cast<T>(modular(x) + modular(alpha) * modular(y)); };
    if (a_step == 1 && b_step == 1) {
      for (int64_t j = 0; j < n; ++j) a[j] = sum(a[j], b[j]);
    } else {
      for (int64_t j = 0; j < n; ++j) a[j * a_step] = sum(a[j * a_step], b[j * b_step]);
    }
  });
}

inline void or_slices(dt_kernel_context* ctx, uint8_t* indexed, const uint8_t* values, const Slices& slices) {
  move_slices<true>(ctx, indexed, values, slices,
                    [](uint8_t* a, int64_t a_step, const uint8_t* b, int64_t b_step, int64_t n) {
                      for (int64_t j = 0; j < n; ++j) a[j * a_step] |= b[j * b_step];
                    });
}

// ---- one index along one dim ------------------------------------------------------------------------------

dt_status one_dim_slices(dt_kernel_context* ctx, const char* op, const dt_array& indexed, const dt_array& index,
                         const dt_array& other, int dim, Slices& slices) {
  const dt_status status = check_indices(ctx, op, index, 0, indexed.sizes[dim], dim);
  if (status != DT_OK) return status;
  for (int i = 0; i < indexed.ndim; ++i)
    if (i != dim) (i < dim ? slices.outer : slices.block).add(indexed.sizes[i], {indexed.strides[i], other.strides[i]});
  const int64_t n = numel(index);
  if (n == 0) return DT_OK;
  if (!slices.positions.allocate(ctx, n)) return out_of_memory(ctx, op);
  const int64_t* p = static_cast<const int64_t*>(index.data);
  const int64_t step = index.ndim == 0 ? 0 : index.strides[0];
  for (int64_t i = 0; i < n; ++i) {
    slices.positions.at[i] = p[i * step] * indexed.strides[dim];
    slices.positions.other[i] = i * other.strides[dim];
  }
  return DT_OK;
}

// Where nothing follows the indexed dim, single elements move: to[..., j] = from[..., index[j]].
template <bool kWraps>
dt_status select_elements(dt_kernel_context* ctx, const char* op, const dt_array& from, const dt_array& index,
                          const dt_array& to) {
  const int dim = from.ndim - 1;
  const int64_t size = from.sizes[dim], n = numel(index), index_step = index.ndim == 0 ? 0 : index.strides[0];
  const dt_status status = check_indices(ctx, op, index, kWraps ? -size : 0, size, dim);
  if (status != DT_OK) return status;
  Walk<2> outer;
  for (int i = 0; i < dim; ++i) outer.add(from.sizes[i], {from.strides[i], to.strides[i]});
  if (n == 0 || outer.count() == 0) return DT_OK;
  const int64_t* indices = static_cast<const int64_t*>(index.data);
  const int64_t pieces = ceil_div(n, kGrain);
  visit_size(item_bytes(to.dtype), [&](auto unit) {
    using T = decltype(unit);
    const T* source = static_cast<const T*>(from.data);
    T* target = static_cast<T*>(to.data);
    parallel(ctx, outer.count() * pieces, grain_for(std::min(n, kGrain)), [&](int64_t begin, int64_t end) {
      Walk<2> w = outer;
      for (int64_t u = begin; u < end; ++u) {
        w.seek(u / pieces);
        const int64_t first = u % pieces * kGrain, count = std::min(kGrain, n - first);
        gather_run<T, kWraps>(target + w.offset[1] + first * to.strides[dim], to.strides[dim],
                              indices + first * index_step, index_step, source + w.offset[0], from.strides[dim], 0,
                              size, count);
      }
    });
  });
  return DT_OK;
}

dt_status index_select_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                              int32_t, const dt_value* args, int32_t) {
  const AtLeast1d self(ins[0]), out(outs[0]);
  const int dim = static_cast<int>(args[1].as.i);
  if (dim == self.array.ndim - 1) return select_elements<false>(ctx, "index_select", self.array, ins[1], out.array);
  Slices slices;
  const dt_status status = one_dim_slices(ctx, "index_select", self.array, ins[1], out.array, dim, slices);
  if (status != DT_OK || slices.empty()) return status;
  visit_size(item_bytes(out.array.dtype), [&](auto unit) {
    using T = decltype(unit);
    read_slices(ctx, static_cast<const T*>(self.array.data), static_cast<T*>(out.array.data), slices);
  });
  return DT_OK;
}

template <class T>
dt_status index_add_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                           int32_t, const dt_value* args, int32_t) {
  const AtLeast1d out(outs[0]), source(ins[2]);
  Slices slices;
  const dt_status status =
      one_dim_slices(ctx, "index_add", out.array, ins[1], source.array, static_cast<int>(args[1].as.i), slices);
  if (status != DT_OK) return status;
  copy_array(ctx, outs[0], ins[0]);
  if (slices.empty()) return DT_OK;
  const dt_value& alpha = args[4];
  T* to = static_cast<T*>(out.array.data);
  const T* from = static_cast<const T*>(source.array.data);
  if constexpr (std::is_same_v<T, uint8_t>) {
    if (out.array.dtype == DT_BOOL) {
      if (as_double(alpha) != 0) or_slices(ctx, to, from, slices);
      return DT_OK;
    }
  }
  add_slices<T>(ctx, to, from, slices, as_element<T>(alpha));
  return DT_OK;
}

// ---- several indices, broadcast together ------------------------------------------------------------------

// Fills `at` with where every position of the broadcast indices lies in `indexed`, wrapping negative indices.
void locate(const dt_array& indexed, const dt_array* indices, int count, int ndim, const int64_t* sizes,
            Positions& positions) {
  std::fill_n(positions.at, positions.count, 0);
  for (int d = 0; d < count; ++d) {
    const dt_array& index = indices[d];
    if (index.ndim < 0) continue;
    Walk<1> walk;
    for (int i = 0; i < ndim; ++i) {
      const int j = i - (ndim - index.ndim);
      walk.add(sizes[i], {j < 0 || index.sizes[j] == 1 ? 0 : index.strides[j]});
    }
    const int64_t* p = static_cast<const int64_t*>(index.data);
    const int64_t size = indexed.sizes[d], stride = indexed.strides[d];
    int64_t step[1];
    const int64_t n = walk.pop(step), rows = walk.count();
    int64_t* at = positions.at;
    walk.seek(0);
    for (int64_t r = 0; r < rows; ++r, walk.next(), at += n)
      for (int64_t i = 0; i < n; ++i) {
        const int64_t k = p[walk.offset[0] + i * step[0]];
        at[i] += (k < 0 ? k + size : k) * stride;
      }
  }
}

// `other` is laid out as the result of indexing is: the indices' dims stand where the indexed ones did if those are
// neighbours, and first if not. Its strides are given so that values may be broadcast.
dt_status indexed_slices(dt_kernel_context* ctx, const char* op, const dt_array& indexed, const dt_array* indices,
                         int count, const int64_t* other_strides, Slices& slices) {
  int first = -1, last = -1, given = 0, ndim = 0;
  for (int d = 0; d < count; ++d) {
    if (indices[d].ndim < 0) continue;
    const dt_status status = check_indices(ctx, op, indices[d], -indexed.sizes[d], indexed.sizes[d], d);
    if (status != DT_OK) return status;
    if (first < 0) first = d;
    last = d;
    ++given;
    ndim = std::max(ndim, indices[d].ndim);
  }
  int64_t sizes[DT_MAX_DIMS];
  std::fill_n(sizes, ndim, 1);
  for (int d = 0; d < count; ++d)
    for (int i = 0; i < indices[d].ndim; ++i)
      if (indices[d].sizes[i] != 1) sizes[ndim - indices[d].ndim + i] = indices[d].sizes[i];
  const bool neighbours = given == last - first + 1;
  const int place = neighbours ? std::max(first, 0) : 0;  // of the indices' dims in `other`

  int k = 0;
  Walk<1> others;
  for (int d = 0; d < indexed.ndim; ++d) {
    if (d < count && indices[d].ndim >= 0) continue;
    const int64_t stride = other_strides[k < place ? k : k + ndim];
    (k < place ? slices.outer : slices.block).add(indexed.sizes[d], {indexed.strides[d], stride});
    ++k;
  }
  for (int i = 0; i < ndim; ++i) others.add(sizes[i], {other_strides[place + i]});
  const int64_t n = others.count();
  if (n == 0) return DT_OK;
  if (!slices.positions.allocate(ctx, n)) return out_of_memory(ctx, op);
  int64_t step[1];
  const int64_t width = others.pop(step);
  others.seek(0);
  for (int64_t i = 0; i < n; i += width, others.next())
    for (int64_t j = 0; j < width; ++j) slices.positions.other[i + j] = others.offset[0] + j * step[0];
  locate(indexed, indices, count, ndim, sizes, slices.positions);
  return DT_OK;
}

dt_status index_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                       int32_t n_ins, const dt_value*, int32_t) {
  if (n_ins == 2 && ins[0].ndim == 1 && ins[1].ndim == 1 && outs[0].ndim == 1)
    return select_elements<true>(ctx, "index", ins[0], ins[1], outs[0]);
  Slices slices;
  const dt_status status = indexed_slices(ctx, "index", ins[0], ins + 1, n_ins - 1, outs[0].strides, slices);
  if (status != DT_OK || slices.empty()) return status;
  visit_size(item_bytes(outs[0].dtype), [&](auto unit) {
    using T = decltype(unit);
    read_slices(ctx, static_cast<const T*>(ins[0].data), static_cast<T*>(outs[0].data), slices);
  });
  return DT_OK;
}

// How many dims the result of indexing has.
int indexed_ndim(const dt_array& self, const dt_array* indices, int count) {
  int ndim = self.ndim, most = 0;
  for (int d = 0; d < count; ++d) {
    if (indices[d].ndim < 0) continue;
    --ndim;
    most = std::max(most, indices[d].ndim);
  }
  return ndim + most;
}

// `put` writes or adds the values: (result, values, slices).
template <class Put>
dt_status put_slices(dt_kernel_context* ctx, const dt_array* outs, const dt_array* ins, int32_t n_ins, const Put& put) {
  const dt_array &out = outs[0], &values = ins[n_ins - 1];
  const int count = n_ins - 2, ndim = indexed_ndim(out, ins + 1, count);
  int64_t strides[DT_MAX_DIMS + 1] = {};
  for (int i = 0; i < ndim; ++i) {
    const int j = i - (ndim - values.ndim);
    strides[i] = j < 0 || values.sizes[j] == 1 ? 0 : values.strides[j];
  }
  Slices slices;
  const dt_status status = indexed_slices(ctx, "index_put", out, ins + 1, count, strides, slices);
  if (status != DT_OK) return status;
  copy_array(ctx, out, ins[0]);
  if (!slices.empty()) put(out.data, values.data, slices);
  return DT_OK;
}

template <class T>
dt_status index_accumulate(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                           int32_t n_ins, const dt_value*, int32_t) {
  return put_slices(ctx, outs, ins, n_ins, [&](void* to, const void* from, const Slices& slices) {
    if constexpr (std::is_same_v<T, bool>)
      or_slices(ctx, static_cast<uint8_t*>(to), static_cast<const uint8_t*>(from), slices);
    else
      add_slices<T>(ctx, static_cast<T*>(to), static_cast<const T*>(from), slices, T(1));
  });
}

// `self` points to the kernel that accumulates.
dt_status index_put_kernel(const void* self, dt_kernel_context* ctx, const dt_array* outs, int32_t n_outs,
                           const dt_array* ins, int32_t n_ins, const dt_value* args, int32_t n_args) {
  if (args[3].as.i) return run_inner(self, ctx, outs, n_outs, ins, n_ins, args, n_args);
  return put_slices(ctx, outs, ins, n_ins, [&](void* to, const void* from, const Slices& slices) {
    visit_size(item_bytes(outs[0].dtype), [&](auto unit) {
      using T = decltype(unit);
      write_slices(ctx, static_cast<T*>(to), static_cast<const T*>(from), slices);
    });
  });
}

// Sums of 16-bit floats are kept in float until they are done.
void register_sums(KernelTable& table) {
  auto add = [&](auto zero, int32_t dtype) {
    using T = decltype(zero);
    table.add("index_add", dtype, index_add_kernel<T>);
    table.add("index_put", dtype, index_accumulate<T>);
  };
  visit_modular(add);
  add(Complex<float>{}, DT_COMPLEX64);
  add(Complex<double>{}, DT_COMPLEX128);
  table.add("index_add", DT_BOOL, index_add_kernel<uint8_t>);
  table.add("index_put", DT_BOOL, index_accumulate<bool>);
  add_sixteen_whole(table);
}

}  // namespace

void register_index(KernelTable& table) {
  static dt_kernel accumulate[DT_DTYPE_COUNT];
  KernelTable sums;
  register_sums(sums);
  for (int32_t dtype = 0; dtype < DT_DTYPE_COUNT; ++dtype) {
    accumulate[dtype] = sums.find("index_put", &dtype, 1);
    table.add("index_put", dtype, index_put_kernel, &accumulate[dtype]);
    table.add("index_select", dtype, index_select_kernel);
    table.add("index", dtype, index_kernel);
  }
  table.add_all(sums);
}

}  // namespace dovetail::cpu
