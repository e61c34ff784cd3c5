"""Random tensors.

The numbers are a pure function of a key and an offset; a generator hands out ranges of offsets, so that the same seed
gives the same numbers on every device and for any number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import dovetail as dt
from dovetail import Generator, Tensor
from dovetail._core import get_op
from dovetail.ops import op
from dovetail.ops._common import shape_text, short, widened

philox_binomial = get_op("philox_binomial")
philox_bits = get_op("philox_bits")
philox_dropout = get_op("philox_dropout")
philox_normal = get_op("philox_normal")
philox_poisson = get_op("philox_poisson")
philox_randint = get_op("philox_randint")
philox_uniform = get_op("philox_uniform")
_random_order = get_op("random_order")


def _reserve(generator: Generator | None, size: Sequence[int], per_block: int) -> tuple[int, int]:
    """The key and the offset for as many numbers as `size` has, of which a block gives `per_block`."""
    return (generator or dt.default_generator).reserve(-(-math.prod(size) // per_block))


def _check_held(name: str, low: int, high: int, dtype: dt.dtype) -> None:
    """Refuse a range that the dtype does not hold."""
    if dtype.is_complex:
        raise TypeError(f"{name}: not defined for dtype {short(dtype)}")
    if dtype.is_floating_point:
        return
    least, most = (0, 1) if dtype == dt.bool else (dt.iinfo(dtype).min, dt.iinfo(dtype).max)
    if low < least or high - 1 > most:
        raise ValueError(f"{name}: {short(dtype)} holds {least} to {most}, got low {low} and high {high}")


def _draw(
    name: str,
    draw: dt.Op,
    size: Sequence[int],
    generator: Generator | None,
    dtype: dt.dtype | None,
    device: dt.device | None,
) -> Tensor:
    """Floating-point or complex numbers from one of the primitives."""
    dtype = dtype or dt.get_default_dtype()
    if not (dtype.is_floating_point or dtype.is_complex):
        raise TypeError(f"{name}: dtype must be a floating-point or complex one, got {short(dtype)}")
    if any(n < 0 for n in size):
        raise ValueError(f"{name}: sizes must not be negative, got {shape_text(size)}")
    # A block holds four 32-bit words; a number takes one, of 64 bits two, and a complex one as many for each part.
    words = 2 if dtype in (dt.float64, dt.complex128) else 1
    key, offset = _reserve(generator, size, 4 // words // (2 if dtype.is_complex else 1))
    drawn = draw(size, key, offset, dtype=dtype, device=device)
    # The variance is that of both parts together.
    return drawn * math.sqrt(0.5) if dtype.is_complex and draw is philox_normal else drawn


@op(
    "rand(int[] size, *, Generator? generator=None, DType? dtype=None, Device? device=None) -> Tensor",
    random=True,
    non_differentiable=True,
    factory=True,
    out=True,
)
def rand(
    size: Sequence[int],
    *,
    generator: Generator | None = None,
    dtype: dt.dtype | None = None,
    device: dt.device | None = None,
) -> Tensor:
    """Random numbers from the uniform distribution on [0, 1).

    Example:
        >>> dt.rand(2, 3).shape
        dovetail.Size([2, 3])
    """
    return _draw("rand", philox_uniform, size, generator, dtype, device)


@op(
    "randn(int[] size, *, Generator? generator=None, DType? dtype=None, Device? device=None) -> Tensor",
    random=True,
    non_differentiable=True,
    factory=True,
    out=True,
)
def randn(
    size: Sequence[int],
    *,
    generator: Generator | None = None,
    dtype: dt.dtype | None = None,
    device: dt.device | None = None,
) -> Tensor:
    """Random numbers from the normal distribution of mean 0 and standard deviation 1.

    Example:
        >>> dt.randn(2, 3).shape
        dovetail.Size([2, 3])
    """
    return _draw("randn", philox_normal, size, generator, dtype, device)


@op(
    "randint(int low, int high, int[] size, *, Generator? generator=None, DType? dtype=int64, "
    "Device? device=None) -> Tensor",
    random=True,
    non_differentiable=True,
    factory=True,
)
def randint(
    low: int,
    high: int,
    size: Sequence[int],
    *,
    generator: Generator | None = None,
    dtype: dt.dtype | None = None,
    device: dt.device | None = None,
) -> Tensor:
    """Random integers from `low` up to, and without, `high`, all equally likely.

    Example:
        >>> dt.randint(0, 10, (2, 3)).shape
        dovetail.Size([2, 3])
    """
    if low >= high:
        raise ValueError(f"randint: low must be below high, got {low} and {high}")
    _check_held("randint", low, high, dtype or dt.int64)
    if any(n < 0 for n in size):
        raise ValueError(f"randint: sizes must not be negative, got {shape_text(size)}")
    key, offset = _reserve(generator, size, 2)
    return philox_randint(size, key, offset, low, high, dtype=dt.int64, device=device).to(dtype or dt.int64)


@op(
    "randperm(int n, *, Generator? generator=None, DType? dtype=int64, Device? device=None) -> Tensor",
    random=True,
    non_differentiable=True,
    factory=True,
    out=True,
)
def randperm(
    n: int, *, generator: Generator | None = None, dtype: dt.dtype | None = None, device: dt.device | None = None
) -> Tensor:
    """The integers from 0 up to, and without, n in random order.

    Example:
        >>> dt.randperm(4).sort().values.tolist()
        [0, 1, 2, 3]
    """
    if n < 0:
        raise ValueError(f"randperm: n must not be negative, got {n}")
    key, offset = _reserve(generator, [n], 2)
    # Sorting random 64-bit words: two of them are as good as never equal.
    return _random_order(philox_bits([n], key, offset, device=device)).to(dtype or dt.int64)


@op(
    "rand_like(Tensor self, *, Generator? generator=None, DType? dtype=None, Device? device=None) -> Tensor",
    random=True,
    non_differentiable=True,
    factory=True,
)
def rand_like(
    self: Tensor,
    *,
    generator: Generator | None = None,
    dtype: dt.dtype | None = None,
    device: dt.device | None = None,
) -> Tensor:
    """Uniform random numbers in a tensor's shape, dtype and device. See `dt.rand`.

    Example:
        >>> dt.rand_like(dt.ones(2)).shape
        dovetail.Size([2])
    """
    return _draw("rand_like", philox_uniform, self.shape, generator, dtype or self.dtype, device or self.device)


@op(
    "randn_like(Tensor self, *, Generator? generator=None, DType? dtype=None, Device? device=None) -> Tensor",
    random=True,
    non_differentiable=True,
    factory=True,
)
def randn_like(
    self: Tensor,
    *,
    generator: Generator | None = None,
    dtype: dt.dtype | None = None,
    device: dt.device | None = None,
) -> Tensor:
    """Normal random numbers in a tensor's shape, dtype and device. See `dt.randn`.

    Example:
        >>> dt.randn_like(dt.ones(2)).shape
        dovetail.Size([2])
    """
    return _draw("randn_like", philox_normal, self.shape, generator, dtype or self.dtype, device or self.device)


@op(
    "randint_like(Tensor self, int low, int high, *, Generator? generator=None, DType? dtype=None, "
    "Device? device=None) -> Tensor",
    random=True,
    non_differentiable=True,
    factory=True,
)
def randint_like(
    self: Tensor,
    low: int,
    high: int,
    *,
    generator: Generator | None = None,
    dtype: dt.dtype | None = None,
    device: dt.device | None = None,
) -> Tensor:
    """Random integers in a tensor's shape, dtype and device. See `dt.randint`.

    Example:
        >>> dt.randint_like(dt.ones(2), 5).shape
        dovetail.Size([2])
    """
    if low >= high:
        raise ValueError(f"randint_like: low must be below high, got {low} and {high}")
    return get_op("randint")(
        low, high, self.shape, generator=generator, dtype=dtype or self.dtype, device=device or self.device
    )


@op("bernoulli(Tensor self, *, Generator? generator=None) -> Tensor", random=True)
def bernoulli(self: Tensor, *, generator: Generator | None = None) -> Tensor:
    """Ones and zeros; each element is the probability of a one.

    `dt.bernoulli(x, p)` and `x.bernoulli_(p)` take one probability for all. The result has self's dtype.

    Raises:
        ValueError: a probability is outside of [0, 1].

    Example:
        >>> dt.bernoulli(dt.tensor([0.0, 1.0])).tolist()
        [0.0, 1.0]
    """
    if not self.dtype.is_floating_point:
        raise TypeError(f"bernoulli: probabilities must be floating point, got {short(self.dtype)}")
    if not dt.all((self >= 0) & (self <= 1)).item():
        raise ValueError(
            f"bernoulli: probabilities must be between 0 and 1, got {_least(self)} to {dt.amax(self).item():g}"
        )
    drawn = dt.float64 if self.dtype == dt.float64 else dt.float32
    return (dt.rand_like(self, generator=generator, dtype=drawn) < self).to(self.dtype)


@op("normal(Tensor mean, Tensor std, *, Generator? generator=None) -> Tensor", random=True)
def normal(mean: Tensor, std: Tensor, *, generator: Generator | None = None) -> Tensor:
    """Random numbers from normal distributions, one for every pair of mean and standard deviation.

    `dt.normal(mean, std, size)` with numbers fills a new tensor.

    Example:
        >>> dt.normal(dt.zeros(3), 0.0).tolist()
        [0.0, 0.0, 0.0]
    """
    dtype = dt.result_type(mean, std)
    size = dt.broadcast_shapes(mean.shape, std.shape)
    return _draw("normal", philox_normal, size, generator, dtype, mean.device if mean.ndim else std.device) * std + mean


def _least(x: Tensor) -> str:
    return f"{dt.amin(x).item():g}"


@op("poisson(Tensor input, Generator? generator=None) -> Tensor", random=True)
def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Counts from Poisson distributions, one for every element, which is the mean.

        P(out = k) = input ** k * exp(-input) / k!

    Args:
        input: the rates, floating point, not negative; the result is like it.

    Raises:
        ValueError: a rate is negative or NaN.

    Example:
        >>> dt.poisson(dt.tensor([0.0, 0.0])).tolist()
        [0.0, 0.0]
    """
    if not input.dtype.is_floating_point:
        raise TypeError(f"poisson: rates must be floating point, got {short(input.dtype)}")
    if not dt.all(input >= 0).item():
        raise ValueError(f"poisson: rates must not be negative or NaN, got {_least(input)}")
    key, offset = _reserve(generator, input.shape, 1)
    return philox_poisson(widened(input), key, offset).to(input.dtype)


