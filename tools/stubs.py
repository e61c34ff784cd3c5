"""Print the type stub of dovetail._core from the registry.

    python tools/stubs.py | ruff format --stdin-filename _core.pyi - > packages/tensor-core/src/dovetail/_core.pyi

Types, attributes and functions that are no ops are written by hand in tools/core_types.pyi; ops, their methods and
their in-place forms, and the methods that the Python package adds to Tensor, follow from the registry and from the
functions' own annotations.
"""

from __future__ import annotations

import inspect
import re
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import dovetail as dt
from dovetail import _core
from dovetail.other_forms import keywords_of, replaced_by_keywords

TEMPLATE = Path(__file__).with_name("core_types.pyi")

# A schema's types as Python's. Tensors beside the first may be given as numbers.
TYPES = {
    "Tensor": "Tensor",
    "Tensor[]": "Sequence[Tensor]",
    "Tensor?[]": "Sequence[Tensor | None]",
    "Scalar": "_Number",
    "Scalar[]": "Sequence[_Number]",
    "int": "_int",
    "float": "_float",
    "bool": "_bool",
    "complex": "_complex",
    "int[]": "_Ints",
    "float[]": "Sequence[_float]",
    "bool[]": "Sequence[_bool]",
    "DType": "_DTypeLike",
    "Device": "_DeviceLike",
    "Generator": "Generator",
    "str": "_str",
}
# Names that annotations of the Python package may use as they are; builtins hide behind Tensor's methods.
BUILTINS = ("bool", "complex", "float", "int", "str")
KNOWN = {"Any", "Callable", "Generator", "None", "Sequence", "Size", "Tensor", "dict", "list", "tuple", "type"}
BINARY = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor", "lshift", "rshift")


def plain_type(arg: _core.Argument) -> str:
    """A schema's type without its marks: Tensor for Tensor(a!), int[] for int[2]."""
    return re.sub(r"\[\d+\]", "[]", re.sub(r"\([^)]*\)", "", arg.type)).replace(" ", "")


def argument_type(arg: _core.Argument, first: bool) -> str:
    """The annotation of an op's argument."""
    plain = plain_type(arg)
    optional = plain.endswith("?")
    text = TYPES[plain.removesuffix("?")]
    if text == "Tensor" and not first:
        text = "Tensor | _Number"
    return text + " | None" if optional else text


def parameters(op: _core.Op, method: bool, inplace: bool) -> list[str]:
    """The parameter list of a call of the op."""
    result = []
    keyword_only = False
    for i, arg in enumerate(op.args):
        if method and i == 0:
            result.append("self")
            continue
        if arg.keyword_only and not keyword_only:
            result.append("*")
            keyword_only = True
        default = " = ..." if arg.has_default or arg.name in replaced_by_keywords(op) else ""
        result.append(f"{arg.name}: {argument_type(arg, i == 0)}{default}")
    extra = []
    if op.has_out and not inplace:
        several = op.returns is not None and len(op.returns) > 1
        extra.append("out: Sequence[Tensor] | None = ..." if several else "out: Tensor | None = ...")
    if op.factory:
        extra.append("requires_grad: _bool = ...")
    if not (inplace and op.factory):
        extra += [f"{name}: {'_bool' if name == 'pin_memory' else 'Any'} = ..." for name in keywords_of(op)]
    if extra and not keyword_only:
        result.append("*")
    return result + extra


def result_class(op: _core.Op) -> str:
    return "_" + "".join(part.capitalize() for part in op.name.split("_")) + "Results"


def has_named_results(op: _core.Op) -> bool:
    return op.returns is not None and len(op.returns) > 1 and all(op.returns)


def result_type(op: _core.Op) -> str:
    """The annotation of what a call of the op gives."""
    if op.returns is None:
        return "tuple[Tensor, ...]"
    if not op.returns:
        return "None"
    if len(op.returns) == 1:
        return "Tensor"
    return result_class(op) if has_named_results(op) else f"tuple[{', '.join(['Tensor'] * len(op.returns))}]"


def spreads(op: _core.Op) -> str | None:
    """The int list that may be spelled as several ints, as in x.view(2, 3)."""
    positional = [arg for arg in op.args if not arg.keyword_only]
    leads = len(positional) == 1 or (len(positional) == 2 and plain_type(positional[0]) == "Tensor")
    if leads and plain_type(positional[-1]) in ("int[]", "int[]?"):
        return positional[-1].name
    return None


