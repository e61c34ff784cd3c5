"""Building the ONNX graph: names, constants, and size formulas as small graphs of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

import onnx
from onnx import TensorProto, helper, numpy_helper

from .solve import Formula
from .trace import Node, Ref

ELEMENT_TYPES = {
    "float32": TensorProto.FLOAT,
    "float64": TensorProto.DOUBLE,
    "float16": TensorProto.FLOAT16,
    "bfloat16": TensorProto.BFLOAT16,
    "int8": TensorProto.INT8,
    "int16": TensorProto.INT16,
    "int32": TensorProto.INT32,
    "int64": TensorProto.INT64,
    "uint8": TensorProto.UINT8,
    "uint16": TensorProto.UINT16,
    "uint32": TensorProto.UINT32,
    "uint64": TensorProto.UINT64,
    "bool": TensorProto.BOOL,
}


class Graph:
    """An ONNX graph in the making. Values are named; ``add`` puts a node in and returns its output's name."""

    def __init__(self, sources: Mapping[str, tuple[str, int]]) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.names: dict[int, str] = {}  # of the trace's values
        self.shapes: dict[str, tuple[int, ...]] = {}  # at the first run
        self.dtypes: dict[str, str] = {}
        self._sources = sources  # where each dynamic size is: input name and axis
        self._constants: dict[tuple[Any, ...], str] = {}
        self._formulas: dict[Formula, str] = {}
        self._count = 0

    # ---- nodes and constants ----

    def fresh(self, hint: str) -> str:
        self._count += 1
        return f"{hint}_{self._count}"

    def add(self, op: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        """A node; the name of its output, or a list of names where there are several."""
        names = [self.fresh(op.lower()) for _ in range(outputs)]
        given = {k: v for k, v in attributes.items() if v is not None}
        self.nodes.append(helper.make_node(op, list(inputs), names, **given))
        return names[0] if outputs == 1 else names

    def constant(self, value: Any, dtype: str = "int64") -> str:
        """A constant by its value; equal ones are one."""
        array = np.asarray(value, dtype=np.dtype(dtype))
        key = (dtype, array.shape, array.tobytes())
        if key not in self._constants:
            self._constants[key] = self.initializer(array, "const")
        return self._constants[key]

    def initializer(self, array: np.ndarray[Any, Any], hint: str) -> str:
        name = self.fresh(hint)
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name))
        return name

    # ---- sizes ----

    def ints(self, values: Sequence[int | Formula]) -> str:
        """A one-dim int64 tensor of numbers, some of which follow the sizes."""
        if all(isinstance(v, int) for v in values):
            return self.constant([int(v) for v in values])  # type: ignore[arg-type]
        parts = [self.constant([v]) if isinstance(v, int) else self.formula(v) for v in values]
        return parts[0] if len(parts) == 1 else self.add("Concat", *parts, axis=0)

    def formula(self, formula: Formula) -> str:
        """A formula of the sizes as a one-element int64 tensor."""
        if formula not in self._formulas:
            value = self.size(formula.names[0])
            for name in formula.names[1:]:
                value = self.add("Mul", value, self.size(name))
            if formula.factor != 1:
                value = self.add("Mul", value, self.constant([formula.factor]))
            if formula.offset:
                value = self.add("Add", value, self.constant([formula.offset]))
            if formula.divisor != 1:
                value = self._floor_divide(value, formula.divisor)
            if formula.shift:
                value = self.add("Add", value, self.constant([formula.shift]))
            self._formulas[formula] = value
        return self._formulas[formula]

    def _floor_divide(self, value: str, divisor: int) -> str:
        """ONNX divides integers towards zero: take the remainder away first, which Mod gives the divisor's sign."""
        d = self.constant([divisor])
        return self.add("Div", self.add("Sub", value, self.add("Mod", value, d)), d)

    def size(self, name: str) -> str:
        source, axis = self._sources[name]
        shape = self.add("Shape", source, start=axis, end=axis + 1)
        return str(shape)


class Call:
    """One recorded op call while it is being mapped: its arguments by name, and the graph."""

    def __init__(self, graph: Graph, node: Node, arg_names: Sequence[str]) -> None:
        self.graph = graph
        self.node = node
        self._args = dict(zip(arg_names, node.args, strict=True))

    def __getattr__(self, name: str) -> Any:
        """An attribute argument's value as it was recorded."""
        try:
            return self.__dict__["_args"][name]
        except KeyError:
            raise AttributeError(f"{self.node.op} has no argument {name}") from None

    def tensor(self, name: str) -> str:
        """The ONNX name of a tensor argument."""
        return self.graph.names[self._args[name].value]

    def tensors(self, name: str) -> list[str]:
        return [self.graph.names[ref.value] for ref in self._args[name]]

    def given(self, name: str) -> bool:
        return self._args[name] is not None

    def shape(self, name: str) -> tuple[int, ...]:
        """An argument's shape at the first run."""
        return self.graph.shapes[self.tensor(name)]

    def rank(self, name: str) -> int:
        return len(self.shape(name))

    def dtype(self, name: str) -> str:
        return self.graph.dtypes[self.tensor(name)]

    def axis(self, name: str, rank: int) -> int:
        """A dim argument, not negative."""
        return int(self._args[name]) % max(rank, 1)

    @property
    def out_dtype(self) -> str:
        return self.node.dtypes[0]

    @property
    def out_shape(self) -> tuple[int, ...]:
        return self.node.shapes[0]

    def cast(self, name: str, dtype: str) -> str:
        """A tensor argument in a dtype: as it is, or through Cast."""
        value = self.tensor(name)
        return value if self.dtype(name) == dtype else self.graph.add("Cast", value, to=ELEMENT_TYPES[dtype])

    def from_float32(self, value: str) -> str:
        """A value that was computed in float32, in the result's dtype."""
        return value if self.out_dtype == "float32" else self.graph.add("Cast", value, to=ELEMENT_TYPES[self.out_dtype])

    def static(self, name: str) -> Any:
        """An attribute that ONNX wants as a plain number; one that follows the sizes cannot be exported."""
        value = self._args[name]
        items = value if isinstance(value, tuple) else (value,)
        if any(isinstance(v, Formula) for v in items):
            raise ValueError(f"{name} = {[str(v) for v in items]} follows the sizes, but ONNX wants a constant there")
        return value


Mapping_ = Callable[[Call], Any]
MAPPINGS: dict[str, Mapping_] = {}


Where = Callable[..., bool]
CONDITIONS: dict[str, Where] = {}


def mapping(*names: str, where: Where | None = None) -> Callable[[Mapping_], Mapping_]:
    """Register how ops of these names become ONNX nodes: the function returns the output's name, or a list of names.

    Args:
        names: of the ops.
        where: whether a call with these arguments has the mapping; one that has not is decomposed.
    """

    def register(fn: Mapping_) -> Mapping_:
        for name in names:
            MAPPINGS[name] = fn
            if where is not None:
                CONDITIONS[name] = where
        return fn

    return register


def is_mapped(name: str, args: Sequence[Any]) -> bool:
    """Whether a call of the op has a mapping."""
    return name in MAPPINGS and (name not in CONDITIONS or CONDITIONS[name](*args))


def is_ref(value: Any) -> bool:
    return isinstance(value, Ref)
