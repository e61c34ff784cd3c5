// Normalisation of channels over the batch, with the batch's own mean and variance or with given ones, and its
// gradient.
//
// Channels of many spatial positions are planes, visited in the order of memory: sums are made plane by plane, and put
// together for the channels in between. Those of few positions are strips of columns, each worked on through all
// samples.
#include "kernels/cpu/norm_columns.h"
#include "kernels/cpu/norm_planes.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/sixteen.h"

namespace dovetail::cpu {

namespace {

using namespace norms;

// An input (N, C, *).
struct Batch {
  int64_t samples, channels, size;

  explicit Batch(const dt_array& in) : samples(in.sizes[0]), channels(in.sizes[1]), size(1) {
    for (int i = 2; i < in.ndim; ++i) size *= in.sizes[i];
  }
  int64_t sample() const { return channels * size; }
  int64_t plane_count() const { return samples * channels; }
  double count() const { return static_cast<double>(samples * size); }  // of a channel's elements
  bool planes() const { return size >= kPlane; }

  // body(plane, channel)
  template <class Body>
  void for_planes(dt_kernel_context* ctx, int cost, const Body& body) const {
    parallel(ctx, plane_count(), grain_for(cost * size), [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) body(p, p % channels);
    });
  }
  // body(first, count) over the channels.
  template <class Body>
  void for_strips(dt_kernel_context* ctx, int cost, const Body& body) const {
    const int64_t step = std::max<int64_t>(1, kStrip / std::max<int64_t>(1, size));
    parallel(ctx, ceil_div(channels, step), grain_for(cost * step * samples * size), [&](int64_t begin, int64_t end) {
      for (int64_t u = begin; u < end; ++u) body(u * step, std::min(step, channels - u * step));
    });
  }
  // The sum over the columns of a channel of a strip.
  double folded(const double* columns, int64_t channel) const {
    double total = 0;
    for (int64_t j = 0; j < size; ++j) total += columns[channel * size + j];
    return total;
  }
};

// Numbers of the channels of a strip, spread over its columns.
template <class T>
struct Spread {
  T of[kStrip] = {};

