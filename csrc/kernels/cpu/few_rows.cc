// The choice of an instruction set for few_rows.inc, and the products of few rows that are made of it.
#include "kernels/cpu/few_rows.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "kernels/cpu/contract_choice.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/gemm_amx.h"
#include "kernels/cpu/loops.h"
#include "kernels/cpu/rounding.h"
#include "kernels/cpu/sixteen.h"

#define DOVETAIL_KERNELS "kernels/cpu/few_rows.inc"
#define DOVETAIL_KERNELS_V4
#include "kernels/cpu/foreach_isa.h"

namespace dovetail::cpu {
namespace {

constexpr int64_t kUnit = 64;                  // columns, of which a thread gets whole ones
constexpr int64_t kSharedBytes = 1024 * 1024;  // of a matrix that threads share by its rows
constexpr int64_t kWorthThread = 128 * 1024;   // elements of the matrix that are
template <class T>
constexpr int64_t kDepth = 2048 / sizeof(T);  // of a block
template <class T>
constexpr int64_t kSums = 16384 / sizeof(T);  // of the first-level cache
template <class T>
constexpr int64_t kWidened = 16384 / sizeof(T);  // too
template <class T>
constexpr int64_t kPerLine = 64 / sizeof(T);

void rows_times(const RowsTimes<float>& p) { DOVETAIL_BEST_ISA_TO_V4(rows_times_f32)(p); }
void rows_times(const RowsTimes<double>& p) { DOVETAIL_BEST_ISA_TO_V4(rows_times_f64)(p); }

// n numbers, `step` apart, as what they are summed in.
template <class W, class T>
void read_row(int32_t dtype, const W* from, int64_t step, int64_t n, T* to) {
  if constexpr (!std::is_same_v<W, T>) {
    widen(dtype, from, step, n, to);
  } else if (step == 1) {
    std::memcpy(to, from, static_cast<size_t>(n) * sizeof(T));
  } else {
    for (int64_t j = 0; j < n; ++j) to[j] = from[j * step];
  }
}

// One product, some of its columns at a time. Threads share nothing but what they read.
template <class W, class T>
class SomeColumns {
 public:
  SomeColumns(const Batch<W, T>& p, int32_t dtype, int64_t item)
      : p_(p), dtype_(dtype), sums_step_(kSums<T> / p.c.rows / kPerLine<T> * kPerLine<T>), turned_(p.b.col != 1) {
    a_ = p.a.data + item * p.a_step, b_ = p.b.data + item * p.b_step, c_ = p.c.data + item * p.c_step;
    start_ = p.start.data ? p.start.data + item * p.start.batch : nullptr;
  }

  // Of c columns [begin, end).
  void run(int64_t begin, int64_t end) {
    each_block(begin, end, [&](int64_t col, int64_t n) {
      for (int64_t k = 0; k < p_.a.cols; k += kDepth<T>) {
        add_depths(k, col, n, turned_ && k > 0);
        if (!turned_) add_rows(sums_, sums_step_, n, k == 0);
      }
      for (int64_t i = 0; i < p_.c.rows; ++i) finish_row(i, col, n, (turned_ ? sums_ : totals_) + i * sums_step_);
    });
  }
  // The sums of one block of depths alone, of a matrix that is not turned; and c from those of all blocks. As run().
  void run_depths(int64_t block, int64_t begin, int64_t end, T* sums) {
    each_block(begin, end, [&](int64_t col, int64_t n) {
      add_depths(block * kDepth<T>, col, n, false);
      for (int64_t i = 0; i < p_.c.rows; ++i) read_row(0, sums_ + i * sums_step_, 1, n, sums + i * p_.c.cols + col);
    });
  }
  void finish(int64_t begin, int64_t end, const T* sums) {
    const int64_t size = p_.c.rows * p_.c.cols;
    each_block(begin, end, [&](int64_t col, int64_t n) {
      for (int64_t k = 0; k < p_.a.cols; k += kDepth<T>) {
        add_rows(sums + k / kDepth<T> * size + col, p_.c.cols, n, k == 0);
      }
      for (int64_t i = 0; i < p_.c.rows; ++i) finish_row(i, col, n, totals_ + i * sums_step_);
    });
  }

 private:
  // As many columns at a time as there is room for.
  template <class Body>
  void each_block(int64_t begin, int64_t end, const Body& body) {
    const int64_t most = sums_step_ - kFewRowsRoom<T>, blocks = ceil_div(end - begin, most);
    const auto first_of = [&](int64_t i) { return begin + (end - begin) * i / blocks / kPerLine<T> * kPerLine<T>; };
    for (int64_t i = 0; i < blocks; ++i) {
      const int64_t first = first_of(i);
      body(first, (i + 1 < blocks ? first_of(i + 1) : end) - first);
    }
  }

