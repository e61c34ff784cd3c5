// copy: every pair of dtypes, every layout.
#include <algorithm>

#include "kernels/common/dtypes.h"
#include "kernels/cpu/copy_rare.h"
#include "kernels/cpu/families.h"
#include "kernels/cpu/index_copy.h"
#include "kernels/cpu/loops.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/sixteen.h"

#define DOVETAIL_KERNELS "kernels/cpu/copy.inc"
#include "kernels/cpu/foreach_isa.h"

namespace dovetail::cpu {
namespace {

// What copies between two dtypes; kept for the life of the process.
const dt_kernel* pair(const KernelTable& table, int32_t to, int32_t from) {
  const int32_t dtypes[] = {to, from};
  return new dt_kernel(table.find("copy", dtypes, 2));
}

// ---- complex numbers: their parts are reals, two steps apart ------------------------------------------------

struct Parts {
  int64_t strides[DT_MAX_DIMS];
  dt_array real, imaginary;

  explicit Parts(const dt_array& a) {
    for (int d = 0; d < a.ndim; ++d) strides[d] = 2 * a.strides[d];
    const int32_t dtype = a.dtype == DT_COMPLEX64 ? DT_FLOAT32 : DT_FLOAT64;
    real = {a.data, a.sizes, strides, a.ndim, dtype};
    imaginary = real;
    imaginary.data = static_cast<char*>(a.data) + item_bytes(dtype);
  }
};

dt_status from_complex(const void* self, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                       int32_t, const dt_value*, int32_t) {
  const Parts parts(ins[0]);
  return run_inner(self, ctx, outs, 1, &parts.real, 1, nullptr, 0);
}

dt_status to_complex(const void* self, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                     int32_t, const dt_value*, int32_t) {
  const Parts parts(outs[0]);
  static const Loop float_zero{base::nullary_loop<base::Zero<float>, float>, kCheapGrain};
  static const Loop double_zero{base::nullary_loop<base::Zero<double>, double>, kCheapGrain};
  const Loop& zero = parts.real.dtype == DT_FLOAT32 ? float_zero : double_zero;
  const dt_status status = elementwise<1>(ctx, zero, {&parts.imaginary});
  return status == DT_OK ? run_inner(self, ctx, &parts.real, 1, ins, 1, nullptr, 0) : status;
}

void add_complex(KernelTable& table, int32_t complex, int32_t real) {
  for (int32_t dtype = 0; dtype < DT_DTYPE_COUNT; ++dtype) {
    if (dtype == DT_COMPLEX64 || dtype == DT_COMPLEX128) continue;
    table.add("copy", complex, dtype, to_complex, pair(table, real, dtype));
    if (dtype != DT_BOOL) table.add("copy", dtype, complex, from_complex, pair(table, dtype, real));
  }
}

// ---- 16-bit floats: by way of float -------------------------------------------------------------------------

constexpr int64_t kFew = 256;  // elements that are brought into a row at a time

// Between a 16-bit float and float, in one pass.
template <int32_t kSixteen>
void narrow_loop(char* const* data, const int64_t* step, const int64_t* row_step, int64_t n, int64_t rows,
                 const void*) {
  uint16_t* to = reinterpret_cast<uint16_t*>(data[0]);
  const float* from = reinterpret_cast<const float*>(data[1]);
  for (; rows > 0; --rows, to += row_step[0], from += row_step[1]) {
    if (step[1] == 1) {
      narrow(kSixteen, from, to, step[0], n);
    } else {
      float row[kFew];
      for (int64_t i = 0; i < n; i += kFew) {
        const int64_t count = std::min(kFew, n - i);
        for (int64_t k = 0; k < count; ++k) row[k] = from[(i + k) * step[1]];
        narrow(kSixteen, row, to + i * step[0], step[0], count);
      }
    }
  }
}

template <int32_t kSixteen>
void widen_loop(char* const* data, const int64_t* step, const int64_t* row_step, int64_t n, int64_t rows, const void*) {
  float* to = reinterpret_cast<float*>(data[0]);
  const uint16_t* from = reinterpret_cast<const uint16_t*>(data[1]);
  for (; rows > 0; --rows, to += row_step[0], from += row_step[1]) {
    if (step[0] == 1) {
      widen(kSixteen, from, step[1], n, to);
    } else {
      float row[kFew];
      for (int64_t i = 0; i < n; i += kFew) {
        const int64_t count = std::min(kFew, n - i);
        widen(kSixteen, from + i * step[1], step[1], count, row);
        for (int64_t k = 0; k < count; ++k) to[(i + k) * step[0]] = row[k];
      }
    }
  }
}

template <int32_t kSixteen>
void narrow_past_loop(char* const* data, const int64_t* step, const int64_t* row_step, int64_t n, int64_t rows,
                      const void* params) {
  if (step[1] != 1) return narrow_loop<kSixteen>(data, step, row_step, n, rows, params);
  narrow_past(kSixteen, reinterpret_cast<const float*>(data[1]), reinterpret_cast<uint16_t*>(data[0]), n);
}

template <int32_t kSixteen>
void widen_past_loop(char* const* data, const int64_t* step, const int64_t* row_step, int64_t n, int64_t rows,
                     const void* params) {
  if (step[1] != 1) return widen_loop<kSixteen>(data, step, row_step, n, rows, params);
  widen_past(kSixteen, reinterpret_cast<const uint16_t*>(data[1]), n, reinterpret_cast<float*>(data[0]));
}

template <int32_t kSixteen>
void add_sixteen(KernelTable& table) {
  const int32_t sixteen = kSixteen;
  static const Loop narrows{narrow_loop<kSixteen>, kCheapGrain, narrow_past_loop<kSixteen>};
  static const Loop widens{widen_loop<kSixteen>, kCheapGrain, widen_past_loop<kSixteen>};
  table.add("copy", sixteen, DT_FLOAT32, unary_kernel, &narrows);
  table.add("copy", DT_FLOAT32, sixteen, unary_kernel, &widens);
  const auto add = [&](int32_t to, int32_t from, const dt_kernel& kernel) {
    const dt_kernel made = sixteen_by_blocks(kernel);
    table.add("copy", to, from, made.fn, made.self);
  };
  const int32_t float32 = DT_FLOAT32;
  for (int32_t dtype = 0; dtype < DT_DTYPE_COUNT; ++dtype) {
    const int32_t other = is_sixteen(dtype) ? float32 : dtype;
    if (dtype == sixteen || dtype == float32 || dtype == DT_COMPLEX64 || dtype == DT_COMPLEX128) continue;
    if (dtype != DT_FLOAT64) add(sixteen, dtype, *pair(table, float32, other));
    add(dtype, sixteen, *pair(table, other, float32));
  }
}

}  // namespace

void copy_array(dt_kernel_context* ctx, const dt_array& to, const dt_array& from) {
  if (to.data != from.data) elementwise<2>(ctx, DOVETAIL_BEST_ISA(moving_loop)(item_bytes(to.dtype)), {&to, &from});
}

void register_copy(KernelTable& table) {
  register_copy_rare(table);
  DOVETAIL_BEST_ISA(register_copy)(table);
  add_sixteen<DT_FLOAT16>(table);
  add_sixteen<DT_BFLOAT16>(table);
  add_complex(table, DT_COMPLEX64, DT_FLOAT32);
  add_complex(table, DT_COMPLEX128, DT_FLOAT64);
}

}  // namespace dovetail::cpu
