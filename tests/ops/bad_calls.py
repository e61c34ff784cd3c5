"""Calls of public functions, methods and classes that are no ops, for the test of bad input to spoil.

Each entry has a name, a function to call, good arguments for it, and the names with which a refusal may begin beside
those of ops.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dovetail as dt
import dovetail.data as data
import dovetail.nn as nn
import dovetail.optim as optim


@dataclass(frozen=True)
class Call:
    name: str
    function: Callable[..., Any]
    args: Callable[[], tuple[Any, ...]]  # fresh ones each time, since calls may write into them
    kwargs: dict[str, Any] = field(default_factory=dict)
    says: tuple[str, ...] = ()


def all_calls() -> Iterator[Call]:
    yield from _functions()
    yield from _methods()
    yield from _layers()
    yield from _optimizers()
    yield from _data()
    yield from _files()


def _x() -> Any:
    return dt.arange(6.0).reshape(2, 3)


def _functions() -> Iterator[Call]:
    for name, args, kwargs in [
        ("tensor", ([[1.0, 2.0], [3.0, 4.0]],), {"dtype": dt.float32, "device": "cpu", "requires_grad": False}),
        ("as_tensor", ([1, 2],), {"dtype": dt.int64, "device": "cpu"}),
        ("asarray", ([1, 2],), {"dtype": dt.int64}),
        ("scalar_tensor", (3.0,), {"dtype": dt.float32}),
        ("frombuffer", (bytearray(16),), {"dtype": dt.float32, "count": 2, "offset": 4}),
        ("arange", (5,), {}),
        ("arange", (1, 5), {}),
        ("arange", (1.0, 5.0, 0.5), {"dtype": dt.float32}),
        ("zeros", (2, 3), {"dtype": dt.float32}),
        ("ones", ((2, 3),), {}),
        ("full", ((2, 3), 1.5), {"dtype": dt.float32}),
        ("rand", (2, 3), {}),
        ("randint", (0, 5, (2, 3)), {}),
        ("empty_strided", ((2, 3), (3, 1)), {}),
        ("broadcast_shapes", ((2, 1), (1, 3)), {}),
        ("can_cast", (dt.float32, dt.int64), {}),
        ("promote_types", (dt.float32, dt.int64), {}),
        ("finfo", (dt.float32,), {}),
        ("manual_seed", (3,), {}),
        ("Generator", ("cpu",), {}),
        ("device", ("cpu", 0), {}),
        ("Size", ([1, 2],), {}),
        ("set_num_threads", (1,), {}),
    ]:
        yield Call(name, getattr(dt, name), lambda args=args: args, kwargs)
    for name, more, kwargs in [
        ("max", (1,), {"keepdim": True}),
        ("min", (), {}),
        ("allclose", (dt.ones(3),), {"rtol": 1e-3}),
        ("equal", (dt.ones(3),), {}),
        ("split", (2,), {"dim": 1}),
        ("split", ([1, 1],), {"dim": 0}),
        ("tensor_split", (2,), {"dim": 1}),
        ("hsplit", (3,), {}),
        ("vsplit", (2,), {}),
        ("unique", (), {"return_inverse": True, "dim": 0}),
        ("unique_consecutive", (), {"return_counts": True}),
        ("combinations", (), {}),
        ("frobenius_norm", (), {}),
        ("sum", (1,), {}),
        ("std", (1,), {"correction": 0}),
        ("norm", (2, 1), {}),
        ("tensordot", (dt.ones(3, 2),), {"dims": 1}),
        ("repeat_interleave", (dt.tensor([1, 2]),), {"dim": 0}),
    ]:
        yield Call(name, getattr(dt, name), lambda more=more: (_x(), *more), kwargs)
    yield Call("einsum", dt.einsum, lambda: ("ij,jk->ik", _x(), dt.ones(3, 2)))
    yield Call("where", dt.where, lambda: (_x() > 2, _x(), 0.0))
    yield Call("unravel_index", dt.unravel_index, lambda: (dt.tensor([1, 2]), (2, 3)))


def _methods() -> Iterator[Call]:
    for name, args in [
        ("view", (3, 2)),
        ("view", ((6,),)),
        ("reshape", (3, 2)),
        ("expand", (4, 2, 3)),
        ("permute", (1, 0)),
        ("repeat", (2, 1)),
        ("flip", (0,)),
        ("squeeze", (0,)),
        ("to", (dt.float64,)),
        ("to", ("cpu", dt.int64, False, True)),
        ("type", (dt.int64,)),
        ("size", (1,)),
        ("stride", (0,)),
        ("item", ()),
        ("tolist", ()),
        ("numpy", ()),
        ("new_tensor", ([1, 2],)),
        ("new_zeros", (2, 3)),
        ("resize_", (3, 2)),
        ("fill_diagonal_", (1.0,)),
        ("uniform_", (0.0, 1.0)),
        ("normal_", (0.0, 1.0)),
        ("exponential_", (1.0,)),
        ("random_", (0, 5)),
        ("view_as", (dt.ones(3, 2),)),
        ("expand_as", (dt.ones(2, 3),)),
        ("type_as", (dt.ones(1),)),
        ("requires_grad_", (False,)),
        ("backward", (dt.ones(2, 3),)),
        ("copy_", (dt.ones(3),)),
        ("masked_fill_", (dt.ones(2, 3) > 0, 1.0)),
        ("max", (1, True)),
    ]:
        yield Call(name, _method(name), lambda args=args: (_x(), *args), says=(rf"Tensor\.{name}",))
    indices: list[Any] = [0, slice(0, 1), (0, 1), (..., None, 1), [0, 1], dt.tensor([0, 1]), _x() > 2]
    for index in [*indices, (slice(None), dt.tensor([0, 2])), (slice(0, 2, 1), slice(2, 0, -1))]:
        yield Call("__getitem__", lambda x, i: _tensor(x)[i], lambda index=index: (_x(), index))
        yield Call("__setitem__", _write, lambda index=index: (_x(), index, 1.0), says=("tensor",))


def _tensor(value: Any) -> Any:
    return value if isinstance(value, dt.Tensor) else _x()


def _method(name: str) -> Callable[..., Any]:
    return lambda self, *args, **kwargs: getattr(_tensor(self), name)(*args, **kwargs)


def _write(x: Any, index: Any, value: Any) -> None:
    _tensor(x)[index] = value


def _layers() -> Iterator[Call]:
    image, line, volume = (lambda: dt.ones(2, 4, 6, 6)), (lambda: dt.ones(2, 4, 6)), (lambda: dt.ones(1, 4, 4, 4, 4))
    for name, args, make in [
        ("Linear", (3, 5), _x),
        ("Bilinear", (3, 3, 2), _x),
        ("Conv1d", (4, 2, 3, 1, 1), line),
        ("Conv2d", (4, 2, 3, 1, 1, 1, 2), image),
        ("Conv3d", (4, 2, 3), volume),
        ("ConvTranspose1d", (4, 2, 3, 2), line),
        ("ConvTranspose2d", (4, 2, 3, 2, 1, 1), image),
        ("MaxPool1d", (2,), line),
        ("MaxPool2d", (2, 2, 1), image),
        ("AvgPool2d", (2, 2, 1), image),
        ("AdaptiveAvgPool2d", (2,), image),
        ("AdaptiveMaxPool2d", (2,), image),
        ("BatchNorm1d", (3,), _x),
        ("BatchNorm2d", (4, 1e-5, 0.1), image),
        ("LayerNorm", (3, 1e-5), _x),
        ("Embedding", (10, 3, 0), lambda: dt.tensor([1, 2])),
        ("Dropout", (0.5,), _x),
        ("Dropout2d", (0.5,), image),
        ("Flatten", (1, -1), image),
        ("Unflatten", (1, (2, 2)), image),
        ("Softmax", (1,), _x),
        ("LeakyReLU", (0.1,), _x),
        ("ELU", (1.0,), _x),
        ("Softplus", (1.0, 20.0), _x),
        ("Threshold", (0.1, 2.0), _x),
        ("PReLU", (1,), _x),
        ("GELU", ("tanh",), _x),
        ("GLU", (0,), _x),
    ]:
        if not hasattr(nn, name):
            continue
        layer = getattr(nn, name)
        yield Call(name, layer, lambda args=args: args)

        def apply(*inputs: Any, layer: Any = layer, args: Any = args) -> Any:
            return layer(*args)(*inputs)

        inputs = 2 if name == "Bilinear" else 1
        yield Call(f"{name}()", apply, lambda make=make, inputs=inputs: (make(),) * inputs, says=(name,))
    for name in ("MSELoss", "CrossEntropyLoss", "NLLLoss", "BCELoss", "KLDivLoss", "HuberLoss"):
        loss = getattr(nn, name)
        target = (lambda: dt.tensor([0, 2])) if name in ("CrossEntropyLoss", "NLLLoss") else (lambda: dt.ones(2, 3))
        yield Call(name, loss, lambda: (), {"reduction": "mean"})
        yield Call(f"{name}()", loss(), lambda target=target: (dt.sigmoid(_x()), target()), says=(name, "forward"))
    yield Call("Sequential", nn.Sequential, lambda: (nn.Linear(3, 2), nn.ReLU()))
    yield Call("Parameter", nn.Parameter, lambda: (_x(), True))
    yield Call("load_state_dict", lambda d: nn.Linear(3, 2).load_state_dict(d), _state, says=("Linear",))


def _state() -> tuple[Any, ...]:
    return ({"weight": dt.ones(2, 3), "bias": dt.ones(2)},)


def _optimizers() -> Iterator[Call]:
    def parameters() -> tuple[Any, ...]:
        return ([nn.Parameter(_x())],)

    yield Call("SGD", optim.SGD, parameters, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1})
    yield Call("Adam", optim.Adam, parameters, {"lr": 0.1, "betas": (0.9, 0.99), "eps": 1e-8, "amsgrad": True})
    yield Call("AdamW", optim.AdamW, parameters, {"lr": 0.1, "weight_decay": 0.1})


def _data() -> Iterator[Call]:
    def load(*args: Any, **kwargs: Any) -> Any:
        return next(iter(data.DataLoader(*args, **kwargs)))

    samples = data.TensorDataset(dt.arange(10))
    yield Call("DataLoader", load, lambda: (samples,), {"batch_size": 2, "shuffle": True, "drop_last": True})
    yield Call("DataLoader", data.DataLoader, lambda: (samples, 2), {"num_workers": 0, "timeout": 0})
    yield Call("TensorDataset", data.TensorDataset, lambda: (_x(), dt.ones(2)))
    yield Call("Subset", data.Subset, lambda: (samples, [0, 1]))
    yield Call("random_split", data.random_split, lambda: (samples, [4, 6]))
    yield Call("RandomSampler", data.RandomSampler, lambda: (samples, True, 3))
    yield Call("BatchSampler", data.BatchSampler, lambda: (data.SequentialSampler(samples), 2, False))
    yield Call("WeightedRandomSampler", data.WeightedRandomSampler, lambda: ([0.5, 0.5], 3, True))


def _files() -> Iterator[Call]:
    import dovetail.onnx

    folder = Path(tempfile.mkdtemp())
    dt.save({"a": dt.ones(2)}, folder / "x")
    yield Call("save", dt.save, lambda: ({"a": dt.ones(2)}, io.BytesIO()))
    yield Call("load", dt.load, lambda: (folder / "x",), {"map_location": "cpu"})
    # A whole export takes long; one axis and no proof of a graph of one op is soon done.
    yield Call("export", dovetail.onnx.export, lambda: (nn.ReLU(), _x(), folder / "m.onnx"), {"opset": 20})
