"""Small problems with known minima and gradients, by which optimizers are judged."""

from __future__ import annotations

from abc import ABC, abstractmethod

import dovetail as dt
from dovetail import Tensor

__all__ = ["PROBLEMS", "AsMatrices", "Logistic", "Problem", "Quadratic", "Rosenbrock"]


class Problem(ABC):
    """A loss of a few parameters, whose gradient is written out: an optimizer is judged without autograd.

    Attributes:
        minimum: the least loss there is.
    """

    minimum = 0.0

    @abstractmethod
    def start(self, dtype: dt.dtype = dt.float32) -> list[Tensor]:
        """Fresh parameters, always the same."""

    @abstractmethod
    def loss(self, params: list[Tensor]) -> Tensor:
        """The loss, a zero-dim tensor."""

    @abstractmethod
    def gradients(self, params: list[Tensor]) -> list[Tensor]:
        """The loss's gradient for every parameter."""

    def differentiate(self, params: list[Tensor]) -> Tensor:
        """Give every parameter its gradient; returns the loss."""
        for param, gradient in zip(params, self.gradients(params), strict=True):
            param.grad = gradient
        return self.loss(params)


class Quadratic(Problem):
    """An ill-conditioned bowl over a matrix, a vector and a number: sum_i c_i * (p_i - t_i)^2 / 2."""

    shapes: tuple[tuple[int, ...], ...] = ((3, 4), (5,), ())

    def start(self, dtype: dt.dtype = dt.float32) -> list[Tensor]:
        return [dt.zeros(shape, dtype=dtype) for shape in self.shapes]

    def loss(self, params: list[Tensor]) -> Tensor:
        pulls = zip(params, self._targets(params), self.gradients(params), strict=True)
        return dt.stack([((p - t) * g).sum() / 2 for p, t, g in pulls]).sum()

    def gradients(self, params: list[Tensor]) -> list[Tensor]:
        return [(p - t) * self._curvature(p) for p, t in zip(params, self._targets(params), strict=True)]

    def _targets(self, params: list[Tensor]) -> list[Tensor]:
        return [dt.linspace(-1, 1, p.numel() + 1, dtype=p.dtype)[1:].reshape(p.shape) for p in params]

    def _curvature(self, param: Tensor) -> Tensor:
        return dt.linspace(0.2, 2, param.numel() + 1, dtype=param.dtype)[1:].reshape(param.shape)


class Rosenbrock(Problem):
    """A curved valley, mild enough for any first-order method: (1 - x)^2 + 5 * (y - x^2)^2."""

    def start(self, dtype: dt.dtype = dt.float32) -> list[Tensor]:
        return [dt.tensor(-1.0, dtype=dtype), dt.tensor(1.5, dtype=dtype)]

    def loss(self, params: list[Tensor]) -> Tensor:
        x, y = params
        return (1 - x) ** 2 + 5 * (y - x * x) ** 2

    def gradients(self, params: list[Tensor]) -> list[Tensor]:
        x, y = params
        valley = y - x * x
        return [-2 * (1 - x) - 20 * x * valley, 10 * valley]


class Logistic(Problem):
    """Logistic regression with a small penalty: 40 points of two classes that a line separates but for a few."""

    penalty = 0.05
    minimum = 0.346759  # by BFGS

    def start(self, dtype: dt.dtype = dt.float32) -> list[Tensor]:
        return [dt.zeros(2, dtype=dtype), dt.zeros((), dtype=dtype)]

    def loss(self, params: list[Tensor]) -> Tensor:
        weight, _ = params
        inputs, classes = self._points(weight.dtype)
        margins = classes * self._scores(params, inputs)
        return dt.log1p(dt.exp(-margins)).mean() + self.penalty * (weight * weight).sum() / 2

    def gradients(self, params: list[Tensor]) -> list[Tensor]:
        weight, _ = params
        inputs, classes = self._points(weight.dtype)
        pull = -classes * dt.sigmoid(-classes * self._scores(params, inputs)) / len(classes)
        return [(pull.unsqueeze(1) * inputs).sum(0) + self.penalty * weight, pull.sum()]

    def _scores(self, params: list[Tensor], inputs: Tensor) -> Tensor:
        weight, bias = params
        return (inputs * weight).sum(1) + bias

    def _points(self, dtype: dt.dtype) -> tuple[Tensor, Tensor]:
        generator = dt.Generator().manual_seed(0)
        noise = dt.randn(40, 2, generator=generator, dtype=dtype)
        classes = 2 * (dt.arange(40) % 2).to(dtype) - 1
        return noise + classes.unsqueeze(1) * dt.tensor([1.0, -0.5], dtype=dtype) + 0.3, classes


class AsMatrices(Problem):
    """A problem whose parameters are given as matrices: those that are none as a column."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.minimum = problem, problem.minimum
        self._shapes = [p.shape for p in problem.start()]

    def start(self, dtype: dt.dtype = dt.float32) -> list[Tensor]:
        return [p if p.ndim == 2 else p.reshape(-1, 1) for p in self.problem.start(dtype)]

    def loss(self, params: list[Tensor]) -> Tensor:
        return self.problem.loss(self._as_they_were(params))

    def gradients(self, params: list[Tensor]) -> list[Tensor]:
        gradients = self.problem.gradients(self._as_they_were(params))
        return [g.reshape(p.shape) for g, p in zip(gradients, params, strict=True)]

    def _as_they_were(self, params: list[Tensor]) -> list[Tensor]:
        return [p.reshape(shape) for p, shape in zip(params, self._shapes, strict=True)]


PROBLEMS: dict[str, Problem] = {
    "a quadratic": Quadratic(),
    "Rosenbrock's valley": Rosenbrock(),
    "logistic regression": Logistic(),
}
