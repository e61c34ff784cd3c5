"""Print the tables of csrc/kernels/cpu/special_tables.h, computed with 60 digits (pip install mpmath).

    python tools/special_tables.py | clang-format --assume-filename=x.h > csrc/kernels/cpu/special_tables.h

A function is written as a factor with its growth and singularities times a smooth rest, and the rest as a Chebyshev
series over a finite interval of some variable, cut off where its terms no longer show in a double.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mpmath import findroot, mp, mpf  # type: ignore[import-not-found, unused-ignore]

mp.dps = 60
POINTS = 80  # at which a function is sampled
CUT = mpf(2) ** -57

Function = Callable[[Any], Any]


def series(function: Function) -> list[Any]:
    """The Chebyshev coefficients of a function on [-1, 1]; the first is halved, so that the value is their sum."""
    angles = [mp.pi * (k + mpf(1) / 2) / POINTS for k in range(POINTS)]
    values = [function(mp.cos(angle)) for angle in angles]
    found = [
        2 * mp.fsum(value * mp.cos(n * angle) for value, angle in zip(values, angles, strict=True)) / POINTS
        for n in range(POINTS)
    ]
    found[0] /= 2
    least = min(abs(value) for value in values)
    while abs(found[-1]) < CUT * least:
        found.pop()
    assert len(found) < POINTS - 10, "the series does not converge: choose another interval"
    return found


def over(function: Function, low: Any, high: Any) -> list[Any]:
    """Of x in [low, high]."""
    low, high = mpf(low), mpf(high)
    return series(lambda t: function((high + low + (high - low) * t) / 2))


def beyond(function: Function, low: Any, power: int = 1) -> list[Any]:
    """Of x in [low, infinity), as a series in (low / x) ** power. At infinity the function is never asked."""
    low = mpf(low)
    return series(lambda t: function(low / ((1 + t) / 2) ** (mpf(1) / power)))


def over_waves(function: Function, low: Any, high: Any) -> list[Any]:
    """Of a function with zeros, where only the absolute error counts."""
    found = over(lambda x: function(x) + 3, low, high)
    found[0] -= 3
    return found


# ---- the functions ---------------------------------------------------------------------------------------------

DIGAMMA_ROOT = findroot(mp.digamma, 1.4616)


def erfcx(x: Any) -> Any:
    """By the continued fraction where exp(x ** 2) would be huge."""
    if x < 12:
        return mp.exp(x * x) * mp.erfc(x)
    rest = mpf(0)
    for k in range(400, 0, -1):
        rest = (mpf(k) / 2) / (x + rest)
    return 1 / (mp.sqrt(mp.pi) * (x + rest))


def airy_angle(zeta: Any) -> tuple[Any, Any, Any, Any]:
    """sqrt(pi) x^(1/4) times Ai(-x) and Bi(-x), and the sine and cosine of zeta + pi/4, at 2/3 x^(3/2) = zeta."""
    x = (3 * zeta / 2) ** (mpf(2) / 3)
    scale = mp.sqrt(mp.pi) * x ** (mpf(1) / 4)
    angle = zeta + mp.pi / 4
    return scale * mp.airyai(-x), scale * mp.airybi(-x), mp.sin(angle), mp.cos(angle)


def airy_even(zeta: Any) -> Any:
    a, b, sine, cosine = airy_angle(zeta)
    return a * sine + b * cosine


def airy_odd(zeta: Any) -> Any:
    a, b, sine, cosine = airy_angle(zeta)
    return zeta * (b * sine - a * cosine)


def airy_slope_angle(zeta: Any) -> tuple[Any, Any, Any, Any]:
    """The same of sqrt(pi) x^(-1/4) times Ai'(-x) and Bi'(-x)."""
    x = (3 * zeta / 2) ** (mpf(2) / 3)
    scale = mp.sqrt(mp.pi) * x ** (-mpf(1) / 4)
    angle = zeta + mp.pi / 4
    return scale * mp.airyai(-x, derivative=1), scale * mp.airybi(-x, derivative=1), mp.sin(angle), mp.cos(angle)


def airy_slope_even(zeta: Any) -> Any:
    a, b, sine, cosine = airy_slope_angle(zeta)
    return b * sine - a * cosine


def airy_slope_odd(zeta: Any) -> Any:
    a, b, sine, cosine = airy_slope_angle(zeta)
    return -zeta * (a * sine + b * cosine)


def airy_decay(zeta: Any) -> Any:
    x = (3 * zeta / 2) ** (mpf(2) / 3)
    return 2 * mp.sqrt(mp.pi) * x ** (mpf(1) / 4) * mp.exp(zeta) * mp.airyai(x)


def airy_slope_decay(zeta: Any) -> Any:
    x = (3 * zeta / 2) ** (mpf(2) / 3)
    return -2 * mp.sqrt(mp.pi) * x ** (-mpf(1) / 4) * mp.exp(zeta) * mp.airyai(x, derivative=1)


def analytic_k0(square: Any) -> Any:
    """K0 without its logarithm."""
    x = mp.sqrt(square)
    return mp.besselk(0, x) + mp.log(x / 2) * mp.besseli(0, x)


def analytic_k1(square: Any) -> Any:
    x = mp.sqrt(square)
    return x * mp.besselk(1, x) - x * mp.log(x / 2) * mp.besseli(1, x)


def scaled_k(order: int) -> Function:
    return lambda x: mp.sqrt(x) * mp.exp(x) * mp.besselk(order, x)


def scaled_i(order: int) -> Function:
    return lambda x: mp.sqrt(x) * mp.exp(-x) * mp.besseli(order, x)


AIRY_DECAY_FROM = mpf(2) / 3 * mpf(2) ** mpf("1.5")  # zeta at x = 2
AIRY_WAVES_FROM = mpf(2) / 3 * mpf(4) ** mpf("1.5")  # at x = -4


def digamma_rest(x: Any) -> Any:
    return mp.digamma(x) / (x - DIGAMMA_ROOT)


def log_gamma_rest(a: Any) -> Any:
    return mp.loggamma(1 + a) / (a * (a - 1))


def erfcx_rest(t: Any) -> Any:
    x = mpf(15) / 4 * (1 + t) / (1 - t)
    return (1 + 2 * x) * erfcx(x)


def near_i0(x: Any) -> Any:
    return (x + 4) * mp.exp(-x) * mp.besseli(0, x)


def near_i1(x: Any) -> Any:
    return (x + 1) * mp.exp(-x) * mp.besseli(1, x) / x


def airy_slope(x: Any) -> Any:
    return mp.airyai(x, derivative=1)


def grown(function: Function) -> Function:
    return lambda x: mp.exp(x) * function(x)


SERIES: dict[str, tuple[str, Callable[[], list[Any]]]] = {
    "kDigamma": ("digamma(x) / (x - kDigammaRoot), 1 <= x <= 2", lambda: over(digamma_rest, 1, 2)),
    "kLogGamma": (
        "log gamma(1 + a) / (a (a - 1)), 0 <= a <= 5/4",
        lambda: over(log_gamma_rest, 0, mpf(5) / 4),
    ),
    "kErfcx": (
        "(1 + 2 x) erfcx(x), x >= 0, by t = (x - 15/4) / (x + 15/4): Shepherd and Laframboise, Math. Comp. 36 (1981)",
        lambda: series(erfcx_rest),
    ),
    "kI0Near": ("(x + 4) e^-x I0(x), 0 <= x <= 8", lambda: over(near_i0, 0, 8)),
    "kI0Far": ("sqrt(x) e^-x I0(x), x >= 8, by 8 / x", lambda: beyond(scaled_i(0), 8)),
    "kI1Near": ("(x + 1) e^-x I1(x) / x, 0 <= x <= 8", lambda: over(near_i1, 0, 8)),
    "kI1Far": ("sqrt(x) e^-x I1(x), x >= 8, by 8 / x", lambda: beyond(scaled_i(1), 8)),
    "kK0Near": ("K0(x) + log(x / 2) I0(x), 0 <= x <= 2, by x^2", lambda: over(analytic_k0, 0, 4)),
    "kK0Far": ("sqrt(x) e^x K0(x), x >= 2, by 2 / x", lambda: beyond(scaled_k(0), 2)),
    "kK1Near": ("x K1(x) - x log(x / 2) I1(x), 0 <= x <= 2, by x^2", lambda: over(analytic_k1, 0, 4)),
    "kK1Far": ("sqrt(x) e^x K1(x), x >= 2, by 2 / x", lambda: beyond(scaled_k(1), 2)),
    "kAiryDecay": (
        "2 sqrt(pi) x^(1/4) e^z Ai(x), x >= 2, by z = 2/3 x^(3/2)",
        lambda: beyond(airy_decay, AIRY_DECAY_FROM),
    ),
    "kAiryRight": ("e^x Ai(x), 0 <= x <= 2", lambda: over(grown(mp.airyai), 0, 2)),
    "kAiryLeft": ("Ai(x), -4 <= x <= 0", lambda: over_waves(mp.airyai, -4, 0)),
    "kAiryEven": (
        "the even part of Ai(-x), x >= 4, by z^-2 (DLMF 9.7.9)",
        lambda: beyond(airy_even, AIRY_WAVES_FROM, 2),
    ),
    "kAiryOdd": ("z times the odd part of Ai(-x)", lambda: beyond(airy_odd, AIRY_WAVES_FROM, 2)),
    "kAirySlopeDecay": ("-2 sqrt(pi) x^(-1/4) e^z Ai'(x), x >= 2", lambda: beyond(airy_slope_decay, AIRY_DECAY_FROM)),
    "kAirySlopeRight": ("e^x Ai'(x), 0 <= x <= 2", lambda: over(grown(airy_slope), 0, 2)),
    "kAirySlopeLeft": ("Ai'(x), -4 <= x <= 0", lambda: over_waves(airy_slope, -4, 0)),
    "kAirySlopeEven": (
        "the even part of Ai'(-x), x >= 4 (DLMF 9.7.10)",
        lambda: beyond(airy_slope_even, AIRY_WAVES_FROM, 2),
    ),
    "kAirySlopeOdd": ("z times the odd part of Ai'(-x)", lambda: beyond(airy_slope_odd, AIRY_WAVES_FROM, 2)),
}


def temme(orders: int, terms: int) -> list[list[Any]]:
    """d[k][n] of the incomplete gamma function's uniform expansion: DLMF 8.12.9 to 8.12.14."""
    count = terms + 2 * orders + 2
    alpha = [mpf(0), mpf(1), mpf(1) / 3, mpf(1) / 36]
    for n in range(4, count + 3):
        products = mp.fsum(j * alpha[j] * alpha[n - j + 1] for j in range(2, n))
        alpha.append((alpha[n - 1] - products) / (n + 1))
    first = [-mpf(1) / 3] + [(n + 2) * alpha[n + 2] for n in range(1, count)]
    # gamma(z) = sqrt(2 pi) e^-z z^(z - 1/2) sum g_k / z^k: DLMF 5.11.4 to 5.11.6
    a = [mp.sqrt(2) / 2]
    for k in range(1, 2 * orders + 1):
        a.append(
            (a[k - 1] / k - mp.fsum(a[j] * a[k - j] / (j + 1) for j in range(1, k))) / (a[0] * (1 + mpf(1) / (k + 1)))
        )
    g = [mp.sqrt(2) * mp.rf(mpf(1) / 2, k) * a[2 * k] for k in range(orders)]
    rows = [first]
    for k in range(1, orders):
        last = rows[-1]
        rows.append([(-1) ** k * g[k] * first[n] + (n + 2) * last[n + 2] for n in range(len(last) - 2)])
    return [row[:terms] for row in rows]


