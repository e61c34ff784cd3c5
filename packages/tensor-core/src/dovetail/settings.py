"""Seeds, threads, dtypes and other settings and questions that concern no single tensor."""

from __future__ import annotations

import os

from . import _core, checks
from ._core import (
    Generator,
    Size,
    Tensor,
    can_cast,
    device,
    get_default_dtype,
    get_num_threads,
    promote_types,
    set_default_dtype,
    set_num_threads,
)

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


__all__ = [
    "are_deterministic_algorithms_enabled",
    "broadcast_shapes",
    "can_cast",
    "get_default_device",
    "get_default_dtype",
    "get_deterministic_debug_mode",
    "get_float32_matmul_precision",
    "get_include",
    "get_num_interop_threads",
    "get_num_threads",
    "get_rng_state",
    "initial_seed",
    "is_deterministic_algorithms_warn_only_enabled",
    "manual_seed",
    "promote_types",
    "result_type",
    "seed",
    "set_default_device",
    "set_default_dtype",
    "set_deterministic_debug_mode",
    "set_float32_matmul_precision",
    "set_flush_denormal",
    "set_num_interop_threads",
    "set_num_threads",
    "set_rng_state",
    "use_deterministic_algorithms",
]

# ---- random numbers ----


@checks.in_own_name
def manual_seed(seed: int) -> Generator:
    """Seed the default generator, which all devices draw from; returns it.

    Example:
        >>> _ = dt.manual_seed(0)
        >>> a = dt.rand(3)
        >>> _ = dt.manual_seed(0)
        >>> dt.equal(a, dt.rand(3))
        True
    """
    checks.integers("manual_seed", seed=seed)
    return _core.default_generator.manual_seed(seed)


def seed() -> int:
    """Seed the default generator from the system's entropy; returns the seed.

    Example:
        >>> _ = dt.manual_seed(dt.seed())
    """
    return _core.default_generator.seed()


def initial_seed() -> int:
    """What the default generator was seeded with last.

    Example:
        >>> _ = dt.manual_seed(7)
        >>> dt.initial_seed()
        7
    """
    return _core.default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The default generator's state, as a uint8 tensor.

    Example:
        >>> state = dt.get_rng_state()
        >>> a = dt.rand(3)
        >>> dt.set_rng_state(state)
        >>> dt.equal(a, dt.rand(3))
        True
    """
    return _core.default_generator.get_state()


@checks.in_own_name
def set_rng_state(new_state: Tensor) -> None:
    """Take the default generator back to a state that `get_rng_state` gave.

    Example:
        >>> dt.set_rng_state(dt.get_rng_state())
    """
    _core.default_generator.set_state(new_state)


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Accepted as in PyTorch: on the CPU results have the same bits in every run and for any number of threads.

    Example:
        >>> dt.use_deterministic_algorithms(True)
    """


def are_deterministic_algorithms_enabled() -> bool:
    """Always True: see `use_deterministic_algorithms`.

    Example:
        >>> dt.are_deterministic_algorithms_enabled()
        True
    """
    return True


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Always False: there is nothing to warn of, see `use_deterministic_algorithms`.

    Example:
        >>> dt.is_deterministic_algorithms_warn_only_enabled()
        False
    """
    return False


@checks.in_own_name
def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """Accepted as in PyTorch: results are always the same, see `use_deterministic_algorithms`.

    Args:
        debug_mode: "default", "warn" or "error", or 0, 1 or 2.

    Example:
        >>> dt.set_deterministic_debug_mode("error")
    """
    if debug_mode not in ("default", "warn", "error", 0, 1, 2):
        raise ValueError(
            f"set_deterministic_debug_mode: debug_mode must be 'default', 'warn', 'error', 0, 1 or 2, got "
            f"{checks.shown(debug_mode)}"
        )


def get_deterministic_debug_mode() -> int:
    """Always 2, "error": what is not deterministic does not run, as there is nothing that is not.

    Example:
        >>> dt.get_deterministic_debug_mode()
        2
    """
    return 2


def set_flush_denormal(mode: bool) -> bool:
    """Whether numbers too small for a full mantissa could be made zeros: never, they are computed with.

    Example:
        >>> dt.set_flush_denormal(True)
        False
    """
    return False


def get_num_interop_threads() -> int:
    """How many ops of one program run at the same time: 1, each spread over `get_num_threads` threads.

    Example:
        >>> dt.get_num_interop_threads()
        1
    """
    return 1


@checks.in_own_name
def set_num_interop_threads(num: int) -> None:
    """Accepted as in PyTorch: see `get_num_interop_threads`.

    Example:
        >>> dt.set_num_interop_threads(1)
    """
    checks.integers("set_num_interop_threads", num=num)
    if num < 1:
        raise ValueError(f"set_num_interop_threads: num must be positive, got {num}")


_float32_matmul_precision = "highest"


def set_float32_matmul_precision(precision: str) -> None:
    """Allow products of float32 matrices to be computed in fewer bits, as in PyTorch.

    It is a permission, of which the kernels there are make no use.

    Args:
        precision: "highest", "high" or "medium".

    Example:
        >>> dt.set_float32_matmul_precision("high")
        >>> dt.get_float32_matmul_precision()
        'high'
        >>> dt.set_float32_matmul_precision("highest")
    """
    global _float32_matmul_precision
    if precision not in ("highest", "high", "medium"):
        raise ValueError(
            f"set_float32_matmul_precision: precision must be 'highest', 'high' or 'medium', got {precision!r}"
        )
    _float32_matmul_precision = precision


def get_float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` allowed last: "highest" in the beginning.

    Example:
        >>> dt.get_float32_matmul_precision()
        'highest'
    """
    return _float32_matmul_precision


