// any and all.
#include "kernels/cpu/as_real.h"
#include "kernels/cpu/reduce_drive.h"

namespace dovetail::cpu {

void register_truth(KernelTable& table);

namespace {

// What of an element's bits counts: all, or all but the sign of a zero.
enum class Counts { everything, magnitude, two_magnitudes };

template <class U>
U mask_of(Counts counts) {
  const U magnitude = static_cast<U>(static_cast<U>(~U{0}) >> 1);
  if (counts == Counts::everything) return static_cast<U>(~U{0});
  if (counts == Counts::magnitude) return magnitude;
  return static_cast<U>(magnitude ^ (U{1} << (sizeof(U) * 4 - 1)));
}

// The bits of all elements together, whatever their dtype.
template <class U>
struct Union {
  using Short = void;
  using In = U;
  using Lane = U;
  using Acc = U;
  using Out = uint8_t;
  static Lane first(U x) { return x; }
  static Lane step(Lane a, U x) { return a | x; }
  static Lane fold(Lane a, Lane b) { return a | b; }
  static Acc wide(Lane a) { return a; }
  static void merge(Acc& a, Acc b) { a |= b; }
};

template <class U>
struct Any : LaneReducer<Union<U>> {
  static U identity() { return 0; }
  static uint8_t finish(U acc, int64_t, double counts) {
    return (acc & mask_of<U>(static_cast<Counts>(static_cast<int>(counts)))) != 0;
  }
};

template <class T>
struct All {
  using Short = void;
  using In = T;
  using Lane = UintOf<sizeof(T) == 16 ? 8 : sizeof(T)>;  // as wide as an element, so that lanes line up
  using Acc = uint8_t;
  using Out = uint8_t;
  static Lane first(T x) { return x != T{}; }
  static Lane step(Lane a, T x) { return a & first(x); }
  static Lane fold(Lane a, Lane b) { return a & b; }
  static Acc wide(Lane a) { return static_cast<Acc>(a); }
  static void merge(Acc& a, Acc b) { a &= b; }
  static Acc identity() { return 1; }
  static Out finish(Acc a, int64_t) { return a; }
};

template <class U, Counts kCounts>
dt_status any_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                     const dt_value*, int32_t) {
  return reduce<Any<U>>("any", ctx, outs[0], ins[0], static_cast<int>(kCounts));
}

}  // namespace

void register_truth(KernelTable& table) {
  for (int32_t dtype : {DT_BOOL, DT_INT8, DT_UINT8}) {
    table.add("any", dtype, any_kernel<uint8_t, Counts::everything>);
    add_fold<All<uint8_t>>(table, "all", dtype);
  }
  // What is converted to bool first: sum(dtype=bool) and prod(dtype=bool).
  table.add("sum", DT_BOOL, any_kernel<uint8_t, Counts::everything>);
  add_fold<All<uint8_t>>(table, "prod", DT_BOOL);
  for (int32_t dtype : {DT_INT16, DT_UINT16}) {
    table.add("any", dtype, any_kernel<uint16_t, Counts::everything>);
    add_fold<All<uint16_t>>(table, "all", dtype);
  }
  for (int32_t dtype : {DT_FLOAT16, DT_BFLOAT16}) table.add("any", dtype, any_kernel<uint16_t, Counts::magnitude>);
  for (int32_t dtype : {DT_INT32, DT_UINT32}) {
    table.add("any", dtype, any_kernel<uint32_t, Counts::everything>);
    add_fold<All<uint32_t>>(table, "all", dtype);
  }
  for (int32_t dtype : {DT_INT64, DT_UINT64}) {
    table.add("any", dtype, any_kernel<uint64_t, Counts::everything>);
    add_fold<All<uint64_t>>(table, "all", dtype);
  }
  table.add("any", DT_FLOAT32, any_kernel<uint32_t, Counts::magnitude>);
  table.add("any", DT_FLOAT64, any_kernel<uint64_t, Counts::magnitude>);
  table.add("any", DT_COMPLEX64, any_kernel<uint64_t, Counts::two_magnitudes>);
  add_as_real(table, "any", DT_COMPLEX128);  // some part of some element
  add_fold<All<float>>(table, "all", DT_FLOAT32);
  add_fold<All<double>>(table, "all", DT_FLOAT64);
  add_fold<All<Complex<float>>>(table, "all", DT_COMPLEX64);
  add_fold<All<Complex<double>>>(table, "all", DT_COMPLEX128);
}

}  // namespace dovetail::cpu
