"""Elementwise ops: most have an ONNX operator of their own."""

from __future__ import annotations

import math
from typing import Any

from ..graph import ELEMENT_TYPES, Call, mapping

# ---- one tensor ----

_UNARY = {
    "neg": "Neg", "abs": "Abs", "sign": "Sign", "floor": "Floor", "ceil": "Ceil", "exp": "Exp", "log": "Log",
    "sqrt": "Sqrt", "sin": "Sin", "tan": "Tan", "asin": "Asin", "acos": "Acos", "atan": "Atan",
    "sinh": "Sinh", "cosh": "Cosh", "tanh": "Tanh", "asinh": "Asinh", "acosh": "Acosh", "atanh": "Atanh",
    "erf": "Erf", "reciprocal": "Reciprocal", "sigmoid": "Sigmoid", "relu": "Relu", "isnan": "IsNaN",
    "isinf": "IsInf", "logical_not": "Not", "softsign": "Softsign",
}  # fmt: skip


def _unary(name: str, onnx_op: str) -> None:
    def convert(call: Call) -> Any:
        argument = next(iter(call._args))
        dtype = "bool" if name == "logical_not" else call.out_dtype
        if name in ("isnan", "isinf"):
            dtype = call.dtype(argument)
        return call.graph.add(onnx_op, call.cast(argument, dtype))

    mapping(name)(convert)


for _name, _onnx_op in _UNARY.items():
    _unary(_name, _onnx_op)


@mapping("cos")
def _(call: Call) -> Any:
    """Of float64 as a sine: ONNX Runtime 1.23 has no cosine of doubles."""
    dtype = call.out_dtype
    value = call.cast("self", dtype)
    if dtype != "float64":
        return call.graph.add("Cos", value)
    return call.graph.add("Sin", call.graph.add("Add", value, call.graph.constant(math.pi / 2, dtype)))


@mapping("round")
def _(call: Call) -> Any:
    if call.static("decimals") != 0:
        raise ValueError("round with decimals has no operator in ONNX")
    return call.graph.add("Round", call.tensor("self"))


@mapping("clone", "alias", "detach", "contiguous", "positive")
def _(call: Call) -> Any:
    return call.graph.add("Identity", call.tensor("self"))


@mapping("to_device")
def _(call: Call) -> Any:
    return call.graph.add("Identity", call.tensor("self"))


@mapping("cast")
def _(call: Call) -> Any:
    return call.graph.add("Cast", call.tensor("self"), to=ELEMENT_TYPES[call.out_dtype])


@mapping("copy", "fill")
def _(call: Call) -> Any:
    source = "src" if call.node.op == "copy" else "value"
    shape = call.graph.add("Shape", call.tensor("self"))
    return call.graph.add("Expand", call.cast(source, call.out_dtype), shape)


@mapping("gelu")
def _(call: Call) -> Any:
    return call.graph.add("Gelu", call.tensor("self"), approximate=call.static("approximate"))


@mapping("leaky_relu")
def _(call: Call) -> Any:
    return call.graph.add("LeakyRelu", call.tensor("self"), alpha=float(call.static("negative_slope")))


@mapping("elu")
def _(call: Call) -> Any:
    return call.graph.add("Elu", call.tensor("self"), alpha=float(call.static("alpha")))


# ---- two tensors ----


def _meet(call: Call) -> str:
    """The dtype in which a comparison's inputs meet."""
    a, b = call.dtype("self"), call.dtype("other")
    if a == b:
        return a
    order = list(ELEMENT_TYPES)
    floats = [d for d in (a, b) if d.startswith(("float", "bfloat"))]
    if len(floats) == 1:
        return floats[0]
    # A number without dims gives way to a tensor of its own kind.
    if call.rank("self") == 0 and call.rank("other") > 0:
        return b
    if call.rank("other") == 0 and call.rank("self") > 0:
        return a
    return max(a, b, key=order.index)


def _binary(name: str, onnx_op: str, compares: bool = False) -> None:
    def convert(call: Call) -> Any:
        dtype = _meet(call) if compares else call.out_dtype
        if name.startswith("logical"):
            dtype = "bool"
        return call.graph.add(onnx_op, call.cast("self", dtype), call.cast("other", dtype))

    mapping(name)(convert)


for _name, _onnx_op in {"maximum": "Max", "minimum": "Min"}.items():
    _binary(_name, _onnx_op)
for _name, _onnx_op in {"eq": "Equal", "lt": "Less", "le": "LessOrEqual", "gt": "Greater", "ge": "GreaterOrEqual",
                        "logical_and": "And", "logical_or": "Or", "logical_xor": "Xor"}.items():  # fmt: skip
    _binary(_name, _onnx_op, compares=True)


@mapping("mul")
def _(call: Call) -> Any:
    a, b = call.cast("self", call.out_dtype), call.cast("other", call.out_dtype)
    return call.graph.add("And" if call.out_dtype == "bool" else "Mul", a, b)


@mapping("bitwise_and", "bitwise_or", "bitwise_xor")
def _(call: Call) -> Any:
    kind = call.node.op.removeprefix("bitwise_").capitalize()
    prefix = "" if call.out_dtype == "bool" else "Bitwise"
    return call.graph.add(prefix + kind, call.cast("self", call.out_dtype), call.cast("other", call.out_dtype))


