// Comparisons and logic, to bool.
#include "kernels/cuda/elementwise.h"

namespace dovetail::cuda {
namespace {

namespace f = functors;

template <class T>
void add_equal(KernelTable& table, int32_t dtype) {
  table.add("eq", dtype, binary_kernel<f::Eq, bool, T>);
  table.add("ne", dtype, binary_kernel<f::Ne, bool, T>);
  table.add("logical_and", dtype, binary_kernel<f::LogicalAnd, bool, T>);
  table.add("logical_or", dtype, binary_kernel<f::LogicalOr, bool, T>);
  table.add("logical_xor", dtype, binary_kernel<f::LogicalXor, bool, T>);
}
template <class T>
void add_all(KernelTable& table, int32_t dtype) {
  add_equal<T>(table, dtype);
  table.add("lt", dtype, binary_kernel<f::Lt, bool, T>);
  table.add("le", dtype, binary_kernel<f::Le, bool, T>);
  table.add("gt", dtype, binary_kernel<f::Gt, bool, T>);
  table.add("ge", dtype, binary_kernel<f::Ge, bool, T>);
}

#define DOVETAIL_ADD_ALL(T, dtype) add_all<T>(table, dtype);
#define DOVETAIL_ADD_EQUAL(T, dtype) add_equal<T>(table, dtype);

}  // namespace

void register_compare(KernelTable& table) {
  DOVETAIL_FLOATS(DOVETAIL_ADD_ALL)
  DOVETAIL_SIXTEENS(DOVETAIL_ADD_ALL)
  DOVETAIL_INTS(DOVETAIL_ADD_ALL)
  DOVETAIL_COMPLEXES(DOVETAIL_ADD_EQUAL)
  add_all<bool>(table, DT_BOOL);
}

}  // namespace dovetail::cuda
