"""Python handlers between a call and the backend."""

import threading

import pytest

import dovetail as dt


def recorder(seen):
    def handler(op, args, out):
        seen.append(op.name)
        return op.call(args, out)

    return handler


def test_a_handler_sees_every_call():
    seen = []
    with dt.layers.intercept(recorder(seen)):
        x = dt.zeros(2)
        (x + 1).exp()
        x.mul_(2)
    x.sum()
    assert seen == ["zeros", "add", "exp", "mul"]


@pytest.mark.parametrize("at", dt.layers.POSITIONS)
def test_every_position(at):
    seen = []
    with dt.layers.intercept(recorder(seen), at=at):
        dt.ones(2) + 1
    assert seen[-1] == "add"


def test_composites_are_seen_whole():
    seen = []
    x = dt.ones(2)
    with dt.layers.intercept(recorder(seen)):
        dt.logaddexp(x, x)
    assert seen == ["logaddexp"]


def test_decomposing_shows_the_ops_inside():
    seen = []

    def handler(op, args, out):
        seen.append(op.name)
        return op.decompose(*args) if op.name == "hypot" else op.call(args, out)

    x = dt.tensor([3.0])
    with dt.layers.intercept(handler):
        result = dt.hypot(x, dt.tensor([4.0]))
    assert result.tolist() == [5.0]
    assert seen[0] == "hypot" and "sqrt" in seen


def test_arguments_are_complete():
    def handler(op, args, out):
        assert len(args) == len(op.args)
        assert [each.name for each in op.args] == ["self", "other", "alpha"]
        assert args[2] == 1 and out is None
        return op.call(args, out)

    x = dt.ones(2)
    with dt.layers.intercept(handler):
        dt.add(x, x)


def test_destinations_are_handed_over():
    destinations = []

    def handler(op, args, out):
        destinations.append(out)
        return op.call(args, out)

    x, y = dt.ones(2), dt.empty(2)
    with dt.layers.intercept(handler):
        x.add_(1)
        dt.add(x, 1, out=y)
    assert destinations[0][0] is x and destinations[1][0] is y
    assert x.tolist() == [2.0, 2.0] and y.tolist() == [3.0, 3.0]


def test_a_handler_may_answer_itself():
    def handler(op, args, out):
        return dt.full((1,), 42.0) if op.name == "exp" else op.call(args, out)

    x = dt.zeros(1)
    with dt.layers.intercept(handler):
        assert dt.exp(x).item() == 42.0
        dt.exp(x, out=x)
    assert x.item() == 42.0


def test_a_wrong_answer_is_an_error():
    x = dt.zeros(1)
    with dt.layers.intercept(lambda op, args, out: "nonsense"), pytest.raises(TypeError):
        dt.exp(x)


def test_the_handlers_own_calls_go_below_it():
    depth = []

    def handler(op, args, out):
        depth.append(op.name)
        dt.zeros(1).sum()
        return op.call(args, out)

    x = dt.zeros(1)
    with dt.layers.intercept(handler):
        dt.exp(x)
    assert depth == ["exp"]


def test_nesting():
    seen = []

    def named(name):
        def handler(op, args, out):
            seen.append(name)
            return op.call(args, out)

        return handler

    x = dt.zeros(1)
    with (
        dt.layers.intercept(named("trace"), at="trace"),
        dt.layers.intercept(named("profiler"), at="profiler"),
        dt.layers.intercept(named("autocast"), at="autocast"),
        dt.layers.intercept(named("inner profiler"), at="profiler"),
    ):
        x + 1
    assert seen == ["inner profiler", "profiler", "autocast", "trace"]


def test_an_exception_passes_unchanged():
    error = ZeroDivisionError("mine")

    def handler(op, args, out):
        raise error

    x = dt.zeros(1)
    with pytest.raises(ZeroDivisionError) as caught, dt.layers.intercept(handler):
        x + 1
    assert caught.value is error
    assert (x + 1).item() == 1.0


def test_other_threads_are_not_concerned():
    seen = []
    with dt.layers.intercept(recorder(seen)):
        thread = threading.Thread(target=lambda: dt.zeros(1) + 1)
        thread.start()
        thread.join()
    assert seen == []


def test_wrong_positions():
    with pytest.raises(ValueError, match=r"^intercept: at must be one of"), dt.layers.intercept(print, at="nowhere"):
        pass
    with pytest.raises(TypeError), dt.layers.intercept(3):
        pass


def test_watchers_of_values():
    seen = []
    x = dt.tensor([1.0])
    with dt.layers.watch_values(lambda tensor, what: seen.append(("outer", what))):
        with dt.layers.watch_values(lambda tensor, what: seen.append(("inner", what))):
            x.item()
        x.tolist()
    x.item()
    assert seen == [("inner", "item()"), ("outer", "tolist()")]


def test_a_watcher_may_refuse():
    def refuse(tensor, what):
        raise RuntimeError(f"no {what} here")

    x = dt.tensor([1.0])
    with dt.layers.watch_values(refuse), pytest.raises(RuntimeError, match=r"^no item\(\) here"):
        x.item()
    assert x.item() == 1.0
