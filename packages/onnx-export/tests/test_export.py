"""Export: what is written is what the model computes, at every size; what cannot be is refused in words.

Every export proves itself in ONNX Runtime; the tests look at what that proof cannot see.
"""

import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest

import dovetail as dt
from dovetail.onnx import ExportError, export
from dovetail.ops import get_op


def randn(*shape):
    return dt.randn(shape, generator=dt.Generator().manual_seed(0))


def run(path, *inputs):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {i.name: np.asarray(x) for i, x in zip(session.get_inputs(), inputs)})


def exported(tmp_path, fn, *inputs, axes=None, **options):
    path = tmp_path / "model.onnx"
    report = export(fn, inputs, path, dynamic_axes=axes, **options)
    assert path.exists() and report.nodes == len(onnx.load(path).graph.node)
    return report, str(path)


BATCH = {"input": {0: "batch"}}

FUNCTIONS = {
    "arithmetic": lambda x: (x * 2 - 1) / (x.abs() + 0.5) ** 2,
    "maths": lambda x: x.sin().exp() + x.sigmoid().tanh() + x.abs().log1p(),
    "compare": lambda x: dt.where(x > 0, x, 0.1 * x).clamp(-1, 1),
    "integers": lambda x: (x * 10).to(dt.int64) * 3 + 1,
    "bool": lambda x: ((x > 0) & (x < 1)) | ~(x == 0),
    "reductions": lambda x: x.sum(1) + x.mean(1) + x.amax(1) - x.amin(1) + x.prod(1),
    "all": lambda x: x.sum(),
    "keepdim": lambda x: x - x.mean(1, keepdim=True),
    "variance": lambda x: x.var(1) + x.std(1),
    "argmax": lambda x: x.argmax(1),
    "any": lambda x: (x > 1).any(1),
    "cumsum": lambda x: x.cumsum(1),
    "softmax": lambda x: dt.softmax(x, 1) + dt.log_softmax(x, -1),
    "logsumexp": lambda x: dt.logsumexp(x, [1]),
    "view": lambda x: x.view(x.shape[0], 2, 2).transpose(1, 2).reshape(x.shape[0], -1),
    "flat": lambda x: x.reshape(-1),
    "flatten": lambda x: x.unsqueeze(2).flatten(1).unsqueeze(-1).squeeze(2),
    "nonzero": lambda x: (x > 0).nonzero(),
    "rounding": lambda x: x.trunc() + x.round() + (x * 10).div(3, rounding_mode="trunc") + (x * 10) // 3,
    "integer division": lambda x: (x * 10).to(dt.int64) // 3 + (x * 10).to(dt.int64) % -4,
    "scatter": lambda x: x.scatter_reduce(1, dt.zeros((x.shape[0], 4), dtype=dt.int64), x, "amax"),
    "atan2": lambda x: dt.atan2(x, x.flip([1])),
    "bits": lambda x: (x * 10).to(dt.int32) & 7 | ~(x * 10).to(dt.int32),
    "index": lambda x: x[:, dt.tensor([2, 0])] + x[dt.zeros(1, dtype=dt.int64)][:, :2],
    "slices": lambda x: x[:, 1:3] + x[:, ::2] + x[:, :1],
    "backwards": lambda x: x.flip([1]),
    "select": lambda x: x[:, 0] + x[0, 1] + x[-1, -1],
    "cat": lambda x: dt.cat([x, x * 2], 1) + dt.cat([x[:, :2]] * 4, 1),
    "stack": lambda x: dt.stack([x, -x], 1),
    "split": lambda x: x.split(2, 1)[0] * x.chunk(2, 1)[1],
    "expand": lambda x: x.unsqueeze(1).expand(x.shape[0], 3, 4),
    "pad": lambda x: dt.constant_pad_nd(x, [1, 2], 0.5),
    "matmul": lambda x: x @ x.t(),
    "det": lambda x: dt.linalg.det(x.t() @ x / x.shape[0] + dt.eye(4)) + x[:, 0],
    "eye": lambda x: dt.eye(x.shape[0], 4) * x + dt.eye(4, dtype=dt.int32).sum(),
    "einsum": lambda x: dt.einsum("ij,kj->ik", x, x),
    "gather": lambda x: x.gather(1, dt.zeros((x.shape[0], 2), dtype=dt.int64)),
    "index_select": lambda x: x.index_select(1, dt.tensor([3, 0])),
    "arange": lambda x: x + dt.arange(x.shape[0], dtype=dt.float32).unsqueeze(1),
    "made": lambda x: x + dt.zeros_like(x) + dt.ones((x.shape[0], 1)) * 2,
    "size in the sum": lambda x: x.sum(0) / x.shape[0],
    "sort": lambda x: x.sort(1)[0],
    "tril": lambda x: dt.tril(x @ x.t()),
    "gelu": lambda x: get_op("gelu")(x) + get_op("silu")(x) + x.erf(),
    "layer_norm": lambda x: get_op("layer_norm")(x, (4,)),
}


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.at_head] * (n == "det")) for n in FUNCTIONS])
def test_function(tmp_path, name):
    report, path = exported(tmp_path, FUNCTIONS[name], randn(3, 4), axes=BATCH)
    assert report.max_difference < 1e-4 and len(report.checks) == 3
    x = randn(8, 4)
    np.testing.assert_allclose(run(path, x)[0], FUNCTIONS[name](x).numpy(), rtol=1e-3, atol=1e-5)


