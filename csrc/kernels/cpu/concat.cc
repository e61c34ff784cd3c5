// cat, constant_pad_nd, tril and triu, nonzero.
#include "kernels/cpu/index_copy.h"
#include "kernels/cpu/registry.h"

namespace dovetail::cpu {

namespace {

// ---- cat ---------------------------------------------------------------------------------------------------

// Tensors of shape (0,) may be in any list, as long as something else says what the shape is.
bool skipped(const dt_array& a, const dt_array& out) { return a.ndim != out.ndim || numel(a) == 0; }

dt_status cat_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                     int32_t n_ins, const dt_value* args, int32_t) {
  const dt_array& out = outs[0];
  const int dim = static_cast<int>(args[1].as.i);
  const int64_t bytes = item_bytes(out.dtype);
  int64_t at = 0;
  for (int k = 0; k < n_ins; ++k) {
    const dt_array& in = ins[k];
    if (skipped(in, out)) continue;
    if (in.dtype != out.dtype) return ctx->fail(ctx, DT_ERR_RUNTIME, "cat: the kernel needs tensors of one dtype");
    char* const to = static_cast<char*>(out.data) + at * out.strides[dim] * bytes;
    copy_array(ctx, {to, in.sizes, out.strides, out.ndim, out.dtype}, in);
    at += in.sizes[dim];
  }
  return DT_OK;
}

// ---- padding ---------------------------------------------------------------------------------------------------

template <class T>
void fill_walk(dt_kernel_context* ctx, T* to, T value, Walk<1> walk) {
  int64_t step[1];
  const int64_t n = walk.pop(step), rows = walk.count();
  if (n == 0 || rows == 0) return;
  auto run = [&](T* p, int64_t count) {
    if (step[0] == 1)
      std::fill_n(p, count, value);
    else
      for (int64_t i = 0; i < count; ++i) p[i * step[0]] = value;
  };
  if (rows == 1) {
    parallel(ctx, n, 2 * kGrain, [&](int64_t begin, int64_t end) { run(to + begin * step[0], end - begin); });
    return;
  }
  parallel(ctx, rows, grain_for(n), [&](int64_t begin, int64_t end) {
    Walk<1> w = walk;
    w.seek(begin);
    for (int64_t r = begin; r < end; ++r, w.next()) run(to + w.offset[0], n);
  });
}

// Where one dim's kept part starts in the output and in the input, and how long it is.
struct Kept {
  int64_t to, from, size;
};

// `pad` names the last dim's two ends first; a negative end crops.
Kept kept_part(const dt_value& pad, int ndim, int dim, int64_t size) {
  const int pair = ndim - 1 - dim;
  if (2 * pair + 1 >= pad.count) return {0, 0, size};
  const int64_t before = pad.as.ints[2 * pair], after = pad.as.ints[2 * pair + 1];
  const int64_t from = std::max<int64_t>(0, -before);
  return {std::max<int64_t>(0, before), from, std::max<int64_t>(0, size - from - std::max<int64_t>(0, -after))};
}

template <class T>
void pad(dt_kernel_context* ctx, const dt_array& out, const dt_array& in, const dt_value& pads, T value) {
  T* to = static_cast<T*>(out.data);
  const T* from = static_cast<const T*>(in.data);
  // The borders, from the outermost dim inwards: what of `rest` is not kept along this dim is filled.
  Kept kept[DT_MAX_DIMS];
  for (int i = 0; i < out.ndim; ++i) kept[i] = kept_part(pads, out.ndim, i, in.sizes[i]);
  int64_t base = 0;
  for (int d = 0; d < out.ndim; ++d) {
    auto fill = [&](int64_t begin, int64_t size) {
      if (size <= 0) return;
      Walk<1> walk;
      for (int i = 0; i < out.ndim; ++i)
        walk.add(i < d ? kept[i].size : i == d ? size : out.sizes[i], {out.strides[i]});
      fill_walk(ctx, to + base + begin * out.strides[d], value, walk);
    };
    fill(0, kept[d].to);
    fill(kept[d].to + kept[d].size, out.sizes[d] - kept[d].to - kept[d].size);
    base += kept[d].to * out.strides[d];
  }
  int64_t sizes[DT_MAX_DIMS];
  for (int i = 0; i < out.ndim; ++i) {
    sizes[i] = kept[i].size;
    from += kept[i].from * in.strides[i];
  }
  copy_array(ctx, {to + base, sizes, out.strides, out.ndim, out.dtype},
             {const_cast<T*>(from), sizes, in.strides, in.ndim, in.dtype});
}

template <class T>
dt_status pad_as(dt_kernel_context* ctx, const dt_array* outs, const dt_array* ins, const dt_value* args, T value) {
  UintOf<sizeof(T)> bits;
  std::memcpy(&bits, &value, sizeof value);
  pad(ctx, outs[0], ins[0], args[1], bits);
  return DT_OK;
}

template <class T>
dt_status pad_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                     const dt_value* args, int32_t) {
  if (numel(outs[0]) == 0) return DT_OK;
  if (outs[0].dtype == DT_BOOL) return pad_as<uint8_t>(ctx, outs, ins, args, as_double(args[2]) != 0);
  return pad_as(ctx, outs, ins, args, as_element<T>(args[2]));
}

