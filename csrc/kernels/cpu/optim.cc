// The fused optimizer steps: one pass over all parameters, written in place. All tensors are contiguous and of one
// dtype; learning rate and step are numbers in tensors of their own. Steps of 16-bit floats are computed in float.
#include <cmath>

#include "kernels/cpu/index_common.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/sixteen.h"

namespace dovetail::cpu {

namespace {

double number(const dt_array& a) {
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

// ---- SGD -------------------------------------------------------------------------------------------------------

template <class T>
struct Sgd {
  T lr, momentum, keep, weight_decay, sign;  // keep = 1 - dampening; sign = -1 to maximize
  bool nesterov, first;
};

template <class T>
DOVETAIL_CLONES void sgd_plain(const Sgd<T>& s, T* __restrict param, const T* __restrict grad, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const T g = s.sign * grad[i] + s.weight_decay * param[i];
    param[i] -= s.lr * g;
  }
}

template <class T>
DOVETAIL_CLONES void sgd_momentum(const Sgd<T>& s, T* __restrict param, const T* __restrict grad, T* __restrict buffer,
                                  int64_t n) {
  const T old = s.first ? T{0} : s.momentum, fresh = s.first ? T{1} : s.keep;
  const T ahead = s.nesterov ? s.momentum : T{1}, direct = s.nesterov ? T{1} : T{0};
  const bool first = s.first;
  for (int64_t i = 0; i < n; ++i) {
    const T g = s.sign * grad[i] + s.weight_decay * param[i];
    const T before = first ? T{0} : buffer[i];  // not read the first time: it may hold anything
    const T b = old * before + fresh * g;
    buffer[i] = b;
    param[i] -= s.lr * (direct * g + ahead * b);
  }
}

// params, grads, momentum_buffers, lr, momentum, dampening, weight_decay, nesterov, maximize, first_step
template <class T>
dt_status sgd_kernel(const void*, dt_kernel_context* ctx, const dt_array*, int32_t, const dt_array* ins, int32_t,
                     const dt_value* args, int32_t) {
  const int64_t count = args[0].count, buffers = args[2].count;
  const dt_array *params = ins, *grads = ins + count, *moving = grads + count;
  const Sgd<T> s{static_cast<T>(number(moving[buffers])),
                 static_cast<T>(as_double(args[4])),
                 static_cast<T>(1 - as_double(args[5])),
                 static_cast<T>(as_double(args[6])),
                 args[8].as.i ? T{-1} : T{1},
                 args[7].as.i != 0,
                 args[9].as.i != 0};
  return for_pieces(ctx, "fused_sgd", params, count, [&](int64_t k, int64_t begin, int64_t end) {
    if (buffers)
      update<T, 3>({&params[k], &grads[k], &moving[k]}, begin, end,
                   [&](T* const* p, int64_t n) { sgd_momentum(s, p[0], p[kGrad], p[2], n); });
    else
      update<T, 2>({&params[k], &grads[k]}, begin, end,
                   [&](T* const* p, int64_t n) { sgd_plain(s, p[0], p[kGrad], n); });
  });
}

// ---- Adam ------------------------------------------------------------------------------------------------------

template <class T>
struct Adam {
  T beta2, fresh1, fresh2;  // fresh = 1 - beta
  T step_size, root_correction, eps;
  T shrink, weight_decay;  // decoupled: param *= shrink; else grad += weight_decay * param
  T sign;
};

// `peaks` is NULL without amsgrad.
template <class T, bool kAmsgrad>
DOVETAIL_CLONES void adam_piece(const Adam<T>& s, T* __restrict param, const T* __restrict grad, T* __restrict mean,
                                T* __restrict square, T* __restrict peaks, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const T p = param[i] * s.shrink;
    const T g = s.sign * grad[i] + s.weight_decay * param[i];
    const T m = mean[i] + s.fresh1 * (g - mean[i]);
    const T v = s.beta2 * square[i] + s.fresh2 * g * g;
    mean[i] = m;
    square[i] = v;
    T top = v;
    if constexpr (kAmsgrad) {
      top = ((v > peaks[i]) | (v != v)) ? v : peaks[i];
      peaks[i] = top;
    }
    param[i] = p - s.step_size * (m / (std::sqrt(top) / s.root_correction + s.eps));
  }
}

// params, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs, step, lr, beta1, beta2, weight_decay, eps, amsgrad, maximize,
// decoupled
template <class T>
dt_status adam_kernel(const void*, dt_kernel_context* ctx, const dt_array*, int32_t, const dt_array* ins, int32_t,
                      const dt_value* args, int32_t) {
  const int64_t count = args[0].count, n_peaks = args[4].count;
  const dt_array *params = ins, *grads = ins + count, *means = grads + count, *squares = means + count,
                 *peaks = squares + count;
  const double step = number(peaks[n_peaks]), lr = number(peaks[n_peaks + 1]);
  const double beta1 = as_double(args[7]), beta2 = as_double(args[8]), weight_decay = as_double(args[9]);
  const bool amsgrad = args[11].as.i != 0 && n_peaks == count, decoupled = args[13].as.i != 0;
  const Adam<T> s{static_cast<T>(beta2),
                  static_cast<T>(1 - beta1),
                  static_cast<T>(1 - beta2),
                  static_cast<T>(lr / (1 - std::pow(beta1, step))),
                  static_cast<T>(std::sqrt(1 - std::pow(beta2, step))),
                  static_cast<T>(as_double(args[10])),
                  decoupled ? static_cast<T>(1 - lr * weight_decay) : T{1},
                  decoupled ? T{0} : static_cast<T>(weight_decay),
                  args[12].as.i ? T{-1} : T{1}};
  return for_pieces(ctx, "fused_adam", params, count, [&](int64_t k, int64_t begin, int64_t end) {
    if (amsgrad)
      update<T, 5>({&params[k], &grads[k], &means[k], &squares[k], &peaks[k]}, begin, end,
                   [&](T* const* p, int64_t n) { adam_piece<T, true>(s, p[0], p[kGrad], p[2], p[3], p[4], n); });
    else
      update<T, 4>({&params[k], &grads[k], &means[k], &squares[k]}, begin, end,
                   [&](T* const* p, int64_t n) { adam_piece<T, false>(s, p[0], p[kGrad], p[2], p[3], nullptr, n); });
  });
}

}  // namespace

void register_optim(KernelTable& table) {
  for (int32_t dtype : {DT_FLOAT32, DT_FLOAT16, DT_BFLOAT16}) {
    table.add("fused_sgd", dtype, sgd_kernel<float>);
    table.add("fused_adam", dtype, adam_kernel<float>);
  }
  table.add("fused_sgd", DT_FLOAT64, sgd_kernel<double>);
  table.add("fused_adam", DT_FLOAT64, adam_kernel<double>);
}

}  // namespace dovetail::cpu
