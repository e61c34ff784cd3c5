"""Tables of vectors, looked up one by one or summed up in bags."""

from __future__ import annotations

import dovetail as dt
from dovetail import checks
from dovetail.ops import get_op, op

_rows_op = get_op("embedding_rows")
_bag_sum_op = get_op("embedding_bag_sum")
_bag_max_op = get_op("embedding_bag_max")


def _check_table(who: str, input: dt.Tensor, weight: dt.Tensor) -> None:
    if input.dtype.is_floating_point or input.dtype.is_complex or input.dtype == dt.bool:
        raise TypeError(f"{who}: expected integer indices, got dtype {input.dtype}")
    if weight.ndim != 2:
        raise ValueError(f"{who}: expected a table of shape (rows, dim), got {tuple(weight.shape)}")


@op("embedding(Tensor input, Tensor weight, int? padding_idx=None, bool scale_grad_by_freq=False) -> Tensor")
def embedding_op(input: dt.Tensor, weight: dt.Tensor, padding_idx: int | None, scale_grad_by_freq: bool) -> dt.Tensor:
    """The rows of a table at these indices.

        out[*] = weight[input[*]]

    Args:
        input: integer indices of any shape `(*)`, from 0 to rows - 1.
        weight: the table, `(rows, dim)`.
        padding_idx: a row that gets no gradient.
        scale_grad_by_freq: divide a row's gradient by how often it is looked up.

    Returns:
        `(*, dim)`

    Raises:
        TypeError: where the indices are not integers.
        IndexError: where one is out of range.

    Example:
        >>> dt.nn.functional.embedding(dt.tensor([2, 0]), dt.arange(6.0).reshape(3, 2)).tolist()
        [[4.0, 5.0], [0.0, 1.0]]
    """
    _check_table("embedding", input, weight)
    padding = None if padding_idx is None else _row("embedding", padding_idx, weight)
    return _rows_op(weight, input, padding, scale_grad_by_freq)


def _row(who: str, index: int, weight: dt.Tensor) -> int:
    """The row that a padding index, maybe negative, stands for."""
    rows = weight.shape[0]
    if not -rows <= index < rows:
        raise ValueError(f"{who}: padding_idx {index} is out of range for a table of {rows} rows")
    return index % rows


def refuse_sparse(who: str, sparse: bool) -> None:
    """Sparse gradients do not exist here."""
    if sparse:
        raise ValueError(f"{who}: gradients are dense here; leave sparse=False, got {checks.shown(sparse)}")


def _renormalize(input: dt.Tensor, weight: dt.Tensor, max_norm: float, norm_type: float) -> None:
    """Scale the rows that will be looked up to a norm of at most ``max_norm``, in place."""
    with dt.no_grad():
        used = dt.unique(input.reshape(-1))
        if used.numel() == 0:
            return
        table = weight.detach()
        rows = table.index_select(0, used)
        norms = dt.linalg.vector_norm(rows, norm_type, 1, True)
        factor = dt.where(norms > max_norm, max_norm / (norms + 1e-7), dt.ones_like(norms))
        table.index_copy_(0, used, rows * factor)


