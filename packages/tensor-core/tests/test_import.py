"""What `import dovetail` loads, and what it says of what is not there."""

import subprocess
import sys

import pytest

import dovetail as dt


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_numpy_is_not_imported():
    assert run("import sys, dovetail; print('numpy' in sys.modules)") == "False"


def test_families_load_when_their_ops_run():
    code = """
import sys, dovetail as dt
before = 'dovetail.ops.arithmetic' in sys.modules
dt.float_power(dt.ones(1), 2)
print(before, 'dovetail.ops.arithmetic' in sys.modules)
"""
    assert run(code) == "False True"


def test_import_loads_little():
    # What an import costs is what it loads; tools/bench measures the time.
    loaded = int(run("import sys; before = len(sys.modules); import dovetail; print(len(sys.modules) - before)"))
    assert loaded < 70


MISSING = """
import sys
from importlib.abc import MetaPathFinder
class Hide(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {hidden!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hide())
import dovetail as dt
try:
    {use}
except ImportError as error:
    print(error)
"""


@pytest.mark.parametrize("piece", ["autograd", "nn", "optim", "data"])
def test_a_missing_piece_says_what_to_install(piece):
    said = run(MISSING.format(hidden=f"dovetail.{piece}", use=f"dt.{piece}"))
    assert said == f"dovetail.{piece} needs the distribution dovetail-{piece}: pip install dovetail-{piece}"


def test_mixed_precision_comes_with_autograd():
    for use in ("dt.amp", "dt.autocast('cpu')", "dt.cpu.amp", "import dovetail.cuda.amp"):
        said = run(MISSING.format(hidden="dovetail.amp", use=use))
        assert said == "dovetail.amp needs the distribution dovetail-autograd: pip install dovetail-autograd"


def test_the_export_has_its_own_distribution_name():
    said = run(MISSING.format(hidden="dovetail.onnx", use="dt.onnx"))
    assert "pip install dovetail-onnx-export" in said


def test_requires_grad_without_autograd_says_what_to_install():
    said = run(MISSING.format(hidden="dovetail.autograd", use="dt.ones(1).requires_grad_()"))
    assert "pip install dovetail-autograd" in said


def test_backward_without_autograd_says_what_to_install():
    said = run(MISSING.format(hidden="dovetail.autograd", use="dt.ones(1).backward()"))
    assert "pip install dovetail-autograd" in said


def test_without_autograd_tensors_are_leaves():
    code = MISSING.format(
        hidden="dovetail.autograd", use="x = dt.ones(1); print(x.grad_fn, x.is_leaf, x.requires_grad)"
    )
    assert run(code) == "None True False"


def test_a_missing_import_of_a_piece_is_not_masked(tmp_path):
    piece = tmp_path / "dovetail" / "nn"
    piece.mkdir(parents=True)
    (piece / "__init__.py").write_text("import a_module_that_is_not_there\n")
    code = f"""
import sys
import dovetail as dt
dt.__path__.insert(0, {str(tmp_path / "dovetail")!r})
try:
    dt.nn
except ModuleNotFoundError as error:
    print(error.name)
"""
    assert run(code) == "a_module_that_is_not_there"


def test_unknown_attribute():
    with pytest.raises(AttributeError, match="no attribute 'frobnicate'"):
        dt.frobnicate  # noqa: B018


def test_every_public_op_is_a_function():
    for op in dt._core.ops():
        if op.is_function:
            for name in (op.name, *op.aliases):
                assert callable(getattr(dt, name))


def test_every_marked_op_is_a_method():
    for op in dt._core.ops():
        if op.is_method:
            assert callable(getattr(dt.Tensor, op.name))
        if op.is_inplace:
            assert callable(getattr(dt.Tensor, f"{op.name}_"))


def test_every_op_is_documented():
    # In a process of its own: other tests register ops.
    code = """
import dovetail as dt
dt.ops.load_all()
print([op.name for op in dt._core.ops() if not op.doc])
"""
    assert run(code) == "[]"


def test_headers_are_shipped():
    from pathlib import Path

    assert (Path(dt.get_include()) / "dovetail" / "abi.h").is_file()


def test_short_names():
    assert (dt.float, dt.double, dt.half) == (dt.float32, dt.float64, dt.float16)
    assert (dt.int, dt.long, dt.short) == (dt.int32, dt.int64, dt.int16)
    assert dt.newaxis is None and dt.pi > 3.14 and dt.inf > 1e300 and dt.nan != dt.nan


def test_utils():
    data = pytest.importorskip("dovetail.data")
    assert dt.utils.data is data
    from dovetail.utils.data import DataLoader

    assert DataLoader is data.DataLoader
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        dt.utils.nonsense  # noqa: B018


def test_a_placeholder_loads_autograd():
    pytest.importorskip("dovetail.autograd")
    code = """
import sys, dovetail as dt
x = dt.ones(1)
assert x.grad_fn is None and 'dovetail.autograd' not in sys.modules
try:
    x.backward()
except RuntimeError as error:
    print('dovetail.autograd' in sys.modules, 'not bring' in str(error))
"""
    assert run(code) == "True False"