@op(
    "binomial(Tensor count, Tensor prob, Generator? generator=None) -> Tensor",
    random=True,
)
def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """The number of successes in trials, for every pair of a number of trials and a probability.

        P(out = k) = count! / (k! (count - k)!) * prob ** k * (1 - prob) ** (count - k)

    Args:
        count: how many trials, floating point, not negative; only the whole part counts.
        prob: the probability of a success, floating point, broadcast with `count`.

    Raises:
        ValueError: a count is negative or NaN, or a probability outside of [0, 1].

    Example:
        >>> dt.binomial(dt.tensor([10.0, 10.0]), dt.tensor([0.0, 1.0])).tolist()
        [0.0, 10.0]
    """
    for name, x in (("count", count), ("prob", prob)):
        if not x.dtype.is_floating_point:
            raise TypeError(f"binomial: {name} must be floating point, got {short(x.dtype)}")
    if not dt.all(count >= 0).item():
        raise ValueError(f"binomial: count must not be negative or NaN, got {_least(count)}")
    if not dt.all((prob >= 0) & (prob <= 1)).item():
        raise ValueError(f"binomial: prob must be between 0 and 1, got {_least(prob)} to {dt.amax(prob).item():g}")
    dtype = dt.result_type(count, prob)
    wide = dt.float64 if dtype == dt.float64 else dt.float32
    count, prob = dt.broadcast_tensors(count.to(wide), prob.to(wide))
    key, offset = _reserve(generator, count.shape, 1)
    return philox_binomial(count, prob, key, offset).to(dtype)


