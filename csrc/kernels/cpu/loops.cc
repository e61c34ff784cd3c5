// Elementwise iteration in general: dims merged, work split over the pool, tiles.
//
// A fresh output that no cache could hold is stored past the cache, by way of a buffer that the first level holds:
// memory then need not read what will be overwritten. Loops that bring a variant which stores so itself, as those over
// scalars do (inner.inc), run that instead where rows are long. Figures: docs/performance/README.md.
#include "kernels/cpu/loops.h"

#include <algorithm>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace dovetail::cpu {
namespace {

struct Walk {
  InnerFn fn, past;
  Tile tile;
  const void* params;
  int count;  // arrays
  int ndim;
  int64_t total;
  char* data[kMostArrays];
  int64_t item[kMostArrays];
  int64_t sizes[DT_MAX_DIMS];
  int64_t strides[DT_MAX_DIMS][kMostArrays];  // in elements
  int64_t row_blocks = 0;                     // tiled: of the last but one dim
};

void build(Walk& walk, const dt_array* const* arrays) {
  const dt_array& out = *arrays[0];
  walk.ndim = 0;
  walk.total = 1;
  for (int d = 0; d < out.ndim; ++d) {
    walk.total *= out.sizes[d];
    if (out.sizes[d] == 1) continue;
    int64_t* last = walk.ndim ? walk.strides[walk.ndim - 1] : nullptr;
    bool merges = last != nullptr;
    for (int k = 0; k < walk.count && merges; ++k) merges = last[k] == arrays[k]->strides[d] * out.sizes[d];
    if (!merges) ++walk.ndim;
    int64_t& size = walk.sizes[walk.ndim - 1];
    size = merges ? size * out.sizes[d] : out.sizes[d];
    for (int k = 0; k < walk.count; ++k) walk.strides[walk.ndim - 1][k] = arrays[k]->strides[d];
  }
  if (walk.ndim == 0) {
    walk.ndim = 1;
    walk.sizes[0] = 1;
    std::fill_n(walk.strides[0], walk.count, 1);
  }
  for (int k = 0; k < walk.count; ++k) {
    walk.data[k] = static_cast<char*>(arrays[k]->data);
    walk.item[k] = item_bytes(arrays[k]->dtype);
  }
}

// ---- ranges -------------------------------------------------------------------------------------------------

// A place in the output's order, and what lies there.
struct Cursor {
  const Walk& walk;
  int64_t index[DT_MAX_DIMS];
  char* at[kMostArrays];

  Cursor(const Walk& walk, int64_t begin) : walk(walk) {
    std::copy_n(walk.data, walk.count, at);
    for (int d = walk.ndim - 1; d >= 0; --d) {
      index[d] = begin % walk.sizes[d];
      begin /= walk.sizes[d];
      move(d, index[d]);
    }
  }

  void move(int d, int64_t steps) {
    for (int k = 0; k < walk.count; ++k) at[k] += steps * walk.strides[d][k] * walk.item[k];
  }

  // As many steps along dim d as it has, at most.
  void advance(int d, int64_t steps) {
    for (; index[d] + steps == walk.sizes[d] && d > 0; --d, steps = 1) {
      move(d, -index[d]);
      index[d] = 0;
    }
    move(d, steps);
    index[d] += steps;
  }

  int64_t row_left() const { return walk.sizes[walk.ndim - 1] - index[walk.ndim - 1]; }

