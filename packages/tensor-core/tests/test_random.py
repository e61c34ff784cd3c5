"""Random numbers: a function of the seed, whatever the threads; and of the right distribution."""

import math

import numpy as np
import pytest

import dovetail as dt


def philox(key: int, blocks: range) -> np.ndarray:
    """Philox 4x32-10, written from its paper: the four words of each block."""
    out = []
    for block in blocks:
        counter = [block & 0xFFFFFFFF, block >> 32, 0, 0]
        k = [key & 0xFFFFFFFF, key >> 32]
        for _ in range(10):
            low, high = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
            counter = [
                (high >> 32) ^ counter[1] ^ k[0],
                high & 0xFFFFFFFF,
                (low >> 32) ^ counter[3] ^ k[1],
                low & 0xFFFFFFFF,
            ]
            k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
        out.append(counter)
    return np.array(out, dtype=np.uint64)


def test_uniform_numbers_are_philox():
    dt.manual_seed(1234567890123)
    words = philox(1234567890123, range(3)).reshape(-1)
    expected = (words >> np.uint64(8)).astype(np.float32) * np.float32(2**-24)
    assert dt.rand(10).tolist() == expected[:10].tolist()
    # The next draw begins with a fresh block.
    following = (philox(1234567890123, range(3, 4)).reshape(-1) >> np.uint64(8)).astype(np.float32) * np.float32(2**-24)
    assert dt.rand(4).tolist() == following.tolist()


def test_double_numbers_are_philox():
    dt.manual_seed(7)
    words = philox(7, range(2))
    a, b = words[:, 0::2].reshape(-1), words[:, 1::2].reshape(-1)
    expected = ((a >> np.uint64(5)) * np.uint64(2**26) + (b >> np.uint64(6))).astype(np.float64) * 2.0**-53
    assert dt.rand(4, dtype=dt.float64).tolist() == expected.tolist()


def test_normal_numbers_follow_from_the_words():
    dt.manual_seed(99)
    words = philox(99, range(2)).reshape(-1)
    u1 = ((words[0::2] >> np.uint64(8)).astype(np.float64) + 1) * 2.0**-24
    u2 = (words[1::2] >> np.uint64(8)).astype(np.float64) * 2.0**-24
    radius = np.sqrt(-2 * np.log(u1))
    expected = np.stack([radius * np.cos(2 * np.pi * u2), radius * np.sin(2 * np.pi * u2)], 1).reshape(-1)
    assert np.allclose(dt.randn(8).numpy(), expected, rtol=1e-5, atol=1e-6)


DRAWS = {
    "rand": lambda: dt.rand(1000),
    "rand64": lambda: dt.rand(1000, dtype=dt.float64),
    "randn": lambda: dt.randn(999),
    "randint": lambda: dt.randint(5, 100, (1000,)),
    "randperm": lambda: dt.randperm(1000),
    "bernoulli": lambda: dt.bernoulli(dt.full((1000,), 0.3)),
    "normal": lambda: dt.normal(dt.arange(100.0), 2.0),
    "multinomial": lambda: dt.multinomial(dt.ones(50, 20), 5),
    "dropout": lambda: dt.dropout(dt.ones(1000), 0.4),
    "normal_": lambda: dt.empty(100).normal_(1, 2),
    "exponential_": lambda: dt.empty(100).exponential_(2),
    "rand_like": lambda: dt.rand_like(dt.ones(3, 3)),
}


@pytest.mark.parametrize("name", DRAWS)
def test_the_seed_decides(name):
    draw = DRAWS[name]
    dt.manual_seed(3)
    first, second = draw(), draw()
    dt.manual_seed(3)
    assert dt.equal(draw(), first) and dt.equal(draw(), second)
    assert not dt.equal(first, second)
    dt.manual_seed(4)
    assert not dt.equal(draw(), first)


def test_threads_do_not_matter():
    before = dt.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 3):
            dt.set_num_threads(threads)
            dt.manual_seed(5)
            results.append((dt.rand(200_003), dt.randn(200_003), dt.randint(0, 9, (200_003,))))
    finally:
        dt.set_num_threads(before)
    for other in results[1:]:
        assert all(dt.equal(a, b) for a, b in zip(results[0], other, strict=True))


@pytest.mark.parametrize("dtype", [dt.float16, dt.bfloat16], ids=["float16", "bfloat16"])
def test_sixteen_bit_uniforms_stay_below_one(dtype):
    drawn = dt.rand(100_000, dtype=dtype, generator=dt.Generator().manual_seed(0))
    wide = dt.rand(100_000, generator=dt.Generator().manual_seed(0))
    steps = 2048 if dtype == dt.float16 else 256
    assert dt.equal(drawn.float(), (wide * steps).floor() / steps)  # the same numbers, cut off
    assert drawn.max().item() == 1 - 1 / steps


@pytest.mark.parametrize("dtype", [dt.complex64, dt.complex128], ids=["complex64", "complex128"])
def test_complex_numbers_are_drawn_part_by_part(dtype):
    real = dt.float32 if dtype == dt.complex64 else dt.float64
    parts = dt.rand(1000, 2, dtype=real, generator=dt.Generator().manual_seed(0))
    assert dt.equal(dt.view_as_real(dt.rand(1000, dtype=dtype, generator=dt.Generator().manual_seed(0))), parts)
    normal = dt.empty(100_000, dtype=dtype).normal_(1, 3, generator=dt.Generator().manual_seed(0))
    assert abs(normal.mean().item() - 1) < 0.05
    assert abs((normal - normal.mean()).abs().square().mean().item() - 9) < 0.1  # of both parts together
    uniform = dt.view_as_real(dt.empty(10_000, dtype=dtype).uniform_(2, 4))
    assert 2 <= uniform.min().item() < 2.1 and 3.9 < uniform.max().item() < 4


