"""The registry is whole: every op has samples, documentation with an example, and a way to be differentiated."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import dovetail as dt
from tests.ops import samples as _registered  # noqa: F401
from tests.ops.framework import ERRORS, SAMPLES

if importlib.util.find_spec("dovetail.autograd._engine") is not None:
    from tools import transforms

dt.ops.load_all()
# What nn and optim register, they test themselves; another test may have imported them here.
NAMES = subprocess.run(
    [sys.executable, "-c", "import dovetail as dt; print(*dt.ops.names())"], check=True, capture_output=True, text=True
).stdout.split()
CORE_OPS = {name: dt._core.get_op(name) for name in sorted(NAMES)}


@pytest.mark.parametrize("name", CORE_OPS)
def test_op_is_complete(name: str) -> None:
    op = CORE_OPS[name]
    assert name in SAMPLES, f"{name} has no samples: add some to tests/ops/samples/{op.family}.py"
    assert op.doc.strip(), f"{name} has no documentation"
    assert ">>> " in op.doc, f"{name} has no example"
    assert len(op.doc.partition("\n")[0]) <= 140, f"{name}: the summary should be one short line"
    if op.form == "composite":
        assert op.decomposes != op.host, f"{name} has neither a kernel form nor a decomposition"
    elif op.form != "view":
        ways = [op.required, op.decomposes, op.host]
        assert sum(ways) == 1, f"{name} is required of every backend, has a decomposition, or is the host's work"


def test_families_above_the_core_are_sampled_whole() -> None:
    """What nn registers is tested here where its family is: each op with samples, documentation and an example."""
    above = [op for op in dt._core.ops() if op.name not in CORE_OPS]
    families = {op.family for op in above if op.name in SAMPLES}
    incomplete = [op.name for op in above if op.family in families and not (op.name in SAMPLES and ">>> " in op.doc)]
    assert not incomplete


def test_ops_are_differentiable_or_say_not() -> None:
    if importlib.util.find_spec("dovetail.autograd._engine") is None:
        return  # derivatives come with autograd
    stuck = [name for name in CORE_OPS if dt.autograd.backward_by(name) == "none"]
    assert not stuck, (
        "these have neither a derivative nor a decomposition, and are neither marked non_differentiable nor refused"
    )


def test_the_page_of_derivatives_is_current() -> None:
    if importlib.util.find_spec("dovetail.autograd._engine") is None:
        return
    page = (Path(__file__).resolve().parents[2] / "docs" / "derivatives.md").read_text(encoding="utf-8")
    table = {name: way for name, way in transforms.ways().items() if name in CORE_OPS and way.vjp}
    missing = [name for name, way in table.items() if transforms.row(name, way) not in page]
    assert not missing, "python tools/transforms.py --page > docs/derivatives.md"


def test_few_derivatives_are_had_the_slow_way() -> None:
    if importlib.util.find_spec("dovetail.autograd._engine") is None:
        return
    table = transforms.ways()
    for column in ("jvp", "vmap"):
        had = [getattr(way, column) for way in table.values() if getattr(way, column)]
        assert sum(way in transforms.SLOW for way in had) <= 0.05 * len(had)


def test_samples_are_of_ops() -> None:
    known = {op.name for op in dt._core.ops()}
    assert set(SAMPLES) <= known
    assert set(ERRORS) <= known


@pytest.mark.parametrize("name", [name for name, op in CORE_OPS.items() if op.is_method])
def test_methods_are_there(name: str) -> None:
    op = CORE_OPS[name]
    for method in (name, *op.aliases):
        assert hasattr(dt.Tensor, method)
        assert not op.is_inplace or hasattr(dt.Tensor, f"{method}_")
