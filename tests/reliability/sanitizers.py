"""The ops' tests and the fuzz under AddressSanitizer and UBSan; the pool, the allocator and autograd's engine under
ThreadSanitizer.

    python -m tests.reliability.sanitizers --calls 20000 --rounds 1000 --seed 1

The first two need compiled packages that were built with DOVETAIL_SANITIZE=address,undefined, as `nox -s sanitizers`
builds them; `--only thread` does without. First of all each sanitizer is shown a fault of its kind, which it must see.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.reliability.results import REPORT, ROOT, Report, is_report, parser

PARTS = ("address", "thread")
CXX = os.environ.get("CXX", "c++").split()
# Options of the run: CPython does not free all at its end, and sizes that nobody has are asked for.
OPTIONS = "detect_leaks=0:allocator_may_return_null=1:max_allocation_size_mb=1024:handle_abort=1"


def main() -> int:
    options = arguments()
    report = Report("sanitizers", options)
    with tempfile.TemporaryDirectory() as name:
        if "address" in options.only:
            address(options, report, Path(name))
        if "thread" in options.only:
            race(options, report, Path(name))
    return report.finish()


# ---- AddressSanitizer and UBSan ----

TESTS = ["test_ops.py", "test_errors.py", "test_gradients.py", "test_decompositions.py"]

# A byte behind the end of a tensor's memory, and behind the end of its life; arithmetic that C++ leaves undefined.
FAULTS = {
    "a write behind a tensor's end": "x = dt.ones(3); ctypes.memset(x.data_ptr() + 12, 0, 1)",
    "a read after a tensor's end": "x = dt.ones(3); p = x.data_ptr(); del x; ctypes.memmove(room, p, 8)",
    "a sum that overflows": "ctypes.CDLL(library).after(2**31 - 1)",
}
OVERFLOW = 'extern "C" int after(int x) { return x + 1; }'


def environment(logs: Path) -> dict[str, str]:
    """Of a Python that has the sanitizers: their library comes before all, and that of C++ before it throws."""
    libraries = [
        subprocess.run([*CXX, f"-print-file-name={name}"], capture_output=True, text=True, check=True).stdout.strip()
        for name in ("libasan.so", "libstdc++.so")
    ]
    options = f"{OPTIONS}:log_path={logs / 'report'}"
    return {
        **os.environ,
        "LD_PRELOAD": " ".join(libraries),
        "ASAN_OPTIONS": options,
        "UBSAN_OPTIONS": f"print_stacktrace=1:log_path={logs / 'report'}",
        "PYTHONMALLOC": "malloc",  # else objects of Python's own heap are not told apart
    }


def address(options: argparse.Namespace, report: Report, folder: Path) -> None:
    library = folder / "overflow.so"
    (folder / "overflow.cc").write_text(OVERFLOW)
    flags = ["-shared", "-fPIC", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    subprocess.run([*CXX, *flags, str(folder / "overflow.cc"), "-o", str(library)], check=True)
    for fault, code in FAULTS.items():
        logs = folder / "control"
        logs.mkdir(exist_ok=True)
        given = f"room = ctypes.create_string_buffer(8); library = {str(library)!r}"
        program = f"import ctypes, dovetail as dt; {given}; {code}"
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=environment(logs),
            cwd=folder,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode == 0 or not collected(logs, done.stderr):
            report.problem(f"AddressSanitizer and UBSan do not see {fault}: is the library built for them?")
            return
    report.count("faults shown to AddressSanitizer and UBSan, and seen", len(FAULTS))
    run_tests(options, report, folder / "tests")
    run_fuzz(options, report, folder / "fuzz")


def collected(logs: Path, errors: str) -> list[str]:
    """The sanitizers' reports: those in a folder, which are taken out of it, and those among a program's errors, where
    UBSan puts its own."""
    texts = []
    for path in sorted(logs.iterdir()):
        texts.append(path.read_text(errors="replace"))
        path.unlink()
    texts += [errors[found.start() :] for found in REPORT.finditer(errors)]
    return [text[:3000] for text in texts if is_report(text)]


def chosen_tests(every: int, environment: dict[str, str]) -> list[str]:
    """All of TESTS, or of some ops the tests of their results, and those of what is refused."""
    if every == 1:
        return [f"tests/ops/{name}" for name in TESTS]
    # (In a process of its own: this one does not have the sanitizers' library.)
    program = "from tests.ops import samples, framework; print(*sorted(framework.SAMPLES))"
    listing = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    results = [f"tests/ops/test_ops.py::test_op[{name}]" for name in listing.stdout.split()[::every]]
    return ["tests/ops/test_errors.py", *results]


def run_tests(options: argparse.Namespace, report: Report, logs: Path) -> None:
    logs.mkdir()
    tests = chosen_tests(options.every, environment(logs))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-n",
        "2",
        "--max-worker-restart",
        "1000",
    ]
    done = subprocess.run(
        [*command, *tests], cwd=ROOT, env=environment(logs), capture_output=True, text=True, check=False
    )
    counts = {what: int(number) for number, what in re.findall(r"(\d+) (passed|failed|error)", done.stdout[-500:])}
    report.count("tests of ops under AddressSanitizer and UBSan", counts.get("passed", 0))
    if done.returncode:
        failed = "\n".join(line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR")))
        report.problem(f"the tests of the ops fail ({counts}):\n{failed or done.stdout[-3000:]}{done.stderr[-1000:]}")
    found = collected(logs, done.stdout + done.stderr)
    report.count("sanitizer reports in the tests of ops", len(found))
    for text in found:
        report.problem(text)


def run_fuzz(options: argparse.Namespace, report: Report, logs: Path) -> None:
    logs.mkdir()
    command = ["tests.reliability.fuzz", "--calls", str(options.calls), "--seed", str(options.seed)]
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, env=environment(logs), capture_output=True, text=True, check=False
    )
    for what, number in re.findall(r"^fuzz under sanitizers: ([^:\n]*): ([\d,]+)$", done.stdout, re.MULTILINE):
        if what in ("calls", "crashes", "hangs", "sanitizer reports"):
            report.count(f"fuzz under AddressSanitizer and UBSan, {what}", int(number.replace(",", "")))
    if done.returncode:
        report.problem(f"the fuzz under sanitizers:\n{done.stdout[-6000:]}{done.stderr[-2000:]}")


# ---- ThreadSanitizer ----

RACE = """
#include <thread>
int main() {
  int shared = 0;
  std::thread other([&] { ++shared; });
  ++shared;
  other.join();
  return 0;
}
"""


def race(options: argparse.Namespace, report: Report, folder: Path) -> None:
    """The C++ programs beside this file, each linked with what it tries; no report is suppressed."""
    control = folder / "control.cc"
    control.write_text(RACE)
    if run_race(folder, [control]).returncode == 0:
        report.problem("ThreadSanitizer does not see a race")
        return
    report.count("races shown to ThreadSanitizer, and seen", 1)
    for program in PROGRAMS:
        run_program(program, options, report, folder)


@dataclass(frozen=True)
class Program:
    """A C++ program beside this file that prints counts, "3 jobs 0 wrong"."""

    of: str
    main: str
    sources: tuple[str, ...]  # of the library, under csrc/
    share: float = 1.0  # of the rounds


PROGRAMS = (
    Program(
        "the pool and the allocator", "race.cc", ("core/pool.cc", "core/allocator.cc", "core/pages.cc", "core/error.cc")
    ),
    Program(
        "autograd's engine",
        "engine_race.cc",
        ("core/*.cc", "core/ops/*.cc", "autograd/*.cc", "autograd/rules/*.cc"),
        share=0.1,
    ),
)


def run_program(program: Program, options: argparse.Namespace, report: Report, folder: Path) -> None:
    csrc = ROOT / "csrc"
    sources = [path for pattern in program.sources for path in sorted(csrc.glob(pattern))]
    rounds = max(1, round(options.rounds * program.share))
    done = run_race(folder, [Path(__file__).with_name(program.main), *sources], str(rounds), str(options.seed))
    for number, what in re.findall(r"(\d+) (\w+)", done.stdout):
        report.count(f"{what} of {program.of} under ThreadSanitizer", int(number))
    reports = done.stderr.count("WARNING: ThreadSanitizer")
    report.count(f"reports of ThreadSanitizer on {program.of}", reports)
    if done.returncode or reports:
        report.problem(f"{program.of} (exit {done.returncode}):\n{done.stdout}{done.stderr[:6000]}")


def run_race(folder: Path, sources: list[Path], *arguments: str) -> subprocess.CompletedProcess[str]:
    flags = ["-std=gnu++17", "-O1", "-g", "-fsanitize=thread", f"-I{ROOT / 'csrc'}", f"-I{ROOT / 'csrc' / 'abi'}"]
    with tempfile.TemporaryDirectory(dir=folder) as name, ThreadPoolExecutor(os.cpu_count()) as pool:
        program = Path(name) / "race"
        objects = [Path(name) / f"{k}.o" for k in range(len(sources))]
        compiled = pool.map(
            lambda source, made: subprocess.run([*CXX, *flags, "-c", str(source), "-o", str(made)], check=True),
            sources,
            objects,
        )
        list(compiled)  # raises what one of them raised
        subprocess.run([*CXX, *flags, *map(str, objects), "-o", str(program), "-lpthread"], check=True)
        return subprocess.run([str(program), *arguments], capture_output=True, text=True, check=False)


def arguments() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--calls", type=int, default=20_000, help="of the fuzz")
    made.add_argument("--every", type=int, default=1, help="op's tests, of which each n-th is taken")
    made.add_argument("--rounds", type=int, default=1000, help="of each thread under ThreadSanitizer")
    made.add_argument("--only", choices=PARTS, nargs="+", default=list(PARTS))
    return made.parse_args()


if __name__ == "__main__":
    sys.exit(main())
