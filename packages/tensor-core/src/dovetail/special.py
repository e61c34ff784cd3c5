"""Special functions: PyTorch's `torch.special`.

Every op named `special_<name>` is here as `<name>`, beside the ops of `dt` that belong with them, some under another
name: `special.expit` is `dt.sigmoid`.

    >>> dt.special.erfc(dt.tensor([0.0])).tolist()
    [1.0]
    >>> dt.special.expit is dt.sigmoid
    True
"""

from __future__ import annotations

from . import _core

TYPE_CHECKING = False
if TYPE_CHECKING:

    def __getattr__(name: str) -> _core.Op: ...


_PREFIX = "special_"
_OF_DT = (
    "digamma",
    "erf",
    "erfc",
    "erfinv",
    "exp2",
    "expm1",
    "i0",
    "log1p",
    "log_softmax",
    "logit",
    "logsumexp",
    "polygamma",
    "round",
    "sinc",
    "softmax",
    "xlogy",
)
_OTHERWISE_NAMED = {
    "expit": "sigmoid",
    "gammainc": "igamma",
    "gammaincc": "igammac",
    "gammaln": "lgamma",
    "modified_bessel_i0": "i0",
    "modified_bessel_i1": "special_i1",
    "multigammaln": "mvlgamma",
    "psi": "digamma",
}


def _collect() -> dict[str, object]:
    from . import __dict__ as public

    ops = {op.name: op for op in _core.ops()}
    names = {name: name for name in _OF_DT} | _OTHERWISE_NAMED
    names |= {name.removeprefix(_PREFIX): name for name in ops if name.startswith(_PREFIX)}
    return {name: public[op] if op in public else ops[op] for name, op in names.items()}


globals().update(_collect())
__all__ = sorted(_collect())
