"""Orthogonal polynomials. Public in dovetail.special."""

from __future__ import annotations

import math
from collections.abc import Callable

import dovetail as dt
from dovetail import Tensor
from dovetail.ops import op
from dovetail.ops._polynomials import (
    Degree,
    Polynomial,
    by_recurrence,
    chebyshev,
    evaluated,
    first_kind,
    fourth_kind,
    second_kind,
    third_kind,
)

# Beyond this degree Hermite's polynomials overflow float64.
_HIGHEST_OF_HERMITE = 512

# By the kind: the polynomial of degree 1, and any in closed form.
_KINDS: dict[str, tuple[Callable[[Tensor], Tensor], Polynomial]] = {
    "t": (lambda x: x, first_kind),
    "u": (lambda x: x + x, second_kind),
    "v": (lambda x: x + x - 1, third_kind),
    "w": (lambda x: x + x + 1, fourth_kind),
}


def _chebyshev(name: str, x: Tensor, n: Tensor) -> Tensor:
    first, closed = _KINDS[name[-1]]

    def polynomial(x: Tensor, degree: Degree) -> Tensor:
        x = x + x - 1 if "shifted" in name else x
        return chebyshev(name, x, degree, first(x), closed)

    return evaluated(name, x, n, polynomial)


def _hermite(name: str, x: Tensor, n: Tensor, factor: int) -> Tensor:
    def polynomial(x: Tensor, degree: Degree) -> Tensor:
        x = factor * x

        def found(degree: Degree) -> Tensor:
            return by_recurrence(name, degree, x, lambda k, before, now: x * now - factor * k * before)

        if isinstance(degree, int):
            return found(degree) if degree <= _HIGHEST_OF_HERMITE else dt.full_like(x, math.nan)
        beyond = degree > _HIGHEST_OF_HERMITE
        return dt.where(beyond, math.nan, found(dt.where(beyond, 0, degree)))

    return evaluated(name, x, n, polynomial)


@op("special_chebyshev_polynomial_t(Tensor x, Tensor n) -> Tensor", internal=True, out=True, elementwise=True)
def special_chebyshev_polynomial_t(x: Tensor, n: Tensor) -> Tensor:
    """Chebyshev polynomials of the first kind.

        T_n(cos t) = cos(n t)

    Args:
        x: a tensor, or a number beside a tensor of degrees. Integers and bool become the default float.
        n: the degree, one or a tensor of them, broadcast against x; fractions are cut off.

    The result is 0 for a negative degree, and has no derivative.

    Raises:
        TypeError: x or n is complex.

    Example:
        >>> dt.special.chebyshev_polynomial_t(dt.tensor([0.0, 0.5, 1.0]), 2).tolist()
        [-1.0, -0.5, 1.0]
    """
    return _chebyshev("special_chebyshev_polynomial_t", x, n)


@op("special_chebyshev_polynomial_u(Tensor x, Tensor n) -> Tensor", internal=True, out=True, elementwise=True)
def special_chebyshev_polynomial_u(x: Tensor, n: Tensor) -> Tensor:
    """Chebyshev polynomials of the second kind.

        U_n(cos t) = sin((n + 1) t) / sin(t)

    Args:
        x: a tensor, or a number beside a tensor of degrees. Integers and bool become the default float.
        n: the degree, one or a tensor of them, broadcast against x; fractions are cut off.

    The result is 0 for a negative degree, and has no derivative.

    Raises:
        TypeError: x or n is complex.

    Example:
        >>> dt.special.chebyshev_polynomial_u(dt.tensor([0.0, 0.5, 1.0]), 2).tolist()
        [-1.0, 0.0, 3.0]
    """
    return _chebyshev("special_chebyshev_polynomial_u", x, n)


@op("special_chebyshev_polynomial_v(Tensor x, Tensor n) -> Tensor", internal=True, out=True, elementwise=True)
def special_chebyshev_polynomial_v(x: Tensor, n: Tensor) -> Tensor:
    """Chebyshev polynomials of the third kind.

        V_n(cos t) = cos((n + 1/2) t) / cos(t / 2)

    Args:
        x: a tensor, or a number beside a tensor of degrees. Integers and bool become the default float.
        n: the degree, one or a tensor of them, broadcast against x; fractions are cut off.

    The result is 0 for a negative degree, and has no derivative.

    Raises:
        TypeError: x or n is complex.

    Example:
        >>> dt.special.chebyshev_polynomial_v(dt.tensor([0.0, 0.5, 1.0]), 2).tolist()
        [-1.0, -1.0, 1.0]
    """
    return _chebyshev("special_chebyshev_polynomial_v", x, n)


