"""Functions that are no ops: they take several forms of arguments and call the op that is meant, or answer with plain
Python values."""

from __future__ import annotations

from . import convolve, join, predicates, reduce, sampled, select, special
from .convolve import *
from .join import *
from .predicates import *
from .reduce import *
from .sampled import *
from .select import *
from .special import *

__all__ = []
__all__ += convolve.__all__
__all__ += join.__all__
__all__ += predicates.__all__
__all__ += reduce.__all__
__all__ += sampled.__all__
__all__ += select.__all__
__all__ += special.__all__
