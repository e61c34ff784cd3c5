"""How far a program's resident set grows: `python resident.py dovetail` reads {"setup", "statement", "kept"} as JSON.

The program runs once with `small` set, which pays for what a library itself needs: its code, its threads. What that
leaves unused is given back. Then comes the setup again. Printed are the growth of the resident set over what is there
after it, at the highest, while the statement runs, less the bytes that the expression `kept` gives; and what tensors
held at their most, if the program leaves that in `live` or the library's allocator counts it.
"""

from __future__ import annotations

import ctypes
import gc
import json
import sys
from importlib import import_module
from typing import Any

from inputs import names_for


def status(name: str) -> int:
    """A figure of /proc/self/status in bytes."""
    with open("/proc/self/status") as file:
        return next(1024 * int(line.split()[1]) for line in file if line.startswith(name + ":"))


def give_back(library: Any) -> None:
    """Return unused memory to the system, as far as the library and the C library can."""
    gc.collect()
    if hasattr(library, "empty_cache"):
        library.empty_cache()
    ctypes.CDLL(None).malloc_trim(0)


def reset_peak() -> None:
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def main() -> None:
    library = import_module(sys.argv[1])
    library.set_num_threads(2)
    library.manual_seed(0)
    program = json.load(sys.stdin)
    names = names_for(library, small=True)
    exec(program["setup"], names)
    exec(program["statement"], names)
    names.clear()

    names.update(names_for(library))
    exec(program["setup"], names)
    give_back(library)
    counted = hasattr(library, "memory_stats")
    if counted:
        library.reset_peak_memory_stats()
        before_live = library.memory_stats()["allocated"]
    before = status("VmRSS")
    reset_peak()
    exec(program["statement"], names)
    peak = status("VmHWM") - before
    live = library.memory_stats()["peak_allocated"] - before_live if counted else None
    found = {"growth": peak - eval(program["kept"] or "0", names), "live": names.get("live", live)}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
