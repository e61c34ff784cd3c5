"""How pruning chooses what goes: the methods behind ``prune``'s functions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

import dovetail as dt
from dovetail import checks

from ..modules.module import Module
from ..parameter import Parameter

__all__ = [
    "BasePruningMethod",
    "CustomFromMask",
    "Identity",
    "L1Unstructured",
    "LnStructured",
    "PruningContainer",
    "RandomStructured",
    "RandomUnstructured",
]


class BasePruningMethod(ABC):
    """A way to prune: a mask for a tensor, applied before each forward of its module.

    The tensor ``name`` of the module becomes the parameter ``name_orig`` and the buffer ``name_mask``, and itself the
    product of the two. Subclasses say what the mask is in ``compute_mask`` and what kind they are in ``PRUNING_TYPE``
    ("unstructured", "structured" or "global").
    """

    PRUNING_TYPE: str
    _tensor_name: str

    def __call__(self, module: Module, inputs: Any) -> None:
        object.__setattr__(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t: dt.Tensor, default_mask: dt.Tensor) -> dt.Tensor:
        """The mask for a tensor, of which ``default_mask`` keeps what earlier pruning kept."""

    def apply_mask(self, module: Module) -> dt.Tensor:
        """The module's tensor with what is pruned set to zero."""
        mask, orig = getattr(module, f"{self._tensor_name}_mask"), getattr(module, f"{self._tensor_name}_orig")
        product: dt.Tensor = mask.to(orig.dtype) * orig
        return product

    def prune(
        self, t: dt.Tensor, default_mask: dt.Tensor | None = None, importance_scores: dt.Tensor | None = None
    ) -> dt.Tensor:
        """A pruned copy of a tensor, chosen by its values or by these scores."""
        scores = t if importance_scores is None else importance_scores
        _check_scores(scores, t)
        before = dt.ones_like(t) if default_mask is None else default_mask
        return t * self.compute_mask(scores, default_mask=before)

    @classmethod
    def apply(
        cls, module: Module, name: str, *args: Any, importance_scores: dt.Tensor | None = None, **kwargs: Any
    ) -> BasePruningMethod:
        """Prune a module's tensor, once more if it is pruned already."""
        old = pruned(module, name)
        method: BasePruningMethod = cls(*args, **kwargs)
        method._tensor_name = name
        orig = getattr(module, f"{name}_orig" if old is not None else name, None)
        if not isinstance(orig, dt.Tensor):
            raise ValueError(f"{cls.__name__}: {type(module).__name__} has no parameter named {name!r}")
        if importance_scores is not None:
            _check_scores(importance_scores, orig)
        else:
            importance_scores = orig
        default = getattr(module, f"{name}_mask") if old is not None else dt.ones_like(orig.detach())
        if old is not None:
            container = old[0] if isinstance(old[0], PruningContainer) else PruningContainer(old[0])
            container.add_pruning_method(method)
            method = container
        with dt.no_grad():
            mask = method.compute_mask(importance_scores.detach(), default_mask=default)
        if old is not None:
            old[1].remove()
        else:
            parameter = module._parameters.pop(name)
            module.register_parameter(f"{name}_orig", parameter)
        module.register_buffer(f"{name}_mask", mask)
        method(module, None)
        module.__dict__.setdefault("_pruning", {})[name] = method, module.register_forward_pre_hook(method)
        return method

    def remove(self, module: Module) -> None:
        """Make the pruned tensor a plain parameter again, zeros included."""
        name = self._tensor_name
        there = pruned(module, name)
        if there is None:
            raise ValueError(f"{type(self).__name__}: {name!r} of {type(module).__name__} is not pruned")
        with dt.no_grad():
            value = self.apply_mask(module)
        there[1].remove()
        del module.__dict__["_pruning"][name]
        module.__dict__.pop(name, None)
        orig = module._parameters.pop(f"{name}_orig")
        assert isinstance(orig, Parameter)
        orig.data = value
        del module._buffers[f"{name}_mask"]
        module.register_parameter(name, orig)


def pruned(module: Module, name: str) -> Any:
    """The method that prunes a tensor and the handle of its hook, or None."""
    return module.__dict__.get("_pruning", {}).get(name)


def _check_scores(scores: Any, t: dt.Tensor) -> None:
    checks.tensors("importance_scores", scores=scores)
    if scores.shape != t.shape:
        raise ValueError(f"importance_scores: must have the tensor's shape {tuple(t.shape)}, got {tuple(scores.shape)}")


def _check_amount(amount: Any) -> None:
    if not isinstance(amount, (int, float)) or isinstance(amount, bool):
        raise TypeError(f"prune: amount must be a number, got {checks.shown(amount)}")
    if amount < 0 or (isinstance(amount, float) and amount > 1):
        raise ValueError(f"prune: amount must be an int of at least 0 or a float in [0, 1], got {amount}")


def _count(amount: float, size: int) -> int:
    """How many of ``size`` an amount is: itself, or that fraction of them."""
    if isinstance(amount, int) and amount > size:
        raise ValueError(f"prune: amount {amount} is more than the {size} that could be pruned")
    return amount if isinstance(amount, int) else round(amount * size)


