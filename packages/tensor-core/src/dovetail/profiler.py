"""Where time goes: every op that is called inside a `with`, how often and for how long.

    >>> with dt.profiler.profile() as prof:
    ...     with dt.profiler.record_function("twice"):
    ...         _ = dt.ones(100, 100).softmax(1).sum()
    >>> [(each.key, each.count) for each in prof.key_averages()]
    [('twice', 1), ('ones', 1), ('softmax', 1), ('sum', 1)]

`print(prof.key_averages().table(sort_by="self_cpu_time_total"))` prints a table;
`prof.export_chrome_trace("trace.json")` writes what chrome://tracing and Perfetto show.
"""

from __future__ import annotations

import enum
import functools
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter_ns
from types import TracebackType
from typing import Any, TypeVar

from . import _core, checks, layers

__all__ = ["Event", "EventAverage", "EventAverages", "ProfilerActivity", "profile", "record_function"]

_Function = TypeVar("_Function", bound=Callable[..., Any])


class ProfilerActivity(enum.Enum):
    """Whose time is recorded: that of the calls, on whatever device they compute."""

    CPU = "cpu"
    CUDA = "cuda"


@dataclass
class Event:
    """A call of an op, or a range of `record_function`. Times are in microseconds."""

    name: str
    kind: str  # "op" or "range"
    start: float
    input_shapes: tuple[tuple[int, ...], ...] = ()
    cpu_time_total: float = 0.0
    cpu_time_inside: float = 0.0  # spent in the events that it contains

    @property
    def self_cpu_time_total(self) -> float:
        """The time less that of the events inside."""
        return self.cpu_time_total - self.cpu_time_inside


@dataclass
class EventAverage:
    """All events of one name (and of the same shapes, where these were asked for). Times are in microseconds."""

    key: str
    input_shapes: tuple[tuple[int, ...], ...] = ()
    count: int = 0
    cpu_time_total: float = 0.0
    self_cpu_time_total: float = 0.0

    @property
    def cpu_time(self) -> float:
        """The average time of one."""
        return self.cpu_time_total / self.count if self.count else 0.0


SORTS = ("cpu_time", "cpu_time_total", "self_cpu_time_total", "count", "key")


class EventAverages(Sequence[EventAverage]):
    """What `profile.key_averages()` returns: one entry for every name, in the order in which they were first called."""

    def __init__(self, entries: Iterable[EventAverage]) -> None:
        self._entries = list(entries)

    def __getitem__(self, index: Any) -> Any:
        return self._entries[index]

    def __len__(self) -> int:
        return len(self._entries)

    def __str__(self) -> str:
        return self.table()

    @property
    def self_cpu_time_total(self) -> float:
        """The time of everything, in microseconds."""
        return sum(each.self_cpu_time_total for each in self._entries)

    def total_average(self) -> EventAverage:
        """The sum over all entries."""
        total = EventAverage("Total")
        for each in self._entries:
            total.count += each.count
            total.cpu_time_total += each.cpu_time_total
            total.self_cpu_time_total += each.self_cpu_time_total
        return total

    def table(
        self,
        sort_by: str | None = None,
        row_limit: int = 100,
        max_name_column_width: int = 55,
        header: str | None = None,
    ) -> str:
        """The entries as a table.

        Args:
            sort_by: "cpu_time", "cpu_time_total", "self_cpu_time_total" or "count", the largest first, or "key"; by
                default in the order of the first calls.
            row_limit: show this many rows at most; -1: all.
            max_name_column_width: longer names are cut.
            header: a line above.
        """
        if sort_by is not None and sort_by not in SORTS:
            raise ValueError(f"table: sort_by must be one of {', '.join(SORTS)}, got {checks.shown(sort_by)}")
        checks.ints("table", row_limit=row_limit, max_name_column_width=max_name_column_width)
        entries = self._entries
        if sort_by is not None:
            entries = sorted(entries, key=lambda each: getattr(each, sort_by), reverse=sort_by != "key")
        shown = entries if row_limit < 0 else entries[:row_limit]
        total = self.self_cpu_time_total
        rows = [_HEADINGS, *(_row(each, total, max_name_column_width) for each in shown)]
        if not any(each.input_shapes for each in self._entries):
            rows = [row[:-1] for row in rows]
        lines = _aligned(rows)
        rule = "-" * max(map(len, lines))
        left_out = [f"({len(entries) - len(shown)} more)"] if len(entries) > len(shown) else []
        above = [header] if header else []
        return "\n".join(
            [*above, rule, lines[0], rule, *lines[1:], *left_out, rule, f"Self CPU time total: {_time(total)}"]
        )


