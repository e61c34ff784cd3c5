"""A backend written in Python: kernels over NumPy views of host memory, and the conformance check."""

import subprocess
import sys

import numpy as np
import pytest

import dovetail as dt
from dovetail.testing import backend as conformance

BINARY = {"mul": np.multiply, "maximum": np.maximum, "eq": np.equal}


class Slate:
    """Brings a handful of kernels, and counts what it runs."""

    def __init__(self):
        self.ran = []

    def device_count(self):
        return 2

    def get_kernel(self, op, dtypes):
        function = getattr(self, op, None) or self.ufunc(op)
        if function is None:
            return None

        def kernel(outs, ins, args):
            self.ran.append((op, dtypes))
            return function(outs, ins, args)

        return kernel

    def ufunc(self, op):
        if op not in BINARY:
            return None
        return lambda outs, ins, args: BINARY[op](*map(np.asarray, ins), out=np.asarray(outs[0]))

    def copy(self, outs, ins, args):
        np.asarray(outs[0])[...] = np.asarray(ins[-1])

    def full(self, outs, ins, args):
        np.asarray(outs[0])[...] = args[1]

    def add(self, outs, ins, args):
        np.asarray(outs[0])[...] = np.asarray(ins[0]) + np.asarray(ins[1]) * args[2]

    def sum(self, outs, ins, args):
        out, source = np.asarray(outs[0]), np.asarray(ins[0])
        reduced = tuple(d for d in range(out.ndim) if out.strides[d] == 0)
        out[tuple(slice(0, 1) if d in reduced else slice(None) for d in range(out.ndim))] = source.sum(
            reduced, keepdims=True
        )

    def nonzero(self, allocate, ins, args):
        places = np.argwhere(np.asarray(ins[0]))
        np.asarray(allocate(0, places.shape))[...] = places

    def exp(self, outs, ins, args):
        raise ArithmeticError("no exponentials today")


@pytest.fixture(scope="module")
def slate():
    backend = Slate()
    dt.backends.register("slate", backend)
    return backend


def test_there_and_back(slate):
    x = dt.tensor([[1.0, 2.0], [3.0, 4.0]]).to("slate")
    assert x.device.type == "slate" and str(x.device) == "slate:0"
    assert x.cpu().tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert "slate" in dt.backends.names() and dt.backends.device_count("slate") == 2
    assert dt.backends.is_available("slate")


def test_kernels_run(slate):
    x = dt.tensor([1.0, 2.0]).to("slate")
    slate.ran.clear()
    y = dt.add(x, x, alpha=3)
    assert y.device.type == "slate" and y.cpu().tolist() == [4.0, 8.0]
    assert slate.ran[0] == ("add", ("float32",))


def test_broadcasting_and_strides(slate):
    x = dt.arange(6.0).reshape(2, 3)
    there = x.to("slate")
    assert (there.t() * there[0, :2]).cpu().tolist() == (x.t() * x[0, :2]).tolist()
    assert (there[:, ::-1] + 1).cpu().tolist() == (x[:, ::-1] + 1).tolist()


def test_reductions(slate):
    x = dt.arange(24.0).reshape(2, 3, 4)
    there = x.to("slate")
    for dims in (None, 0, 1, (0, 2), (1, 2)):
        assert there.sum(dims).cpu().tolist() == x.sum(dims).tolist()


def test_decomposition_where_there_is_no_kernel(slate):
    x = dt.tensor([1.0, -2.0]).to("slate")
    assert x.square().cpu().tolist() == [1.0, 4.0]


def test_dynamic_results(slate):
    x = dt.tensor([0.0, 1.0, 2.0]).to("slate")
    assert x.nonzero().cpu().tolist() == [[1], [2]]


def test_a_missing_kernel_says_so(slate):
    x = dt.tensor([1.0]).to("slate")
    with pytest.raises(NotImplementedError, match="lgamma.*slate.*float32"):
        x.lgamma()


def test_an_exception_in_a_kernel_passes_unchanged(slate):
    x = dt.tensor([1.0]).to("slate")
    with pytest.raises(ArithmeticError, match="no exponentials today"):
        x.exp()


def test_devices_do_not_mix(slate):
    with pytest.raises((RuntimeError, ValueError), match="slate"):
        dt.ones(2) + dt.ones(2).to("slate")


def test_a_refusal_names_the_dtype_that_there_is_no_kernel_for(slate):
    words = "^{}: backend 'slate' has no kernel for dtype {}"
    with pytest.raises(NotImplementedError, match=words.format("tanh", "float64")):
        dt.ones(2, dtype=dt.float64).to("slate").tanh()
    with pytest.raises(NotImplementedError, match=words.format("arange", "int16")):
        dt.arange(3, dtype=dt.int16, device="slate")  # the result's, where there is no tensor given
    with pytest.raises(NotImplementedError, match=words.format("rand", "float32")):
        dt.rand(3, device="slate")


def test_unknown_devices():
    with pytest.raises((RuntimeError, ValueError), match="abacus"):
        dt.ones(1).to("abacus")


def test_an_absent_device(slate):
    with pytest.raises((RuntimeError, ValueError), match="slate:7"):
        dt.ones(1).to("slate:7")


def test_registering_wrongly(slate):
    with pytest.raises((RuntimeError, ValueError), match="slate"):
        dt.backends.register("slate", Slate())
    with pytest.raises(TypeError, match=r"half_done.*device_count\(\)"):
        dt.backends.register("half_done", object())
    with pytest.raises(ValueError, match=r"^backends.register"):
        dt.backends.register("Not A Name", Slate())


def test_printing_and_saving(slate, tmp_path):
    x = dt.tensor([1.0, 2.0]).to("slate")
    assert repr(x) == "tensor([1., 2.], shape=(2,), dtype=float32, device=slate:0)"
    dt.save(x, tmp_path / "x")
    assert dt.load(tmp_path / "x").device.type == "slate"
    assert dt.load(tmp_path / "x", map_location="cpu").tolist() == [1.0, 2.0]


def test_conformance_of_an_incomplete_backend(slate):
    report = conformance.check("slate")
    assert not report.passed
    assert "add" in report.native and "lgamma" in report.missing and "exp" in report.failed
    assert "no exponentials today" in report.text()


def test_conformance_of_the_cpu():
    report = conformance.check("cpu")
    assert report.passed, report.text()
    assert "required primitives" in report.text()


def test_conformance_on_the_command_line():
    command = [sys.executable, "-m", "dovetail.testing.backend"]
    done = subprocess.run([*command, "cpu"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.endswith("passed\n"), done.stdout + done.stderr
    done = subprocess.run([*command, "abacus"], capture_output=True, text=True)
    assert done.returncode == 2 and "abacus" in done.stderr


def test_every_op_that_takes_a_kernel_has_samples():
    """(Of the core's ops: in a process of its own, into which no other package brings its own.)"""
    program = (
        "import dovetail as dt; from dovetail.testing import backend as conformance\n"
        "print([op.name for op in dt._core.ops() if op.form not in ('view', 'composite') and not op.writes"
        " and not conformance.samples(op.name)])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
