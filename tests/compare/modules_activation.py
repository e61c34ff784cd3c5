"""Activations."""

from __future__ import annotations

from tests.compare.rows import Row, normal

X = normal(3, 4, 6) * 3
PLAIN = (
    *("LogSigmoid", "Sigmoid", "Softsign", "Tanh", "Tanhshrink"),
    *("Hardsigmoid", "Hardswish", "Mish", "ReLU", "ReLU6", "SELU", "SiLU"),
)
IN_PLACE = PLAIN[5:]

# PyTorch's gradient of hardsigmoid divides by 6 in float32.
ROWS = {name: [Row(inputs=(X,), rtol=1e-7 if name == "Hardsigmoid" else 1e-9)] for name in PLAIN}
for _name in IN_PLACE:
    ROWS[_name].append(Row((True,), inputs=(X,), no_grad=(0,)))
ROWS |= {
    "CELU": [Row(inputs=(X,)), Row((0.5,), inputs=(X,)), Row((0.5, True), inputs=(X,), no_grad=(0,))],
    "ELU": [Row(inputs=(X,)), Row((0.5,), inputs=(X,)), Row((0.5, True), inputs=(X,), no_grad=(0,))],
    "GELU": [Row(inputs=(X,)), Row(("tanh",), inputs=(X,))],
    "GLU": [Row(inputs=(X,)), Row((1,), inputs=(X,))],
    "Hardshrink": [Row(inputs=(X,)), Row((1.5,), inputs=(X,))],
    "Hardtanh": [Row(inputs=(X,)), Row((-2.0, 0.5), inputs=(X,)), Row((-2.0, 1.0, True), inputs=(X,), no_grad=(0,))],
    "LeakyReLU": [Row(inputs=(X,)), Row((0.2,), inputs=(X,)), Row((0.2, True), inputs=(X,), no_grad=(0,))],
    "LogSoftmax": [Row((1,), inputs=(X,)), Row((-1,), inputs=(X,))],
    "PReLU": [Row(inputs=(X,)), Row((4, 0.1), inputs=(X,))],
    "Softmax": [Row((1,), inputs=(X,)), Row((-1,), inputs=(X,))],
    "Softmin": [Row((1,), inputs=(X,)), Row((-1,), inputs=(X,))],
    "Softplus": [Row(inputs=(X,)), Row((2.0, 3.0), inputs=(X,))],
    "Softshrink": [Row(inputs=(X,)), Row((1.5,), inputs=(X,))],
    "Threshold": [Row((0.5, 2.0), inputs=(X,)), Row((0.5, 2.0, True), inputs=(X,), no_grad=(0,))],
    # In evaluation mode, and where the slopes can only be one.
    "RReLU": [
        Row(inputs=(X,), training=False),
        Row((0.2, 0.2), inputs=(X,)),
        Row((0.1, 0.4, True), inputs=(X,), training=False, no_grad=(0,)),
    ],
    "Softmax2d": [Row(inputs=(normal(2, 3, 4, 4),)), Row(inputs=(normal(3, 4, 4),))],
}
