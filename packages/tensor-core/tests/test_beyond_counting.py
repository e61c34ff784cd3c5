"""Shapes and counts that no int64 holds: refused at once, also where a size of 0 leaves no element to keep."""

import pytest

import dovetail as dt

FAR = 2**40


def wide():
    """Has no elements, and is as wide as a tensor may be."""
    return dt.empty(0, FAR)


REFUSED = {
    "empty": lambda: dt.empty(0, FAR, FAR),
    "zeros": lambda: dt.zeros(FAR, FAR, 0),
    "new_zeros": lambda: dt.ones(1).new_zeros((FAR, 0, FAR)),
    "expand": lambda: dt.empty(0, 1, 1).expand(0, FAR, FAR),
    "view": lambda: wide().view(FAR, 0, FAR),
    "reshape": lambda: wide().reshape(FAR, FAR, 0),
    "diag_embed": lambda: dt.diag_embed(wide()),
    "outer product": lambda: wide()[:, :, None] * wide()[:, None],
    "as_strided": lambda: dt.ones(1).as_strided((0, FAR, FAR), (0, 0, 0)),
    "matmul": lambda: dt.empty(FAR, 0) @ dt.empty(0, FAR),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    with pytest.raises((ValueError, MemoryError), match=rf"^\w+: .*{FAR}.* (than can be|out of memory|don't fit)"):
        REFUSED[name]()


def test_empty_and_wide_is_a_tensor_like_others():
    x = wide()
    assert (x.numel(), x.stride(), x.is_contiguous()) == (0, (FAR, 1), True)
    assert x.t().shape == (FAR, 0)
    assert (x + x).sum().item() == 0
    assert x.reshape(FAR, 0).shape == (FAR, 0)
    assert x.new_empty(0, FAR).shape == (0, FAR)


def test_repeat_interleave():
    x = dt.arange(3)
    assert dt.repeat_interleave(x, dt.tensor([1, 0, 2]), output_size=3).tolist() == [0, 2, 2]
    with pytest.raises(ValueError, match="^repeat_interleave: the result has size 3, but output_size is 4"):
        dt.repeat_interleave(x, dt.tensor([1, 0, 2]), output_size=4)
    with pytest.raises(ValueError, match=f"^repeat_interleave: counts up to {2**63 - 1} have a sum that int64"):
        dt.repeat_interleave(dt.tensor([2**63 - 1, 2**63 - 1, 4]))  # 2, modulo 2**64
