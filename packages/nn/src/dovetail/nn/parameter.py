"""Parameter and Buffer: tensors that a Module recognises as its own."""

from __future__ import annotations

from typing import Any

import dovetail as dt
from dovetail import checks


class _ParameterType(type):
    """Lets a parameter without a shape pass for a Parameter: a tensor can change its class only among siblings."""

    def __instancecheck__(cls, instance: Any) -> bool:
        lazy = cls is Parameter and isinstance(instance, UninitializedParameter)
        return lazy or super().__instancecheck__(instance)


class Parameter(dt.Tensor, metaclass=_ParameterType):
    """A tensor that a Module registers as a parameter when it is assigned to an attribute.

    Args:
        data: the values; the parameter shares their storage.
        requires_grad: whether gradients are computed for it.

    Example:
        >>> p = Parameter(dt.zeros(2))
        >>> p.requires_grad
        True
    """

    @checks.in_class_name
    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Parameter:
        if data is None:
            data = dt.empty(0)
        if not isinstance(data, dt.Tensor):
            raise TypeError(f"Parameter: expected a tensor, got {checks.shown(data)}; make one with dt.tensor(...)")
        self = dt.Tensor._make_subclass(cls, data.detach())
        if requires_grad:
            self.requires_grad_(True)
        return self

    def __init__(self, data: Any = None, requires_grad: bool = True) -> None:
        pass

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.detach().clone(), self.requires_grad)
        copy: Parameter = memo[id(self)]
        return copy


class Buffer(dt.Tensor):
    """A tensor that a Module registers as a buffer when it is assigned to an attribute.

    Args:
        data: the values.
        persistent: whether it belongs to the state dict.
    """

    persistent: bool

    @checks.in_class_name
    def __new__(cls, data: Any, *, persistent: bool = True) -> Buffer:
        checks.tensors("Buffer", data=data)
        self = dt.Tensor._make_subclass(cls, data.detach())
        self.persistent = persistent
        return self

    def __init__(self, data: Any, *, persistent: bool = True) -> None:
        pass


# ---- shapes that are known later ----


class _Uninitialized:
    """What tensors without a shape share: every use but moving them is refused."""

    becomes: type[dt.Tensor]

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Give it memory of this shape, and its class its own name; the values are whatever is there."""
        tensor: Any = self
        tensor.data = dt.empty(shape, device=device or tensor.data.device, dtype=dtype or tensor.data.dtype)
        tensor.__class__ = self.becomes

    @property
    def shape(self) -> Any:
        raise RuntimeError(
            f"{type(self).__name__}: it has no shape before its module has seen an input; "
            "call the module once, or give it a shape with materialize(shape)"
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    __str__ = __repr__


class UninitializedParameter(_Uninitialized, dt.Tensor):
    """A parameter whose shape is known once its module has seen an input.

    Args:
        requires_grad: whether gradients will be computed for it.
        device, dtype: of the values to come.

    Example:
        >>> p = UninitializedParameter()
        >>> p.materialize((2, 3))
        >>> type(p).__name__, p.shape
        ('Parameter', dovetail.Size([2, 3]))
    """

    becomes = Parameter

    @checks.in_class_name
    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> UninitializedParameter:
        return dt.Tensor._make_subclass(cls, dt.empty(0, device=device, dtype=dtype)).requires_grad_(requires_grad)

    def __init__(self, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> None:
        pass

    def __deepcopy__(self, memo: dict[int, Any]) -> UninitializedParameter:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.requires_grad, self.data.device, self.data.dtype)
        copy: UninitializedParameter = memo[id(self)]
        return copy


class UninitializedBuffer(_Uninitialized, dt.Tensor):
    """A buffer whose shape is known once its module has seen an input.

    Args:
        requires_grad: as a tensor has it.
        device, dtype: of the values to come.
        persistent: whether it belongs to the state dict.
    """

    becomes = Buffer
    persistent: bool

    @checks.in_class_name
    def __new__(
        cls, requires_grad: bool = False, device: Any = None, dtype: Any = None, persistent: bool = True
    ) -> UninitializedBuffer:
        self = dt.Tensor._make_subclass(cls, dt.empty(0, device=device, dtype=dtype))
        self.persistent = persistent
        return self.requires_grad_(requires_grad)

    def __init__(
        self, requires_grad: bool = False, device: Any = None, dtype: Any = None, persistent: bool = True
    ) -> None:
        pass

    def __deepcopy__(self, memo: dict[int, Any]) -> UninitializedBuffer:
        if id(self) not in memo:
            data = self.data
            memo[id(self)] = type(self)(self.requires_grad, data.device, data.dtype, self.persistent)
        copy: UninitializedBuffer = memo[id(self)]
        return copy


def is_lazy(tensor: Any) -> bool:
    """Whether a tensor waits for its shape."""
    return isinstance(tensor, _Uninitialized)
