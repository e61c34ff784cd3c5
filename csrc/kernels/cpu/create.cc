// empty, full, zeros, ones, fill and arange: bound by memory, so the base instruction set does.
#include <algorithm>

#include "kernels/cpu/families.h"
#include "kernels/cpu/loops.h"
#include "kernels/cpu/registry.h"

namespace dovetail::cpu {
namespace {

template <class T>
constexpr bool kIsInteger = T(0.5) == T(0);
template <>
constexpr bool kIsInteger<Half> = false;
template <>
constexpr bool kIsInteger<BFloat16> = false;
template <>
constexpr bool kIsInteger<bool> = false;

// A boxed number in the dtype T; an integer that does not fit wraps, a float that does not is the least integer.
template <class T>
T number(const dt_value& v) {
  if (v.tag == DT_FLOAT || v.tag == DT_COMPLEX) {
    const double x = v.tag == DT_FLOAT ? v.as.f : v.as.complex.re;
    if constexpr (!kIsInteger<T>) {
      return static_cast<T>(x);
    } else {
      const bool fits = x >= -0x1p63 && x < 0x1p63;
      return static_cast<T>(fits ? static_cast<int64_t>(x) : INT64_MIN);
    }
  }
  return static_cast<T>(v.as.i);
}
template <>
uint64_t number<uint64_t>(const dt_value& v) {
  if (v.tag == DT_FLOAT && v.as.f >= 0x1p63 && v.as.f < 0x1p64) return static_cast<uint64_t>(v.as.f);
  return static_cast<uint64_t>(number<int64_t>(v));
}
template <>
Half number<Half>(const dt_value& v) {
  return Half(number<double>(v));
}
template <>
BFloat16 number<BFloat16>(const dt_value& v) {
  return BFloat16(number<double>(v));
}
template <class T>
Complex<T> complex_number(const dt_value& v) {
  if (v.tag != DT_COMPLEX) return Complex<T>(number<T>(v));
  return {static_cast<T>(v.as.complex.re), static_cast<T>(v.as.complex.im)};
}
template <>
Complex<float> number<Complex<float>>(const dt_value& v) {
  return complex_number<float>(v);
}
template <>
Complex<double> number<Complex<double>>(const dt_value& v) {
  return complex_number<double>(v);
}
template <>
bool number<bool>(const dt_value& v) {
  return v.tag == DT_FLOAT     ? v.as.f != 0
         : v.tag == DT_COMPLEX ? v.as.complex.re != 0 || v.as.complex.im != 0
                               : v.as.i != 0;
}

// Every element is *params.
template <class T>
void full_loop(char* const* data, const int64_t* step, const int64_t* row_step, int64_t n, int64_t rows,
               const void* params) {
  const T value = *static_cast<const T*>(params);
  T* out = reinterpret_cast<T*>(data[0]);
  for (; rows > 0; --rows, out += row_step[0]) {
    if (step[0] == 1) {
      for (int64_t i = 0; i < n; ++i) out[i] = value;
    } else {
      for (int64_t i = 0; i < n; ++i) out[i * step[0]] = value;
    }
  }
}

// Writes `value` everywhere; elements that lie side by side are one dim, whatever the shape.
template <class T>
dt_status fill_with(dt_kernel_context* ctx, const dt_array& out, const T* value) {
  static const Loop loop{full_loop<T>, kCheapGrain};
  int64_t count = 1;
  const int64_t one = 1;
  bool row = true;
  for (int i = out.ndim - 1; i >= 0; --i) {
    row &= out.sizes[i] == 1 || out.strides[i] == count;
    count *= out.sizes[i];
  }
  if (!row) return elementwise<1>(ctx, loop, {&out}, value);
  if (count <= loop.grain) {
    std::fill_n(static_cast<T*>(out.data), count, *value);
    return DT_OK;
  }
  const dt_array flat{out.data, &count, &one, 1, out.dtype};
  return elementwise<1>(ctx, loop, {&flat}, value);
}

// The elements are whatever the memory holds.
dt_status empty_kernel(const void*, dt_kernel_context*, const dt_array*, int32_t, const dt_array*, int32_t,
                       const dt_value*, int32_t) {
  return DT_OK;
}

// full(size, fill_value)
template <class T>
dt_status full_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array*, int32_t,
                      const dt_value* args, int32_t) {
  const T value = number<T>(args[1]);
  return fill_with(ctx, outs[0], &value);
}

// zeros, ones
template <class T, int kNumber>
dt_status filled_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array*, int32_t,
                        const dt_value*, int32_t) {
  const T value = static_cast<T>(kNumber);
  return fill_with(ctx, outs[0], &value);
}

