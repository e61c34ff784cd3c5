"""Views share memory and version; in-place writes are counted."""

import pytest

import dovetail as dt


def test_views_share_memory():
    x = dt.zeros(3, 4)
    views = [
        x.t(),
        x[1:],
        x[:, ::2],
        x.view(12),
        x.flatten(),
        x.unsqueeze(0),
        x.expand(2, 3, 4),
        x.diagonal(),
        x.narrow(0, 1, 2),
        x.movedim(0, 1),
        x.swapaxes(0, 1),
        x.chunk(2)[0],
        x.split(1)[0],
        x.T,
        x.mT,
    ]
    for view in views:
        assert view._storage_ptr() == x._storage_ptr()
        assert view._base is x
    assert x._base is None


def test_a_view_of_a_view_has_the_first_as_its_base():
    x = dt.zeros(4)
    assert x[1:][1:]._base is x


def test_writes_show_in_views():
    x = dt.zeros(2, 3)
    row = x[1]
    row += 1
    x.t()[0, 1] = 5
    assert x.tolist() == [[0, 0, 0], [5, 1, 1]]


def test_negative_steps():
    x = dt.arange(6)
    assert x[::-1].tolist() == [5, 4, 3, 2, 1, 0]
    assert x[4:1:-2].tolist() == [4, 2]
    y = x[::-1]
    y[0] = 100
    assert x[5].item() == 100
    assert (x[::-1] + 1).tolist() == [101, 5, 4, 3, 2, 1]


def test_versions():
    x = dt.zeros(3)
    view = x[1:]
    assert x._version == view._version == 0
    x.add_(1)
    assert x._version == view._version == 1
    view.mul_(2)
    assert x._version == 2
    view[0] = 7
    assert x._version == 3
    dt.add(x, 1, out=x)
    assert x._version == 4
    (x + 1).mul_(2)
    assert x._version == 4


def test_detach_shares_the_version_and_data_does_not():
    x = dt.zeros(3)
    x.detach().add_(1)
    assert x._version == 1
    x.data.add_(1)
    assert x._version == 1
    assert x.tolist() == [2.0, 2.0, 2.0]


def test_setting_data():
    x = dt.zeros(3)
    x.data = dt.ones(2, 2)
    assert x.tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_view_that_is_impossible():
    with pytest.raises(ValueError, match="reshape"):
        dt.zeros(2, 3).t().view(6)
    assert dt.arange(6).reshape(2, 3).t().reshape(6).tolist() == [0, 3, 1, 4, 2, 5]
    assert dt.zeros(0, 3).view(-1, 3).shape == (0, 3)
    with pytest.raises(ValueError):
        dt.zeros(2, 3).view(4, -1)


def test_dims_out_of_range():
    x = dt.zeros(2, 3)
    for call in (lambda: x.transpose(0, 2), lambda: x.unsqueeze(4), lambda: x.select(2, 0), lambda: x.sum(5)):
        with pytest.raises(IndexError):
            call()


def test_geometry_changes_in_place():
    x = dt.arange(6).reshape(2, 3)
    assert x.t_() is x and x.shape == (3, 2) and x.stride() == (1, 3)
    assert x.unsqueeze_(0).shape == (1, 3, 2)
    assert x.squeeze_().shape == (3, 2)
    assert x.transpose_(0, 1).tolist() == [[0, 1, 2], [3, 4, 5]]
    y = dt.tensor([1, 2, 3, 4])
    assert y.resize_(2, 2).tolist() == [[1, 2], [3, 4]]
    assert y.resize_((3,)).tolist() == [1, 2, 3]
    assert y.resize_(6)[:3].tolist() == [1, 2, 3]


def test_fill_diagonal():
    x = dt.zeros(5, 2)
    x.fill_diagonal_(1, wrap=True)
    assert x.tolist() == [[1, 0], [0, 1], [0, 0], [1, 0], [0, 1]]
    assert dt.zeros(2, 2, 2).fill_diagonal_(3).sum().item() == 6


def test_movedim_and_friends():
    x = dt.zeros(2, 3, 4)
    assert dt.movedim(x, 0, -1).shape == (3, 4, 2)
    assert dt.movedim(x, (0, 1), (1, 0)).shape == (3, 2, 4)
    assert dt.moveaxis(x, 0, 1).shape == (3, 2, 4)
    assert dt.swapdims(x, 0, 2).shape == (4, 3, 2)
    with pytest.raises(ValueError, match=r"^movedim"):
        dt.movedim(x, (0, 1), (0,))
    with pytest.raises(ValueError, match=r"^movedim"):
        dt.movedim(x, (0, 0), (0, 1))


def test_splitting():
    x = dt.arange(5)
    assert [p.tolist() for p in x.split(2)] == [[0, 1], [2, 3], [4]]
    assert [p.tolist() for p in x.split([1, 4])] == [[0], [1, 2, 3, 4]]
    assert [p.tolist() for p in x.chunk(3)] == [[0, 1], [2, 3], [4]]
    assert [p.tolist() for p in x.tensor_split(3)] == [[0, 1], [2, 3], [4]]
    assert [p.tolist() for p in x.tensor_split((1, 3))] == [[0], [1, 2], [3, 4]]
    assert [p.tolist() for p in x.unbind()] == [0, 1, 2, 3, 4]
    assert [p.shape for p in dt.zeros(0, 2).split(3)] == [(0, 2)]
    with pytest.raises(ValueError, match=r"^split"):
        x.split(0)
    with pytest.raises(ValueError, match=r"^split: "):
        x.split([1, 1])
    with pytest.raises(ValueError, match=r"^chunk"):
        x.chunk(0)
    with pytest.raises(ValueError, match=r"^hsplit"):
        dt.hsplit(x, 2)
