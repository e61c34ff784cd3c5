"""Recording: what a model does, as a list of op calls in single-assignment form.

The recorder is a handler of the core's trace layer, so it sees casts and, where wanted, the backward pass, and knows
nothing of either. In-place writes become new values; a write through a view is carried into its base by the matching
``*_scatter`` op, and other views of that base are computed again when they are next read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import dovetail as dt
from dovetail.ops import get_op

from .errors import ExportError

Value = int  # the number of a value: an input, a constant or a result


@dataclass(frozen=True)
class Ref:
    """A tensor argument, by its value's number."""

    value: Value


@dataclass
class Node:
    """One op call: arguments in schema order (tensors as Ref), results by number."""

    op: str
    args: tuple[Any, ...]
    outputs: list[Value]
    shapes: list[tuple[int, ...]]
    dtypes: list[str]


@dataclass
class Trace:
    """A recorded run."""

    nodes: list[Node] = field(default_factory=list)
    inputs: list[Value] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)
    constants: dict[Value, dt.Tensor] = field(default_factory=dict)
    unsupported: dict[str, str] = field(default_factory=dict)  # op -> why
    output_shapes: list[tuple[Any, ...]] = field(default_factory=list)  # numbers, or after merging formulas or None


@dataclass
class _View:
    """How a view came from its base's value: op and arguments, the tensor that it was made of first."""

    source: int  # id of the tensor it was made of
    op: str
    args: tuple[Any, ...]


# The view ops, by the op that puts a changed view back into what it was made of. The others are undone by a view.
_SCATTER = {"select": "select_scatter", "slice": "slice_scatter", "diagonal": "diagonal_scatter"}


