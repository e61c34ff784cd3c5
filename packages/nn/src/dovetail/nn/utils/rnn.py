"""Sequences of different lengths: padded to one tensor, or packed without padding."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any, NamedTuple

import dovetail as dt
from dovetail import checks

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class _Packed(NamedTuple):
    data: dt.Tensor
    batch_sizes: dt.Tensor
    sorted_indices: dt.Tensor | None
    unsorted_indices: dt.Tensor | None


def invert_permutation(permutation: dt.Tensor | None) -> dt.Tensor | None:
    """The permutation that undoes another one; None of None.

    Example:
        >>> invert_permutation(dt.tensor([2, 0, 1])).tolist()
        [1, 2, 0]
    """
    if permutation is None:
        return None
    places = dt.arange(permutation.numel(), dtype=permutation.dtype, device=permutation.device)
    return dt.empty_like(permutation).scatter(0, permutation.to(dt.int64), places)


class PackedSequence(_Packed):
    """Sequences of different lengths, time step by time step, the longest sequence first.

    Made by ``pack_padded_sequence`` and ``pack_sequence``; recurrent layers take it as their input.

    Args:
        data: the elements, ``(total, *)``: those of the first time step, then those of the second, and so on.
        batch_sizes: how many sequences have each time step; on the CPU.
        sorted_indices: how the sequences were put in order of length; None if they were.
        unsorted_indices: what undoes it.

    Example:
        >>> packed = pack_sequence([dt.tensor([1, 2, 3]), dt.tensor([4, 5])])
        >>> packed.data.tolist(), packed.batch_sizes.tolist()
        ([1, 4, 2, 5, 3], [2, 2, 1])
    """

    __slots__ = ()

    def __new__(
        cls,
        data: dt.Tensor,
        batch_sizes: dt.Tensor,
        sorted_indices: dt.Tensor | None = None,
        unsorted_indices: dt.Tensor | None = None,
    ) -> PackedSequence:
        checks.tensors("PackedSequence", data=data, batch_sizes=batch_sizes)
        if batch_sizes.device.type != "cpu":
            raise ValueError(f"PackedSequence: batch_sizes must be on the CPU, got {batch_sizes.device}")
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def _with(self, data: dt.Tensor) -> PackedSequence:
        return type(self)(data, self.batch_sizes, self.sorted_indices, self.unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The data moved or cast as ``Tensor.to`` does it, the indices moved with it."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        sorted_indices, unsorted = (
            None if t is None else t.to(data.device) for t in (self.sorted_indices, self.unsorted_indices)
        )
        return type(self)(data, self.batch_sizes, sorted_indices, unsorted)

    def cpu(self) -> PackedSequence:
        """On the CPU."""
        return self.to("cpu")

    def cuda(self, device: Any = None) -> PackedSequence:
        """On a CUDA device."""
        return self.to("cuda" if device is None else device)

    def pin_memory(self) -> PackedSequence:
        """With the data in pinned memory."""
        return self._with(self.data.pin_memory())

    def double(self) -> PackedSequence:
        """In float64."""
        return self.to(dt.float64)

    def float(self) -> PackedSequence:
        """In float32."""
        return self.to(dt.float32)

    def half(self) -> PackedSequence:
        """In float16."""
        return self.to(dt.float16)

    def long(self) -> PackedSequence:
        """In int64."""
        return self.to(dt.int64)

    def int(self) -> PackedSequence:
        """In int32."""
        return self.to(dt.int32)

    @property
    def is_cuda(self) -> bool:
        return self.data.device.type == "cuda"

    def is_pinned(self) -> bool:
        """Whether the data is in pinned memory."""
        return self.data.is_pinned()


@checks.in_own_name
def pack_padded_sequence(
    input: dt.Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Leave out the padding of sequences of different lengths.

    Args:
        input: ``(T, B, *)`` or with ``batch_first`` ``(B, T, *)``.
        lengths: B lengths, at least 1 and at most T; a list or a tensor on the CPU.
        batch_first: see there.
        enforce_sorted: the lengths must fall already; else they are sorted here.

    Example:
        >>> padded = dt.tensor([[1, 2, 0], [3, 0, 0], [4, 5, 6]])
        >>> packed = pack_padded_sequence(padded, [2, 1, 3], batch_first=True, enforce_sorted=False)
        >>> packed.data.tolist(), packed.batch_sizes.tolist()
        ([4, 1, 3, 5, 2, 6], [3, 2, 1])
    """
    checks.tensors("pack_padded_sequence", input=input)
    if isinstance(lengths, dt.Tensor) and lengths.device.type != "cpu":
        raise ValueError(f"pack_padded_sequence: lengths must be on the CPU, got {lengths.device}")
    sizes = [int(n) for n in (lengths.tolist() if isinstance(lengths, dt.Tensor) else lengths)]
    if input.ndim < 2:
        raise ValueError(f"pack_padded_sequence: input must have at least 2 dims, got shape {tuple(input.shape)}")
    steps, batch = (input.shape[1], input.shape[0]) if batch_first else input.shape[:2]
    if len(sizes) != batch:
        raise ValueError(f"pack_padded_sequence: {batch} sequences need as many lengths, got {len(sizes)}")
    if not sizes or min(sizes) < 1 or max(sizes) > steps:
        raise ValueError(f"pack_padded_sequence: lengths must be from 1 to {steps}, got {checks.shown(sizes)}")
    order: dt.Tensor | None = None
    if enforce_sorted:
        if any(a < b for a, b in pairwise(sizes)):
            raise ValueError(
                f"pack_padded_sequence: lengths must not rise, got {checks.shown(sizes)}; "
                "with enforce_sorted=False they are sorted here"
            )
    else:
        places = sorted(range(batch), key=lambda i: -sizes[i])
        order = dt.tensor(places, dtype=dt.int64, device=input.device)
        sizes = [sizes[i] for i in places]
        input = input.index_select(0 if batch_first else 1, order)
    if batch_first:
        input = input.transpose(0, 1)
    batch_sizes = [sum(n > t for n in sizes) for t in range(sizes[0])]
    data = dt.cat([input[t, :count] for t, count in enumerate(batch_sizes)])
    return PackedSequence(data, dt.tensor(batch_sizes, dtype=dt.int64), order)