@pytest.mark.parametrize("name", ["int8", "int16", "uint16", "uint32", "uint64", "float16", "bfloat16"])
def test_random_integers_of_every_dtype_are_the_same(name):
    def draw(dtype):
        return dt.randint(3, 103, (1000,), dtype=dtype, generator=dt.Generator().manual_seed(0))

    assert dt.equal(draw(getattr(dt, name)).to(dt.int64), draw(dt.int64))


def test_a_generator_of_its_own():
    a, b = dt.Generator().manual_seed(1), dt.Generator().manual_seed(1)
    before = dt.get_rng_state()
    assert dt.equal(dt.rand(5, generator=a), dt.rand(5, generator=b))
    assert dt.equal(dt.get_rng_state(), before)
    assert a.initial_seed() == 1


def test_states():
    state = dt.get_rng_state()
    first = dt.rand(3)
    dt.set_rng_state(state)
    assert dt.equal(dt.rand(3), first)
    with dt.random.fork_rng():
        inside = dt.rand(3)
    assert dt.equal(dt.rand(3), inside)
    with pytest.raises(TypeError):
        dt.set_rng_state(dt.ones(3))


def test_distributions():
    dt.manual_seed(0)
    n = 100_000
    u, z = dt.rand(n), dt.randn(n)
    assert u.min().item() >= 0 and u.max().item() < 1
    assert abs(u.mean().item() - 0.5) < 0.01 and abs(u.var().item() - 1 / 12) < 0.01
    assert abs(z.mean().item()) < 0.02 and abs(z.std().item() - 1) < 0.02
    assert dt.isfinite(z).all()
    k = dt.randint(-3, 4, (n,))
    assert k.min().item() == -3 and k.max().item() == 3
    assert (dt.bincount(k + 3) - n / 7).abs().max().item() < 600
    assert abs(dt.empty(n).exponential_(2).mean().item() - 0.5) < 0.02
    assert abs(dt.empty(n).geometric_(0.25).mean().item() - 4) < 0.1
    assert abs(dt.empty(n).bernoulli_(0.3).mean().item() - 0.3) < 0.02
    assert abs(dt.empty(n).log_normal_(0, 0.5).log().std().item() - 0.5) < 0.02
    assert abs(dt.empty(n).cauchy_(2, 1).median().item() - 2) < 0.05
    dropped = dt.dropout(dt.ones(n), 0.25)
    assert abs((dropped == 0).float().mean().item() - 0.25) < 0.01
    assert math.isclose(dropped.max().item(), 1 / 0.75, rel_tol=1e-6)


def test_randperm():
    p = dt.randperm(1000)
    assert p.sort().values.tolist() == list(range(1000)) and p.tolist() != list(range(1000))
    assert dt.randperm(0).shape == (0,) and dt.randperm(5, dtype=dt.int32).dtype is dt.int32


def test_multinomial():
    weights = dt.tensor([[0.0, 1.0, 3.0], [1.0, 0.0, 0.0]])
    drawn = dt.multinomial(weights, 20_000, replacement=True)
    assert drawn.shape == (2, 20_000)
    assert (drawn[1] == 0).all() and not (drawn[0] == 0).any()
    assert abs((drawn[0] == 2).float().mean().item() - 0.75) < 0.02
    assert sorted(dt.multinomial(weights[0], 2).tolist()) == [1, 2]
    firsts = dt.stack([dt.multinomial(weights[0], 1) for _ in range(2000)])
    assert abs((firsts == 2).float().mean().item() - 0.75) < 0.05
    for bad in (dt.tensor([-1.0]), dt.tensor([dt.nan]), dt.tensor([0.0])):
        with pytest.raises(ValueError, match=r"^multinomial: "):
            dt.multinomial(bad, 1)


def test_forms():
    assert dt.rand(2, 3).shape == dt.rand((2, 3)).shape == dt.rand([2, 3]).shape == (2, 3)
    assert dt.rand(0).shape == (0,) and dt.rand(()).shape == ()
    assert dt.randint(10, (2,)).shape == dt.randint(0, 10, (2,)).shape == dt.randint(high=10, size=(2,), low=0).shape
    assert dt.normal(0.0, 1.0, (2,)).shape == (2,)
    assert dt.normal(dt.zeros(3), dt.ones(3)).shape == (3,)
    assert dt.bernoulli(dt.ones(3), 0.0).sum().item() == 0
    assert dt.empty(100, dtype=dt.uint8).random_().float().mean().item() > 50
    with pytest.raises(TypeError, match=r"^rand: "):
        dt.rand(2, dtype=dt.int64)


def test_randint_takes_its_bound_by_name():
    assert dt.randint(high=1, size=(2,)).tolist() == [0, 0] and dt.randint(low=3, high=4, size=(1,)).tolist() == [3]
    with pytest.raises(TypeError, match="^randint: size is missing"):
        dt.randint(high=3)
