// The steps of SGD and Adam.
#include "kernels/cpu/optim_steps.h"

namespace dovetail::cpu {

namespace {

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
  const StepCall call(ins, args);
  const Sgd<T> s{static_cast<T>(call.tensor(3)),
                 static_cast<T>(call.attribute(4)),
                 static_cast<T>(1 - call.attribute(5)),
                 static_cast<T>(call.attribute(6)),
                 call.flag(8) ? T{-1} : T{1},
                 call.flag(7),
                 call.flag(9)};
  if (call.count(2))
    return step_lists<T, 3>(ctx, "fused_sgd", call, {0, 1, 2},
                            [&](T* const* p, int64_t n) { sgd_momentum(s, p[0], p[kGrad], p[2], n); });
  return step_lists<T, 2>(ctx, "fused_sgd", call, {0, 1},
                          [&](T* const* p, int64_t n) { sgd_plain(s, p[0], p[kGrad], n); });
}

// ---- Adam ------------------------------------------------------------------------------------------------------

template <class T>
struct Adam {
  Moments<T> moments;
  T step_size, root_correction, eps;
};

// `peaks` is NULL without amsgrad.
template <class T, bool kAmsgrad>
DOVETAIL_CLONES void adam_piece(const Adam<T>& s, T* __restrict param, const T* __restrict grad, T* __restrict mean,
                                T* __restrict square, T* __restrict peaks, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const auto now = s.moments(param[i], grad[i], mean[i], square[i]);
    T top = now.square;
    if constexpr (kAmsgrad) {
      top = ((top > peaks[i]) | (top != top)) ? top : peaks[i];
      peaks[i] = top;
    }
    param[i] = now.param - s.step_size * (now.mean / (std::sqrt(top) / s.root_correction + s.eps));
  }
}

// params, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs, step, lr, beta1, beta2, weight_decay, eps, amsgrad, maximize,
// decoupled
template <class T>
dt_status adam_kernel(const void*, dt_kernel_context* ctx, const dt_array*, int32_t, const dt_array* ins, int32_t,
                      const dt_value* args, int32_t) {
  const StepCall call(ins, args);
  const double step = call.tensor(5), lr = call.tensor(6);
  const double beta1 = call.attribute(7), beta2 = call.attribute(8);
  const Adam<T> s{{Direction<T>(call.flag(12), call.attribute(9), call.flag(13), lr), beta1, beta2},
                  static_cast<T>(lr / (1 - std::pow(beta1, step))),
                  static_cast<T>(std::sqrt(1 - std::pow(beta2, step))),
                  static_cast<T>(call.attribute(10))};
  if (call.flag(11) && call.count(4) == call.count(0))
    return step_lists<T, 5>(ctx, "fused_adam", call, {0, 1, 2, 3, 4}, [&](T* const* p, int64_t n) {
      adam_piece<T, true>(s, p[0], p[kGrad], p[2], p[3], p[4], n);
    });
  return step_lists<T, 4>(ctx, "fused_adam", call, {0, 1, 2, 3}, [&](T* const* p, int64_t n) {
    adam_piece<T, false>(s, p[0], p[kGrad], p[2], p[3], nullptr, n);
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
