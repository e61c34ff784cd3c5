"""Samplers: their orders, their lengths, what they refuse."""

import pytest

import dovetail as dt
from dovetail.data import (
    BatchSampler,
    DataLoader,
    DistributedSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)


def seeded():
    return dt.Generator().manual_seed(1)


def test_sequential():
    assert list(SequentialSampler(range(4))) == [0, 1, 2, 3]


def test_random_is_a_permutation_that_changes_by_epoch():
    sampler = RandomSampler(range(20), generator=seeded())
    first, second = list(sampler), list(sampler)
    assert sorted(first) == sorted(second) == list(range(20)) and first != second
    assert list(RandomSampler(range(20), generator=seeded())) == first


def test_random_draws_more_or_fewer():
    assert len(list(RandomSampler(range(3), num_samples=8))) == 8
    drawn = list(RandomSampler(range(3), replacement=True, num_samples=50))
    assert len(drawn) == 50 and set(drawn) == {0, 1, 2}
    assert list(RandomSampler([])) == []


@pytest.mark.parametrize("count", [0, -1, 1.5])
def test_random_refuses(count):
    with pytest.raises(ValueError, match="^RandomSampler: num_samples"):
        RandomSampler(range(3), num_samples=count)


def test_subset():
    assert sorted(SubsetRandomSampler([5, 3, 9])) == [3, 5, 9]


def test_weighted_follows_the_weights():
    drawn = list(WeightedRandomSampler([0.0, 1.0, 3.0], 4000, generator=seeded()))
    assert drawn.count(0) == 0 and 0.70 < drawn.count(2) / 4000 < 0.80
    once = list(WeightedRandomSampler([1.0, 0.0, 5.0], 2, replacement=False))
    assert sorted(once) == [0, 2]


@pytest.mark.parametrize("weights", [[-1.0, 2.0], [0.0, 0.0], [[1.0]], [float("nan")]])
def test_weighted_refuses(weights):
    with pytest.raises(ValueError, match="^WeightedRandomSampler"):
        WeightedRandomSampler(weights, 1)


def test_weighted_refuses_more_than_there_are():
    with pytest.raises(ValueError, match="^WeightedRandomSampler: cannot draw 3"):
        WeightedRandomSampler([1.0, 0.0, 1.0], 3, replacement=False)


@pytest.mark.parametrize("drop_last, expected", [(False, [[0, 1], [2, 3], [4]]), (True, [[0, 1], [2, 3]])])
def test_batches(drop_last, expected):
    sampler = BatchSampler(SequentialSampler(range(5)), 2, drop_last)
    assert list(sampler) == expected and len(sampler) == len(expected)
    assert [list(map(int, b)) for b in sampler.batches()] == expected


def test_batches_of_a_sampler_with_an_order_of_its_own():
    class Backwards(SequentialSampler):
        def __iter__(self):
            return iter(range(len(self) - 1, -1, -1))

    assert [list(b) for b in BatchSampler(Backwards(range(3)), 2, False).batches()] == [[2, 1], [0]]


@pytest.mark.parametrize("size", [0, -3, True, 1.5])
def test_batch_size_is_checked(size):
    with pytest.raises(ValueError, match="^BatchSampler: batch_size"):
        BatchSampler([], size, False)


@pytest.mark.parametrize("drop_last", [False, True])
def test_replicas_share_evenly(drop_last):
    samplers = [DistributedSampler(range(10), 3, r, seed=4, drop_last=drop_last) for r in range(3)]
    shares = [list(s) for s in samplers]
    assert {len(s) for s in shares} == {3 if drop_last else 4} == {len(s) for s in samplers}
    if not drop_last:
        assert set().union(*shares) == set(range(10))
    before = shares[0]
    samplers[0].set_epoch(1)
    assert list(samplers[0]) != before


class EveryOther(Sampler[int]):
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return iter(range(0, self.n, 2))

    def __len__(self):
        return (self.n + 1) // 2


def test_a_sampler_of_ones_own():
    sampler = EveryOther(7)
    assert isinstance(sampler, Sampler) and list(sampler) == [0, 2, 4, 6]
    assert [batch.tolist() for batch in DataLoader(dt.arange(7) * 10, batch_size=3, sampler=sampler)] == [
        [0, 20, 40],
        [60],
    ]
    batches = BatchSampler(sampler, 2, drop_last=False)
    assert isinstance(batches, Sampler) and list(batches) == [[0, 2], [4, 6]]
    assert all(issubclass(kind, Sampler) for kind in (SequentialSampler, RandomSampler, SubsetRandomSampler))


def test_a_sampler_without_an_order_says_so():
    class Forgetful(Sampler):
        pass

    with pytest.raises(TypeError, match="^Forgetful: a Sampler must define __iter__"):
        iter(Forgetful())
