// amax and amin.
#include "kernels/cpu/reduce_drive.h"

namespace dovetail::cpu {

void register_extremes(KernelTable& table);

namespace {

// Once a lane holds a NaN nothing compares as larger, so it stays.
template <class T, bool kLargest>
struct Extreme {
  using Short = std::conditional_t<sizeof(T) >= 4, Extreme, void>;
  using In = T;
  using Lane = T;
  using Acc = T;
  using Out = T;
  static Lane first(T x) { return x; }
  static Lane step(Lane a, T x) {
    const T best = kLargest ? (x > a ? x : a) : (x < a ? x : a);
    return x == x ? best : x;
  }
  static Lane fold(Lane a, Lane b) { return step(a, b); }
  static Acc wide(Lane a) { return a; }
  static void merge(Acc& a, Acc b) { a = step(a, b); }
  static Acc identity() { return T{}; }  // never asked for: core refuses the extreme of nothing
  static Out finish(Acc a, int64_t) { return a; }
};

}  // namespace

void register_extremes(KernelTable& table) {
  for (int32_t dtype : kDTypes) {
    visit_dtype(dtype, [&](auto zero) {
      using T = decltype(zero);
      add_fold<Extreme<T, true>>(table, "amax", dtype);
      add_fold<Extreme<T, false>>(table, "amin", dtype);
    });
  }
}

}  // namespace dovetail::cpu
