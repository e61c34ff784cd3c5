"""The table of autocast's policies, against the registry and against casts by hand."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import dovetail as dt
from dovetail import nn
from dovetail.amp import policies
from tests.ops import samples as _registered  # noqa: F401
from tests.ops.framework import as_list, samples, tensors

dt.ops.load_all()

DEVICES = ("cpu", "cuda")  # whose lists there are: of the CPU, and of everything else
NAMES = {op.name for op in dt._core.ops()}
# Names of PyTorch's lists that no op bears yet; where one comes, it finds its policy.
WITHOUT_AN_OP = {"nanquantile", "quantile"}
F32, BF16, F16 = dt.float32, dt.bfloat16, dt.float16


def probabilities(*shape: int) -> dt.Tensor:
    return dt.rand(*shape) * 0.8 + 0.1


# Calls of nn's ops, which have no samples here.
CALLS: dict[str, tuple[Any, ...]] = {
    "scaled_dot_product_attention": (dt.rand(2, 3, 4), dt.rand(2, 5, 4), dt.rand(2, 5, 4)),
    "prelu": (dt.randn(2, 3), dt.rand(3)),
    "softplus": (dt.randn(2, 3),),
    "bilinear": (dt.rand(2, 3), dt.rand(2, 4), dt.rand(5, 3, 4), dt.rand(5)),
    "mse_loss": (dt.rand(3), dt.rand(3)),
    "l1_loss": (dt.rand(3), dt.rand(3)),
    "smooth_l1_loss": (dt.rand(3), dt.rand(3)),
    "huber_loss": (dt.rand(3), dt.rand(3)),
    "binary_cross_entropy": (probabilities(4), probabilities(4)),
    "binary_cross_entropy_with_logits": (dt.randn(4), dt.rand(4)),
    "kl_div": (dt.randn(4), dt.rand(4)),
    "nll_loss": (dt.randn(3, 4), dt.tensor([0, 3, 1])),
    "cross_entropy": (dt.randn(3, 4), dt.tensor([0, 3, 1]), dt.rand(4)),
    "poisson_nll_loss": (dt.randn(3), dt.rand(3)),
    "soft_margin_loss": (dt.randn(3), dt.tensor([1.0, -1.0, 1.0])),
    "hinge_embedding_loss": (dt.randn(3), dt.tensor([1.0, -1.0, 1.0])),
    "cosine_embedding_loss": (dt.rand(3, 4), dt.rand(3, 4), dt.tensor([1.0, -1.0, 1.0])),
    "margin_ranking_loss": (dt.rand(3), dt.rand(3), dt.tensor([1.0, -1.0, 1.0])),
    "triplet_margin_loss": (dt.rand(3, 4), dt.rand(3, 4), dt.rand(3, 4)),
    "multi_margin_loss": (dt.randn(3, 4), dt.tensor([0, 3, 1])),
    "multilabel_margin_loss": (dt.randn(2, 3), dt.tensor([[1, -1, 0], [0, 2, -1]])),
    "ctc_loss": (
        dt.randn(5, 2, 4).log_softmax(-1),
        dt.tensor([[1, 2], [3, 1]]),
        dt.tensor([5, 5]),
        dt.tensor([2, 2]),
    ),
    "rnn_layer": (dt.rand(3, 2, 4), dt.rand(2, 5), dt.rand(5, 4), dt.rand(5, 5), dt.rand(5), dt.rand(5)),
    "lstm_layer": (dt.rand(3, 2, 4), dt.rand(2, 5), dt.rand(2, 5), dt.rand(20, 4), dt.rand(20, 5)),
    "gru_layer": (dt.rand(3, 2, 4), dt.rand(2, 5), dt.rand(15, 4), dt.rand(15, 5), dt.rand(15), dt.rand(15)),
    "rnn_cell": (dt.rand(2, 4), dt.rand(2, 5), dt.rand(5, 4), dt.rand(5, 5)),
    "lstm_cell": (dt.rand(2, 4), dt.rand(2, 5), dt.rand(2, 5), dt.rand(20, 4), dt.rand(20, 5)),
    "gru_cell": (dt.rand(2, 4), dt.rand(2, 5), dt.rand(15, 4), dt.rand(15, 5)),
    "conv_tbc": (dt.rand(5, 2, 3), dt.rand(2, 3, 4), dt.rand(4)),
    "fractional_max_pool": (dt.rand(1, 2, 6, 6), [2, 2], [3, 3], dt.rand(1, 2, 2)),
    "max_unpool": (dt.rand(1, 1, 2, 2), dt.tensor([[[[0, 3], [9, 14]]]]), [4, 4]),
    "grid_sample": (dt.rand(1, 2, 4, 4), dt.rand(1, 3, 3, 2)),
    "local_response_norm": (dt.rand(2, 4, 3), 2),
    "group_norm": (dt.rand(2, 4, 3), 2, dt.rand(4), dt.rand(4)),
    "rms_norm": (dt.rand(2, 4), [4], dt.rand(4)),
    "channel_norm": (dt.randn(3, 4), dt.rand(4), dt.rand(4), dt.rand(4), dt.rand(4)),
}


def mapped(value: Any, change: Callable[[dt.Tensor], dt.Tensor]) -> Any:
    if isinstance(value, dt.Tensor):
        return change(value)
    if isinstance(value, (list, tuple)):
        return type(value)(mapped(each, change) for each in value)
    return value


def floats(value: Any) -> Iterator[dt.Tensor]:
    if isinstance(value, dt.Tensor):
        if value.is_floating_point() and value.dtype != dt.float64:
            yield value
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from floats(each)


def cast(value: Any, dtype: dt.dtype) -> Any:
    return mapped(value, lambda t: t.to(dtype) if t.is_floating_point() and t.dtype != dt.float64 else t)


def calls(name: str) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Calls of an op with float32 tensors; where there are several, also with the first one in bfloat16."""
    if name in CALLS:
        yield CALLS[name], {}
    for sample in samples(name):
        args, kwargs = tensors(sample.args), tensors(sample.kwargs)
        found = list(floats(args))
        if found and all(t.dtype == F32 for t in found) and sample.name == "" and not _any_other_float(args):
            yield args, kwargs