  // The next `count` elements: the rest of a row, whole rows, the beginning of a row. Where `to` is given they go
  // there, one after another: the output's rows then lie in line.
  void run(int64_t count, char* to = nullptr) {
    const int inner = walk.ndim - 1, outer = inner > 0 ? inner - 1 : 0;
    const int64_t width = walk.sizes[inner];
    while (count > 0) {
      int64_t n = std::min(width - index[inner], count), rows = 1;
      if (n == width && inner > 0) rows = std::min(walk.sizes[outer] - index[outer], count / width);
      char* data[kMostArrays];
      std::copy_n(at, walk.count, data);
      if (to) {
        data[0] = to;
        to += n * rows * walk.item[0];
      }
      walk.fn(data, walk.strides[inner], walk.strides[outer], n, rows, walk.params);
      if (n == width && inner > 0)
        advance(outer, rows);
      else
        advance(inner, n);
      count -= n * rows;
    }
  }
};

void run_range(void* arg, int64_t begin, int64_t end) {
  Cursor(*static_cast<const Walk*>(arg), begin).run(end - begin);
}

// ---- storing past the cache ---------------------------------------------------------------------------------

constexpr int64_t kPastCache = 32 << 20;  // bytes of an output, or two thirds of all that is moved
constexpr int64_t kPastRow = 16;          // lines of a row that are worth a call
constexpr int64_t kBuffer = 2048;         // bytes; larger ones keep the processor from reading ahead

// Processors with AVX-512 gain up to a half; one without (Zen 3) lost a tenth to a quarter.
bool gains_past_cache() {
#if defined(__x86_64__)
  static const bool gains = [] {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") != 0;
  }();
  return gains;
#else
  return false;
#endif
}

// Whether the output lies in line and shares nothing with an input, and it is large, or all that is moved.
bool wants_past_cache(const Walk& walk) {
  const int64_t bytes = walk.total * walk.item[0];
  if (bytes < kPastCache / 2 || walk.strides[walk.ndim - 1][0] != 1) return false;
  int64_t moved = bytes;
  for (int k = 1; k < walk.count; ++k) {
    if (walk.data[k] == walk.data[0]) return false;
    if (walk.strides[0][k] != 0) moved += walk.total * walk.item[k];
  }
  for (int d = 1; d < walk.ndim; ++d)
    if (walk.strides[d - 1][0] != walk.strides[d][0] * walk.sizes[d]) return false;
  return (bytes >= kPastCache || moved >= kPastCache * 3 / 2) && gains_past_cache();
}

#if defined(__x86_64__)
// bytes and `to` are multiples of 64. A line at once: in halves it takes up to twice as long.
__attribute__((target("avx512f"))) void copy_past_cache(char* to, const char* from, int64_t bytes) {
  for (int64_t i = 0; i < bytes; i += 64) {
    _mm512_stream_si512(reinterpret_cast<__m512i*>(to + i), *reinterpret_cast<const __m512i*>(from + i));
  }
}

// Inputs that lie in line as the output does: while a buffer is copied, the processor does not read ahead by itself.
struct Ahead {
  int count = 0;
  const char* data[kMostArrays];
  int64_t item[kMostArrays];

  explicit Ahead(const Walk& walk) {
    for (int k = 1; k < walk.count; ++k) {
      bool in_line = true;
      for (int d = 0; d < walk.ndim; ++d) in_line = in_line && walk.strides[d][k] == walk.strides[d][0];
      if (!in_line) continue;
      data[count] = walk.data[k];
      item[count++] = walk.item[k];
    }
  }

