"""Kills, failing calls and full disks while saving, damaged checkpoints, and killed DataLoader workers.

python -m tests.reliability.faults --kills 1000 --writes 200 --workers 200 --seed 1
"""

from __future__ import annotations

import argparse
import sys

from tests.reliability.faults_files import damaged, full_disks, injected, kills
from tests.reliability.faults_workers import workers
from tests.reliability.results import Report, parser


def main() -> int:
    options = arguments()
    report = Report("faults", options)
    kills(options.kills, options.seed, report)
    injected(options.writes, options.seed, report)
    full_disks(options.writes, options.seed, report)
    damaged(options.damaged, options.seed, report)
    workers(options.workers, options.seed, report)
    return report.finish()


def arguments() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--kills", type=int, default=1000, help="kill -9 of a process that saves")
    made.add_argument("--writes", type=int, default=200, help="failing calls while saving, and as many full disks")
    made.add_argument("--damaged", type=int, default=2000, help="checkpoints to damage and load")
    made.add_argument("--workers", type=int, default=200, help="DataLoader workers to kill")
    return made.parse_args()


if __name__ == "__main__":
    sys.exit(main())
