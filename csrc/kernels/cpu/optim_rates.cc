// The steps of optimizers with one mean or none: Adagrad, Adadelta, RMSprop, Rprop, ASGD and Lion.
#include "kernels/cpu/optim_steps.h"

namespace dovetail::cpu {

namespace {

// ---- Adagrad ---------------------------------------------------------------------------------------------------

template <class T>
struct Adagrad {
  Direction<T> direction;
  T rate, eps;
};

template <class T>
DOVETAIL_CLONES void adagrad_piece(const Adagrad<T>& s, T* __restrict param, const T* __restrict grad,
                                   T* __restrict total, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const T g = s.direction(param[i], grad[i]);
    const T sum = total[i] + g * g;
    total[i] = sum;
    param[i] -= s.rate * (g / (std::sqrt(sum) + s.eps));
  }
}

// params, grads, state_sums, step, lr, lr_decay, weight_decay, eps, maximize
template <class T>
dt_status adagrad_kernel(const void*, dt_kernel_context* ctx, const dt_array*, int32_t, const dt_array* ins, int32_t,
                         const dt_value* args, int32_t) {
  const StepCall call(ins, args);
  const double rate = call.tensor(4) / (1 + (call.tensor(3) - 1) * call.attribute(5));
  const Adagrad<T> s{Direction<T>(call.flag(8), call.attribute(6)), static_cast<T>(rate),
                     static_cast<T>(call.attribute(7))};
  return step_lists<T, 3>(ctx, "fused_adagrad", call, {0, 1, 2},
                          [&](T* const* p, int64_t n) { adagrad_piece(s, p[0], p[kGrad], p[2], n); });
}

// ---- Adadelta --------------------------------------------------------------------------------------------------

template <class T>
struct Adadelta {
  Direction<T> direction;
  T lr, rho, fresh, eps;
};

template <class T>
DOVETAIL_CLONES void adadelta_piece(const Adadelta<T>& s, T* __restrict param, const T* __restrict grad,
                                    T* __restrict square, T* __restrict moved, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const T g = s.direction(param[i], grad[i]);
    const T v = s.rho * square[i] + s.fresh * g * g, u = moved[i];
    const T delta = std::sqrt(u + s.eps) / std::sqrt(v + s.eps) * g;
    square[i] = v;
    moved[i] = s.rho * u + s.fresh * delta * delta;
    param[i] -= s.lr * delta;
  }
}

// params, grads, square_avgs, acc_deltas, lr, rho, eps, weight_decay, maximize
template <class T>
dt_status adadelta_kernel(const void*, dt_kernel_context* ctx, const dt_array*, int32_t, const dt_array* ins, int32_t,
                          const dt_value* args, int32_t) {
  const StepCall call(ins, args);
  const double rho = call.attribute(5);
  const Adadelta<T> s{Direction<T>(call.flag(8), call.attribute(7)), static_cast<T>(call.tensor(4)),
                      static_cast<T>(rho), static_cast<T>(1 - rho), static_cast<T>(call.attribute(6))};
  return step_lists<T, 4>(ctx, "fused_adadelta", call, {0, 1, 2, 3},
                          [&](T* const* p, int64_t n) { adadelta_piece(s, p[0], p[kGrad], p[2], p[3], n); });
}

// ---- RMSprop ---------------------------------------------------------------------------------------------------

template <class T>
struct Rmsprop {
  Direction<T> direction;
  T lr, alpha, fresh, eps, momentum;
};

// `mean` is read with kCentered, `buffer` with kMomentum.
template <class T, bool kCentered, bool kMomentum>
DOVETAIL_CLONES void rmsprop_piece(const Rmsprop<T>& s, T* __restrict param, const T* __restrict grad,
                                   T* __restrict square, T* __restrict mean, T* __restrict buffer, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const T g = s.direction(param[i], grad[i]);
    const T v = s.alpha * square[i] + s.fresh * g * g;
    square[i] = v;
    T variance = v;
    if constexpr (kCentered) {
      const T m = mean[i] + s.fresh * (g - mean[i]);
      mean[i] = m;
      variance = v - m * m;
    }
    T move = g / (std::sqrt(variance) + s.eps);
    if constexpr (kMomentum) buffer[i] = move = s.momentum * buffer[i] + move;
    param[i] -= s.lr * move;
  }
}

