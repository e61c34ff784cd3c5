"""A table of a model's layers: shapes, parameters, multiply-adds, memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import dovetail as dt

if TYPE_CHECKING:
    from .module import Module

__all__ = ["Row", "Summary", "summarize"]


@dataclass
class Row:
    """What is known of one module."""

    name: str
    kind: str
    depth: int
    parameters: int  # of its own, without those of modules below it
    below: int = 0  # with those
    input_shape: Any = None
    output_shape: Any = None
    output_bytes: int = 0
    multiply_adds: int = 0  # with those of modules below it
    calls: int = 0
    leaf: bool = True


@dataclass
class Summary:
    """A model's layers and totals; ``str`` gives the table.

    Attributes:
        rows: one for each module, in the model's order.
        parameters, trainable: elements of all parameters, and of those that get gradients.
        multiply_adds: of products (linear maps, convolutions, recurrences, attention) in the forward pass.
        parameter_bytes, output_bytes: memory of parameters and buffers, and of what the layers gave.
    """

    rows: list[Row] = field(default_factory=list)
    parameters: int = 0
    trainable: int = 0
    multiply_adds: int = 0
    parameter_bytes: int = 0
    output_bytes: int = 0

    def __str__(self) -> str:
        head = ["layer", "input", "output", "parameters", "multiply-adds"]
        lines = [[_label(row), *_cells(row)] for row in self.rows]
        widths = [max(len(line[i]) for line in [head, *lines]) for i in range(len(head))]
        rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
        table = [_line(head, widths), rule, *(_line(line, widths) for line in lines), rule]
        table += [
            f"parameters: {self.parameters:,} ({self.trainable:,} trainable), {_size(self.parameter_bytes)}",
            f"multiply-adds: {self.multiply_adds:,}",
            f"outputs of layers: {_size(self.output_bytes)}",
        ]
        return "\n".join(table)

    __repr__ = __str__


def _label(row: Row) -> str:
    return "  " * row.depth + (f"{row.name} ({row.kind})" if row.name else row.kind)


def _cells(row: Row) -> list[str]:
    if not row.calls:
        return ["-", "-", f"{row.below:,}" if row.leaf else "", "-"]
    times = f" x{row.calls}" if row.calls > 1 else ""
    own = f"{row.below if row.leaf else row.parameters:,}" if row.leaf or row.parameters else ""
    return [_shown(row.input_shape), _shown(row.output_shape) + times, own, f"{row.multiply_adds:,}"]


def _line(cells: list[str], widths: list[int]) -> str:
    left = [cell.ljust(width) for cell, width in zip(cells[:3], widths[:3], strict=True)]
    right = [cell.rjust(width) for cell, width in zip(cells[3:], widths[3:], strict=True)]
    return "  ".join([*left, *right]).rstrip()


def _size(count: int) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.4g} {unit}"
        count /= 1000  # type: ignore[assignment]
    return f"{count:.4g} GB"


# ---- looking at a run -----------------------------------------------------------------------------------------------


def _shapes(value: Any) -> Any:
    """The shapes of the tensors in a value, nested as they are in it."""
    if isinstance(value, dt.Tensor):
        return tuple(value.shape)
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        inside = [found for found in map(_shapes, value) if found is not None]
        return inside[0] if len(inside) == 1 else inside or None
    return None


def _shown(shapes: Any) -> str:
    if isinstance(shapes, list):
        return "[" + ", ".join(map(_shown, shapes)) + "]"
    return "-" if shapes is None else str(shapes).replace(",)", ")")


def _bytes(value: Any) -> int:
    if isinstance(value, dt.Tensor):
        return int(value.numel()) * int(value.element_size())
    if isinstance(value, dict):
        value = list(value.values())
    return sum(map(_bytes, value)) if isinstance(value, (list, tuple)) else 0


def _linear(args: Any, out: Any) -> int:
    return int(out.numel()) * int(args[0].shape[-1])


def _at_each(weight: dt.Tensor, places: dt.Tensor) -> int:
    """Each weight of a convolution once for each place of a batch of images."""
    return int(weight.numel()) * int(places.shape[0]) * math.prod(places.shape[2:])


def _attention(args: Any, out: Any) -> int:
    query, key, value = args[:3]
    scores = math.prod(query.shape[:-1]) * key.shape[-2]
    return int(scores) * int(query.shape[-1] + value.shape[-1])


def _recurrence(*weights: int) -> Callable[[Any, Any], int]:
    """Every row of the first argument's, times the weights at some positions, where they are given."""
    return lambda args, out: int(args[0].shape[0]) * sum(int(args[w].numel()) for w in weights if args[w] is not None)


