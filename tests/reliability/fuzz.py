"""Every registered op and every public function, with spoiled arguments, by a seed; DLPack's capsules too.

    python -m tests.reliability.fuzz --calls 200000 --seed 1
    python -m tests.reliability.fuzz --calls 500 --names softmax conv2d

A worker that dies or hangs is laid at the door of its call. Under AddressSanitizer every report ends the worker, and
its text is shown.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.reliability.calls import names
from tests.reliability.results import Report, is_report, parser
from tests.reliability.workers import SANITIZED, run


def main() -> int:
    options = arguments()
    report = Report("fuzz under sanitizers" if SANITIZED else "fuzz", options)
    chosen = [name for name in names() if not options.names or name.split("#")[0] in options.names]
    each = -(-options.calls // len(chosen))
    tallies = [Counter[str]() for _ in range(options.jobs)]

    def part(k: int) -> None:
        for problem in run(chosen[k :: options.jobs], each, options.seed, tallies[k]):
            report.problem(problem)

    with ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(part, range(options.jobs)))
    total = sum(tallies, Counter[str]())
    report.count("names", len(chosen))
    report.count("calls", total.pop("calls", 0))
    in_crashes = total.pop("report", 0)
    report.count("of them with a DLPack capsule", each * sum(name.startswith("from_dlpack#") for name in chosen))
    report.count("crashes", total.pop("crash", 0))
    report.count("hangs", total.pop("hang", 0))
    report.count("calls that worked", total.pop("worked", 0))
    report.count("refusals", sum(total.values()))
    for kind, number in total.most_common():
        report.count(f"refusals, {kind}", number)
    if SANITIZED:
        reports = sanitizer_reports()  # AddressSanitizer's; UBSan's are in what the workers wrote
        report.count("sanitizer reports", len(reports) + in_crashes)
        for text in reports:
            report.problem(text)
    return report.finish()


def sanitizer_reports() -> list[str]:
    """What the sanitizers of this run wrote, where their options said so (log_path)."""
    options = dict(option.split("=", 1) for option in os.environ.get("ASAN_OPTIONS", "").split(":") if "=" in option)
    if "log_path" not in options:
        return []
    path = Path(options["log_path"])
    texts = [found.read_text(errors="replace") for found in sorted(path.parent.glob(f"{path.name}.*"))]
    return [text[:4000] for text in texts if is_report(text)]


def arguments() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--calls", type=int, default=200_000, help="in all, spread evenly over the names")
    made.add_argument("--names", nargs="*", default=[], help="these alone")
    made.add_argument("--jobs", type=int, default=2, help="workers at a time")
    return made.parse_args()


if __name__ == "__main__":
    sys.exit(main())
