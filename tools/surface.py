"""Which of PyTorch's public names there are, found out by asking for them: the page docs/surface.md.

    python tools/surface.py > docs/surface.md
    python tools/surface.py --missing        (only what is missing, on the terminal)

The names, by family, are in tools/surface.txt. Present: the name resolves. Dtypes: in how many of the fifteen the op
works, found out by calling it (see tools/dtype_table.py). Tested: the op has samples (tests/ops/samples), or a test
uses the name.
"""

from __future__ import annotations

import functools
import importlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dtype_table import WORKS, outcome, sampled_ops

import dovetail as dt
from dovetail.ops import load_all
from tests.ops import samples as _registered  # noqa: F401
from tests.ops.framework import ALL_DTYPES, SAMPLES

__all__ = ["Entry", "Family", "families", "page"]

ROOT = Path(__file__).resolve().parents[1]
NAMES = Path(__file__).with_name("surface.txt")


@dataclass(frozen=True)
class Entry:
    """What was found of one name."""

    name: str
    present: bool
    dtypes: int | None  # None: not an op whose dtype varies
    tested: bool


@dataclass(frozen=True)
class Family:
    """The names that belong together, and in which modules or classes they live."""

    title: str
    roots: tuple[str, ...]
    names: tuple[str, ...]


def families() -> Iterator[Family]:
    """The families of tools/surface.txt."""
    for section in re.split(r"^## ", NAMES.read_text(), flags=re.MULTILINE)[1:]:
        head, _, names = section.partition("\n")
        title, _, roots = head.partition(": ")
        yield Family(title, tuple(roots.split(", ")), tuple(re.findall(r"[\w.]+", names)))


# ---- looking names up ----


@functools.cache
def _found(path: str) -> Any:
    """What a dotted path names; None where a part of it is missing."""
    head, _, last = path.rpartition(".")
    if not head:
        return importlib.import_module(path)
    owner = _found(head)
    if owner is None:
        return None
    try:
        return _Holder(getattr(owner, last)) if getattr(owner, last) is None else getattr(owner, last)
    except (AttributeError, ImportError):
        try:
            return importlib.import_module(path)
        except ImportError:
            return None


class _Holder:
    """A name whose value is None (newaxis, an empty grad)."""

    def __init__(self, value: Any) -> None:
        self.value = value


def _op_of(name: str, value: Any) -> str | None:
    """The op behind a function, a method or an in-place form: under its own name, or as whose alias it is known."""
    if isinstance(value, dt.Op):
        return value.name
    for op in dt._core.ops():
        for each in (op.name, *op.aliases):
            if name == each or (op.is_inplace and name == f"{each}_"):
                return op.name
    return None


# ---- what the tests say ----


@functools.cache
def _test_sources() -> str:
    files = [*ROOT.glob("tests/**/*.py"), *ROOT.glob("packages/*/tests/**/*.py"), *ROOT.glob("docs/*.md")]
    return "\n".join(file.read_text() for file in sorted(files) if file != ROOT / "docs" / "surface.md")


@functools.cache
def _used_names() -> frozenset[str]:
    """Names that follow a dot, stand alone in quotes, or are imported."""
    source = _test_sources()
    imported = re.findall(r"^\s*from dovetail[\w.]* import (?:\(([\w,\s]+)\)|([\w, ]+))", source, flags=re.MULTILINE)
    names = re.findall(r"\.(\w+)|[\"'](\w+)[\"']", source)
    return frozenset(part for pair in names for part in pair if part) | frozenset(
        name.strip() for each in imported for name in "".join(each).split(",")
    )


@functools.cache
def _put_together() -> re.Pattern[str]:
    """Names that tests make of a beginning and a number of dims: f"LazyConv{d}"."""
    made = re.findall(r"""\bf["'](\w{4,})\{\w+\}(\w*)["']""", _test_sources())
    return re.compile("|".join(sorted({f"{start}[0-9]d?{end}" for start, end in made})))


@functools.cache
def _dtypes_of(op: str) -> int | None:
    if op not in _varying():
        return None
    return sum(outcome(op, dtype)[0] == WORKS for dtype in ALL_DTYPES)


@functools.cache
def _varying() -> frozenset[str]:
    return frozenset(sampled_ops())


def entry(family: Family, name: str, count_dtypes: bool = True) -> Entry:
    """Look one name up."""
    value = next((found for root in family.roots if (found := _found(f"{root}.{name}")) is not None), None)
    if value is None:
        return Entry(name, False, None, False)
    last = name.rpartition(".")[2]
    op = _op_of(last, value)
    tested = op in SAMPLES or last in _used_names() or _put_together().fullmatch(last) is not None
    return Entry(name, True, _dtypes_of(op) if op is not None and count_dtypes else None, tested)


# ---- the page ----

HEAD = """# Which of PyTorch's names there are

<!-- Printed by tools/surface.py, which looks every name up and calls every op; do not edit. -->

The public names of PyTorch 2.13, by family; what is quantised, sparse, of one vendor or of the compiler is left out.
*Present*: `dt` has the name. *Dtypes*: in how many of the fifteen dtypes the op works when it is called with its
samples (see [Dtypes](dtypes.md)); a dash where no dtype varies. *Tested*: the op has samples with a reference, or a
test uses the name.

| family | names | present | tested |
|---|--:|--:|--:|
"""


def page() -> str:
    """The page as Markdown."""
    load_all()
    found = [(family, [entry(family, name) for name in family.names]) for family in families()]
    lines = [HEAD.rstrip("\n")]
    for family, entries in found:
        lines.append(_counts(f"[{family.title}](#{_anchor(family.title)})", entries))
    lines.append(_counts("**all**", [each for _, entries in found for each in entries]))
    for family, entries in found:
        lines += ["", f"## {family.title}", ""]
        missing = [f"`{each.name}`" for each in entries if not each.present]
        if missing:
            lines += ["Missing: " + ", ".join(missing) + ".", ""]
        if len(missing) < len(entries):
            lines += ["| name | dtypes | tested |", "|---|:-:|:-:|"]
            lines += [
                f"| `{each.name}` | {'–' if each.dtypes is None else each.dtypes} | {'✓' if each.tested else '–'} |"
                for each in entries
                if each.present
            ]
    return "\n".join(lines) + "\n"


def _counts(title: str, entries: list[Entry]) -> str:
    present, tested = sum(each.present for each in entries), sum(each.tested for each in entries)
    return f"| {title} | {len(entries)} | {present} | {tested} |"


def _anchor(title: str) -> str:
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def _print_missing() -> None:
    for family in families():
        entries = [entry(family, name, count_dtypes=False) for name in family.names]
        missing = [each.name for each in entries if not each.present]
        untested = [each.name for each in entries if each.present and not each.tested]
        print(f"{family.title}: {len(missing)} missing {missing}; {len(untested)} untested {untested}")


if __name__ == "__main__":
    if "--missing" in sys.argv[1:]:
        load_all()
        _print_missing()
    else:
        print(page(), end="")
