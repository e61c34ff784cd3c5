"""Which tests there are for this machine: those of a device where there is one, else those of its absence."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import dovetail as dt

installed = importlib.util.find_spec("dovetail._cuda") is not None
library = (
    installed and Path(importlib.util.find_spec("dovetail._cuda").origin).with_name("libdovetail_cuda.so").exists()
)
present = (library or "cuda" in dt.backends.names()) and dt.cuda.is_available()

collect_ignore = [
    *([] if present else ["test_device.py", "test_graphs.py", "test_graphed_steps.py"]),
    *([] if library and not present else ["test_absent.py"]),
]
