"""Bit-equal results for any number of threads, forks after threads were used, and many Python threads at once.

    python -m tests.reliability.threads --seed 1 --seconds 60 --forks 50

Every sample of every op runs with 1, 2, 4 and 8 threads. Because samples are small, some of each op are also grown
until their tensors are above any kernel's grain: the ways in which that can be done are tried in turn, and the ops for
which none works are counted and named.
"""

from __future__ import annotations

import argparse
import itertools
import random
import resource
import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import dovetail as dt
from tests.ops import samples as _registered  # noqa: F401
from tests.ops.framework import SAMPLES, Sample, T, as_list, samples, tensors
from tests.reliability.hammer import forks, hammer
from tests.reliability.results import Report, parser

COUNTS = (1, 2, 4, 8)
GROWN = 1 << 18  # elements: above every kernel's grain, for several ranges
MEMORY = 4 << 30  # bytes; an outer product of grown tensors is refused


def main() -> int:
    options = arguments()
    report = Report("threads", options)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    names = options.names or sorted(SAMPLES)
    small, large, never = 0, 0, []
    for name in names:
        rng = random.Random(zlib.crc32(f"{name} {options.seed}".encode()))
        found = list(samples(name))
        for sample in found[:: options.every]:
            small += 1
            compare(name, sample, report)
        rng.shuffle(found)
        made = list(itertools.islice(grown(name, found), options.grown))
        large += len(made)
        if not made:
            never.append(name)
        for sample in made:
            compare(name, sample, report)
    if not options.names:
        compare_gradients(report)
    report.count("ops", len(names))
    report.count("thread counts compared", ", ".join(map(str, COUNTS)))
    report.count("samples compared bit by bit", small)
    report.count("of them grown above every grain", large)
    report.count("ops that cannot be grown", len(never))
    print(f"threads: not grown: {' '.join(never)}")
    if not options.names:
        forks(options.forks, report)
        hammer(options.seconds, options.seed, report)
    return report.finish()


# ---- one sample with every number of threads ----


def bits(name: str, sample: Sample) -> list[bytes] | str:
    """The results' bytes, or how the op refused; also of results too large to be held twice."""
    args, kwargs = tensors((sample.args, sample.kwargs))
    dt.manual_seed(0)
    try:
        results = as_list(dt._core.get_op(name)(*args, **kwargs))
        return [r.contiguous().numpy().tobytes() if isinstance(r, dt.Tensor) else repr(r).encode() for r in results]
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def compare(name: str, sample: Sample, report: Report) -> None:
    if "empty" in name:  # whatever the memory held
        return
    first: Any = None
    for count in COUNTS:
        dt.set_num_threads(count)
        found = bits(name, sample)
        if isinstance(found, str) and found.startswith("MemoryError"):
            return  # what there is room for depends on what else is held
        first = found if first is None else first
        if found != first:
            report.problem(f"{name}({sample!r}) differs between {COUNTS[0]} and {count} threads")
            return


def compare_gradients(report: Report) -> None:
    """Of convolutions and pools, which no sample's tensors fit when they are grown."""
    generator = dt.Generator().manual_seed(3)
    x = dt.randn(16, 6, 40, 40, generator=generator, requires_grad=True)
    w = dt.randn(8, 3, 3, 3, generator=generator, requires_grad=True)

    def gradients() -> list[bytes]:
        y = dt.nn.functional.avg_pool2d(dt.conv2d(x, w, padding=1, groups=2), 2)
        y = dt.nn.functional.max_pool2d(y, 3, stride=1) + dt.nn.functional.conv_transpose2d(y, w, groups=2).mean()
        found = dt.autograd.grad((y * y).sum(), [x, w])
        return [gradient.contiguous().numpy().tobytes() for gradient in found]

    first: Any = None
    for count in COUNTS:
        dt.set_num_threads(count)
        found = gradients()
        first = first or found
        if found != first:
            report.problem(f"gradients of convolutions and pools differ between {COUNTS[0]} and {count} threads")
            return


# ---- larger samples ----


def grown(name: str, found: list[Sample]) -> Iterator[Sample]:
    """Samples that the op takes with large tensors, as many as there are."""
    dt.set_num_threads(2)
    for sample in found:
        for grow in WAYS:
            larger = grow(sample)
            if larger is not None and not isinstance(bits(name, larger), str):
                yield larger
                break


def tiled(array: np.ndarray, axis: int, factor: int) -> np.ndarray:
    """Repeated along an axis, in new values where values may be new: no two blocks of floats are equal."""
    repeats = [1] * array.ndim
    repeats[axis] = factor
    result = np.tile(array, repeats)
    if result.dtype.kind in "fc":
        scale = np.linspace(0.5, 1.0, result.size).reshape(result.shape)
        with np.errstate(all="ignore"):
            result = (result * scale).astype(array.dtype)
    return result


def along(axis: int, whole: bool) -> Callable[[Sample], Sample | None]:
    """Grow all tensors (or the first alone) along an axis."""

    def grow(sample: Sample) -> Sample | None:
        sizes = [t.array.size for t in of(sample) if t.array.ndim and t.array.size]
        if not sizes:
            return None
        factor = -(-GROWN // max(sizes))
        left = itertools.count() if whole else iter([0])

        def larger(value: Any) -> Any:
            if isinstance(value, T) and value.array.ndim and value.array.size and next(left, None) is not None:
                return T(tiled(value.array, axis, factor), value.layout)
            if isinstance(value, (list, tuple)):
                return type(value)(larger(item) for item in value)
            return value

        args = tuple(larger(arg) for arg in sample.args)
        return Sample(args, sample.reference, {key: larger(value) for key, value in sample.kwargs.items()})

    return grow


def numbers(sample: Sample) -> Sample | None:
    """What takes a shape, or a count, in place of tensors."""
    if any(True for _ in of(sample)) or not sample.args:
        return None
    first = sample.args[0]
    if isinstance(first, (list, tuple)) and first and all(isinstance(n, int) and n > 0 for n in first):
        return Sample(((GROWN, *first[1:]), *sample.args[1:]), sample.reference, sample.kwargs)
    return Sample((GROWN, *sample.args[1:]), sample.reference, sample.kwargs) if isinstance(first, int) else None


WAYS: list[Callable[[Sample], Sample | None]] = [
    along(0, whole=False),
    along(0, whole=True),
    along(-1, whole=False),
    along(-1, whole=True),
    numbers,
]


def of(value: Any) -> Iterator[T]:
    """The tensors of a sample, or among arguments."""
    if isinstance(value, Sample):
        yield from of([*value.args, *value.kwargs.values()])
    elif isinstance(value, T):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from of(item)


def arguments() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--every", type=int, default=1, help="take each n-th sample")
    made.add_argument("--grown", type=int, default=6, help="samples of each op to grow")
    made.add_argument("--forks", type=int, default=50, help="processes forked after use, each forking again")
    made.add_argument("--seconds", type=float, default=60, help="of eight threads hammering")
    made.add_argument("--names", nargs="*", default=[], help="these ops alone")
    return made.parse_args()


if __name__ == "__main__":
    sys.exit(main())
