"""Rebuild the compiled packages in place, incrementally, for the Python that runs this.

python tools/build.py                  all of them
python tools/build.py tensor-core      one; tensor-core-cuda, which takes nvcc, only so
python tools/build.py -- -k 0          options after -- go to ninja
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from cmake_hook import build_in_place

PACKAGES = Path(__file__).resolve().parent.parent / "packages"
COMPILED = ["tensor-core", "autograd"]
WITH_NVCC = ["tensor-core-cuda"]  # built only where it is asked for


def main() -> int:
    arguments = sys.argv[1:]
    ninja = arguments[arguments.index("--") :] if "--" in arguments else []
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="*", metavar="package", help=", ".join(COMPILED + WITH_NVCC))
    chosen = parser.parse_args(arguments[: len(arguments) - len(ninja)]).packages or COMPILED
    unknown = set(chosen) - {*COMPILED, *WITH_NVCC}
    if unknown:
        there = ", ".join(COMPILED + WITH_NVCC)
        parser.error(f"{', '.join(sorted(unknown))}: not a compiled package (there are {there})")
    try:
        for package in chosen:
            build_in_place(PACKAGES / package, *ninja)
    except subprocess.CalledProcessError as error:
        return int(error.returncode)
    return 0


if __name__ == "__main__":
    sys.exit(main())
