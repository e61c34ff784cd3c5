"""no_grad and its kind: with, decorators, generators, threads."""

import threading

import pytest

import dovetail as dt


def test_with():
    assert dt.is_grad_enabled()
    with dt.no_grad():
        assert not dt.is_grad_enabled()
        with dt.enable_grad():
            assert dt.is_grad_enabled()
        assert not dt.is_grad_enabled()
    assert dt.is_grad_enabled()


def test_an_exception_restores_the_mode():
    with pytest.raises(ValueError), dt.no_grad():
        raise ValueError
    assert dt.is_grad_enabled()


@pytest.mark.parametrize("mark", [dt.no_grad, dt.no_grad()], ids=["bare", "called"])
def test_decorators(mark):
    @mark
    def function(a, b=2):
        "Documented."
        return dt.is_grad_enabled(), a, b

    assert function(1, b=3) == (False, 1, 3)
    assert function.__name__ == "function" and function.__doc__ == "Documented."
    assert dt.is_grad_enabled()


def test_recursion():
    @dt.no_grad()
    def countdown(n):
        return dt.is_grad_enabled() if n == 0 else countdown(n - 1)

    assert countdown(3) is False and dt.is_grad_enabled()


def test_generators_run_in_the_mode_and_their_users_do_not():
    @dt.no_grad()
    def produce():
        received = yield dt.is_grad_enabled()
        try:
            yield received, dt.is_grad_enabled()
        except KeyError:
            yield "caught", dt.is_grad_enabled()
        return "done"

    generator = produce()
    assert next(generator) is False
    assert dt.is_grad_enabled()
    assert generator.send("sent") == ("sent", False)
    assert generator.throw(KeyError()) == ("caught", False)
    assert dt.is_grad_enabled()
    with pytest.raises(StopIteration) as stop:
        next(generator)
    assert stop.value.value == "done"


def test_a_generator_is_closed():
    closed = []

    @dt.no_grad()
    def produce():
        try:
            yield 1
        finally:
            closed.append(dt.is_grad_enabled())

    generator = produce()
    next(generator)
    generator.close()
    assert closed == [False]


def test_set_grad_enabled():
    with dt.set_grad_enabled(False):
        assert not dt.is_grad_enabled()
    assert dt.is_grad_enabled()
    dt.set_grad_enabled(False)
    try:
        assert not dt.is_grad_enabled()
    finally:
        dt.set_grad_enabled(True)

    @dt.set_grad_enabled(False)
    def function():
        return dt.is_grad_enabled()

    assert dt.is_grad_enabled() and function() is False and dt.is_grad_enabled()


def test_inference_mode():
    with dt.inference_mode():
        assert dt.is_inference_mode_enabled() and not dt.is_grad_enabled()
        with dt.inference_mode(False):
            assert not dt.is_inference_mode_enabled()
    assert not dt.is_inference_mode_enabled() and dt.is_grad_enabled()

    @dt.inference_mode
    def bare():
        return dt.is_inference_mode_enabled()

    @dt.inference_mode()
    def called():
        return dt.is_inference_mode_enabled()

    assert bare() and called() and not dt.is_inference_mode_enabled()


def test_every_thread_has_its_own():
    seen = []
    with dt.no_grad():
        thread = threading.Thread(target=lambda: seen.append(dt.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]
