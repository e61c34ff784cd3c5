"""What products start from: a bias, one number for all, a matrix, one of its columns."""

import numpy as np
import pytest

import dovetail as dt


@pytest.mark.parametrize("dtype", [dt.float32, dt.float64, dt.int64, dt.complex64])
@pytest.mark.parametrize("rows", [1, 2, 3, 5, 8, 33])
def test_starts_of_products(rows, dtype):
    """Into dense memory, into rows that lie apart, into columns."""
    a, b = (dt.arange(n * m).reshape(n, m).fmod(7).to(dtype) for n, m in ((rows, 4), (4, 6)))
    starts = [dt.arange(6), dt.tensor([3]), dt.arange(rows * 6).reshape(rows, 6), dt.arange(rows).reshape(rows, 1)]
    for start in (each.to(dtype) for each in starts):
        for beta in (1, 2):
            wanted = beta * start.numpy() + a.numpy() @ b.numpy()
            dense, apart, columns = dt.zeros(rows, 6, dtype=dtype), dt.zeros(rows, 9, dtype=dtype), dt.zeros(6, rows)
            for out in (dense, apart[:, :6], columns.to(dtype).T):
                dt.addmm(start, a, b, beta=beta, out=out)
                assert np.array_equal(out.numpy(), wanted)
            assert not apart[:, 6:].any()
