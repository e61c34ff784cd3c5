"""The utilities beside PyTorch's: what they make of the same modules, gradients and sequences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.utils.fusion
import torch.nn.utils.prune

import dovetail as dt
from tests.compare.rows import DOVETAIL, PYTORCH, Side, normal

SIDES = (DOVETAIL, PYTORCH)


def _arrays(module: Any) -> dict[str, np.ndarray]:
    return {name: value.detach().numpy().copy() for name, value in module.state_dict().items()}


def _alike(make: Callable[[Side], Any]) -> tuple[Any, Any]:
    """A module of each library, with PyTorch's numbers."""
    ours, theirs = make(DOVETAIL).double(), make(PYTORCH).double()
    state = {name: DOVETAIL.tensor(value) for name, value in _arrays(theirs).items()}
    ours.load_state_dict(state)
    return ours, theirs


def _same(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> None:
    assert list(ours) == list(theirs)
    for name, value in theirs.items():
        np.testing.assert_allclose(ours[name], value, rtol=1e-9, atol=1e-11, err_msg=name)


def _run(side: Side, module: Any, x: np.ndarray) -> dict[str, np.ndarray]:
    """Two steps in training mode and one in evaluation mode: outputs, gradients, state."""
    found = {}
    for step in range(2):
        out = module(side.tensor(x))
        (out * side.tensor(normal(*out.shape, seed=step))).sum().backward()
        found[f"output {step}"] = out.detach().numpy().copy()
    found |= {name: p.grad.numpy().copy() for name, p in module.named_parameters()}
    found["evaluated"] = module.eval()(side.tensor(x)).detach().numpy()
    return found | _arrays(module)


def _conv(side: Side) -> Any:
    return side.nn.Conv2d(2, 3, 3)


def _transposed(side: Side) -> Any:
    return side.nn.ConvTranspose2d(2, 3, 3)


def _linear(side: Side) -> Any:
    return side.nn.Linear(4, 3)


def _wide(side: Side) -> Any:
    return side.nn.Linear(3, 4)


def _square(side: Side) -> Any:
    return side.nn.Linear(4, 4)


LINE, IMAGE = normal(5, 4), normal(2, 2, 6, 6)
PARAMETRIZED = {
    "weight_norm": (_linear, LINE, "weight_norm", {}),
    "weight_norm of all": (_conv, IMAGE, "weight_norm", {"dim": None}),
    "weight_norm of the last": (_conv, IMAGE, "weight_norm", {"dim": 1}),
    "spectral_norm": (_linear, LINE, "spectral_norm", {}),
    "spectral_norm of a convolution": (_conv, IMAGE, "spectral_norm", {"n_power_iterations": 3}),
    "spectral_norm transposed": (_transposed, IMAGE, "spectral_norm", {}),
    "spectral_norm of a bias": (_linear, LINE, "spectral_norm", {"name": "bias"}),
    "orthogonal": (_linear, LINE, "orthogonal", {}),
    "orthogonal wide": (_wide, normal(5, 3), "orthogonal", {}),
    "orthogonal square": (_square, LINE, "orthogonal", {}),
    "orthogonal cayley": (_linear, LINE, "orthogonal", {"orthogonal_map": "cayley"}),
    "orthogonal by itself": (_linear, LINE, "orthogonal", {"use_trivialization": False}),
}


@pytest.mark.parametrize("case", PARAMETRIZED)
def test_parametrizations(case: str) -> None:
    make, x, name, options = PARAMETRIZED[case]

    def made(side: Side) -> Any:
        return getattr(side.nn.utils.parametrizations, name)(make(side).double(), **options)

    if name == "orthogonal":  # whose originals are made by a QR that knows no library's signs: from one state
        theirs = made(PYTORCH)
        ours = made(DOVETAIL)
        ours.load_state_dict({key: DOVETAIL.tensor(value) for key, value in _arrays(theirs).items()})
    else:
        ours, theirs = _alike(made)
    assert repr(ours) == repr(theirs)
    _same(_run(DOVETAIL, ours, x), _run(PYTORCH, theirs, x))
    for side, module in zip(SIDES, (ours, theirs), strict=True):
        side.nn.utils.parametrize.remove_parametrizations(module, options.get("name", "weight"))
    assert repr(ours) == repr(theirs)
    _same(_arrays(ours), _arrays(theirs))


@pytest.mark.filterwarnings("ignore::FutureWarning")  # PyTorch has newer forms
@pytest.mark.parametrize("name", ["weight_norm", "spectral_norm"])
@pytest.mark.parametrize("make", [_linear, _conv, _transposed])
def test_older_norms(name: str, make: Callable[[Side], Any]) -> None:
    x = LINE if make is _linear else IMAGE
    ours, theirs = _alike(lambda side: getattr(side.nn.utils, name)(make(side)))
    _same(_run(DOVETAIL, ours, x), _run(PYTORCH, theirs, x))
    for side, module in zip(SIDES, (ours, theirs), strict=True):
        getattr(side.nn.utils, f"remove_{name}")(module)
    assert sorted(_arrays(ours)) == sorted(_arrays(theirs))
    for key, value in _arrays(theirs).items():
        np.testing.assert_allclose(_arrays(ours)[key], value, rtol=1e-9, err_msg=key)


def _prune_twice(side: Side, module: Any) -> None:
    prune = side.nn.utils.prune
    prune.l1_unstructured(module, "weight", 0.25)
    prune.ln_structured(module, "weight", 1, n=2, dim=1)
    prune.custom_from_mask(module, "bias", side.tensor(np.array([1.0, 0.0, 1.0])))


PRUNED: dict[str, Callable[[Side, Any], Any]] = {
    "l1_unstructured": lambda side, m: side.nn.utils.prune.l1_unstructured(m, "weight", 5),
    "l1 by scores": lambda side, m: side.nn.utils.prune.l1_unstructured(
        m, "weight", 0.5, side.tensor(normal(3, 4, seed=4))
    ),
    "ln_structured": lambda side, m: side.nn.utils.prune.ln_structured(m, "weight", 0.5, n=1, dim=1),
    "ln of the largest": lambda side, m: side.nn.utils.prune.ln_structured(m, "weight", 1, n=float("inf"), dim=0),
    "identity": lambda side, m: side.nn.utils.prune.identity(m, "weight"),
    "global": lambda side, m: side.nn.utils.prune.global_unstructured(
        [(m, "weight"), (m, "bias")], side.nn.utils.prune.L1Unstructured, amount=0.4
    ),
    "twice": _prune_twice,
}


@pytest.mark.parametrize("case", PRUNED)
def test_pruning(case: str) -> None:
    ours, theirs = _alike(_linear)
    for side, module in zip(SIDES, (ours, theirs), strict=True):
        PRUNED[case](side, module)
        assert side.nn.utils.prune.is_pruned(module)
    _same(_run(DOVETAIL, ours, LINE), _run(PYTORCH, theirs, LINE))
    for side, module in zip(SIDES, (ours, theirs), strict=True):
        side.nn.utils.prune.remove(module, "weight")
    _same(_arrays(ours), _arrays(theirs))


@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_fusion(transpose: bool, bias: bool) -> None:
    def conv(side: Side) -> Any:
        layer = side.nn.ConvTranspose2d if transpose else side.nn.Conv2d
        return side.nn.Sequential(layer(2, 3, 3, bias=bias), side.nn.BatchNorm2d(3))

    def linear(side: Side) -> Any:
        return side.nn.Sequential(side.nn.Linear(4, 3, bias=bias), side.nn.BatchNorm1d(3))

    for make, x, fuse, args in (
        (conv, IMAGE, "fuse_conv_bn_eval", (transpose,)),
        (linear, LINE, "fuse_linear_bn_eval", ()),
    ):
        results = []
        for side, net in zip(SIDES, _alike(make), strict=True):
            net(side.tensor(x))
            net.eval()
            fused = getattr(side.nn.utils, fuse)(net[0], net[1], *args)
            results.append(_arrays(fused) | {"output": fused(side.tensor(x)).detach().numpy()})
            np.testing.assert_allclose(results[-1]["output"], net(side.tensor(x)).detach().numpy(), rtol=1e-6)
        _same(*results)


@pytest.mark.parametrize("norm_type", [1.0, 2.0, 3.0, float("inf")])
def test_clipping(norm_type: float) -> None:
    results = []
    for side in SIDES:
        utils = side.nn.utils
        parameters = [side.tensor(normal(*shape), True) for shape in ((3, 4), (5,), ())]
        for i, p in enumerate(parameters):
            p.grad = side.tensor(normal(*p.shape, seed=9 + i) * 3)
        found = [utils.get_total_norm([p.grad for p in parameters], norm_type)]
        found.append(utils.clip_grad_norm_(parameters, 2.0, norm_type))
        found += [p.grad for p in parameters]
        utils.clip_grads_with_norm_(parameters, 0.5, found[1])
        utils.clip_grad_value_(parameters[:1], 0.1)
        results.append({str(i): each.numpy().copy() for i, each in enumerate(found)})
    _same(*results)


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("enforce_sorted", [False, True])
def test_packing(batch_first: bool, enforce_sorted: bool) -> None:
    lengths = [5, 3, 3, 1] if enforce_sorted else [3, 1, 5, 3]
    x = normal(4, 5, 2) if batch_first else normal(5, 4, 2)
    results = []
    for side in SIDES:
        rnn = side.nn.utils.rnn
        leaf = side.tensor(x, True)
        packed = rnn.pack_padded_sequence(leaf, lengths, batch_first, enforce_sorted)
        padded, sizes = rnn.pad_packed_sequence(packed, batch_first, -1.0, 7)
        (padded * side.tensor(normal(*padded.shape))).sum().backward()
        found = {"data": packed.data, "batch sizes": packed.batch_sizes, "padded": padded, "lengths": sizes}
        if not enforce_sorted:
            found |= {"sorted": packed.sorted_indices, "unsorted": packed.unsorted_indices}
        parts = rnn.unpack_sequence(packed)
        found |= {f"part {i}": part for i, part in enumerate(parts)}
        again = rnn.pack_sequence(parts, enforce_sorted=enforce_sorted)
        left = rnn.pad_sequence(parts, batch_first, 2.0, "left")
        found |= {"again": again.data, "left": left, "gradient": leaf.grad}
        results.append({name: value.detach().numpy() for name, value in found.items()})
    _same(*results)


def test_names() -> None:
    """Every public name of PyTorch's utilities is there."""
    skipped = {"convert_conv2d_weight_memory_format", "convert_conv3d_weight_memory_format", "clip_grad_norm"}
    for path in ("", "parametrizations", "rnn", "prune", "stateless"):
        theirs: Any = getattr(torch.nn.utils, path) if path else torch.nn.utils
        ours: Any = getattr(dt.nn.utils, path) if path else dt.nn.utils
        names = getattr(theirs, "__all__", None) or [n for n in dir(theirs) if not n.startswith("_")]
        own = [n for n in names if getattr(getattr(theirs, n), "__module__", "").startswith("torch.nn.utils")]
        missing = [n for n in own if not hasattr(ours, n) and n not in skipped]
        assert not missing, path
