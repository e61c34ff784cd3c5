"""What is measured, a file a section."""

from __future__ import annotations

from . import (
    by_hand,
    call_path,
    compute_bound,
    inference,
    linear_algebra,
    memory,
    memory_bound,
    models,
    optimizers,
    process,
    scaling,
    sorting,
    training,
    transforms,
)
from .case import Case, Probe, Section

__all__ = ["SECTIONS", "WHOLE", "Case", "Probe", "Section"]

WHOLE = Section(
    key="whole",
    title="Whole models and transforms",
    about="Models of the documentation and by hand, their passes one by one, and functions that make functions.",
    cases=[*by_hand.CASES, *transforms.CASES, *models.CASES],
)

SECTIONS = {
    section.key: section
    for section in (
        call_path.SECTION,
        memory_bound.SECTION,
        sorting.SECTION,
        compute_bound.SECTION,
        linear_algebra.SECTION,
        training.SECTION,
        optimizers.SECTION,
        inference.SECTION,
        memory.SECTION,
        process.SECTION,
        scaling.SECTION,
        WHOLE,
    )
}
