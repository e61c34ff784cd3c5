"""How the orthogonal polynomials are computed: by their recurrences, and Chebyshev's of high degree by trigonometry."""

from __future__ import annotations

from collections.abc import Callable

import dovetail as dt
from dovetail import Tensor
from dovetail._core import _is_wrapped_number
from dovetail.ops._common import promoted_floating, refuse_complex, widened

# One degree for all, or a tensor of whole numbers.
Degree = int | Tensor
# The polynomial of degree k + 1 from k, and those of degrees k - 1 and k.
Step = Callable[[int, Tensor, Tensor], Tensor]
Polynomial = Callable[[Tensor, Degree], Tensor]

HIGHEST = 1 << 17  # degree that is computed by a recurrence
TRIGONOMETRIC = 8  # degree beyond which Chebyshev's are


def evaluated(name: str, x: Tensor, n: Tensor, polynomial: Polynomial) -> Tensor:
    """A polynomial at x in the floating dtype of both; 0 where the degree is negative or no number."""
    refuse_complex(name, x, n)
    given, degrees = promoted_floating(x, n)
    given = dt.clone(given) if _is_wrapped_number(given) else given
    x = widened(given)
    if _is_wrapped_number(n):
        degree = n.item()
        if not -1 < degree < 2.0**63:
            return dt.zeros_like(given)
        return polynomial(x, int(degree)).to(given.dtype)
    places = dt.trunc(widened(degrees))
    exists = (places >= 0) & (places < 2.0**63)
    found = polynomial(x, dt.where(exists, places, 0))
    return dt.where(exists, found, 0).to(given.dtype)


def by_recurrence(name: str, degree: Degree, first: Tensor, step: Step) -> Tensor:
    """The polynomial whose values at degrees 0 and 1 are 1 and `first`."""
    top = degree if isinstance(degree, int) else int(degree.max().item()) if degree.numel() else 0
    if top > HIGHEST:
        raise ValueError(f"{name}: n must be at most {HIGHEST}, got {top}")
    before, now = dt.ones_like(first), first
    found = before if isinstance(degree, int) else dt.where(degree == 0, before, first)
    for k in range(1, top):
        before, now = now, step(k, before, now)
        if not isinstance(degree, int):
            found = dt.where(degree == k + 1, now, found)
    return now if isinstance(degree, int) and top else found


# ---- Chebyshev's -----------------------------------------------------------------------------------------------


def chebyshev(name: str, x: Tensor, degree: Degree, first: Tensor, closed: Polynomial) -> Tensor:
    """By the recurrence that all four kinds share, and beyond a degree in closed form."""
    double = x + x

    def small(degree: Degree) -> Tensor:
        return by_recurrence(name, degree, first, lambda k, before, now: double * now - before)

    if isinstance(degree, int):
        return small(degree) if degree <= TRIGONOMETRIC else closed(x, degree)
    low = degree <= TRIGONOMETRIC
    return dt.where(low, small(dt.where(low, degree, 0)), closed(x, degree))


def _parts(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The angles of which x is the cosine and |x| the hyperbolic cosine, and where the first holds."""
    inside = dt.abs(x) < 1
    angle = dt.acos(dt.where(inside, x, 0))
    return inside, angle, dt.acosh(dt.where(inside, 1, dt.abs(x)))


def _signed(negative: Tensor, degree: Degree, value: Tensor) -> Tensor:
    """The value with the sign of (-1) ** degree where it is asked for."""
    return dt.where(negative & (degree % 2 == 1), -value, value)


def first_kind(x: Tensor, degree: Degree) -> Tensor:
    inside, angle, growth = _parts(x)
    return dt.where(inside, dt.cos(degree * angle), _signed(x < 0, degree, dt.cosh(degree * growth)))


def second_kind(x: Tensor, degree: Degree) -> Tensor:
    inside, angle, growth = _parts(x)
    k = degree + 1
    outside = dt.where(growth == 0, k, dt.sinh(k * growth) / dt.sinh(growth))
    return dt.where(inside, dt.sin(k * angle) / dt.sin(angle), _signed(x < 0, degree, outside))


def third_kind(x: Tensor, degree: Degree) -> Tensor:
    inside, angle, growth = _parts(x)
    k = degree + 0.5
    right = dt.cosh(k * growth) / dt.cosh(growth / 2)
    left = dt.where(growth == 0, k * 2, dt.sinh(k * growth) / dt.sinh(growth / 2))
    outside = _signed(x < 0, degree, dt.where(x < 0, left, right))
    return dt.where(inside, dt.cos(k * angle) / dt.cos(angle / 2), outside)


def fourth_kind(x: Tensor, degree: Degree) -> Tensor:
    mirrored = third_kind(-x, degree)
    return _signed(dt.ones_like(mirrored, dtype=dt.bool), degree, mirrored)
