"""Work captured into graphs: memory, random numbers, what is refused, and errors of replays."""

import gc
import threading

import pytest

import dovetail as dt


def captured(work, **kwargs):
    """A graph of work(), and what it returned."""
    g = dt.cuda.CUDAGraph()
    with dt.cuda.graph(g, **kwargs):
        result = work()
    return g, result


# ---- replays ----


def test_a_replay_reads_and_writes_the_same_tensors():
    x = dt.arange(6.0, device="cuda").reshape(2, 3)
    g, y = captured(lambda: (x @ x.T).softmax(dim=1) * 2 + 1)
    for values in (dt.ones(2, 3), dt.randn(2, 3)):
        x.copy_(values)
        g.replay()
        assert dt.allclose(y.cpu(), (values @ values.T).softmax(dim=1) * 2 + 1)


def test_nothing_runs_while_it_is_captured():
    x = dt.ones(4, device="cuda")
    g, _ = captured(lambda: x.add_(1))
    assert x.tolist() == [1] * 4
    for n in (2, 3):
        g.replay()
        assert x.tolist() == [n] * 4


def test_numbers_are_kept_and_zero_dim_tensors_read():
    x, factor = dt.ones(3, device="cuda"), dt.tensor(2.0, device="cuda")

    def work():
        y = x * factor + 3
        y[0] = 7
        y[1:].fill_(y[2]).add_(0.5j.imag)
        return y, dt.full((2,), 4, device="cuda"), dt.where(x > 0, 1.5, x)

    g, (y, four, chosen) = captured(work)
    g.replay()
    assert (y.tolist(), four.tolist(), chosen.tolist()) == ([7, 5.5, 5.5], [4, 4], [1.5] * 3)
    factor.fill_(10)
    g.replay()
    assert y.tolist() == [7, 13.5, 13.5]


def test_an_empty_graph_and_empty_tensors():
    g, _ = captured(lambda: None)
    g.replay()
    x = dt.ones(0, 3, device="cuda")
    g, y = captured(lambda: (x * 2).sum() + dt.rand(0, device="cuda").sum())
    g.replay()
    assert y.item() == 0


def test_other_streams_join_a_capture():
    x, side = dt.ones(1000, device="cuda"), dt.cuda.Stream()

    def work():
        y = x * 2
        side.wait_stream(dt.cuda.current_stream())
        with dt.cuda.stream(side):
            assert dt.cuda.is_current_stream_capturing()
            z = (y + 1) * 2
        w = y * 3
        dt.cuda.current_stream().wait_stream(side)
        return w + z

    g, y = captured(work)
    g.replay()
    assert y.tolist() == [12] * 1000
    x.fill_(2)
    g.replay()
    assert y.tolist() == [22] * 1000


def test_a_stream_that_does_not_come_back():
    side = dt.cuda.Stream()
    x = dt.ones(3, device="cuda")

    def work():
        side.wait_stream(dt.cuda.current_stream())
        with dt.cuda.stream(side):
            return x * 2

    with pytest.raises(RuntimeError, match=r"^capture_end: another stream joined the capture"):
        captured(work)
    assert not dt.cuda.is_current_stream_capturing()
    assert (x + 1).tolist() == [2] * 3


def test_a_replay_on_another_stream():
    x = dt.ones(5, device="cuda")
    g, y = captured(lambda: x + 1)
    side = dt.cuda.Stream()
    side.wait_stream(dt.cuda.current_stream())
    with dt.cuda.stream(side):
        g.replay()
        assert y.tolist() == [2] * 5


# ---- memory ----


def test_the_memory_of_a_graph_is_its_own():
    x = dt.ones(1 << 12, device="cuda")
    g, y = captured(lambda: ((x * 2).exp() + 1).log())
    dt.cuda.empty_cache()
    others = [dt.full((1 << 12,), float(i), device="cuda") for i in range(20)]
    with dt.cuda.stream(dt.cuda.graph.default_capture_stream[g.device]):
        others += [dt.full((1 << 12,), float(i), device="cuda") for i in range(20, 40)]
        dt.cuda.current_stream().synchronize()
    g.replay()
    dt.cuda.synchronize()
    assert all((other == i).all().item() for i, other in enumerate(others))
    assert dt.allclose(y.cpu(), ((x.cpu() * 2).exp() + 1).log())