def _lengths(batch_sizes: list[int]) -> list[int]:
    """The sequences' lengths, in the order in which they are packed."""
    return [sum(size > i for size in batch_sizes) for i in range(batch_sizes[0] if batch_sizes else 0)]


@checks.in_own_name
def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[dt.Tensor, dt.Tensor]:
    """The padded sequences and their lengths; undoes ``pack_padded_sequence``.

    Args:
        sequence: what was packed.
        batch_first: give ``(B, T, *)`` in place of ``(T, B, *)``.
        padding_value: what to fill up with.
        total_length: T, if it is to be more than the longest sequence's.

    Example:
        >>> packed = pack_sequence([dt.tensor([1, 2, 3]), dt.tensor([4])])
        >>> padded, lengths = pad_packed_sequence(packed, batch_first=True)
        >>> padded.tolist(), lengths.tolist()
        ([[1, 2, 3], [4, 0, 0]], [3, 1])
    """
    if not isinstance(sequence, PackedSequence):
        raise TypeError(f"pad_packed_sequence: expected a PackedSequence, got {checks.shown(sequence)}")
    batch_sizes = [int(n) for n in sequence.batch_sizes.tolist()]
    lengths = _lengths(batch_sizes)
    steps = len(batch_sizes)
    if total_length is not None and total_length < steps:
        raise ValueError(
            f"pad_packed_sequence: total_length must be at least the longest sequence's {steps}, got {total_length}"
        )
    rows = dt.split(sequence.data, batch_sizes)
    batch = batch_sizes[0]
    padded = [
        row if row.shape[0] == batch else dt.cat([row, _filled(row, batch - row.shape[0], padding_value)])
        for row in rows
    ]
    padded += [_filled(sequence.data, batch, padding_value)] * ((total_length or steps) - steps)
    result, sizes = dt.stack(padded, 1 if batch_first else 0), dt.tensor(lengths, dtype=dt.int64)
    unsorted = sequence.unsorted_indices
    if unsorted is not None:
        result = result.index_select(0 if batch_first else 1, unsorted)
        sizes = sizes.index_select(0, unsorted.cpu())
    return result, sizes


