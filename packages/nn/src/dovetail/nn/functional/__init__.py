"""Functions behind the layers: activations, convolutions, pooling, normalization, dropout, losses, padding, images."""

import dovetail as dt

from .activation import *
from .activation import __all__ as _activation
from .conv import *
from .conv import __all__ as _conv
from .distance import *
from .distance import __all__ as _distance
from .dropout import *
from .dropout import __all__ as _dropout
from .embedding import *
from .embedding import __all__ as _embedding
from .fold import *
from .fold import __all__ as _fold
from .interpolate import *
from .interpolate import __all__ as _interpolate
from .linear import *
from .linear import __all__ as _linear
from .loss import *
from .loss import __all__ as _loss
from .loss_binary import *
from .loss_binary import __all__ as _loss_binary
from .loss_classes import *
from .loss_classes import __all__ as _loss_classes
from .loss_distance import *
from .loss_distance import __all__ as _loss_distance
from .loss_sequence import *
from .loss_sequence import __all__ as _loss_sequence
from .norm import *
from .norm import __all__ as _norm
from .pad import *
from .pad import __all__ as _pad
from .pooling import *
from .pooling import __all__ as _pooling
from .pooling_more import *
from .pooling_more import __all__ as _pooling_more
from .softmax import *
from .softmax import __all__ as _softmax
from .vision import *
from .vision import __all__ as _vision

one_hot = dt.one_hot

__all__ = [
    *_activation,
    *_conv,
    *_distance,
    *_dropout,
    *_embedding,
    *_fold,
    *_interpolate,
    *_linear,
    *_loss,
    *_loss_binary,
    *_loss_classes,
    *_loss_distance,
    *_loss_sequence,
    *_norm,
    *_pad,
    *_pooling,
    *_pooling_more,
    *_softmax,
    *_vision,
    "one_hot",
]
