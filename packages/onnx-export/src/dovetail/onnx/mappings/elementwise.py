"""Elementwise ops: most have an ONNX operator of their own."""

from __future__ import annotations

from typing import Any

from ..graph import ELEMENT_TYPES, Call, mapping

# ---- one tensor ----

_UNARY = {
    "neg": "Neg", "abs": "Abs", "sign": "Sign", "floor": "Floor", "ceil": "Ceil", "exp": "Exp", "log": "Log",
    "sqrt": "Sqrt", "sin": "Sin", "cos": "Cos", "tan": "Tan", "asin": "Asin", "acos": "Acos", "atan": "Atan",
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


for _name, _onnx_op in {"mul": "Mul", "maximum": "Max", "minimum": "Min", "bitwise_and": "BitwiseAnd",
                        "bitwise_or": "BitwiseOr", "bitwise_xor": "BitwiseXor"}.items():  # fmt: skip
    _binary(_name, _onnx_op)
for _name, _onnx_op in {"eq": "Equal", "lt": "Less", "le": "LessOrEqual", "gt": "Greater", "ge": "GreaterOrEqual",
                        "logical_and": "And", "logical_or": "Or", "logical_xor": "Xor"}.items():  # fmt: skip
    _binary(_name, _onnx_op, compares=True)


@mapping("mul")
def _(call: Call) -> Any:
    a, b = call.cast("self", call.out_dtype), call.cast("other", call.out_dtype)
    return call.graph.add("And" if call.out_dtype == "bool" else "Mul", a, b)


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
    if not dtype.startswith(("float", "bfloat")):
        if mode == "trunc":
            return quotient
        raise ValueError("floor division of integers has no operator in ONNX; divide as floats")
    floor = call.graph.add("Floor", quotient)
    if mode == "floor":
        return floor
    up = call.graph.add("Ceil", quotient)
    return call.graph.add("Where", call.graph.add("Less", quotient, call.graph.constant(0, dtype)), up, floor)


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
