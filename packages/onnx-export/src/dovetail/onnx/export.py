"""Export: trace at several sizes, merge, build the ONNX file, run it in ONNX Runtime at other sizes, and compare."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import dovetail as dt
import onnx
from dovetail import checks
from dovetail.ops import get_op
from onnx import helper

from . import mappings
from .errors import ExportError
from .graph import ELEMENT_TYPES, MAPPINGS, Call, Graph, is_mapped
from .mappings.complex import OF_COMPLEX, is_complex
from .merge import merge
from .solve import Sizes, proof_sizes, sample_sizes
from .trace import Recorder, Ref, Trace

DEFAULT_OPSET = 20

Axes = Mapping[str, Mapping[int, str] | Sequence[int]]


@dataclass
class ExportReport:
    """What was exported, and the proof.

    Attributes:
        path: the file.
        nodes: how many ONNX nodes it has.
        checks: for each run in ONNX Runtime, its sizes and the largest absolute difference from the model.
    """

    path: str
    nodes: int
    checks: list[tuple[dict[str, int], float]] = field(default_factory=list)

    @property
    def max_difference(self) -> float:
        """The largest absolute difference of all runs."""
        return max((difference for _, difference in self.checks), default=0.0)


@checks.in_own_name
def export(
    model: Any,
    args: Any,
    path: str | os.PathLike[str],
    *,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    dynamic_axes: Axes | None = None,
    opset: int = DEFAULT_OPSET,
    opset_version: int | None = None,
    export_params: bool = True,
    do_constant_folding: bool = True,
    rtol: float = 1e-3,
    atol: float = 1e-5,
) -> ExportReport:
    """Export a model to ONNX and prove the file.

    The model (any callable on tensors) is run at the example's sizes and, for every dynamic axis, at several others, 1
    among them. Its op calls become ONNX nodes; numbers that follow the sizes become computations on them. The file is
    then checked, run in ONNX Runtime at sizes that were not traced, and compared with the model.

    Args:
        model: a Module in the mode in which it is to be exported (usually ``eval()``), or a function.
        args: the example input, or a tuple of them.
        path: where the file goes. It is written only when the proof holds.
        input_names, output_names: by default input, input_1, ..., output, output_1, ...
        dynamic_axes: for an input's name, the axes that may have another size: ``{"input": {0: "batch"}}``. The same
            axis name at several inputs means one size. A list of axes instead of a dict names them after the input.
            Outputs may be named too, as in PyTorch; theirs follow from the inputs'.
        opset: of the default ONNX domain.
        opset_version: PyTorch's name of it, which goes before.
        export_params, do_constant_folding: taken as in PyTorch. Parameters are always in the file, and constants are
            folded by the runtime that loads it.
        rtol, atol: how far results may differ: ``|onnx - model| <= atol + rtol · |model|``.

    Returns:
        an ExportReport with the differences that were found.

    Raises:
        ExportError: for ops without a mapping or decomposition (all of them at once), a model that does different
            things at different sizes, or results that differ.
        TypeError: for inputs that are no tensors.

    Example:
        >>> import tempfile, os
        >>> path = os.path.join(tempfile.mkdtemp(), "double.onnx")
        >>> report = export(lambda x: x * 2, dt.ones(3), path, dynamic_axes={"input": {0: "n"}})
        >>> report.max_difference
        0.0
    """
    checks.callables("export", model=model)
    if not isinstance(args, (dt.Tensor, list, tuple)):
        raise TypeError(f"export: args must be a Tensor or a tuple of them, got {checks.shown(args)}")
    inputs = (args,) if isinstance(args, dt.Tensor) else tuple(args)
    checks.tensors("export", **{f"args[{i}]": x for i, x in enumerate(inputs)})
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"export: path must be a path, got {checks.shown(path)}")
    checks.numbers("export", rtol=rtol, atol=atol)
    if not export_params:
        raise ValueError("export: the parameters are always in the file, got export_params=False")
    opset = opset if opset_version is None else opset_version
    newest = onnx.defs.onnx_opset_version()
    if not isinstance(opset, int) or not 1 <= opset <= newest:
        raise ValueError(f"export: opset must be an int from 1 to {newest}, got {checks.shown(opset)}")
    names = list(input_names or ["input", *[f"input_{i}" for i in range(1, len(inputs))]])
    if len(names) != len(inputs):
        raise ValueError(f"export: {len(names)} input names for {len(inputs)} inputs")
    results = {*(output_names or ()), "output"}
    given = {name: named for name, named in (dynamic_axes or {}).items() if name in names or name not in results}
    axes = _normal_axes(given, names, inputs)
    sizes = {axis: inputs[i].shape[d] for i, named in axes.items() for d, axis in named.items()}
    runs: list[Sizes] = list(sample_sizes(sizes)) if sizes else [{}]
    traces = [_trace(model, _resize(inputs, axes, run, seed=k)) for k, run in enumerate(runs)]
    unsupported = {k: v for trace in traces for k, v in trace.unsupported.items()}
    if unsupported:
        raise ExportError("export: the model uses ops that cannot be exported:\n  " + "\n  ".join(unsupported.values()))
    onnx_model = _build(merge(traces, runs), names, inputs, output_names, axes, opset)
    differences = _prove(model, onnx_model, inputs, names, axes, sizes, rtol, atol)
    _write(onnx_model, path)
    return ExportReport(os.fspath(path), len(onnx_model.graph.node), differences)


# ---- inputs at other sizes ----------------------------------------------------------------------------------


def _normal_axes(dynamic: Axes, names: list[str], inputs: tuple[dt.Tensor, ...]) -> dict[int, dict[int, str]]:
    """Dynamic axes by the number of the input: ``{axis: name of the size}``."""
    unknown = set(dynamic) - set(names)
    if unknown:
        raise ValueError(f"export: dynamic_axes names {sorted(unknown)}, but the inputs are {names}")
    axes: dict[int, dict[int, str]] = {}
    for i, name in enumerate(names):
        given = dynamic.get(name, {})
        named = dict(given) if isinstance(given, Mapping) else {d: f"{name}_{d}" for d in given}
        rank = inputs[i].ndim
        for d in named:
            if not -rank <= d < rank:
                raise ValueError(f"export: axis {d} of {name} is out of range for shape {tuple(inputs[i].shape)}")
        axes[i] = {d % rank: axis for d, axis in named.items()}
    return axes


def _resize(
    inputs: tuple[dt.Tensor, ...], axes: Mapping[int, Mapping[int, str]], sizes: Sizes, seed: int
) -> tuple[dt.Tensor, ...]:
    """The example at other sizes: rows are repeated, floats shaken a little so that they differ."""
    generator = dt.Generator().manual_seed(seed)
    resized = []
    for i, x in enumerate(inputs):
        x = x.detach()
        for d, axis in axes.get(i, {}).items():
            if x.shape[d] == 0:
                raise ValueError(f"export: input {i} is empty along its dynamic axis {d}; give an example with a row")
            x = x.index_select(d, (dt.arange(sizes[axis]) % x.shape[d]).to(x.device))
        if x.is_floating_point():
            noise = dt.randn(tuple(x.shape), generator=generator, dtype=x.dtype)
            x = x + 0.1 * noise.to(x.device)
        resized.append(x)
    return tuple(resized)


# ---- tracing ------------------------------------------------------------------------------------------------


def _trace(model: Any, inputs: tuple[dt.Tensor, ...]) -> Trace:
    recorder = Recorder(is_mapped, _reason)
    with dt.no_grad(), recorder:
        for x in inputs:
            recorder.add_input(x)
        outputs = model(*inputs)
        for i, y in enumerate(_outputs(outputs)):
            if not isinstance(y, dt.Tensor):
                raise ExportError(f"export: output {i} is a {type(y).__name__}; a model must give tensors")
            recorder.add_output(y)
    return recorder.trace


def _reason(name: str) -> str:
    return f"{name}: {mappings.REASONS.get(name, 'has no mapping to ONNX and no decomposition')}"


def _outputs(outputs: Any) -> list[Any]:
    if isinstance(outputs, dt.Tensor):
        return [outputs]
    if isinstance(outputs, Mapping):
        return _outputs(list(outputs.values()))
    if isinstance(outputs, (list, tuple)):
        return [leaf for item in outputs for leaf in _outputs(item)]
    return [outputs]


# ---- building -----------------------------------------------------------------------------------------------


def _build(
    trace: Trace,
    names: list[str],
    inputs: tuple[dt.Tensor, ...],
    output_names: Sequence[str] | None,
    axes: Mapping[int, Mapping[int, str]],
    opset: int,
) -> onnx.ModelProto:
    sources = {axis: (names[i], d) for i, named in axes.items() for d, axis in named.items()}
    graph = Graph(sources)
    infos = []
    for i, (value, name, x) in enumerate(zip(trace.inputs, names, inputs, strict=True)):
        _name(graph, value, name, tuple(x.shape), x.dtype.name)
        dims = [axes.get(i, {}).get(d, size) for d, size in enumerate(x.shape)]
        infos.append(helper.make_tensor_value_info(name, _element_type(f"input {name}", x.dtype.name), dims))
    for value, constant in trace.constants.items():
        _add_constant(graph, value, constant)
    for i, node in enumerate(trace.nodes):
        _add_node(graph, i, node)
    results = _add_outputs(graph, trace, output_names)
    used = _needed(graph, [r.name for r in results])
    proto = helper.make_graph(
        used, "dovetail", infos, results, [t for t in graph.initializers if _is_read(t.name, used)]
    )
    model = helper.make_model(
        proto, opset_imports=[helper.make_opsetid("", opset)], producer_name="dovetail", ir_version=9
    )
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ExportError(f"export: what the model becomes is not valid at opset {opset}: {error}") from error
    return model


def _name(graph: Graph, value: int, name: str, shape: tuple[int, ...], dtype: str) -> None:
    graph.names[value] = name
    graph.shapes[name] = shape
    graph.dtypes[name] = dtype


def _add_constant(graph: Graph, value: int, constant: Any) -> None:
    if isinstance(constant, tuple):  # a number that follows the sizes
        formula, dtype = constant
        number = graph.add("Squeeze", graph.formula(formula), graph.constant([0]))
        name = graph.add("Cast", number, to=ELEMENT_TYPES[dtype])
        _name(graph, value, name, (), dtype)
        return
    array = np.asarray((dt.view_as_real(constant) if constant.is_complex() else constant).cpu())
    name = graph.constant(array, constant.dtype.name) if array.ndim == 0 else graph.initializer(array, "param")
    _name(graph, value, name, tuple(constant.shape), constant.dtype.name)


def _add_node(graph: Graph, i: int, node: Any) -> None:
    op = get_op(node.op)
    call = Call(graph, node, [arg.name for arg in op.args])
    try:
        made = _mapping_of(call)(call)
    except ValueError as error:
        raise ExportError(f"export: call {i}, {node.op} on a result of shape {node.shapes[0]}: {error}") from error
    for value, name, shape, dtype in zip(
        node.outputs, [made] if isinstance(made, str) else made, node.shapes, node.dtypes, strict=True
    ):
        if name in graph.shapes:  # the mapping gave an input back: the names of values stay apart
            name = graph.add("Identity", name)
        _name(graph, value, name, shape, dtype)


def _mapping_of(call: Call) -> Any:
    """The op's mapping: where tensors are complex, that of pairs."""
    node = call.node
    of_arguments = [call.graph.dtypes[call.graph.names[ref.value]] for ref in _refs(node.args)]
    if not any(map(is_complex, [*node.dtypes, *of_arguments])):
        return MAPPINGS[node.op]
    if node.op not in OF_COMPLEX:
        raise ValueError("of complex numbers it has no operator in ONNX; use their parts, view_as_real")
    return OF_COMPLEX[node.op]


