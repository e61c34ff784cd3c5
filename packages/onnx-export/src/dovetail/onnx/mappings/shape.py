"""Views, joins and creation: in ONNX every one of them makes a new value."""

from __future__ import annotations

from typing import Any

from ..graph import ELEMENT_TYPES, Call, mapping

_TO_END = 2**63 - 1


@mapping("view", "reshape")
def _(call: Call) -> Any:
    size = call._args["size"] if "size" in call._args else call._args["shape"]
    return call.graph.add("Reshape", call.tensor("self"), call.graph.ints(size), allowzero=1 if 0 in size else None)


@mapping("flatten")
def _(call: Call) -> Any:
    rank = call.rank("self")
    if rank == 0:
        return call.graph.add("Reshape", call.tensor("self"), call.graph.constant([1]))
    start, end = call.axis("start_dim", rank), call.axis("end_dim", rank)
    whole = call.graph.add("Shape", call.tensor("self"))
    before = call.graph.add("Slice", whole, call.graph.constant([0]), call.graph.constant([start]))
    after = call.graph.add("Slice", whole, call.graph.constant([end + 1]), call.graph.constant([_TO_END]))
    size = call.graph.add("Concat", before, call.graph.constant([-1]), after, axis=0)
    return call.graph.add("Reshape", call.tensor("self"), size)


@mapping("expand")
def _(call: Call) -> Any:
    """-1 keeps a dim: expanding to 1 does the same in ONNX, where sizes meet both ways."""
    size = [1 if isinstance(n, int) and n == -1 else n for n in call._args["size"]]
    return call.graph.add("Expand", call.tensor("self"), call.graph.ints(size))


@mapping("transpose")
def _(call: Call) -> Any:
    rank = call.rank("self")
    order = list(range(rank))
    a, b = call.axis("dim0", rank), call.axis("dim1", rank)
    if rank:
        order[a], order[b] = order[b], order[a]
    return call.graph.add("Transpose", call.tensor("self"), perm=order)


@mapping("permute")
def _(call: Call) -> Any:
    rank = call.rank("self")
    return call.graph.add("Transpose", call.tensor("self"), perm=[d % rank for d in call.static("dims")])


@mapping("squeeze")
def _(call: Call) -> Any:
    shape, dims = call.shape("self"), call.static("dim")
    rank = len(shape)
    wanted = range(rank) if dims is None else sorted({d % max(rank, 1) for d in dims})
    axes = [d for d in wanted if rank and shape[d] == 1]
    if not axes:
        return call.graph.add("Identity", call.tensor("self"))
    return call.graph.add("Squeeze", call.tensor("self"), call.graph.constant(axes))


@mapping("unsqueeze")
def _(call: Call) -> Any:
    axis = int(call.static("dim")) % (call.rank("self") + 1)
    return call.graph.add("Unsqueeze", call.tensor("self"), call.graph.constant([axis]))


@mapping("select")
def _(call: Call) -> Any:
    index = call.index
    place = (
        call.graph.constant(index)
        if isinstance(index, int)
        else call.graph.add("Squeeze", call.graph.formula(index), call.graph.constant([0]))
    )
    return call.graph.add("Gather", call.tensor("self"), place, axis=call.axis("dim", call.rank("self")))


def slice_bounds(call: Call) -> tuple[str, str, str, str]:
    """The inputs of Slice after the data: starts, ends, axes, steps."""
    step = int(call.static("step"))
    start = call.start if call.given("start") else (0 if step > 0 else _TO_END)
    end = call.end if call.given("end") else (_TO_END if step > 0 else -_TO_END)
    axis = call.axis("dim", call.rank("self"))
    return call.graph.ints([start]), call.graph.ints([end]), call.graph.constant([axis]), call.graph.constant([step])


@mapping("slice")
def _(call: Call) -> Any:
    return call.graph.add("Slice", call.tensor("self"), *slice_bounds(call))


@mapping("flip_view")
def _(call: Call) -> Any:
    axes = [d % max(call.rank("self"), 1) for d in call.static("dims")]
    if not axes or call.rank("self") == 0:
        return call.graph.add("Identity", call.tensor("self"))
    bounds = [[-1] * len(axes), [-_TO_END] * len(axes), axes, [-1] * len(axes)]
    return call.graph.add("Slice", call.tensor("self"), *[call.graph.constant(b) for b in bounds])


