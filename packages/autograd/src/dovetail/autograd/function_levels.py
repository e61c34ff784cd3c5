"""Functions whose arguments a transform knows: each level, from the top, has its part of the call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dovetail as dt
from dovetail import Tensor, checks
from dovetail._grad_mode import is_grad_enabled, no_grad

from . import _engine
from .batching import Mapping
from .levels import dual, entered, inside_transform

if TYPE_CHECKING:
    from .function import Function, FunctionCtx

__all__ = ["VmapInfo", "apply_at"]


@dataclass(frozen=True)
class VmapInfo:
    """What a Function's `vmap` is told: the number of samples, and what random ops are to do."""

    batch_size: int
    randomness: str


def apply_at(cls: type[Function], args: tuple[Any, ...], level: _engine.Level) -> Any:
    """Call a Function at the topmost level that knows one of its arguments."""
    if cls.setup_context is _base().setup_context:
        if dual.level is not None and dual.level.id == level.id and not inside_transform():
            with _engine.Below(level):
                output, ctx, kept = cls._call(args)
            return _with_tangents(cls, ctx, args, output, level, kept)
        raise RuntimeError(
            f"{cls.__name__}: inside a transform (grad, jvp, vmap) a Function needs a forward without a context, and "
            "setup_context(ctx, inputs, output)"
        )
    if level.kind == "vmap":
        return _apply_mapped(cls, args, level)
    with _engine.Below(level):
        output = cls.apply(*args)
        if level.kind == "grad" and not is_grad_enabled():
            return output
        ctx = _context(cls, tuple(isinstance(a, Tensor) and _engine.knows(level, a) for a in args))
        with no_grad():
            cls.setup_context(ctx, args, output)
    if level.kind == "jvp":
        return _with_tangents(cls, ctx, args, output, level, ctx._for_forward or ctx._to_save)
    return ctx.record(args, output, level)


def _base() -> type[Function]:
    from .function import Function

    return Function


def _context(cls: type[Function], needs: tuple[bool, ...]) -> FunctionCtx:
    from .function import FunctionCtx

    ctx = FunctionCtx()
    ctx._function = cls
    ctx.needs_input_grad = needs
    return ctx


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


# ---- jvp ----


def _with_tangents(
    cls: type[Function],
    ctx: FunctionCtx,
    args: tuple[Any, ...],
    output: Any,
    level: _engine.Level,
    kept: tuple[Tensor | None, ...],
) -> Any:
    if cls.jvp is _base().jvp:
        raise RuntimeError(
            f"{cls.__name__}: You must implement the jvp function for custom autograd.Function to use it with forward "
            "mode AD."
        )
    outputs = [_engine.handle(t) if any(t is a for a in args) else t for t in _as_tuple(output)]
    with _engine.Below(level):
        ctx._unrecorded = kept
        rates = _as_tuple(cls.jvp(ctx, *(_tangent(a, level, ctx._materialize) for a in args)))
        ctx._unrecorded = None
    if len(rates) != len(outputs):
        raise RuntimeError(f"{cls.__name__}: jvp returned {len(rates)} tangents for {len(outputs)} results")
    for i, (t, rate) in enumerate(zip(outputs, rates, strict=True)):
        if rate is None:
            continue
        if not isinstance(rate, Tensor) or not isinstance(t, Tensor):
            raise TypeError(
                f"{cls.__name__}: jvp must return a Tensor or None as tangent {i}, whose result is {checks.shown(t)}; "
                f"got {checks.shown(rate)}"
            )
        if rate.shape != t.shape:
            raise RuntimeError(
                f"{cls.__name__}: jvp returned a tangent of shape {tuple(rate.shape)} for a result of shape "
                f"{tuple(t.shape)}"
            )
        _engine.set_tangent(t, rate, level)
    return tuple(outputs) if isinstance(output, tuple) else outputs[0]


def _tangent(arg: Any, level: _engine.Level, materialize: bool) -> Tensor | None:
    """What jvp is given for an argument: zeros for a tensor without a tangent, as backward is for a gradient."""
    if not isinstance(arg, Tensor):
        return None
    found = _engine.tangent(arg, level)
    if found is None and materialize and (arg.dtype.is_floating_point or arg.dtype.is_complex):
        return dt.zeros_like(arg)
    return found


# ---- vmap ----


def _apply_mapped(cls: type[Function], args: tuple[Any, ...], level: Any) -> Any:
    own = cls.vmap is not _base().vmap
    if own == cls.generate_vmap_rule:
        raise RuntimeError(
            f"{cls.__name__}: for vmap a Function needs either a vmap staticmethod or generate_vmap_rule = True"
            + (", not both" if own else "")
        )
    mapping = Mapping.of(level)
    found = [_engine.inner(a, level) if isinstance(a, Tensor) else None for a in args]
    values = [a if f is None else f[0] for a, f in zip(args, found, strict=True)]
    dims = tuple(None if f is None else f[1] for f in found)
    with _engine.Below(level):
        if own:
            returned = cls.vmap(VmapInfo(mapping.size, mapping.randomness), dims, *values)
            if not isinstance(returned, tuple) or len(returned) != 2:
                raise RuntimeError(
                    f"{cls.__name__}: vmap must return two things, the output and its out_dims, got "
                    f"{checks.shown(returned)}"
                )
            output, out_dims = returned
        else:
            mapped = _generated(cls, mapping, dims)
            output = mapped.apply(*values)
            out_dims = mapped.out_dims
    several = isinstance(output, tuple)
    outputs = _as_tuple(output)
    out_dims = tuple(out_dims) if isinstance(out_dims, (tuple, list)) else (out_dims,) * len(outputs)
    if len(out_dims) != len(outputs):
        raise RuntimeError(f"{cls.__name__}: vmap returned out_dims {out_dims} for {len(outputs)} results")
    wrapped = tuple(_mapped_result(cls, mapping, t, d) for t, d in zip(outputs, out_dims, strict=True))
    return wrapped if several else wrapped[0]


