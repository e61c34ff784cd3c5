"""Every module beside PyTorch's of that name: arguments, repr, the state dict's names and shapes, initial values; and
with PyTorch's state dict the same outputs, gradients and buffers, in double precision."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import numpy as np
import pytest
import scipy.stats
import torch

import dovetail as dt
from tests.compare.rows import DOVETAIL, PYTORCH, Row, Side, table

# PyTorch's, of what it is going to do otherwise or faster.
warnings.filterwarnings("ignore", module="torch")
pytestmark = pytest.mark.filterwarnings("ignore:::torch")

TABLE = table()
CASES = [
    pytest.param(name, row, id=f"{name}-{i}") for name, rows in sorted(TABLE.items()) for i, row in enumerate(rows)
]
PUBLIC = sorted(
    name
    for name in dt.nn.modules.__all__
    if isinstance(getattr(dt.nn, name), type) and issubclass(getattr(dt.nn, name), dt.nn.Module)
)
# Arguments that keep a name of our first release; PyTorch's is accepted as a keyword too.
KEPT_NAMES = {"ParameterDict": {"values": "parameters"}}
# PyTorch's that are no longer to be used, and have no equal.
LEGACY = {"size_average", "reduce", "_weight", "_freeze", "_stacklevel", "min_value", "max_value"}


@pytest.mark.parametrize("name", PUBLIC)
def test_every_module_has_a_row(name: str) -> None:
    assert name == "Module" or name in TABLE, f"{name}: add rows to tests/compare/modules_*.py"


@pytest.mark.parametrize("name", sorted(set(PUBLIC) & set(dir(torch.nn))))
def test_arguments(name: str) -> None:
    """PyTorch's arguments, by name, order and default; ours may have more behind them."""
    ours, theirs = (_arguments(getattr(side.nn, name)) for side in (DOVETAIL, PYTORCH))
    for old, new in KEPT_NAMES.get(name, {}).items():
        assert (new, inspect.Parameter.KEYWORD_ONLY) in [argument[:2] for argument in ours]
        ours = [(new, *rest) if first == old else (first, *rest) for first, *rest in ours]
    assert [tuple(argument) for argument in ours[: len(theirs)]] == theirs


def _arguments(cls: type) -> list[tuple[str, Any, Any]]:
    return [
        (each.name, each.kind, getattr(each.default, "__name__", each.default))  # functions by their names
        for each in inspect.signature(cls).parameters.values()
        if each.name not in LEGACY and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
    ]


def _state(module: Any) -> dict[str, np.ndarray]:
    return {name: value.detach().numpy() for name, value in module.state_dict().items()}


@pytest.mark.parametrize(("name", "row"), CASES)
def test_repr_and_state(name: str, row: Row) -> None:
    ours, theirs = DOVETAIL.module(name, row), PYTORCH.module(name, row)
    assert not row.same_repr or repr(ours) == repr(theirs)
    shapes = [{key: (value.shape, value.dtype) for key, value in _state(each).items()} for each in (ours, theirs)]
    assert shapes[0] == shapes[1] and list(shapes[0]) == list(shapes[1])


@pytest.mark.parametrize(("name", "row"), CASES)
def test_numbers(name: str, row: Row) -> None:
    theirs = PYTORCH.module(name, row)
    ours = DOVETAIL.module(name, row)
    ours.load_state_dict({key: DOVETAIL.tensor(value) for key, value in _state(theirs).items()})
    if row.inputs is None:
        return
    got = _run(DOVETAIL, ours, row)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PyTorch's future
        wanted = _run(PYTORCH, theirs, row)
    assert got.keys() == wanted.keys()
    for what, value in wanted.items():
        assert got[what].dtype == value.dtype and got[what].shape == value.shape, what
        np.testing.assert_allclose(got[what], value, rtol=row.rtol, atol=1e-11, err_msg=what)


def _run(side: Side, module: Any, row: Row) -> dict[str, np.ndarray]:
    """The outputs, the gradients of inputs and parameters, and the state that is left behind."""
    assert row.inputs is not None
    inputs = [_input(side, each, i not in row.no_grad) for i, each in enumerate(row.inputs)]
    call = side.values(row.call)
    for _ in range(row.calls):
        outputs = list(_flat(module(*inputs, **call)))
    found = {f"output {i}": each.detach().numpy() for i, each in enumerate(outputs)}
    random = np.random.default_rng(1)
    total: Any = None
    for each in outputs:
        if each.is_floating_point() and each.requires_grad:
            part = (each * side.tensor(random.standard_normal(tuple(each.shape)))).sum()
            total = part if total is None else total + part
    if total is not None:
        total.backward()
    for i, each in enumerate(_flat(inputs)):
        if each.requires_grad and each.grad is not None:
            found[f"gradient of input {i}"] = each.grad.numpy()
    for name, each in module.named_parameters():
        if each.grad is not None:
            found[f"gradient of {name}"] = each.grad.numpy()
    return found | {f"state {name}": value for name, value in _state(module).items()}


def _input(side: Side, value: Any, grad: bool) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(_input(side, each, grad) for each in value)
    return side.tensor(value, grad and value.dtype.kind == "f") if isinstance(value, np.ndarray) else value


def _flat(value: Any) -> Any:
    """The tensors in what a module takes or gives, one after the other."""
    if isinstance(value, (list, tuple)):
        for each in value:
            yield from _flat(each)
    elif hasattr(value, "detach"):
        yield value


# ---- initial values -----------------------------------------------------------------------------------------------

WITH_PARAMETERS = [
    pytest.param(name, row, id=f"{name}-{i}")
    for name, rows in sorted(TABLE.items())
    for i, row in enumerate(rows)
    if list(PYTORCH.module(name, row).parameters())
]


@pytest.mark.parametrize(("name", "row"), WITH_PARAMETERS)
def test_initial_values(name: str, row: Row) -> None:
    """Parameters that start as constants start as the same; the others come from one distribution (two-sample
    Kolmogorov-Smirnov over many constructions)."""
    torch.manual_seed(0)
    dt.manual_seed(0)
    ours, theirs = _initial(DOVETAIL, name, row), _initial(PYTORCH, name, row)
    for key, value in theirs.items():
        if (value == value[0]).all() and (ours[key] == ours[key][0]).all():
            np.testing.assert_array_equal(ours[key][0], value[0], err_msg=key)
        else:
            likely = scipy.stats.ks_2samp(ours[key].ravel(), value.ravel()).pvalue
            assert likely > 1e-4, f"{key}: other values than PyTorch's"


def _initial(side: Side, name: str, row: Row) -> dict[str, np.ndarray]:
    modules = [side.module(name, row) for _ in range(40)]
    return {
        key: np.stack([dict(module.named_parameters())[key].detach().numpy() for module in modules])
        for key, _ in modules[0].named_parameters()
    }
