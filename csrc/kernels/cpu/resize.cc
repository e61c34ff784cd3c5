// Another size of a dim: every element of the result is a few elements of the input, each with a weight; and the
// gradient, which gives each its share.
#include "kernels/cpu/families.h"
#include "kernels/cpu/room.h"
#include "kernels/cpu/sixteen.h"

#include <algorithm>
#include <cmath>

#include "kernels/cpu/registry.h"

namespace dovetail::cpu {
namespace {

enum class Mode : int { nearest, linear, cubic };
constexpr Mode kNearest = Mode::nearest, kLinear = Mode::linear, kCubic = Mode::cubic;

// The cubic convolution's weights of the four elements around a place, t behind the second (Keys, 1981).
template <class T>
void cubic_weights(T t, T* weights) {
  constexpr T a = -0.75;
  const auto near = [](T d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
  const auto far = [](T d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
  weights[0] = far(t + 1), weights[1] = near(t), weights[2] = near(1 - t), weights[3] = far(2 - t);
}

// What the elements of the result are made of: tap k of element i is at k * count + i.
template <class T>
struct Table {
  Mode mode;
  int taps;
  int64_t count, size;  // of the result and of the input
  int64_t* index;
  T* weight;

  // options: scale_factor, and whether corners are aligned or, of the nearest element, the exact one is meant
  bool make(dt_kernel_context* ctx, Mode how, int64_t own, int64_t wanted, const dt_value* options) {
    mode = how, count = wanted, size = own;
    taps = how == Mode::nearest ? 1 : how == Mode::linear ? 2 : 4;
    index = static_cast<int64_t*>(ctx->workspace(ctx, static_cast<size_t>(taps * count) * sizeof(int64_t)));
    weight = static_cast<T*>(ctx->workspace(ctx, static_cast<size_t>(taps * count) * sizeof(T)));
    if (!index || !weight) return false;
    const bool given = options[0].tag != DT_NONE, option = options[1].as.i != 0;
    const double ratio = given ? 1 / options[0].as.f : static_cast<double>(size) / static_cast<double>(count);
    const double ends = count > 1 ? static_cast<double>(size - 1) / static_cast<double>(count - 1) : 0.0;
    for (int64_t i = 0; i < count; ++i)
      if (how == Mode::nearest)
        find_nearest(i, static_cast<float>(ratio), option ? 0.5f : 0.0f);
      else
        find(i, option ? static_cast<T>(i) * static_cast<T>(ends)
                       : (static_cast<T>(i) + T(0.5)) * static_cast<T>(ratio) - T(0.5));
    return true;
  }

 private:
  int64_t within(T x) const { return static_cast<int64_t>(std::clamp<T>(x, 0, static_cast<T>(size - 1))); }
  void find_nearest(int64_t i, float scale, float shift) {  // in float32 for every dtype, as PyTorch does
    const float place = std::floor((static_cast<float>(i) + shift) * scale);
    index[i] = place < static_cast<float>(size) ? static_cast<int64_t>(place) : size - 1;
    if (index[i] > size - 1) index[i] = size - 1;
    weight[i] = 1;
  }
  void find(int64_t i, T at) {
    if (mode == Mode::cubic) {
      const T low = std::floor(at);
      T weights[4];
      cubic_weights(at - low, weights);
      for (int k = 0; k < 4; ++k) set(k, i, low + static_cast<T>(k - 1), weights[k]);
      return;
    }
    at = std::max<T>(at, 0);
    const T low = std::min(std::floor(at), static_cast<T>(size - 1)), part = at - low;
    set(0, i, low, 1 - part);
    set(1, i, low + 1, part);
  }
  void set(int k, int64_t i, T place, T share) {
    index[k * count + i] = within(place);
    weight[k * count + i] = share;
  }
};

// ---- lines along the last dim, and rows ------------------------------------------------------------------------

template <class T>
DOVETAIL_CLONES void resize_line(const Table<T>& t, const T* in, T* __restrict out) {
  const int64_t n = t.count;
  const int64_t* at = t.index;
  const T* w = t.weight;
  if (t.taps == 1)
    for (int64_t i = 0; i < n; ++i) out[i] = in[at[i]];
  else if (t.taps == 2)
    for (int64_t i = 0; i < n; ++i) out[i] = in[at[i]] * w[i] + in[at[n + i]] * w[n + i];
  else
    for (int64_t i = 0; i < n; ++i)
      out[i] = in[at[i]] * w[i] + in[at[n + i]] * w[n + i] + in[at[2 * n + i]] * w[2 * n + i] +
               in[at[3 * n + i]] * w[3 * n + i];
}

// out[i, :] of `width` neighbours
template <class T>
DOVETAIL_CLONES void resize_rows(const Table<T>& t, const T* in, int64_t width, T* __restrict out) {
  const int64_t n = t.count;
  for (int64_t i = 0; i < n; ++i, out += width) {
    const T* a = in + t.index[i] * width;
    if (t.taps == 1) {
      std::copy_n(a, width, out);
      continue;
    }
    const T *b = in + t.index[n + i] * width, v = t.weight[i], w = t.weight[n + i];
    for (int64_t k = 0; k < width; ++k) out[k] = a[k] * v + b[k] * w;
    if (t.taps == 2) continue;
    const T *c = in + t.index[2 * n + i] * width, *d = in + t.index[3 * n + i] * width;
    const T x = t.weight[2 * n + i], y = t.weight[3 * n + i];
    for (int64_t k = 0; k < width; ++k) out[k] += c[k] * x + d[k] * y;
  }
}

template <class T>
DOVETAIL_CLONES void share_rows(const Table<T>& t, const T* grad, int64_t width, T* __restrict out) {
  const int64_t n = t.count;
  std::fill_n(out, t.size * width, T(0));
  if (width == 1) {
    for (int64_t i = 0; i < n; ++i)
      for (int k = 0; k < t.taps; ++k) out[t.index[k * n + i]] += grad[i] * t.weight[k * n + i];
    return;
  }
  for (int64_t i = 0; i < n; ++i)
    for (int k = 0; k < t.taps; ++k) {
      T* to = out + t.index[k * n + i] * width;
      const T w = t.weight[k * n + i], *from = grad + i * width;
      for (int64_t j = 0; j < width; ++j) to[j] += from[j] * w;
    }
}

// ---- kernels -------------------------------------------------------------------------------------------------

// The dims before and behind the one that changes.
struct Around {
  int64_t before = 1, width = 1;
  Around(const dt_array& x, int64_t dim) {
    for (int64_t d = 0; d < x.ndim; ++d) (d < dim ? before : width) *= d == dim ? 1 : x.sizes[d];
  }
};

template <class T, class Run>
dt_status run(dt_kernel_context* ctx, const char* op, const dt_array& out, const dt_array& in, int64_t dim,
              const Run& one) {
  const T* from = contiguous_data<T>(ctx, in);
  T* to = room<T>(ctx, out);
  if (!from || !to) return out_of_memory(ctx, op);
  const Around around(in, dim);
  const int64_t a = in.sizes[dim] * around.width, b = out.sizes[dim] * around.width;
  parallel(ctx, around.before, grain_for(2 * (a + b)), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) one(from + i * a, around.width, to + i * b);
  });
  deliver(ctx, out, to);
  return DT_OK;
}

// (input, dim, size, scale_factor, align_corners or exact); self: the mode
template <class T>
dt_status resize(const void* self, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                 const dt_value* args, int32_t) {
  if (numel(outs[0]) == 0) return DT_OK;
  const int64_t dim = args[1].as.i;
  Table<T> table;
  if (!table.make(ctx, *static_cast<const Mode*>(self), ins[0].sizes[dim], outs[0].sizes[dim], args + 3))
    return out_of_memory(ctx, "resize");
  return run<T>(ctx, "resize", outs[0], ins[0], dim, [&](const T* from, int64_t width, T* to) {
    if (width == 1)
      resize_line(table, from, to);
    else
      resize_rows(table, from, width, to);
  });
}

// (grad, dim, size, mode, scale_factor, align_corners or exact)
template <class T>
dt_status resize_grad(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                      const dt_value* args, int32_t) {
  if (numel(outs[0]) == 0) return DT_OK;
  const int64_t dim = args[1].as.i;
  const char first = args[3].as.string[0];
  Table<T> table;
  if (!table.make(ctx,
                  first == 'n'   ? kNearest
                  : first == 'l' ? kLinear
                                 : kCubic,
                  outs[0].sizes[dim], ins[0].sizes[dim], args + 4))
    return out_of_memory(ctx, "resize_grad");
  return run<T>(ctx, "resize_grad", outs[0], ins[0], dim,
                [&](const T* from, int64_t width, T* to) { share_rows(table, from, width, to); });
}

template <class T>
void add(KernelTable& table, int32_t dtype) {
  table.add("resize_nearest", dtype, resize<T>, &kNearest);
  table.add("resize_linear", dtype, resize<T>, &kLinear);
  table.add("resize_cubic", dtype, resize<T>, &kCubic);
  table.add("resize_grad", dtype, resize_grad<T>);
}

}  // namespace

void register_resize(KernelTable& table) { add_floats_whole(table, add<float>, add<double>); }

}  // namespace dovetail::cpu
