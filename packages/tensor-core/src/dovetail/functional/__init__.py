"""Functions that are no ops: they take several forms of arguments and call the op that is meant, or answer with plain
Python values."""

from __future__ import annotations

from .convolve import *  # noqa: F403
from .join import *  # noqa: F403
from .predicates import *  # noqa: F403
from .reduce import *  # noqa: F403
from .select import *  # noqa: F403