# ---- writes -------------------------------------------------------------------------------------------------


def write_rows(x):
    y = x * 1
    y[:, 1] = 7.0
    y[:, 2:] += 1
    return y


def write_through_views(x):
    y = x * 1
    t = y.t()
    t[0].mul_(10)
    row = y[0]
    y.add_(1)
    return y + row  # the view was taken before the write, and sees it


def write_in_place(x):
    y = x * 2
    y.relu_().add_(1)
    y.unsqueeze(0).sub_(3)
    return y


def write_reshaped(x):
    y = x * 1
    y.view(-1, 2, 2)[:, 0, 1] = 5.0
    return y


@pytest.mark.parametrize("fn", [write_rows, write_through_views, write_in_place, write_reshaped])
def test_writes_become_values(tmp_path, fn):
    _, path = exported(tmp_path, fn, randn(3, 4), axes=BATCH)
    x = randn(5, 4)
    np.testing.assert_allclose(run(path, x)[0], fn(x.clone()).numpy(), rtol=1e-5, atol=1e-6)


# ---- inputs, outputs, sizes ---------------------------------------------------------------------------------


def test_several_inputs_and_outputs_with_names(tmp_path):
    _, path = exported(
        tmp_path,
        lambda a, b: {"sum": a + b, "product": (a * b,)},
        randn(2, 3),
        randn(2, 3),
        input_names=["a", "b"],
        output_names=["sum", "product"],
        axes={"a": {0: "n"}, "b": {0: "n"}},
    )
    graph = onnx.load(path).graph
    assert [i.name for i in graph.input] == ["a", "b"] and [o.name for o in graph.output] == ["sum", "product"]
    assert graph.input[0].type.tensor_type.shape.dim[0].dim_param == "n"


def test_two_sizes_that_vary_apart(tmp_path):
    def fn(x):
        n, m = x.shape
        return x.reshape(n * m).expand(2, n * m).reshape(2 * n, m) * (n + 1) + m

    _, path = exported(tmp_path, fn, randn(3, 4), axes={"input": {0: "n", 1: "m"}})
    x = randn(7, 2)
    np.testing.assert_allclose(run(path, x)[0], fn(x).numpy(), rtol=1e-5)


def test_the_call_as_pytorch_has_it(tmp_path):
    path, weight = tmp_path / "model.onnx", randn(4, 3)
    export(
        lambda x: x @ weight,
        randn(2, 4),
        path,
        export_params=True,
        opset_version=18,
        do_constant_folding=True,
        input_names=["input"],
        output_names=["scores"],
        dynamic_axes={"input": {0: "batch"}, "scores": {0: "batch"}},
    )
    model = onnx.load(path)
    assert model.opset_import[0].version == 18
    assert [x.type.tensor_type.shape.dim[0].dim_param for x in (*model.graph.input, *model.graph.output)] == [
        "batch"
    ] * 2
    with pytest.raises(ValueError, match="export: the parameters are always in the file"):
        export(lambda x: x @ weight, randn(2, 4), path, export_params=False)


def test_without_dynamic_axes_the_sizes_are_fixed(tmp_path):
    _, path = exported(tmp_path, lambda x: x + 1, randn(2, 3))
    assert onnx.load(path).graph.input[0].type.tensor_type.shape.dim[0].dim_value == 2


