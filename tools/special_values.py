"""Print tests/ops/special_values.json: special functions computed with 50 digits (pip install mpmath).

    python tools/special_values.py > tests/ops/special_values.json

Of every op, a list of calls: the arguments, then the value. Every other argument is one that float32 holds.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from mpmath import findroot, mp, mpf  # type: ignore[import-not-found, unused-ignore]

mp.dps = 50
COUNT = 14  # calls of a range

Function = Callable[..., Any]
Draw = Callable[[Random], tuple[float, ...]]


# ---- where ---------------------------------------------------------------------------------------------------


def even(*bounds: tuple[float, float]) -> Draw:
    return lambda rng: tuple(rng.uniform(low, high) for low, high in bounds)


def powers(*bounds: tuple[float, float], sign: int = 1) -> Draw:
    """Powers of ten, drawn evenly."""
    return lambda rng: tuple(sign * 10 ** rng.uniform(low, high) for low, high in bounds)


def near_the_diagonal(low: float, high: float) -> Draw:
    """A number, and one that is a few of its square roots away."""

    def draw(rng: Random) -> tuple[float, ...]:
        a = 10 ** rng.uniform(low, high)
        return a, a + rng.uniform(-4, 4) * a**0.5

    return draw


def orders(most: int, draw: Draw) -> Draw:
    """An order after the argument."""
    return lambda rng: (*draw(rng), rng.randint(1, most))


# ---- what ----------------------------------------------------------------------------------------------------


def erfcx(x: Any) -> Any:
    with mp.workdps(80):
        if x < 1e3:
            return mp.exp(x * x) * mp.erfc(x)
        return sum((-1) ** k * mp.fac2(2 * k - 1) / (2 * x * x) ** k for k in range(8)) / (mp.sqrt(mp.pi) * x)


def ndtr(x: Any) -> Any:
    return mp.erfc(-x / mp.sqrt(2)) / 2


def log_ndtr(x: Any) -> Any:
    return mp.log1p(-ndtr(-x)) if x > 0 else mp.log(ndtr(x))


def ndtri(p: Any) -> Any:
    """By bisection's logarithm at first: p may be tiny."""
    start = -mp.sqrt(-2 * mp.log(p)) if p < 0.5 else mp.sqrt(-2 * mp.log(1 - p))
    return findroot(lambda x: log_ndtr(x) - mp.log(p), start if abs(start) > 1 else mpf(0))


def zeta(s: Any, q: Any) -> Any:
    """Euler and Maclaurin's formula far out."""
    terms, a = 80, q + 80
    total = mp.fsum((q + k) ** -s for k in range(terms)) + a ** (1 - s) / (s - 1) + a**-s / 2
    rest = (
        mp.bernoulli(2 * j) / mp.factorial(2 * j) * mp.rf(s, 2 * j - 1) * a ** (1 - s - 2 * j) for j in range(1, 40)
    )
    return total + mp.fsum(rest)


def bessel(function: Function, order: int) -> Function:
    return lambda x: function(order, x)


def scaled(function: Function, order: int, sign: int) -> Function:
    return lambda x: function(order, x) * mp.exp(sign * abs(x))


def airy_slope(x: Any) -> Any:
    return mp.airyai(x, derivative=1)


def lower(a: Any, x: Any) -> Any:
    return mp.gammainc(a, 0, x, regularized=True)


def upper(a: Any, x: Any) -> Any:
    return mp.gammainc(a, x, mp.inf, regularized=True)


WAVES = [even((-10, 10)), even((10, 1000))]
RIGHT_WAVES = [even((0, 10)), even((10, 1000))]
FIRST_KIND = [even((-8, 8)), even((8, 700)), powers((-290, 0))]
SECOND_KIND = [even((0, 2)), even((2, 700)), powers((-290, 0))]
AIRY = [even((0, 2)), even((2, 100)), even((-4, 0)), even((-30, -4)), powers((1.5, 4), sign=-1)]
GAMMA = [
    even((0, 20), (0, 20)),
    powers((-6, 0.5), (-6, 0.5)),
    near_the_diagonal(1, 4),
    even((20, 200), (20, 400)),
    even((100, 1000), (100, 1000)),
]

TABLE: dict[str, tuple[Function, list[Draw]]] = {
    "airy_ai_slope": (airy_slope, AIRY),
    "digamma": (mp.digamma, [even((0, 1)), even((1, 12)), powers((-300, 300)), even((-20, 0))]),
    "i0": (bessel(mp.besseli, 0), FIRST_KIND),
    "igamma": (lower, GAMMA),
    "igammac": (upper, GAMMA),
    "polygamma": (
        lambda x, n: mp.psi(int(n), x),
        [orders(4, powers((-2, 3))), orders(20, powers((-1, 2))), orders(150, powers((0, 2)))],
    ),
    "special_airy_ai": (mp.airyai, AIRY),
    "special_bessel_j0": (bessel(mp.besselj, 0), WAVES),
    "special_bessel_j1": (bessel(mp.besselj, 1), WAVES),
    "special_bessel_y0": (bessel(mp.bessely, 0), RIGHT_WAVES),
    "special_bessel_y1": (bessel(mp.bessely, 1), RIGHT_WAVES),
    "special_erfcx": (erfcx, [even((0, 5)), even((5, 50)), powers((1, 300)), even((-26, 0))]),
    "special_i0e": (scaled(mp.besseli, 0, -1), FIRST_KIND),
    "special_i1": (bessel(mp.besseli, 1), FIRST_KIND),
    "special_i1e": (scaled(mp.besseli, 1, -1), FIRST_KIND),
    "special_log_ndtr": (log_ndtr, [even((-1, 1)), even((-40, -1)), even((1, 37)), powers((1, 4), sign=-1)]),
    "special_modified_bessel_k0": (bessel(mp.besselk, 0), SECOND_KIND),
    "special_modified_bessel_k1": (bessel(mp.besselk, 1), SECOND_KIND),
    "special_ndtr": (ndtr, [even((-1, 1)), even((-37, -1)), even((1, 8))]),
    "special_ndtri": (ndtri, [even((0, 0.1)), even((0.1, 0.9)), even((0.9, 1)), powers((-300, -1))]),
    "special_scaled_modified_bessel_k0": (scaled(mp.besselk, 0, 1), SECOND_KIND),
    "special_scaled_modified_bessel_k1": (scaled(mp.besselk, 1, 1), SECOND_KIND),
    "special_zeta": (zeta, [even((1.01, 12), (0, 12)), powers((0.1, 2), (-1, 2)), even((2, 8), (1000, 1e8))]),
}


def single(x: float) -> float:
    """The nearest number that float32 holds, where there is one."""
    return struct.unpack("f", struct.pack("f", x))[0] if 1e-30 < abs(x) < 1e30 else x


def calls(name: str) -> Iterator[list[float]]:
    function, draws = TABLE[name]
    rng = Random(name)
    for draw in draws:
        for i in range(COUNT):
            args = draw(rng)
            if i % 2:
                args = tuple(single(arg) if isinstance(arg, float) else arg for arg in args)
            value = function(*(mpf(arg) for arg in args))
            if mpf("1e-300") < abs(value) < mpf("1e300"):
                yield [*args, float(value)]


def main() -> None:
    lines = (f'"{name}": {json.dumps(list(calls(name)))}' for name in TABLE)
    print("{\n" + ",\n".join(lines) + "\n}")


if __name__ == "__main__":
    main()
