// What the fused optimizer steps share: one pass over all parameters, written in place. All tensors are contiguous and
// of one dtype; learning rate and step are numbers in tensors of their own. Steps of 16-bit floats are computed in
// float.
#pragma once

#include <cmath>

#include "kernels/cpu/index_common.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/sixteen.h"

namespace dovetail::cpu {

inline double number(const dt_array& a) {
  double value = 0;
  visit_dtype(a.dtype, [&](auto zero) { value = static_cast<double>(*static_cast<const decltype(zero)*>(a.data)); });
  return value;
}

constexpr int64_t kPiece = 8192;  // elements that are updated at a time

// Every tensor cut into pieces, numbered through: body(tensor, begin, end).
template <class Body>
dt_status for_pieces(dt_kernel_context* ctx, const char* op, const dt_array* params, int64_t count, const Body& body) {
  Scratch<int64_t, 256> first(ctx, count + 1);
  if (!first) return out_of_memory(ctx, op);
  first[0] = 0;
  int64_t elements = 0;
  for (int64_t k = 0; k < count; ++k) {
    const int64_t n = numel(params[k]);
    elements += n;
    first[k + 1] = first[k] + ceil_div(n, kPiece);
  }
  const int64_t pieces = first[count];
  if (pieces == 0) return DT_OK;
  parallel(ctx, pieces, grain_for(2 * ceil_div(elements, pieces)), [&](int64_t begin, int64_t end) {
    int64_t k = std::upper_bound(first.get(), first.get() + count + 1, begin) - first.get() - 1;
    for (int64_t p = begin; p < end; ++p) {
      while (p >= first[k + 1]) ++k;
      const int64_t at = (p - first[k]) * kPiece;
      body(k, at, std::min(numel(params[k]), at + kPiece));
    }
  });
  return DT_OK;
}

constexpr int kGrad = 1;  // which of a step's arrays is not written

// Calls step(pointers, n) for elements [begin, end) of these arrays: of 16-bit ones with floats, a few at a time, which
// then go back, rounded.
template <class T, int kCount, class Step>
void update(const dt_array* const (&arrays)[kCount], int64_t begin, int64_t end, const Step& step) {
  T* pointers[kCount];
  const int32_t dtype = arrays[0]->dtype;
  if (!is_sixteen(dtype)) {
    for (int k = 0; k < kCount; ++k) pointers[k] = static_cast<T*>(arrays[k]->data) + begin;
    return step(pointers, end - begin);
  }
  if constexpr (std::is_same_v<T, float>) {
    constexpr int64_t kFew = 1024;
    alignas(64) float wide[kCount][kFew];
    for (int k = 0; k < kCount; ++k) pointers[k] = wide[k];
    for (; begin < end; begin += kFew) {
      const int64_t n = std::min(kFew, end - begin);
      auto narrow_at = [&](int k) { return static_cast<uint16_t*>(arrays[k]->data) + begin; };
      for (int k = 0; k < kCount; ++k) widen(dtype, narrow_at(k), 1, n, wide[k]);
      step(pointers, n);
      for (int k = 0; k < kCount; ++k)
        if (k != kGrad) narrow(dtype, wide[k], narrow_at(k), 1, n);
    }
  }
}

// The arguments of a step by their places in its schema.
class StepCall {
 public:
  StepCall(const dt_array* ins, const dt_value* args) : ins_(ins), args_(args) {}

  int64_t count(int i) const { return args_[i].count; }          // of a list
  const dt_array* list(int i) const { return ins_ + first(i); }  // the tensors of a list
  double tensor(int i) const { return number(ins_[first(i)]); }  // a number in a tensor
  double attribute(int i) const { return as_double(args_[i]); }
  bool flag(int i) const { return args_[i].as.i != 0; }

 private:
  int64_t first(int i) const {
    int64_t at = 0;
    for (int k = 0; k < i; ++k) at += args_[k].tag == DT_TENSORS ? args_[k].count : args_[k].tag == DT_TENSOR;
    return at;
  }
  const dt_array* ins_;
  const dt_value* args_;
};

inline dt_status misfit(dt_kernel_context* ctx, const char* op) {
  char text[128];
  std::snprintf(text, sizeof text, "%s: every parameter needs a gradient and states of its own size", op);
  return ctx->fail(ctx, DT_ERR_VALUE, text);
}

// Calls step(pointers, n) for pieces of the tensors of these lists, of which the second holds the gradients. The lists
// must be equally long and their tensors equally large.
template <class T, int kCount, class Step>
dt_status step_lists(dt_kernel_context* ctx, const char* op, const StepCall& call, const int (&lists)[kCount],
                     const Step& step) {
  const dt_array* columns[kCount];
  for (int c = 0; c < kCount; ++c) {
    columns[c] = call.list(lists[c]);
    bool fits = call.count(lists[c]) == call.count(lists[0]);
    for (int64_t k = 0; fits && k < call.count(lists[0]); ++k) fits = numel(columns[c][k]) == numel(columns[0][k]);
    if (!fits) return misfit(ctx, op);
  }
  return for_pieces(ctx, op, columns[0], call.count(lists[0]), [&](int64_t k, int64_t begin, int64_t end) {
    const dt_array* arrays[kCount];
    for (int c = 0; c < kCount; ++c) arrays[c] = columns[c] + k;
    update<T, kCount>(arrays, begin, end, step);
  });
}

// How a gradient becomes the direction to go down by, and what a decoupled decay leaves of the parameter.
template <class T>
struct Direction {
  T sign, weight_decay, shrink;

  Direction(bool maximize, double weight_decay, bool decoupled = false, double lr = 0)
      : sign(maximize ? T{-1} : T{1}),
        weight_decay(decoupled ? T{0} : static_cast<T>(weight_decay)),
        shrink(decoupled ? static_cast<T>(1 - lr * weight_decay) : T{1}) {}
  T operator()(T param, T grad) const { return sign * grad + weight_decay * param; }
};

// The running means of the gradient and of its square that Adam and its relatives keep.
template <class T>
struct Moments {
  Direction<T> direction;
  T fresh1, beta2, fresh2;

  Moments(const Direction<T>& direction, double beta1, double beta2)
      : direction(direction),
        fresh1(static_cast<T>(1 - beta1)),
        beta2(static_cast<T>(beta2)),
        fresh2(static_cast<T>(1 - beta2)) {}

  struct Element {
    T param, grad, mean, square;  // the parameter after a decoupled decay, the direction, and both means
  };
  // Writes the means of an element.
  inline __attribute__((always_inline)) Element operator()(T param, T grad, T& mean, T& square) const {
    const T p = param * direction.shrink, g = direction(param, grad);
    const T m = mean + fresh1 * (g - mean);
    const T v = beta2 * square + fresh2 * g * g;
    mean = m;
    square = v;
    return {p, g, m, v};
  }
};

}  // namespace dovetail::cpu
