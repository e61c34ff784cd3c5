// Random numbers as pure functions of (key, offset): Philox 4x32-10, a counter block for every four 32-bit words. The
// generator reserves the blocks before these ops are called, so they are the same on every device.
#include <algorithm>

#include "core/ops/compose.h"

namespace dovetail {

namespace {

Declare op(const char* schema) { return Declare("random", schema); }

void infer_size(Inference& call) {
  const dt_value& size = call.args[0];
  if (size.count > DT_MAX_DIMS)
    value_error(call.name(), ": size has ", size.count, " dims, more than the ", DT_MAX_DIMS, " there may be");
  for (int i = 0; i < size.count; ++i) {
    if (size.as.ints[i] < 0) value_error(call.name(), ": size must not be negative, got ", ints_text(size));
    call.outs[0].push(size.as.ints[i]);
  }
}

void infer_floats(Inference& call) {  // (size, key, offset, *, dtype, device)
  infer_size(call);
  call.outs[0].dtype = dtype_or(call.args[3], default_dtype());
  if (is_exact(call.outs[0].dtype))
    type_error(call.name(), ": dtype must be floating-point or complex, got ", dtype_name(call.outs[0].dtype));
}

void infer_randint(Inference& call) {  // (size, key, offset, low, high, *, dtype, device)
  infer_size(call);
  if (call.integer(3) >= call.integer(4))
    value_error(call.name(), ": low must be less than high, got ", call.integer(3), " and ", call.integer(4));
  call.outs[0].dtype = dtype_or(call.args[5], DT_INT64);
  if (is_complex(call.outs[0].dtype))
    type_error(call.name(), ": not defined for dtype ", dtype_name(call.outs[0].dtype));
}

void infer_bits(Inference& call) {  // (size, key, offset, *, dtype, device)
  infer_size(call);
  call.outs[0].dtype = dtype_or(call.args[3], DT_INT64);
  if (call.outs[0].dtype != DT_INT64)
    type_error(call.name(), ": dtype must be int64, got ", dtype_name(call.outs[0].dtype));
}

// (Tensor parameter, ..., int key, int offset): one count for every element, of whole floats.
template <int kParameters>
void infer_counts(Inference& call) {
  const TensorImpl& first = call.tensor(0);
  for (int i = 0; i < kParameters; ++i) {
    const TensorImpl& t = call.tensor(i);
    if (t.dtype != first.dtype || (t.dtype != DT_FLOAT32 && t.dtype != DT_FLOAT64))
      type_error(call.name(), ": expected tensors of float32 or of float64, got ", dtype_name(t.dtype));
    if (t.ndim != first.ndim || !std::equal(t.sizes(), t.sizes() + t.ndim, first.sizes()))
      value_error(call.name(), ": expected tensors of one shape, got ", shape_text(first), " and ", shape_text(t));
  }
  call.outs[0].like(first);
}

// (input, p, key, offset)
void check_dropout(const char* who, const TensorImpl& input, double p) {
  check_floating(who, "input", input);
  if (!(p >= 0 && p <= 1)) value_error(who, ": p must be between 0 and 1, got ", p);
}

void infer_dropout(Inference& call) {
  check_dropout(call.name(), call.tensor(0), call.number(1));
  call.outs[0].like(call.tensor(0));
  call.outs[1].like(call.tensor(0));
}

const Callee uniform("philox_uniform"), ge("ge"), mul("mul");

void dropout_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Tensor input = tensor(args[0]);
  const double p = real_number(args[1]);
  check_dropout(op.name().c_str(), *input, p);
  const Tensor drawn = uniform(sizes_of(*input), args[2], args[3], box_dtype(input->dtype), box_device(input->device));
  const Tensor factor = mul(cast_to(ge(drawn, number(p)), input->dtype), number(p < 1 ? 1 / (1 - p) : 0.0));
  give(outs[0], mul(input, factor));
  give(outs[1], factor);
}

void count(const char* schema, InferFn infer, const char* doc) {
  op(schema).plain(infer).host().internal().non_differentiable().doc(doc);
}

void draw(const char* schema, InferFn infer, const char* doc) {
  op(schema).plain(infer).required().factory().internal().non_differentiable().doc(doc);
}

}  // namespace