# ---- printing --------------------------------------------------------------------------------------------------


def number(value: Any) -> str:
    return repr(float(value))


def numbers(values: list[Any], margin: str) -> str:
    lines, line = [], margin
    for value in values:
        text = number(value) + ", "
        if len(line) + len(text) > 118:
            lines.append(line.rstrip())
            line = margin
        line += text
    return "\n".join([*lines, line.rstrip().removesuffix(",")])


def main() -> None:
    root = float(DIGAMMA_ROOT)
    print(
        "// Printed by tools/special_tables.py; do not edit. Chebyshev series, to be summed by series() of special.h."
    )
    print("#pragma once\n")
    print("namespace dovetail::cpu {\n")
    print("// Where digamma is zero: the double, and the rest.")
    print(f"constexpr double kDigammaRoot = {number(root)}, kDigammaRootLow = {number(DIGAMMA_ROOT - mpf(root))};\n")
    for name, (comment, make) in SERIES.items():
        print(f"// {comment}.\nconstexpr double {name}[] = {{\n{numbers(make(), '    ')}}};\n")
    print("// The coefficients d[k][n] of the incomplete gamma function's uniform expansion (DLMF 8.12).")
    rows = temme(20, 20)
    print(f"constexpr double kTemme[{len(rows)}][{len(rows[0])}] = {{")
    print(",\n".join(f"    {{\n{numbers(row, '        ')}}}" for row in rows) + "};\n")
    print("// B[2j] / (2j)!, of the Euler-Maclaurin formula.")
    bernoulli = [mp.bernoulli(2 * j) / mp.factorial(2 * j) for j in range(1, 13)]
    print(f"constexpr double kEulerMaclaurin[] = {{\n{numbers(bernoulli, '    ')}}};\n")
    print("}  // namespace dovetail::cpu")


if __name__ == "__main__":
    main()
