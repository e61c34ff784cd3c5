"""The build hook's words where something is missing."""

import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"

# hatchling is there in a build's environment only; the hook's base class is all it takes of it.
PRELUDE = f"""
import sys, types
interface = types.ModuleType("hatchling.builders.hooks.plugin.interface")
interface.BuildHookInterface = type("Base", (), {{"__class_getitem__": classmethod(lambda cls, _: cls)}})
for name in ("hatchling", "hatchling.builders", "hatchling.builders.hooks", "hatchling.builders.hooks.plugin"):
    sys.modules[name] = types.ModuleType(name)
sys.modules[interface.__name__] = interface
sys.path.insert(0, {str(TOOLS)!r})
import cmake_hook
"""


@pytest.mark.parametrize(
    "call, env, words",
    [
        ("check_compiler()", {"PATH": "/nowhere"}, "a C++17 compiler and found none (looked for c++, g++, clang++)"),
        ("check_compiler()", {"PATH": "/nowhere", "CXX": "mycc -O2"}, "(looked for mycc)"),
        ("run('cmake-that-is-not-there')", {"PATH": "/nowhere"}, "needs cmake-that-is-not-there: pip install"),
    ],
)
def test_a_missing_tool_is_named(call, env, words):
    command = [sys.executable, "-c", PRELUDE + f"cmake_hook.{call}"]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 1 and words in done.stderr
