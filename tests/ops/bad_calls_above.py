"""Calls of layers, optimizers, data sets, files and export, for the test of bad input to spoil."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dovetail as dt
import dovetail.data as data
import dovetail.nn as nn
import dovetail.nn.functional as F
import dovetail.optim as optim
from dovetail.optim import lr_scheduler
from tests.ops.bad_calls import Call, _x


def calls_above() -> Iterator[Call]:
    yield from _layers()
    yield from _sequences()
    yield from _losses()
    yield from _containers()
    yield from _functional()
    yield from _initialisers()
    yield from _optimizers()
    yield from _mixed_precision()
    yield from _data()
    yield from _files()


def _function_of(layer: str) -> tuple[str, ...]:
    """The functions that a layer may be made of: `conv2d` for Conv2d, `cross_entropy` for CrossEntropyLoss."""
    names = [*dt.ops.names(), *F.__all__]
    return tuple(name for name in names if len(name) > 2 and layer.lower().startswith(name.replace("_", "")))


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
        ("ConvTranspose3d", (4, 2, 3), volume),
        ("MaxPool1d", (2,), line),
        ("MaxPool2d", (2, 2, 1), image),
        ("MaxPool3d", (2,), volume),
        ("AvgPool1d", (2, 2, 1), line),
        ("AvgPool2d", (2, 2, 1), image),
        ("AvgPool3d", (2,), volume),
        ("AdaptiveAvgPool1d", (2,), line),
        ("AdaptiveAvgPool3d", (2,), volume),
        ("AdaptiveAvgPool2d", (2,), image),
        ("BatchNorm1d", (3,), _x),
        ("BatchNorm2d", (4, 1e-5, 0.1), image),
        ("BatchNorm3d", (4, 1e-5, None), volume),
        ("LayerNorm", (3, 1e-5), _x),
        ("Embedding", (10, 3, 0), lambda: dt.tensor([1, 2])),
        ("Dropout", (0.5,), _x),
        ("Dropout2d", (0.5,), image),
        ("Dropout1d", (0.5,), line),
        ("Dropout3d", (0.5, True), volume),
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
        ("LogSoftmax", (1,), _x),
        ("Softmin", (1,), _x),
        ("CELU", (1.0,), _x),
        ("Hardtanh", (-1.0, 1.0), _x),
        ("Hardshrink", (0.5,), _x),
        ("Softshrink", (0.5,), _x),
        ("Hardsigmoid", (True,), _x),
        ("Hardswish", (), _x),
        ("ReLU", (True,), _x),
        ("ReLU6", (True,), _x),
        ("SELU", (), _x),
        ("SiLU", (True,), _x),
        ("Mish", (), _x),
        ("Sigmoid", (), _x),
        ("LogSigmoid", (), _x),
        ("Softsign", (), _x),
        ("Tanh", (), _x),
        ("Tanhshrink", (), _x),
    ]:
        layer = getattr(nn, name)
        yield Call(name, layer, lambda args=args: args)
        made = layer(*args)
        says = (*_function_of(name), r"\w+\.forward")  # the last from Python itself
        inputs = 2 if name == "Bilinear" else 1
        yield Call(f"{name}()", made, lambda make=make, inputs=inputs: (make(),) * inputs, says=says)


def _sequences() -> Iterator[Call]:
    """Layers over sequences; what their forward refuses may name the function that it is made of."""
    x = lambda: dt.ones(5, 2, 4)  # noqa: E731
    for name, args, inputs in [
        ("RNN", (4, 3, 1, "tanh"), (x,)),
        ("LSTM", (4, 3, 2, True, False, 0.0, True, 2), (x,)),
        ("GRU", (4, 3), (x, lambda: dt.ones(1, 2, 3))),
        ("RNNCell", (4, 3, True, "relu"), (lambda: dt.ones(2, 4),)),
        ("LSTMCell", (4, 3), (lambda: dt.ones(2, 4),)),
        ("GRUCell", (4, 3), (lambda: dt.ones(2, 4), lambda: dt.ones(2, 3))),
        ("MultiheadAttention", (4, 2, 0.0, True, True, True), (x, x, x)),
        ("TransformerEncoderLayer", (4, 2, 8, 0.0, "gelu"), (x,)),
        ("TransformerDecoderLayer", (4, 2, 8, 0.0, "relu", 1e-5, True, True), (x, x)),
        ("EmbeddingBag", (10, 3, 1.0, 2.0, False, "sum"), (lambda: dt.tensor([[1, 2]]),)),
    ]:
        layer = getattr(nn, name)
        yield Call(name, layer, lambda args=args: args, says=(name, "LayerNorm", "Linear", "Dropout", "init"))
        made = layer(*args)
        says = (name, r"Transformer\w+\.\w+ \(\w+\)", r"MultiheadAttention\.\w+", *_function_of(name), r"\w+\.forward")
        says += ("multi_head_attention_forward", "embedding_bag", "rnn_layer", "lstm_layer", "gru_layer")
        yield Call(f"{name}()", made, lambda inputs=inputs: tuple(make() for make in inputs), says=says)


def _losses() -> Iterator[Call]:
    other = {"BCELoss": "binary_cross_entropy", "BCEWithLogitsLoss": "binary_cross_entropy_with_logits"}
    for name in [*other, "MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss", "CrossEntropyLoss", "NLLLoss", "KLDivLoss"]:
        loss = getattr(nn, name)
        target = (lambda: dt.tensor([0, 2])) if name in ("CrossEntropyLoss", "NLLLoss") else (lambda: dt.ones(2, 3))
        yield Call(name, loss, lambda: (), {"reduction": "mean"})
        yield Call(
            f"{name}()",
            loss(),
            lambda target=target: (dt.sigmoid(_x()), target()),
            says=(other.get(name, name), *_function_of(name)),
        )
    yield Call("SmoothL1Loss", nn.SmoothL1Loss, lambda: ("mean", 0.5))
    yield Call("CrossEntropyLoss", nn.CrossEntropyLoss, lambda: (dt.ones(3), -100, "sum", 0.1))
    yield Call("BCEWithLogitsLoss", nn.BCEWithLogitsLoss, lambda: (dt.ones(3), "mean", dt.ones(3)))


def _containers() -> Iterator[Call]:
    def linear() -> Any:
        return nn.Linear(3, 2)

    yield Call("Sequential", nn.Sequential, lambda: (linear(), nn.ReLU()))
    yield Call("ModuleList", nn.ModuleList, lambda: ([linear(), nn.ReLU()],))
    yield Call("ModuleDict", nn.ModuleDict, lambda: ({"a": linear()},))
    yield Call("ParameterList", nn.ParameterList, lambda: ([_x(), _x()],))
    yield Call("ParameterDict", nn.ParameterDict, lambda: ({"a": _x()},))
    yield Call("Parameter", nn.Parameter, lambda: (_x(), True))
    yield Call("Buffer", nn.Buffer, lambda: (_x(),), {"persistent": True})
    for name, args in [
        ("load_state_dict", _state()),
        ("to", ("cpu", dt.float64)),
        ("type", (dt.float64,)),
        ("train", (True,)),
        ("requires_grad_", (True,)),
        ("zero_grad", (True,)),
        ("register_buffer", ("b", _x(), True)),
        ("register_parameter", ("p", nn.Parameter(_x()))),
        ("register_module", ("m", nn.ReLU())),
        ("register_forward_hook", (len,)),
        ("register_forward_pre_hook", (len,)),
        ("apply", (repr,)),
        ("state_dict", ()),
    ]:
        yield Call(name, _of(linear, name), lambda args=args: args, says=("Linear", rf"Module\.{name}"))
    for name, args in [("append", (nn.ReLU(),)), ("extend", ([nn.ReLU()],)), ("insert", (0, nn.ReLU()))]:
        for kind in (nn.Sequential, nn.ModuleList):
            says = (kind.__name__, rf"{kind.__name__}\.{name}")
            yield Call(name, _of(kind, name), lambda args=args: args, says=says)
    yield Call("pop", _of(lambda: nn.ModuleList([nn.ReLU()]), "pop"), lambda: (0,), says=("ModuleList",))
    yield Call("from_pretrained", nn.Embedding.from_pretrained, lambda: (_x(), True, 0), says=("Embedding",))


def _of(make: Any, name: str) -> Any:
    return lambda *args, **kwargs: getattr(make(), name)(*args, **kwargs)


def _functional() -> Iterator[Call]:
    image, line, volume = (lambda: dt.ones(2, 4, 6, 6)), (lambda: dt.ones(2, 4, 6)), (lambda: dt.ones(1, 4, 4, 4, 4))
    makers = {"1d": line, "2d": image, "3d": volume}
    for dims, make in makers.items():
        yield Call(f"adaptive_avg_pool{dims}", getattr(F, f"adaptive_avg_pool{dims}"), lambda make=make: (make(), 2))
        name = f"adaptive_max_pool{dims}"
        yield Call(name, getattr(F, name), lambda make=make: (make(), 2, True))
        yield Call(name, getattr(F, f"{name}_with_indices"), lambda make=make: (make(), (2,)))
        yield Call(
            f"max_pool{dims}", getattr(F, f"max_pool{dims}"), lambda make=make: (make(), 2, 2, 1, 1, False, True)
        )
        yield Call(f"dropout{dims}", getattr(F, f"dropout{dims}"), lambda make=make: (make(), 0.5, True, True))
    for name, args in [
        ("relu", (True,)),
        ("silu", (True,)),
        ("softmax", (1,)),
        ("log_softmax", (1,)),
        ("softmin", (1,)),
        ("dropout", (0.5, True, True)),
        ("pad", ((1, 2), "constant", 1.5)),
        ("pad", ((1, 2), "reflect")),
        ("layer_norm", ((3,), dt.ones(3), dt.ones(3), 1e-5)),
        ("batch_norm", (dt.ones(3), dt.ones(3), dt.ones(3), dt.ones(3), True, 0.1, 1e-5)),
        ("batch_norm", (dt.ones(3), dt.ones(3), None, None, False)),
    ]:
        yield Call(name, getattr(F, name), lambda args=args: (_x(), *args))


def _initialisers() -> Iterator[Call]:
    init, utils = nn.init, nn.utils
    for name, args in [
        ("uniform_", (0.0, 1.0)),
        ("normal_", (0.0, 1.0)),
        ("trunc_normal_", (0.0, 1.0, -2.0, 2.0)),
        ("constant_", (1.0,)),
        ("ones_", ()),
        ("zeros_", ()),
        ("eye_", ()),
        ("fans", ()),
        ("xavier_uniform_", (1.0,)),
        ("xavier_normal_", (1.0,)),
        ("kaiming_uniform_", (0.1, "fan_in", "leaky_relu")),
        ("kaiming_normal_", (0.1, "fan_out", "relu")),
    ]:
        yield Call(name, getattr(init, name), lambda args=args: (_x(), *args))
    yield Call("calculate_gain", init.calculate_gain, lambda: ("leaky_relu", 0.1))

    def trained() -> Any:
        p = nn.Parameter(_x())
        p.grad = dt.ones(2, 3)
        return p

    yield Call("clip_grad_norm_", utils.clip_grad_norm_, lambda: ([trained()], 1.0, 2.0, False))
    yield Call("clip_grad_value_", utils.clip_grad_value_, lambda: ([trained()], 1.0))
    yield Call("get_total_norm", utils.get_total_norm, lambda: ([_x()], 2.0))
    yield Call("parameters_to_vector", utils.parameters_to_vector, lambda: ([_x()],))
    yield Call("vector_to_parameters", utils.vector_to_parameters, lambda: (dt.ones(6), [nn.Parameter(_x())]))


def _state() -> tuple[Any, ...]:
    return ({"weight": dt.ones(2, 3), "bias": dt.ones(2)},)


def _optimizers() -> Iterator[Call]:
    def parameters() -> tuple[Any, ...]:
        return ([nn.Parameter(_x())],)

    def sgd() -> Any:
        return optim.SGD(*parameters(), lr=0.1)

    yield Call("SGD", optim.SGD, parameters, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1})
    yield Call("Adam", optim.Adam, parameters, {"lr": 0.1, "betas": (0.9, 0.99), "eps": 1e-8, "amsgrad": True})
    yield Call("AdamW", optim.AdamW, parameters, {"lr": 0.1, "weight_decay": 0.1})
    for name, options in [
        ("Adamax", {"lr": 0.1, "betas": (0.9, 0.99), "eps": 1e-8, "maximize": True}),
        ("NAdam", {"lr": 0.1, "momentum_decay": 0.1, "decoupled_weight_decay": True}),
        ("RAdam", {"lr": 0.1, "betas": (0.9, 0.99), "weight_decay": 0.1}),
        ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "initial_accumulator_value": 0.1}),
        ("Adadelta", {"lr": 0.1, "rho": 0.5, "eps": 1e-3}),
        ("Adafactor", {"lr": 0.1, "beta2_decay": -0.5, "eps": (1e-3, 1e-3), "d": 1.5}),
        ("ASGD", {"lr": 0.1, "lambd": 0.1, "alpha": 0.5, "t0": 3}),
        ("RMSprop", {"lr": 0.1, "alpha": 0.5, "centered": True, "momentum": 0.9}),
        ("Rprop", {"lr": 0.1, "etas": (0.5, 1.5), "step_sizes": (1e-3, 1.0)}),
        ("Lion", {"lr": 0.1, "betas": (0.9, 0.99), "weight_decay": 0.1}),
        ("Muon", {"lr": 0.1, "momentum": 0.9, "ns_coefficients": (3.0, -4.0, 2.0), "ns_steps": 3}),
        ("LBFGS", {"lr": 0.1, "max_iter": 3, "history_size": 2, "line_search_fn": "strong_wolfe"}),
    ]:
        yield Call(name, getattr(optim, name), parameters, options)
    yield Call("EMA", optim.EMA, parameters, {"decay": 0.9, "warmup": True})
    yield Call("Accumulation", optim.Accumulation, lambda: (sgd(), 2))
    yield Call("from_pytorch", optim.from_pytorch, lambda: ({"state": {}, "param_groups": [{"params": [0]}]}, sgd()))

    yield Call("add_param_group", _of(sgd, "add_param_group"), lambda: ({"params": [_x()], "lr": 0.2},), says=("SGD",))
    state = sgd().state_dict()
    yield Call("load_state_dict", _of(sgd, "load_state_dict"), lambda: (state,), says=("SGD",))
    yield Call("zero_grad", _of(sgd, "zero_grad"), lambda: (True,), says=("SGD",))
    for name, args in [
        ("LambdaLR", (lambda step: 0.5,)),
        ("StepLR", (2, 0.5)),
        ("MultiStepLR", ([1, 3], 0.5)),
        ("ExponentialLR", (0.5,)),
        ("ConstantLR", (0.5, 5)),
        ("LinearLR", (0.5, 1.0, 5)),
        ("CosineAnnealingLR", (5, 0.01)),
        ("CosineAnnealingWarmRestarts", (5, 2, 0.01)),
        ("MultiplicativeLR", (lambda step: 0.5,)),
        ("PolynomialLR", (5, 2.0)),
        ("CyclicLR", (0.1, 1.0, 5, 3, "triangular2")),
        ("OneCycleLR", (1.0, 9)),
        ("ReduceLROnPlateau", ("max", 0.5, 2)),
    ]:
        scheduler = getattr(lr_scheduler, name)

        def run(*args: Any, scheduler: Any = scheduler, **kwargs: Any) -> None:
            made = scheduler(*args, **kwargs)
            made.step(*([1.0] if isinstance(made, lr_scheduler.ReduceLROnPlateau) else []))

        yield Call(name, run, lambda args=args: (sgd(), *args))

        def later(*args: Any, scheduler: Any = scheduler, known: Any = args, **kwargs: Any) -> None:
            scheduler(sgd(), *known).step(*args, **kwargs)

        yield Call("step", later, lambda: (3,), says=(name,))


def _mixed_precision() -> Iterator[Call]:
    amp = dt.amp

    def region(*args: Any, **kwargs: Any) -> None:
        with amp.autocast(*args, **kwargs):
            dt.mm(_x(), _x().T)

    yield Call("autocast", region, lambda: ("cpu", dt.float16, True, False))
    yield Call("is_autocast_enabled", amp.is_autocast_enabled, lambda: ("cpu",))
    yield Call("get_autocast_dtype", amp.get_autocast_dtype, lambda: ("cpu",))
    yield Call("set_autocast_dtype", amp.set_autocast_dtype, lambda: ("cpu", dt.bfloat16))
    yield Call("register_autocast", amp.register_autocast, lambda: ("mm", "lower_precision", "cpu"))
    yield Call("autocast_policy", amp.autocast_policy, lambda: ("mm", "cpu"))
    yield Call("GradScaler", amp.GradScaler, lambda: ("cpu", 2.0, 2.0, 0.5, 3), {"enabled": True})
    for name, args in [("scale", (_x(),)), ("set_growth_factor", (2.0,)), ("set_growth_interval", (3,))]:
        says = () if name == "scale" else ("GradScaler",)
        yield Call(name, _of(lambda: amp.GradScaler("cpu"), name), lambda args=args: args, says=says)
    state = amp.GradScaler("cpu").state_dict()
    yield Call("load_state_dict", _of(lambda: amp.GradScaler("cpu"), "load_state_dict"), lambda: (state,))


def _data() -> Iterator[Call]:
    def load(*args: Any, **kwargs: Any) -> Any:
        return next(iter(data.DataLoader(*args, **kwargs)), None)

    samples = data.TensorDataset(dt.arange(10))
    yield Call(
        "DataLoader",
        load,
        lambda: (samples,),
        {"batch_size": 2, "shuffle": True, "drop_last": True},
        ("default_collate", "RandomSampler"),
    )
    yield Call("DataLoader", data.DataLoader, lambda: (samples, 2), {"num_workers": 0, "timeout": 0})
    yield Call("TensorDataset", data.TensorDataset, lambda: (_x(), dt.ones(2)))
    yield Call("Subset", data.Subset, lambda: (samples, [0, 1]))
    yield Call("random_split", data.random_split, lambda: (samples, [4, 6]))
    yield Call("StackDataset", data.StackDataset, lambda: (samples, samples))
    yield Call("ConcatDataset", data.ConcatDataset, lambda: ([samples, samples],))
    yield Call("ChainDataset", lambda *a, **k: len(data.ChainDataset(*a, **k)), lambda: ([samples],))
    yield Call("default_collate", data.default_collate, lambda: ([(1, _x()), (2, _x())],))
    yield Call("default_convert", data.default_convert, lambda: ([1, 2.5, "x"],))

    def draw(sampler: Any) -> Any:
        return lambda *args, **kwargs: next(iter(sampler(*args, **kwargs)), None)

    for name, args in [
        ("SequentialSampler", (samples,)),
        ("SubsetRandomSampler", ([0, 1],)),
        ("DistributedSampler", (samples, 2, 1, True, 0, False)),
    ]:
        yield Call(name, draw(getattr(data, name)), lambda args=args: args)
    yield Call("RandomSampler", data.RandomSampler, lambda: (samples, True, 3))
    yield Call("BatchSampler", data.BatchSampler, lambda: (data.SequentialSampler(samples), 2, False))
    yield Call("WeightedRandomSampler", data.WeightedRandomSampler, lambda: ([0.5, 0.5], 3, True))


def _files() -> Iterator[Call]:
    import onnxruntime  # noqa: F401  (which is large, and is to be there before memory is short)

    import dovetail.onnx

    folder = Path(tempfile.mkdtemp())
    dt.save({"a": dt.ones(2)}, folder / "x")
    yield Call("save", dt.save, lambda: ({"a": dt.ones(2)}, io.BytesIO()))
    (folder / "bytes").write_bytes(bytes(16))
    yield Call("from_file", dt.from_file, lambda: (folder / "bytes", False, 4), {"dtype": dt.float32, "device": "cpu"})
    yield Call("load", dt.load, lambda: (folder / "x",), {"map_location": "cpu"})
    # A whole export takes long; one axis and no proof of a graph of one op is soon done.
    yield Call("export", dovetail.onnx.export, lambda: (nn.ReLU(), _x(), folder / "m.onnx"), {"opset": 20}, ("relu",))
