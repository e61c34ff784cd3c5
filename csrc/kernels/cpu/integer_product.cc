// The choice of an instruction set for the loops of integer_product.inc.
#include "kernels/cpu/integer_product.h"

#include "kernels/cpu/loops.h"

#define DOVETAIL_KERNELS "kernels/cpu/integer_product.inc"
#define DOVETAIL_KERNELS_V4
#include "kernels/cpu/foreach_isa.h"

namespace dovetail::cpu {

int64_t integer_columns(int64_t size) { return DOVETAIL_BEST_ISA_TO_V4(columns)(size); }

#define DOVETAIL_INTEGERS(T, bits)                                                             \
  template <>                                                                                  \
  void integer_block(const Matrix<const T>& a, const Matrix<const T>& b, const Matrix<T>& c) { \
    DOVETAIL_BEST_ISA_TO_V4(block_##bits)(a, b, c);                                            \
  }                                                                                            \
  template <>                                                                                  \
  T integer_dot(const T* x, const T* y, int64_t n) {                                           \
    return DOVETAIL_BEST_ISA_TO_V4(dot_##bits)(x, y, n);                                       \
  }                                                                                            \
  template <>                                                                                  \
  void integer_axpy(T* out, const T* x, T factor, int64_t n) {                                 \
    DOVETAIL_BEST_ISA_TO_V4(axpy_##bits)(out, x, factor, n);                                   \
  }
DOVETAIL_INTEGERS(uint8_t, 8)
DOVETAIL_INTEGERS(uint16_t, 16)
DOVETAIL_INTEGERS(uint32_t, 32)
DOVETAIL_INTEGERS(uint64_t, 64)
#undef DOVETAIL_INTEGERS

}  // namespace dovetail::cpu
