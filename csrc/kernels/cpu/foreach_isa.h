// Compiles a file once per instruction set.
//
//   // unary.cc
//   #include "kernels/cpu/loops.h"
//   #define DOVETAIL_KERNELS "kernels/cpu/unary.inc"
//   #include "kernels/cpu/foreach_isa.h"
//   void register_unary(KernelTable& table) { DOVETAIL_BEST_ISA(register_unary)(table); }
//
// The included file (no include guard) puts everything it defines into `namespace dovetail::cpu::DOVETAIL_ISA`, and
// may include inner.inc and vecmath.inc, which do the same. It must not include system headers: what those define
// would be compiled for the wrong machines. With DOVETAIL_KERNELS_V4 defined it is compiled for v4 too; then
// DOVETAIL_BEST_ISA_TO_V4 chooses.
//
// GCC vector types and simple loops then become that instruction set's own. (target_clones would lower vector types
// before it clones.) DOVETAIL_VECTOR_BYTES says which it is: 32 for v3 and 64 for v4, whose intrinsics (by
// DOVETAIL_WIDE: _mm256_ or _mm512_) and fused multiply-add may then be used; the compiler does not define __AVX2__
// here. A prefetch for writing is one with `prfchw`; machines that lack it do nothing then.
#include "kernels/cpu/isa.h"

#define DOVETAIL_ISA base
#define DOVETAIL_VECTOR_BYTES 16
#include DOVETAIL_KERNELS
#undef DOVETAIL_ISA
#undef DOVETAIL_VECTOR_BYTES

#if DOVETAIL_HAS_V3
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v3,prfchw")
#define DOVETAIL_ISA v3
#define DOVETAIL_VECTOR_BYTES 32
#define DOVETAIL_WIDE(name) _mm256_##name
#include DOVETAIL_KERNELS
#undef DOVETAIL_ISA
#undef DOVETAIL_VECTOR_BYTES
#undef DOVETAIL_WIDE
#pragma GCC pop_options
#endif

#if DOVETAIL_HAS_V3 && defined(DOVETAIL_KERNELS_V4)
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4,prfchw")
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC's own header, where an intrinsic has no mask
#pragma GCC diagnostic ignored "-Wuninitialized"
#define DOVETAIL_ISA v4
#define DOVETAIL_VECTOR_BYTES 64
#define DOVETAIL_WIDE(name) _mm512_##name
#include DOVETAIL_KERNELS
#undef DOVETAIL_ISA
#undef DOVETAIL_VECTOR_BYTES
#undef DOVETAIL_WIDE
#pragma GCC diagnostic pop
#pragma GCC pop_options
#endif
#undef DOVETAIL_KERNELS
#undef DOVETAIL_KERNELS_V4
