// group_norm and its gradient: the groups of channels of every sample. Channels of many spatial positions are planes;
// with few, an entry of the affine map is repeated for every position, and the groups are rows.
#include "kernels/cpu/norm_planes.h"
#include "kernels/cpu/norm_rows.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/sixteen.h"

namespace dovetail::cpu {

namespace {

using namespace norms;

// An input (N, C, *), whose channels are in groups.
struct Grouped {
  int64_t samples, groups, channels, size;  // channels: of a group

  Grouped(const dt_array& in, int64_t groups) : samples(in.sizes[0]), groups(groups), size(1) {
    channels = in.sizes[1] / groups;
    for (int i = 2; i < in.ndim; ++i) size *= in.sizes[i];
  }
  int64_t all_channels() const { return groups * channels; }
  int64_t group() const { return channels * size; }  // elements
  bool planes() const { return size >= kPlane; }
  Rows rows() const { return {samples, groups, group()}; }
};

// An entry a channel, repeated for every position.
template <class T>
const T* repeated(Operands& operands, const Grouped& g, const T* vector) {
  if (!vector || g.size == 1) return vector;
  T* made = operands.scratch<T>(g.all_channels() * g.size);
  for (int64_t c = 0; made && c < g.all_channels(); ++c) std::fill_n(made + c * g.size, g.size, vector[c]);
  return made;
}

// ---- forward -------------------------------------------------------------------------------------------------

template <class T>
void norm_planes(dt_kernel_context* ctx, const Grouped& g, const T* in, const T* weight, const T* bias, T* out,
                 double eps) {
  parallel(ctx, g.samples * g.groups, grain_for(3 * g.group()), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      double mean, variance;
      plane_moments(in + r * g.group(), g.group(), &mean, &variance);
      const double scale = 1 / std::sqrt(variance + eps);
      for (int64_t k = 0; k < g.channels; ++k) {
        const int64_t c = r % g.groups * g.channels + k, at = r * g.group() + k * g.size;
        plane_affine(in + at, out + at, g.size, static_cast<T>(mean),
                     static_cast<T>(weight ? scale * static_cast<double>(weight[c]) : scale), bias ? bias[c] : T{0});
      }
    }
  });
}

// (input, num_groups, weight, bias, eps)
template <class T>
dt_status group_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                       const dt_value* args, int32_t) {
  if (numel(outs[0]) == 0) return DT_OK;
  const Grouped g(ins[0], args[1].as.i);
  const double eps = as_double(args[4]);
  Operands operands(ctx);
  const T *in = operands.in<T>(ins[0]), *weight = operands.in<T>(ins[1]), *bias = operands.in<T>(ins[2]);
  T* out = operands.out<T>(outs[0]);
  if (!operands.failed() && !g.planes()) {
    weight = repeated(operands, g, weight);
    bias = repeated(operands, g, bias);
  }
  if (operands.failed()) return out_of_memory(ctx, "group_norm");
  if (g.planes())
    norm_planes(ctx, g, in, weight, bias, out, eps);
  else
    run_rows<true>(ctx, g.rows(), in, weight, bias, out, eps);
  operands.deliver(outs[0], out);
  return DT_OK;
}

// ---- gradient ------------------------------------------------------------------------------------------------

// With y = (x - mean) * scale and h = grad * weight, as for rows:
//   grad_input = scale * (h - mean(h) - y * mean(h * y))
// The sums of grad and of grad * y over each plane are kept, a pair for every sample and channel.
template <class T>
void grad_planes(dt_kernel_context* ctx, const Grouped& g, const T* grad, const T* in, const T* weight, T* out,
                 double* pairs, double eps) {
  parallel(ctx, g.samples * g.groups, grain_for(6 * g.group()), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      double mean, variance, h = 0, hy = 0;
      plane_moments(in + r * g.group(), g.group(), &mean, &variance);
      const double scale = 1 / std::sqrt(variance + eps), count = static_cast<double>(g.group());
      const T middle = static_cast<T>(mean);
      const T* of_group = weight ? weight + r % g.groups * g.channels : nullptr;
      double* kept = pairs + r * g.channels * 2;
      for (int64_t k = 0; k < g.channels; ++k) {
        const int64_t at = r * g.group() + k * g.size;
        plane_grad_sums(grad + at, in + at, g.size, middle, kept + 2 * k);
        kept[2 * k + 1] *= scale;
        const double w = of_group ? static_cast<double>(of_group[k]) : 1;
        h += w * kept[2 * k];
        hy += w * kept[2 * k + 1];
      }
      const T across = static_cast<T>(-scale * scale * hy / count), shift = static_cast<T>(-scale * h / count);
      for (int64_t k = 0; k < g.channels; ++k) {
        const int64_t at = r * g.group() + k * g.size;
        const T along = static_cast<T>(of_group ? scale * static_cast<double>(of_group[k]) : scale);
        plane_grad(grad + at, in + at, out + at, g.size, middle, along, across, shift);
      }
    }
  });
}

// (grad, input, num_groups, weight, eps) -> (grad_input, grad_weight, grad_bias)
template <class T>
dt_status group_grad_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                            int32_t, const dt_value* args, int32_t) {
  const Grouped g(ins[1], args[2].as.i);
  const double eps = as_double(args[4]);
  const int64_t channels = g.all_channels();
  Operands operands(ctx);
  const T *grad = operands.in<T>(ins[0]), *in = operands.in<T>(ins[1]), *weight = operands.in<T>(ins[2]);
  T *out = operands.out<T>(outs[0]), *sums = operands.scratch<T>(2 * channels);
  double* totals = operands.scratch<double>(2 * channels);
  if (operands.failed()) return out_of_memory(ctx, "group_norm_grad");
  std::fill_n(totals, 2 * channels, 0.0);
  if (g.planes()) {
    double* pairs = operands.scratch<double>(g.samples * channels * 2);
    if (operands.failed()) return out_of_memory(ctx, "group_norm_grad");
    grad_planes(ctx, g, grad, in, weight, out, pairs, eps);
    for (int64_t i = 0; i < g.samples * channels; ++i)
      for (int k = 0; k < 2; ++k) totals[(1 - k) * channels + i % channels] += pairs[2 * i + k];
  } else if (numel(ins[1]) != 0) {
    weight = repeated(operands, g, weight);
    const GradParts<T> parts(operands, g.rows());
    if (operands.failed()) return out_of_memory(ctx, "group_norm_grad");
    parts.template run<true>(ctx, grad, in, weight, out, eps);
    for (int64_t i = 0; i < 2 * channels * g.size; ++i) totals[i / g.size] += parts.totals()[i];
  }
  for (int64_t c = 0; c < 2 * channels; ++c) sums[c] = static_cast<T>(totals[c]);
  operands.deliver(outs[0], out);
  for (int k = 0; k < 2; ++k) copy_from_contiguous(ctx, outs[k + 1], sums + k * channels);
  return DT_OK;
}

template <class T>
void add_group(KernelTable& table, int32_t dtype) {
  table.add("group_norm", dtype, group_kernel<T>);
  table.add("group_norm_grad", dtype, group_grad_kernel<T>);
}

}  // namespace

void register_norm_group(KernelTable& table) { add_floats_whole(table, add_group<float>, add_group<double>); }

}  // namespace dovetail::cpu
