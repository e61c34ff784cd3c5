// Drives a reduction over any layout: which loop is inner, how the work is cut into units, how units are put together.
// Units are cut by shape alone and put together in a fixed tree, so that threads never change a bit.
#pragma once

#include "kernels/cpu/index_common.h"
#include "kernels/cpu/reduce_lanes.h"
#include "kernels/cpu/registry.h"

// One copy of what every caller would get its own of, and none in a hurry.
#define DOVETAIL_APART __attribute__((noinline))

namespace dovetail::cpu {

// How one output's reduced elements are cut: long rows into pieces, short rows into groups.
struct Units {
  int64_t rows = 1, length = 1;      // rows of this many elements
  int64_t pieces = 1, per_unit = 1;  // pieces of a row, or rows a unit
  int64_t piece = 1;
  int64_t count = 1;

  Units(int64_t rows, int64_t length, int64_t limit) : rows(rows), length(length) {
    if (length > limit) {
      pieces = ceil_div(length, limit);
      piece = limit;
      count = rows * pieces;
    } else {
      piece = length;
      per_unit = std::max<int64_t>(1, limit / std::max<int64_t>(1, length));
      count = ceil_div(rows, per_unit);
    }
  }
  int64_t first_row(int64_t unit) const { return pieces > 1 ? unit / pieces : unit * per_unit; }
  int64_t end_row(int64_t unit) const {
    return pieces > 1 ? first_row(unit) + 1 : std::min(rows, (unit + 1) * per_unit);
  }
  int64_t begin(int64_t unit) const { return pieces > 1 ? unit % pieces * piece : 0; }
  int64_t end(int64_t unit) const { return std::min(length, begin(unit) + piece); }
  int64_t work() const { return piece * std::min(rows, per_unit); }
};

template <class R>
class Reduction {
 public:
  using In = typename R::In;
  using Acc = typename R::Acc;
  using Out = typename R::Out;

  Reduction(dt_kernel_context* ctx, const dt_array& out, const dt_array& in, double param)
      : ctx_(ctx), out_(static_cast<Out*>(out.data)), in_(static_cast<const In*>(in.data)), param_(param) {
    for (int i = 0; i < in.ndim; ++i) {
      if (out.strides[i] == 0 && in.sizes[i] != 1) {
        count_ *= in.sizes[i];
        reduced_.add(in.sizes[i], {in.strides[i]});
      } else {
        kept_.add(in.sizes[i], {in.strides[i], out.strides[i]});
      }
    }
  }

  dt_status run(const char* op) {
    if (kept_.count() == 0) return DT_OK;
    if (count_ == 0) return fill_identity();
    if constexpr (R::kHasShortRows)
      if (has_short_rows()) return short_rows();
    if (by_columns()) return columns(op);
    return rows(op);
  }

 private:
  // Columns are the faster way where neighbours in memory are kept, or where rows are very short.
  bool by_columns() const {
    if (kept_.ndim == 0 || reduced_.ndim == 0) return false;
    const int k = kept_.ndim - 1, r = reduced_.ndim - 1;
    if (reduced_.sizes[r] < 8 && kept_.sizes[k] >= 64) return true;  // rows too short to be worth a call each
    const int64_t across = std::abs(kept_.strides[0][k]), down = std::abs(reduced_.strides[0][r]);
    return kept_.sizes[k] >= 4 && across != 0 && (down == 0 || across < down);  // 0: the same elements again
  }

  // Short rows of neighbours in memory, and many of them in line.
  bool has_short_rows() const {
    if (kept_.ndim == 0 || reduced_.ndim != 1 || reduced_.strides[0][0] != 1) return false;
    const int64_t n = reduced_.sizes[0];
    return n >= kShortLanes && n <= kShortRow && kept_.sizes[kept_.ndim - 1] >= 8;
  }

  Out finish(const Acc& acc) const { return R::finish(acc, count_, param_); }

  dt_status fill_identity() {
    const Out value = finish(R::identity());
    Walk<2> walk = kept_;
    const int64_t n = walk.count();
    walk.seek(0);
    for (int64_t i = 0; i < n; ++i, walk.next()) out_[walk.offset[1]] = value;
    return DT_OK;
  }

