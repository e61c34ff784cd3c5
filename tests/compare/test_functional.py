"""Functions of nn.functional that no layer stands for, and options that layers lack, beside PyTorch's: outputs and
gradients in double precision. And of all functions, the arguments."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import numpy as np
import pytest
import torch

import dovetail as dt
from tests.compare.rows import DOVETAIL, PYTORCH, Side, integers, normal, uniform

X, Y, W = normal(4, 3), normal(4, 3, seed=1), uniform(4, 3, low=0.5, high=2)
IMAGE, VOLUME = normal(2, 3, 5, 7), normal(2, 2, 3, 4, 5)
GRID, GRID3 = uniform(2, 4, 3, 2, low=-1.4, high=1.4), uniform(2, 2, 3, 2, 3, low=-1.4, high=1.4)
SCORES, CLASSES = normal(6, 5), integers(5, 6)

Call = tuple[str, tuple[Any, ...], dict[str, Any]]
CALLS: list[Call] = [
    ("normalize", (X,), {}),
    ("normalize", (X, 1.0, 0, 0.5), {}),
    *(("pdist", (X, p), {}) for p in (1.0, 2.0, 3.0, float("inf"))),
    ("conv_tbc", (normal(6, 2, 3), normal(3, 3, 4), normal(4), 1), {}),
    ("affine_grid", (normal(2, 2, 3), [2, 3, 4, 5]), {"align_corners": False}),
    ("affine_grid", (normal(2, 2, 3), [2, 3, 4, 5]), {"align_corners": True}),
    ("affine_grid", (normal(2, 3, 4), [2, 1, 2, 3, 1]), {"align_corners": False}),
    *(
        ("grid_sample", (IMAGE, GRID), {"mode": mode, "padding_mode": padding, "align_corners": corners})
        for mode in ("bilinear", "nearest", "bicubic")
        for padding in ("zeros", "border", "reflection")
        for corners in (False, True)
    ),
    *(
        ("grid_sample", (VOLUME, GRID3), {"mode": mode, "padding_mode": padding, "align_corners": corners})
        for mode in ("bilinear", "nearest")
        for padding in ("zeros", "border", "reflection")
        for corners in (False, True)
    ),
    *(
        ("interpolate", (IMAGE,), {"size": size, "mode": mode, "antialias": True})
        for mode in ("bilinear", "bicubic", "lanczos")
        for size in ((3, 2), (9, 4), (5, 15))
    ),
    ("interpolate", (IMAGE,), {"scale_factor": 0.4, "mode": "bilinear", "antialias": True}),
    ("interpolate", (IMAGE,), {"size": (3, 4), "mode": "bicubic", "antialias": True, "align_corners": True}),
    *(("mse_loss", (X, Y), {"weight": W, "reduction": how}) for how in ("mean", "sum", "none")),
    *(("l1_loss", (X, Y), {"weight": W, "reduction": how}) for how in ("mean", "sum", "none")),
    *(("huber_loss", (X, Y), {"weight": W, "reduction": how, "delta": 0.5}) for how in ("mean", "sum", "none")),
    ("linear_cross_entropy", (X, normal(5, 3), integers(5, 4)), {"linear_bias": normal(5)}),
    ("linear_cross_entropy", (X, normal(5, 3), integers(5, 4)), {"ignore_index": 1, "label_smoothing": 0.1}),
    ("linear_cross_entropy", (X, normal(5, 2, 3), integers(5, 4, 2)), {"weight": uniform(5)}),
    ("celu", (X, 0.5, False), {}),
    ("threshold", (X, 0.1, 2.0), {}),
    ("rrelu", (X, 0.1, 0.3), {}),
    ("hardtanh", (X, -0.5, 0.7), {}),
    ("glu", (normal(4, 6), 1), {}),
    ("softmax", (X,), {}),
    ("softmin", (normal(2, 3, 4),), {}),
    ("pad", (IMAGE, (1, 2, 0, 1), "reflect"), {}),
    ("pad", (IMAGE, (-1, 2), "constant", 0.5), {}),
    ("bilinear", (X, Y, normal(2, 3, 3)), {}),
    ("local_response_norm", (IMAGE, 3), {"alpha": 0.3}),
    ("instance_norm", (IMAGE,), {"eps": 0.1}),
    ("group_norm", (normal(2, 4, 3), 2), {}),
    ("batch_norm", (IMAGE, normal(3), uniform(3)), {"eps": 0.1}),
]


def _called(side: Side, call: Call) -> dict[str, np.ndarray]:
    name, args, options = call
    given = [side.tensor(arg, arg.dtype.kind == "f") if isinstance(arg, np.ndarray) else arg for arg in args]
    if name == "batch_norm":
        given = [given[0], *(each.detach() for each in given[1:])]
    result = getattr(side.nn.functional, name)(*given, **side.values(options))
    weights = side.tensor(np.random.default_rng(1).standard_normal(tuple(result.shape)))
    if result.requires_grad:
        (result * weights).sum().backward()
    found = {"result": result.detach().numpy()}
    for i, each in enumerate(given):
        if hasattr(each, "grad") and each.grad is not None:
            found[f"gradient {i}"] = each.grad.numpy()
    return found


@pytest.mark.parametrize("call", [pytest.param(call, id=f"{i}-{call[0]}") for i, call in enumerate(CALLS)])
def test_numbers(call: Call) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PyTorch's future, and of a softmax without a dim
        got, wanted = _called(DOVETAIL, call), _called(PYTORCH, call)
    for what in wanted.keys() - got.keys():  # where nothing depends on an input, it has no gradient with us
        assert not wanted[what].any(), what
    for what, value in wanted.items():
        if what not in got:
            continue
        assert got[what].shape == value.shape, what
        np.testing.assert_allclose(got[what], value, rtol=1e-9, atol=1e-11, err_msg=what)


# What PyTorch's signatures have and ours have not: what it no longer wants used, and what is of its own machinery.
LEFT_OUT = {"size_average", "reduce", "_stacklevel", "options"}
SHARED = sorted(set(dt.nn.functional.__all__) & {name for name in dir(torch.nn.functional) if not name.startswith("_")})


def _arguments(function: Any) -> list[str] | None:
    if isinstance(function, dt.Op):
        return [arg.name for arg in function.args] + ["out"] * function.has_out
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # a builtin of PyTorch's
        return None
    if any(each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD) for each in parameters):
        return None
    return [each.name for each in parameters if each.name not in LEFT_OUT]


@pytest.mark.parametrize("name", SHARED)
def test_arguments(name: str) -> None:
    """In PyTorch's order; an op's tensor is called self where PyTorch calls it input."""
    ours, theirs = (_arguments(getattr(side.nn.functional, name)) for side in (DOVETAIL, PYTORCH))
    if theirs is None:
        return
    if name.endswith("_with_indices"):
        theirs.remove("return_indices")  # of which it makes no use
    assert ours is not None
    known = ["input" if each == "self" else each for each in ours]
    positions = [known.index(each) for each in theirs if each in known]
    assert not set(theirs) - set(known), f"{name} lacks {sorted(set(theirs) - set(known))}"
    assert positions == sorted(positions), f"{name}: {known}, PyTorch's are {theirs}"
