"""The conformance check of a backend: `python -m dovetail.testing.backend NAME`.

Runs every op that has an example here on the backend's device and on the CPU, and compares the results. Required
primitives must be there; for the others the backend may bring a kernel or have them decomposed. It needs nothing but an
installed dovetail-tensor-core and the backend's own distribution.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import dovetail as dt
from dovetail import Op, Tensor

from .comparison import assert_close
from .samples import samples

__all__ = ["Report", "check", "main"]


@dataclass
class Report:
    """What a backend does with the ops.

    Attributes:
        name: the backend's.
        native: ops that it brings a kernel for.
        composed: other ops that work, by their decomposition.
        missing: required primitives without a kernel.
        failed: ops that raised or gave another result than the CPU, with the reason.
    """

    name: str
    native: list[str] = field(default_factory=list)
    composed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether every required primitive is there and nothing failed."""
        return not self.missing and not self.failed

    def text(self) -> str:
        """The report to read."""
        required = [op.name for op in _primitives() if op.required]
        optional = [op.name for op in _primitives() if not op.required]
        present = [name for name in required if name in self.native]
        extra = [name for name in optional if name in self.native]
        lines = [
            f"backend {self.name}",
            f"  required primitives  {len(present)} / {len(required)}",
            f"  optional kernels     {len(extra)} / {len(optional)}",
            f"  by decomposition     {len(self.composed)}",
        ]
        if self.missing:
            lines.append(f"  missing: {', '.join(sorted(self.missing))}")
        lines += [f"  FAILED {name}: {reason}" for name, reason in sorted(self.failed.items())]
        lines.append("passed" if self.passed else "did not pass")
        return "\n".join(lines)


def _primitives() -> Iterator[Op]:
    """The ops that a kernel can be for."""
    return (op for op in dt._core.ops() if op.form not in ("view", "composite"))


def check(name: str) -> Report:
    """Run the conformance check on a backend that is registered or announced by an entry point.

    Example:
        >>> from dovetail.testing.backend import check
        >>> check("cpu").passed
        True
    """
    if not dt.backends.is_available(name):
        try:
            dt.device(name)
        except ImportError as error:  # it is there, and broken
            raise ValueError(f"check: {error}") from error
        except ValueError:
            pass
        there = ", ".join(dt.backends.names())
        raise ValueError(f"check: there is no backend {name!r} with a device; there are {there}")
    report = Report(name)
    for op in dt._core.ops():
        cases = samples(op.name)
        if not cases:
            continue
        try:
            for case in cases:
                _compare(op, case, name)
        except NotImplementedError as error:
            if op.required and not _is_native(op, cases[0], name):
                report.missing.append(op.name)
            else:
                report.failed[op.name] = _short(error)
        except Exception as error:  # a backend may fail in any way
            report.failed[op.name] = _short(error)
        else:
            (report.native if _is_native(op, cases[0], name) else report.composed).append(op.name)
    return report


def _compare(op: Op, case: tuple[Any, ...], name: str) -> None:
    expected = op.call(case)
    actual = op.call(_moved(case, name))
    assert_close(_host(actual), _host(expected), rtol=1e-4, atol=1e-5, equal_nan=True)
    for tensor in _listed(actual):
        if tensor.device.type != name:
            raise AssertionError(f"the result is on {tensor.device}, not on {name}")


def _moved(value: Any, name: str) -> Any:
    """The arguments with tensors, and places for new ones, on the device."""
    if isinstance(value, Tensor):
        return value.to(name)
    if isinstance(value, dt.device):
        return dt.device(name)
    if isinstance(value, (list, tuple)):
        return type(value)(_moved(each, name) for each in value)
    return value


def _listed(result: Any) -> list[Tensor]:
    return [result] if isinstance(result, Tensor) else list(result)


def _host(result: Any) -> Any:
    return [tensor.cpu() for tensor in _listed(result)]


def _is_native(op: Op, case: tuple[Any, ...], name: str) -> bool:
    """Whether the backend brings a kernel for the op at the dtypes of the example."""
    if op.form in ("view", "composite"):
        return False
    of_tensors = [tensor.dtype for tensor in _tensors(case)]
    # One dtype for what is promoted first or made from nothing, else one for every tensor.
    single = [*of_tensors, *(value for value in case if isinstance(value, dt.dtype)), dt.float32, dt.int64, dt.bool]
    tries = [tuple(of_tensors), *((dtype,) for dtype in single)]
    return any(dt._core.has_kernel(op.name, name, dtypes) for dtypes in tries)


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    return [each for part in value for each in _tensors(part)] if isinstance(value, (list, tuple)) else []


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m dovetail.testing.backend", description=__doc__.splitlines()[0])
    parser.add_argument("name", help="the device type, such as cpu")
    name = parser.parse_args(arguments).name
    try:
        report = check(name)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    print(report.text())
    return 0 if report.passed else 1


if __name__ == "__main__":
    sys.exit(main())