  // The block of depths from k on, in sums_, or with `more` added to those.
  void add_depths(int64_t k, int64_t col, int64_t n, bool more) {
    RowsTimes<T> job{};
    job.rows = p_.c.rows, job.depth = std::min(kDepth<T>, p_.a.cols - k), job.cols = n;
    job.sums = sums_, job.sums_step = sums_step_;
    job.turned = turned_, job.more = more, job.last = true;
    lay_out_rows(k, job);
    const W* b = b_ + k * p_.b.row + col * p_.b.col;
    if constexpr (std::is_same_v<W, T>) {
      job.b = b, job.b_step = turned_ ? p_.b.col : p_.b.row;
      rows_times(job);
    } else {
      turned_ ? widened_columns(b, job) : widened_rows(b, job);
    }
  }
  void add_rows(const T* sums, int64_t step, int64_t n, bool first) {
    for (int64_t i = 0; i < p_.c.rows; ++i) {
      T* to = totals_ + i * sums_step_;
      const T* from = sums + i * step;
      for (int64_t j = 0; j < n; ++j) to[j] = first ? from[j] : to[j] + from[j];
    }
  }

  // Depths [k, k + depth) of the rows, as rows_times() reads them; or where they lie, if it can.
  void lay_out_rows(int64_t k, RowsTimes<T>& job) {
    const int64_t m = p_.c.rows, n = job.depth;
    const W* from = a_ + k * p_.a.col;
    if constexpr (std::is_same_v<W, T>) {
      if (p_.a.col == 1 && (!turned_ || (m == 1 && n % kPerLine<T> == 0))) {
        job.a = from, job.a_step = p_.a.row;
        return;
      }
    }
    job.a = laid_, job.a_step = kDepth<T>;
    for (int64_t i = 0; i < m; ++i) {
      alignas(64) T row[kDepth<T>];
      read_row(dtype_, from + i * p_.a.row, p_.a.col, n, turned_ ? row : laid_ + i * kDepth<T>);
      if (!turned_) continue;
      for (int64_t d = 0; d < n; d += kPerLine<T>) {
        if (d + kPerLine<T> > n) std::fill(row + n, row + d + kPerLine<T>, T(0));
        std::memcpy(laid_ + (d / kPerLine<T> * m + i) * kPerLine<T>, row + d, 64);
      }
    }
  }

  // Columns of 16-bit numbers widened, four at a time.
  void widened_columns(const W* b, RowsTimes<T> job) {
    constexpr int64_t kTogether = 4;
    const int64_t cols = job.cols;
    job.b = widened_, job.b_step = kDepth<T>;
    for (int64_t j = 0; j < cols; j += kTogether) {
      job.cols = std::min(kTogether, cols - j);
      for (int64_t i = 0; i < job.cols; ++i)
        read_row(dtype_, b + (j + i) * p_.b.col, 1, job.depth, widened_ + i * kDepth<T>);
      rows_times(job);
      job.sums += job.cols;
    }
  }

  // Rows of 16-bit numbers widened, as many as there is room for.
  void widened_rows(const W* b, RowsTimes<T> job) {
    const int64_t depth = job.depth, together = kWidened<T> / job.cols;
    const bool last = job.last;
    job.b = widened_, job.b_step = job.cols;
    for (int64_t k = 0; k < depth; k += together) {
      job.depth = std::min(together, depth - k), job.last = last && k + job.depth == depth;
      for (int64_t i = 0; i < job.depth; ++i)
        read_row(dtype_, b + (k + i) * p_.b.row, 1, job.cols, widened_ + i * job.cols);
      rows_times(job);
      job.a += job.depth, job.more = true;
    }
  }

  // A row of c, from column `col` on, from its sums.
  void finish_row(int64_t row, int64_t col, int64_t n, T* sums) {
    W* to = c_ + row * p_.c.row + col * p_.c.col;
    if (p_.alpha != T(1)) {
      for (int64_t j = 0; j < n; ++j) sums[j] *= p_.alpha;
    }
    if (start_) {
      read_row(dtype_, start_ + row * p_.start.row + col * p_.start.col, p_.start.col, n, laid_);
      for (int64_t j = 0; j < n; ++j) sums[j] += p_.start.scale * laid_[j];
    }
    if constexpr (!std::is_same_v<W, T>) {
      narrow(dtype_, sums, to, p_.c.col, n);
    } else if (p_.c.col == 1) {
      std::memcpy(to, sums, static_cast<size_t>(n) * sizeof(T));
    } else {
      for (int64_t j = 0; j < n; ++j) to[j * p_.c.col] = sums[j];
    }
  }

