"""One running vmap: what it does with an op."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import dovetail as dt
from dovetail import Tensor

from .. import _engine
from ..nests import mapped, tensors_in
from .registry import front, op_of, rule_for

__all__ = ["RANDOMNESS", "Mapping"]

RANDOMNESS = ("error", "different", "same")
# Random ops by what draws other numbers for every sample in one call; others are called once a sample.
DIFFERENT: dict[str, Callable[..., Any]] = {}


_RUNNING: dict[int, Mapping] = {}


class Mapping:
    """A level of vmap, and the mapped dim's size."""

    def __init__(self, size: int, randomness: str) -> None:
        self.size, self.randomness = size, randomness
        self.level: Any = _engine.VmapLevel(self._call)
        _RUNNING[self.level.id] = self

    def __enter__(self) -> Mapping:
        return self

    def __exit__(self, *error: object) -> None:
        """The vmap is over."""
        del _RUNNING[self.level.id]
        self.level = None  # which holds this in turn

    @staticmethod
    def of(level: _engine.Level) -> Mapping:
        """The one whose level this is."""
        return _RUNNING[level.id]

    # ---- tensors ----

    def maps(self, t: Tensor | None) -> bool:
        """Whether a tensor differs between the samples."""
        return t is not None and _engine.inner(t, self.level) is not None

    def inner(self, t: Tensor) -> Tensor | None:
        """The values of a mapped tensor with the mapped dim in front; None for one that the samples share."""
        found = _engine.inner(t, self.level)
        return None if found is None else front(*found)

    def __call__(self, t: Any) -> Any:
        """The same, a shared tensor repeated. None stays None."""
        if t is None:
            return None
        found = self.inner(t)
        return t.expand((self.size, *t.shape)) if found is None else found

    def with_rank(self, t: Tensor, rank: int) -> Tensor:
        """The values with this many dims behind the mapped one; a shared tensor as it is, to be broadcast."""
        found = self.inner(t)
        if found is None:
            return t
        missing = rank - t.ndim
        return found.reshape((self.size, *[1] * missing, *t.shape)) if missing > 0 else found

    def dim(self, t: Tensor, dim: int) -> int:
        """Where a dim of a tensor is among its values."""
        return (dim + max(t.ndim, 1) if dim < 0 else dim) + 1

    def wrapped(self, results: Any) -> Any:
        """A rule's results as func sees them."""
        return mapped(results, lambda t: _engine.batched(t, 0, self.level))

    # ---- calls ----

    def _call(self, name: str, args: tuple[Any, ...], out: tuple[Tensor, ...] | None) -> Any:
        if out is not None:
            return self._written(name, args, out)
        return self._run(name, args)

    def _run(self, name: str, args: tuple[Any, ...]) -> Any:
        op = op_of(name)
        if op.random:
            return self._random(op, args)
        kind, rule = rule_for(name)
        if rule is not None:
            return self._view(name, rule, args) if kind == "view" else self.wrapped(rule(self, *args))
        if kind == "elementwise":
            return self.wrapped(self.elementwise(op, args))
        return self._decomposed(op, args) if kind == "decomposition" else self.wrapped(self.loop(op, args))

    def _decomposed(self, op: dt.Op, args: tuple[Any, ...]) -> Any:
        try:
            return op.decompose(*args)
        except RuntimeError as error:
            if "a tensor of vmap has no value" not in str(error):
                raise
        return self.wrapped(self.loop(op, args))  # it reads values

    def _view(self, name: str, rule: Any, args: tuple[Any, ...]) -> Tensor:
        x = args[0]
        inner = self.inner(x)
        view = _engine.view_shell(name, x, args[1:])
        return _engine.set_inner(view, rule(self, view, inner, *args), self.level)

    def elementwise(self, op: dt.Op, args: tuple[Any, ...]) -> Tensor:
        """Any elementwise op: the dims behind the mapped one are broadcast."""
        rank = max(t.ndim for t in tensors_in(args))
        given = [self.with_rank(t, rank) if isinstance(t, Tensor) else t for t in args]
        met = _met(op, args, given)
        if met is not None:
            given = [t if not isinstance(t, Tensor) or t.dtype == dt.bool else t.to(met) for t in given]
        return op.call(tuple(given), None)

    def loop(self, op: dt.Op, args: tuple[Any, ...]) -> Any:
        """An op without any rule: once for every sample."""
        if self.size == 0:
            one = [mapped(a, lambda t: dt.zeros(t.shape, dtype=t.dtype, device=t.device)) for a in args]
            return mapped(op.call(tuple(one), None), lambda t: t.new_zeros((0, *t.shape)))
        whole = [mapped(a, lambda t: self.inner(t) if self.maps(t) else t) for a in args]
        is_mapped = [[self.maps(t) for t in tensors_in(a)] for a in args]
        samples = []
        for i in range(self.size):
            one = []
            for a, flags in zip(whole, is_mapped, strict=True):
                one.append(_sample(a, iter(flags), i))
            samples.append(op.call(tuple(one), None))
        return self._stacked(op, samples)

    def _stacked(self, op: dt.Op, samples: list[Any]) -> Any:
        per_result = list(zip(*map(tensors_in, samples), strict=True))
        for results in per_result:
            if any(r.shape != results[0].shape for r in results):
                raise RuntimeError(
                    f"{op.name}: vmap: the result's shape depends on the values and differs between the samples"
                )
        stacked = iter([dt.stack(list(results)) for results in per_result])
        return mapped(samples[0], lambda _: next(stacked))

    # ---- writing in place ----

    def _written(self, name: str, args: tuple[Any, ...], out: tuple[Tensor, ...]) -> Any:
        places = [p for t in out if (p := self.inner(t)) is not None]
        if len(places) < len(out):
            raise RuntimeError(
                f"{name}: vmap: a value that differs between the samples can't be written in place into a tensor that "
                "they share; use the op that is not in place, or make the tensor by zeros_like of a mapped one"
            )
        if name in ("copy", "fill"):
            self._put(name, out[0], args[1])
        elif args and args[0] is out[0] and rule_for(name)[0] == "elementwise":
            self._elementwise_in_place(op_of(name), args, places[0])
        else:
            # The rule may keep its arguments for a derivative, so self is another tensor than that written.
            given = [self.wrapped(places[0].clone()), *args[1:]] if args and args[0] is out[0] else args
            for t, result in zip(out, tensors_in(self._run(name, tuple(given))), strict=True):
                self._put(name, t, result)
        for t in out:
            _engine.bump_version(t)
        return out[0] if len(out) == 1 else out

    def _put(self, name: str, t: Tensor, value: Tensor) -> None:
        """Write a value into a mapped tensor."""
        if value.ndim > t.ndim or (name not in ("copy", "fill") and value.shape != t.shape):
            raise RuntimeError(
                f"{name}: vmap: a result of shape {tuple(value.shape)} can't be written in place into a tensor of "
                f"shape {tuple(t.shape)}"
            )
        self.inner(t).copy_(self.with_rank(value, t.ndim))  # type: ignore[union-attr]

    def _elementwise_in_place(self, op: dt.Op, args: tuple[Any, ...], place: Any) -> None:
        rank = args[0].ndim
        if any(t.ndim > rank for t in tensors_in(args)):
            raise RuntimeError(f"{op.name}: vmap: the arguments do not broadcast to shape {tuple(args[0].shape)}")
        rest = [self.with_rank(t, rank) if isinstance(t, Tensor) else t for t in args[1:]]
        op.call((place, *rest), (place,))

    # ---- random numbers ----

    def _random(self, op: dt.Op, args: tuple[Any, ...]) -> Any:
        draws = op.name != "dropout" or (args[1] != 0 and args[2])
        if not draws or self.randomness == "same":
            return op.decompose(*args) if any(self.maps(t) for t in tensors_in(args)) else op.call(args, None)
        if self.randomness == "error":
            raise RuntimeError(
                f"{op.name}: vmap: a random op inside of vmap; say randomness='different' for other numbers in every "
                "sample, or randomness='same'"
            )
        rule = DIFFERENT.get(op.name)
        return self.wrapped(self.loop(op, args) if rule is None else rule(self, *args))


def _sample(arg: Any, is_mapped: Iterator[bool], i: int) -> Any:
    """One sample of an argument, the tensors of which are mapped or not."""
    return mapped(arg, lambda t: t.select(0, i) if next(is_mapped) else t)


def _met(op: dt.Op, args: tuple[Any, ...], given: list[Any]) -> dt.dtype | None:
    """The dtype in which func sees the tensors meet, where their values would meet in another: a zero-dim tensor counts
    less than others in promotion, but its values have a dim."""
    if op.name in ("copy", "fill"):
        return None
    dtypes = {t.dtype for t in args if isinstance(t, Tensor)}
    if len(dtypes) == 1:
        return None
    first = 1 if op.name == "where" else 0
    wanted = dt.result_type(*tensors_in(args[first:]))
    return wanted if wanted != dt.result_type(*tensors_in(given[first:])) else None
