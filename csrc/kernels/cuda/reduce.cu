// sum, prod, amax and amin.
#include "kernels/cuda/reduce.h"

namespace dovetail::cuda {
namespace {

namespace f = functors;

// Sums of float are added up in double: one of a million terms is as good as one of ten.
template <class A>
using SumOf = std::conditional_t<std::is_same_v<A, float>, double,
                                 std::conditional_t<std::is_same_v<A, cpu::Complex<float>>, cpu::Complex<double>, A>>;

template <class A>
struct Sum {
  using Acc = SumOf<A>;
  DOVETAIL_HD Acc identity() const { return Acc(0); }
  DOVETAIL_HD Acc take(Acc a, A x, int64_t) const { return f::Add()(a, Acc(x)); }
  DOVETAIL_HD Acc merge(Acc a, Acc b) const { return f::Add()(a, b); }
  DOVETAIL_HD A finish(Acc a) const { return A(a); }
};
template <class A>
struct Prod {
  using Acc = A;
  DOVETAIL_HD A identity() const { return A(1); }
  DOVETAIL_HD A take(A a, A x, int64_t) const { return f::Mul()(a, x); }
  DOVETAIL_HD A merge(A a, A b) const { return f::Mul()(a, b); }
  DOVETAIL_HD A finish(A a) const { return a; }
};

// The least or the greatest there is; a lane that gets no element does not change the result.
template <class A, class Pick, bool kLargest>
struct Extreme {
  using Acc = A;
  DOVETAIL_HD A identity() const {
    using Limits = std::numeric_limits<A>;
    if constexpr (Limits::has_infinity) return kLargest ? -Limits::infinity() : Limits::infinity();
    return kLargest ? Limits::lowest() : Limits::max();
  }
  DOVETAIL_HD A take(A a, A x, int64_t) const { return Pick()(a, x); }
  DOVETAIL_HD A merge(A a, A b) const { return Pick()(a, b); }
  DOVETAIL_HD A finish(A a) const { return a; }
};
template <class A>
using Largest = Extreme<A, f::Maximum, true>;
template <class A>
using Smallest = Extreme<A, f::Minimum, false>;

template <class T>
void add_number(KernelTable& table, int32_t dtype) {
  using A = Compute<T>;
  table.add("sum", dtype, reduce_kernel<T, T, Sum<A>>);
  table.add("prod", dtype, reduce_kernel<T, T, Prod<A>>);
}
template <class T>
void add_ordered(KernelTable& table, int32_t dtype) {
  using A = Compute<T>;
  add_number<T>(table, dtype);
  table.add("amax", dtype, reduce_kernel<T, T, Largest<A>>);
  table.add("amin", dtype, reduce_kernel<T, T, Smallest<A>>);
}

#define DOVETAIL_ADD_ORDERED(T, dtype) add_ordered<T>(table, dtype);
#define DOVETAIL_ADD_NUMBER(T, dtype) add_number<T>(table, dtype);

}  // namespace

void register_reduce(KernelTable& table) {
  DOVETAIL_FLOATS(DOVETAIL_ADD_ORDERED)
  DOVETAIL_SIXTEENS(DOVETAIL_ADD_ORDERED)
  DOVETAIL_INTS(DOVETAIL_ADD_ORDERED)
  DOVETAIL_COMPLEXES(DOVETAIL_ADD_NUMBER)
}

}  // namespace dovetail::cuda
