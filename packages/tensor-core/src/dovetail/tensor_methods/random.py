"""Methods that fill a tensor with random numbers; all return it."""

from __future__ import annotations

import math

from .. import checks
from .._core import Generator, Tensor, complex128, float32, float64, get_op, int32, int64, uint32, uint64

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any


_rand, _randn, _randint = get_op("rand"), get_op("randn"), get_op("randint")


_WIDE = (float64, complex128, int32, int64, uint32, uint64)
_full, _nextafter = get_op("full"), get_op("nextafter")
_view_as_complex, _view_as_real = get_op("view_as_complex"), get_op("view_as_real")


def _floating(name: str, x: Tensor) -> None:
    if not x.dtype.is_floating_point:
        raise TypeError(f"{name}: expected a floating-point tensor, got {x.dtype.name}")


def _uniform(x: Tensor, generator: Generator | None) -> Tensor:
    """What a distribution is made of: in float32 for dtypes of no more digits, else in float64."""
    dtype = float64 if x.dtype in _WIDE else float32
    return _rand(x.shape, generator=generator, dtype=dtype, device=x.device)


def _uniform_like(x: Tensor, generator: Generator | None) -> Tensor:
    return _rand(x.shape, generator=generator, dtype=x.dtype, device=x.device)


@checks.in_own_name
def uniform_(
    self: Tensor, from_: float = 0, to: float = 1, *, generator: Generator | None = None, **names: Any
) -> Tensor:
    """Fill with numbers uniform on [from, to); of complex numbers, both parts.

    Example:
        >>> x = dt.empty(3).uniform_(2, 4)
        >>> (x >= 2).all() and (x < 4).all().item()
        True
    """
    from_ = names.pop("from", from_)
    if names:
        raise TypeError(f"uniform_: unexpected keyword argument {next(iter(names))!r}")
    if not self.dtype.is_complex:
        _floating("uniform_", self)
    checks.numbers("uniform_", from_=from_, to=to)
    if from_ > to:
        raise ValueError(f"uniform_: from must not be above to, got {from_} and {to}")
    numbers = _uniform_like(self, generator)
    if (from_, to) == (0, 1):
        return self.copy_(numbers)
    parts = _view_as_real(numbers) if self.dtype.is_complex else numbers
    scaled = parts * (to - from_) + from_
    if from_ < to:  # rounding may reach the end, which is left out
        end = _full([], to, dtype=parts.dtype, device=self.device)
        scaled = scaled.minimum(_nextafter(end, _full([], from_, dtype=parts.dtype, device=self.device)))
    return self.copy_(_view_as_complex(scaled) if self.dtype.is_complex else scaled)


