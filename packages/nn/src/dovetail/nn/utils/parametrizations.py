"""Parametrizations: orthogonal matrices, weights of a spectral norm of 1, direction and length apart."""

from __future__ import annotations

from typing import Any

import dovetail as dt
from dovetail import checks

from .. import functional as F
from ..modules.module import Module
from . import parametrize
from .orthogonal import _Orthogonal, maps

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


def norm_except_dim(v: dt.Tensor, dim: int) -> dt.Tensor:
    """The norms over all dims but one, which stays in its place; over all for -1."""
    if dim == -1:
        return dt.linalg.vector_norm(v)
    others = [i for i in range(v.ndim) if i != dim % v.ndim]
    return dt.linalg.vector_norm(v, 2, others, True) if others else v.abs()


class _WeightNorm(Module):
    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: dt.Tensor, weight_v: dt.Tensor) -> dt.Tensor:
        return weight_v * (weight_g / norm_except_dim(weight_v, self.dim))

    def right_inverse(self, weight: dt.Tensor) -> tuple[dt.Tensor, dt.Tensor]:
        return norm_except_dim(weight, self.dim), weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Length and direction of a weight as parameters of their own.

        weight = g · v / ‖v‖

    ``g`` is ``parametrizations.weight.original0`` and ``v`` is ``original1``. State dicts with ``weight_g`` and
    ``weight_v``, as the older form has them, load too.

    Args:
        module: whose weight it is.
        name: of the parameter.
        dim: lengths are kept for each index of this dim; None: one for all.

    Source: Salimans and Kingma, "Weight Normalization", arXiv:1602.07868.

    Example:
        >>> layer = weight_norm(dt.nn.Linear(20, 40))
        >>> layer.parametrizations.weight.original0.shape
        dovetail.Size([40, 1])
    """
    parametrize.register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def older_names(module: Module, state: dict[str, Any], prefix: str, *rest: Any) -> None:
        for i, part in enumerate("gv"):
            if f"{prefix}{name}_{part}" in state:
                state[f"{prefix}parametrizations.{name}.original{i}"] = state.pop(f"{prefix}{name}_{part}")

    module.register_load_state_dict_pre_hook(older_names)
    return module


class _SpectralNorm(Module):
    def __init__(self, weight: dt.Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        if not -weight.ndim <= dim < weight.ndim:
            raise IndexError(f"spectral_norm: dim {dim} is out of range for a weight of shape {tuple(weight.shape)}")
        if n_power_iterations <= 0:
            raise ValueError(f"spectral_norm: n_power_iterations must be positive, got {n_power_iterations}")
        self.dim = dim if dim >= 0 else dim + weight.ndim
        self.eps = eps
        if weight.ndim > 1:
            self.n_power_iterations = n_power_iterations
            matrix = self._matrix(weight.detach())
            height, width = matrix.shape
            options: dict[str, Any] = {"dtype": matrix.dtype, "device": matrix.device}
            self.register_buffer("_u", F.normalize(dt.randn(height, **options), dim=0, eps=eps))
            self.register_buffer("_v", F.normalize(dt.randn(width, **options), dim=0, eps=eps))
            self._power_method(matrix, 15)

    def _matrix(self, weight: dt.Tensor) -> dt.Tensor:
        if self.dim != 0:
            weight = weight.permute(self.dim, *[d for d in range(weight.ndim) if d != self.dim])
        return weight.reshape(weight.shape[0], -1)

    def _power_method(self, matrix: dt.Tensor, times: int) -> None:
        with dt.no_grad():
            for _ in range(times):
                self._u.copy_(F.normalize(dt.mv(matrix, self._v), dim=0, eps=self.eps))
                self._v.copy_(F.normalize(dt.mv(matrix.T.conj(), self._u), dim=0, eps=self.eps))

    def forward(self, weight: dt.Tensor) -> dt.Tensor:
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = self._matrix(weight)
        if self.training:
            self._power_method(matrix.detach(), self.n_power_iterations)
        u, v = self._u.clone(), self._v.clone()
        return weight / dt.vdot(u, dt.mv(matrix, v))

    def right_inverse(self, value: dt.Tensor) -> dt.Tensor:
        return value  # the value may have another norm: it is taken as the original


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    """A weight divided by its largest singular value.

        weight = original / σ(original)

    σ is estimated by power iteration, some steps with each reading in training mode.

    Args:
        module: whose weight it is.
        name: of the parameter.
        n_power_iterations: steps of each reading.
        eps: keeps denominators from zero.
        dim: the dim of the outputs; 0, but 1 for transposed convolutions.

    Source: Miyato et al., "Spectral Normalization for Generative Adversarial Networks", arXiv:1802.05957.

    Example:
        >>> layer = spectral_norm(dt.nn.Linear(20, 40))
        >>> abs(dt.linalg.matrix_norm(layer.weight, 2).item() - 1) < 0.2
        True
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, dt.Tensor):
        raise ValueError(f"spectral_norm: {checks.shown(module)} has no parameter or buffer named {name!r}")
    if dim is None:
        dim = 1 if getattr(module, "transposed", False) else 0
    return parametrize.register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, dim, eps))


def orthogonal(
    module: Module, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> Module:
    """A weight that is an orthogonal (or unitary) matrix: with orthonormal columns, or rows if it has fewer of them.

    Args:
        module: whose weight it is.
        name: of the parameter, of at least two dims; the first ones are a batch.
        orthogonal_map: how it is made from the original: "matrix_exp", "cayley" or "householder"; "matrix_exp" for
            square and complex matrices, else "householder", if None.
        use_trivialization: keep a matrix of the start in ``base``, around which the original moves.

    Source: Lezcano-Casado, "Trivializations for Gradient-Based Optimization on Manifolds", arXiv:1909.09501.

    Example:
        >>> layer = orthogonal(dt.nn.Linear(20, 40))
        >>> dt.allclose(layer.weight.T @ layer.weight, dt.eye(20), atol=1e-5)
        True
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, dt.Tensor):
        raise ValueError(f"orthogonal: {checks.shown(module)} has no parameter or buffer named {name!r}")
    if weight.ndim < 2:
        raise ValueError(f"orthogonal: expected a matrix or a batch of them, got shape {tuple(weight.shape)}")
    if orthogonal_map is None:
        square = weight.shape[-2] == weight.shape[-1]
        orthogonal_map = "matrix_exp" if square or weight.is_complex() else "householder"
    if orthogonal_map not in maps:
        raise ValueError(f"orthogonal: orthogonal_map must be one of {maps}, got {checks.shown(orthogonal_map)}")
    made = _Orthogonal(weight, orthogonal_map, use_trivialization=use_trivialization)
    return parametrize.register_parametrization(module, name, made, unsafe=True)
