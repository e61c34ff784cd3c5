// Products of bfloat16 matrices on machines that multiply such numbers themselves: summed as floats, rounded once.
#include <algorithm>

#include "kernels/cpu/contract.h"
#include "kernels/cpu/contract_choice.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/gemm_amx.h"
#include "kernels/cpu/gemm_packed.h"
#include "kernels/cpu/sixteen.h"

namespace dovetail::cpu {
namespace {

using Products = Batch<BFloat16, float>;

constexpr int64_t kSmallest = 16;  // dimension worth laying out in panels
constexpr int64_t kGroups = 64;    // that a batch is cut into

// Multiplications; a smaller product of a batch stays on one thread.
int64_t own_thread() { return has_tiles() ? 1 << 25 : 1 << 22; }

// Tiles are worth it for a few rows, columns or depths, too: reading what is large takes longer than they do.
bool worth_panels(const Products& p) {
  int64_t sizes[] = {p.c.rows, p.c.cols, p.a.cols};
  std::sort(sizes, sizes + 3);
  return p.count > 0 && (sizes[0] >= kSmallest || (has_tiles() && sizes[0] > 0 && sizes[1] >= kWideForTiles));
}

// Rows of sums start from what the result does.
void begin_rows(const Products& p, int64_t item, int64_t begin, int64_t end, float* sums) {
  const auto& start = p.start;
  const int64_t n = p.c.cols;
  for (int64_t i = begin; i < end; ++i) {
    const BFloat16* from = start.data + item * start.batch + i * start.row;
    float* row = sums + i * n;
    if (start.col == 0) {
      std::fill(row, row + n, static_cast<float>(*from));
    } else {
      widen(DT_BFLOAT16, &from->bits, start.col, n, row);
    }
    for (int64_t j = 0; j < n; ++j) row[j] *= start.scale;
  }
}

void end_rows(const Products& p, int64_t item, int64_t begin, int64_t end, const float* sums) {
  for (int64_t i = begin; i < end; ++i) {
    BFloat16* to = p.c.data + item * p.c_step + i * p.c.row;
    narrow(DT_BFLOAT16, sums + i * p.c.cols, &to->bits, p.c.col, p.c.cols);
  }
}

PackedProduct<BFloat16, float> product_of(const Products& p, int64_t item, bool symmetric_start, float* sums) {
  PackedProduct<BFloat16, float> product{p.a, p.b, {sums, p.c.rows, p.c.cols, p.c.cols, 1}, p.alpha};
  product.a.data += item * p.a_step, product.b.data += item * p.b_step;
  product.accumulate = p.start.data != nullptr;
  product.symmetric_start = symmetric_start;
  // Half of a symmetric product is mirrored before it is rounded.
  if (p.c.col == 1 && !is_symmetric(product)) {
    product.rounded = p.c;
    product.rounded.data += item * p.c_step;
  }
  return product;
}

// Every product by all threads.
bool one_by_one(dt_kernel_context* ctx, const Products& p) {
  const int64_t m = p.c.rows, n = p.c.cols, grain = std::max<int64_t>(1, 32768 / n);
  auto* sums = static_cast<float*>(ctx->workspace(ctx, static_cast<size_t>(m * n) * sizeof(float)));
  if (!sums) return false;
  for (int64_t item = 0; item < p.count; ++item) {
    if (p.start.data) {
      parallel(ctx, m, grain, [&](int64_t begin, int64_t end) { begin_rows(p, item, begin, end, sums); });
    }
    const bool symmetric = p.start.data && starts_symmetric(ctx, p, p.start.data + item * p.start.batch);
    const auto product = product_of(p, item, symmetric, sums);
    if (!packed_product(ctx, product)) return false;
    if (product.rounded.data) continue;
    parallel(ctx, m, grain, [&](int64_t begin, int64_t end) { end_rows(p, item, begin, end, sums); });
  }
  return true;
}

// Every product by one thread.
bool side_by_side(dt_kernel_context* ctx, const Products& p) {
  const int64_t m = p.c.rows, n = p.c.cols, groups = std::min(p.count, kGroups);
  const size_t panels = (packed_bfloat16_bytes(m, n, p.a.cols) + 63) / 64 * 64;
  const size_t each = panels + (static_cast<size_t>(m * n) * sizeof(float) + 63) / 64 * 64;
  char* memory = static_cast<char*>(ctx->workspace(ctx, static_cast<size_t>(groups) * each));
  if (!memory) return false;
  parallel(ctx, groups, 1, [&](int64_t begin, int64_t end) {
    char* own = memory + static_cast<size_t>(begin) * each;  // for all of them: it stays in the cache
    auto* sums = reinterpret_cast<float*>(own + panels);
    for (int64_t group = begin; group < end; ++group) {
      for (int64_t item = group * p.count / groups; item < (group + 1) * p.count / groups; ++item) {
        if (p.start.data) begin_rows(p, item, 0, m, sums);
        const auto product = product_of(p, item, false, sums);
        packed_product(ctx, product, own);
        if (!product.rounded.data) end_rows(p, item, 0, m, sums);
      }
    }
  });
  return true;
}

// `self` is the kernel for what is not worth panels.
template <Arrange<BFloat16, float> arrange>
dt_status multiply(const void* self, dt_kernel_context* ctx, const dt_array* outs, int32_t n_outs, const dt_array* ins,
                   int32_t n_ins, const dt_value* args, int32_t n_args) {
  const Products p = arrange(outs[0], ins, n_ins, args);
  if (!worth_panels(p)) return run_inner(self, ctx, outs, n_outs, ins, n_ins, args, n_args);
  const int64_t work = p.c.rows * p.c.cols * p.a.cols;
  const bool done = p.count > 1 && work < own_thread() ? side_by_side(ctx, p) : one_by_one(ctx, p);
  return done ? DT_OK : ctx->fail(ctx, DT_ERR_MEMORY, "out of memory for panels of a product of bfloat16 matrices");
}

}  // namespace

void add_bfloat16_products(KernelTable& table) {
  if (!has_bfloat16_products()) return;
  const struct {
    const char* op;
    dt_kernel_fn fn;
  } kernels[] = {{"mm", multiply<arrange_mm>},
                 {"bmm", multiply<arrange_bmm>},
                 {"addmm", multiply<arrange_addmm>},
                 {"linear", multiply<arrange_linear>}};
  for (const auto& [op, fn] : kernels) table.add_over(op, DT_BFLOAT16, fn, DT_BFLOAT16);
}

}  // namespace dovetail::cpu
