"""Derivatives as matrices of real numbers, by finite differences and by the engine: what gradcheck compares.

A matrix has a row for every direction in which an input is moved, and a column for every weighing of an output's
elements: the derivative of the weighed sum along the direction. With unit vectors for both (`Units`) that is the
Jacobian; with one spread over all elements (`Spread`), a number. A complex element counts as two real ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import dovetail as dt
from dovetail import Tensor

from .engine import grad
from .func import jvp, vjp
from .vmapping import vmap

__all__ = ["Matrix", "Spread", "Units", "Vectors", "by_backward", "by_differences", "by_forward", "outputs_of"]

Function = Callable[..., Any]
Inputs = tuple[Any, ...]
Matrix = list[list[float]]


def has_derivative(t: Any) -> bool:
    return isinstance(t, Tensor) and (t.dtype.is_floating_point or t.dtype.is_complex)


def outputs_of(function: Function, inputs: Inputs) -> tuple[Tensor, ...]:
    """The tensors of floating or complex dtype among the results."""
    returned = function(*inputs)
    many = tuple(returned) if isinstance(returned, (tuple, list)) else (returned,)
    return tuple(t for t in many if has_derivative(t))


def coordinates(t: Tensor) -> Tensor:
    """The elements as real numbers in one row; a complex one as its two parts."""
    flat = t.detach().reshape(-1)
    return dt.view_as_real(flat.contiguous()).reshape(-1) if t.is_complex() else flat


def from_coordinates(row: Tensor, like: Tensor) -> Tensor:
    row = row.to(like.device)
    if not like.is_complex():
        return row.to(like.dtype).reshape(like.shape)
    return dt.view_as_complex(row.reshape(-1, 2)).to(like.dtype).reshape(like.shape)


# ---- directions and weights ---------------------------------------------------------------------------------------


class Units:
    """All unit vectors of a tensor's space."""

    def __init__(self, like: Tensor, phase: int = 0) -> None:
        self.like = like
        self.count = like.numel() * (2 if like.is_complex() else 1)
        self.size = 1.0

    def __iter__(self) -> Iterator[Tensor]:
        for position in range(self.count):
            row = dt.zeros(self.count, dtype=dt.float64)
            row[position] = 1.0
            yield from_coordinates(row, self.like)

    def products(self, t: Tensor | None) -> list[float]:
        """The inner products with all of them; None stands for zeros."""
        return [0.0] * self.count if t is None else coordinates(t).tolist()


class Spread:
    """One vector of length 1, of which no two elements are alike. `phase` makes it another one."""

    def __init__(self, like: Tensor, phase: int = 0) -> None:
        count = like.numel() * (2 if like.is_complex() else 1)
        row = spread(count, phase)
        length = (row * row).sum().sqrt().item()
        self.row = row / length if length else row
        self.vector = from_coordinates(self.row, like)
        self.size = self.row.sum().item()
        self.count = 1

    def __iter__(self) -> Iterator[Tensor]:
        yield self.vector

    def products(self, t: Tensor | None) -> list[float]:
        return [0.0 if t is None else (coordinates(t).to("cpu") * self.row).sum().item()]


Vectors = Units | Spread


def spread(count: int, phase: int = 0) -> Tensor:
    """Numbers between 0.5 and 1.5, the same every time, no two of them alike."""
    return ((dt.arange(count, dtype=dt.float64) + phase * 0.37) * 0.6180339887498949) % 1.0 + 0.5


# ---- finite differences -------------------------------------------------------------------------------------------


@contextmanager
def _moved(inputs: Inputs, which: int, step: Tensor) -> Iterator[Inputs]:
    """The inputs, one of them moved: in place, so that the layout stays; elements that share memory are copied."""
    t = inputs[which]
    if any(size > 1 and stride == 0 for size, stride in zip(t.shape, t.stride(), strict=True)):
        apart = (t.detach() + step).requires_grad_()
        yield (*inputs[:which], apart, *inputs[which + 1 :])
        return
    before = t.detach().clone()
    t.data.copy_(before + step)
    try:
        yield inputs
    finally:
        t.data.copy_(before)