void declare_random() {
  draw("philox_uniform(int[] size, int key, int offset, *, DType? dtype=None, Device? device=None) -> Tensor",
       infer_floats, R"(Numbers drawn evenly from [0, 1).

    out_i = (word_i >> 8) * 2 ** -24   for float32; float64 has 53 bits of two words

where word_i is word i % 4 of counter block offset + i // 4 (for float64, words 2 * (i % 2) and the next of block
offset + i // 2).

Args:
    size: the shape.
    key, offset: the generator's key, and the first counter block.
    dtype, device: what the result shall be; the default float.

Example:
    >>> uniform = dt._core.get_op("philox_uniform")
    >>> uniform((4,), 7, 0).tolist() == uniform((8,), 7, 0).tolist()[:4]
    True
)");
  draw("philox_normal(int[] size, int key, int offset, *, DType? dtype=None, Device? device=None) -> Tensor",
       infer_floats, R"(Numbers drawn from the normal distribution of mean 0 and variance 1, by Box and Muller's method.

    out_2j, out_2j+1 = sqrt(-2 log u) * (cos(2 pi v), sin(2 pi v))

where u in (0, 1] and v in [0, 1) are uniform numbers of two neighbouring words.

Args:
    size: the shape.
    key, offset: the generator's key, and the first counter block.
    dtype, device: what the result shall be; the default float.

Example:
    >>> normal = dt._core.get_op("philox_normal")
    >>> normal((4,), 7, 0).tolist() == normal((8,), 7, 0).tolist()[:4]
    True
)");
  draw(
      "philox_randint(int[] size, int key, int offset, int low, int high, *, DType? dtype=None, Device? device=None) "
      "-> Tensor",
      infer_randint, R"(Integers drawn evenly from `low` up to, and without, `high`.

    out_i = low + word_i % (high - low)

where word_i has the 64 bits of two words of counter block offset + i // 2.

Args:
    size: the shape.
    key, offset: the generator's key, and the first counter block.
    low, high: the range.
    dtype, device: what the result shall be; int64 by default.

Example:
    >>> dt._core.get_op("philox_randint")((2,), 7, 0, 3, 4).tolist()
    [3, 3]
)");
  draw("philox_bits(int[] size, int key, int offset, *, DType? dtype=None, Device? device=None) -> Tensor", infer_bits,
       R"(Integers of 64 random bits.

    out_i = words 2 * (i % 2) and the next of counter block offset + i // 2, the lower one first

Args:
    size: the shape.
    key, offset: the generator's key, and the first counter block.
    dtype, device: what the result shall be; int64.

Example:
    >>> bits = dt._core.get_op("philox_bits")
    >>> bits((2,), 7, 0).tolist() == bits((4,), 7, 0).tolist()[:2]
    True
)");
  op("philox_dropout(Tensor input, float p, int key, int offset) -> (Tensor out, Tensor factor)")
      .plain(infer_dropout)
      .composite(in_float<dropout_op>)
      .internal()
      .doc(R"(Elements put to zero at random, the others scaled so that the mean stays; behind `dt.dropout`.

    out_i = input_i * factor_i,  factor_i = 1 / (1 - p) where u_i >= p, else 0

where u_i is element i of `philox_uniform` for the same key and offset.

Args:
    input: a tensor of any shape and a floating-point dtype.
    p: the probability of a zero.
    key, offset: the generator's key, and the first counter block.

Example:
    >>> dt._core.get_op("philox_dropout")(dt.ones(2), 0.0, 7, 0)[0].tolist()
    [1.0, 1.0]
)");
  count("philox_poisson(Tensor rate, int key, int offset) -> Tensor", infer_counts<1>,
        R"(Counts from Poisson distributions: what `dt.poisson` gives.

    P(out = k) = rate ** k * exp(-rate) / k!

Element i draws from the stream of counter block offset + i. NaN where a rate is negative or NaN.

Args:
    rate: the mean counts, float32 or float64.
    key, offset: the generator's key, and the first counter block.

Example:
    >>> poisson = dt._core.get_op("philox_poisson")
    >>> x = dt.full((4,), 30.0)
    >>> poisson(x, 7, 0).tolist()[2:] == poisson(x[2:], 7, 2).tolist()
    True
)");
  count("philox_binomial(Tensor count, Tensor prob, int key, int offset) -> Tensor", infer_counts<2>,
        R"(Counts of successes: what `dt.binomial` gives.

    P(out = k) = count! / (k! (count - k)!) * prob ** k * (1 - prob) ** (count - k)

Element i draws from the stream of counter block offset + i. NaN where `prob` is outside [0, 1] or `count` negative.

Args:
    count: the numbers of trials, of which the whole part counts.
    prob: the probabilities of success, in count's shape and dtype.
    key, offset: the generator's key, and the first counter block.

Example:
    >>> binomial = dt._core.get_op("philox_binomial")
    >>> binomial(dt.tensor([5.0, 5.0]), dt.tensor([0.0, 1.0]), 7, 0).tolist()
    [0.0, 5.0]
)");
}

}  // namespace dovetail