def test_what_is_let_go_while_it_is_captured_stays():
    values = [dt.full((1000,), 3.0, device="cuda")]
    g, y = captured(lambda: values.pop() * 2)
    gc.collect()
    kept = [dt.zeros(1000, device="cuda") for _ in range(4)]
    g.replay()
    assert y.tolist() == [6] * 1000
    assert sum(kept).sum().item() == 0


def test_memory_comes_back_with_the_last_graph():
    dt.cuda.synchronize()
    x = dt.ones(1 << 20, device="cuda")
    dt.cuda.empty_cache()
    allocated, reserved = dt.cuda.memory_allocated(), dt.cuda.memory_reserved()
    g, y = captured(lambda: (x + 1) * 2)
    h, z = captured(lambda: (x + 3) * 4, pool=g.pool())
    g.replay()
    h.replay()
    assert (y[0].item(), z[0].item()) == (4, 16)
    assert g.pool() == h.pool()
    del y, z
    g.reset()
    dt.cuda.empty_cache()
    assert dt.cuda.memory_reserved() > reserved
    del h
    gc.collect()
    dt.cuda.empty_cache()
    assert (dt.cuda.memory_allocated(), dt.cuda.memory_reserved()) == (allocated, reserved)


def test_results_outlive_the_graph():
    x = dt.ones(100, device="cuda")
    g, y = captured(lambda: x + 1)
    g.replay()
    g.reset()
    others = [dt.zeros(100, device="cuda") for _ in range(8)]
    assert y.tolist() == [2] * 100
    del others


def test_graphs_share_a_pool_by_a_token():
    token = dt.cuda.graph_pool_handle()
    assert token != dt.cuda.graph_pool_handle()
    x = dt.ones(1 << 16, device="cuda")
    dt.cuda.empty_cache()
    g, y = captured(lambda: ((x + 1) * 2).exp(), pool=token)
    reserved = dt.cuda.memory_reserved()
    h, z = captured(lambda: (y + 1) * 2, pool=token)  # takes what the first left over
    assert dt.cuda.memory_reserved() <= reserved + (1 << 18)
    g.replay()
    h.replay()
    assert dt.allclose(z.cpu(), (((x.cpu() + 1) * 2).exp() + 1) * 2)


# ---- random numbers ----


def draw(generator=None):
    return dt.cat(
        [
            dt.rand(3, device="cuda", generator=generator),
            dt.randn(5, device="cuda", dtype=dt.float64, generator=generator).float(),
            dt.randint(0, 100, (4,), device="cuda", generator=generator).float(),
            dt.randperm(6, device="cuda", generator=generator).float(),
        ]
    )


def test_replays_draw_what_eager_calls_draw():
    dt.manual_seed(7)
    before = dt.get_rng_state()
    g, y = captured(draw)
    assert dt.equal(dt.get_rng_state(), before)  # nothing has been drawn yet
    replayed = []
    for _ in range(4):
        g.replay()
        replayed.append(y.clone())
        dt.rand(3)  # draws between replays move them along
    replayed.append(dt.rand(2, device="cuda"))
    dt.manual_seed(7)
    eager = []
    for _ in range(4):
        eager.append(draw())
        dt.rand(3)
    eager.append(dt.rand(2, device="cuda"))
    assert all(dt.equal(a, b) for a, b in zip(replayed, eager, strict=True))
    assert not dt.equal(eager[0], eager[1])
    dt.manual_seed(9)  # a seed given between replays is taken
    g.replay()
    dt.manual_seed(9)
    assert dt.equal(y, draw())


def test_every_generator_is_drawn_from():
    one, two = dt.Generator().manual_seed(1), dt.Generator().manual_seed(2)
    g, (a, b) = captured(lambda: (draw(one) + draw(), draw(two)))
    dt.manual_seed(3)
    replayed = []
    for _ in range(3):
        g.replay()
        replayed += [a.clone(), b.clone()]
    dt.manual_seed(3)
    one.manual_seed(1)
    two.manual_seed(2)
    for k in range(3):
        assert dt.equal(replayed[2 * k], draw(one) + draw())
        assert dt.equal(replayed[2 * k + 1], draw(two))