  template <class Value>
  Spread(const Batch& batch, int64_t count, const Value& value) {
    for (int64_t c = 0; c < count; ++c) std::fill_n(of + c * batch.size, batch.size, static_cast<T>(value(c)));
  }
};

template <class T>
double scale_of(const T* variance, int64_t c, double eps) {
  return 1 / std::sqrt(static_cast<double>(variance[c]) + eps);
}

// ---- mean and variance ---------------------------------------------------------------------------------------

// pairs: scratch, two for each plane.
template <class T>
void moments_of_planes(dt_kernel_context* ctx, const Batch& batch, const T* in, double* pairs, T* mean, T* variance) {
  batch.for_planes(ctx, 2, [&](int64_t p, int64_t) {
    plane_moments(in + p * batch.size, batch.size, &pairs[2 * p], &pairs[2 * p + 1]);
  });
  const double samples = static_cast<double>(batch.samples);
  for (int64_t c = 0; c < batch.channels; ++c) {
    double middle = 0, squares = 0;
    for (int64_t p = c; p < batch.plane_count(); p += batch.channels) middle += pairs[2 * p];
    middle /= samples;
    for (int64_t p = c; p < batch.plane_count(); p += batch.channels)
      squares += pairs[2 * p + 1] + (pairs[2 * p] - middle) * (pairs[2 * p] - middle);
    mean[c] = static_cast<T>(middle);
    variance[c] = static_cast<T>(squares / samples);
  }
}

template <class T>
void moments_of_strips(dt_kernel_context* ctx, const Batch& batch, const T* in, T* mean, T* variance) {
  batch.for_strips(ctx, 2, [&](int64_t first, int64_t count) {
    const T* x = in + first * batch.size;
    const int width = static_cast<int>(count * batch.size);
    double sums[1][kStrip] = {}, squares[1][kStrip] = {};
    column_sums(x, batch.samples, batch.sample(), width, sums);
    for (int64_t c = 0; c < count; ++c) mean[first + c] = static_cast<T>(batch.folded(sums[0], c) / batch.count());
    const Spread<T> means(batch, count, [&](int64_t c) { return mean[first + c]; });
    column_squares(x, means.of, batch.samples, batch.sample(), width, squares);
    for (int64_t c = 0; c < count; ++c)
      variance[first + c] = static_cast<T>(batch.folded(squares[0], c) / batch.count());
  });
}

// ---- forward -------------------------------------------------------------------------------------------------

// out = (in - mean) / sqrt(variance + eps) * weight + bias
template <class T>
void apply(dt_kernel_context* ctx, const Batch& batch, const T* in, const T* mean, const T* variance, const T* weight,
           const T* bias, double eps, T* out) {
  const auto scale = [&](int64_t c) {
    const double s = scale_of(variance, c, eps);
    return static_cast<T>(weight ? s * static_cast<double>(weight[c]) : s);
  };
  const auto shift = [&](int64_t c) { return bias ? bias[c] : T{0}; };
  if (batch.planes())
    return batch.for_planes(ctx, 1, [&](int64_t p, int64_t c) {
      plane_affine(in + p * batch.size, out + p * batch.size, batch.size, mean[c], scale(c), shift(c));
    });
  batch.for_strips(ctx, 1, [&](int64_t first, int64_t count) {
    const Spread<T> means(batch, count, [&](int64_t c) { return mean[first + c]; });
    const Spread<T> scales(batch, count, [&](int64_t c) { return scale(first + c); });
    const Spread<T> shifts(batch, count, [&](int64_t c) { return shift(first + c); });
    column_affine(in + first * batch.size, out + first * batch.size, batch.samples, batch.sample(),
                  static_cast<int>(count * batch.size), means.of, scales.of, shifts.of);
  });
}

// (input, weight, bias, eps) -> (output, mean, var)
template <class T>
dt_status train_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                       const dt_value* args, int32_t) {
  const Batch batch(ins[0]);
  Operands operands(ctx);
  const T *in = operands.in<T>(ins[0]), *weight = operands.in<T>(ins[1]), *bias = operands.in<T>(ins[2]);
  T *out = operands.out<T>(outs[0]), *mean = operands.out<T>(outs[1]), *variance = operands.out<T>(outs[2]);
  double* pairs = batch.planes() ? operands.scratch<double>(2 * batch.plane_count()) : nullptr;
  if (operands.failed()) return out_of_memory(ctx, "batch_norm_train");
  if (batch.planes())
    moments_of_planes(ctx, batch, in, pairs, mean, variance);
  else
    moments_of_strips(ctx, batch, in, mean, variance);
  apply(ctx, batch, in, mean, variance, weight, bias, as_double(args[3]), out);
  operands.deliver(outs[0], out);
  operands.deliver(outs[1], mean);
  operands.deliver(outs[2], variance);
  return DT_OK;
}

// (input, mean, var, weight, bias, eps)
template <class T>
dt_status channel_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                         int32_t, const dt_value* args, int32_t) {
  if (numel(ins[0]) == 0) return DT_OK;
  Operands operands(ctx);
  const T *in = operands.in<T>(ins[0]), *mean = operands.in<T>(ins[1]), *variance = operands.in<T>(ins[2]);
  const T *weight = operands.in<T>(ins[3]), *bias = operands.in<T>(ins[4]);
  T* out = operands.out<T>(outs[0]);
  if (operands.failed()) return out_of_memory(ctx, "channel_norm");
  apply(ctx, Batch(ins[0]), in, mean, variance, weight, bias, as_double(args[5]), out);
  operands.deliver(outs[0], out);
  return DT_OK;
}

// ---- gradient ------------------------------------------------------------------------------------------------

// With y = (x - mean) * scale, of a channel:
//   grad_weight = sum(grad * y),  grad_bias = sum(grad),  grad_input = weight * scale * grad, and where mean and
//   variance are the input's own weight * scale * (grad - grad_bias / count - y * grad_weight / count)
template <class T>
struct Backward {
  Batch batch;
  const T *grad, *in, *mean, *variance, *weight;
  T *out, *grad_weight, *grad_bias;
  double eps;
  bool training;

  struct Factors {
    T along, across, shift;  // of grad, of x - mean and of 1 in grad_input
  };

