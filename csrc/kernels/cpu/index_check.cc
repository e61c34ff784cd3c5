// Whether indices lie within a dim.
#include <atomic>

#include "kernels/cpu/index_copy.h"
#include "kernels/cpu/reduce_lanes.h"

namespace dovetail::cpu {

namespace {

// Whether all of [p, p + n) lie in [low, low + size): neither their distance from the first that does nor that from the
// last is negative, as signed numbers. (Of those that wrap around, one is.)
DOVETAIL_CLONES_TO_V4 bool all_within(const int64_t* p, int64_t n, int64_t low, int64_t size) {
  const uint64_t first = static_cast<uint64_t>(low), last = static_cast<uint64_t>(size) - 1;
  uint64_t outside = 0;
  for (int64_t i = 0; i < n; ++i) {
    const uint64_t distance = static_cast<uint64_t>(p[i]) - first;
    outside |= distance | (last - distance);
  }
  return outside >> 63 == 0;
}

// In order, so that the first one that does not fit is named.
dt_status refuse(dt_kernel_context* ctx, const char* op, const int64_t* p, Walk<1> walk, int64_t n, int64_t step,
                 int64_t low, int64_t size, int dim) {
  int64_t bad = low;
  const int64_t rows = walk.count();
  walk.seek(0);
  for (int64_t r = 0; r < rows && bad >= low && bad < size; ++r, walk.next())
    for (int64_t i = 0; i < n && bad >= low && bad < size; ++i) bad = p[walk.offset[0] + i * step];
  char text[160];
  std::snprintf(text, sizeof text, "%s: index %lld is out of range for dim %d of size %lld", op,
                static_cast<long long>(bad), dim, static_cast<long long>(size));
  return ctx->fail(ctx, DT_ERR_INDEX, text);
}

}  // namespace

dt_status check_indices(dt_kernel_context* ctx, const char* op, const dt_array& index, int64_t low, int64_t size,
                        int dim) {
  if (numel(index) == 0) return DT_OK;
  const int64_t* p = static_cast<const int64_t*>(index.data);
  Walk<1> walk;
  for (int i = 0; i < index.ndim; ++i)
    if (index.strides[i] != 0) walk.add(index.sizes[i], {index.strides[i]});
  int64_t step[1];
  const int64_t n = walk.pop(step), rows = walk.count();
  std::atomic<bool> outside{false};
  auto look = [&](const int64_t* row, int64_t count) {
    bool good = true;
    if (step[0] == 1) {
      good = all_within(row, count, low, size - low);
    } else {
      for (int64_t i = 0; i < count; ++i) good = good && row[i * step[0]] >= low && row[i * step[0]] < size;
    }
    if (!good) outside.store(true, std::memory_order_relaxed);
  };
  if (rows == 1) {
    parallel(ctx, n, kGrain, [&](int64_t begin, int64_t end) { look(p + begin * step[0], end - begin); });
  } else {
    parallel(ctx, rows, grain_for(n), [&](int64_t begin, int64_t end) {
      Walk<1> w = walk;
      w.seek(begin);
      for (int64_t r = begin; r < end; ++r, w.next()) look(p + w.offset[0], n);
    });
  }
  return outside ? refuse(ctx, op, p, walk, n, step[0], low, size, dim) : DT_OK;
}

}  // namespace dovetail::cpu
