"""What the sessions of the kit found: printed, and kept for docs/reliability.md where a whole run asks for it."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import re
import subprocess
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "docs" / "reliability.json"


class Report:
    """Counts of one session, and what went wrong in it.

    `finish()` prints them and gives the exit status: an error where anything went wrong.
    """

    def __init__(self, session: str, options: argparse.Namespace) -> None:
        self.session, self.options = session, options
        self.counts: dict[str, Any] = {}
        self.problems: list[str] = []
        self.began = time.monotonic()

    def count(self, what: str, number: Any) -> None:
        self.counts[what] = number
        print(f"{self.session}: {what}: {shown(number)}", flush=True)

    def problem(self, text: str) -> None:
        self.problems.append(text)
        print(f"{self.session}: WRONG: {text}", flush=True)

    def finish(self) -> int:
        seconds = round(time.monotonic() - self.began)
        self.count("problems", len(self.problems))
        print(f"{self.session}: {seconds} s", flush=True)
        if self.options.record:
            self.keep(seconds)
        return 1 if self.problems else 0

    def keep(self, seconds: int) -> None:
        kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
        given = {key: value for key, value in vars(self.options).items() if key != "record" and value not in (None, [])}
        kept[self.session] = {
            "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
            "commit": git("rev-parse", "--short=12", "HEAD"),
            "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
            "arguments": given,
            "seconds": seconds,
            "counts": self.counts,
        }
        RESULTS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def shown(number: Any) -> str:
    return f"{number:,}" if isinstance(number, int) else str(number)


def git(*command: str) -> str:
    return subprocess.run(["git", *command], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()


def parser(about: str | None, *, seed: int = 1) -> argparse.ArgumentParser:
    """What every session takes."""
    made = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--seed", type=int, default=seed, help="of everything that is random")
    made.add_argument("--record", action="store_true", help="keep the counts for docs/reliability.md")
    return made


# The line that a sanitizer's report begins with. (That a huge allocation was refused is only a warning.)
REPORT = re.compile(r"^.*(ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|: runtime error: )", re.MULTILINE)


def is_report(text: str) -> bool:
    """Whether a sanitizer reports a fault in this text."""
    return REPORT.search(text) is not None
