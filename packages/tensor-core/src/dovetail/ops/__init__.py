"""Ops written in Python.

An op is declared once, by its schema, and is a function of other ops:

    from dovetail.ops import op

    @op("logaddexp(Tensor self, Tensor other) -> Tensor", method=True, out=True)
    def logaddexp(self, other):
        '''Docstring: summary, formula, example.'''
        ...

From then on `dt.logaddexp` and `Tensor.logaddexp` are callables of the registry, which layers (autograd, export, the
profiler) and backends see by name, and the function is the decomposition that they fall back on. It is called with
all of the schema's arguments, the keyword-only ones by name.

The families in this folder are not imported until one of their ops runs: at start only the declarations are read from
their sources.
"""

from __future__ import annotations

import os

from dovetail import _core
from dovetail._core import Op, get_op

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any


__all__ = ["Op", "families", "get_op", "load_all", "names", "op"]


def op(
    schema: str,
    *,
    method: bool = False,
    inplace: bool = False,
    out: bool = False,
    alias: tuple[str, ...] = (),
    random: bool = False,
    factory: bool = False,
    non_differentiable: bool = False,
    internal: bool = False,
    kernel: bool = False,
    elementwise: bool = False,
    host: bool = False,
) -> Callable[[Callable[..., Any]], Op]:
    """Declare an op whose decomposition is the decorated function.

    Args:
        schema: name, arguments and results on one line, such as
            `"softmax(Tensor self, int dim, *, DType? dtype=None) -> Tensor"`.
        method: there is a `Tensor.<name>`.
        inplace: there is a `Tensor.<name>_`, which writes into its tensor.
        out: `out=` is taken.
        alias: other public names.
        random: the op draws from a generator.
        factory: `requires_grad=` is taken.
        non_differentiable: a derivative has no meaning.
        internal: there is no public `dt.<name>`.
        kernel: a backend may bring a kernel, whose results are like the first tensor argument (those named indices
            are int64); without one the function runs.
        elementwise: a backend may bring an elementwise kernel, for tensors of one dtype (and numbers), which are
            broadcast; the function runs without one, and for tensors of several dtypes.
        host: the function is no decomposition but the work of a library on the CPU. It gets NumPy arrays in place of
            tensors, and returns arrays; tensors of other devices are copied to the CPU and the results back. A
            derivative is a rule of its own.

    Returns:
        A decorator that gives the Op.

    Example:
        >>> from dovetail.ops import op
        >>> @op("double_it(Tensor self) -> Tensor")
        ... def double_it(self):
        ...     '''Twice the tensor.'''
        ...     return self + self
        >>> double_it(dt.tensor([1, 2])).tolist()
        [2, 4]
    """

    def decorate(function: Callable[..., Any]) -> Op:
        return _core.register_op(
            schema,
            _on_arrays(function) if host else function,
            function.__module__,
            doc=_dedented(function.__doc__ or ""),
            family=function.__module__.rpartition(".")[2],
            method=method,
            inplace=inplace,
            out=out,
            alias=alias,
            random=random,
            factory=factory,
            differentiable=not non_differentiable,
            function=not internal,
            kernel=kernel,
            elementwise=elementwise,
            host=host,
        )

    return decorate


def _on_arrays(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function of NumPy arrays as one of CPU tensors."""
    from functools import wraps

    from numpy import asarray

    def array(value: Any) -> Any:
        if isinstance(value, _core.Tensor):
            return value.detach().numpy()
        return [array(each) for each in value] if isinstance(value, (list, tuple)) else value

    def tensor(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return type(value)(map(tensor, value))
        return _core.from_numpy(asarray(value, order="C"))

    @wraps(function)
    def on_tensors(*args: Any, **kwargs: Any) -> Any:
        return tensor(function(*map(array, args), **{name: array(value) for name, value in kwargs.items()}))

    return on_tensors


def _dedented(doc: str) -> str:
    """A docstring without the margin that its place in the source gave it."""
    return doc.replace("\n    ", "\n").strip() + "\n" if doc else ""


# ---- the families' declarations, read without importing them ----

_FLAGS = ("method", "inplace", "out", "random", "factory", "kernel", "elementwise", "host")


def _declarations(source: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema in a source with its marks. Plain searching: importing `re` takes longer than all the rest."""
    for part in source.split("\n@op(")[1:]:
        rest = part[: part.index("\ndef ")].partition("\n@")[0].removesuffix(")").strip()
        schema = ""
        while rest.startswith('"'):
            piece, _, rest = rest[1:].partition('"')
            schema, rest = schema + piece, rest.lstrip()
        marks: dict[str, Any] = {flag: True for flag in _FLAGS if f"{flag}=True" in rest}
        marks["differentiable"] = "non_differentiable=True" not in rest
        marks["function"] = "internal=True" not in rest
        if "alias=(" in rest:
            marks["alias"] = tuple(rest.partition("alias=(")[2].partition(")")[0].split('"')[1::2])
        yield schema, marks


def _scan() -> list[str]:
    """Register every op of this folder's families, each with the module that holds its function."""
    folder = os.path.dirname(__file__)
    modules = []
    for file in sorted(os.listdir(folder)):
        family, extension = os.path.splitext(file)
        if extension != ".py" or family.startswith("_"):
            continue
        with open(os.path.join(folder, file), encoding="utf-8") as stream:
            source = stream.read()
        module = f"{__name__}.{family}"
        modules.append(module)
        for schema, marks in _declarations(source):
            _core.register_op(schema, None, module, family=family, **marks)
    return modules


_modules = _scan()


# ---- looking at the registry ----


def names() -> list[str]:
    """The names of all registered ops.

    Example:
        >>> "add" in dt.ops.names()
        True
    """
    return [each.name for each in _core.ops()]


def families() -> dict[str, list[Op]]:
    """All registered ops by the family that declares them.

    Example:
        >>> "binary" in dt.ops.families()
        True
    """
    result: dict[str, list[Op]] = {}
    for each in _core.ops():
        result.setdefault(each.family, []).append(each)
    return result


def load_all() -> None:
    """Import every family, so that every op has its documentation.

    Example:
        >>> dt.ops.load_all()
        >>> dt.hypot.doc.partition(".")[0]
        'The hypotenuse of a right triangle, without overflow on the way'
    """
    from importlib import import_module

    for module in _modules:
        import_module(module)