@checks.in_own_name
def normal_(self: Tensor, mean: float = 0, std: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Fill with numbers of the normal distribution.

    Example:
        >>> dt.empty(2).normal_(5.0, 0.0).tolist()
        [5.0, 5.0]
    """
    if not self.dtype.is_complex:
        _floating("normal_", self)
    checks.numbers("normal_", mean=mean, std=std)
    if std < 0:
        raise ValueError(f"normal_: std must not be negative, got {std}")
    numbers = _randn(self.shape, generator=generator, dtype=self.dtype, device=self.device)
    return self.copy_(numbers if (mean, std) == (0, 1) else numbers * std + mean)


@checks.in_own_name
def log_normal_(self: Tensor, mean: float = 1, std: float = 2, *, generator: Generator | None = None) -> Tensor:
    """Fill with numbers whose logarithms have the normal distribution.

    Example:
        >>> dt.empty(1).log_normal_(0.0, 1e-9).round().tolist()
        [1.0]
    """
    _floating("log_normal_", self)
    checks.numbers("log_normal_", mean=mean, std=std)
    if std <= 0:
        raise ValueError(f"log_normal_: std must be positive, got {std}")
    return normal_(self, mean, std, generator=generator).exp_()


@checks.in_own_name
def exponential_(self: Tensor, lambd: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Fill with numbers of the exponential distribution.

        density = lambd * exp(-lambd * x)

    Example:
        >>> (dt.empty(3).exponential_() > 0).all().item()
        True
    """
    _floating("exponential_", self)
    checks.numbers("exponential_", lambd=lambd)
    if lambd <= 0:
        raise ValueError(f"exponential_: lambd must be positive, got {lambd}")
    # 1 - u is in (0, 1], and -log of it at least 0; a zero is moved to half the smallest step.
    numbers = -(1 - _uniform(self, generator)).log()
    return self.copy_(numbers.clamp_min(2.0**-54 if numbers.dtype == float64 else 2.0**-25) / lambd)


@checks.in_own_name
def cauchy_(self: Tensor, median: float = 0, sigma: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Fill with numbers of the Cauchy distribution.

    Example:
        >>> dt.empty(3).cauchy_().shape
        dovetail.Size([3])
    """
    _floating("cauchy_", self)
    checks.numbers("cauchy_", median=median, sigma=sigma)
    if sigma <= 0:
        raise ValueError(f"cauchy_: sigma must be positive, got {sigma}")
    return self.copy_(((_uniform(self, generator) - 0.5) * math.pi).tan() * sigma + median)


@checks.in_own_name
def geometric_(self: Tensor, p: float, *, generator: Generator | None = None) -> Tensor:
    """Fill with the number of the first success in trials that succeed with probability p, counting from 1.

    Example:
        >>> (dt.empty(3).geometric_(0.5) >= 1).all().item()
        True
    """
    checks.numbers("geometric_", p=p)
    if not 0 < p < 1:
        raise ValueError(f"geometric_: p must be between 0 and 1, got {p}")
    return self.copy_(((1 - _uniform(self, generator)).log() / math.log1p(-p)).ceil().clamp_min(1))


@checks.in_own_name
def bernoulli_(self: Tensor, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Fill with ones and zeros.

    Args:
        p: the probability of a one: a number, or a tensor with one for each element.

    Example:
        >>> dt.empty(2).bernoulli_(1.0).tolist()
        [1.0, 1.0]
    """
    if isinstance(p, Tensor):
        return self.copy_(get_op("bernoulli")(p.expand(self.shape), generator=generator))
    checks.numbers("bernoulli_", p=p)
    if not 0 <= p <= 1:
        raise ValueError(f"bernoulli_: p must be between 0 and 1, got {p}")
    return self.copy_(_uniform(self, generator) < p)


# The largest integers up to which every one can be told apart, by the bits of the mantissa.
_EXACT = {"float16": 2**11, "bfloat16": 2**8, "float32": 2**24, "float64": 2**53}


@checks.in_own_name
def random_(
    self: Tensor, from_: int | None = None, to: int | None = None, *, generator: Generator | None = None, **names: Any
) -> Tensor:
    """Fill with random integers: `random_()`, `random_(to)` or `random_(from, to)`, `to` left out.

    Without bounds they go from 0 to the dtype's largest integer (of floats, the last one that they tell apart).

    Example:
        >>> x = dt.empty(3).random_(10)
        >>> (x >= 0).all() and (x < 10).all().item()
        True
    """
    from_ = names.pop("from", from_)
    if names:
        raise TypeError(f"random_: unexpected keyword argument {next(iter(names))!r}")
    if from_ is not None and to is None:
        from_, to = 0, from_
    checks.integers(
        "random_", **{name: value for name, value in {"from": from_, "to": to}.items() if value is not None}
    )
    low = from_ or 0
    if to is None:
        name = self.dtype.name
        high = 2 if name == "bool" else _EXACT[name] + 1 if name in _EXACT else _largest(self)
    else:
        high = to
    if low >= high:
        raise ValueError(f"random_: from must be below to, got {low} and {high}")
    return self.copy_(_randint(low, high, self.shape, generator=generator, device=self.device))


def _largest(x: Tensor) -> int:
    from ..typeinfo import iinfo

    largest: int = iinfo(x.dtype).max
    return min(largest, 2**63 - 2) + 1


METHODS: dict[str, Any] = {
    function.__name__: function
    for function in (
        bernoulli_,
        cauchy_,
        exponential_,
        geometric_,
        log_normal_,
        normal_,
        random_,
        uniform_,
    )
}
