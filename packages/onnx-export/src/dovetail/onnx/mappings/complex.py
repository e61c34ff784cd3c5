"""Complex numbers, which ONNX Runtime does not compute with: a last dim of size 2 holds their parts, as DFT has it.

The functions here take the place of an op's usual mapping where one of its tensors is complex.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..graph import ELEMENT_TYPES, MAPPINGS, Call, mapping
from . import elementwise, shape  # noqa: F401  (the usual mappings)

# By op, the mapping where complex numbers take part.
OF_COMPLEX: dict[str, Callable[[Call], Any]] = {}

_PARTS = {"complex64": "float32", "complex128": "float64"}

# Their usual mappings count dims from the front, and do the same with every element.
for _name in ("clone", "alias", "detach", "contiguous", "positive", "to_device", "neg", "cat", "slice", "squeeze"):
    OF_COMPLEX[_name] = MAPPINGS[_name]
for _name in ("unsqueeze", "select", "flip_view"):
    OF_COMPLEX[_name] = MAPPINGS[_name]


def of_complex(*names: str) -> Callable[[Callable[[Call], Any]], Callable[[Call], Any]]:
    """Register how ops become ONNX nodes where a tensor is complex; where that is always so, it is the mapping."""

    def register(function: Callable[[Call], Any]) -> Callable[[Call], Any]:
        for name in names:
            OF_COMPLEX[name] = function
            if name not in MAPPINGS:
                mapping(name)(function)
        return function

    return register


def is_complex(dtype: str) -> bool:
    return dtype in _PARTS


def _pairs(call: Call, name: str, dtype: str) -> str:
    """An argument as pairs of the parts that a complex dtype has."""
    value, given = call.tensor(name), call.dtype(name)
    to = ELEMENT_TYPES[_PARTS[dtype]]
    if is_complex(given):
        return value if given == dtype else str(call.graph.add("Cast", value, to=to))
    real = call.graph.add("Unsqueeze", call.graph.add("Cast", value, to=to), call.graph.constant([-1]))
    zeros = call.graph.add("Mul", real, call.graph.constant(0, _PARTS[dtype]))
    return str(call.graph.add("Concat", real, zeros, axis=-1))


def _part(call: Call, pairs: str, which: int) -> str:
    return str(call.graph.add("Gather", pairs, call.graph.constant(which), axis=-1))


def _joined(call: Call, real: str, imag: str) -> str:
    last = call.graph.constant([-1])
    return str(
        call.graph.add(
            "Concat", call.graph.add("Unsqueeze", real, last), call.graph.add("Unsqueeze", imag, last), axis=-1
        )
    )


# ---- parts -------------------------------------------------------------------------------------------------------


@of_complex("view_as_real", "view_as_complex")
def _(call: Call) -> Any:
    return call.graph.add("Identity", call.tensor("self"))


@mapping("real")
def _(call: Call) -> Any:
    return call.graph.add("Identity", call.tensor("self"))


@of_complex("real", "imag")
def _(call: Call) -> Any:
    return _part(call, call.tensor("self"), int(call.node.op == "imag"))


@mapping("conj_physical")
def _(call: Call) -> Any:
    return call.graph.add("Identity", call.tensor("self"))


@of_complex("conj_physical")
def _(call: Call) -> Any:
    return call.graph.add("Mul", call.tensor("self"), call.graph.constant([1, -1], _PARTS[call.out_dtype]))


@of_complex("abs")
def _(call: Call) -> Any:
    return call.graph.add("ReduceL2", call.tensor("self"), call.graph.constant([-1]), keepdims=0)


@of_complex("cast")
def _(call: Call) -> Any:
    if is_complex(call.out_dtype):
        return _pairs(call, "self", call.out_dtype)
    return call.graph.add("Cast", _part(call, call.tensor("self"), 0), to=ELEMENT_TYPES[call.out_dtype])


# ---- arithmetic --------------------------------------------------------------------------------------------------


@of_complex("add", "sub")
def _(call: Call) -> Any:
    if call.given("alpha") and call.static("alpha") != 1:
        raise ValueError("alpha of complex numbers has no operator in ONNX")
    dtype = call.out_dtype
    return call.graph.add(call.node.op.capitalize(), _pairs(call, "self", dtype), _pairs(call, "other", dtype))


@of_complex("mul")
def _(call: Call) -> Any:
    graph, dtype = call.graph, call.out_dtype
    x, y = _pairs(call, "self", dtype), _pairs(call, "other", dtype)
    (a, b), (c, d) = [(_part(call, each, 0), _part(call, each, 1)) for each in (x, y)]
    real = graph.add("Sub", graph.add("Mul", a, c), graph.add("Mul", b, d))
    imag = graph.add("Add", graph.add("Mul", a, d), graph.add("Mul", b, c))
    return _joined(call, real, imag)


# ---- shape -------------------------------------------------------------------------------------------------------


@of_complex("view", "reshape")
def _(call: Call) -> Any:
    size = call._args["size"] if "size" in call._args else call._args["shape"]
    whole = call.graph.ints([*size, 2])
    return call.graph.add("Reshape", call.tensor("self"), whole, allowzero=1 if 0 in size else None)


@of_complex("expand")
def _(call: Call) -> Any:
    size = [1 if isinstance(n, int) and n == -1 else n for n in call._args["size"]]
    return call.graph.add("Expand", call.tensor("self"), call.graph.ints([*size, 2]))


@of_complex("transpose")
def _(call: Call) -> Any:
    rank = call.rank("self")
    order = list(range(rank + 1))
    a, b = call.axis("dim0", rank), call.axis("dim1", rank)
    order[a], order[b] = order[b], order[a]
    return call.graph.add("Transpose", call.tensor("self"), perm=order)


@of_complex("permute")
def _(call: Call) -> Any:
    rank = call.rank("self")
    return call.graph.add("Transpose", call.tensor("self"), perm=[*(d % rank for d in call.static("dims")), rank])


# ---- Fourier transforms ------------------------------------------------------------------------------------------


def _dft(call: Call, pairs: str, axis: int, *, inverse: bool, onesided: bool = False) -> str:
    """ONNX's transform along an axis; the inverse divides by the number of points."""
    place = call.graph.constant(axis)
    return str(call.graph.add("DFT", pairs, "", place, inverse=int(inverse), onesided=int(onesided)))


