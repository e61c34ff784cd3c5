"""Writes the results of the reliability kit into its page, docs/reliability.md, from docs/reliability.json.

    python tools/reliability.py            after a session with --record
    python tools/reliability.py check      fails where the page shows something else

The sessions keep their counts in the JSON file; what is between the two marks in the page is this tool's.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent.parent / "docs"
BEGIN, END = "<!-- results: tools/reliability.py -->", "<!-- end of the results -->"


def section(session: str, result: dict[str, Any]) -> str:
    given = " ".join(f"{key}={written(value)}" for key, value in sorted(result["arguments"].items()))
    lines = [
        f"### {session}",
        "",
        f"{result['date']}, {result['commit']}; {result['machine']}; {result['seconds']:,} s; {given}.",
        "",
        "| what | count |",
        "|---|---:|",
        *(f"| {what} | {written(count)} |" for what, count in result["counts"].items()),
    ]
    return "\n".join(lines)


def written(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) else str(value)


def page(text: str, results: dict[str, Any]) -> str:
    """The page with these results in the place of those that it shows."""
    before, _, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"docs/reliability.md: no {BEGIN} or no {END}")
    sections = "\n\n".join(section(session, result) for session, result in sorted(results.items()))
    return f"{before}{BEGIN}\n\n{sections}\n\n{END}{after}"


def main() -> int:
    path = DOCS / "reliability.md"
    text = path.read_text(encoding="utf-8")
    made = page(text, json.loads((DOCS / "reliability.json").read_text(encoding="utf-8")))
    if sys.argv[1:] == ["check"]:
        if made != text:
            print("docs/reliability.md is not what docs/reliability.json says: python tools/reliability.py")
        return made != text
    path.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