// params, grads, square_avgs, grad_avgs, momentum_buffers, lr, alpha, eps, weight_decay, momentum, centered, maximize
template <class T>
dt_status rmsprop_kernel(const void*, dt_kernel_context* ctx, const dt_array*, int32_t, const dt_array* ins, int32_t,
                         const dt_value* args, int32_t) {
  const StepCall call(ins, args);
  const double alpha = call.attribute(6), momentum = call.attribute(9);
  const Rmsprop<T> s{Direction<T>(call.flag(11), call.attribute(8)),
                     static_cast<T>(call.tensor(5)),
                     static_cast<T>(alpha),
                     static_cast<T>(1 - alpha),
                     static_cast<T>(call.attribute(7)),
                     static_cast<T>(momentum)};
  const bool centered = call.flag(10);
  if (centered && momentum != 0)
    return step_lists<T, 5>(ctx, "fused_rmsprop", call, {0, 1, 2, 3, 4}, [&](T* const* p, int64_t n) {
      rmsprop_piece<T, true, true>(s, p[0], p[kGrad], p[2], p[3], p[4], n);
    });
  if (centered)
    return step_lists<T, 4>(ctx, "fused_rmsprop", call, {0, 1, 2, 3}, [&](T* const* p, int64_t n) {
      rmsprop_piece<T, true, false>(s, p[0], p[kGrad], p[2], p[3], nullptr, n);
    });
  if (momentum != 0)
    return step_lists<T, 4>(ctx, "fused_rmsprop", call, {0, 1, 2, 4}, [&](T* const* p, int64_t n) {
      rmsprop_piece<T, false, true>(s, p[0], p[kGrad], p[2], nullptr, p[3], n);
    });
  return step_lists<T, 3>(ctx, "fused_rmsprop", call, {0, 1, 2}, [&](T* const* p, int64_t n) {
    rmsprop_piece<T, false, false>(s, p[0], p[kGrad], p[2], nullptr, nullptr, n);
  });
}

// ---- Rprop -----------------------------------------------------------------------------------------------------

template <class T>
struct Rprop {
  T sign, less, more, smallest, largest;
};

template <class T>
DOVETAIL_CLONES void rprop_piece(const Rprop<T>& s, T* __restrict param, const T* __restrict grad, T* __restrict before,
                                 T* __restrict size, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const T g = s.sign * grad[i], agreement = g * before[i];
    const bool back = agreement < T{0};
    T wide = size[i] * (back ? s.less : agreement > T{0} ? s.more : T{1});
    wide = wide < s.smallest ? s.smallest : wide;
    wide = wide > s.largest ? s.largest : wide;
    const T kept = back ? T{0} : g;
    size[i] = wide;
    before[i] = kept;
    param[i] -= static_cast<T>((kept > T{0}) - (kept < T{0})) * wide;
  }
}

// params, grads, prevs, step_sizes, etaminus, etaplus, step_size_min, step_size_max, maximize
template <class T>
dt_status rprop_kernel(const void*, dt_kernel_context* ctx, const dt_array*, int32_t, const dt_array* ins, int32_t,
                       const dt_value* args, int32_t) {
  const StepCall call(ins, args);
  const Rprop<T> s{call.flag(8) ? T{-1} : T{1}, static_cast<T>(call.attribute(4)), static_cast<T>(call.attribute(5)),
                   static_cast<T>(call.attribute(6)), static_cast<T>(call.attribute(7))};
  return step_lists<T, 4>(ctx, "fused_rprop", call, {0, 1, 2, 3},
                          [&](T* const* p, int64_t n) { rprop_piece(s, p[0], p[kGrad], p[2], p[3], n); });
}

// ---- ASGD ------------------------------------------------------------------------------------------------------

