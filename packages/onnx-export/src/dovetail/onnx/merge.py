"""Several traces made one: the structure must be the same in all, numbers that differ become formulas of the sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dovetail as dt

from .errors import ExportError
from .solve import Formula, Sizes, solve
from .trace import Node, Ref, Trace


def merge(traces: Sequence[Trace], runs: Sequence[Sizes]) -> Trace:
    """The first trace with a Formula wherever the runs' numbers differ.

    Raises:
        ExportError: where the runs' structures differ (the model's Python branches on a size) or a number is no
            function of the sizes that is known.
    """
    first = traces[0]
    for trace, run in zip(traces[1:], runs[1:], strict=True):
        _same_structure(first, trace, runs[0], run)
    merged = Trace(inputs=first.inputs, outputs=first.outputs, unsupported=first.unsupported)
    for i, node in enumerate(first.nodes):
        versions = [trace.nodes[i] for trace in traces]
        args = tuple(
            _merge_arg(f"argument {k} of {node.op} (call {i})", [v.args[k] for v in versions], runs)
            for k in range(len(node.args))
        )
        merged.nodes.append(Node(node.op, args, node.outputs, node.shapes, node.dtypes))
    counted = any(node.op == "nonzero" for node in first.nodes)  # the one op whose result's size is its input's values
    for shapes in zip(*(trace.output_shapes for trace in traces), strict=True):
        known = tuple(_merge_size(sizes, runs) for sizes in zip(*shapes, strict=True))
        merged.output_shapes.append((None,) * len(known) if counted else known)
    for value in first.constants:
        merged.constants[value] = _merge_constant(value, [trace.constants[value] for trace in traces], runs)
    return merged


def _same_structure(a: Trace, b: Trace, sizes_a: Sizes, sizes_b: Sizes) -> None:
    where = f"between the sizes {dict(sizes_a)} and {dict(sizes_b)}"
    for i, (x, y) in enumerate(zip(a.nodes, b.nodes, strict=False)):
        if x.op != y.op or len(x.args) != len(y.args) or x.outputs != y.outputs:
            raise ExportError(
                f"export: the model does different things {where}: call {i} is {x.op} on {x.shapes} in one, "
                f"{y.op} on {y.shapes} in the other; does its Python branch on a size?"
            )
        if x.dtypes != y.dtypes:
            raise ExportError(f"export: call {i} ({x.op}) has results of dtypes {x.dtypes} and {y.dtypes} {where}")
        if [len(s) for s in x.shapes] != [len(s) for s in y.shapes]:
            raise ExportError(f"export: call {i} ({x.op}) has results of shapes {x.shapes} and {y.shapes} {where}")
    if len(a.nodes) != len(b.nodes) or a.outputs != b.outputs or set(a.constants) != set(b.constants):
        raise ExportError(
            f"export: the model makes {len(a.nodes)} and {len(b.nodes)} calls {where}; "
            "does its Python loop over a size?"
        )


def _merge_arg(where: str, versions: Sequence[Any], runs: Sequence[Sizes]) -> Any:
    first = versions[0]
    if isinstance(first, tuple):
        if any(not isinstance(v, tuple) or len(v) != len(first) for v in versions):
            raise ExportError(f"export: {where} has different lengths: {list(versions)}")
        return tuple(_merge_arg(where, [v[k] for v in versions], runs) for k in range(len(first)))
    if isinstance(first, Ref):
        if any(v != first for v in versions):
            raise ExportError(f"export: {where} is another tensor at another size")
        return first
    if all(type(v) is type(first) and v == first for v in versions):
        return first
    if all(isinstance(v, int) and not isinstance(v, bool) for v in versions):
        return _formula(where, versions, runs)
    if all(isinstance(v, (int, float)) and float(v).is_integer() for v in versions):
        return _formula(where, [int(v) for v in versions], runs)
    raise ExportError(f"export: {where} differs with the sizes: {list(versions)} at {[dict(r) for r in runs]}")


def _formula(where: str, values: Sequence[int], runs: Sequence[Sizes]) -> Formula:
    formula = solve(values, runs)
    if formula is None:
        raise ExportError(
            f"export: {where} is {list(values)} at the sizes {[dict(r) for r in runs]}: "
            "no function of them that is known"
        )
    return formula


def _merge_size(values: Sequence[int], runs: Sequence[Sizes]) -> int | Formula | None:
    """A size of an output; None where it is no function of the inputs' that is known."""
    return values[0] if len(set(values)) == 1 else solve(values, runs)


def _merge_constant(value: int, versions: Sequence[dt.Tensor], runs: Sequence[Sizes]) -> Any:
    first = versions[0]
    if all(_same_tensor(first, v) for v in versions[1:]):
        return first
    if all(v.ndim == 0 and v.dtype == first.dtype for v in versions):
        numbers = [v.item() for v in versions]
        if all(float(n).is_integer() for n in numbers):
            return _formula(f"constant {value}", [int(n) for n in numbers], runs), first.dtype.name
    raise ExportError(
        f"export: a tensor that the model brings along (shape {tuple(first.shape)}) differs between runs; "
        "compute it from the input inside the model, or make it a buffer"
    )


def _same_tensor(a: dt.Tensor, b: dt.Tensor) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.data_ptr() == b.data_ptr() and a.stride() == b.stride():
        return True
    return bool(((a == b) | ((a != a) & (b != b))).all()) if a.numel() else True
