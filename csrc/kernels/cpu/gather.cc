// gather, scatter and its reducing kin: one index for every element moved, along one dim.
#include <cstring>
#include <limits>

#include "kernels/cpu/gather_run.h"
#include "kernels/cpu/index_copy.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/sixteen.h"

namespace dovetail::cpu {

void register_index(KernelTable& table);  // index.cc

namespace {

dt_status gather_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                        int32_t, const dt_value* args, int32_t) {
  const AtLeast1d self(ins[0]), index(ins[1]), out(outs[0]);
  const dt_array &from = self.array, &at = index.array, &to = out.array;
  const int dim = static_cast<int>(args[1].as.i);
  if (numel(at) == 0) return DT_OK;
  const dt_status status = check_indices(ctx, "gather", at, 0, from.sizes[dim], dim);
  if (status != DT_OK) return status;
  Walk<3> walk;
  for (int i = 0; i < at.ndim; ++i)
    walk.add(at.sizes[i], {to.strides[i], at.strides[i], i == dim ? 0 : from.strides[i]});
  int64_t step[3];
  const int64_t n = walk.pop(step), rows = walk.count(), along = from.strides[dim];
  const int64_t* indices = static_cast<const int64_t*>(at.data);
  visit_size(item_bytes(to.dtype), [&](auto unit) {
    using T = decltype(unit);
    const T* source = static_cast<const T*>(from.data);
    T* target = static_cast<T*>(to.data);
    auto run = [&](const int64_t* offset, int64_t begin, int64_t end) {
      gather_run<T, false>(target + offset[0] + begin * step[0], step[0], indices + offset[1] + begin * step[1],
                           step[1], source + offset[2] + begin * step[2], along, step[2], 0, end - begin);
    };
    const int64_t none[3] = {0, 0, 0};
    if (rows == 1) return parallel(ctx, n, kGrain, [&](int64_t begin, int64_t end) { run(none, begin, end); });
    parallel(ctx, rows, grain_for(n), [&](int64_t begin, int64_t end) {
      Walk<3> w = walk;
      w.seek(begin);
      for (int64_t r = begin; r < end; ++r, w.next()) run(w.offset, 0, n);
    });
  });
  return DT_OK;
}

// ---- scatter ---------------------------------------------------------------------------------------------

struct Assign {
  template <class T>
  static void apply(T& a, T b) {
    a = b;
  }
};
struct Plus {
  template <class T>
  static void apply(T& a, T b) {
    a = static_cast<T>(modular(a) + modular(b));
  }
};
struct Times {
  template <class T>
  static void apply(T& a, T b) {
    a = static_cast<T>(modular(a) * modular(b));
  }
};
struct Largest {
  template <class T>
  static void apply(T& a, T b) {
    if ((b > a) | (b != b)) a = b;
  }
};
struct Smallest {
  template <class T>
  static void apply(T& a, T b) {
    if ((b < a) | (b != b)) a = b;
  }
};
struct Either {  // how bools add
  template <class T>
  static void apply(T& a, T b) {
    a = a | b;
  }
};
struct Count {  // into an int64 for every element of the result
  template <class T>
  static void apply(int64_t& a, T) {
    ++a;
  }
};

// The lines that a scatter along a dim touches. Different lines never meet, so they may run at once, while the elements
// of one line go in order: the result does not depend on the threads.
struct ScatterLines {
  Walk<3> walk;  // result, index, source; without the dim
  int64_t n, to_step, at_step, from_step;

