/* Convolution and its two gradients. All three go over the same triples (input, weight, output): one of them is summed
 * into from the product of the other two. */
#include "cedar.h"
#include "window.h"

enum role { INPUT = 0, WEIGHT = 1, OUTPUT = 2 };

typedef struct shape {
  int64_t batch, groups, in_channels, out_channels; /* channels of one group */
  int64_t in[SPATIAL], kernel[SPATIAL], out[SPATIAL], stride[SPATIAL], padding[SPATIAL], dilation[SPATIAL];
} shape;

/* The sizes come from whatever array or argument has them; the arguments from `first` are stride, padding, dilation,
 * groups. */
static shape shape_of(const call* c, const int64_t* input, const int64_t* weight, const int64_t* output, int32_t ndim) {
  const int32_t n = ndim - 2, first = 3;
  shape s = {.batch = input[0], .groups = c->args[first + 3].as.i};
  s.in_channels = weight[1];
  s.out_channels = weight[0] / s.groups;
  spatial(s.in, input + 2, n, 1);
  spatial(s.kernel, weight + 2, n, 1);
  spatial(s.out, output + 2, n, 1);
  spatial(s.stride, c->args[first].as.ints, n, 1);
  spatial(s.padding, c->args[first + 1].as.ints, n, 0);
  spatial(s.dilation, c->args[first + 2].as.ints, n, 1);
  return s;
}

/* Where in its plane the input lies that tap `k` of the window at output `o` meets; -1: in the padding. */
static int64_t met(const shape* s, const int64_t o[SPATIAL], const int64_t k[SPATIAL]) {
  int64_t at[SPATIAL];
  for (int32_t d = 0; d < SPATIAL; ++d) {
    at[d] = o[d] * s->stride[d] - s->padding[d] + k[d] * s->dilation[d];
    if (at[d] < 0 || at[d] >= s->in[d]) return -1;
  }
  return ravel(at, s->in);
}

/* Sum over all channels of one group of one sample, at one output place and one tap. */
static void accumulate(const shape* s, cell* base[3], enum role target, int kind, int64_t n, int64_t g,
                       const int64_t plane[3], const int64_t at[3]) {
  const enum role a = target == INPUT ? WEIGHT : INPUT, b = target == OUTPUT ? WEIGHT : OUTPUT;
  for (int64_t o = 0; o < s->out_channels; ++o) {
    for (int64_t i = 0; i < s->in_channels; ++i) {
      const int64_t out_channel = g * s->out_channels + o, in_channel = g * s->in_channels + i;
      const int64_t index[3] = {
          [INPUT] = (n * s->groups * s->in_channels + in_channel) * plane[INPUT] + at[INPUT],
          [WEIGHT] = (out_channel * s->in_channels + i) * plane[WEIGHT] + at[WEIGHT],
          [OUTPUT] = (n * s->groups * s->out_channels + out_channel) * plane[OUTPUT] + at[OUTPUT],
      };
      cell* to = &base[target][index[target]];
      const cell x = base[a][index[a]], y = base[b][index[b]];
      if (kind == COMPLEX)
        to->number += x.number * y.number;
      else if (kind == REAL)
        to->real += x.real * y.real;
      else
        to->natural += x.natural * y.natural;
    }
  }
}

static void run(const shape* s, cell* base[3], enum role target, int kind) {
  const int64_t plane[3] = {volume(s->in), volume(s->kernel), volume(s->out)};
  for (int64_t o = 0; o < plane[OUTPUT]; ++o) {
    for (int64_t k = 0; k < plane[WEIGHT]; ++k) {
      int64_t place[SPATIAL], tap[SPATIAL];
      unravel(place, o, s->out);
      unravel(tap, k, s->kernel);
      const int64_t at[3] = {met(s, place, tap), k, o};
      if (at[INPUT] < 0) continue;
      for (int64_t n = 0; n < s->batch; ++n)
        for (int64_t g = 0; g < s->groups; ++g) accumulate(s, base, target, kind, n, g, plane, at);
    }
  }
}

/* Load the two that are given, sum into the third, store it. */
static dt_status convolve(const call* c, const shape* s, enum role first, enum role second, enum role target,
                          cell* out) {
  cell* base[3];
  base[first] = load_input(c, 0);
  base[second] = load_input(c, 1);
  base[target] = out;
  if (!base[first] || !base[second]) return DT_ERR_MEMORY;
  run(s, base, target, dtype_of(c->ins[0].dtype)->kind);
  store_output(c, 0, out);
  return DT_OK;
}

static cell* zeros(const call* c) {
  const int64_t count = count_of(&c->outs[0]);
  cell* out = new_cells(c, count);
  for (int64_t i = 0; out && i < count; ++i) out[i].number = 0; /* the zero of every kind */
  return out;
}

/* convolution(input, weight, bias, ...) */
static dt_status convolution(const call* c) {
  const shape s = shape_of(c, c->ins[0].sizes, c->ins[1].sizes, c->outs[0].sizes, c->ins[0].ndim);
  cell* out = zeros(c);
  if (!out) return DT_ERR_MEMORY;
  if (c->ins[2].ndim >= 0) { /* the sums start from the bias */
    const cell* bias = load_input(c, 2);
    if (!bias) return DT_ERR_MEMORY;
    const int64_t plane = volume(s.out), channels = s.groups * s.out_channels;
    for (int64_t i = 0; i < s.batch * channels * plane; ++i) out[i] = bias[i / plane % channels];
  }
  return convolve(c, &s, INPUT, WEIGHT, OUTPUT, out);
}

/* convolution_input_grad(grad, weight, input_size, ...) */
static dt_status input_grad(const call* c) {
  const shape s = shape_of(c, c->outs[0].sizes, c->ins[1].sizes, c->ins[0].sizes, c->ins[0].ndim);
  cell* out = zeros(c);
  return out ? convolve(c, &s, OUTPUT, WEIGHT, INPUT, out) : DT_ERR_MEMORY;
}

/* convolution_weight_grad(grad, input, weight_size, ...) */
static dt_status weight_grad(const call* c) {
  const shape s = shape_of(c, c->ins[1].sizes, c->outs[0].sizes, c->ins[0].sizes, c->ins[0].ndim);
  cell* out = zeros(c);
  return out ? convolve(c, &s, OUTPUT, INPUT, WEIGHT, out) : DT_ERR_MEMORY;
}

const kernel convolution_kernels[] = {
    {"convolution", ANY, convolution, NULL, NULL, {0}},
    {"convolution_input_grad", ANY, input_grad, NULL, NULL, {0}},
    {"convolution_weight_grad", ANY, weight_grad, NULL, NULL, {0}},
    {0},
};
