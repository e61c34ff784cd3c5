"""How every op takes part in the transforms: a table of its forward derivative and its batched form, and their counts.

python tools/transforms.py            the counts
python tools/transforms.py --all      and every op
"""

from __future__ import annotations

import sys
from collections import Counter
from importlib import import_module

import dovetail as dt
from dovetail.autograd import batched_by, forward_by


def ways() -> dict[str, tuple[str, str]]:
    """By op: how its forward derivative is had ("" for ops without tensors or derivative), and how vmap runs it."""
    import_module("dovetail.ops").load_all()  # families of composites load when they are first used
    found = {}
    for op in dt._core.ops():
        takes_tensors = any(arg.type.startswith("Tensor") for arg in op.args)
        forward = forward_by(op.name) if op.differentiable and takes_tensors else ""
        found[op.name] = (forward, ("drawn" if op.random else batched_by(op.name)) if takes_tensors else "")
    return found


def main() -> int:
    table = ways()
    if "--all" in sys.argv[1:]:
        width = max(map(len, table))
        for name, (forward, batched) in sorted(table.items()):
            print(f"{name:{width}}  {forward or '-':14}  {batched or '-'}")
    for title, index in (("forward derivative", 0), ("vmap", 1)):
        counts = Counter(way[index] for way in table.values() if way[index])
        print(f"{title}: " + ", ".join(f"{count} by {way}" for way, count in counts.most_common()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