// ---- triangles ---------------------------------------------------------------------------------------------

template <class T, bool kUpper>
void triangle(dt_kernel_context* ctx, const dt_array& out, const dt_array& in, int64_t diagonal) {
  T* to = static_cast<T*>(out.data);
  const T* from = static_cast<const T*>(in.data);
  const int r = out.ndim - 2, c = out.ndim - 1;
  const int64_t rows = out.sizes[r], columns = out.sizes[c], to_step = out.strides[c], from_step = in.strides[c];
  Walk<2> matrices;
  for (int i = 0; i < r; ++i) matrices.add(out.sizes[i], {out.strides[i], in.strides[i]});
  auto clear = [&](T* row, int64_t begin, int64_t end) {
    if (to_step == 1)
      std::memset(row + begin, 0, static_cast<size_t>(end - begin) * sizeof(T));
    else
      for (int64_t i = begin; i < end; ++i) row[i * to_step] = T{};
  };
  parallel(ctx, matrices.count() * rows, grain_for(columns), [&](int64_t begin, int64_t end) {
    Walk<2> w = matrices;
    for (int64_t u = begin; u < end; ++u) {
      w.seek(u / rows);
      const int64_t row = u % rows, at = std::clamp<int64_t>(row + diagonal + (kUpper ? 0 : 1), 0, columns);
      const int64_t first = kUpper ? at : 0, last = kUpper ? columns : at;
      T* out_row = to + w.offset[0] + row * out.strides[r];
      const T* in_row = from + w.offset[1] + row * in.strides[r];
      if (out_row != in_row)
        copy_run(out_row + first * to_step, to_step, in_row + first * from_step, from_step, last - first);
      clear(out_row, 0, first);
      clear(out_row, last, columns);
    }
  });
}

template <bool kUpper>
dt_status triangle_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                          int32_t, const dt_value* args, int32_t) {
  if (ins[0].ndim < 2) {
    char text[80];
    std::snprintf(text, sizeof text, "%s: expected at least two dims, got %d", kUpper ? "triu" : "tril", ins[0].ndim);
    return ctx->fail(ctx, DT_ERR_VALUE, text);
  }
  // (Beyond any dim, so that no row's sum overflows.)
  const int64_t diagonal = std::clamp<int64_t>(args[1].as.i, -(int64_t{1} << 62), int64_t{1} << 62);
  if (numel(ins[0]) == 0) return DT_OK;
  visit_size(item_bytes(ins[0].dtype),
             [&](auto unit) { triangle<decltype(unit), kUpper>(ctx, outs[0], ins[0], diagonal); });
  return DT_OK;
}

// ---- nonzero ---------------------------------------------------------------------------------------------------

constexpr int64_t kPiece = 16384;

// Whether an element is other than zero, by its bits. A float's sign is not among those that count.
template <class U>
struct Bits {
  U mask;
  bool operator()(U x) const { return (x & mask) != 0; }
};
template <>
struct Bits<Bits128> {
  uint64_t mask;
  bool operator()(Bits128 x) const { return ((x.low | x.high) & mask) != 0; }
};

template <class T>
DOVETAIL_CLONES int64_t count_run(const T* p, int64_t n, Bits<T> counts) {
  int32_t count = 0;  // no piece has more
  for (int64_t i = 0; i < n; ++i) count += counts(p[i]);
  return count;
}

// Where from `first` on the next `count` elements other than zero lie. Every place is written, and is overwritten by
// the next unless its element counts: a branch on the element would be mispredicted half of the time.
template <class T>
void write_places(const T* p, int64_t first, Bits<T> counts, int64_t count, int64_t* places) {
  for (int64_t i = first, k = 0; k < count; ++i) {
    places[k] = i;
    k += counts(p[i]);
  }
}