class Recorder:
    """A trace handler. ``supported(name, args)`` tells which calls have a mapping: the others are decomposed, and where
    that is not possible ``reason(name)`` says why.

    Use as ``with recorder: outputs = model(*inputs)``.
    """

    def __init__(self, supported: Callable[[str, Sequence[Any]], bool], reason: Callable[[str], str]) -> None:
        self.trace = Trace()
        self._reason = reason
        self._supported = supported
        self._values: dict[int, Value] = {}
        self._kept: dict[int, dt.Tensor] = {}  # tensors seen, kept alive so that ids stay theirs
        self._views: dict[int, _View] = {}
        self._stale: set[int] = set()  # views whose base was written since they were computed
        self._next = 0
        self._active = ExitStack()

    def __enter__(self) -> Recorder:
        self._active.enter_context(dt.layers.intercept(self._handle, at="trace"))
        self._active.enter_context(dt.layers.watch_values(self._refuse_reading))
        return self

    def __exit__(self, *exc: object) -> None:
        self._active.close()

    def _refuse_reading(self, tensor: dt.Tensor, what: str) -> None:
        """A number that Python reads from a traced tensor would be a constant in the file."""
        value = self._values.get(id(tensor))
        if value is not None and value not in self.trace.constants:
            raise ExportError(
                f"export: the model reads a traced tensor's values with {what} (shape {tuple(tensor.shape)}); "
                "keep it a tensor (dt.where instead of if), or compute it before"
            )

    def add_input(self, tensor: dt.Tensor) -> None:
        self.trace.inputs.append(self._new_value(tensor))

    def add_output(self, tensor: dt.Tensor) -> None:
        self.trace.outputs.append(self._read(tensor))
        self.trace.output_shapes.append(tuple(tensor.shape))

    # ---- the handler ----

    def _handle(self, op: Any, args: tuple[Any, ...], out: tuple[Any, ...] | None) -> Any:
        name = op.name
        if not self._supported(name, args):
            if op.decomposes:
                result = op.decompose(*args)
                return self._write_all(out, result) if out is not None else result
            self.trace.unsupported.setdefault(name, self._reason(name))
        results = op.call(args, None)
        self._record(op, args, results)
        return self._write_all(out, results) if out is not None else results

    def _record(self, op: Any, args: tuple[Any, ...], results: Any) -> None:
        refs = tuple(self._reference(a) for a in args)
        tensors = [results] if isinstance(results, dt.Tensor) else list(results or ())
        outputs = [self._new_value(t) for t in tensors]
        self.trace.nodes.append(
            Node(op.name, refs, outputs, [tuple(t.shape) for t in tensors], [t.dtype.name for t in tensors])
        )
        if op.form == "view" and isinstance(args[0], dt.Tensor):
            self._views[id(tensors[0])] = _View(id(args[0]), op.name, args)

    def _reference(self, arg: Any) -> Any:
        if isinstance(arg, dt.Tensor):
            return Ref(self._read(arg))
        if isinstance(arg, (list, tuple)):
            return tuple(self._reference(a) for a in arg)
        return arg

    # ---- values ----

    def _new_value(self, tensor: dt.Tensor) -> Value:
        value = self._next
        self._next += 1
        self._values[id(tensor)] = value
        self._kept[id(tensor)] = tensor
        return value

    def _read(self, tensor: dt.Tensor) -> Value:
        """The tensor's value; one never seen is a constant, one whose base was written is computed again."""
        if id(tensor) in self._stale:
            self._stale.discard(id(tensor))
            view = self._views[id(tensor)]
            args = (Ref(self._read(self._kept[view.source])), *(self._reference(a) for a in view.args[1:]))
            self._emit(view.op, args, tensor)
        if id(tensor) not in self._values:
            value = self._new_value(tensor)
            self.trace.constants[value] = tensor.detach().clone() if tensor.ndim == 0 else tensor.detach()
        return self._values[id(tensor)]

    def _emit(self, op: str, args: tuple[Any, ...], tensor: dt.Tensor) -> None:
        value = self._new_value(tensor)
        self.trace.nodes.append(Node(op, args, [value], [tuple(tensor.shape)], [tensor.dtype.name]))

    # ---- writes ----

    def _write_all(self, out: tuple[Any, ...], results: Any) -> Any:
        tensors = [results] if isinstance(results, dt.Tensor) else list(results)
        for destination, result in zip(out, tensors, strict=True):
            self._write(destination, result)
        return out[0] if isinstance(results, dt.Tensor) else out

    def _write(self, destination: dt.Tensor, result: dt.Tensor) -> None:
        """``destination`` gets the result's values, for real and in the record."""
        copy = get_op("copy")
        copy.call((destination, result), (destination,))
        value = self._read(result)
        if result.dtype != destination.dtype:
            value = self._emit_new("cast", (Ref(value), destination.dtype), destination)
        if tuple(result.shape) != tuple(destination.shape):
            value = self._emit_new("expand", (Ref(value), tuple(destination.shape)), destination)
        self._assign(destination, value)
        self._carry_into_base(destination)

    def _emit_new(self, op: str, args: tuple[Any, ...], like: dt.Tensor) -> Value:
        value = self._next
        self._next += 1
        self.trace.nodes.append(Node(op, args, [value], [tuple(like.shape)], [like.dtype.name]))
        return value

    def _assign(self, tensor: dt.Tensor, value: Value) -> None:
        self._values[id(tensor)] = value
        self._kept[id(tensor)] = tensor
        self._stale.discard(id(tensor))

    def _carry_into_base(self, view: dt.Tensor) -> None:
        written = {id(view)}
        current = view
        while id(current) in self._views:
            made = self._views[id(current)]
            source = self._kept[made.source]
            args = (Ref(self._read(source)), Ref(self._values[id(current)]))
            self._assign(source, self._put_back(made, source, args))
            written.add(id(source))
            current = source
        for key in self._views:
            if key not in written and self._root(key) == id(current):
                self._stale.add(key)

    def _root(self, key: int) -> int:
        while key in self._views:
            key = self._views[key].source
        return key

    def _put_back(self, made: _View, source: dt.Tensor, args: tuple[Any, ...]) -> Value:
        rest = tuple(self._reference(a) for a in made.args[1:])
        if made.op in _SCATTER:
            return self._emit_new(_SCATTER[made.op], (*args, *rest), source)
        changed = args[1]
        if made.op == "transpose":
            return self._emit_new("transpose", (changed, *rest), source)
        if made.op == "permute":
            dims = [d % source.ndim for d in made.args[1]]
            return self._emit_new("permute", (changed, tuple(dims.index(i) for i in range(source.ndim))), source)
        if made.op in ("view", "squeeze", "unsqueeze", "alias", "detach"):
            return self._emit_new("reshape", (changed, tuple(source.shape)), source)
        self.trace.unsupported.setdefault(made.op, f"{made.op}: a write through such a view cannot be exported")
        return args[0].value