  void fetch(int64_t begin, int64_t end) const {
    for (int k = 0; k < count; ++k) {
      const char* const last = data[k] + end * item[k];
      for (const char* line = data[k] + begin * item[k]; line < last; line += 64) _mm_prefetch(line, _MM_HINT_T0);
    }
  }
};

void run_past_cache(void* arg, int64_t begin, int64_t end) {
  const Walk& walk = *static_cast<const Walk*>(arg);
  const Ahead next(walk);
  Cursor cursor(walk, begin);
  alignas(64) char buffer[kBuffer];
  const int inner = walk.ndim - 1;
  const int64_t item = walk.item[0], line = 64 / item;
  const bool direct = walk.past && walk.sizes[inner] >= kPastRow * line;
  // What goes through the buffer: all, or a line that two rows share.
  const int64_t block = direct ? line : kBuffer / *std::max_element(walk.item, walk.item + walk.count);
  while (begin < end) {
    const auto out = reinterpret_cast<uintptr_t>(cursor.at[0]);
    int64_t n = std::min(block, end - begin);
    if (out % 64 != 0 || n < line) {  // up to where a line begins, or what is left of the last one
      n = std::min(out % 64 ? (64 - static_cast<int64_t>(out % 64) + item - 1) / item : n, n);
      cursor.run(n);
    } else if (direct && cursor.row_left() >= line) {
      n = std::min(end - begin, cursor.row_left()) / line * line;
      walk.past(cursor.at, walk.strides[inner], walk.strides[inner], n, 1, walk.params);
      cursor.advance(inner, n);
    } else {
      char* const to = cursor.at[0];
      n = n / line * line;
      cursor.run(n, buffer);
      next.fetch(begin + n, std::min(begin + 2 * n, end));
      copy_past_cache(to, buffer, n * item);
    }
    begin += n;
  }
  _mm_sfence();
}
#else
void run_past_cache(void* arg, int64_t begin, int64_t end);  // not wanted
#endif

// ---- tiles --------------------------------------------------------------------------------------------------

// Blocks of a tile's rows.
void run_tiles(void* arg, int64_t begin, int64_t end) {
  const Walk& walk = *static_cast<const Walk*>(arg);
  const int inner = walk.ndim - 1;
  for (int64_t block = begin; block < end; ++block) {
    char* at[kMostArrays];
    std::copy_n(walk.data, walk.count, at);
    const int64_t row = block % walk.row_blocks * walk.tile.rows;
    int64_t rest = block / walk.row_blocks;
    for (int k = 0; k < walk.count; ++k) at[k] += row * walk.strides[inner - 1][k] * walk.item[k];
    for (int d = inner - 2; d >= 0; --d) {
      const int64_t index = rest % walk.sizes[d];
      rest /= walk.sizes[d];
      for (int k = 0; k < walk.count; ++k) at[k] += index * walk.strides[d][k] * walk.item[k];
    }
    const int64_t rows = std::min(walk.tile.rows, walk.sizes[inner - 1] - row);
    for (int64_t column = 0; column < walk.sizes[inner]; column += walk.tile.columns) {
      const int64_t n = std::min(walk.tile.columns, walk.sizes[inner] - column);
      walk.fn(at, walk.strides[inner], walk.strides[inner - 1], n, rows, walk.params);
      for (int k = 0; k < walk.count; ++k) at[k] += n * walk.strides[inner][k] * walk.item[k];
    }
  }
}

// Whether an operand runs across the output: its neighbours are in the next row.
bool wants_tiles(const Walk& walk) {
  if (walk.ndim < 2 || walk.total < 4096) return false;
  const int64_t* step = walk.strides[walk.ndim - 1];
  const int64_t* row_step = walk.strides[walk.ndim - 2];
  if (walk.sizes[walk.ndim - 1] < 32 || walk.sizes[walk.ndim - 2] < 4) return false;
  for (int k = 1; k < walk.count; ++k) {
    const int64_t across = std::abs(step[k]) * walk.item[k], down = std::abs(row_step[k]) * walk.item[k];
    if (across >= 64 && down != 0 && down < 64) return true;
  }
  return false;
}

}  // namespace

void run_loop(dt_kernel_context* ctx, const Loop& loop, const dt_array* const* arrays, int count, const void* params) {
  Walk walk;
  walk.fn = loop.fn;
  walk.past = loop.past;
  walk.tile = loop.tile;
  walk.params = params;
  walk.count = count;
  build(walk, arrays);
  if (walk.total == 0) return;
  if (wants_tiles(walk)) {
    walk.row_blocks = (walk.sizes[walk.ndim - 2] + walk.tile.rows - 1) / walk.tile.rows;
    const int64_t blocks = walk.total / walk.sizes[walk.ndim - 1] / walk.sizes[walk.ndim - 2] * walk.row_blocks;
    const int64_t grain = std::max<int64_t>(1, loop.grain / (walk.tile.rows * walk.sizes[walk.ndim - 1]));
    return ctx->parallel_for(ctx, blocks, grain, run_tiles, &walk);
  }
  if (wants_past_cache(walk)) return ctx->parallel_for(ctx, walk.total, loop.grain, run_past_cache, &walk);
  if (walk.total < loop.grain / 2) return run_range(&walk, 0, walk.total);
  ctx->parallel_for(ctx, walk.total, std::min(loop.grain, walk.total / 2), run_range, &walk);
}

}  // namespace dovetail::cpu