// The same as indices along several dims.
template <class T>
void write_indices(const T* p, int64_t first, Bits<T> counts, int64_t count, const dt_array& in, int64_t* row) {
  const int ndim = in.ndim;
  int64_t index[DT_MAX_DIMS];
  int64_t at = first;
  for (int d = ndim - 1; d >= 0; --d) {
    index[d] = at % in.sizes[d];
    at /= in.sizes[d];
  }
  const int64_t *const end = row + count * ndim, last = in.sizes[ndim - 1];
  for (int64_t i = first; row < end;) {
    // The rest of a line of the last dim: only its last index changes.
    const int64_t stop = i + last - index[ndim - 1];
    for (int64_t j = index[ndim - 1]; i < stop && row < end; ++i, ++j) {
      for (int d = 0; d < ndim - 1; ++d) row[d] = index[d];
      row[ndim - 1] = j;
      row += counts(p[i]) ? ndim : 0;
    }
    index[ndim - 1] = 0;
    for (int d = ndim - 2; d >= 0 && ++index[d] == in.sizes[d]; --d) index[d] = 0;
  }
}

// A flat array in pieces: count each piece, then write each from where the ones before it end.
template <class T>
dt_status nonzero_where(dt_kernel_context* ctx, const dt_array& in, Bits<T> counts) {
  const int64_t n = numel(in), pieces = ceil_div(n, kPiece);
  const T* p = n > 0 ? contiguous_data<T>(ctx, in) : nullptr;
  Scratch<int64_t> starts(ctx, pieces + 1);
  if ((n > 0 && !p) || !starts) return out_of_memory(ctx, "nonzero");
  parallel(ctx, pieces, 2, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      starts[k + 1] = count_run(p + k * kPiece, std::min(kPiece, n - k * kPiece), counts);
    }
  });
  starts[0] = 0;
  for (int64_t k = 0; k < pieces; ++k) starts[k + 1] += starts[k];
  const int ndim = in.ndim;
  const int64_t shape[2] = {starts[pieces], ndim};
  int64_t* out = static_cast<int64_t*>(ctx->allocate_output(ctx, 0, 2, shape));
  if (!out) return out_of_memory(ctx, "nonzero");
  if (shape[0] == 0 || ndim == 0) return DT_OK;
  parallel(ctx, pieces, 2, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      int64_t* const rows = out + starts[k] * ndim;
      const int64_t count = starts[k + 1] - starts[k], first = k * kPiece;
      if (ndim == 1)
        write_places(p, first, counts, count, rows);
      else
        write_indices(p, first, counts, count, in, rows);
    }
  });
  return DT_OK;
}

dt_status nonzero_kernel(const void*, dt_kernel_context* ctx, const dt_array*, int32_t, const dt_array* ins, int32_t,
                         const dt_value*, int32_t) {
  const dt_array& in = ins[0];
  switch (in.dtype) {
    case DT_FLOAT16:
    case DT_BFLOAT16:
      return nonzero_where<uint16_t>(ctx, in, {0x7fff});
    case DT_FLOAT32:
      return nonzero_where<uint32_t>(ctx, in, {0x7fffffff});
    case DT_FLOAT64:
      return nonzero_where<uint64_t>(ctx, in, {~uint64_t{0} >> 1});
    case DT_COMPLEX64:
      return nonzero_where<uint64_t>(ctx, in, {0x7fffffff7fffffff});
    case DT_COMPLEX128:
      return nonzero_where<Bits128>(ctx, in, {~uint64_t{0} >> 1});
    default:
      break;
  }
  dt_status status = DT_OK;
  visit_dtype(in.dtype, [&](auto zero) {
    using U = std::make_unsigned_t<std::conditional_t<std::is_integral_v<decltype(zero)>, decltype(zero), int>>;
    status = nonzero_where<U>(ctx, in, {static_cast<U>(~U{0})});
  });
  return status;
}

}  // namespace

void register_concat(KernelTable& table) {
  for (int32_t dtype = 0; dtype < DT_DTYPE_COUNT; ++dtype) {
    table.add("cat", dtype, cat_kernel);
    table.add("nonzero", dtype, nonzero_kernel);
    table.add("tril", dtype, triangle_kernel<false>);
    table.add("triu", dtype, triangle_kernel<true>);
  }
  for (int32_t dtype : kDTypes)
    visit_dtype(dtype, [&](auto zero) { table.add("constant_pad_nd", dtype, pad_kernel<decltype(zero)>); });
  table.add("constant_pad_nd", DT_FLOAT16, pad_kernel<Half>);
  table.add("constant_pad_nd", DT_BFLOAT16, pad_kernel<BFloat16>);
  table.add("constant_pad_nd", DT_COMPLEX64, pad_kernel<Complex<float>>);
  table.add("constant_pad_nd", DT_COMPLEX128, pad_kernel<Complex<double>>);
}

}  // namespace dovetail::cpu
