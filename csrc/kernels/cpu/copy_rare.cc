// copy to and from the rarer integers, for the base instruction set alone: conversions are bound by memory.
#include "kernels/cpu/copy_rare.h"
#include "kernels/common/dtypes.h"
#include "kernels/cpu/isa.h"
#include "kernels/cpu/loops.h"
#include "kernels/cpu/registry.h"

#define DOVETAIL_ISA base
#define DOVETAIL_VECTOR_BYTES 16
#include "kernels/cpu/inner.inc"

#include "kernels/cpu/convert.inc"

namespace dovetail::cpu {
namespace {

template <class To, class From>
void add_pair(KernelTable& table, int32_t to, int32_t from) {
  static const Loop loop{base::unary_loop<base::Convert<To, From>, To, From>, kCheapGrain};
  table.add("copy", to, from, unary_kernel, &loop);
}

// An integer's bits do not depend on its sign: what converts to an unsigned one converts to both.
template <class To, class From>
void add_pairs(KernelTable& table, int32_t to, int32_t to_signed, int32_t from) {
  add_pair<To, From>(table, to, from);
  add_pair<To, From>(table, to_signed, from);
}

template <class To>
void add_narrow(KernelTable& table, int32_t to, int32_t to_signed) {
#define DOVETAIL_ADD(From, from) add_pairs<To, From>(table, to, to_signed, from);
  DOVETAIL_FLOATS(DOVETAIL_ADD)
  DOVETAIL_INTS(DOVETAIL_ADD)
  DOVETAIL_ADD(bool, DT_BOOL)
#undef DOVETAIL_ADD
}

template <class To>
void add_from_rare(KernelTable& table, int32_t to) {
#define DOVETAIL_ADD(From, from) add_pair<To, From>(table, to, from);
  DOVETAIL_RARE_INTS(DOVETAIL_ADD)
#undef DOVETAIL_ADD
}

}  // namespace

void register_copy_rare(KernelTable& table) {
  add_narrow<uint8_t>(table, DT_UINT8, DT_INT8);
  add_narrow<uint16_t>(table, DT_UINT16, DT_INT16);
  add_narrow<uint32_t>(table, DT_UINT32, DT_INT32);
  add_narrow<uint64_t>(table, DT_UINT64, DT_INT64);
  add_from_rare<float>(table, DT_FLOAT32);
  add_from_rare<double>(table, DT_FLOAT64);
  add_from_rare<bool>(table, DT_BOOL);
  // 16-bit floats from doubles are rounded once; from all else they come by way of float (copy.cc).
  add_pair<Half, double>(table, DT_FLOAT16, DT_FLOAT64);
  add_pair<BFloat16, double>(table, DT_BFLOAT16, DT_FLOAT64);
  add_pair<Complex<double>, Complex<float>>(table, DT_COMPLEX128, DT_COMPLEX64);
  add_pair<Complex<float>, Complex<double>>(table, DT_COMPLEX64, DT_COMPLEX128);
  add_pair<bool, Complex<float>>(table, DT_BOOL, DT_COMPLEX64);
  add_pair<bool, Complex<double>>(table, DT_BOOL, DT_COMPLEX128);
}

}  // namespace dovetail::cpu
