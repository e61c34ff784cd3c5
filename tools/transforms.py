"""How every op is differentiated and mapped, and on how many samples that is checked: the page docs/derivatives.md.

    python tools/transforms.py            the counts
    python tools/transforms.py --all      and every op
    python tools/transforms.py --page > docs/derivatives.md

All of it is asked of the registry and of autograd's tables; the samples are those that tests/ops/test_gradients.py
checks, counted by the same code. tests/ops/test_completeness.py holds that the page says what the tables say.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import dovetail as dt
from dovetail.autograd import backward_by, batched_by, forward_by
from dovetail.ops import load_all

__all__ = ["Ways", "page", "row", "ways"]

# Right, and slower than a rule would be.
SLOW = {"double vjp", "loop"}


@dataclass(frozen=True)
class Ways:
    """How an op takes part; "" where there is nothing to differentiate or map."""

    family: str
    vjp: str = ""
    jvp: str = ""
    vmap: str = ""
    second_order: str = ""
    real: int = 0  # samples checked
    complex: int = 0


def ways() -> dict[str, Ways]:
    """By op, without the samples."""
    load_all()  # families of composites load when they are first used
    found = {}
    for op in dt._core.ops():
        if not any(arg.type.startswith("Tensor") for arg in op.args):
            found[op.name] = Ways(op.family)
            continue
        mapped = "drawn" if op.random else batched_by(op.name)
        vjp = backward_by(op.name)
        found[op.name] = Ways(op.family, vjp, forward_by(op.name) if op.differentiable else "", mapped)
    return found


def _sampled(table: dict[str, Ways]) -> tuple[dict[str, Ways], str]:
    """With the samples that tests/ops/test_gradients.py checks, and which it leaves out."""
    from tests.ops.derivative_cases import LARGEST, Tally, cases, differentiable_ops, has_second_order

    found, tally = dict(table), Tally()
    for name in differentiable_ops():
        counts: Counter[bool] = Counter()
        second = False
        for case in cases(name, tally):
            counts[case.is_complex] += 1
            second = second or has_second_order(case)
        order = "" if not counts else "✓" if second else "zero"
        found[name] = replace(found[name], second_order=order, real=counts[False], complex=counts[True])
    told = (
        f"left out: {tally.repeated} that repeat one in a narrower dtype, {tally.constant} whose result is constant, "
        f"{tally.rough} not finite or at a jump or kink, {tally.large} of more than {LARGEST} elements"
    )
    return found, told


def _counts(table: dict[str, Ways]) -> list[str]:
    lines = []
    for title, column in (("vjp", "vjp"), ("jvp", "jvp"), ("vmap", "vmap")):
        counts = Counter(getattr(way, column) for way in table.values() if getattr(way, column))
        slow = sum(count for way, count in counts.items() if way in SLOW)
        told = ", ".join(f"{count} {way}" for way, count in counts.most_common())
        share = f" ({100 * slow / sum(counts.values()):.1f} % by loop or double vjp)" if slow else ""
        lines.append(f"{title}: {told}{share}")
    return lines


HEAD = """# Derivatives of every op

<!-- Printed by tools/transforms.py from the registry and the samples; do not edit. -->

- **vjp**, reverse mode: a *rule*, the *decomposition*'s ops, *refused* (a backward raises), or *non_differentiable*:
  the result is a constant.
- **jvp**, forward mode: a *rule*, *linear* ops are their own derivative, *diagonal* ones have that of the vjp's line; a
  *double vjp* differentiates the vjp.
- **vmap**: a batching *rule*; *elementwise* ops and *views* need none; a *loop* runs slice by slice.
- **2nd**: ✓ where gradients of gradients are checked, reverse over reverse and forward over reverse; *zero* where the
  gradient is constant.
- **float64**, **complex128**: on how many samples `gradcheck` compares both modes with finite differences, among them
  empty, zero-dim, broadcast and non-contiguous ones. Draws of random numbers have no differences to compare with.

What the choices at kinks are: [gradients](gradients.md).
"""


def row(name: str, way: Ways) -> str:
    """The part of an op's line that the tables say."""
    return f"| {name} | {way.vjp or '·'} | {way.jvp or '·'} | {way.vmap or '·'} |"


def page() -> str:
    """The page as Markdown."""
    from tests.ops import samples as _registered  # noqa: F401  (some are of ops that nn brings)

    table, left_out = _sampled(ways())
    real, pairs = sum(way.real for way in table.values()), sum(way.complex for way in table.values())
    checked = Counter(way.second_order for way in table.values() if way.second_order)
    lines = [HEAD, f"{len(table)} ops, {sum(1 for way in table.values() if way.vjp)} of them on tensors.", ""]
    lines += [f"- {line}" for line in _counts(table)]
    lines.append(
        f"- second order: {checked['✓']} ops checked, {checked['zero']} zero; samples: {real} float64, {pairs} "
        f"complex128; {left_out}"
    )
    for family in sorted({way.family for way in table.values() if way.vjp}):
        lines += [f"\n## {family}\n", "| op | vjp | jvp | vmap | 2nd | float64 | complex128 |"]
        lines.append("|---|---|---|---|:-:|--:|--:|")
        for name, way in sorted(table.items()):
            if way.family == family and way.vjp:
                lines.append(f"{row(name, way)} {way.second_order or '·'} | {way.real or '·'} | {way.complex or '·'} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    if "--page" in sys.argv[1:]:
        print(page(), end="")
        return 0
    table = ways()
    if "--all" in sys.argv[1:]:
        width = max(map(len, table))
        for name, way in sorted(table.items()):
            print(f"{name:{width}}  {way.vjp or '-':18}  {way.jvp or '-':14}  {way.vmap or '-'}")
    print("\n".join(_counts(table)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