def test_dropout_and_recomputation():
    x = dt.ones(50, device="cuda", requires_grad=True)

    def work():
        x.grad = None
        y = dt.utils.checkpoint.checkpoint(lambda t: dt.dropout(t * 2, 0.5, True), x, use_reentrant=False)
        y.sum().backward()
        return y.detach(), x.grad

    dt.manual_seed(5)
    g, (y, grad) = captured(work)
    replayed = []
    for _ in range(3):
        g.replay()
        assert dt.equal((y != 0), (grad != 0))
        replayed.append(grad.clone())
    dt.manual_seed(5)
    for each in replayed:
        assert dt.equal(each, work()[1])


def test_numbers_of_two_generators_that_nobody_can_tell_apart():
    one, two = dt.Generator().manual_seed(1), dt.Generator().manual_seed(1)
    with pytest.raises(RuntimeError, match=r"^rand: .*two generators of one seed"):
        captured(lambda: dt.rand(3, device="cuda", generator=one) + dt.rand(3, device="cuda", generator=two))


def test_a_key_and_an_offset_are_constants():
    uniform = dt._core.get_op("philox_uniform")
    g, y = captured(lambda: uniform([5], 42, 3, device="cuda"))
    for _ in range(2):
        g.replay()
        assert dt.equal(y.cpu(), uniform([5], 42, 3))


@pytest.mark.parametrize(
    "seed",
    [
        lambda g: g.manual_seed(3),
        lambda g: g.seed(),
        lambda g: g.set_state(dt.Generator().get_state()),
        lambda g: dt.manual_seed(3),
        lambda g: dt.Generator(),
    ],
)
def test_seeding_is_refused(seed):
    generator = dt.Generator().manual_seed(1)
    with pytest.raises(RuntimeError, match=r"^(Generator(\.\w+)?|manual_seed): .*can't be captured into a graph"):
        captured(lambda: seed(generator))
    seed(generator)


# ---- what is refused ----


@pytest.mark.parametrize(
    "name, use",
    [
        ("item", lambda x: x[0].item()),
        ("item", lambda x: float(x.sum())),
        ("item", lambda x: bool(x.sum() > 0)),
        ("to", lambda x: x.cpu()),
        ("to", lambda x: x.to("cpu")),
        ("tolist", lambda x: x.tolist()),
        ("nonzero", lambda x: x.nonzero()),
        ("masked_select", lambda x: x.masked_select(x > 0)),
        ("getitem", lambda x: x[x > 0]),
        ("unique", lambda x: x.unique()),
        ("synchronize", lambda x: dt.cuda.synchronize()),
        ("synchronize", lambda x: dt.cuda.current_stream().synchronize()),
        ("query", lambda x: dt.cuda.current_stream().query()),
        ("copy_", lambda x: x.copy_(dt.ones(3))),
        ("copy_", lambda x: x[0].copy_(dt.tensor(2.0))),
        ("to", lambda x: dt.ones(3).to("cuda")),
        ("to", lambda x: dt.tensor(3.0).to("cuda")),
        ("svd", lambda x: dt.linalg.svd(x[None])),
    ],
)
def test_what_waits_is_refused(name, use):
    x = dt.ones(3, device="cuda")
    with pytest.raises(RuntimeError, match=r"^\w[\w.]*: .*captured") as info:
        captured(lambda: use(x))
    print(name, "|", info.value)
    assert not dt.cuda.is_current_stream_capturing()
    assert (x + 1).tolist() == [2] * 3
    g, y = captured(lambda: x * 4)
    g.replay()
    assert y.tolist() == [4] * 3


def test_a_refusal_that_is_caught_spoils_nothing():
    x = dt.ones(3, device="cuda")

    def work():
        for wait in (x.sum().item, x.cpu, dt.cuda.synchronize, x.nonzero, dt.cuda.current_stream().query):
            with pytest.raises(RuntimeError, match="captured"):
                wait()
        dt.cuda.empty_cache()
        return x + 1

    g, y = captured(work)
    g.replay()
    assert y.tolist() == [2] * 3


