// Special functions, element by element: computed in double, whatever the dtype. Most are in special_vector.cc.
#include "kernels/cpu/special.h"

#include "kernels/cpu/families.h"
#include "kernels/cpu/loops.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/sixteen.h"

namespace dovetail::cpu {

namespace {

template <class T, class F>
void apply(char* const* data, const int64_t* step, const int64_t* row_step, int64_t n, int64_t rows, const F& f) {
  T* out = reinterpret_cast<T*>(data[0]);
  const T* a = reinterpret_cast<const T*>(data[1]);
  for (; rows > 0; --rows, out += row_step[0], a += row_step[1])
    for (int64_t i = 0; i < n; ++i) out[i * step[0]] = static_cast<T>(f(static_cast<double>(a[i * step[1]])));
}

struct Unary {
  const char* op;
  double (*fn)(double);
};

constexpr Unary kUnary[] = {
    {"special_airy_ai", airy_ai},     {"airy_ai_slope", airy_ai_slope}, {"special_bessel_j0", bessel_j0},
    {"special_bessel_j1", bessel_j1}, {"special_bessel_y0", bessel_y0}, {"special_bessel_y1", bessel_y1},
    {"special_ndtri", ndtri},
};

template <class T>
void unary_of(char* const* data, const int64_t* step, const int64_t* row_step, int64_t n, int64_t rows,
              const void* params) {
  apply<T>(data, step, row_step, n, rows, static_cast<const Unary*>(params)->fn);
}
template <class T>
dt_status unary_special(const void* self, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                        int32_t, const dt_value*, int32_t) {
  static const Loop loop{unary_of<T>, kScalarGrain};
  return elementwise<2>(ctx, loop, {&outs[0], &ins[0]}, self);
}

struct Binary {
  const char* op;
  double (*fn)(double, double);
};

constexpr Binary kBinary[] = {
    {"igamma", igamma},
    {"igammac", igammac},
    {"special_zeta", zeta},
};

template <class T>
void binary_of(char* const* data, const int64_t* step, const int64_t* row_step, int64_t n, int64_t rows,
               const void* params) {
  const auto fn = static_cast<const Binary*>(params)->fn;
  T* out = reinterpret_cast<T*>(data[0]);
  const T* a = reinterpret_cast<const T*>(data[1]);
  const T* b = reinterpret_cast<const T*>(data[2]);
  for (; rows > 0; --rows, out += row_step[0], a += row_step[1], b += row_step[2])
    for (int64_t i = 0; i < n; ++i)
      out[i * step[0]] = static_cast<T>(fn(static_cast<double>(a[i * step[1]]), static_cast<double>(b[i * step[2]])));
}
template <class T>
dt_status binary_special(const void* self, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                         int32_t, const dt_value*, int32_t) {
  static const Loop loop{binary_of<T>, kScalarGrain};
  return elementwise<3>(ctx, loop, {&outs[0], &ins[0], &ins[1]}, self);
}

template <class T>
void add_all_of(KernelTable& table, int32_t dtype) {
  for (const Unary& unary : kUnary) table.add(unary.op, dtype, unary_special<T>, &unary);
  for (const Binary& binary : kBinary) table.add(binary.op, dtype, binary_special<T>, &binary);
}

}  // namespace

void register_special(KernelTable& table) {
  KernelTable own;
  add_all_of<float>(own, DT_FLOAT32);
  add_all_of<double>(own, DT_FLOAT64);
  add_sixteen_by_blocks(own);
  table.add_all(own);
}

}  // namespace dovetail::cpu
