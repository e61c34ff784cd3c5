// Products of bfloat16 matrices by the instruction that adds two of their products to a float (AVX512_BF16), or by
// tiles where the machine has them.
#include "kernels/cpu/gemm_amx.h"
#include "kernels/cpu/gemm_packed.h"
#include "kernels/cpu/gemm_panels.h"
#include "kernels/cpu/isa.h"

#if DOVETAIL_HAS_V3
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4,avx512bf16")
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC's own header, where an intrinsic has no mask
#define DOVETAIL_ISA bfloat16
#define DOVETAIL_VECTOR_BYTES 64
#include "kernels/cpu/gemm_bfloat16.inc"
#undef DOVETAIL_ISA
#undef DOVETAIL_VECTOR_BYTES
#pragma GCC diagnostic pop
#pragma GCC pop_options
#endif

namespace dovetail::cpu {

#if DOVETAIL_HAS_V3

namespace {
using Kernels = PanelKernels<BFloat16, uint32_t, float, 2>;
constexpr Kernels kKernels = {bfloat16::kShape, bfloat16::pack, bfloat16::panel_product};

// On one thread, with room for either layout.
Cut<BFloat16, uint32_t, float, 2> cut_for_one(int64_t m, int64_t n, int64_t k, bool own_rows) {
  return {kKernels.shape, m, n, k, own_rows, false, 1};
}
}  // namespace

bool has_bfloat16_products() {
  static const bool has = best_isa() == Isa::kV4 && __builtin_cpu_supports("avx512bf16");
  return has;
}

bool packed_product(dt_kernel_context* ctx, const PackedProduct<BFloat16, float>& p, void* memory) {
  if (has_tiles()) return tiles_product(ctx, p, memory);
  if (!memory) return run(ctx, kKernels, p);
  run(nullptr, kKernels, p, cut_for_one(p.c.rows, p.c.cols, p.a.cols, p.a.col == 1), memory);
  return true;
}

size_t packed_bfloat16_bytes(int64_t m, int64_t n, int64_t k) {
  if (has_tiles()) return tiles_bytes(m, n, k);
  return std::max(cut_for_one(m, n, k, true).bytes, cut_for_one(m, n, k, false).bytes);
}

#else

bool has_bfloat16_products() { return false; }
bool packed_product(dt_kernel_context*, const PackedProduct<BFloat16, float>&, void*) { return false; }
size_t packed_bfloat16_bytes(int64_t, int64_t, int64_t) { return 0; }

#endif

}  // namespace dovetail::cpu