def test_an_exception_ends_the_capture():
    x, g = dt.ones(3, device="cuda"), dt.cuda.CUDAGraph()
    before = dt.cuda.current_stream()
    with pytest.raises(ZeroDivisionError), dt.cuda.graph(g):
        y = x + dt.rand(3, device="cuda")
        1 / 0  # noqa: B018
    del y
    assert dt.cuda.current_stream() == before
    with pytest.raises(RuntimeError, match=r"^CUDAGraph.replay: nothing has been captured yet"):
        g.replay()
    with dt.cuda.graph(g):  # it can be used for another
        y = x + 2
    g.replay()
    assert y.tolist() == [3] * 3


def test_the_states_of_a_graph():
    g, side = dt.cuda.CUDAGraph(), dt.cuda.Stream()
    for method in (g.replay, g.pool, g.capture_end):
        with pytest.raises(RuntimeError, match=r"^CUDAGraph\.\w+: "):
            method()
    with pytest.raises(RuntimeError, match=r"^capture_begin: the default stream can't be captured"):
        g.capture_begin()
    with dt.cuda.stream(side):
        with pytest.raises(ValueError, match=r"^CUDAGraph.capture_begin: capture_error_mode must be one of"):
            g.capture_begin(capture_error_mode="local")
        with pytest.raises(TypeError, match=r"^CUDAGraph.capture_begin: pool must come from"):
            g.capture_begin(pool=3)
        assert not dt.cuda.is_current_stream_capturing()
        g.capture_begin(capture_error_mode="thread_local")
        assert dt.cuda.is_current_stream_capturing()
        with pytest.raises(RuntimeError, match=r"^CUDAGraph.capture_begin: this graph has been captured"):
            g.capture_begin()
        with pytest.raises(RuntimeError, match=r"^capture_begin: a graph of cuda:0 is being captured already"):
            dt.cuda.CUDAGraph().capture_begin()
        y = dt.ones(2, device="cuda")
        g.capture_end()
        assert not dt.cuda.is_current_stream_capturing()
        g.replay()
        assert y.tolist() == [1, 1]
    with pytest.raises(RuntimeError, match=r"^CUDAGraph.capture_begin: this graph has been captured"), dt.cuda.graph(g):
        pass
    with pytest.raises(TypeError, match=r"^cuda.graph: cuda_graph must be a CUDAGraph, got int"):
        dt.cuda.graph(3)


def test_a_graph_that_is_forgotten_while_it_is_captured():
    with dt.cuda.stream(dt.cuda.Stream()):
        g = dt.cuda.CUDAGraph()
        g.capture_begin()
        dt.ones(3, device="cuda")
        del g
        gc.collect()
        assert dt.ones(3, device="cuda").tolist() == [1] * 3


def test_other_threads_go_on():
    x = dt.ones(1000, device="cuda")
    seen = []

    def other():
        seen.append((x + 1).sum().item())
        dt.Generator().manual_seed(3)
        dt.cuda.empty_cache()

    def work():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        return x * 2

    g, y = captured(work)
    g.replay()
    assert seen == [2000] and y.sum().item() == 2000


# ---- errors of replays ----


def test_an_error_within_a_replay_is_told():
    x, index = dt.ones(3, device="cuda"), dt.tensor([0, 1], device="cuda")
    g, y = captured(lambda: dt.index_select(x, 0, index) * 2)
    g.replay()
    assert y.tolist() == [2, 2]
    index.fill_(7)
    with pytest.raises(IndexError, match="index_select failed: index 7 is out of range for dim 0 of size 3"):
        g.replay()
        dt.cuda.synchronize()
    index.fill_(2)
    g.replay()
    assert y.tolist() == [2, 2]


def test_an_error_of_before_comes_before_the_capture():
    x = dt.ones(3, device="cuda")
    with pytest.raises(IndexError, match="index 9 is out of range"):
        dt.index_select(x, 0, dt.tensor([9], device="cuda"))
        captured(lambda: x + 1)
    assert not dt.cuda.is_current_stream_capturing()
