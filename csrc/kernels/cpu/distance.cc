// Distances between rows, by the sum of the differences' powers, and the gradients.
#include <cmath>
#include <cstring>

#include "kernels/cpu/families.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/room.h"
#include "kernels/cpu/sixteen.h"

namespace dovetail::cpu {
namespace {

// ---- orders --------------------------------------------------------------------------------------------------

// What differences add to sums, each lane to its own: fold(sums, differences), numbers or vectors of them; what the
// sums of two lanes are together; what the whole then is; and the derivative of a distance by a difference, of what
// `share` makes of the distance's gradient.
template <class T>
struct Sum {
  template <class V>
  DOVETAIL_INLINE void join(V& sum, const V& other) const {
    sum += other;
  }
  T finish(T sum) const { return sum; }
  T share(T grad, T) const { return grad; }
};

template <class T>
DOVETAIL_INLINE T size_of(T x) {
  return x < 0 ? -x : x;
}
template <class T>
DOVETAIL_INLINE T sign_of(T x) {
  return x > 0 ? T(1) : x < 0 ? T(-1) : T(0);
}

template <class T>
struct Count : Sum<T> {
  template <class V>
  DOVETAIL_INLINE void fold(V& sum, const V& d) const {
    sum = d != 0 ? sum + 1 : sum;
  }
  DOVETAIL_INLINE T slope(T, T, T) const { return 0; }
};
template <class T>
struct City : Sum<T> {
  template <class V>
  DOVETAIL_INLINE void fold(V& sum, const V& d) const {
    sum += d < 0 ? -d : d;
  }
  DOVETAIL_INLINE T slope(T d, T share, T) const { return sign_of(d) * share; }
};
template <class T>
struct Euclid : Sum<T> {
  template <class V>
  DOVETAIL_INLINE void fold(V& sum, const V& d) const {
    sum += d * d;
  }
  T finish(T sum) const { return std::sqrt(sum); }
  T share(T grad, T distance) const { return distance == 0 ? T(0) : grad / distance; }
  DOVETAIL_INLINE T slope(T d, T share, T) const { return d * share; }
};
template <class T>
struct Largest : Sum<T> {
  template <class V>
  DOVETAIL_INLINE void fold(V& sum, const V& d) const {
    join(sum, d < 0 ? -d : d);
  }
  template <class V>
  DOVETAIL_INLINE void join(V& sum, const V& other) const {
    sum = other > sum ? other : sum;
    sum = other != other ? other : sum;
  }
  DOVETAIL_INLINE T slope(T d, T share, T distance) const { return size_of(d) == distance ? sign_of(d) * share : T(0); }
};
template <class T>
struct Power : Sum<T> {
  T p;
  explicit Power(T p) : p(p) {}
  void fold(T& sum, const T& d) const { sum += std::pow(size_of(d), p); }
  template <class V>
  void fold(V& sum, const V& d) const {
    for (size_t l = 0; l < sizeof(V) / sizeof(T); ++l) sum[l] += std::pow(size_of(d[l]), p);
  }
  T finish(T sum) const { return std::pow(sum, 1 / p); }
  T slope(T d, T share, T distance) const {
    return distance == 0 || d == 0 ? T(0) : sign_of(d) * std::pow(size_of(d) / distance, p - 1) * share;
  }
};

// run(order) with the order that p is.
template <class T, class Run>
void with_order(double p, const Run& run) {
  if (p == 0) return run(Count<T>{});
  if (p == 1) return run(City<T>{});
  if (p == 2) return run(Euclid<T>{});
  if (std::isinf(p)) return run(Largest<T>{});
  run(Power<T>(static_cast<T>(p)));
}

// ---- rows ----------------------------------------------------------------------------------------------------

// The distances of a row from n rows of m elements.
template <class T, class Order>
DOVETAIL_CLONES void from_row(const Order& order, const T* a, const T* rows, int64_t n, int64_t m, T* out) {
  typedef T Vector __attribute__((vector_size(32)));
  constexpr int64_t kWide = 32 / sizeof(T);
  for (int64_t j = 0; j < n; ++j, rows += m) {
    Vector sums = {}, more = {}, x, y;
    int64_t k = 0;
    for (; k + 2 * kWide <= m; k += 2 * kWide) {
      std::memcpy(&x, a + k, sizeof x);
      std::memcpy(&y, rows + k, sizeof y);
      x -= y;
      order.fold(sums, x);
      std::memcpy(&x, a + k + kWide, sizeof x);
      std::memcpy(&y, rows + k + kWide, sizeof y);
      x -= y;
      order.fold(more, x);
    }
    order.join(sums, more);
    T lanes[kWide];
    std::memcpy(lanes, &sums, sizeof sums);
    for (int64_t half = kWide / 2; half > 0; half /= 2)
      for (int64_t l = 0; l < half; ++l) order.join(lanes[l], lanes[l + half]);
    T sum = lanes[0];
    for (; k < m; ++k) order.fold(sum, a[k] - rows[k]);
    out[j] = order.finish(sum);
  }
}

// to += what the distances of a row from n rows add to its gradient; `back` (n rows, or null) gets the opposite. Of
// elements [first, last) of m.
template <class T, class Order>
DOVETAIL_CLONES void pull_row(const Order& order, const T* a, const T* rows, int64_t n, int64_t m, int64_t first,
                              int64_t last, const T* grad, const T* distance, int64_t step, T* to, T* back) {
  for (int64_t j = 0; j < n; ++j) {
    const T d = distance[j * step], share = order.share(grad[j * step], d);
    const T* b = rows + j * m;
    if (back) {
      T* from = back + j * m;
      for (int64_t k = first; k < last; ++k) {
        const T x = order.slope(a[k] - b[k], share, d);
        to[k] += x;
        from[k] -= x;
      }
    } else {
      for (int64_t k = first; k < last; ++k) to[k] += order.slope(a[k] - b[k], share, d);
    }
  }
}

constexpr int64_t kColumns = 128;  // of a gradient, one thread's work

// (x1, x2, p)
template <class T>
dt_status pairs(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                const dt_value* args, int32_t) {
  if (numel(outs[0]) == 0) return DT_OK;
  const int64_t p = ins[0].sizes[1], r = ins[1].sizes[1], m = ins[0].sizes[2];
  const T *x1 = contiguous_data<T>(ctx, ins[0]), *x2 = contiguous_data<T>(ctx, ins[1]);
  T* out = room<T>(ctx, outs[0]);
  if ((m > 0 && (!x1 || !x2)) || !out) return out_of_memory(ctx, "distances");
  with_order<T>(args[2].as.f, [&](const auto& order) {
    parallel(ctx, ins[0].sizes[0] * p, grain_for(r * (m + 8)), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) from_row(order, x1 + i * m, x2 + i / p * r * m, r, m, out + i * r);
    });
  });
  deliver(ctx, outs[0], out);
  return DT_OK;
}

