// Float kernels at work on 16-bit floats: see sixteen.h.
#include "kernels/cpu/sixteen.h"

#include <algorithm>
#include <new>
#include <vector>

#include "kernels/common/dtypes.h"
#include "kernels/cpu/index_copy.h"
#include "kernels/cpu/loops.h"

#define DOVETAIL_KERNELS "kernels/cpu/sixteen.inc"
#define DOVETAIL_KERNELS_V4
#include "kernels/cpu/foreach_isa.h"

namespace dovetail::cpu {

namespace {

constexpr int64_t kFew = 256;  // elements that are brought into a row, or out of one, at a time

}  // namespace

void widen(int32_t dtype, const uint16_t* from, int64_t step, int64_t n, float* to) {
  const auto run = DOVETAIL_BEST_ISA_TO_V4(widen_run<false>);
  if (step == 1) return run(dtype, from, n, to);
  if (step == 0) {
    std::fill_n(to, n, dtype == DT_FLOAT16 ? half_to_float(*from) : bfloat16_to_float(*from));
    return;
  }
  uint16_t row[kFew];
  for (int64_t i = 0; i < n; i += kFew) {
    const int64_t count = std::min(kFew, n - i);
    for (int64_t k = 0; k < count; ++k) row[k] = from[(i + k) * step];
    run(dtype, row, count, to + i);
  }
}

void narrow(int32_t dtype, const float* from, uint16_t* to, int64_t step, int64_t n) {
  const auto run = DOVETAIL_BEST_ISA_TO_V4(narrow_run<false>);
  if (step == 1) return run(dtype, from, to, n);
  uint16_t row[kFew];
  for (int64_t i = 0; i < n; i += kFew) {
    const int64_t count = std::min(kFew, n - i);
    run(dtype, from + i, row, count);
    for (int64_t k = 0; k < count; ++k) to[(i + k) * step] = row[k];
  }
}

void widen_past(int32_t dtype, const uint16_t* from, int64_t n, float* to) {
  DOVETAIL_BEST_ISA_TO_V4(widen_run<true>)(dtype, from, n, to);
}
void narrow_past(int32_t dtype, const float* from, uint16_t* to, int64_t n) {
  DOVETAIL_BEST_ISA_TO_V4(narrow_run<true>)(dtype, from, to, n);
}

namespace {

// Calls visit(data, step, n, done) for the elements [begin, begin + count) of an array, in order, row by row.
template <class Visit>
void for_rows(const dt_array& a, int64_t begin, int64_t count, Visit visit) {
  char* data = static_cast<char*>(a.data);
  const int64_t item = item_bytes(a.dtype);
  if (a.ndim <= 1) {
    const int64_t step = a.ndim ? a.strides[0] : 1;
    visit(data + begin * step * item, step, count, int64_t{0});
    return;
  }
  const int inner = a.ndim - 1;
  int64_t index[DT_MAX_DIMS], rest = begin;
  for (int d = inner; d >= 0; --d) {
    index[d] = rest % a.sizes[d];
    rest /= a.sizes[d];
    data += index[d] * a.strides[d] * item;
  }
  for (int64_t done = 0; done < count;) {
    const int64_t n = std::min(a.sizes[inner] - index[inner], count - done);
    visit(data, a.strides[inner], n, done);
    done += n;
    data -= index[inner] * a.strides[inner] * item;
    index[inner] = 0;
    for (int d = inner - 1; d >= 0; --d) {  // the next row
      data += a.strides[d] * item;
      if (++index[d] < a.sizes[d]) break;
      data -= index[d] * a.strides[d] * item;
      index[d] = 0;
    }
  }
}

// An array whose dims that lie in line are one: each array by itself, whatever the others' are.
struct Merged {
  int64_t sizes[DT_MAX_DIMS], strides[DT_MAX_DIMS];
  dt_array array;

