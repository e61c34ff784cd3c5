"""An error about a saved tensor that was written names the line that saved it, and the line that wrote."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType

import pytest

import dovetail as dt


@contextmanager
def refused(saved: str, wrote: str) -> Iterator[None]:
    """The error of a backward, with the comments of both lines."""
    with pytest.raises(RuntimeError, match="modified by an inplace operation") as caught:
        yield
    text = str(caught.value)
    at = r"\S*test_lines.py:\d+, in "
    for begins, line in (("It was saved at ", saved), ("It was written at ", wrote)):
        caught.match(begins + at + rf"[^#]*# {line}\.")
    assert text.index("It was saved") < text.index("It was written")


def pair() -> tuple[dt.Tensor, dt.Tensor]:
    return dt.ones(2, requires_grad=True), dt.tensor([3.0, 4.0])


def fill(t: dt.Tensor) -> None:
    t.zero_()  # here


def test_an_argument() -> None:
    x, w = pair()
    y = (x * w).sum()  # kept
    fill(w)
    w.add_(1)  # not the first
    with refused("kept", "here"):
        y.backward()


def test_a_result() -> None:
    y = pair()[0].exp()  # kept
    with dt.no_grad():
        y[0] = 1.0  # indexed
    with refused("kept", "indexed"):
        y.sum().backward()


def test_every_op_has_its_own_line() -> None:
    x, w = pair()
    first = x * w  # first
    second = x * w  # second
    fill(w)
    with refused("first", "here"):
        first.sum().backward()
    with refused("second", "here"):
        second.sum().backward()


def test_large_tensors() -> None:
    x, w = dt.ones(100_000, requires_grad=True), dt.ones(100_000)
    y = (x * w).sum()  # large
    w.mul_(2)  # without Python's lock
    with refused("large", "without Python's lock"):
        y.backward()


class Square(dt.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 2 * g * x


def test_a_function() -> None:
    w = pair()[0] * 1
    y = Square.apply(w)  # applied
    fill(w)
    with refused("applied", "here"):
        y.sum().backward()


def test_levels() -> None:
    def f(x: dt.Tensor) -> dt.Tensor:
        y = x.exp()  # at a level
        y.add_(1)  # there too
        return y.sum()

    with refused("at a level", "there too"):
        dt.func.grad(f)(dt.ones(2))


def test_what_backward_records() -> None:
    x, w = pair()
    g = dt.ones(2, requires_grad=True)
    (first,) = dt.autograd.grad(x * w, x, g, create_graph=True)  # recorded
    fill(w)
    with refused("recorded", "here"):
        first.sum().backward()


def test_what_a_large_backward_records() -> None:
    x, w = dt.ones(100_000, requires_grad=True), dt.ones(100_000)
    g = dt.ones(100_000, requires_grad=True)
    (first,) = dt.autograd.grad(x * w, x, g, create_graph=True)  # without the lock
    fill(w)
    with refused("without the lock", "here"):
        first.sum().backward()


def test_the_library_is_not_the_place() -> None:
    x, w = pair()
    y = dt.einsum("i,i->", x * 1, w)  # by its parts
    fill(w)
    with refused("by its parts", "here"):
        y.backward()


def test_generators_and_threads() -> None:
    x, w = pair()
    made: list[dt.Tensor] = []

    def products() -> Iterator[dt.Tensor]:
        while True:
            yield (x * w).sum()  # yielded

    def work() -> None:
        made.append(next(products()))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    fill(w)
    with refused("yielded", "here"):
        made[0].backward()


def test_functions_may_be_gone() -> None:
    """The line is known also when the function that it is in is not there any more."""
    x, w = pair()
    names: dict[str, object] = {"x": x, "w": w}
    exec(compile("def f():\n    return (x * w).sum()", "made.py", "exec"), names)
    y = names["f"]()  # type: ignore[operator]
    del names["f"]
    gc.collect()
    w.zero_()
    with pytest.raises(RuntimeError, match=r"It was saved at made.py:2, in f\."):
        y.backward()


def test_functions_without_end_are_let_go_of() -> None:
    x, w = pair()
    codes: list[weakref.ref[CodeType]] = []
    for i in range(5000):
        code = compile(f"y = x * w  # {i}", f"made{i}.py", "exec")
        codes.append(weakref.ref(code))
        exec(code, {"x": x, "w": w})
        del code
    kept = [i for i, code in enumerate(codes) if code() is not None]
    assert 1000 <= len(kept) <= 3000
    assert kept[-1] == 4999


def test_many_writes_between() -> None:
    x, w = pair()
    y = (x * w).sum()  # long ago
    fill(w)
    others = [dt.ones(1) for _ in range(10)]
    for _ in range(1000):
        for other in others:
            _ = x * other
            other.add_(1)
    with refused("long ago", "here"):
        y.backward()