// (grad, x1, x2, distances, p)
template <class T>
dt_status pairs_grad(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                     const dt_value* args, int32_t) {
  if (numel(outs[0]) == 0) return DT_OK;
  const int64_t p = ins[1].sizes[1], r = ins[2].sizes[1], m = ins[1].sizes[2];
  const dt_array &grad = ins[0], &distances = ins[3];
  const bool alike = grad.strides[0] == distances.strides[0] && grad.strides[1] == distances.strides[1] &&
                     grad.strides[2] == distances.strides[2];
  const T *x1 = contiguous_data<T>(ctx, ins[1]), *x2 = contiguous_data<T>(ctx, ins[2]);
  const T* g = alike ? static_cast<const T*>(grad.data) : contiguous_data<T>(ctx, grad);
  const T* d = alike ? static_cast<const T*>(distances.data) : contiguous_data<T>(ctx, distances);
  T* out = room<T>(ctx, outs[0]);
  if (!x1 || (r > 0 && (!x2 || !g || !d)) || !out) return out_of_memory(ctx, "distances_grad");
  const int64_t batch_step = alike ? grad.strides[0] : p * r, row_step = alike ? grad.strides[1] : r;
  const int64_t step = alike ? grad.strides[2] : 1;
  with_order<T>(args[4].as.f, [&](const auto& order) {
    parallel(ctx, ins[1].sizes[0] * p, grain_for(r * m * 2), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t at = i / p * batch_step + i % p * row_step;
        std::fill_n(out + i * m, m, T(0));
        pull_row<T>(order, x1 + i * m, x2 + i / p * r * m, r, m, 0, m, g + at, d + at, step, out + i * m, nullptr);
      }
    });
  });
  deliver(ctx, outs[0], out);
  return DT_OK;
}

