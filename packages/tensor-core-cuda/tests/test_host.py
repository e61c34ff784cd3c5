"""The logic that needs no device, in C++: the allocator over a driver that counts, and layouts."""

import os
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
CSRC = next(path for path in (HERE.parent / "csrc", HERE.parent.parent.parent / "csrc") if path.is_dir())


def test_allocator_and_layouts(tmp_path):
    program = tmp_path / "host_checks"
    includes = [f"-I{CSRC}", f"-I{CSRC / 'abi'}"]
    compiler = os.environ.get("CXX", "c++")
    subprocess.run(
        [compiler, "-std=c++17", "-g", *includes, str(HERE / "host_checks.cc"), "-o", str(program)], check=True
    )
    done = subprocess.run([program], capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("all checks passed\n", 0)
