"""Functions behind the layers: activations, convolutions, pooling, normalization, dropout, losses, padding."""

from __future__ import annotations

import dovetail as dt

from .activation import (
    celu,
    elu,
    gelu,
    glu,
    hardshrink,
    hardsigmoid,
    hardswish,
    hardtanh,
    leaky_relu,
    log_softmax,
    logsigmoid,
    mish,
    normalize,
    prelu,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    softmax,
    softmin,
    softplus,
    softshrink,
    softsign,
    tanh,
    tanhshrink,
    threshold,
)
from .dropout import dropout, dropout1d, dropout2d, dropout3d
from .linear import bilinear, embedding, linear
from .loss import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    huber_loss,
    kl_div,
    l1_loss,
    mse_loss,
    nll_loss,
    smooth_l1_loss,
)
from .norm import batch_norm, channel_norm, layer_norm
from .pad import pad
from .pooling import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    adaptive_max_pool1d,
    adaptive_max_pool1d_with_indices,
    adaptive_max_pool2d,
    adaptive_max_pool2d_with_indices,
    adaptive_max_pool3d,
    adaptive_max_pool3d_with_indices,
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    max_pool1d,
    max_pool1d_with_indices,
    max_pool2d,
    max_pool2d_with_indices,
    max_pool3d,
    max_pool3d_with_indices,
)

conv1d = dt.conv1d
conv2d = dt.conv2d
conv3d = dt.conv3d
conv_transpose1d = dt.conv_transpose1d
conv_transpose2d = dt.conv_transpose2d
conv_transpose3d = dt.conv_transpose3d
one_hot = dt.one_hot

__all__ = [name for name in dir() if not name.startswith("_") and name not in ("annotations", "dt")]
