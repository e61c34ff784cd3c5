// A functor over all elements of arrays of the same sizes.
#pragma once

#include "kernels/common/binary_functors.h"
#include "kernels/common/convert.h"
#include "kernels/cuda/call.h"
#include "kernels/cuda/layout.h"

namespace dovetail::cuda {

using functors::Compute;
using functors::convert;

template <class T>
DOVETAIL_HD Compute<T> load(const T* p) {
  return static_cast<Compute<T>>(*p);
}

template <int N>
Space<N> common_space(const dt_array* const (&arrays)[N]) {
  Space<N> space;
  for (int d = 0; d < arrays[0]->ndim; ++d) {
    int64_t strides[N];
    for (int k = 0; k < N; ++k) strides[k] = arrays[k]->strides[d];
    space.add(arrays[0]->sizes[d], strides);
  }
  return space;
}

template <class Out, class A, class F>
dt_status map(const Call& call, const dt_array& out, const dt_array& a, F f) {
  for_layouts(common_space<2>({&out, &a}), [&](const Layout<2>& layout, const Offsets<2>& base) {
    Out* o = static_cast<Out*>(out.data) + base.of[0];
    const A* p = static_cast<const A*>(a.data) + base.of[1];
    call.for_each(layout.count, [=] DOVETAIL_DEVICE(int64_t i) {
      const Offsets<2> at = layout.at(i);
      o[at.of[0]] = static_cast<Out>(f(load(p + at.of[1])));
    });
  });
  return DT_OK;
}

template <class Out, class A, class B, class F>
dt_status map(const Call& call, const dt_array& out, const dt_array& a, const dt_array& b, F f) {
  for_layouts(common_space<3>({&out, &a, &b}), [&](const Layout<3>& layout, const Offsets<3>& base) {
    Out* o = static_cast<Out*>(out.data) + base.of[0];
    const A* p = static_cast<const A*>(a.data) + base.of[1];
    const B* q = static_cast<const B*>(b.data) + base.of[2];
    call.for_each(layout.count, [=] DOVETAIL_DEVICE(int64_t i) {
      const Offsets<3> at = layout.at(i);
      o[at.of[0]] = static_cast<Out>(f(load(p + at.of[1]), load(q + at.of[2])));
    });
  });
  return DT_OK;
}

template <class Out, class A, class B, class C, class F>
dt_status map(const Call& call, const dt_array& out, const dt_array& a, const dt_array& b, const dt_array& c, F f) {
  for_layouts(common_space<4>({&out, &a, &b, &c}), [&](const Layout<4>& layout, const Offsets<4>& base) {
    Out* o = static_cast<Out*>(out.data) + base.of[0];
    const A* p = static_cast<const A*>(a.data) + base.of[1];
    const B* q = static_cast<const B*>(b.data) + base.of[2];
    const C* r = static_cast<const C*>(c.data) + base.of[3];
    call.for_each(layout.count, [=] DOVETAIL_DEVICE(int64_t i) {
      const Offsets<4> at = layout.at(i);
      o[at.of[0]] = static_cast<Out>(f(load(p + at.of[1]), load(q + at.of[2]), load(r + at.of[3])));
    });
  });
  return DT_OK;
}

// Kernel functions for functors without settings.
template <class F, class Out, class T>
dt_status unary_kernel(const Call& call) {
  return map<Out, T>(call, call.outs[0], call.ins[0], F());
}
template <class F, class Out, class T>
dt_status binary_kernel(const Call& call) {
  return map<Out, T, T>(call, call.outs[0], call.ins[0], call.ins[1], F());
}

inline int64_t element_size(int32_t dtype) {
  switch (dtype) {
#define DOVETAIL_CASE(T, value) \
  case value:                   \
    return sizeof(T);
    DOVETAIL_BY_SIZE(DOVETAIL_CASE)
#undef DOVETAIL_CASE
    default:
      return 0;
  }
}

// A boxed number in a dtype.
template <class T>
T number(const dt_value& v) {
  if (v.tag == DT_FLOAT) return convert<T>(v.as.f);
  if (v.tag == DT_COMPLEX) return convert<T>(cpu::Complex<double>(v.as.complex.re, v.as.complex.im));
  return convert<T>(v.as.i);
}

// The elements of `from` to the same places of `to`, whatever they are; by their size.
dt_status copy_elements(const Call& call, const dt_array& to, const dt_array& from);

}  // namespace dovetail::cuda
