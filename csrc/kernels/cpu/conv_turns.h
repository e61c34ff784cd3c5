// Every second element of a line.
#pragma once

#include <cstdint>

namespace dovetail::cpu {

template <typename T>
struct SixteenBytes {
  typedef T type __attribute__((vector_size(16), aligned(sizeof(T)), may_alias));
};
template <typename T>
using Sixteen = typename SixteenBytes<T>::type;

// out[2 i] = even[i], out[2 i + 1] = odd[i]
template <typename T>
inline void interleave(const T* even, const T* odd, int64_t n, T* out) {
  using V = Sixteen<T>;
  constexpr int64_t kWidth = 16 / sizeof(T);
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) {
    const V a = *reinterpret_cast<const V*>(even + i), b = *reinterpret_cast<const V*>(odd + i);
    V *const low = reinterpret_cast<V*>(out + 2 * i), *const high = reinterpret_cast<V*>(out + 2 * i + kWidth);
    if constexpr (kWidth == 4) {
      *low = __builtin_shufflevector(a, b, 0, 4, 1, 5), *high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    } else {
      *low = __builtin_shufflevector(a, b, 0, 2), *high = __builtin_shufflevector(a, b, 1, 3);
    }
  }
  for (; i < n; ++i) out[2 * i] = even[i], out[2 * i + 1] = odd[i];
}

// out[i] = in[2 i]
template <typename T>
inline void copy_every_second(T* out, const T* in, int64_t n) {
  using V = Sixteen<T>;
  constexpr int64_t kWidth = 16 / sizeof(T);
  int64_t i = 0;
  for (; i + kWidth <= n; i += kWidth) {  // nothing past the last one is read
    const T* from = in + 2 * i;
    const V a = *reinterpret_cast<const V*>(from), b = *reinterpret_cast<const V*>(from + kWidth - 1);
    if constexpr (kWidth == 4) {
      *reinterpret_cast<V*>(out + i) = __builtin_shufflevector(a, b, 0, 2, 5, 7);
    } else {
      *reinterpret_cast<V*>(out + i) = __builtin_shufflevector(a, b, 0, 3);
    }
  }
  for (; i < n; ++i) out[i] = in[2 * i];
}

}  // namespace dovetail::cpu