def test_numbers_without_dims_and_parameters(tmp_path):
    w, s = randn(4, 2), dt.tensor(3.0)
    _, path = exported(tmp_path, lambda x: x @ w + s, randn(3, 4), axes=BATCH)
    assert (
        sum(t.data_type == onnx.TensorProto.FLOAT and len(t.dims) == 2 for t in onnx.load(path).graph.initializer) == 1
    )


# ---- refusals -----------------------------------------------------------------------------------------------


def branches(x):
    return x * 2 if x.shape[0] > 2 else x.exp()


def loops(x):
    for _ in range(x.shape[0]):
        x = x + 1
    return x


def looks(x):
    return x * 2 if x.sum().item() > 0 else x


@pytest.mark.parametrize(
    "fn, match",
    [(branches, "different things"), (loops, "loop over a size"), (lambda x: x.shape[0], "must give tensors")],
)
def test_models_that_cannot_be_exported(tmp_path, fn, match):
    with pytest.raises(ExportError, match=match):
        export(fn, randn(3, 4), tmp_path / "model.onnx", dynamic_axes=BATCH)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "fn", [looks, lambda x: x + float(x[0, 0]), lambda x: dt.tensor(x.numpy()), lambda x: dt.tensor(x.tolist())]
)
def test_a_traced_value_does_not_become_a_number(tmp_path, fn):
    with pytest.raises(ExportError, match="^export: .*(item|bool|numpy|tolist|float)"):
        export(fn, randn(3, 4), tmp_path / "model.onnx", dynamic_axes=BATCH)


@pytest.mark.at_head
def test_factorisations_are_refused_by_name(tmp_path):
    with pytest.raises(ExportError, match="linalg_getrf: ONNX has no factorisations of matrices"):
        export(dt.linalg.inv, dt.eye(3), tmp_path / "model.onnx")


def test_every_unsupported_op_is_listed(tmp_path):
    def fn(x):
        return get_op("philox_normal")((3, 4), 0, 0) + get_op("philox_uniform")((3, 4), 0, 0) + x

    with pytest.raises(ExportError) as error:
        export(fn, randn(3, 4), tmp_path / "model.onnx")
    assert "philox_normal" in str(error.value) and "philox_uniform" in str(error.value)


def test_bad_arguments(tmp_path):
    path = tmp_path / "model.onnx"
    for args, options, error, match in [
        ((3,), {}, TypeError, r"args\[0\] must be a Tensor, got int 3"),
        ((randn(2),), {"dynamic_axes": {"x": {0: "n"}}}, ValueError, r"dynamic_axes names \['x'\]"),
        ((randn(2),), {"dynamic_axes": {"input": {3: "n"}}}, ValueError, "axis 3"),
        ((randn(2),), {"input_names": ["a", "b"]}, ValueError, "2 input names"),
        ((randn(2),), {"output_names": ["a", "b"]}, ValueError, "2 output names"),
        ((dt.zeros(0, 2),), {"dynamic_axes": BATCH}, ValueError, "is empty"),
    ]:
        with pytest.raises(error, match=f"^export: .*{match}"):
            export(lambda *xs: xs[0], args, path, **options)


def test_a_wrong_mapping_is_found_out(tmp_path, monkeypatch):
    from dovetail.onnx.graph import MAPPINGS

    monkeypatch.setitem(MAPPINGS, "sin", MAPPINGS["cos"])
    with pytest.raises(ExportError, match="differs from the model's by up to"):
        export(lambda x: x.sin(), randn(3), tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.at_head
def test_every_op_has_a_mapping_a_decomposition_or_a_reason():
    from dovetail.onnx.graph import MAPPINGS
    from dovetail.onnx.mappings import REASONS

    elsewhere = {"channel_norm", "leaky_relu", "elu", "softsign"}  # dovetail.nn's
    elsewhere |= {"lstm_layer", "gru_layer", "rnn_layer"}
    # (Other tests declare ops in this process.)
    listing = [sys.executable, "-c", "import dovetail as dt; print(*dt.ops.names())"]
    known = set(subprocess.run(listing, check=True, capture_output=True, text=True).stdout.split())
    assert set(MAPPINGS) - elsewhere <= known
    bare = {name for name in known if not get_op(name).decomposes and name not in MAPPINGS}
    assert bare == set(REASONS), "REASONS lists exactly the ops that cannot be exported"
