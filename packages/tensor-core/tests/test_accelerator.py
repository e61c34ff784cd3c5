"""The questions and settings with which PyTorch's programs begin: which accelerator, how products may be computed."""

from __future__ import annotations

import subprocess
import sys

import pytest

import dovetail as dt


def in_a_fresh_process(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def test_a_backend_with_a_device_is_the_accelerator() -> None:
    code = """
import dovetail as dt
class Abacus:
    def device_count(self): return 2
    def get_kernel(self, op, dtypes): return None
class Without(Abacus):
    def device_count(self): return 0
dt.backends.load = lambda: None  # what is installed here besides must not count
print(dt.accelerator.is_available(), dt.accelerator.device_count(), dt.accelerator.current_accelerator())
dt.backends.register("without", Without())
print(dt.accelerator.is_available())
dt.backends.register("abacus", Abacus())
print(dt.accelerator.is_available(), dt.accelerator.device_count(), dt.accelerator.current_accelerator())
print(dt.accelerator.current_device_index(), dt.empty(1, device="abacus").device)
try:
    dt.accelerator.set_device_index(1)
except RuntimeError as error:
    print(error)
dt.accelerator.synchronize()
dt.accelerator.empty_cache()
"""
    assert in_a_fresh_process(code).splitlines() == [
        "False 0 None",
        "False",
        "True 2 abacus",
        "0 abacus:0",
        "set_device: the backend 'abacus' has no such function",
    ]


def test_without_an_accelerator_is_said() -> None:
    code = """
import dovetail as dt
dt.backends.load = lambda: None
for name in ("synchronize", "current_device_index", "memory_stats", "empty_cache"):
    try:
        getattr(dt.accelerator, name)()
    except RuntimeError as error:
        print(error)
"""
    lines = in_a_fresh_process(code).splitlines()
    assert lines[0] == "accelerator.synchronize: there is no device beside the CPU; the backends here are: cpu"
    assert len(lines) == 4


def test_settings_of_other_libraries_are_kept() -> None:
    import dovetail.backends.cudnn as cudnn

    before = cudnn.benchmark
    try:
        dt.backends.cudnn.benchmark = True
        assert cudnn.benchmark
    finally:
        cudnn.benchmark = before
    assert not cudnn.is_available()
    assert cudnn.version() is None
    assert not dt.backends.mps.is_available()
    assert not dt.backends.mps.is_built()
    assert dt.backends.cuda.is_built() == dt.cuda.is_available()


def test_the_precision_of_products_is_one_setting() -> None:
    assert dt.get_float32_matmul_precision() == "highest"
    assert not dt.backends.cuda.matmul.allow_tf32
    try:
        dt.backends.cuda.matmul.allow_tf32 = True
        assert dt.get_float32_matmul_precision() == "high"
        dt.set_float32_matmul_precision("medium")
        assert dt.backends.cuda.matmul.allow_tf32
    finally:
        dt.set_float32_matmul_precision("highest")
    with pytest.raises(ValueError, match="set_float32_matmul_precision: precision must be .* got 'low'"):
        dt.set_float32_matmul_precision("low")


def test_an_unknown_backend_is_named() -> None:
    with pytest.raises(AttributeError, match="no attribute 'xpu'; the backends there are: cpu"):
        dt.backends.xpu  # noqa: B018
