"""Data sets: lengths, samples, batches fetched at once, splits."""

import pytest

import dovetail as dt
from dovetail.data import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)


class Squares(Dataset):
    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        return i * i


class Count(IterableDataset):
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return iter(range(self.n))

    def __len__(self):
        return self.n


def test_tensor_dataset_gives_rows_and_batches():
    ds = TensorDataset(dt.arange(6).reshape(3, 2), dt.tensor([7, 8, 9]))
    x, y = ds[1]
    assert (x.tolist(), y.item(), len(ds)) == ([2, 3], 8, 3)
    xs, ys = ds.get_batch(dt.tensor([2, 0]))
    assert xs.tolist() == [[4, 5], [0, 1]] and ys.tolist() == [9, 7]


@pytest.mark.parametrize("tensors", [(), (dt.zeros(2), dt.zeros(3))])
def test_tensor_dataset_refuses(tensors):
    with pytest.raises(ValueError, match="^TensorDataset"):
        TensorDataset(*tensors)


def test_tensor_dataset_refuses_what_has_no_rows():
    with pytest.raises(TypeError, match="^TensorDataset.*0-dim"):
        TensorDataset(dt.tensor(1.0))
    with pytest.raises(TypeError, match="^TensorDataset.*list"):
        TensorDataset([1, 2])


def test_concat_counts_from_both_ends():
    both = Squares(3) + Squares(2)
    assert isinstance(both, ConcatDataset)
    assert [both[i] for i in range(-5, 5)] == [0, 1, 4, 0, 1] * 2
    with pytest.raises(IndexError, match="^ConcatDataset: index 5"):
        both[5]
    with pytest.raises(ValueError, match="^ConcatDataset"):
        ConcatDataset([])
    with pytest.raises(TypeError, match="^ConcatDataset"):
        ConcatDataset([Count(2)])


def test_chain():
    chain = Count(2) + Count(3)
    assert isinstance(chain, ChainDataset) and len(chain) == 5
    assert list(chain) == [0, 1, 0, 1, 2]


def test_stack():
    assert StackDataset(Squares(3), Squares(3))[2] == (4, 4)
    assert StackDataset(a=Squares(3), b=Squares(3))[1] == {"a": 1, "b": 1}
    with pytest.raises(ValueError, match="^StackDataset"):
        StackDataset(Squares(3), Squares(2))
    with pytest.raises(ValueError, match="^StackDataset"):
        StackDataset()


def test_subset_passes_batches_on_only_where_there_are_any():
    ds = Subset(TensorDataset(dt.arange(5) * 10), [4, 2, 0])
    assert [x.item() for (x,) in (ds[i] for i in range(3))] == [40, 20, 0]
    assert ds.get_batch(dt.tensor([0, 2]))[0].tolist() == [40, 0]
    assert not hasattr(Subset(Squares(4), [1]), "get_batch")


def test_random_split_covers_everything_once_and_repeats_by_seed():
    parts = random_split(Squares(10), [7, 3], dt.Generator().manual_seed(3))
    again = random_split(Squares(10), [0.7, 0.3], dt.Generator().manual_seed(3))
    assert sorted([*parts[0].indices, *parts[1].indices]) == list(range(10))
    assert [p.indices for p in parts] == [p.indices for p in again]
    with pytest.raises(ValueError, match="^random_split.*add up to 9"):
        random_split(Squares(10), [6, 3])


def test_fractions_that_do_not_divide():
    assert [len(p) for p in random_split(Squares(10), [0.33, 0.33, 0.34])] == [4, 3, 3]


def test_missing_methods_are_named():
    with pytest.raises(TypeError, match="^Dataset: .*__getitem__"):
        Dataset()[0]
    with pytest.raises(TypeError, match="^IterableDataset: .*__iter__"):
        iter(IterableDataset())