  ScatterLines(const dt_array& to, const dt_array& at, const dt_array& from, int dim)
      : n(at.sizes[dim]), to_step(to.strides[dim]), at_step(at.strides[dim]) {
    const bool number = from.ndim == 0;
    from_step = number ? 0 : from.strides[dim];
    for (int i = 0; i < at.ndim; ++i)
      if (i != dim) walk.add(at.sizes[i], {to.strides[i], at.strides[i], number ? 0 : from.strides[i]});
  }
};

template <class Op, class To, class From>
void scatter_lines(dt_kernel_context* ctx, To* to, const int64_t* at, const From* from, const ScatterLines& lines) {
  Walk<3> outer = lines.walk;
  int64_t step[3];
  const int64_t width = outer.pop(step), blocks = ceil_div(width, 64);
  const int64_t n = lines.n;
  if (n == 0 || width == 0) return;
  // Whichever walks memory in order.
  const bool lines_inside = width == 1 || std::abs(lines.at_step) < std::abs(step[1]);
  const bool plain = lines.to_step == 1 && lines.at_step == 1 && lines.from_step == 1;
  parallel(ctx, outer.count() * blocks, grain_for(n * std::min<int64_t>(width, 64)), [&](int64_t begin, int64_t end) {
    Walk<3> w = outer;
    for (int64_t u = begin; u < end; ++u) {
      w.seek(u / blocks);
      const int64_t first = u % blocks * 64, last = std::min(width, first + 64);
      To* t = to + w.offset[0];
      const int64_t* index = at + w.offset[1];
      const From* f = from + w.offset[2];
      auto move = [&](int64_t k, int64_t j) {
        const int64_t target = index[k * lines.at_step + j * step[1]];
        Op::apply(t[target * lines.to_step + j * step[0]], f[k * lines.from_step + j * step[2]]);
      };
      if (lines_inside && plain) {
        for (int64_t j = first; j < last; ++j) {
          To* const line = t + j * step[0];
          const int64_t* const line_index = index + j * step[1];
          const From* const line_from = f + j * step[2];
          for (int64_t k = 0; k < n; ++k) Op::apply(line[line_index[k]], line_from[k]);
        }
      } else if (lines_inside) {
        for (int64_t j = first; j < last; ++j)
          for (int64_t k = 0; k < n; ++k) move(k, j);
      } else {
        for (int64_t k = 0; k < n; ++k)
          for (int64_t j = first; j < last; ++j) move(k, j);
      }
    }
  });
}

// The checked and copied beginning of every scatter; then `body(result, index, source)`.
template <class Body>
dt_status scatter_into(dt_kernel_context* ctx, const char* op, const dt_array* outs, const dt_array* ins,
                       const dt_value* args, const Body& body) {
  const AtLeast1d self(ins[0]), index(ins[1]), out(outs[0]);
  const dt_array& from = ins[2];  // zero-dim: one number for every index
  const int dim = static_cast<int>(args[1].as.i);
  if (numel(out.array) == 0 && numel(index.array) == 0) return DT_OK;
  const dt_status status = check_indices(ctx, op, index.array, 0, self.array.sizes[dim], dim);
  if (status != DT_OK) return status;
  copy_array(ctx, outs[0], ins[0]);
  if (numel(index.array) == 0) return DT_OK;
  return body(out.array, index.array, from, dim);
}

dt_status scatter_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                         int32_t, const dt_value* args, int32_t) {
  return scatter_into(ctx, "scatter", outs, ins, args,
                      [&](const dt_array& to, const dt_array& at, const dt_array& from, int dim) -> dt_status {
                        const ScatterLines lines(to, at, from, dim);
                        visit_size(item_bytes(to.dtype), [&](auto unit) {
                          using T = decltype(unit);
                          scatter_lines<Assign>(ctx, static_cast<T*>(to.data), static_cast<const int64_t*>(at.data),
                                                static_cast<const T*>(from.data), lines);
                        });
                        return DT_OK;
                      });
}

template <class T, class Op>
dt_status scatter_add_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                             int32_t, const dt_value* args, int32_t) {
  return scatter_into(ctx, "scatter_add", outs, ins, args,
                      [&](const dt_array& to, const dt_array& at, const dt_array& from, int dim) -> dt_status {
                        scatter_lines<Op>(ctx, static_cast<T*>(to.data), static_cast<const int64_t*>(at.data),
                                          static_cast<const T*>(from.data), ScatterLines(to, at, from, dim));
                        return DT_OK;
                      });
}

template <class T>
T reduce_identity(const char* reduce) {
  using Limits = std::numeric_limits<T>;
  if (!std::strcmp(reduce, "prod")) return T(1);
  if constexpr (is_complex_type<T>) return T(0);
  if (!std::strcmp(reduce, "amax")) return std::is_floating_point_v<T> ? -Limits::infinity() : Limits::lowest();
  if (!std::strcmp(reduce, "amin")) return std::is_floating_point_v<T> ? Limits::infinity() : Limits::max();
  return T(0);
}

// result /= how many went into it, where anything did. Integers round towards minus infinity.
template <class T>
void divide_counts(const dt_array& to, const int64_t* counts) {
  Walk<1> walk;
  for (int i = 0; i < to.ndim; ++i) walk.add(to.sizes[i], {to.strides[i]});
  T* p = static_cast<T*>(to.data);
  const int64_t n = numel(to);
  walk.seek(0);
  for (int64_t i = 0; i < n; ++i, walk.next()) {
    const int64_t count = std::max<int64_t>(1, counts[i]);
    T& x = p[walk.offset[0]];
    if (count == 1) continue;
    if constexpr (!std::is_integral_v<T>) {
      x = x / static_cast<T>(static_cast<RealOf<T>>(count));
    } else if constexpr (std::is_same_v<T, uint64_t>) {
      x /= static_cast<uint64_t>(count);
    } else {
      const int64_t wide = static_cast<int64_t>(x), quotient = wide / count;
      x = static_cast<T>(quotient - (wide % count < 0));
    }
  }
}

