"""Which op works in which dtype, found out by calling it: the page docs/dtypes.md.

    python tools/dtype_table.py > docs/dtypes.md

Every op of the registry is called with its samples (tests/ops/samples), their tensors in turn brought to every dtype.
A call works, or is refused in words (a TypeError that begins with the op's name), or is a defect.
tests/ops/test_dtypes.py holds that there is none of the last kind, and that the page says what this prints.
"""

from __future__ import annotations

import functools
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import dovetail as dt
from dovetail.ops import load_all
from tests.ops import samples as _registered  # noqa: F401
from tests.ops.framework import ALL_DTYPES, ALL_FLOATS, COMPLEXES, SAMPLES, D, Sample, T, each_tensor, samples, tensors

__all__ = ["DEFECT", "REFUSED", "WORKS", "Outcome", "outcome", "page", "sampled_ops"]

WORKS, REFUSED, DEFECT = "✓", "–", "✗"
SAMPLES_EACH, MOST_TRIED = 4, 60  # that work

# What a call in one dtype came to: one of the marks above, and what was said.
Outcome = tuple[str, str]


def sampled_ops() -> list[str]:
    """The ops that have a dtype to vary, in the registry's order."""
    load_all()
    return [op.name for op in dt._core.ops() if op.name in SAMPLES and next(_cases(op.name, "float32"), None)]


def _of_all(sample: Sample) -> Iterator[T]:
    return each_tensor((sample.args, tuple(sample.kwargs.values())))


def _varied(sample: Sample) -> str | None:
    """The dtype that is replaced in a sample: that of the first tensor that is neither a mask nor an index."""
    dtypes = [str(t.array.dtype) for t in _of_all(sample)]
    floats = [dtype for dtype in dtypes if dtype in ALL_FLOATS or dtype in COMPLEXES]
    return next(iter(floats or [dtype for dtype in dtypes if dtype != "bool"] or dtypes), None)


def _brought(value: Any, varied: str | None, dtype: str) -> Any:
    """An argument with the tensors of one dtype brought to another. Integers are all 1, which no op minds."""
    if isinstance(value, T) and str(value.array.dtype) == varied:
        keeps = dtype == varied or (varied in ALL_FLOATS and (dtype in ALL_FLOATS or dtype in COMPLEXES))
        with np.errstate(over="ignore"):
            return T(value.array.astype(dtype) if keeps else np.ones(value.array.shape, dtype), value.layout)
    if isinstance(value, D) and varied is None:
        return D(dtype)
    if isinstance(value, (list, tuple)):
        return type(value)(_brought(item, varied, dtype) for item in value)
    return value


def _rank(sample: Sample) -> int:
    """Samples of float32 first: in those nothing else has the dtype that is varied."""
    return (_varied(sample) != "float32") + (_varied(sample) not in ("float32", "complex64", "int64", None))


@functools.cache
def _best(name: str) -> list[Sample]:
    """The samples to try: those of float32 where there are any."""
    found = sorted(itertools.islice(samples(name), 400), key=_rank)
    return [sample for sample in found if _rank(sample) == _rank(found[0])][:MOST_TRIED]


def _cases(name: str, dtype: str) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    op = dt._core.get_op(name)
    takes_dtype = any(arg.name == "dtype" for arg in op.args)
    for sample in _best(name):
        varied = _varied(sample)
        kwargs = dict(sample.kwargs)
        if varied is None and takes_dtype:
            kwargs["dtype"] = D(dtype)
        elif varied is None or isinstance(kwargs.get("dtype"), D):
            continue
        yield (
            _brought(sample.args, varied, dtype),
            {key: _brought(value, varied, dtype) for key, value in kwargs.items()},
        )


def outcome(name: str, dtype: str) -> Outcome:
    """What comes of an op's samples in a dtype.

    Where some of them work, others may be refused in words for what they ask for beside (a fraction of integers), or
    for a number that the dtype does not hold.
    """
    op = dt._core.get_op(name)
    worked, said = 0, ""
    for args, kwargs in _cases(name, dtype):
        try:
            given, named = tensors((args, kwargs))
            op(*given, **named)
            worked += 1
        except (TypeError, ValueError) as error:
            if not str(error).startswith(f"{name}: "):
                return DEFECT, f"{type(error).__name__}: {error}"
            if isinstance(error, TypeError):
                said = str(error)
        except Exception as error:
            return DEFECT, f"{type(error).__name__}: {error}"
        if worked == SAMPLES_EACH:
            break
    if worked:
        return WORKS, ""
    return (REFUSED, said) if said else (DEFECT, "no sample suits the dtype")


SHORT = {
    "float16": "f16", "bfloat16": "bf16", "float32": "f32", "float64": "f64", "complex64": "c64", "complex128": "c128",
    "bool": "bool",
}  # fmt: skip

HEAD = """# Which op works in which dtype

<!-- Printed by tools/dtype_table.py, which calls every op in every dtype; do not edit. -->

Every op of the core is called here with its test samples in every dtype. A tick: it works, and computes as PyTorch
does: 16-bit floats by way of float32, rounded once, integers wrapping around. A dash: the op has no meaning there and
says so, in a `TypeError` that begins with its name.

Where tensors of several dtypes meet, the result has the dtype that holds both; unsigned and signed integers meet in the
next larger signed one, and `uint64` meets no signed one. `dt.promote_types` tells.
"""


def _short(dtype: str) -> str:
    return SHORT.get(dtype) or dtype.replace("uint", "u").replace("int", "i")


def page() -> str:
    """The page as Markdown."""
    columns = sorted(ALL_DTYPES, key=lambda name: (name in COMPLEXES, name not in ALL_FLOATS, name == "bool"))
    lines = [HEAD]
    names = sampled_ops()
    for family in sorted({dt._core.get_op(name).family for name in names}):
        lines += [f"\n## {family}\n", "| op | " + " | ".join(map(_short, columns)) + " |"]
        lines.append("|---|" + ":-:|" * len(columns))
        for name in sorted(name for name in names if dt._core.get_op(name).family == family):
            lines.append(f"| {name} | " + " | ".join(outcome(name, dtype)[0] for dtype in columns) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