  // Put `n` rows of partial totals, of `width` outputs and `stride` apart, together into the first row.
  static DOVETAIL_APART void combine(Acc* partial, int64_t n, int64_t stride, int64_t width) {
    if (n > 8) {
      const int64_t half = n / 2;
      combine(partial, half, stride, width);
      combine(partial + half * stride, n - half, stride, width);
      merge_rows(partial, partial + half * stride, width);
      return;
    }
    for (int64_t i = 1; i < n; ++i) merge_rows(partial, partial + i * stride, width);
  }
  static DOVETAIL_APART void merge_rows(Acc* to, const Acc* from, int64_t width) {
    for (int64_t c = 0; c < width; ++c) R::merge(to[c], from[c]);
  }

  // ---- an output at a time ----

  dt_status rows(const char* op) {
    int64_t step[1];
    const int64_t length = reduced_.pop(step);
    const Units units(reduced_.count(), length, kSpan);
    const int64_t outputs = kept_.count();
    const int64_t grain = grain_for(units.work());
    if (units.count == 1) {
      parallel(ctx_, outputs, grain, [&](int64_t begin, int64_t end) {
        Walk<2> kept = kept_;
        kept.seek(begin);
        for (int64_t o = begin; o < end; ++o, kept.next())
          out_[kept.offset[1]] = finish(row_unit(units, 0, in_ + kept.offset[0], step[0]));
      });
      return DT_OK;
    }
    Scratch<Acc> partial(ctx_, units.count * outputs);
    if (!partial) return out_of_memory(ctx_, op);
    parallel(ctx_, units.count * outputs, grain, [&](int64_t begin, int64_t end) {
      Walk<2> kept = kept_;
      for (int64_t u = begin; u < end; ++u) {  // outputs change fastest: they may share cache lines
        kept.seek(u % outputs);
        partial[u] = row_unit(units, u / outputs, in_ + kept.offset[0], step[0]);
      }
    });
    combine(partial.get(), units.count, outputs, outputs);
    Walk<2> kept = kept_;
    kept.seek(0);
    for (int64_t o = 0; o < outputs; ++o, kept.next()) out_[kept.offset[1]] = finish(partial[o]);
    return DT_OK;
  }

  Acc row_unit(const Units& units, int64_t unit, const In* base, int64_t step) const {
    const int64_t begin = units.begin(unit), n = units.end(unit) - begin;
    const int64_t first = units.first_row(unit), last = units.end_row(unit);
    base += begin * step;
    if (units.rows == 1) return R::span(base, n, step);
    Walk<1> walk = reduced_;
    walk.seek(first);
    Acc acc = R::span(base + walk.offset[0], n, step);
    for (int64_t row = first + 1; row < last; ++row) {
      walk.next();
      R::merge(acc, R::span(base + walk.offset[0], n, step));
    }
    return acc;
  }

  dt_status short_rows() {
    int64_t step[1], kept_step[2];
    const int64_t n = reduced_.pop(step), width = kept_.pop(kept_step), blocks = ceil_div(width, kRowsAtOnce);
    parallel(ctx_, kept_.count() * blocks, grain_for(n * kRowsAtOnce), [&](int64_t begin, int64_t end) {
      Acc acc[kRowsAtOnce];
      Walk<2> kept = kept_;
      for (int64_t u = begin; u < end; ++u) {
        const int64_t row = u % blocks * kRowsAtOnce;
        const int rows = static_cast<int>(std::min<int64_t>(kRowsAtOnce, width - row));
        kept.seek(u / blocks);
        R::short_rows(in_ + kept.offset[0] + row * kept_step[0], kept_step[0], rows, n, acc);
        write(out_ + kept.offset[1] + row * kept_step[1], kept_step[1], rows, acc);
      }
    });
    return DT_OK;
  }

  // ---- many columns at a time ----

  // Blocks of about the same width, of whole vectors.
  static int64_t column_block(int64_t width) {
    const int64_t blocks = ceil_div(width, kColumns);
    return blocks == 1 ? width : ceil_div(ceil_div(width, blocks), 64) * 64;
  }