def _refs(arg: Any) -> Iterator[Ref]:
    """The tensors among a recorded call's arguments."""
    if isinstance(arg, Ref):
        yield arg
    elif isinstance(arg, tuple):
        for item in arg:
            yield from _refs(item)


def _element_type(what: str, dtype: str) -> int:
    """What ONNX calls the dtype of an input or output."""
    if dtype not in ELEMENT_TYPES:
        raise ExportError(f"export: {what} is {dtype}, which ONNX Runtime does not compute with; use view_as_real")
    return ELEMENT_TYPES[dtype]


def _add_outputs(graph: Graph, trace: Trace, output_names: Sequence[str] | None) -> list[onnx.ValueInfoProto]:
    names = list(output_names or ["output", *[f"output_{i}" for i in range(1, len(trace.outputs))]])
    if len(names) != len(trace.outputs):
        raise ValueError(f"export: {len(names)} output names for {len(trace.outputs)} outputs")
    infos = []
    for name, value, shape in zip(names, trace.outputs, trace.output_shapes, strict=True):
        inner = graph.names[value]
        graph.nodes.append(helper.make_node("Identity", [inner], [name]))
        dims = [size if isinstance(size, int | None) else str(size) for size in shape]
        infos.append(helper.make_tensor_value_info(name, _element_type(name, graph.dtypes[inner]), dims))
    return infos


