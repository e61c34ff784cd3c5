"""Derivatives that are written in Python, for ops of the core. A family loads when one of its rules first runs."""

from __future__ import annotations

from importlib import import_module

from ..rules import refuse_vjp, register_jvp, register_vjp

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["register"]

# By family: the ops that `<op>_vjp` there is the rule of, and what it looks at; and those with a forward rule.
_VJPS: dict[str, dict[str, tuple[str, ...]]] = {
    "linalg_factor": {
        "linalg_potrf": ("L", "upper"),
        "linalg_getrf": ("LU", "pivots"),
        "linalg_solve_triangular": ("A", "result", "upper", "left", "unitriangular"),
        "linalg_householder_product": ("A", "tau"),
        "linalg_qr": ("Q", "R", "mode"),
    },
    "linalg_solve": {
        "linalg_inv_ex": ("inverse",),
        "linalg_solve_ex": ("A", "B", "result", "left"),
        "linalg_det": ("A", "result"),
        "linalg_slogdet": ("A", "sign"),
        "linalg_pinv": ("A", "result"),
        "linalg_gels": ("A", "B", "rcond"),
        "matrix_exp": ("self",),
    },
    "linalg_spectrum": {
        "linalg_heevd": ("A", "upper", "eigenvalues", "eigenvectors"),
        "linalg_geev": ("A", "eigenvalues", "eigenvectors"),
        "linalg_gesdd": ("A", "U", "S", "Vh"),
    },
}
_JVPS: dict[str, tuple[str, ...]] = {
    "linalg_factor": ("linalg_qr",),
    "linalg_solve": ("linalg_inv_ex", "linalg_solve_ex", "linalg_det", "linalg_slogdet", "linalg_pinv", "matrix_exp"),
}
# Without a derivative, here as in PyTorch; Chebyshev's polynomials of high degree are trigonometric, which has no
# derivative at the ends of their interval.
_REFUSED = (
    "geqrf",
    "linalg_hetrf",
    "linalg_hetrs",
    "linalg_ldl_factor",
    "linalg_ldl_factor_ex",
    "linalg_ldl_solve",
    "binomial",
    *(f"special_{kind}chebyshev_polynomial_{letter}" for kind in ("", "shifted_") for letter in "tuvw"),
)


def _late(family: str, name: str) -> Callable[..., Any]:
    """The function of this name, whose family is imported when it is first called."""

    def rule(*args: Any) -> Any:
        return getattr(import_module(f"{__name__}.{family}"), name)(*args)

    return rule


def register() -> None:
    """Register all of these rules."""
    for family, rules in _VJPS.items():
        for op, saves in rules.items():
            register_vjp(op, _late(family, f"{op}_vjp"), saves=saves)
    for family, ops in _JVPS.items():
        for op in ops:
            register_jvp(op, _late(family, f"{op}_jvp"))
    for op in _REFUSED:
        refuse_vjp(op)