def _any_other_float(args: Any) -> bool:
    other = []
    mapped(args, lambda t: (other.append(t) if t.dtype in (dt.float64, dt.complex64, dt.complex128) else None) or t)
    return bool(other)


def variants(args: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """All in float32, all in bfloat16, and every other one in bfloat16."""
    yield args
    yield cast(args, BF16)
    turn = iter(range(1000))
    yield mapped(args, lambda t: t.to(BF16) if t.dtype == F32 and next(turn) % 2 == 0 else t)


def by_hand(op: Any, policy: str, args: tuple[Any, ...], kwargs: dict[str, Any], fast: dt.dtype) -> list[Any]:
    """What the policy says, without autocast."""
    found = [t.dtype for t in floats(args)]
    if policy == "lower_precision":
        return as_list(op(*cast(args, fast), **cast(kwargs, fast)))
    if policy == "float32":
        return as_list(op(*cast(args, F32), **cast(kwargs, F32)))
    if policy == "promote":
        return as_list(op(*cast(args, F32 if F32 in found else found[0]), **kwargs))
    assert policy == "input_dtype"
    if len(set(found)) == 1:
        return as_list(op(*args, **kwargs))
    return [each.to(args[0].dtype) for each in as_list(op(*cast(args, F32), **cast(kwargs, F32)))]


def same(found: Any, wanted: Any, dtype: dt.dtype) -> None:
    if not isinstance(wanted, dt.Tensor):
        assert found == wanted
        return
    assert found.dtype == wanted.dtype
    loose = {BF16: 1e-2, F16: 2e-3}.get(dtype, 1e-5)
    np.testing.assert_allclose(
        np.asarray(found.detach()).astype(complex), np.asarray(wanted.detach()).astype(complex), loose, loose
    )


CASTING = {"lower_precision", "float32", "promote", "input_dtype"}
CPU_CASES = sorted((op, policy) for op, policy in policies.table("cpu").items() if policy in CASTING and op in NAMES)


@pytest.mark.parametrize(("name", "policy"), CPU_CASES)
def test_every_op_on_a_list_runs_in_the_dtype_stated(name: str, policy: str) -> None:
    op = dt.ops.get_op(name)
    checked = 0
    for args, kwargs in calls(name):
        if kwargs.get("dtype") is not None or checked > 24:
            continue
        for given in variants(args):
            try:
                wanted = by_hand(op, policy, given, kwargs, BF16)
            except Exception as error:
                with dt.autocast("cpu"), pytest.raises(type(error)):
                    op(*given, **kwargs)
                continue
            with dt.autocast("cpu"):
                found = as_list(op(*given, **kwargs))
            for one, other in zip(found, wanted, strict=True):
                same(one, other, wanted[0].dtype if isinstance(wanted[0], dt.Tensor) else F32)
            if policy in ("lower_precision", "float32") and wanted[0].is_floating_point():
                assert found[0].dtype == (BF16 if policy == "lower_precision" else F32)
            checked += 1
    assert checked, f"{name} has no float32 sample"


@pytest.fixture(scope="module")
def reference() -> dt.device:
    dt.backends.load("reference")
    return dt.device("reference")


@pytest.mark.parametrize(
    ("call", "dtype"),
    [
        (lambda x, low: x @ x, F16),
        (lambda x, low: nn.functional.linear(x, low), F16),
        (lambda x, low: low.exp(), F32),
        (lambda x, low: low.softmax(0), F32),
        (lambda x, low: low.sum(), F32),
        (lambda x, low: low.cumsum(0), F32),
        (lambda x, low: low.cumsum(0, dtype=F16), F16),
        (lambda x, low: low**2, F32),
        (lambda x, low: low.norm(), F32),
        (lambda x, low: low.mean(), F16),
        (lambda x, low: nn.functional.layer_norm(low, [2], x[0]), F32),
        (lambda x, low: nn.functional.cross_entropy(low, x.argmax(1)), F32),
        (lambda x, low: dt.cat([x, low]), F32),
        (lambda x, low: dt.einsum("ij,jk->ik", x, low), F16),
        (lambda x, low: nn.functional.relu(low), F16),
        (lambda x, low: x + x, F32),
    ],
)
def test_other_devices_follow_their_own_list(reference: dt.device, call: Any, dtype: dt.dtype) -> None:
    x = dt.rand(2, 2).to(reference)
    low = x.to(F16)
    with dt.autocast("reference"):
        assert call(x, low).dtype == dtype
        assert (dt.ones(2, 2) @ dt.ones(2, 2)).dtype == F32  # the CPU has its own
        assert dt.is_autocast_enabled("reference") and not dt.is_autocast_enabled("cpu")
    with dt.autocast("cpu"):
        assert (x @ x).dtype == F32


def test_devices_nest(reference: dt.device) -> None:
    x, y = dt.ones(2, 2).to(reference), dt.ones(2, 2)
    with dt.autocast("reference"), dt.autocast("cpu"):
        assert ((x @ x).dtype, (y @ y).dtype) == (F16, BF16)
        with dt.autocast("reference", enabled=False):
            assert ((x @ x).dtype, (y @ y).dtype) == (F32, BF16)


def test_unsafe_losses_are_banned_beside_the_cpu(reference: dt.device) -> None:
    p = probabilities(3)
    with (
        dt.autocast("reference"),
        pytest.raises(RuntimeError, match="^binary_cross_entropy: unsafe under autocast.*lo"),
    ):
        nn.functional.binary_cross_entropy(p.to(reference), p.to(reference))
    with dt.autocast("reference"), dt.autocast("reference", enabled=False):
        nn.functional.binary_cross_entropy(p.to(reference), p.to(reference))
    with dt.autocast("cpu"):
        assert nn.functional.binary_cross_entropy(p.to(BF16), p).dtype == F32


# ---- the table ----


@pytest.mark.parametrize("device_type", DEVICES)
def test_names_of_the_table_are_ops(device_type: str) -> None:
    assert set(policies.table(device_type)) - NAMES <= WITHOUT_AN_OP


def test_no_op_is_on_two_lists() -> None:
    for own in (policies.CPU, policies.ACCELERATORS):
        names = [op for each in (policies.EVERYWHERE, own) for ops in each.values() for op in ops.split()]
        assert len(names) == len(set(names))
    assert {policy for each in (policies.EVERYWHERE, policies.CPU, policies.ACCELERATORS) for policy in each} <= set(
        policies.POLICIES
    )


@pytest.mark.parametrize("device_type", DEVICES)
def test_every_product_has_a_policy(device_type: str) -> None:
    """Primitives and their kin by family."""
    table = policies.table(device_type)
    products = {op.name for op in dt._core.ops() if op.family in ("contract", "conv") and not op.name.endswith("_grad")}
    assert "bmm" in products and "convolution" in products
    without = {"kron", "outer"}  # elementwise, after all
    assert products - without <= set(table)


def parts(op: Any, call: Callable[[], Any], listed: set[str]) -> set[str]:
    """What an op is made of, down to ops on a list."""
    seen: set[str] = set()

    def look(each: Any, args: tuple[Any, ...], out: Any) -> Any:
        if each.name != op.name:
            seen.add(each.name)
        if out is None and each.decomposes and not each.host and (each.name == op.name or each.name not in listed):
            return each.decompose(*args)
        return each.call(args, out)

    with dt.layers.intercept(look):
        call()
    return seen


@pytest.mark.parametrize("device_type", DEVICES)
def test_what_is_made_of_products_has_a_policy(device_type: str) -> None:
    """A product inside an op without a policy would run in float32 unseen."""
    table = policies.table(device_type)
    products = {op for op, policy in table.items() if policy == "lower_precision"}
    missing = {}
    for op in dt._core.ops():
        if op.name in table or not op.decomposes or op.host or op.writes or op.form == "view":
            continue
        for number, (args, kwargs) in enumerate(calls(op.name)):
            if number == 8:
                break
            found = parts(op, lambda op=op, args=args, kwargs=kwargs: op(*args, **kwargs), set(table)) & products
            if found:
                missing[op.name] = found
    assert not missing


def examples_of_nn() -> Iterator[doctest.DocTest]:
    finder, parser = doctest.DocTestFinder(exclude_empty=True), doctest.DocTestParser()
    for found in pkgutil.walk_packages(nn.__path__, "dovetail.nn."):
        module = importlib.import_module(found.name)
        yield from finder.find(module, globs=vars(module) | {"dt": dt})
    for op in dt._core.ops():
        yield parser.get_doctest(op.doc, {"dt": dt, op.name: op}, op.name, None, 0)


def test_what_nn_is_made_of_has_a_policy() -> None:
    """The same of layers and their functions, by the examples that they all have."""
    table = policies.table("cpu")
    products = {op for op, policy in table.items() if policy == "lower_precision"}
    inside: list[str] = []
    missing: dict[str, set[str]] = {}
    seen: set[str] = set()

    def look(op: Any, args: tuple[Any, ...], out: Any) -> Any:
        seen.add(op.name)
        if op.name in products and inside:
            missing.setdefault(inside[0], set()).add(op.name)
        if op.name in table or out is not None or not op.decomposes or op.host or op.writes or op.form != "composite":
            return op.call(args, out)
        inside.append(op.name)
        try:
            return op.decompose(*args)
        finally:
            inside.pop()

    runner = doctest.DocTestRunner(verbose=False)
    with dt.layers.intercept(look, at="autocast"):
        for example in examples_of_nn():
            runner.run(example, out=lambda text: None)  # (another test says whether they are right)
    assert {"linear", "lstm_layer", "conv2d", "cross_entropy"} <= seen
    assert not missing
