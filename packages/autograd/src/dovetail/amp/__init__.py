"""Mixed precision: products in 16 bits, sums and losses in 32.

Inside `autocast`, ops that are fast and safe in 16 bits run there, those that need range or digits in float32, and
everything else in the dtype of what it is given. Parameters stay float32, and so do their gradients:

    >>> layer = dt.nn.Linear(4, 2)
    >>> with dt.autocast("cpu"):
    ...     out = layer(dt.ones(3, 4))
    ...     loss = dt.nn.functional.mse_loss(out, dt.zeros(3, 2))
    >>> out.dtype, loss.dtype
    (dovetail.bfloat16, dovetail.float32)
    >>> loss.backward()
    >>> layer.weight.grad.dtype
    dovetail.float32

float16 has few exponents: there a `GradScaler` keeps small gradients from vanishing. What happens to which op is said
in `dovetail.amp.policies`.
"""

from __future__ import annotations

from . import policies
from .custom import custom_bwd, custom_fwd
from .grad_scaler import GradScaler
from .policies import autocast_policy, register_autocast
from .regions import (
    autocast,
    clear_autocast_cache,
    get_autocast_dtype,
    is_autocast_available,
    is_autocast_cache_enabled,
    is_autocast_enabled,
    set_autocast_cache_enabled,
    set_autocast_dtype,
    set_autocast_enabled,
)

__all__ = [
    "GradScaler",
    "autocast",
    "autocast_policy",
    "clear_autocast_cache",
    "custom_bwd",
    "custom_fwd",
    "get_autocast_dtype",
    "is_autocast_available",
    "is_autocast_cache_enabled",
    "is_autocast_enabled",
    "policies",
    "register_autocast",
    "set_autocast_cache_enabled",
    "set_autocast_dtype",
    "set_autocast_enabled",
]

policies.install()
