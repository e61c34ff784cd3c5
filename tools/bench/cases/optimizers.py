"""Steps of the optimizers: over 200 parameters of 1,000 numbers, where calls are most of the time, and over one of a
million, where memory is."""

from __future__ import annotations

from .case import Case, Section

FUSED = "PyTorch, fused"

SETUP = """
params = [data({shape}).requires_grad_() for _ in range({count})]
for p in params:
    p.grad = data({shape})
optimizer = optim.{optimizer}(params, **{arguments}, **fused)

def three_steps():
    for _ in range(3):
        optimizer.step()
    return params[:3]
"""

HAVE_FUSED = ("SGD", "Adam", "AdamW", "Adagrad")
MATRICES = ("Adafactor", "Muon")
# Ratios to PyTorch's default and fused form: for many parameters, and for one.
USUAL = ((0.2, 0.8), (0.5, 1.0))
BARS = {
    "SGD": ((0.4, 0.8), (1.0, 1.0)),
    "Adam": ((0.1, 0.8), (0.5, 1.0)),
    "AdamW": ((0.1, 0.8), (0.5, 1.0)),
    "Adafactor": ((0.6, 1.0), (1.0, 1.0)),
    "ASGD": ((0.2, 1.0), (0.8, 1.0)),
    "Muon": ((0.3, 1.0), (1.0, 1.0)),
}
NAMES = ("Adamax", "NAdam", "RAdam", "Adagrad", "Adadelta", "Adafactor", "ASGD", "RMSprop", "Rprop", "Muon")
OPTIMIZERS: list[tuple[str, dict[str, float]]] = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9}),
    ("Adam", {}),
    ("AdamW", {}),
    *((name, {}) for name in NAMES),
]


def rows(name: str, arguments: dict[str, float]) -> list[Case]:
    """The optimizer's two rows, beside PyTorch's default, and its fused form where it has one."""
    bars = BARS.get(name, USUAL)
    sizes = {"200 of 25 × 40": (200, "25, 40"), "one of 1000 × 1000": (1, "1000, 1000")}
    if name not in MATRICES:
        sizes = {"200 of 1,000": (200, "1000"), "one of 1,000,000": (1, "1000000")}
    title = ", ".join([name, *(key for key in arguments)])
    return [
        Case(
            f"{title}: {size}",
            SETUP.format(optimizer=name, arguments=arguments, count=count, shape=shape),
            "optimizer.step()",
            default,
            result="three_steps()",
            tolerance=2e-2 if name == "Muon" else 1e-4,  # its matrices are bfloat16
            others={FUSED: fused} if name in HAVE_FUSED else {},
        )
        for (size, (count, shape)), (default, fused) in zip(sizes.items(), bars, strict=True)
    ]


SECTION = Section(
    key="optimizers",
    title="Optimizer steps",
    about="One step with gradients that are there. PyTorch's optimizers are its defaults; the second column has "
    "`fused=True`, where they have it.",
    cases=[case for name, arguments in OPTIMIZERS for case in rows(name, arguments)],
)
