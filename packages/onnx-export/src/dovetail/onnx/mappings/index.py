"""Gathering, scattering and sorting."""

from __future__ import annotations

from typing import Any

from ..graph import Call, mapping
from .shape import slice_bounds


@mapping("gather")
def _(call: Call) -> Any:
    return call.graph.add(
        "GatherElements", call.tensor("self"), call.cast("index", "int64"), axis=call.axis("dim", call.rank("self"))
    )


@mapping("index_select")
def _(call: Call) -> Any:
    return call.graph.add(
        "Gather", call.tensor("self"), call.cast("index", "int64"), axis=call.axis("dim", call.rank("self"))
    )


@mapping("scatter")
def _(call: Call) -> Any:
    index = call.cast("index", "int64")
    source = call.cast("src", call.out_dtype)
    if call.rank("src") == 0:
        source = call.graph.add("Expand", source, call.graph.add("Shape", index))
    return call.graph.add(
        "ScatterElements", call.tensor("self"), index, source, axis=call.axis("dim", call.rank("self"))
    )


@mapping("scatter_add")
def _(call: Call) -> Any:
    return call.graph.add(
        "ScatterElements",
        call.tensor("self"),
        call.cast("index", "int64"),
        call.cast("src", call.out_dtype),
        axis=call.axis("dim", call.rank("self")),
        reduction="add",
    )


@mapping("scatter_reduce")
def _(call: Call) -> Any:
    kinds = {"sum": "add", "prod": "mul", "amax": "max", "amin": "min"}
    kind = call.static("reduce")
    if kind not in kinds or not call.static("include_self"):
        raise ValueError("scatter_reduce: ONNX has sum, prod, amax and amin with include_self=True only")
    return call.graph.add(
        "ScatterElements",
        call.tensor("self"),
        call.cast("index", "int64"),
        call.cast("src", call.out_dtype),
        axis=call.axis("dim", call.rank("self")),
        reduction=kinds[kind],
    )


@mapping("nonzero")
def _(call: Call) -> Any:
    return call.graph.add("Transpose", call.graph.add("NonZero", call.tensor("self")), perm=[1, 0])


@mapping("slice_scatter")
def _(call: Call) -> Any:
    """The rows that a Slice of all row numbers picks are written."""
    axis = call.axis("dim", call.rank("self"))
    graph = call.graph
    size = graph.add("Shape", call.tensor("self"), start=axis, end=axis + 1)
    zero, one = graph.constant(0), graph.constant(1)
    rows = graph.add("Range", zero, graph.add("Squeeze", size, graph.constant([0])), one)
    starts, ends, _, steps = slice_bounds(call)
    picked = graph.add("Slice", rows, starts, ends, graph.constant([0]), steps)
    return _write_rows(call, axis, picked, call.cast("src", call.out_dtype))


@mapping("select_scatter")
def _(call: Call) -> Any:
    axis = call.axis("dim", call.rank("self"))
    index = int(call.static("index"))
    source = call.graph.add("Unsqueeze", call.cast("src", call.out_dtype), call.graph.constant([axis]))
    return _write_rows(call, axis, call.graph.constant([index]), source)


def _write_rows(call: Call, axis: int, rows: str, source: str) -> Any:
    """Write ``source`` into these rows of dim ``axis``: ScatterND works on the first dim, so that goes to the front."""
    graph, rank = call.graph, call.rank("self")
    front = [axis, *[d for d in range(rank) if d != axis]]
    back = [front.index(d) for d in range(rank)]
    data = graph.add("Transpose", call.tensor("self"), perm=front)
    updates = graph.add("Transpose", source, perm=front)
    places = graph.add("Unsqueeze", rows, graph.constant([1]))
    return graph.add("Transpose", graph.add("ScatterND", data, places, updates), perm=back)


@mapping("sort")
def _(call: Call) -> Any:
    graph, axis = call.graph, call.axis("dim", call.rank("self"))
    size = graph.add("Shape", call.tensor("self"), start=axis, end=axis + 1)
    largest = int(call.static("descending"))
    return graph.add("TopK", call.tensor("self"), size, outputs=2, axis=axis, largest=largest, sorted=1)


@mapping("topk")
def _(call: Call) -> Any:
    axis = call.axis("dim", call.rank("self"))
    count = call.graph.ints([call.k])
    largest = int(call.static("largest"))
    return call.graph.add("TopK", call.tensor("self"), count, outputs=2, axis=axis, largest=largest, sorted=1)
