"""The ABI's ledger: in which version every slot and constant of csrc/abi/dovetail/abi.h appeared, and where it lies.

    python tools/abi.py check     what the header and csrc/abi/ledger.txt disagree on
    python tools/abi.py update    enter what is new, under the header's version

A line that stands in the ledger never changes: tables, enums and unions only grow at their ends. `check` compares
declarations, and lets the C compiler assert every offset.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = ROOT / "csrc" / "abi" / "dovetail" / "abi.h"
LEDGER = ROOT / "csrc" / "abi" / "ledger.txt"


@dataclass(frozen=True)
class Entry:
    """A member of a struct (where: its offset) or a constant of an enum (where: its value)."""

    owner: str
    name: str
    where: int
    text: str

    def line(self, version: str) -> str:
        return f"{version} | {self.owner} | {self.where} | {self.text}"


# ---- the header ---------------------------------------------------------------------------------------------


def parse(header: str) -> tuple[str, list[tuple[str, str, str]]]:
    """The version, and (owner, name, declaration) of every struct member and enum constant, in order."""
    major = re.search(r"#define DT_ABI_MAJOR (\d+)", header)
    minor = re.search(r"#define DT_ABI_MINOR (\d+)", header)
    assert major and minor, "the header defines its version"
    code = re.sub(r"/\*.*?\*/|^ *#(ifn?def|endif).*?$", "", header, flags=re.S | re.M)
    found: list[tuple[str, str, str]] = []
    for body, name in re.findall(r"typedef struct \w+ \{(.*?)\n\} (\w+);", code, flags=re.S):
        found += [(name, member, text) for member, text in _members(body)]
    for body in re.findall(r"struct dt_kernel_context \{(.*?)\n\};", code, flags=re.S):
        found += [("dt_kernel_context", member, text) for member, text in _members(body)]
    for body in re.findall(r"enum \{(.*?)\}", code, flags=re.S):
        for constant in filter(None, (c.strip() for c in body.split(","))):
            found.append(("enum", constant.split("=")[0].strip(), " ".join(constant.split())))
    return f"{major[1]}.{minor[1]}", found


def _members(body: str) -> list[tuple[str, str]]:
    """(name, declaration) of a struct's members. A union counts as one member."""
    body = re.sub(
        r"union \{(.*?)\} (\w+);",
        lambda m: f"union {' '.join(m[1].split()).replace(';', ',')} {m[2]};",
        body,
        flags=re.S,
    )
    members = []
    for declaration in filter(None, (" ".join(d.split()) for d in body.split(";"))):
        if declaration.startswith("union"):
            members.append((declaration.rpartition(" ")[2], declaration))
        elif "(*" in declaration:
            members.append((re.findall(r"\(\*(\w+)\)", declaration)[0], declaration))
        else:
            kind, names = re.fullmatch(r"(.*?[ *])(\w+(?:, \w+)*)", declaration).groups()  # type: ignore[union-attr]
            members += [(name, f"{kind.strip()} {name}") for name in names.split(", ")]
    return members


def entries() -> tuple[str, list[Entry]]:
    """The version and everything in the header, with the offsets and values that the C compiler gives."""
    version, found = parse(HEADER.read_text())
    lines = "".join(f'  printf("%ld\\n", (long)({_expression(owner, name)}));\n' for owner, name, _ in found)
    source = f'#include <stdio.h>\n#include "dovetail/abi.h"\nint main(void) {{\n{lines}  return 0;\n}}\n'
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "offsets"
        _compile(source, folder, "-o", str(program))
        output = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    return version, [Entry(o, n, int(w), t) for (o, n, t), w in zip(found, output.split(), strict=True)]


def _expression(owner: str, name: str) -> str:
    return name if owner == "enum" else f"offsetof({owner}, {name})"


def _compile(source: str, folder: str, *options: str) -> None:
    path = Path(folder) / "probe.c"
    path.write_text(source)
    subprocess.run(["cc", "-std=c11", "-I", str(HEADER.parent.parent), str(path), *options], check=True)


# ---- the ledger ---------------------------------------------------------------------------------------------


def problems(version: str, now: list[Entry], ledger: list[str]) -> list[str]:
    """What breaks the promise: entered lines that the header no longer holds, and new ones that are not entered."""
    entered = {line.partition(" | ")[2]: line.partition(" | ")[0] for line in ledger}
    present = {entry.line("").partition(" | ")[2] for entry in now}
    # How many of something there are grows with every minor; that is what the name says.
    counts = {line for line in entered if "_COUNT" in line} | {line for line in present if "_COUNT" in line}
    kept = present | counts | {line for line in entered if any(_grew(line, other) for other in present)}
    broken = [f"changed or gone: {line}" for line in entered if line not in kept]
    missing = [f"not entered yet: {line}" for line in present if line not in entered.keys() | counts]
    newer = [f"entered for a later version: {v} {line}" for line, v in entered.items() if _key(v) > _key(version)]
    return broken + missing + newer


def _grew(union: str, now: str) -> bool:
    """Whether a union has members behind those that were entered."""
    members, _, name = union.rpartition(" ")
    return "| union " in union and now.startswith(members) and now.endswith(f" {name}")


def _key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def read_ledger() -> list[str]:
    return [line for line in LEDGER.read_text().splitlines() if line and not line.startswith("#")]


def main() -> int:
    if sys.argv[1:] not in (["check"], ["update"]):
        print(__doc__)
        return 2
    version, now = entries()
    ledger = read_ledger() if LEDGER.exists() else []
    if sys.argv[1] == "update":
        entered = {line.partition(" | ")[2] for line in ledger}
        new = [entry.line(version) for entry in now if entry.line("").partition(" | ")[2] not in entered]
        head = (
            "# The ABI's ledger (see tools/abi.py): version | table | offset or value | declaration. "
            "Lines are never changed.\n"
        )
        LEDGER.write_text(head + "\n".join([*ledger, *new]) + "\n")
        print(f"{len(new)} lines entered for {version}")
        return 0
    found = problems(version, now, ledger)
    print("\n".join(found) if found else f"the header is as the ledger says ({len(ledger)} lines, ABI {version})")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