  const Batch<W, T>& p_;
  int32_t dtype_;
  int64_t sums_step_;
  bool turned_;
  const W *a_, *b_, *start_;
  W* c_;
  alignas(64) T sums_[kSums<T>];
  alignas(64) T totals_[kSums<T>];
  alignas(64) T laid_[kFewRowsMost * kDepth<T>];
  alignas(64) T widened_[std::is_same_v<W, T> ? 1 : kWidened<T>];
};

// Of rows of so many units, units [begin, end), counted through: body(row, first, last) for those of each row.
template <class Body>
void each_run(int64_t begin, int64_t end, int64_t units, const Body& body) {
  while (begin < end) {
    const int64_t row = begin / units, next = std::min(end, (row + 1) * units);
    body(row, begin - row * units, next - row * units);
    begin = next;
  }
}

// A large matrix whose rows lie side by side is shared out by rows, each block of them a run of memory: columns would
// share pages, of which a core's second-level cache holds but half the lines. False: not worth it, or no memory.
template <class W, class T, class End>
bool by_depths(dt_kernel_context* ctx, const Batch<W, T>& p, int32_t dtype, int64_t units, const End& end_of) {
  const int64_t m = p.c.rows, n = p.c.cols, blocks = ceil_div(p.a.cols, kDepth<T>);
  const bool large = n * p.a.cols * static_cast<int64_t>(sizeof(W)) >= kSharedBytes;
  if (p.count > 1 || p.b.col != 1 || blocks < 2 || !large) return false;
  T* sums = static_cast<T*>(ctx->workspace(ctx, static_cast<size_t>(blocks * m * n) * sizeof(T)));
  if (!sums) return false;
  parallel(ctx, blocks * units, std::max<int64_t>(1, kWorthThread / (kUnit * kDepth<T>)),
           [&](int64_t begin, int64_t end) {
             each_run(begin, end, units, [&](int64_t block, int64_t first, int64_t last) {
               SomeColumns<W, T>(p, dtype, 0).run_depths(block, first * kUnit, end_of(last), sums + block * m * n);
             });
           });
  parallel(ctx, units, std::max<int64_t>(1, kWorthThread / (kUnit * blocks * m)), [&](int64_t begin, int64_t end) {
    SomeColumns<W, T>(p, dtype, 0).finish(begin * kUnit, end_of(end), sums);
  });
  return true;
}

}  // namespace

template <class W, class T>
void few_rows_product(dt_kernel_context* ctx, Batch<W, T> p, int32_t dtype) {
  if (p.c.cols < p.c.rows) p = p.transposed();
  const int64_t n = p.c.cols, units = std::max<int64_t>(1, n / kUnit);  // the last one has what is left too
  const auto end_of = [&](int64_t unit) { return unit == units ? n : unit * kUnit; };
  if (by_depths(ctx, p, dtype, units, end_of)) return;
  parallel(ctx, p.count * units, std::max<int64_t>(1, kWorthThread / (std::min(n, kUnit) * p.a.cols)),
           [&](int64_t begin, int64_t end) {
             each_run(begin, end, units, [&](int64_t item, int64_t first, int64_t last) {
               SomeColumns<W, T>(p, dtype, item).run(first * kUnit, end_of(last));
             });
           });
}
template void few_rows_product(dt_kernel_context*, Batch<float, float>, int32_t);
template void few_rows_product(dt_kernel_context*, Batch<double, double>, int32_t);

namespace {

// Whether tiles take no longer than few_rows_product().
bool tiles_pay(const Batch<uint16_t, float>& p) {
  const int64_t rows = std::min(p.c.rows, p.c.cols), longer = std::max(p.c.rows, p.c.cols);
  return has_tiles() && rows > kFewBesideTiles && std::min(longer, p.a.cols) >= kWideForTiles;
}

// `self` is the kernel for other products.
template <Arrange<uint16_t, float> arrange>
dt_status multiply(const void* self, dt_kernel_context* ctx, const dt_array* outs, int32_t n_outs, const dt_array* ins,
                   int32_t n_ins, const dt_value* args, int32_t n_args) {
  const Batch<uint16_t, float> p = arrange(outs[0], ins, n_ins, args);
  if (p.count == 0 || !few_rows_pay(p) || (outs[0].dtype == DT_BFLOAT16 && tiles_pay(p))) {
    return run_inner(self, ctx, outs, n_outs, ins, n_ins, args, n_args);
  }
  few_rows_product(ctx, p, outs[0].dtype);
  return DT_OK;
}

}  // namespace

void add_few_rows_sixteen(KernelTable& table) {
  const struct {
    const char* op;
    dt_kernel_fn fn;
  } kernels[] = {{"mm", multiply<arrange_mm>},
                 {"bmm", multiply<arrange_bmm>},
                 {"mv", multiply<arrange_mv>},
                 {"addmm", multiply<arrange_addmm>},
                 {"linear", multiply<arrange_linear>}};
  for (const auto& [op, fn] : kernels) {
    for (int32_t dtype : {DT_FLOAT16, DT_BFLOAT16}) {
      table.add_over(op, dtype, fn, dtype);
    }
  }
}

}  // namespace dovetail::cpu
