"""Convolution and pooling."""

from __future__ import annotations

from typing import Any

from ..graph import Call, mapping


@mapping("convolution")
def _(call: Call) -> Any:
    inputs = [call.tensor("input"), call.tensor("weight")]
    if call.given("bias"):
        inputs.append(call.tensor("bias"))
    padding = list(call.static("padding"))
    return call.graph.add(
        "Conv",
        *inputs,
        strides=list(call.static("stride")),
        pads=padding + padding,
        dilations=list(call.static("dilation")),
        group=int(call.static("groups")),
        kernel_shape=list(call.shape("weight")[2:]),
    )


@mapping("convolution_input_grad")
def _(call: Call) -> Any:
    """A transposed convolution; how far its output reaches beyond the least follows from the sizes."""
    spatial = len(call.static("stride"))
    stride, padding, dilation = call.static("stride"), call.static("padding"), call.static("dilation")
    grad, weight = call.shape("grad"), call.shape("weight")
    extra = []
    for i in range(spatial):
        least = (grad[2 + i] - 1) * stride[i] - 2 * padding[i] + dilation[i] * (weight[2 + i] - 1) + 1
        extra.append(call.out_shape[2 + i] - least)
    return call.graph.add(
        "ConvTranspose",
        call.tensor("grad"),
        call.tensor("weight"),
        strides=list(stride),
        pads=list(padding) * 2,
        dilations=list(dilation),
        group=int(call.static("groups")),
        kernel_shape=list(weight[2:]),
        output_padding=extra,
    )


@mapping("max_pool")
def _(call: Call) -> Any:
    """Values and indices. ONNX counts the indices over the whole batch: take the plane's share away."""
    graph = call.graph
    padding = list(call.static("padding"))
    values, places = graph.add(
        "MaxPool",
        call.tensor("self"),
        outputs=2,
        kernel_shape=list(call.static("kernel_size")),
        strides=list(call.static("stride")),
        pads=padding + padding,
        dilations=list(call.static("dilation")),
        ceil_mode=int(call.static("ceil_mode")),
    )
    plane = graph.add("ReduceProd", graph.add("Shape", call.tensor("self"), start=2), keepdims=0)
    return [values, graph.add("Mod", places, plane)]


@mapping("avg_pool")
def _(call: Call) -> Any:
    if call.static("divisor_override") is not None:
        raise ValueError("avg_pool with divisor_override has no operator in ONNX")
    padding = list(call.static("padding"))
    return call.graph.add(
        "AveragePool",
        call.tensor("self"),
        kernel_shape=list(call.static("kernel_size")),
        strides=list(call.static("stride")),
        pads=padding + padding,
        ceil_mode=int(call.static("ceil_mode")),
        count_include_pad=int(call.static("count_include_pad")),
    )