// fill(self, value): value is zero-dim, in the same dtype, and the last input.
template <class T>
dt_status fill_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                      int32_t n_ins, const dt_value*, int32_t) {
  return fill_with(ctx, outs[0], static_cast<const T*>(ins[n_ins - 1].data));
}

// arange(start, end, step): element i is start + i * step, each from its index so that errors do not add up.
template <class T>
struct Range {
  T* out;
  int64_t stride;
  T start, step;
  double float_start, float_step;
  bool integral;

  static void fill(void* arg, int64_t begin, int64_t end) {
    const Range& r = *static_cast<const Range*>(arg);
    if constexpr (kIsInteger<T>) {
      if (r.integral) {
        for (int64_t i = begin; i < end; ++i)
          r.out[i * r.stride] = static_cast<T>(static_cast<uint64_t>(r.start) + static_cast<uint64_t>(i) * r.step);
        return;
      }
    }
    for (int64_t i = begin; i < end; ++i) r.out[i * r.stride] = converted(r.float_start + i * r.float_step);
  }
  static T converted(double x) {
    dt_value v{};
    v.tag = DT_FLOAT;
    v.as.f = x;
    return number<T>(v);
  }
};

double as_double(const dt_value& v) { return v.tag == DT_FLOAT ? v.as.f : static_cast<double>(v.as.i); }

template <class T>
dt_status arange_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array*, int32_t,
                        const dt_value* args, int32_t n_args) {
  dt_value one{};
  one.tag = DT_INT;
  one.as.i = 1;
  const dt_value& step = n_args > 2 && args[2].tag != DT_NONE ? args[2] : one;
  Range<T> range{static_cast<T*>(outs[0].data),
                 outs[0].strides[0],
                 number<T>(args[0]),
                 number<T>(step),
                 as_double(args[0]),
                 as_double(step),
                 args[0].tag != DT_FLOAT && step.tag != DT_FLOAT};
  const int64_t n = outs[0].sizes[0];
  if (n <= kCheapGrain) {
    Range<T>::fill(&range, 0, n);
  } else {
    ctx->parallel_for(ctx, n, kCheapGrain, Range<T>::fill, &range);
  }
  return DT_OK;
}

#define DOVETAIL_ADD_FULL(T, dtype)               \
  table.add("empty", dtype, empty_kernel);        \
  table.add("full", dtype, full_kernel<T>);       \
  table.add("zeros", dtype, filled_kernel<T, 0>); \
  table.add("ones", dtype, filled_kernel<T, 1>);
#define DOVETAIL_ADD_FILL(T, dtype) table.add("fill", dtype, fill_kernel<T>);
#define DOVETAIL_ADD_ARANGE(T, dtype) table.add("arange", dtype, arange_kernel<T>);

}  // namespace

void register_create(KernelTable& table) {
  DOVETAIL_FLOATS(DOVETAIL_ADD_FULL)
  DOVETAIL_SIXTEENS(DOVETAIL_ADD_FULL)
  DOVETAIL_INTS(DOVETAIL_ADD_FULL)
  DOVETAIL_COMPLEXES(DOVETAIL_ADD_FULL)
  DOVETAIL_ADD_FULL(bool, DT_BOOL)
  DOVETAIL_BY_SIZE(DOVETAIL_ADD_FILL)
  DOVETAIL_FLOATS(DOVETAIL_ADD_ARANGE)
  DOVETAIL_SIXTEENS(DOVETAIL_ADD_ARANGE)
  DOVETAIL_INTS(DOVETAIL_ADD_ARANGE)
  DOVETAIL_ADD_ARANGE(bool, DT_BOOL)
}

}  // namespace dovetail::cpu