@op("special_chebyshev_polynomial_w(Tensor x, Tensor n) -> Tensor", internal=True, out=True, elementwise=True)
def special_chebyshev_polynomial_w(x: Tensor, n: Tensor) -> Tensor:
    """Chebyshev polynomials of the fourth kind.

        W_n(cos t) = sin((n + 1/2) t) / sin(t / 2)

    Args:
        x: a tensor, or a number beside a tensor of degrees. Integers and bool become the default float.
        n: the degree, one or a tensor of them, broadcast against x; fractions are cut off.

    The result is 0 for a negative degree, and has no derivative.

    Raises:
        TypeError: x or n is complex.

    Example:
        >>> dt.special.chebyshev_polynomial_w(dt.tensor([0.0, 0.5, 1.0]), 2).tolist()
        [-1.0, 1.0, 5.0]
    """
    return _chebyshev("special_chebyshev_polynomial_w", x, n)


@op(
    "special_shifted_chebyshev_polynomial_t(Tensor x, Tensor n) -> Tensor",
    internal=True,
    out=True,
    elementwise=True,
)
def special_shifted_chebyshev_polynomial_t(x: Tensor, n: Tensor) -> Tensor:
    """Chebyshev polynomials of the first kind, shifted to [0, 1].

        T*_n(x) = T_n(2 x - 1)

    Args:
        x: a tensor, or a number beside a tensor of degrees. Integers and bool become the default float.
        n: the degree, one or a tensor of them, broadcast against x; fractions are cut off.

    The result is 0 for a negative degree, and has no derivative.

    Raises:
        TypeError: x or n is complex.

    Example:
        >>> dt.special.shifted_chebyshev_polynomial_t(dt.tensor([0.0, 0.5, 1.0]), 2).tolist()
        [1.0, -1.0, 1.0]
    """
    return _chebyshev("special_shifted_chebyshev_polynomial_t", x, n)


@op(
    "special_shifted_chebyshev_polynomial_u(Tensor x, Tensor n) -> Tensor",
    internal=True,
    out=True,
    elementwise=True,
)
def special_shifted_chebyshev_polynomial_u(x: Tensor, n: Tensor) -> Tensor:
    """Chebyshev polynomials of the second kind, shifted to [0, 1].

        U*_n(x) = U_n(2 x - 1)

    Args:
        x: a tensor, or a number beside a tensor of degrees. Integers and bool become the default float.
        n: the degree, one or a tensor of them, broadcast against x; fractions are cut off.

    The result is 0 for a negative degree, and has no derivative.

    Raises:
        TypeError: x or n is complex.

    Example:
        >>> dt.special.shifted_chebyshev_polynomial_u(dt.tensor([0.0, 0.5, 1.0]), 2).tolist()
        [3.0, -1.0, 3.0]
    """
    return _chebyshev("special_shifted_chebyshev_polynomial_u", x, n)


@op(
    "special_shifted_chebyshev_polynomial_v(Tensor x, Tensor n) -> Tensor",
    internal=True,
    out=True,
    elementwise=True,
)
def special_shifted_chebyshev_polynomial_v(x: Tensor, n: Tensor) -> Tensor:
    """Chebyshev polynomials of the third kind, shifted to [0, 1].

        V*_n(x) = V_n(2 x - 1)

    Args:
        x: a tensor, or a number beside a tensor of degrees. Integers and bool become the default float.
        n: the degree, one or a tensor of them, broadcast against x; fractions are cut off.

    The result is 0 for a negative degree, and has no derivative.

    Raises:
        TypeError: x or n is complex.

    Example:
        >>> dt.special.shifted_chebyshev_polynomial_v(dt.tensor([0.0, 0.5, 1.0]), 2).tolist()
        [5.0, -1.0, 1.0]
    """
    return _chebyshev("special_shifted_chebyshev_polynomial_v", x, n)


@op(
    "special_shifted_chebyshev_polynomial_w(Tensor x, Tensor n) -> Tensor",
    internal=True,
    out=True,
    elementwise=True,
)
def special_shifted_chebyshev_polynomial_w(x: Tensor, n: Tensor) -> Tensor:
    """Chebyshev polynomials of the fourth kind, shifted to [0, 1].

        W*_n(x) = W_n(2 x - 1)

    Args:
        x: a tensor, or a number beside a tensor of degrees. Integers and bool become the default float.
        n: the degree, one or a tensor of them, broadcast against x; fractions are cut off.

    The result is 0 for a negative degree, and has no derivative.

    Raises:
        TypeError: x or n is complex.

    Example:
        >>> dt.special.shifted_chebyshev_polynomial_w(dt.tensor([0.0, 0.5, 1.0]), 2).tolist()
        [1.0, -1.0, 5.0]
    """
    return _chebyshev("special_shifted_chebyshev_polynomial_w", x, n)


