// Bits of integers and bool.
#include "kernels/cuda/elementwise.h"

namespace dovetail::cuda {
namespace {

namespace f = functors;

template <class T>
void add_bits(KernelTable& table, int32_t dtype) {
  table.add("bitwise_and", dtype, binary_kernel<f::BitAnd, T, T>);
  table.add("bitwise_or", dtype, binary_kernel<f::BitOr, T, T>);
  table.add("bitwise_xor", dtype, binary_kernel<f::BitXor, T, T>);
}
template <class T>
void add_all(KernelTable& table, int32_t dtype) {
  add_bits<T>(table, dtype);
  table.add("bitwise_left_shift", dtype, binary_kernel<f::ShiftLeft, T, T>);
  table.add("bitwise_right_shift", dtype, binary_kernel<f::ShiftRight, T, T>);
}

#define DOVETAIL_ADD(T, dtype) add_all<T>(table, dtype);

}  // namespace

void register_bitwise(KernelTable& table) {
  DOVETAIL_INTS(DOVETAIL_ADD)
  add_bits<bool>(table, DT_BOOL);
}

}  // namespace dovetail::cuda
