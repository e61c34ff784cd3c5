"""`size_average` and `reduce`, which PyTorch's losses took before `reduction`."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

import dovetail as dt
from dovetail import nn

F = nn.functional
MEANINGS = {
    (None, None): None,  # `reduction` holds
    (None, False): "none",
    (None, True): "mean",
    (False, False): "none",
    (False, None): "sum",
    (False, True): "sum",
    (True, False): "none",
    (True, None): "mean",
    (True, True): "mean",
}
X, Y, SIGNS = dt.tensor([[0.1, 0.7], [0.4, 0.2]]), dt.tensor([[0.0, 1.0], [1.0, 0.0]]), dt.tensor([1.0, -1.0])
CLASSES = dt.tensor([0, 1])
# The function and its module, tensors, and what stands between them and `size_average`, and from there to `reduce`.
LOSSES: dict[str, tuple[str, tuple[Any, ...], tuple[Any, ...], tuple[Any, ...]]] = {
    "binary_cross_entropy": ("BCELoss", (X, Y), (None,), ()),
    "binary_cross_entropy_with_logits": ("BCEWithLogitsLoss", (X, Y), (None,), ()),
    "cosine_embedding_loss": ("CosineEmbeddingLoss", (X, Y, SIGNS), (0.0,), ()),
    "cross_entropy": ("CrossEntropyLoss", (X, CLASSES), (None,), (-100,)),
    "hinge_embedding_loss": ("HingeEmbeddingLoss", (X[0], SIGNS), (1.0,), ()),
    "kl_div": ("KLDivLoss", (X, Y), (), ()),
    "l1_loss": ("L1Loss", (X, Y), (), ()),
    "margin_ranking_loss": ("MarginRankingLoss", (X[0], X[1], SIGNS), (0.0,), ()),
    "mse_loss": ("MSELoss", (X, Y), (), ()),
    "multi_margin_loss": ("MultiMarginLoss", (X, CLASSES), (1, 1.0, None), ()),
    "multilabel_margin_loss": ("MultiLabelMarginLoss", (X, dt.tensor([[0, -1], [1, 0]])), (), ()),
    "multilabel_soft_margin_loss": ("MultiLabelSoftMarginLoss", (X, Y), (None,), ()),
    "nll_loss": ("NLLLoss", (X, CLASSES), (None,), (-100,)),
    "poisson_nll_loss": ("PoissonNLLLoss", (X, Y), (True, False), (1e-8,)),
    "smooth_l1_loss": ("SmoothL1Loss", (X, Y), (), ()),
    "soft_margin_loss": ("SoftMarginLoss", (X[0], SIGNS), (), ()),
    "triplet_margin_loss": ("TripletMarginLoss", (X, Y, X + 1), (1.0, 2.0, 1e-6, False), ()),
}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("older", MEANINGS, ids=str)
def test_meaning(name: str, older: tuple[bool | None, bool | None]) -> None:
    cls, tensors, before, between = LOSSES[name]
    function, module, (size_average, reduce) = getattr(F, name), getattr(nn, cls), older
    by_place = (*before, size_average, *between, reduce, "sum")
    by_name = {"size_average": size_average, "reduce": reduce, "reduction": "sum"}
    wanted = function(*tensors, reduction=MEANINGS[older] or "sum")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = [
            function(*tensors, **by_name),
            function(*tensors, *by_place),
            module(**by_name)(*tensors),
            module(*by_place)(*tensors),
        ]
    for each in found:
        assert each.shape == wanted.shape
        assert dt.equal(each, wanted)
    assert len(caught) == (0 if MEANINGS[older] is None else 4)
    for warning in caught:
        assert warning.filename == __file__
        assert f"use reduction={MEANINGS[older]!r} instead" in str(warning.message)


def test_subclasses_with_pytorchs_arguments() -> None:
    class Weighted(nn.modules.loss._WeightedLoss):
        def __init__(self, weight: Any = None, size_average: Any = None, reduce: Any = None, reduction: str = "mean"):
            super().__init__(weight, size_average, reduce, reduction)

    assert Weighted(reduction="sum").reduction == "sum"
    with pytest.warns(UserWarning, match="size_average and reduce will be deprecated"):
        assert Weighted(None, False).reduction == "sum"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: F.l1_loss(X, Y, size_average=3), "l1_loss: size_average must be a bool, got int 3"),
        (lambda: F.l1_loss(X, Y, False, size_average=True), "l1_loss: got two values for size_average"),
        (lambda: nn.MSELoss(False, None, "sum", 3), "MSELoss: takes at most 3 arguments by place, got 4"),
        (lambda: nn.MSELoss(reduce="x"), "MSELoss: reduce must be a bool, got str 'x'"),
    ],
)
def test_refusals(call: Any, message: str) -> None:
    with pytest.raises(TypeError, match=f"^{message}"):
        call()
