"""Optimizers and learning-rate schedules.

optimizer = Adam(model.parameters(), lr=1e-3)
loss.backward()
optimizer.step()
optimizer.zero_grad()
"""

from typing import Any

from . import lr_scheduler
from .__about__ import __version__
from .accumulation import Accumulation
from .adadelta import Adadelta
from .adafactor import Adafactor
from .adagrad import Adagrad
from .adam import Adam, AdamW
from .adamax import Adamax
from .asgd import ASGD
from .ema import EMA
from .lbfgs import LBFGS
from .lion import Lion
from .muon import Muon
from .nadam import NAdam
from .optimizer import Optimizer
from .pytorch_state import from_pytorch
from .radam import RAdam
from .registry import get, names
from .rmsprop import RMSprop
from .rprop import Rprop
from .sgd import SGD

__all__ = [
    "ASGD",
    "EMA",
    "LBFGS",
    "SGD",
    "Accumulation",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "Muon",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "__version__",
    "from_pytorch",
    "get",
    "lr_scheduler",
    "names",
]


def __getattr__(name: str) -> Any:
    if name == "swa_utils":  # needs dovetail-nn, and loads when it is asked for
        import importlib

        return importlib.import_module("dovetail.optim.swa_utils")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
