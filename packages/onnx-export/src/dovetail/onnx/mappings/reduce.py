"""Reductions, scans and the softmax family."""

from __future__ import annotations

from typing import Any

from ..graph import Call, mapping


def _axes(call: Call) -> list[int] | None:
    """The dims to reduce; None: all."""
    dims = call.static("dim")
    if dims is None or dims == ():
        return None
    rank = max(call.rank("self"), 1)
    return [d % rank for d in (dims if isinstance(dims, tuple) else (dims,))]


def _reduce(call: Call, onnx_op: str, value: str) -> Any:
    axes = _axes(call)
    keep = int(call.static("keepdim"))
    if call.rank("self") == 0:
        return call.graph.add("Identity", value)
    inputs = [value] if axes is None else [value, call.graph.constant(axes)]
    return call.graph.add(onnx_op, *inputs, keepdims=keep)


@mapping("sum")
def _(call: Call) -> Any:
    return _reduce(call, "ReduceSum", call.cast("self", call.out_dtype))


@mapping("prod")
def _(call: Call) -> Any:
    return _reduce(call, "ReduceProd", call.cast("self", call.out_dtype))


@mapping("mean")
def _(call: Call) -> Any:
    return _reduce(call, "ReduceMean", call.cast("self", call.out_dtype))


@mapping("amax")
def _(call: Call) -> Any:
    return _reduce(call, "ReduceMax", call.tensor("self"))


@mapping("amin")
def _(call: Call) -> Any:
    return _reduce(call, "ReduceMin", call.tensor("self"))


@mapping("any", "all")
def _(call: Call) -> Any:
    """Through uint8, on which ONNX reduces: any is the largest, all the smallest."""
    result = call.graph.add("Cast", call.cast("self", "bool"), to=2)
    if call.static("dim") != ():
        result = _reduce(call, "ReduceMax" if call.node.op == "any" else "ReduceMin", result)
    return result if call.out_dtype == "uint8" else call.graph.add("Cast", result, to=9)


@mapping("argmax", "argmin")
def _(call: Call) -> Any:
    onnx_op = "ArgMax" if call.node.op == "argmax" else "ArgMin"
    dim, keep = call.static("dim"), int(call.static("keepdim"))
    if dim is None:
        flat = call.graph.add("Reshape", call.tensor("self"), call.graph.constant([-1]))
        place = call.graph.add(onnx_op, flat, axis=0, keepdims=0)
        return call.graph.add("Reshape", place, call.graph.constant(list(call.out_shape))) if keep else place
    return call.graph.add(onnx_op, call.tensor("self"), axis=dim % max(call.rank("self"), 1), keepdims=keep)


@mapping("cumsum")
def _(call: Call) -> Any:
    axis = call.graph.constant(call.axis("dim", call.rank("self")))
    return call.graph.add("CumSum", call.cast("self", call.out_dtype), axis)


@mapping("softmax", "log_softmax")
def _(call: Call) -> Any:
    onnx_op = "Softmax" if call.node.op == "softmax" else "LogSoftmax"
    return call.graph.add(onnx_op, call.cast("self", call.out_dtype), axis=call.axis("dim", call.rank("self")))


@mapping("layer_norm")
def _(call: Call) -> Any:
    count = len(call.static("normalized_shape"))
    shape = list(call.static("normalized_shape"))
    ones = call.graph.add("ConstantOfShape", call.graph.constant(shape), value=_one(call.out_dtype))
    inputs = [call.tensor("input"), call.tensor("weight") if call.given("weight") else ones]
    if call.given("bias"):
        inputs.append(call.tensor("bias"))
    return call.graph.add("LayerNormalization", *inputs, axis=-count, epsilon=float(call.static("eps")))


def _one(dtype: str) -> Any:
    import numpy as np

    from onnx import numpy_helper

    return numpy_helper.from_array(np.ones(1, dtype=np.dtype(dtype)))


@mapping("channel_norm")
def _(call: Call) -> Any:
    channels = call.shape("mean")
    weight = call.tensor("weight") if call.given("weight") else call.graph.constant([1.0] * channels[0], call.out_dtype)
    bias = call.tensor("bias") if call.given("bias") else call.graph.constant([0.0] * channels[0], call.out_dtype)
    inputs = (call.tensor("input"), weight, bias, call.tensor("mean"), call.tensor("var"))
    return call.graph.add("BatchNormalization", *inputs, epsilon=float(call.static("eps")))