class PruningContainer(BasePruningMethod):
    """Several methods, one after the other, each on what those before it kept.

    Args:
        args: the methods.
    """

    def __init__(self, *args: Any) -> None:
        self._pruning_methods: list[BasePruningMethod] = []
        methods = args[0] if len(args) == 1 and isinstance(args[0], Iterable) else args
        for method in methods:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: Any) -> None:
        """Add one, for the same tensor as those there are."""
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"PruningContainer: expected a BasePruningMethod, got {checks.shown(method)}")
        if self._pruning_methods and self._tensor_name != method._tensor_name:
            raise ValueError(
                f"PruningContainer: all methods must prune {self._tensor_name!r}, got one for {method._tensor_name!r}"
            )
        self._pruning_methods.append(method)
        self._tensor_name = method._tensor_name

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Any:
        return iter(self._pruning_methods)

    def __getitem__(self, index: int) -> BasePruningMethod:
        return self._pruning_methods[index]

    def compute_mask(self, t: dt.Tensor, default_mask: dt.Tensor) -> dt.Tensor:
        """The newest method's mask among what is left."""
        method = self._pruning_methods[-1]
        mask = default_mask.to(t.dtype).clone()
        if method.PRUNING_TYPE == "unstructured":
            left = mask == 1
            partial = method.compute_mask(t[left], default_mask=mask[left])
            mask[left] = partial.to(mask.dtype)
            return mask
        if method.PRUNING_TYPE == "structured":
            dim: int = method.dim  # type: ignore[attr-defined]
            others = [d for d in range(t.ndim) if d != dim % t.ndim]
            kept = mask.sum(others) != 0 if others else mask != 0
            at = (slice(None),) * (dim % t.ndim) + (kept,)
            mask[at] = method.compute_mask(t[at], default_mask=mask[at]).to(mask.dtype)
            return mask
        if method.PRUNING_TYPE == "global":
            return method.compute_mask(t, default_mask)
        raise ValueError(
            f"PruningContainer: PRUNING_TYPE must be unstructured, structured or global, got {method.PRUNING_TYPE!r}"
        )


class Identity(BasePruningMethod):
    """Prunes nothing, but makes the mask."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: dt.Tensor, default_mask: dt.Tensor) -> dt.Tensor:
        return default_mask


class RandomUnstructured(BasePruningMethod):
    """Prunes elements at random.

    Args:
        amount: how many, or which fraction.
    """

    PRUNING_TYPE = "unstructured"

    def __init__(self, amount: float) -> None:
        _check_amount(amount)
        self.amount = amount

    def compute_mask(self, t: dt.Tensor, default_mask: dt.Tensor) -> dt.Tensor:
        count, mask = _count(self.amount, t.numel()), default_mask.clone().reshape(-1)
        mask[dt.argsort(dt.rand(t.numel()))[:count]] = 0
        return mask.reshape(default_mask.shape)


class L1Unstructured(BasePruningMethod):
    """Prunes the elements nearest to zero.

    Args:
        amount: how many, or which fraction.
    """

    PRUNING_TYPE = "unstructured"

    def __init__(self, amount: float) -> None:
        _check_amount(amount)
        self.amount = amount

    def compute_mask(self, t: dt.Tensor, default_mask: dt.Tensor) -> dt.Tensor:
        count, mask = _count(self.amount, t.numel()), default_mask.clone().reshape(-1)
        if count:
            mask[dt.topk(t.abs().reshape(-1), count, largest=False).indices] = 0
        return mask.reshape(default_mask.shape)


class _Structured(BasePruningMethod):
    """Prunes whole channels along a dim."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: float, dim: int = -1) -> None:
        _check_amount(amount)
        self.amount, self.dim = amount, dim

    def _ranks(self, t: dt.Tensor) -> dt.Tensor:
        """A number for each channel; those with the smallest go."""
        raise NotImplementedError

    def compute_mask(self, t: dt.Tensor, default_mask: dt.Tensor) -> dt.Tensor:
        if t.ndim < 2:
            raise ValueError(
                f"{type(self).__name__}: channels are pruned of a tensor of 2 dims or more, got {tuple(t.shape)}"
            )
        if not -t.ndim <= self.dim < t.ndim:
            raise IndexError(f"{type(self).__name__}: dim {self.dim} is out of range for shape {tuple(t.shape)}")
        dim = self.dim % t.ndim
        kept = t.shape[dim] - _count(self.amount, t.shape[dim])
        keep = dt.zeros(t.shape[dim], dtype=t.dtype, device=t.device)
        if kept:
            keep[dt.topk(self._ranks(t), kept).indices] = 1
        return default_mask * keep.reshape([-1 if d == dim else 1 for d in range(t.ndim)])


class RandomStructured(_Structured):
    """Prunes whole channels at random.

    Args:
        amount: how many, or which fraction of them.
        dim: along which they lie.
    """

    def _ranks(self, t: dt.Tensor) -> dt.Tensor:
        return dt.rand(t.shape[self.dim])


class LnStructured(_Structured):
    """Prunes the channels of the smallest norm.

    Args:
        amount: how many, or which fraction of them.
        n: which norm.
        dim: along which they lie.
    """

    def __init__(self, amount: float, n: Any, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def _ranks(self, t: dt.Tensor) -> dt.Tensor:
        others = [d for d in range(t.ndim) if d != self.dim % t.ndim]
        return dt.norm(t, p=self.n, dim=others)


class CustomFromMask(BasePruningMethod):
    """Prunes what a mask does not keep.

    Args:
        mask: of the tensor's shape; 0 where it is pruned.
    """

    PRUNING_TYPE = "global"

    def __init__(self, mask: dt.Tensor) -> None:
        checks.tensors("CustomFromMask", mask=mask)
        self.mask = mask

    def compute_mask(self, t: dt.Tensor, default_mask: dt.Tensor) -> dt.Tensor:
        if self.mask.shape != default_mask.shape:
            raise ValueError(
                f"CustomFromMask: mask must have the tensor's shape {tuple(default_mask.shape)}, "
                f"got {tuple(self.mask.shape)}"
            )
        return default_mask * self.mask.to(default_mask.dtype)
