// cumsum and cumprod. A line is cut into chunks by its length alone: chunks are totalled side by side, the totals
// scanned, and every chunk run through again from where it starts.
#include "kernels/cuda/lines.h"

namespace dovetail::cuda {
namespace {

namespace f = functors;

template <class T, class F>
dt_status scan_kernel(const Call& call) {
  using A = Compute<T>;
  Lines<2> lines;
  if (!lines.find({&call.outs[0], &call.ins[0]}, static_cast<int>(call.args[1].as.i))) return too_many_dims(call);
  const int64_t count = lines.starts.count, length = lines.length;
  if (count == 0 || length == 0) return DT_OK;
  int64_t chunk = 64;
  while (chunk * chunk < length) chunk *= 2;
  const int64_t chunks = ceil_div(length, chunk);
  A* totals = call.workspace<A>(count * chunks);
  if (!totals) return call.out_of_memory();
  const T* in = static_cast<const T*>(call.ins[0].data);
  T* out = static_cast<T*>(call.outs[0].data);
  const Lines<2> l = lines;
  const A start = std::is_same_v<F, f::Add> ? A(0) : A(1);
  if (chunks > 1) {
    call.for_each(count * chunks, [=] DOVETAIL_DEVICE(int64_t i) {
      const int64_t first = i % chunks * chunk, end = first + chunk < length ? first + chunk : length;
      const T* line = in + l.starts.at(i / chunks).of[1];
      A total = start;
      for (int64_t k = first; k < end; ++k) total = F()(total, load(line + k * l.step[1]));
      totals[i] = total;
    });
    call.for_each(count, [=] DOVETAIL_DEVICE(int64_t i) {
      A before = start;
      for (int64_t k = 0; k < chunks; ++k) {
        const A total = totals[i * chunks + k];
        totals[i * chunks + k] = before;
        before = F()(before, total);
      }
    });
  }
  call.for_each(count * chunks, [=] DOVETAIL_DEVICE(int64_t i) {
    const int64_t first = i % chunks * chunk, end = first + chunk < length ? first + chunk : length;
    const Offsets<2> at = l.starts.at(i / chunks);
    A total = chunks > 1 ? totals[i] : start;
    for (int64_t k = first; k < end; ++k) {
      total = F()(total, load(in + at.of[1] + k * l.step[1]));
      out[at.of[0] + k * l.step[0]] = static_cast<T>(total);
    }
  });
  return DT_OK;
}

#define DOVETAIL_ADD(T, dtype)                        \
  table.add("cumsum", dtype, scan_kernel<T, f::Add>); \
  table.add("cumprod", dtype, scan_kernel<T, f::Mul>);

}  // namespace

void register_scan(KernelTable& table) {
  DOVETAIL_FLOATS(DOVETAIL_ADD)
  DOVETAIL_SIXTEENS(DOVETAIL_ADD)
  DOVETAIL_INTS(DOVETAIL_ADD)
  DOVETAIL_COMPLEXES(DOVETAIL_ADD)
}

}  // namespace dovetail::cuda
