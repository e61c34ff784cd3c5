"""Embedding: a table of vectors."""

from __future__ import annotations

from typing import Any

import dovetail as dt
from dovetail import checks

from .. import functional as F
from .. import init
from ..parameter import Parameter
from .module import Module


class Embedding(Module):
    """A table of vectors, looked up by index.

    Args:
        num_embeddings: rows of the table.
        embedding_dim: size of each vector.
        padding_idx: a row that starts as zeros and gets no gradient.

    Shape:
        input: int64 of any shape ``(*)``, output ``(*, embedding_dim)``; weight ``(num_embeddings, embedding_dim)``,
        normal with mean 0 and variance 1 at first.

    Example:
        >>> Embedding(10, 3)(dt.tensor([1, 2])).shape
        dovetail.Size([2, 3])
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        *,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if not all(hasattr(size, "__index__") and size >= 0 for size in (num_embeddings, embedding_dim)):
            raise ValueError(
                "Embedding: num_embeddings and embedding_dim must be ints of at least 0, "
                f"got {checks.shown(num_embeddings)} and {checks.shown(embedding_dim)}"
            )
        if padding_idx is not None and not isinstance(padding_idx, int):
            raise TypeError(f"Embedding: padding_idx must be an int or None, got {checks.shown(padding_idx)}")
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise ValueError(f"Embedding: padding_idx {padding_idx} is out of range for {num_embeddings} rows")
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        self.weight = Parameter(dt.empty(num_embeddings, embedding_dim, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with dt.no_grad():
                self.weight[self.padding_idx].fill_(0)

    @classmethod
    @checks.in_class_name
    def from_pretrained(cls, embeddings: dt.Tensor, freeze: bool = True, padding_idx: int | None = None) -> Embedding:
        """A layer with this table of shape ``(rows, dim)``; frozen ones get no gradient."""
        checks.tensors("Embedding.from_pretrained", embeddings=embeddings)
        if embeddings.ndim != 2:
            raise ValueError(f"Embedding.from_pretrained: expected a matrix, got shape {tuple(embeddings.shape)}")
        layer = cls(embeddings.shape[0], embeddings.shape[1], padding_idx)
        layer.weight = Parameter(embeddings, requires_grad=not freeze)
        return layer

    def forward(self, input: dt.Tensor) -> dt.Tensor:
        return F.embedding(input, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"
