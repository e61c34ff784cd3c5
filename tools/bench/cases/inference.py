"""One input through a network, without gradients."""

from __future__ import annotations

from . import networks
from .case import Case, Section

INFER = """
model.eval()
def infer():
    with xp.no_grad():
        return model(x)
"""


def case(name: str, network: str, target: float) -> Case:
    """The row of a network at batch 1."""
    return Case(name, networks.with_batch(network, 1) + INFER, "infer()", target, tolerance=1e-4)


SECTION = Section(
    key="inference",
    title="Inference",
    about="Batch 1, in eval mode, under no_grad.",
    cases=[
        case("ResNet-18 32 × 32", networks.RESNET, 0.75),
        case("GPT, width 128, 4 layers, 128 tokens", networks.GPT, 0.6),
        case("LSTM, hidden 128, 64 steps", networks.LSTM, 0.6),
    ],
)