  // Keeps the sums of a channel: of grad, and of grad * (x - mean).
  Factors finish(int64_t c, double sum, double dot) const {
    const double s = scale_of(variance, c, eps), n = batch.count();
    const double along = weight ? s * static_cast<double>(weight[c]) : s;
    grad_weight[c] = static_cast<T>(dot * s);
    grad_bias[c] = static_cast<T>(sum);
    if (!training) return {static_cast<T>(along), T{0}, T{0}};
    return {static_cast<T>(along), static_cast<T>(-along * s * s * dot / n), static_cast<T>(-along * sum / n)};
  }

  // pairs and factors: scratch, two for each plane and one for each channel.
  void run_planes(dt_kernel_context* ctx, double* pairs, Factors* factors) const {
    const int64_t size = batch.size;
    batch.for_planes(ctx, 2, [&](int64_t p, int64_t c) {
      plane_grad_sums(grad + p * size, in + p * size, size, mean[c], pairs + 2 * p);
    });
    for (int64_t c = 0; c < batch.channels; ++c) {
      double sums[2] = {};
      for (int64_t p = c; p < batch.plane_count(); p += batch.channels)
        for (int k = 0; k < 2; ++k) sums[k] += pairs[2 * p + k];
      factors[c] = finish(c, sums[0], sums[1]);
    }
    batch.for_planes(ctx, 2, [&](int64_t p, int64_t c) {
      const Factors& f = factors[c];
      plane_grad(grad + p * size, in + p * size, out + p * size, size, mean[c], f.along, f.across, f.shift);
    });
  }

  void run_strip(int64_t first, int64_t count) const {
    const int64_t at = first * batch.size, step = batch.sample();
    const int width = static_cast<int>(count * batch.size);
    const Spread<T> means(batch, count, [&](int64_t c) { return mean[first + c]; });
    double sums[2][kStrip] = {};
    column_grad_sums(grad + at, in + at, means.of, batch.samples, step, width, sums);
    Factors factors[kStrip];
    for (int64_t c = 0; c < count; ++c)
      factors[c] = finish(first + c, batch.folded(sums[0], c), batch.folded(sums[1], c));
    const Spread<T> along(batch, count, [&](int64_t c) { return factors[c].along; });
    const Spread<T> across(batch, count, [&](int64_t c) { return factors[c].across; });
    const Spread<T> shift(batch, count, [&](int64_t c) { return factors[c].shift; });
    column_grad(grad + at, in + at, out + at, batch.samples, step, width, means.of, along.of, across.of, shift.of);
  }
};

// (grad, input, mean, var, weight, eps, training) -> (grad_input, grad_weight, grad_bias)
template <class T>
dt_status grad_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                      const dt_value* args, int32_t) {
  using Factors = typename Backward<T>::Factors;
  Operands operands(ctx);
  const Backward<T> backward{Batch(ins[1]),
                             operands.in<T>(ins[0]),
                             operands.in<T>(ins[1]),
                             operands.in<T>(ins[2]),
                             operands.in<T>(ins[3]),
                             operands.in<T>(ins[4]),
                             operands.out<T>(outs[0]),
                             operands.out<T>(outs[1]),
                             operands.out<T>(outs[2]),
                             as_double(args[5]),
                             args[6].as.i != 0};
  const Batch& batch = backward.batch;
  double* pairs = batch.planes() ? operands.scratch<double>(2 * batch.plane_count()) : nullptr;
  Factors* factors = batch.planes() ? operands.scratch<Factors>(batch.channels) : nullptr;
  if (operands.failed()) return out_of_memory(ctx, "channel_norm_grad");
  if (batch.planes())
    backward.run_planes(ctx, pairs, factors);
  else
    batch.for_strips(ctx, 4, [&](int64_t first, int64_t count) { backward.run_strip(first, count); });
  operands.deliver(outs[0], backward.out);
  operands.deliver(outs[1], backward.grad_weight);
  operands.deliver(outs[2], backward.grad_bias);
  return DT_OK;
}

template <class T>
void add_batch(KernelTable& table, int32_t dtype) {
  table.add("batch_norm_train", dtype, train_kernel<T>);
  table.add("channel_norm", dtype, channel_kernel<T>);
  table.add("channel_norm_grad", dtype, grad_kernel<T>);
}

}  // namespace

void register_norm_batch(KernelTable& table) { add_floats_whole(table, add_batch<float>, add_batch<double>); }

}  // namespace dovetail::cpu
