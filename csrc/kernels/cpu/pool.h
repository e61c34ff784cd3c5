// What the kernels of pooling share: planes, windows, and the largest element.
#pragma once

#include <algorithm>
#include <cstdint>

#include "dovetail/abi.h"

namespace dovetail::cpu {

// Where one window lies along one dim: `count` elements from `start` in the input; `span` counts padding too.
struct Window {
  int64_t start, count, span;
};

// A batch of planes in three spatial dims (missing ones lead, with size 1).
template <typename T>
struct Planes {
  T* data;
  int64_t channels, batch_step, channel_step;
  int64_t size[3], step[3];

  explicit Planes(const dt_array& x) : Planes(x, x.ndim - 2) {}
  // (N, C, *spatial), or (C, *spatial).
  Planes(const dt_array& x, int spatial)
      : data(static_cast<T*>(x.data)),
        channels(x.sizes[x.ndim - spatial - 1]),
        batch_step(x.ndim > spatial + 1 ? x.strides[0] : 0),
        channel_step(x.strides[x.ndim - spatial - 1]),
        size{1, 1, 1},
        step{0, 0, 0} {
    for (int d = x.ndim - spatial; d < x.ndim; ++d)
      size[d + 3 - x.ndim] = x.sizes[d], step[d + 3 - x.ndim] = x.strides[d];
  }
  T* plane(int64_t i) const { return data + i / channels * batch_step + i % channels * channel_step; }
  int64_t pixels() const { return size[0] * size[1] * size[2]; }
};

inline bool any_zero(const dt_array& x) { return std::count(x.sizes, x.sizes + x.ndim, 0) > 0; }

// use(z, y, x) for every output coordinate.
template <typename F>
inline void each_result(const int64_t (&size)[3], const F& use) {
  for (int64_t z = 0; z < size[0]; ++z) {
    for (int64_t y = 0; y < size[1]; ++y) {
      for (int64_t x = 0; x < size[2]; ++x) use(z, y, x);
    }
  }
}

// use(z, y) for every row.
template <typename F>
inline void each_row(const int64_t (&size)[3], const F& use) {
  for (int64_t z = 0; z < size[0]; ++z) {
    for (int64_t y = 0; y < size[1]; ++y) use(z, y);
  }
}

template <typename T>
bool is_nan(T value) {
  return value != value;
}

template <typename T>
struct Best {
  T value;
  int64_t index;
  // The first of equal ones; a NaN beats everything.
  void take(T candidate, int64_t at) {
    const bool better = (candidate > value) | is_nan(candidate);
    value = better ? candidate : value;
    index = better ? at : index;
  }
};

template <typename T>
bool is_dense(const Planes<T>& x) {
  return (x.size[2] == 1 || x.step[2] == 1) && (x.size[1] == 1 || x.step[1] == x.size[2]) &&
         (x.size[0] == 1 || x.step[0] == x.size[1] * x.size[2]);
}

template <typename T>
void clear_plane(const Planes<T>& out, T* plane) {
  if (is_dense(out)) {
    std::fill(plane, plane + out.pixels(), T(0));
    return;
  }
  each_result(out.size, [&](int64_t z, int64_t y, int64_t x) {
    plane[z * out.step[0] + y * out.step[1] + x * out.step[2]] = T(0);
  });
}

}  // namespace dovetail::cpu
