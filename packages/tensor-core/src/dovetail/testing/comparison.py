"""Comparing values that should be close, with a message that says how far they are apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import dovetail as dt
from dovetail import Tensor, checks

__all__ = ["assert_close", "default_tolerances"]

# (rtol, atol) by dtype; what is not listed must be equal.
_TOLERANCES = {
    "float16": (1e-3, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float32": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7),
    "complex64": (1.3e-6, 1e-5),
    "complex128": (1e-7, 1e-7),
}


def default_tolerances(*dtypes: dt.dtype) -> tuple[float, float]:
    """The loosest (rtol, atol) that `assert_close` uses for these dtypes.

    Example:
        >>> dt.testing.default_tolerances(dt.float32)
        (1.3e-06, 1e-05)
    """
    pairs = [_TOLERANCES.get(each.name, (0.0, 0.0)) for each in dtypes]
    return max(pair[0] for pair in pairs), max(pair[1] for pair in pairs)


@checks.in_own_name
def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Raise AssertionError unless two values are close.

        |actual - expected| <= atol + rtol * |expected|

    Args:
        actual, expected: tensors, numbers, what a tensor can be made of (NumPy arrays), or sequences and mappings of
            them, which are compared item by item.
        allow_subclasses: whether one tensor's type may be a subclass of the other's.
        rtol, atol: given together; by default they follow from the dtypes (see `default_tolerances`).
        equal_nan: whether two NaNs are close.
        check_device, check_dtype, check_stride: whether these must be the same.
        msg: the error's text, or a function that makes it of the text that there would be.

    Example:
        >>> dt.testing.assert_close(dt.tensor([1.0]), dt.tensor([1.0 + 1e-7]))
        >>> dt.testing.assert_close(dt.tensor([1.0, 2.0]), dt.tensor([1.0, 3.0]))
        Traceback (most recent call last):
        AssertionError: Tensor-likes are not close!
        ...
    """
    if (rtol is None) != (atol is None):
        raise ValueError(f"assert_close: rtol and atol must be given together, got rtol={rtol}, atol={atol}")
    comparison = _Comparison(allow_subclasses, rtol, atol, equal_nan, check_device, check_dtype, check_stride)
    try:
        comparison.compare(actual, expected, "")
    except _Mismatch as mismatch:
        text = str(mismatch)
        if msg is not None:
            text = msg(text) if callable(msg) else msg
        raise AssertionError(text) from None


class _Mismatch(Exception):
    pass