// counts[element of the result, row-major] of a fresh array.
template <class T>
dt_status scatter_mean(dt_kernel_context* ctx, const dt_array& to, const dt_array& at, const dt_array& from, int dim,
                       bool include_self) {
  const int64_t n = numel(to);
  int64_t* counts = static_cast<int64_t*>(ctx->workspace(ctx, static_cast<size_t>(n) * sizeof(int64_t)));
  if (!counts) return out_of_memory(ctx, "scatter_reduce");
  std::fill_n(counts, n, include_self ? 1 : 0);
  int64_t strides[DT_MAX_DIMS];
  contiguous_strides(to, strides);
  const dt_array tally{counts, to.sizes, strides, to.ndim, DT_INT64};
  const int64_t* indices = static_cast<const int64_t*>(at.data);
  const T* source = static_cast<const T*>(from.data);
  scatter_lines<Count>(ctx, counts, indices, source, ScatterLines(tally, at, from, dim));
  scatter_lines<Plus>(ctx, static_cast<T*>(to.data), indices, source, ScatterLines(to, at, from, dim));
  divide_counts<T>(to, counts);
  return DT_OK;
}

template <class T>
dt_status fold_lines(dt_kernel_context* ctx, const char* reduce, T* to, const int64_t* at, const T* from,
                     const ScatterLines& lines) {
  if (!std::strcmp(reduce, "sum")) return scatter_lines<Plus>(ctx, to, at, from, lines), DT_OK;
  if (!std::strcmp(reduce, "prod")) return scatter_lines<Times>(ctx, to, at, from, lines), DT_OK;
  if constexpr (!is_complex_type<T>) {
    if (!std::strcmp(reduce, "amax")) return scatter_lines<Largest>(ctx, to, at, from, lines), DT_OK;
    if (!std::strcmp(reduce, "amin")) return scatter_lines<Smallest>(ctx, to, at, from, lines), DT_OK;
  }
  return ctx->fail(ctx, DT_ERR_VALUE, "scatter_reduce: reduce must be sum, prod, mean, amax or amin");
}

template <class T>
dt_status scatter_reduce_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                                int32_t, const dt_value* args, int32_t) {
  const char* reduce = args[4].as.string;
  const bool include_self = args[5].as.i != 0;
  return scatter_into(ctx, "scatter_reduce", outs, ins, args,
                      [&](const dt_array& to, const dt_array& at, const dt_array& from, int dim) -> dt_status {
                        T* target = static_cast<T*>(to.data);
                        const int64_t* indices = static_cast<const int64_t*>(at.data);
                        const ScatterLines lines(to, at, from, dim);
                        if (!include_self) {  // what will be met starts from nothing
                          const T identity = reduce_identity<T>(reduce);
                          const dt_array number{const_cast<T*>(&identity), nullptr, nullptr, 0, to.dtype};
                          scatter_lines<Assign>(ctx, target, indices, &identity, ScatterLines(to, at, number, dim));
                        }
                        if (!std::strcmp(reduce, "mean")) return scatter_mean<T>(ctx, to, at, from, dim, include_self);
                        return fold_lines(ctx, reduce, target, indices, static_cast<const T*>(from.data), lines);
                      });
}

template <class T>
void add_complex(KernelTable& table, int32_t dtype) {
  table.add("scatter_add", dtype, scatter_add_kernel<T, Plus>);
  table.add("scatter_reduce", dtype, scatter_reduce_kernel<T>);
}

// Sums and the like of 16-bit floats are kept in float until they are done.
void register_sums(KernelTable& table) {
  visit_modular(
      [&](auto zero, int32_t dtype) { table.add("scatter_add", dtype, scatter_add_kernel<decltype(zero), Plus>); });
  table.add("scatter_add", DT_BOOL, scatter_add_kernel<uint8_t, Either>);
  for (int32_t dtype : kDTypes)
    visit_dtype(dtype, [&](auto zero) { table.add("scatter_reduce", dtype, scatter_reduce_kernel<decltype(zero)>); });
  add_complex<Complex<float>>(table, DT_COMPLEX64);
  add_complex<Complex<double>>(table, DT_COMPLEX128);
  add_sixteen_whole(table);
}

}  // namespace

void register_gather(KernelTable& table) {
  for (int32_t dtype = 0; dtype < DT_DTYPE_COUNT; ++dtype) {
    table.add("gather", dtype, gather_kernel);
    table.add("scatter", dtype, scatter_kernel);
  }
  KernelTable sums;
  register_sums(sums);
  table.add_all(sums);
  register_index(table);
}

}  // namespace dovetail::cpu