  dt_status columns(const char* op) {
    int64_t step[1], kept_step[2];
    const int64_t length = reduced_.pop(step), width = kept_.pop(kept_step);
    const int64_t wide = column_block(width), blocks = ceil_div(width, wide);
    const Units units(reduced_.count(), length, std::max<int64_t>(kRowRun, kBlock / wide));
    const int64_t groups = kept_.count() * blocks;  // of columns that are folded together
    const int64_t grain = grain_for(units.work() * wide);
    Scratch<Acc, 1> partial(ctx_, units.count > 1 ? groups * units.count * wide : 0);
    if (!partial) return out_of_memory(ctx_, op);
    parallel(ctx_, groups * units.count, grain, [&](int64_t begin, int64_t end) {
      Acc local[2 * kColumns];
      Walk<2> kept = kept_;
      for (int64_t u = begin; u < end; ++u) {
        const int64_t group = u / units.count, column = group % blocks * wide;
        const int64_t n = std::min(wide, width - column);
        kept.seek(group / blocks);
        Acc* acc = units.count > 1 ? partial.get() + u * wide : local;
        column_unit(units, u % units.count, in_ + kept.offset[0] + column * kept_step[0], step[0], n, kept_step[0], acc,
                    local + kColumns);
        if (units.count == 1) write(out_ + kept.offset[1] + column * kept_step[1], kept_step[1], n, acc);
      }
    });
    if (units.count > 1) {
      Walk<2> kept = kept_;
      for (int64_t group = 0; group < groups; ++group) {
        Acc* acc = partial.get() + group * units.count * wide;
        const int64_t column = group % blocks * wide, n = std::min(wide, width - column);
        combine(acc, units.count, wide, n);
        kept.seek(group / blocks);
        write(out_ + kept.offset[1] + column * kept_step[1], kept_step[1], n, acc);
      }
    }
    return DT_OK;
  }

  DOVETAIL_APART void column_unit(const Units& units, int64_t unit, const In* base, int64_t step, int64_t n,
                                  int64_t column_step, Acc* acc, Acc* scratch) const {
    const int64_t begin = units.begin(unit), rows = units.end(unit) - begin;
    const int64_t first = units.first_row(unit), last = units.end_row(unit);
    base += begin * step;
    Walk<1> walk = reduced_;
    walk.seek(first);
    R::columns(base + walk.offset[0], rows, step, n, column_step, acc);
    for (int64_t row = first + 1; row < last; ++row) {
      walk.next();
      R::columns(base + walk.offset[0], rows, step, n, column_step, scratch);
      merge_rows(acc, scratch, n);
    }
  }

  DOVETAIL_APART void write(Out* out, int64_t step, int64_t n, const Acc* acc) const {
    for (int64_t c = 0; c < n; ++c) out[c * step] = finish(acc[c]);
  }

  dt_kernel_context* ctx_;
  Out* out_;
  const In* in_;
  double param_;
  int64_t count_ = 1;
  Walk<2> kept_;
  Walk<1> reduced_;
};

// One element or one short run, all folded: what a small call is. Else the whole machinery.
template <class R>
dt_status reduce(const char* op, dt_kernel_context* ctx, const dt_array& out, const dt_array& in, double param = 0) {
  if (in.ndim == 0 || (in.ndim == 1 && out.strides[0] == 0 && in.sizes[0] <= kSpan)) {
    const int64_t n = in.ndim == 0 ? 1 : in.sizes[0];
    const typename R::Acc acc =
        n == 0 ? R::identity()
               : R::span(static_cast<const typename R::In*>(in.data), n, in.ndim == 0 ? 1 : in.strides[0]);
    *static_cast<typename R::Out*>(out.data) = R::finish(acc, n, param);
    return DT_OK;
  }
  return Reduction<R>(ctx, out, in, param).run(op);
}

// A kernel of a fold; `self` is the op's name.
template <class Fold>
dt_status fold_kernel(const void* self, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                      int32_t, const dt_value*, int32_t) {
  return reduce<LaneReducer<Fold>>(static_cast<const char*>(self), ctx, outs[0], ins[0]);
}

template <class Fold>
void add_fold(KernelTable& table, const char* op, int32_t dtype) {
  table.add(op, dtype, fold_kernel<Fold>, op);
}

}  // namespace dovetail::cpu
