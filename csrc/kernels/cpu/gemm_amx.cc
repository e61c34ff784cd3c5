// Products of bfloat16 matrices by tiles: what asks for them, and how a product is cut.
//
// One matrix is laid out in panels of its lanes (rows of a, columns of b) for all; those of the other one are laid out
// by the tasks, each when it is used: in the first-level cache, through which no more than it has to go. A chain of
// depths is summed before c is touched: of every 32 depths the even ones and the odd ones apart, each in their order,
// then both are added. Where the depth is cut follows from the depth alone.
#include "kernels/cpu/gemm_amx.h"

#include "kernels/cpu/gemm_panels.h"
#include "kernels/cpu/isa.h"

#if DOVETAIL_HAS_V3 && defined(__linux__) && __GNUC__ >= 11
#define DOVETAIL_HAS_AMX 1
#include <sys/syscall.h>
#include <unistd.h>
#else
#define DOVETAIL_HAS_AMX 0
#endif

#if DOVETAIL_HAS_AMX

namespace dovetail::cpu {
namespace {

constexpr int kTile = 16, kPanel = 2 * kTile;  // lanes
constexpr int kTileDepth = 32;
constexpr int kStepTiles = 16, kChainSteps = 4;       // depths of a panel, and of a chain
constexpr int64_t kSharedLanes = 2048;                // laid out at a time
constexpr int64_t kFewLanes = 128;                    // so few are shared whatever their layout
constexpr int64_t kBlockBytes = int64_t{1} << 20;     // of shared panels that stay in the second-level cache
constexpr int64_t kBlockPanels = 16, kOwnPanels = 4;  // of a task, shared and its own

// Of a tile: 32 depths of a row, or two of 16 columns.
struct alignas(64) TileLine {
  BFloat16 numbers[kTileDepth];
};

// What the processor reads it from: eight tiles of 16 rows of 64 bytes.
struct alignas(64) TileConfig {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(TileConfig) == 64);

// A panel of rows times a panel of columns: `sums` are four tiles, whose sums the last depths of a chain bring to c.
struct TilesProduct {
  PanelProduct<TileLine, float> to;
  float* sums;
  bool first, last;
  bool rows_stay;  // those of a are used again soon, else those of b
};

}  // namespace
}  // namespace dovetail::cpu

#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4,avx512bf16,amx-tile,amx-bf16")
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC's own header, where an intrinsic has no mask
#define DOVETAIL_ISA amx
#define DOVETAIL_VECTOR_BYTES 64
#include "kernels/cpu/gemm_amx.inc"
#undef DOVETAIL_ISA
#undef DOVETAIL_VECTOR_BYTES
#pragma GCC diagnostic pop
#pragma GCC pop_options

namespace dovetail::cpu {
namespace {

using Product = PackedProduct<BFloat16, float>;

// A tile's state is so large that Linux gives it to processes that ask, before their first use of it.
bool ask_for_tiles() {
  constexpr int kRequest = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequest, kTileData) == 0;
}

// Depths [0, count) of the lanes of a or b from one on, as they are in memory.
struct Lanes {
  const BFloat16* data;
  int64_t count, lane_stride, depth_stride;

  Lanes from(int64_t lane, int64_t depth) const {
    return {data + lane * lane_stride + depth * depth_stride, count - lane, lane_stride, depth_stride};
  }
  void pack(bool rows, int64_t depth, TileLine* out) const {
    (rows ? amx::pack_rows : amx::pack_cols)(data, lane_stride, depth_stride, std::min<int64_t>(count, kPanel), depth,
                                             out);
  }
};
Lanes rows_of(const Matrix<const BFloat16>& a) { return {a.data, a.rows, a.row, a.col}; }
Lanes cols_of(const Matrix<const BFloat16>& b) { return {b.data, b.cols, b.col, b.row}; }

// How a depth is cut.
struct Depths {
  int64_t step, chain;
  explicit Depths(int64_t k)
      : step(equal_part(ceil_div(k, kTileDepth), kStepTiles) * kTileDepth), chain(step * kChainSteps) {}
};

// A chain of depths, and lanes of the shared matrix that are laid out at once.
class Chain {
 public:
  Chain(dt_kernel_context* ctx, const Product& p, int64_t step, bool rows_shared, bool upper, TileLine* memory)
      : ctx_(ctx),
        p_(p),
        step_(step),
        depth_(p.a.cols),
        upper_(upper),
        rows_shared_(rows_shared),
        shared_(rows_shared_ ? rows_of(p.a) : cols_of(p.b)),
        own_(rows_shared_ ? cols_of(p.b) : rows_of(p.a)),
        laid_(memory) {}

