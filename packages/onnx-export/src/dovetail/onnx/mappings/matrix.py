"""Matrix products."""

from __future__ import annotations

from typing import Any

from ..graph import Call, mapping


@mapping("mm", "bmm", "matmul", "mv", "dot")
def _(call: Call) -> Any:
    first, second = list(call._args)[:2]
    return call.graph.add("MatMul", call.tensor(first), call.tensor(second))


@mapping("linear")
def _(call: Call) -> Any:
    graph = call.graph
    if call.rank("input") == 2 and call.rank("weight") == 2:
        bias = [call.tensor("bias")] if call.given("bias") else []
        return graph.add("Gemm", call.tensor("input"), call.tensor("weight"), *bias, transB=1)
    weight = call.tensor("weight")
    if call.rank("weight") == 2:
        weight = graph.add("Transpose", weight, perm=[1, 0])
    product = graph.add("MatMul", call.tensor("input"), weight)
    return graph.add("Add", product, call.tensor("bias")) if call.given("bias") else product


@mapping("addmm")
def _(call: Call) -> Any:
    inputs = call.tensor("mat1"), call.tensor("mat2"), call.tensor("self")
    return call.graph.add("Gemm", *inputs, alpha=float(call.static("alpha")), beta=float(call.static("beta")))


@mapping("linalg_det")
def _(call: Call) -> Any:
    return call.graph.add("Det", call.tensor("A"))


@mapping("linalg_check")
def _(call: Call) -> Any:
    """What it looks at are verdicts of ops that ONNX does not have; those are what is refused."""
    return call.tensor("info")
