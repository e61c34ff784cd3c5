// Single elements by index: the inner loop of gather, and of index_select and index where nothing follows the indexed
// dim.
#pragma once

#include <cstdint>

namespace dovetail::cpu {

// to[j] = from[index[j] * along + j * drift], n of them, each array with its step; indices have been checked. Where
// they may count from the end, `wrap` is what is added to those below 0.
template <class T, bool kWraps>
void gather_run(T* to, int64_t to_step, const int64_t* index, int64_t index_step, const T* from, int64_t along,
                int64_t drift, int64_t wrap, int64_t n) {
  auto place = [wrap](int64_t k) {
    if constexpr (kWraps) return k < 0 ? k + wrap : k;
    return k;
  };
  if (to_step == 1 && index_step == 1 && drift == 0) {
    int64_t j = 0;
    for (; j + 4 <= n; j += 4) {  // loads first: the compiler can't know that no store changes what they read
      const T a = from[place(index[j]) * along], b = from[place(index[j + 1]) * along];
      const T c = from[place(index[j + 2]) * along], d = from[place(index[j + 3]) * along];
      to[j] = a;
      to[j + 1] = b;
      to[j + 2] = c;
      to[j + 3] = d;
    }
    for (; j < n; ++j) to[j] = from[place(index[j]) * along];
  } else {
    for (int64_t j = 0; j < n; ++j) to[j * to_step] = from[place(index[j * index_step]) * along + j * drift];
  }
}

}  // namespace dovetail::cpu