  void run() const {
    const int64_t shared = ceil_div(shared_.count, kPanel), own = ceil_div(own_.count, kPanel);
    lay_out(shared);
    const int64_t fitting =
        kBlockBytes / static_cast<int64_t>(sizeof(TileLine)) / (kPanel * ceil_div(depth_, kTileDepth));
    const int64_t wide = equal_part(shared, std::clamp<int64_t>(fitting, 1, kBlockPanels));
    const int64_t tall = equal_part(own, kOwnPanels), down = ceil_div(own, tall);
    parallel(ctx_, ceil_div(shared, wide) * down, 1, [&](int64_t begin, int64_t end) {
      static constexpr TileConfig config;
      amx::load_config(config);
      for (int64_t i = begin; i < end; ++i) {
        const int64_t first = i / down * wide, top = i % down * tall;
        block(first, std::min(first + wide, shared), top, std::min(top + tall, own));
      }
      amx::release_tiles();
    });
  }

 private:
  TileLine* panel(int64_t i, int64_t k) const {  // whose depths are before those of the next one
    return laid_ + (i * ceil_div(depth_, kTileDepth) + k / kTileDepth) * kPanel;
  }

  // In the order in which they are in memory.
  void lay_out(int64_t panels) const {
    if (shared_.depth_stride == 1) {
      return parallel(ctx_, panels, std::max<int64_t>(1, 32768 / (kPanel * depth_)), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) shared_.from(i * kPanel, 0).pack(rows_shared_, depth_, panel(i, 0));
      });
    }
    const int64_t grain = std::max<int64_t>(1, 32768 / (kTileDepth * shared_.count));
    parallel(ctx_, ceil_div(depth_, kTileDepth), grain, [&](int64_t begin, int64_t end) {
      for (int64_t k = begin * kTileDepth; k < std::min(end * kTileDepth, depth_); k += kTileDepth) {
        const int64_t depth = std::min<int64_t>(kTileDepth, depth_ - k);
        for (int64_t i = 0; i < panels; ++i) shared_.from(i * kPanel, k).pack(rows_shared_, depth, panel(i, k));
      }
    });
  }

  void block(int64_t first, int64_t last, int64_t top, int64_t bottom) const {
    TileLine own[kStepTiles * kPanel];
    alignas(64) float sums[kBlockPanels][kPanel * kPanel];
    for (int64_t i = top; i < bottom; ++i) {
      for (int64_t k = 0; k < depth_; k += step_) {
        const int64_t depth = std::min(step_, depth_ - k);
        own_.from(i * kPanel, k).pack(!rows_shared_, depth, own);
        for (int64_t j = first; j < last; ++j) {
          if (upper_ && i > j) continue;
          multiply(i, own, j, k, depth, sums[step_ < depth_ ? j - first : 0]);
        }
      }
    }
  }

  void multiply(int64_t i, const TileLine* own, int64_t j, int64_t k, int64_t depth, float* sums) const {
    const int64_t top = (rows_shared_ ? j : i) * kPanel, left = (rows_shared_ ? i : j) * kPanel;
    const TileLine* laid = panel(j, k);
    PanelProduct<TileLine, float> to{rows_shared_ ? laid : own,
                                     rows_shared_ ? own : laid,
                                     ceil_div(depth, kTileDepth),
                                     p_.c.data + top * p_.c.row + left,
                                     p_.c.row,
                                     std::min<int64_t>(kPanel, p_.c.rows - top),
                                     std::min<int64_t>(kPanel, p_.c.cols - left),
                                     p_.alpha,
                                     p_.bias ? p_.bias + left : nullptr,
                                     p_.accumulate};
    if (p_.rounded.data) {
      to.rounded = &p_.rounded.data[top * p_.rounded.row + left].bits;
      to.rounded_row = p_.rounded.row;
    }
    amx::product_of_tiles({to, sums, k == 0, k + depth == depth_, !rows_shared_});
  }

  dt_kernel_context* ctx_;
  const Product& p_;
  const int64_t step_, depth_;
  const bool upper_;  // only the panels that reach above the diagonal, of a matrix times its own transpose
  const bool rows_shared_;
  const Lanes shared_, own_;
  TileLine* laid_;
};