def _needed(graph: Graph, outputs: list[str]) -> list[onnx.NodeProto]:
    """The nodes that the outputs depend on, in order."""
    wanted = set(outputs)
    kept = []
    for node in reversed(graph.nodes):
        if wanted & set(node.output):
            kept.append(node)
            wanted |= set(node.input)
    return kept[::-1]


def _is_read(name: str, nodes: list[onnx.NodeProto]) -> bool:
    return any(name in node.input for node in nodes)


# ---- the proof ----------------------------------------------------------------------------------------------


def _prove(
    model: Any,
    onnx_model: onnx.ModelProto,
    inputs: tuple[dt.Tensor, ...],
    names: list[str],
    axes: Mapping[int, Mapping[int, str]],
    sizes: Sizes,
    rtol: float,
    atol: float,
) -> list[tuple[dict[str, int], float]]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(onnx_model.SerializeToString(), options, ["CPUExecutionProvider"])
    except Exception as error:  # its exceptions have no common base
        opset = onnx_model.opset_import[0].version
        raise ExportError(f"export: ONNX Runtime does not load the model at opset {opset}: {error}") from error
    runs = [dict(sizes), proof_sizes(sizes), dict.fromkeys(sizes, 1)] if sizes else [{}]
    differences = []
    for k, run in enumerate(runs):
        xs = _resize(inputs, axes, run, seed=1000 + k)
        with dt.no_grad():
            expected = [np.asarray(y.cpu()) for y in _outputs(model(*xs))]
        got = session.run(None, {name: np.asarray(x.cpu()) for name, x in zip(names, xs, strict=True)})
        differences.append((run, _compare(run, expected, got, rtol, atol)))
    return differences