def _scaled(call: Call, value: str, points: str, axes: list[int], divided: bool) -> str:
    """A result with the op's scaling; `points` is a value of the whole size, `divided` whether 1/n is in it already."""
    scaling = call.static("scaling")
    if scaling == ("1/n" if divided else "none"):
        return value
    sizes = call.graph.add("Gather", call.graph.add("Shape", points), call.graph.constant(axes), axis=0)
    count = call.graph.add("Cast", call.graph.add("ReduceProd", sizes, keepdims=0), to=_type_of(call))
    root = call.graph.add("Sqrt", count) if scaling == "1/sqrt(n)" else count
    return str(call.graph.add("Mul" if divided else "Div", value, root))


def _type_of(call: Call) -> int:
    dtype = call.out_dtype
    return int(ELEMENT_TYPES[_PARTS.get(dtype, dtype)])


def _axes(call: Call) -> list[int]:
    rank = call.rank("self")
    return [d % rank for d in call.static("dim")]


@of_complex("fft_c2c")
def _(call: Call) -> Any:
    inverse, value = not call.static("forward"), call.tensor("self")
    for axis in _axes(call):
        value = _dft(call, value, axis, inverse=inverse)
    return _scaled(call, value, value, _axes(call), inverse)


@of_complex("fft_r2c")
def _(call: Call) -> Any:
    *others, last = _axes(call)
    real = call.graph.add("Unsqueeze", call.tensor("self"), call.graph.constant([-1]))
    value = _dft(call, real, last, inverse=False, onesided=bool(call.static("onesided")))
    for axis in others:
        value = _dft(call, value, axis, inverse=False)
    return _scaled(call, value, real, _axes(call), False)


@of_complex("fft_c2r")
def _(call: Call) -> Any:
    """Of the whole spectrum, whose other half is the mirror image of the one that is given."""
    *others, last = _axes(call)
    graph, value, n = call.graph, call.tensor("self"), int(call.static("n"))
    for axis in others:
        value = _dft(call, value, axis, inverse=True)
    rest = graph.add("Slice", value, *(graph.constant([each]) for each in ((n - 1) // 2, 0, last, -1)))
    mirrored = graph.add("Mul", rest, graph.constant([1, -1], _PARTS[call.dtype("self")]))
    whole = _dft(call, graph.add("Concat", value, mirrored, axis=last), last, inverse=True)
    return _scaled(call, _part(call, whole, 0), whole, _axes(call), True)