@checks.in_own_name
def embedding(
    input: dt.Tensor,
    weight: dt.Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> dt.Tensor:
    """The rows of a table at these indices.

        out[*] = weight[input[*]]

    Args:
        input: integer indices of any shape ``(*)``, from 0 to rows - 1.
        weight: the table, ``(rows, dim)``.
        padding_idx: a row that gets no gradient.
        max_norm: rows that are looked up and have a larger norm are first scaled down to it, in place.
        norm_type: which norm that is.
        scale_grad_by_freq: divide a row's gradient by how often it is looked up.
        sparse: only False: gradients are dense.

    Returns:
        ``(*, dim)``

    Raises:
        IndexError: where an index is out of range.

    Example:
        >>> embedding(dt.tensor([2, 0]), dt.arange(6.0).reshape(3, 2)).tolist()
        [[4.0, 5.0], [0.0, 1.0]]
    """
    refuse_sparse("embedding", sparse)
    if max_norm is not None:
        _check_table("embedding", input, weight)
        _renormalize(input, weight, max_norm, norm_type)
    result: dt.Tensor = embedding_op(input, weight, padding_idx, scale_grad_by_freq)
    return result


@op(
    "embedding_bag(Tensor input, Tensor weight, Tensor offsets, str mode='mean', Tensor? per_sample_weights=None, "
    "int? padding_idx=None, bool scale_grad_by_freq=False) -> Tensor"
)
def embedding_bag_op(
    input: dt.Tensor,
    weight: dt.Tensor,
    offsets: dt.Tensor,
    mode: str,
    per_sample_weights: dt.Tensor | None,
    padding_idx: int | None,
    scale_grad_by_freq: bool,
) -> dt.Tensor:
    """Sums, means or maxima of the rows of a table, bag by bag.

        out[b] = sum over i from offsets[b] to offsets[b + 1] - 1 of per_sample_weights[i] * weight[input[i]]

    Args:
        input: integer indices, one dim.
        weight: the table, `(rows, dim)`.
        offsets: where each bag begins; the last one ends where the input does.
        mode: "sum", "mean" or "max". Of an empty bag it is 0.
        per_sample_weights: factors of the rows, like the input; for "sum".
        padding_idx: an index that counts as not there.
        scale_grad_by_freq: divide a row's gradient by how often it is looked up.

    Returns:
        `(bags, dim)`

    Example:
        >>> table = dt.arange(6.0).reshape(3, 2)
        >>> dt._core.get_op("embedding_bag")(dt.tensor([0, 1, 2]), table, dt.tensor([0, 2]), "sum").tolist()
        [[2.0, 4.0], [4.0, 5.0]]
    """
    if mode not in ("sum", "mean", "max"):
        raise ValueError(f"embedding_bag: mode must be 'sum', 'mean' or 'max', got {mode!r}")
    _check_table("embedding_bag", input, weight)
    padding = None if padding_idx is None else _row("embedding_bag", padding_idx, weight)
    if mode != "max":
        return _bag_sum_op(weight, input, offsets, per_sample_weights, mode == "mean", padding, scale_grad_by_freq)
    return _bag_max_op(weight, input, offsets, padding)[0]


@checks.in_own_name
def embedding_bag(
    input: dt.Tensor,
    weight: dt.Tensor,
    offsets: dt.Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: dt.Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> dt.Tensor:
    """Sums, means or maxima of the rows of a table, bag by bag, without the rows being kept.

    Args:
        input: integer indices: ``(bags, n)``, a bag each row, or one dim, cut into bags by the offsets.
        weight: the table, ``(rows, dim)``.
        offsets: where each bag begins in an input of one dim; begins with 0.
        max_norm: rows that are looked up and have a larger norm are first scaled down to it, in place.
        norm_type: which norm that is.
        scale_grad_by_freq: divide a row's gradient by how often it is looked up; not for "max".
        mode: "sum", "mean" or "max". Of an empty bag it is 0.
        sparse: only False: gradients are dense.
        per_sample_weights: factors of the rows, of the input's shape; for "sum".
        include_last_offset: the offsets end with one more, where the last bag ends.
        padding_idx: an index that counts as not there.

    Returns:
        ``(bags, dim)``

    Raises:
        IndexError: where an index is out of range.

    Example:
        >>> embedding_bag(dt.tensor([[0, 1], [2, 2]]), dt.arange(6.0).reshape(3, 2), mode="sum").tolist()
        [[2.0, 4.0], [8.0, 10.0]]
    """
    checks.tensors("embedding_bag", input=input, weight=weight)
    refuse_sparse("embedding_bag", sparse)
    if mode == "max" and scale_grad_by_freq:
        raise ValueError("embedding_bag: scale_grad_by_freq=True has no meaning for mode 'max'")
    if per_sample_weights is not None:
        checks.tensors("embedding_bag", per_sample_weights=per_sample_weights)
        if mode != "sum":
            raise ValueError(f"embedding_bag: per_sample_weights are for mode 'sum' alone, got mode {mode!r}")
        if per_sample_weights.shape != input.shape:
            raise ValueError(
                "embedding_bag: per_sample_weights and input must have one shape, "
                f"got {tuple(per_sample_weights.shape)} and {tuple(input.shape)}"
            )
        per_sample_weights = per_sample_weights.reshape(-1)
    starts = _starts(input, offsets, include_last_offset)
    flat = input.reshape(-1)
    if max_norm is not None:
        _check_table("embedding_bag", flat, weight)
        _renormalize(flat, weight, max_norm, norm_type)
    if include_last_offset and input.ndim == 1 and offsets is not None:
        end = _end(offsets, flat.shape[0])
        flat = flat[:end]
        per_sample_weights = None if per_sample_weights is None else per_sample_weights[:end]
    result: dt.Tensor = embedding_bag_op(
        flat, weight, starts, mode, per_sample_weights, padding_idx, scale_grad_by_freq
    )
    return result


def _starts(input: dt.Tensor, offsets: dt.Tensor | None, include_last_offset: bool) -> dt.Tensor:
    """Where the bags begin."""
    if input.ndim == 2:
        if offsets is not None:
            raise ValueError(
                "embedding_bag: an input of two dims holds a bag a row; leave offsets=None, "
                f"got offsets of shape {tuple(offsets.shape)}"
            )
        bags, n = input.shape
        return dt.arange(bags, device=input.device) * n
    if input.ndim != 1:
        raise ValueError(f"embedding_bag: input must have one or two dims, got shape {tuple(input.shape)}")
    if not isinstance(offsets, dt.Tensor) or offsets.ndim != 1:
        raise ValueError(
            f"embedding_bag: an input of one dim needs offsets, a tensor of one dim, got offsets "
            f"{checks.shown(offsets)} and input {tuple(input.shape)}"
        )
    if offsets.is_floating_point() or offsets.dtype == dt.bool:
        raise TypeError(f"embedding_bag: offsets must be integers, got dtype {offsets.dtype}")
    if not include_last_offset:
        return offsets
    if offsets.shape[0] == 0:
        raise ValueError("embedding_bag: include_last_offset=True needs at least one offset, got none")
    return offsets[:-1]


def _end(offsets: dt.Tensor, n: int) -> int:
    """Where the last bag ends, which the last offset says."""
    end = int(offsets[-1].item())
    if not 0 <= end <= n:
        raise ValueError(f"embedding_bag: the last offset must be within the {n} indices, got {end}")
    return end