def _mapped_result(cls: type[Function], mapping: Mapping, t: Any, dim: Any) -> Any:
    """A result of the values as func sees it."""
    if dim is None or not isinstance(t, Tensor):
        return t
    if not isinstance(dim, int) or not -t.ndim <= dim < t.ndim or t.shape[dim] != mapping.size:
        raise RuntimeError(
            f"{cls.__name__}: vmap said that dim {dim!r} of a result of shape {tuple(t.shape)} is the mapped one, of "
            f"size {mapping.size}"
        )
    return _engine.batched(t, dim % t.ndim, mapping.level)


def _generated(cls: type[Function], outer: Mapping, in_dims: tuple[int | None, ...]) -> Any:
    """The Function of the values: its parts are those of `cls`, mapped."""

    def shells(values: Any, dims: Any, mapping: Mapping) -> list[Any]:
        return [v if d is None else _engine.batched(v, d, mapping.level) for v, d in zip(values, dims, strict=True)]

    def opened(tensors: Any, mapping: Mapping) -> tuple[tuple[Any, ...], tuple[int | None, ...]]:
        found = [_engine.inner(t, mapping.level) if isinstance(t, Tensor) else None for t in tensors]
        values = tuple(t if f is None else f[0] for t, f in zip(tensors, found, strict=True))
        return values, tuple(None if f is None else f[1] for f in found)

    class Mapped(_base()):  # type: ignore[misc]
        generate_vmap_rule = True
        out_dims: tuple[int | None, ...] = ()

        @staticmethod
        def forward(*values: Any) -> Any:
            with Mapping(outer.size, outer.randomness) as mapping, entered(mapping.level):
                output = cls.forward(*shells(values, in_dims, mapping))
                results, Mapped.out_dims = opened(_as_tuple(output), mapping)
            return results if isinstance(output, tuple) else results[0]

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
            ctx.inner = _context(cls, ctx.needs_input_grad)
            with Mapping(outer.size, outer.randomness) as mapping, entered(mapping.level):
                results = shells(_as_tuple(output), Mapped.out_dims, mapping)
                given = tuple(shells(inputs, in_dims, mapping))
                cls.setup_context(ctx.inner, given, tuple(results) if isinstance(output, tuple) else results[0])
                kept, ctx.kept_dims = opened(ctx.inner._to_save, mapping)
                forward, ctx.forward_dims = opened(ctx.inner._for_forward, mapping)
            # An argument or result is kept as itself, not as another handle on it.
            ctx.save_for_backward(*kept)
            ctx.save_for_forward(*forward)
            ctx.set_materialize_grads(True)
            ctx.inner._to_save = ctx.inner._for_forward = ()

        @staticmethod
        def backward(ctx: Any, *gradients: Any) -> Any:
            with Mapping(outer.size, outer.randomness) as mapping, entered(mapping.level):
                ctx.inner._unrecorded = tuple(shells(ctx.saved_tensors, ctx.kept_dims, mapping))
                found = _as_tuple(ctx.inner._run_backward(*shells(gradients, Mapped.out_dims, mapping)))
                values, dims = opened(found, mapping)
            return tuple(_like_input(v, d, wanted) for v, d, wanted in zip(values, dims, in_dims, strict=False))

        @staticmethod
        def jvp(ctx: Any, *tangents: Any) -> Any:
            with Mapping(outer.size, outer.randomness) as mapping, entered(mapping.level):
                dims = ctx.forward_dims or ctx.kept_dims
                ctx.inner._unrecorded = tuple(shells(ctx.saved_tensors, dims, mapping))
                given = shells(
                    tangents, [d if t is not None else None for t, d in zip(tangents, in_dims, strict=True)], mapping
                )
                values, dims = opened(_as_tuple(cls.jvp(ctx.inner, *given)), mapping)
            return tuple(
                v if v is None or d == wanted else _moved(v, d, wanted, outer.size)
                for v, d, wanted in zip(values, dims, Mapped.out_dims, strict=True)
            )

    def _like_input(value: Any, dim: int | None, wanted: int | None) -> Any:
        if value is None or dim == wanted:
            return value
        if wanted is None:
            return value.sum(dim)
        return _moved(value, dim, wanted, outer.size)

    Mapped.__name__ = f"Mapped{cls.__name__}"
    return Mapped


def _moved(value: Tensor, dim: int | None, wanted: int | None, size: int) -> Tensor:
    """A tensor with its mapped dim elsewhere; repeated where it had none."""
    if dim is None:
        assert wanted is not None
        value = value.unsqueeze(wanted)
        return value.expand((*value.shape[:wanted], size, *value.shape[wanted + 1 :]))
    return value.movedim(dim, wanted or 0)
