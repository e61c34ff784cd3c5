"""All parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

import dovetail as dt
from dovetail import checks


@checks.in_own_name
def parameters_to_vector(parameters: Iterable[dt.Tensor]) -> dt.Tensor:
    """The parameters' elements, one after the other, as one vector."""
    return dt.cat([p.reshape(-1) for p in parameters])


@checks.in_own_name
def vector_to_parameters(vec: dt.Tensor, parameters: Iterable[dt.Tensor]) -> None:
    """Give the parameters the values of a vector, as ``parameters_to_vector`` laid them out.

    Raises:
        ValueError: where the vector has too few or too many elements; nothing is changed then.
    """
    targets = list(parameters)
    total = sum(p.numel() for p in targets)
    if vec.ndim != 1 or vec.numel() != total:
        raise ValueError(f"vector_to_parameters: expected a vector of {total} elements, got shape {tuple(vec.shape)}")
    at = 0
    for p in targets:
        p.data = vec[at : at + p.numel()].reshape(p.shape)
        at += p.numel()
