"""The committed type stub of the compiled module."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
STUB = ROOT / "packages/tensor-core/src/dovetail/_core.pyi"


def test_the_stub_is_what_the_registry_says():
    # In a process of its own: other tests load pieces that add to Tensor.
    generated = subprocess.run(
        [sys.executable, ROOT / "tools/stubs.py"], stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    assert ast.dump(ast.parse(STUB.read_text())) == ast.dump(ast.parse(generated)), (
        "_core.pyi is out of date; the command that makes it is at the top of tools/stubs.py"
    )
