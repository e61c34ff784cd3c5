"""Padding and packing."""

import pytest

import dovetail as dt
from dovetail.nn.utils import rnn


def test_round_trip_keeps_order_and_gradient():
    parts = [dt.randn(n, 2) for n in (2, 4, 1)]
    packed = rnn.pack_sequence(parts, enforce_sorted=False)
    assert packed.batch_sizes.tolist() == [3, 2, 1, 1] and packed.sorted_indices.tolist() == [1, 0, 2]
    assert all(dt.equal(a, b) for a, b in zip(rnn.unpack_sequence(packed), parts, strict=True))
    assert packed.double().data.dtype == dt.float64 and packed.cpu() is packed
    again = rnn.PackedSequence(packed.data, packed.batch_sizes, packed.sorted_indices)
    assert again.unsorted_indices.tolist() == packed.unsorted_indices.tolist()


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: rnn.pack_padded_sequence(dt.ones(3, 2), [1, 2]), "lengths must not rise"),
        (lambda: rnn.pack_padded_sequence(dt.ones(3, 2), [4, 2]), "lengths must be from 1 to 3"),
        (lambda: rnn.pack_padded_sequence(dt.ones(3, 2), [2, 0]), "lengths must be from 1 to 3"),
        (lambda: rnn.pack_padded_sequence(dt.ones(3, 2), [2]), "2 sequences need as many lengths, got 1"),
        (lambda: rnn.pad_packed_sequence(rnn.pack_sequence([dt.ones(3)]), total_length=2), "longest sequence's 3"),
        (lambda: rnn.pad_sequence([dt.ones(3), dt.ones(3, 2)]), "alike but for their lengths"),
        (lambda: rnn.pad_sequence([dt.ones(3)], padding_side="up"), "'right' or 'left'"),
        (lambda: rnn.unpad_sequence(dt.ones(3, 2), dt.tensor([1])), "2 sequences need as many lengths, got 1"),
    ],
)
def test_refusals(call, match):
    with pytest.raises(ValueError, match=match):
        call()