class _Comparison:
    def __init__(
        self,
        allow_subclasses: bool,
        rtol: float | None,
        atol: float | None,
        equal_nan: bool,
        check_device: bool,
        check_dtype: bool,
        check_stride: bool,
    ) -> None:
        self.allow_subclasses = allow_subclasses
        self.rtol, self.atol = rtol, atol
        self.equal_nan = equal_nan
        self.check_device, self.check_dtype, self.check_stride = check_device, check_dtype, check_stride

    def compare(self, actual: Any, expected: Any, where: str) -> None:
        if isinstance(actual, Mapping) and isinstance(expected, Mapping):
            return self._mappings(actual, expected, where)
        if _is_sequence(actual) and _is_sequence(expected):
            return self._sequences(actual, expected, where)
        if actual is None or expected is None:
            if actual is not expected:
                self._fail(f"None mismatch: {actual!r} is not {expected!r}", where)
            return None
        if isinstance(actual, (bool, str)) or isinstance(expected, (bool, str)):
            if actual is not expected and actual != expected:
                kind = "Booleans" if isinstance(actual, bool) else "Values"
                self._fail(f"{kind} mismatch: {actual!r} is not {expected!r}", where)
            return None
        if isinstance(actual, (int, float, complex)) and isinstance(expected, (int, float, complex)):
            return self._numbers(actual, expected, where)
        return self._tensors(self._tensor(actual, where), self._tensor(expected, where), where)

    # ---- containers ----

    def _mappings(self, actual: Mapping[Any, Any], expected: Mapping[Any, Any], where: str) -> None:
        if actual.keys() != expected.keys():
            missing = sorted(map(repr, expected.keys() - actual.keys()))
            extra = sorted(map(repr, actual.keys() - expected.keys()))
            self._fail(
                "The keys of the mappings do not match:\n"
                f"Missing keys in the actual mapping: {missing}\nAdditional keys in the actual mapping: {extra}",
                where,
            )
        for key in expected:
            self.compare(actual[key], expected[key], f"{where}[{key!r}]")

    def _sequences(self, actual: Sequence[Any], expected: Sequence[Any], where: str) -> None:
        if len(actual) != len(expected):
            self._fail(f"The length of the sequences mismatch: {len(actual)} != {len(expected)}", where)
        for i, (one, other) in enumerate(zip(actual, expected, strict=True)):
            self.compare(one, other, f"{where}[{i}]")

    # ---- values ----

    def _tensor(self, value: Any, where: str) -> Tensor:
        if isinstance(value, Tensor):
            return value.detach()
        try:
            return dt.as_tensor(value)
        except (TypeError, ValueError, RuntimeError) as error:
            raise TypeError(
                f"assert_close: {type(value).__name__}{' at ' + where if where else ''} can't be compared: {error}"
            ) from error

    def _numbers(self, actual: complex, expected: complex, where: str) -> None:
        if self.check_dtype and type(actual) is not type(expected):
            self._fail(f"The (d)types do not match: {type(actual)} != {type(expected)}", where)
        rtol, atol = self._tolerances(*(_number_dtype(value) for value in (actual, expected)))
        if actual == expected or (self.equal_nan and actual != actual and expected != expected):
            return
        difference = abs(actual - expected)
        if difference <= atol + rtol * abs(expected) and difference != float("inf"):
            return
        if rtol == atol == 0:
            self._fail(
                f"Scalars are not equal!\n\nExpected {expected} but got {actual}.\n"
                f"Absolute difference: {difference}\nRelative difference: {_ratio(difference, expected)}",
                where,
            )
        self._fail(
            f"Scalars are not close!\n\nExpected {expected} but got {actual}.\n"
            f"Absolute difference: {difference} (up to {atol} allowed)\n"
            f"Relative difference: {_ratio(difference, expected)} (up to {rtol} allowed)",
            where,
        )

    def _tensors(self, actual: Tensor, expected: Tensor, where: str) -> None:
        if not self.allow_subclasses and type(actual) is not type(expected):
            self._fail(f"The types do not match: {type(actual)} != {type(expected)}", where)
        if actual.shape != expected.shape:
            self._fail(
                f"The values for attribute 'shape' do not match: {tuple(actual.shape)} != {tuple(expected.shape)}.",
                where,
            )
        for attribute in ("device", "dtype"):
            one, other = getattr(actual, attribute), getattr(expected, attribute)
            if getattr(self, f"check_{attribute}") and one != other:
                self._fail(f"The values for attribute '{attribute}' do not match: {one} != {other}.", where)
        if self.check_stride and actual.stride() != expected.stride():
            self._fail(
                f"The values for attribute 'stride()' do not match: {actual.stride()} != {expected.stride()}.", where
            )
        rtol, atol = self._tolerances(actual.dtype, expected.dtype)
        common = dt.promote_types(actual.dtype, expected.dtype)
        self._elements(actual.to("cpu", common), expected.to("cpu", common), rtol, atol, where)

    def _elements(self, actual: Tensor, expected: Tensor, rtol: float, atol: float, where: str) -> None:
        if actual.dtype == dt.bool or not (rtol or atol):
            close = actual == expected
            if self.equal_nan and actual.dtype.is_floating_point:
                close = close | (dt.isnan(actual) & dt.isnan(expected))
        else:
            close = dt.isclose(actual, expected, rtol, atol, self.equal_nan)
        if bool(close.all()):
            return
        self._fail(_report(actual, expected, ~close, rtol, atol), where)

    def _tolerances(self, *dtypes: dt.dtype) -> tuple[float, float]:
        if self.rtol is not None and self.atol is not None:
            return self.rtol, self.atol
        return default_tolerances(*dtypes)

    def _fail(self, text: str, where: str) -> NoReturn:
        raise _Mismatch(f"{text}\n\nThe failure occurred for item {where}" if where else text)


def _is_sequence(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


_NUMBERS = {complex: dt.complex128, float: dt.float64}


def _number_dtype(value: complex) -> dt.dtype:
    return _NUMBERS.get(type(value), dt.int64)


def _ratio(difference: float, expected: complex) -> float:
    return difference / abs(expected) if expected else float("inf")


# ---- how far two tensors are apart ----


def _report(actual: Tensor, expected: Tensor, bad: Tensor, rtol: float, atol: float) -> str:
    exact = not (rtol or atol)
    heading = "Tensor-likes are not equal!" if exact else "Tensor-likes are not close!"
    if actual.ndim == 0:
        heading = heading.replace("Tensor-likes", "Scalars")
    count, total = int(bad.sum().item()), bad.numel()
    text = f"{heading}\n\n"
    if actual.ndim:
        text += f"Mismatched elements: {count} / {total} ({count / total:.1%})\n"
    else:
        text += f"Expected {expected.item()} but got {actual.item()}.\n"
    wide = dt.complex128 if actual.dtype.is_complex else dt.float64
    actual, expected = actual.to(wide), expected.to(wide)
    difference = dt.abs(actual - expected)
    # Where the difference is allowed it does not count.
    difference = dt.where(bad, difference, 0.0)
    relative = dt.where(bad, difference / dt.abs(expected), 0.0)
    kinds = ("Greatest absolute difference", "Greatest relative difference")
    if not actual.ndim:
        kinds = ("Absolute difference", "Relative difference")
    lines = []
    for kind, values, allowed in zip(kinds, (difference, relative), (atol, rtol), strict=True):
        flat = values.reshape([-1])
        place = int(dt.argmax(flat).item())
        at = f" at index {_place(place, tuple(actual.shape))}" if actual.ndim else ""
        limit = "" if exact else f" (up to {allowed} allowed)"
        lines.append(f"{kind}: {flat[place].item()}{at}{limit}")
    return text + "\n".join(lines)


def _place(flat: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    places = []
    for size in reversed(shape):
        flat, place = divmod(flat, size)
        places.append(place)
    return tuple(reversed(places))