@op("special_hermite_polynomial_h(Tensor x, Tensor n) -> Tensor", internal=True, out=True, elementwise=True)
def special_hermite_polynomial_h(x: Tensor, n: Tensor) -> Tensor:
    """Hermite polynomials, the physicists'.

        H_{n+1}(x) = 2 x H_n(x) - 2 n H_{n-1}(x)

    Args:
        x: a tensor, or a number beside a tensor of degrees. Integers and bool become the default float.
        n: the degree, one or a tensor of them, broadcast against x; fractions are cut off.

    The result is 0 for a negative degree, and has no derivative.

    Raises:
        TypeError: x or n is complex.

    Example:
        >>> dt.special.hermite_polynomial_h(dt.tensor([0.0, 0.5, 1.0]), 2).tolist()
        [-2.0, -1.0, 2.0]
    """
    return _hermite("special_hermite_polynomial_h", x, n, 2)


@op("special_hermite_polynomial_he(Tensor x, Tensor n) -> Tensor", internal=True, out=True, elementwise=True)
def special_hermite_polynomial_he(x: Tensor, n: Tensor) -> Tensor:
    """Hermite polynomials, the probabilists'.

        He_{n+1}(x) = x He_n(x) - n He_{n-1}(x)

    Args:
        x: a tensor, or a number beside a tensor of degrees. Integers and bool become the default float.
        n: the degree, one or a tensor of them, broadcast against x; fractions are cut off.

    The result is 0 for a negative degree, and has no derivative.

    Raises:
        TypeError: x or n is complex.

    Example:
        >>> dt.special.hermite_polynomial_he(dt.tensor([0.0, 0.5, 1.0]), 2).tolist()
        [-1.0, -0.75, 0.0]
    """
    return _hermite("special_hermite_polynomial_he", x, n, 1)


@op("special_laguerre_polynomial_l(Tensor x, Tensor n) -> Tensor", internal=True, out=True, elementwise=True)
def special_laguerre_polynomial_l(x: Tensor, n: Tensor) -> Tensor:
    """Laguerre polynomials.

        (n + 1) L_{n+1}(x) = (2 n + 1 - x) L_n(x) - n L_{n-1}(x)

    Args:
        x: a tensor, or a number beside a tensor of degrees. Integers and bool become the default float.
        n: the degree, one or a tensor of them, broadcast against x; fractions are cut off.

    The result is 0 for a negative degree, and has no derivative.

    Raises:
        TypeError: x or n is complex.
        ValueError: n is beyond 131072.

    Example:
        >>> dt.special.laguerre_polynomial_l(dt.tensor([0.0, 0.5, 1.0]), 2).tolist()
        [1.0, 0.125, -0.5]
    """
    name = "special_laguerre_polynomial_l"

    def polynomial(x: Tensor, degree: Degree) -> Tensor:
        first = 1 - x
        return by_recurrence(name, degree, first, lambda k, before, now: ((first + 2 * k) * now - k * before) / (k + 1))

    return evaluated(name, x, n, polynomial)


@op("special_legendre_polynomial_p(Tensor x, Tensor n) -> Tensor", internal=True, out=True, elementwise=True)
def special_legendre_polynomial_p(x: Tensor, n: Tensor) -> Tensor:
    """Legendre polynomials.

        (n + 1) P_{n+1}(x) = (2 n + 1) x P_n(x) - n P_{n-1}(x)

    Args:
        x: a tensor, or a number beside a tensor of degrees. Integers and bool become the default float.
        n: the degree, one or a tensor of them, broadcast against x; fractions are cut off.

    The result is 0 for a negative degree, and has no derivative.

    Raises:
        TypeError: x or n is complex.
        ValueError: n is beyond 131072.

    Example:
        >>> dt.special.legendre_polynomial_p(dt.tensor([0.0, 0.5, 1.0]), 2).tolist()
        [-0.5, -0.125, 1.0]
    """
    name = "special_legendre_polynomial_p"

    def polynomial(x: Tensor, degree: Degree) -> Tensor:
        return by_recurrence(name, degree, x, lambda k, before, now: ((2 * k + 1) * (x * now) - k * before) / (k + 1))

    return evaluated(name, x, n, polynomial)