// Where the distances of row i of n from those behind it begin.
int64_t place_of(int64_t i, int64_t n) { return i * n - i * (i + 1) / 2; }

// (input, p)
template <class T>
dt_status points(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                 const dt_value* args, int32_t) {
  if (numel(outs[0]) == 0) return DT_OK;
  const int64_t n = ins[0].sizes[0], m = ins[0].sizes[1];
  const T* x = contiguous_data<T>(ctx, ins[0]);
  T* out = room<T>(ctx, outs[0]);
  if ((m > 0 && !x) || !out) return out_of_memory(ctx, "pdist_of");
  with_order<T>(args[1].as.f, [&](const auto& order) {
    // A row from the front and one from the back are the same work for every pair of them.
    parallel(ctx, n / 2, grain_for(n * (m + 8)), [&](int64_t begin, int64_t end) {
      const auto run = [&](int64_t i) {
        from_row(order, x + i * m, x + (i + 1) * m, n - 1 - i, m, out + place_of(i, n));
      };
      for (int64_t i = begin; i < end; ++i) {
        run(i);
        if (n - 2 - i > i) run(n - 2 - i);
      }
    });
  });
  deliver(ctx, outs[0], out);
  return DT_OK;
}

// (grad, input, distances, p)
template <class T>
dt_status points_grad(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                      const dt_value* args, int32_t) {
  if (numel(outs[0]) == 0) return DT_OK;
  const int64_t n = ins[1].sizes[0], m = ins[1].sizes[1];
  const T *grad = contiguous_data<T>(ctx, ins[0]), *x = contiguous_data<T>(ctx, ins[1]);
  const T* distances = contiguous_data<T>(ctx, ins[2]);
  T* out = room<T>(ctx, outs[0]);
  if (!x || (n > 1 && (!grad || !distances)) || !out) return out_of_memory(ctx, "pdist_grad");
  std::fill_n(out, n * m, T(0));
  with_order<T>(args[3].as.f, [&](const auto& order) {
    parallel(ctx, ceil_div(m, kColumns), 1, [&](int64_t begin, int64_t end) {
      for (int64_t part = begin; part < end; ++part)
        for (int64_t i = 0; i + 1 < n; ++i)
          pull_row<T>(order, x + i * m, x + (i + 1) * m, n - 1 - i, m, part * kColumns,
                      std::min(m, (part + 1) * kColumns), grad + place_of(i, n), distances + place_of(i, n), 1,
                      out + i * m, out + (i + 1) * m);
    });
  });
  deliver(ctx, outs[0], out);
  return DT_OK;
}

template <class T>
void add(KernelTable& table, int32_t dtype) {
  table.add("distances", dtype, pairs<T>);
  table.add("distances_grad", dtype, pairs_grad<T>);
  table.add("pdist_of", dtype, points<T>);
  table.add("pdist_grad", dtype, points_grad<T>);
}

}  // namespace

void register_distance(KernelTable& table) { add_floats_whole(table, add<float>, add<double>); }

}  // namespace dovetail::cpu
