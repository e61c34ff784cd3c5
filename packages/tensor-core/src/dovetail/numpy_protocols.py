"""NumPy's ufuncs of tensors: the op of the same meaning."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

import numpy as np

import dovetail

from . import _core
from ._core import Tensor

# Ops that go by another name than NumPy's ufunc.
_OPS = {
    "conjugate": "conj",
    "degrees": "rad2deg",
    "equal": "eq",  # `dt.equal` compares whole tensors
    "fabs": "abs",
    "invert": "bitwise_not",
    "left_shift": "bitwise_left_shift",
    "power": "pow",
    "radians": "deg2rad",
    "right_shift": "bitwise_right_shift",
    "rint": "round",
}

# The ops that a ufunc's other forms are.
_FORMS = {
    "reduce": {
        "add": "sum",
        "logical_and": "all",
        "logical_or": "any",
        "maximum": "amax",
        "minimum": "amin",
        "multiply": "prod",
    },
    "accumulate": {"add": "cumsum", "multiply": "cumprod"},
}


def ufunc_result(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What a ufunc gives for inputs of which one is a tensor.

    With arrays in `out=`, as in `array += tensor`, NumPy computes over the tensors' memory. Else the op of the same
    meaning runs, so that gradients are recorded and PyTorch's promotion holds, and gives a tensor.

    Raises:
        TypeError: there is no such op, the form of the ufunc (`at`, `reduceat`, ...) or an argument is not one of an
            op's; or an input is neither tensor nor array nor number.

    Example:
        >>> import numpy as np
        >>> np.add(dt.tensor([1.0, 2.0]), np.ones(2, np.float32))
        tensor([2., 3.], shape=(2,), dtype=float32, device=cpu)
    """
    out = kwargs.pop("out", ())
    if out and any(isinstance(each, np.ndarray) for each in out):
        return getattr(ufunc, method)(*map(_as_array, inputs), out=tuple(map(_as_array, out)), **kwargs)
    if not all(isinstance(each, (Tensor, np.ndarray, np.generic, complex, float, int, list, tuple)) for each in inputs):
        return NotImplemented  # the other's library may know
    name = ufunc.__name__
    if method in _FORMS and name in _FORMS[method]:
        return _along(getattr(dovetail, _FORMS[method][name]), method, name, inputs[0], out, **kwargs)
    if method == "outer":
        first, second = (each if isinstance(each, Tensor) else _core.as_tensor(each) for each in inputs)
        inputs, method = (first.reshape([*first.shape, *[1] * second.ndim]), second), "__call__"
    if method != "__call__":
        raise TypeError(f"{name}.{method}: NumPy's {method} has no form for Tensors; call it with x.numpy()")
    if kwargs:
        raise TypeError(f"{name}: NumPy's {', '.join(kwargs)}= has no form for Tensors; call it with x.numpy()")
    operands = [each if isinstance(each, Tensor) else _operand(each) for each in inputs]
    if ufunc is np.divmod:
        return dovetail.floor_divide(*operands), dovetail.remainder(*operands)
    return _op(ufunc)(*operands, **({"out": out[0] if len(out) == 1 else out} if out else {}))


def _along(
    op: Any, method: str, name: str, value: Any, out: tuple[Any, ...], axis: Any = 0, dtype: Any = None, **rest: Any
) -> Any:
    """The op over an axis, by default the first, as in NumPy."""
    x = value if isinstance(value, Tensor) else _core.as_tensor(value)
    keepdims = rest.pop("keepdims", False)
    if rest:
        raise TypeError(f"{name}.{method}: NumPy's {', '.join(rest)}= has no form for Tensors; call it with x.numpy()")
    if dtype is not None:
        x = x.to(_core.dtype(dtype))
    if axis == () and method == "reduce":  # which folds nothing, where PyTorch would fold all
        x, axis, keepdims = x.unsqueeze(-1), -1, False
    options = {"out": out[0]} if out and out[0] is not None else {}
    return op(x, axis, keepdims, **options) if method == "reduce" else op(x, axis, **options)


@cache
def _op(ufunc: np.ufunc) -> Any:
    name = ufunc.__name__
    special: Any = sys.modules.get("scipy.special")
    op = None
    if getattr(np, name, None) is ufunc:
        op = getattr(dovetail, _OPS.get(name, name), None)
    elif getattr(special, name, None) is ufunc:
        op = getattr(getattr(dovetail, "special", None), name, None)
    if op is None:
        raise TypeError(f"{name}: there is no op for this ufunc; call it with x.numpy(), which gives an array")
    return op


def _operand(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()  # as a Python number: its precision decides nothing
    if isinstance(value, (np.ndarray, list, tuple)):
        return _core.as_tensor(value)
    return value


def _as_array(value: Any) -> Any:
    return value.numpy() if isinstance(value, Tensor) else value