def _compare(run: Sizes, expected: list[Any], got: list[Any], rtol: float, atol: float) -> float:
    worst = 0.0
    for i, (want, have) in enumerate(zip(expected, got, strict=True)):
        if want.shape != have.shape or want.dtype != have.dtype:
            raise ExportError(
                f"export: at sizes {dict(run)}, ONNX Runtime gives output {i} as {have.dtype} {have.shape}, "
                f"the model as {want.dtype} {want.shape}"
            )
        if not want.size:
            continue
        want, have = np.atleast_1d(want).astype(np.float64), np.atleast_1d(have).astype(np.float64)
        with np.errstate(invalid="ignore"):
            difference = np.where((want == have) | (np.isnan(want) & np.isnan(have)), 0, np.abs(want - have))
        bad = ~(difference <= atol + rtol * np.abs(want))
        if bad.any():
            raise ExportError(
                f"export: at sizes {dict(run)}, output {i} of ONNX Runtime differs from the model's by up to "
                f"{np.nanmax(difference):.3g} in {int(bad.sum())} of {want.size} elements; nothing was written"
            )
        worst = max(worst, float(difference.max()))
    return worst


def _write(model: onnx.ModelProto, path: str | os.PathLike[str]) -> None:
    """Whole or not at all: into a file beside it first."""
    temporary = f"{os.fspath(path)}.{os.getpid()}.tmp"
    try:
        with open(temporary, "wb") as file:
            file.write(model.SerializeToString())
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)