def _filled(like: dt.Tensor, rows: int, value: float) -> dt.Tensor:
    return dt.full([rows, *like.shape[1:]], value, dtype=like.dtype, device=like.device)


@checks.in_own_name
def pad_sequence(
    sequences: Iterable[dt.Tensor],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> dt.Tensor:
    """Sequences of different lengths as one tensor.

    Args:
        sequences: of shapes ``(L, *)``, alike but for L.
        batch_first: give ``(B, T, *)`` in place of ``(T, B, *)``.
        padding_value: what to fill up with.
        padding_side: "right" or "left".

    Example:
        >>> pad_sequence([dt.tensor([1, 2, 3]), dt.tensor([4])], batch_first=True).tolist()
        [[1, 2, 3], [4, 0, 0]]
    """
    items = list(sequences)
    if padding_side not in ("right", "left"):
        raise ValueError(f"pad_sequence: padding_side must be 'right' or 'left', got {checks.shown(padding_side)}")
    if not items or not all(isinstance(t, dt.Tensor) and t.ndim >= 1 for t in items):
        raise TypeError(f"pad_sequence: expected tensors of at least one dim, got {checks.shown(items)}")
    if any(t.shape[1:] != items[0].shape[1:] for t in items):
        raise ValueError(
            "pad_sequence: sequences must be alike but for their lengths, got shapes "
            f"{checks.shown([tuple(t.shape) for t in items])}"
        )
    longest = max(t.shape[0] for t in items)
    padded = []
    for t in items:
        parts = [t, _filled(t, longest - t.shape[0], padding_value)]
        padded.append(dt.cat(parts if padding_side == "right" else parts[::-1]))
    return dt.stack(padded, 0 if batch_first else 1)


@checks.in_own_name
def unpad_sequence(padded_sequences: dt.Tensor, lengths: dt.Tensor, batch_first: bool = False) -> list[dt.Tensor]:
    """The sequences without their padding; undoes ``pad_sequence``.

    Example:
        >>> [t.tolist() for t in unpad_sequence(dt.tensor([[1, 2], [3, 0]]), dt.tensor([2, 1]), batch_first=True)]
        [[1, 2], [3]]
    """
    checks.tensors("unpad_sequence", padded_sequences=padded_sequences, lengths=lengths)
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    sizes = [int(n) for n in lengths.tolist()]
    if len(sizes) != rows.shape[0]:
        raise ValueError(f"unpad_sequence: {rows.shape[0]} sequences need as many lengths, got {len(sizes)}")
    return [row[:n] for row, n in zip(rows.unbind(0), sizes, strict=True)]


@checks.in_own_name
def pack_sequence(sequences: Iterable[dt.Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack sequences of different lengths.

    Args:
        sequences: of shapes ``(L, *)``, alike but for L.
        enforce_sorted: the lengths must fall already; else they are sorted here.
    """
    items = list(sequences)
    return pack_padded_sequence(pad_sequence(items), [t.shape[0] for t in items], enforce_sorted=enforce_sorted)


@checks.in_own_name
def unpack_sequence(packed_sequences: PackedSequence) -> list[dt.Tensor]:
    """The sequences that were packed.

    Example:
        >>> [t.tolist() for t in unpack_sequence(pack_sequence([dt.tensor([1, 2, 3]), dt.tensor([4])]))]
        [[1, 2, 3], [4]]
    """
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
