// sum, prod, amax, amin, any and all.
#include "kernels/cuda/reduce.h"

namespace dovetail::cuda {
namespace {

namespace f = functors;

template <class A>
struct Sum {
  using Acc = A;
  DOVETAIL_HD A identity() const { return A(0); }
  DOVETAIL_HD A take(A a, A x, int64_t) const { return f::Add()(a, x); }
  DOVETAIL_HD A merge(A a, A b) const { return f::Add()(a, b); }
  DOVETAIL_HD A finish(A a) const { return a; }
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

template <class A, bool kAll>
struct Holds {
  using Acc = bool;
  DOVETAIL_HD bool identity() const { return kAll; }
  DOVETAIL_HD bool take(bool a, A x, int64_t) const { return kAll ? a & (x != A(0)) : a | (x != A(0)); }
  DOVETAIL_HD bool merge(bool a, bool b) const { return kAll ? a & b : a | b; }
  DOVETAIL_HD bool finish(bool a) const { return a; }
};

// One input; the output has its dims, with stride 0 on those that are reduced.
template <class T, class Out, class R>
dt_status reduce_kernel(const Call& call) {
  const dt_array &out = call.outs[0], &in = call.ins[0];
  ReducePlan plan;
  for (int d = 0; d < in.ndim; ++d) {
    if (out.strides[d] == 0)
      plan.reduce(in.sizes[d], in.strides[d]);
    else
      plan.keep(in.sizes[d], in.strides[d], out.strides[d]);
  }
  return reduce<T, Out>(call, plan, in.data, out.data, R());
}

template <class T>
void add_logic(KernelTable& table, int32_t dtype) {
  table.add("any", dtype, reduce_kernel<T, bool, Holds<Compute<T>, false>>);
  table.add("all", dtype, reduce_kernel<T, bool, Holds<Compute<T>, true>>);
}
template <class T>
void add_number(KernelTable& table, int32_t dtype) {
  using A = Compute<T>;
  table.add("sum", dtype, reduce_kernel<T, T, Sum<A>>);
  table.add("prod", dtype, reduce_kernel<T, T, Prod<A>>);
  add_logic<T>(table, dtype);
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
  add_logic<bool>(table, DT_BOOL);
  table.add("amax", DT_BOOL, reduce_kernel<bool, bool, Holds<bool, false>>);
  table.add("amin", DT_BOOL, reduce_kernel<bool, bool, Holds<bool, true>>);
}

}  // namespace dovetail::cuda
