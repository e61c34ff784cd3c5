"""SciPy, scikit-learn and einops on tensors. The first two run in a process of their own: see consumers.py."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import einops
import einops.array_api
import numpy as np
import pytest

import dovetail as dt
import dovetail.utils.einops  # makes tensors known to einops
from tests.integration.array_api.consumers import FAMILIES


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_scipy_and_scikit_learn(family: Any) -> None:
    root = Path(__file__).resolve().parents[3]
    command = [sys.executable, "-m", "tests.integration.array_api.consumers", family.__name__]
    ran = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=600)
    assert ran.returncode == 0, ran.stderr
    errors = dict(json.loads(line) for line in ran.stdout.splitlines())
    assert errors and not any(errors.values()), "\n".join(f"{name}: {each}" for name, each in errors.items() if each)


# ---- einops ----

x = np.arange(24.0, dtype=np.float32).reshape(2, 3, 4)
CALLS: dict[str, Any] = {
    "rearrange": lambda e, x: e.rearrange(x, "a b c -> c (a b)"),
    "rearrange apart": lambda e, x: e.rearrange(x, "a b (c d) -> (a c) b d", d=2),
    "rearrange list": lambda e, x: e.rearrange([x, x], "n a b c -> a (n b) c"),
    "repeat": lambda e, x: e.repeat(x, "a b c -> a (b n) c m", n=2, m=3),
    **{
        f"reduce {name}": lambda e, x, name=name: e.reduce(x, "a (b k) c -> c b", name, k=3)
        for name in ("min", "max", "sum", "mean", "prod")
    },
    "reduce all": lambda e, x: e.reduce(x > 3, "a b c -> a", "all"),
    "reduce any": lambda e, x: e.reduce(x > 22, "a b c -> a b", "any"),
    "pack": lambda e, x: e.pack([x, x[:, 0]], "a * c")[0],
    "unpack": lambda e, x: e.unpack(x, [(1,), (2,)], "a * c")[1],
    "asnumpy": lambda e, x: e.asnumpy(x),
}


@pytest.mark.parametrize("library", [einops, einops.array_api], ids=["einops", "einops.array_api"])
@pytest.mark.parametrize("call", CALLS)
def test_einops(library: Any, call: str) -> None:
    result, wanted = CALLS[call](library, dt.from_numpy(x)), CALLS[call](einops, x)
    assert isinstance(result, np.ndarray if call == "asnumpy" else dt.Tensor)
    assert tuple(result.shape) == wanted.shape
    np.testing.assert_allclose(np.asarray(result), wanted, rtol=1e-6)


def test_einops_einsum_and_shapes() -> None:
    result = einops.einsum(dt.from_numpy(x), dt.from_numpy(x), "a b c, a d c -> a b d")
    np.testing.assert_allclose(result.numpy(), np.einsum("abc,adc->abd", x, x))
    assert einops.parse_shape(dt.from_numpy(x), "a _ c") == {"a": 2, "c": 4}


def test_einops_keeps_gradients() -> None:
    weights = dt.ones(2, 6, requires_grad=True)
    einops.reduce(weights, "a (b c) -> b", "mean", c=3)[0].backward()
    assert weights.grad is not None and weights.grad.sum().item() == pytest.approx(1.0)