// Whether a is shared: the one that is not in memory in the order of its depths, as that way is slow for a single
// panel, else the smaller one.
bool shares_rows(const Product& p) {
  const int64_t m = p.c.rows, n = p.c.cols;
  const bool a_across = p.a.col != 1, b_across = p.b.row != 1;
  return std::min(m, n) > kFewLanes && a_across != b_across ? a_across : m < n;
}

void run(dt_kernel_context* ctx, const Product& p, TileLine* memory) {
  const int64_t m = p.c.rows, n = p.c.cols;
  const bool half = is_symmetric(p) && m <= kSharedLanes;
  const bool rows_shared = shares_rows(p);
  const int64_t tall = rows_shared ? equal_part(m, kSharedLanes) : m;
  const int64_t wide = rows_shared ? n : equal_part(n, kSharedLanes);
  const Depths depths(p.a.cols);
  for (int64_t k = 0; k < p.a.cols; k += depths.chain) {
    const int64_t depth = std::min(depths.chain, p.a.cols - k);
    for (int64_t i = 0; i < m; i += tall) {
      for (int64_t j = 0; j < n; j += wide) {
        const int64_t rows = std::min(tall, m - i), cols = std::min(wide, n - j);
        const Product part = p.part(i, rows, j, cols, k, depth);
        Chain(ctx, part, depths.step, rows_shared, half, memory).run();
      }
    }
  }
  if (half) mirror(ctx, p.c);
}

}  // namespace

bool has_tiles() {
  static const bool has = best_isa() == Isa::kV4 && !is_isa_asked("v4") && __builtin_cpu_supports("amx-tile") &&
                          __builtin_cpu_supports("amx-bf16") && ask_for_tiles();
  return has;
}

bool tiles_product(dt_kernel_context* ctx, const Product& p, void* memory) {
  void* own = memory ? memory : ctx->workspace(ctx, tiles_bytes(p.c.rows, p.c.cols, p.a.cols));
  if (own) run(memory ? nullptr : ctx, p, static_cast<TileLine*>(own));
  return own != nullptr;
}

// Whichever matrix is shared.
size_t tiles_bytes(int64_t m, int64_t n, int64_t k) {
  const int64_t few = std::min(m, n);
  const int64_t most = few > kFewLanes ? std::max(equal_part(m, kSharedLanes), equal_part(n, kSharedLanes)) : few;
  return static_cast<size_t>(round_up(most, kPanel) * ceil_div(std::min(k, Depths(k).chain), kTileDepth)) *
         sizeof(TileLine);
}

}  // namespace dovetail::cpu

#else

namespace dovetail::cpu {

bool has_tiles() { return false; }
bool tiles_product(dt_kernel_context*, const PackedProduct<BFloat16, float>&, void*) { return false; }
size_t tiles_bytes(int64_t, int64_t, int64_t) { return 0; }

}  // namespace dovetail::cpu

#endif
