"""Optimizers and learning-rate schedules.

optimizer = Adam(model.parameters(), lr=1e-3)
loss.backward()
optimizer.step()
optimizer.zero_grad()
"""

from . import lr_scheduler
from .__about__ import __version__
from .adam import Adam, AdamW
from .optimizer import Optimizer
from .registry import get, names
from .sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "__version__", "get", "lr_scheduler", "names"]
