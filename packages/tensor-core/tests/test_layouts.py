"""Results do not depend on how their inputs lie in memory; fresh ones lie as their inputs do."""

import pytest

import dovetail as dt

DTYPES = [dt.float32, dt.float64, dt.float16, dt.bfloat16, dt.int64, dt.int32, dt.uint8, dt.bool]
LAYOUTS = {
    "transposed": lambda x: x.t(),
    "stepped": lambda x: x[:, ::3],
    "rows apart": lambda x: x[::2],
    "shifted": lambda x: x[1:, 1:],
    "one row again and again": lambda x: x[:1].expand(70, -1),
    "one column again and again": lambda x: x[:, :1].expand(-1, 70),
    "one element again and again": lambda x: x[0, 0].expand(70, 80),
    "permuted": lambda x: x[:, :96].reshape(-1, 8, 12).permute(2, 0, 1),
    "short rows": lambda x: x[:, :96].reshape(-1, 12),
    "shortest rows": lambda x: x[:, :96].reshape(-1, 4),
    "few long rows": lambda x: x[:4].reshape(2, -1),
}
REDUCTIONS = ["sum", "mean", "amax", "amin", "argmax", "argmin", "any", "all", "count_nonzero", "prod"]


def numbers(dtype: dt.dtype) -> dt.Tensor:
    x = dt.remainder(dt.arange(130 * 101) * 7919, 13).reshape(130, 101)
    return x == 3 if dtype == dt.bool else x.to(dtype)


def same(a: dt.Tensor, b: dt.Tensor) -> bool:
    if not a.dtype.is_floating_point:
        return dt.equal(a, b)
    return dt.allclose(a.to(dt.float64), b.to(dt.float64), rtol=1e-5 if a.dtype.itemsize > 2 else 1e-2, equal_nan=True)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_reductions(dtype, layout):
    x = LAYOUTS[layout](numbers(dtype))
    plain = dt.clone(x, memory_format=dt.contiguous_format)
    for name in REDUCTIONS:
        if (name == "mean" and not dtype.is_floating_point) or (name[:3] == "arg" and dtype == dt.bool):
            continue
        op = getattr(dt, name)
        if name != "prod":
            assert same(op(x), op(plain)), name
        for dim in range(x.ndim):
            assert same(op(x, dim), op(plain, dim)), (name, dim)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_elementwise_ops_and_casts(dtype, layout):
    x = LAYOUTS[layout](numbers(dtype))
    plain = dt.clone(x, memory_format=dt.contiguous_format)
    for other in (plain, plain[:1], plain[..., :1], plain.ravel()[0]):
        assert same(x + other, plain + other) and same(x < other, plain < other)
        assert same(dt.where(x > 2, x, other), dt.where(plain > 2, plain, other))
    for to in DTYPES:
        assert same(x.to(to), plain.to(to)), to
    assert same(x * 2.5, plain * 2.5) and same(dt.clone(x), plain)
    if dtype != dt.bool:
        assert same(-x, -plain) and same(dt.abs(-x), dt.abs(-plain))


def test_memory_order():
    x = dt.rand(4, 5, 6)
    for y in (x.permute(2, 0, 1), x.permute(1, 2, 0), x.permute(2, 0, 1)[:, ::2], x.permute(2, 1, 0)[1:]):
        order = sorted(range(3), key=lambda d: -y.stride(d))
        for z in (dt.clone(y), y + 1, y.to(dt.float64), y.to(dt.int32) * 2.5, y * y[:1], y[:1] * y, dt.zeros_like(y)):
            assert z.shape == y.shape
            assert sorted(range(3), key=lambda d: -z.stride(d)) == order
            assert z.permute(*order).is_contiguous()
    assert x[:, :1].expand(4, 5, 6).clone().is_contiguous()
    assert dt.empty_like(x.t() if x.ndim == 2 else x.mT).stride() == (30, 1, 6)


def test_what_is_broadcast_is_cast_once():
    narrow = dt.arange(5000).to(dt.float16).reshape(5000, 1).expand(5000, 3)
    wide = narrow.to(dt.float32)
    assert wide.is_contiguous() and wide[:, 2].tolist() == narrow[:, 0].tolist()
    assert dt.zeros(2000, dtype=dt.bfloat16).fill_(3).tolist() == [3.0] * 2000


def test_signs_of_sixteen_bits():
    for dtype in (dt.float16, dt.bfloat16):
        x = dt.tensor([0.0, -0.0, 1.5, -2.0, float("inf"), float("nan")], dtype=dtype)
        assert [str(v) for v in (-x).tolist()] == ["-0.0", "0.0", "-1.5", "2.0", "-inf", "nan"]
        assert [str(v) for v in dt.abs(x).tolist()] == ["0.0", "0.0", "1.5", "2.0", "inf", "nan"]


def test_nan_in_short_rows():
    x = dt.zeros(40, 20)
    x[3, 17] = x[5, 2] = x[7, 9] = float("nan")
    x[9, 19] = 5.0
    found = [i for i, value in enumerate(dt.amax(x, 1).tolist()) if value != value]
    assert found == [3, 5, 7] and dt.amax(x, 1)[9].item() == 5.0
    assert [i for i, value in enumerate(dt.amin(-x, 1).tolist()) if value != value] == [3, 5, 7]