@mapping("unfold")
def _(call: Call) -> Any:
    """The windows are gathered by their places; the last dim is what a window holds."""
    graph, rank = call.graph, call.rank("self")
    axis, size, step = call.axis("dimension", rank), int(call.static("size")), int(call.static("step"))
    if rank == 0 or size == 0:
        raise ValueError("unfold of a zero-dim tensor, or into windows of nothing, has no operator in ONNX")
    points = graph.add("Squeeze", graph.add("Shape", call.tensor("self"), start=axis, end=axis + 1))
    beyond = graph.add("Sub", points, graph.constant(size - 1))
    starts = graph.add(
        "Unsqueeze", graph.add("Range", graph.constant(0), beyond, graph.constant(step)), graph.constant([1])
    )
    windows = graph.add("Gather", call.tensor("self"), graph.add("Add", starts, graph.constant(range(size))), axis=axis)
    order = [*range(axis + 1), *range(axis + 2, rank + 1), axis + 1]
    return graph.add("Transpose", windows, perm=order)


@mapping("cat")
def _(call: Call) -> Any:
    refs = call._args["tensors"]
    names = []
    for ref in refs:
        name = call.graph.names[ref.value]
        if call.graph.shapes[name] == (0,) and len(call.out_shape) != 1:
            continue  # an empty vector joins anything
        if call.graph.dtypes[name] != call.out_dtype:
            name = call.graph.add("Cast", name, to=ELEMENT_TYPES[call.out_dtype])
        names.append(name)
    return call.graph.add("Concat", *names, axis=call.axis("dim", len(call.out_shape)))


@mapping("split_with_sizes")
def _(call: Call) -> Any:
    sizes = call.split_sizes
    axis = call.axis("dim", call.rank("self"))
    names = call.graph.add("Split", call.tensor("self"), call.graph.ints(sizes), outputs=len(sizes), axis=axis)
    return [names] if isinstance(names, str) else names


@mapping("constant_pad_nd")
def _(call: Call) -> Any:
    rank, pad = call.rank("self"), call.pad
    before: list[Any] = [0] * rank
    after: list[Any] = [0] * rank
    for i in range(len(pad) // 2):
        before[rank - 1 - i], after[rank - 1 - i] = pad[2 * i], pad[2 * i + 1]
    value = call.graph.constant(call.static("value"), call.out_dtype)
    return call.graph.add("Pad", call.tensor("self"), call.graph.ints([*before, *after]), value)


# ---- creation ----


@mapping("full")
def _(call: Call) -> Any:
    value = call.fill_value
    dtype = call.out_dtype
    if isinstance(value, (int, float, bool)):
        scalar = call.graph.constant(value, dtype)
    else:
        number = call.graph.add("Squeeze", call.graph.formula(value), call.graph.constant([0]))
        scalar = call.graph.add("Cast", number, to=ELEMENT_TYPES[dtype])
    return call.graph.add("Expand", scalar, call.graph.ints(call._args["size"]))


@mapping("zeros", "ones")
def _(call: Call) -> Any:
    scalar = call.graph.constant(int(call.node.op == "ones"), call.out_dtype)
    return call.graph.add("Expand", scalar, call.graph.ints(call._args["size"]))


@mapping("eye")
def _(call: Call) -> Any:
    rows, columns = call._args["n"], call._args["m"]
    zeros = call.graph.add(
        "Expand", call.graph.constant(0, "float32"), call.graph.ints([rows, rows if columns is None else columns])
    )
    return call.graph.add("Cast", call.graph.add("EyeLike", zeros), to=ELEMENT_TYPES[call.out_dtype])


@mapping("zeros_like", "ones_like", "empty_like")
def _(call: Call) -> Any:
    scalar = call.graph.constant(int(call.node.op == "ones_like"), call.out_dtype)
    return call.graph.add("Expand", scalar, call.graph.add("Shape", call.tensor("self")))


@mapping("arange")
def _(call: Call) -> Any:
    bounds = []
    for name in ("start", "end", "step"):
        value = call._args[name]
        if isinstance(value, (int, float)):
            bounds.append(call.graph.constant(value, call.out_dtype))
        else:
            number = call.graph.add("Squeeze", call.graph.formula(value), call.graph.constant([0]))
            bounds.append(call.graph.add("Cast", number, to=ELEMENT_TYPES[call.out_dtype]))
    return call.graph.add("Range", *bounds)
