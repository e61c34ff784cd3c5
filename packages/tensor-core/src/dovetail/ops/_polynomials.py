"""How the orthogonal polynomials are computed: by their recurrences, and Chebyshev's of high degree by trigonometry."""

from __future__ import annotations

from collections.abc import Callable

import dovetail as dt
from dovetail import Tensor
from dovetail._core import _is_wrapped_number
from dovetail.ops._common import promoted_floating, refuse_complex, widened

# The polynomial of degree k + 1 from k, and those of degrees k - 1 and k.
Step = Callable[[int, Tensor, Tensor], Tensor]
# Of a tensor and of degrees, broadcast against each other.
Polynomial = Callable[[Tensor, Tensor], Tensor]

HIGHEST = 1 << 17  # degree that is computed by a recurrence
TRIGONOMETRIC = 8  # degree beyond which Chebyshev's are


def evaluated(name: str, x: Tensor, n: Tensor, polynomial: Polynomial) -> Tensor:
    """A polynomial at x in the floating dtype of both; 0 where the degree is negative or no number."""
    refuse_complex(name, x, n)
    given, degrees = (dt.clone(t) if _is_wrapped_number(t) else t for t in promoted_floating(x, n))
    degree = dt.trunc(widened(degrees))
    exists = (degree >= 0) & (degree < 2.0**63)
    degree = dt.where(exists, degree, 0)
    found = polynomial(widened(given), degree)
    return dt.where(exists, found, 0).to(given.dtype)


def by_recurrence(name: str, x: Tensor, degree: Tensor, first: Tensor, step: Step) -> Tensor:
    """The polynomial whose values at degrees 0 and 1 are 1 and `first`."""
    top = int(degree.max().item()) if degree.numel() else 0
    if top > HIGHEST:
        raise ValueError(f"{name}: n must be at most {HIGHEST}, got {top}")
    before, now = dt.ones_like(first), first
    alike = degree.numel() == 1
    found = dt.where(degree == 0, before, now)
    for k in range(1, top):
        before, now = now, step(k, before, now)
        if not alike:
            found = dt.where(degree == k + 1, now, found)
    return now if alike and top > 1 else found


# ---- Chebyshev's -----------------------------------------------------------------------------------------------


def chebyshev(name: str, x: Tensor, degree: Tensor, first: Tensor, closed: Polynomial) -> Tensor:
    """By the recurrence that all four kinds share, and beyond a degree in closed form."""
    low = dt.where(degree <= TRIGONOMETRIC, degree, 0)
    double = x + x
    small = by_recurrence(name, x, low, first, lambda k, before, now: double * now - before)
    return dt.where(degree <= TRIGONOMETRIC, small, closed(x, degree)) if (degree > TRIGONOMETRIC).any() else small


def _parts(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The angles of which x is the cosine and |x| the hyperbolic cosine, and where the first holds."""
    inside = dt.abs(x) < 1
    angle = dt.acos(dt.where(inside, x, 0))
    return inside, angle, dt.acosh(dt.where(inside, 1, dt.abs(x)))


def _signed(x: Tensor, degree: Tensor, value: Tensor) -> Tensor:
    """The value, negative for a negative x and an odd degree."""
    odd = degree - 2 * dt.floor(degree / 2) == 1
    return dt.where((x < 0) & odd, -value, value)


def first_kind(x: Tensor, degree: Tensor) -> Tensor:
    inside, angle, growth = _parts(x)
    return dt.where(inside, dt.cos(degree * angle), _signed(x, degree, dt.cosh(degree * growth)))


def second_kind(x: Tensor, degree: Tensor) -> Tensor:
    inside, angle, growth = _parts(x)
    k = degree + 1
    outside = dt.where(growth == 0, k, dt.sinh(k * growth) / dt.sinh(growth))
    return dt.where(inside, dt.sin(k * angle) / dt.sin(angle), _signed(x, degree, outside))


def third_kind(x: Tensor, degree: Tensor) -> Tensor:
    inside, angle, growth = _parts(x)
    k = degree + 0.5
    right = dt.cosh(k * growth) / dt.cosh(growth / 2)
    left = dt.where(growth == 0, degree + k + 0.5, dt.sinh(k * growth) / dt.sinh(growth / 2))
    outside = _signed(x, degree, dt.where(x < 0, left, right))
    return dt.where(inside, dt.cos(k * angle) / dt.cos(angle / 2), outside)


def fourth_kind(x: Tensor, degree: Tensor) -> Tensor:
    return _signed(-dt.ones_like(x), degree, third_kind(-x, degree))