_HEADINGS = ["Name", "Self CPU %", "Self CPU", "CPU total %", "CPU total", "CPU time avg", "# of Calls", "Input Shapes"]


def _row(each: EventAverage, total: float, width: int) -> list[str]:
    name = each.key if len(each.key) <= width else each.key[: max(width - 3, 0)] + "..."
    times = [_share(each.self_cpu_time_total, total), _time(each.self_cpu_time_total)]
    times += [_share(each.cpu_time_total, total), _time(each.cpu_time_total), _time(each.cpu_time)]
    return [name, *times, str(each.count), str([list(shape) for shape in each.input_shapes])]


def _aligned(rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    ]


def _share(part: float, total: float) -> str:
    return f"{100 * part / total:.2f}%" if total else "--"


def _time(microseconds: float) -> str:
    for unit, scale in (("s", 1e6), ("ms", 1e3)):
        if microseconds >= scale:
            return f"{microseconds / scale:.3f}{unit}"
    return f"{microseconds:.3f}us"


class _Active(threading.local):
    """The profiles that this thread is inside of, the innermost last."""

    def __init__(self) -> None:
        self.profiles: list[profile] = []


_active = _Active()


class profile:
    """Record every op that this thread calls inside a `with`, also those of backward, with its time.

    A composite is one op; what it is made of belongs to its own time. Watching costs a few microseconds a call. On a
    device that computes on its own, the time is that of the call, not of the computation.

    Args:
        enabled: False makes the `with` do nothing.
        activities: taken as in PyTorch; every call is recorded, whatever its device.
        record_shapes: also keep the shapes of the tensors that each op was given.

    Example:
        >>> x = dt.ones(64, 64)
        >>> with dt.profiler.profile(record_shapes=True) as prof:
        ...     for _ in range(3):
        ...         y = x @ x
        >>> (average,) = prof.key_averages()
        >>> average.key, average.count, prof.events()[0].input_shapes
        ('matmul', 3, ((64, 64), (64, 64)))
    """

    def __init__(
        self,
        enabled: bool = True,
        *,
        activities: Iterable[ProfilerActivity] | None = None,
        record_shapes: bool = False,
    ) -> None:
        self.enabled, self.record_shapes = enabled, record_shapes
        self._events: list[Event] = []
        self._open: list[Event] = []
        self._layer: AbstractContextManager[None] | None = None
        self._thread = threading.get_ident()

    def __enter__(self) -> profile:
        if self._layer is not None:
            raise RuntimeError("profile: this profile is already running; make another one")
        if self.enabled:
            self._thread = threading.get_ident()
            self._layer = layers.intercept(self._call, at="profiler")
            self._layer.__enter__()
            _active.profiles.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._layer is not None:
            layer, self._layer = self._layer, None
            _active.profiles.remove(self)
            layer.__exit__(kind, error, trace)

    def _call(self, op: _core.Op, args: tuple[Any, ...], out: tuple[Any, ...] | None) -> Any:
        event = self._begin(op.name, "op", _shapes(args) if self.record_shapes else ())
        try:
            return op.call(args, out)
        finally:
            self._end(event)

    def _begin(self, name: str, kind: str, shapes: tuple[tuple[int, ...], ...] = ()) -> Event:
        event = Event(name, kind, 0.0, shapes)
        self._events.append(event)
        self._open.append(event)
        event.start = perf_counter_ns() / 1e3
        return event

    def _end(self, event: Event) -> None:
        event.cpu_time_total = perf_counter_ns() / 1e3 - event.start
        self._open.remove(event)
        if self._open:
            self._open[-1].cpu_time_inside += event.cpu_time_total

    def events(self) -> list[Event]:
        """What was recorded, in the order in which it began."""
        return list(self._events)

    def key_averages(self, group_by_input_shape: bool = False) -> EventAverages:
        """The events summed up by name.

        Args:
            group_by_input_shape: keep calls with other shapes apart; needs `record_shapes`.
        """
        if group_by_input_shape and not self.record_shapes:
            raise RuntimeError("key_averages: group_by_input_shape needs profile(record_shapes=True)")
        entries: dict[tuple[str, Any], EventAverage] = {}
        for event in self._events:
            shapes = event.input_shapes if group_by_input_shape else ()
            entry = entries.setdefault((event.name, shapes), EventAverage(event.name, shapes))
            entry.count += 1
            entry.cpu_time_total += event.cpu_time_total
            entry.self_cpu_time_total += event.self_cpu_time_total
        return EventAverages(entries.values())

    def total_average(self) -> EventAverage:
        """The sum over all events."""
        return self.key_averages().total_average()

    @property
    def self_cpu_time_total(self) -> float:
        """The time of everything, in microseconds."""
        return self.key_averages().self_cpu_time_total

    def table(self, sort_by: str | None = None, row_limit: int = 100, **kwargs: Any) -> str:
        """`key_averages().table(...)`."""
        return self.key_averages().table(sort_by, row_limit, **kwargs)

    def __str__(self) -> str:
        return self.table()

    def export_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Write the events as a trace for chrome://tracing or Perfetto.

        Args:
            path: the file to write, JSON.
        """
        import json

        process = os.getpid()
        trace = [
            {
                "name": each.name,
                "cat": each.kind,
                "ph": "X",
                "ts": each.start,
                "dur": each.cpu_time_total,
                "pid": process,
                "tid": self._thread,
                "args": {"Input Dims": [list(shape) for shape in each.input_shapes]} if each.input_shapes else {},
            }
            for each in self._events
        ]
        Path(path).write_text(json.dumps({"traceEvents": trace, "displayTimeUnit": "ms"}), encoding="utf-8")


def _shapes(args: Iterable[Any]) -> tuple[tuple[int, ...], ...]:
    found: list[tuple[int, ...]] = []
    for arg in args:
        if isinstance(arg, _core.Tensor):
            found.append(tuple(arg.shape))
        elif isinstance(arg, (list, tuple)):
            found.extend(tuple(each.shape) for each in arg if isinstance(each, _core.Tensor))
    return tuple(found)


@dataclass
class record_function:
    """A range with a name in the profiles that are running: a context manager, or a decorator.

    Args:
        name: what the profile calls it.

    Example:
        >>> @dt.profiler.record_function("step")
        ... def step():
        ...     return dt.ones(3).sum()
        >>> with dt.profiler.profile() as prof:
        ...     _ = step()
        >>> [each.key for each in prof.key_averages()]
        ['step', 'ones', 'sum']
    """

    name: str
    _begun: list[list[tuple[profile, Event]]] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise TypeError(f"record_function: name must be a str, got {checks.shown(self.name)}")

    def __enter__(self) -> record_function:
        self._begun.append([(each, each._begin(self.name, "range")) for each in _active.profiles])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each, event in self._begun.pop():
            each._end(event)

    def __call__(self, function: _Function) -> _Function:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with record_function(self.name):
                return function(*args, **kwargs)

        return wrapper  # type: ignore[return-value]
