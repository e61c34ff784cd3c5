// Greatest common divisors and least common multiples.
#include "kernels/cpu/families.h"
#include "kernels/cpu/loops.h"
#include "kernels/cpu/registry.h"

namespace dovetail::cpu {
namespace {

// Euclid's, on magnitudes without a sign: that of the least integer has no other form. As the result it wraps around.
template <class T>
T gcd(T a, T b) {
  using U = std::make_unsigned_t<T>;
  U x = a < 0 ? static_cast<U>(U{0} - static_cast<U>(a)) : static_cast<U>(a);
  U y = b < 0 ? static_cast<U>(U{0} - static_cast<U>(b)) : static_cast<U>(b);
  while (y != 0) {
    const U rest = static_cast<U>(x % y);
    x = y;
    y = rest;
  }
  return static_cast<T>(x);
}

// Wraps around.
template <class T>
T lcm(T a, T b) {
  using U = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
  const T divisor = gcd(a, b), each = divisor == 0 ? T(0) : static_cast<T>(a / divisor);
  const T multiple = static_cast<T>(static_cast<U>(each) * static_cast<U>(b));
  return multiple < 0 ? static_cast<T>(U{0} - static_cast<U>(multiple)) : multiple;
}

template <class T, T (*kFunction)(T, T)>
void divisor_loop(char* const* data, const int64_t* step, const int64_t* row_step, int64_t n, int64_t rows,
                  const void*) {
  for (int64_t r = 0; r < rows; ++r) {
    T* out = reinterpret_cast<T*>(data[0]) + r * row_step[0];
    const T* a = reinterpret_cast<const T*>(data[1]) + r * row_step[1];
    const T* b = reinterpret_cast<const T*>(data[2]) + r * row_step[2];
    for (int64_t i = 0; i < n; ++i) out[i * step[0]] = kFunction(a[i * step[1]], b[i * step[2]]);
  }
}

}  // namespace

void register_divisors(KernelTable& table) {
#define DOVETAIL_ADD(T, dtype)                                                                                      \
  {                                                                                                                 \
    static const Loop of_gcd{divisor_loop<T, gcd<T>>, kScalarGrain}, of_lcm{divisor_loop<T, lcm<T>>, kScalarGrain}; \
    table.add("gcd", dtype, binary_kernel, &of_gcd);                                                                \
    table.add("lcm", dtype, binary_kernel, &of_lcm);                                                                \
  }
  DOVETAIL_INTS(DOVETAIL_ADD)
#undef DOVETAIL_ADD
}

}  // namespace dovetail::cpu
