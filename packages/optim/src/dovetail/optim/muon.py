"""Muon: momentum whose matrices are made orthogonal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import dovetail as dt
from dovetail import checks
from dovetail.ops import op

from .optimizer import Optimizer, by_dtype, scalar
from .options import ParamGroup
from .rules import Tensors, exact

# How much longer a step is for a matrix of these sizes.
ADJUSTMENTS = {
    "original": lambda rows, columns: max(1.0, rows / columns) ** 0.5,
    "match_rms_adamw": lambda rows, columns: 0.2 * max(rows, columns) ** 0.5,
}


@op(
    "fused_muon(Tensor(a!)[] params, Tensor[] grads, Tensor(b!)[] momentum_buffers, Tensor lr, float weight_decay, "
    "float momentum, bool nesterov, float[] ns_coefficients, float eps, int ns_steps, str adjust) -> ()",
    non_differentiable=True,
)
def fused_muon(
    params: Tensors,
    grads: Tensors,
    momentum_buffers: Tensors,
    lr: Any,
    weight_decay: float,
    momentum: float,
    nesterov: bool,
    ns_coefficients: list[float],
    eps: float,
    ns_steps: int,
    adjust: str,
) -> None:
    """One step of Muon on every parameter, in place.

        buf = momentum * buf + (1 - momentum) * grad
        u = momentum * buf + (1 - momentum) * grad if nesterov else buf
        param *= 1 - lr * weight_decay
        param -= lr * adjust(shape) * orthogonal(u)

    ``orthogonal`` is a Newton-Schulz iteration, in bfloat16.
    """
    rate = exact(lr)
    for param, grad, buffer in zip(params, grads, momentum_buffers, strict=True):
        buffer.lerp_(grad, 1 - momentum)
        update = grad.lerp(buffer, momentum) if nesterov else buffer
        update = _orthogonal(update, ns_coefficients, ns_steps, eps)
        param.mul_(1 - rate * weight_decay)
        param.sub_(rate * ADJUSTMENTS[adjust](*param.shape) * update)


def _orthogonal(matrix: Any, coefficients: list[float], steps: int, eps: float) -> Any:
    """A matrix with about the singular vectors of this one, and singular values between a half and three halves.

    X = X / |X|;  X = a X + (b A + c A²) X  with A = X Xᵀ,  a few times
    """
    a, b, c = coefficients
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.bfloat16().t() if tall else matrix.bfloat16()
    x = x / x.norm().clamp(min=eps)
    for _ in range(steps):
        gram = x @ x.t()
        # Times its transpose, which it equals: of such products half is made.
        x = dt.addmm(x, dt.addmm(gram, gram, gram.t(), beta=b, alpha=c), x, beta=a)
    return x.t() if tall else x


class Muon(Optimizer):
    """Muon: momentum, made orthogonal by a Newton-Schulz iteration; for the matrices of hidden layers.

        buf = momentum * buf + (1 - momentum) * grad
        param -= lr * (adjust(shape) * orthogonal(buf) + weight_decay * param)

    Biases, embeddings and heads belong to another optimizer, such as AdamW.

    Args:
        params: matrices to optimize (see Optimizer).
        lr: the learning rate, a number or a zero-dim tensor.
        weight_decay: how much every step shrinks the parameters.
        momentum: how much of the running mean is kept.
        nesterov: look ahead along the mean.
        ns_coefficients: a, b and c of the iteration.
        eps: keeps the norm that the iteration divides by from zero.
        ns_steps: how often it iterates; below 100.
        adjust_lr_fn: "original" (or None): longer steps for tall matrices, by ``sqrt(max(1, rows / columns))``;
            "match_rms_adamw": steps as long as AdamW's, ``0.2 * sqrt(max(rows, columns))``.

    Raises:
        ValueError: for an option out of range, or a parameter that is no matrix.

    Source: Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024;
    Liu et al., "Muon is Scalable for LLM Training", arXiv:2502.16982.

    Example:
        >>> w = dt.eye(2, requires_grad=True)
        >>> opt = Muon([w], lr=0.1, weight_decay=0)
        >>> (w * w).sum().backward(); opt.step()
        >>> w[0, 0].item() < 1
        True
    """

    only_matrices = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Any = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, defaults)

    def check_options(self, group: ParamGroup) -> None:
        super().check_options(group)
        coefficients = group["ns_coefficients"]
        if not isinstance(coefficients, tuple) or len(coefficients) != 3:
            raise TypeError(f"Muon: ns_coefficients must be three numbers, got {checks.shown(coefficients)}")
        checks.numbers("Muon", **{f"ns_coefficients[{i}]": c for i, c in enumerate(coefficients)})
        checks.integers("Muon", ns_steps=group["ns_steps"])
        if not 0 <= group["ns_steps"] < 100:
            raise ValueError(f"Muon: ns_steps must be from 0 to 99, got {group['ns_steps']}")
        if group["adjust_lr_fn"] not in (None, *ADJUSTMENTS):
            raise ValueError(
                f"Muon: adjust_lr_fn must be one of {', '.join(ADJUSTMENTS)}, got {group['adjust_lr_fn']!r}"
            )
        for name, p in zip(group["names"], group["params"], strict=True):
            if p.ndim != 2 or p.is_complex():
                raise ValueError(
                    f"Muon: parameters must be real matrices, got {name} of shape {tuple(p.shape)} and {p.dtype}; "
                    "give the others to another optimizer"
                )

    def init_state(self, group: ParamGroup, param: Any) -> dict[str, Any]:
        return {"momentum_buffer": dt.zeros_like(param)}

    def update(self, group: ParamGroup, params: list[Any]) -> None:
        for together in by_dtype(params):
            fused_muon(
                *self.columns(together, "momentum_buffer"),
                scalar(group["lr"], together[0]),
                float(group["weight_decay"]),
                float(group["momentum"]),
                group["nesterov"],
                [float(c) for c in group["ns_coefficients"]],
                float(group["eps"]),
                int(group["ns_steps"]),
                group["adjust_lr_fn"] or "original",
            )