@mapping("ne")
def _(call: Call) -> Any:
    dtype = _meet(call)
    return call.graph.add("Not", call.graph.add("Equal", call.cast("self", dtype), call.cast("other", dtype)))


@mapping("add", "sub")
def _(call: Call) -> Any:
    dtype = call.out_dtype
    other = call.cast("other", dtype)
    if call.static("alpha") != 1:
        other = call.graph.add("Mul", other, call.graph.constant(call.alpha, dtype))
    if call.node.op == "add" and dtype == "bool":
        return call.graph.add("Or", call.cast("self", dtype), other)
    return call.graph.add("Add" if call.node.op == "add" else "Sub", call.cast("self", dtype), other)


@mapping("div")
def _(call: Call) -> Any:
    dtype = call.out_dtype
    quotient = call.graph.add("Div", call.cast("self", dtype), call.cast("other", dtype))
    mode = call.static("rounding_mode")
    if mode is None:
        return quotient
    if mode == "floor":
        return _floor_divide(call, quotient)
    return quotient if _is_integer(dtype) else _truncate(call, quotient)


@mapping("floor_divide")
def _(call: Call) -> Any:
    return _floor_divide(
        call, call.graph.add("Div", call.cast("self", call.out_dtype), call.cast("other", call.out_dtype))
    )


def _is_integer(dtype: str) -> bool:
    return not dtype.startswith(("float", "bfloat"))


def _floor_divide(call: Call, quotient: str) -> Any:
    """Floats are rounded down; integers, which ONNX divides towards zero, lose the remainder first (Mod has the
    divisor's sign)."""
    if not _is_integer(call.out_dtype):
        return call.graph.add("Floor", quotient)
    a, b = call.cast("self", call.out_dtype), call.cast("other", call.out_dtype)
    return call.graph.add("Div", call.graph.add("Sub", a, call.graph.add("Mod", a, b)), b)


def _truncate(call: Call, value: str) -> Any:
    up, down = call.graph.add("Ceil", value), call.graph.add("Floor", value)
    return call.graph.add("Where", call.graph.add("Less", value, call.graph.constant(0, call.out_dtype)), up, down)


@mapping("trunc")
def _(call: Call) -> Any:
    value = call.tensor("self")
    return call.graph.add("Identity", value) if _is_integer(call.out_dtype) else _truncate(call, value)


@mapping("log1p", "expm1")
def _(call: Call) -> Any:
    """Written out: for arguments near 0 the digits that these functions save are lost."""
    value, one = call.cast("self", call.out_dtype), call.graph.constant(1, call.out_dtype)
    if call.node.op == "log1p":
        return call.graph.add("Log", call.graph.add("Add", value, one))
    return call.graph.add("Sub", call.graph.add("Exp", value), one)


@mapping("bitwise_not")
def _(call: Call) -> Any:
    return call.graph.add("Not" if call.out_dtype == "bool" else "BitwiseNot", call.tensor("self"))


@mapping("atan2")
def _(call: Call) -> Any:
    """From the arc tangent of the quotient, by quadrant; both zero give 0 (the sign of zero is not looked at)."""
    graph, dtype = call.graph, call.out_dtype
    y, x = call.cast("self", dtype), call.cast("other", dtype)
    zero, pi = graph.constant(0, dtype), graph.constant(math.pi, dtype)
    angle = graph.add("Atan", graph.add("Div", y, x))
    turn = graph.add("Where", graph.add("Less", y, zero), graph.add("Neg", pi), pi)
    angle = graph.add("Where", graph.add("Less", x, zero), graph.add("Add", angle, turn), angle)
    nowhere = graph.add("And", graph.add("Equal", x, zero), graph.add("Equal", y, zero))
    return graph.add("Where", nowhere, zero, angle)


@mapping("pow")
def _(call: Call) -> Any:
    names = list(call._args)
    return call.graph.add("Pow", call.cast(names[0], call.out_dtype), call.cast(names[1], call.out_dtype))


@mapping("remainder", "fmod")
def _(call: Call) -> Any:
    dtype = call.out_dtype
    a, b = call.cast("self", dtype), call.cast("other", dtype)
    if call.node.op == "fmod":
        return call.graph.add("Mod", a, b, fmod=1)
    if not dtype.startswith(("float", "bfloat")):
        return call.graph.add("Mod", a, b)
    whole = call.graph.add("Floor", call.graph.add("Div", a, b))
    return call.graph.add("Sub", a, call.graph.add("Mul", whole, b))


# ---- selection ----


@mapping("where")
def _(call: Call) -> Any:
    condition = call.cast("condition", "bool")
    return call.graph.add("Where", condition, call.cast("self", call.out_dtype), call.cast("other", call.out_dtype))


@mapping("clamp")
def _(call: Call) -> Any:
    value = call.cast("self", call.out_dtype)
    if call.given("min"):
        value = call.graph.add("Max", value, call.cast("min", call.out_dtype))
    if call.given("max"):
        value = call.graph.add("Min", value, call.cast("max", call.out_dtype))
    return value if call.given("min") or call.given("max") else call.graph.add("Identity", value)
