"""What a process pays before it computes anything."""

from __future__ import annotations

from functools import partial

import footprint

from .case import Probe, Section

FIRST_GRADIENT = """
import sys
import {module} as xp
x = xp.ones(3, requires_grad=True)
(x * x).sum().backward()
assert x.grad.tolist() == [2, 2, 2]
assert {module!r} != "dovetail" or "numpy" not in sys.modules
"""

SECTION = Section(
    key="process",
    title="Process",
    about="Processes started in turns with a bare interpreter's; byte code is there, as it is after a first import. "
    "The first gradient's process is timed from its start to its end.",
    probes=[
        Probe("import, over a bare interpreter", "s", footprint.importing, at_most=30e-3),
        Probe("first gradient, from start to end", "s", partial(footprint.running, FIRST_GRADIENT), at_most=80e-3),
        Probe("resident after import", "B", footprint.resident, at_most=30e6),
        Probe("installed, with what it needs beside NumPy", "B", footprint.installed, at_most=40e6),
        Probe("modules after import", "", footprint.modules),
    ],
)