@op(
    "multinomial(Tensor self, int num_samples, bool replacement=False, *, Generator? generator=None) -> Tensor",
    method=True,
    random=True,
    non_differentiable=True,
    out=True,
)
def multinomial(
    self: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Draw indices with the given weights.

    Args:
        self: weights, shape (n,) or (rows, n); they need not sum to 1.
        num_samples: how many to draw from each row.
        replacement: whether one index may be drawn twice.

    Shape: (num_samples,) or (rows, num_samples), int64.

    Example:
        >>> dt.multinomial(dt.tensor([0.0, 3.0]), 2, replacement=True).tolist()
        [1, 1]
    """
    _check_weights(self, num_samples, replacement)
    self = widened(self)
    if not replacement:
        # The index of the smallest of n exponential variables with these rates has just these chances, and so have
        # the next ones among what is left.
        uniform = 1 - dt.rand_like(self, generator=generator)
        # Of a uniform number of just 1 the logarithm is 0, and what has no weight must not win by 0 / 0.
        return dt.topk(self / dt.clamp_min(-dt.log(uniform), 1e-30), num_samples)[1]
    total = dt.cumsum(self, -1)
    uniform = dt.rand([*self.shape[:-1], num_samples], generator=generator, dtype=self.dtype, device=self.device)
    drawn = dt.searchsorted(total, uniform * dt.narrow(total, -1, total.shape[-1] - 1, 1), right=True)
    # Rounding may reach the total; the last index with a weight is then meant.
    last = dt.argmax(total, -1, keepdim=True)
    return dt.minimum(drawn, last)


def _check_weights(weights: Tensor, num_samples: int, replacement: bool) -> None:
    if weights.ndim not in (1, 2):
        raise ValueError(f"multinomial: weights must have one or two dims, got {weights.ndim}")
    if not weights.dtype.is_floating_point:
        raise TypeError(f"multinomial: weights must be floating point, got {short(weights.dtype)}")
    if num_samples < 1:
        raise ValueError(f"multinomial: num_samples must be positive, got {num_samples}")
    if not replacement and num_samples > weights.shape[-1]:
        raise ValueError(
            f"multinomial: {num_samples} different indices cannot be drawn from {weights.shape[-1]}; "
            "use replacement=True"
        )
    if not dt.all((weights >= 0) & (weights < math.inf)).item():
        raise ValueError(
            "multinomial: weights must be finite and not negative, "
            f"got {_least(weights)} to {dt.amax(weights).item():g}"
        )
    chances = dt.count_nonzero(weights, -1)
    if dt.any(chances < (1 if replacement else num_samples)).item():
        raise ValueError(f"multinomial: a row has fewer positive weights than the {num_samples} to be drawn from it")


@op(
    "dropout(Tensor input, float p=0.5, bool training=True, *, Generator? generator=None) -> Tensor",
    random=True,
)
def dropout(input: Tensor, p: float = 0.5, training: bool = True, *, generator: Generator | None = None) -> Tensor:
    """Zero elements at random, and scale the others so that the mean stays.

        out = input * mask / (1 - p)

    Args:
        p: the probability of a zero.
        training: False gives `input` back.

    Example:
        >>> dt.dropout(dt.ones(3), training=False).tolist()
        [1.0, 1.0, 1.0]
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout: p must be between 0 and 1, got {p}")
    if not training or p == 0 or input.numel() == 0:
        return input
    if p == 1:
        return input * 0
    if input.is_floating_point():
        key, offset = _reserve(generator, input.shape, 2 if input.dtype == dt.float64 else 4)
        return philox_dropout(input, p, key, offset)[0]
    keep = dt.rand(input.shape, generator=generator, dtype=dt.float32, device=input.device) >= p
    return input * (keep.to(input.dtype) * (1 / (1 - p)))
