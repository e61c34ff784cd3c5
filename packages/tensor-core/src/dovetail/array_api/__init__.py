"""The Python array API standard, 2024.12: https://data-apis.org/array-api/2024.12/

`x.__array_namespace__()` of a tensor gives this module, so that a library that is written for the standard (SciPy,
scikit-learn, einops, array-api-extra) computes with tensors. Its functions are those of `dt` under the standard's
names, arguments and dtype rules; `dt` itself keeps PyTorch's.

    >>> import dovetail.array_api as xp
    >>> x = xp.asarray([[1, 2], [3, 4]], dtype=xp.uint8)
    >>> xp.sum(x, axis=0, keepdims=True)
    tensor([[4, 6]], shape=(1, 2), dtype=uint64, device=cpu)
"""

from __future__ import annotations

from . import constants as _constants
from . import creation as _creation
from . import data_types as _data_types
from . import elementwise as _elementwise
from . import fft as fft
from . import indexing as _indexing
from . import inspection as _inspection
from . import linalg as linalg
from . import linear_algebra as _linear_algebra
from . import manipulation as _manipulation
from . import searching as _searching
from . import sets as _sets
from . import sorting as _sorting
from . import statistical as _statistical
from . import utility as _utility
from .constants import *
from .creation import *
from .data_types import *
from .elementwise import *
from .indexing import *
from .inspection import *
from .linear_algebra import *
from .manipulation import *
from .searching import *
from .sets import *
from .sorting import *
from .statistical import *
from .utility import *

__array_api_version__ = "2024.12"

_CATEGORIES = [_constants, _creation, _data_types, _elementwise, _indexing, _inspection, _linear_algebra]
_CATEGORIES += [_manipulation, _searching, _sets, _sorting, _statistical, _utility]

__all__ = ["__array_api_version__", "fft", "linalg"]
__all__ += [_name for _category in _CATEGORIES for _name in _category.__all__]


def __dir__() -> list[str]:
    return sorted(__all__)