template <class T>
struct Asgd {
  Direction<T> direction;
  T rate, shrink, weight;  // weight: of the new parameter in the average
};

template <class T, bool kAverages>
DOVETAIL_CLONES void asgd_piece(const Asgd<T>& s, T* __restrict param, const T* __restrict grad, T* __restrict average,
                                int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const T p = param[i] * s.shrink - s.rate * s.direction(param[i], grad[i]);
    param[i] = p;
    if constexpr (kAverages)
      average[i] += (p - average[i]) * s.weight;
    else
      average[i] = p;
  }
}

// params, grads, axs, step, lr, lambd, alpha, t0, weight_decay, maximize
template <class T>
dt_status asgd_kernel(const void*, dt_kernel_context* ctx, const dt_array*, int32_t, const dt_array* ins, int32_t,
                      const dt_value* args, int32_t) {
  const StepCall call(ins, args);
  const double step = call.tensor(3) - 1, lr = call.tensor(4), lambd = call.attribute(5);
  const double rate = lr / std::pow(1 + lambd * lr * step, call.attribute(6));
  const double weight = 1 / std::max(1.0, step - call.attribute(7));
  const Asgd<T> s{Direction<T>(call.flag(9), call.attribute(8)), static_cast<T>(rate), static_cast<T>(1 - lambd * rate),
                  static_cast<T>(weight)};
  return step_lists<T, 3>(ctx, "fused_asgd", call, {0, 1, 2}, [&](T* const* p, int64_t n) {
    if (weight == 1)
      asgd_piece<T, false>(s, p[0], p[kGrad], p[2], n);
    else
      asgd_piece<T, true>(s, p[0], p[kGrad], p[2], n);
  });
}

// ---- Lion ------------------------------------------------------------------------------------------------------

template <class T>
struct Lion {
  T sign, lr, shrink, fresh1, fresh2;
};

template <class T>
DOVETAIL_CLONES void lion_piece(const Lion<T>& s, T* __restrict param, const T* __restrict grad, T* __restrict mean,
                                int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const T g = s.sign * grad[i], m = mean[i], ahead = m + s.fresh1 * (g - m);
    mean[i] = m + s.fresh2 * (g - m);
    param[i] = param[i] * s.shrink - s.lr * static_cast<T>((ahead > T{0}) - (ahead < T{0}));
  }
}

// params, grads, exp_avgs, lr, beta1, beta2, weight_decay, maximize
template <class T>
dt_status lion_kernel(const void*, dt_kernel_context* ctx, const dt_array*, int32_t, const dt_array* ins, int32_t,
                      const dt_value* args, int32_t) {
  const StepCall call(ins, args);
  const double lr = call.tensor(3);
  const Lion<T> s{call.flag(7) ? T{-1} : T{1}, static_cast<T>(lr), static_cast<T>(1 - lr * call.attribute(6)),
                  static_cast<T>(1 - call.attribute(4)), static_cast<T>(1 - call.attribute(5))};
  return step_lists<T, 3>(ctx, "fused_lion", call, {0, 1, 2},
                          [&](T* const* p, int64_t n) { lion_piece(s, p[0], p[kGrad], p[2], n); });
}

template <class T>
void add_all(KernelTable& table, int32_t dtype) {
  table.add("fused_adagrad", dtype, adagrad_kernel<T>);
  table.add("fused_adadelta", dtype, adadelta_kernel<T>);
  table.add("fused_rmsprop", dtype, rmsprop_kernel<T>);
  table.add("fused_rprop", dtype, rprop_kernel<T>);
  table.add("fused_asgd", dtype, asgd_kernel<T>);
  table.add("fused_lion", dtype, lion_kernel<T>);
}

}  // namespace

void register_optim_rates(KernelTable& table) {
  for (int32_t dtype : {DT_FLOAT32, DT_FLOAT16, DT_BFLOAT16}) add_all<float>(table, dtype);
  add_all<double>(table, DT_FLOAT64);
}

}  // namespace dovetail::cpu
