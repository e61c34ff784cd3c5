"""The older forms of weight and spectral norm, which recompute the weight before each forward.

``parametrizations.weight_norm`` and ``parametrizations.spectral_norm`` are the newer ones.
"""

from __future__ import annotations

from typing import Any

import dovetail as dt
from dovetail import checks

from .. import functional as F
from ..modules.module import Module
from ..parameter import Parameter
from .parametrizations import norm_except_dim

__all__ = ["remove_spectral_norm", "remove_weight_norm", "spectral_norm", "weight_norm"]


class _Renewed:
    """A forward-pre hook that computes a tensor of a module anew; kept with the module under its kind and name."""

    kind: str

    def __init__(self, module: Module, name: str) -> None:
        there: dict[tuple[str, str], Any] = module.__dict__.setdefault("_renewed", {})
        if (self.kind, name) in there:
            raise RuntimeError(f"{self.kind}: {name!r} of {type(module).__name__} has it already")
        if not isinstance(module._parameters.get(name), dt.Tensor):
            raise ValueError(f"{self.kind}: {type(module).__name__} has no parameter named {name!r}")
        self.name = name
        there[self.kind, name] = self, module.register_forward_pre_hook(self)

    def compute(self, module: Module) -> dt.Tensor:
        raise NotImplementedError

    def __call__(self, module: Module, inputs: Any) -> None:
        object.__setattr__(module, self.name, self.compute(module))


def _take_away(kind: str, module: Module, name: str) -> Any:
    there: dict[tuple[str, str], Any] = module.__dict__.get("_renewed", {})
    if (kind, name) not in there:
        raise ValueError(f"remove_{kind}: {name!r} of {type(module).__name__} has no {kind}")
    hook, handle = there.pop((kind, name))
    handle.remove()
    module.__dict__.pop(name, None)
    return hook


class _WeightNorm(_Renewed):
    kind = "weight_norm"

    def __init__(self, module: Module, name: str, dim: int | None) -> None:
        super().__init__(module, name)
        self.dim = -1 if dim is None else dim
        weight = module._parameters.pop(name)
        assert weight is not None
        module.register_parameter(f"{name}_g", Parameter(norm_except_dim(weight.detach(), self.dim)))
        module.register_parameter(f"{name}_v", Parameter(weight.detach()))
        self(module, None)

    def compute(self, module: Module) -> dt.Tensor:
        g, v = getattr(module, f"{self.name}_g"), getattr(module, f"{self.name}_v")
        result: dt.Tensor = v * (g / norm_except_dim(v, self.dim))
        return result


@checks.in_own_name
def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Length and direction of a weight as parameters of their own: ``weight = g · v / ‖v‖``.

    The parameters are ``weight_g`` and ``weight_v``; the weight is computed from them before each forward.

    Args:
        module: whose weight it is.
        name: of the parameter.
        dim: lengths are kept for each index of this dim; None: one for all.

    Source: Salimans and Kingma, "Weight Normalization", arXiv:1602.07868.

    Example:
        >>> layer = weight_norm(dt.nn.Linear(20, 40))
        >>> layer.weight_g.shape
        dovetail.Size([40, 1])
    """
    _WeightNorm(module, name, dim)
    return module


@checks.in_own_name
def remove_weight_norm(module: Module, name: str = "weight") -> Module:
    """Make a weight with ``weight_norm`` a plain parameter again, of the same value."""
    hook = _take_away("weight_norm", module, name)
    with dt.no_grad():
        weight = hook.compute(module)
    del module._parameters[f"{name}_g"], module._parameters[f"{name}_v"]
    module.register_parameter(name, Parameter(weight))
    return module


class _SpectralNorm(_Renewed):
    kind = "spectral_norm"

    def __init__(self, module: Module, name: str, n_power_iterations: int, eps: float, dim: int) -> None:
        if n_power_iterations <= 0:
            raise ValueError(f"spectral_norm: n_power_iterations must be positive, got {n_power_iterations}")
        super().__init__(module, name)
        self.n_power_iterations, self.eps, self.dim = n_power_iterations, eps, dim
        weight = module._parameters.pop(name)
        assert weight is not None
        height, width = self.matrix(weight.detach()).shape
        options: dict[str, Any] = {"dtype": weight.dtype, "device": weight.device}
        module.register_parameter(f"{name}_orig", weight)
        object.__setattr__(module, name, weight.detach())
        module.register_buffer(f"{name}_u", F.normalize(dt.randn(height, **options), dim=0, eps=eps))
        module.register_buffer(f"{name}_v", F.normalize(dt.randn(width, **options), dim=0, eps=eps))

    def matrix(self, weight: dt.Tensor) -> dt.Tensor:
        if self.dim != 0:
            weight = weight.permute(self.dim, *[d for d in range(weight.ndim) if d != self.dim])
        return weight.reshape(weight.shape[0], -1)

    def compute(self, module: Module, iterate: bool | None = None) -> dt.Tensor:
        weight = getattr(module, f"{self.name}_orig")
        u, v = getattr(module, f"{self.name}_u"), getattr(module, f"{self.name}_v")
        matrix = self.matrix(weight)
        if module.training if iterate is None else iterate:
            with dt.no_grad():
                for _ in range(self.n_power_iterations):
                    v.copy_(F.normalize(dt.mv(matrix.detach().T, u), dim=0, eps=self.eps))
                    u.copy_(F.normalize(dt.mv(matrix.detach(), v), dim=0, eps=self.eps))
        result: dt.Tensor = weight / dt.dot(u.clone(), dt.mv(matrix, v.clone()))
        return result


@checks.in_own_name
def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    """A weight divided by its largest singular value, as power iteration estimates it, before each forward.

    The parameter is ``weight_orig``; the buffers ``weight_u`` and ``weight_v`` hold the singular vectors.

    Args:
        module: whose weight it is.
        name: of the parameter.
        n_power_iterations: steps before each forward in training mode.
        eps: keeps denominators from zero.
        dim: the dim of the outputs; 0, but 1 for transposed convolutions.

    Source: Miyato et al., "Spectral Normalization for Generative Adversarial Networks", arXiv:1802.05957.

    Example:
        >>> layer = spectral_norm(dt.nn.Linear(20, 40))
        >>> layer.weight_u.shape
        dovetail.Size([40])
    """
    if dim is None:
        dim = 1 if getattr(module, "transposed", False) else 0
    _SpectralNorm(module, name, n_power_iterations, eps, dim)
    return module


@checks.in_own_name
def remove_spectral_norm(module: Module, name: str = "weight") -> Module:
    """Make a weight with ``spectral_norm`` a plain parameter again, of the same value."""
    hook = _take_away("spectral_norm", module, name)
    with dt.no_grad():
        weight = hook.compute(module, iterate=False)
    del module._parameters[f"{name}_orig"], module._buffers[f"{name}_u"], module._buffers[f"{name}_v"]
    module.register_parameter(name, Parameter(weight))
    return module
