"""Embeddings: tables of vectors."""

from __future__ import annotations

from typing import Any, Self

import dovetail as dt
from dovetail import checks

from .. import functional as F
from .. import init
from ..functional.lookup import refuse_sparse
from ..parameter import Parameter
from .module import Module


class _Table(Module):
    """What both layers share: the table, its options, its initial values."""

    weight: Parameter

    def _set(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None,
        weight: dt.Tensor | None,
        freeze: bool,
        device: Any,
        dtype: Any,
    ) -> None:
        who = type(self).__name__
        checks.integers(who, num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        checks.sizes(who, num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        if padding_idx is not None:
            checks.integers(who, padding_idx=padding_idx)
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise ValueError(f"{who}: padding_idx {padding_idx} is out of range for {num_embeddings} rows")
            padding_idx %= num_embeddings
        self.num_embeddings, self.embedding_dim, self.padding_idx = num_embeddings, embedding_dim, padding_idx
        if weight is None:
            empty = dt.empty(num_embeddings, embedding_dim, device=device, dtype=dtype)
            self.weight = Parameter(empty, requires_grad=not freeze)
            self.reset_parameters()
            return
        checks.tensors(who, _weight=weight)
        if tuple(weight.shape) != (num_embeddings, embedding_dim):
            raise ValueError(
                f"{who}: _weight must have shape ({num_embeddings}, {embedding_dim}), got {tuple(weight.shape)}"
            )
        self.weight = Parameter(weight, requires_grad=not freeze)

    def reset_parameters(self) -> None:
        init.normal_(self.weight)
        if self.padding_idx is not None and self.weight.numel():
            with dt.no_grad():
                self.weight[self.padding_idx].fill_(0)

    @classmethod
    def _pretrained(cls, embeddings: Any, freeze: bool, padding_idx: int | None, options: dict[str, Any]) -> Self:
        checks.tensors(f"{cls.__name__}.from_pretrained", embeddings=embeddings)
        if embeddings.ndim != 2:
            raise ValueError(f"{cls.__name__}.from_pretrained: expected a matrix, got shape {tuple(embeddings.shape)}")
        make: Any = cls
        layer: Self = make(*embeddings.shape, padding_idx=padding_idx, _weight=embeddings, **options)
        layer.weight.requires_grad_(not freeze)
        return layer


class Embedding(_Table):
    """A table of vectors, looked up by index.

        out[*] = weight[input[*]]

    Args:
        num_embeddings: rows of the table.
        embedding_dim: size of each vector.
        padding_idx: a row that starts as zeros and gets no gradient.
        max_norm: rows that are looked up and have a larger norm are first scaled down to it, in place.
        norm_type: which norm that is.
        scale_grad_by_freq: divide a row's gradient by how often it is looked up.
        sparse: only False: gradients are dense.
        device, dtype: of the parameters.

    Shape:
        input: integers of any shape ``(*)``, output ``(*, embedding_dim)``; weight ``(num_embeddings, embedding_dim)``,
        normal with mean 0 and variance 1 at first.

    Example:
        >>> Embedding(10, 3)(dt.tensor([1, 2])).shape
        dovetail.Size([2, 3])
    """

    padding_idx: int | None

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: dt.Tensor | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        refuse_sparse("Embedding", sparse)
        self.max_norm, self.norm_type = max_norm, norm_type
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse
        self._set(num_embeddings, embedding_dim, padding_idx, _weight, _freeze, device, dtype)

    @classmethod
    @checks.in_class_name
    def from_pretrained(
        cls,
        embeddings: dt.Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Self:
        """A layer with this table of shape ``(rows, dim)``; a frozen one gets no gradient."""
        options = {"max_norm": max_norm, "norm_type": norm_type, "scale_grad_by_freq": scale_grad_by_freq}
        return cls._pretrained(embeddings, freeze, padding_idx, {**options, "sparse": sparse})

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.embedding(
            input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse
        )

    def extra_repr(self) -> str:
        parts = [f"{self.num_embeddings}, {self.embedding_dim}"]
        parts += [] if self.padding_idx is None else [f"padding_idx={self.padding_idx}"]
        parts += [] if self.max_norm is None else [f"max_norm={self.max_norm}"]
        parts += [] if self.norm_type == 2 else [f"norm_type={self.norm_type}"]
        parts += ["scale_grad_by_freq=True"] if self.scale_grad_by_freq else []
        return ", ".join(parts)


class EmbeddingBag(_Table):
    """Sums, means or maxima of the rows of a table, bag by bag.

        out[b] = Σ over the bag's i of per_sample_weights[i] · weight[input[i]]

    Args:
        num_embeddings: rows of the table.
        embedding_dim: size of each vector.
        max_norm: rows that are looked up and have a larger norm are first scaled down to it, in place.
        norm_type: which norm that is.
        scale_grad_by_freq: divide a row's gradient by how often it is looked up; not for "max".
        mode: "sum", "mean" or "max". Of an empty bag it is 0.
        sparse: only False: gradients are dense.
        include_last_offset: the offsets end with one more, where the last bag ends.
        padding_idx: an index that counts as not there.
        device, dtype: of the parameters.

    Shape:
        input ``(bags, n)``, or ``(n)`` with offsets ``(bags)``; per_sample_weights like the input; output
        ``(bags, embedding_dim)``.

    Example:
        >>> bag = EmbeddingBag(10, 3, mode="sum")
        >>> bag(dt.tensor([1, 2, 4, 5]), dt.tensor([0, 3])).shape
        dovetail.Size([2, 3])
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: dt.Tensor | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        refuse_sparse("EmbeddingBag", sparse)
        if mode not in ("sum", "mean", "max"):
            raise ValueError(f"EmbeddingBag: mode must be 'sum', 'mean' or 'max', got {checks.shown(mode)}")
        self.max_norm, self.norm_type = max_norm, norm_type
        self.scale_grad_by_freq, self.mode, self.sparse = scale_grad_by_freq, mode, sparse
        self.include_last_offset = include_last_offset
        self._set(num_embeddings, embedding_dim, padding_idx, _weight, False, device, dtype)

    @classmethod
    @checks.in_class_name
    def from_pretrained(
        cls,
        embeddings: dt.Tensor,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> Self:
        """A layer with this table of shape ``(rows, dim)``; a frozen one gets no gradient."""
        options: dict[str, Any] = {"max_norm": max_norm, "norm_type": norm_type}
        options["scale_grad_by_freq"] = scale_grad_by_freq
        options |= {"mode": mode, "sparse": sparse, "include_last_offset": include_last_offset}
        return cls._pretrained(embeddings, freeze, padding_idx, options)

    def forward(
        self, input: dt.Tensor, offsets: dt.Tensor | None = None, per_sample_weights: dt.Tensor | None = None
    ) -> dt.Tensor:
        return F.embedding_bag(
            input,
            self.weight,
            offsets,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.mode,
            self.sparse,
            per_sample_weights,
            self.include_last_offset,
            self.padding_idx,
        )

    def extra_repr(self) -> str:
        parts = [f"{self.num_embeddings}, {self.embedding_dim}"]
        parts += [] if self.max_norm is None else [f"max_norm={self.max_norm}"]
        parts += [] if self.norm_type == 2 else [f"norm_type={self.norm_type}"]
        parts += ["scale_grad_by_freq=True"] if self.scale_grad_by_freq else []
        parts.append(f"mode={self.mode!r}")
        parts += [] if self.padding_idx is None else [f"padding_idx={self.padding_idx}"]
        return ", ".join(parts)