  explicit Merged(const dt_array& a) : array{a.data, sizes, strides, 0, a.dtype} {
    int32_t& ndim = array.ndim;
    for (int d = 0; d < a.ndim; ++d) {
      if (a.sizes[d] == 1) continue;
      const bool merges = ndim > 0 && strides[ndim - 1] == a.strides[d] * a.sizes[d];
      if (!merges) sizes[ndim++] = 1;
      sizes[ndim - 1] *= a.sizes[d];
      strides[ndim - 1] = a.strides[d];
    }
  }
};

// ---- by blocks ----------------------------------------------------------------------------------------------

constexpr int64_t kBlock = 1024;
constexpr int64_t kMostItem = 8;
constexpr int64_t kLongRow = 64;  // rows that are converted one by one, where they lie

struct Blocks {
  const void* kernel;  // a wrapper's self
  dt_kernel_context* ctx;
  const dt_array* out;
  const dt_array* ins;
  int32_t n_ins;
  const dt_value* args;
  int32_t n_args;

  // Elements [begin, begin + n), n no more than kBlock. What is of another dtype and in a row, the kernel gets as it
  // is.
  dt_status run(int64_t begin, int64_t n) const {
    // Not a power of two apart: the same places of all buffers would get in each other's way.
    alignas(64) char buffers[kMostArrays][kBlock * kMostItem + 192];
    static constexpr int64_t kOne = 1, kZero = 0;
    dt_array given[kMostArrays];
    for (int32_t k = 0; k < n_ins; ++k) {
      const dt_array& in = ins[k];
      if (!in.data) {
        given[k] = in;
      } else if (is_plain_row(in)) {
        given[k] = row_of(in, begin, &n);
      } else {
        const bool same = is_same_everywhere(in);
        given[k] = {buffers[k + 1], &n, same ? &kZero : &kOne, 1, in.dtype};
        read(in, same ? 0 : begin, same ? 1 : n, given[k]);
      }
    }
    const bool direct = is_plain_row(*out), narrows = is_sixteen(out->dtype);
    dt_array result{buffers[0], &n, &kOne, 1, narrows ? static_cast<int32_t>(DT_FLOAT32) : out->dtype};
    if (direct) result = row_of(*out, begin, &n);
    const dt_status status = run_inner(kernel, ctx, &result, 1, given, n_ins, args, n_args);
    if (status == DT_OK && !direct) write(begin, n, buffers[0]);
    return status;
  }

  static bool is_plain_row(const dt_array& a) { return a.ndim == 1 && !is_sixteen(a.dtype); }
  static dt_array row_of(const dt_array& a, int64_t begin, const int64_t* n) {
    return {static_cast<char*>(a.data) + begin * a.strides[0] * item_bytes(a.dtype), n, a.strides, 1, a.dtype};
  }

  static bool is_same_everywhere(const dt_array& a) {
    return std::all_of(a.strides, a.strides + a.ndim, [](int64_t stride) { return stride == 0; });
  }
  static bool has_long_rows(const dt_array& a) { return a.ndim <= 1 || a.sizes[a.ndim - 1] >= kLongRow; }

  static void read(const dt_array& in, int64_t begin, int64_t n, dt_array& to) {
    if (!is_sixteen(in.dtype)) return gather(in, begin, n, static_cast<char*>(to.data));
    to.dtype = DT_FLOAT32;
    float* const buffer = static_cast<float*>(to.data);
    if (has_long_rows(in)) {
      for_rows(in, begin, n, [&](char* row, int64_t step, int64_t count, int64_t done) {
        widen(in.dtype, reinterpret_cast<const uint16_t*>(row), step, count, buffer + done);
      });
    } else {
      alignas(64) uint16_t narrow_ones[kBlock];
      gather(in, begin, n, reinterpret_cast<char*>(narrow_ones));
      widen(in.dtype, narrow_ones, 1, n, buffer);
    }
  }

  void write(int64_t begin, int64_t n, const char* bytes) const {
    if (!is_sixteen(out->dtype)) return scatter(*out, begin, n, bytes);
    const float* const buffer = reinterpret_cast<const float*>(bytes);
    if (has_long_rows(*out)) {
      for_rows(*out, begin, n, [&](char* row, int64_t step, int64_t count, int64_t done) {
        narrow(out->dtype, buffer + done, reinterpret_cast<uint16_t*>(row), step, count);
      });
    } else {
      alignas(64) uint16_t narrow_ones[kBlock];
      narrow(out->dtype, buffer, narrow_ones, 1, n);
      scatter(*out, begin, n, reinterpret_cast<const char*>(narrow_ones));
    }
  }