# ---- devices ----


def get_default_device() -> device:
    """Where this thread makes tensors that are given no device, nor made of any that has one.

    Example:
        >>> dt.get_default_device()
        device(type='cpu')
    """
    return _core.get_default_device()


@checks.in_own_name
def set_default_device(device: device | str | None) -> None:
    """Choose where this thread makes tensors that are given no device: `dt.zeros`, `dt.rand`, `dt.tensor` and the like.

    `with dt.device("..."):` does the same for a while. Memory that is taken as it is (`from_numpy`, `frombuffer`,
    `from_file`, `load`) stays on the CPU.

    Args:
        device: None for the CPU, as in the beginning.

    Example:
        >>> dt.set_default_device("cpu")
        >>> dt.zeros(1).device
        device(type='cpu')
        >>> dt.set_default_device(None)
    """
    _core.set_default_device(device)


# ---- dtypes and shapes ----


@checks.in_own_name
def result_type(*tensors: Tensor | complex) -> _core.dtype:
    """The dtype in which tensors and Python numbers meet.

    Tensors with dims decide; zero-dim ones, and after them numbers, only raise the kind: bool, integer, float, complex.

    Example:
        >>> dt.result_type(dt.tensor([1, 2]), 1.0)
        dovetail.float32
        >>> dt.result_type(dt.ones(2), dt.tensor(1.0, dtype=dt.float64))
        dovetail.float32
    """
    if not tensors:
        raise TypeError("result_type: expected at least one tensor or number, got none")
    # By weight: tensors with dims, zero-dim tensors, numbers.
    met: list[_core.dtype | None] = [None, None, None]
    for value in tensors:
        if isinstance(value, Tensor):
            dtype, weight = value.dtype, 0 if value.ndim else 1
            if weight and _core._is_wrapped_number(value):
                dtype, weight = _weak(dtype), 2
        else:
            dtype, weight = _of_number(value), 2
        before = met[weight]
        met[weight] = dtype if before is None or before is dtype else promote_types(before, dtype)
    return _combined(met[0], _combined(met[1], met[2]))  # type: ignore[return-value]


def _weak(dtype: _core.dtype) -> _core.dtype:
    """What a number of this dtype stands for."""
    if dtype.is_complex:
        return _core.complex128 if get_default_dtype() is _core.float64 else _core.complex64
    return get_default_dtype() if dtype.is_floating_point else dtype


def _of_number(value: Any) -> _core.dtype:
    if isinstance(value, bool):
        return _core.bool
    if isinstance(value, int):
        return _core.int64
    if isinstance(value, float):
        return get_default_dtype()
    if isinstance(value, complex):
        return _weak(_core.complex64)
    raise TypeError(f"result_type: expected tensors and numbers, got {type(value).__name__}")


def _kind(dtype: _core.dtype) -> int:
    if dtype is _core.bool:
        return 0
    return 3 if dtype.is_complex else 2 if dtype.is_floating_point else 1


def _combined(strong: _core.dtype | None, weak: _core.dtype | None) -> _core.dtype | None:
    if strong is None or weak is None:
        return weak if strong is None else strong
    if weak.is_complex and strong.is_floating_point:  # it keeps the float's width
        return _core.complex128 if strong is _core.float64 else _core.complex64
    return strong if _kind(strong) >= _kind(weak) else promote_types(strong, weak)


@checks.in_own_name
def broadcast_shapes(*shapes: Sequence[int] | int) -> Size:
    """The shape that several shapes broadcast to.

    Example:
        >>> dt.broadcast_shapes((2, 1), (3,))
        dovetail.Size([2, 3])
    """
    result: list[int] = []
    for shape in shapes:
        checks.sizes("broadcast_shapes", shape=shape)
        sizes = [shape] if isinstance(shape, int) else list(shape)
        result = [1] * (len(sizes) - len(result)) + result
        for i, size in enumerate(sizes, start=len(result) - len(sizes)):
            if size < 0:
                raise ValueError(f"broadcast_shapes: sizes must not be negative, got {tuple(sizes)}")
            if size != 1 and result[i] not in (1, size):
                shown = ", ".join(str(tuple([each] if isinstance(each, int) else each)) for each in shapes)
                raise ValueError(f"broadcast_shapes: the shapes do not broadcast together: {shown}")
            if size != 1:
                result[i] = size
    return Size(result)


def get_include() -> str:
    """The folder of the C header `dovetail/abi.h`, which compiled plug-ins include.

    Example:
        >>> import os
        >>> os.path.exists(os.path.join(dt.get_include(), "dovetail", "abi.h"))
        True
    """
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "include")
