// sort, always stable: a merge sort of (value, place) in which every thread finds the place of one element in the
// merged run by bisection of the run beside its own.
#include "kernels/cuda/lines.h"

namespace dovetail::cuda {
namespace {

template <class A>
struct Item {
  A value;
  int64_t place;
};

// Whether a stands before b where both may not stand together: NaN is above everything.
template <class A>
DOVETAIL_HD bool less(A a, A b) {
  return (a < b) | ((b != b) & (a == a));
}

template <class A>
struct Before {
  bool descending;
  DOVETAIL_HD bool operator()(A a, A b) const { return descending ? less(b, a) : less(a, b); }
};

// How many of the sorted run [from, from + n) go before x; those equal to it too where `ties`.
template <class A>
DOVETAIL_HD int64_t rank(const Item<A>* from, int64_t n, A x, bool ties, Before<A> before) {
  int64_t low = 0, high = n;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    const A y = from[middle].value;
    const bool goes_before = ties ? !before(x, y) : before(y, x);
    low = goes_before ? middle + 1 : low;
    high = goes_before ? high : middle;
  }
  return low;
}

// sort(self, dim, descending, stable) -> (values, indices)
template <class T>
dt_status sort_kernel(const Call& call) {
  using A = Compute<T>;
  const int dim = static_cast<int>(call.args[1].as.i);
  const Before<A> before{call.n_args > 2 && call.args[2].as.i != 0};
  Lines<3> l;
  if (!l.find({&call.ins[0], &call.outs[0], &call.outs[1]}, dim)) return too_many_dims(call);
  const int64_t length = l.length, n = l.starts.count * length;
  if (n == 0) return DT_OK;
  Item<A>*from = call.workspace<Item<A>>(n), *to = call.workspace<Item<A>>(n);
  if (!from || !to) return call.out_of_memory();
  const T* in = static_cast<const T*>(call.ins[0].data);
  call.for_each(n, [=] DOVETAIL_DEVICE(int64_t i) {
    const int64_t k = i % length;
    from[i] = {load(in + l.starts.at(i / length).of[0] + k * l.step[0]), k};
  });
  for (int64_t run = 1; run < length; run *= 2) {
    const Item<A>* source = from;
    Item<A>* target = to;
    call.for_each(n, [=] DOVETAIL_DEVICE(int64_t i) {
      const int64_t line = i / length * length, k = i - line, own = k / run, pair = own / 2 * 2 * run;
      const bool is_left = own % 2 == 0;
      const int64_t other = is_left ? pair + run : pair;
      const int64_t left = length - other, there = left <= 0 ? 0 : left < run ? left : run;
      const Item<A> item = source[i];
      const int64_t ahead = rank(source + line + other, there, item.value, !is_left, before);
      target[line + pair + (k - own * run) + ahead] = item;
    });
    std::swap(from, to);
  }
  const Item<A>* sorted = from;
  T* values = static_cast<T*>(call.outs[0].data);
  int64_t* places = static_cast<int64_t*>(call.outs[1].data);
  call.for_each(n, [=] DOVETAIL_DEVICE(int64_t i) {
    const int64_t k = i % length;
    const Offsets<3> at = l.starts.at(i / length);
    values[at.of[1] + k * l.step[1]] = static_cast<T>(sorted[i].value);
    places[at.of[2] + k * l.step[2]] = sorted[i].place;
  });
  return DT_OK;
}

#define DOVETAIL_ADD(T, dtype) table.add("sort", dtype, sort_kernel<T>);

}  // namespace

void register_sort(KernelTable& table) {
  DOVETAIL_FLOATS(DOVETAIL_ADD)
  DOVETAIL_SIXTEENS(DOVETAIL_ADD)
  DOVETAIL_INTS(DOVETAIL_ADD)
  DOVETAIL_ADD(bool, DT_BOOL)
}

}  // namespace dovetail::cuda
