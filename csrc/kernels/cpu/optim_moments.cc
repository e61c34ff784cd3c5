// The steps of Adam's relatives: Adamax, NAdam and RAdam.
#include "kernels/cpu/optim_steps.h"

namespace dovetail::cpu {

namespace {

// ---- Adamax ----------------------------------------------------------------------------------------------------

template <class T>
struct Adamax {
  Direction<T> direction;
  T fresh1, beta2, eps, step_size;
};

template <class T>
DOVETAIL_CLONES void adamax_piece(const Adamax<T>& s, T* __restrict param, const T* __restrict grad, T* __restrict mean,
                                  T* __restrict most, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const T g = s.direction(param[i], grad[i]);
    const T m = mean[i] + s.fresh1 * (g - mean[i]);
    const T size = std::abs(g) + s.eps, kept = most[i] * s.beta2;
    const T top = ((size > kept) | (size != size)) ? size : kept;
    mean[i] = m;
    most[i] = top;
    param[i] -= s.step_size * (m / top);
  }
}

// params, grads, exp_avgs, exp_infs, step, lr, beta1, beta2, eps, weight_decay, maximize
template <class T>
dt_status adamax_kernel(const void*, dt_kernel_context* ctx, const dt_array*, int32_t, const dt_array* ins, int32_t,
                        const dt_value* args, int32_t) {
  const StepCall call(ins, args);
  const double beta1 = call.attribute(6), correction = 1 - std::pow(beta1, call.tensor(4));
  const Adamax<T> s{Direction<T>(call.flag(10), call.attribute(9)), static_cast<T>(1 - beta1),
                    static_cast<T>(call.attribute(7)), static_cast<T>(call.attribute(8)),
                    static_cast<T>(call.tensor(5) / correction)};
  return step_lists<T, 4>(ctx, "fused_adamax", call, {0, 1, 2, 3},
                          [&](T* const* p, int64_t n) { adamax_piece(s, p[0], p[kGrad], p[2], p[3], n); });
}

// ---- NAdam -----------------------------------------------------------------------------------------------------

template <class T>
struct Nadam {
  Moments<T> moments;
  T correction2, eps;
  T by_grad, by_mean;  // what the step takes of the gradient and of its mean, times the learning rate
};

template <class T>
DOVETAIL_CLONES void nadam_piece(const Nadam<T>& s, T* __restrict param, const T* __restrict grad, T* __restrict mean,
                                 T* __restrict square, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const auto [p, g, m, v] = s.moments(param[i], grad[i], mean[i], square[i]);
    param[i] = p - (s.by_grad * g + s.by_mean * m) / (std::sqrt(v / s.correction2) + s.eps);
  }
}

// params, grads, exp_avgs, exp_avg_sqs, mu_product, step, lr, beta1, beta2, eps, weight_decay, momentum_decay,
// decoupled, maximize
template <class T>
dt_status nadam_kernel(const void*, dt_kernel_context* ctx, const dt_array*, int32_t, const dt_array* ins, int32_t,
                       const dt_value* args, int32_t) {
  const StepCall call(ins, args);
  const double past = call.tensor(4), step = call.tensor(5), lr = call.tensor(6);
  const double beta1 = call.attribute(7), beta2 = call.attribute(8), decay = call.attribute(11);
  const auto mu = [&](double t) { return beta1 * (1 - 0.5 * std::pow(0.96, t * decay)); };
  const Nadam<T> s{{Direction<T>(call.flag(13), call.attribute(10), call.flag(12), lr), beta1, beta2},
                   static_cast<T>(1 - std::pow(beta2, step)),
                   static_cast<T>(call.attribute(9)),
                   static_cast<T>(lr * (1 - mu(step)) / (1 - past)),
                   static_cast<T>(lr * mu(step + 1) / (1 - past * mu(step + 1)))};
  return step_lists<T, 4>(ctx, "fused_nadam", call, {0, 1, 2, 3},
                          [&](T* const* p, int64_t n) { nadam_piece(s, p[0], p[kGrad], p[2], p[3], n); });
}

// ---- RAdam -----------------------------------------------------------------------------------------------------

template <class T>
struct Radam {
  Moments<T> moments;
  T eps, step_size, rectified;
};

// kTrusted: whether enough was seen to divide by the second moment.
template <class T, bool kTrusted>
DOVETAIL_CLONES void radam_piece(const Radam<T>& s, T* __restrict param, const T* __restrict grad, T* __restrict mean,
                                 T* __restrict square, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const auto now = s.moments(param[i], grad[i], mean[i], square[i]);
    T move = now.mean;
    if constexpr (kTrusted) move = now.mean * (s.rectified / (std::sqrt(now.square) + s.eps));
    param[i] = now.param - s.step_size * move;
  }
}

// params, grads, exp_avgs, exp_avg_sqs, step, lr, beta1, beta2, eps, weight_decay, decoupled, maximize
template <class T>
dt_status radam_kernel(const void*, dt_kernel_context* ctx, const dt_array*, int32_t, const dt_array* ins, int32_t,
                       const dt_value* args, int32_t) {
  const StepCall call(ins, args);
  const double step = call.tensor(4), lr = call.tensor(5), beta1 = call.attribute(6), beta2 = call.attribute(7);
  const double power = std::pow(beta2, step), longest = 2 / (1 - beta2) - 1;
  const double rho = longest - 2 * step * power / (1 - power);
  const bool trusted = rho > 5;
  const double rectified =
      trusted ? std::sqrt((rho - 4) * (rho - 2) * longest / ((longest - 4) * (longest - 2) * rho) * (1 - power)) : 1;
  const Radam<T> s{{Direction<T>(call.flag(11), call.attribute(9), call.flag(10), lr), beta1, beta2},
                   static_cast<T>(call.attribute(8)),
                   static_cast<T>(lr / (1 - std::pow(beta1, step))),
                   static_cast<T>(rectified)};
  return step_lists<T, 4>(ctx, "fused_radam", call, {0, 1, 2, 3}, [&](T* const* p, int64_t n) {
    if (trusted)
      radam_piece<T, true>(s, p[0], p[kGrad], p[2], p[3], n);
    else
      radam_piece<T, false>(s, p[0], p[kGrad], p[2], p[3], n);
  });
}

}  // namespace

void register_optim_moments(KernelTable& table) {
  for (int32_t dtype : {DT_FLOAT32, DT_FLOAT16, DT_BFLOAT16}) {
    table.add("fused_adamax", dtype, adamax_kernel<float>);
    table.add("fused_nadam", dtype, nadam_kernel<float>);
    table.add("fused_radam", dtype, radam_kernel<float>);
  }
  table.add("fused_adamax", DT_FLOAT64, adamax_kernel<double>);
  table.add("fused_nadam", DT_FLOAT64, nadam_kernel<double>);
  table.add("fused_radam", DT_FLOAT64, radam_kernel<double>);
}

}  // namespace dovetail::cpu
