"""Questions with a plain answer."""

from __future__ import annotations

from .. import checks
from .._core import Tensor, get_op, is_tensor

__all__ = [
    "allclose",
    "equal",
    "get_device",
    "is_complex",
    "is_conj",
    "is_floating_point",
    "is_neg",
    "is_nonzero",
    "is_same_size",
    "is_signed",
    "is_tensor",
    "numel",
    "resolve_conj",
    "resolve_neg",
]

_all, _eq, _isclose = get_op("all"), get_op("eq"), get_op("isclose")


@checks.in_own_name
def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and elements; NaN equals nothing.

    Example:
        >>> dt.equal(dt.tensor([1, 2]), dt.tensor([1, 2]))
        True
    """
    checks.tensors("equal", input=input, other=other)
    return input.shape == other.shape and bool(_all(_eq(input, other)).item())


@checks.in_own_name
def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether all elements of two tensors are close. See `dt.isclose`.

    Example:
        >>> dt.allclose(dt.tensor([1.0]), dt.tensor([1.0 + 1e-6]))
        True
    """
    return bool(_all(_isclose(input, other, rtol, atol, equal_nan)).item())


@checks.in_own_name
def numel(input: Tensor) -> int:
    """How many elements a tensor has.

    Example:
        >>> dt.numel(dt.ones(2, 3))
        6
    """
    return input.numel()


@checks.in_own_name
def is_floating_point(input: Tensor) -> bool:
    """Whether the dtype is a real floating-point one.

    Example:
        >>> dt.is_floating_point(dt.ones(1))
        True
    """
    return input.is_floating_point()


@checks.in_own_name
def is_complex(input: Tensor) -> bool:
    """Whether the dtype is complex.

    Example:
        >>> dt.is_complex(dt.ones(1))
        False
    """
    return input.is_complex()


@checks.in_own_name
def is_conj(input: Tensor) -> bool:
    """Whether the elements are kept as their conjugates: never, `conj()` computes them.

    Example:
        >>> dt.is_conj(dt.tensor([1j]).conj())
        False
    """
    checks.tensors("is_conj", input=input)
    return False


@checks.in_own_name
def is_neg(input: Tensor) -> bool:
    """Whether the elements are kept with the other sign: never, `neg()` computes them.

    Example:
        >>> dt.is_neg(-dt.ones(1))
        False
    """
    checks.tensors("is_neg", input=input)
    return False


@checks.in_own_name
def resolve_conj(input: Tensor) -> Tensor:
    """The tensor itself: no elements are kept as their conjugates (see `dt.is_conj`).

    Example:
        >>> dt.resolve_conj(dt.tensor([1j]).conj()).tolist()
        [-1j]
    """
    checks.tensors("resolve_conj", input=input)
    return input


@checks.in_own_name
def resolve_neg(input: Tensor) -> Tensor:
    """The tensor itself: no elements are kept with the other sign (see `dt.is_neg`).

    Example:
        >>> dt.resolve_neg(-dt.ones(1)).tolist()
        [-1.0]
    """
    checks.tensors("resolve_neg", input=input)
    return input


@checks.in_own_name
def is_signed(input: Tensor) -> bool:
    """Whether the dtype has negative values.

    Example:
        >>> dt.is_signed(dt.ones(1, dtype=dt.uint8))
        False
    """
    return input.is_signed()


@checks.in_own_name
def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape.

    Example:
        >>> dt.is_same_size(dt.ones(2), dt.ones(3))
        False
    """
    return bool(input.shape == other.shape)


@checks.in_own_name
def get_device(input: Tensor) -> int:
    """The index of a tensor's device; -1 on the CPU.

    Example:
        >>> dt.get_device(dt.ones(2))
        -1
    """
    return input.get_device()


@checks.in_own_name
def is_nonzero(input: Tensor) -> bool:
    """Whether the one element of a tensor is not zero.

    Example:
        >>> dt.is_nonzero(dt.tensor([2]))
        True
    """
    if input.numel() != 1:
        raise ValueError(f"is_nonzero: expected a tensor of one element, got shape {tuple(input.shape)}")
    return bool(input.item())