  // Elements as they are, into a row and out of one.
  static void gather(const dt_array& from, int64_t begin, int64_t n, char* to) {
    visit_size(item_bytes(from.dtype), [&](auto unit) {
      using T = decltype(unit);
      for_rows(from, begin, n, [to](char* row, int64_t step, int64_t count, int64_t done) {
        const T* const in = reinterpret_cast<const T*>(row);
        T* const out = reinterpret_cast<T*>(to) + done;
        for (int64_t i = 0; i < count; ++i) out[i] = in[i * step];
      });
    });
  }
  static void scatter(const dt_array& to, int64_t begin, int64_t n, const char* from) {
    visit_size(item_bytes(to.dtype), [&](auto unit) {
      using T = decltype(unit);
      for_rows(to, begin, n, [from](char* row, int64_t step, int64_t count, int64_t done) {
        T* const out = reinterpret_cast<T*>(row);
        const T* const in = reinterpret_cast<const T*>(from) + done;
        for (int64_t i = 0; i < count; ++i) out[i * step] = in[i];
      });
    });
  }
};

int64_t element_count(const dt_array& a) {
  int64_t n = 1;
  for (int d = 0; d < a.ndim; ++d) n *= a.sizes[d];
  return n;
}

dt_status run_blocks(const Blocks& blocks) {
  const int64_t total = element_count(*blocks.out);
  if (total == 0) return DT_OK;
  // The first block here: should the kernel refuse the call, the error is this thread's.
  const int64_t first = std::min(kBlock, total);
  const dt_status status = blocks.run(0, first);
  if (status != DT_OK || total == first) return status;
  blocks.ctx->parallel_for(
      blocks.ctx, (total - 1) / kBlock, kCheapGrain / kBlock,
      [](void* arg, int64_t begin, int64_t end) {
        const Blocks& blocks = *static_cast<const Blocks*>(arg);
        const int64_t total = element_count(*blocks.out);
        for (int64_t block = begin + 1; block <= end; ++block)
          blocks.run(block * kBlock, std::min(kBlock, total - block * kBlock));
      },
      const_cast<Blocks*>(&blocks));
  return DT_OK;
}

dt_status by_blocks(const void* self, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                    int32_t n_ins, const dt_value* args, int32_t n_args) {
  Blocks blocks{self, ctx, &outs[0], ins, n_ins, args, n_args};
  if (outs[0].ndim <= 1) return run_blocks(blocks);
  const Merged out(outs[0]);
  alignas(Merged) char space[kMostArrays - 1][sizeof(Merged)];
  dt_array merged[kMostArrays - 1];
  for (int32_t k = 0; k < n_ins; ++k) merged[k] = ins[k].data ? (new (space[k]) Merged(ins[k]))->array : ins[k];
  blocks.out = &out.array;
  blocks.ins = merged;
  return run_blocks(blocks);
}

// ---- whole tensors ------------------------------------------------------------------------------------------

// A float array of another's sizes, in the kernel's scratch memory: dense, but for dims of stride 0.
bool widened_like(dt_kernel_context* ctx, const dt_array& a, dt_array& wide, int64_t* strides) {
  int64_t count = 1;
  for (int d = a.ndim - 1; d >= 0; --d) {
    strides[d] = a.strides[d] == 0 ? 0 : count;
    if (a.strides[d] != 0) count *= a.sizes[d];
  }
  wide = {ctx->workspace(ctx, static_cast<size_t>(count) * sizeof(float)), a.sizes, strides, a.ndim, DT_FLOAT32};
  return wide.data != nullptr;
}

// Between an array and its wide one: dims of stride 0 count once.
template <class Convert>
void convert_whole(dt_kernel_context* ctx, const dt_array& a, const dt_array& wide, Convert convert) {
  int64_t sizes[DT_MAX_DIMS], strides[DT_MAX_DIMS];
  dt_array once{a.data, sizes, strides, 0, a.dtype};
  for (int d = 0; d < a.ndim; ++d) {
    if (a.strides[d] == 0) continue;  // even of size 0: a reduction of nothing has a result
    sizes[once.ndim] = a.sizes[d];
    strides[once.ndim++] = a.strides[d];
  }
  const Merged merged(once);
  const dt_array& kept = merged.array;
  struct Job {
    const dt_array& kept;
    float* wide;
    Convert& convert;
  } job{kept, static_cast<float*>(wide.data), convert};
  const int64_t total = element_count(kept);
  if (total == 0) return;
  ctx->parallel_for(
      ctx, total, kCheapGrain,
      [](void* arg, int64_t begin, int64_t end) {
        Job& job = *static_cast<Job*>(arg);
        for_rows(job.kept, begin, end - begin, [&](char* row, int64_t step, int64_t n, int64_t done) {
          job.convert(reinterpret_cast<uint16_t*>(row), step, n, job.wide + begin + done);
        });
      },
      &job);
}

dt_status by_whole(const void* self, dt_kernel_context* ctx, const dt_array* outs, int32_t n_outs, const dt_array* ins,
                   int32_t n_ins, const dt_value* args, int32_t n_args) {
  const int32_t count = n_outs + n_ins;
  std::vector<dt_array> arrays(outs, outs + n_outs);
  arrays.insert(arrays.end(), ins, ins + n_ins);
  std::vector<int64_t> strides(static_cast<size_t>(count) * DT_MAX_DIMS);
  for (int32_t k = 0; k < count; ++k) {
    const dt_array narrow_one = arrays[k];
    if (!narrow_one.data || !is_sixteen(narrow_one.dtype)) continue;
    if (!widened_like(ctx, narrow_one, arrays[k], &strides[static_cast<size_t>(k) * DT_MAX_DIMS]))
      return ctx->fail(ctx, DT_ERR_MEMORY, "out of memory for the float copy of a 16-bit tensor");
    if (k < n_outs) continue;
    convert_whole(ctx, narrow_one, arrays[k], [&](uint16_t* row, int64_t step, int64_t n, float* wide) {
      widen(narrow_one.dtype, row, step, n, wide);
    });
  }
  const dt_status status = run_inner(self, ctx, arrays.data(), n_outs, arrays.data() + n_outs, n_ins, args, n_args);
  if (status != DT_OK) return status;
  for (int32_t k = 0; k < n_outs; ++k) {
    if (!outs[k].data || !is_sixteen(outs[k].dtype)) continue;
    convert_whole(ctx, outs[k], arrays[k], [&](uint16_t* row, int64_t step, int64_t n, float* wide) {
      narrow(outs[k].dtype, wide, row, step, n);
    });
  }
  return DT_OK;
}

// What a wrapped kernel's self points to is kept for the life of the process.
dt_kernel wrapped(dt_kernel_fn wrapper, const dt_kernel& kernel) { return {wrapper, new dt_kernel(kernel)}; }

void add_wrapped(KernelTable& table, dt_kernel_fn wrapper) {
  KernelTable made;
  table.for_each(DT_FLOAT32, [&](const std::string& op, const dt_kernel& kernel) {
    const dt_kernel wide = wrapped(wrapper, kernel);
    made.add(op.c_str(), DT_FLOAT16, wide.fn, wide.self);
    made.add(op.c_str(), DT_BFLOAT16, wide.fn, wide.self);
  });
  table.add_all(made);
}

}  // namespace

dt_kernel sixteen_by_blocks(const dt_kernel& kernel) { return wrapped(by_blocks, kernel); }

void add_sixteen_by_blocks(KernelTable& table) { add_wrapped(table, by_blocks); }
void add_sixteen_whole(KernelTable& table) { add_wrapped(table, by_whole); }

void add_floats_whole(KernelTable& table, AddKernels of_float, AddKernels of_double) {
  KernelTable own;
  of_float(own, DT_FLOAT32);
  of_double(own, DT_FLOAT64);
  add_sixteen_whole(own);
  table.add_all(own);
}

}  // namespace dovetail::cpu
