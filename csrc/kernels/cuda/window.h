// Convolutions and pooling over 1 to 3 spatial dims, always as 3: missing ones lead, with size 1.
#pragma once

#include "kernels/cuda/elementwise.h"

namespace dovetail::cuda {

// A batch of planes: (N, C, *spatial).
template <class T>
struct Planes {
  T* data;
  int64_t batch, channels, batch_step, channel_step;
  int64_t size[3], step[3];

  explicit Planes(const dt_array& x)
      : data(static_cast<T*>(x.data)),
        batch(x.sizes[0]),
        channels(x.sizes[1]),
        batch_step(x.strides[0]),
        channel_step(x.strides[1]),
        size{1, 1, 1},
        step{0, 0, 0} {
    for (int d = 2; d < x.ndim; ++d) size[d + 3 - x.ndim] = x.sizes[d], step[d + 3 - x.ndim] = x.strides[d];
  }
  int64_t count() const { return batch * channels * size[0] * size[1] * size[2]; }
  DOVETAIL_HD T* at(int64_t n, int64_t c, int64_t z, int64_t y, int64_t x) const {
    return data + n * batch_step + c * channel_step + z * step[0] + y * step[1] + x * step[2];
  }
};

// The coordinates of element i, in row-major order.
struct Place {
  int64_t n, c, at[3];
};
template <class T>
DOVETAIL_HD Place place_of(const Planes<T>& p, int64_t i) {
  Place place;
  for (int d = 2; d >= 0; --d) {
    place.at[d] = i % p.size[d];
    i /= p.size[d];
  }
  place.c = i % p.channels;
  place.n = i / p.channels;
  return place;
}
template <class T>
DOVETAIL_HD T* at(const Planes<T>& p, const Place& place) {
  return p.at(place.n, place.c, place.at[0], place.at[1], place.at[2]);
}

// How a window moves.
struct Motion {
  int64_t kernel[3], stride[3], padding[3], dilation[3];
};

// Entry d (of 3) of a list for `spatial` dims; one entry stands for all.
inline int64_t entry(const dt_value* list, int d, int spatial, int64_t otherwise) {
  const int i = d - (3 - spatial);
  if (i < 0 || !list || list->count == 0) return otherwise;
  return list->as.ints[list->count == 1 ? 0 : i];
}

inline Motion motion(int spatial, const dt_value* kernel, const dt_value* stride, const dt_value* padding,
                     const dt_value* dilation) {
  Motion m;
  for (int d = 0; d < 3; ++d) {
    m.kernel[d] = entry(kernel, d, spatial, 1);
    m.stride[d] = entry(stride, d, spatial, m.kernel[d]);
    m.padding[d] = entry(padding, d, spatial, 0);
    m.dilation[d] = entry(dilation, d, spatial, 1);
  }
  return m;
}

}  // namespace dovetail::cuda