# Ops that are products, by what they cost; others are looked into.
_PRODUCTS = {
    **dict.fromkeys(("linear", "matmul", "mm", "bmm", "mv", "dot"), _linear),
    "addmm": lambda args, out: _linear(args[1:], out),
    "convolution": lambda args, out: _at_each(args[1], out),
    "convolution_input_grad": lambda args, out: _at_each(args[1], args[0]),  # what a transposed one is
    "attention": _attention,
    "lstm_sequence": _recurrence(1, 5, 6),
    **dict.fromkeys(("gru_sequence", "rnn_sequence"), _recurrence(1, 4)),
}


@contextmanager
def _counting(inside: list[Row]) -> Iterator[None]:
    """Add the multiply-adds of every op to the modules that are running."""

    def handler(op: Any, args: tuple[Any, ...], out: tuple[Any, ...] | None) -> Any:
        cost = _PRODUCTS.get(op.name)
        if cost is None:
            if op.decomposes and op.form == "composite" and out is None:
                return op.decompose(*args)
            return op.call(args, out)
        result = op.call(args, out)
        first = result[0] if isinstance(result, (tuple, list)) else result
        for row in inside:
            row.multiply_adds += cost(args, first)
        return result

    with dt.layers.intercept(handler, at="trace"):
        yield


def summarize(module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Summary:
    """Run a module once, without gradients and in evaluation mode, and note what its layers do."""
    rows: dict[int, Row] = {}
    running: list[Row] = []
    with ExitStack() as stack:
        for path, part in module.named_modules():
            depth = path.count(".") + 1 if path else 0
            own = sum(p.numel() for p in part._parameters.values() if p is not None)
            below = sum(p.numel() for p in part.parameters())
            row = Row(path.rpartition(".")[2], part._get_name(), depth, own, below, leaf=not part._modules)
            rows[id(part)] = row
            stack.enter_context(part.register_forward_pre_hook(_begins(row, running), with_kwargs=True))
            stack.enter_context(part.register_forward_hook(_ends(row, running), always_call=True))
        modes = [(part, part.training) for part in module.modules()]
        try:
            module.eval()
            with dt.no_grad(), _counting(running):
                module(*args, **kwargs)
        finally:
            for part, mode in modes:
                part.training = mode
    parameters = list(module.parameters())
    held = [*parameters, *module.buffers()]
    return Summary(
        list(rows.values()),
        sum(p.numel() for p in parameters),
        sum(p.numel() for p in parameters if p.requires_grad),
        rows[id(module)].multiply_adds,
        _bytes(held),
        sum(row.output_bytes for row in rows.values() if row.leaf),
    )


def _begins(row: Row, running: list[Row]) -> Any:
    def hook(module: Module, args: Any, kwargs: Any) -> None:
        row.calls += 1
        row.input_shape = _shapes([*args, *kwargs.values()])
        running.append(row)

    return hook


def _ends(row: Row, running: list[Row]) -> Any:
    def hook(module: Module, args: Any, output: Any) -> None:
        running.remove(row)
        row.output_shape = _shapes(output)
        row.output_bytes += _bytes(output)

    return hook
