// any and all, and what amax and amin are of bools.
#include "kernels/cuda/reduce.h"

namespace dovetail::cuda {
namespace {

template <class A, bool kAll>
struct Holds {
  using Acc = bool;
  DOVETAIL_HD bool identity() const { return kAll; }
  DOVETAIL_HD bool take(bool a, A x, int64_t) const { return kAll ? a & (x != A(0)) : a | (x != A(0)); }
  DOVETAIL_HD bool merge(bool a, bool b) const { return kAll ? a & b : a | b; }
  DOVETAIL_HD bool finish(bool a) const { return a; }
};

template <class T>
void add_logic(KernelTable& table, int32_t dtype) {
  table.add("any", dtype, reduce_kernel<T, bool, Holds<Compute<T>, false>>);
  table.add("all", dtype, reduce_kernel<T, bool, Holds<Compute<T>, true>>);
}
#define DOVETAIL_ADD(T, dtype) add_logic<T>(table, dtype);

}  // namespace

void register_reduce_truth(KernelTable& table) {
  DOVETAIL_FLOATS(DOVETAIL_ADD)
  DOVETAIL_SIXTEENS(DOVETAIL_ADD)
  DOVETAIL_INTS(DOVETAIL_ADD)
  DOVETAIL_COMPLEXES(DOVETAIL_ADD)
  DOVETAIL_ADD(bool, DT_BOOL)
  table.add("amax", DT_BOOL, reduce_kernel<bool, bool, Holds<bool, false>>);
  table.add("amin", DT_BOOL, reduce_kernel<bool, bool, Holds<bool, true>>);
}

}  // namespace dovetail::cuda
