// From an index in [0, n) to places in N strided arrays of the same sizes.
#pragma once

#include <cstdint>
#include <cstdlib>

#include "dovetail/abi.h"
#include "kernels/common/host_device.h"

namespace dovetail::cuda {

inline int64_t numel(const dt_array& a) {
  int64_t n = 1;
  for (int i = 0; i < a.ndim; ++i) n *= a.sizes[i];
  return n;
}

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// On the host, while it is put together: dims of size 1 are dropped, and neighbours that lie in line everywhere merged.
template <int N>
struct Space {
  int ndim = 0;
  int64_t sizes[DT_MAX_DIMS];
  int64_t strides[DT_MAX_DIMS][N];

  void add(int64_t size, const int64_t (&step)[N]) {
    if (size == 1) return;
    bool in_line = ndim > 0;
    for (int k = 0; k < N && in_line; ++k) in_line = strides[ndim - 1][k] == step[k] * size;
    if (in_line)
      sizes[ndim - 1] *= size;
    else
      sizes[ndim++] = size;
    for (int k = 0; k < N; ++k) strides[ndim - 1][k] = step[k];
  }
};

// What a kernel is given: few enough dims to travel as an argument.
constexpr int kLayoutDims = 12;

template <int N>
struct Offsets {
  int64_t of[N];
};

template <int N>
struct Layout {
  int32_t ndim = 0;
  int64_t count = 1;  // of all indices
  int64_t sizes[kLayoutDims];
  int64_t strides[kLayoutDims][N];

  DOVETAIL_HD Offsets<N> at(int64_t index) const {
    Offsets<N> offsets = {};
    if (count <= 0x7fffffff) {  // 32-bit division is several times as fast
      walk(static_cast<uint32_t>(index), offsets);
    } else {
      walk(static_cast<uint64_t>(index), offsets);
    }
    return offsets;
  }

 private:
  template <class I>
  DOVETAIL_HD void walk(I index, Offsets<N>& offsets) const {
    for (int d = ndim - 1; d >= 0; --d) {
      I place = index;
      if (d > 0) {
        const I size = static_cast<I>(sizes[d]), rest = index / size;
        place = index - rest * size;
        index = rest;
      }
      for (int k = 0; k < N; ++k) offsets.of[k] += static_cast<int64_t>(place) * strides[d][k];
    }
  }
};

// use(layout, offsets) for the whole space: once, or where it has more dims than a layout holds, once for every place
// in the outer ones.
template <int N, class Use>
void for_layouts(const Space<N>& space, const Use& use) {
  const int outer = space.ndim > kLayoutDims ? space.ndim - kLayoutDims : 0;
  Layout<N> layout;
  for (int d = outer; d < space.ndim; ++d) {
    layout.sizes[layout.ndim] = space.sizes[d];
    layout.count *= space.sizes[d];
    for (int k = 0; k < N; ++k) layout.strides[layout.ndim][k] = space.strides[d][k];
    ++layout.ndim;
  }
  int64_t times = 1;
  for (int d = 0; d < outer; ++d) times *= space.sizes[d];
  for (int64_t i = 0; i < times && layout.count > 0; ++i) {
    Offsets<N> offsets = {};
    int64_t left = i;
    for (int d = outer - 1; d >= 0; --d) {
      for (int k = 0; k < N; ++k) offsets.of[k] += left % space.sizes[d] * space.strides[d][k];
      left /= space.sizes[d];
    }
    use(layout, offsets);
  }
}

// A layout where the space must fit into one; false if it does not.
template <int N>
bool single_layout(const Space<N>& space, Layout<N>& layout) {
  if (space.ndim > kLayoutDims) return false;
  for_layouts(space, [&](const Layout<N>& made, const Offsets<N>&) { layout = made; });
  for (int d = 0; d < space.ndim; ++d)
    if (space.sizes[d] == 0) layout.count = 0;
  return true;
}

}  // namespace dovetail::cuda