def definitions(op: _core.Op, name: str, method: bool, inplace: bool) -> Iterator[str]:
    """The stub of one function or method; two overloads where ints may be spread."""
    given = parameters(op, method, inplace)
    result = "Self" if inplace else result_type(op)
    ints = spreads(op)
    if ints is None:
        yield f"def {name}({', '.join(given)}) -> {result}: ..."
        return
    several = [f"*{ints}: _int" if each.startswith(f"{ints}:") else each for each in given if each != "*"]
    yield "@overload"
    yield f"def {name}({', '.join(given)}) -> {result}: ..."
    yield "@overload"
    yield f"def {name}({', '.join(several)}) -> {result}: ..."
    if name == "view":
        yield "@overload"
        yield f"def {name}(self, dtype: _DTypeLike) -> {result}: ..."


def results() -> Iterator[str]:
    """A named tuple for each op with several named results."""
    for op in _core.ops():
        if has_named_results(op):
            yield f"class {result_class(op)}(NamedTuple):"
            yield from (f"    {name}: Tensor" for name in op.returns or ())
            yield ""


def operators() -> Iterator[str]:
    for name in BINARY:
        yield f"def __{name}__(self, other: Tensor | _Number) -> Tensor: ..."
        yield f"def __r{name}__(self, other: Tensor | _Number) -> Tensor: ..."
        if name != "matmul":
            yield f"def __i{name}__(self, other: Tensor | _Number) -> Self: ..."


def annotation(value: object) -> str:
    """An annotation of the Python package where its names are known here, else Any."""
    if value is inspect.Parameter.empty:
        return "Any"
    text = value if isinstance(value, str) else getattr(value, "__name__", repr(value))
    text = re.sub(r"\b(_core|dt)\.", "", text)
    text = re.sub(r"\bdtype\b", "_DTypeLike", re.sub(r"\bdevice\b", "_DeviceLike", text))
    for name in BUILTINS:
        text = re.sub(rf"\b{name}\b", f"_{name}", text)
    names = set(re.findall(r"[A-Za-z_]\w*", text))
    allowed = KNOWN | {f"_{name}" for name in BUILTINS} | {"_DTypeLike", "_DeviceLike"}
    return text if names <= allowed else "Any"


def python_method(name: str, function: types.FunctionType) -> str:
    """The stub of a method that the Python package adds to Tensor."""
    given = []
    keyword_only = False
    for i, parameter in enumerate(inspect.signature(function).parameters.values()):
        text = parameter.name if i == 0 else f"{parameter.name}: {annotation(parameter.annotation)}"
        if parameter.kind is parameter.VAR_POSITIONAL:
            keyword_only = True
            text = "*" + text
        elif parameter.kind is parameter.VAR_KEYWORD:
            text = "**" + text
        elif parameter.kind is parameter.KEYWORD_ONLY and not keyword_only:
            keyword_only = True
            given.append("*")
        if parameter.default is not parameter.empty:
            text += " = ..."
        given.append(text)
    result = annotation(inspect.signature(function).return_annotation)
    return f"def {name}({', '.join(given)}) -> {result}: ..."


def methods() -> Iterator[str]:
    """Every method of Tensor that is not written by hand."""
    for name, value in sorted(vars(dt.Tensor).items()):
        if isinstance(value, _core.OpMethod):
            inplace = value.__name__.endswith("_")
            yield from definitions(value, name, method=True, inplace=inplace)
        elif isinstance(value, types.FunctionType):
            yield python_method(name, value)
        elif isinstance(value, property):
            assert isinstance(value.fget, types.FunctionType)
            yield "@property"
            yield f"def {name}(self) -> {annotation(inspect.signature(value.fget).return_annotation)}: ..."


def functions() -> Iterator[str]:
    """The public functions, as the package's module has them."""
    for op in _core.ops():
        if op.is_function:
            for name in (op.name, *op.aliases):
                yield from definitions(op, name, method=False, inplace=False)


def dtypes() -> Iterator[str]:
    for name, value in vars(_core).items():
        if isinstance(value, _core.dtype):
            yield f"{name}: dtype"


PARTS = {
    "results": results,
    "operators": operators,
    "methods": methods,
    "functions": functions,
    "dtypes": dtypes,
}


def generate() -> str:
    """The whole stub."""
    lines = ["# Generated by tools/stubs.py from the registry; do not edit."]
    for line in TEMPLATE.read_text().splitlines()[2:]:
        marker = re.fullmatch(r"( *)# @(\w+)", line)
        if marker is None:
            lines.append(line)
        else:
            lines += [(marker[1] + text).rstrip() for text in PARTS[marker[2]]()]
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    sys.stdout.write(generate())
