"""Neural networks: Module, the layers, their functions, initial values and utilities.

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 2)

    def forward(self, x):
        return self.fc(x).relu()
"""

from . import functional, init, modules, utils
from .__about__ import __version__
from .modules import *
from .parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter

__all__ = [
    "Buffer",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "__version__",
    "functional",
    "init",
    "modules",
    "utils",
    *modules.__all__,
]