def by_differences(
    function: Function, inputs: Inputs, which: int, directions: Vectors, weights: Sequence[Vectors], eps: float
) -> list[Matrix]:
    """Central differences, a matrix for every output."""
    matrices: list[Matrix] = [[] for _ in weights]
    for direction in directions:
        sides = []
        for by in (eps, -eps):
            with _moved(inputs, which, direction * by) as moved:
                sides.append([t.detach().clone() for t in outputs_of(function, moved)])
        for matrix, each, high, low in zip(matrices, weights, *sides, strict=True):
            matrix.append(each.products((high - low) / (2 * eps)))
    return matrices


# ---- the engine ---------------------------------------------------------------------------------------------------


def _transposed(columns: list[list[float]], rows: int) -> Matrix:
    return [[column[i] for column in columns] for i in range(rows)]


def by_backward(
    output: Tensor,
    inputs: Sequence[Tensor],
    directions: Sequence[Vectors],
    weights: Vectors,
    scale: float = 1.0,
    look: Callable[[Tensor | None, Tensor], None] | None = None,
) -> list[Matrix]:
    """A backward for every weighing: a matrix for every input. `look` gets every gradient with its input."""
    columns: list[list[list[float]]] = [[] for _ in inputs]
    for weight in weights:
        found = grad(output, inputs, weight * scale, retain_graph=True, allow_unused=True)
        for column, t, gradient, along in zip(columns, inputs, found, directions, strict=True):
            if look is not None:
                look(gradient, t)
            column.append(along.products(gradient))
    return [_transposed(column, along.count) for column, along in zip(columns, directions, strict=True)]


def _of_one(function: Function, inputs: Inputs, which: int) -> Function:
    """The function of one input, the others held."""
    held = tuple(t.detach() if has_derivative(t) else t for t in inputs)
    return lambda t: outputs_of(function, (*held[:which], t, *held[which + 1 :]))


def by_forward(
    function: Function,
    inputs: Inputs,
    which: int,
    directions: Vectors,
    weights: Sequence[Vectors],
    look: Callable[[Tensor, Tensor], None] | None = None,
) -> list[Matrix]:
    """A forward derivative along every direction: a matrix for every output. `look` gets every tangent with its
    output."""
    of_one, at = _of_one(function, inputs, which), inputs[which].detach()
    matrices: list[Matrix] = [[] for _ in weights]
    for direction in directions:
        outputs, tangents = jvp(of_one, (at,), (direction,))
        for matrix, each, output, tangent in zip(matrices, weights, outputs, tangents, strict=True):
            if look is not None:
                look(tangent, output)
            matrix.append(each.products(tangent))
    return matrices


def by_mapped_backward(
    function: Function, inputs: Inputs, which: Sequence[int], directions: Sequence[Vectors], weights: Sequence[Vectors]
) -> list[list[Matrix]]:
    """All weighings of an output in one backward under vmap: by output, a matrix for every input."""

    def of_chosen(*chosen: Tensor) -> tuple[Tensor, ...]:
        places = dict(zip(which, chosen, strict=True))
        return outputs_of(function, tuple(places.get(i, t) for i, t in enumerate(inputs)))

    outputs, pull = vjp(of_chosen, *(inputs[i].detach() for i in which))
    found: list[list[Matrix]] = []
    for k, each in enumerate(weights):
        vectors = list(each)
        if not vectors:
            found.append([[[] for _ in range(along.count)] for along in directions])
            continue

        def pulled(w: Tensor, k: int = k) -> Any:
            return pull(tuple(w if i == k else dt.zeros_like(t) for i, t in enumerate(outputs)))

        batches = vmap(pulled)(dt.stack(vectors))
        found.append(
            [
                _transposed([along.products(batch[n]) for n in range(len(vectors))], along.count)
                for along, batch in zip(directions, batches, strict=True)
            ]
        )
    return found


def by_mapped_forward(
    function: Function, inputs: Inputs, which: int, directions: Vectors, weights: Sequence[Vectors]
) -> list[Matrix]:
    """All directions in one forward derivative under vmap: a matrix for every output."""
    of_one, at, vectors = _of_one(function, inputs, which), inputs[which].detach(), list(directions)
    if not vectors:
        return [[] for _ in weights]
    batches = vmap(lambda direction: jvp(of_one, (at,), (direction,))[1])(dt.stack(vectors))
    return [
        [each.products(batch[n]) for n in range(len(vectors))] for each, batch in zip(weights, batches, strict=True)
    ]
