// scatter, scatter_add and scatter_reduce. One thread walks one line of the index in order, and no two lines write to
// the same place: the last of several writers wins, and sums are the same each time.
#include "kernels/cuda/lines.h"

#include <cstring>

namespace dovetail::cuda {
namespace {

namespace f = functors;

enum class Kind { assign, sum, prod, mean, amax, amin };

struct Settings {
  Kind kind;
  bool include_self;
};

// How a line of the index meets those of out and src: arrays in the order index, out, src.
struct Scatter {
  Lines<3> lines;
  int64_t dim, size;
  const int64_t* index;
};

template <class A>
DOVETAIL_HD A start_of(Kind kind) {
  using Limits = std::numeric_limits<A>;
  if (kind == Kind::prod) return A(1);
  if constexpr (Limits::is_specialized) {
    if (kind == Kind::amax) return Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
    if (kind == Kind::amin) return Limits::has_infinity ? Limits::infinity() : Limits::max();
  }
  return A(0);
}

template <class A>
DOVETAIL_HD A combined(Kind kind, A a, A b) {
  if (kind == Kind::prod) return f::Mul()(a, b);
  if constexpr (!f::kIsComplex<A>) {
    if (kind == Kind::amax) return f::Maximum()(a, b);
    if (kind == Kind::amin) return f::Minimum()(a, b);
  }
  return f::Add()(a, b);
}

template <class A>
DOVETAIL_HD A divided(A total, int64_t count) {
  if constexpr (std::is_integral_v<A>)
    return static_cast<A>(f::FloorQuotient()(static_cast<int64_t>(total), count));
  else
    return total / static_cast<A>(static_cast<float>(count));
}

// `values`, and where they are counted `counts`, have the places of out.
template <class T, class A>
void walk_lines(const Call& call, const Scatter& s, Settings settings, const T* src, A* values, int64_t* counts) {
  const ErrorSink errors = call.errors;
  call.for_each(s.lines.starts.count, [=] DOVETAIL_DEVICE(int64_t i) {
    const Offsets<3> at = s.lines.starts.at(i);
    const int64_t* index = s.index + at.of[0];
    A* out = values + at.of[1];
    const T* in = src + at.of[2];
    for (int64_t k = 0; k < s.lines.length && !settings.include_self; ++k) {
      const int64_t to = errors.checked(index[k * s.lines.step[0]], s.dim, s.size);
      out[to * s.lines.step[1]] = start_of<A>(settings.kind);
    }
    for (int64_t k = 0; k < s.lines.length; ++k) {
      const int64_t place = index[k * s.lines.step[0]], to = errors.checked(place, s.dim, s.size);
      if (to != place) continue;
      A& target = out[to * s.lines.step[1]];
      const A x = load(in + k * s.lines.step[2]);
      target = settings.kind == Kind::assign ? x : combined(settings.kind, target, x);
      if (counts) counts[at.of[1] + to * s.lines.step[1]] += 1;
    }
  });
}

// Gather, combine in the compute type, and write back: a contiguous copy of self stands for out meanwhile.
template <class T>
dt_status scatter(const Call& call, Settings settings) {
  using A = Compute<T>;
  const dt_array &out = call.outs[0], &self = call.ins[0], &index = call.ins[1], &src = call.ins[2];
  const int64_t n = numel(out);
  if (n == 0 && numel(index) == 0) return DT_OK;
  A* values = call.workspace<A>(n);
  if (!values) return call.out_of_memory();
  int64_t steps[DT_MAX_DIMS], step = 1;
  for (int d = out.ndim - 1; d >= 0; --d) steps[d] = step, step *= out.sizes[d];
  const dt_array whole{values, out.sizes, steps, out.ndim, out.dtype};
  map<A, T>(call, whole, self, f::Same());

  int64_t one = 1;
  const dt_array target = out.ndim ? whole : dt_array{values, &one, &one, 1, out.dtype};
  Scatter s;
  s.dim = call.args[1].as.i;
  if (!s.lines.find({&index, &target, &src}, static_cast<int>(s.dim))) return too_many_dims(call);
  s.size = target.sizes[s.dim];
  s.index = static_cast<const int64_t*>(index.data);
  int64_t* counts = nullptr;
  if (settings.kind == Kind::mean) {
    counts = call.workspace<int64_t>(n);
    if (!counts) return call.out_of_memory();
    const int64_t first = settings.include_self;
    call.for_each(n, [=] DOVETAIL_DEVICE(int64_t i) { counts[i] = first; });
  }
  walk_lines<T, A>(call, s, settings, static_cast<const T*>(src.data), values, counts);
  if (counts)
    call.for_each(n, [=] DOVETAIL_DEVICE(int64_t i) {
      if (counts[i] > 1) values[i] = divided(values[i], counts[i]);
    });
  return map<T, A>(call, out, whole, f::Same());
}

template <class T>
dt_status scatter_kernel(const Call& call) {
  return scatter<T>(call, {Kind::assign, true});
}
template <class T>
dt_status scatter_add_kernel(const Call& call) {
  return scatter<T>(call, {Kind::sum, true});
}
// scatter_reduce(self, dim, index, src, reduce, *, include_self)
template <class T>
dt_status scatter_reduce_kernel(const Call& call) {
  static constexpr struct {
    const char* name;
    Kind kind;
  } kKinds[] = {
      {"sum", Kind::sum}, {"prod", Kind::prod}, {"mean", Kind::mean}, {"amax", Kind::amax}, {"amin", Kind::amin}};
  const bool include_self = call.n_args < 6 || call.args[5].as.i != 0;
  for (const auto& each : kKinds)
    if (std::strcmp(call.args[4].as.string, each.name) == 0) return scatter<T>(call, {each.kind, include_self});
  return call.fail(DT_ERR_VALUE, "reduce must be 'sum', 'prod', 'mean', 'amax' or 'amin'");
}

#define DOVETAIL_ADD_MOVE(T, dtype) table.add("scatter", dtype, scatter_kernel<T>);
#define DOVETAIL_ADD(T, dtype)                            \
  table.add("scatter_add", dtype, scatter_add_kernel<T>); \
  table.add("scatter_reduce", dtype, scatter_reduce_kernel<T>);

}  // namespace

void register_scatter(KernelTable& table) {
  DOVETAIL_FLOATS(DOVETAIL_ADD)
  DOVETAIL_SIXTEENS(DOVETAIL_ADD)
  DOVETAIL_INTS(DOVETAIL_ADD)
  DOVETAIL_COMPLEXES(DOVETAIL_ADD)
  DOVETAIL_FLOATS(DOVETAIL_ADD_MOVE)
  DOVETAIL_SIXTEENS(DOVETAIL_ADD_MOVE)
  DOVETAIL_INTS(DOVETAIL_ADD_MOVE)
  DOVETAIL_COMPLEXES(DOVETAIL_ADD_MOVE)
  DOVETAIL_ADD_MOVE(bool, DT_BOOL)
}

}  // namespace dovetail::cuda
